//! What rows that a model had not seen say of it: as a file beside it, as a ranking of products, to a field, by segment.

pub mod appraise;
pub mod ranking;
pub mod tested;
pub mod uncertainty;
