//! Reading published tables back: what earlier runs wrote, row by row.

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{
    Array, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use bytes::Bytes;

use super::Error;
use super::manifest::Manifest;
use crate::store::Store;
use crate::vocabulary::{Day, Moment};

/// The rows of one published table.
pub struct Rows {
    batches: Vec<RecordBatch>,
}

/// One row; a column that is not there reads as null.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

/// A table of a run; empty where the run had no such table.
pub fn table(store: &Store, manifest: &Manifest, table: &str) -> Result<Rows, Error> {
    let Some(output) = manifest.tables.iter().find(|output| output.name == table) else {
        return Ok(Rows { batches: Vec::new() });
    };
    let content = store.get(&output.path)?;
    decode(content).ok_or_else(|| Error::Altered { path: output.path.clone() })
}

/// Some columns of a table of a run; one that the run did not have reads as null.
pub fn columns(store: &Store, manifest: &Manifest, table: &str, columns: &[&str]) -> Result<Rows, Error> {
    let Some(output) = manifest.tables.iter().find(|output| output.name == table) else {
        return Ok(Rows { batches: Vec::new() });
    };
    let content = store.get(&output.path)?;
    decode_some(content, columns).ok_or_else(|| Error::Altered { path: output.path.clone() })
}

fn decode_some(content: Bytes, columns: &[&str]) -> Option<Rows> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content).ok()?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    Some(Rows { batches: builder.with_projection(mask).build().ok()?.collect::<Result<_, _>>().ok()? })
}

fn decode(content: Bytes) -> Option<Rows> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(content).ok()?.build().ok()?;
    Some(Rows { batches: reader.collect::<Result<_, _>>().ok()? })
}

impl Rows {
    pub(super) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| Row { batch, at }))
    }
}

impl<'a> Row<'a> {
    pub fn text(self, column: &str) -> Option<&'a str> {
        let array = self.column::<StringArray>(column)?;
        Some(array.value(self.at))
    }

    /// Text of a column that is never null; empty where it is not there.
    pub fn string(self, column: &str) -> String {
        self.text(column).unwrap_or_default().to_owned()
    }

    pub fn flag(self, column: &str) -> Option<bool> {
        Some(self.column::<BooleanArray>(column)?.value(self.at))
    }

    pub fn int(self, column: &str) -> Option<i64> {
        Some(self.column::<Int64Array>(column)?.value(self.at))
    }

    pub fn float(self, column: &str) -> Option<f64> {
        Some(self.column::<Float64Array>(column)?.value(self.at))
    }

    pub fn day(self, column: &str) -> Option<Day> {
        Some(Day(self.column::<Date32Array>(column)?.value(self.at)))
    }

    pub fn moment(self, column: &str) -> Option<Moment> {
        Some(Moment(self.column::<TimestampMicrosecondArray>(column)?.value(self.at)))
    }

    /// The column, if it has the type and a value here.
    fn column<A: Array + 'static>(self, column: &str) -> Option<&'a A> {
        let array: &'a dyn Array = self.batch.column_by_name(column)?.as_ref();
        let typed = array.as_any().downcast_ref::<A>()?;
        typed.is_valid(self.at).then_some(typed)
    }
}
