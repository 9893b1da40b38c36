//! Account health: four weighted dimensions, a colour that gates selling, and the reasons in words.
//!
//! The score rests on observations alone, through one table of measures ([`MEASURES`]); signals and the churn model
//! decide only the level of risk. So the same function gives the score of a past day, and a model that is retrained
//! does not move it.

mod measures;
mod remedies;
mod scoring;

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::history::contracts::Contract;
use crate::models::Propensity;
use crate::observations::AccountObservations;
use crate::signals::Signal;
use crate::stakeholders::StakeholderMap;
use crate::vocabulary::{AccountIx, Color, Direction, Level, Probability};

pub use measures::{ASKED, MEASURES, Measure, Reading, Scale};
pub use scoring::score;
use scoring::{Part, Scored};

words!(
    /// The four sides of health, in the order of the output's columns.
    Dimension { Product = "product", Relationship = "relationship", Support = "support", Financial = "financial" }
);

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
    /// The weights used, in the order above, re-weighted over what is available; they sum to 1, or are all 0.
    pub weights: [f64; 4],
    /// What weighs most against and for the account, worst first.
    pub reasons: Vec<String>,
    pub risk_level: Level,
    pub churn_probability: Option<Probability>,
    /// Who does what by when.
    pub recommended_actions: Vec<String>,
    /// Dimensions without a single observation.
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
    /// Share of a dimension that its worst measure decides, 0–1; the mean decides the rest.
    pub worst_share: f64,
    /// Churn probability from which risk is high.
    pub churn_high: f64,
    /// Churn probability from which risk is at least medium.
    pub churn_medium: f64,
    /// Signals that alone make risk high.
    pub acute_signals: Vec<String>,
    /// Strength × confidence from which an acute signal does so.
    pub acute_weight: f64,
    /// Strength × confidence from which any risk signal makes risk at least medium.
    pub medium_weight: f64,
    /// Fall of the score over 30 days from which risk is at least medium.
    pub falling: f64,
}

impl Settings {
    /// In the order of [`Dimension`].
    pub fn weights(&self) -> [f64; 4] {
        [self.product_weight, self.relationship_weight, self.support_weight, self.financial_weight]
    }
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
    /// The score 30 days earlier: [`score`] of the facts of that day.
    pub score_30d_ago: Option<f64>,
}

pub fn assess(inputs: &Inputs, settings: &Settings) -> Health {
    let scored = Scored::of(inputs.facts, settings);
    let churn = inputs.churn.filter(|churn| churn.abstained.is_none()).map(|churn| churn.probability);
    let trend = inputs.score_30d_ago.map(|before| scored.score - before);
    let former = inputs.contract.active.is_empty();
    let risk_level =
        if former { Level::High } else { risk_level(inputs.signals, scored.score, churn, trend, settings) };
    let color = if former { Color::Red } else { color(scored.score, risk_level, settings) };
    let [product, relationship, support, financial] = scored.dimensions;
    Health {
        score: scored.score,
        color,
        trend_30d: trend,
        product,
        relationship,
        support,
        financial,
        weights: scored.weights,
        reasons: former.then(|| NO_CONTRACT.to_owned()).into_iter().chain(reasons(&scored, trend, settings)).collect(),
        risk_level,
        churn_probability: churn,
        recommended_actions: remedies::actions(inputs, &scored, risk_level, trend, settings),
        unavailable: unavailable(&scored),
    }
}

/// Whatever a former customer's last facts say, it is red.
const NO_CONTRACT: &str = "No contract in force";

/// High risk is never green.
fn color(score: f64, risk: Level, settings: &Settings) -> Color {
    if score < settings.yellow {
        Color::Red
    } else if score < settings.green || risk == Level::High {
        Color::Yellow
    } else {
        Color::Green
    }
}

fn risk_level(
    signals: &[Signal],
    score: f64,
    churn: Option<Probability>,
    trend: Option<f64>,
    settings: &Settings,
) -> Level {
    let churn_from = |least: f64| churn.is_some_and(|churn| churn.get() >= least);
    let risks = || signals.iter().filter(|signal| signal.direction == Direction::Risk);
    let weight = |signal: &Signal| signal.strength.get() * signal.confidence.get();
    let is_acute = |signal: &Signal| settings.acute_signals.iter().any(|name| **name == *signal.signal);
    let acute = risks().any(|signal| is_acute(signal) && weight(signal) >= settings.acute_weight);
    let notable = risks().any(|signal| weight(signal) >= settings.medium_weight);
    let falling = trend.is_some_and(|trend| trend <= -settings.falling);
    if score < settings.yellow || churn_from(settings.churn_high) || acute {
        Level::High
    } else if score < settings.green || churn_from(settings.churn_medium) || notable || falling {
        Level::Medium
    } else {
        Level::Low
    }
}

/// Most that a reader takes in: three things that pull the score down, two that hold it up.
const NEGATIVES: usize = 3;
const POSITIVES: usize = 2;

fn reasons(scored: &Scored, trend: Option<f64>, settings: &Settings) -> Vec<String> {
    let low = scored.by_impact().filter(|part| part.score < settings.green).take(NEGATIVES);
    let high = scored.by_impact().rev().filter(|part| part.score >= settings.green).take(POSITIVES);
    let trend = trend.filter(|trend| trend.abs() >= settings.falling);
    let moved = trend.map(|trend| {
        let way = if trend < 0.0 { "fell" } else { "rose" };
        format!("Health {way} by {:.0} points in 30 days", trend.abs())
    });
    low.map(Part::sentence).chain(moved).chain(high.map(Part::sentence)).collect()
}

fn unavailable(scored: &Scored) -> Vec<String> {
    let missing = Dimension::ALL.iter().zip(scored.dimensions).filter(|(_, score)| score.is_none());
    missing.map(|(dimension, _)| dimension.as_str().to_owned()).collect()
}
