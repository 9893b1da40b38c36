//! What must hold before anything becomes visible: nulls, finite numbers, ranges, words, keys, references.
//!
//! Each table is made, checked and encoded in one pass, part by part and side by side; what a part held is dropped once
//! it is encoded, and a large file is sent to the store as it grows. Each rule can select the rows that break it, so a
//! failure is its own evidence. Only [`Checked`] tables can be published: what was sent of others is taken back.

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use rayon::prelude::*;

use super::claim::Claim;
use super::frame::Frame;
use super::keys::{self, Keep, KeyHashes, Wanted};
use super::parquet::File;
use super::pieces::{Place, Written};
use super::rules::Rule;
use super::schema::{OutputTable, TableSpec};
use super::sequence::{self, Sequence};
use crate::store::{self, Store};

/// Tables that passed every check, each sorted by account and key, as the files that will be published.
pub struct Checked(Vec<Sealed>);

/// One checked table.
pub struct Sealed {
    pub spec: TableSpec,
    pub rows: u64,
    /// The Parquet file.
    pub file: Written,
}

/// Why tables are not to be published.
#[derive(Debug)]
pub enum Refused {
    Broken(Vec<Failure>),
    Store(store::Error),
}

impl From<Vec<Failure>> for Refused {
    fn from(failures: Vec<Failure>) -> Refused {
        Refused::Broken(failures)
    }
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Refused {
        Refused::Store(error)
    }
}

impl Checked {
    pub fn tables(&self) -> &[Sealed] {
        &self.0
    }

    pub(super) fn into_tables(self) -> Vec<Sealed> {
        self.0
    }

    /// Rows by table name.
    pub fn rows(&self) -> BTreeMap<String, u64> {
        self.0.iter().map(|table| (table.spec.name().to_owned(), table.rows)).collect()
    }

    /// These tables, then those.
    pub fn and(mut self, others: Checked) -> Checked {
        self.0.extend(others.0);
        self
    }
}

/// A rule that rows of one table break.
#[derive(Clone, Debug)]
pub struct Failure {
    pub table: OutputTable,
    pub rule: String,
    /// The rows that break the rule.
    pub rows: RecordBatch,
    /// Key columns, to name the rows in a message.
    key: Vec<&'static str>,
}

const EXAMPLES: usize = 5;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({} rows", self.table, self.rule, self.rows.num_rows())?;
        for (n, example) in self.examples().iter().enumerate() {
            write!(f, "{}{example}", if n == 0 { ", e.g. " } else { "; " })?;
        }
        f.write_str(")")
    }
}

impl Failure {
    fn new(spec: &TableSpec, rule: String, rows: RecordBatch) -> Failure {
        let key =
            if spec.key.is_empty() { spec.columns.iter().skip(2).map(|c| c.name).collect() } else { spec.key.clone() };
        Failure { table: spec.table, rule, rows, key }
    }

    /// The keys of at most five of the rows.
    pub fn examples(&self) -> Vec<String> {
        (0..self.rows.num_rows().min(EXAMPLES)).map(|row| self.name_row(row)).collect()
    }

    fn name_row(&self, row: usize) -> String {
        let cells = self.key.iter().filter_map(|name| {
            let column = self.rows.column_by_name(name)?;
            Some(format!("{name}={}", keys::shown(column, row)))
        });
        cells.collect::<Vec<_>>().join(" ")
    }
}

/// Checks all tables of a run against their specifications and each other.
pub fn check(frames: Vec<Frame>) -> Result<Checked, Vec<Failure>> {
    let tables = examined(&frames, |_| None)?.into_iter();
    let sealed = tables.map(|(table, found)| table.seal(found).expect("what stays in memory asks no store"));
    Ok(Checked(sealed.collect()))
}

/// The same, while large files go to where the claimed run will have them.
///
/// # Errors
/// [`Refused::Broken`] with every rule that is broken, [`Refused::Store`] when the store fails. Nothing that was sent
/// stays then.
pub fn check_into(frames: Vec<Frame>, store: &Store, claim: &Claim) -> Result<Checked, Refused> {
    let place = |table: &str| Some(Place { store: store.clone(), path: claim.table(table) });
    let tables = examined(&frames, place)?.into_iter();
    let sealed: Result<Vec<Sealed>, store::Error> = tables.map(|(table, found)| table.seal(found)).collect();
    Ok(Checked(sealed?))
}

/// The tables of a run that passed every check, in the order given.
fn examined<'f, 'a>(
    frames: &'f [Frame<'a>],
    place: impl Fn(&str) -> Option<Place>,
) -> Result<Vec<(Table<'f, 'a>, Found)>, Vec<Failure>> {
    let tables: Vec<Table> = frames.iter().map(|frame| Table::new(frame, place(frame.name()))).collect();
    let mut found: BTreeMap<OutputTable, Found> = BTreeMap::new();
    for wave in waves(&tables) {
        let wanted: Vec<Wanted> = wave.iter().map(|table| wanted(table.name(), &tables, &found)).collect();
        let jobs = wave.iter().enumerate().flat_map(|(n, table)| (0..table.frame.parts.len()).map(move |p| (n, p)));
        // Begun one after another, so that the parts of a file follow one another into it without long waiting.
        let parts = jobs.par_bridge().map(|(n, part)| ((n, part), wave[n].part(part, &wanted[n])));
        let mut parts: Vec<((usize, usize), Part)> = parts.collect();
        parts.sort_unstable_by_key(|(job, _)| *job);
        let mut parts = parts.into_iter().map(|(_, part)| part);
        for table in wave {
            found.insert(table.name(), Found::of(table, parts.by_ref().take(table.frame.parts.len())));
        }
    }
    let both = || tables.iter().filter_map(|table| Some((table, found.get(&table.name())?)));
    let mut failures: Vec<Failure> = both().flat_map(|(table, found)| table.broken(found)).collect();
    if failures.is_empty() {
        failures = both().flat_map(|(table, of_table)| table.orphans(of_table, &found)).collect();
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    let whole = |table: Table<'f, 'a>| found.remove(&table.name()).map(|found| (table, found));
    Ok(tables.into_iter().filter_map(whole).collect())
}

/// The tables in the order in which they are checked: what others refer to comes after these, so that of its keys only
/// those are kept that are asked for.
fn waves<'t, 'f, 'a>(tables: &'t [Table<'f, 'a>]) -> Vec<Vec<&'t Table<'f, 'a>>> {
    let mut levels: BTreeMap<OutputTable, usize> = tables.iter().map(|table| (table.name(), 0)).collect();
    // No chain of references is longer than there are tables.
    for table in tables.iter().flat_map(|_| tables) {
        let after = levels[&table.name()] + 1;
        for (_, reference) in keys::references(&table.frame.spec) {
            levels.entry(reference.table).and_modify(|level| *level = after.max(*level));
        }
    }
    let mut waves: BTreeMap<usize, Vec<&Table>> = BTreeMap::new();
    tables.iter().for_each(|table| waves.entry(levels[&table.name()]).or_default().push(table));
    waves.into_values().collect()
}

/// The keys of a table to which the tables that were checked so far refer.
fn wanted(target: OutputTable, tables: &[Table], found: &BTreeMap<OutputTable, Found>) -> Wanted {
    let checked = tables.iter().filter_map(|table| Some((table, found.get(&table.name())?)));
    let referring =
        checked.flat_map(|(table, found)| keys::references(&table.frame.spec).zip(found.hashes.references()));
    let to_target = referring.filter(|((_, reference), _)| reference.table == target);
    to_target.flat_map(|(_, hashes)| hashes.iter().copied()).collect()
}

/// A table while it is checked.
struct Table<'f, 'a> {
    frame: &'f Frame<'a>,
    rules: Vec<Rule<'f>>,
    file: File,
}

/// What one part came to.
struct Part {
    rows: usize,
    /// By rule.
    broken: Vec<bool>,
    sequence: Sequence,
    hashes: KeyHashes,
}

/// What all parts of a table came to.
struct Found {
    rows: usize,
    broken: Vec<bool>,
    sequence: Sequence,
    hashes: KeyHashes,
}

impl Found {
    fn of(table: &Table, parts: impl Iterator<Item = Part>) -> Found {
        let (sequence, hashes) = (Sequence::default(), KeyHashes::default());
        let mut found = Found { rows: 0, broken: Vec::new(), sequence, hashes };
        for part in parts {
            found.rows += part.rows;
            found.broken.resize(part.broken.len(), false);
            found.broken.iter_mut().zip(part.broken).for_each(|(known, news)| *known |= news);
            found.sequence.then(&table.frame.spec, part.sequence);
            found.hashes.add(part.hashes);
        }
        found.hashes.settle();
        found
    }
}

impl<'f, 'a> Table<'f, 'a> {
    fn new(frame: &'f Frame<'a>, place: Option<Place>) -> Table<'f, 'a> {
        Table { frame, rules: Rule::all(&frame.spec), file: File::new(&frame.spec, place) }
    }

    fn name(&self) -> OutputTable {
        self.frame.spec.table
    }

    /// Makes, checks and encodes one part.
    fn part(&self, part: usize, wanted: &Wanted) -> Part {
        let (broken, sequence, hashes) = (vec![false; self.rules.len()], Sequence::default(), KeyHashes::default());
        let mut found = Part { rows: 0, broken, sequence, hashes };
        let mut groups = self.file.row_groups();
        self.frame.parts[part](&mut |slice| {
            found.rows += slice.rows;
            for (rule, broken) in self.rules.iter().zip(&mut found.broken) {
                *broken = *broken || rule.is_broken(slice);
            }
            found.sequence.then(&self.frame.spec, Sequence::of(&self.frame.spec, slice));
            found.hashes.read(&self.frame.spec, slice, Keep::Wanted(wanted));
            groups.write(slice);
        });
        found.hashes.settle();
        self.file.add(part, groups.finish());
        found
    }

    /// Everything that the table shows by itself.
    fn broken(&self, found: &Found) -> Vec<Failure> {
        let rules = self.rules.iter().zip(&found.broken).filter(|(_, broken)| **broken);
        let rules = rules.map(|(rule, _)| (rule.to_string(), self.frame.select(|slice| rule.rows(slice))));
        let twice = self.twice(found).map(|rows| (keys::unique(&self.frame.spec), rows));
        let astray = found.sequence.astray.clone().map(|row| (sequence::ordered(&self.frame.spec), row));
        rules.chain(twice).chain(astray).map(|(rule, rows)| Failure::new(&self.frame.spec, rule, rows)).collect()
    }

    /// The rows that share their key with another.
    fn twice(&self, found: &Found) -> Option<RecordBatch> {
        if !found.sequence.repeated {
            return None;
        }
        let spec = &self.frame.spec;
        let mut hashes = KeyHashes::default();
        self.frame.visit(&mut |slice| hashes.read(spec, slice, Keep::All));
        hashes.settle();
        let suspects = hashes.twice();
        keys::sharing(spec, &self.frame.select(|slice| keys::rows_with(spec, slice, &suspects)))
    }

    /// Values that the referenced table does not hold; a table that is not there holds nothing against anyone.
    fn orphans(&self, found: &Found, all: &BTreeMap<OutputTable, Found>) -> Vec<Failure> {
        let spec = &self.frame.spec;
        let referring = keys::references(spec).zip(found.hashes.references());
        let broken = referring.filter_map(|((column, reference), hashes)| {
            let held = &all.get(&reference.table)?.hashes;
            let lost: Vec<u64> = hashes.iter().copied().filter(|hash| !held.hold(*hash)).collect();
            if lost.is_empty() {
                return None;
            }
            let rows = self.frame.select(|slice| keys::rows_among(&slice.columns[column], &lost));
            let rule = format!("{} must stand in {}.{}", spec.columns[column].name, reference.table, reference.column);
            Some(Failure::new(spec, rule, rows))
        });
        broken.collect()
    }

    fn seal(self, found: Found) -> Result<Sealed, store::Error> {
        Ok(Sealed { spec: self.frame.spec.clone(), rows: found.rows as u64, file: self.file.finish()? })
    }
}
