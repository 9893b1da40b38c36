//! A night on several machines: each runs one shard of the accounts, and publishing makes their results one run.

use super::desk::Desk;
use super::intents::{self, Listening};
use super::nightly::{Closing, repair};
use super::past::Past;
use super::record::input;
use super::retrain::champions;
use super::summary::Night;
use super::work::{Recording, Rest, ok};
use super::{Error, Host, LOAD, Stages, giving_back};
use crate::extracts::{self, InputFile, Part, State};
use crate::history::View;
use crate::job::Job;
use crate::models::Scorer;
use crate::publish::Claim;
use crate::publish::manifest::{Input, inputs_hash, sha256};
use crate::publish::table::Stamp;
use crate::publish::tables;
use crate::publish::trail::Trail;
use crate::reviews;
use crate::shards::{self, Expected, Identity, Rounds, Shard, Share};
use crate::store::{Access, Store};
use crate::vocabulary::Day;

/// How often a waiting shard looks for the others.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// Runs one shard as far as the others allow.
///
/// A shard that is done already is left as it is. While others are missing it waits for `wait_seconds`, then ends with
/// [`shards::Error::Waiting`]; what it has said so far stands, and running it again goes on from there.
pub fn run(
    job: &Job,
    as_of: Day,
    part: Part,
    wait_seconds: u64,
    access: &Access,
    host: &dyn Host,
) -> Result<Shard, Error> {
    let started_at = host.now();
    let output = &Store::open(&job.settings.output.url, access)?;
    let mut stages = Stages::new(host);
    let settings = &job.settings.extracts;
    let models = Models::load(output, as_of)?;
    let train = job.settings.models.train_if_missing;
    if models.scorer.is_empty() && train {
        return Err(Error::Untrained { what: "model", output: output.url().to_owned() });
    }
    let identity = |inputs: &[Input]| identity(job, as_of, part, inputs, &models, output);
    let listed = inputs_of(extracts::inputs(settings, access, as_of, part)?);
    if let Some(shard) = shards::stands(output, &identity(&listed)?, part)? {
        return Ok(shard);
    }
    let state = State::of_part(output, part);
    let delivered = stages.run(LOAD, || extracts::read(settings, access, &state, as_of, part, &giving_back(host)))?;
    delivered.is_readable()?;
    let inputs = inputs_of(delivered.inputs());
    let identity = identity(&inputs)?;
    let patience = || {
        let left = started_at.0 + wait_seconds as i64 * 1_000_000 - host.now().0;
        let again = left > 0 && !host.interrupted();
        if again {
            std::thread::sleep(LOOK_AGAIN);
        }
        again
    };
    let rounds = Rounds { store: output, identity: &identity, part, patience: &patience };
    let share = Share::Among(&rounds, "");
    let extracts = stages.run("agree", || -> Result<_, Error> {
        let digests = share.all("digest", delivered.digest())?;
        Ok(delivered.settle(settings, digests)?)
    })?;
    let past = stages.run("remember", || Past::read(output, &extracts, as_of, &job.settings.recommendations))?;
    if models.intents.is_none() && train {
        let text = &job.settings.text;
        stages.run("listen", || intents::needs_none(View::new(&extracts, as_of), text, output, share))?;
    }
    let intents = &models.intents;
    let desk = Desk { job, as_of, output, extracts: &extracts, past: &past, intents, share };
    let observed = desk.observe(&mut stages)?;
    let decided = desk.decide(observed, &models.scorer, &mut stages)?;
    let extracts = extracts.without_large_tables();
    host.give_back();
    let view = View::new(&extracts, as_of);
    let recording = Recording { job, view, inputs: &inputs, past: &past };
    let rest = stages.run("record", || ok(recording.of(&decided)))?;
    // The run has no id yet; publishing gives it one.
    let stamp = Stamp { as_of, run_id: String::new() };
    let frames = tables::frames(&decided.layers(view), &stamp);
    let seconds = stages.seconds.iter().map(|(stage, seconds)| ((*stage).to_owned(), *seconds)).collect();
    let shard = Shard {
        part,
        identity: identity.clone(),
        started_at,
        finished_at: host.now(),
        inputs: inputs.clone(),
        seconds,
        peak_memory_bytes: host.peak_memory_bytes(),
        files: Vec::new(),
    };
    stages.run("write", || shards::write_result(output, shard, &frames, &rest))
}

/// Publishes the night that `of` shards have computed.
pub fn publish(job: &Job, as_of: Day, of: u32, access: &Access, host: &dyn Host) -> Result<Night, Error> {
    let begun = host.now();
    let output = &Store::open(&job.settings.output.url, access)?;
    let mut stages = Stages::new(host);
    repair(output, &mut stages)?;
    let trail = Trail::before(output, as_of)?;
    let models = Models::load(output, as_of)?;
    let expected = Expected {
        as_of,
        of,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        job_hash: job.hash(),
        continues: trail.manifest.clone(),
        models: models.ids(),
    };
    let found = stages.run("gather", || shards::gather(output, &expected))?;
    let inputs = found.first().map(|shard| shard.inputs.clone()).unwrap_or_default();
    let started_at = found.iter().map(|shard| shard.started_at).min().unwrap_or(begun);
    let claim = Claim::next(output, as_of, begun, &job.hash(), &inputs_hash(&inputs))?;
    let trail = (trail.manifest, trail.tail);
    let scorer = &models.scorer;
    let closing = Closing { job, as_of, output, claim: &claim, inputs: &inputs, started_at, scorer, trail };
    let united = || shards::read_results::<Rest>(output, &found, &closing.stamp());
    let (frames, rests) = stages.run("unite", united)?;
    closing.publish(frames, Rest::union(rests), None, stages)
}

/// The models that count for a run of a day.
struct Models {
    scorer: Scorer,
    intents: Option<Listening>,
}

impl Models {
    fn load(output: &Store, day: Day) -> Result<Models, Error> {
        Ok(Models { scorer: champions(output, day)?, intents: Listening::load(output, day)? })
    }

    fn ids(&self) -> Vec<String> {
        let intents = self.intents.iter().map(|listening| listening.model.card.model_id.clone());
        self.scorer.models().map(|model| model.model_id.clone()).chain(intents).collect()
    }
}

fn inputs_of(files: Vec<InputFile>) -> Vec<Input> {
    files.iter().map(input).collect()
}

fn identity(
    job: &Job,
    as_of: Day,
    part: Part,
    inputs: &[Input],
    models: &Models,
    output: &Store,
) -> Result<Identity, Error> {
    let given = reviews::load(output, as_of)?;
    Ok(Identity {
        as_of,
        of: part.of(),
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        job_hash: job.hash(),
        inputs_hash: inputs_hash(inputs),
        continues: Trail::before(output, as_of)?.manifest,
        reviews: sha256(format!("{given:?}").as_bytes()),
        models: models.ids(),
    })
}
