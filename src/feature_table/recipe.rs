//! One model from some rows of a coded table: what is chosen is chosen on inner folds of these rows, the calibrator
//! is fitted on their held-out predictions, and the model on all of them. Nothing outside these rows is looked at but
//! the finest bins, which know no label.

use rayon::prelude::*;

use super::coarse::{Coarse, Model};
use super::coded::CodedTable;
use super::folds::{self, Fold};
use super::pairs;
use crate::models::calibrate::Platt;
use crate::models::evaluate::row_loss;
use crate::models::family::Family;
use crate::models::fit::{self, sigmoid};
use crate::models::monotone::Direction;
use crate::models::scorecard::Held;

/// What training may choose from.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub family: Family,
    /// Most bins per number.
    pub bins: usize,
    /// Most words per column; the rest share a bin.
    pub words: usize,
    /// Strengths of the penalty, strongest first, in the unit of summed log loss.
    pub ridges: Vec<f64>,
    /// Folds within the training rows, and within more of them than `few_rows`, where a choice is safe with fewer.
    pub inner_folds: usize,
    pub inner_folds_of_many: usize,
    pub few_rows: usize,
    /// Rows on which choices are made; of more, a sample.
    pub tuning_rows: usize,
    /// Most features of one model; of a scorecard at most as many as there are rows of the rarer outcome.
    pub features: usize,
    /// Most pairs of features.
    pub pairs: usize,
    /// Columns of numbers whose points must run one way.
    pub monotone: Vec<(String, Direction)>,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            family: Family::Scorecard,
            bins: 16,
            words: 60,
            ridges: vec![1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3],
            inner_folds: 5,
            inner_folds_of_many: 3,
            few_rows: 20_000,
            tuning_rows: 150_000,
            features: 400,
            pairs: 6,
            monotone: Vec::new(),
        }
    }
}

/// A model of a table's rows.
pub struct Trained {
    pub model: Model,
    pub calibrator: Platt,
    /// What was chosen on the inner folds, in words.
    pub chosen: String,
}

impl Trained {
    pub fn probabilities(&self, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
        self.model.log_odds(table, rows).into_iter().map(|z| sigmoid(self.calibrator.apply(z))).collect()
    }
}

/// Fits, chooses and calibrates on these rows.
pub fn train(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Result<Trained, fit::Error> {
    match recipe.family {
        Family::Scorecard => scorecard(table, rows, recipe),
        _ => without_pairs(table, rows, recipe),
    }
}

/// A family that stands on single features: its candidate with the least loss on rows that the inner fits did not see.
fn without_pairs(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Result<Trained, fit::Error> {
    let learner = recipe.family.learner();
    let candidates = learner.candidates(&recipe.ridges);
    let folds = inner_folds(table, &sampled(table, rows, recipe.tuning_rows), recipe);
    let judge = |fold: &Fold| {
        let coarse = Coarse::of(table, &fold.fit, recipe);
        let held = Held { codes: coarse.codes(table, &fold.judge), labels: labels_at(table, &fold.judge) };
        learner.judged(&coarse.encoded, &labels_at(table, &fold.fit), &held, &candidates)
    };
    let judged: Vec<Vec<Option<Vec<f64>>>> = folds.par_iter().map(judge).collect();
    let labels = judged_labels(table, &folds);
    let of = |candidate: usize| -> Option<Vec<f64>> {
        let by_fold: Option<Vec<&[f64]>> = judged.iter().map(|fold| fold[candidate].as_deref()).collect();
        by_fold.filter(|folds| !folds.is_empty()).map(|folds| folds.concat())
    };
    let loss = |z: &[f64]| losses(z, &labels).iter().sum::<f64>();
    let tried = candidates.iter().enumerate().filter_map(|(at, candidate)| {
        let z = of(at)?;
        Some((loss(&z), *candidate, z))
    });
    let best = tried.filter(|(loss, ..)| loss.is_finite()).min_by(|a, b| a.0.total_cmp(&b.0));
    let (candidate, calibrator) = match best {
        Some((_, candidate, z)) => (candidate, Platt::fit(&z, &labels)),
        None => (candidates[candidates.len() / 2], Platt::default()),
    };
    let coarse = Coarse::of(table, rows, recipe);
    let card = learner.fit(&coarse.encoded, &labels_at(table, rows), candidate)?;
    Ok(Trained { model: coarse.model(card), calibrator, chosen: learner.chosen(candidate) })
}

fn scorecard(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Result<Trained, fit::Error> {
    let labels = labels_at(table, rows);
    let tried = widths(table, &labels, recipe).into_iter().map(|features| Recipe { features, ..recipe.clone() });
    let tried = tried.map(|recipe| {
        let tuned = tune(table, rows, &recipe);
        (recipe, tuned)
    });
    let tried: Vec<(Recipe, Tuned)> = tried.collect();
    let best = tried.iter().min_by(|a, b| a.1.loss.total_cmp(&b.1.loss));
    let (recipe, tuned) = best.ok_or(fit::Error::OneClass(rows.len()))?;
    let coarse = Coarse::of(table, rows, recipe);
    let mut fitted = coarse.encoded.fit(&labels, tuned.ridge)?;
    let mut chosen = format!("ridge {}", tuned.ridge);
    if tried.len() > 1 {
        chosen += &format!(", {} features", coarse.maps.len());
    }
    let mut pairs = Vec::new();
    let mut encoded = None;
    if tuned.with_pairs {
        let z = coarse.encoded.design.log_odds(&fitted);
        pairs = pairs::screen(&coarse.encoded, &z, &labels, &fitted.effects, tuned.ridge, recipe.pairs);
        let with_pairs = coarse.with_pairs(&pairs);
        fitted = with_pairs.fit(&labels, tuned.ridge)?;
        encoded = Some(with_pairs);
        chosen += &format!(", {} pairs", pairs.len());
    }
    let model = coarse.with_points(encoded.as_ref().unwrap_or(&coarse.encoded), &fitted, tuned.ridge, &pairs);
    Ok(Trained { model, calibrator: tuned.calibrator, chosen })
}

/// Features that any table may have.
const FEW_FEATURES: usize = 30;

/// How many features are tried, the most first: as many as there are rows of the rarer outcome, and a quarter of that
/// where the table has so many. Which ones they are is screened in each fit.
fn widths(table: &CodedTable, labels: &[bool], recipe: &Recipe) -> Vec<usize> {
    let positives = labels.iter().filter(|label| **label).count();
    let rarer = positives.min(labels.len() - positives);
    let most = |features: usize| features.max(FEW_FEATURES).min(recipe.features);
    let mut widths = vec![most(rarer), most(rarer / 4)];
    widths.dedup();
    if table.features.len() <= widths[widths.len() - 1] {
        widths.truncate(1);
    }
    widths
}

struct Tuned {
    ridge: f64,
    with_pairs: bool,
    calibrator: Platt,
    /// Summed over the rows that the inner fits did not see; infinite where there are none.
    loss: f64,
}

/// The ridge with the least loss on rows that the inner fits did not see, whether pairs lower it by more than a
/// standard error, and the calibrator of those rows.
fn tune(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Tuned {
    let rows = sampled(table, rows, recipe.tuning_rows);
    let folds = inner_folds(table, &rows, recipe);
    let inner: Vec<Inner> = folds.par_iter().map(|fold| Inner::of(table, fold, recipe)).collect();
    let labels = judged_labels(table, &folds);
    let loss = |z: &[f64]| losses(z, &labels).iter().sum::<f64>();
    let of = |candidate: usize| -> Vec<f64> {
        inner.iter().flat_map(|fold| fold.log_odds(table, recipe, candidate)).collect()
    };
    let candidates = (0..recipe.ridges.len()).map(|candidate| (loss(&of(candidate)), candidate));
    let best = candidates.filter(|(loss, _)| loss.is_finite()).min_by(|a, b| a.0.total_cmp(&b.0));
    let Some((_, best)) = best.filter(|_| !labels.is_empty()) else {
        let ridge = recipe.ridges[recipe.ridges.len() / 2];
        return Tuned { ridge, with_pairs: false, calibrator: Platt::default(), loss: f64::INFINITY };
    };
    let plain = of(best);
    let weaker = recipe.ridges.iter().position(|ridge| *ridge <= PAIRS_RIDGE).filter(|weaker| *weaker > best);
    let with_pairs = |candidate: usize| {
        let by_fold = inner.par_iter().map(|fold| fold.log_odds_with_pairs(table, recipe, candidate));
        let by_fold: Option<Vec<Vec<f64>>> = by_fold.collect();
        Some((candidate, by_fold?.concat()))
    };
    let paired = std::iter::once(best).chain(weaker).filter_map(with_pairs);
    let paired = paired.min_by(|a, b| loss(&a.1).total_cmp(&loss(&b.1)));
    let paired = paired.filter(|(_, paired)| pays(&losses(paired, &labels), &losses(&plain, &labels)));
    let (candidate, held) = paired.as_ref().map_or((best, &plain), |(candidate, held)| (*candidate, held));
    let calibrator = Platt::fit(held, &labels);
    Tuned { ridge: recipe.ridges[candidate], with_pairs: paired.is_some(), calibrator, loss: loss(held) }
}

/// Pairs are tried with a penalty no stronger than this too: where little is told by one feature alone, the strongest
/// penalty wins and would flatten what only two tell together.
const PAIRS_RIDGE: f64 = 30.0;

/// One inner fold and the fits of every ridge on it.
struct Inner<'a> {
    fold: &'a Fold,
    labels: Vec<bool>,
    coarse: Coarse,
    path: Vec<Option<fit::Fitted>>,
}

impl<'a> Inner<'a> {
    fn of(table: &CodedTable, fold: &'a Fold, recipe: &Recipe) -> Inner<'a> {
        let (coarse, labels) = (Coarse::of(table, &fold.fit, recipe), labels_at(table, &fold.fit));
        let path = coarse.encoded.path(&labels, &recipe.ridges);
        Inner { fold, labels, coarse, path }
    }

    /// Log-odds of the judged rows; not a number where the ridge could not be fitted.
    fn log_odds(&self, table: &CodedTable, recipe: &Recipe, candidate: usize) -> Vec<f64> {
        match &self.path[candidate] {
            None => vec![f64::NAN; self.fold.judge.len()],
            Some(fitted) => {
                let ridge = recipe.ridges[candidate];
                self.coarse.with_points(&self.coarse.encoded, fitted, ridge, &[]).log_odds(table, &self.fold.judge)
            }
        }
    }

    /// The same with the pairs that these rows suggest; `None` where they suggest none.
    fn log_odds_with_pairs(&self, table: &CodedTable, recipe: &Recipe, candidate: usize) -> Option<Vec<f64>> {
        let (fitted, ridge, encoded) = (self.path[candidate].as_ref()?, recipe.ridges[candidate], &self.coarse.encoded);
        let z = encoded.design.log_odds(fitted);
        let pairs = pairs::screen(encoded, &z, &self.labels, &fitted.effects, ridge, recipe.pairs);
        if pairs.is_empty() {
            return None;
        }
        let with_pairs = self.coarse.with_pairs(&pairs);
        let fitted = with_pairs.fit(&self.labels, ridge).ok()?;
        Some(self.coarse.with_points(&with_pairs, &fitted, ridge, &pairs).log_odds(table, &self.fold.judge))
    }
}

fn losses(log_odds: &[f64], labels: &[bool]) -> Vec<f64> {
    log_odds.iter().zip(labels).map(|(z, label)| row_loss(sigmoid(*z), *label)).collect()
}

/// Whether the mean of paired losses falls by more than one standard error of the difference.
fn pays(new: &[f64], old: &[f64]) -> bool {
    let n = new.len() as f64;
    let differences: Vec<f64> = new.iter().zip(old).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    mean < -(variance / n).sqrt()
}

/// All rows, or those whose id's hash is lowest: ids stay whole.
fn sampled(table: &CodedTable, rows: &[u32], most: usize) -> Vec<u32> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let limit = (most as f64 / rows.len() as f64 * u64::MAX as f64) as u64;
    rows.iter().copied().filter(|row| table.ids[*row as usize] <= limit).collect()
}

const INNER_SEED: u64 = 17;

/// Folds with both outcomes on either side; none where the rows do not allow it.
fn inner_folds(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Vec<Fold> {
    let count = if rows.len() <= recipe.few_rows { recipe.inner_folds } else { recipe.inner_folds_of_many };
    let folds = match &table.times {
        Some(times) => folds::expanding(rows, times, count, 0.0).unwrap_or_default(),
        None => folds::stratified(rows, &table.labels, &table.ids, count, INNER_SEED),
    };
    let both = |rows: &[u32]| {
        let positives = rows.iter().filter(|row| table.labels[**row as usize]).count();
        positives >= 2 && positives < rows.len()
    };
    folds.into_iter().filter(|fold| both(&fold.fit) && both(&fold.judge)).collect()
}

fn judged_labels(table: &CodedTable, folds: &[Fold]) -> Vec<bool> {
    folds.iter().flat_map(|fold| labels_at(table, &fold.judge)).collect()
}

pub(super) fn labels_at(table: &CodedTable, rows: &[u32]) -> Vec<bool> {
    rows.iter().map(|row| table.labels[*row as usize]).collect()
}
