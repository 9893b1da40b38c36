//! Which objects hold which table: folders, single files, per-table URLs and Hive partitions.

use std::collections::BTreeMap;

use super::InputTable;
use super::error::{Error, Problem};
use super::schema::{self, Need, Table};
use super::settings::Settings;
use crate::store::{Access, Object, Store};
use crate::vocabulary::Day;

/// One Parquet object of a table.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub store: Store,
    pub object: Object,
    /// The day that the path states for every row, from `date=YYYY-MM-DD`.
    pub day: Option<Day>,
    /// Position in the delivery's `chunks`.
    pub chunk: usize,
}

impl Source {
    /// The object's address as people read it.
    pub fn url(&self) -> String {
        match self.object.path.as_str() {
            "" => self.store.url().to_owned(),
            path => format!("{}/{path}", self.store.url()),
        }
    }
}

/// What was found of one table.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
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
pub(super) fn locate(
    settings: &Settings,
    access: &Access,
    as_of: Day,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Delivery>, Error> {
    let root = Store::open(&settings.url, access)?;
    let listed = list(&root)?;
    if listed.is_empty() && settings.tables.is_empty() {
        return Err(Error::nothing_there(root.url(), as_of));
    }
    let from = as_of.minus(settings.usage_history_days as i32);
    let mut deliveries = Vec::new();
    for table in schema::tables() {
        let found = match settings.tables.get(&table.table) {
            Some(url) => elsewhere(table, &Store::open(url, access)?)?,
            None => under_root(table, &root, &listed, problems),
        };
        deliveries.push(deliver(table, found, from, as_of, problems));
    }
    if deliveries.iter().all(|delivery| !delivery.delivered) {
        return Err(Error::nothing_there(root.url(), as_of));
    }
    for delivery in deliveries.iter().filter(|d| !d.delivered && d.table.need == Need::Required) {
        problems.push(missing(delivery, &listed));
    }
    Ok(deliveries)
}

/// A place that does not exist or may not be read is an input that is not ready, not a fault of the store.
fn list(store: &Store) -> Result<Vec<Object>, Error> {
    store.list("").map_err(|e| match e.is_missing() || e.is_missing_place() || e.is_refused() {
        true => Error::not_readable(store.url(), &e),
        false => e.into(),
    })
}

/// Objects of one table, before the names are looked at.
struct Found {
    place: String,
    store: Store,
    objects: Vec<Object>,
}

fn elsewhere(table: &Table, store: &Store) -> Result<Found, Error> {
    let objects = match store.head("")? {
        Some(file) => vec![file],
        None => list(store)?,
    };
    tracing::debug!(table = table.name(), url = store.url(), objects = objects.len(), "table mapped to its own URL");
    Ok(Found { place: store.url().to_owned(), store: store.clone(), objects })
}

fn under_root(table: &Table, root: &Store, listed: &[Object], problems: &mut Vec<Problem>) -> Found {
    let (folder, file) = (format!("{}/", table.name()), format!("{}.parquet", table.name()));
    let inside: Vec<Object> = listed.iter().filter(|o| o.path.starts_with(&folder)).cloned().collect();
    let single = listed.iter().find(|o| o.path == file);
    let place = format!("{}/{}", root.url(), table.name());
    if single.is_some() && inside.iter().any(|o| is_parquet(&o.path)) {
        let reason = format!("stands both as the folder `{folder}` and as the file `{file}`");
        problems.push(Problem::new(table.table, &place, reason, "keep one of the two"));
    }
    let objects = if inside.is_empty() { single.cloned().into_iter().collect() } else { inside };
    Found { place, store: root.clone(), objects }
}

fn deliver(table: &'static Table, found: Found, from: Day, as_of: Day, problems: &mut Vec<Problem>) -> Delivery {
    let (mut sources, mut notes, mut chunks) = (Vec::new(), Vec::new(), Chunks::default());
    let (mut ignored, mut later, mut older, mut parquet) = (0, 0, 0, 0);
    for object in found.objects {
        if !object.path.is_empty() && !is_parquet(&object.path) {
            ignored += u32::from(!is_hidden(&object.path));
            continue;
        }
        parquet += 1;
        let source = Source { store: found.store.clone(), object, day: None, chunk: 0 };
        match partition(table, &source.object.path) {
            Ok(None) => sources.push(Source { chunk: chunks.unnamed(), ..source }),
            Ok(Some(span)) if span.first > as_of => later += 1,
            Ok(Some(span)) if span.last < from => older += 1,
            Ok(Some(span)) => {
                sources.push(Source { day: span.day(), chunk: chunks.of_month(span.first), ..source });
            }
            Err(reason) => problems.push(Problem::new(
                table.table,
                source.url(),
                reason,
                "name the partition date=YYYY-MM-DD or month=YYYY-MM",
            )),
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

fn is_parquet(path: &str) -> bool {
    !is_hidden(path) && path.to_ascii_lowercase().ends_with(".parquet")
}

/// `_SUCCESS`, `.crc`, `_temporary/…`: they belong to the writers, not to the data.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with(['_', '.']))
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

fn missing(delivery: &Delivery, listed: &[Object]) -> Problem {
    let name = delivery.table.name();
    let near = listed
        .iter()
        .filter_map(|o| o.path.split('/').next())
        .map(|part| part.trim_end_matches(".parquet"))
        .filter(|part| strsim::jaro_winkler(part, name) > 0.85 && InputTable::parse(part).is_none())
        .min();
    let hint = near.map(|near| format!("; `{near}` stands there, did you mean it?")).unwrap_or_default();
    let reason = format!("required, but there is no {name}.parquet and no Parquet file below {name}/{hint}");
    Problem::new(
        delivery.table.table,
        &delivery.place,
        reason,
        format!("deliver `{name}`, or map it in [extracts.tables]"),
    )
}
