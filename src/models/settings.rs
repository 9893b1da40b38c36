//! What a job may say about its models: the `[models]` section.

use serde::{Deserialize, Serialize};

use super::outcomes::labels::{Expansion, Expansions, Rules};
use crate::learners::families::family::Family;
use crate::learners::measuring::bootstrap::Resampling;
use crate::vocabulary::PropensityKind;

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
    pub drift: DriftSettings,
    /// Replicates behind every interval of an evaluation.
    pub bootstrap_replicates: u32,
    /// Another seed draws other replicates.
    pub bootstrap_seed: u64,
}

/// `[models.drift]` of a job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftSettings {
    /// Stability index from which a feature or score is worth watching.
    pub watch: f64,
    /// Stability index from which it has drifted, and the run warns.
    pub drifted: f64,
    /// Days after which a model is stale, and the run warns.
    pub max_age_days: i32,
}

impl Settings {
    /// How intervals are drawn.
    pub fn resampling(&self) -> Resampling {
        Resampling { replicates: self.bootstrap_replicates, seed: self.bootstrap_seed }
    }

    /// How the labels read a contract's paper trail.
    pub fn rules(&self) -> Rules {
        let expansions = Expansions::of(&self.upsell_labels);
        Rules { grace_days: self.late_recording_days, min_arr_rise: self.min_arr_rise, expansions }
    }

    pub fn horizon_days(&self, kind: PropensityKind) -> i32 {
        match kind {
            PropensityKind::Churn => self.churn_horizon_days,
            PropensityKind::Upsell => self.upsell_horizon_days,
            PropensityKind::CrossSell => self.cross_sell_horizon_days,
        }
    }
}
