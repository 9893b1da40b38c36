//! What a job file may say: the typed shape behind `foothold schema job`. Every field has a default but `version`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::vocabulary::Day;
use crate::{
    capacity, extracts, health, models, observations, peers, readiness, recommendations, signals, stakeholders, text,
};

/// The version of the job format that this program reads.
pub const VERSION: u32 = 1;

words!(
    /// What a job is for.
    Kind { Nightly = "nightly", Retrain = "retrain" }
);

/// A job file with everything that it leaves out filled in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Foothold job")]
pub struct JobFile {
    /// Version of the job format: 1.
    pub version: u32,
    pub kind: Kind,
    /// Stands in manifests and in the `runs` table.
    pub name: String,
    /// The day whose end the run sees (UTC); yesterday where neither job nor flag says.
    #[schemars(with = "Option<String>")]
    pub as_of: Option<Day>,
    /// Path of a playbooks file; the built-in playbooks where it is left out.
    pub playbooks: Option<String>,
    pub extracts: extracts::Settings,
    pub observations: observations::Settings,
    pub capacity: capacity::Settings,
    pub peers: peers::Settings,
    pub stakeholders: stakeholders::Settings,
    pub signals: signals::Catalogue,
    pub text: text::Settings,
    pub health: health::Settings,
    pub readiness: readiness::Settings,
    pub models: models::Settings,
    pub recommendations: recommendations::Settings,
    pub output: Output,
}

/// `[output]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Folder or bucket prefix that receives runs, manifests, tables and pages; a relative path starts at the
    /// working directory.
    pub url: String,
}
