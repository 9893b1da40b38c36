//! Manifests: the numbered, create-only objects whose existence is the commit of a run.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audit::Link;
use crate::store::{Created, Error, Store};
use crate::vocabulary::{Day, Moment};

/// What a published run consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub run_id: String,
    pub as_of: Day,
    pub job: String,
    pub job_hash: String,
    pub code_version: String,
    pub started_at: Moment,
    pub finished_at: Moment,
    pub inputs: Vec<Input>,
    /// SHA-256 over the inputs in their order.
    pub inputs_hash: String,
    pub tables: Vec<Output>,
    /// Pages of the site; `name` is the path under `site/dt=…/`.
    pub site: Vec<Output>,
    /// The place of the run's audit records in the chain.
    pub audit: Link,
    /// Path of the manifest before this one, of the same day.
    pub predecessor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub table: String,
    pub path: String,
    pub etag: String,
    pub rows: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// The table, or the page's path.
    pub name: String,
    /// The immutable object, relative to the output's root.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    pub bytes: u64,
    pub sha256: String,
}

const FOLDER: &str = "meta/manifests";

/// Place of a manifest: its day and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    pub as_of: Day,
    /// From 1.
    pub number: u32,
}

impl Slot {
    pub fn path(self) -> String {
        format!("{FOLDER}/{}/{:06}.json", self.as_of, self.number)
    }

    fn parse(path: &str) -> Option<Slot> {
        let (as_of, file) = path.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('/')?;
        Some(Slot { as_of: as_of.parse().ok()?, number: file.strip_suffix(".json")?.parse().ok()? })
    }
}

/// Every manifest of the output, by day, then number.
pub fn slots(store: &Store) -> Result<Vec<Slot>, Error> {
    let mut slots: Vec<Slot> = store.list(FOLDER)?.iter().filter_map(|object| Slot::parse(&object.path)).collect();
    slots.sort_unstable();
    Ok(slots)
}

/// The newest manifest of a day.
pub fn newest(store: &Store, as_of: Day) -> Result<Option<Slot>, Error> {
    let objects = store.list(&format!("{FOLDER}/{as_of}"))?;
    Ok(objects.iter().filter_map(|object| Slot::parse(&object.path)).max())
}

/// Reads a manifest; `None` where the object is not one.
pub fn read(store: &Store, slot: Slot) -> Result<Option<Manifest>, Error> {
    let content = store.get_if_exists(&slot.path())?;
    Ok(content.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Reads the manifest at a path; that it is one is expected.
pub fn read_path(store: &Store, path: &str) -> Result<Manifest, super::Error> {
    let content = store.get(path)?;
    serde_json::from_slice(&content).map_err(|_| super::Error::Unreadable { path: path.to_owned() })
}

impl Manifest {
    /// Commits the run, unless someone else took the number.
    pub fn create(&self, store: &Store, slot: Slot) -> Result<Created, Error> {
        let text = serde_json::to_string_pretty(self).expect("a manifest is plain data");
        store.create(&slot.path(), text)
    }

    pub fn rows(&self, table: &str) -> Option<u64> {
        self.tables.iter().find(|output| output.name == table)?.rows
    }
}

/// One hash over all inputs: the same files give the same hash.
pub fn inputs_hash(inputs: &[Input]) -> String {
    let canonical = serde_json::to_vec(inputs).expect("inputs are plain data");
    sha256(&canonical)
}

/// Lower-case hexadecimal SHA-256.
pub fn sha256(content: &[u8]) -> String {
    sha256_of(&[content])
}

/// The same of content in pieces.
pub fn sha256_of(pieces: &[impl AsRef<[u8]>]) -> String {
    let mut hash = Hash::default();
    pieces.iter().for_each(|piece| hash.add(piece.as_ref()));
    hash.finish()
}

/// The same of content whose pieces come one after another.
#[derive(Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub fn add(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
