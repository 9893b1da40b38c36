//! Glass-box learners of a probability, and how their answers are measured. Nothing here knows accounts, extracts or nights.
//!
//! ```text
//! columns (numbers, words; their bins) ─▶ fitting (the optimum) ─▶ families (points per bin, trees) ─▶ a scorecard
//!                                            measuring (log loss, AUC, how sure) ◀── its probabilities ◀──┘
//! ```

pub mod columns;
pub mod families;
pub mod fitting;
pub mod measuring;
