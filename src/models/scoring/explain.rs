//! Why a probability is what it is: one driver per source feature, in numbers that add up and in sentences.

use std::sync::Arc;

use crate::learners::columns::bins::Bins;
use crate::learners::columns::table::{Column, Values};
use crate::learners::families::scorecard::{Feature, Scorecard, Typical};
use crate::models::training::artifact::Artifact;
use crate::vocabulary::{PropensityKind, Text};
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

/// The contribution of one source feature. A night holds dozens for every account, so one keeps what is the account's
/// own, and says its sentence when asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    /// Log-odds.
    pub contribution: f64,
    own: Own,
    topic: Arc<Topic>,
}

/// What an account brings to a topic.
#[derive(Clone, Debug, PartialEq)]
enum Own {
    Missing,
    Number(f64),
    /// Apart, because there are a million drivers and few of words.
    Word(Box<Text>),
    /// So many features beyond the named ones.
    Features(usize),
}

/// What a driver is about, the same for all accounts.
#[derive(Debug, PartialEq)]
enum Topic {
    Feature { name: String, label: String, unit: String, typical: Typical, outcome: String },
    Others { outcome: String },
    Group { feature: String, text: String },
}

impl Driver {
    pub fn feature(&self) -> &str {
        match &*self.topic {
            Topic::Feature { name, .. } => name,
            Topic::Others { .. } => OTHER_FEATURES,
            Topic::Group { feature, .. } => feature,
        }
    }

    /// `None` where it is not known or not a number; the text says it then.
    pub fn value(&self) -> Option<f64> {
        match self.own {
            Own::Number(value) => Some(value),
            _ => None,
        }
    }

    /// Median of the training rows.
    pub fn typical(&self) -> Option<f64> {
        match &*self.topic {
            Topic::Feature { typical: Typical::Number(value), .. } => Some(*value),
            _ => None,
        }
    }

    /// The driver as a sentence.
    pub fn text(&self) -> String {
        let effect = direction(self.contribution);
        match (&*self.topic, &self.own) {
            (Topic::Group { text, .. }, _) => text.clone(),
            (Topic::Others { outcome }, Own::Features(1)) => format!("1 other feature: {effect} {outcome}"),
            (Topic::Others { outcome }, own) => {
                let features = if let Own::Features(features) = own { *features } else { 0 };
                format!("{features} other features together: {} {outcome}", effect.trim_end_matches('s'))
            }
            (Topic::Feature { label, typical: Typical::Missing, outcome, .. }, Own::Missing) => {
                format!("{label} not known: {effect} {outcome}")
            }
            (Topic::Feature { label, unit, typical: Typical::Missing, outcome, .. }, own) => {
                format!("{label} {}, not known for most accounts: {effect} {outcome}", own.said(unit))
            }
            (Topic::Feature { label, unit, typical, outcome, .. }, own) => {
                match (own.said(unit), said(typical, unit)) {
                    (own, typical) if own == typical => format!("{label} {own}, as is typical: {effect} {outcome}"),
                    (own, typical) => format!("{label} {own}, typically {typical}: {effect} {outcome}"),
                }
            }
        }
    }
}

impl Own {
    fn at(values: &Values, row: usize) -> Own {
        match (values.word(row), values.number(row)) {
            (Some(word), _) => Own::Word(Box::new(word.clone())),
            (None, number) if number.is_nan() => Own::Missing,
            (None, number) => Own::Number(number),
        }
    }

    fn said(&self, unit: &str) -> String {
        match self {
            Own::Number(value) => said_number(*value, unit),
            Own::Word(word) => wording::words(word),
            Own::Missing | Own::Features(_) => NOT_KNOWN.to_owned(),
        }
    }
}

/// Explains the rows of one model.
pub struct Explainer<'m> {
    artifact: &'m Artifact,
    scorecard: &'m Scorecard,
    /// By feature of the scorecard.
    topics: Vec<Arc<Topic>>,
    others: Arc<Topic>,
}

impl<'m> Explainer<'m> {
    pub fn of(artifact: &'m Artifact, scorecard: &'m Scorecard) -> Explainer<'m> {
        let outcome = outcome(artifact);
        let topic = |feature: &Feature| {
            Arc::new(Topic::Feature {
                name: feature.spec.name.clone(),
                label: wording::capital(&feature.spec.label),
                unit: feature.spec.unit.clone(),
                typical: feature.typical.clone(),
                outcome: outcome.clone(),
            })
        };
        let topics = scorecard.features.iter().map(topic).collect();
        Explainer { artifact, scorecard, topics, others: Arc::new(Topic::Others { outcome }) }
    }

    /// Explains one row: the `named` strongest features, and one driver for what the rest add up to.
    pub fn explain(&self, columns: &[Option<&Column>], row: usize, named: usize) -> Explanation {
        let calibrator = &self.artifact.calibrator;
        let points = self.scorecard.contributions(columns, row);
        let contributions: Vec<f64> = points.into_iter().map(|points| calibrator.slope * points).collect();
        let mut order: Vec<usize> = (0..contributions.len()).filter(|i| contributions[*i] != 0.0).collect();
        order.sort_by(|a, b| contributions[*b].abs().total_cmp(&contributions[*a].abs()).then(a.cmp(b)));
        let (first, rest) = order.split_at(order.len().min(named));
        let mut drivers = Vec::with_capacity(first.len() + usize::from(!rest.is_empty()));
        drivers.extend(first.iter().map(|i| Driver {
            contribution: contributions[*i],
            own: columns[*i].map_or(Own::Missing, |column| Own::at(&column.values, row)),
            topic: self.topics[*i].clone(),
        }));
        drivers.extend((!rest.is_empty()).then(|| Driver {
            contribution: rest.iter().map(|i| contributions[*i]).sum(),
            own: Own::Features(rest.len()),
            topic: self.others.clone(),
        }));
        Explanation { base: calibrator.apply(self.scorecard.base), drivers }
    }
}

/// The one driver of a fallback: the rate of the account's group against the overall rate.
pub fn of_rate(artifact: &Artifact, rate: f64, group: &str) -> Explanation {
    let (base, own) = (logit(artifact.fallback.overall), logit(rate));
    let name = &artifact.fallback.label;
    let (own_rate, overall) = (wording::percent(rate), wording::percent(artifact.fallback.overall));
    let topic = Topic::Group {
        feature: artifact.fallback.feature.clone(),
        text: format!("{} {group}: true of {own_rate} of such accounts, {overall} of all", wording::capital(name)),
    };
    let driver = Driver { contribution: own - base, own: Own::Missing, topic: Arc::new(topic) };
    Explanation { base, drivers: vec![driver] }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

const NOT_KNOWN: &str = "not known";

fn said(value: &Typical, unit: &str) -> String {
    match value {
        Typical::Missing => NOT_KNOWN.to_owned(),
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
