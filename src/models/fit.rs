//! The scorecard's fit: ridge logistic regression on binned features, by `solver`.
//!
//! It carries linfa's traits ([`ParamGuard`], [`Fit`]) and minimises linfa-logistic's own objective, the summed log
//! loss plus `ridge/2·|w|²` without the intercept; [`reference()`] fits the same design with linfa-logistic, and the
//! two must agree.

use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use super::bins::Basis;
use super::solver::Solver;

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

/// Unchecked parameters; [`ParamGuard::check`] turns them into [`ValidScorecard`].
#[derive(Clone, Debug)]
pub struct ScorecardParams(ValidScorecard);

#[derive(Clone, Debug)]
pub struct ValidScorecard {
    ridge: f64,
    /// Nats of the objective that may be left to gain; `None` stops where no coefficient still moves.
    tolerance: Option<f64>,
}

/// What is left to gain when no coefficient moves by more than about 1e-5: a coefficient off by d costs at least
/// `ridge/2·d²`.
const TIGHT: f64 = 1e-10;

impl ScorecardParams {
    /// `ridge` is the strength of the squared penalty, in the unit of summed log loss.
    pub fn new(ridge: f64) -> ScorecardParams {
        ScorecardParams(ValidScorecard { ridge, tolerance: None })
    }

    /// Stops early, where only the order of candidates is asked for: with this much left to gain, in nats.
    pub fn tolerance(mut self, nats: f64) -> ScorecardParams {
        self.0.tolerance = Some(nats);
        self
    }
}

impl ValidScorecard {
    fn left_to_gain(&self) -> f64 {
        self.tolerance.unwrap_or(TIGHT * self.ridge.min(1.0))
    }
}

impl ParamGuard for ScorecardParams {
    type Checked = ValidScorecard;
    type Error = Error;

    fn check_ref(&self) -> Result<&ValidScorecard, Error> {
        let ridge = self.0.ridge;
        if ridge.is_finite() && ridge > 0.0 { Ok(&self.0) } else { Err(Error::Ridge(ridge)) }
    }

    fn check(self) -> Result<ValidScorecard, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl Fit<Design, Array1<bool>, Error> for ValidScorecard {
    type Object = Fitted;

    fn fit(&self, dataset: &DatasetBase<Design, Array1<bool>>) -> Result<Fitted, Error> {
        let labels: Vec<bool> = dataset.targets.iter().copied().collect();
        let mut solver = Solver::new(&dataset.records, &labels)?;
        solver.solve(self.ridge, self.left_to_gain())
    }
}

/// Fits a design with the scorecard's solver.
pub fn scorecard(design: &Design, labels: &[bool], params: ScorecardParams) -> Result<Fitted, Error> {
    let params = params.check()?;
    Solver::new(design, labels)?.solve(params.ridge, params.left_to_gain())
}

/// Fits every ridge in turn, each starting at the one before, until `nats` are left to gain. A ridge that cannot be
/// fitted, and those after the fit that `go_on` declines, are `None`.
pub fn path_while(
    design: &Design,
    labels: &[bool],
    ridges: &[f64],
    nats: f64,
    go_on: &mut dyn FnMut(&Fitted) -> bool,
) -> Vec<Option<Fitted>> {
    let Ok(mut solver) = Solver::new(design, labels) else { return vec![None; ridges.len()] };
    let mut going = true;
    let fit = |ridge: &f64| {
        let params = ScorecardParams::new(*ridge).tolerance(nats).check().ok().filter(|_| going)?;
        let fitted = solver.solve(params.ridge, params.left_to_gain()).ok()?;
        going = go_on(&fitted);
        Some(fitted)
    };
    ridges.iter().map(fit).collect()
}

/// Fits the same design with linfa-logistic on the dense matrix: intercept and weights of the positive class.
///
/// linfa calls the more frequent class positive whatever the labels mean, so its labels are read and the sign
/// turned; its loss is a sum, so the gradient tolerance grows with the number of rows.
pub fn reference(design: &Design, labels: &[bool], ridge: f64) -> Result<(f64, Vec<f64>), Error> {
    on_matrix(design.dense(), labels, ridge, 1e-8)
}

/// linfa-logistic on dense rows, given one after the other, until the gradient per row falls below `tolerance`.
pub fn plain(values: Vec<f64>, labels: &[bool], ridge: f64, tolerance: f64) -> Result<(f64, Vec<f64>), Error> {
    let (rows, columns) = (labels.len(), values.len() / labels.len().max(1));
    let shape = Error::Shape { rows: values.len() / columns.max(1), labels: rows };
    let matrix = Array2::from_shape_vec((rows, columns), values).map_err(|_| shape)?;
    on_matrix(matrix, labels, ridge, tolerance)
}

fn on_matrix(matrix: Array2<f64>, labels: &[bool], ridge: f64, tolerance: f64) -> Result<(f64, Vec<f64>), Error> {
    let params = linfa_logistic::LogisticRegression::default()
        .alpha(ridge)
        .max_iterations(5_000)
        .gradient_tolerance(tolerance * labels.len() as f64);
    let fitted = params.fit(&DatasetBase::new(matrix, Array1::from(labels.to_vec())))?;
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok((sign * fitted.intercept(), fitted.params().iter().map(|w| sign * w).collect()))
}

/// 1 / (1 + e^−z), without overflow at either end.
pub fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^z), without overflow.
pub fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}
