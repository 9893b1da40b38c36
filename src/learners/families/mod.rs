//! The kinds of model: one trait to learn by, one scorecard to learn, and the list of those who do.

pub mod family;
pub mod learner;
pub mod logistic;
pub mod scorecard;
pub mod select;
pub mod trees;
