//! A table's columns, each beside the function that reads it from a row: schema and content cannot drift apart.
//!
//! The type of the function decides the column's type and whether it may be null.

use polars::prelude::*;
use rayon::prelude::*;

use super::schema::{ColumnSpec, ColumnType, Layer, OutputTable, Reference, TableSpec};
use crate::vocabulary::{Day, Moment};

/// What every row of a run carries.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub as_of: Day,
    pub run_id: String,
}

/// How a column's values are read from a row of type `R`.
enum Read<R> {
    Stamp(fn(&Stamp) -> AnyValue<'_>),
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
        let spec = TableSpec { table, layer, description, key: Vec::new(), columns: Vec::new() };
        Table { spec, reads: Vec::new() }
            .stamp("as_of_date", "The day whose end the run sees, UTC.", ColumnType::Date32, |stamp| {
                AnyValue::Date(stamp.as_of.0)
            })
            .stamp("run_id", "The run that wrote the row.", ColumnType::Utf8, |stamp| AnyValue::String(&stamp.run_id))
    }

    columns! {
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

    fn stamp(
        self,
        name: &'static str,
        description: &'static str,
        kind: ColumnType,
        get: fn(&Stamp) -> AnyValue<'_>,
    ) -> Self {
        self.column(name, description, kind, false, Read::Stamp(get))
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
        self.spec.columns.push(ColumnSpec { name, kind, nullable, description, range, words, references });
        self.reads.push(read);
        self
    }
}

impl<R: Sync> Table<R> {
    /// The rows as a frame, in the order given; not yet checked.
    pub fn frame(&self, rows: &[R], stamp: &Stamp) -> Frame {
        let columns: Vec<Column> = (self.spec.columns.par_iter().zip(&self.reads))
            .map(|(column, read)| read.column(column, rows, stamp))
            .collect();
        let data = DataFrame::new(rows.len(), columns).expect("columns of one table are equally long and named apart");
        Frame { spec: self.spec.clone(), data }
    }
}

impl<R> Read<R> {
    fn column(&self, spec: &ColumnSpec, rows: &[R], stamp: &Stamp) -> Column {
        let name = PlSmallStr::from_static(spec.name);
        let series = match self {
            Read::Stamp(get) => {
                let scalar = Scalar::new(data_type(spec.kind), get(stamp).into_static());
                return Column::new_scalar(name, scalar, rows.len());
            }
            Read::Text(get) => rows.iter().map(|row| Some(get(row))).collect::<StringChunked>().into_series(),
            Read::TextOpt(get) => rows.iter().map(|row| get(row)).collect::<StringChunked>().into_series(),
            Read::Made(get) => rows.iter().map(|row| Some(get(row))).collect::<StringChunked>().into_series(),
            Read::MadeOpt(get) => rows.iter().map(get).collect::<StringChunked>().into_series(),
            Read::Flag(get) => rows.iter().map(|row| Some(get(row))).collect::<BooleanChunked>().into_series(),
            Read::Int(get) => rows.iter().map(|row| Some(get(row))).collect::<Int64Chunked>().into_series(),
            Read::IntOpt(get) => rows.iter().map(get).collect::<Int64Chunked>().into_series(),
            Read::Float(get) => rows.iter().map(|row| Some(get(row))).collect::<Float64Chunked>().into_series(),
            Read::FloatOpt(get) => rows.iter().map(get).collect::<Float64Chunked>().into_series(),
            Read::Date(get) => days(rows.iter().map(|row| Some(get(row)))),
            Read::DateOpt(get) => days(rows.iter().map(get)),
            Read::Time(get) => moments(rows.iter().map(|row| Some(get(row)))),
            Read::TimeOpt(get) => moments(rows.iter().map(get)),
        };
        series.with_name(name).into_column()
    }
}

fn days(values: impl Iterator<Item = Option<Day>>) -> Series {
    values.map(|day| day.map(|d| d.0)).collect::<Int32Chunked>().into_date().into_series()
}

fn moments(values: impl Iterator<Item = Option<Moment>>) -> Series {
    let micros: Int64Chunked = values.map(|moment| moment.map(|m| m.0)).collect();
    micros.into_datetime(TimeUnit::Microseconds, None).into_series()
}

/// The frame's type of a column; moments are UTC, which the Parquet schema says.
pub fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Utf8 => DataType::String,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Date32 => DataType::Date,
        ColumnType::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
    }
}

/// Rows of one output table before any check.
#[derive(Clone, Debug)]
pub struct Frame {
    pub spec: TableSpec,
    pub data: DataFrame,
}
