//! The jobs from end to end: short functions that read as the picture in the crate's documentation.

pub mod retrain;
