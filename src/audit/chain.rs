//! Putting entries into the chain and finding out whether anybody touched it.

use sha2::{Digest, Sha256};

use super::canonical::canonical;
use super::{AuditRecord, Entry, Link, Tail};

/// What a verified chain holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub records: u64,
    pub tail: Tail,
}

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("record {expected} is missing: {found} stands in its place; restore the run that wrote it")]
    Gap { expected: u64, found: u64 },
    #[error("record {sequence} ({record_id}) does not follow the record before it: one of the two was replaced")]
    Unlinked { sequence: u64, record_id: String },
    #[error("record {sequence} ({record_id}) was changed after it was written: its hash does not fit its content")]
    Altered { sequence: u64, record_id: String },
    #[error("the chain ends at record {found}, but its manifest says {expected}: records were cut off or added")]
    Tail { expected: u64, found: u64 },
    #[error("manifest {manifest} continues record {expected}, but the chain before it ends otherwise at {found}")]
    Link { manifest: String, expected: u64, found: u64 },
}

/// Gives every entry its number and hashes, behind `tail`.
pub fn append(tail: &Tail, entries: Vec<Entry>) -> Vec<AuditRecord> {
    let mut tail = tail.clone();
    let mut records = Vec::with_capacity(entries.len());
    for entry in entries {
        let sequence = tail.sequence + 1;
        let mut record = AuditRecord { sequence, entry, previous_hash: tail.hash, hash: String::new() };
        record.hash = hash(&record);
        tail = record.tail();
        records.push(record);
    }
    records
}

/// Checks that the records follow `start` one by one, unchanged, and end where the manifest says.
pub fn verify(start: &Tail, records: &[AuditRecord], end: &Tail) -> Result<Report, Break> {
    let mut tail = start.clone();
    for record in records {
        check(&tail, record)?;
        tail = record.tail();
    }
    if tail != *end {
        return Err(Break::Tail { expected: end.sequence, found: tail.sequence });
    }
    Ok(Report { records: records.len() as u64, tail })
}

fn check(tail: &Tail, record: &AuditRecord) -> Result<(), Break> {
    let (sequence, record_id) = (record.sequence, record.entry.record_id.clone());
    if sequence != tail.sequence + 1 {
        return Err(Break::Gap { expected: tail.sequence + 1, found: sequence });
    }
    if hash(record) != record.hash {
        return Err(Break::Altered { sequence, record_id });
    }
    if record.previous_hash != tail.hash {
        return Err(Break::Unlinked { sequence, record_id });
    }
    Ok(())
}

/// The records of one run with the link its manifest carries.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Path of the manifest.
    pub manifest: String,
    pub link: Link,
    pub records: Vec<AuditRecord>,
}

/// Checks a whole chain, oldest run first: each run by itself, and that it continues the one before.
pub fn verify_chain(segments: &[Segment]) -> Result<Report, Break> {
    let mut report = Report::default();
    for segment in segments {
        if segment.link.previous != report.tail {
            let (expected, found) = (segment.link.previous.sequence, report.tail.sequence);
            return Err(Break::Link { manifest: segment.manifest.clone(), expected, found });
        }
        let own = verify(&segment.link.previous, &segment.records, &segment.link.last)?;
        report = Report { records: report.records + own.records, tail: own.tail };
    }
    Ok(report)
}

/// SHA-256 over the canonical form of everything but the hash.
fn hash(record: &AuditRecord) -> String {
    let mut fields = serde_json::json!(record.entry);
    fields["sequence"] = record.sequence.into();
    fields["previous_hash"] = record.previous_hash.as_str().into();
    Sha256::digest(canonical(&fields)).iter().map(|byte| format!("{byte:02x}")).collect()
}
