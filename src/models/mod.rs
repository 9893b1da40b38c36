//! Churn, upsell and cross-sell models: point-in-time rows, a calibrated glass-box fit, and explanations that add up.
//!
//! ```text
//! view, account, facts ─ features ─▶ rows ─ labels ─▶ examples ─ train (bins, fit, calibrate, evaluate) ─▶ artifact
//!                             │                                                                              │
//!                             └────────────▶ tonight's rows ──── score, explain ◀──── registry (champion) ◀──┘
//! ```
//!
//! Training and scoring read the same [`features::row`]. Nothing here writes recommendations or reads a clock.

pub mod artifact;
pub mod baseline;
pub mod bins;
pub mod calibrate;
pub mod evaluate;
pub mod examples;
pub mod explain;
pub mod features;
pub mod fit;
pub mod grain;
pub mod labels;
pub mod linear;
pub mod promote;
pub mod purchases;
pub mod registry;
pub mod score;
pub mod scorecard;
pub mod table;
pub mod train;

use serde::{Deserialize, Serialize};

pub use promote::ModelEvaluation;
pub use score::{Scorer, Scores, Tonight};

use crate::vocabulary::{Probability, ProductIx, PropensityKind, Text};

/// One calibrated probability for one account: a row of `propensities`.
#[derive(Clone, Debug, PartialEq)]
pub struct Propensity {
    pub kind: PropensityKind,
    pub product: Option<ProductIx>,
    pub horizon_days: i32,
    pub probability: Probability,
    /// 0–100 among the accounts scored tonight; 100 = highest.
    pub percentile: f64,
    /// probability / base rate.
    pub lift: f64,
    pub model_id: Text,
    pub base_log_odds: f64,
    /// By falling |contribution|, what the unnamed features add up to last; base_log_odds + all contributions, added in
    /// this order, is the log-odds of `probability`.
    pub drivers: Vec<Driver>,
    /// Set when the model abstains and `probability` is the fallback's.
    pub abstained: Option<String>,
}

/// The contribution of one source feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    pub feature: Text,
    /// `None` where it is not known or not a number; the text says it then.
    pub value: Option<f64>,
    /// Median of the training rows.
    pub typical: Option<f64>,
    /// Log-odds.
    pub contribution: f64,
    pub text: String,
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
    /// Most rows; beyond it accounts are sampled by their id's hash.
    pub max_training_rows: u32,
    /// Days that records may lag behind events: labels wait for them, and a gap between contracts this short is
    /// paperwork.
    pub late_recording_days: i32,
    /// A rise in ARR below this share is indexation, not an expansion.
    pub min_arr_rise: f64,
    /// Most bins per number.
    pub bins: u32,
    /// Most features per model; never more than training positives.
    pub max_features: u32,
    /// Candidates for the strength of the penalty, in the unit of summed log loss.
    pub ridges: Vec<f64>,
    /// Features that an explanation names; the rest are added up.
    pub named_drivers: u32,
}

impl Settings {
    pub fn horizon_days(&self, kind: PropensityKind) -> i32 {
        match kind {
            PropensityKind::Churn => self.churn_horizon_days,
            PropensityKind::Upsell => self.upsell_horizon_days,
            PropensityKind::CrossSell => self.cross_sell_horizon_days,
        }
    }
}
