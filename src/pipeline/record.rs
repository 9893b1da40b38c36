//! What a run writes about itself: manifest, audit records, its row of `runs`; and the checks before any of it counts.

use std::collections::BTreeMap;

use super::{Error, Host};
use crate::audit::{AuditRecord, Link};
use crate::extracts::InputFile;
use crate::job::Job;
use crate::publish::manifest::Input;
use crate::publish::table::{Frame, Stamp};
use crate::publish::tables::governance;
use crate::publish::{self, About, Checked, Claim};
use crate::store::Store;
use crate::vocabulary::{Day, Moment};

/// What the run's own records need.
pub(super) struct Run<'a> {
    pub job: &'a Job,
    pub as_of: Day,
    pub claim: &'a Claim,
    pub inputs: &'a [Input],
    pub started_at: Moment,
    pub host: &'a dyn Host,
}

impl Run<'_> {
    pub fn about(&self, audit: Link) -> About {
        About {
            job: self.job.settings.name.clone(),
            job_hash: self.job.hash(),
            started_at: self.started_at,
            finished_at: self.host.now(),
            inputs: self.inputs.to_vec(),
            audit,
        }
    }

    /// The row of the `runs` table.
    fn row(&self, as_of: Day, frames: &[Frame], seconds: &[(&str, f64)]) -> governance::Run {
        let rows: BTreeMap<&str, usize> = frames.iter().map(|f| (f.spec.name(), f.data.height())).collect();
        let seconds: serde_json::Map<String, serde_json::Value> =
            seconds.iter().map(|(stage, seconds)| ((*stage).to_owned(), (*seconds).into())).collect();
        governance::Run {
            job: self.job.settings.name.clone(),
            as_of,
            started_at: self.started_at,
            finished_at: self.host.now(),
            job_hash: self.job.hash(),
            inputs: serde_json::json!(self.inputs).to_string(),
            outputs: serde_json::json!(rows).to_string(),
            seconds_by_stage: serde_json::Value::Object(seconds).to_string(),
            peak_memory_bytes: self.host.peak_memory_bytes(),
        }
    }
}

pub(super) fn input(file: &InputFile) -> Input {
    let table = file.table.as_str().to_owned();
    Input { table, path: file.path.clone(), etag: file.etag.clone(), rows: file.rows }
}

/// Every table of the run, checked; what fails leaves its rows as evidence and publishes nothing.
pub(super) fn check(
    frames: Vec<Frame>,
    records: &[AuditRecord],
    run: &Run,
    seconds: &[(&'static str, f64)],
    output: &Store,
) -> Result<Checked, Error> {
    let stamp = Stamp { as_of: run.as_of, run_id: run.claim.run_id.clone() };
    let mut frames: Vec<Frame> = frames.into_iter().map(|frame| frame.stamped(&stamp)).collect();
    frames.push(governance::audit().frame(records, &stamp));
    let row = run.row(run.as_of, &frames, seconds);
    frames.push(governance::runs().frame(&[row], &stamp));
    publish::check(frames).map_err(|failures| match publish::write_evidence(output, run.claim, &failures) {
        Ok(evidence) => {
            let evidence = format!("{}/{evidence}", output.url());
            publish::Error::Checks { failures, evidence }.into()
        }
        Err(e) => e.into(),
    })
}
