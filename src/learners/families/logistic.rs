//! The plain challenger: linfa's logistic regression on standardised numbers and one column per word, written as points
//! by bin, so that it is applied and explained like the scorecard. A number whose slope runs against its direction is taken
//! out and the others are fitted again, which is what a sign constraint comes to.

use super::learner::Learner;
use super::scorecard::{Encoded, Held, Scorecard};
use crate::learners::columns::bins::Bins;
use crate::learners::fitting::design::dot;
use crate::learners::fitting::fit;

/// Words of fewer training rows than this have no column of their own.
const LEAST_ROWS: u32 = 10;

/// scikit-learn's default penalty, C = 1.
const RIDGE: f64 = 1.0;

/// A number is read as the mean of its bin; so many are near enough to the number itself.
const BINS: usize = 64;

/// Gradient per row at which the fit stops.
const TOLERANCE: f64 = 1e-4;

pub struct Logistic;

impl Learner for Logistic {
    fn bins(&self, _: usize, _: usize) -> usize {
        BINS
    }

    fn candidates(&self, _: &[f64]) -> Vec<f64> {
        vec![RIDGE]
    }

    fn judged(&self, encoded: &Encoded, labels: &[bool], held: &Held, candidates: &[f64]) -> Vec<Option<Vec<f64>>> {
        let judged = |candidate: &f64| Some(held.log_odds(&self.fit(encoded, labels, *candidate).ok()?));
        candidates.iter().map(judged).collect()
    }

    fn fit(&self, encoded: &Encoded, labels: &[bool], candidate: f64) -> Result<Scorecard, fit::Error> {
        let mut columns: Vec<Columns> = (0..encoded.specs.len()).map(|at| Columns::of(encoded, at)).collect();
        let directions = encoded.ordered_directions();
        loop {
            let (intercept, effects) = solved(&columns, encoded, labels, candidate)?;
            let against = |at: &usize| directions[*at].is_broken_by(&columns[*at].line(&effects[*at]));
            let against: Vec<usize> = (0..columns.len()).filter(against).collect();
            if against.is_empty() {
                return Ok(encoded.centred(intercept, &effects, candidate));
            }
            against.into_iter().for_each(|at| columns[at].flatten());
        }
    }

    fn chosen(&self, candidate: f64) -> String {
        format!("ridge {candidate}")
    }
}

/// Intercept, and effect per feature and code.
fn solved(
    columns: &[Columns],
    encoded: &Encoded,
    labels: &[bool],
    ridge: f64,
) -> Result<(f64, Vec<Vec<f64>>), fit::Error> {
    let width: usize = columns.iter().map(|columns| columns.width).sum();
    let mut values = Vec::with_capacity(labels.len() * width);
    for row in 0..labels.len() {
        for (codes, columns) in encoded.design.codes.iter().zip(columns) {
            values.extend_from_slice(columns.row(codes[row]));
        }
    }
    let (intercept, weights) = fit::plain(values, labels, ridge, TOLERANCE)?;
    let mut rest = weights.as_slice();
    let effects = columns.iter().map(|columns| {
        let own;
        (own, rest) = rest.split_at(columns.width);
        columns.by_code.chunks_exact(columns.width).map(|row| dot(row, own)).collect()
    });
    let effects = effects.collect();
    Ok((intercept, effects))
}

/// Values of a feature's columns: one row per code.
struct Columns {
    width: usize,
    by_code: Vec<f64>,
    /// Codes of numbers that training rows have, in order.
    met: Vec<usize>,
}

impl Columns {
    fn of(encoded: &Encoded, at: usize) -> Columns {
        let (counts, means) = (&encoded.counts[at], &encoded.means[at]);
        let by_code = match &encoded.specs[at].1 {
            Bins::Numbers { .. } => standardised(means, counts),
            Bins::Words { .. } => one_per_word(counts),
        };
        let met = (1..counts.len()).filter(|code| counts[*code] > 0).collect();
        Columns { width: by_code[0].len(), by_code: by_code.concat(), met }
    }

    /// Effects of the numbers that occur, in their order.
    fn line(&self, effects: &[f64]) -> Vec<f64> {
        self.met.iter().map(|code| effects[*code]).collect()
    }

    /// Takes the number itself out; whether it is missing stays.
    fn flatten(&mut self) {
        self.by_code.iter_mut().step_by(self.width).for_each(|value| *value = 0.0);
    }

    fn row(&self, code: u8) -> &[f64] {
        let from = usize::from(code) * self.width;
        &self.by_code[from..from + self.width]
    }
}

/// The number with mean 0 and variance 1, the mean where it is missing; and whether it is, where some are.
fn standardised(means: &[f64], met: &[u32]) -> Vec<Vec<f64>> {
    let known = || met[1..].iter().zip(&means[1..]).map(|(n, mean)| (f64::from(*n), *mean));
    let n: f64 = known().map(|(n, _)| n).sum::<f64>().max(1.0);
    let mean = known().map(|(n, value)| n * value).sum::<f64>() / n;
    let spread = (known().map(|(n, value)| n * (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scaled = |value: f64| if spread > 0.0 { (value - mean) / spread } else { 0.0 };
    let of = |code: usize| match (code, met[0] > 0) {
        (0, true) => vec![0.0, 1.0],
        (0, false) => vec![0.0],
        (code, true) => vec![scaled(means[code]), 0.0],
        (code, false) => vec![scaled(means[code])],
    };
    (0..met.len()).map(of).collect()
}

fn one_per_word(met: &[u32]) -> Vec<Vec<f64>> {
    let own: Vec<usize> = (0..met.len()).filter(|code| met[*code] >= LEAST_ROWS).collect();
    let of = |code: usize| (0..own.len().max(1)).map(|k| f64::from(u8::from(own.get(k) == Some(&code)))).collect();
    (0..met.len()).map(of).collect()
}
