//! What must hold before anything becomes visible: nulls, finite numbers, ranges, words, keys, references.
//!
//! Each table is made, checked and encoded in one pass, part by part and side by side; what a part held is dropped once
//! it is encoded. Each rule can select the rows that break it, so a failure is its own evidence. Only [`Checked`]
//! tables can be published.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use arrow::array::RecordBatch;
use bytes::Bytes;
use rayon::prelude::*;

use super::frame::Frame;
use super::keys::{self, KeyHashes};
use super::parquet::{File, RowGroup};
use super::rules::Rule;
use super::schema::{OutputTable, TableSpec};
use super::sequence::{self, Sequence};

/// Tables that passed every check, each sorted by account and key, as the files that will be published.
pub struct Checked(Vec<Sealed>);

/// One checked table.
pub struct Sealed {
    pub spec: TableSpec,
    pub rows: u64,
    /// The Parquet file, in pieces.
    pub file: Vec<Bytes>,
}

impl Checked {
    pub fn tables(&self) -> &[Sealed] {
        &self.0
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
    let referred: BTreeSet<OutputTable> =
        frames.iter().flat_map(|frame| keys::references(&frame.spec)).map(|(_, reference)| reference.table).collect();
    let tables: Vec<Table> =
        frames.iter().map(|frame| Table::new(frame, referred.contains(&frame.spec.table))).collect();
    let jobs: Vec<(usize, usize)> =
        tables.iter().enumerate().flat_map(|(n, table)| (0..table.frame.parts.len()).map(move |p| (n, p))).collect();
    let parts: Vec<Part> = jobs.par_iter().with_max_len(1).map(|(n, part)| tables[*n].part(*part)).collect();
    let mut parts = parts.into_iter();
    let found: Vec<Found> =
        tables.iter().map(|table| Found::of(table, parts.by_ref().take(table.frame.parts.len()))).collect();
    let mut failures: Vec<Failure> = tables.iter().zip(&found).flat_map(|(table, found)| table.broken(found)).collect();
    if failures.is_empty() {
        let held: BTreeMap<OutputTable, &KeyHashes> =
            tables.iter().zip(&found).map(|(table, found)| (table.frame.spec.table, &found.hashes)).collect();
        failures = tables.iter().zip(&found).flat_map(|(table, found)| table.orphans(found, &held)).collect();
    }
    if !failures.is_empty() {
        return Err(failures);
    }
    Ok(Checked(tables.into_iter().zip(found).map(|(table, found)| table.seal(found)).collect()))
}

/// A table while it is checked.
struct Table<'f, 'a> {
    frame: &'f Frame<'a>,
    rules: Vec<Rule<'f>>,
    file: File,
    /// Whether other tables refer to its keys.
    referred: bool,
}

/// What one part came to.
struct Part {
    rows: usize,
    /// By rule.
    broken: Vec<bool>,
    sequence: Sequence,
    hashes: KeyHashes,
    groups: Vec<RowGroup>,
}

/// What all parts of a table came to.
struct Found {
    rows: usize,
    broken: Vec<bool>,
    sequence: Sequence,
    hashes: KeyHashes,
    groups: Vec<RowGroup>,
}

impl Found {
    fn of(table: &Table, parts: impl Iterator<Item = Part>) -> Found {
        let (sequence, hashes) = (Sequence::default(), KeyHashes::default());
        let mut found = Found { rows: 0, broken: Vec::new(), sequence, hashes, groups: Vec::new() };
        for part in parts {
            found.rows += part.rows;
            found.broken.resize(part.broken.len(), false);
            found.broken.iter_mut().zip(part.broken).for_each(|(known, news)| *known |= news);
            found.sequence.then(&table.frame.spec, part.sequence);
            found.hashes.add(part.hashes);
            found.groups.extend(part.groups);
        }
        found.hashes.settle();
        found
    }
}

impl<'f, 'a> Table<'f, 'a> {
    fn new(frame: &'f Frame<'a>, referred: bool) -> Table<'f, 'a> {
        Table { frame, rules: Rule::all(&frame.spec), file: File::new(&frame.spec), referred }
    }

    /// Makes, checks and encodes one part.
    fn part(&self, part: usize) -> Part {
        let (broken, sequence, hashes) = (vec![false; self.rules.len()], Sequence::default(), KeyHashes::default());
        let mut found = Part { rows: 0, broken, sequence, hashes, groups: Vec::new() };
        let mut groups = self.file.row_groups();
        self.frame.parts[part](&mut |slice| {
            found.rows += slice.rows;
            for (rule, broken) in self.rules.iter().zip(&mut found.broken) {
                *broken = *broken || rule.is_broken(slice);
            }
            found.sequence.then(&self.frame.spec, Sequence::of(&self.frame.spec, slice));
            found.hashes.read(&self.frame.spec, slice, self.referred);
            groups.write(slice);
        });
        found.hashes.sort();
        found.groups = groups.finish();
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
        self.frame.visit(&mut |slice| hashes.read(spec, slice, true));
        let suspects = hashes.twice();
        keys::sharing(spec, &self.frame.select(|slice| keys::rows_with(spec, slice, &suspects)))
    }

    /// Values that the referenced table does not hold; a table that is not there holds nothing against anyone.
    fn orphans(&self, found: &Found, held: &BTreeMap<OutputTable, &KeyHashes>) -> Vec<Failure> {
        let spec = &self.frame.spec;
        let referring = keys::references(spec).zip(found.hashes.references());
        let broken = referring.filter_map(|((column, reference), hashes)| {
            let held = held.get(&reference.table)?;
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

    fn seal(self, found: Found) -> Sealed {
        Sealed { spec: self.frame.spec.clone(), rows: found.rows as u64, file: self.file.assemble(found.groups) }
    }
}
