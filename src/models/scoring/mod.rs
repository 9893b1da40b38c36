//! The champions applied to tonight's rows: probabilities, why they are what they are, what would change them, and
//! whether tonight still looks like the training.

pub mod counterfactual;
pub mod drift;
pub mod explain;
pub mod propensity;
pub mod score;
