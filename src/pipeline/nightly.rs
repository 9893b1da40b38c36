//! The night: extracts in, recommendations, briefings and audit records out.

use super::compare;
use super::desk::Desk;
use super::intents;
use super::past::Past;
use super::record::{Run, check, input};
use super::retrain::{TrainingReport, models_for, shown};
use super::summary::Night;
use super::work::{Recording, Rest, ok};
use super::{Error, Host, LOAD, Stages, giving_back};
use crate::audit::{self, Link};
use crate::cards;
use crate::extracts::{self, Extracts, State};
use crate::history::View;
use crate::job::{Job, JobFile};
use crate::models::Scorer;
use crate::models::examples::grain::Source;
use crate::publish::frame::Frame;
use crate::publish::manifest::{Input, inputs_hash};
use crate::publish::table::Stamp;
use crate::publish::tables;
use crate::publish::{self, Claim};
use crate::shards::Share;
use crate::store::{Access, Store};
use crate::vocabulary::{Day, Moment};

/// Runs the night of `as_of` and publishes it in the job's output.
pub fn run(job: &Job, as_of: Day, access: &Access, host: &dyn Host) -> Result<Night, Error> {
    let started_at = host.now();
    let output = &Store::open(&job.settings.output.url, access)?;
    let mut stages = Stages::new(host);
    let state = State::of(output);
    let extracts =
        stages.run(LOAD, || extracts::load_from(&job.settings.extracts, access, &state, as_of, &giving_back(host)))?;
    repair(output, &mut stages)?;
    let inputs: Vec<Input> = extracts.inputs.iter().map(input).collect();
    let claim = Claim::next(output, as_of, started_at, &job.hash(), &inputs_hash(&inputs))?;
    let past = stages.run("remember", || Past::read(output, &extracts, as_of, &job.settings.recommendations))?;
    let (text, asked) = (&job.settings.text, job.settings.models.train_if_missing);
    let listen = || intents::for_night(View::new(&extracts, as_of), text, asked, output);
    let intents = &stages.run("listen", listen)?;
    let desk = Desk { job, as_of, output, extracts: &extracts, past: &past, intents, share: Share::Alone };
    let (scorer, trained) = &stages.run("models", || models_for(&source(&extracts, job, as_of), output))?;
    let observed = desk.observe(&mut stages)?;
    let trail = (past.trail.manifest.clone(), past.trail.tail.clone());
    let closing = Closing { job, as_of, output, claim: &claim, inputs: &inputs, started_at, scorer, trail };
    let decided = desk.decide(observed, scorer, &mut stages)?;
    let extracts = extracts.without_large_tables();
    host.give_back();
    let view = View::new(&extracts, as_of);
    let recording = Recording { job, view, inputs: &inputs, past: &past };
    let rest = stages.run("record", || ok(recording.of(&decided)))?;
    let frames = tables::frames(&decided.layers(view), &closing.stamp());
    let night = closing.publish(frames, rest, trained.as_ref().map(told), stages);
    // Millions of small rows take half a second to free, for which nobody need wait.
    std::thread::spawn(move || drop(extracts));
    night
}

/// The stage in which the committed run becomes visible table by table; it should not be cut short.
pub const EXPOSE: &str = "expose";

/// Finishes what an earlier run committed but did not live to show.
pub(super) fn repair(output: &Store, stages: &mut Stages) -> Result<(), Error> {
    for day in stages.run("repair", || publish::repair(output))? {
        stages.warn(&format!("the run of {day} was committed but not shown in full; it is now"));
    }
    Ok(())
}

/// What models are trained on, should the output hold none.
fn source<'a>(extracts: &'a Extracts, job: &'a Job, as_of: Day) -> Source<'a> {
    let JobFile { observations, capacity, models, recommendations, .. } = &job.settings;
    Source { extracts, as_of, observations, capacity, models, weekly_capacity: recommendations.weekly_capacity }
}

fn told(report: &TrainingReport) -> String {
    let promoted = report.models.iter().filter(|model| model.promoted).count();
    format!("no model was there, so {} were trained and {promoted} promoted", report.models.len())
}

/// What turns the work of a night into a published run.
pub(super) struct Closing<'a> {
    pub job: &'a Job,
    pub as_of: Day,
    pub output: &'a Store,
    pub claim: &'a Claim,
    pub inputs: &'a [Input],
    pub started_at: Moment,
    pub scorer: &'a Scorer,
    /// The manifest that the night continues, and the tail of its chain.
    pub trail: (Option<String>, audit::Tail),
}

impl Closing<'_> {
    /// What every row of the run carries.
    pub fn stamp(&self) -> Stamp {
        Stamp { as_of: self.as_of, run_id: self.claim.run_id.clone() }
    }

    /// Chains the records, checks the tables, commits the run and shows it; `trained` tells of a training that took
    /// place.
    pub fn publish(
        self,
        frames: Vec<Frame>,
        rest: Rest,
        trained: Option<String>,
        mut stages: Stages,
    ) -> Result<Night, Error> {
        let Closing { job, as_of, output, claim, inputs, started_at, scorer, trail } = self;
        let warnings = rest.told.warnings(trained, scorer);
        warnings.iter().for_each(|warning| stages.warn(warning));
        let records = audit::append(&trail.1, rest.entries);
        let run = Run { job, as_of, claim, inputs, started_at, host: stages.host };
        let seconds = stages.seconds.clone();
        let checked = stages.run("check", || check(frames, &records, &run, &seconds, output))?;
        let cards = stages.run("cards", || shown(scorer, output, as_of))?;
        let mut site = rest.site.pages(as_of, !cards.is_empty());
        site.extend(cards::pages::pages(&cards, as_of));
        let site: Vec<publish::Page> = site.into_iter().map(|file| (file.path, file.content)).collect();
        compare::keep_settings(output, job)?;
        let link = Link::of(trail.0, trail.1, &records);
        let rows = checked.rows();
        let manifest = stages.run("commit", || publish::commit(output, claim, checked, site, run.about(link)))?;
        stages.run(EXPOSE, || publish::show(output, &manifest))?;
        publish::describe(output, &tables::specs())?;
        let night = rest.told.night(as_of, claim, rows);
        Ok(Night { warnings, seconds: stages.seconds, ..night })
    }
}
