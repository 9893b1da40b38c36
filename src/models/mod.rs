//! Churn, upsell and cross-sell models: point-in-time rows, a calibrated glass-box fit, and explanations that add up.
//!
//! ```text
//! view, account, facts ─ features ─▶ rows ─ labels ─▶ examples ─ train (bins, fit, calibrate, evaluate) ─▶ artifact
//!                             │                                                                              │
//!                             └────────────▶ tonight's rows ──── score, explain ◀──── registry (champion) ◀──┘
//! ```
//!
//! Training and scoring read the same [`features::row`]. Nothing here writes recommendations or reads a clock.

pub mod appraise;
pub mod artifact;
pub mod baseline;
pub mod bins;
pub mod blend;
pub mod boosting;
pub mod bootstrap;
pub mod calibrate;
pub mod columns;
pub mod counterfactual;
mod curvature;
pub mod curves;
pub mod cutoff;
pub mod design;
pub mod drift;
pub mod evaluate;
pub mod examples;
pub mod explain;
pub mod family;
pub mod features;
pub mod fingerprint;
pub mod fit;
pub mod follow_up;
pub mod grain;
pub mod labels;
pub mod latest;
pub mod leakage;
pub mod learner;
pub mod linear;
pub mod logistic;
pub mod monotone;
pub mod promote;
pub mod promotions;
pub mod purchases;
pub mod ranked;
pub mod ranking;
pub mod registry;
pub mod rows;
pub mod score;
pub mod scorecard;
pub mod select;
mod solver;
pub mod survival;
pub mod table;
pub mod tested;
pub mod train;
pub mod trees;
pub mod uncertainty;

use serde::{Deserialize, Serialize};

pub use explain::Driver;
use family::Family;
use labels::{Expansion, Expansions, Rules};
pub use promote::ModelEvaluation;
pub use score::{ChurnPoint, Population, Scored, Scorer, Tonight};

use crate::vocabulary::{Probability, ProductIx, PropensityKind, Text};

/// One calibrated probability for one account: a row of `propensities`.
#[derive(Clone, Debug, PartialEq)]
pub struct Propensity {
    pub kind: PropensityKind,
    pub product: Option<ProductIx>,
    pub horizon_days: i32,
    pub probability: Probability,
    /// 95 % interval of the probability, from how far later rows of the account's segment lay off.
    pub interval: Option<bootstrap::Interval>,
    /// 0–100 among the accounts scored tonight; 100 = highest.
    pub percentile: f64,
    /// probability / base rate.
    pub lift: f64,
    pub model_id: Text,
    pub base_log_odds: f64,
    /// By falling |contribution|, what the unnamed features add up to last; base_log_odds + all contributions, added in
    /// this order, is the log-odds of `probability`.
    pub drivers: Vec<Driver>,
    /// The smallest change of what a team can influence that brings the probability to the better side of the base
    /// rate, as a sentence; `None` where it stands there or where no three changes reach it.
    pub what_would_change: Option<Box<str>>,
    /// Set when the model abstains and `probability` is the fallback's.
    pub abstained: Option<Text>,
}

/// `[models]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub churn_horizon_days: i32,
    pub upsell_horizon_days: i32,
    pub cross_sell_horizon_days: i32,
    /// Days between the snapshot and the first day of the horizon.
    pub lead_days: i32,
    /// Fewer positives than this fall back to pooled rates.
    pub min_positives: u32,
    /// Whether a run that finds no model for its day trains first.
    pub train_if_missing: bool,
    /// Days between snapshots, counted back from the day of the run.
    pub grid_days: i32,
    /// Days of history before the first snapshot.
    pub min_history_days: i32,
    /// Most snapshots, the latest ones.
    pub max_snapshots: u32,
    /// Most rows; beyond it accounts and days are sampled by a hash of both.
    pub max_training_rows: u32,
    /// Days that records may lag behind events: labels wait for them, and a gap between contracts this short is
    /// paperwork.
    pub late_recording_days: i32,
    /// A rise in ARR below this share is indexation, not an expansion.
    pub min_arr_rise: f64,
    /// What counts as an upsell: any of `tier`, `units`, `arr`.
    pub upsell_labels: Vec<Expansion>,
    /// Most bins per number.
    pub bins: u32,
    /// Most features per model; never more than training positives.
    pub max_features: u32,
    /// From this AUC of one feature alone on, a target is not trained: such a feature knows the outcome.
    pub max_feature_auc: f64,
    /// The same for whether a feature is recorded at all.
    pub max_recording_auc: f64,
    /// Candidates for the strength of the penalty, in the unit of summed log loss.
    pub ridges: Vec<f64>,
    /// Families that are trained beside the scorecard, in this order; each scores only where later rows say that it is
    /// better.
    #[serde(default)]
    pub challengers: Vec<Family>,
    /// Whether the models of every family are held to the directions that the feature catalogue knows.
    #[serde(default)]
    pub monotone: bool,
    /// Whether the first night of an output trains the challengers too, rather than the next `foothold train`.
    #[serde(default)]
    pub challengers_on_first_night: bool,
    /// Features that an explanation names; the rest are added up.
    pub named_drivers: u32,
    /// Days at which the probability of having left by then is read, beside the churn horizon.
    pub churn_curve_days: Vec<i32>,
    pub drift: drift::Settings,
    /// Replicates behind every interval of an evaluation.
    pub bootstrap_replicates: u32,
    /// Another seed draws other replicates.
    pub bootstrap_seed: u64,
}

impl Settings {
    /// How intervals are drawn.
    pub fn resampling(&self) -> bootstrap::Resampling {
        bootstrap::Resampling { replicates: self.bootstrap_replicates, seed: self.bootstrap_seed }
    }

    /// How the labels read a contract's paper trail.
    pub fn rules(&self) -> Rules {
        let expansions = Expansions::of(&self.upsell_labels);
        Rules { grace_days: self.late_recording_days, min_arr_rise: self.min_arr_rise, expansions }
    }

    /// What is not believed of one feature.
    pub fn leakage(&self) -> leakage::Limits {
        leakage::Limits { value_auc: self.max_feature_auc, recording_auc: self.max_recording_auc }
    }

    pub fn horizon_days(&self, kind: PropensityKind) -> i32 {
        match kind {
            PropensityKind::Churn => self.churn_horizon_days,
            PropensityKind::Upsell => self.upsell_horizon_days,
            PropensityKind::CrossSell => self.cross_sell_horizon_days,
        }
    }
}
