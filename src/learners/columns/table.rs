//! Feature columns: what the models read, with names, units and sources. Missing is NaN or `None`, never zero.
//!
//! A [`Frame`] borrows columns of equal length, so that many models share one table and add a column of their own.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::ranked::Ranked;
use crate::vocabulary::Text;

/// What a feature is: the model card's row for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Unique within a table, e.g. `product.crm.seats.30d`.
    pub name: String,
    /// As a sentence names it, e.g. `seats of CRM over 30 days`.
    pub label: String,
    pub unit: String,
    /// The input table it rests on.
    pub source: String,
    /// Days before the snapshot that it looks at; 0 for a state.
    pub window_days: i32,
}

/// One value per row.
#[derive(Clone, Debug)]
pub enum Values {
    /// NaN is missing; everything else is finite.
    Numbers(Vec<f64>),
    /// The same by rank, where rows are many and values few.
    Ranked(Ranked),
    Words(Vec<Option<Text>>),
}

/// What one table puts into a column: `missing` in every row where it does not have it.
fn below<'a, T: Clone + 'a>(
    own: Option<&'a Column>,
    rows: usize,
    of: impl Fn(&'a Values, usize) -> T + 'a,
    missing: T,
) -> impl Iterator<Item = T> + 'a {
    (0..rows).map(move |row| own.map_or_else(|| missing.clone(), |column| of(&column.values, row)))
}

impl Values {
    /// By rank, where that is shorter.
    fn shortest(numbers: Vec<f64>) -> Values {
        Ranked::of(&numbers).map_or(Values::Numbers(numbers), Values::Ranked)
    }

    /// `numbers` or `words`.
    pub const fn holds(&self) -> &'static str {
        match self {
            Values::Numbers(_) | Values::Ranked(_) => "numbers",
            Values::Words(_) => "words",
        }
    }

    /// The number of a row; NaN where it is missing, and of words.
    pub fn number(&self, row: usize) -> f64 {
        match self {
            Values::Numbers(values) => values[row],
            Values::Ranked(ranked) => ranked.number(row),
            Values::Words(_) => f64::NAN,
        }
    }

    /// Puts the numbers of the rows in the place of what `numbers` held; NaN where they are missing, and of words.
    pub fn gather(&self, rows: &[u32], numbers: &mut Vec<f64>) {
        numbers.clear();
        match self {
            Values::Numbers(values) => numbers.extend(rows.iter().map(|row| values[*row as usize])),
            Values::Ranked(ranked) => ranked.gather(rows, numbers),
            Values::Words(_) => numbers.resize(rows.len(), f64::NAN),
        }
    }

    /// The word of a row; `None` where it is missing, and of numbers.
    pub fn word(&self, row: usize) -> Option<&Text> {
        match self {
            Values::Numbers(_) | Values::Ranked(_) => None,
            Values::Words(words) => words[row].as_ref(),
        }
    }

    /// The numbers that the rows have, rising, each with how many rows have it; none of words.
    pub fn counted(&self, rows: &[u32]) -> Vec<(f64, usize)> {
        match self {
            Values::Numbers(values) => {
                let mut known: Vec<f64> = rows.iter().map(|r| values[*r as usize]).filter(|v| !v.is_nan()).collect();
                known.sort_unstable_by(f64::total_cmp);
                let same = |a: &f64, b: &f64| a.to_bits() == b.to_bits();
                known.chunk_by(same).map(|run| (run[0], run.len())).collect()
            }
            Values::Ranked(ranked) => ranked.counted(rows),
            Values::Words(_) => Vec::new(),
        }
    }

    fn take(&self, rows: &Arc<[u32]>) -> Values {
        match self {
            Values::Numbers(values) => Values::shortest(rows.iter().map(|r| values[*r as usize]).collect()),
            Values::Ranked(ranked) => Values::Ranked(ranked.take(rows)),
            Values::Words(values) => Values::Words(rows.iter().map(|r| values[*r as usize].clone()).collect()),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Column {
    pub spec: Spec,
    pub values: Values,
}

impl Column {
    pub fn numbers(spec: Spec, values: Vec<f64>) -> Column {
        let values = values.into_iter().map(|v| if v.is_finite() { v } else { f64::NAN }).collect();
        Column { spec, values: Values::Numbers(values) }
    }
}

/// Columns by name, all of one length.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: usize,
}

impl Table {
    /// Sorts the columns by name, so that equal content is an equal table.
    pub fn new(mut columns: Vec<Column>, rows: usize) -> Table {
        columns.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
        Table { columns, rows }
    }

    /// The given rows, in the given order, repeats allowed. What is kept by rank stays where it is, and other numbers are
    /// by rank where that is shorter.
    pub fn take(&self, rows: &[u32]) -> Table {
        let rows: &Arc<[u32]> = &rows.into();
        let columns = self.columns.par_iter().map(|c| Column { spec: c.spec.clone(), values: c.values.take(rows) });
        Table { columns: columns.collect(), rows: rows.len() }
    }

    /// The same with numbers by rank, where that is shorter.
    pub fn ranked(mut self) -> Table {
        self.columns.par_iter_mut().for_each(|column| {
            if let Values::Numbers(numbers) = &mut column.values {
                column.values = Values::shortest(std::mem::take(numbers));
            }
        });
        self
    }

    /// All rows below each other, with every column that any of the tables has; numbers by rank, where that is shorter.
    pub fn stacked(tables: &[Table]) -> Table {
        let features = Features::union(tables.iter().map(Features::of));
        let frames: Vec<Frame> = tables.iter().map(Table::frame).collect();
        let column = |(spec, form): (Spec, Form)| {
            let parts = frames.iter().map(|frame| (frame.find(&spec.name), frame.rows));
            let values = match form {
                Form::Numbers => {
                    Values::shortest(parts.flat_map(|(own, rows)| below(own, rows, Values::number, f64::NAN)).collect())
                }
                Form::Words => Values::Words(
                    parts
                        .flat_map(|(own, rows)| below(own, rows, |values, row| values.word(row).cloned(), None))
                        .collect(),
                ),
            };
            Column { spec, values }
        };
        let columns = features.0.into_par_iter().map(column).collect();
        Table::new(columns, tables.iter().map(|table| table.rows).sum())
    }

    pub fn frame(&self) -> Frame<'_> {
        Frame { columns: self.columns.iter().collect(), rows: self.rows }
    }
}

/// What the columns of a table are, without its rows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Features(Vec<(Spec, Form)>);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Form {
    Numbers,
    Words,
}

impl Features {
    pub fn of(table: &Table) -> Features {
        let form = |values: &Values| match values {
            Values::Numbers(_) | Values::Ranked(_) => Form::Numbers,
            Values::Words(_) => Form::Words,
        };
        Features(table.columns.iter().map(|column| (column.spec.clone(), form(&column.values))).collect())
    }

    /// Those that any part has, by name.
    pub fn union(parts: impl IntoIterator<Item = Features>) -> Features {
        let mut all: Vec<(Spec, Form)> = parts.into_iter().flat_map(|part| part.0).collect();
        all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        all.dedup_by(|later, kept| later.0.name == kept.0.name);
        Features(all)
    }

    /// Adds those that the table does not have, with no value in any row.
    pub fn complete(&self, table: &mut Table) {
        let own = table.frame();
        let lacking = self.0.iter().filter(|(spec, _)| own.find(&spec.name).is_none());
        let missing = |(spec, form): &(Spec, Form)| {
            let values = match form {
                Form::Numbers => Values::Numbers(vec![f64::NAN; table.rows]),
                Form::Words => Values::Words(vec![None; table.rows]),
            };
            Column { spec: spec.clone(), values }
        };
        let added: Vec<Column> = lacking.map(missing).collect();
        let columns = std::mem::take(&mut table.columns);
        *table = Table::new(columns.into_iter().chain(added).collect(), table.rows);
    }
}

/// Borrowed columns by name, all of one length.
#[derive(Clone, Debug, Default)]
pub struct Frame<'a> {
    pub columns: Vec<&'a Column>,
    pub rows: usize,
}

impl<'a> Frame<'a> {
    /// The same rows with one more column.
    pub fn with(mut self, column: &'a Column) -> Frame<'a> {
        let position = self.columns.partition_point(|c| c.spec.name < column.spec.name);
        self.columns.insert(position, column);
        self
    }

    pub fn find(&self, name: &str) -> Option<&'a Column> {
        let position = self.columns.binary_search_by(|c| c.spec.name.as_str().cmp(name)).ok()?;
        Some(self.columns[position])
    }
}
