//! Account health: four weighted dimensions, a colour that gates selling, and the reasons in words.

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::history::contracts::Contract;
use crate::models::Propensity;
use crate::observations::AccountObservations;
use crate::signals::Signal;
use crate::stakeholders::StakeholderMap;
use crate::vocabulary::{AccountIx, Color, Level, Probability};

/// Health of one account on one day: a row of `account_health`.
#[derive(Clone, Debug)]
pub struct Health {
    /// 0–100.
    pub score: f64,
    pub color: Color,
    /// Change of the score over 30 days; `None` when the account was not known then.
    pub trend_30d: Option<f64>,
    /// Each 0–100, `None` when unavailable.
    pub product: Option<f64>,
    pub relationship: Option<f64>,
    pub support: Option<f64>,
    pub financial: Option<f64>,
    /// The weights used, in the order above, re-weighted over what is available; they sum to 1.
    pub weights: [f64; 4],
    pub reasons: Vec<String>,
    pub risk_level: Level,
    pub churn_probability: Option<Probability>,
    pub recommended_actions: Vec<String>,
    pub unavailable: Vec<String>,
}

/// `[health]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub product_weight: f64,
    pub relationship_weight: f64,
    pub support_weight: f64,
    pub financial_weight: f64,
    /// Lowest green score.
    pub green: f64,
    /// Lowest yellow score.
    pub yellow: f64,
}

/// What health is judged from.
pub struct Inputs<'a> {
    pub view: View<'a>,
    pub account: AccountIx,
    pub contract: &'a Contract<'a>,
    pub facts: &'a AccountObservations,
    pub stakeholders: &'a StakeholderMap,
    pub signals: &'a [Signal],
    pub churn: Option<&'a Propensity>,
    /// The score 30 days earlier, computed by this same function on the earlier view without models.
    pub score_30d_ago: Option<f64>,
}

pub fn assess(inputs: &Inputs, settings: &Settings) -> Health {
    let _ = (inputs, settings);
    unimplemented!("health")
}
