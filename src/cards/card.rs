//! A model card: what a model is for, what it rests on, how good it is, and what it must not be used for.

use serde::{Deserialize, Serialize};

use crate::learners::families::family::Family;
use crate::learners::families::scorecard::{Feature, Typical};
use crate::models::champions::promote::Verdict;
use crate::models::judging::appraise::Appraisal;
use crate::models::training::artifact::{Artifact, Evaluation, TrainedOn};
use crate::vocabulary::PropensityKind;
use crate::wording;

/// Layout of `card.json`; a reader refuses any other.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    pub format: u32,
    pub title: String,
    pub model_id: String,
    pub slot: String,
    pub kind: PropensityKind,
    pub product: Option<String>,
    pub purpose: String,
    pub family: String,
    pub horizon_days: i32,
    pub lead_days: i32,
    pub code_version: String,
    pub schema_hash: String,
    pub trained: TrainedOn,
    /// Why the model leaves the answer to its fallback, where it does.
    pub abstains: Option<String>,
    pub fallback: String,
    pub verdict: Verdict,
    /// The models of other families that were trained on the same rows.
    #[serde(default)]
    pub rivals: Vec<Rival>,
    /// The strongest first.
    pub features: Vec<FeatureLine>,
    pub evaluation: Option<Evaluation>,
    pub appraisal: Option<Appraisal>,
    pub limits: Vec<String>,
    pub intended_use: Vec<String>,
    pub not_for: Vec<String>,
    pub approval: String,
}

/// A model that was trained beside the card's, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rival {
    pub family: Family,
    pub model_id: String,
    pub auc: Option<f64>,
    pub log_loss: Option<f64>,
    pub promoted: bool,
    pub reason: String,
}

impl Rival {
    pub fn of(artifact: &Artifact, verdict: &Verdict) -> Rival {
        let metrics = artifact.evaluation.as_ref().map(|evaluation| evaluation.model);
        Rival {
            family: artifact.family,
            model_id: artifact.model_id.clone(),
            auc: metrics.map(|metrics| metrics.auc),
            log_loss: metrics.map(|metrics| metrics.log_loss),
            promoted: verdict.promoted,
            reason: verdict.reason.clone(),
        }
    }
}

/// A feature and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureLine {
    pub name: String,
    pub label: String,
    pub unit: String,
    pub source: String,
    pub window_days: i32,
    pub typical: Option<String>,
    /// Standard deviation of its points over the training rows, calibrated log-odds.
    pub weight: f64,
    /// Share of training rows that miss it.
    pub missing: f64,
    pub direction: Direction,
}

/// How the points move as the value rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Rises,
    Falls,
    /// Up and down.
    Varies,
    /// Words have no order.
    ByWord,
}

impl Direction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Direction::Rises => "rises with it",
            Direction::Falls => "falls with it",
            Direction::Varies => "rises and falls",
            Direction::ByWord => "by word",
        }
    }
}

impl Card {
    pub fn of(artifact: &Artifact, verdict: &Verdict, appraisal: Option<Appraisal>) -> Card {
        let slope = artifact.calibrator.slope;
        let scorecard = artifact.scorecard.iter();
        let mut features: Vec<FeatureLine> =
            scorecard.flat_map(|card| &card.features).map(|feature| line(feature, slope)).collect();
        features.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(&b.name)));
        Card {
            format: FORMAT,
            title: title(artifact),
            model_id: artifact.model_id.clone(),
            slot: artifact.slot(),
            kind: artifact.kind,
            product: artifact.product.clone(),
            purpose: purpose(artifact),
            family: artifact.family.about().form.to_owned(),
            horizon_days: artifact.horizon_days,
            lead_days: artifact.lead_days,
            code_version: artifact.code_version.clone(),
            schema_hash: artifact.schema_hash.clone(),
            trained: artifact.trained.clone(),
            abstains: artifact.abstains.clone(),
            fallback: artifact.fallback.name.clone(),
            verdict: verdict.clone(),
            rivals: Vec::new(),
            features,
            limits: limits(artifact, appraisal.as_ref()),
            evaluation: artifact.evaluation.clone(),
            appraisal,
            intended_use: intended_use(artifact.kind),
            not_for: not_for(),
            approval:
                "Training promotes a scorecard that is no worse than the champion on rows neither was fitted on, and a \
                       model of another family only where it is better beyond chance; a person may promote or roll back with `foothold models`, by name and with a reason. Every \
                       recommendation that rests on the model waits for a person's decision."
                    .to_owned(),
        }
    }

    /// The card with the others of these models.
    pub fn among(self, trained: &[Rival]) -> Card {
        let rivals = trained.iter().filter(|rival| rival.model_id != self.model_id).cloned().collect();
        Card { rivals, ..self }
    }

    /// `None` for a card of another format.
    pub fn from_json(content: &[u8]) -> Option<Card> {
        serde_json::from_slice(content).ok().filter(|card: &Card| card.format == FORMAT)
    }

    /// Readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

fn title(artifact: &Artifact) -> String {
    match (artifact.kind, artifact.product_name.as_ref().or(artifact.product.as_ref())) {
        (PropensityKind::Churn, _) => "churn".to_owned(),
        (PropensityKind::Upsell, _) => "upsell".to_owned(),
        (PropensityKind::CrossSell, Some(product)) => format!("cross-sell of {product}"),
        (PropensityKind::CrossSell, None) => "cross-sell, all products".to_owned(),
    }
}

fn purpose(artifact: &Artifact) -> String {
    let event = match (artifact.kind, &artifact.product_name) {
        (PropensityKind::Churn, _) => "an account ends every core subscription".to_owned(),
        (PropensityKind::Upsell, _) => {
            "an account takes a higher tier, more units or more ARR of what it owns".to_owned()
        }
        (PropensityKind::CrossSell, Some(product)) => format!("an account that does not own {product} buys it"),
        (PropensityKind::CrossSell, None) => "an account buys a product that it does not own".to_owned(),
    };
    let lead = match artifact.lead_days {
        0 => String::new(),
        days => format!(", from {} after the snapshot on", wording::plural(i64::from(days), "day", "days")),
    };
    format!("The probability that {event} within {} days{lead}.", artifact.horizon_days)
}

fn line(feature: &Feature, slope: f64) -> FeatureLine {
    let mean: f64 = feature.points.iter().zip(&feature.shares).map(|(points, share)| points * share).sum();
    let spread: f64 =
        feature.points.iter().zip(&feature.shares).map(|(points, share)| share * (points - mean).powi(2)).sum();
    FeatureLine {
        name: feature.spec.name.clone(),
        label: feature.spec.label.clone(),
        unit: feature.spec.unit.clone(),
        source: feature.spec.source.clone(),
        window_days: feature.spec.window_days,
        typical: match &feature.typical {
            Typical::Number(value) => Some(wording::count(*value)),
            Typical::Word(word) => Some(wording::words(word)),
            Typical::Missing => None,
        },
        weight: slope * spread.sqrt(),
        missing: feature.shares.first().copied().unwrap_or(0.0),
        direction: direction(feature),
    }
}

fn direction(feature: &Feature) -> Direction {
    if feature.bins.holds() == "words" {
        return Direction::ByWord;
    }
    // Missing has no place in the order, and a bin that no training row fell into says nothing.
    let known = feature.points.iter().zip(&feature.shares).skip(1).filter(|(_, share)| **share > 0.0);
    let points: Vec<f64> = known.map(|(points, _)| *points).collect();
    let all = |rises: fn(&[f64]) -> bool| points.windows(2).all(rises);
    match (all(|pair| pair[0] <= pair[1]), all(|pair| pair[0] >= pair[1])) {
        (true, _) => Direction::Rises,
        (_, true) => Direction::Falls,
        _ => Direction::Varies,
    }
}

fn limits(artifact: &Artifact, appraisal: Option<&Appraisal>) -> Vec<String> {
    let trained = &artifact.trained;
    let mut limits = vec![format!(
        "Rests on {} rows of {} with {} events; what was rare then is uncertain now.",
        wording::count(trained.rows as f64),
        wording::plural(trained.days as i64, "snapshot day", "snapshot days"),
        wording::count(trained.positives as f64)
    )];
    limits.extend(artifact.abstains.as_ref().map(|why| {
        format!("Abstains: {why}. Its place is taken by the {}, by group and not by account.", artifact.fallback.name)
    }));
    limits.extend(artifact.pooling.map(|pooling| {
        format!(
            "Drawn to a model over all products ({} rows, {} purchases): {} of the log-odds are that model's, the rest the \
             product's own, because its own purchases are few.",
            wording::count(pooling.rows as f64),
            wording::count(pooling.positives as f64),
            wording::percent(pooling.share)
        )
    }));
    if let Some(evaluation) = &artifact.evaluation {
        if evaluation.split.shared {
            limits.push("Too little history for a calibration period of its own: calibrated and tested on the same days, every account by what others have calibrated.".to_owned());
        }
        limits.push(
            "Tested on the fit of the earlier days alone; the model in use was fitted once more on all days."
                .to_owned(),
        );
    }
    let thin: Vec<&str> = appraisal
        .iter()
        .flat_map(|appraisal| &appraisal.segments)
        .filter(|segment| segment.thin)
        .map(|segment| segment.segment.as_str())
        .collect();
    if !thin.is_empty() {
        limits.push(format!("Too few events to judge by in {}.", wording::list(&thin)));
    }
    limits.extend(artifact.scorecard.iter().filter(|card| card.trees.is_some()).map(|_| {
        "Trees: a feature's contribution depends on the others; the directions below are means over training rows."
            .to_owned()
    }));
    limits.push("Associations, not causes: changing a driver need not change the outcome.".to_owned());
    limits
}

fn intended_use(kind: PropensityKind) -> Vec<String> {
    let ranking = match kind {
        PropensityKind::Churn => "Ranking accounts for save plays and for the risk level of account health.",
        PropensityKind::Upsell => "Ranking accounts for seat, tier and commitment proposals, after the gates.",
        PropensityKind::CrossSell => "Choosing which product to propose to an account, after the gates.",
    };
    vec![ranking.to_owned(), "Explaining each probability by the account's own values.".to_owned()]
}

fn not_for() -> Vec<String> {
    vec![
        "Decisions about natural persons: rows are companies, and people's names are not features.".to_owned(),
        "Contacting a customer, changing a price or a contract without a person's decision.".to_owned(),
        "Extracts with other definitions of the features than those it was trained on: the schema hash refuses them."
            .to_owned(),
    ]
}
