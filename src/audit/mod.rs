//! The audit trail: what was proposed and why, who decided, what came of it — written in the run that proposes, never
//! reconstructed afterwards, and chained by hash so that any change, gap or reordering shows.
//!
//! ```text
//!  recommended ─┐                                           ┌─▶ audit rows of the run
//!  decisions  ──┼─▶ events ─▶ entries ─▶ append(tail) ──────┤
//!  outcomes   ──┘                        sequence, hashes   └─▶ Link in the run's manifest
//!                                                                       │ next night
//!               recommendations::Memory ◀─ History ◀─ recall ◀─ records ┘
//! ```
//! # The chain
//! Records are numbered from 1 without gaps. `hash` is the lower-case hexadecimal SHA-256 of the record's canonical
//! form: a JSON object of every column except `hash` itself, keys in byte order, no white space, absent values as
//! `null`, moments as whole microseconds since 1970-01-01T00:00:00Z. `previous_hash` is the hash of the record before,
//! 64 zeros for the first. `run_id` and `as_of_date`, which publishing adds, are outside the chain: a repeated night
//! writes the same records under another run id.
//!
//! A manifest carries the [`Link`] of its run: the manifest it continues, that chain's tail, and its own. A night
//! continues the newest manifest of the newest earlier day, so repeating a night never breaks what came after:
//! verification walks back from link to link, not from day to day.

mod canonical;
mod chain;
mod events;
mod recall;
mod snapshot;

use serde::{Deserialize, Serialize};

use crate::vocabulary::Moment;

pub use canonical::canonical;
pub use chain::{Break, Report, Segment, append, verify, verify_chain};
pub use events::{Night, Versions, entries, sort};
pub use recall::{Unreadable, recall};

/// What the processing is for.
pub const PURPOSE: &str =
    "propose commercial next steps for existing business customers, for a responsible person to approve";
/// Neither prohibited nor high-risk under the EU AI Act: no person's access to anything depends on it.
pub const RISK_CLASS: &str = "minimal";
pub const DATA_CATEGORIES: &str = "product use; contracts; CRM activity; support; business contacts; public events";

words!(
    /// What a record tells.
    Event { Created = "created", Decided = "decided", Outcome = "outcome", Expired = "expired" }
);

/// One event before it has a place in the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The same event has the same id on every night.
    pub record_id: String,
    pub recommendation_id: String,
    pub event: Event,
    /// When it happened: for what the program itself does, the end of the as-of day.
    pub event_at: Moment,
    pub purpose: String,
    pub risk_class: String,
    pub data_categories: String,
    /// JSON array: the observations behind the signals.
    pub observations: String,
    /// JSON array: the signals with weight, confidence and its basis, and evidence.
    pub signals: String,
    /// JSON object: gates passed, scores, thresholds, playbook, versions, and the recommendation itself.
    pub logic: String,
    pub model_ids: String,
    pub job_hash: String,
    pub input_manifest_hash: String,
    pub approver: Option<String>,
    pub decided_at: Option<Moment>,
    pub decision: Option<String>,
    pub outcome: Option<String>,
    /// Reporting currency per year.
    pub arr_delta: Option<f64>,
}

/// One record of the chain: a row of the `audit` output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// From 1, without gaps.
    pub sequence: u64,
    pub entry: Entry,
    pub previous_hash: String,
    pub hash: String,
}

/// Where a chain ends: the last record's number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// 0 = no record yet.
    pub sequence: u64,
    pub hash: String,
}

impl Default for Tail {
    /// The tail of the empty chain: number 0 and 64 zeros.
    fn default() -> Tail {
        Tail { sequence: 0, hash: "0".repeat(64) }
    }
}

/// The place of one run's records in the chain; its manifest carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The manifest whose chain this run continues; `None` for the first.
    pub previous_manifest: Option<String>,
    /// That chain's tail: this run's first record has the next number.
    pub previous: Tail,
    /// The tail after this run's records.
    pub last: Tail,
}

impl Link {
    /// The link of a run that put `records` behind `previous`.
    pub fn of(previous_manifest: Option<String>, previous: Tail, records: &[AuditRecord]) -> Link {
        let last = records.last().map_or_else(|| previous.clone(), AuditRecord::tail);
        Link { previous_manifest, previous, last }
    }
}

impl AuditRecord {
    /// The tail of a chain that ends here.
    pub fn tail(&self) -> Tail {
        Tail { sequence: self.sequence, hash: self.hash.clone() }
    }
}
