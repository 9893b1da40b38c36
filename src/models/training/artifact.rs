//! The artifact: everything a model is, as JSON that a person can read, and checks that refuse a changed one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::baseline::Baseline;
use super::blend::Pooling;
use super::latest::Scores;
use crate::learners::families::family::Family;
use crate::learners::families::scorecard::Scorecard;
use crate::learners::fitting::calibrate::Platt;
use crate::learners::fitting::survival::Survival;
use crate::learners::measuring::bootstrap::{Intervals, Paired};
use crate::learners::measuring::evaluate::{CHANCE, Grade, Metrics};
use crate::models::examples::fingerprint::fingerprint;
use crate::models::examples::grain::Split;
use crate::models::examples::rows::{Examples, Target};
use crate::models::judging::ranking::Comparison;
use crate::models::judging::uncertainty::Uncertainty;
use crate::models::settings::Settings;
use crate::vocabulary::{Day, PropensityKind};

/// Layout of this file; a reader refuses any other.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    pub format: u32,
    /// `mdl-` and 16 hex digits of the SHA-256 of all that follows.
    pub model_id: String,
    pub kind: PropensityKind,
    pub product: Option<String>,
    pub product_name: Option<String>,
    pub horizon_days: i32,
    pub lead_days: i32,
    pub code_version: String,
    #[serde(default)]
    pub family: Family,
    pub trained: TrainedOn,
    /// SHA-256 of the ordered feature names, units and kinds; of nothing where there is no scorecard.
    pub schema_hash: String,
    pub scorecard: Option<Scorecard>,
    pub calibrator: Platt,
    /// How the scorecard was drawn to the model of all products; only models of one product are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// How far its probabilities may be off, by segment; `None` where nothing was tested.
    pub uncertainty: Option<Uncertainty>,
    /// Rates by group: the answer where the model abstains.
    pub fallback: Baseline,
    /// On later rows than the ones fitted; `None` where there were too few.
    pub evaluation: Option<Evaluation>,
    /// Why the scorecard, if any, is not used.
    pub abstains: Option<String>,
    /// How churn unfolds before and after the horizon; churn models only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survival: Option<Survival>,
    /// The scores of the training rows: what later nights are held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scores: Option<Scores>,
}

/// What a successful training gives.
pub struct Fit {
    pub family: Family,
    pub scorecard: Scorecard,
    pub calibrator: Platt,
    pub pooling: Option<Pooling>,
    pub evaluation: Evaluation,
    pub uncertainty: Option<Uncertainty>,
}

/// The rows behind a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedOn {
    pub as_of: Day,
    pub first_day: Option<Day>,
    pub last_day: Option<Day>,
    pub days: usize,
    pub rows: usize,
    pub positives: usize,
    pub base_rate: f64,
    /// xxh3 of every value, label, day and account.
    pub data_fingerprint: String,
}

/// Metrics on the test days beside the baseline's on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub split: Split,
    pub baseline_name: String,
    pub grade: Grade,
    pub model: Metrics,
    pub baseline: Metrics,
    /// Of the model's metrics.
    pub intervals: Option<Intervals>,
    /// Model − baseline.
    pub against_baseline: Option<Paired>,
    /// Whether the right product stands first; models over several products only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<Comparison>,
}

impl Evaluation {
    /// Why the model had better abstain: it does not beat its rule on later rows, or its ranking of them may be chance.
    pub fn shortfall(&self) -> Option<String> {
        if self.model.log_loss >= self.baseline.log_loss || self.model.auc <= self.baseline.auc.max(CHANCE) {
            return Some(format!("does no better than the {} on later rows", self.baseline_name));
        }
        let by_chance = self.intervals.map(|intervals| intervals.auc).filter(|auc| auc.low <= CHANCE);
        by_chance.map(|auc| {
            let figures = format!("{:.2} [{:.2}, {:.2}]", self.model.auc, auc.low, auc.high);
            format!("ranks later rows no better than chance may: AUC {figures}")
        })
    }
}

impl TrainedOn {
    pub fn on(as_of: Day, examples: &Examples) -> TrainedOn {
        let mut days = examples.days.clone();
        days.dedup();
        let (rows, positives) = (examples.rows.len(), examples.positives());
        TrainedOn {
            as_of,
            first_day: days.first().copied(),
            last_day: days.last().copied(),
            days: days.len(),
            rows,
            positives,
            base_rate: (positives as f64 + 0.5) / (rows as f64 + 1.0),
            data_fingerprint: fingerprint(examples),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not a model: {0}")]
    Json(#[from] serde_json::Error),
    #[error("format {0} is not format {FORMAT}; train again with this version of the program")]
    Format(u32),
    #[error("content does not match its model id {0}: the file was changed; train again or restore it")]
    Changed(String),
    #[error("its columns do not match the schema hash: names, units or their order were changed; train again")]
    Schema,
    #[error("feature `{0}` has {1} points for {2} bins")]
    Points(String, usize, usize),
    #[error("its trees do not fit together or to its features: the file was changed; train again or restore it")]
    Trees,
}

impl Artifact {
    /// Puts the parts together and names the whole by its content.
    pub fn assembled(
        target: &Target,
        trained: TrainedOn,
        fallback: Baseline,
        fit: Option<Fit>,
        abstains: Option<String>,
        settings: &Settings,
    ) -> Artifact {
        let calibrator = fit.as_ref().map_or(Platt::default(), |fit| fit.calibrator);
        let pooling = fit.as_ref().and_then(|fit| fit.pooling);
        let uncertainty = fit.as_ref().and_then(|fit| fit.uncertainty.clone());
        let family = fit.as_ref().map_or(Family::default(), |fit| fit.family);
        let (scorecard, evaluation) = fit.map(|fit| (fit.scorecard, fit.evaluation)).unzip();
        let mut artifact = Artifact {
            format: FORMAT,
            model_id: String::new(),
            kind: target.kind,
            product: target.product.clone(),
            product_name: target.product_name.clone(),
            horizon_days: target.horizon_days,
            lead_days: settings.lead_days,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            family,
            trained,
            schema_hash: schema_hash(scorecard.as_ref()),
            scorecard,
            calibrator,
            pooling,
            uncertainty,
            fallback,
            evaluation,
            abstains,
            survival: None,
            scores: None,
        };
        artifact.model_id = id_of(&artifact.to_json());
        artifact
    }

    /// The same model with what later days read from it, under a new id.
    pub fn with(self, survival: Option<Survival>, scores: Option<Scores>) -> Artifact {
        let mut artifact = Artifact { survival, scores, model_id: String::new(), ..self };
        artifact.model_id = id_of(&artifact.to_json());
        artifact
    }

    /// Readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// Reads and checks: format, content against its id, columns against the schema hash, points and trees against bins.
    pub fn from_json(content: &[u8]) -> Result<Artifact, Error> {
        let artifact: Artifact = serde_json::from_slice(content)?;
        if artifact.format != FORMAT {
            return Err(Error::Format(artifact.format));
        }
        let features = artifact.scorecard.iter().flat_map(|scorecard| &scorecard.features);
        for feature in features {
            let (points, bins) = (feature.points.len(), feature.bins.codes());
            if points != bins || feature.shares.len() != bins {
                return Err(Error::Points(feature.spec.name.clone(), points, bins));
            }
        }
        let unsound = |card: &Scorecard| {
            card.trees.as_ref().is_some_and(|trees| !trees.is_sound() || trees.features != card.features.len())
        };
        if artifact.scorecard.as_ref().is_some_and(unsound) {
            return Err(Error::Trees);
        }
        if schema_hash(artifact.scorecard.as_ref()) != artifact.schema_hash {
            return Err(Error::Schema);
        }
        // The text is hashed, not the values: a JSON reader may round a number in its last bit.
        let unnamed = String::from_utf8_lossy(content).replacen(&artifact.model_id, "", 1);
        if artifact.model_id.is_empty() || id_of(&unnamed) != artifact.model_id {
            return Err(Error::Changed(artifact.model_id));
        }
        Ok(artifact)
    }

    /// The scorecard, unless the model abstains.
    pub fn active(&self) -> Option<&Scorecard> {
        self.scorecard.as_ref().filter(|_| self.abstains.is_none())
    }

    /// `churn`, `upsell`, `cross_sell` (pooled) or `cross_sell-{product}`: the model's folder in the registry.
    pub fn slot(&self) -> String {
        slot(self.kind, self.product.as_deref())
    }
}

/// The registry folder of a target; characters outside letters, digits, `_` and `-` are written as `.` and hex.
pub fn slot(kind: PropensityKind, product: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let spell = |c: char| if plain(c) { c.to_string() } else { format!(".{:x}.", c as u32) };
    match product {
        None => kind.as_str().to_owned(),
        Some(product) => format!("{kind}-{}", product.chars().map(spell).collect::<String>()),
    }
}

/// The id of an artifact written with an empty id.
fn id_of(unnamed: &str) -> String {
    format!("mdl-{}", hex(&Sha256::digest(unnamed.as_bytes())[..8]))
}

fn schema_hash(scorecard: Option<&Scorecard>) -> String {
    let mut hash = Sha256::new();
    for feature in scorecard.iter().flat_map(|scorecard| &scorecard.features) {
        let line = format!("{}\u{1f}{}\u{1f}{}\n", feature.spec.name, feature.spec.unit, feature.bins.holds());
        hash.update(line.as_bytes());
    }
    hex(&hash.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
