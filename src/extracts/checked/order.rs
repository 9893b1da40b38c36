//! The order of rows as positions: comparing looks at columns where they stand, and rows are moved once, at the end.

use arrow::record_batch::RecordBatch;
use rayon::prelude::*;

use super::frame;
use crate::extracts::contract::schema::{Kind, Table};
use crate::vocabulary::{Day, Moment};

/// One column by which rows are told apart, read where it stands.
pub enum Cells<'a> {
    Text(Cell<'a, &'a str>),
    Day(Cell<'a, Day>),
    Moment(Cell<'a, Moment>),
}

type Cell<'a, T> = Box<dyn Fn(usize) -> Option<T> + Sync + 'a>;

/// Runs up to this long are compared directly; longer ones by a number that stands for each value first.
const SHORT: usize = 48;

impl<'a> Cells<'a> {
    pub fn of(table: &Table, data: &'a RecordBatch, column: &str) -> Cells<'a> {
        match table.column(column).map(|column| column.kind) {
            Some(Kind::Date) => Cells::Day(Box::new(frame::day_cell(data, column))),
            Some(Kind::Ts) => Cells::Moment(Box::new(frame::moment_cell(data, column))),
            _ => Cells::Text(Box::new(frame::text_cell(data, column))),
        }
    }

    pub fn same(&self, a: u32, b: u32) -> bool {
        self.compare(a, b).is_eq()
    }

    /// Nulls first.
    fn compare(&self, a: u32, b: u32) -> std::cmp::Ordering {
        let (a, b) = (a as usize, b as usize);
        match self {
            Cells::Text(cell) => cell(a).cmp(&cell(b)),
            Cells::Day(cell) => cell(a).cmp(&cell(b)),
            Cells::Moment(cell) => cell(a).cmp(&cell(b)),
        }
    }

    /// The value as people read it.
    pub fn shown(&self, row: u32) -> Option<String> {
        let row = row as usize;
        match self {
            Cells::Text(cell) => cell(row).map(str::to_owned),
            Cells::Day(cell) => cell(row).map(|day| day.to_string()),
            Cells::Moment(cell) => cell(row).map(|at| at.to_string()),
        }
    }

    /// Sorts rows by this column; rows of one value keep their order.
    fn sort(&self, rows: &mut [u32]) {
        if rows.is_sorted_by(|a, b| self.compare(*a, *b).is_le()) {
            return;
        }
        if rows.len() <= SHORT {
            return rows.sort_by(|a, b| self.compare(*a, *b));
        }
        let rank = self.ranks(rows);
        let mut ranked: Vec<(u64, u32)> = rows.iter().map(|row| (rank(*row), *row)).collect();
        ranked.par_sort_by(|a, b| a.0.cmp(&b.0).then_with(|| self.compare(a.1, b.1)));
        rows.iter_mut().zip(ranked).for_each(|(place, (_, row))| *place = row);
    }

    /// A number per row that never contradicts the order of values.
    fn ranks(&self, rows: &[u32]) -> Box<dyn Fn(u32) -> u64 + '_> {
        let of_signed = |value: i64| (value as u64) ^ (1 << 63);
        match self {
            Cells::Text(cell) => {
                let common = common_prefix(rows.iter().filter_map(|row| cell(*row as usize)));
                Box::new(move |row| cell(row as usize).map_or(0, |text| leading(&text.as_bytes()[common..])))
            }
            Cells::Day(cell) => Box::new(move |row| cell(row as usize).map_or(0, |day| of_signed(day.0.into()))),
            Cells::Moment(cell) => Box::new(move |row| cell(row as usize).map_or(0, |at| of_signed(at.0))),
        }
    }
}

/// Bytes with which all texts begin: ids of one kind share a long one, which tells nothing apart.
fn common_prefix<'a>(mut texts: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = texts.next() else { return 0 };
    texts.fold(first.len(), |common, text| {
        first.bytes().zip(text.bytes()).take(common).take_while(|(a, b)| a == b).count()
    })
}

/// The first eight bytes as a number that orders as they do.
fn leading(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = bytes.len().min(8);
    first[..length].copy_from_slice(&bytes[..length]);
    u64::from_be_bytes(first)
}

/// Sorts rows by the columns in turn; rows alike in all of them keep their order.
pub(super) fn arrange(rows: &mut [u32], by: &[&Cells]) {
    let Some((first, rest)) = by.split_first() else { return };
    first.sort(rows);
    if !rest.is_empty() {
        rows.chunk_by_mut(|a, b| first.same(*a, *b)).filter(|run| run.len() > 1).for_each(|run| arrange(run, rest));
    }
}
