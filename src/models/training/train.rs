//! Models from labelled rows, one per family on the same rows and columns: split by time, the penalty or the rounds
//! chosen on time-ordered folds, calibrated on later rows, judged on the latest, and then fitted once more on all.
//!
//! Too little history or a model that does not beat its baseline is an answer, not an error: the artifact then
//! abstains, says why, and answers with the baseline's rates.

use super::artifact::{Artifact, Evaluation, Fit, TrainedOn};
use super::baseline::Baseline;
use super::blend::Pool;
use crate::learners::columns::bins::{Bins, MISSING};
use crate::learners::columns::table::{Column, Spec};
use crate::learners::families::family::Family;
use crate::learners::families::scorecard::{Encoded, Held, Scorecard, Typical};
use crate::learners::families::select::Screen;
use crate::learners::fitting::calibrate::Platt;
use crate::learners::fitting::monotone::Direction;
use crate::learners::measuring::bootstrap::Scored;
use crate::learners::measuring::evaluate::Grade;
use crate::models::examples::grain::Split;
use crate::models::examples::leakage::{self, Leak, Limits};
pub use crate::models::examples::rows::{Examples, Target, Tested};
use crate::models::features::directions;
use crate::models::judging::tested;
use crate::models::judging::uncertainty::Uncertainty;
use crate::models::settings::Settings;
use crate::statistics::{sigmoid, softplus};
use crate::vocabulary::{Day, PropensityKind};

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
    /// The fit on the training days alone, which judged the test rows.
    pub early: Option<Scorecard>,
}

/// Trains the target's scorecard; what it cannot do it says in [`Artifact::abstains`].
pub fn train(target: &Target, as_of: Day, examples: &Examples, settings: &Settings) -> Challenger {
    let ground = Ground::of(target, examples, settings);
    train_families(target, as_of, examples, ground, settings, (&[], None)).swap_remove(0)
}

/// The target's scorecard, and after it a model of each challenging family that can be fitted, all on the same rows and
/// columns. Where the rows allow no model at all, the scorecard alone stands there and says why. A scorecard is drawn to
/// the pool, if there is one.
pub fn train_families(
    target: &Target,
    as_of: Day,
    examples: &Examples,
    ground: Result<Ground, String>,
    settings: &Settings,
    (challengers, pool): (&[Family], Option<&Pool>),
) -> Vec<Challenger> {
    let (fallback, trained) = (fallback(target, examples), TrainedOn::on(as_of, examples));
    let assembled = |fit: Option<Fit>, abstains: Option<String>| {
        Artifact::assembled(target, trained.clone(), fallback.clone(), fit, abstains, settings)
    };
    let refused =
        |reason: String| Challenger { artifact: assembled(None, Some(reason)), tested: Vec::new(), early: None };
    let ground = match ground {
        Ok(ground) => ground,
        Err(reason) => return vec![refused(reason)],
    };
    let attempt = |family: Family| {
        let pool = pool.filter(|_| family == Family::default());
        let Judged { fitted, tested, early } = judged(target, examples, &ground, family, settings, pool)?;
        let abstains = fitted.evaluation.shortfall();
        Ok(Challenger { artifact: assembled(Some(fitted), abstains), tested, early: Some(early) })
    };
    let first = attempt(Family::default()).unwrap_or_else(refused);
    let others = challengers.iter().filter(|family| **family != Family::default());
    std::iter::once(first).chain(others.filter_map(|family| attempt(*family).ok())).collect()
}

struct Judged {
    fitted: Fit,
    tested: Vec<Tested>,
    early: Scorecard,
}

/// What every family is trained on: the parts of the rows, and the columns worth fitting.
pub struct Ground<'a> {
    parts: Parts,
    columns: Vec<&'a Column>,
}

impl<'a> Ground<'a> {
    /// # Errors
    /// Why no model can be trained, in words.
    pub fn of(target: &Target, examples: &Examples<'a>, settings: &Settings) -> Result<Ground<'a>, String> {
        let positives = examples.positives();
        if positives < settings.min_positives as usize {
            return Err(format!("{positives} positives of the {} that a model needs", settings.min_positives));
        }
        let parts = parts(target, examples, settings)?;
        let columns = columns(target, examples, &parts.train, settings)?;
        Ok(Ground { parts, columns })
    }

    /// The days that are trained on before calibration and test.
    pub fn training_days(&self) -> &[Day] {
        &self.parts.split.train
    }
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
fn judged(
    target: &Target,
    examples: &Examples,
    ground: &Ground,
    family: Family,
    settings: &Settings,
    pool: Option<&Pool>,
) -> Result<Judged, String> {
    let parts = &ground.parts;
    let recipe = Recipe::of(family, ground.columns.clone(), target, examples, &parts.train, settings)?;
    let own = |positions: &[u32]| recipe.fit(examples, positions);
    let mut early = own(&parts.train)?;
    let pool = pool.and_then(|pool| Some((pool, pool.early(&parts.split.train)?)));
    let pooling = pool.map(|(pool, _)| pool.pooling(examples.positive_accounts()));
    if let Some(((_, of_all), pooling)) = pool.zip(pooling) {
        early = pooling.drawn(&early, of_all, &examples.frame, &examples.rows_at(&parts.train));
    }
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
    let mut scorecard = own(&examples.positions(|_, _| true))?;
    if let Some(((pool, _), pooling)) = pool.zip(pooling) {
        scorecard = pooling.drawn(&scorecard, &pool.scorecard, &examples.frame, &examples.rows);
    }
    let uncertainty = Uncertainty::of(&tested::rows(examples, &tested));
    Ok(Judged { tested, early, fitted: Fit { family, scorecard, calibrator, pooling, evaluation, uncertainty } })
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
    let drawn =
        |probabilities: &[f64]| Some(Scored::new(probabilities, &labels, &accounts)?.drawn(settings.resampling()));
    let (model, baseline) = (drawn(own)?, drawn(ruled)?);
    let intervals = model.intervals();
    Some(Evaluation {
        split: parts.split.clone(),
        baseline_name: rule.name,
        grade: Grade::of(&model.seen, &baseline.seen, intervals.map(|intervals| intervals.auc.low)),
        model: model.seen,
        baseline: baseline.seen,
        intervals,
        against_baseline: model.against(&baseline),
        ranking: None,
    })
}

/// What training decides before it fits: the family, the columns, and the strength of the penalty or what a family has
/// in its place.
pub struct Recipe<'a> {
    family: Family,
    columns: Vec<&'a Column>,
    pub candidate: f64,
    bins: usize,
    /// Days from a snapshot to the end of the horizon.
    ends: i32,
    /// By column.
    directions: Vec<Direction>,
}

impl<'a> Recipe<'a> {
    /// The scorecard's, decided on the rows at these positions and on nothing else.
    pub fn choose(
        target: &Target,
        examples: &Examples<'a>,
        positions: &[u32],
        settings: &Settings,
    ) -> Result<Recipe<'a>, String> {
        let columns = columns(target, examples, positions, settings)?;
        Recipe::of(Family::default(), columns, target, examples, positions, settings)
    }

    fn of(
        family: Family,
        columns: Vec<&'a Column>,
        target: &Target,
        examples: &Examples<'a>,
        positions: &[u32],
        settings: &Settings,
    ) -> Result<Recipe<'a>, String> {
        let bins = bins_for(family, &examples.labels_at(positions), settings);
        let direction = |column: &&Column| match settings.monotone {
            true => directions::known(target.kind, &column.spec.name),
            false => Direction::Free,
        };
        let directions = columns.iter().map(direction).collect();
        let ends = target.horizon_days + settings.lead_days;
        let mut recipe = Recipe { family, columns, candidate: 0.0, bins, ends, directions };
        recipe.candidate = recipe.chosen(target, examples, positions, settings)?;
        Ok(recipe)
    }

    pub fn fit(&self, examples: &Examples, positions: &[u32]) -> Result<Scorecard, String> {
        let encoded = self.encoded(&examples.rows_at(positions));
        let fitted = self.family.learner().fit(&encoded, &examples.labels_at(positions), self.candidate);
        fitted.map_err(|e| e.to_string())
    }

    /// The columns' bins and codes on these rows of the frame, each with its direction.
    fn encoded(&self, rows: &[u32]) -> Encoded {
        let mut encoded = Encoded::learn_ending(&self.columns, rows, self.bins, |spec| horizon_in(spec, self.ends));
        let direction = |(spec, ..): &(Spec, Bins, Typical)| {
            self.columns
                .iter()
                .position(|column| column.spec.name == spec.name)
                .map_or(Direction::Free, |at| self.directions[at])
        };
        encoded.directions = encoded.specs.iter().map(direction).collect();
        encoded
    }

    /// The most restrained candidate that later rows cannot tell from the best one: its mean log loss over the folds lies
    /// within a quarter of the standard error of the least. A whole one costs ranking: 0.02 of AUC on an outside set of
    /// upgrades. The middle of the candidates where no fold is usable.
    fn chosen(&self, target: &Target, examples: &Examples, train: &[u32], settings: &Settings) -> Result<f64, String> {
        let candidates = self.family.learner().candidates(&settings.ridges);
        let middle = *candidates.get(candidates.len() / 2).ok_or("models.ridges has no candidate above zero")?;
        if candidates.len() == 1 {
            return Ok(middle);
        }
        let mut losses: Vec<Vec<f64>> = vec![Vec::new(); candidates.len()];
        for fold in folds(examples, train, target.horizon_days + settings.lead_days) {
            let judged = self.fold_losses(examples, &fold, &candidates);
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

    /// Log loss of every judged row of one fold, per candidate.
    fn fold_losses(&self, examples: &Examples, fold: &Fold, candidates: &[f64]) -> Vec<Vec<f64>> {
        let encoded = self.encoded(&examples.rows_at(&fold.fit));
        let rows = examples.rows_at(&fold.judge);
        let code = |(spec, bins, _): &(Spec, Bins, Typical)| match examples.frame.find(&spec.name) {
            Some(column) => bins.encode(&column.values, &rows),
            None => vec![MISSING; rows.len()],
        };
        let held = Held { codes: encoded.specs.iter().map(code).collect(), labels: examples.labels_at(&fold.judge) };
        let judged = self.family.learner().judged(&encoded, &examples.labels_at(&fold.fit), &held, candidates);
        let losses = judged.into_iter().map(|log_odds| match log_odds {
            None => vec![f64::INFINITY; held.labels.len()],
            Some(z) => z.iter().zip(&held.labels).map(|(z, y)| softplus(if *y { -z } else { *z })).collect(),
        });
        losses.collect()
    }
}

fn bins_for(family: Family, labels: &[bool], settings: &Settings) -> usize {
    family.learner().bins(labels.iter().filter(|label| **label).count(), settings.bins as usize)
}

/// Columns of which the codes are held at once: to find those worth fitting takes no more memory than a fit.
const CODED_AT_ONCE: usize = 64;

/// The columns worth fitting, as judged on the rows at these positions only; an error where one of them knows the
/// outcome, or none tells anything.
fn columns<'a>(
    target: &Target,
    examples: &Examples<'a>,
    positions: &[u32],
    settings: &Settings,
) -> Result<Vec<&'a Column>, String> {
    let (rows, labels) = (examples.rows_at(positions), examples.labels_at(positions));
    let (bins, ends) = (bins_for(Family::default(), &labels, settings), target.horizon_days + settings.lead_days);
    let (accounts, mut screen) = (examples.accounts_at(positions), Screen::default());
    let (mut names, mut strongest): (Vec<String>, Option<Leak>) = (Vec::new(), None);
    for columns in examples.frame.columns.chunks(CODED_AT_ONCE) {
        let encoded = Encoded::learn_ending(columns, &rows, bins, |spec| horizon_in(spec, ends));
        let leak = leakage::find(&encoded, &labels, &accounts, Limits::of(settings));
        strongest = strongest.into_iter().chain(leak).reduce(Leak::stronger);
        screen.add(&encoded);
        names.extend(encoded.specs.into_iter().map(|(spec, ..)| spec.name));
    }
    if let Some(leak) = strongest {
        return Err(leak.reason());
    }
    // The columns that boosted stumps lean on.
    let positives = labels.iter().filter(|label| **label).count();
    let most = (settings.max_features as usize).min(positives.max(10));
    let chosen = screen.chosen(&labels, most);
    let columns: Vec<&Column> = chosen.into_iter().filter_map(|i| examples.frame.find(&names[i])).collect();
    if columns.is_empty() {
        return Err("no feature tells the labels apart on the training days".to_owned());
    }
    Ok(columns)
}

/// Where a feature counts the days to a date that is known, it matters whether the date lies within the horizon: a bin ends
/// with it, wherever the quantiles lie.
fn horizon_in(spec: &Spec, ends: i32) -> Option<f64> {
    let counts_down = spec.name.rsplit('.').next().is_some_and(|name| name.starts_with("days_to_"));
    counts_down.then_some(f64::from(ends))
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

/// Whether losses on the same rows exceed the best ones by at most a quarter of the difference's standard error.
fn indistinct(losses: &[f64], best: &[f64]) -> bool {
    let n = best.len() as f64;
    let differences: Vec<f64> = losses.iter().zip(best).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
    mean.is_finite() && mean <= 0.25 * (variance / n).sqrt()
}
