//! What earlier nights and people left behind: the audit chain, decisions, outcomes, and what they teach.

use std::collections::BTreeMap;

use super::Error;
use crate::audit::{self, AuditRecord, Event};
use crate::extracts::Extracts;
use crate::publish::trail::Trail;
use crate::recommendations::{Memory, Settings, Status};
use crate::reviews;
use crate::signals::Learned;
use crate::store::Store;
use crate::vocabulary::Day;

/// The past as the night of a day sees it.
pub struct Past {
    /// The chain that the night continues.
    pub trail: Trail,
    pub memory: Memory,
    /// How often each signal proved right.
    pub learned: Learned,
}

impl Past {
    pub fn read(output: &Store, extracts: &Extracts, as_of: Day, settings: &Settings) -> Result<Past, Error> {
        let trail = Trail::before(output, as_of)?;
        let records = trail.records();
        let history = audit::recall(&records, extracts)?;
        let given = reviews::load(output, as_of)?;
        let (decisions, outcomes) = reviews::merge((&extracts.decisions, &extracts.outcomes), given);
        let memory = Memory::new(history, &decisions, &outcomes, as_of, settings);
        let learned = learn(&records, &memory);
        Ok(Past { trail, memory, learned })
    }
}

/// Counts each signal of every recommendation that came to an end: won confirms it, declined speaks against it.
///
/// A stalled or expired conversation says more about us than about the signal, so it does not count.
fn learn(records: &[AuditRecord], memory: &Memory) -> Learned {
    let created = records.iter().filter(|record| record.entry.event == Event::Created);
    let signals: BTreeMap<&str, &str> =
        created.map(|r| (r.entry.recommendation_id.as_str(), r.entry.signals.as_str())).collect();
    let mut learned = Learned::default();
    for remembered in &memory.recommendations {
        let won = match remembered.status {
            Status::Converted => true,
            Status::Declined => false,
            _ => continue,
        };
        let names = signals.get(remembered.content.id.as_str()).map(|json| names(json)).unwrap_or_default();
        names.iter().for_each(|name| learned.count(name, won));
    }
    learned
}

/// The distinct signal names in the `signals` column of an audit record.
fn names(json: &str) -> Vec<String> {
    let signals: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let mut names: Vec<String> =
        signals.iter().filter_map(|signal| signal.get("signal")?.as_str().map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    names
}
