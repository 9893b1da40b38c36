//! The scorecard's solver: ridge logistic regression by Newton steps that use the sparsity of bins.
//!
//! Every row has one active code per feature, so a Newton step needs only co-occurrence counts of codes: n·F²/2
//! additions instead of a dense product over all coefficients. It carries linfa's traits ([`ParamGuard`], [`Fit`])
//! and minimises linfa-logistic's own objective, the summed log loss plus `ridge/2·|w|²` without the intercept;
//! [`reference()`] fits the same design with linfa-logistic, and the two must agree.

use linfa::ParamGuard;
use linfa::dataset::{DatasetBase, Records};
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

use super::bins::Basis;
use super::linear::Symmetric;

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
    fn offsets(&self) -> Vec<usize> {
        let mut next = 0;
        let step = |basis: &Basis| {
            let from = next;
            next += basis.coefficients;
            from
        };
        self.bases.iter().map(step).collect()
    }

    /// Effect per feature and code.
    fn effects(&self, weights: &[f64]) -> Vec<Vec<f64>> {
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
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
    /// Stops when the Newton decrement falls below this times the number of rows.
    tolerance: f64,
    start: Option<(f64, Vec<f64>)>,
}

impl ScorecardParams {
    /// `ridge` is the strength of the squared penalty, in the unit of summed log loss.
    pub fn new(ridge: f64) -> ScorecardParams {
        ScorecardParams(ValidScorecard { ridge, tolerance: 1e-10, start: None })
    }

    /// Stops early, where only the order of candidates is asked for: when the Newton decrement falls below this
    /// times the number of rows.
    pub fn tolerance(mut self, tolerance: f64) -> ScorecardParams {
        self.0.tolerance = tolerance;
        self
    }

    /// Starts from a neighbouring solution of the same design, e.g. the one of the next larger ridge.
    pub fn starting_at(mut self, fitted: &Fitted) -> ScorecardParams {
        self.0.start = Some((fitted.intercept, fitted.weights.clone()));
        self
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
        let (design, labels) = (&dataset.records, &dataset.targets);
        if design.rows != labels.len() {
            return Err(Error::Shape { rows: design.rows, labels: labels.len() });
        }
        let positives = labels.iter().filter(|label| **label).count();
        if positives == 0 || positives == labels.len() {
            return Err(Error::OneClass(labels.len()));
        }
        Newton::new(self, design, labels.iter().copied().collect()).solve()
    }
}

/// Fits a design with the scorecard's solver.
pub fn scorecard(design: Design, labels: &[bool], params: ScorecardParams) -> Result<(Fitted, Design), Error> {
    let dataset = DatasetBase::new(design, Array1::from(labels.to_vec()));
    let fitted = params.fit(&dataset)?;
    Ok((fitted, dataset.records))
}

/// Fits the same design with linfa-logistic on the dense matrix: intercept and weights of the positive class.
///
/// linfa calls the more frequent class positive whatever the labels mean, so its labels are read and the sign
/// turned; its loss is a sum, so the gradient tolerance grows with the number of rows.
pub fn reference(design: &Design, labels: &[bool], ridge: f64) -> Result<(f64, Vec<f64>), Error> {
    let targets = Array1::from(labels.to_vec());
    let dataset = DatasetBase::new(design.dense(), targets);
    let params = linfa_logistic::LogisticRegression::default()
        .alpha(ridge)
        .max_iterations(5_000)
        .gradient_tolerance(1e-8 * design.rows as f64);
    let fitted = params.fit(&dataset)?;
    let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
    Ok((sign * fitted.intercept(), fitted.params().iter().map(|w| sign * w).collect()))
}

struct Newton<'a> {
    params: &'a ValidScorecard,
    design: &'a Design,
    offsets: Vec<usize>,
    labels: Vec<bool>,
}

/// One point of the search: coefficients, effects and the objective there.
struct Point {
    intercept: f64,
    weights: Vec<f64>,
    log_odds: Vec<f64>,
    objective: f64,
}

const MAX_ITERATIONS: u32 = 100;

impl<'a> Newton<'a> {
    fn new(params: &'a ValidScorecard, design: &'a Design, labels: Vec<bool>) -> Newton<'a> {
        Newton { params, design, offsets: design.offsets(), labels }
    }

    fn solve(&self) -> Result<Fitted, Error> {
        let mut point = self.start();
        for iteration in 1..=MAX_ITERATIONS {
            let (gradient, curvature) = self.derivatives(&point);
            let step = curvature.solve(&gradient).ok_or(Error::Singular)?;
            let decrement = dot(&step, &gradient);
            if decrement <= self.params.tolerance * self.design.rows as f64 {
                return Ok(self.fitted(point, iteration));
            }
            match self.descend(&point, &step, decrement) {
                Some(better) => point = better,
                None => return Ok(self.fitted(point, iteration)),
            }
        }
        Ok(self.fitted(point, MAX_ITERATIONS))
    }

    fn start(&self) -> Point {
        match &self.params.start {
            Some((intercept, weights)) if weights.len() == self.design.nfeatures() => {
                self.point(*intercept, weights.clone())
            }
            _ => {
                let positives = self.labels.iter().filter(|label| **label).count() as f64;
                let odds = positives / (self.labels.len() as f64 - positives);
                self.point(odds.ln(), vec![0.0; self.design.nfeatures()])
            }
        }
    }

    fn fitted(&self, point: Point, iterations: u32) -> Fitted {
        let effects = self.design.effects(&point.weights);
        Fitted { intercept: point.intercept, weights: point.weights, effects, iterations }
    }

    fn point(&self, intercept: f64, weights: Vec<f64>) -> Point {
        let effects = self.design.effects(&weights);
        let shell = Fitted { intercept, weights, effects, iterations: 0 };
        let log_odds = self.design.log_odds(&shell);
        let loss: f64 = log_odds.iter().zip(&self.labels).map(|(z, y)| softplus(if *y { -z } else { *z })).sum();
        let objective = loss + 0.5 * self.params.ridge * dot(&shell.weights, &shell.weights);
        Point { intercept, weights: shell.weights, log_odds, objective }
    }

    /// Halves the step until the objective falls; `None` when rounding is all that is left.
    fn descend(&self, from: &Point, step: &[f64], decrement: f64) -> Option<Point> {
        let mut length = 1.0;
        for _ in 0..40 {
            let weights = from.weights.iter().zip(&step[1..]).map(|(w, s)| w - length * s).collect();
            let next = self.point(from.intercept - length * step[0], weights);
            if next.objective <= from.objective - 1e-4 * length * decrement {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }

    /// Gradient and Hessian over (intercept, weights).
    fn derivatives(&self, point: &Point) -> (Vec<f64>, Symmetric) {
        let probabilities: Vec<f64> = point.log_odds.iter().map(|z| sigmoid(*z)).collect();
        let residuals: Vec<f64> =
            probabilities.iter().zip(&self.labels).map(|(p, y)| p - f64::from(u8::from(*y))).collect();
        let curvatures: Vec<f64> = probabilities.iter().map(|p| p * (1.0 - p)).collect();
        let size = 1 + self.design.nfeatures();
        let mut gradient = vec![0.0; size];
        gradient[0] = residuals.iter().sum();
        let mut hessian = Symmetric::zeros(size);
        hessian.add(0, 0, curvatures.iter().sum());
        let blocks: Vec<FeatureBlock> = (0..self.design.codes.len())
            .into_par_iter()
            .map(|feature| self.block(feature, &residuals, &curvatures))
            .collect();
        for (feature, block) in blocks.iter().enumerate() {
            self.place(feature, block, point, &mut gradient, &mut hessian);
        }
        (gradient, hessian)
    }

    /// Everything of one feature against the intercept, the features before it and itself, in coefficients.
    fn block(&self, feature: usize, residuals: &[f64], curvatures: &[f64]) -> FeatureBlock {
        let (codes, basis) = (&self.design.codes[feature], &self.design.bases[feature]);
        let (mut residual, mut curvature) = (vec![0.0; basis.codes()], vec![0.0; basis.codes()]);
        for ((code, r), c) in codes.iter().zip(residuals).zip(curvatures) {
            residual[usize::from(*code)] += r;
            curvature[usize::from(*code)] += c;
        }
        let with_earlier = (0..feature).map(|earlier| self.cross(feature, earlier, curvatures)).collect();
        let mut own = vec![0.0; basis.coefficients * basis.coefficients];
        for (code, weight) in curvature.iter().enumerate() {
            add_outer(&mut own, basis.row(code), basis.row(code), *weight);
        }
        let gradient = transposed(basis, &residual);
        FeatureBlock { gradient, with_intercept: transposed(basis, &curvature), with_earlier, own }
    }

    fn cross(&self, feature: usize, earlier: usize, curvatures: &[f64]) -> Vec<f64> {
        let (a, b) = (&self.design.bases[feature], &self.design.bases[earlier]);
        let width = b.codes();
        let mut counts = vec![0.0; a.codes() * width];
        let codes = self.design.codes[feature].iter().zip(&self.design.codes[earlier]);
        for ((x, y), curvature) in codes.zip(curvatures) {
            counts[usize::from(*x) * width + usize::from(*y)] += curvature;
        }
        let mut block = vec![0.0; a.coefficients * b.coefficients];
        for (code, row) in counts.chunks_exact(width).enumerate() {
            add_outer(&mut block, a.row(code), &transposed(b, row), 1.0);
        }
        block
    }

    fn place(
        &self,
        feature: usize,
        block: &FeatureBlock,
        point: &Point,
        gradient: &mut [f64],
        hessian: &mut Symmetric,
    ) {
        let (from, width) = (self.offsets[feature], self.design.bases[feature].coefficients);
        for k in 0..width {
            let row = 1 + from + k;
            gradient[row] = block.gradient[k] + self.params.ridge * point.weights[from + k];
            hessian.add(row, 0, block.with_intercept[k]);
            for (earlier, cross) in block.with_earlier.iter().enumerate() {
                let columns = self.design.bases[earlier].coefficients;
                hessian.set_run(row, 1 + self.offsets[earlier], &cross[k * columns..(k + 1) * columns]);
            }
            hessian.set_run(row, 1 + from, &block.own[k * width..k * width + k + 1]);
            hessian.add(row, row, self.params.ridge);
        }
    }
}

/// One feature's share of gradient and Hessian, row-major by its coefficients.
struct FeatureBlock {
    gradient: Vec<f64>,
    with_intercept: Vec<f64>,
    with_earlier: Vec<Vec<f64>>,
    own: Vec<f64>,
}

/// Sums per code → sums per coefficient.
fn transposed(basis: &Basis, per_code: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; basis.coefficients];
    for (code, value) in per_code.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        for (sum, factor) in sums.iter_mut().zip(basis.row(code)) {
            *sum += factor * value;
        }
    }
    sums
}

fn add_outer(target: &mut [f64], a: &[f64], b: &[f64], weight: f64) {
    for (x, row) in a.iter().zip(target.chunks_exact_mut(b.len().max(1))) {
        let scaled = x * weight;
        if scaled != 0.0 {
            for (cell, y) in row.iter_mut().zip(b) {
                *cell += scaled * y;
            }
        }
    }
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
