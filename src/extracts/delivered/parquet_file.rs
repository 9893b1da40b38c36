//! One Parquet object: its footer, the columns of the contract in it, and its row groups as Arrow batches.
//!
//! Bytes come from the store before decoding starts, so that decoding never waits and never touches the network.

use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type as Physical;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::SchemaDescriptor;

use super::found::Source;
use super::read_file::InputFile;
use super::read_file::KeptFile;
use crate::extracts::contract::convert;
use crate::extracts::contract::error::Problem;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Kind, Table};
use crate::store;

/// Read at once from the end of each object: holds the footer of nearly all files, and the whole of small ones.
pub(super) const TAIL_BYTES: u64 = 64 * 1024;

/// Rows per Arrow batch: few where rows hold long text, many where they hold ids and numbers.
const BATCH_ROWS: usize = 8_192;
const BIG_TABLE_BATCH_ROWS: usize = 65_536;

pub const NOT_UTF8: &str = "text that is not UTF-8";

/// Rows per step while the first row that cannot be decoded is looked for.
const BLAME_ROWS: usize = 1_024;

/// An object whose footer was read and whose columns fit the contract.
pub struct ParquetFile {
    pub source: Source,
    metadata: ArrowReaderMetadata,
    tail: Piece,
    /// Top-level positions of the contract's columns in the file.
    roots: Vec<usize>,
    pub rows: u64,
    /// What is worth knowing about its columns.
    pub notes: BTreeSet<String>,
}

/// Some bytes of an object, from `start` on.
#[derive(Clone, Debug)]
struct Piece {
    start: u64,
    bytes: Bytes,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// What went wrong with one object.
pub enum Fault {
    /// The store failed; the content is unknown.
    Store(store::Error),
    /// The content breaks the contract.
    Contract(Vec<Problem>),
}

impl ParquetFile {
    /// Reads the footer from the object's tail and holds its columns against the contract.
    pub fn open(source: Source, table: &Table, tail: Bytes) -> Result<ParquetFile, Fault> {
        let mut notes = BTreeSet::new();
        let unreadable = |reason: String| Fault::Contract(vec![corrupt(table, &source, &reason)]);
        if source.object.bytes == 0 {
            return Err(unreadable("the file is empty (0 bytes)".into()));
        }
        let tail = Piece { start: source.object.bytes - tail.len() as u64, bytes: tail };
        let (footer, tail) = read_footer(&source, tail, &unreadable)?;
        let plain =
            guarded(|| ArrowReaderMetadata::try_new(footer.clone(), ArrowReaderOptions::new())).map_err(&unreadable)?;
        let matched = match_columns(table, &source, plain.schema(), &mut notes).map_err(Fault::Contract)?;
        let options = ArrowReaderOptions::new().with_schema(hinted(table, &plain));
        let metadata = guarded(|| ArrowReaderMetadata::try_new(footer, options)).map_err(&unreadable)?;
        let rows = metadata.metadata().file_metadata().num_rows().max(0) as u64;
        // Only a file that is all tail needs it again; thousands of tails would add up.
        let tail = if tail.start == 0 { tail } else { Piece { start: source.object.bytes, bytes: Bytes::new() } };
        Ok(ParquetFile { source, metadata, tail, roots: matched, rows, notes })
    }

    /// The file as the run's inputs list it.
    pub fn as_input(&self, table: InputTable) -> InputFile {
        self.as_kept().as_input(table)
    }

    /// The file as the state notes it: as it was delivered.
    pub fn as_kept(&self) -> KeptFile {
        let (etag, bytes) = self.source.delivered();
        let rows = self.source.origin.as_ref().map_or(self.rows, |origin| origin.rows);
        let notes = self.notes.iter().cloned().collect();
        KeptFile { url: self.source.url(), etag: etag.to_owned(), bytes, rows, notes }
    }

    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Starts to fetch the bytes of a row group's needed columns.
    pub fn fetch(&self, table: &Table, group: usize) -> Result<RowGroupFetch, Fault> {
        let ranges = guarded(|| self.ranges(group)).map_err(|reason| self.corrupt(table, &reason))?;
        let missing: Vec<Range<u64>> = ranges.into_iter().filter(|range| range.start < self.tail.start).collect();
        let fetch = (!missing.is_empty()).then(|| self.source.store.fetch(&self.source.object, missing.clone()));
        Ok(RowGroupFetch { group, missing, fetch })
    }

    fn ranges(&self, group: usize) -> ParquetResult<Vec<Range<u64>>> {
        let (group, schema) = (self.metadata.metadata().row_group(group), self.metadata.parquet_schema());
        let mut ranges = Vec::new();
        for leaf in 0..group.num_columns() {
            if self.roots.contains(&schema.get_column_root_idx(leaf)) {
                let (start, len) = group.column(leaf).byte_range();
                let end = start.checked_add(len).filter(|end| *end <= self.source.object.bytes);
                let end = end.ok_or_else(|| ParquetError::EOF("a column lies beyond the end of the file".into()))?;
                ranges.push(start..end);
            }
        }
        ranges.sort_by_key(|range| range.start);
        Ok(ranges)
    }

    /// Decodes a row group batch by batch; `visit` sees each batch once.
    pub fn decode(
        &self,
        table: &Table,
        fetched: RowGroupFetch,
        visit: &mut dyn FnMut(&RecordBatch),
    ) -> Result<(), Fault> {
        let group = fetched.group;
        let bytes = SparseBytes { len: self.source.object.bytes, pieces: fetched.wait(self)?.into() };
        let read = |visit: &mut dyn FnMut(&RecordBatch)| {
            let batch_rows = if table.partitioned { BIG_TABLE_BATCH_ROWS } else { BATCH_ROWS };
            let mut reader = self.reader(&bytes, group, &self.roots, batch_rows, 0)?;
            while let Some(batch) = guarded(|| reader.next().transpose())? {
                let batch = convert::bytes_as_text(batch).map_err(|_| NOT_UTF8.to_owned())?;
                visit(&batch);
            }
            Ok(())
        };
        read(visit).map_err(|reason: String| {
            let problem = corrupt(table, &self.source, &reason);
            Fault::Contract(vec![match self.blame(&bytes, group) {
                Some((column, row)) => {
                    Problem { reason: format!("{} (at row {row})", problem.reason), ..problem.at_column(column) }
                }
                None => problem,
            }])
        })
    }

    /// The columns as they were written, the contract's and any other.
    pub fn schema_as_written(&self, table: &Table) -> Result<ArrowReaderMetadata, Fault> {
        let footer = self.metadata.metadata().clone();
        guarded(|| {
            let plain = ArrowReaderMetadata::try_new(footer.clone(), ArrowReaderOptions::new())?;
            let options = ArrowReaderOptions::new().with_schema(with_whole_moments(&plain));
            ArrowReaderMetadata::try_new(footer, options)
        })
        .map_err(|reason| self.corrupt(table, &reason))
    }

    /// Decodes some columns of a row group as they were written (all of them where `names` is `None`), until `visit`
    /// fails.
    pub fn copy(
        &self,
        table: &Table,
        written: &ArrowReaderMetadata,
        group: usize,
        names: Option<&[&str]>,
        visit: &mut dyn FnMut(RecordBatch) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let row_group = written.metadata().row_group(group);
        let spans: Vec<(u64, u64)> = row_group.columns().iter().map(|column| column.byte_range()).collect();
        let start = spans.iter().map(|(start, _)| *start).min().unwrap_or(0);
        let end = spans.iter().map(|(start, len)| start + len).max().unwrap_or(0).min(self.source.object.bytes);
        let fetched = self.source.store.fetch(&self.source.object, (start < end).then_some(start..end));
        let bytes = fetched.wait().map_err(Fault::Store)?.pop().unwrap_or_default();
        let bytes = SparseBytes { len: self.source.object.bytes, pieces: vec![Piece { start, bytes }].into() };
        let schema = written.parquet_schema();
        let projection = match names {
            Some(names) => ProjectionMask::columns(schema, names.iter().copied()),
            None => ProjectionMask::all(),
        };
        let mut reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, written.clone())
                .with_row_groups(vec![group])
                .with_projection(projection)
                .with_batch_size(BATCH_ROWS)
                .build()
        })
        .map_err(|reason| self.corrupt(table, &reason))?;
        while let Some(batch) = guarded(|| reader.next().transpose()).map_err(|reason| self.corrupt(table, &reason))? {
            visit(batch)?;
        }
        Ok(())
    }

    fn reader(
        &self,
        bytes: &SparseBytes,
        group: usize,
        roots: &[usize],
        batch_rows: usize,
        offset: usize,
    ) -> Result<ParquetRecordBatchReader, String> {
        let projection = ProjectionMask::roots(self.metadata.parquet_schema(), roots.iter().copied());
        guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(bytes.clone(), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(projection)
                .with_batch_size(batch_rows)
                .with_offset(offset)
                .build()
        })
    }

    /// The column that cannot be decoded, and the first row (counted from 1) where it fails.
    fn blame(&self, bytes: &SparseBytes, group: usize) -> Option<(String, u64)> {
        let before: i64 = self.metadata.metadata().row_groups()[..group].iter().map(|group| group.num_rows()).sum();
        self.roots.iter().find_map(|root| {
            let coarse = self.readable_rows(bytes, group, *root, BLAME_ROWS, 0)?;
            let fine = self.readable_rows(bytes, group, *root, 1, coarse).unwrap_or(0);
            let column = self.metadata.schema().field(*root).name().clone();
            Some((column, before.max(0) as u64 + (coarse + fine) as u64 + 1))
        })
    }

    /// Rows of one column that can be decoded from `offset` on, or `None` when all can.
    fn readable_rows(
        &self,
        bytes: &SparseBytes,
        group: usize,
        root: usize,
        step: usize,
        offset: usize,
    ) -> Option<usize> {
        let mut reader = self.reader(bytes, group, &[root], step, offset).ok()?;
        let mut rows = 0;
        loop {
            match guarded(|| reader.next().transpose()).map(|batch| batch.map(convert::bytes_as_text)) {
                Ok(Some(Ok(batch))) => rows += batch.num_rows(),
                Ok(Some(Err((_, row)))) => return Some(rows + row),
                Ok(None) => return None,
                Err(_) => return Some(rows),
            }
        }
    }

    pub fn corrupt(&self, table: &Table, reason: &str) -> Fault {
        Fault::Contract(vec![corrupt(table, &self.source, reason)])
    }
}

/// A row group's bytes on their way.
pub struct RowGroupFetch {
    group: usize,
    missing: Vec<Range<u64>>,
    fetch: Option<store::Fetch>,
}

impl RowGroupFetch {
    fn wait(self, file: &ParquetFile) -> Result<Vec<Piece>, Fault> {
        let bytes = self.fetch.map_or(Ok(Vec::new()), store::Fetch::wait).map_err(Fault::Store)?;
        let fetched = self.missing.iter().zip(bytes).map(|(range, bytes)| Piece { start: range.start, bytes });
        Ok(fetched.chain([file.tail.clone()]).collect())
    }
}

fn read_footer(
    source: &Source,
    mut tail: Piece,
    unreadable: &dyn Fn(String) -> Fault,
) -> Result<(Arc<parquet::file::metadata::ParquetMetaData>, Piece), Fault> {
    let size = source.object.bytes;
    loop {
        let mut reader = ParquetMetaDataReader::new();
        let parsed = catch_unwind(AssertUnwindSafe(|| reader.try_parse_sized(&tail.bytes, size)));
        match parsed.unwrap_or_else(|_| Err(ParquetError::General("the footer cannot be decoded".into()))) {
            Ok(()) => {
                let footer = reader.finish().map_err(|e| unreadable(plain_reason(&e)))?;
                return Ok((Arc::new(footer), tail));
            }
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 <= size && needed > tail.bytes.len() => {
                let start = size - needed as u64;
                let found = source.store.fetch(&source.object, Some(start..size)).wait();
                let bytes = found.map_err(Fault::Store)?.pop().unwrap_or_default();
                tail = Piece { start, bytes };
            }
            Err(e) => return Err(unreadable(plain_reason(&e))),
        }
    }
}

/// Decoders meet whatever a broken file holds: an error and a panic of theirs mean the same to us.
fn guarded<T, E: Into<ParquetError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(|e| plain_reason(&e.into())),
        Err(_) => Err("the content cannot be decoded".into()),
    }
}

fn plain_reason(error: &ParquetError) -> String {
    const PREFIXES: [&str; 5] = ["Parquet error: ", "External: ", "Arrow: ", "Parquet argument error: ", "EOF: "];
    let text = error.to_string();
    let mut rest = text.as_str();
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    rest.to_owned()
}

/// How the decoder begins to say that a file is compressed in a way that was not built in.
const FOREIGN_CODEC: &str = "Disabled feature at compile time: ";

fn corrupt(table: &Table, source: &Source, reason: &str) -> Problem {
    if let Some(codec) = reason.strip_prefix(FOREIGN_CODEC).and_then(|rest| rest.split_whitespace().next()) {
        let reason = format!("compressed with {codec}, which is not read");
        return Problem::new(table.table, source.url(), reason, "write the file with zstd, snappy, gzip or LZ4");
    }
    let reason = format!("not a readable Parquet file: {reason}");
    Problem::new(
        table.table,
        source.url(),
        reason,
        "write the file again; it may have been cut off or damaged on its way",
    )
}

/// Positions of the contract's columns in the file, or everything that does not fit.
fn match_columns(
    table: &Table,
    source: &Source,
    schema: &Schema,
    notes: &mut BTreeSet<String>,
) -> Result<Vec<usize>, Vec<Problem>> {
    let mut roots = Vec::new();
    let mut problems = Vec::new();
    let problem = |column: &str, reason: String, next: String| {
        Problem::new(table.table, source.url(), reason, next).at_column(column)
    };
    for column in &table.columns {
        let mut places = schema.fields().iter().enumerate().filter(|(_, field)| field.name() == column.name);
        let Some((position, field)) = places.next() else {
            let from_path = column.name == "date" && source.day.is_some();
            if column.required && !from_path {
                let hint = near_name(schema, table, column.name);
                problems.push(problem(
                    column.name,
                    format!("required ({}), but the file has no such column{hint}", column.kind.as_str()),
                    format!("deliver `{}` as {}", column.name, column.kind.as_str()),
                ));
            }
            continue;
        };
        if places.next().is_some() {
            problems.push(problem(column.name, "stands twice in the file".into(), "keep one of the two".into()));
            continue;
        }
        match convert::acceptance(column.kind, field.data_type()) {
            Ok(None) => {}
            Ok(Some(how)) => drop(notes.insert(format!("`{}` {how}", column.name))),
            Err(advice) => problems.push(problem(
                column.name,
                format!("expected {}, found {}", column.kind.as_str(), convert::type_name(field.data_type())),
                advice,
            )),
        }
        roots.push(position);
    }
    for field in schema.fields().iter().filter(|field| table.column(field.name()).is_none()) {
        notes.insert(format!("unknown column `{}` ignored", field.name()));
    }
    if problems.is_empty() { Ok(roots) } else { Err(problems) }
}

fn near_name(schema: &Schema, table: &Table, wanted: &str) -> String {
    let near = schema
        .fields()
        .iter()
        .map(|field| field.name())
        .filter(|name| table.column(name).is_none())
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), wanted), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, name)| format!("; `{name}` stands there, did you mean it?")).unwrap_or_default()
}

/// The file's own schema, with text as dictionaries in the two big tables (an id is then looked up once per batch,
/// not once per row), and INT96 moments held to microseconds,
/// which reach beyond 2262.
fn hinted(table: &Table, plain: &ArrowReaderMetadata) -> Arc<Schema> {
    let physical = plain.parquet_schema();
    let field = |(position, field): (usize, &Arc<Field>)| {
        let Some(column) = table.column(field.name()) else { return field.clone() };
        let int96 = is_int96(physical, position);
        let hint = match column.kind {
            Kind::Str if !convert::is_text(field.data_type()) => return field.clone(),
            Kind::Str if table.partitioned => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Kind::Str => DataType::Utf8View,
            _ if int96 => DataType::Timestamp(TimeUnit::Microsecond, None),
            _ => return field.clone(),
        };
        Arc::new(field.as_ref().clone().with_data_type(hint))
    };
    let fields: Vec<Arc<Field>> = plain.schema().fields().iter().enumerate().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()))
}

/// The file's own schema, with INT96 moments held to microseconds, which reach beyond 2262.
fn with_whole_moments(plain: &ArrowReaderMetadata) -> Arc<Schema> {
    let physical = plain.parquet_schema();
    let field = |(position, field): (usize, &Arc<Field>)| match is_int96(physical, position) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(TimeUnit::Microsecond, None))),
        false => field.clone(),
    };
    let fields: Vec<Arc<Field>> = plain.schema().fields().iter().enumerate().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()))
}

fn is_int96(physical: &SchemaDescriptor, position: usize) -> bool {
    let mut leaves = (0..physical.num_columns()).filter(|leaf| physical.get_column_root_idx(*leaf) == position);
    leaves.any(|leaf| physical.column(leaf).physical_type() == Physical::INT96)
}

/// An object of which only some pieces are held.
#[derive(Clone)]
struct SparseBytes {
    len: u64,
    pieces: Arc<[Piece]>,
}

impl SparseBytes {
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let piece = self.pieces.iter().find(|piece| piece.start <= start && start < piece.end());
        let piece = piece.ok_or_else(|| ParquetError::EOF(format!("no data at byte {start}")))?;
        Ok(piece.bytes.slice((start - piece.start) as usize..))
    }
}

impl Length for SparseBytes {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for SparseBytes {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes expected at byte {start}, {} found", bytes.len())));
        }
        Ok(bytes.slice(..length))
    }
}
