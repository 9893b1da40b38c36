//! The families of models: one list, and the one trait by which all of them are trained, on a night's features and on
//! a data scientist's table alike. Calibration, judgement, explanation and storage do not ask for the family.

use super::fit;
use super::logistic::Logistic;
use super::scorecard::{Encoded, Held, Scorecard};
use super::trees::Trees;

words!(
    /// A kind of model.
    Family { Scorecard = "scorecard", Logistic = "logistic", Boosting = "boosting" }
);

/// What there is to know of a family.
pub struct About {
    pub family: Family,
    /// For whoever chooses one.
    pub meaning: &'static str,
    /// For the model card.
    pub form: &'static str,
    pub learner: &'static dyn Learner,
}

/// Every family, the champion's first: the others take over only where later rows say so.
pub static FAMILIES: [About; 3] = [
    About {
        family: Family::Scorecard,
        meaning: "Quantile-binned logistic: every contribution readable",
        form: "logistic scorecard on quantile bins, ridge, calibrated on later rows",
        learner: &Binned,
    },
    About {
        family: Family::Logistic,
        meaning: "Plain logistic regression: standardised numbers, one column per word",
        form: "linfa's logistic regression on standardised numbers and one column per word, calibrated on later rows",
        learner: &Logistic,
    },
    About {
        family: Family::Boosting,
        meaning: "Boosted trees, explained by Shapley values",
        form: "gradient-boosted trees on quantile bins, explained by exact Shapley values, calibrated on later rows",
        learner: &Trees,
    },
];

impl Default for Family {
    fn default() -> Family {
        FAMILIES[0].family
    }
}

impl Family {
    pub fn about(self) -> &'static About {
        &FAMILIES[self as usize]
    }

    pub fn learner(self) -> &'static dyn Learner {
        self.about().learner
    }
}

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
struct Binned;

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
