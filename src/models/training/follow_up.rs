//! What is said of a model beside its scorecard: how it ranks products; how its latest training rows stood, against
//! which drift is measured, and for churn how it unfolds in time.

use std::collections::BTreeMap;

use super::artifact::Artifact;
use super::latest::Scores;
use super::train::{Challenger, log_odds};
use crate::learners::columns::bins::MISSING;
use crate::learners::columns::table::Values;
use crate::learners::families::scorecard::Feature;
use crate::learners::fitting::survival::{self, Course, Survival};
use crate::models::examples::grain::{Snapshots, Source, Split};
use crate::models::examples::rows::Examples;
use crate::models::judging::{ranking, tested};
use crate::statistics::sigmoid;
use crate::vocabulary::{PropensityKind, Text};

/// The challenger with its follow-up, which becomes part of its content and its id.
pub fn completed(challenger: Challenger, snapshots: &Snapshots, source: &Source, examples: &Examples) -> Challenger {
    let Challenger { mut artifact, tested, early } = challenger;
    if let Some(evaluation) = &mut artifact.evaluation {
        evaluation.ranking = ranking::compared(&tested::rows(examples, &tested), &bought(examples, &evaluation.split));
    }
    let scores = scored(&artifact, examples);
    let survival = (artifact.kind == PropensityKind::Churn && !examples.rows.is_empty())
        .then(|| survival(&artifact, scores.as_deref(), snapshots, source, examples));
    let scores = scores.and_then(|scores| latest(&artifact, &scores, examples));
    Challenger { artifact: artifact.with(survival, scores), tested, early }
}

/// Calibrated log-odds of every training row; `None` where the model abstains.
fn scored(artifact: &Artifact, examples: &Examples) -> Option<Vec<f64>> {
    let all: Vec<u32> = (0..examples.rows.len() as u32).collect();
    let raw = log_odds(artifact.active()?, examples, &all);
    Some(raw.into_iter().map(|z| artifact.calibrator.apply(z)).collect())
}

/// Purchases on the training days of a split, by product; empty for a model of one product.
fn bought(examples: &Examples, split: &Split) -> BTreeMap<Text, usize> {
    let mut bought = BTreeMap::new();
    let Some(Values::Words(products)) = examples.frame.find("purchases.product").map(|column| &column.values) else {
        return bought;
    };
    for position in examples.positions(|day, _| split.train.contains(&day)) {
        let position = position as usize;
        if let (true, Some(product)) = (examples.labels[position], &products[examples.rows[position] as usize]) {
            *bought.entry(product.clone()).or_default() += 1;
        }
    }
    bought
}

/// Days of training rows that later nights are held against: a quarter, so that its months weigh alike.
const LATEST_DAYS: i32 = 90;

/// How the latest training rows stand; `None` where the model abstains.
fn latest(artifact: &Artifact, scores: &[f64], examples: &Examples) -> Option<Scores> {
    let last = *examples.days.last()?;
    let positions = examples.positions(|day, _| last.since(day) < LATEST_DAYS);
    let share = |feature: &Feature| {
        let mut shares = vec![0.0; feature.bins.codes()];
        let column = examples.frame.find(&feature.spec.name);
        for row in positions.iter().map(|p| examples.rows[*p as usize] as usize) {
            let code = column.map_or(MISSING, |column| feature.bins.of(&column.values, row));
            shares[usize::from(code)] += 1.0 / positions.len() as f64;
        }
        shares
    };
    let features = artifact.active()?.features.iter().map(share).collect();
    let scores: Vec<f64> = positions.iter().map(|p| scores[*p as usize]).collect();
    Some(Scores::learn(&scores, features, accounts(examples, &positions)))
}

fn accounts(examples: &Examples, positions: &[u32]) -> usize {
    let mut hashes: Vec<u64> = positions.iter().map(|p| examples.account_hashes[*p as usize]).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.len()
}

fn survival(
    artifact: &Artifact,
    scores: Option<&[f64]>,
    snapshots: &Snapshots,
    source: &Source,
    examples: &Examples,
) -> Survival {
    let probabilities: Vec<f64> = match scores {
        Some(scores) => scores.iter().copied().map(sigmoid).collect(),
        None => artifact.fallback.probabilities(&examples.frame, &examples.rows),
    };
    let ends = survival::ends(&source.models.churn_curve_days, artifact.horizon_days);
    let known: Vec<(Vec<u32>, Vec<bool>)> =
        ends.iter().map(|days| snapshots.labelled(PropensityKind::Churn, None, *days, source)).collect();
    let left = |row: &u32| known.iter().map(|(rows, left)| rows.binary_search(row).ok().map(|at| left[at])).collect();
    let courses =
        examples.rows.iter().zip(probabilities).map(|(row, probability)| Course { probability, left: left(row) });
    Survival::fit(&courses.collect::<Vec<_>>(), &ends, artifact.horizon_days)
}
