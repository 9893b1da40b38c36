//! The audit trail across runs: which run continues which, and the records of each, read back from their tables.

use super::Error;
use super::manifest::{self, Manifest, Slot};
use super::reader::{self, Row};
use crate::audit::{AuditRecord, Entry, Event, Segment, Tail};
use crate::store::Store;
use crate::vocabulary::Day;

/// The chain that a run of a day continues.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// Manifest of the run that it continues.
    pub manifest: Option<String>,
    pub tail: Tail,
    /// Oldest run first.
    pub segments: Vec<Segment>,
}

impl Trail {
    /// The chain up to the newest run of the newest day before `as_of`: what is repeated for `as_of` itself, or runs
    /// of later days, has no part in it.
    pub fn before(store: &Store, as_of: Day) -> Result<Trail, Error> {
        let earlier = manifest::slots(store)?.into_iter().filter(|slot| slot.as_of < as_of).max();
        earlier.map_or_else(|| Ok(Trail::default()), |slot| Trail::to(store, slot))
    }

    /// The chain that ends with the run of this manifest.
    pub fn to(store: &Store, slot: Slot) -> Result<Trail, Error> {
        let mut segments = Vec::new();
        let mut next = Some(slot.path());
        while let Some(path) = next {
            let manifest = manifest::read_path(store, &path)?;
            next = manifest.audit.previous_manifest.clone();
            segments.push(segment(store, path, &manifest)?);
        }
        segments.reverse();
        let tail = segments.last().map(|segment| segment.link.last.clone()).unwrap_or_default();
        Ok(Trail { manifest: Some(slot.path()), tail, segments })
    }

    pub fn records(&self) -> Vec<AuditRecord> {
        self.segments.iter().flat_map(|segment| segment.records.iter().cloned()).collect()
    }
}

/// The records of one run, in their order.
pub fn segment(store: &Store, path: String, manifest: &Manifest) -> Result<Segment, Error> {
    let rows = reader::table(store, manifest, "audit")?;
    let unreadable = || Error::Unreadable { path: path.clone() };
    let mut records: Vec<AuditRecord> = rows.iter().map(record).collect::<Option<_>>().ok_or_else(unreadable)?;
    records.sort_by_key(|record| record.sequence);
    Ok(Segment { manifest: path, link: manifest.audit.clone(), records })
}

fn record(row: Row) -> Option<AuditRecord> {
    let entry = Entry {
        record_id: row.string("record_id"),
        recommendation_id: row.string("recommendation_id"),
        event: Event::parse(row.text("event")?)?,
        event_at: row.moment("event_at")?,
        purpose: row.string("purpose"),
        risk_class: row.string("risk_class"),
        data_categories: row.string("data_categories"),
        observations: row.string("observations"),
        signals: row.string("signals"),
        logic: row.string("logic"),
        model_ids: row.string("model_ids"),
        job_hash: row.string("job_hash"),
        input_manifest_hash: row.string("input_manifest_hash"),
        approver: row.text("approver").map(str::to_owned),
        decided_at: row.moment("decided_at"),
        decision: row.text("decision").map(str::to_owned),
        outcome: row.text("outcome").map(str::to_owned),
        arr_delta: row.float("arr_delta"),
    };
    let sequence = u64::try_from(row.int("sequence")?).ok()?;
    Some(AuditRecord { sequence, entry, previous_hash: row.string("previous_hash"), hash: row.string("hash") })
}
