//! From the rows of a small table as delivered to those that are visible and keep every rule.
//!
//! What the run's day cannot see yet goes first and without a trace. Then each row is held against the rules of its
//! columns, its references and its key; the first rule that it breaks is the one it is rejected for. Everything is
//! decided from the content of rows, never from their order or their file.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use foldhash::fast::FixedState;
use xxhash_rust::xxh3::xxh3_64;

use super::frame::{self, Delivered, Frame};
use super::order::{Cells, arrange};
use super::seen::Seen;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::{Part, is_split};
use crate::extracts::contract::rejects::Rejects;
use crate::extracts::contract::rules;
use crate::extracts::contract::schema::{Kind, RECORDED_AT, Table};
use crate::extracts::contract::settings::Settings;
use crate::extracts::contract::tally::Tally;
use crate::vocabulary::{Day, Moment, Text};

/// Ids that rows may refer to.
pub type Ids = HashSet<Text, FixedState>;

/// Ids that a referenced table holds; a table that was not delivered, or that failed itself, is not in it.
pub type Keys = BTreeMap<InputTable, Ids>;

/// Checks one table. Rows stand for their positions as delivered until those that stay are moved, once. Rows of other
/// parts that came along take part in every comparison and count for nothing.
pub fn check(
    table: &'static Table,
    delivered: Delivered,
    part: Part,
    files: &[String],
    keys: &Keys,
    settings: &Settings,
    as_of: Day,
) -> Result<(Frame, Tally), ArrowError> {
    let Delivered { data, files: file_of, faults, cut } = delivered;
    let own = Own::of(table, &data, part);
    let visible = visible(table, &data, settings, as_of);
    let (data, unending) = read_open_ends(table, data, &visible, &own, settings)?;
    let mut verdicts = Verdicts::new(data.num_rows());
    verdicts.conversions(&faults);
    verdicts.columns(table, &data, &visible, settings);
    verdicts.references(table, &data, &visible, keys);
    let versions = Versions::new(table, &data);
    let order = versions.order(visible, &file_of);
    versions.reject_duplicates(&order, &mut verdicts);
    let rows = own.of_these(&order);
    let rejects = versions.rejects(&rows, &verdicts, &file_of, files, settings.max_rejected_listed);
    let accepted: Vec<u32> = order.iter().copied().filter(|row| verdicts.sound(*row)).collect();
    let counted = own.of_these(&accepted);
    let (newest, nulls) = (versions.newest_event(&counted), nulls(table, &data, &counted));
    let cut = cut.into_iter().map(|(column, cells)| (column.to_owned(), cells)).collect();
    let frame = versions.frame(&accepted, &own)?;
    let recorded = versions.is_recorded(&counted);
    let (rows, accepted) = (rows.len() as u64, counted.len() as u64);
    let tally = Tally { nulls, cut, unending, recorded, ..Tally::new(table.table, rows, rejects, newest, accepted) };
    Ok((frame, tally))
}

/// Which rows of a table are the part's own; `None` where all are.
struct Own(Option<Vec<bool>>);

impl Own {
    fn of(table: &Table, data: &RecordBatch, part: Part) -> Own {
        let split = !part.is_whole() && is_split(table);
        let accounts = || frame::text_cells(data, "account_id");
        Own(split.then(|| accounts().into_iter().map(|account| part.owns_row(account)).collect()))
    }

    fn has(&self, row: u32) -> bool {
        self.0.as_ref().is_none_or(|own| own[row as usize])
    }

    fn of_these<'r>(&self, rows: &'r [u32]) -> Cow<'r, [u32]> {
        match &self.0 {
            None => Cow::Borrowed(rows),
            Some(_) => Cow::Owned(rows.iter().copied().filter(|row| self.has(*row)).collect()),
        }
    }
}

fn event_days(table: &Table, data: &RecordBatch) -> Vec<Option<Day>> {
    let Some(event) = table.event.and_then(|name| table.column(name)) else { return vec![None; data.num_rows()] };
    if event.kind == Kind::Ts {
        let cell = frame::moment_cell(data, event.name);
        return (0..data.num_rows()).map(|row| cell(row).map(Moment::day)).collect();
    }
    frame::day_cells(data, event.name)
}

/// Rows that happened and were recorded by the run's day.
fn visible(table: &Table, data: &RecordBatch, settings: &Settings, as_of: Day) -> Vec<u32> {
    let recorded = frame::moment_cell(data, RECORDED_AT);
    let future = |day: Option<Day>| day.is_some_and(|day| rules::is_future(day, as_of, settings));
    let days = event_days(table, data).into_iter().enumerate();
    days.filter(|(row, event)| !future(*event) && !future(recorded(*row).map(Moment::day)))
        .map(|(row, _)| row as u32)
        .collect()
}

/// Ends beyond the calendar (9999-12-31) become "has not ended".
fn read_open_ends(
    table: &Table,
    data: RecordBatch,
    visible: &[u32],
    own: &Own,
    settings: &Settings,
) -> Result<(RecordBatch, Vec<(String, u64)>), ArrowError> {
    let mut unending = Vec::new();
    let schema = data.schema();
    let mut columns = data.columns().to_vec();
    for (place, column) in table.columns.iter().enumerate().filter(|(_, column)| column.open_ended) {
        let ended = |day: Day| day <= settings.latest_day;
        let (read, ends): (ArrayRef, Vec<Option<Day>>) = if column.kind == Kind::Ts {
            let cells = frame::moment_cells(&data, column.name);
            let kept = cells.iter().map(|at| at.filter(|at| ended(at.day())).map(|at| at.0));
            let kept = TimestampMicrosecondArray::from_iter(kept);
            (Arc::new(kept), cells.iter().map(|at| at.map(Moment::day)).collect())
        } else {
            let cells = frame::day_cells(&data, column.name);
            let kept = Date32Array::from_iter(cells.iter().map(|day| day.filter(|day| ended(*day)).map(|day| day.0)));
            (Arc::new(kept), cells)
        };
        let open = |row: &&u32| ends[**row as usize].is_some_and(|day| !ended(day));
        if visible.iter().any(|row| open(&row)) {
            columns[place] = read;
        }
        let counted = visible.iter().filter(|row| own.has(**row) && open(row)).count();
        unending.push((column.name.to_owned(), counted as u64));
    }
    Ok((RecordBatch::try_new(schema, columns)?, unending))
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

    fn sound(&self, row: u32) -> bool {
        self.0[row as usize].is_none()
    }

    fn conversions(&mut self, faults: &[frame::RowFault]) {
        for fault in faults {
            self.mark(fault.row as usize, fault.column, fault.unfit.rule, Some(fault.unfit.value.clone()));
        }
    }

    fn columns(&mut self, table: &'static Table, data: &RecordBatch, visible: &[u32], settings: &Settings) {
        for column in &table.columns {
            let (name, cells) = (column.name, Given { required: column.required, name: column.name, visible });
            match column.kind {
                Kind::Str => {
                    let fault = |value: &&str| rules::text_fault(column, value, settings);
                    self.cells(cells, frame::text_cell(data, name), fault, |value| value.to_string());
                }
                Kind::Date => {
                    let fault = |day: &Day| rules::day_fault(*day, settings);
                    self.cells(cells, frame::day_cell(data, name), fault, Day::to_string);
                }
                Kind::Ts => {
                    let fault = |at: &Moment| rules::day_fault(at.day(), settings);
                    self.cells(cells, frame::moment_cell(data, name), fault, Moment::to_string);
                }
                Kind::Int => {
                    let fault = |value: &i64| rules::num_fault(column, *value as f64);
                    self.cells(cells, frame::int_cell(data, name), fault, i64::to_string);
                }
                Kind::Num => {
                    let fault = |value: &f64| rules::num_fault(column, *value);
                    self.cells(cells, frame::num_cell(data, name), fault, f64::to_string);
                }
                Kind::Bool => self.cells(cells, frame::bool_cell(data, name), |_| None, bool::to_string),
            }
            if let Some(start) = column.not_before {
                self.order(table, data, visible, start, name);
            }
        }
    }

    fn cells<T>(
        &mut self,
        given: Given,
        cell: impl Fn(usize) -> Option<T>,
        fault: impl Fn(&T) -> Option<String>,
        show: impl Fn(&T) -> String,
    ) {
        for row in given.visible.iter().map(|row| *row as usize) {
            match cell(row) {
                None if given.required => self.mark(row, given.name, rules::NULL, None),
                None => {}
                Some(value) => {
                    if let Some(rule) = fault(&value) {
                        self.mark(row, given.name, rule, Some(show(&value)));
                    }
                }
            }
        }
    }

    fn order(&mut self, table: &Table, data: &RecordBatch, visible: &[u32], start: &'static str, end: &'static str) {
        let moments = |name: &str| match table.column(name).map(|column| column.kind) {
            Some(Kind::Ts) => frame::moment_cells(data, name),
            _ => frame::day_cells(data, name).into_iter().map(|day| day.map(Moment::start_of)).collect(),
        };
        let (starts, ends) = (moments(start), moments(end));
        for row in visible.iter().map(|row| *row as usize) {
            if let (Some(from), Some(to)) = (starts[row], ends[row])
                && to < from
            {
                let value = if to.0 % 86_400_000_000 == 0 { to.day().to_string() } else { to.to_string() };
                self.mark(row, end, format!("must not lie before `{start}`"), Some(value));
            }
        }
    }

    /// Values that the referenced table does not hold. A table may refer to itself: a row that loses its parent is
    /// rejected, and then its own children lose theirs.
    fn references(&mut self, table: &'static Table, data: &RecordBatch, visible: &[u32], keys: &Keys) {
        for column in &table.columns {
            let Some(target) = column.references else { continue };
            let mut look_up = Reference { column: column.name, target, data, visible };
            if target == table.table {
                let own = frame::text_cell(data, table.key[0]);
                loop {
                    let sound = visible.iter().filter(|row| self.sound(**row));
                    let held: HashSet<&str, FixedState> = sound.filter_map(|row| own(*row as usize)).collect();
                    if !look_up.mark(self, |id| held.contains(id)) {
                        break;
                    }
                }
            } else if let Some(held) = keys.get(&target) {
                look_up.mark(self, |id| held.contains(id));
            }
        }
    }
}

/// The cells of a column that count.
struct Given<'a> {
    required: bool,
    name: &'static str,
    visible: &'a [u32],
}

/// One column that refers to a table.
struct Reference<'a> {
    column: &'static str,
    target: InputTable,
    data: &'a RecordBatch,
    visible: &'a [u32],
}

impl Reference<'_> {
    /// Marks rows whose value is not held; true when one that was sound until now is among them.
    fn mark(&mut self, verdicts: &mut Verdicts, held: impl Fn(&str) -> bool) -> bool {
        let (mut news, mut last) = (false, None);
        let cell = frame::text_cell(self.data, self.column);
        for row in self.visible {
            let Some(id) = cell(*row as usize) else { continue };
            // Rows of one account often stand together.
            if last == Some(id) {
                continue;
            }
            if held(id) {
                last = Some(id);
                continue;
            }
            news |= verdicts.sound(*row);
            let rule = format!("must exist in `{}`", self.target);
            verdicts.mark(*row as usize, self.column, rule, Some(id.to_owned()));
        }
        news
    }
}

/// The rows of a table as versions of their keys.
struct Versions<'a> {
    table: &'static Table,
    data: &'a RecordBatch,
    keys: Vec<Cells<'a>>,
    recorded: Cells<'a>,
    events: Vec<Option<Day>>,
}

impl<'a> Versions<'a> {
    fn new(table: &'static Table, data: &'a RecordBatch) -> Versions<'a> {
        let keys = table.key.iter().map(|name| Cells::of(table, data, name)).collect();
        let recorded = Cells::Moment(Box::new(frame::moment_cell(data, RECORDED_AT)));
        Versions { table, data, keys, recorded, events: event_days(table, data) }
    }

    /// By key, recording, content and file.
    fn order(&self, mut rows: Vec<u32>, file_of: &[u32]) -> Vec<u32> {
        let by: Vec<&Cells> = self.keys.iter().chain([&self.recorded]).collect();
        arrange(&mut rows, &by);
        let mut contents: Option<Contents> = None;
        for alike in rows.chunk_by_mut(|a, b| by.iter().all(|cells| cells.same(*a, *b))) {
            if alike.len() > 1 {
                let contents = contents.get_or_insert_with(|| Contents::of(self.table, self.data));
                alike.sort_by_cached_key(|row| (contents.hash(*row as usize), file_of[*row as usize]));
            }
        }
        rows
    }

    /// Of sound rows with one key and one moment of recording the first by content stays.
    fn reject_duplicates(&self, order: &[u32], verdicts: &mut Verdicts) {
        let column = self.table.key[0];
        let mut kept: Option<u32> = None;
        for row in order.iter().copied() {
            if !verdicts.sound(row) {
                continue;
            }
            match kept {
                Some(first) if self.recorded.same(first, row) && self.same_key(first, row) => {
                    verdicts.mark(row as usize, column, rules::DUPLICATE, Some(self.shown(row)));
                }
                _ => kept = Some(row),
            }
        }
    }

    fn rejects(
        &self,
        order: &[u32],
        verdicts: &Verdicts,
        file_of: &[u32],
        files: &[String],
        max_listed: usize,
    ) -> Rejects {
        let mut rejects = Rejects::new(self.table.table, max_listed);
        for row in order {
            let Some(broken) = &verdicts.0[*row as usize] else { continue };
            let file = files.get(file_of[*row as usize] as usize).map_or("", String::as_str);
            rejects.add(self.shown(*row), broken.column, &broken.rule, broken.value.as_deref(), file);
        }
        rejects
    }

    fn same_key(&self, a: u32, b: u32) -> bool {
        self.keys.iter().all(|cells| cells.same(a, b))
    }

    /// The key as people read it, its parts joined by ` / `.
    fn shown(&self, row: u32) -> String {
        let parts: Vec<String> =
            self.keys.iter().map(|cells| cells.shown(row).unwrap_or_else(|| "null".into())).collect();
        parts.join(" / ")
    }

    fn recorded(&self, row: u32) -> Option<Moment> {
        match &self.recorded {
            Cells::Moment(cell) => cell(row as usize),
            _ => None,
        }
    }

    fn newest_event(&self, accepted: &[u32]) -> Option<Day> {
        match self.table.event {
            Some(_) => accepted.iter().filter_map(|row| self.events[*row as usize]).max(),
            None => accepted.iter().filter_map(|row| self.recorded(*row).map(Moment::day)).max(),
        }
    }

    /// When each of the rows, which stand in the order of their versions, was visible. Left out are versions that
    /// never were: those that the next one overtook before the day ended.
    fn seen(&self, accepted: &[u32]) -> Vec<(u32, Seen)> {
        let known: Vec<Day> =
            accepted.iter().map(|row| rules::known_day(self.recorded(*row), self.events[*row as usize])).collect();
        let mut superseded = vec![Day::MAX; known.len()];
        for at in (1..known.len()).rev() {
            if self.same_key(accepted[at - 1], accepted[at]) {
                superseded[at - 1] = known[at].min(superseded[at]);
            }
        }
        let seen = known.into_iter().zip(superseded).map(|(known, superseded)| Seen { known, superseded });
        accepted.iter().copied().zip(seen).filter(|(_, seen)| seen.known < seen.superseded).collect()
    }

    /// Whether any of the rows says when it was recorded.
    fn is_recorded(&self, rows: &[u32]) -> bool {
        rows.iter().any(|row| self.recorded(*row).is_some())
    }

    /// The part's own rows that were ever visible: by account, then time, then key, then version. Of a contact all
    /// rows, because the accounts where a person worked before are part of the story.
    fn frame(&self, accepted: &[u32], own: &Own) -> Result<Frame, ArrowError> {
        let mut seen_of = vec![Seen::from(Day::MIN); self.data.num_rows()];
        let mut rows: Vec<u32> = Vec::with_capacity(accepted.len());
        for (row, seen) in self.seen(accepted) {
            seen_of[row as usize] = seen;
            rows.push(row);
        }
        self.keep_needed(&mut rows, own);
        let account = self.table.column("account_id").map(|column| column.name);
        let leading = account.into_iter().chain(self.table.event);
        let leading: Vec<Cells> = leading.map(|name| Cells::of(self.table, self.data, name)).collect();
        let by: Vec<&Cells> = leading.iter().chain(&self.keys).chain([&self.recorded]).collect();
        arrange(&mut rows, &by);
        let seen = rows.iter().map(|row| seen_of[*row as usize]).collect();
        Frame::of_rows(self.table, self.data, rows, seen)
    }

    fn keep_needed(&self, rows: &mut Vec<u32>, own: &Own) {
        if own.0.is_none() {
            return;
        }
        if self.table.table != InputTable::Contacts {
            return rows.retain(|row| own.has(*row));
        }
        let contacts = frame::text_cells(self.data, "contact_id");
        let ours: HashSet<&str> =
            rows.iter().filter(|row| own.has(**row)).filter_map(|row| contacts[*row as usize]).collect();
        rows.retain(|row| contacts[*row as usize].is_some_and(|contact| ours.contains(contact)));
    }
}

/// Every cell of a table, to tell rows of one key apart by what they hold and not by where they stand.
struct Contents<'a>(Vec<Column<'a>>);

enum Column<'a> {
    Text(Vec<Option<&'a str>>),
    Day(Vec<Option<Day>>),
    Moment(Vec<Option<Moment>>),
    Int(Vec<Option<i64>>),
    Num(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
}

impl<'a> Contents<'a> {
    fn of(table: &Table, data: &'a RecordBatch) -> Contents<'a> {
        let columns = table.columns.iter().map(|column| match column.kind {
            Kind::Str => Column::Text(frame::text_cells(data, column.name)),
            Kind::Date => Column::Day(frame::day_cells(data, column.name)),
            Kind::Ts => Column::Moment(frame::moment_cells(data, column.name)),
            Kind::Int => Column::Int(frame::int_cells(data, column.name)),
            Kind::Num => Column::Num(frame::num_cells(data, column.name)),
            Kind::Bool => Column::Flag(frame::bool_cells(data, column.name)),
        });
        Contents(columns.collect())
    }

    fn hash(&self, row: usize) -> u64 {
        let mut bytes = Vec::new();
        for column in &self.0 {
            match column {
                Column::Text(cells) => write(&mut bytes, cells[row].map(str::as_bytes)),
                Column::Day(cells) => write(&mut bytes, cells[row].map(|day| day.0.to_le_bytes())),
                Column::Moment(cells) => write(&mut bytes, cells[row].map(|at| at.0.to_le_bytes())),
                Column::Int(cells) => write(&mut bytes, cells[row].map(i64::to_le_bytes)),
                Column::Num(cells) => write(&mut bytes, cells[row].map(f64::to_le_bytes)),
                Column::Flag(cells) => write(&mut bytes, cells[row].map(|flag| [u8::from(flag)])),
            }
        }
        xxh3_64(&bytes)
    }
}

fn write(bytes: &mut Vec<u8>, cell: Option<impl AsRef<[u8]>>) {
    bytes.push(u8::from(cell.is_some()));
    bytes.extend_from_slice(cell.as_ref().map_or(&[][..], AsRef::as_ref));
    bytes.push(0x1f);
}

/// Nulls per optional column.
fn nulls(table: &Table, data: &RecordBatch, rows: &[u32]) -> Vec<(String, u64)> {
    let nulls = |name: &str| match data.column_by_name(name) {
        None => rows.len(),
        Some(column) if column.null_count() == 0 => 0,
        Some(column) => rows.iter().filter(|row| column.is_null(**row as usize)).count(),
    };
    table.optional_columns().map(|column| (column.name.to_owned(), nulls(column.name) as u64)).collect()
}
