//! How the latest training rows stood, against which later nights are held.

use serde::{Deserialize, Serialize};

/// Bins of a score.
const SCORE_BINS: usize = 10;

/// Log-odds summed up in another order differ by less than this.
const ROUNDING: f64 = 1e-9;

/// Shares by bin of the calibrated log-odds, and of every feature by its code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Upper bounds, rising; one bin more than edges.
    pub edges: Vec<f64>,
    pub shares: Vec<f64>,
    /// Accounts behind these rows: snapshots of one account are hardly news.
    pub accounts: usize,
    /// By feature of the scorecard, then code; none in models of earlier versions, of which all training rows count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Vec<f64>>,
}

impl Scores {
    /// Tenths of the rows' log-odds, beside the shares of every feature among the same rows.
    pub fn learn(log_odds: &[f64], features: Vec<Vec<f64>>, accounts: usize) -> Scores {
        let mut sorted = log_odds.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let edge = |bin: usize| sorted.get(bin * sorted.len() / SCORE_BINS).copied();
        let mut edges: Vec<f64> = (1..SCORE_BINS).filter_map(edge).collect();
        edges.dedup();
        let mut scores = Scores { shares: vec![0.0; edges.len() + 1], edges, accounts, features };
        let row = 1.0 / log_odds.len().max(1) as f64;
        for z in log_odds {
            let bin = scores.bin(*z);
            scores.shares[bin] += row;
        }
        scores
    }

    /// A model of few features has few scores, and an edge is one of them: what differs from it by rounding is the same.
    pub(in crate::models) fn bin(&self, log_odds: f64) -> usize {
        self.edges.partition_point(|edge| *edge + ROUNDING < log_odds)
    }
}
