//! What moved since the run before: its scores read back, and tonight's computed again with one thing changed at a
//! time. A stage whose cause did not change is not computed; late rows cost what the accounts that they touch cost.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Error;
use super::assess::{Context, assess, assess_some, observe};
use crate::assessment::Assessment;
use crate::changes::{self, Score, ScoreChange, Scores, Stages};
use crate::extracts::Extracts;
use crate::extracts::late::without_late;
use crate::history::View;
use crate::job::{Job, JobFile};
use crate::models::Scorer;
use crate::observations::AccountObservations;
use crate::publish::manifest::{self, Manifest};
use crate::publish::reader;
use crate::signals::Learned;
use crate::store::Store;
use crate::text::IntentModel;
use crate::vocabulary::{Day, PropensityKind};

/// Tonight, as far as it is compared.
pub struct Night<'a> {
    pub view: View<'a>,
    pub assessments: &'a [Assessment<'a>],
    pub context: &'a Context<'a>,
    pub scorer: &'a Scorer,
    pub intents: &'a Option<Arc<IntentModel>>,
    pub job: &'a Job,
}

/// What the newest run of the newest day before tonight published.
struct Earlier {
    as_of: Day,
    job_hash: String,
    scores: Scores,
    model_ids: BTreeSet<String>,
}

/// Every score that moved since the run before; nothing on a first night.
pub fn changes(night: &Night, output: &Store, learned: &Learned) -> Result<Vec<ScoreChange>, Error> {
    let Some(earlier) = Earlier::read(output, night.view.extracts, night.view.day)? else { return Ok(Vec::new()) };
    let after = changes::scores(night.assessments);
    let stages = stages(night, &earlier, output, learned)?;
    Ok(changes::changes(&earlier.scores, &stages, &after))
}

fn stages(night: &Night, earlier: &Earlier, output: &Store, learned: &Learned) -> Result<Stages, Error> {
    let Night { view, assessments, context, scorer, intents, job } = night;
    let mut stages = Stages::default();
    let recalled = match scored_by_others(night, earlier) {
        true => Some(Scorer::recall(output, &earlier.model_ids)?),
        false => None,
    };
    if let Some(before) = &recalled {
        stages.before_models = changes::scores(&assessed(*view, facts(night), before, context));
    }
    let scorer = recalled.as_ref().unwrap_or(scorer);
    let changed = earlier.job_hash != job.hash();
    let settings = if changed { settings(output, &earlier.job_hash)? } else { None };
    stages.configuration_unknown = changed && settings.is_none();
    let relearned = settings.as_ref().map(|settings| Context::learn(*view, settings, learned, (*intents).clone()));
    if let Some(context) = &relearned {
        stages.before_configuration = changes::scores(&assessed(*view, observe(*view, context), scorer, context));
    }
    if let Some(late) = without_late(view.extracts, earlier.as_of, view.day) {
        let context = relearned.as_ref().unwrap_or(context);
        let part = View::new(&late.extracts, view.day);
        stages.without_late = changes::scores(&assess_some(part, scorer, context, (*view, *assessments)));
    }
    Ok(stages)
}

fn assessed<'a>(
    view: View<'a>,
    facts: Vec<AccountObservations>,
    scorer: &Scorer,
    context: &Context,
) -> Vec<Assessment<'a>> {
    let propensities = scorer.score(view, &facts, &context.settings.models).propensities;
    assess(view, facts, propensities, context)
}

fn scored_by_others(night: &Night, earlier: &Earlier) -> bool {
    let tonight: BTreeSet<&str> =
        night.assessments.iter().flat_map(|a| &a.propensities).map(|propensity| &*propensity.model_id).collect();
    !tonight.iter().copied().eq(earlier.model_ids.iter().map(String::as_str))
}

/// Tonight's facts by account index.
fn facts(night: &Night) -> Vec<AccountObservations> {
    let mut facts = vec![AccountObservations::default(); night.view.extracts.ids.accounts.len()];
    for assessment in night.assessments {
        facts[assessment.account.at()] = assessment.facts.clone();
    }
    facts
}

impl Earlier {
    fn read(output: &Store, extracts: &Extracts, as_of: Day) -> Result<Option<Earlier>, Error> {
        let before = manifest::slots(output)?.into_iter().filter(|slot| slot.as_of < as_of).max();
        let Some(slot) = before else { return Ok(None) };
        let manifest = manifest::read_path(output, &slot.path())?;
        let mut earlier = Earlier {
            as_of: manifest.as_of,
            job_hash: manifest.job_hash.clone(),
            scores: Scores::new(),
            model_ids: BTreeSet::new(),
        };
        earlier.take_score(output, &manifest, extracts, ("account_health", Score::Health))?;
        earlier.take_score(output, &manifest, extracts, ("readiness", Score::Readiness))?;
        earlier.take_propensities(output, &manifest, extracts)?;
        Ok(Some(earlier))
    }

    /// The column `score` of a table with one row an account.
    fn take_score(
        &mut self,
        output: &Store,
        manifest: &Manifest,
        extracts: &Extracts,
        (table, score): (&str, Score),
    ) -> Result<(), Error> {
        let rows = reader::columns(output, manifest, table, &["account_id", "score"])?;
        self.scores.extend(rows.iter().filter_map(|row| {
            let account = extracts.ids.accounts.get(row.text("account_id")?)?;
            Some(((account, score), row.float("score")?))
        }));
        Ok(())
    }

    fn take_propensities(&mut self, output: &Store, manifest: &Manifest, extracts: &Extracts) -> Result<(), Error> {
        let columns = ["account_id", "kind", "product_id", "probability", "model_id"];
        let rows = reader::columns(output, manifest, "propensities", &columns)?;
        for row in rows.iter() {
            self.model_ids.extend(row.text("model_id").filter(|id| !self.model_ids.contains(*id)).map(str::to_owned));
            let product = row.text("product_id").map(|product| extracts.ids.products.get(product));
            let account = row.text("account_id").and_then(|account| extracts.ids.accounts.get(account));
            let kind = row.text("kind").and_then(PropensityKind::parse);
            // A product or account that the extracts no longer name has no score tonight to compare with.
            if let (Some(account), Some(kind), Some(probability), Some(Some(_)) | None) =
                (account, kind, row.float("probability"), product)
            {
                self.scores.insert((account, Score::Propensity(kind, product.flatten())), probability);
            }
        }
        Ok(())
    }
}

fn settings_path(job_hash: &str) -> String {
    format!("meta/jobs/{job_hash}.json")
}

/// Keeps the job's settings under their hash, so that a later night can compute with them.
pub fn keep_settings(output: &Store, job: &Job) -> Result<(), Error> {
    let content = serde_json::to_string_pretty(&job.settings).expect("settings are plain data");
    Ok(output.create(&settings_path(&job.hash()), content).map(drop)?)
}

/// The settings with this hash; `None` where they were not kept or are of a version that this program does not read.
fn settings(output: &Store, job_hash: &str) -> Result<Option<JobFile>, Error> {
    let content = output.get_if_exists(&settings_path(job_hash))?;
    Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
}
