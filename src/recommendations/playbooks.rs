//! Playbooks are data: what triggers one, who does what on which day, and how long it rests afterwards.

use serde::{Deserialize, Serialize};

use super::Action;
use crate::vocabulary::{OwnerRole, Play, Text};

/// One playbook of `jobs/playbooks.toml`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Unique; the `playbook` column of every output.
    #[schemars(with = "String")]
    pub name: Text,
    pub title: String,
    pub play: Play,
    pub action: Action,
    pub trigger: Trigger,
    pub owner: OwnerRole,
    /// Days after the window opens by which the first contact must have happened.
    pub deadline_days: i32,
    /// Days before the same playbook may be proposed again to an account that declined or stalled.
    pub cooldown_days: i32,
    pub steps: Vec<PlaybookStep>,
    /// Sentences with `{placeholders}` that the recommendation fills.
    pub talking_points: Vec<String>,
}

/// Fires when any of `any_of` is present and, where given, at least `min_signals` of the union.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    #[serde(default)]
    pub any_of: Vec<String>,
    /// All of these as well.
    #[serde(default)]
    pub all_of: Vec<String>,
    /// Signals that add to the evidence but do not trigger.
    #[serde(default)]
    pub supported_by: Vec<String>,
    #[serde(default)]
    pub min_signals: Option<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookStep {
    pub day: i32,
    pub owner: OwnerRole,
    pub action: String,
}
