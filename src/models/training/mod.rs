//! From labelled rows to one artifact per target and family, with the rule that it had to beat and what later nights read
//! from it.

pub mod artifact;
pub mod baseline;
pub mod blend;
pub mod every_target;
pub mod follow_up;
pub mod latest;
pub mod train;
