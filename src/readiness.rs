//! Expansion readiness: product, relationship and commercial parts, multiplied where independent categories agree.

use serde::{Deserialize, Serialize};

use crate::health::Health;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::observations::AccountObservations;
use crate::signals::Signal;
use crate::vocabulary::Level;

/// Readiness of one account on one day: a row of `readiness`.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// 0–100.
    pub score: f64,
    pub product_part: f64,
    pub relationship_part: f64,
    pub commercial_part: f64,
    /// How many independent categories of expansion signals agree.
    pub convergence: u32,
    pub tier: Level,
    /// `open`, or `closed: ` and by what.
    pub gate: String,
}

/// `[readiness]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Lowest score of the high tier.
    pub high: f64,
    /// Lowest score of the medium tier.
    pub medium: f64,
    /// Factor per independent category beyond the first.
    pub convergence_factor: f64,
    /// Cap of the product of those factors.
    pub convergence_cap: f64,
}

pub fn score(
    view: View,
    contract: &Contract,
    facts: &AccountObservations,
    signals: &[Signal],
    health: &Health,
    settings: &Settings,
) -> Readiness {
    let _ = (view, contract, facts, signals, health, settings);
    unimplemented!("readiness")
}
