//! From the rows of a small table as delivered to those that are visible and keep every rule.
//!
//! What the run's day cannot see yet goes first and without a trace. Then each row is held against the rules of its
//! columns, its references and its key; the first rule that it breaks is the one it is rejected for. Everything is
//! decided from the content of rows, never from their order or their file.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{
    BooleanChunked, DataFrame, DataFrameJoinOps, Int32Chunked, Int64Chunked, IntoColumn, JoinArgs, JoinType, NamedFrom,
    NewChunkedArray, PolarsResult, SortMultipleOptions, UInt32Chunked, UInt64Chunked,
};
use xxhash_rust::xxh3::Xxh3;

use super::frame::{self, CONTENT, FILE, Frame, Gathered, KNOWN, ROW, SUPERSEDED};
use super::part::{Part, is_split};
use super::rejects::Rejects;
use super::rules;
use super::schema::{Kind, RECORDED_AT, Table};
use super::settings::Settings;
use super::tally::Tally;
use super::{InputTable, Seen};
use crate::vocabulary::{Day, Moment};

/// Ids that a referenced table holds; a table that was not delivered, or that failed itself, is not in it.
pub(super) type Keys = BTreeMap<InputTable, DataFrame>;

/// Checks one table. Rows of other parts that came along take part in every comparison and count for nothing.
pub(super) fn check(
    table: &'static Table,
    gathered: Gathered,
    files: &[String],
    keys: &Keys,
    settings: &Settings,
    as_of: Day,
) -> PolarsResult<(Frame, Tally)> {
    let part = gathered.part;
    let cut = gathered.cut.into_iter().map(|(column, cells)| (column.to_owned(), cells)).collect();
    let data = only_visible(table, gathered.data, settings, as_of)?;
    let own = own_rows(table, &data, part);
    let (data, unending) = read_open_ends(table, data, settings, &own)?;
    let mut verdicts = Verdicts::new(data.height());
    verdicts.conversions(&data, &gathered.faults);
    verdicts.columns(table, &data, settings);
    verdicts.references(table, &data, keys)?;
    let data = with_content(table, data)?;
    let mut sorted = Sorted::new(table, data, verdicts)?;
    sorted.reject_duplicates();
    let own = own_rows(table, &sorted.data, part);
    let rejects = sorted.rejects(files, settings.max_rejected_listed, &own);
    let rows = own.iter().filter(|own| **own).count() as u64;
    let accepted = sorted.accepted()?;
    let counted = only_own(&accepted, &own_rows(table, &accepted, part))?;
    let (newest, nulls) = (newest_event(table, &counted), nulls(table, &counted));
    let frame = in_table_order(table, needed(table, with_seen(table, accepted)?, part)?)?;
    let recorded = frame::moment_cells(&only_own(&frame.data, &own_rows(table, &frame.data, part))?, RECORDED_AT);
    let recorded = recorded.iter().any(Option::is_some);
    let (table, accepted, older) = (table.table, counted.height() as u64, 0);
    Ok((frame, Tally { table, rows, rejects, newest, accepted, nulls, cut, unending, older, recorded }))
}

/// Whether each row is the part's own.
fn own_rows(table: &Table, data: &DataFrame, part: Part) -> Vec<bool> {
    if part.is_whole() || !is_split(table) {
        return vec![true; data.height()];
    }
    frame::text_cells(data, "account_id").into_iter().map(|account| part.owns_row(account)).collect()
}

fn only_own(data: &DataFrame, own: &[bool]) -> PolarsResult<DataFrame> {
    if own.iter().all(|own| *own) {
        return Ok(data.clone());
    }
    data.filter(&own.iter().copied().map(Some).collect::<BooleanChunked>())
}

/// The part's own rows; of a contact all rows, because the accounts where a person worked before are part of the story.
fn needed(table: &Table, data: DataFrame, part: Part) -> PolarsResult<DataFrame> {
    let own = own_rows(table, &data, part);
    if table.table != InputTable::Contacts || part.is_whole() {
        return only_own(&data, &own);
    }
    let contacts = frame::text_cells(&data, "contact_id");
    let ours: BTreeSet<&str> = contacts.iter().zip(&own).filter(|(_, own)| **own).filter_map(|(id, _)| *id).collect();
    let kept: Vec<bool> = contacts.iter().map(|contact| contact.is_some_and(|id| ours.contains(id))).collect();
    only_own(&data, &kept)
}

fn event_days(table: &Table, data: &DataFrame) -> Vec<Option<Day>> {
    let Some(event) = table.event.and_then(|name| table.column(name)) else { return vec![None; data.height()] };
    match event.kind {
        Kind::Ts => frame::moment_cells(data, event.name).into_iter().map(|at| at.map(Moment::day)).collect(),
        _ => frame::day_cells(data, event.name),
    }
}

/// Rows that happened and were recorded by the run's day.
fn only_visible(table: &Table, data: DataFrame, settings: &Settings, as_of: Day) -> PolarsResult<DataFrame> {
    let recorded = frame::moment_cells(&data, RECORDED_AT);
    let future = |day: Option<Day>| day.is_some_and(|day| rules::is_future(day, as_of, settings));
    let visible = event_days(table, &data)
        .into_iter()
        .zip(recorded)
        .map(|(event, recorded)| !future(event) && !future(recorded.map(Moment::day)));
    let mask: BooleanChunked = visible.collect();
    data.filter(&mask)
}

/// Ends beyond the calendar (9999-12-31) become "has not ended".
fn read_open_ends(
    table: &Table,
    mut data: DataFrame,
    settings: &Settings,
    own: &[bool],
) -> PolarsResult<(DataFrame, Vec<(String, u64)>)> {
    let mut unending = Vec::new();
    for column in table.columns.iter().filter(|column| column.open_ended) {
        let (mut open, mut any) = (0_u64, false);
        let mut ends = |row: usize, day: Day| {
            let ended = day <= settings.latest_day;
            open += u64::from(!ended && own[row]);
            any |= !ended;
            ended
        };
        let name = column.name.into();
        let read = if column.kind == Kind::Ts {
            let cells = frame::moment_cells(&data, column.name).into_iter().enumerate();
            let kept = cells.map(|(row, at)| at.filter(|at| ends(row, at.day())).map(|at| at.0));
            Int64Chunked::from_iter_options(name, kept).into_column()
        } else {
            let cells = frame::day_cells(&data, column.name).into_iter().enumerate();
            let kept = cells.map(|(row, day)| day.filter(|day| ends(row, *day)).map(|day| day.0));
            Int32Chunked::from_iter_options(name, kept).into_column()
        };
        unending.push((column.name.to_owned(), open));
        if any {
            data.with_column(read)?;
        }
    }
    Ok((data, unending))
}

/// The first rule that a row breaks.
#[derive(Clone, Debug)]
struct Broken {
    column: &'static str,
    rule: String,
    value: Option<String>,
}

/// One verdict per row of a frame.
struct Verdicts(Vec<Option<Box<Broken>>>);

impl Verdicts {
    fn new(rows: usize) -> Verdicts {
        Verdicts(vec![None; rows])
    }

    fn mark(&mut self, row: usize, column: &'static str, rule: impl Into<String>, value: Option<String>) {
        let rule = rule.into();
        self.0[row].get_or_insert_with(|| Box::new(Broken { column, rule, value }));
    }

    fn conversions(&mut self, data: &DataFrame, faults: &[frame::RowFault]) {
        if faults.is_empty() {
            return;
        }
        let position: BTreeMap<u32, usize> =
            frame::row_cells(data, ROW).into_iter().enumerate().filter_map(|(at, row)| Some((row?, at))).collect();
        for fault in faults {
            if let Some(row) = position.get(&fault.row) {
                self.mark(*row, fault.column, fault.unfit.rule, Some(fault.unfit.value.clone()));
            }
        }
    }

    fn columns(&mut self, table: &'static Table, data: &DataFrame, settings: &Settings) {
        for column in &table.columns {
            let name = column.name;
            match column.kind {
                Kind::Str => {
                    let fault = |value: &&str| rules::text_fault(column, value, settings);
                    self.cells(column.required, name, frame::text_cells(data, name), fault, |value| value.to_string());
                }
                Kind::Date => {
                    let fault = |day: &Day| rules::day_fault(*day, settings);
                    self.cells(column.required, name, frame::day_cells(data, name), fault, Day::to_string);
                }
                Kind::Ts => {
                    let fault = |at: &Moment| rules::day_fault(at.day(), settings);
                    self.cells(column.required, name, frame::moment_cells(data, name), fault, Moment::to_string);
                }
                Kind::Int => {
                    let fault = |value: &i64| rules::num_fault(column, *value as f64);
                    self.cells(column.required, name, frame::int_cells(data, name), fault, i64::to_string);
                }
                Kind::Num => {
                    let fault = |value: &f64| rules::num_fault(column, *value);
                    self.cells(column.required, name, frame::num_cells(data, name), fault, f64::to_string);
                }
                Kind::Bool => {
                    self.cells(column.required, name, frame::bool_cells(data, name), |_| None, bool::to_string);
                }
            }
            if let Some(start) = column.not_before {
                self.order(table, data, start, name);
            }
        }
    }

    fn cells<T>(
        &mut self,
        required: bool,
        name: &'static str,
        cells: Vec<Option<T>>,
        fault: impl Fn(&T) -> Option<String>,
        show: impl Fn(&T) -> String,
    ) {
        for (row, cell) in cells.iter().enumerate() {
            match cell {
                None if required => self.mark(row, name, rules::NULL, None),
                None => {}
                Some(value) => {
                    if let Some(rule) = fault(value) {
                        self.mark(row, name, rule, Some(show(value)));
                    }
                }
            }
        }
    }

    fn order(&mut self, table: &Table, data: &DataFrame, start: &'static str, end: &'static str) {
        let moments = |name: &str| match table.column(name).map(|column| column.kind) {
            Some(Kind::Ts) => frame::moment_cells(data, name),
            _ => frame::day_cells(data, name).into_iter().map(|day| day.map(Moment::start_of)).collect(),
        };
        for (row, span) in moments(start).into_iter().zip(moments(end)).enumerate() {
            if let (Some(from), Some(to)) = span
                && to < from
            {
                let value = if to.0 % 86_400_000_000 == 0 { to.day().to_string() } else { to.to_string() };
                self.mark(row, end, format!("must not lie before `{start}`"), Some(value));
            }
        }
    }

    /// Values that the referenced table does not hold. A table may refer to itself: a row that loses its parent is
    /// rejected, and then its own children lose theirs.
    fn references(&mut self, table: &'static Table, data: &DataFrame, keys: &Keys) -> PolarsResult<()> {
        for column in &table.columns {
            let Some(target) = column.references else { continue };
            if target == table.table {
                while self.reference(column.name, target, data, &self.own_keys(table, data)?)? {}
            } else if let Some(held) = keys.get(&target) {
                self.reference(column.name, target, data, held)?;
            }
        }
        Ok(())
    }

    fn own_keys(&self, table: &Table, data: &DataFrame) -> PolarsResult<DataFrame> {
        let sound: BooleanChunked = self.0.iter().map(Option::is_none).collect();
        data.select([table.key[0]])?.filter(&sound)
    }

    /// Marks rows whose value is not held; true when one that was sound until now is among them.
    fn reference(
        &mut self,
        column: &'static str,
        target: InputTable,
        data: &DataFrame,
        held: &DataFrame,
    ) -> PolarsResult<bool> {
        let key = held.get_column_names()[0].to_string();
        let positions: Vec<u32> = (0..data.height() as u32).collect();
        let mut left = data.select([column])?;
        left.with_column(UInt32Chunked::new(ROW.into(), positions).into_column())?;
        let orphans = left.join(held, [column], [key.as_str()], JoinArgs::new(JoinType::Anti), None)?;
        let (rows, values) = (frame::row_cells(&orphans, ROW), frame::text_cells(&orphans, column));
        let mut news = false;
        for (row, value) in rows.into_iter().zip(values) {
            if let (Some(row), Some(value)) = (row, value) {
                news |= self.0[row as usize].is_none();
                self.mark(row as usize, column, format!("must exist in `{target}`"), Some(value.to_owned()));
            }
        }
        Ok(news)
    }
}

/// Adds a hash of each row's whole content, which orders rows that share a key without looking at their place, and
/// each row's position, by which its verdict is found again after sorting.
fn with_content(table: &Table, mut data: DataFrame) -> PolarsResult<DataFrame> {
    let mut hashes: Vec<Xxh3> = Vec::new();
    hashes.resize_with(data.height(), Xxh3::new);
    for column in &table.columns {
        let name = column.name;
        match column.kind {
            Kind::Str => digest(&mut hashes, frame::text_cells(&data, name), |hash, text| hash.update(text.as_bytes())),
            Kind::Date => digest(&mut hashes, frame::day_cells(&data, name), |h, day| h.update(&day.0.to_le_bytes())),
            Kind::Ts => digest(&mut hashes, frame::moment_cells(&data, name), |h, at| h.update(&at.0.to_le_bytes())),
            Kind::Int => digest(&mut hashes, frame::int_cells(&data, name), |h, v| h.update(&v.to_le_bytes())),
            Kind::Num => digest(&mut hashes, frame::num_cells(&data, name), |h, v| h.update(&v.to_le_bytes())),
            Kind::Bool => digest(&mut hashes, frame::bool_cells(&data, name), |h, v| h.update(&[u8::from(v)])),
        }
    }
    let digests: Vec<u64> = hashes.iter().map(Xxh3::digest).collect();
    let positions: Vec<u32> = (0..data.height() as u32).collect();
    data.with_column(UInt64Chunked::new(CONTENT.into(), digests).into_column())?;
    data.with_column(UInt32Chunked::new(ROW.into(), positions).into_column())?;
    Ok(data)
}

fn digest<T>(hashes: &mut [Xxh3], cells: Vec<Option<T>>, update: impl Fn(&mut Xxh3, T)) {
    for (hash, cell) in hashes.iter_mut().zip(cells) {
        hash.update(&[u8::from(cell.is_some())]);
        if let Some(value) = cell {
            update(hash, value);
        }
        hash.update(&[0x1f]);
    }
}

/// Rows in the order of key, recording and content, each with its verdict.
struct Sorted {
    table: &'static Table,
    data: DataFrame,
    verdicts: Verdicts,
}

impl Sorted {
    fn new(table: &'static Table, data: DataFrame, mut verdicts: Verdicts) -> PolarsResult<Sorted> {
        let by: Vec<&str> = table.key.iter().copied().chain([RECORDED_AT, CONTENT, FILE]).collect();
        let mut data = data.sort(by, SortMultipleOptions::default())?;
        data.rechunk_mut();
        let order = frame::row_cells(&data, ROW);
        let moved = order.into_iter().map(|row| row.and_then(|row| verdicts.0[row as usize].take())).collect();
        Ok(Sorted { table, data, verdicts: Verdicts(moved) })
    }

    /// Of sound rows with one key and one moment of recording the first by content stays.
    fn reject_duplicates(&mut self) {
        let keys = KeyCells::new(self.table, &self.data);
        let recorded = frame::moment_cells(&self.data, RECORDED_AT);
        let column = self.table.key[0];
        let mut kept: Option<usize> = None;
        let mut duplicates = Vec::new();
        for row in 0..self.data.height() {
            if self.verdicts.0[row].is_some() {
                continue;
            }
            match kept {
                Some(first) if recorded[first] == recorded[row] && keys.same(first, row) => duplicates.push(row),
                _ => kept = Some(row),
            }
        }
        let values: Vec<(usize, String)> = duplicates.into_iter().map(|row| (row, keys.shown(row))).collect();
        for (row, key) in values {
            self.verdicts.mark(row, column, rules::DUPLICATE, Some(key));
        }
    }

    fn rejects(&self, files: &[String], max_listed: usize, own: &[bool]) -> Rejects {
        let mut rejects = Rejects::new(self.table.table, max_listed);
        let keys = KeyCells::new(self.table, &self.data);
        let file_of = frame::row_cells(&self.data, FILE);
        for (row, broken) in self.verdicts.0.iter().enumerate() {
            let Some(broken) = broken.as_ref().filter(|_| own[row]) else { continue };
            let file = file_of[row].and_then(|file| files.get(file as usize)).map_or("", String::as_str);
            rejects.add(keys.shown(row), broken.column, &broken.rule, broken.value.as_deref(), file);
        }
        rejects
    }

    fn accepted(self) -> PolarsResult<DataFrame> {
        let mask: BooleanChunked = self.verdicts.0.iter().map(Option::is_none).collect();
        self.data.filter(&mask)
    }
}

/// The key columns of a frame.
struct KeyCells<'a>(Vec<Cells<'a>>);

enum Cells<'a> {
    Text(Vec<Option<&'a str>>),
    Day(Vec<Option<Day>>),
    Moment(Vec<Option<Moment>>),
}

impl<'a> KeyCells<'a> {
    fn new(table: &Table, data: &'a DataFrame) -> KeyCells<'a> {
        let cells = |name: &&'static str| match table.column(name).map(|column| column.kind) {
            Some(Kind::Date) => Cells::Day(frame::day_cells(data, name)),
            Some(Kind::Ts) => Cells::Moment(frame::moment_cells(data, name)),
            _ => Cells::Text(frame::text_cells(data, name)),
        };
        KeyCells(table.key.iter().map(cells).collect())
    }

    fn same(&self, a: usize, b: usize) -> bool {
        self.0.iter().all(|cells| match cells {
            Cells::Text(cells) => cells[a] == cells[b],
            Cells::Day(cells) => cells[a] == cells[b],
            Cells::Moment(cells) => cells[a] == cells[b],
        })
    }

    /// The key as people read it, its parts joined by ` / `.
    fn shown(&self, row: usize) -> String {
        let part = |cells: &Cells| match cells {
            Cells::Text(cells) => cells[row].map(str::to_owned),
            Cells::Day(cells) => cells[row].map(|day| day.to_string()),
            Cells::Moment(cells) => cells[row].map(|at| at.to_string()),
        };
        let parts: Vec<String> = self.0.iter().map(|cells| part(cells).unwrap_or_else(|| "null".into())).collect();
        parts.join(" / ")
    }
}

fn newest_event(table: &Table, accepted: &DataFrame) -> Option<Day> {
    let recorded = frame::moment_cells(accepted, RECORDED_AT).into_iter().map(|at| at.map(Moment::day));
    match table.event {
        Some(_) => event_days(table, accepted).into_iter().flatten().max(),
        None => recorded.flatten().max(),
    }
}

fn nulls(table: &Table, accepted: &DataFrame) -> Vec<(String, u64)> {
    let nulls = |name: &str| accepted.column(name).map_or(accepted.height(), |column| column.null_count()) as u64;
    table.optional_columns().map(|column| (column.name.to_owned(), nulls(column.name))).collect()
}

/// Adds the days from which and until which each version was visible, and leaves out versions that never were:
/// those that the next one overtook before the day ended.
fn with_seen(table: &Table, mut accepted: DataFrame) -> PolarsResult<DataFrame> {
    let recorded = frame::moment_cells(&accepted, RECORDED_AT);
    let known: Vec<Day> = event_days(table, &accepted)
        .into_iter()
        .zip(recorded)
        .map(|(event, recorded)| rules::known_day(recorded, event))
        .collect();
    let keys = KeyCells::new(table, &accepted);
    let mut superseded = vec![Day::MAX; known.len()];
    for row in (1..known.len()).rev() {
        if keys.same(row - 1, row) {
            superseded[row - 1] = known[row].min(superseded[row]);
        }
    }
    let days = |days: &[Day]| days.iter().map(|day| day.0).collect::<Vec<i32>>();
    let was_visible: BooleanChunked = known.iter().zip(&superseded).map(|(from, until)| from < until).collect();
    let (known, superseded) = (days(&known), days(&superseded));
    accepted.with_column(Int32Chunked::new(KNOWN.into(), known).into_column())?;
    accepted.with_column(Int32Chunked::new(SUPERSEDED.into(), superseded).into_column())?;
    accepted.filter(&was_visible)
}

/// By account, then time, then key, then version.
fn in_table_order(table: &Table, data: DataFrame) -> PolarsResult<Frame> {
    let account = table.column("account_id").map(|column| column.name);
    let by: Vec<&str> =
        account.into_iter().chain(table.event).chain(table.key.iter().copied()).chain([RECORDED_AT]).collect();
    let mut data = data.sort(by, SortMultipleOptions::default())?;
    data.rechunk_mut();
    let (known, superseded) = (frame::day_cells(&data, KNOWN), frame::day_cells(&data, SUPERSEDED));
    let seen = known.into_iter().zip(superseded).map(|(known, superseded)| Seen {
        known: known.unwrap_or(Day::MIN),
        superseded: superseded.unwrap_or(Day::MAX),
    });
    Ok(Frame { seen: seen.collect(), data })
}
