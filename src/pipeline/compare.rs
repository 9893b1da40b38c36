//! What moved since the run before: its scores read back, and tonight's computed again with one thing changed at a
//! time. A stage whose cause did not change is not computed; late rows cost what the accounts that they touch cost.

use std::collections::BTreeSet;

use super::Error;
use super::assess::{Context, Everyone, assess_scores, assess_some, observe, score};
use super::desk::Desk;
use crate::assessment::Assessment;
use crate::changes::{self, Score, ScoreChange, Scores, Stages};
use crate::extracts::Extracts;
use crate::extracts::assembled::late::without_late;
use crate::history::View;
use crate::job::{Job, JobFile};
use crate::models::Scorer;
use crate::observations::Kept;
use crate::publish::manifest::{self, Manifest};
use crate::publish::reader;
use crate::shards::Share;
use crate::store::Store;
use crate::vocabulary::{AccountIx, Day, PropensityKind};

/// Tonight, as far as it is compared.
pub(super) struct Night<'a> {
    pub desk: Desk<'a>,
    pub assessments: &'a [Assessment<'a>],
    pub everyone: &'a Everyone,
    pub context: &'a Context<'a>,
    pub scorer: &'a Scorer,
}

/// What the newest run of the newest day before tonight published.
struct Earlier {
    as_of: Day,
    job_hash: String,
    /// Of the accounts that are held here.
    scores: Scores,
    /// Of all accounts.
    model_ids: BTreeSet<String>,
}

/// Every score that moved since the run before; nothing on a first night.
pub(super) fn changes(night: &Night) -> Result<Vec<ScoreChange>, Error> {
    let Desk { output, extracts, as_of, .. } = night.desk;
    let Some(earlier) = Earlier::read(output, extracts, as_of)? else { return Ok(Vec::new()) };
    let after = changes::scores(night.assessments);
    let stages = stages(night, &earlier)?;
    Ok(changes::changes(&earlier.scores, &stages, &after))
}

/// Whether a stage takes place is the same for all parts, but for late rows, which ask nothing of the others.
fn stages(night: &Night, earlier: &Earlier) -> Result<Stages, Error> {
    let Night { desk, everyone, context, scorer, .. } = night;
    let (view, mut stages, mut everyone) = (desk.view(), Stages::default(), (*everyone).clone());
    let recalled = match everyone.population.model_ids == earlier.model_ids {
        true => None,
        false => Some(Scorer::recall(desk.output, &earlier.model_ids)?),
    };
    if let Some(before) = &recalled {
        let share = desk.share.about("before-models");
        (stages.before_models, everyone) = scores(view, facts(night), before, context, share)?;
    }
    let scorer = recalled.as_ref().unwrap_or(scorer);
    let changed = earlier.job_hash != desk.job.hash();
    let settings = if changed { settings(desk.output, &earlier.job_hash)? } else { None };
    stages.configuration_unknown = changed && settings.is_none();
    let (share, learned) = (desk.share.about("before-configuration"), &desk.past.learned);
    let intents = desk.intents.as_ref().map(|listening| listening.model.clone());
    let relearned = settings.as_ref().map(|settings| Context::among(view, settings, learned, intents, share));
    let relearned = relearned.transpose()?;
    if let Some(context) = &relearned {
        (stages.before_configuration, everyone) = scores(view, observe(view, context), scorer, context, share)?;
    }
    if let Some(late) = without_late(view.extracts, earlier.as_of, view.day) {
        let context = relearned.as_ref().unwrap_or(context);
        let some = View::new(&late.extracts, view.day);
        stages.without_late = changes::scores(&assess_some(some, scorer, context, &everyone));
    }
    Ok(stages)
}

fn scores(
    view: View,
    facts: Vec<Kept>,
    scorer: &Scorer,
    context: &Context,
    share: Share,
) -> Result<(Scores, Everyone), Error> {
    let (scored, everyone) = score(view, &facts, scorer, context, share)?;
    let assessed = assess_scores(view, facts, scored.propensities, &everyone.benchmark, context);
    Ok((changes::scores(&assessed), everyone))
}

/// Tonight's facts by account index.
fn facts(night: &Night) -> Vec<Kept> {
    let mut facts = vec![Kept::default(); night.desk.extracts.ids.accounts.len()];
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
            let account = held(extracts, row.text("account_id")?)?;
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
            let account = row.text("account_id").and_then(|account| held(extracts, account));
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

/// The account, if its rows are held here.
fn held(extracts: &Extracts, account_id: &str) -> Option<AccountIx> {
    extracts.ids.accounts.get(account_id).filter(|_| extracts.part.owns(account_id))
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
