//! Small tables from batches as delivered to rows that are visible and keep every rule, ready to be read out by name.

pub mod check;
pub mod frame;
pub mod ids;
pub mod order;
pub mod seen;
pub mod users;
