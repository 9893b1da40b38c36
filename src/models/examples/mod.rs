//! From features and outcomes to labelled rows, one per account and snapshot day, and what may not be among them: rows
//! that know the future, features that know the outcome.

pub mod cutoff;
pub mod fingerprint;
pub mod grain;
pub mod leakage;
pub mod rows;
