//! The night: extracts in, recommendations, briefings and audit records out.

use std::sync::Arc;

use rayon::prelude::*;

use super::assess::{Context, assess, observe};
use super::compare;
use super::intents;
use super::past::Past;
use super::record::{Run, check, input};
use super::retrain::{TrainingReport, models_for, shown};
use super::summary::{Night, tell};
use super::{Error, Host, Stages};
use crate::assessment::Assessment;
use crate::audit::Link;
use crate::briefings::{self, Briefing};
use crate::cards;
use crate::extracts::{self, Extracts, State};
use crate::history::View;
use crate::job::{Job, JobFile};
use crate::models::drift::{self, Drift};
use crate::models::grain::Source;
use crate::models::{Scored, Scorer};
use crate::publish::manifest::{Input, inputs_hash};
use crate::publish::tables::{self, Layers};
use crate::publish::{self, Claim};
use crate::recommendations::{Recommendation, Recommended, recommend};
use crate::store::{Access, Store};
use crate::vocabulary::Day;

/// Runs the night of `as_of` and publishes it in the job's output.
pub fn run(job: &Job, as_of: Day, access: &Access, host: &dyn Host) -> Result<Night, Error> {
    let started_at = host.now();
    let output = &Store::open(&job.settings.output.url, access)?;
    let mut stages = Stages::new(host);
    let state = State::of(output);
    let extracts =
        stages.run("load", || extracts::load_from(&job.settings.extracts, access, &state, as_of, &|_| {}))?;
    for day in stages.run("repair", || publish::repair(output))? {
        host.warn(&format!("the run of {day} was committed but not shown in full; it is now"));
    }
    let view = View::new(&extracts, as_of);
    let inputs: Vec<Input> = extracts.inputs.iter().map(input).collect();
    let claim = Claim::next(output, as_of, started_at, &job.hash(), &inputs_hash(&inputs))?;

    let past = stages.run("remember", || Past::read(output, &extracts, as_of, &job.settings.recommendations))?;
    let (text, asked) = (&job.settings.text, job.settings.models.train_if_missing);
    let intents = stages.run("listen", || intents::for_night(view, text, asked, output))?;
    let listening = intents.as_ref().map(|(model, _)| Arc::clone(model));
    let context = stages.run("learn", || ok(Context::learn(view, &job.settings, &past.learned, listening.clone())))?;
    let facts = stages.run("observe", || ok(observe(view, &context)))?;
    let (scorer, trained) = stages.run("models", || models_for(&source(&extracts, job, as_of), output))?;
    let scored = stages.run("score", || ok(scorer.score(view, &facts, &job.settings.models)))?;
    let Scored { propensities, churn_curves, drift } = scored;
    let assessments = stages.run("assess", || ok(assess(view, facts, propensities, &context)))?;
    let recommended = stages.run("recommend", || {
        ok(recommend(view, &assessments, &context.peers, &job.playbooks, &past.memory, &job.settings.recommendations))
    })?;
    let briefings = stages.run("brief", || ok(brief(view, &assessments, &recommended, job)))?;
    let changes = stages.run("compare", || {
        let night = compare::Night {
            view,
            assessments: &assessments,
            context: &context,
            scorer: &scorer,
            intents: &listening,
            job,
        };
        compare::changes(&night, output, &past.learned)
    })?;
    let warnings = model_warnings(&scorer, trained.as_ref(), &drift);
    warnings.iter().for_each(|warning| host.warn(warning));
    // Read from the registry even on the night that trained, so that running a day again tells the same.
    let mut evaluations = scorer.evaluations();
    evaluations.extend(intents.iter().flat_map(|(model, reason)| intents::evaluations(model, true, reason)));
    let run = Run { job, claim: &claim, inputs: &inputs, started_at, host };
    let records = run.audit(view, &assessments, &recommended, &past);
    let layers = Layers {
        view,
        assessments: &assessments,
        recommended: &recommended,
        briefings: &briefings,
        evaluations: &evaluations,
        churn_curves: &churn_curves,
        drift: &drift,
        changes: &changes,
        audit: &records,
    };
    let seconds = stages.seconds.clone();
    let checked = stages.run("check", || check(&layers, &run, &seconds, output))?;
    let cards = stages.run("cards", || shown(&scorer, output, as_of))?;
    let mut site = briefings::site::pages(view, &assessments, &recommended, &briefings, !cards.is_empty());
    site.extend(cards::pages::pages(&cards, as_of));
    let site: Vec<publish::Page> = site.into_iter().map(|file| (file.path, file.content)).collect();
    compare::keep_settings(output, job)?;
    let link = Link::of(past.trail.manifest, past.trail.tail, &records);
    let manifest = stages.run("commit", || publish::commit(output, &claim, &checked, site, run.about(link)))?;
    stages.run(EXPOSE, || publish::show(output, &manifest))?;
    publish::describe(output, &tables::specs())?;
    Ok(Night { warnings, ..tell(&layers, &context, &claim, &checked, stages) })
}

/// The stage in which the committed run becomes visible table by table; it should not be cut short.
pub const EXPOSE: &str = "expose";

/// What models are trained on, should the output hold none.
fn source<'a>(extracts: &'a Extracts, job: &'a Job, as_of: Day) -> Source<'a> {
    let JobFile { observations, capacity, models, recommendations, .. } = &job.settings;
    Source { extracts, as_of, observations, capacity, models, weekly_capacity: recommendations.weekly_capacity }
}

/// What a person should know about the models of the night.
fn model_warnings(scorer: &Scorer, trained: Option<&TrainingReport>, drift: &[Drift]) -> Vec<String> {
    let trained = trained.map(|report| {
        let promoted = report.models.iter().filter(|model| model.promoted).count();
        format!("no model was there, so {} were trained and {promoted} promoted", report.models.len())
    });
    let none = "no model scores: propensities are empty; train with `foothold train jobs/retrain.toml`";
    trained.into_iter().chain(scorer.is_empty().then(|| none.to_owned())).chain(drift::warnings(drift)).collect()
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
