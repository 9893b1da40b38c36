//! The intent classifier from night to night: trained on the team's labels, kept in the registry, read back by runs.

use std::sync::Arc;

use serde::Serialize;

use super::Error;
use crate::history::View;
use crate::learners::measuring::evaluate::Grade;
use crate::models::ModelEvaluation;
use crate::models::champions::registry::{self, Champion, Registry};
use crate::shards::Share;
use crate::store::Store;
use crate::text::intents::IntentCard;
use crate::text::{self, IntentModel, learn};
use crate::vocabulary::Day;

/// The classifier's folder in the registry.
pub const SLOT: &str = "text_intent";

/// The classifier that counts for a run, and why it does.
#[derive(Clone, Debug)]
pub struct Listening {
    pub model: Arc<IntentModel>,
    pub reason: String,
}

impl Listening {
    /// The champion of the registry for a run of `day`.
    pub fn load(store: &Store, day: Day) -> Result<Option<Listening>, registry::Error> {
        let found = champion(&Registry::of(store), day)?;
        Ok(found.map(|(model, reason)| Listening { model: Arc::new(model), reason }))
    }
}

/// What became of one training of the intent classifier.
#[derive(Clone, Debug, Serialize)]
pub struct IntentReport {
    pub promoted: bool,
    pub reason: String,
    /// One per intent; none where there were too few labels.
    pub intents: Vec<ModelEvaluation>,
}

/// Trains on the labels known on the view's day and makes the classifier champion where it may take over.
pub fn train(view: View, settings: &text::Settings, store: &Store) -> Result<IntentReport, registry::Error> {
    let labelled = learn::labelled(view, settings.max_chars);
    let model = match learn::train(&labelled, view.day, settings) {
        Ok(model) => model,
        Err(reason) => return Ok(IntentReport { promoted: false, reason, intents: Vec::new() }),
    };
    let registry = Registry::of(store);
    let champion = champion(&registry, view.day)?;
    let path = registry.save_content(SLOT, &model.to_json())?;
    let (promoted, reason) = decide(&model, champion.as_ref().map(|(model, _)| model));
    if promoted {
        let later = registry.later_pointers(SLOT, view.day)?;
        registry.point(SLOT, &Champion::by_training(&model.card.model_id, &path, view.day, &reason))?;
        later.iter().try_for_each(|pointer| registry.point(SLOT, pointer))?;
    }
    Ok(IntentReport { promoted, intents: evaluations(&model, promoted, &reason), reason })
}

/// The classifier for a run of the view's day; trains first where there is none and the job asks.
pub fn for_night(
    view: View,
    settings: &text::Settings,
    train_if_missing: bool,
    store: &Store,
) -> Result<Option<Listening>, registry::Error> {
    let found = Listening::load(store, view.day)?;
    if found.is_some() || !train_if_missing {
        return Ok(found);
    }
    train(view, settings, store)?;
    Listening::load(store, view.day)
}

/// Fails where the labelled texts of all parts would make a classifier that a run on one machine would train first.
pub fn needs_none(view: View, settings: &text::Settings, store: &Store, share: Share) -> Result<(), Error> {
    let labelled = learn::sorted(share.all("labelled", learn::labelled(view, settings.max_chars))?.concat());
    match learn::train(&labelled, view.day, settings) {
        Ok(model) if hears(&model) > 0 => {
            Err(Error::Untrained { what: "intent classifier", output: store.url().to_owned() })
        }
        _ => Ok(()),
    }
}

/// Every classifier of the registry, oldest first, by number.
pub fn versions(registry: &Registry) -> Result<Vec<(u32, IntentModel)>, registry::Error> {
    registry.contents(SLOT, |content| IntentModel::from_json(content).map_err(|e| e.to_string()))
}

fn champion(registry: &Registry, day: Day) -> Result<Option<(IntentModel, String)>, registry::Error> {
    registry.champion_content(SLOT, day, |content| IntentModel::from_json(content).map_err(|e| e.to_string()))
}

/// A classifier takes over unless it hears less than the champion: newer labels are the better measure of today's words.
fn decide(model: &IntentModel, champion: Option<&IntentModel>) -> (bool, String) {
    let (heard, all) = (hears(model), model.card.intents.len());
    let learned = format!("learned from {} texts; hears {heard} of {all} intents", model.card.trained.texts);
    match champion {
        _ if heard == 0 => (false, format!("{learned}: no threshold is precise enough")),
        Some(old) if old.card.model_id == model.card.model_id => {
            (false, "the same classifier counts already".to_owned())
        }
        Some(old) if heard < hears(old) => (false, format!("{learned}, the champion {}", hears(old))),
        _ => (true, learned),
    }
}

fn hears(model: &IntentModel) -> usize {
    model.card.heard().count()
}

/// The rows of `model_evaluations`, one per intent.
pub fn evaluations(model: &IntentModel, promoted: bool, reason: &str) -> Vec<ModelEvaluation> {
    model.card.intents.iter().map(|intent| evaluation(model, intent, promoted, reason)).collect()
}

fn evaluation(model: &IntentModel, intent: &IntentCard, promoted: bool, reason: &str) -> ModelEvaluation {
    let (trained, judged) = (&model.card.trained, intent.evaluation.as_ref());
    let metrics = judged.map(|judged| judged.metrics);
    let (first, last) = match judged {
        Some(judged) => (Some(judged.first_day), Some(judged.last_day)),
        None => (trained.first_day, trained.last_day),
    };
    let window = first.zip(last).map_or("no labelled day".to_owned(), |(first, last)| format!("{first} to {last}"));
    let rate = intent.texts as f64 / trained.texts as f64;
    ModelEvaluation {
        model_id: model.card.model_id.clone(),
        kind: SLOT,
        product_id: None,
        intent: Some(intent.intent.as_str()),
        family: "logistic",
        threshold: intent.threshold,
        precision: judged.and_then(|judged| judged.precision()),
        recall: judged.filter(|_| intent.threshold.is_some()).map(|judged| judged.recall()),
        trained_on: trained.as_of,
        window,
        n: metrics.map_or(trained.texts, |m| m.rows) as u64,
        positives: metrics.map_or(intent.texts, |m| m.positives) as u64,
        baseline_name: "share of the intent".to_owned(),
        baseline_value: metrics.map(|m| share_loss(rate, m.positives as f64 / m.rows as f64)),
        auc: metrics.map(|m| m.auc),
        // A sum of shares that are exactly 1 may end a bit above it.
        pr_auc: metrics.map(|m| m.pr_auc.min(1.0)),
        log_loss: metrics.map(|m| m.log_loss),
        brier: metrics.map(|m| m.brier),
        calibration_error: metrics.map(|m| m.calibration_error),
        lift_top_decile: metrics.map(|m| m.lift_top_decile),
        ranking: None,
        intervals: None,
        against_baseline: None,
        grade: judged
            .map_or(Grade::C, |judged| grade(judged.precision(), judged.recall(), model.card.wanted_precision)),
        promoted,
        reason: match &intent.abstains {
            Some(abstains) => format!("{reason}; not heard: {abstains}"),
            None => reason.to_owned(),
        },
    }
}

/// Mean log loss of saying `share` to every text of which `met` have the intent.
fn share_loss(share: f64, met: f64) -> f64 {
    let share = share.clamp(1e-12, 1.0 - 1e-12);
    -(met * share.ln() + (1.0 - met) * (1.0 - share).ln())
}

/// A: as precise on later texts as wanted, and hears half of them. B: precise within 10 points of that. C: anything else.
fn grade(precision: Option<f64>, recall: f64, wanted: f64) -> Grade {
    match precision {
        Some(precision) if precision >= wanted && recall >= 0.5 => Grade::A,
        Some(precision) if precision >= wanted - 0.1 => Grade::B,
        _ => Grade::C,
    }
}
