//! One model from some rows of a coded table: what is chosen is chosen on inner folds of these rows, the calibrator
//! is fitted on their held-out predictions, and the model on all of them. Nothing outside these rows is looked at but
//! the finest bins, which know no label.

use rayon::prelude::*;

use super::coarse::{Coarse, Model};
use super::coded::CodedTable;
use super::folds::{self, Fold};
use super::interactions::{self, Step};
use super::recipe::{Choice, Recipe};
use crate::learners::families::family::Family;
use crate::learners::families::scorecard::Held;
use crate::learners::fitting::calibrate::Platt;
use crate::learners::fitting::fit;
use crate::learners::measuring::evaluate::row_loss;
use crate::statistics::sigmoid;

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
        let held = Held { codes: coarse.codes(table, &fold.judge), labels: table.labels_at(&fold.judge) };
        learner.judged(&coarse.encoded, &table.labels_at(&fold.fit), &held, &candidates)
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
    let card = learner.fit(&coarse.encoded, &table.labels_at(rows), candidate)?;
    Ok(Trained { model: coarse.model(card), calibrator, chosen: learner.chosen(candidate) })
}

fn scorecard(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Result<Trained, fit::Error> {
    let labels = table.labels_at(rows);
    let choices = choices(table, &labels, recipe);
    let mut best: Option<(Recipe, Tuned)> = None;
    for features in &choices {
        let recipe = Recipe { features: *features, ..recipe.clone() };
        let tuned = tune(table, rows, &recipe);
        if best.as_ref().is_some_and(|(_, best)| best.loss <= tuned.loss) {
            break;
        }
        best = Some((recipe, tuned));
    }
    let (recipe, tuned) = &best.ok_or(fit::Error::OneClass(rows.len()))?;
    let coarse = Coarse::of(table, rows, recipe);
    let fitted = coarse.encoded.fit(&labels, tuned.ridge)?;
    let mut chosen = format!("ridge {}", tuned.ridge);
    if choices.len() > 1 {
        chosen += &format!(", {} features", coarse.maps.len());
    }
    let steps = boosted(&coarse, &fitted, &labels, recipe.pairs, tuned.steps);
    let model = coarse.with_steps(&fitted, tuned.ridge, &steps);
    if tuned.steps > 0 {
        chosen += &format!(", {} pairs in {} steps", model.pairs.len(), steps.len());
    }
    Ok(Trained { model, calibrator: tuned.calibrator, chosen })
}

fn boosted(coarse: &Coarse, fitted: &fit::Fitted, labels: &[bool], pairs: usize, steps: usize) -> Vec<Step> {
    if pairs == 0 || steps == 0 {
        return Vec::new();
    }
    let z = coarse.encoded.design.log_odds(fitted);
    interactions::boosted(&coarse.encoded, z, labels, &fitted.effects, pairs, steps)
}

/// Features that any table may have.
const FEW_FEATURES: usize = 30;

/// Above so many features of a table those that add to each other are looked for first. On 140 public and drawn
/// tables this lowers the log loss of 5 by 0.002 to 0.06, raises that of 5 by at most 0.005, and leaves the others alone.
const MANY_FEATURES: usize = 40;
/// Most features of the first try.
const MOST_TOGETHER: usize = 100;

/// What is tried, the fewest features first and more as long as they pay: at most a quarter of the rows of the rarer
/// outcome, then as many as there are. Which ones they are is decided in each fit.
fn choices(table: &CodedTable, labels: &[bool], recipe: &Recipe) -> Vec<Choice> {
    let positives = labels.iter().filter(|label| **label).count();
    let rarer = positives.min(labels.len() - positives);
    let most = |features: usize| features.max(FEW_FEATURES).min(recipe.features.most());
    let (few, many, all) = (most(rarer / 4), most(rarer), table.features.len());
    let together = (all > MANY_FEATURES).then_some(Choice::Together(few.min(MOST_TOGETHER)));
    let alone = [few, many].into_iter().filter(|width| *width < all || *width == many).map(Choice::Alone);
    let mut choices: Vec<Choice> = together.into_iter().chain(alone).collect();
    choices.dedup();
    choices
}

struct Tuned {
    ridge: f64,
    /// Steps of pairs; none where they do not pay.
    steps: usize,
    calibrator: Platt,
    /// Summed over the rows that the inner fits did not see; infinite where there are none.
    loss: f64,
}

/// The ridge with the least loss on rows that the inner fits did not see, the steps of pairs that lower it most, if by
/// more than a standard error, and the calibrator of those rows.
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
        return Tuned { ridge, steps: 0, calibrator: Platt::default(), loss: f64::INFINITY };
    };
    let plain = of(best);
    let stepped: Vec<Stepped> = inner.par_iter().map(|fold| fold.stepped(table, recipe, best)).collect();
    let after = |steps: usize| -> Vec<f64> { stepped.iter().flat_map(|fold| fold.after(steps)).collect() };
    let paths: Vec<Vec<f64>> =
        stepped.par_iter().zip(&folds).map(|(fold, of)| fold.path(&table.labels_at(&of.judge))).collect();
    let total = |steps: usize| paths.iter().map(|path| path[steps.min(path.len() - 1)]).sum::<f64>();
    let longest = paths.iter().map(Vec::len).max().unwrap_or_default();
    let steps = (0..longest).min_by(|a, b| total(*a).total_cmp(&total(*b))).unwrap_or_default();
    let steps = if pays(&losses(&after(steps), &labels), &losses(&plain, &labels), 1.0) { steps } else { 0 };
    let held = after(steps);
    Tuned { ridge: recipe.ridges[best], steps, calibrator: Platt::fit(&held, &labels), loss: loss(&held) }
}

/// One inner fold and the fits of every ridge on it.
struct Inner<'a> {
    fold: &'a Fold,
    labels: Vec<bool>,
    coarse: Coarse,
    path: Vec<Option<fit::Fitted>>,
}

impl<'a> Inner<'a> {
    fn of(table: &CodedTable, fold: &'a Fold, recipe: &Recipe) -> Inner<'a> {
        let (coarse, labels) = (Coarse::of(table, &fold.fit, recipe), table.labels_at(&fold.fit));
        let held = Held { codes: coarse.codes(table, &fold.judge), labels: table.labels_at(&fold.judge) };
        let mut worse = Worse::default();
        let path = coarse.encoded.path_while(&labels, &recipe.ridges, &mut |fitted| {
            let z = held.log_odds(&coarse.encoded.scorecard(fitted, 0.0));
            worse.go_on(losses(&z, &held.labels))
        });
        Inner { fold, labels, coarse, path }
    }

    /// Log-odds of the judged rows; not a number where the ridge could not be fitted.
    fn log_odds(&self, table: &CodedTable, recipe: &Recipe, candidate: usize) -> Vec<f64> {
        match &self.path[candidate] {
            None => vec![f64::NAN; self.fold.judge.len()],
            Some(fitted) => {
                let ridge = recipe.ridges[candidate];
                self.coarse.with_steps(fitted, ridge, &[]).log_odds(table, &self.fold.judge)
            }
        }
    }

    /// The judged rows without pairs, and the steps of the pairs that the fitted rows suggest.
    fn stepped(&self, table: &CodedTable, recipe: &Recipe, candidate: usize) -> Stepped {
        let plain = self.log_odds(table, recipe, candidate);
        let steps = self.path[candidate].as_ref().map_or(Vec::new(), |fitted| {
            boosted(&self.coarse, fitted, &self.labels, recipe.pairs, interactions::STEPS)
        });
        Stepped { plain, codes: self.coarse.codes(table, &self.fold.judge), steps }
    }
}

/// Standard errors that a penalty must lose by to be clearly worse.
const CLEARLY: f64 = 2.0;

/// Weaker penalties are not tried once two in a row lost clearly more than the best: on wide tables they take by far the
/// longest.
#[derive(Default)]
struct Worse {
    best: Vec<f64>,
    in_a_row: usize,
}

impl Worse {
    fn go_on(&mut self, losses: Vec<f64>) -> bool {
        if self.best.is_empty() || losses.iter().sum::<f64>() < self.best.iter().sum() {
            (self.best, self.in_a_row) = (losses, 0);
        } else if pays(&self.best, &losses, CLEARLY) {
            self.in_a_row += 1;
        }
        self.in_a_row < 2
    }
}

/// Judged rows of one fold, and the steps to take on them.
struct Stepped {
    plain: Vec<f64>,
    codes: Vec<Vec<u8>>,
    steps: Vec<Step>,
}

impl Stepped {
    /// Log-odds after so many steps, or all there are.
    fn after(&self, steps: usize) -> Vec<f64> {
        let mut z = self.plain.clone();
        self.steps.iter().take(steps).for_each(|step| step.add(&self.codes, &mut z));
        z
    }

    /// Summed loss without pairs and after each step.
    fn path(&self, labels: &[bool]) -> Vec<f64> {
        let mut z = self.plain.clone();
        let mut path = vec![losses(&z, labels).iter().sum()];
        for step in &self.steps {
            step.add(&self.codes, &mut z);
            path.push(losses(&z, labels).iter().sum());
        }
        path
    }
}

fn losses(log_odds: &[f64], labels: &[bool]) -> Vec<f64> {
    log_odds.iter().zip(labels).map(|(z, label)| row_loss(sigmoid(*z), *label)).collect()
}

/// Whether the mean of paired losses falls by more than so many standard errors of the difference.
fn pays(new: &[f64], old: &[f64], errors: f64) -> bool {
    let n = new.len() as f64;
    let differences: Vec<f64> = new.iter().zip(old).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    mean < -errors * (variance / n).sqrt()
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
    folds.iter().flat_map(|fold| table.labels_at(&fold.judge)).collect()
}
