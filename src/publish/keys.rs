//! Keys and references of a table as 64-bit hashes, so that look-ups need no table held in memory.
//!
//! Two keys with one hash are compared as they are before they count as the same. A lost reference goes unseen only if
//! it shares its hash with a key that is there: among ten million keys that is one in 10¹².

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use foldhash::fast::FixedState;
use xxhash_rust::xxh3::xxh3_64;

use super::frame::Slice;
use super::schema::{Reference, TableSpec};

/// Hashes of keys that other tables refer to.
pub(super) type Wanted = HashSet<u64, FixedState>;

/// Which keys of a table are kept.
#[derive(Clone, Copy)]
pub(super) enum Keep<'w> {
    All,
    Wanted(&'w Wanted),
}

/// Hashes of keys of a table, and of what stands in each column that refers to another table.
#[derive(Default)]
pub(super) struct KeyHashes {
    keys: Vec<u64>,
    references: Vec<Vec<u64>>,
}

impl KeyHashes {
    pub fn read(&mut self, spec: &TableSpec, slice: &Slice, keep: Keep) {
        match keep {
            Keep::All => self.keys.extend(of_keys(spec, slice)),
            Keep::Wanted(wanted) if wanted.is_empty() => {}
            Keep::Wanted(wanted) => {
                self.keys.extend(of_keys(spec, slice).into_iter().filter(|hash| wanted.contains(hash)));
            }
        }
        let referring: Vec<usize> = references(spec).map(|(column, _)| column).collect();
        self.references.resize(referring.len(), Vec::new());
        for (column, known) in referring.into_iter().zip(&mut self.references) {
            known.extend(distinct(&slice.columns[column]));
        }
    }

    pub fn add(&mut self, other: KeyHashes) {
        self.keys.extend(other.keys);
        self.references.resize(self.references.len().max(other.references.len()), Vec::new());
        self.references.iter_mut().zip(other.references).for_each(|(known, news)| known.extend(news));
    }

    /// Brings what was read in order, each reference once.
    pub fn settle(&mut self) {
        self.keys.sort_unstable();
        for hashes in &mut self.references {
            hashes.sort_unstable();
            hashes.dedup();
        }
    }

    /// Whether a key of those that were kept has this hash; once they are in order.
    pub fn hold(&self, hash: u64) -> bool {
        self.keys.binary_search(&hash).is_ok()
    }

    /// By referring column, each sorted.
    pub fn references(&self) -> &[Vec<u64>] {
        &self.references
    }

    /// Hashes that more than one key has; sorted, once the keys are in order.
    pub fn twice(&self) -> Vec<u64> {
        let pairs = self.keys.array_windows().filter(|[one, next]| one == next);
        let mut twice: Vec<u64> = pairs.map(|[one, _]| *one).collect();
        twice.dedup();
        twice
    }
}

/// The columns that refer to other tables, by position.
pub(super) fn references(spec: &TableSpec) -> impl Iterator<Item = (usize, Reference)> {
    spec.columns.iter().enumerate().filter_map(|(column, spec)| Some((column, spec.references?)))
}

/// The rule of a table's key, in words.
pub(super) fn unique(spec: &TableSpec) -> String {
    format!("({}) must be unique", spec.key.join(", "))
}

/// The key of each row; none where the table has no key.
fn of_keys(spec: &TableSpec, slice: &Slice) -> Vec<u64> {
    let columns = spec.columns.iter().zip(&slice.columns).filter(|(column, _)| spec.key.contains(&column.name));
    let joined = columns.map(|(_, column)| of_cells(column)).reduce(|mut known, next| {
        known.iter_mut().zip(next).for_each(|(known, next)| *known = joined(*known, next));
        known
    });
    joined.unwrap_or_default()
}

/// Mixes as FxHash does; each cell's own hash is already well spread.
fn joined(known: u64, next: u64) -> u64 {
    (known.rotate_left(5) ^ next).wrapping_mul(0x517c_c1b7_2722_0a95)
}

/// A null's hash.
const NOTHING: u64 = 0;

/// The hash of each cell.
fn of_cells(column: &ArrayRef) -> Vec<u64> {
    if let Some(coded) = column.as_dictionary_opt::<Int32Type>() {
        let words = of_cells(coded.values());
        return coded.keys().iter().map(|code| code.map_or(NOTHING, |code| words[code as usize])).collect();
    }
    let of_number = |value: i64| xxh3_64(&value.to_le_bytes());
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().iter().map(|v| v.map_or(NOTHING, of_number)).collect(),
        DataType::Date32 => {
            column.as_primitive::<Date32Type>().iter().map(|v| v.map_or(NOTHING, |v| of_number(v.into()))).collect()
        }
        _ => {
            let texts = column.as_string::<i32>().iter();
            texts.map(|text| text.map_or(NOTHING, |text| xxh3_64(text.as_bytes()))).collect()
        }
    }
}

/// Hashes of the values that occur; nulls refer to nothing.
fn distinct(column: &ArrayRef) -> Vec<u64> {
    let texts = column.as_dictionary_opt::<Int32Type>().map_or(column, |coded| coded.values());
    let texts = texts.as_string::<i32>().iter().flatten();
    texts.map(|text| xxh3_64(text.as_bytes())).collect()
}

/// Places of the rows whose key has one of these hashes (sorted).
pub(super) fn rows_with(spec: &TableSpec, slice: &Slice, hashes: &[u64]) -> Vec<u32> {
    places(of_keys(spec, slice), hashes)
}

/// Places of the cells that have one of these hashes (sorted).
pub(super) fn rows_among(column: &ArrayRef, hashes: &[u64]) -> Vec<u32> {
    places(of_cells(column), hashes)
}

fn places(found: Vec<u64>, among: &[u64]) -> Vec<u32> {
    let rows = found.into_iter().enumerate().filter(|(_, hash)| among.binary_search(hash).is_ok());
    rows.map(|(row, _)| row as u32).collect()
}

/// Of rows whose keys have equal hashes, those whose keys are equal.
pub(super) fn sharing(spec: &TableSpec, rows: &RecordBatch) -> Option<RecordBatch> {
    let key = |row: usize| -> Vec<String> {
        spec.key.iter().filter_map(|name| Some(shown(rows.column_by_name(name)?, row))).collect()
    };
    let keys: Vec<Vec<String>> = (0..rows.num_rows()).map(key).collect();
    let mut counts: HashMap<&[String], u32> = HashMap::new();
    keys.iter().for_each(|key| *counts.entry(key).or_default() += 1);
    let shared = keys.iter().enumerate().filter(|(_, key)| counts[key.as_slice()] > 1);
    let places: UInt32Array = shared.map(|(row, _)| Some(row as u32)).collect();
    (!places.is_empty()).then(|| take_record_batch(rows, &places).expect("places lie within the batch"))
}

/// A cell as people read it.
pub(super) fn shown(column: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::new().with_null("null");
    ArrayFormatter::try_new(column, &options).map_or_else(|_| String::new(), |cell| cell.value(row).to_string())
}
