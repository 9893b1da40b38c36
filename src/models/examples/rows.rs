//! What a training is about: the target, and the labelled rows of a frame.

use crate::learners::columns::table::Frame;
use crate::vocabulary::{Day, PropensityKind};

/// What a model is asked to predict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub kind: PropensityKind,
    /// Product id of a cross-sell model; `None` for the others and for the model pooled over products.
    pub product: Option<String>,
    /// As sentences name it.
    pub product_name: Option<String>,
    pub horizon_days: i32,
}

/// Labelled rows of one target, oldest first. `rows` point into `frame`; the other three run beside them.
pub struct Examples<'a> {
    pub frame: Frame<'a>,
    pub rows: Vec<u32>,
    pub labels: Vec<bool>,
    pub days: Vec<Day>,
    pub account_hashes: Vec<u64>,
    /// What the features of each row come to ([`super::fingerprint`]).
    pub digests: Vec<u64>,
}

impl Examples<'_> {
    pub fn positives(&self) -> usize {
        self.labels.iter().filter(|label| **label).count()
    }

    /// Accounts of which some row is positive: the snapshots of one event are hardly more than one.
    pub fn positive_accounts(&self) -> usize {
        let positive = self.labels.iter().zip(&self.account_hashes).filter(|(label, _)| **label);
        let mut accounts: Vec<u64> = positive.map(|(_, account)| *account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts.len()
    }

    /// Positions of the rows whose day and account hash `keep` accepts.
    pub fn positions(&self, keep: impl Fn(Day, u64) -> bool) -> Vec<u32> {
        let rows = self.days.iter().zip(&self.account_hashes).enumerate();
        rows.filter(|(_, (day, hash))| keep(**day, **hash)).map(|(position, _)| position as u32).collect()
    }

    pub(in crate::models) fn rows_at(&self, positions: &[u32]) -> Vec<u32> {
        positions.iter().map(|p| self.rows[*p as usize]).collect()
    }

    pub(in crate::models) fn accounts_at(&self, positions: &[u32]) -> Vec<u64> {
        positions.iter().map(|p| self.account_hashes[*p as usize]).collect()
    }

    pub(in crate::models) fn labels_at(&self, positions: &[u32]) -> Vec<bool> {
        positions.iter().map(|p| self.labels[*p as usize]).collect()
    }
}

/// One test row: its position in the examples, the probability of the model fitted on the training days alone, and
/// the one of the rule to beat.
#[derive(Clone, Copy, Debug)]
pub struct Tested {
    pub position: u32,
    pub probability: f64,
    pub baseline: f64,
}
