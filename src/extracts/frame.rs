//! A small table as a Polars frame: gathered from its files in the contract's types, and read out as typed rows.
//!
//! The two big tables never pass through here; see `usage_rows` and `feature_rows`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::record_batch::RecordBatch;
use polars::prelude::{
    BooleanChunked, Column as Series, DataFrame, Float64Chunked, Int32Chunked, Int64Chunked, IntoColumn, NamedFrom,
    NewChunkedArray, PolarsResult, StringChunked, UInt32Chunked,
};

use super::convert::{self, Unfit};
use super::part::Part;
use super::schema::{Column, Kind, Table};
use super::{Dictionaries, Seen};
use crate::vocabulary::{AccountIx, ContactIx, Day, MetricIx, Moment, ProductIx, Text, UserIx};

/// Columns that are ours and not the contract's.
pub(super) const FILE: &str = "__file";
pub(super) const ROW: &str = "__row";
pub(super) const CONTENT: &str = "__content";
pub(super) const KNOWN: &str = "__known";
pub(super) const SUPERSEDED: &str = "__superseded";

/// The rows of a table that passed every rule, in the table's order, with the days they were visible.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub seen: Vec<Seen>,
    pub(super) data: DataFrame,
}

impl Frame {
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// A row per position for which `row` finds all it needs.
    pub fn rows<T>(&self, row: impl FnMut(usize) -> Option<T>) -> Vec<T> {
        (0..self.len()).filter_map(row).collect()
    }

    /// Positions of the versions that nothing superseded.
    pub fn current(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|i| self.seen[*i].superseded == Day::MAX)
    }

    /// Text values; equal values share their memory.
    pub fn text(&self, column: &str) -> Vec<Option<Text>> {
        let mut known: HashSet<Text> = HashSet::new();
        let mut shared = |value: &str| match known.get(value) {
            Some(text) => text.clone(),
            None => {
                let text: Text = value.into();
                known.insert(text.clone());
                text
            }
        };
        self.map_text(column, |value| Some(shared(value)))
    }

    pub fn word<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Vec<Option<T>> {
        self.map_text(column, parse)
    }

    pub fn account(&self, column: &str, ids: &Dictionaries) -> Vec<Option<AccountIx>> {
        self.map_text(column, |id| ids.accounts.get(id))
    }

    pub fn product(&self, column: &str, ids: &Dictionaries) -> Vec<Option<ProductIx>> {
        self.map_text(column, |id| ids.products.get(id))
    }

    pub fn contact(&self, column: &str, ids: &Dictionaries) -> Vec<Option<ContactIx>> {
        self.map_text(column, |id| ids.contacts.get(id))
    }

    pub fn metric(&self, column: &str, ids: &Dictionaries) -> Vec<Option<MetricIx>> {
        self.map_text(column, |id| ids.metrics.get(id))
    }

    /// Users of the row's own account.
    pub fn user(&self, column: &str, ids: &Dictionaries) -> Vec<Option<UserIx>> {
        self.users(column).into_iter().map(|user| ids.users.get(&user?)).collect()
    }

    /// `account_id` U+001F `user_id` of each row that names a user.
    pub(super) fn users(&self, column: &str) -> Vec<Option<String>> {
        let (accounts, users) = (text_cells(&self.data, "account_id"), text_cells(&self.data, column));
        accounts.into_iter().zip(users).map(|(account, user)| Some(user_key(account?, user?))).collect()
    }

    pub fn day(&self, column: &str) -> Vec<Option<Day>> {
        day_cells(&self.data, column)
    }

    pub fn moment(&self, column: &str) -> Vec<Option<Moment>> {
        moment_cells(&self.data, column)
    }

    pub fn int(&self, column: &str) -> Vec<Option<i64>> {
        int_cells(&self.data, column)
    }

    pub fn num(&self, column: &str) -> Vec<Option<f64>> {
        num_cells(&self.data, column)
    }

    pub fn flag(&self, column: &str) -> Vec<Option<bool>> {
        bool_cells(&self.data, column)
    }

    fn map_text<T>(&self, column: &str, mut map: impl FnMut(&str) -> Option<T>) -> Vec<Option<T>> {
        text_cells(&self.data, column).into_iter().map(|value| map(value?)).collect()
    }
}

/// The name of a user in the `users` dictionary; ids hold no control characters, so it is unambiguous.
pub(super) fn user_key(account: &str, user: &str) -> String {
    format!("{account}\u{1f}{user}")
}

/// A frame has every column of its contract in the contract's type from [`Gathered::add`] on, so a look-up cannot fail
/// but for a column that the contract does not know, which reads as nulls.
macro_rules! cells {
    ($($name:ident: $method:ident -> $value:ty = $convert:expr;)*) => {$(
        pub(super) fn $name(data: &DataFrame, column: &str) -> Vec<Option<$value>> {
            let cells = data.column(column).and_then(|series| {
                let typed = series.as_materialized_series().$method()?;
                Ok(typed.iter().map(|value| value.map($convert)).collect())
            });
            cells.unwrap_or_else(|_: polars::prelude::PolarsError| vec![None; data.height()])
        }
    )*};
}
cells! {
    day_cells: i32 -> Day = Day;
    moment_cells: i64 -> Moment = Moment;
    int_cells: i64 -> i64 = |value| value;
    num_cells: f64 -> f64 = |value| value;
    bool_cells: bool -> bool = |value| value;
    row_cells: u32 -> u32 = |value| value;
}

pub(super) fn text_cells<'a>(data: &'a DataFrame, column: &str) -> Vec<Option<&'a str>> {
    let series = data.column(column).and_then(|series| series.as_materialized_series().str());
    series.map_or_else(|_| vec![None; data.height()], |typed| typed.iter().collect())
}

/// A value that does not fit its type, by row of the gathered frame.
pub(super) struct RowFault {
    pub row: u32,
    pub column: &'static str,
    pub unfit: Unfit,
}

/// The rows of a table as they arrive, batch by batch.
#[derive(Default)]
pub(super) struct Gathered {
    pub part: Part,
    pub data: DataFrame,
    pub faults: Vec<RowFault>,
    /// Cells of the part's rows that were cut to the longest text, per column.
    pub cut: BTreeMap<&'static str, u64>,
}

impl Gathered {
    pub fn add(
        &mut self,
        table: &'static Table,
        file: usize,
        batch: &RecordBatch,
        max_text: usize,
    ) -> PolarsResult<()> {
        let (rows, offset) = (batch.num_rows(), self.data.height() as u32);
        let own = self.part.own_rows(table, batch);
        let mut columns = Vec::with_capacity(table.columns.len() + 2);
        for column in &table.columns {
            let array = batch.column_by_name(column.name).cloned().unwrap_or_else(|| convert::absent(rows));
            columns.push(self.series(column, &array, offset, max_text, own.as_ref()));
        }
        columns.push(UInt32Chunked::new(FILE.into(), vec![file as u32; rows]).into_column());
        let row_numbers: Vec<u32> = (offset..offset + rows as u32).collect();
        columns.push(UInt32Chunked::new(ROW.into(), row_numbers).into_column());
        let part = DataFrame::new(rows, columns)?;
        if self.data.width() == 0 {
            self.data = part;
        } else {
            self.data.vstack_mut(&part)?;
        }
        Ok(())
    }

    /// Days are whole days and moments microseconds since 1970, as integers: the vocabulary's own form.
    fn series(
        &mut self,
        column: &'static Column,
        array: &ArrayRef,
        offset: u32,
        max_text: usize,
        own: Option<&BooleanArray>,
    ) -> Series {
        let name = column.name.into();
        match column.kind {
            Kind::Str => self.text_series(column, array, max_text, own),
            Kind::Date => {
                let days = self.keep_faults(column, offset, convert::dates(array));
                Int32Chunked::from_iter_options(name, days.iter()).into_column()
            }
            Kind::Ts => Int64Chunked::from_iter_options(name, convert::moments(array).iter()).into_column(),
            Kind::Int => {
                let ints = self.keep_faults(column, offset, convert::ints(array));
                Int64Chunked::from_iter_options(name, ints.iter()).into_column()
            }
            Kind::Num => Float64Chunked::from_iter_options(name, convert::nums(array).iter()).into_column(),
            Kind::Bool => BooleanChunked::from_iter_options(name, convert::bools(array).iter()).into_column(),
        }
    }

    /// Blank optional text is no value; long text that is not an id is cut.
    fn text_series(
        &mut self,
        column: &'static Column,
        array: &ArrayRef,
        max_text: usize,
        own: Option<&BooleanArray>,
    ) -> Series {
        let texts = convert::text(array);
        let mut cut = 0;
        let cells = texts.iter().enumerate().map(|(row, cell)| {
            let cell = cell.filter(|text| column.required || !text.trim().is_empty())?;
            let kept = if column.is_id { cell } else { &cell[..cell.floor_char_boundary(max_text)] };
            cut += u64::from(kept.len() < cell.len() && own.is_none_or(|own| own.value(row)));
            Some(kept)
        });
        let series = StringChunked::from_iter_options(column.name.into(), cells).into_column();
        if cut > 0 {
            *self.cut.entry(column.name).or_default() += cut;
        }
        series
    }

    fn keep_faults<T>(&mut self, column: &'static Column, offset: u32, converted: convert::Converted<T>) -> T {
        let place = |unfit: Unfit| RowFault { row: offset + unfit.row as u32, column: column.name, unfit };
        self.faults.extend(converted.faults.into_iter().map(place));
        converted.values
    }

    /// A frame of no rows has the contract's columns too.
    pub fn add_nothing(&mut self, table: &'static Table) -> PolarsResult<()> {
        let schema = Arc::new(arrow::datatypes::Schema::empty());
        self.add(table, 0, &RecordBatch::new_empty(schema), 0)
    }
}
