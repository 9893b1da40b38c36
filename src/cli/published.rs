//! What stands published, as the verbs that read it back need it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::job::{JobArgs, output};
use crate::publish::manifest::{self, Manifest, Slot};
use crate::publish::reader::{self, Rows};
use crate::publish::trail::Trail;
use crate::store::Store;
use crate::vocabulary::Day;

/// The job whose output is read, for verbs whose first argument is something else.
#[derive(Args)]
pub struct WhereArgs {
    /// The job whose output is meant
    #[arg(long, value_name = "JOB", default_value = "jobs/nightly.toml")]
    job: PathBuf,
    /// Folder or bucket with the results, instead of the job's
    #[arg(long, value_name = "URL")]
    output: Option<String>,
}

impl WhereArgs {
    pub fn store(&self) -> Result<Store, Failure> {
        let job = JobArgs { job: self.job.clone(), as_of: None, extracts: None, output: self.output.clone() };
        output(&job.load()?)
    }
}

/// The newest run of the newest day, or of one day.
pub struct Newest {
    pub slot: Slot,
    pub manifest: Manifest,
}

impl Newest {
    pub fn of(store: &Store, day: Option<Day>) -> Result<Newest, Failure> {
        let slots = manifest::slots(store)?;
        let slot = slots.into_iter().rfind(|slot| day.is_none_or(|day| slot.as_of == day));
        let slot = slot.ok_or_else(|| {
            let when = day.map_or_else(String::new, |day| format!(" as of {day}"));
            Failure::usage(format!("nothing is published{when} under {}; run the nightly job first", store.url()))
        })?;
        Ok(Newest { slot, manifest: manifest::read_path(store, &slot.path())? })
    }

    pub fn table(&self, store: &Store, table: &str) -> Result<Rows, Failure> {
        Ok(reader::table(store, &self.manifest, table)?)
    }

    /// Ids of every recommendation that was ever proposed on the way to this run.
    pub fn recommendation_ids(&self, store: &Store) -> Result<BTreeSet<String>, Failure> {
        let records = Trail::to(store, self.slot)?.records();
        Ok(records.into_iter().map(|record| record.entry.recommendation_id).collect())
    }
}
