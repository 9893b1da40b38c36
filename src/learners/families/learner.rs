//! The one trait by which every family of models is trained, and the scorecard's way of it.

use super::scorecard::{Encoded, Held, Scorecard};
use crate::learners::fitting::fit;

/// How a family learns from encoded rows. Whatever it decides, it decides on the rows that it is given.
pub trait Learner: Sync {
    /// Most bins of a number, where so many rows are positive and the settings allow so many.
    fn bins(&self, positives: usize, most: usize) -> usize;

    /// What is tried on held-out rows, the most restrained first. `ridges` are the penalties of the settings.
    fn candidates(&self, ridges: &[f64]) -> Vec<f64>;

    /// Log-odds of held-out rows by candidate, from fits close enough to compare them; `None` for a candidate that
    /// cannot be fitted.
    fn judged(&self, encoded: &Encoded, labels: &[bool], held: &Held, candidates: &[f64]) -> Vec<Option<Vec<f64>>>;

    /// The model of one candidate.
    ///
    /// # Errors
    /// Where the rows hold one outcome only, or the solver finds no optimum.
    fn fit(&self, encoded: &Encoded, labels: &[bool], candidate: f64) -> Result<Scorecard, fit::Error>;

    /// A candidate in words.
    fn chosen(&self, candidate: f64) -> String;
}

/// The scorecard itself: candidates are strengths of its ridge.
pub struct Binned;

impl Learner for Binned {
    /// A bin should hold a dozen positives or so: few positives are worth few bins.
    fn bins(&self, positives: usize, most: usize) -> usize {
        (positives / 12).max(4).min(most)
    }

    fn candidates(&self, ridges: &[f64]) -> Vec<f64> {
        let mut candidates = ridges.to_vec();
        candidates.retain(|ridge| ridge.is_finite() && *ridge > 0.0);
        candidates.sort_by(|a, b| b.total_cmp(a));
        candidates
    }

    fn judged(&self, encoded: &Encoded, labels: &[bool], held: &Held, candidates: &[f64]) -> Vec<Option<Vec<f64>>> {
        let path = encoded.path(labels, candidates);
        let judged = path.iter().zip(candidates);
        judged.map(|(fitted, ridge)| Some(held.log_odds(&encoded.scorecard(fitted.as_ref()?, *ridge)))).collect()
    }

    fn fit(&self, encoded: &Encoded, labels: &[bool], candidate: f64) -> Result<Scorecard, fit::Error> {
        Ok(encoded.scorecard(&encoded.fit(labels, candidate)?, candidate))
    }

    fn chosen(&self, candidate: f64) -> String {
        format!("ridge {candidate}")
    }
}
