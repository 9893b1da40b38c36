//! One model from its labelled rows: split by time, ridge chosen on time-ordered folds, calibrated on later rows,
//! judged on the latest, and then fitted once more on all of them.
//!
//! Too little history or a model that does not beat its baseline is an answer, not an error: the artifact then
//! abstains, says why, and answers with the baseline's rates.

use super::Settings;
use super::artifact::{Artifact, Evaluation, Fit, TrainedOn};
use super::baseline::Baseline;
use super::bootstrap::{Scored, paired};
use super::calibrate::Platt;
use super::evaluate::{Grade, metrics};
use super::fit::{sigmoid, softplus};
use super::grain::Split;
use super::scorecard::{Encoded, Scorecard};
use super::table::{Column, Frame};
use super::tested;
use super::uncertainty::Uncertainty;
use super::{leakage, select};
use crate::vocabulary::{Day, PropensityKind};

/// What a model is asked to predict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: PropensityKind,
    /// Product id of a cross-sell model; `None` for the others and for the model pooled over products.
    pub product: Option<String>,
    /// As sentences name it.
    pub product_name: Option<String>,
    pub horizon_days: i32,
}

/// Labelled rows of one target, oldest first. `rows` point into `frame`; the other three run beside them.
pub struct Examples<'a> {
    pub frame: Frame<'a>,
    pub rows: Vec<u32>,
    pub labels: Vec<bool>,
    pub days: Vec<Day>,
    pub account_hashes: Vec<u64>,
}

impl Examples<'_> {
    pub fn positives(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// Positions of the rows whose day and account hash `keep` accepts.
    pub fn positions(&self, keep: impl Fn(Day, u64) -> bool) -> Vec<u32> {
        let rows = self.days.iter().zip(&self.account_hashes).enumerate();
        rows.filter(|(_, (day, hash))| keep(**day, **hash)).map(|(position, _)| position as u32).collect()
    }

    fn rows_at(&self, positions: &[u32]) -> Vec<u32> {
        positions.iter().map(|p| self.rows[*p as usize]).collect()
    }

    fn accounts_at(&self, positions: &[u32]) -> Vec<u64> {
        positions.iter().map(|p| self.account_hashes[*p as usize]).collect()
    }

    fn labels_at(&self, positions: &[u32]) -> Vec<bool> {
        positions.iter().map(|p| self.labels[*p as usize]).collect()
    }
}

/// Positions of the rows of each part of the split.
struct Parts {
    split: Split,
    train: Vec<u32>,
    calibrate: Vec<u32>,
    test: Vec<u32>,
}

/// Groups of accounts, each judged by what the others have calibrated.
const ACCOUNT_GROUPS: u64 = 5;
/// Positives in each part that a split is chosen for where the history allows it.
const POSITIVES_OF_PART: usize = 10;
/// Fewest positives in a part for its figures to mean anything.
const MIN_POSITIVES_OF_PART: usize = 5;

/// A trained model and what it said of the test rows before it had seen them.
pub struct Challenger {
    pub artifact: Artifact,
    pub tested: Vec<Tested>,
}

/// One test row: its position in the examples, the probability of the model fitted on the training days alone, and
/// the one of the rule to beat.
#[derive(Clone, Copy, Debug)]
pub struct Tested {
    pub position: u32,
    pub probability: f64,
    pub baseline: f64,
}

/// Trains the target's model; what it cannot do it says in [`Artifact::abstains`].
pub fn train(target: &Target, as_of: Day, examples: &Examples, settings: &Settings) -> Challenger {
    let fallback = fallback(target, examples);
    let trained = TrainedOn::on(as_of, examples);
    match attempt(target, examples, settings) {
        Err(reason) => {
            let artifact = Artifact::assembled(target, trained, fallback, None, Some(reason), settings);
            Challenger { artifact, tested: Vec::new() }
        }
        Ok(Judged { fitted, tested }) => {
            let evaluation = &fitted.evaluation;
            let abstains = (!evaluation.beats_baseline())
                .then(|| format!("does no better than the {} on later rows", evaluation.baseline_name));
            let artifact = Artifact::assembled(target, trained, fallback, Some(fitted), abstains, settings);
            Challenger { artifact, tested }
        }
    }
}

struct Judged {
    fitted: Fit,
    tested: Vec<Tested>,
}

fn attempt(target: &Target, examples: &Examples, settings: &Settings) -> Result<Judged, String> {
    let positives = examples.positives();
    if positives < settings.min_positives as usize {
        return Err(format!("{positives} positives of the {} that a model needs", settings.min_positives));
    }
    judged(target, examples, &parts(target, examples, settings)?, settings)
}

/// What answers where the model abstains, from all labelled rows.
fn fallback(target: &Target, examples: &Examples) -> Baseline {
    match target.kind {
        PropensityKind::CrossSell => Baseline::by_purchases(&examples.frame, &examples.rows, &examples.labels),
        _ => baseline(target, examples, &examples.rows, &examples.labels),
    }
}

/// The rule to beat, learned on the given rows.
fn baseline(target: &Target, examples: &Examples, rows: &[u32], labels: &[bool]) -> Baseline {
    match target.kind {
        PropensityKind::Churn => Baseline::by_segment("base rate by segment", &examples.frame, rows, labels),
        PropensityKind::Upsell => Baseline::by_utilization(&examples.frame, rows, labels),
        PropensityKind::CrossSell => Baseline::by_segment("most purchased, by segment", &examples.frame, rows, labels),
    }
}

/// The first split whose parts hold enough positives; what the last one lacks, where none does.
fn parts(target: &Target, examples: &Examples, settings: &Settings) -> Result<Parts, String> {
    let mut days = examples.days.clone();
    days.dedup();
    let embargo = target.horizon_days + settings.lead_days;
    let mut lacking =
        format!("{} labelled days leave no day to train on before an embargo of {embargo} days", days.len());
    for least in [POSITIVES_OF_PART, MIN_POSITIVES_OF_PART] {
        for split in Split::candidates(&days, embargo) {
            match Parts::of(split, examples).with_at_least(least, examples) {
                Ok(parts) => return Ok(parts),
                Err(lacks) => lacking = lacks,
            }
        }
    }
    Err(lacking)
}

impl Parts {
    fn of(split: Split, examples: &Examples) -> Parts {
        let of = |days: &[Day]| examples.positions(|day, _| days.contains(&day));
        Parts { train: of(&split.train), calibrate: of(&split.calibrate), test: of(&split.test), split }
    }

    /// Days that calibration and test share need the positives of both.
    fn with_at_least(self, positives: usize, examples: &Examples) -> Result<Parts, String> {
        let later = if self.split.shared { 2 * positives } else { positives };
        let parts = [
            ("training", &self.train, positives),
            ("calibration", &self.calibrate, later),
            ("test", &self.test, later),
        ];
        for (name, part, least) in parts {
            let found = examples.labels_at(part).iter().filter(|label| **label).count();
            if found < least || found == part.len() {
                return Err(format!("{found} positives among the {} rows of the {name} days", part.len()));
            }
        }
        Ok(self)
    }

    /// The calibrator that later rows ask for, and what is made of the test rows: where both share their days, by
    /// calibrators that have not seen the account.
    fn calibrated(&self, early: &Scorecard, examples: &Examples) -> (Platt, Vec<f64>) {
        let fitted = |rows: &[u32]| Platt::fit(&log_odds(early, examples, rows), &examples.labels_at(rows));
        let group = |row: &u32| (examples.account_hashes[*row as usize] % ACCOUNT_GROUPS) as usize;
        let without = |left_out: usize| -> Vec<u32> {
            self.calibrate.iter().copied().filter(|row| !self.split.shared || group(row) != left_out).collect()
        };
        let by_group: Vec<Platt> = (0..ACCOUNT_GROUPS as usize).map(|left_out| fitted(&without(left_out))).collect();
        let test = self.test.iter().zip(log_odds(early, examples, &self.test));
        (fitted(&self.calibrate), test.map(|(row, z)| sigmoid(by_group[group(row)].apply(z))).collect())
    }
}

/// Fits on the training days, calibrates and judges on later ones, then fits the judged recipe on every row.
fn judged(target: &Target, examples: &Examples, parts: &Parts, settings: &Settings) -> Result<Judged, String> {
    let recipe = Recipe::choose(target, examples, &parts.train, settings)?;
    let early = recipe.fit(examples, &parts.train)?;
    let (calibrator, probabilities) = parts.calibrated(&early, examples);
    let rule = baseline(target, examples, &examples.rows_at(&parts.train), &examples.labels_at(&parts.train));
    let ruled = rule.probabilities(&examples.frame, &examples.rows_at(&parts.test));
    let tested = parts.test.iter().zip(&probabilities).zip(&ruled);
    let tested: Vec<Tested> = tested
        .map(|((position, probability), baseline)| Tested {
            position: *position,
            probability: *probability,
            baseline: *baseline,
        })
        .collect();
    let evaluation = compared(rule, examples, parts, [&probabilities, &ruled], settings)
        .ok_or("the test days hold only one outcome")?;
    let scorecard = recipe.fit(examples, &examples.positions(|_, _| true))?;
    let uncertainty = Uncertainty::of(&tested::rows(examples, &tested));
    Ok(Judged { tested, fitted: Fit { scorecard, calibrator, evaluation, uncertainty } })
}

/// The model's test probabilities beside the baseline's.
fn compared(
    rule: Baseline,
    examples: &Examples,
    parts: &Parts,
    [own, ruled]: [&[f64]; 2],
    settings: &Settings,
) -> Option<Evaluation> {
    let (labels, accounts) = (examples.labels_at(&parts.test), examples.accounts_at(&parts.test));
    let (model, baseline) = (metrics(own, &labels)?, metrics(ruled, &labels)?);
    let by = settings.resampling();
    Some(Evaluation {
        split: parts.split.clone(),
        baseline_name: rule.name,
        grade: Grade::of(&model, &baseline),
        model,
        baseline,
        intervals: Scored::new(own, &labels, &accounts).and_then(|scored| scored.intervals(by)),
        against_baseline: paired(own, ruled, &labels, &accounts, by),
        ranking: None,
    })
}

/// What training decides before it fits: the columns and the strength of the penalty.
pub struct Recipe<'a> {
    columns: Vec<&'a Column>,
    pub ridge: f64,
    bins: usize,
}

impl<'a> Recipe<'a> {
    /// Decides on the rows at these positions and on nothing else.
    pub fn choose(
        target: &Target,
        examples: &Examples<'a>,
        positions: &[u32],
        settings: &Settings,
    ) -> Result<Recipe<'a>, String> {
        let (rows, labels) = (examples.rows_at(positions), examples.labels_at(positions));
        let bins = bins_for(&labels, settings);
        let encoded = Encoded::learn(&examples.frame.columns, &rows, bins);
        let hashes: Vec<u64> = positions.iter().map(|p| examples.account_hashes[*p as usize]).collect();
        if let Some(leak) = leakage::find(&encoded, &labels, &hashes, settings.leakage()) {
            return Err(leak.reason());
        }
        let columns = screened(&examples.frame, &encoded, &labels, settings);
        if columns.is_empty() {
            return Err("no feature tells the labels apart on the training days".to_owned());
        }
        let ridge = choose_ridge(examples, positions, &columns, bins, target, settings)?;
        Ok(Recipe { columns, ridge, bins })
    }

    pub fn fit(&self, examples: &Examples, positions: &[u32]) -> Result<Scorecard, String> {
        let encoded = Encoded::learn(&self.columns, &examples.rows_at(positions), self.bins);
        let fitted = encoded.fit(&examples.labels_at(positions), self.ridge).map_err(|e| e.to_string())?;
        Ok(encoded.scorecard(&fitted, self.ridge))
    }
}

/// A bin should hold a dozen positives or so: few positives are worth few bins.
fn bins_for(labels: &[bool], settings: &Settings) -> usize {
    let positives = labels.iter().filter(|label| **label).count();
    (positives / 12).max(4).min(settings.bins as usize)
}

/// The columns worth fitting, as judged on the training rows only.
fn screened<'a>(frame: &Frame<'a>, encoded: &Encoded, labels: &[bool], settings: &Settings) -> Vec<&'a Column> {
    let positives = labels.iter().filter(|label| **label).count();
    let most = (settings.max_features as usize).min(positives.max(10));
    let names = select::select(encoded, labels, most).into_iter().map(|i| &encoded.specs[i].0.name);
    names.filter_map(|name| frame.find(name)).collect()
}

/// Uncalibrated log-odds of the rows at these positions.
pub fn log_odds(scorecard: &Scorecard, examples: &Examples, positions: &[u32]) -> Vec<f64> {
    let columns: Vec<Option<&Column>> =
        scorecard.features.iter().map(|feature| examples.frame.find(&feature.spec.name)).collect();
    positions.iter().map(|p| scorecard.log_odds(&columns, examples.rows[*p as usize] as usize)).collect()
}

/// One fold: positions to fit on and, later in time, positions to judge on.
struct Fold {
    fit: Vec<u32>,
    judge: Vec<u32>,
}

/// Folds in time with the embargo between; halves of the accounts where the training days are too few for that.
fn folds(examples: &Examples, train: &[u32], embargo_days: i32) -> Vec<Fold> {
    let day = |p: &u32| examples.days[*p as usize];
    let mut days: Vec<Day> = train.iter().map(day).collect();
    days.dedup();
    let in_time = (1..=FOLDS).rev().filter_map(|back| {
        let from = *days.get(days.len().checked_sub(back)?)?;
        let to = days.get(days.len() + 1 - back).copied().unwrap_or(Day::MAX);
        Some(Fold {
            fit: train.iter().copied().filter(|p| day(p).plus(embargo_days) <= from).collect(),
            judge: train.iter().copied().filter(|p| (from..to).contains(&day(p))).collect(),
        })
    });
    let usable = |fold: &Fold| both_outcomes(examples, &fold.fit) && both_outcomes(examples, &fold.judge);
    let in_time: Vec<Fold> = in_time.filter(usable).collect();
    if in_time.len() >= 2 {
        return in_time;
    }
    let by_account = (0..FOLDS as u64).map(|fold| {
        let own = |p: &u32| examples.account_hashes[*p as usize] % FOLDS as u64 == fold;
        let (judge, fit) = train.iter().copied().partition(own);
        Fold { fit, judge }
    });
    by_account.filter(usable).collect()
}

const FOLDS: usize = 3;

fn both_outcomes(examples: &Examples, positions: &[u32]) -> bool {
    let positives = positions.iter().filter(|p| examples.labels[**p as usize]).count();
    positives >= MIN_POSITIVES_OF_PART && positives < positions.len()
}

/// The strongest ridge that later rows cannot tell from the best one: its mean log loss over the folds lies within a
/// quarter of the standard error of the least. A whole one costs ranking: 0.02 of AUC on an outside set of upgrades. The middle of the candidates where no fold is usable.
fn choose_ridge(
    examples: &Examples,
    train: &[u32],
    columns: &[&Column],
    bins: usize,
    target: &Target,
    settings: &Settings,
) -> Result<f64, String> {
    let mut candidates = settings.ridges.clone();
    candidates.retain(|ridge| ridge.is_finite() && *ridge > 0.0);
    candidates.sort_by(|a, b| b.total_cmp(a));
    let middle = *candidates.get(candidates.len() / 2).ok_or("models.ridges has no candidate above zero")?;
    let mut losses: Vec<Vec<f64>> = vec![Vec::new(); candidates.len()];
    for fold in folds(examples, train, target.horizon_days + settings.lead_days) {
        let judged = fold_losses(examples, &fold, columns, bins, &candidates);
        losses.iter_mut().zip(judged).for_each(|(all, own)| all.extend(own));
    }
    let total = |candidate: &usize| losses[*candidate].iter().sum::<f64>();
    let best = (0..candidates.len()).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap_or(0);
    if losses[best].is_empty() {
        return Ok(middle);
    }
    let strongest = (0..candidates.len()).find(|candidate| indistinct(&losses[*candidate], &losses[best]));
    Ok(candidates[strongest.unwrap_or(best)])
}

/// Whether losses on the same rows exceed the best ones by at most a quarter of the difference's standard error.
fn indistinct(losses: &[f64], best: &[f64]) -> bool {
    let n = best.len() as f64;
    let differences: Vec<f64> = losses.iter().zip(best).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    mean.is_finite() && mean <= 0.25 * (variance / n).sqrt()
}

/// Log loss of every judged row of one fold, per candidate.
fn fold_losses(
    examples: &Examples,
    fold: &Fold,
    columns: &[&Column],
    bins: usize,
    candidates: &[f64],
) -> Vec<Vec<f64>> {
    let encoded = Encoded::learn(columns, &examples.rows_at(&fold.fit), bins);
    let judged = examples.labels_at(&fold.judge);
    let path = encoded.path(&examples.labels_at(&fold.fit), candidates);
    let losses = path.iter().zip(candidates).map(|(fitted, ridge)| match fitted {
        None => vec![f64::INFINITY; judged.len()],
        Some(fitted) => {
            let z = log_odds(&encoded.scorecard(fitted, *ridge), examples, &fold.judge);
            z.iter().zip(&judged).map(|(z, y)| softplus(if *y { -z } else { *z })).collect()
        }
    });
    losses.collect()
}
