//! What a fit reads, what it finds, and why there may be none.

use linfa::dataset::Records;
use ndarray::Array2;

use crate::learners::columns::bins::Basis;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the ridge strength must be finite and above zero, not {0}")]
    Ridge(f64),
    #[error("{rows} rows but {labels} labels")]
    Shape { rows: usize, labels: usize },
    #[error("all {0} rows have the same label, so there is nothing to tell apart")]
    OneClass(usize),
    #[error("the Newton system is not positive definite; raise the ridge strength")]
    Singular,
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
    #[error(transparent)]
    Logistic(#[from] linfa_logistic::error::Error),
}

/// Codes by feature, and the basis that turns coefficients into one effect per code.
#[derive(Clone, Debug)]
pub struct Design {
    pub rows: usize,
    /// One vector of codes per feature.
    pub codes: Vec<Vec<u8>>,
    pub bases: Vec<Basis>,
}

impl Records for Design {
    type Elem = f64;

    fn nsamples(&self) -> usize {
        self.rows
    }

    fn nfeatures(&self) -> usize {
        self.bases.iter().map(|basis| basis.coefficients).sum()
    }
}

impl Design {
    /// The same features for some of the rows.
    pub fn take(&self, rows: &[u32]) -> Design {
        let codes = self.codes.iter().map(|codes| rows.iter().map(|r| codes[*r as usize]).collect());
        Design { rows: rows.len(), codes: codes.collect(), bases: self.bases.clone() }
    }

    /// Every coefficient's column written out: what a dense solver reads.
    pub fn dense(&self) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.rows, self.nfeatures()));
        for (feature, from) in self.offsets().into_iter().enumerate() {
            for (row, code) in self.codes[feature].iter().enumerate() {
                for (k, value) in self.bases[feature].row(usize::from(*code)).iter().enumerate() {
                    matrix[(row, from + k)] = *value;
                }
            }
        }
        matrix
    }

    /// First coefficient of each feature.
    pub(super) fn offsets(&self) -> Vec<usize> {
        let mut next = 0;
        let step = |basis: &Basis| {
            let from = next;
            next += basis.coefficients;
            from
        };
        self.bases.iter().map(step).collect()
    }

    /// Effect per feature and code.
    pub(super) fn effects(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let effect = |basis: &Basis, from: usize| {
            let own = &weights[from..from + basis.coefficients];
            (0..basis.codes()).map(|code| dot(basis.row(code), own)).collect()
        };
        self.bases.iter().zip(self.offsets()).map(|(basis, from)| effect(basis, from)).collect()
    }

    /// Log-odds of every row.
    pub fn log_odds(&self, fitted: &Fitted) -> Vec<f64> {
        let mut sums = vec![fitted.intercept; self.rows];
        for (codes, effects) in self.codes.iter().zip(&fitted.effects) {
            for (sum, code) in sums.iter_mut().zip(codes) {
                *sum += effects[usize::from(*code)];
            }
        }
        sums
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// What the solver found.
#[derive(Clone, Debug)]
pub struct Fitted {
    pub intercept: f64,
    /// One per column of [`Design::dense`].
    pub weights: Vec<f64>,
    /// Log-odds per feature and code: the basis times the weights.
    pub effects: Vec<Vec<f64>>,
    pub iterations: u32,
}
