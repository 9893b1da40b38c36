//! What must be the same for all shards of a night.

use serde::{Deserialize, Serialize};

use crate::publish::manifest::sha256;
use crate::vocabulary::Day;

/// Shards with one identity make one night together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub as_of: Day,
    /// Number of shards.
    pub of: u32,
    pub code_version: String,
    pub job_hash: String,
    /// SHA-256 over the input files as they were delivered.
    pub inputs_hash: String,
    /// The manifest whose audit chain the night continues.
    pub continues: Option<String>,
    /// Hash of the decisions and outcomes that people left in the output.
    pub reviews: String,
    /// Ids of the models that score.
    pub models: Vec<String>,
}

impl Identity {
    /// Short name of the identity.
    pub fn key(&self) -> String {
        let text = serde_json::to_string(self).expect("an identity is plain data");
        sha256(text.as_bytes())[..16].to_owned()
    }

    /// The folder of the night's shards.
    pub fn folder(&self) -> String {
        format!("shards/{}/{}", self.as_of, self.key())
    }

    /// How a shard of this identity differs from what is asked for, in words.
    pub fn differences(&self, asked: &Identity) -> Vec<String> {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        let pair = |what: &str, own: &str, asked: &str| (own != asked).then(|| format!("{what} ({own}, not {asked})"));
        let models = |identity: &Identity| identity.models.join(" + ");
        let chain = |identity: &Identity| identity.continues.clone().unwrap_or_else(|| "a new chain".to_owned());
        [
            pair("another day", &self.as_of.to_string(), &asked.as_of.to_string()),
            pair("another number of shards", &self.of.to_string(), &asked.of.to_string()),
            pair("another version of the program", &self.code_version, &asked.code_version),
            pair("another job", &short(&self.job_hash), &short(&asked.job_hash)),
            pair("other inputs", &short(&self.inputs_hash), &short(&asked.inputs_hash)),
            pair("another run before it", &chain(self), &chain(asked)),
            pair("other decisions of people", &short(&self.reviews), &short(&asked.reviews)),
            pair("other models", &models(self), &models(asked)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
