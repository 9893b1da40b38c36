//! The index of extracts that stand in N buckets, and the objects of one of them.
//!
//! ```text
//! buckets.json                               what was cut, from which objects; written last
//! shared/{table}/{tag}-000.parquet           tables that every part reads whole, as they were delivered
//! bucket=2-of-4/{table}/{tag}-000.parquet    the rows of bucket 2, in the columns and types of the object they stood in
//! ```
//! Reading a bucket is reading the delivery: files keep their names, etags and partitions, and each row stands in the
//! bucket of its account; a row without a known account stands in exactly one bucket, so that it is rejected once.
//! Tags follow from the delivered object's address and etag, so what did not change is not cut again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::found::{Found, FoundObject, Origin};
use crate::extracts::contract::error::Error;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::tables::contracts;
use crate::store::{Object, Store};

pub const INDEX: &str = "buckets.json";
/// Of the layout, not of the program.
pub const VERSION: u32 = 1;

/// The content of `buckets.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Index {
    pub version: u32,
    /// Number of buckets.
    pub of: u32,
    /// How an account finds its bucket; for people, and for other engines.
    pub hash: String,
    pub tables: Vec<IndexedTable>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexedTable {
    pub table: InputTable,
    /// Where it was delivered.
    pub place: String,
    /// Every part reads all of it.
    pub shared: bool,
    pub objects: Vec<IndexedObject>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexedObject {
    /// Relative to the table's place; partitions show in it.
    pub path: String,
    pub tag: String,
    pub origin: Origin,
    /// Files that it was cut into: by bucket, or one number for a shared table; empty for what is no Parquet file.
    pub pieces: Vec<u32>,
}

impl Index {
    /// The index of a bucketized folder; `None` where extracts stand as they were delivered.
    pub fn read(root: &Store) -> Result<Option<Index>, Error> {
        let Ok(Some(content)) = root.get_if_exists(INDEX) else { return Ok(None) };
        let index: Option<Index> =
            serde_json::from_slice(&content).ok().filter(|index: &Index| index.version == VERSION);
        index.map(Some).ok_or_else(|| Error::Buckets {
            place: format!("{}/{INDEX}", root.url()),
            reason: "not an index of buckets that this version can read".into(),
            next: "run `foothold bucketize` again".into(),
        })
    }

    /// The objects of one part, under the names under which they were delivered.
    pub fn found(self, root: &Store, part: Part) -> Result<Vec<Found>, Error> {
        if part.of() != self.of {
            let asked = if part.is_whole() { "all of them".to_owned() } else { format!("shard {part}") };
            return Err(Error::Buckets {
                place: root.url().to_owned(),
                reason: format!("the extracts stand here in {} buckets, and {asked} was asked for", self.of),
                next: format!(
                    "run each of --shard 1/{0} … {0}/{0}, or bucketize again with --buckets {1}",
                    self.of,
                    part.of()
                ),
            });
        }
        let mut standing = BTreeMap::new();
        for folder in [bucket_folder(part.number(), part.of()), SHARED.to_owned()] {
            standing.extend(root.list(&folder)?.into_iter().map(|object| (object.path.clone(), object)));
        }
        self.tables.into_iter().map(|table| table.found(root, part, &standing)).collect()
    }
}

impl IndexedTable {
    fn found(self, root: &Store, part: Part, standing: &BTreeMap<String, Object>) -> Result<Found, Error> {
        let folder = if self.shared { SHARED.to_owned() } else { bucket_folder(part.number(), part.of()) };
        let bucket = if self.shared { 0 } else { part.number() as usize - 1 };
        let mut objects = Vec::with_capacity(self.objects.len());
        for object in self.objects {
            let count = object.pieces.get(bucket).copied().unwrap_or(0);
            let paths = (0..count).map(|piece| piece_path(&folder, self.table, &object.tag, piece));
            let pieces = paths.map(|path| standing.get(&path).cloned().ok_or_else(|| lost(root, &path)));
            let pieces = pieces.collect::<Result<Vec<Object>, Error>>()?;
            objects.push(FoundObject { path: object.path, origin: Some(Arc::new(object.origin)), pieces });
        }
        Ok(Found { table: contracts::table(self.table), place: self.place, store: root.clone(), objects })
    }
}

fn lost(root: &Store, path: &str) -> Error {
    Error::Buckets {
        place: format!("{}/{path}", root.url()),
        reason: format!("{INDEX} names this file, but it is not there"),
        next: "run `foothold bucketize` again".into(),
    }
}

pub const SHARED: &str = "shared";

pub fn bucket_folder(number: u32, of: u32) -> String {
    format!("bucket={number}-of-{of}")
}

pub fn piece_path(folder: &str, table: InputTable, tag: &str, piece: u32) -> String {
    format!("{folder}/{table}/{tag}-{piece:03}.parquet")
}
