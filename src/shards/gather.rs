//! Finding the N shards that make one night, or saying which are missing, which do not belong, and what to do.

use std::collections::BTreeMap;

use super::{Error, Identity, Shard, listed, parts};
use crate::extracts::Part;
use crate::store::Store;
use crate::vocabulary::Day;

/// What shards are asked for.
#[derive(Clone, Debug)]
pub struct Expected {
    pub as_of: Day,
    /// Number of shards.
    pub of: u32,
    pub code_version: String,
    pub job_hash: String,
    /// The manifest whose audit chain the night continues.
    pub continues: Option<String>,
    /// Ids of the models that count.
    pub models: Vec<String>,
}

impl Expected {
    /// Whether shards of this identity may be published; all but what only shards know.
    fn allows(&self, identity: &Identity) -> bool {
        self.as_identity(identity) == *identity
    }

    /// The identity that is asked for; what the caller cannot know is as in `like`.
    fn as_identity(&self, like: &Identity) -> Identity {
        Identity {
            as_of: self.as_of,
            of: self.of,
            code_version: self.code_version.clone(),
            job_hash: self.job_hash.clone(),
            continues: self.continues.clone(),
            models: self.models.clone(),
            ..like.clone()
        }
    }
}

/// The shards of one night in part order: of several complete sets the one that was finished last.
pub fn gather(store: &Store, expected: &Expected) -> Result<Vec<Shard>, Error> {
    let done = all(store, &format!("shards/{}", expected.as_of))?;
    let mut nights: BTreeMap<String, Vec<&Shard>> = BTreeMap::new();
    for shard in done.iter().filter(|shard| expected.allows(&shard.identity)) {
        nights.entry(shard.identity.key()).or_default().push(shard);
    }
    let last = |night: &Vec<&Shard>| night.iter().map(|shard| shard.finished_at).max();
    let complete = nights.values().filter(|night| missing(night, expected.of).is_empty());
    if let Some(night) = complete.max_by_key(|night| last(night)) {
        let mut night: Vec<Shard> = night.iter().map(|shard| (*shard).clone()).collect();
        night.sort_by_key(|shard| shard.part);
        return Ok(night);
    }
    let nearest = nights.values().max_by_key(|night| (night.len(), last(night)));
    let nearest = nearest.map_or(&[][..], Vec::as_slice);
    Err(Error::Incomplete(explained(store, expected, nearest, &done)?))
}

fn missing(night: &[&Shard], of: u32) -> Vec<Part> {
    parts(of).filter(|part| !night.iter().any(|shard| shard.part == *part)).collect()
}

/// Every shard that is done below a folder.
fn all(store: &Store, folder: &str) -> Result<Vec<Shard>, Error> {
    let objects = store.list(folder)?.into_iter().map(|object| object.path);
    let marks = objects.filter(|path| path.ends_with("/shard.json"));
    marks.map(|path| serde_json::from_slice(&store.get(&path)?).map_err(|_| Error::Unreadable { path })).collect()
}

/// What is there, what is not, and the next step.
fn explained(store: &Store, expected: &Expected, nearest: &[&Shard], done: &[Shard]) -> Result<String, Error> {
    let Expected { as_of, of, .. } = expected;
    let missing = missing(nearest, *of);
    let plural = if missing.len() == 1 { " is" } else { "s are" };
    let mut lines = vec![format!(
        "{} of {of} shards of {as_of} can be published from {}/shards; shard{} missing: {}",
        nearest.len(),
        store.url(),
        plural,
        listed(&missing)
    )];
    let asked = |shard: &Shard| match nearest.first() {
        Some(own) => own.identity.clone(),
        None => expected.as_identity(&shard.identity),
    };
    for shard in done.iter().filter(|shard| !nearest.contains(shard)) {
        let differences = shard.identity.differences(&asked(shard)).join(", ");
        lines.push(format!("    shard {} there does not belong: {differences}", shard.part));
    }
    if done.is_empty() {
        let others: Vec<String> = store.list("shards")?.iter().filter_map(|o| day_of(&o.path)).collect();
        let others: std::collections::BTreeSet<String> = others.into_iter().collect();
        if !others.is_empty() {
            let days = others.into_iter().collect::<Vec<_>>().join(", ");
            lines.push(format!("    shards of other days stand there: {days}"));
        }
    }
    let next = missing.first().map(Part::to_string).unwrap_or_default();
    lines.push(format!(
        "    → run each missing shard, e.g. `foothold run JOB --as-of {as_of} --shard {next}`, then publish again"
    ));
    Ok(lines.join("\n"))
}

fn day_of(path: &str) -> Option<String> {
    path.strip_prefix("shards/")?.split('/').next().map(str::to_owned)
}
