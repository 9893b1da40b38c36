//! The families of models: one list, for a night's features and a data scientist's table alike. Calibration, judgement,
//! explanation and storage do not ask for the family.

use super::learner::{Binned, Learner};
use super::logistic::Logistic;
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
