//! Which features a model fits: those that boosted stumps lean on, so that each is chosen for what it adds to the others.
//!
//! Chosen one by one on their own, the strongest forty of a few hundred features are forty versions of the same three
//! facts; a fact that only matters beside them is never met. Stumps on the codes are cheap and additive like the
//! scorecard itself, and a feature's weight is the log loss that its splits saved.
//!
//! Among thousands of splits some save much by chance, and a feature that is chosen for one looks good on every row that
//! it was chosen by: the penalty is then chosen too weak, and later rows pay. So a split has to save more than the best
//! of as many chance splits.

use rayon::prelude::*;

use super::scorecard::Encoded;
use crate::learners::columns::bins::{MISSING, usual};
use crate::statistics::sigmoid;

/// Rounds of boosting, and the share of each step that is taken.
const ROUNDS: usize = 100;
const RATE: f64 = 0.1;
/// Curvature added to each side of a split, which keeps small leaves small.
const DAMPING: f64 = 1.0;
/// Gains are equal within this share: the order in which a sum was added up is no reason to prefer one of two features
/// that divide the rows alike.
const TIE: f64 = 1e-9;
/// Fewest rows on each side of a split.
const LEAF_ROWS: u32 = 20;
/// Rows that the choice rests on at most; every nth beyond it.
const MOST_ROWS: usize = 40_000;

/// Positions of the features to fit, at most `most`, in column order; empty where no split pays.
pub fn select(encoded: &Encoded, labels: &[bool], most: usize) -> Vec<usize> {
    let mut screen = Screen::default();
    screen.add(encoded);
    screen.chosen(labels, most)
}

/// Features to choose among: of their codes no more than the choice rests on.
#[derive(Default)]
pub struct Screen(Vec<Feature>);

impl Screen {
    /// Adds features over the same rows as those before.
    pub fn add(&mut self, encoded: &Encoded) {
        let step = step(encoded.design.rows);
        let lay = |codes: &Vec<u8>| Feature::of(codes.iter().step_by(step).copied().collect());
        self.0.par_extend(encoded.design.codes.par_iter().map(lay));
    }

    /// What [`select`] says of all of them; `labels` are those of the rows.
    pub fn chosen(&self, labels: &[bool], most: usize) -> Vec<usize> {
        let labels: Vec<bool> = labels.iter().step_by(step(labels.len())).copied().collect();
        let gains = boosted(&self.0, &labels);
        let mut order: Vec<usize> = (0..gains.len()).filter(|feature| gains[*feature] > 0.0).collect();
        order.sort_by(|a, b| gains[*b].total_cmp(&gains[*a]).then(a.cmp(b)));
        order.truncate(most);
        order.sort_unstable();
        order
    }
}

/// Every how many rows one is looked at.
fn step(rows: usize) -> usize {
    rows.div_ceil(MOST_ROWS).max(1)
}

/// What the best of all splits saves by chance, in twice the log loss: the largest of n draws of χ² with one degree of
/// freedom lies near 2·ln n.
fn by_chance(features: &[Feature]) -> f64 {
    let n: usize = features.iter().map(|feature| feature.rows.len() - 1).sum();
    2.0 * (n.max(2) as f64).ln()
}

/// What the splits on each feature saved in all rounds, in twice the log loss.
fn boosted(features: &[Feature], labels: &[bool]) -> Vec<f64> {
    let mut gains = vec![0.0; features.len()];
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return gains;
    }
    let least = by_chance(features);
    let mut log_odds = vec![(positives / negatives).ln(); labels.len()];
    for _ in 0..ROUNDS {
        let slopes: Vec<Slope> = log_odds.iter().zip(labels).map(|(z, y)| slope(*z, *y)).collect();
        let all = slopes.iter().fold([0.0; 2], |sum, slope| plus(sum, *slope));
        let splits: Vec<Option<Split>> =
            features.par_iter().map(|feature| best_split(&feature.sums(&slopes, all))).collect();
        let found = splits.into_iter().enumerate().filter_map(|(feature, split)| Some((feature, split?)));
        // The first of equal gains, so that the thread count does not show.
        let best = found.reduce(|best, next| if next.1.gain > best.1.gain * (1.0 + TIE) { next } else { best });
        let Some((feature, split)) = best.filter(|(_, split)| split.gain > least) else { break };
        gains[feature] += split.gain;
        for (z, code) in log_odds.iter_mut().zip(&features[feature].codes) {
            *z += RATE * split.step(*code);
        }
    }
    gains
}

/// Residual and curvature of the log loss.
type Slope = [f64; 2];

/// At these log-odds.
fn slope(log_odds: f64, label: bool) -> Slope {
    let p = sigmoid(log_odds);
    [f64::from(u8::from(label)) - p, p * (1.0 - p)]
}

fn plus(a: Slope, b: Slope) -> Slope {
    [a[0] + b[0], a[1] + b[1]]
}

/// A feature's codes, laid out for being summed in every round.
struct Feature {
    codes: Vec<u8>,
    /// Number of rows by code, as many as there are codes.
    rows: Vec<u32>,
    /// Where most rows have one code: that code, and the other rows with theirs.
    sparse: Option<(u8, Vec<(u32, u8)>)>,
}

impl Feature {
    fn of(codes: Vec<u8>) -> Feature {
        let mut rows = vec![0; 1 + usize::from(codes.iter().copied().max().unwrap_or(MISSING))];
        codes.iter().for_each(|code| rows[usize::from(*code)] += 1);
        let others = |usual: u8| (0..).zip(codes.iter().copied()).filter(|(_, code)| *code != usual).collect();
        let sparse = usual(&codes).map(|usual| (usual, others(usual)));
        Feature { codes, rows, sparse }
    }

    /// The sums of every code; `all` is the sum over all rows, of which other codes leave the rest to the usual one.
    fn sums(&self, slopes: &[Slope], all: Slope) -> Vec<Sums> {
        // Two tables in turn, so that rows of one code in a row do not wait for each other.
        let (mut even, mut odd) = ([[0.0; 2]; 256], [[0.0; 2]; 256]);
        let add = |table: &mut [Slope; 256], code: u8, slope: Slope| {
            let cell = &mut table[usize::from(code)];
            *cell = plus(*cell, slope);
        };
        match &self.sparse {
            None => {
                for (codes, slopes) in self.codes.chunks(2).zip(slopes.chunks(2)) {
                    add(&mut even, codes[0], slopes[0]);
                    if let ([_, code], [_, slope]) = (codes, slopes) {
                        add(&mut odd, *code, *slope);
                    }
                }
            }
            Some((usual, others)) => {
                others.iter().for_each(|(row, code)| add(&mut even, *code, slopes[*row as usize]));
                let met = even.iter().fold([0.0; 2], |sum, cell| plus(sum, *cell));
                even[usize::from(*usual)] = [all[0] - met[0], all[1] - met[1]];
            }
        }
        let sums = even.iter().zip(odd).map(|(a, b)| plus(*a, b)).zip(&self.rows);
        sums.map(|([residual, curvature], rows)| Sums { residual, curvature, rows: *rows }).collect()
    }
}

/// Codes above `code` against the rest; missing goes with the low ones, or stands alone where `code` is its own.
struct Split {
    code: u8,
    gain: f64,
    low: f64,
    high: f64,
}

impl Split {
    fn step(&self, code: u8) -> f64 {
        if code <= self.code { self.low } else { self.high }
    }
}

#[derive(Clone, Copy, Default)]
struct Sums {
    residual: f64,
    curvature: f64,
    rows: u32,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.residual += other.residual;
        self.curvature += other.curvature;
        self.rows += other.rows;
    }

    fn without(&self, part: &Sums) -> Sums {
        Sums {
            residual: self.residual - part.residual,
            curvature: self.curvature - part.curvature,
            rows: self.rows - part.rows,
        }
    }

    fn step(&self) -> f64 {
        self.residual / (self.curvature + DAMPING)
    }

    fn saved(&self) -> f64 {
        self.residual * self.step()
    }
}

fn best_split(sums: &[Sums]) -> Option<Split> {
    let mut all = Sums::default();
    sums.iter().for_each(|part| all.add(part));
    let (mut low, mut best) = (Sums::default(), None::<Split>);
    for (code, part) in sums.iter().enumerate().take(sums.len() - 1) {
        low.add(part);
        let high = all.without(&low);
        let gain = low.saved() + high.saved() - all.saved();
        let roomy = low.rows >= LEAF_ROWS && high.rows >= LEAF_ROWS;
        if roomy && best.as_ref().is_none_or(|best| gain > best.gain) {
            best = Some(Split { code: code as u8, gain, low: low.step(), high: high.step() });
        }
    }
    best
}
