//! Tables as Parquet files: zstd, row groups encoded side by side, descriptions in the file, the same bytes for the
//! same rows.

use std::io;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::ColumnPath;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;

use super::frame::{Frame, Slice};
use super::pages::Compact;
use super::schema::{ColumnSpec, ColumnType, TableSpec};

/// Most rows of a row group: readers skip well by 128 k – 1 M.
const ROW_GROUP: usize = 512 * 1024;

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

/// Writes a frame whole, unchecked.
pub(super) fn write(frame: &Frame) -> Bytes {
    encode(frame).0
}

/// A frame, unchecked, as a file, and the number of its rows.
pub fn encode(frame: &Frame) -> (Bytes, u64) {
    let file = File::new(&frame.spec);
    let mut groups = file.row_groups();
    let mut rows = 0;
    frame.visit(&mut |slice| {
        rows += slice.rows as u64;
        groups.write(slice);
    });
    let groups = groups.finish();
    (file.assemble(groups).concat().into(), rows)
}

/// Writes rows as they are, e.g. those that failed a check.
pub(super) fn write_batch(spec: &TableSpec, rows: &RecordBatch) -> Bytes {
    let mut buffer = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut buffer, rows.schema(), Some(properties(spec)))
        .expect("the six column types can be written");
    writer.write(rows).expect("writing to memory does not fail");
    writer.close().expect("writing to memory does not fail");
    buffer.into()
}

/// A file of one table, to which row groups are added in order.
pub(super) struct File {
    writer: SerializedFileWriter<Pieces>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
}

/// The encoded columns of a row group.
pub(super) struct RowGroup(Vec<ArrowColumnChunk>);

impl File {
    pub fn new(spec: &TableSpec) -> File {
        let schema = Arc::new(arrow_schema(spec));
        let options =
            ArrowWriterOptions::new().with_properties(properties(spec)).with_page_store_factory(Arc::new(Compact));
        let writer = ArrowWriter::try_new_with_options(Pieces::default(), schema.clone(), options)
            .expect("the six column types can be written");
        let (writer, factory) = writer.into_serialized_writer().expect("nothing was written yet");
        File { writer, factory, schema }
    }

    /// Encodes slices into row groups of this file, on any thread.
    pub fn row_groups(&self) -> RowGroups<'_> {
        RowGroups { file: self, open: None, done: Vec::new() }
    }

    /// The file's bytes in pieces.
    pub fn assemble(mut self, groups: Vec<RowGroup>) -> Vec<Bytes> {
        for RowGroup(columns) in groups {
            let mut group = self.writer.next_row_group().expect("the last row group was closed");
            for column in columns {
                column.append_to_row_group(&mut group).expect("writing to memory does not fail");
            }
            group.close().expect("every column was appended");
        }
        self.writer.into_inner().expect("writing to memory does not fail").finish()
    }
}

/// Row groups of one part of a table.
pub(super) struct RowGroups<'f> {
    file: &'f File,
    open: Option<(Vec<ArrowColumnWriter>, usize)>,
    done: Vec<RowGroup>,
}

impl RowGroups<'_> {
    pub fn write(&mut self, slice: &Slice) {
        let file = self.file;
        let (writers, rows) =
            self.open.get_or_insert_with(|| (file.factory.create_column_writers(0).expect("the six column types"), 0));
        for ((writer, field), column) in writers.iter_mut().zip(file.schema.fields()).zip(&slice.columns) {
            for leaf in compute_leaves(field, column).expect("columns were made by the specification") {
                writer.write(&leaf).expect("writing to memory does not fail");
            }
        }
        *rows += slice.rows;
        if *rows >= ROW_GROUP {
            self.close();
        }
    }

    fn close(&mut self) {
        let columns = self.open.take().into_iter().flat_map(|(writers, _)| writers);
        let chunks: Vec<ArrowColumnChunk> =
            columns.map(|writer| writer.close().expect("writing to memory does not fail")).collect();
        self.done.extend((!chunks.is_empty()).then_some(RowGroup(chunks)));
    }

    pub fn finish(mut self) -> Vec<RowGroup> {
        self.close();
        self.done
    }
}

/// Bytes written so far, never copied again as more arrive.
#[derive(Default)]
struct Pieces {
    full: Vec<Bytes>,
    last: Vec<u8>,
}

/// Bytes of a piece.
const PIECE: usize = 4 << 20;

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.last.len() + bytes.len() > PIECE && !self.last.is_empty() {
            self.full.push(std::mem::take(&mut self.last).into());
        }
        self.last.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Pieces {
    fn finish(mut self) -> Vec<Bytes> {
        self.full.push(self.last.into());
        self.full
    }
}

/// Values that a column takes at once.
const BATCH: usize = 8 * 1024;

fn properties(spec: &TableSpec) -> WriterProperties {
    let columns =
        spec.columns.iter().map(|c| KeyValue::new(format!("description:{}", c.name), c.description.to_owned()));
    let metadata = [
        KeyValue::new("table".into(), spec.name().to_owned()),
        KeyValue::new("description".into(), spec.description.to_owned()),
    ];
    // Readers skip row groups by their statistics; those of pages would cost more than they save.
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_write_batch_size(BATCH);
    let path = |column: &ColumnSpec| ColumnPath::from(column.name);
    let unique = spec.columns.iter().filter(|column| !column.repeats);
    let builder = unique.fold(builder, |builder, column| builder.set_column_dictionary_enabled(path(column), false));
    // The least and the greatest of texts by which rows are not ordered tell nothing: every row group has them all.
    let first = spec.order().into_iter().next();
    let mixed = spec.columns.iter().filter(|column| column.kind == ColumnType::Utf8 && Some(column.name) != first);
    mixed
        .fold(builder, |builder, column| builder.set_column_statistics_enabled(path(column), EnabledStatistics::None))
        .set_created_by(concat!("foothold ", env!("CARGO_PKG_VERSION")).into())
        .set_key_value_metadata(Some(metadata.into_iter().chain(columns).collect()))
        .build()
}
