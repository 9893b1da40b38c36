//! How good probabilities are, how sure that is, and which shape a ranking has.

pub mod bootstrap;
pub mod curves;
pub mod evaluate;
