//! The boosting challenger: how many rounds is decided on held-out rows; the trees answer, and their Shapley values
//! explain.

use rayon::prelude::*;

use super::learner::Learner;
use super::scorecard::{Encoded, Held, Scorecard};
use crate::learners::columns::bins::Bins;
use crate::learners::fitting::boosting::{Boosted, Coded, Params, Tree, base_log_odds};
use crate::learners::fitting::fit;
use crate::learners::measuring::evaluate::row_loss;
use crate::statistics::sigmoid;

const PARAMS: Params = Params { rounds: 500, leaves: 8, learning_rate: 0.05, l2: 5.0, min_rows: 20, column_share: 0.6 };

/// Rounds that are tried.
const ROUNDS: [f64; 13] =
    [10.0, 20.0, 30.0, 40.0, 50.0, 70.0, 100.0, 130.0, 170.0, 220.0, 290.0, 380.0, PARAMS.rounds as f64];

/// Rounds without a lower held-out loss after which boosting stops.
const PATIENCE: usize = 50;

const BINS: usize = 64;

/// Rows whose Shapley values say how the trees lean.
const EXPLAINED_ROWS: usize = 1_000;

pub struct Trees;

impl Learner for Trees {
    fn bins(&self, _: usize, _: usize) -> usize {
        BINS
    }

    fn candidates(&self, _: &[f64]) -> Vec<f64> {
        ROUNDS.to_vec()
    }

    /// One fit that is read on its way; candidates beyond its end are as it ended.
    fn judged(&self, encoded: &Encoded, labels: &[bool], held: &Held, candidates: &[f64]) -> Vec<Option<Vec<f64>>> {
        let most = candidates.iter().fold(0.0f64, |most, rounds| most.max(*rounds)) as usize;
        let mut z = vec![base_log_odds(labels); held.labels.len()];
        let mut judged: Vec<Option<Vec<f64>>> = Vec::with_capacity(candidates.len());
        let (mut round, mut best) = (0, (f64::INFINITY, 0));
        fitted(encoded, labels, most, &mut |tree| {
            z.iter_mut().enumerate().for_each(|(row, z)| *z += tree.value(|feature| held.codes[feature][row]));
            round += 1;
            if candidates.get(judged.len()).is_some_and(|rounds| *rounds as usize == round) {
                judged.push(Some(z.clone()));
            }
            let loss: f64 = z.iter().zip(&held.labels).map(|(z, label)| row_loss(sigmoid(*z), *label)).sum();
            if loss < best.0 {
                best = (loss, round);
            }
            round < best.1 + PATIENCE
        });
        judged.resize(candidates.len(), Some(z));
        judged
    }

    fn fit(&self, encoded: &Encoded, labels: &[bool], candidate: f64) -> Result<Scorecard, fit::Error> {
        if labels.iter().all(|label| *label) || !labels.iter().any(|label| *label) {
            return Err(fit::Error::OneClass(labels.len()));
        }
        Ok(leaning(encoded, fitted(encoded, labels, candidate as usize, &mut |_| true)))
    }

    fn chosen(&self, candidate: f64) -> String {
        format!("{candidate} trees")
    }
}

fn fitted(encoded: &Encoded, labels: &[bool], rounds: usize, watch: &mut dyn FnMut(&Tree) -> bool) -> Boosted {
    let ordered: Vec<bool> = encoded.specs.iter().map(|(_, bins, _)| matches!(bins, Bins::Numbers { .. })).collect();
    let coded = Coded { codes: &encoded.design.codes, ordered: &ordered, directions: &encoded.ordered_directions() };
    Boosted::fit(&coded, labels, &Params { rounds, ..PARAMS }, watch)
}

/// The trees with mean Shapley values by code, over rows spread evenly, as points.
fn leaning(encoded: &Encoded, trees: Boosted) -> Scorecard {
    let codes = &encoded.design.codes;
    let step = encoded.design.rows.div_ceil(EXPLAINED_ROWS).max(1);
    let rows: Vec<usize> = (0..encoded.design.rows).step_by(step).collect();
    let explained: Vec<Vec<f64>> =
        rows.par_iter().map(|row| trees.contributions(|feature| codes[feature][*row]).1).collect();
    let points = |feature: usize| {
        let mut met = vec![(0.0, 0.0); encoded.counts[feature].len()];
        for (row, shares) in rows.iter().zip(&explained) {
            let (sum, n) = &mut met[usize::from(codes[feature][*row])];
            *sum += shares[feature];
            *n += 1.0;
        }
        met.into_iter().map(|(sum, n)| sum / f64::max(n, 1.0)).collect()
    };
    let features = (0..codes.len()).map(|feature| encoded.feature(feature, points(feature))).collect();
    Scorecard { base: trees.expected(|_| None), ridge: PARAMS.l2, features, trees: Some(trees) }
}
