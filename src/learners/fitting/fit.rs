//! The scorecard's fit: ridge logistic regression on binned features, by `solver`.
//!
//! It carries linfa's traits ([`ParamGuard`], [`Fit`]) and minimises linfa-logistic's own objective, the summed log
//! loss plus `ridge/2·|w|²` without the intercept; [`reference()`] fits the same design with linfa-logistic, and the
//! two must agree.

use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};

use super::solver::Solver;

pub use super::design::{Design, Error, Fitted};

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
