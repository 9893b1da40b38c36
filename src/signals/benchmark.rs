//! What is usual tonight: churn probabilities by segment, so that one account's can be called high for its kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::models::Propensity;
use crate::vocabulary::{AccountIx, PropensityKind, Text};

/// Fewer accounts than this say nothing about a segment.
const MIN_ACCOUNTS: usize = 20;

/// Churn probabilities of tonight's accounts by segment, each in rising order; empty where no model scored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Benchmark {
    by_segment: BTreeMap<Text, Vec<f64>>,
}

impl Benchmark {
    /// From the propensities of every account of the view, by account index.
    pub fn of(view: View, propensities: &[Vec<Propensity>]) -> Benchmark {
        let mut by_segment: BTreeMap<Text, Vec<f64>> = BTreeMap::new();
        for (account, scores) in propensities.iter().enumerate() {
            let account = AccountIx::from(account);
            let segment = view.account(account).and_then(|account| account.segment.clone());
            let churn = scores.iter().find(|p| p.kind == PropensityKind::Churn && p.abstained.is_none());
            if let (Some(segment), Some(churn)) = (segment, churn) {
                by_segment.entry(segment).or_default().push(churn.probability.get());
            }
        }
        by_segment.values_mut().for_each(|values| values.sort_by(f64::total_cmp));
        Benchmark { by_segment }
    }

    /// The benchmark of all parts together.
    pub fn union(parts: impl IntoIterator<Item = Benchmark>) -> Benchmark {
        let mut by_segment: BTreeMap<Text, Vec<f64>> = BTreeMap::new();
        for (segment, values) in parts.into_iter().flat_map(|part| part.by_segment) {
            by_segment.entry(segment).or_default().extend(values);
        }
        by_segment.values_mut().for_each(|values| values.sort_by(f64::total_cmp));
        Benchmark { by_segment }
    }

    /// Share (0–100) of the segment's accounts with a lower probability; `None` for a segment too small to tell.
    pub fn percentile(&self, segment: &str, probability: f64) -> Option<f64> {
        let known = self.by_segment.get(segment).filter(|values| values.len() >= MIN_ACCOUNTS)?;
        let below = known.partition_point(|value| *value < probability);
        Some(100.0 * below as f64 / known.len() as f64)
    }
}
