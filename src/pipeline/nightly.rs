//! The night: extracts in, recommendations, briefings and audit records out.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::assess::{Context, assess, observe};
use super::past::Past;
use super::retrain::{TrainingReport, models_for};
use super::{Error, Host, Stages};
use crate::assessment::Assessment;
use crate::audit::{self, AuditRecord, Link, Versions};
use crate::briefings::{self, Briefing};
use crate::extracts::{self, Extracts, InputFile, InputTable};
use crate::history::View;
use crate::job::{Job, JobFile};
use crate::models::Scorer;
use crate::models::grain::Source;
use crate::publish::manifest::{Input, inputs_hash};
use crate::publish::table::{Frame, Stamp};
use crate::publish::tables::{self, Layers, governance};
use crate::publish::{self, About, Checked, Claim};
use crate::recommendations::{Gate, Recommendation, Recommended, recommend};
use crate::store::{Access, Store};
use crate::vocabulary::{Day, Moment, Text};

/// What a finished night has to tell.
#[derive(Clone, Debug)]
pub struct Night {
    pub run_id: String,
    pub as_of: Day,
    pub manifest: String,
    /// Rows by table.
    pub tables: BTreeMap<String, u64>,
    /// Rejected rows by input table.
    pub rejected: BTreeMap<InputTable, u64>,
    pub unavailable: Unavailable,
    /// What a person should know, in sentences.
    pub warnings: Vec<String>,
    /// Seconds by stage, in order.
    pub seconds: Vec<(&'static str, f64)>,
    /// The highest expected value first, whoever owns it.
    pub top: Vec<Proposal>,
    /// Candidates withheld and the ARR they stood for, by gate in the order the gates are tried.
    pub withheld: Vec<(&'static str, usize, f64)>,
    pub accounts: usize,
    /// Where the pages begin, relative to the output's root.
    pub site: String,
}

/// What could not be judged because its tables were not delivered.
#[derive(Clone, Debug)]
pub struct Unavailable {
    pub tables: Vec<InputTable>,
    /// Signal and the tables it misses.
    pub signals: Vec<(Text, Vec<InputTable>)>,
}

/// One recommendation in a line.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub recommendation_id: String,
    pub account: String,
    pub play: &'static str,
    pub action: &'static str,
    pub headline: String,
    pub expected_value: f64,
    pub owner: String,
    pub rank: u32,
    pub contact_by: Day,
}

/// Runs the night of `as_of` and publishes it in the job's output.
pub fn run(job: &Job, as_of: Day, access: &Access, host: &dyn Host) -> Result<Night, Error> {
    let started_at = host.now();
    let output = &Store::open(&job.settings.output.url, access)?;
    let mut stages = Stages::new(host);
    let extracts = stages.run("load", || extracts::load(&job.settings.extracts, access, as_of, &|_| {}))?;
    for day in stages.run("repair", || publish::repair(output))? {
        host.warn(&format!("the run of {day} was committed but not shown in full; it is now"));
    }
    let view = View::new(&extracts, as_of);
    let inputs: Vec<Input> = extracts.inputs.iter().map(input).collect();
    let claim = Claim::next(output, as_of, started_at, &job.hash(), &inputs_hash(&inputs))?;

    let past = stages.run("remember", || Past::read(output, &extracts, as_of, &job.settings.recommendations))?;
    let context = stages.run("learn", || ok(Context::learn(view, &job.settings, &past.learned)))?;
    let facts = stages.run("observe", || ok(observe(view, &context)))?;
    let (scorer, trained) = stages.run("models", || models_for(&source(&extracts, job, as_of), output))?;
    let assessments = stages.run("assess", || ok(assess(view, facts, &scorer, &context)))?;
    let recommended = stages.run("recommend", || {
        ok(recommend(view, &assessments, &context.peers, &job.playbooks, &past.memory, &job.settings.recommendations))
    })?;
    let briefings = stages.run("brief", || ok(brief(view, &assessments, &recommended, job)))?;
    let warnings = model_warnings(&scorer, trained.as_ref());
    warnings.iter().for_each(|warning| host.warn(warning));
    // Read from the registry even on the night that trained, so that running a day again tells the same.
    let evaluations = scorer.evaluations();
    let run = Run { job, claim: &claim, inputs: &inputs, started_at, host };
    let records = run.audit(view, &assessments, &recommended, &past);
    let layers = Layers {
        view,
        assessments: &assessments,
        recommended: &recommended,
        briefings: &briefings,
        evaluations: &evaluations,
        audit: &records,
    };
    let seconds = stages.seconds.clone();
    let checked = stages.run("check", || check(&layers, &run, &seconds, output))?;
    let site = briefings::site::pages(view, &assessments, &recommended, &briefings);
    let site: Vec<publish::Page> = site.into_iter().map(|file| (file.path, file.content)).collect();
    let link = Link::of(past.trail.manifest, past.trail.tail, &records);
    stages.run("commit", || publish::commit(output, &claim, &checked, &site, run.about(link)))?;
    stages.run(EXPOSE, || publish::expose(output, as_of))?;
    publish::describe(output, &tables::specs())?;
    Ok(Night { warnings, ..tell(&layers, &context, &claim, &checked, stages) })
}

/// The stage in which the committed run becomes visible table by table; it should not be cut short.
pub const EXPOSE: &str = "expose";

/// What models are trained on, should the output hold none.
fn source<'a>(extracts: &'a Extracts, job: &'a Job, as_of: Day) -> Source<'a> {
    let JobFile { observations, capacity, models, .. } = &job.settings;
    Source { extracts, as_of, observations, capacity, models }
}

/// What a person should know about the models of the night.
fn model_warnings(scorer: &Scorer, trained: Option<&TrainingReport>) -> Vec<String> {
    let trained = trained.map(|report| {
        let promoted = report.models.iter().filter(|model| model.promoted).count();
        format!("no model was there, so {} were trained and {promoted} promoted", report.models.len())
    });
    let none = "no model scores: propensities are empty; train with `foothold train jobs/retrain.toml`";
    trained.into_iter().chain(scorer.is_empty().then(|| none.to_owned())).collect()
}

fn ok<T>(value: T) -> Result<T, Error> {
    Ok(value)
}

/// One briefing per recommendation; one in flight whose playbook was taken out of the job has none.
fn brief(view: View, assessments: &[Assessment], recommended: &Recommended, job: &Job) -> Vec<Briefing> {
    let write = |recommendation: &Recommendation| {
        let at = assessments.binary_search_by_key(&recommendation.account, |a| a.account).ok()?;
        let playbook = job.playbooks.iter().find(|playbook| playbook.name == recommendation.playbook)?;
        Some(briefings::write(view, &assessments[at], recommendation, playbook))
    };
    recommended.recommendations.par_iter().filter_map(write).collect()
}

/// What the run's own records need.
struct Run<'a> {
    job: &'a Job,
    claim: &'a Claim,
    inputs: &'a [Input],
    started_at: Moment,
    host: &'a dyn Host,
}

impl Run<'_> {
    fn about(&self, audit: Link) -> About {
        About {
            job: self.job.settings.name.clone(),
            job_hash: self.job.hash(),
            started_at: self.started_at,
            finished_at: self.host.now(),
            inputs: self.inputs.to_vec(),
            audit,
        }
    }

    /// Tonight's events, put behind the chain that the night continues.
    fn audit(
        &self,
        view: View,
        assessments: &[Assessment],
        recommended: &Recommended,
        past: &Past,
    ) -> Vec<AuditRecord> {
        let versions = Versions {
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            job_hash: self.job.hash(),
            input_manifest_hash: inputs_hash(self.inputs),
        };
        let (playbooks, settings) = (&self.job.playbooks, &self.job.settings.recommendations);
        let memory = &past.memory;
        let night = audit::Night { view, assessments, recommended, playbooks, memory, settings, versions: &versions };
        audit::append(&past.trail.tail, audit::entries(&night))
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

fn input(file: &InputFile) -> Input {
    let table = file.table.as_str().to_owned();
    Input { table, path: file.path.clone(), etag: file.etag.clone(), rows: file.rows }
}

/// Every table of the run, checked; what fails leaves its rows as evidence and publishes nothing.
fn check(layers: &Layers, run: &Run, seconds: &[(&'static str, f64)], output: &Store) -> Result<Checked, Error> {
    let stamp = Stamp { as_of: layers.view.day, run_id: run.claim.run_id.clone() };
    let mut frames = tables::frames(layers, &stamp);
    let row = run.row(layers.view.day, &frames, seconds);
    frames.push(governance::runs().frame(&[row], &stamp));
    publish::check(frames).map_err(|failures| match publish::write_evidence(output, run.claim, &failures) {
        Ok(evidence) => {
            let evidence = format!("{}/{evidence}", output.url());
            publish::Error::Checks { failures, evidence }.into()
        }
        Err(e) => e.into(),
    })
}

/// Recommendations that the closing summary shows.
const TOP: usize = 5;

fn tell(layers: &Layers, context: &Context, claim: &Claim, tables: &Checked, stages: Stages) -> Night {
    let extracts = layers.view.extracts;
    let missing = InputTable::ALL.iter().copied().filter(|table| !extracts.has(*table));
    let rejected = extracts.quality.iter().filter(|q| q.rejected > 0).map(|q| (q.table, q.rejected));
    Night {
        run_id: claim.run_id.clone(),
        as_of: layers.view.day,
        manifest: claim.manifest_path(),
        tables: tables.rows(),
        rejected: rejected.collect(),
        unavailable: Unavailable { tables: missing.collect(), signals: context.classifier.unavailable(extracts) },
        warnings: Vec::new(),
        seconds: stages.seconds,
        top: top(layers),
        withheld: withheld(layers.recommended),
        accounts: layers.assessments.len(),
        site: format!("site/dt={}", layers.view.day),
    }
}

/// The highest expected values across owners, of what somebody still has to do.
fn top(layers: &Layers) -> Vec<Proposal> {
    let open = layers.recommended.recommendations.iter().filter(|r| r.status.open());
    let mut proposals: Vec<&Recommendation> = open.collect();
    proposals.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value).then_with(|| a.id.cmp(&b.id)));
    proposals.into_iter().take(TOP).map(|recommendation| line(layers, recommendation)).collect()
}

fn line(layers: &Layers, recommendation: &Recommendation) -> Proposal {
    let account = layers.view.account(recommendation.account);
    Proposal {
        recommendation_id: recommendation.id.clone(),
        account: account.map_or_else(String::new, |account| account.name.to_string()),
        play: recommendation.play.as_str(),
        action: recommendation.action.as_str(),
        headline: recommendation.headline.clone(),
        expected_value: recommendation.expected_value,
        owner: recommendation.owner.to_string(),
        rank: recommendation.rank,
        contact_by: recommendation.contact_by,
    }
}

fn withheld(recommended: &Recommended) -> Vec<(&'static str, usize, f64)> {
    let mut by_gate: BTreeMap<Gate, (usize, f64)> = BTreeMap::new();
    for suppression in &recommended.suppressions {
        let entry = by_gate.entry(suppression.gate).or_default();
        *entry = (entry.0 + 1, entry.1 + suppression.expected_arr_withheld);
    }
    by_gate.into_iter().map(|(gate, (count, arr))| (gate.as_str(), count, arr)).collect()
}
