//! The columns of a table in Arrow's types.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::schema::{ColumnSpec, ColumnType, TableSpec};

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
