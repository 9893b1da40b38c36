//! Training: snapshots → examples → models → registry, and a report of who was promoted and why.

use serde::Serialize;

use crate::models::artifact::Artifact;
use crate::models::bootstrap::Resampling;
use crate::models::examples::train_all;
use crate::models::grain::Source;
use crate::models::promote::{Verdict, decide};
use crate::models::registry::{self, Registry};
use crate::models::train::{Challenger, Examples};
use crate::models::{ModelEvaluation, Scorer};
use crate::store::Store;
use crate::vocabulary::Day;
use crate::wording;

/// What a training did: one evaluation per model, in the order churn, upsell, cross-sell.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingReport {
    pub as_of: Day,
    pub models: Vec<ModelEvaluation>,
}

/// Trains every target on what was known by the source's day, saves each model, and promotes those that may take over.
pub fn train(source: &Source, store: &Store) -> Result<TrainingReport, registry::Error> {
    let registry = Registry::of(store);
    let judged =
        train_all(source, |challenger, examples| judge(&registry, challenger, examples, source.models.resampling()));
    let mut models = Vec::with_capacity(judged.len());
    for result in judged {
        let (artifact, verdict) = result?;
        models.push(record(&registry, &artifact, &verdict)?);
    }
    Ok(TrainingReport { as_of: source.as_of, models })
}

fn judge(
    registry: &Registry,
    challenger: Challenger,
    examples: &Examples,
    by: Resampling,
) -> Result<(Artifact, Verdict), registry::Error> {
    let champion = registry.champion(&challenger.artifact.slot(), challenger.artifact.trained.as_of)?;
    let verdict = decide(&challenger, champion.as_ref().map(|(model, _)| model), examples, by);
    Ok((challenger.artifact, verdict))
}

fn record(registry: &Registry, artifact: &Artifact, verdict: &Verdict) -> Result<ModelEvaluation, registry::Error> {
    let model = registry.save(artifact)?;
    if verdict.promoted {
        registry.promote(artifact, &model, &verdict.reason)?;
    }
    Ok(ModelEvaluation::of(artifact, verdict.promoted, &verdict.reason))
}

/// The models for a run of the source's day; trains them first where there are none and the job asks for it.
/// The report is of a training that took place.
pub fn models_for(source: &Source, store: &Store) -> Result<(Scorer, Option<TrainingReport>), registry::Error> {
    let scorer = Scorer::load(store, source.as_of)?;
    if !scorer.is_empty() || !source.models.train_if_missing {
        return Ok((scorer, None));
    }
    let report = train(source, store)?;
    Ok((Scorer::load(store, source.as_of)?, Some(report)))
}

impl TrainingReport {
    pub const HEADER: [&str; 9] =
        ["model", "grade", "AUC", "log loss", "baseline", "lift", "rows", "positives", "outcome"];

    /// The report as rows of text for a terminal, under [`TrainingReport::HEADER`].
    pub fn rows(&self) -> Vec<[String; 9]> {
        self.models.iter().map(cells).collect()
    }
}

fn cells(model: &ModelEvaluation) -> [String; 9] {
    let kind = wording::words(model.kind);
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let outcome = if model.promoted { "promoted" } else { "kept out" };
    [
        model.product_id.as_ref().map_or(kind.clone(), |product| format!("{kind}: {product}")),
        model.grade.as_str().to_owned(),
        figure(model.auc),
        figure(model.log_loss),
        figure(model.baseline_value),
        model.lift_top_decile.map_or("–".to_owned(), |lift| format!("{lift:.1}×")),
        wording::count(model.n as f64),
        wording::count(model.positives as f64),
        format!("{outcome}: {}", model.reason),
    ]
}
