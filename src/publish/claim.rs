//! The claim of a run on the next manifest number of its day, and where its files stand.

use super::Error;
use super::manifest::{self, Slot, sha256};
use crate::store::Store;
use crate::vocabulary::{Day, Moment};

/// A run that may be published: it claims the next manifest number when it begins.
///
/// Whoever commits that number first wins; the others end with [`Error::RaceLost`] and change nothing.
pub struct Claim {
    pub run_id: String,
    pub(super) slot: Slot,
}

impl Claim {
    /// Looks up the next number of the day. The run id is unique by its start (`started`, to the microsecond), its
    /// day, its job and its inputs.
    pub fn next(store: &Store, as_of: Day, started: Moment, job_hash: &str, inputs_hash: &str) -> Result<Claim, Error> {
        let number = manifest::newest(store, as_of)?.map_or(1, |slot| slot.number + 1);
        let identity = format!("{as_of} {} {job_hash} {inputs_hash} {number}", started.0);
        let started = started.to_string().replace([':', '-'], "");
        let run_id = format!("{as_of}-{started}-{}", &sha256(identity.as_bytes())[..8]);
        Ok(Claim { run_id, slot: Slot { as_of, number } })
    }

    pub fn manifest_path(&self) -> String {
        self.slot.path()
    }

    pub(super) fn file(&self, name: &str) -> String {
        format!("runs/{}/{name}", self.run_id)
    }

    /// Where a table of the run stands.
    pub(super) fn table(&self, table: &str) -> String {
        self.file(&format!("{table}.parquet"))
    }
}
