//! Reading the chain back: what earlier nights proposed and what the chain already tells of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::snapshot::Snapshot;
use super::{AuditRecord, Entry, Event};
use crate::extracts::tables::{Decision, OutcomeResult, Verdict};
use crate::extracts::{Extracts, Seen};
use crate::recommendations::memory::{Ending, History, Remembered};
use crate::vocabulary::Day;

/// A record that cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "audit record {sequence} ({record_id}) cannot be read back: {reason}; check the chain with `foothold audit verify`"
)]
pub struct Unreadable {
    pub sequence: u64,
    pub record_id: String,
    pub reason: String,
}

/// Folds the records of a chain, oldest first, into the state in which each recommendation was left.
///
/// Recommendations about accounts or products that the extracts no longer name are left out.
pub fn recall(records: &[AuditRecord], extracts: &Extracts) -> Result<History, Unreadable> {
    let mut remembered: BTreeMap<&str, Remembered> = BTreeMap::new();
    let mut recorded = BTreeSet::new();
    for record in records {
        let unreadable = |reason: String| {
            let record_id = record.entry.record_id.clone();
            Unreadable { sequence: record.sequence, record_id, reason }
        };
        recorded.insert(record.entry.record_id.clone());
        apply(&record.entry, extracts, &mut remembered).map_err(unreadable)?;
    }
    let settled = |mut r: Remembered| {
        r.recorded = r.status;
        r
    };
    Ok(History { recommendations: remembered.into_values().map(settled).collect(), recorded })
}

fn apply<'r>(
    entry: &'r Entry,
    extracts: &Extracts,
    remembered: &mut BTreeMap<&'r str, Remembered>,
) -> Result<(), String> {
    let mut logic: Value = serde_json::from_str(&entry.logic).map_err(|e| format!("`logic`: {e}"))?;
    let content = match logic.get_mut("recommendation").map(Value::take) {
        None => None,
        Some(content) => {
            let snapshot: Snapshot =
                serde_json::from_value(content).map_err(|e| format!("`logic.recommendation`: {e}"))?;
            snapshot.restore(&entry.recommendation_id, extracts)
        }
    };
    if entry.event == Event::Created {
        remembered.extend(content.map(|content| (entry.recommendation_id.as_str(), Remembered::proposed(content))));
        return Ok(());
    }
    let Some(known) = remembered.get_mut(entry.recommendation_id.as_str()) else { return Ok(()) };
    match entry.event {
        Event::Created => {}
        Event::Decided => {
            if let Some(content) = content {
                known.content = content;
            }
            known.decide(&decision(entry, &logic)?);
        }
        Event::Outcome => {
            let outcome = entry
                .outcome
                .as_deref()
                .and_then(OutcomeResult::parse)
                .ok_or("`outcome` is not one of the contract")?;
            known.conclude(outcome, entry.event_at, text(&logic, "note"));
        }
        Event::Expired => {
            let ending = text(&logic, "ending").and_then(Ending::parse).ok_or("`logic.ending` is not known")?;
            known.expire(ending, entry.event_at.day(), text(&logic, "reason").unwrap_or_default().to_owned());
        }
    }
    Ok(())
}

fn decision(entry: &Entry, logic: &Value) -> Result<Decision, String> {
    let decided_at = entry.decided_at.ok_or("`decided_at` is missing")?;
    let snooze_until = text(logic, "snooze_until").map(str::parse::<Day>).transpose()?;
    Ok(Decision {
        seen: Seen::from(decided_at.day()),
        recommendation_id: entry.recommendation_id.as_str().into(),
        decided_at,
        approver: entry.approver.as_deref().unwrap_or_default().into(),
        decision: entry.decision.as_deref().and_then(Verdict::parse).ok_or("`decision` is not one of the contract")?,
        reason: text(logic, "reason").map(Into::into),
        snooze_until,
        edited_text: text(logic, "edited_text").map(Into::into),
    })
}

fn text<'v>(logic: &'v Value, field: &str) -> Option<&'v str> {
    logic.get(field).and_then(Value::as_str)
}
