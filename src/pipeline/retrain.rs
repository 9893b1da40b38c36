//! Training: snapshots → examples → models → registry, and a report of who was promoted and why.

use serde::Serialize;

use crate::cards::card::Rival;
use crate::cards::pages::Shown;
use crate::cards::{self, Card};
use crate::history::View;
use crate::learners::families::family::Family;
use crate::learners::measuring::bootstrap::Interval;
use crate::models::champions::promote::{Verdict, contest};
use crate::models::champions::promotions::Promotion;
use crate::models::champions::registry::{self, Registry};
use crate::models::examples::cutoff::Leak;
use crate::models::examples::grain::Source;
use crate::models::examples::rows::Examples;
use crate::models::judging::appraise::{Appraisal, Field};
use crate::models::judging::tested::{self, TestRow};
use crate::models::training::artifact::Artifact;
use crate::models::training::every_target::train_all;
use crate::models::training::train::Challenger;
use crate::models::{ModelEvaluation, Scorer, Settings};
use crate::store::Store;
use crate::vocabulary::Day;
use crate::wording;

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error(transparent)]
    Leak(#[from] Leak),
}

/// What a training did: one evaluation per model, in the order churn, upsell, cross-sell; of each the scorecard first.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingReport {
    pub as_of: Day,
    pub models: Vec<ModelEvaluation>,
}

/// Trains every target on what was known by the source's day, the scorecard and the job's challengers; saves each model
/// with its card, and promotes those that may take over.
///
/// # Errors
/// Where a training row knows the future, or the registry cannot be read or written.
pub fn train(source: &Source, store: &Store) -> Result<TrainingReport, Error> {
    train_with(source, store, &source.models.challengers)
}

fn train_with(source: &Source, store: &Store, challengers: &[Family]) -> Result<TrainingReport, Error> {
    let registry = Registry::of(store);
    let field = field(source);
    let judge =
        |trained: Vec<Challenger>, examples: &Examples| judge(&registry, trained, examples, field, source.models);
    let (mut models, mut promotions) = (Vec::new(), Vec::new());
    for target in train_all(source, challengers, judge)? {
        for judged in &target? {
            let Judged { artifact, verdict, .. } = judged;
            let model = save(&registry, judged)?;
            models.push(ModelEvaluation::of(artifact, verdict.promoted, &verdict.reason));
            if verdict.promoted {
                promotions.push(Promotion::of(artifact, &model, &verdict.reason));
            }
        }
    }
    registry.promote_all(&promotions)?;
    Ok(TrainingReport { as_of: source.as_of, models })
}

/// A trained model and what was found out about it.
struct Judged {
    artifact: Artifact,
    verdict: Verdict,
    tested: Vec<TestRow>,
    card: Card,
}

fn judge(
    registry: &Registry,
    trained: Vec<Challenger>,
    examples: &Examples,
    field: Field,
    settings: &Settings,
) -> Result<Vec<Judged>, registry::Error> {
    let by = settings.resampling();
    let Some(first) = trained.first() else { return Ok(Vec::new()) };
    let champion = registry.champion(&first.artifact.slot(), first.artifact.trained.as_of)?;
    let verdicts = contest(&trained, champion.as_ref().map(|(model, _)| model), examples, by);
    let rivals: Vec<Rival> =
        trained.iter().zip(&verdicts).map(|(one, verdict)| Rival::of(&one.artifact, verdict)).collect();
    let judged = trained.into_iter().zip(verdicts).map(|(Challenger { artifact, tested, .. }, verdict)| {
        let tested = tested::rows(examples, &tested);
        let card = Card::of(&artifact, &verdict, Appraisal::of(&tested, field, by)).among(&rivals);
        Judged { artifact, verdict, tested, card }
    });
    Ok(judged.collect())
}

/// The people who own accounts on the day of the training.
fn field(source: &Source) -> Field {
    let view = View::new(source.extracts, source.as_of);
    let mut owners: Vec<_> = view.accounts().flat_map(|account| [&account.csm, &account.ae]).flatten().collect();
    owners.sort_unstable();
    owners.dedup();
    Field { owners: owners.len(), weekly_capacity: source.weekly_capacity }
}

/// Stores a model with all that belongs to it and returns its object below `models/`. What scores comes after that.
fn save(registry: &Registry, judged: &Judged) -> Result<String, registry::Error> {
    let Judged { artifact, verdict, tested, card } = judged;
    let model = registry.save(artifact)?;
    if !tested.is_empty() {
        registry.attach(&model, tested::OBJECT, tested::to_parquet(tested))?;
    }
    for (name, content) in cards::files(card) {
        registry.attach(&model, name, content)?;
    }
    registry.judge(&model, verdict)?;
    Ok(model)
}

/// The cards of the models that score a run of `day`, by slot. A model stored without a card gets one from its artifact.
pub fn shown(scorer: &Scorer, store: &Store, day: Day) -> Result<Vec<Shown>, registry::Error> {
    let registry = Registry::of(store);
    let mut shown = Vec::new();
    for (slot, artifact) in scorer.champions() {
        let Some(champion) = registry.pointer(slot, day)? else { continue };
        let stored = registry.attached(slot, champion.number().unwrap_or_default(), cards::CARD)?;
        let card = stored.and_then(|content| Card::from_json(&content));
        let card = card.unwrap_or_else(|| Card::of(artifact, &Verdict::yes(&*champion.reason), None));
        shown.push(Shown { card, champion });
    }
    Ok(shown)
}

/// The champions of a day, those included that a training noted and did not live to promote.
pub fn champions(store: &Store, day: Day) -> Result<Scorer, registry::Error> {
    Registry::of(store).finish_promotions()?;
    Scorer::load(store, day)
}

/// The models for a run of the source's day; trains them first where there are none and the job asks for it.
/// That training leaves the challengers to the next `foothold train` unless the job wants them: a first night is long
/// enough. The report is of a training that took place.
pub fn models_for(source: &Source, store: &Store) -> Result<(Scorer, Option<TrainingReport>), Error> {
    let scorer = champions(store, source.as_of)?;
    if !scorer.is_empty() || !source.models.train_if_missing {
        return Ok((scorer, None));
    }
    let settings = source.models;
    let challengers: &[Family] = if settings.challengers_on_first_night { &settings.challengers } else { &[] };
    let report = train_with(source, store, challengers)?;
    Ok((Scorer::load(store, source.as_of)?, Some(report)))
}

impl TrainingReport {
    pub const HEADER: [&str; 10] =
        ["model", "family", "grade", "AUC", "log loss", "baseline", "lift", "rows", "positives", "outcome"];

    /// The report as rows of text for a terminal, under [`TrainingReport::HEADER`].
    pub fn rows(&self) -> Vec<[String; 10]> {
        self.models.iter().map(cells).collect()
    }
}

/// `0.812 [0.780, 0.843]`.
fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (Some(value), Some(Interval { low, high })) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "–".to_owned(),
    }
}

fn cells(model: &ModelEvaluation) -> [String; 10] {
    let kind = wording::words(model.kind);
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let outcome = if model.promoted { "promoted" } else { "kept out" };
    [
        model.product_id.as_ref().map_or(kind.clone(), |product| format!("{kind}: {product}")),
        model.family.to_owned(),
        model.grade.as_str().to_owned(),
        with_interval(model.auc, model.intervals.map(|intervals| intervals.auc)),
        figure(model.log_loss),
        figure(model.baseline_value),
        model.lift_top_decile.map_or("–".to_owned(), |lift| format!("{lift:.1}×")),
        wording::count(model.n as f64),
        wording::count(model.positives as f64),
        format!("{outcome}: {}", model.reason),
    ]
}
