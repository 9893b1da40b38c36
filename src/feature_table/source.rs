//! A table in one Parquet or delimited file, on disk or in a store, read in batches as often as it is asked.

use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use super::cells::{Cells, present};
use super::{Error, delimited};
use crate::store::{Access, Store};

/// Rows per batch of a Parquet file.
const BATCH_ROWS: usize = 16_384;

/// Bytes that are looked at to tell the format and the delimiter.
const HEAD: usize = 64 * 1024;

/// A table that can be read again and again.
pub struct TableFile {
    /// As it was named.
    pub name: String,
    content: Content,
    format: Format,
    pub columns: Vec<String>,
    /// Columns that hold something no model reads, with the reason.
    pub unreadable: Vec<(String, String)>,
}

enum Content {
    /// On a disk: read as it is needed.
    Local(PathBuf),
    /// From a store.
    Held(Bytes),
}

#[derive(Clone, Copy)]
enum Format {
    Parquet,
    Delimited(u8),
}

impl TableFile {
    /// Opens a path or URL and reads the names of its columns.
    pub fn open(url: &str, access: &Access) -> Result<TableFile, Error> {
        let content = Content::of(url, access)?;
        let unreadable = |reason: String| Error::Unreadable { file: url.to_owned(), reason };
        let head = content.head().map_err(unreadable)?;
        if head.is_empty() {
            return Err(unreadable("the file is empty (0 bytes)".to_owned()));
        }
        let format = match head.starts_with(b"PAR1") {
            true => Format::Parquet,
            false => Format::Delimited(delimited::delimiter(&head)),
        };
        if let (Format::Delimited(_), Some(reason)) = (format, no_text(&head)) {
            return Err(unreadable(reason.to_owned()));
        }
        let (columns, left_out) = content.columns(format).map_err(unreadable)?;
        let file = TableFile { name: url.to_owned(), content, format, columns: columns.clone(), unreadable: left_out };
        let twice = columns.iter().enumerate().find(|(place, name)| columns[..*place].contains(name));
        match twice {
            None => Ok(file),
            Some((_, name)) => Err(file.column(name, "stands twice in the table; rename or remove one of the two")),
        }
    }

    /// Reads these columns, in this order, batch by batch.
    pub fn scan(&self, columns: &[&str], visit: &mut dyn FnMut(&[Cells]) -> Result<(), Error>) -> Result<(), Error> {
        let place = |name: &&str| self.columns.iter().position(|column| column == name);
        let places: Vec<usize> = columns.iter().filter_map(place).collect();
        let mut visit = |cells: &[Cells]| visit(cells).map_err(Stop::Ours);
        let done = match (&self.content, self.format) {
            (Content::Local(path), Format::Parquet) => open(path).and_then(|f| parquet_scan(f, &places, &mut visit)),
            (Content::Held(bytes), Format::Parquet) => parquet_scan(bytes.clone(), &places, &mut visit),
            (content, Format::Delimited(delimiter)) => content
                .read()
                .map_err(Stop::Theirs)
                .and_then(|read| delimited::scan(delimited::Records::of(read, delimiter), &places, &mut visit)),
        };
        done.map_err(|stop| match stop {
            Stop::Ours(error) => error,
            Stop::Theirs(reason) => Error::Unreadable { file: self.name.clone(), reason },
        })
    }

    /// A fault of one column.
    pub fn column(&self, column: &str, reason: impl Into<String>) -> Error {
        Error::Column { file: self.name.clone(), column: column.to_owned(), reason: reason.into() }
    }

    /// A table that cannot be used for what was asked.
    pub fn unfit(&self, reason: impl Into<String>) -> Error {
        Error::Unfit { file: self.name.clone(), reason: reason.into() }
    }
}

/// What a file that is not Parquet holds instead of text, and what to do about it.
fn no_text(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(&[0x1f, 0x8b]) || starts(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Some("is compressed (gzip or zstd); unpack it first, or write it as Parquet")
    } else if starts(b"PK") {
        Some("is a spreadsheet or a ZIP archive; save the sheet as CSV, or unpack the archive")
    } else if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) {
        Some("is text in UTF-16; save it as UTF-8")
    } else {
        head.contains(&0).then_some("neither Parquet nor delimited text; write it as one of them")
    }
}

/// Why a scan ended early: the visitor's own error, or the file's.
enum Stop {
    Ours(Error),
    Theirs(String),
}

impl From<String> for Stop {
    fn from(reason: String) -> Stop {
        Stop::Theirs(reason)
    }
}

fn open(path: &Path) -> Result<File, Stop> {
    File::open(path).map_err(|e| Stop::Theirs(e.to_string()))
}

impl Content {
    fn of(url: &str, access: &Access) -> Result<Content, Error> {
        let remote = url.contains("://") && !url.starts_with("file://");
        if !remote {
            let path = access.base.join(url.strip_prefix("file://").unwrap_or(url));
            return match path.is_file() {
                true => Ok(Content::Local(path)),
                false => Err(Error::Unfit { file: url.to_owned(), reason: not_there(&path) }),
            };
        }
        let (folder, name) = url.rsplit_once('/').unwrap_or((url, ""));
        Ok(Content::Held(Store::open(folder, access)?.get(name)?))
    }

    fn head(&self) -> Result<Vec<u8>, String> {
        let mut head = Vec::new();
        self.read()?.take(HEAD as u64).read_to_end(&mut head).map_err(|e| e.to_string())?;
        Ok(head)
    }

    fn read(&self) -> Result<Box<dyn Read>, String> {
        Ok(match self {
            Content::Local(path) => Box::new(File::open(path).map_err(|e| e.to_string())?),
            Content::Held(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// Names of all columns, and those no model reads with the reason.
    #[expect(clippy::type_complexity)]
    fn columns(&self, format: Format) -> Result<(Vec<String>, Vec<(String, String)>), String> {
        let schema = match (self, format) {
            (_, Format::Delimited(delimiter)) => {
                let names = delimited::header(&mut delimited::Records::of(self.read()?, delimiter))?;
                return Ok((names, Vec::new()));
            }
            (Content::Local(path), _) => parquet_schema(&File::open(path).map_err(|e| e.to_string())?)?,
            (Content::Held(bytes), _) => parquet_schema(bytes)?,
        };
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let unreadable = schema.fields().iter().filter(|field| reading(field.data_type()).is_none());
        let unreadable = unreadable.map(|field| (field.name().clone(), format!("holds {}", field.data_type())));
        Ok((names, unreadable.collect()))
    }
}

fn not_there(path: &Path) -> String {
    match path.is_dir() {
        true => "is a folder; name one Parquet or CSV file".to_owned(),
        false => "no such file".to_owned(),
    }
}

fn parquet_schema<T: ChunkReader>(content: &T) -> Result<Schema, String> {
    let metadata = guarded(|| ArrowReaderMetadata::load(content, Default::default()))?;
    Ok(metadata.schema().as_ref().clone())
}

fn parquet_scan<T: ChunkReader + 'static>(
    content: T,
    places: &[usize],
    visit: &mut dyn FnMut(&[Cells]) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new(content))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), places.iter().copied());
    let mut reader = guarded(|| builder.with_projection(mask).with_batch_size(BATCH_ROWS).build())?;
    // The reader gives the columns in the order of the file.
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    while let Some(batch) = guarded(|| reader.next().transpose())? {
        let cells = |place: &usize| {
            let at = sorted.binary_search(place).unwrap_or_default();
            convert(batch.column(at))
        };
        let cells: Vec<Cells> = guarded(|| places.iter().map(cells).collect::<Result<_, _>>())?;
        visit(&cells)?;
    }
    Ok(())
}

/// Decoders meet whatever a broken file holds: an error and a panic of theirs mean the same to us.
fn guarded<T, E: std::fmt::Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| format!("not a readable Parquet file: {e}")),
        Err(_) => Err("not a readable Parquet file: the content cannot be decoded".to_owned()),
    }
}

/// How a stored type is read.
#[derive(Clone, Copy)]
enum Reading {
    Number,
    Flag,
    Day,
    Moment,
    Text,
}

fn reading(kind: &DataType) -> Option<Reading> {
    use DataType::*;
    Some(match kind {
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float32 | Float64 | Null => Reading::Number,
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => Reading::Number,
        Boolean => Reading::Flag,
        Date32 => Reading::Day,
        Date64 | Timestamp(..) => Reading::Moment,
        Utf8 | LargeUtf8 | Utf8View => Reading::Text,
        Dictionary(_, values) => return reading(values),
        _ => return None,
    })
}

const MICROSECONDS_PER_DAY: f64 = 86_400e6;

fn convert(array: &ArrayRef) -> Result<Cells, arrow::error::ArrowError> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values)?,
        _ => array.clone(),
    };
    let floats = |array: &ArrayRef| cast(array, &DataType::Float64).map(|a| a.as_primitive::<Float64Type>().clone());
    Ok(match reading(array.data_type()) {
        Some(Reading::Number) => numbers(&array, floats(&array)?)?,
        Some(Reading::Flag) => Cells::Flags(floats(&array)?),
        Some(Reading::Day) => {
            let days = cast(&array, &DataType::Int32)?;
            Cells::Days(days.as_primitive::<Int32Type>().unary(f64::from))
        }
        Some(Reading::Moment) => {
            let moments = cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let ticks = cast(&moments, &DataType::Int64)?;
            Cells::Days(ticks.as_primitive::<Int64Type>().unary(|t| t as f64 / MICROSECONDS_PER_DAY))
        }
        Some(Reading::Text) => {
            let text = cast(&array, &DataType::Utf8)?;
            Cells::Text(without_markers(text.as_string::<i32>()))
        }
        None => Cells::Numbers(Float64Array::new_null(array.len())),
    })
}

/// Numbers from which on neighbouring whole ones share a float.
const WHOLE_IN_A_FLOAT: f64 = 9_007_199_254_740_992.0;

fn numbers(array: &ArrayRef, floats: Float64Array) -> Result<Cells, arrow::error::ArrowError> {
    let whole = !array.data_type().is_floating();
    match whole && floats.iter().flatten().any(|value| value.abs() >= WHOLE_IN_A_FLOAT) {
        true => Ok(Cells::Long(floats, cast(array, &DataType::Utf8)?.as_string::<i32>().clone())),
        false => Ok(Cells::Numbers(floats)),
    }
}

fn without_markers(text: &StringArray) -> StringArray {
    let mut builder = StringBuilder::with_capacity(text.len(), text.value_data().len());
    text.iter().for_each(|cell| builder.append_option(cell.and_then(present)));
    builder.finish()
}
