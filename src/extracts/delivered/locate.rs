//! Which objects hold which table: folders, single files, per-table URLs and Hive partitions.

use std::collections::BTreeMap;

use super::found::{Found, FoundObject, Source, is_hidden, is_parquet};
use super::index::Index;
use crate::extracts::contract::error::{Error, Problem};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::schema::{Need, Table};
use crate::extracts::contract::settings::Settings;
use crate::extracts::tables::contracts;
use crate::store::{Access, Object, Store};
use crate::vocabulary::Day;

/// What was found of one table.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub table: &'static Table,
    /// Where the table was looked for.
    pub place: String,
    /// The table stands there, be it without rows or with nothing up to the as-of day.
    pub delivered: bool,
    pub sources: Vec<Source>,
    /// Names of the sets of files that are packed together: those of one calendar month, or a few dozen where the
    /// paths tell no day.
    pub chunks: Vec<String>,
    pub notes: Vec<String>,
}

/// Files of one chunk where the paths tell no day.
const CHUNK_FILES: usize = 32;

/// Finds every table's objects; partitions outside `from ..= as_of` are left where they are.
pub fn locate(
    settings: &Settings,
    access: &Access,
    as_of: Day,
    part: Part,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Delivery>, Error> {
    let root = Store::open(&settings.url, access)?;
    let found = match Index::read(&root)? {
        Some(index) => index.found(&root, part)?,
        None => find(settings, access, &root, problems)?,
    };
    let from = as_of.minus(settings.usage_history_days as i32);
    let deliver = |found: Found| deliver(found, from, as_of, problems);
    let deliveries: Vec<Delivery> = found.into_iter().map(deliver).collect();
    if deliveries.iter().all(|delivery| !delivery.delivered) {
        return Err(Error::nothing_there(root.url(), as_of));
    }
    Ok(deliveries)
}

/// Every table's objects as they were delivered, whatever their day.
pub fn find(
    settings: &Settings,
    access: &Access,
    root: &Store,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Found>, Error> {
    let listed = list(root)?;
    let mut tables = Vec::new();
    for table in contracts::tables() {
        tables.push(match settings.tables.get(&table.table) {
            Some(url) => elsewhere(table, &Store::open(url, access)?)?,
            None => under_root(table, root, &listed, problems),
        });
    }
    let none = tables.iter().all(|found| !found.is_delivered());
    let lacking = tables.iter().filter(|found| !found.is_delivered() && found.table.need == Need::Required);
    problems.extend(lacking.filter(|_| !none).map(|found| missing(found, &listed)));
    Ok(tables)
}

/// A place that does not exist or may not be read is an input that is not ready, not a fault of the store.
fn list(store: &Store) -> Result<Vec<Object>, Error> {
    store.list("").map_err(|e| match e.is_missing() || e.is_missing_place() || e.is_refused() {
        true => Error::not_readable(store.url(), &e),
        false => e.into(),
    })
}

fn elsewhere(table: &'static Table, store: &Store) -> Result<Found, Error> {
    let objects = match store.head("")? {
        Some(file) => vec![file],
        None => list(store)?,
    };
    tracing::debug!(table = table.name(), url = store.url(), objects = objects.len(), "table mapped to its own URL");
    let objects = objects.into_iter().map(FoundObject::from).collect();
    Ok(Found { table, place: store.url().to_owned(), store: store.clone(), objects })
}

fn under_root(table: &'static Table, root: &Store, listed: &[Object], problems: &mut Vec<Problem>) -> Found {
    let (folder, file) = (format!("{}/", table.name()), format!("{}.parquet", table.name()));
    let inside: Vec<Object> = listed.iter().filter(|o| o.path.starts_with(&folder)).cloned().collect();
    let single = listed.iter().find(|o| o.path == file);
    let place = format!("{}/{}", root.url(), table.name());
    if single.is_some() && inside.iter().any(|o| is_parquet(&o.path)) {
        let reason = format!("stands both as the folder `{folder}` and as the file `{file}`");
        problems.push(Problem::new(table.table, &place, reason, "keep one of the two"));
    }
    let objects = if inside.is_empty() { single.cloned().into_iter().collect() } else { inside };
    let objects = objects.into_iter().map(FoundObject::from).collect();
    Found { table, place, store: root.clone(), objects }
}

fn deliver(found: Found, from: Day, as_of: Day, problems: &mut Vec<Problem>) -> Delivery {
    let table = found.table;
    let (mut sources, mut notes, mut chunks) = (Vec::new(), Vec::new(), Chunks::default());
    let (mut ignored, mut later, mut older, mut parquet) = (0, 0, 0, 0);
    for object in found.objects {
        if !object.is_parquet() {
            ignored += u32::from(!is_hidden(&object.path));
            continue;
        }
        parquet += 1;
        let span = partition(table, &object.path);
        let mut pieces = object.pieces.into_iter();
        let origin = object.origin;
        let source = |piece, day, chunk| Source {
            store: found.store.clone(),
            object: piece,
            day,
            chunk,
            origin: origin.clone(),
        };
        match span {
            Ok(None) => {
                let chunk = chunks.unnamed();
                sources.extend(pieces.map(|piece| source(piece, None, chunk)));
            }
            Ok(Some(span)) if span.first > as_of => later += 1,
            Ok(Some(span)) if span.last < from => older += 1,
            Ok(Some(span)) => {
                let chunk = chunks.of_month(span.first);
                sources.extend(pieces.map(|piece| source(piece, span.day(), chunk)));
            }
            Err(reason) => problems.extend(pieces.next().map(|piece| {
                let url = source(piece, None, 0).url();
                Problem::new(table.table, url, reason, "name the partition date=YYYY-MM-DD or month=YYYY-MM")
            })),
        }
    }
    tracing::debug!(table = table.name(), parquet, ignored, later, older, "objects found");
    if ignored > 0 {
        notes.push(format!("{ignored} objects ignored that are not named *.parquet"));
    }
    if older > 0 {
        notes.push(format!("{older} partitions older than the usage history were left out"));
    }
    Delivery { table, place: found.place, delivered: parquet > 0, sources, chunks: chunks.names, notes }
}

/// Chunks in order of appearance.
#[derive(Default)]
struct Chunks {
    names: Vec<String>,
    unnamed: usize,
}

impl Chunks {
    fn of_month(&mut self, day: Day) -> usize {
        self.number(day.to_string()[..7].to_owned())
    }

    fn unnamed(&mut self) -> usize {
        self.unnamed += 1;
        self.number(format!("files-{:05}", (self.unnamed - 1) / CHUNK_FILES))
    }

    fn number(&mut self, name: String) -> usize {
        self.names.iter().rposition(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

/// The day that a partition's path states.
pub fn path_day(table: &Table, path: &str) -> Option<Day> {
    partition(table, path).ok().flatten().and_then(Span::day)
}

/// The days that a partition holds.
#[derive(Clone, Copy)]
struct Span {
    first: Day,
    last: Day,
    /// Whether the path alone gives each row's day.
    exact: bool,
}

impl Span {
    fn day(self) -> Option<Day> {
        self.exact.then_some(self.first)
    }
}

fn partition(table: &Table, path: &str) -> Result<Option<Span>, String> {
    if !table.partitioned {
        return Ok(None);
    }
    let stated: BTreeMap<&str, &str> = path.split('/').filter_map(|part| part.split_once('=')).collect();
    match (stated.get("date"), stated.get("month")) {
        (Some(date), _) => {
            let day: Day = date.parse().map_err(|_| format!("the partition `date={date}` is not a calendar day"))?;
            Ok(Some(Span { first: day, last: day, exact: true }))
        }
        (None, Some(month)) => {
            let first: Day =
                format!("{month}-01").parse().map_err(|_| format!("the partition `month={month}` is not a month"))?;
            Ok(Some(Span { first, last: first.plus_months(1).minus(1), exact: false }))
        }
        (None, None) => Ok(None),
    }
}

fn missing(found: &Found, listed: &[Object]) -> Problem {
    let name = found.table.name();
    let near = listed
        .iter()
        .filter_map(|o| o.path.split('/').next())
        .map(|part| part.trim_end_matches(".parquet"))
        .filter(|part| strsim::jaro_winkler(part, name) > 0.85 && InputTable::parse(part).is_none())
        .min();
    let hint = near.map(|near| format!("; `{near}` stands there, did you mean it?")).unwrap_or_default();
    let reason = format!("required, but there is no {name}.parquet and no Parquet file below {name}/{hint}");
    Problem::new(found.table.table, &found.place, reason, format!("deliver `{name}`, or map it in [extracts.tables]"))
}
