//! The shape of a ranking: ROC, precision by recall, gain, deciles and net benefit, each with its bootstrap band.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resampling, Scored};
use super::evaluate::{Ranking, SLICES};

/// Points of a curve between 0 and 1, both included.
pub const STEPS: usize = 50;

/// One point of a curve with its 95 % band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

/// One tenth of the rows, the highest probabilities first: a row of the lift, gain and reliability tables.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decile {
    /// 1 = highest probabilities.
    pub decile: usize,
    pub rows: f64,
    pub positives: f64,
    /// Mean probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
    pub observed_low: f64,
    pub observed_high: f64,
    /// Share of positives over that of all rows.
    pub lift: f64,
    /// Share of all positives down to and including this decile.
    pub captured: f64,
    /// The same share over the share of rows.
    pub cumulative_lift: f64,
}

/// Net benefit of acting on rows above a threshold (Vickers and Elkin 2006): true positives less false positives
/// weighed by the odds of the threshold, per row. A threshold p says that a person accepts (1 − p)/p vain contacts for
/// one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetBenefit {
    pub threshold: f64,
    pub model: f64,
    pub low: f64,
    pub high: f64,
    pub baseline: f64,
    /// Acting on every row; acting on none is worth 0.
    pub everyone: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curves {
    /// True positive rate by false positive rate.
    pub roc: Vec<Point>,
    /// Precision by recall.
    pub precision_recall: Vec<Point>,
    /// Share of positives captured by share of rows, the highest probabilities first.
    pub gain: Vec<Point>,
    pub deciles: Vec<Decile>,
    pub net_benefit: Vec<NetBenefit>,
}

/// Multiples of the base rate at which net benefit is read.
const THRESHOLDS: [f64; 6] = [0.5, 1.0, 1.5, 2.0, 3.0, 5.0];

/// What one replicate contributes.
struct Shape {
    roc: Vec<f64>,
    precision: Vec<f64>,
    gain: Vec<f64>,
    observed: [f64; SLICES],
    benefit: Vec<f64>,
}

impl Curves {
    /// Curves of a model, net benefit beside that of the baseline on the same rows.
    pub fn of(model: &Scored, baseline: &Scored, by: Resampling) -> Curves {
        Curves::beside(model, baseline, by, |_| ()).0
    }

    /// The same, and what else `read` finds in each replicate.
    pub fn beside<T: Send>(
        model: &Scored,
        baseline: &Scored,
        by: Resampling,
        read: impl Fn(&Ranking) -> T + Sync,
    ) -> (Curves, Vec<T>) {
        let ranking = model.ranking();
        let thresholds = thresholds(&ranking);
        let shape = |ranking: &Ranking| (Shape::of(ranking, &thresholds), read(ranking));
        let (drawn, others): (Vec<Shape>, Vec<T>) = model.replicates(by, shape).into_iter().unzip();
        let own = Shape::of(&ranking, &thresholds);
        let curve = |values: &[f64], of: fn(&Shape) -> &[f64]| points(values, &drawn, of);
        let curves = Curves {
            roc: curve(&own.roc, |shape| &shape.roc),
            precision_recall: curve(&own.precision, |shape| &shape.precision),
            gain: curve(&own.gain, |shape| &shape.gain),
            deciles: deciles(&ranking, &drawn),
            net_benefit: benefits(&own, &drawn, &thresholds, &ranking, &baseline.ranking()),
        };
        (curves, others)
    }
}

impl Shape {
    fn of(ranking: &Ranking, thresholds: &[f64]) -> Shape {
        let slices = ranking.slices();
        let mut observed = [0.0; SLICES];
        for (rate, slice) in observed.iter_mut().zip(&slices) {
            *rate = slice.positives / slice.rows.max(1.0);
        }
        let (roc, precision, gain) = (roc(ranking), precision_by_recall(ranking), gain(ranking));
        let benefit = thresholds.iter().map(|threshold| net_benefit(ranking, *threshold)).collect();
        Shape { roc, precision, gain, observed, benefit }
    }
}

/// Corners of the ranking: (negatives, positives) seen after each tie, the origin first.
fn corners(ranking: &Ranking) -> Vec<(f64, f64)> {
    let mut seen = (0.0, 0.0);
    let after = ranking.ties.iter().map(|tie| {
        seen = (seen.0 + tie.negatives, seen.1 + tie.positives);
        seen
    });
    std::iter::once((0.0, 0.0)).chain(after).collect()
}

/// Reads y at STEPS + 1 even places between 0 and the last x, straight lines between the corners; `corners` rise in x.
/// Where several corners share an x, the highest y counts.
fn read_evenly(corners: &[(f64, f64)]) -> Vec<f64> {
    let last = corners.last().map_or(0.0, |corner| corner.0);
    let mut at = 0;
    let read = |step: usize| {
        let x = last * step as f64 / STEPS as f64;
        while at + 1 < corners.len() && corners[at + 1].0 <= x {
            at += 1;
        }
        let ((x0, y0), Some(&(x1, y1))) = (corners[at], corners.get(at + 1)) else { return corners[at].1 };
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    };
    (0..=STEPS).map(read).collect()
}

fn roc(ranking: &Ranking) -> Vec<f64> {
    let rates = read_evenly(&corners(ranking));
    rates.into_iter().map(|positives| positives / ranking.positives).collect()
}

fn gain(ranking: &Ranking) -> Vec<f64> {
    let corners: Vec<(f64, f64)> =
        corners(ranking).into_iter().map(|(negatives, positives)| (negatives + positives, positives)).collect();
    read_evenly(&corners).into_iter().map(|positives| positives / ranking.positives).collect()
}

/// Share of the positives in the top `share` of the rows; a tie that straddles the cut counts by its part.
pub fn captured(ranking: &Ranking, share: f64) -> f64 {
    let (mut room, mut found) = (share * ranking.rows(), 0.0);
    for tie in ranking.ties.iter().filter(|tie| tie.rows() > 0.0) {
        let taken = tie.rows().min(room);
        found += tie.positives * taken / tie.rows();
        room -= taken;
    }
    found / ranking.positives
}

/// Precision where the recall reaches each step; within a tie, positives come evenly among its rows. The place of
/// recall 0 repeats the first step's precision.
fn precision_by_recall(ranking: &Ranking) -> Vec<f64> {
    let corners: Vec<(f64, f64)> =
        corners(ranking).into_iter().map(|(negatives, positives)| (positives, negatives)).collect();
    let vain = lowest_evenly(&corners);
    let precision = |step: usize| {
        let found = ranking.positives * step.max(1) as f64 / STEPS as f64;
        found / (found + vain[step.max(1)])
    };
    (0..=STEPS).map(precision).collect()
}

/// As [`read_evenly`], but the lowest y counts where several corners share an x: a recall is reached as soon as it is.
fn lowest_evenly(corners: &[(f64, f64)]) -> Vec<f64> {
    let last = corners.last().map_or(0.0, |corner| corner.0);
    let mut at = 0;
    let read = |step: usize| {
        let x = last * step as f64 / STEPS as f64;
        while at + 1 < corners.len() && corners[at].0 < x {
            at += 1;
        }
        let ((x1, y1), Some(&(x0, y0))) = (corners[at], corners.get(at.wrapping_sub(1))) else { return corners[at].1 };
        if x1 > x0 { y0 + (y1 - y0) * (x - x0) / (x1 - x0) } else { y1 }
    };
    (0..=STEPS).map(read).collect()
}

fn points(own: &[f64], drawn: &[Shape], of: fn(&Shape) -> &[f64]) -> Vec<Point> {
    let point = |step: usize| {
        let Interval { low, high } = interval(own[step], drawn.iter().map(|shape| of(shape)[step]));
        Point { x: step as f64 / STEPS as f64, y: own[step], low, high }
    };
    (0..own.len()).map(point).collect()
}

/// The interval of the draws; the figure itself where there are none.
fn interval(own: f64, drawn: impl Iterator<Item = f64>) -> Interval {
    let drawn: Vec<f64> = drawn.collect();
    if drawn.is_empty() { Interval { low: own, high: own } } else { Interval::of(drawn) }
}

fn deciles(ranking: &Ranking, drawn: &[Shape]) -> Vec<Decile> {
    let base_rate = ranking.positives / ranking.rows();
    let (mut positives, mut rows) = (0.0, 0.0);
    let decile = |(at, slice): (usize, &super::evaluate::Slice)| {
        positives += slice.positives;
        rows += slice.rows;
        let observed = slice.positives / slice.rows;
        let Interval { low, high } = interval(observed, drawn.iter().map(|shape| shape.observed[at]));
        Decile {
            decile: at + 1,
            rows: slice.rows,
            positives: slice.positives,
            predicted: slice.expected / slice.rows,
            observed,
            observed_low: low,
            observed_high: high,
            lift: observed / base_rate,
            captured: positives / ranking.positives,
            cumulative_lift: positives / rows / base_rate,
        }
    };
    ranking.slices().iter().enumerate().filter(|(_, slice)| slice.rows > 0.0).map(decile).collect()
}

fn thresholds(ranking: &Ranking) -> Vec<f64> {
    let base_rate = ranking.positives / ranking.rows();
    THRESHOLDS.iter().map(|times| times * base_rate).filter(|threshold| *threshold <= 0.9).collect()
}

fn net_benefit(ranking: &Ranking, threshold: f64) -> f64 {
    let acted = ranking.ties.iter().take_while(|tie| tie.probability >= threshold);
    let (hits, vain) = acted.fold((0.0, 0.0), |sum, tie| (sum.0 + tie.positives, sum.1 + tie.negatives));
    (hits - vain * threshold / (1.0 - threshold)) / ranking.rows()
}

fn benefits(own: &Shape, drawn: &[Shape], thresholds: &[f64], model: &Ranking, baseline: &Ranking) -> Vec<NetBenefit> {
    let at = |(place, threshold): (usize, &f64)| {
        let Interval { low, high } = interval(own.benefit[place], drawn.iter().map(|shape| shape.benefit[place]));
        NetBenefit {
            threshold: *threshold,
            model: own.benefit[place],
            low,
            high,
            baseline: net_benefit(baseline, *threshold),
            everyone: (model.positives - model.negatives * threshold / (1.0 - threshold)) / model.rows(),
        }
    };
    thresholds.iter().enumerate().map(at).collect()
}
