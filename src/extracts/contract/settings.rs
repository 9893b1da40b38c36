//! What a job may say about its extracts: the `[extracts]` section.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input_table::InputTable;
use crate::vocabulary::Day;

/// Where the extracts are and how strictly they are read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder or bucket prefix that holds the tables; a relative path starts at the working directory.
    pub url: String,
    /// Tables that stand elsewhere: table name → URL of its folder or of one Parquet file.
    pub tables: BTreeMap<InputTable, String>,
    /// Share of a table's visible rows that may break a rule before the run stops, 0–1.
    pub max_rejected_share: f64,
    /// The same for single tables.
    pub max_rejected_share_of: BTreeMap<InputTable, f64>,
    /// Days before this one are faults, not history.
    #[schemars(with = "String")]
    pub earliest_day: Day,
    /// Days after this one are faults; where they stand for an end (9999-12-31) they read as "has not ended".
    #[schemars(with = "String")]
    pub latest_day: Day,
    /// Usage older than this many days before the as-of day is left out.
    pub usage_history_days: u32,
    /// Longest id in bytes; a longer one rejects its row.
    pub max_id_bytes: usize,
    /// Longest text in bytes; what goes beyond is cut off and noted.
    pub max_text_bytes: usize,
    /// Rejected rows that are listed one by one per table; all are counted.
    pub max_rejected_listed: usize,
}

impl Settings {
    pub fn rejected_limit(&self, table: InputTable) -> f64 {
        self.max_rejected_share_of.get(&table).copied().unwrap_or(self.max_rejected_share)
    }

    /// Everything that is wrong with the section, one sentence each.
    pub fn faults(&self) -> Vec<String> {
        let share = |name: String, value: f64| {
            (!(0.0..=1.0).contains(&value)).then(|| format!("`{name}` must be between 0 and 1, not {value}"))
        };
        let mut faults: Vec<String> = share("extracts.max_rejected_share".into(), self.max_rejected_share)
            .into_iter()
            .chain(
                self.max_rejected_share_of
                    .iter()
                    .filter_map(|(table, value)| share(format!("extracts.max_rejected_share_of.{table}"), *value)),
            )
            .collect();
        if self.earliest_day > self.latest_day {
            faults.push("`extracts.earliest_day` lies after `extracts.latest_day`".into());
        }
        if self.usage_history_days == 0 {
            faults.push("`extracts.usage_history_days` must be 1 or more".into());
        }
        faults
    }
}
