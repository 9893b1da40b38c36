//! What the checks say of a table: its rejected rows, and a summary.

use serde::{Deserialize, Serialize};

use super::input_table::InputTable;
use crate::vocabulary::Day;

/// A row that broke a rule of the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectedRow {
    pub table: InputTable,
    pub key: String,
    /// The rule in words, e.g. `account_id must exist in accounts`.
    pub rule: String,
    pub column: Option<String>,
    pub value: Option<String>,
    pub source_file: String,
}

/// What the checks found about one table; a row of the `data_quality` output.
#[derive(Clone, Debug)]
pub struct TableQuality {
    pub table: InputTable,
    pub rows: u64,
    pub rejected: u64,
    pub newest_event: Option<Day>,
    /// Share of nulls per optional column, in column order.
    pub null_share: Vec<(String, f64)>,
    pub available: bool,
    /// Conversions, unknown columns, missing `recorded_at`, and other things to know.
    pub notes: Vec<String>,
}
