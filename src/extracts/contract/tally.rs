//! What reading came to, counted: the tallies of all parts add up to what one reading of everything counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::input_table::InputTable;
use super::rejects::Rejects;
use super::settings::Settings;
use crate::vocabulary::Day;

/// One table's visible rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::extracts) struct Tally {
    pub table: InputTable,
    /// Rejected ones included.
    pub rows: u64,
    pub rejects: Rejects,
    pub newest: Option<Day>,
    /// Rows that nulls were counted in.
    pub accepted: u64,
    /// Nulls per optional column, in column order.
    pub nulls: Vec<(String, u64)>,
    /// Cells cut to the longest text, by column.
    pub cut: BTreeMap<String, u64>,
    /// Values beyond the calendar that read as no end, in column order.
    pub unending: Vec<(String, u64)>,
    /// Rows older than the usage history.
    pub older: u64,
    /// Some row says when it was recorded.
    pub recorded: bool,
}

impl Tally {
    /// Rows without anything else to tell.
    pub fn new(table: InputTable, rows: u64, rejects: Rejects, newest: Option<Day>, accepted: u64) -> Tally {
        let (nulls, cut, unending) = (Vec::new(), BTreeMap::new(), Vec::new());
        Tally { table, rows, rejects, newest, accepted, nulls, cut, unending, older: 0, recorded: false }
    }

    pub(in crate::extracts) fn add(&mut self, other: Tally) {
        self.rows += other.rows;
        self.rejects.add_all(other.rejects);
        self.newest = self.newest.max(other.newest);
        self.accepted += other.accepted;
        add_up(&mut self.nulls, other.nulls);
        other.cut.into_iter().for_each(|(column, cells)| *self.cut.entry(column).or_default() += cells);
        add_up(&mut self.unending, other.unending);
        self.older += other.older;
        self.recorded |= other.recorded;
    }

    /// Share of nulls per optional column.
    pub fn null_share(&self) -> Vec<(String, f64)> {
        let rows = self.accepted.max(1) as f64;
        self.nulls.iter().map(|(column, nulls)| (column.clone(), *nulls as f64 / rows)).collect()
    }

    /// What is worth knowing about the rows, in sentences.
    pub fn notes(&self, settings: &Settings) -> Vec<String> {
        let cut = self.cut.iter().filter(|(_, cells)| **cells > 0);
        let cut =
            cut.map(|(column, cells)| format!("{cells} texts of `{column}` cut to {} bytes", settings.max_text_bytes));
        let unending = self.unending.iter().filter(|(_, values)| *values > 0);
        let unending = unending.map(|(column, values)| {
            format!("{values} values of `{column}` after {} read as no end", settings.latest_day)
        });
        let older = (self.older > 0).then(|| format!("{} rows older than the usage history left out", self.older));
        cut.chain(unending).chain(older).collect()
    }
}

/// Columns are the contract's, so both lists name the same ones in the same order; a list of nothing is shorter.
fn add_up(counts: &mut Vec<(String, u64)>, more: Vec<(String, u64)>) {
    if counts.is_empty() {
        *counts = more;
        return;
    }
    counts.iter_mut().zip(more).for_each(|(count, more)| count.1 += more.1);
}
