//! Tables as Parquet files: zstd, row groups encoded side by side, descriptions in the file, the same bytes for the
//! same rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use super::arrow_schema::arrow_schema;
use super::frame::{Frame, Slice};
use super::pages::Compact;
use super::pieces::{Pieces, Place, Written};
use super::schema::{ColumnSpec, ColumnType, TableSpec};
use crate::store;

/// Most rows of a row group: readers skip well by 128 k – 1 M.
const ROW_GROUP: usize = 512 * 1024;

/// Writes a frame whole, unchecked.
pub(super) fn write(frame: &Frame) -> Bytes {
    encode(frame).0
}

/// A frame, unchecked, as a file, and the number of its rows.
pub fn encode(frame: &Frame) -> (Bytes, u64) {
    let file = File::new(&frame.spec, None);
    let mut groups = file.row_groups();
    let mut rows = 0;
    frame.visit(&mut |slice| {
        rows += slice.rows as u64;
        groups.write(slice);
    });
    let groups = groups.finish();
    file.add(0, groups);
    let written = file.finish().expect("what stays in memory asks no store");
    (written.held().concat().into(), rows)
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

/// A file of one table. Parts of the table are encoded on any thread; each takes its place behind those before it.
pub(super) struct File {
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    assembly: Mutex<Assembly>,
}

/// The encoded columns of a row group.
pub(super) struct RowGroup(Vec<ArrowColumnChunk>);

/// What the file holds so far.
struct Assembly {
    writer: SerializedFileWriter<Pieces>,
    /// The part that is to follow.
    next: usize,
    /// Parts that came before their turn.
    waiting: BTreeMap<usize, Vec<RowGroup>>,
}

impl File {
    /// A file that goes to its place as it grows, or stays in memory where there is none.
    pub fn new(spec: &TableSpec, place: Option<Place>) -> File {
        let schema = Arc::new(arrow_schema(spec));
        let options =
            ArrowWriterOptions::new().with_properties(properties(spec)).with_page_store_factory(Arc::new(Compact));
        let writer = ArrowWriter::try_new_with_options(Pieces::to(place), schema.clone(), options)
            .expect("the six column types can be written");
        let (writer, factory) = writer.into_serialized_writer().expect("nothing was written yet");
        File { factory, schema, assembly: Mutex::new(Assembly { writer, next: 0, waiting: BTreeMap::new() }) }
    }

    /// Encodes slices into row groups of this file, on any thread.
    pub fn row_groups(&self) -> RowGroups<'_> {
        RowGroups { file: self, open: None, done: Vec::new() }
    }

    /// Adds the row groups of a part; parts are numbered from 0 and come in any order.
    pub fn add(&self, part: usize, groups: Vec<RowGroup>) {
        let mut assembly = self.assembly.lock().unwrap_or_else(PoisonError::into_inner);
        assembly.waiting.insert(part, groups);
        while let Some(groups) = assembly.take_next() {
            groups.into_iter().for_each(|group| assembly.append(group));
        }
    }

    /// The file, once every part was added; or what the store had against it.
    pub fn finish(self) -> Result<Written, store::Error> {
        let assembly = self.assembly.into_inner().unwrap_or_else(PoisonError::into_inner);
        assembly.writer.into_inner().expect("writing to memory does not fail").finish()
    }
}

impl Assembly {
    fn take_next(&mut self) -> Option<Vec<RowGroup>> {
        let groups = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(groups)
    }

    fn append(&mut self, RowGroup(columns): RowGroup) {
        let mut group = self.writer.next_row_group().expect("the last row group was closed");
        for column in columns {
            column.append_to_row_group(&mut group).expect("writing to memory does not fail");
        }
        group.close().expect("every column was appended");
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
