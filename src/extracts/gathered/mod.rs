//! Rows of the two big tables on their way: batches become numbers, numbers are gathered by thread and sorted by key.

pub mod batch_time;
pub mod dictionary_column;
pub mod gather;
pub mod places;
pub mod stretches;
