//! What a shard leaves behind for publishing: its tables as Parquet, and the rest beside them.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Error, Identity, name};
use crate::extracts::Part;
use crate::publish::manifest::{Input, Output, sha256};
use crate::publish::parquet;
use crate::publish::table::Frame;
use crate::publish::tables::specs;
use crate::store::Store;
use crate::vocabulary::Moment;

/// The content of `shard.json`: a shard that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    pub part: Part,
    pub identity: Identity,
    pub started_at: Moment,
    pub finished_at: Moment,
    pub inputs: Vec<Input>,
    pub seconds: Vec<(String, f64)>,
    pub peak_memory_bytes: Option<u64>,
    /// Tables by name, and `rest`.
    pub files: Vec<Output>,
}

const REST: &str = "rest";

fn folder(identity: &Identity, part: Part) -> String {
    format!("{}/result/{}", identity.folder(), name(part))
}

fn mark(identity: &Identity, part: Part) -> String {
    format!("{}/shard.json", folder(identity, part))
}

/// The shard, if it is done already.
pub fn stands(store: &Store, identity: &Identity, part: Part) -> Result<Option<Shard>, Error> {
    let path = mark(identity, part);
    let content = store.get_if_exists(&path)?;
    content.map(|content| serde_json::from_slice(&content).map_err(|_| Error::Unreadable { path })).transpose()
}

/// Writes a shard's result; `shard.json` last, so that half a result is none.
pub fn write_result<T: Serialize>(store: &Store, mut shard: Shard, frames: &[Frame], rest: &T) -> Result<Shard, Error> {
    let folder = folder(&shard.identity, shard.part);
    let tables = frames.iter().map(|frame| {
        let content = parquet::write(&frame.spec, &frame.data);
        (
            frame.spec.name(),
            format!("{folder}/{}.parquet", frame.spec.name()),
            Some(frame.data.height() as u64),
            content,
        )
    });
    let path = format!("{folder}/{REST}.bin");
    let rest = rmp_serde::to_vec(rest).map_err(|_| Error::Unreadable { path: path.clone() })?;
    for (name, path, rows, content) in tables.chain([(REST, path, None, Bytes::from(rest))]) {
        let (bytes, sha256) = (content.len() as u64, sha256(&content));
        store.put(&path, content)?;
        shard.files.push(Output { name: name.to_owned(), path, rows, bytes, sha256 });
    }
    let text = serde_json::to_string_pretty(&shard).expect("a shard's record is plain data");
    store.put(&mark(&shard.identity, shard.part), text)?;
    Ok(shard)
}

/// Reads a shard's result back, unchanged since it was written.
pub fn read_result<T: DeserializeOwned>(store: &Store, shard: &Shard) -> Result<(Vec<Frame>, T), Error> {
    let specs = specs();
    let mut frames = Vec::new();
    let mut rest = None;
    for file in &shard.files {
        let unreadable = || Error::Unreadable { path: file.path.clone() };
        let content = store.get(&file.path)?;
        if sha256(&content) != file.sha256 {
            return Err(unreadable());
        }
        match specs.iter().find(|spec| spec.name() == file.name) {
            Some(spec) => {
                let data = parquet::read(spec, content).ok_or_else(unreadable)?;
                frames.push(Frame { spec: spec.clone(), data });
            }
            None => rest = Some(rmp_serde::from_slice(&content).map_err(|_| unreadable())?),
        }
    }
    let rest = rest.ok_or_else(|| Error::Unreadable { path: mark(&shard.identity, shard.part) })?;
    Ok((frames, rest))
}
