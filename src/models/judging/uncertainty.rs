//! How far a probability may be off for accounts of a segment: an interval that is wide where later rows were few.
//!
//! On rows that the model was not fitted on, the offset of a segment's log-odds is estimated with an error that counts
//! whole accounts. Segments tell how much such offsets differ from one another (DerSimonian and Laird 1986); what is
//! left for one segment is its own error shrunk by that spread. A segment without rows keeps all of the spread.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tested::TestRow;
use crate::learners::measuring::bootstrap::Interval;
use crate::statistics::sigmoid;

/// Standard errors of the calibrated log-odds, by segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uncertainty {
    /// The feature whose words name the segments.
    pub feature: String,
    /// By segment, sorted.
    pub segments: Vec<SegmentError>,
    /// Of segments without a row.
    pub elsewhere: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentError {
    pub segment: String,
    pub accounts: usize,
    pub standard_error: f64,
}

/// Segments are never taken to differ by less than this in their offsets, log-odds: a handful of segments that happen
/// to agree do not prove that the next account is like them.
const LEAST_SPREAD: f64 = 0.15;

pub const SEGMENT: &str = "account.segment";

/// One segment's offset and the variance of its estimate.
struct Offset {
    accounts: usize,
    offset: f64,
    variance: f64,
}

impl Uncertainty {
    /// From rows that the model was not fitted on; `None` where they tell nothing.
    pub fn of(rows: &[TestRow]) -> Option<Uncertainty> {
        let mut by_segment: BTreeMap<&str, Vec<&TestRow>> = BTreeMap::new();
        for row in rows {
            by_segment.entry(row.segment.as_deref().unwrap_or_default()).or_default().push(row);
        }
        let offsets: Vec<(&str, Offset)> =
            by_segment.into_iter().filter_map(|(name, rows)| Some((name, Offset::of(&rows)?))).collect();
        let precision: f64 = offsets.iter().map(|(_, offset)| 1.0 / offset.variance).sum();
        if precision <= 0.0 {
            return None;
        }
        let (spread, overall) = (spread(&offsets), 1.0 / precision);
        let error = |offset: &Offset| (overall + 1.0 / (1.0 / spread + 1.0 / offset.variance)).sqrt();
        let segments = offsets.iter().filter(|(name, _)| !name.is_empty()).map(|(name, offset)| SegmentError {
            segment: (*name).to_owned(),
            accounts: offset.accounts,
            standard_error: error(offset),
        });
        let segments = segments.collect();
        Some(Uncertainty { feature: SEGMENT.to_owned(), segments, elsewhere: (overall + spread).sqrt() })
    }

    /// The 95 % interval of a probability with these log-odds.
    pub fn interval(&self, log_odds: f64, segment: Option<&str>) -> Interval {
        let found = segment.and_then(|name| self.segments.binary_search_by(|s| s.segment.as_str().cmp(name)).ok());
        let error = found.map_or(self.elsewhere, |at| self.segments[at].standard_error);
        Interval { low: sigmoid(log_odds - 1.959_964 * error), high: sigmoid(log_odds + 1.959_964 * error) }
    }
}

impl Offset {
    /// One Newton step from the model's own probabilities, its variance robust to repeated snapshots of an account.
    fn of(rows: &[&TestRow]) -> Option<Offset> {
        let mut by_account: BTreeMap<u64, f64> = BTreeMap::new();
        let mut information = 0.0;
        for row in rows {
            information += row.probability * (1.0 - row.probability);
            *by_account.entry(row.account_hash).or_default() += f64::from(u8::from(row.happened)) - row.probability;
        }
        let score: f64 = by_account.values().sum();
        let meat: f64 = by_account.values().map(|own| own * own).sum();
        // Without a single event the residuals look too regular; the model's own variance is then the floor.
        let variance = meat.max(information) / (information * information);
        variance.is_finite().then_some(Offset { accounts: by_account.len(), offset: score / information, variance })
    }
}

/// Variance of the offsets beyond what their errors explain.
fn spread(offsets: &[(&str, Offset)]) -> f64 {
    let weights: Vec<f64> = offsets.iter().map(|(_, offset)| 1.0 / offset.variance).collect();
    let (sum, squares) = (weights.iter().sum::<f64>(), weights.iter().map(|w| w * w).sum::<f64>());
    let mean = offsets.iter().zip(&weights).map(|((_, o), w)| w * o.offset).sum::<f64>() / sum;
    let q: f64 = offsets.iter().zip(&weights).map(|((_, o), w)| w * (o.offset - mean).powi(2)).sum();
    let room = sum - squares / sum;
    let excess = if room > 0.0 { (q - (offsets.len() as f64 - 1.0)) / room } else { 0.0 };
    excess.max(LEAST_SPREAD * LEAST_SPREAD)
}
