//! A table's columns, each beside the function that reads it from a row: schema and content cannot drift apart.
//!
//! The type of the function decides the column's type and whether it may be null.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::ArrayRef;

use super::column;
use super::frame::{Frame, LONG_ROWS, SLICE, Show, Slice};
use super::schema::{ColumnSpec, ColumnType, Layer, OutputTable, Reference, TableSpec};
use crate::vocabulary::{Day, Moment, StableId};

/// What every row of a run carries.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub as_of: Day,
    pub run_id: String,
}

/// How a column's values are read from a row of type `R`.
enum Read<R> {
    AsOf,
    RunId,
    Id(fn(&R) -> StableId),
    Text(for<'r> fn(&'r R) -> &'r str),
    TextOpt(for<'r> fn(&'r R) -> Option<&'r str>),
    Made(fn(&R) -> String),
    MadeOpt(fn(&R) -> Option<String>),
    Flag(fn(&R) -> bool),
    Int(fn(&R) -> i64),
    IntOpt(fn(&R) -> Option<i64>),
    Float(fn(&R) -> f64),
    FloatOpt(fn(&R) -> Option<f64>),
    Date(fn(&R) -> Day),
    DateOpt(fn(&R) -> Option<Day>),
    Time(fn(&R) -> Moment),
    TimeOpt(fn(&R) -> Option<Moment>),
}

/// An output table over rows of type `R`.
pub struct Table<R> {
    spec: TableSpec,
    reads: Vec<Read<R>>,
    /// Rows that are made columns at once.
    slice: usize,
}

macro_rules! columns {
    ($($(#[$doc:meta])* $method:ident: $variant:ident($get:ty) -> $kind:ident, $nullable:literal;)*) => {$(
        $(#[$doc])*
        pub fn $method(self, name: &'static str, description: &'static str, get: $get) -> Self {
            self.column(name, description, ColumnType::$kind, $nullable, Read::$variant(get))
        }
    )*};
}

impl<R> Table<R> {
    pub fn new(table: OutputTable, layer: Layer, description: &'static str) -> Table<R> {
        Table::unstamped(table, layer, description)
            .column("as_of_date", "The day whose end the run sees, UTC.", ColumnType::Date32, false, Read::AsOf)
            .column("run_id", "The run that wrote the row.", ColumnType::Utf8, false, Read::RunId)
    }

    /// A table that describes every run alike.
    pub fn unstamped(table: OutputTable, layer: Layer, description: &'static str) -> Table<R> {
        let spec = TableSpec { table, layer, description, key: Vec::new(), columns: Vec::new() };
        Table { spec, reads: Vec::new(), slice: SLICE }
    }

    columns! {
        id: Id(fn(&R) -> StableId) -> Utf8, false;
        text: Text(for<'r> fn(&'r R) -> &'r str) -> Utf8, false;
        text_opt: TextOpt(for<'r> fn(&'r R) -> Option<&'r str>) -> Utf8, true;
        /// Text that is put together for the output.
        made: Made(fn(&R) -> String) -> Utf8, false;
        made_opt: MadeOpt(fn(&R) -> Option<String>) -> Utf8, true;
        flag: Flag(fn(&R) -> bool) -> Bool, false;
        int: Int(fn(&R) -> i64) -> Int64, false;
        int_opt: IntOpt(fn(&R) -> Option<i64>) -> Int64, true;
        float: Float(fn(&R) -> f64) -> Float64, false;
        float_opt: FloatOpt(fn(&R) -> Option<f64>) -> Float64, true;
        date: Date(fn(&R) -> Day) -> Date32, false;
        date_opt: DateOpt(fn(&R) -> Option<Day>) -> Date32, true;
        time: Time(fn(&R) -> Moment) -> Timestamp, false;
        time_opt: TimeOpt(fn(&R) -> Option<Moment>) -> Timestamp, true;
    }

    /// Rows take kilobytes each, so that few of them are made columns at once.
    pub fn of_long_rows(mut self) -> Self {
        self.slice = LONG_ROWS;
        self
    }

    /// The column just added belongs to the key.
    pub fn key(mut self) -> Self {
        let name = self.last().name;
        self.spec.key.push(name);
        self
    }

    /// The column just added refers to a column of another table.
    pub fn refers(mut self, table: OutputTable, column: &'static str) -> Self {
        self.last().references = Some(Reference { table, column });
        self
    }

    /// The column just added lies between two values, both included.
    pub fn within(mut self, low: f64, high: f64) -> Self {
        self.last().range = Some((low, high));
        self
    }

    /// The column just added holds one of these words.
    pub fn among(mut self, words: impl IntoIterator<Item = &'static str>) -> Self {
        self.last().words = words.into_iter().collect();
        self
    }

    pub fn spec(&self) -> &TableSpec {
        &self.spec
    }

    fn last(&mut self) -> &mut ColumnSpec {
        self.spec.columns.last_mut().expect("every table begins with its stamp columns")
    }

    fn column(
        mut self,
        name: &'static str,
        description: &'static str,
        kind: ColumnType,
        nullable: bool,
        read: Read<R>,
    ) -> Self {
        let (range, words, references) = (None, Vec::new(), None);
        let repeats = !matches!(read, Read::Id(_) | Read::Float(_) | Read::FloatOpt(_));
        self.spec.columns.push(ColumnSpec { name, kind, nullable, description, range, words, references, repeats });
        self.reads.push(read);
        self
    }
}

impl<R> Table<R> {
    /// The rows as a frame, sorted; not yet checked.
    pub fn frame(&self, rows: &[R], stamp: &Stamp) -> Frame<'static> {
        Frame::of(self.spec.clone(), self.slices(self.sorted(rows), stamp).collect())
    }

    /// The same, for rows that last until they are written: their columns are made when they are asked for.
    pub fn frame_lent<'a>(self, rows: &'a [R], stamp: &Stamp) -> Frame<'a>
    where
        R: Sync + 'a,
    {
        let (spec, stamp) = (self.spec.clone(), stamp.clone());
        let show: Show<'a> = Box::new(move |visit| {
            self.slices(self.sorted(rows), &stamp).for_each(|slice| visit(&slice));
        });
        Frame { spec, parts: vec![show] }
    }

    /// The rows in the order given.
    pub(super) fn frame_as_given(&self, rows: &[R], stamp: &Stamp) -> Frame<'static> {
        Frame::of(self.spec.clone(), self.slices(rows.iter().collect(), stamp).collect())
    }

    /// A frame whose rows are made part by part when they are asked for, so that a large table is never alive whole.
    ///
    /// `rows` hands on a part's rows run by run. Parts, and the runs of a part, must follow one another in the table's
    /// order; each run is sorted by itself.
    pub fn frame_of<'a, P>(
        self,
        parts: Vec<P>,
        rows: impl Fn(&P, &mut dyn FnMut(Vec<R>)) + Send + Sync + 'a,
        stamp: &Stamp,
    ) -> Frame<'a>
    where
        R: 'a,
        P: Send + Sync + 'a,
    {
        let spec = self.spec.clone();
        let making = Arc::new((self, rows, stamp.clone()));
        let part = |part: P| -> Show<'a> {
            let making = making.clone();
            Box::new(move |visit| {
                let (table, rows, stamp) = &*making;
                let order = table.order();
                let mut waiting: Vec<R> = Vec::new();
                rows(&part, &mut |mut run| {
                    order.sort(&mut run);
                    waiting.append(&mut run);
                    let whole = waiting.len() - waiting.len() % table.slice;
                    table.slices(waiting[..whole].iter().collect(), stamp).for_each(|slice| visit(&slice));
                    waiting.drain(..whole);
                });
                table.slices(waiting.iter().collect(), stamp).for_each(|slice| visit(&slice));
            })
        };
        Frame { spec, parts: parts.into_iter().map(part).collect() }
    }

    fn slices(&self, rows: Vec<&R>, stamp: &Stamp) -> impl Iterator<Item = Slice> {
        let (slices, size) = (rows.len().div_ceil(self.slice), self.slice);
        (0..slices).map(move |n| {
            let rows = &rows[n * size..rows.len().min((n + 1) * size)];
            let columns = self.reads.iter().map(|read| read.column(rows, stamp)).collect();
            Slice { columns, rows: rows.len() }
        })
    }

    /// The rows in the table's order.
    fn sorted<'r>(&self, rows: &'r [R]) -> Vec<&'r R> {
        let mut rows: Vec<&R> = rows.iter().collect();
        self.order().sort(&mut rows);
        rows
    }

    fn order(&self) -> Order<'_, R> {
        Order(self.spec.order().iter().filter_map(|name| self.read(name)).collect())
    }

    fn read(&self, name: &str) -> Option<&Read<R>> {
        Some(&self.reads[self.spec.columns.iter().position(|column| column.name == name)?])
    }
}

/// A table's order: by these columns, one after another.
struct Order<'t, R>(Vec<&'t Read<R>>);

impl<R> Order<'_, R> {
    /// Equal rows keep their places.
    fn sort<T: Borrow<R>>(&self, rows: &mut [T]) {
        if !rows.is_sorted_by(|a, b| self.compare(a.borrow(), b.borrow()).is_le()) {
            rows.sort_by(|a, b| self.compare(a.borrow(), b.borrow()));
        }
    }

    fn compare(&self, a: &R, b: &R) -> Ordering {
        self.0.iter().map(|read| read.compare(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl<R> Read<R> {
    fn column(&self, rows: &[&R], stamp: &Stamp) -> ArrayRef {
        let rows = rows.iter().copied();
        match self {
            Read::AsOf => column::days(rows.map(|_| Some(stamp.as_of))),
            Read::RunId => column::texts(rows.map(|_| Some(stamp.run_id.as_str()))),
            Read::Id(get) => column::ids(rows.map(get)),
            Read::Text(get) => column::texts(rows.map(|row| Some(get(row)))),
            Read::TextOpt(get) => column::texts(rows.map(get)),
            Read::Made(get) => column::made(rows.map(|row| Some(get(row)))),
            Read::MadeOpt(get) => column::made(rows.map(get)),
            Read::Flag(get) => column::flags(rows.map(get)),
            Read::Int(get) => column::ints(rows.map(|row| Some(get(row)))),
            Read::IntOpt(get) => column::ints(rows.map(get)),
            Read::Float(get) => column::floats(rows.map(|row| Some(get(row)))),
            Read::FloatOpt(get) => column::floats(rows.map(get)),
            Read::Date(get) => column::days(rows.map(|row| Some(get(row)))),
            Read::DateOpt(get) => column::days(rows.map(get)),
            Read::Time(get) => column::moments(rows.map(|row| Some(get(row)))),
            Read::TimeOpt(get) => column::moments(rows.map(get)),
        }
    }

    /// Nulls first.
    fn compare(&self, a: &R, b: &R) -> Ordering {
        match self {
            Read::AsOf | Read::RunId => Ordering::Equal,
            Read::Id(get) => get(a).cmp(&get(b)),
            Read::Text(get) => get(a).cmp(get(b)),
            Read::TextOpt(get) => get(a).cmp(&get(b)),
            Read::Made(get) => get(a).cmp(&get(b)),
            Read::MadeOpt(get) => get(a).cmp(&get(b)),
            Read::Flag(get) => get(a).cmp(&get(b)),
            Read::Int(get) => get(a).cmp(&get(b)),
            Read::IntOpt(get) => get(a).cmp(&get(b)),
            Read::Float(get) => get(a).total_cmp(&get(b)),
            Read::FloatOpt(get) => match (get(a), get(b)) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            },
            Read::Date(get) => get(a).cmp(&get(b)),
            Read::DateOpt(get) => get(a).cmp(&get(b)),
            Read::Time(get) => get(a).cmp(&get(b)),
            Read::TimeOpt(get) => get(a).cmp(&get(b)),
        }
    }
}
