//! How good a set of probabilities is, against a named trivial baseline on the same rows.
//!
//! Everything in f64 and with ties treated as ties, so that a constant prediction scores as a constant.

use serde::{Deserialize, Serialize};

/// Metrics of one set of probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub rows: usize,
    pub positives: usize,
    /// Chance that a positive row ranks above a negative one; 0.5 = no information.
    pub auc: f64,
    /// Average precision; the share of positives = no information.
    pub pr_auc: f64,
    /// Mean negative log-likelihood, nats.
    pub log_loss: f64,
    pub brier: f64,
    /// Expected calibration error over ten bins of equal size.
    pub calibration_error: f64,
    /// Share of positives in the highest tenth over the share in all rows.
    pub lift_top_decile: f64,
}

/// How far a model may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    A,
    B,
    C,
}

impl Grade {
    pub const fn as_str(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
        }
    }

    /// A: ranks well, saves at least a tenth of the baseline's log loss and is calibrated within 5 points.
    /// B: ranks usefully and beats the baseline. C: anything else.
    pub fn of(model: &Metrics, baseline: &Metrics) -> Grade {
        let saved = 1.0 - model.log_loss / baseline.log_loss;
        if model.auc >= 0.75 && saved >= 0.10 && model.calibration_error <= 0.05 {
            Grade::A
        } else if model.auc >= 0.60 && saved > 0.0 && model.auc > baseline.auc {
            Grade::B
        } else {
            Grade::C
        }
    }
}

/// All metrics at once; `None` without at least one row of each class.
pub fn metrics(probabilities: &[f64], labels: &[bool]) -> Option<Metrics> {
    let positives = labels.iter().filter(|label| **label).count();
    if positives == 0 || positives == labels.len() || labels.len() != probabilities.len() {
        return None;
    }
    let groups = tied_groups(probabilities, labels);
    Some(Metrics {
        rows: labels.len(),
        positives,
        auc: auc(&groups),
        pr_auc: average_precision(&groups),
        log_loss: log_loss(probabilities, labels),
        brier: brier(probabilities, labels),
        calibration_error: calibration_error(probabilities, labels),
        lift_top_decile: top_decile_lift(&groups),
    })
}

/// Rows of one probability, highest first: (positives, negatives).
fn tied_groups(probabilities: &[f64], labels: &[bool]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let group = |run: &[usize]| {
        let positives = run.iter().filter(|row| labels[**row]).count() as f64;
        (positives, run.len() as f64 - positives)
    };
    order.chunk_by(|a, b| probabilities[*a] == probabilities[*b]).map(group).collect()
}

fn totals(groups: &[(f64, f64)]) -> (f64, f64) {
    groups.iter().fold((0.0, 0.0), |sum, group| (sum.0 + group.0, sum.1 + group.1))
}

fn auc(groups: &[(f64, f64)]) -> f64 {
    let (positives, negatives) = totals(groups);
    let mut negatives_below = negatives;
    let mut wins = 0.0;
    for (positive, negative) in groups {
        negatives_below -= negative;
        wins += positive * (negatives_below + 0.5 * negative);
    }
    wins / (positives * negatives)
}

fn average_precision(groups: &[(f64, f64)]) -> f64 {
    let (positives, _) = totals(groups);
    let (mut found, mut seen, mut area) = (0.0, 0.0, 0.0);
    for (positive, negative) in groups {
        found += positive;
        seen += positive + negative;
        area += positive / positives * found / seen;
    }
    area
}

/// Mean negative log-likelihood; probabilities are held away from 0 and 1 by 1e-12.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    let losses = probabilities.iter().zip(labels).map(|(p, y)| row_loss(*p, *y));
    losses.sum::<f64>() / labels.len() as f64
}

/// Negative log-likelihood of one row.
pub fn row_loss(probability: f64, label: bool) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    if label { -p.ln() } else { -(1.0 - p).ln() }
}

fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    let squares = probabilities.iter().zip(labels).map(|(p, y)| (p - f64::from(u8::from(*y))).powi(2));
    squares.sum::<f64>() / labels.len() as f64
}

/// Σ over ten bins of equal size of share × |mean probability − share of positives|.
fn calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let n = order.len();
    let bins = 10.min(n);
    let gap = |bin: usize| {
        let rows = &order[bin * n / bins..(bin + 1) * n / bins];
        let expected: f64 = rows.iter().map(|row| probabilities[*row]).sum();
        let met = rows.iter().filter(|row| labels[**row]).count() as f64;
        (expected - met).abs() / n as f64
    };
    (0..bins).map(gap).sum()
}

/// Within a tie that straddles the cut, positives count by their share of the tie.
fn top_decile_lift(groups: &[(f64, f64)]) -> f64 {
    let (positives, negatives) = totals(groups);
    let size = ((positives + negatives) / 10.0).ceil();
    let (mut room, mut found) = (size, 0.0);
    for (positive, negative) in groups {
        let taken = (positive + negative).min(room);
        found += positive * taken / (positive + negative);
        room -= taken;
    }
    found / size / (positives / (positives + negatives))
}

/// Mean difference in log loss `new − old` on the same rows and its standard error, rows of one account counted
/// as one: snapshots of an account are not independent.
pub fn paired_log_loss(new: &[f64], old: &[f64], labels: &[bool], accounts: &[u64]) -> (f64, f64) {
    let mut by_account = std::collections::BTreeMap::<u64, f64>::new();
    for (row, label) in labels.iter().enumerate() {
        *by_account.entry(accounts[row]).or_default() += row_loss(new[row], *label) - row_loss(old[row], *label);
    }
    let (rows, clusters) = (labels.len() as f64, by_account.len() as f64);
    let mean = by_account.values().sum::<f64>() / rows;
    let per_cluster = mean * rows / clusters;
    let spread: f64 = by_account.values().map(|sum| (sum - per_cluster).powi(2)).sum();
    (mean, spread.sqrt() / rows)
}
