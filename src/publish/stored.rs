//! Tables that parts of a run wrote, brought together: the rows of each account stand in one part, and together they
//! are made in the order, and cut into the row groups, in which one machine would have made them.

use std::ops::Range;
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use bytes::Bytes;

use super::column;
use super::frame::{Frame, SLICE, Show, Slice};
use super::schema::{Layer, TableSpec};
use super::table::Stamp;
use super::tables::PART;

/// One part's rows of a table, in the table's order, encoded.
pub struct Stored {
    content: Bytes,
    metadata: ArrowReaderMetadata,
    rows: usize,
    /// Rows of each account, in order; none in a table that names no account.
    accounts: Vec<(String, Range<usize>)>,
}

impl Stored {
    /// `None` where the content is no such table.
    pub fn open(spec: &TableSpec, content: Bytes) -> Option<Stored> {
        let metadata = ArrowReaderMetadata::load(&content, ArrowReaderOptions::new()).ok()?;
        let found = metadata.schema().fields().iter().map(|field| field.name().as_str());
        if !found.eq(spec.columns.iter().map(|column| column.name)) {
            return None;
        }
        let rows = usize::try_from(metadata.metadata().file_metadata().num_rows()).ok()?;
        let mut stored = Stored { content, metadata, rows, accounts: Vec::new() };
        if spec.columns.iter().any(|column| column.name == "account_id") {
            stored.accounts = stored.runs()?;
        }
        Some(stored)
    }

    fn builder(&self) -> ParquetRecordBatchReaderBuilder<Bytes> {
        ParquetRecordBatchReaderBuilder::new_with_metadata(self.content.clone(), self.metadata.clone())
    }

    /// Where the rows of each account stand.
    fn runs(&self) -> Option<Vec<(String, Range<usize>)>> {
        let account = ProjectionMask::columns(self.metadata.parquet_schema(), ["account_id"]);
        let mut runs: Vec<(String, Range<usize>)> = Vec::new();
        let mut row = 0;
        for batch in self.builder().with_projection(account).build().ok()? {
            let batch = batch.ok()?;
            for id in batch.column(0).as_string_opt::<i32>()?.iter() {
                match runs.last_mut().filter(|(known, _)| Some(known.as_str()) == id) {
                    Some((_, run)) => run.end += 1,
                    None => runs.push((id?.to_owned(), row..row + 1)),
                }
                row += 1;
            }
        }
        Some(runs)
    }

    /// Rows by their places; only the row groups that hold some of them are decoded.
    fn rows(&self, wanted: &Range<usize>) -> Vec<RecordBatch> {
        let mut start = 0;
        let mut first = None;
        let mut groups = Vec::new();
        for (n, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let end = start + group.num_rows().max(0) as usize;
            if start < wanted.end && wanted.start < end {
                first.get_or_insert(start);
                groups.push(n);
            }
            start = end;
        }
        let reader = self
            .builder()
            .with_row_groups(groups)
            .with_offset(wanted.start - first.unwrap_or(wanted.start))
            .with_limit(wanted.len())
            .build()
            .and_then(|reader| Ok(reader.collect::<Result<Vec<_>, _>>()?));
        reader.expect("the file was whole when it was opened")
    }
}

/// A stretch of rows in one of the parts.
type Stretch = (usize, Range<usize>);

/// The rows of all parts under one stamp. Tables of no account say the same in every part, so the first speaks.
pub fn united(spec: &TableSpec, parts: Vec<Stored>, stamp: &Stamp) -> Frame<'static> {
    let mut runs: Vec<(&str, Stretch)> = Vec::new();
    for (part, stored) in parts.iter().enumerate() {
        runs.extend(stored.accounts.iter().map(|(id, rows)| (id.as_str(), (part, rows.clone()))));
    }
    runs.sort_by(|a, b| (a.0, a.1.0).cmp(&(b.0, b.1.0)));
    let mut stretches: Vec<Vec<Stretch>> = cut(spec, runs.into_iter().map(|(_, stretch)| stretch));
    if !spec.columns.iter().any(|column| column.name == "account_id") {
        stretches = vec![parts.first().map(|stored| (0, 0..stored.rows)).into_iter().collect()];
    }
    let making = Arc::new((spec.clone(), parts, stamp.clone()));
    let show = |stretches: Vec<Stretch>| -> Show<'static> {
        let making = making.clone();
        Box::new(move |visit| {
            let (spec, parts, stamp) = &*making;
            let rows = gathered(parts, &stretches);
            for from in (0..rows.as_ref().map_or(0, RecordBatch::num_rows)).step_by(SLICE) {
                rows.iter().for_each(|rows| visit(&slice(spec, rows, from, stamp)));
            }
        })
    };
    Frame { spec: spec.clone(), parts: stretches.into_iter().map(show).collect() }
}

/// Stretches in the parts in which one machine makes the table: by accounts, but recommendations and briefings whole.
fn cut(spec: &TableSpec, stretches: impl Iterator<Item = Stretch>) -> Vec<Vec<Stretch>> {
    let by_accounts = matches!(spec.layer, Layer::Observations | Layer::Signals | Layer::Program);
    let (mut parts, mut open, mut rows) = (Vec::new(), Vec::new(), 0);
    for stretch in stretches {
        rows += stretch.1.len();
        open.push(stretch);
        if by_accounts && rows >= PART {
            parts.push(std::mem::take(&mut open));
            rows = 0;
        }
    }
    parts.push(open);
    parts
}

/// The rows of the stretches, in their order; `None` where there are none.
fn gathered(parts: &[Stored], stretches: &[Stretch]) -> Option<RecordBatch> {
    let mut spans: Vec<Option<Range<usize>>> = vec![None; parts.len()];
    for (part, rows) in stretches {
        let span = spans[*part].get_or_insert(rows.clone());
        *span = span.start.min(rows.start)..span.end.max(rows.end);
    }
    let mut batches = Vec::new();
    let mut bases = vec![0; parts.len()];
    let mut held = 0;
    for (part, span) in spans.iter().enumerate() {
        bases[part] = held;
        if let Some(span) = span {
            batches.extend(parts[part].rows(span));
            held += span.len();
        }
    }
    let rows = concat_batches(&batches.first()?.schema(), &batches).expect("parts of one table have its columns");
    let start = |part: usize| spans[part].as_ref().map_or(0, |span| span.start);
    let places = stretches.iter().flat_map(|(part, rows)| {
        let shift = bases[*part] as i64 - start(*part) as i64;
        rows.clone().map(move |row| (row as i64 + shift) as u32)
    });
    let places: UInt32Array = places.collect::<Vec<u32>>().into();
    Some(take_record_batch(&rows, &places).expect("places lie within the rows"))
}

fn slice(spec: &TableSpec, rows: &RecordBatch, from: usize, stamp: &Stamp) -> Slice {
    let rows = rows.slice(from, SLICE.min(rows.num_rows() - from));
    let stamped = |_| Some(stamp.run_id.as_str());
    let columns = spec.columns.iter().zip(rows.columns()).map(|(column, array)| match column.name {
        "as_of_date" => column::days((0..rows.num_rows()).map(|_| Some(stamp.as_of))),
        "run_id" => column::texts((0..rows.num_rows()).map(stamped)),
        _ => array.clone(),
    });
    Slice { columns: columns.collect(), rows: rows.num_rows() }
}
