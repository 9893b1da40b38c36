//! What `evaluate` makes a model by: its family, how coarse it is, and what is tried on inner folds.

use crate::learners::families::family::Family;
use crate::learners::fitting::monotone::Direction;

/// What training may choose from.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub family: Family,
    /// Most bins per number, where the table has few columns. On 87 public tables twice as many as 16 lowered the log loss of
    /// 21 and raised that of 9; waves, ratios and sharp edges need them.
    pub bins: usize,
    /// Most bins that a column has in any table; in between, as many as leave all columns together a bounded number.
    pub fewest_bins: usize,
    /// Most words per column; the rest share a bin. As many as a byte tells apart: what a city or a title tells is in its own
    /// words, and the penalty keeps the rare ones near nothing.
    pub words: usize,
    /// The same of words as `fewest_bins` of bins.
    pub fewest_words: usize,
    /// Strengths of the penalty, strongest first, in the unit of summed log loss.
    pub ridges: Vec<f64>,
    /// Folds within the training rows, and within more of them than `few_rows`, where a choice is safe with fewer.
    pub inner_folds: usize,
    pub inner_folds_of_many: usize,
    pub few_rows: usize,
    /// Rows on which choices are made; of more, a sample.
    pub tuning_rows: usize,
    /// Which features a model has; a scorecard at most as many as there are rows of the rarer outcome.
    pub features: Choice,
    /// Most pairs of features.
    pub pairs: usize,
    /// Columns of numbers whose points must run one way.
    pub monotone: Vec<(String, Direction)>,
}

/// How features are chosen where a table has more than a model may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// At most so many, those that tell the labels apart best on their own.
    Alone(usize),
    /// At most so many, those that boosted stumps lean on: each for what it adds to the others.
    Together(usize),
}

impl Choice {
    pub(super) fn most(self) -> usize {
        match self {
            Choice::Alone(most) | Choice::Together(most) => most,
        }
    }
}

/// Bins or words of all columns together up to which each has the most it may have: what a fit costs grows with the square.
const TOGETHER: usize = 640;

impl Recipe {
    /// Most bins per number in a table of so many columns.
    pub(super) fn bins_of(&self, columns: usize) -> usize {
        shared(columns, self.fewest_bins, self.bins)
    }

    /// Most words per column in a table with so many columns of words. Many suit a scorecard, whose penalty weighs each by
    /// its rows; trees lose by them (AUC 0.774 instead of 0.788 on 5,000 drawn rows of banking), and a dense fit is slow.
    pub(super) fn words_of(&self, columns: usize) -> usize {
        match self.family {
            Family::Scorecard => shared(columns, self.fewest_words, self.words),
            Family::Logistic | Family::Boosting => self.fewest_words,
        }
    }
}

fn shared(columns: usize, fewest: usize, most: usize) -> usize {
    (TOGETHER / columns.max(1)).clamp(fewest.min(most), most)
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            family: Family::Scorecard,
            bins: 32,
            fewest_bins: 16,
            words: 250,
            fewest_words: 60,
            ridges: vec![1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3],
            inner_folds: 5,
            inner_folds_of_many: 3,
            few_rows: 20_000,
            tuning_rows: 150_000,
            features: Choice::Alone(400),
            pairs: 6,
            monotone: Vec::new(),
        }
    }
}
