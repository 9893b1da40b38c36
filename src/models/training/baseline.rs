//! The trivial rules a model has to beat, which are also what answers when a model abstains: rates by group.

use serde::{Deserialize, Serialize};

use crate::learners::columns::bins::Bins;
use crate::learners::columns::table::Frame;
use crate::learners::measuring::bootstrap::Interval;
use crate::statistics::wilson;

/// Observed rates by the groups of one feature, each shrunk toward the overall rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What the rule is called in reports, e.g. `base rate by segment`.
    pub name: String,
    /// The feature that forms the groups.
    pub feature: String,
    pub label: String,
    pub bins: Bins,
    /// By code of `bins`.
    pub rates: Vec<f64>,
    /// Training rows by code.
    pub rows: Vec<u32>,
    pub overall: f64,
}

/// A group's own rate weighs as much as the overall one at this many rows.
const SHRINKAGE_ROWS: f64 = 50.0;

/// Shares of the ceiling at which the utilization rule steps up.
const UTILIZATION_STEPS: [f64; 4] = [0.60, 0.80, 0.90, 1.00];

impl Baseline {
    pub fn by_segment(name: &str, frame: &Frame, rows: &[u32], labels: &[bool]) -> Baseline {
        let feature = "account.segment";
        let bins = match frame.find(feature) {
            Some(column) => Bins::learn(&column.values, rows, 20),
            None => Bins::Words { levels: Vec::new() },
        };
        Baseline::learn((name, feature, "segment"), bins, frame, rows, labels)
    }

    /// Purchase rates of accounts that own what this account owns, as observed over the horizon.
    pub fn by_purchases(frame: &Frame, rows: &[u32], labels: &[bool]) -> Baseline {
        let feature = "purchases.rate_given_owned.365d";
        let bins = match frame.find(feature) {
            Some(column) => Bins::learn(&column.values, rows, 5),
            None => Bins::Numbers { edges: Vec::new() },
        };
        let names = ("conditional purchase rates", feature, "purchase rate of accounts that own the same");
        Baseline::learn(names, bins, frame, rows, labels)
    }

    pub fn by_utilization(frame: &Frame, rows: &[u32], labels: &[bool]) -> Baseline {
        let bins = Bins::Numbers { edges: UTILIZATION_STEPS.to_vec() };
        let names = ("utilization rule", "capacity.highest_utilization", "highest use of a ceiling");
        Baseline::learn(names, bins, frame, rows, labels)
    }

    fn learn(names: (&str, &str, &str), bins: Bins, frame: &Frame, rows: &[u32], labels: &[bool]) -> Baseline {
        let codes = codes(&bins, frame, names.1, rows);
        let mut counts = vec![(0.0, 0.0); bins.codes()];
        for (code, label) in codes.iter().zip(labels) {
            let (met, n) = &mut counts[usize::from(*code)];
            *met += f64::from(u8::from(*label));
            *n += 1.0;
        }
        let positives = labels.iter().filter(|label| **label).count() as f64;
        let overall = (positives + 0.5) / (labels.len() as f64 + 1.0);
        let shrunk = |(met, n): &(f64, f64)| (met + SHRINKAGE_ROWS * overall) / (n + SHRINKAGE_ROWS);
        let rates = counts.iter().map(shrunk).collect();
        let rows = counts.iter().map(|(_, n)| *n as u32).collect();
        let (name, feature, label) = (names.0.to_owned(), names.1.to_owned(), names.2.to_owned());
        Baseline { name, feature, label, bins, rates, rows, overall }
    }

    /// 95 % interval of a group's rate. `days` snapshots of one account count as one, and the overall rate as the rows
    /// that it is shrunk with.
    pub fn interval(&self, code: u8, days: usize) -> Interval {
        let code = usize::from(code);
        let n = f64::from(self.rows[code]) / days.max(1) as f64 + SHRINKAGE_ROWS;
        let (low, high) = wilson(self.rates[code] * n, n);
        Interval { low, high }
    }

    /// The rate of each row's group.
    pub fn probabilities(&self, frame: &Frame, rows: &[u32]) -> Vec<f64> {
        codes(&self.bins, frame, &self.feature, rows).iter().map(|code| self.rates[usize::from(*code)]).collect()
    }
}

fn codes(bins: &Bins, frame: &Frame, feature: &str, rows: &[u32]) -> Vec<u8> {
    match frame.find(feature) {
        Some(column) => bins.encode(&column.values, rows),
        None => vec![crate::learners::columns::bins::MISSING; rows.len()],
    }
}
