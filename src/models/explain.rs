//! Why a probability is what it is: one driver per source feature, in numbers that add up and in sentences.

use super::Driver;
use super::artifact::Artifact;
use super::bins::Bins;
use super::scorecard::{Feature, Scorecard, Typical};
use super::table::{Column, Values};
use crate::vocabulary::PropensityKind;
use crate::wording;

/// A probability's parts: `base + Σ contributions` is its log-odds.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub base: f64,
    pub drivers: Vec<Driver>,
}

impl Explanation {
    /// Added in the order of the drivers, so that whoever adds them up gets the same bits.
    pub fn log_odds(&self) -> f64 {
        self.drivers.iter().fold(self.base, |sum, driver| sum + driver.contribution)
    }
}

/// What the sum of all features beyond the named ones is called.
pub const OTHER_FEATURES: &str = "other features";

/// Explains one row: the `named` strongest features, and one driver for what the rest add up to.
pub fn explain(
    artifact: &Artifact,
    scorecard: &Scorecard,
    columns: &[Option<&Column>],
    row: usize,
    named: usize,
) -> Explanation {
    let slope = artifact.calibrator.slope;
    let contributions: Vec<f64> =
        scorecard.contributions(columns, row).into_iter().map(|points| slope * points).collect();
    let mut order: Vec<usize> = (0..contributions.len()).filter(|i| contributions[*i] != 0.0).collect();
    order.sort_by(|a, b| contributions[*b].abs().total_cmp(&contributions[*a].abs()).then(a.cmp(b)));
    let (first, rest) = order.split_at(order.len().min(named));
    let outcome = outcome(artifact);
    let mut drivers: Vec<Driver> =
        first.iter().map(|i| driver(&scorecard.features[*i], columns[*i], row, contributions[*i], &outcome)).collect();
    if !rest.is_empty() {
        drivers.push(remainder(rest.len(), rest.iter().map(|i| contributions[*i]).sum(), &outcome));
    }
    Explanation { base: artifact.calibrator.apply(scorecard.base), drivers }
}

fn driver(feature: &Feature, column: Option<&Column>, row: usize, contribution: f64, outcome: &str) -> Driver {
    let value = column.map_or(Typical::Missing, |column| at(&column.values, row));
    let (own, typical) = (said(&value, &feature.spec.unit), said(&feature.typical, &feature.spec.unit));
    let label = wording::capital(&feature.spec.label);
    let effect = direction(contribution);
    let text = match (&value, &feature.typical) {
        (Typical::Missing, Typical::Missing) => format!("{label} not known: {effect} {outcome}"),
        (_, Typical::Missing) => format!("{label} {own}, mostly not known: {effect} {outcome}"),
        _ => format!("{label} {own}, typically {typical}: {effect} {outcome}"),
    };
    Driver {
        feature: feature.spec.name.as_str().into(),
        value: number(&value),
        typical: number(&feature.typical),
        contribution,
        text,
    }
}

fn remainder(features: usize, contribution: f64, outcome: &str) -> Driver {
    let (count, verb) = match features {
        1 => ("1 other feature".to_owned(), direction(contribution)),
        n => (format!("{n} other features together"), direction(contribution).trim_end_matches('s')),
    };
    let text = format!("{count}: {verb} {outcome}");
    Driver { feature: OTHER_FEATURES.into(), value: None, typical: None, contribution, text }
}

/// The one driver of a fallback: the rate of the account's group against the overall rate.
pub fn of_rate(artifact: &Artifact, rate: f64, group: &str) -> Explanation {
    let (base, own) = (logit(artifact.fallback.overall), logit(rate));
    let name = &artifact.fallback.label;
    let (own_rate, overall) = (wording::percent(rate), wording::percent(artifact.fallback.overall));
    let driver = Driver {
        feature: artifact.fallback.feature.as_str().into(),
        value: None,
        typical: None,
        contribution: own - base,
        text: format!("{} {group}: true of {own_rate} of such accounts, {overall} of all", wording::capital(name)),
    };
    Explanation { base, drivers: vec![driver] }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn at(values: &Values, row: usize) -> Typical {
    match values {
        Values::Numbers(values) if values[row].is_nan() => Typical::Missing,
        Values::Numbers(values) => Typical::Number(values[row]),
        Values::Words(values) => values[row].as_deref().map_or(Typical::Missing, |word| Typical::Word(word.to_owned())),
    }
}

fn number(value: &Typical) -> Option<f64> {
    match value {
        Typical::Number(value) => Some(*value),
        _ => None,
    }
}

fn said(value: &Typical, unit: &str) -> String {
    match value {
        Typical::Missing => "not known".to_owned(),
        Typical::Word(word) => wording::words(word),
        Typical::Number(value) => said_number(*value, unit),
    }
}

pub(super) fn said_number(value: f64, unit: &str) -> String {
    match unit {
        "share" => wording::percent(value),
        "yes or no" => if value > 0.5 { "yes" } else { "no" }.to_owned(),
        "currency per year" | "currency" => wording::money(value),
        "days" | "months" | "hours" => format!("{} {unit}", wording::count(value)),
        _ if value != 0.0 && value.abs() < 0.1 => format!("{value:.3}"),
        _ => wording::count(value),
    }
}

fn direction(contribution: f64) -> &'static str {
    if contribution >= 0.0 { "raises" } else { "lowers" }
}

pub(super) fn outcome(artifact: &Artifact) -> String {
    match (artifact.kind, &artifact.product_name) {
        (PropensityKind::Churn, _) => "the risk of leaving".to_owned(),
        (PropensityKind::Upsell, _) => "the chance of an upgrade".to_owned(),
        (PropensityKind::CrossSell, Some(product)) => format!("the chance of buying {product}"),
        (PropensityKind::CrossSell, None) => "the chance of a purchase".to_owned(),
    }
}

/// The group a code stands for, in words.
pub fn group(bins: &Bins, code: u8) -> String {
    let code = usize::from(code);
    match bins {
        _ if code == 0 => "not known".to_owned(),
        Bins::Words { levels } => levels.get(code - 1).map_or("other".to_owned(), |level| wording::words(level)),
        Bins::Numbers { edges } => match (code.checked_sub(2).map(|i| edges[i]), edges.get(code - 1)) {
            (None, Some(upper)) => format!("up to {}", wording::percent(*upper)),
            (Some(lower), _) => format!("above {}", wording::percent(lower)),
            (None, None) => "known".to_owned(),
        },
    }
}
