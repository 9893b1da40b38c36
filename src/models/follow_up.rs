//! What later nights read from a model beside its scorecard: the scores of its training rows, against which drift is
//! measured, and for churn how it unfolds in time.

use super::artifact::Artifact;
use super::drift::Scores;
use super::fit::sigmoid;
use super::grain::{Snapshots, Source};
use super::rows::Examples;
use super::survival::{self, Course, Survival};
use super::train::{Challenger, log_odds};
use crate::vocabulary::PropensityKind;

/// The challenger with its follow-up, which becomes part of its content and its id.
pub fn completed(challenger: Challenger, snapshots: &Snapshots, source: &Source, examples: &Examples) -> Challenger {
    let Challenger { artifact, tested } = challenger;
    let scores = scored(&artifact, examples);
    let survival = (artifact.kind == PropensityKind::Churn && !examples.rows.is_empty())
        .then(|| survival(&artifact, scores.as_deref(), snapshots, source, examples));
    let scores = scores.map(|scores| Scores::learn(&scores, accounts(examples)));
    Challenger { artifact: artifact.with(survival, scores), tested }
}

/// Calibrated log-odds of every training row; `None` where the model abstains.
fn scored(artifact: &Artifact, examples: &Examples) -> Option<Vec<f64>> {
    let all: Vec<u32> = (0..examples.rows.len() as u32).collect();
    let raw = log_odds(artifact.active()?, examples, &all);
    Some(raw.into_iter().map(|z| artifact.calibrator.apply(z)).collect())
}

fn accounts(examples: &Examples) -> usize {
    let mut hashes = examples.account_hashes.clone();
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
