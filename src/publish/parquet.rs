//! A frame as Parquet bytes: zstd, sorted as it came, descriptions in the file, the same bytes for the same rows.

use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow::array::TimestampMicrosecondArray;
use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use bytes::Bytes;
use polars::prelude::{Column, DataFrame, PolarsResult};

use super::schema::{ColumnSpec, ColumnType, TableSpec};

/// Rows per row group: within the 128 k – 1 M that readers skip well by.
const ROW_GROUP: usize = 512 * 1024;
/// Rows per slice that is handed to the writer: long text cells of one slice stay far below Arrow's 2 GiB.
const SLICE: usize = 8 * 1024;

/// The Arrow schema of a table; each field carries its description.
pub fn arrow_schema(spec: &TableSpec) -> Schema {
    Schema::new(spec.columns.iter().map(field).collect::<Vec<_>>())
}

fn field(column: &ColumnSpec) -> Field {
    let kind = match column.kind {
        ColumnType::Utf8 => DataType::Utf8,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Date32 => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    let description = [("description".to_owned(), column.description.to_owned())];
    Field::new(column.name, kind, column.nullable).with_metadata(description.into())
}

/// Writes the rows in their order. The frame must have the columns of `spec`, or those of evidence cut from it.
pub fn write(spec: &TableSpec, data: &DataFrame) -> Bytes {
    let schema = Arc::new(arrow_schema(spec));
    let mut buffer = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut buffer, schema.clone(), Some(properties(spec)))
        .expect("the six column types can be written");
    for offset in (0..data.height()).step_by(SLICE) {
        let batch = batch(spec, &schema, &data.slice(offset as i64, SLICE)).expect("the frame has the table's types");
        writer.write(&batch).expect("writing to memory does not fail");
    }
    writer.close().expect("writing to memory does not fail");
    buffer.into()
}

fn properties(spec: &TableSpec) -> WriterProperties {
    let columns =
        spec.columns.iter().map(|c| KeyValue::new(format!("description:{}", c.name), c.description.to_owned()));
    let metadata = [
        KeyValue::new("table".into(), spec.name().to_owned()),
        KeyValue::new("description".into(), spec.description.to_owned()),
    ];
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by(concat!("foothold ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(Some(metadata.into_iter().chain(columns).collect()))
        .build()
}

fn batch(spec: &TableSpec, schema: &Arc<Schema>, slice: &DataFrame) -> PolarsResult<RecordBatch> {
    let arrays: Vec<ArrayRef> =
        spec.columns.iter().map(|c| array(c, slice.column(c.name)?)).collect::<PolarsResult<_>>()?;
    Ok(RecordBatch::try_new(schema.clone(), arrays).expect("arrays were built after the schema"))
}

fn array(spec: &ColumnSpec, column: &Column) -> PolarsResult<ArrayRef> {
    let series = column.as_materialized_series();
    Ok(match spec.kind {
        ColumnType::Utf8 => Arc::new(StringArray::from_iter(series.str()?.iter())),
        ColumnType::Bool => Arc::new(BooleanArray::from_iter(series.bool()?.iter())),
        ColumnType::Int64 => Arc::new(Int64Array::from_iter(series.i64()?.iter())),
        ColumnType::Float64 => Arc::new(Float64Array::from_iter(series.f64()?.iter())),
        ColumnType::Date32 => Arc::new(Date32Array::from_iter(series.date()?.physical().iter())),
        ColumnType::Timestamp => {
            Arc::new(TimestampMicrosecondArray::from_iter(series.datetime()?.physical().iter()).with_timezone("UTC"))
        }
    })
}
