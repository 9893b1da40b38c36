//! How numbers are fitted to rows: the scorecard's solver and what bounds it, boosted trees, calibration, hazards.
//! A fit sees codes and labels; what they stand for is not asked.

pub mod boosting;
pub mod calibrate;
mod curvature;
pub mod design;
pub mod fit;
pub mod linear;
pub mod monotone;
mod solver;
pub mod survival;
