//! Rejected rows of one table: all are counted, the smallest of them are listed, and the share decides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{MAX_EXAMPLES, Problem};
use super::input_table::InputTable;
use super::quality::RejectedRow;

/// Longest value that is repeated in a message or a row of `rejected_rows`, in characters.
const SHOWN_CHARS: usize = 200;

/// Collects what was rejected; the result does not depend on the order of arrival.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::extracts) struct Rejects {
    table: InputTable,
    listed: Vec<RejectedRow>,
    max_listed: usize,
    by_rule: BTreeMap<(Option<String>, String), u64>,
    pub count: u64,
}

impl Rejects {
    pub fn new(table: InputTable, max_listed: usize) -> Rejects {
        Rejects { table, listed: Vec::new(), max_listed, by_rule: BTreeMap::new(), count: 0 }
    }

    pub fn add(&mut self, key: String, column: &str, rule: &str, value: Option<&str>, source_file: &str) {
        self.count += 1;
        let column = Some(column.to_owned());
        *self.by_rule.entry((column.clone(), rule.to_owned())).or_default() += 1;
        let (key, value) = (shown(&key), value.map(shown));
        let rule = rule.to_owned();
        self.listed.push(RejectedRow { table: self.table, key, rule, column, value, source_file: source_file.into() });
        if self.listed.len() > 2 * self.max_listed + 1024 {
            self.trim();
        }
    }

    /// What another part of the table rejected.
    pub fn add_all(&mut self, other: Rejects) {
        self.count += other.count;
        other.by_rule.into_iter().for_each(|(rule, count)| *self.by_rule.entry(rule).or_default() += count);
        self.listed.extend(other.listed);
        self.trim();
    }

    fn trim(&mut self) {
        self.listed.sort_unstable();
        self.listed.truncate(self.max_listed);
    }

    /// The rows to list, sorted, and how many are left out.
    pub fn into_rows(mut self) -> (Vec<RejectedRow>, u64) {
        self.trim();
        let left_out = self.count - self.listed.len() as u64;
        (self.listed, left_out)
    }

    /// The problem that stops the run when more than `limit` of the visible rows were rejected.
    pub fn over_limit(&mut self, rows: u64, limit: f64, place: &str) -> Option<Problem> {
        if self.count == 0 || self.count as f64 <= limit * rows as f64 {
            return None;
        }
        self.trim();
        let share = self.count as f64 / rows as f64 * 100.0;
        let allowed = (limit * 1e6).round() / 1e4;
        let reason =
            format!("{} of {rows} rows break a rule ({share:.1} %), and the job allows {allowed} %", self.count);
        let next = "correct the rows at their source, or raise `extracts.max_rejected_share` for this table";
        Some(Problem::new(self.table, place, reason, next).examples(self.examples()))
    }

    /// The most frequent rules with one row each.
    fn examples(&self) -> Vec<String> {
        let mut rules: Vec<(&(Option<String>, String), &u64)> = self.by_rule.iter().collect();
        rules.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        rules.truncate(MAX_EXAMPLES);
        rules.into_iter().map(|((column, rule), count)| self.example(column, rule, *count)).collect()
    }

    fn example(&self, column: &Option<String>, rule: &str, count: u64) -> String {
        let name = column.as_deref().unwrap_or_default();
        let row = self.listed.iter().find(|row| row.column == *column && row.rule == rule);
        let row = row.map(|row| {
            let value = row.value.as_deref().map_or("null".to_owned(), |value| format!("`{value}`"));
            format!("; row {}: {value} in {}", row.key, row.source_file)
        });
        format!("{count} × `{name}` {rule}{}", row.unwrap_or_default())
    }
}

/// A value fit to be repeated: one line, not too long.
fn shown(value: &str) -> String {
    let mut shown: String = value.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
