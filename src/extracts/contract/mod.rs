//! What is asked of a delivery: tables, columns, rules, types, limits; and what is said where it falls short.

pub mod convert;
pub mod error;
pub mod input_table;
pub mod part;
pub mod quality;
pub mod rejects;
pub mod rules;
pub mod schema;
pub mod settings;
pub mod tally;
