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
    /// Expected calibration error: Σ over ten slices of equal size of share × |mean probability − share of positives|.
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

/// Test rows of the rarer outcome below which no model is graded A.
const A_ROWS: usize = 30;

/// Where the interval of an A's AUC begins at least.
const A_LOW: f64 = 0.65;

/// AUC of a ranking that tells nothing.
pub const CHANCE: f64 = 0.5;

impl Grade {
    pub const fn as_str(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
        }
    }

    /// A: ranks well, saves at least a tenth of the baseline's log loss and is calibrated within 5 points, all that on
    /// enough rows of either outcome. B: ranks usefully and beats the baseline. C: anything else. `auc_low` is the lower
    /// end of the AUC's 95 % interval, where one was drawn.
    pub fn of(model: &Metrics, baseline: &Metrics, auc_low: Option<f64>) -> Grade {
        let saved = 1.0 - model.log_loss / baseline.log_loss;
        let at_least = |least: f64| auc_low.is_none_or(|low| low > least);
        let enough = model.positives.min(model.rows - model.positives) >= A_ROWS && at_least(A_LOW);
        if model.auc >= 0.75 && saved >= 0.10 && model.calibration_error <= 0.05 && enough {
            Grade::A
        } else if model.auc >= 0.60 && saved > 0.0 && model.auc > baseline.auc && at_least(CHANCE) {
            Grade::B
        } else {
            Grade::C
        }
    }
}

/// All metrics at once; `None` without at least one row of each class.
pub fn metrics(probabilities: &[f64], labels: &[bool]) -> Option<Metrics> {
    let both = labels.iter().any(|label| *label) && labels.iter().any(|label| !label);
    if !both || labels.len() != probabilities.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let ties = order.chunk_by(|a, b| probabilities[*a] == probabilities[*b]).map(|run| {
        let positives = run.iter().filter(|row| labels[**row]).count() as f64;
        Tie::new(probabilities[run[0]], positives, run.len() as f64 - positives)
    });
    Some(Ranking::of(ties.collect()).metrics())
}

/// Rows of one predicted probability, as sums of their weights.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    pub probability: f64,
    pub positives: f64,
    pub negatives: f64,
    /// Negative log-likelihood of one negative and of one positive row.
    losses: [f64; 2],
}

impl Tie {
    pub fn new(probability: f64, positives: f64, negatives: f64) -> Tie {
        let losses = [row_loss(probability, false), row_loss(probability, true)];
        Tie { probability, positives, negatives, losses }
    }

    /// The same probability met by other rows.
    pub fn met(self, positives: f64, negatives: f64) -> Tie {
        Tie { positives, negatives, ..self }
    }

    pub fn rows(&self) -> f64 {
        self.positives + self.negatives
    }
}

/// Ties by falling probability. Every metric is a function of these, so neither the order of the rows nor what a sort
/// makes of equal probabilities can show in a figure.
#[derive(Clone, Debug)]
pub struct Ranking {
    pub ties: Vec<Tie>,
    pub positives: f64,
    pub negatives: f64,
}

/// Slices of equal size in the order of rank.
pub const SLICES: usize = 10;

/// One tenth of the rows; what a tie that straddles a cut holds is shared out evenly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slice {
    pub rows: f64,
    pub positives: f64,
    /// Sum of the probabilities.
    pub expected: f64,
}

impl Ranking {
    /// `ties` by falling probability, no probability twice.
    pub fn of(ties: Vec<Tie>) -> Ranking {
        let sum = |weight: fn(&Tie) -> f64| ties.iter().map(weight).sum();
        let (positives, negatives) = (sum(|tie| tie.positives), sum(|tie| tie.negatives));
        Ranking { ties, positives, negatives }
    }

    pub fn rows(&self) -> f64 {
        self.positives + self.negatives
    }

    pub fn has_both(&self) -> bool {
        self.positives > 0.0 && self.negatives > 0.0
    }

    /// Meaningful where both classes are there.
    pub fn metrics(&self) -> Metrics {
        let slices = self.slices();
        Metrics {
            rows: self.rows() as usize,
            positives: self.positives as usize,
            auc: self.auc(),
            pr_auc: self.average_precision(),
            log_loss: self.log_loss(),
            brier: self.brier(),
            calibration_error: slices.iter().map(|slice| (slice.expected - slice.positives).abs()).sum::<f64>()
                / self.rows(),
            lift_top_decile: slices[0].positives / slices[0].rows / (self.positives / self.rows()),
        }
    }

    pub fn auc(&self) -> f64 {
        let (mut below, mut wins) = (self.negatives, 0.0);
        for tie in &self.ties {
            below -= tie.negatives;
            wins += tie.positives * (below + 0.5 * tie.negatives);
        }
        wins / (self.positives * self.negatives)
    }

    fn average_precision(&self) -> f64 {
        let (mut found, mut seen, mut area) = (0.0, 0.0, 0.0);
        for tie in self.ties.iter().filter(|tie| tie.rows() > 0.0) {
            found += tie.positives;
            seen += tie.rows();
            area += tie.positives / self.positives * found / seen;
        }
        area
    }

    pub fn log_loss(&self) -> f64 {
        let loss = |tie: &Tie| tie.negatives * tie.losses[0] + tie.positives * tie.losses[1];
        self.ties.iter().map(loss).sum::<f64>() / self.rows()
    }

    fn brier(&self) -> f64 {
        let square =
            |tie: &Tie| tie.positives * (1.0 - tie.probability).powi(2) + tie.negatives * tie.probability.powi(2);
        self.ties.iter().map(square).sum::<f64>() / self.rows()
    }

    /// Ten slices of equal size, the highest probabilities first; slice k ends at row ⌈k·n/10⌉.
    pub fn slices(&self) -> [Slice; SLICES] {
        let mut slices = [Slice::default(); SLICES];
        let end = |slice: usize| (self.rows() * (slice + 1) as f64 / SLICES as f64).ceil();
        let (mut at, mut seen) = (0, 0.0);
        for tie in self.ties.iter().filter(|tie| tie.rows() > 0.0) {
            let mut left = tie.rows();
            while left > 0.0 {
                while at + 1 < SLICES && seen >= end(at) {
                    at += 1;
                }
                let taken = if at + 1 < SLICES { left.min(end(at) - seen) } else { left };
                let slice = &mut slices[at];
                slice.rows += taken;
                slice.positives += tie.positives * taken / tie.rows();
                slice.expected += tie.probability * taken;
                seen += taken;
                left -= taken;
            }
        }
        slices
    }
}

/// Negative log-likelihood of one row; the probability is held away from 0 and 1 by 1e-12.
pub fn row_loss(probability: f64, label: bool) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    if label { -p.ln() } else { -(1.0 - p).ln() }
}
