//! Pairs of features whose joint effect is more than the sum of theirs: found on the residuals of an additive model
//! (after FAST; Lou, Caruana, Gehrke and Hooker, 2013), and kept only where held-out rows gain.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::models::fit::sigmoid;
use crate::models::monotone::Direction;
use crate::models::scorecard::Encoded;

/// Groups of one side of a pair, missing aside.
const GROUPS: usize = 5;

/// Standard deviations of chance that the residuals of a pair must exceed.
const LEAST_SCORE: f64 = 4.0;

/// How two features' codes become one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairCodes {
    /// Places of the two features in the model.
    pub first: usize,
    pub second: usize,
    /// Group by code.
    first_groups: Vec<u8>,
    second_groups: Vec<u8>,
}

/// Points of a pair, by joint code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub first: String,
    pub second: String,
    pub codes: PairCodes,
    pub points: Vec<f64>,
    pub shares: Vec<f64>,
}

impl Pair {
    pub fn name(&self) -> String {
        format!("{} × {}", self.first, self.second)
    }
}

impl PairCodes {
    fn of(first: usize, second: usize, groups: &[Vec<u8>]) -> PairCodes {
        PairCodes { first, second, first_groups: groups[first].clone(), second_groups: groups[second].clone() }
    }

    /// Number of joint codes.
    pub fn size(&self) -> usize {
        let groups = |groups: &[u8]| groups.iter().max().map_or(1, |group| usize::from(*group) + 1);
        groups(&self.first_groups) * groups(&self.second_groups)
    }

    /// The joint code of two codes.
    pub fn code(&self, first: u8, second: u8) -> u8 {
        let width = self.second_groups.iter().max().map_or(1, |group| group + 1);
        self.first_groups[usize::from(first)] * width + self.second_groups[usize::from(second)]
    }

    /// Group by code of either side.
    pub fn groups(&self) -> (&[u8], &[u8]) {
        (&self.first_groups, &self.second_groups)
    }

    /// The groups that a joint code stands for.
    pub fn groups_of(&self, code: u8) -> (u8, u8) {
        let width = self.second_groups.iter().max().map_or(1, |group| group + 1);
        (code / width, code % width)
    }

    /// Joint codes of all rows.
    pub fn codes(&self, codes: &[Vec<u8>]) -> Vec<u8> {
        codes[self.first].iter().zip(&codes[self.second]).map(|(a, b)| self.code(*a, *b)).collect()
    }

    /// Whether codes and groups fit together, as a file that was edited by hand may not.
    pub fn fits(&self, first_codes: usize, second_codes: usize, points: usize) -> bool {
        self.first_groups.len() == first_codes && self.second_groups.len() == second_codes && self.size() == points
    }
}

/// At most `most` pairs whose cells hold more residual than chance explains, strongest first.
///
/// `log_odds` are the additive model's; `effects` its effect by feature and code, which say which features to pair.
pub fn screen(
    encoded: &Encoded,
    log_odds: &[f64],
    labels: &[bool],
    effects: &[Vec<f64>],
    ridge: f64,
    most: usize,
) -> Vec<PairCodes> {
    let groups: Vec<Vec<u8>> = encoded.counts.iter().map(|counts| grouped(counts)).collect();
    let strong = strongest(encoded, effects);
    let slopes: Vec<(f64, f64)> = log_odds.iter().zip(labels).map(|(z, label)| slope(*z, *label)).collect();
    let candidates: Vec<(usize, usize)> =
        strong.iter().enumerate().flat_map(|(i, a)| strong[..i].iter().map(|b| (*b.min(a), *b.max(a)))).collect();
    let mut scored: Vec<(f64, PairCodes)> = candidates
        .into_par_iter()
        .map(|(first, second)| {
            let pair = PairCodes::of(first, second, &groups);
            (score(&pair, encoded, &slopes, ridge), pair)
        })
        .filter(|(score, _)| *score > LEAST_SCORE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1.first, a.1.second).cmp(&(b.1.first, b.1.second))));
    scored.into_iter().take(most).map(|(_, pair)| pair).collect()
}

fn slope(z: f64, label: bool) -> (f64, f64) {
    let p = sigmoid(z);
    (f64::from(u8::from(label)) - p, p * (1.0 - p))
}

/// Features that pairs are sought among.
const PAIRED_FEATURES: usize = 20;

fn strongest(encoded: &Encoded, effects: &[Vec<f64>]) -> Vec<usize> {
    let spread = |(counts, effects): (&Vec<u32>, &Vec<f64>)| {
        let n: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        let mean = counts.iter().zip(effects).map(|(n, e)| f64::from(*n) * e).sum::<f64>() / n;
        counts.iter().zip(effects).map(|(n, e)| f64::from(*n) * (e - mean).powi(2)).sum::<f64>() / n
    };
    let spreads: Vec<f64> = encoded.counts.iter().zip(effects).map(spread).collect();
    // A pair would bend the effect of a feature that has a direction.
    let free = |at: &usize| encoded.directions[*at] == Direction::Free;
    let mut order: Vec<usize> = (0..spreads.len()).filter(free).collect();
    order.sort_by(|a, b| spreads[*b].total_cmp(&spreads[*a]).then(a.cmp(b)));
    order.truncate(PAIRED_FEATURES);
    order
}

/// Residuals of the cells beyond what chance gives them, in standard deviations of chance.
fn score(pair: &PairCodes, encoded: &Encoded, slopes: &[(f64, f64)], ridge: f64) -> f64 {
    let mut cells = vec![(0.0, 0.0); pair.size()];
    let (a, b) = (&encoded.design.codes[pair.first], &encoded.design.codes[pair.second]);
    for ((a, b), (residual, weight)) in a.iter().zip(b).zip(slopes) {
        let cell = &mut cells[usize::from(pair.code(*a, *b))];
        cell.0 += residual;
        cell.1 += weight;
    }
    let found: f64 = cells.iter().map(|(residual, weight)| residual * residual / (weight + ridge)).sum();
    let shares: Vec<f64> = cells.iter().map(|(_, weight)| weight / (weight + ridge)).collect();
    let expected: f64 = shares.iter().sum();
    let spread = (2.0 * shares.iter().map(|share| share * share).sum::<f64>()).sqrt();
    (found - expected) / spread.max(1e-9)
}

/// Codes put into at most [`GROUPS`] runs of about equal size; missing stays apart where it occurs.
fn grouped(counts: &[u32]) -> Vec<u8> {
    let missing = u8::from(counts[0] > 0);
    let total: u32 = counts[1..].iter().sum();
    let mut below = 0;
    let mut groups = vec![0];
    let mut last: Option<usize> = None;
    let mut next = missing;
    for n in &counts[1..] {
        let middle = u64::from(below) + u64::from(*n) / 2;
        let run = (middle * GROUPS as u64 / u64::from(total.max(1))).min(GROUPS as u64 - 1) as usize;
        if last.is_some_and(|last| last != run) {
            next += 1;
        }
        last = Some(run);
        groups.push(next);
        below += n;
    }
    groups
}
