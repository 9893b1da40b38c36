//! Expansion readiness: product, relationship and commercial parts, multiplied where independent categories agree.
//!
//! A part is three fifths what its signals say and two fifths what its standing facts say; signals of one part add up
//! like independent chances, so many weak ones never outweigh certainty. Whether the account may be approached at all
//! is the gate's word, and does not change the score.

use serde::{Deserialize, Serialize};

use crate::health::Health;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::observations::{AccountObservations, Metric};
use crate::signals::Signal;
use crate::vocabulary::{Category, Color, Day, Direction, Level};
use crate::wording::{ago, plural};

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
    pub product_weight: f64,
    pub relationship_weight: f64,
    pub commercial_weight: f64,
    /// Factor per independent category beyond the first.
    pub convergence_factor: f64,
    /// Cap of the product of those factors.
    pub convergence_cap: f64,
    /// Strength × confidence from which a category counts as agreeing.
    pub convergence_weight: f64,
    /// The gate closes this many days before the renewal.
    pub renewal_days: i32,
    /// Months of a new contract during which the gate is closed.
    pub adoption_months: i32,
}

const SIGNAL_SHARE: f64 = 0.6;

pub fn score(
    view: View,
    contract: &Contract,
    facts: &AccountObservations,
    signals: &[Signal],
    health: &Health,
    settings: &Settings,
) -> Readiness {
    let live = expansion(signals, view.day);
    let product = part(&live, &[Category::Product], health.product);
    let relationship = part(&live, &[Category::Relationship, Category::Support], health.relationship);
    let commercial =
        part(&live, &[Category::Commercial, Category::External], commercial_facts(view.day, contract, facts, settings));
    let weights = [settings.product_weight, settings.relationship_weight, settings.commercial_weight];
    let convergence = convergence(&live, settings.convergence_weight);
    let base = weighted([product, relationship, commercial], weights);
    let score = (base * multiplier(convergence, settings)).clamp(0.0, 100.0);
    Readiness {
        score,
        product_part: product.unwrap_or(0.0),
        relationship_part: relationship.unwrap_or(0.0),
        commercial_part: commercial.unwrap_or(0.0),
        convergence,
        tier: tier(score, settings),
        gate: gate(view.day, contract, health, settings),
    }
}

/// Expansion signals that still count, as (category, strength × confidence).
fn expansion(signals: &[Signal], day: Day) -> Vec<(Category, f64)> {
    let live = signals.iter().filter(|signal| signal.direction == Direction::Expansion && signal.expires_on >= day);
    live.map(|signal| (signal.category, signal.strength.get() * signal.confidence.get())).collect()
}

/// 0–100; `None` where neither signals nor facts say anything.
fn part(signals: &[(Category, f64)], categories: &[Category], facts: Option<f64>) -> Option<f64> {
    let mine = || signals.iter().filter(|(category, _)| categories.contains(category));
    let said = 100.0 * (1.0 - mine().map(|(_, weight)| 1.0 - weight).product::<f64>());
    match facts {
        Some(facts) => Some(SIGNAL_SHARE * said + (1.0 - SIGNAL_SHARE) * facts),
        None => mine().next().map(|_| said),
    }
}

/// Time to the renewal, payment, and the highest ceiling or tier in use against what is paid for: the mean of what is known.
fn commercial_facts(day: Day, contract: &Contract, facts: &AccountObservations, settings: &Settings) -> Option<f64> {
    if contract.active.is_empty() {
        return None;
    }
    let start = f64::from(settings.renewal_days);
    let renewal = contract.days_to_renewal(day).map(|days| ramp(f64::from(days), start, start + 120.0));
    let overdue = facts
        .find(Metric::DaysOverdueMax.name(), None, 0)
        .or_else(|| facts.find(Metric::InvoicesOverdue.name(), None, 0));
    let payment = overdue.map(|(_, late)| if late.value > 0.0 { 0.0 } else { 100.0 });
    let used =
        facts.capacity.iter().map(|ceiling| ceiling.utilization).filter(|used| used.is_finite()).max_by(f64::total_cmp);
    let room = used.map(|used| ramp(used, 0.4, 0.9));
    let known: Vec<f64> = [renewal, payment, room].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// 0 at `from`, 100 at `to`.
fn ramp(value: f64, from: f64, to: f64) -> f64 {
    (100.0 * (value - from) / (to - from)).clamp(0.0, 100.0)
}

/// The mean over the parts that are known.
fn weighted(parts: [Option<f64>; 3], weights: [f64; 3]) -> f64 {
    let known = || parts.iter().zip(weights).filter_map(|(part, weight)| Some(((*part)?, weight)));
    let sum: f64 = known().map(|(_, weight)| weight).sum();
    if sum > 0.0 { known().map(|(part, weight)| part * weight).sum::<f64>() / sum } else { 0.0 }
}

fn convergence(signals: &[(Category, f64)], least: f64) -> u32 {
    let agrees = |category: &&Category| signals.iter().any(|(of, weight)| of == *category && *weight >= least);
    Category::ALL.iter().filter(agrees).count() as u32
}

/// 1 for one category; each further one multiplies, up to the cap.
fn multiplier(convergence: u32, settings: &Settings) -> f64 {
    let further = convergence.saturating_sub(1) as i32;
    settings.convergence_factor.powi(further).min(settings.convergence_cap)
}

fn tier(score: f64, settings: &Settings) -> Level {
    if score >= settings.high {
        Level::High
    } else if score >= settings.medium {
        Level::Medium
    } else {
        Level::Low
    }
}

/// The first of: no contract, health that is not green, a new contract, a near renewal.
fn gate(day: Day, contract: &Contract, health: &Health, settings: &Settings) -> String {
    if contract.active.is_empty() {
        return "closed: no contract in force".into();
    }
    if health.color != Color::Green {
        return format!("closed: health {}", health.color);
    }
    if let Some(start) = contract.first_start.filter(|start| day < start.plus_months(settings.adoption_months)) {
        return format!("closed: contract began {}", ago(day.since(start).into()));
    }
    match contract.days_to_renewal(day).filter(|left| *left < settings.renewal_days) {
        Some(left) if left >= 0 => format!("closed: renewal in {}", days(left)),
        Some(left) => format!("closed: renewal {} overdue", days(-left)),
        None => "open".into(),
    }
}

fn days(n: i32) -> String {
    plural(i64::from(n), "day", "days")
}
