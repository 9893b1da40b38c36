//! What a run writes about itself: manifest, audit records, its row of `runs`; and the checks before any of it counts.

use super::{Error, Host};
use crate::audit::{AuditRecord, Link};
use crate::extracts::InputFile;
use crate::job::Job;
use crate::publish::frame::Frame;
use crate::publish::manifest::Input;
use crate::publish::table::Stamp;
use crate::publish::tables::governance;
use crate::publish::{self, About, Checked, Claim, Refused};
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
    fn stamp(&self) -> Stamp {
        Stamp { as_of: self.as_of, run_id: self.claim.run_id.clone() }
    }

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
    fn row(&self, tables: &Checked, seconds: &[(&str, f64)]) -> governance::Run {
        let seconds: serde_json::Map<String, serde_json::Value> =
            seconds.iter().map(|(stage, seconds)| ((*stage).to_owned(), (*seconds).into())).collect();
        governance::Run {
            job: self.job.settings.name.clone(),
            as_of: self.as_of,
            started_at: self.started_at,
            finished_at: self.host.now(),
            job_hash: self.job.hash(),
            inputs: serde_json::json!(self.inputs).to_string(),
            outputs: serde_json::json!(tables.rows()).to_string(),
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
pub(super) fn check<'a>(
    mut frames: Vec<Frame<'a>>,
    records: &'a [AuditRecord],
    run: &Run,
    seconds: &[(&'static str, f64)],
    output: &Store,
) -> Result<Checked, Error> {
    let stamp = run.stamp();
    frames.push(governance::audit().frame_lent(records, &stamp));
    let checked = publish::check_into(frames, output, run.claim).and_then(|tables| {
        let row = run.row(&tables, seconds);
        Ok(tables.and(publish::check(vec![governance::runs().frame(&[row], &stamp)])?))
    });
    checked.map_err(|refused| match refused {
        Refused::Store(e) => e.into(),
        Refused::Broken(failures) => match publish::write_evidence(output, run.claim, &failures) {
            Ok(evidence) => {
                let evidence = format!("{}/{evidence}", output.url());
                publish::Error::Checks { failures, evidence }.into()
            }
            Err(e) => e.into(),
        },
    })
}
