//! The boosting challenger: how many rounds is decided on inner folds, like every choice.

use rayon::prelude::*;

use super::coded::CodedTable;
use super::folds::Fold;
use super::recipe::{Body, Recipe, Trained, inner_folds, judged_labels, labels_at, sampled};
use crate::models::bins::Bins;
use crate::models::boosting::{Boosted, Coded, Params};
use crate::models::calibrate::Platt;
use crate::models::evaluate::row_loss;
use crate::models::fit::sigmoid;

const PARAMS: Params = Params { rounds: 600, leaves: 8, learning_rate: 0.05, l2: 5.0, min_rows: 20, column_share: 0.6 };

/// Rounds without a lower held-out loss after which boosting stops.
const PATIENCE: usize = 50;

pub fn train(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Trained {
    let folds = inner_folds(table, &sampled(table, rows, recipe.tuning_rows), recipe);
    let inner: Vec<(Boosted, Vec<f64>)> = folds.par_iter().map(|fold| watched(table, fold)).collect();
    let rounds = best_round(&inner);
    let truncated = |((boosted, _), fold): (&(Boosted, Vec<f64>), &Fold)| {
        let trees = boosted.trees.iter().take(rounds).cloned().collect();
        log_odds(&Boosted { trees, ..boosted.clone() }, table, &fold.judge)
    };
    let judged: Vec<f64> = inner.iter().zip(&folds).flat_map(truncated).collect();
    let calibrator =
        if judged.is_empty() { Platt::default() } else { Platt::fit(&judged, &judged_labels(table, &folds)) };
    let boosted = fit(table, rows, rounds, &mut |_| true);
    Trained { body: Body::Boosted(boosted), calibrator, chosen: format!("{rounds} trees") }
}

fn fit(
    table: &CodedTable,
    rows: &[u32],
    rounds: usize,
    watch: &mut dyn FnMut(&crate::models::boosting::Tree) -> bool,
) -> Boosted {
    let ordered: Vec<bool> = table.features.iter().map(|f| matches!(f.fine, Bins::Numbers { .. })).collect();
    let codes = table.features.par_iter().map(|f| rows.iter().map(|row| f.codes[*row as usize]).collect()).collect();
    let (params, labels) = (Params { rounds, ..PARAMS }, labels_at(table, rows));
    Boosted::fit(&Coded { codes, ordered: &ordered }, &labels, &params, watch)
}

/// A fit and its held-out summed loss after every round.
fn watched(table: &CodedTable, fold: &Fold) -> (Boosted, Vec<f64>) {
    let labels = labels_at(table, &fold.judge);
    let positives = labels_at(table, &fold.fit).iter().filter(|label| **label).count() as f64;
    let base = ((positives + 0.5) / (fold.fit.len() as f64 - positives + 0.5)).ln();
    let mut z = vec![base; fold.judge.len()];
    let (mut curve, mut best) = (Vec::new(), (f64::INFINITY, 0));
    let boosted = fit(table, &fold.fit, PARAMS.rounds, &mut |tree| {
        z.iter_mut().zip(&fold.judge).for_each(|(z, row)| *z += tree.value(|f| table.features[f].codes[*row as usize]));
        let loss = z.iter().zip(&labels).map(|(z, label)| row_loss(sigmoid(*z), *label)).sum();
        curve.push(loss);
        if loss < best.0 {
            best = (loss, curve.len());
        }
        curve.len() < best.1 + PATIENCE
    });
    (boosted, curve)
}

/// The number of rounds with the least summed loss; a fold that stopped earlier keeps its last loss.
fn best_round(inner: &[(Boosted, Vec<f64>)]) -> usize {
    let longest = inner.iter().map(|(_, curve)| curve.len()).max().unwrap_or(0);
    let at = |round: usize| {
        let loss = |curve: &Vec<f64>| curve.get(round).or(curve.last()).copied().unwrap_or(f64::INFINITY);
        inner.iter().map(|(_, curve)| loss(curve)).sum::<f64>()
    };
    let best = (0..longest).min_by(|a, b| at(*a).total_cmp(&at(*b)));
    best.map_or(50, |round| round + 1)
}

pub fn log_odds(boosted: &Boosted, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
    rows.par_iter().map(|row| boosted.log_odds(|f| table.features[f].codes[*row as usize])).collect()
}
