//! What a shard leaves behind for publishing: its tables as Parquet, and the rest beside them.

use bytes::Bytes;
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Error, Identity};
use crate::extracts::Part;
use crate::publish::frame::Frame;
use crate::publish::manifest::{Input, Output, sha256};
use crate::publish::parquet;
use crate::publish::schema::TableSpec;
use crate::publish::stored::{Stored, united};
use crate::publish::table::Stamp;
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
    format!("{}/result/{}", identity.folder(), part.slug())
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
    let table = |frame: &Frame| {
        let (content, rows) = parquet::encode(frame);
        (frame.name(), format!("{folder}/{}.parquet", frame.name()), Some(rows), content)
    };
    let path = format!("{folder}/{REST}.bin");
    let rest = rmp_serde::to_vec(rest).map_err(|_| Error::Unreadable { path: path.clone() })?;
    let mut files: Vec<(&str, String, Option<u64>, Bytes)> = frames.par_iter().map(table).collect();
    files.push((REST, path, None, rest.into()));
    for (name, path, rows, content) in files {
        let (bytes, sha256) = (content.len() as u64, sha256(&content));
        store.put(&path, content)?;
        shard.files.push(Output { name: name.to_owned(), path, rows, bytes, sha256 });
    }
    let text = serde_json::to_string_pretty(&shard).expect("a shard's record is plain data");
    store.put(&mark(&shard.identity, shard.part), text)?;
    Ok(shard)
}

/// Reads the results of all shards back, unchanged since they were written: each table of all shards under one stamp,
/// and the rest of each shard.
pub fn read_results<T: DeserializeOwned>(
    store: &Store,
    shards: &[Shard],
    stamp: &Stamp,
) -> Result<(Vec<Frame<'static>>, Vec<T>), Error> {
    let mut rests = Vec::with_capacity(shards.len());
    let mut tables: Vec<(TableSpec, Vec<Stored>)> = specs().into_iter().map(|spec| (spec, Vec::new())).collect();
    for shard in shards {
        for file in &shard.files {
            let unreadable = || Error::Unreadable { path: file.path.clone() };
            let content = Some(store.get(&file.path)?).filter(|content| sha256(content) == file.sha256);
            let content = content.ok_or_else(unreadable)?;
            match tables.iter_mut().find(|(spec, _)| spec.name() == file.name) {
                Some((spec, parts)) => parts.push(Stored::open(spec, content).ok_or_else(unreadable)?),
                None => rests.push(rmp_serde::from_slice(&content).map_err(|_| unreadable())?),
            }
        }
    }
    let written = tables.into_iter().filter(|(_, parts)| !parts.is_empty());
    Ok((written.map(|(spec, parts)| united(&spec, parts, stamp)).collect(), rests))
}
