//! What must hold before anything becomes visible: names, types, nulls, finite numbers, ranges, words, keys, references.
//!
//! Each rule selects the rows that break it, so a failure is its own evidence. Only [`Checked`] tables can be published.

use std::collections::BTreeMap;
use std::fmt;

use polars::prelude::*;
use rayon::prelude::*;

use super::schema::{ColumnSpec, ColumnType, OutputTable, TableSpec};
use super::table::{Frame, data_type};

/// Tables that passed every check, each sorted by account and key.
pub struct Checked(Vec<Frame>);

impl Checked {
    pub fn tables(&self) -> &[Frame] {
        &self.0
    }

    /// Rows by table name.
    pub fn rows(&self) -> BTreeMap<String, u64> {
        self.0.iter().map(|frame| (frame.spec.name().to_owned(), frame.data.height() as u64)).collect()
    }
}

/// A rule that rows of one table break.
#[derive(Clone, Debug)]
pub struct Failure {
    pub table: OutputTable,
    pub rule: String,
    /// The rows that break the rule; empty where the table as a whole does.
    pub rows: DataFrame,
    /// Key columns, to name the rows in a message.
    key: Vec<&'static str>,
}

const EXAMPLES: usize = 5;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.table, self.rule)?;
        if self.rows.height() == 0 {
            return Ok(());
        }
        write!(f, " ({} rows", self.rows.height())?;
        for (n, example) in self.examples().iter().enumerate() {
            write!(f, "{}{example}", if n == 0 { ", e.g. " } else { "; " })?;
        }
        f.write_str(")")
    }
}

impl Failure {
    /// The keys of at most five of the rows.
    pub fn examples(&self) -> Vec<String> {
        (0..self.rows.height().min(EXAMPLES)).map(|row| self.name_row(row)).collect()
    }

    fn name_row(&self, row: usize) -> String {
        let cells = self.key.iter().filter_map(|name| {
            let value = self.rows.column(name).ok()?.get(row).ok()?;
            Some(format!("{name}={}", value.str_value()))
        });
        cells.collect::<Vec<_>>().join(" ")
    }
}

/// Checks all tables of a run against their specifications and each other.
pub fn check(frames: Vec<Frame>) -> Result<Checked, Vec<Failure>> {
    let mut failures: Vec<Failure> = frames.par_iter().flat_map_iter(check_table).collect();
    if failures.is_empty() {
        let by_table: BTreeMap<OutputTable, &Frame> = frames.iter().map(|f| (f.spec.table, f)).collect();
        failures = frames.par_iter().flat_map_iter(|frame| check_references(frame, &by_table)).collect();
    }
    if failures.is_empty() { Ok(Checked(frames.into_par_iter().map(sorted).collect())) } else { Err(failures) }
}

fn sorted(frame: Frame) -> Frame {
    let data = frame.data.sort(frame.spec.order(), SortMultipleOptions::default().with_maintain_order(true));
    Frame { data: data.expect("the order names columns of the table"), spec: frame.spec }
}

/// Everything that one table shows by itself; content is looked at only where the shape is right.
fn check_table(frame: &Frame) -> Vec<Failure> {
    let shape = check_shape(frame);
    if !shape.is_empty() {
        return shape;
    }
    let columns = frame.spec.columns.iter().flat_map(|column| check_column(frame, column));
    columns.chain(check_key(frame)).collect()
}

fn check_shape(frame: &Frame) -> Vec<Failure> {
    let expected: Vec<(String, DataType)> =
        frame.spec.columns.iter().map(|c| (c.name.to_owned(), data_type(c.kind))).collect();
    let found: Vec<(String, DataType)> =
        frame.data.columns().iter().map(|c| (c.name().to_string(), c.dtype().clone())).collect();
    let broken = expected != found;
    let rule = || format!("columns must be {}; found {}", shape_text(&expected), shape_text(&found));
    broken.then(|| failure(&frame.spec, rule(), DataFrame::empty())).into_iter().collect()
}

fn shape_text(columns: &[(String, DataType)]) -> String {
    columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
}

fn check_column(frame: &Frame, spec: &ColumnSpec) -> Vec<Failure> {
    let column = frame.data.column(spec.name).expect("the shape was checked").as_materialized_series();
    let mut failures = Vec::new();
    let mut rule = |words: String, broken: BooleanChunked| {
        if broken.any() {
            failures.push(failure(&frame.spec, format!("{} {words}", spec.name), select(&frame.data, &broken)));
        }
    };
    if !spec.nullable {
        rule("must not be null".into(), column.is_null());
    }
    if spec.kind == ColumnType::Float64 {
        rule("must be finite".into(), map_floats(column, |v| !v.is_finite()));
    }
    if let Some((low, high)) = spec.range {
        let outside = move |v: f64| v < low || v > high;
        rule(format!("must lie in [{low}, {high}]"), map_floats(column, outside));
    }
    if !spec.words.is_empty() {
        let known = |word: &str| spec.words.contains(&word);
        rule(format!("must be one of {}", spec.words.join(", ")), map_texts(column, |word| !known(word)));
    }
    failures
}

/// Where the rule is broken; nulls never are.
fn map_floats(column: &Series, broken: impl Fn(f64) -> bool) -> BooleanChunked {
    let numbers = column.cast(&DataType::Float64).expect("ranges stand on numeric columns");
    numbers.f64().expect("just cast").iter().map(|value| Some(value.is_some_and(&broken))).collect()
}

fn map_texts(column: &Series, broken: impl Fn(&str) -> bool) -> BooleanChunked {
    column.str().expect("words stand on text columns").iter().map(|v| Some(v.is_some_and(&broken))).collect()
}

fn check_key(frame: &Frame) -> Option<Failure> {
    if frame.spec.key.is_empty() || frame.data.height() < 2 {
        return None;
    }
    let key = frame.data.select(frame.spec.key.iter().copied()).expect("the key names columns of the table");
    let twice = key.is_duplicated().expect("key columns can be grouped");
    let rule = || format!("({}) must be unique", frame.spec.key.join(", "));
    twice.any().then(|| failure(&frame.spec, rule(), select(&frame.data, &twice)))
}

fn check_references(frame: &Frame, by_table: &BTreeMap<OutputTable, &Frame>) -> Vec<Failure> {
    let referring = frame.spec.columns.iter().filter_map(|column| Some((column, column.references?)));
    referring
        .filter_map(|(column, reference)| {
            let target = by_table.get(&reference.table)?;
            let orphans = orphans(&frame.data, column.name, &target.data, reference.column);
            let rule = || format!("{} must stand in {}.{}", column.name, reference.table, reference.column);
            (orphans.height() > 0).then(|| failure(&frame.spec, rule(), orphans))
        })
        .collect()
}

/// Rows whose value has no counterpart: an anti join.
fn orphans(rows: &DataFrame, column: &str, target: &DataFrame, target_column: &str) -> DataFrame {
    let given = rows.column(column).expect("the shape was checked").is_not_null();
    let targets = target.select([target_column]).expect("references name columns of the target");
    select(rows, &given)
        .join(&targets, [column], [target_column], JoinArgs::new(JoinType::Anti), None)
        .expect("both sides of a reference have one type")
}

fn select(rows: &DataFrame, mask: &BooleanChunked) -> DataFrame {
    rows.filter(mask).expect("the mask is as long as the table")
}

fn failure(spec: &TableSpec, rule: String, rows: DataFrame) -> Failure {
    let key =
        if spec.key.is_empty() { spec.columns.iter().skip(2).map(|c| c.name).collect() } else { spec.key.clone() };
    Failure { table: spec.table, rule, rows, key }
}
