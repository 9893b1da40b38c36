//! Rows of features laid into columns while they are made, so that rows never pile up.
//!
//! A row of cells takes some thirty kilobytes, its place in columns three. Rows of a few accounts at a time become
//! columns of their own, which are then put below each other in the order of the accounts: the number of threads does
//! not show.

use std::borrow::Borrow;
use std::collections::HashMap;

use rayon::prelude::*;

use crate::extracts::{Extracts, InputTable};
use crate::learners::columns::table::{Column, Table, Values};
use crate::models::features::{Cell, FeatureRow, Key, Value};
use crate::vocabulary::{AccountIx, Text};

/// Accounts whose rows are laid together.
const BLOCK: usize = 256;
/// Blocks of a thread before they are put below each other: their room is used again by the next.
const BLOCKS_OF_THREAD: usize = 4;
/// Columns that are tried behind the one before, before a cell's own is looked up.
const GUESSES: usize = 4;

/// Columns that grow row by row: one per feature that any row knows.
#[derive(Debug, Default)]
pub struct Columns {
    places: HashMap<Key, usize>,
    columns: Vec<Growing>,
    rows: usize,
    /// Rows that there will be in the end, where that is known.
    room: usize,
}

#[derive(Debug)]
struct Growing {
    key: Key,
    unit: &'static str,
    source: InputTable,
    /// As long as the last row that knows the feature.
    values: Grown,
}

#[derive(Debug)]
enum Grown {
    Numbers(Vec<f64>),
    Words(Vec<Option<Text>>),
}

/// One row per account that `row` has something to say of, in the order of the accounts, and what else it said.
pub fn lay<G: Send>(
    accounts: &[AccountIx],
    row: impl Fn(AccountIx) -> Option<(G, FeatureRow)> + Sync,
) -> (Vec<G>, Columns) {
    let block = |accounts: &[AccountIx]| {
        let (mut told, mut columns) = (Vec::with_capacity(accounts.len()), Columns::default());
        for (told_of, row) in accounts.iter().filter_map(|account| row(*account)) {
            told.push(told_of);
            columns.push(&row);
        }
        (told, columns)
    };
    let (mut told, mut columns) = (Vec::new(), Columns::with_room(accounts.len()));
    for some in accounts.chunks(BLOCK * BLOCKS_OF_THREAD * rayon::current_num_threads()) {
        let blocks: Vec<(Vec<G>, Columns)> = some.par_chunks(BLOCK).map(block).collect();
        let (told_of, blocks): (Vec<Vec<G>>, Vec<Columns>) = blocks.into_iter().unzip();
        told.extend(told_of.into_iter().flatten());
        columns.append(blocks);
    }
    (told, columns)
}

/// Lays rows side by side: one column per feature that any row knows, by name.
pub fn table(rows: impl IntoIterator<Item: Borrow<FeatureRow>>, extracts: &Extracts) -> Table {
    let mut columns = Columns::default();
    rows.into_iter().for_each(|row| columns.push(row.borrow()));
    columns.into_table(extracts)
}

impl Columns {
    /// Puts a row below the others.
    pub fn push(&mut self, row: &FeatureRow) {
        let mut expected = 0;
        for cell in &row.cells {
            let place = self.place_of(cell, expected);
            self.columns[place].put(self.rows, &cell.value);
            expected = place + 1;
        }
        self.rows += 1;
    }

    /// The cell's column, made if need be. Rows name their features in much the same order, so it is nearly always the
    /// expected one or one of the next.
    fn place_of(&mut self, cell: &Cell, expected: usize) -> usize {
        let near = expected..self.columns.len().min(expected + GUESSES);
        if let Some(place) = near.into_iter().find(|place| self.columns[*place].key == cell.key) {
            return place;
        }
        match self.places.get(&cell.key) {
            Some(&place) => place,
            None => {
                let values = Grown::like(&cell.value);
                self.add(Growing { key: cell.key.clone(), unit: cell.unit, source: cell.source, values })
            }
        }
    }

    fn add(&mut self, column: Growing) -> usize {
        self.places.insert(column.key.clone(), self.columns.len());
        self.columns.push(column);
        self.columns.len() - 1
    }

    /// None yet, with room for so many rows in those that others are put into.
    fn with_room(rows: usize) -> Columns {
        Columns { room: rows, ..Columns::default() }
    }

    /// Puts the rows of the others below, one after the other.
    pub fn append(&mut self, others: Vec<Columns>) {
        // What each column is given, with the row at which it begins.
        let mut given: Vec<Vec<(usize, Grown)>> = self.columns.iter().map(|_| Vec::new()).collect();
        for other in others {
            for column in other.columns {
                let place = match self.places.get(&column.key) {
                    Some(&place) => place,
                    None => {
                        let values = column.values.none_like();
                        given.push(Vec::new());
                        self.add(Growing { key: column.key.clone(), values, ..column })
                    }
                };
                given[place].push((self.rows, column.values));
            }
            self.rows += other.rows;
        }
        let room = self.room.max(self.rows);
        self.columns.par_iter_mut().zip(given).for_each(|(column, given)| {
            column.values.reserve(room);
            for (from, values) in given {
                column.values.pad(from);
                column.values.extend(values);
            }
        });
    }

    /// All rows, one column per feature by name.
    pub fn into_table(mut self, extracts: &Extracts) -> Table {
        self.columns.sort_by(|a, b| a.key.cmp(&b.key));
        let rows = self.rows;
        let column = |mut column: Growing| {
            column.values.pad(rows);
            let values = match column.values {
                Grown::Numbers(values) => Values::Numbers(values),
                Grown::Words(values) => Values::Words(values),
            };
            Column { spec: column.key.spec(column.unit, column.source, extracts), values }
        };
        Table::new(self.columns.into_iter().map(column).collect(), rows)
    }
}

impl Growing {
    /// The value of a row; a value of the other kind is none.
    fn put(&mut self, row: usize, value: &Value) {
        self.values.pad(row);
        match (&mut self.values, value) {
            (Grown::Numbers(values), Value::Number(value)) => {
                values.truncate(row);
                values.push(*value);
            }
            (Grown::Words(values), Value::Word(word)) => {
                values.truncate(row);
                values.push(Some(word.clone()));
            }
            _ => {}
        }
    }
}

impl Grown {
    /// Room for a block of such values, without any.
    fn like(value: &Value) -> Grown {
        match value {
            Value::Number(_) => Grown::Numbers(Vec::with_capacity(BLOCK)),
            Value::Word(_) => Grown::Words(Vec::with_capacity(BLOCK)),
        }
    }

    /// Room for so many rows in all.
    fn reserve(&mut self, rows: usize) {
        match self {
            Grown::Numbers(values) => values.reserve_exact(rows.saturating_sub(values.len())),
            Grown::Words(values) => values.reserve_exact(rows.saturating_sub(values.len())),
        }
    }

    fn none_like(&self) -> Grown {
        match self {
            Grown::Numbers(_) => Grown::Numbers(Vec::new()),
            Grown::Words(_) => Grown::Words(Vec::new()),
        }
    }

    /// Puts others below; those of the other kind are missing.
    fn extend(&mut self, other: Grown) {
        match (self, other) {
            (Grown::Numbers(own), Grown::Numbers(more)) => own.extend(more),
            (Grown::Words(own), Grown::Words(more)) => own.extend(more),
            (Grown::Numbers(own), Grown::Words(more)) => own.extend(more.iter().map(|_| f64::NAN)),
            (Grown::Words(own), Grown::Numbers(more)) => own.extend(more.iter().map(|_| None)),
        }
    }

    /// Fills up with missing values; longer ones stay as they are.
    fn pad(&mut self, rows: usize) {
        match self {
            Grown::Numbers(values) if values.len() < rows => values.resize(rows, f64::NAN),
            Grown::Words(values) if values.len() < rows => values.resize(rows, None),
            _ => {}
        }
    }
}
