//! From observations to sub-scores, dimensions and the one score. Every step is monotone: a worse reading never
//! raises the result.

use super::measures::{MEASURES, Measure};
use super::{Dimension, Settings};
use crate::observations::{AccountObservations, Observation};

/// The score of an account of which nothing is known: neither good nor bad, and not green.
const UNKNOWN: f64 = 50.0;

/// One measure that the account has.
pub(super) struct Part<'a> {
    pub measure: &'static Measure,
    /// The observation that speaks for the measure.
    pub observation: &'a Observation,
    /// 0–100.
    pub score: f64,
    /// Share of the overall score that the measure decides through its dimension's mean.
    pub share: f64,
}

impl Part<'_> {
    pub(super) fn sentence(&self) -> String {
        (self.measure.say)(self.observation)
    }

    /// Points by which the part moves the score from where a middling reading would put it.
    fn impact(&self) -> f64 {
        (self.score - 75.0) * self.share
    }
}

pub(super) struct Scored<'a> {
    pub score: f64,
    /// In the order of [`Dimension`].
    pub dimensions: [Option<f64>; 4],
    pub weights: [f64; 4],
    /// By rising impact: what pulls down most comes first.
    parts: Vec<Part<'a>>,
}

/// The health score of these facts, 0–100; what [`super::assess`] puts into `score`.
pub fn score(facts: &AccountObservations, settings: &Settings) -> f64 {
    Scored::of(facts, settings).score
}

impl<'a> Scored<'a> {
    pub(super) fn of(facts: &'a AccountObservations, settings: &Settings) -> Scored<'a> {
        let mut parts = parts(facts);
        let dimensions = [0, 1, 2, 3].map(|n| dimension(&parts, Dimension::ALL[n], settings.worst_share));
        let weights = reweighted(settings.weights(), &dimensions);
        parts.iter_mut().for_each(|part| part.share *= weights[part.measure.dimension as usize]);
        parts.sort_by(|a, b| a.impact().total_cmp(&b.impact()));
        let known = weights.iter().any(|weight| *weight > 0.0);
        let sum: f64 = dimensions.iter().zip(weights).map(|(score, weight)| score.unwrap_or(0.0) * weight).sum();
        Scored { score: if known { sum.clamp(0.0, 100.0) } else { UNKNOWN }, dimensions, weights, parts }
    }

    pub(super) fn by_impact(&self) -> impl DoubleEndedIterator<Item = &Part<'a>> {
        self.parts.iter()
    }
}

/// What the account has of the table; `share` is the measure's share of its dimension.
fn parts(facts: &AccountObservations) -> Vec<Part<'_>> {
    let read = MEASURES.iter().filter_map(|measure| Some((measure, measure.read(facts)?)));
    let mut parts: Vec<Part> = read
        .map(|(measure, (reading, observation))| Part {
            measure,
            observation,
            score: measure.scale.score(reading),
            share: measure.weight,
        })
        .collect();
    for dimension in Dimension::ALL {
        let mine = |part: &&Part| part.measure.dimension == *dimension;
        let sum: f64 = parts.iter().filter(mine).map(|part| part.share).sum();
        parts.iter_mut().filter(|part| part.measure.dimension == *dimension).for_each(|part| part.share /= sum);
    }
    parts
}

/// The weighted mean, pulled towards the worst measure: three open critical tickets are not healed by fast answers.
fn dimension(parts: &[Part], dimension: Dimension, worst_share: f64) -> Option<f64> {
    let mine = || parts.iter().filter(|part| part.measure.dimension == dimension);
    let worst = mine().map(|part| part.score).min_by(f64::total_cmp)?;
    let mean: f64 = mine().map(|part| part.score * part.share).sum();
    Some((1.0 - worst_share) * mean + worst_share * worst)
}

fn reweighted(weights: [f64; 4], dimensions: &[Option<f64>; 4]) -> [f64; 4] {
    let present = [0, 1, 2, 3].map(|n| if dimensions[n].is_some() { weights[n] } else { 0.0 });
    let sum: f64 = present.iter().sum();
    present.map(|weight| if sum > 0.0 { weight / sum } else { 0.0 })
}
