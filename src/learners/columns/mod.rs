//! What is learned from: named columns, how they are kept, and the bins that their values fall into.

pub mod bins;
pub mod ranked;
pub mod table;
