//! One delivered object on its way into N buckets: a Parquet writer per bucket, written out piece by piece so that
//! memory stays bounded however large the object is.

use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::Result as ParquetResult;
use parquet::file::properties::WriterProperties;

use crate::extracts::contract::error::Error;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::delivered::index::{bucket_folder, piece_path};
use crate::store::Store;

/// Bytes that all writers of one object may hold; beyond it the largest is written out.
const HELD_BYTES: usize = 128 << 20;
/// Rows per row group: a bucket is read column by column, and a few hundred thousand rows are read well.
const ROW_GROUP: usize = 256 * 1024;

pub(super) struct Writers<'a> {
    store: &'a Store,
    table: InputTable,
    tag: &'a str,
    schema: Arc<Schema>,
    open: Vec<Option<ArrowWriter<Vec<u8>>>>,
    /// Pieces written so far, by bucket.
    pieces: Vec<u32>,
}

impl<'a> Writers<'a> {
    pub fn new(store: &'a Store, table: InputTable, tag: &'a str, schema: Arc<Schema>, of: u32) -> Writers<'a> {
        let open = (0..of).map(|_| None).collect();
        Writers { store, table, tag, schema, open, pieces: vec![0; of as usize] }
    }

    /// Adds rows to a bucket (counted from 0).
    pub fn write(&mut self, bucket: usize, rows: &RecordBatch) -> Result<(), Error> {
        let added = self.writer(bucket).and_then(|writer| writer.write(rows));
        added.map_err(|e| self.unwritable(&e))?;
        while self.open.iter().map(held).sum::<usize>() > HELD_BYTES {
            let largest = (0..self.open.len()).max_by_key(|bucket| held(&self.open[*bucket])).unwrap_or(bucket);
            self.put(largest)?;
        }
        Ok(())
    }

    /// Writes out what is held; a bucket without rows gets a file without rows, which shows the columns.
    pub fn finish(mut self) -> Result<Vec<u32>, Error> {
        for bucket in 0..self.open.len() {
            if self.open[bucket].is_some() || self.pieces[bucket] == 0 {
                self.put(bucket)?;
            }
        }
        Ok(self.pieces)
    }

    fn writer(&mut self, bucket: usize) -> ParquetResult<&mut ArrowWriter<Vec<u8>>> {
        let slot = &mut self.open[bucket];
        if slot.is_none() {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()))
                .set_max_row_group_row_count(Some(ROW_GROUP))
                .set_created_by(concat!("foothold ", env!("CARGO_PKG_VERSION")).into())
                .build();
            *slot = Some(ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties))?);
        }
        Ok(slot.as_mut().expect("just put there"))
    }

    fn put(&mut self, bucket: usize) -> Result<(), Error> {
        self.writer(bucket).map(drop).map_err(|e| self.unwritable(&e))?;
        let Some(writer) = self.open[bucket].take() else { return Ok(()) };
        let content = writer.into_inner().map_err(|e| self.unwritable(&e))?;
        let folder = bucket_folder(bucket as u32 + 1, self.open.len() as u32);
        self.store.put(&piece_path(&folder, self.table, self.tag, self.pieces[bucket]), content)?;
        self.pieces[bucket] += 1;
        Ok(())
    }

    fn unwritable(&self, fault: &parquet::errors::ParquetError) -> Error {
        Error::Buckets {
            place: format!("{}/{}", self.store.url(), self.table),
            reason: format!("a bucket cannot be written: {fault}"),
            next: "write the table's columns in plain types".into(),
        }
    }
}

fn held(writer: &Option<ArrowWriter<Vec<u8>>>) -> usize {
    writer.as_ref().map_or(0, |writer| writer.memory_size() + writer.inner().len())
}
