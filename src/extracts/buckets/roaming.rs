//! Keys that stand at accounts of several buckets: a contact who changed employers, an id that was given twice. Which
//! row counts is decided among all rows of a key, so each of these buckets gets all of them.

use std::collections::BTreeMap;

use arrow::array::StringArray;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use xxhash_rust::xxh3::xxh3_64;

use crate::extracts::contract::convert;
use crate::extracts::contract::part::bucket;
use crate::extracts::contract::schema::Table;
use crate::extracts::delivered::parquet_file::{Fault, NOT_UTF8, ParquetFile};

/// Keys looked at in one pass over a table, 16 bytes each; a larger table is passed over again for the rest.
const KEYS_PER_PASS: u64 = 8 << 20;

/// Buckets (counted from 0) by the hash of a key, for keys at accounts of several. Two keys of one hash share their
/// buckets, which costs a row or two and changes nothing.
pub(super) type Roaming = BTreeMap<u64, Vec<u32>>;

/// Finds them by reading two columns.
pub(in crate::extracts) fn find(
    table: &Table,
    key: &str,
    files: &[(ParquetFile, ArrowReaderMetadata)],
    of: u32,
) -> Result<Roaming, Fault> {
    let mut roaming = Roaming::new();
    let rows: u64 = files.iter().map(|(file, _)| file.rows).sum();
    let passes = if of == 1 { 0 } else { rows.div_ceil(KEYS_PER_PASS) };
    for pass in 0..passes {
        let mut seen: Vec<(u64, u32)> = Vec::new();
        for (file, written) in files {
            for group in 0..file.row_groups() {
                file.copy(table, written, group, Some(&["account_id", key]), &mut |batch| {
                    let (keys, buckets) = (texts(table, file, &batch, key)?, buckets(table, file, &batch, of)?);
                    let hashed = keys.iter().zip(buckets).filter_map(|(key, at)| Some((hash(key?), at)));
                    seen.extend(hashed.filter(|(hash, _)| hash % passes == pass));
                    Ok(())
                })?;
            }
            seen.sort_unstable();
            seen.dedup();
        }
        for same in seen.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            roaming.insert(same[0].0, same.iter().map(|(_, bucket)| *bucket).collect());
        }
    }
    Ok(roaming)
}

pub(in crate::extracts) fn hash(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

/// The bucket of each row, from 0.
pub(in crate::extracts) fn buckets(
    table: &Table,
    file: &ParquetFile,
    batch: &RecordBatch,
    of: u32,
) -> Result<Vec<u32>, Fault> {
    let accounts = texts(table, file, batch, "account_id")?;
    Ok(accounts.iter().map(|account| bucket(account, of) - 1).collect())
}

/// A text column as the loader will read it.
pub(in crate::extracts) fn texts(
    table: &Table,
    file: &ParquetFile,
    batch: &RecordBatch,
    column: &str,
) -> Result<StringArray, Fault> {
    let Some(array) = batch.column_by_name(column) else { return Ok(StringArray::new_null(batch.num_rows())) };
    let single = RecordBatch::try_from_iter([(column, array.clone())]).ok();
    let single = single.map(convert::bytes_as_text).transpose().map_err(|_| file.corrupt(table, NOT_UTF8))?;
    Ok(single.map_or_else(|| StringArray::new_null(batch.num_rows()), |single| convert::text(single.column(0))))
}
