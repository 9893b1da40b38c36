//! Churn, upsell and cross-sell models: point-in-time rows, a calibrated glass-box fit, and explanations that add up.

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::observations::AccountObservations;
use crate::vocabulary::{Probability, ProductIx, PropensityKind, Text};

/// One calibrated probability for one account: a row of `propensities`.
#[derive(Clone, Debug)]
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
    /// By falling |contribution|; base_log_odds + all contributions = the log-odds of `probability`.
    pub drivers: Vec<Driver>,
    /// Set when the model abstains and `probability` is the fallback's.
    pub abstained: Option<String>,
}

/// The contribution of one source feature.
#[derive(Clone, Debug)]
pub struct Driver {
    pub feature: Text,
    pub value: Option<f64>,
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
}

/// The champions of a registry, ready to score; empty where nothing was trained.
#[derive(Clone, Debug, Default)]
pub struct Scorer {}

impl Scorer {
    /// Propensities of every account of the view, in account order; `facts` by account index.
    pub fn score(&self, view: View, facts: &[AccountObservations], settings: &Settings) -> Vec<Vec<Propensity>> {
        let _ = (view, facts, settings);
        unimplemented!("models")
    }
}
