//! Minimises the summed log loss plus a ridge over binned features: Newton steps while the curvature changes, then
//! quasi-Newton steps on the curvature at hand. The gradient is always exact, so the optimum is.
//!
//! Every row has one active code per feature, so a gradient needs one addition per row and feature. Rows are taken in
//! blocks of fixed size whose sums are added in order: the number of threads does not show in the result.

use rayon::prelude::*;

use super::curvature::{self, Inverse, Metric};
use super::design::{Design, Error, Fitted, dot};
use crate::statistics::{sigmoid, softplus};

/// Rows per block of the gradient.
const BLOCK: usize = 8_192;

/// Steps before the search is given up as good enough.
const MAX_STEPS: u32 = 300;

/// Steps whose change of gradient is remembered.
const MEMORY: usize = 12;

/// A step that leaves more than this share to gain asks for the curvature of where it has come to.
const SLOW: f64 = 0.1;

/// Rows of a first fit, on which a long design starts; also the rows of its first curvature.
const FIRST_ROWS: usize = 50_000;

/// A fit of one design for one ridge after another.
pub(super) struct Solver<'a> {
    design: &'a Design,
    labels: &'a [bool],
    /// Intercept, then one per column of the design.
    at: Vec<f64>,
    metric: Option<Metric>,
    /// Its inverse for the ridge before.
    inverse: Option<Inverse>,
    /// Rows that the next curvature is taken from.
    metric_rows: usize,
    /// Steps that cost as much as a new curvature of all rows.
    steps_of_curvature: f64,
}

/// A point of the search.
struct Point {
    at: Vec<f64>,
    objective: f64,
    gradient: Vec<f64>,
}

impl<'a> Solver<'a> {
    pub fn new(design: &'a Design, labels: &'a [bool]) -> Result<Solver<'a>, Error> {
        if design.rows != labels.len() {
            return Err(Error::Shape { rows: design.rows, labels: labels.len() });
        }
        let positives = labels.iter().filter(|label| **label).count();
        if positives == 0 || positives == labels.len() {
            return Err(Error::OneClass(labels.len()));
        }
        let coefficients: usize = design.bases.iter().map(|basis| basis.coefficients).sum();
        let mut at = vec![0.0; 1 + coefficients];
        at[0] = (positives as f64 / (labels.len() - positives) as f64).ln();
        let metric_rows = FIRST_ROWS.max(60 * coefficients).min(design.rows);
        let steps_of_curvature = curvature::cost_in_steps(design);
        Ok(Solver { design, labels, at, metric: None, inverse: None, metric_rows, steps_of_curvature })
    }

    /// The optimum for one ridge, from wherever the solver stands, until `left` nats remain to gain.
    pub fn solve(&mut self, ridge: f64, left: f64) -> Result<Fitted, Error> {
        if self.metric.is_none() && 3 * self.metric_rows < self.design.rows {
            self.start_on_some_rows(ridge)?;
        }
        let mut steps = 1;
        let mut point = self.point(self.at.clone(), ridge);
        let mut search = self.search(&point, ridge)?;
        let mut aim = search.aim(&point);
        while aim.gain.is_finite() && aim.gain > left && steps < MAX_STEPS {
            let Some(next) = self.step(&point, &aim, ridge) else { break };
            search.remember(&point, &next);
            point = next;
            steps += 1;
            let after = search.aim(&point);
            let slow = after.gain > left && after.gain > SLOW * aim.gain;
            aim = after;
            if slow && search.worn(self.patience()) {
                self.metric = None;
                search = self.search(&point, ridge)?;
                aim = search.aim(&point);
            }
        }
        self.inverse = (self.patience() >= PATIENT).then_some(search.inverse);
        self.at = point.at;
        Ok(self.fitted(steps))
    }

    /// Slow steps that are taken before a new curvature pays.
    fn patience(&self) -> u32 {
        let least = match self.metric {
            Some(Metric::Full(_)) if self.metric_rows < self.design.rows => PATIENCE_WITH_SOME_ROWS,
            Some(Metric::Full(_)) => 0.0,
            _ => MOST_PATIENCE,
        };
        self.steps_of_curvature.clamp(least, MOST_PATIENCE) as u32
    }

    /// Solves a sample of the rows first: its optimum is near, and so is its curvature.
    fn start_on_some_rows(&mut self, ridge: f64) -> Result<(), Error> {
        let rows = spread(self.design.rows, self.metric_rows);
        let labels: Vec<bool> = rows.iter().map(|row| self.labels[*row as usize]).collect();
        let design = self.design.take(&rows);
        let share = rows.len() as f64 / self.design.rows as f64;
        let Ok(mut first) = Solver::new(&design, &labels) else { return Ok(()) };
        first.solve(ridge * share, 1e-2)?;
        self.at = first.at;
        Ok(())
    }

    /// The directions from a point: on the curvature at hand, or on a new one.
    fn search(&mut self, point: &Point, ridge: f64) -> Result<Search, Error> {
        // The inverse for a ridge nearby is as good, where steps cost next to nothing beside another.
        if let Some(inverse) = self.inverse.take().filter(|_| self.metric.is_some()) {
            return Ok(Search { inverse, pairs: Vec::new(), slow: 0 });
        }
        let metric = match self.metric.take() {
            Some(metric) => metric,
            None => {
                let metric = self.curvature(&point.at);
                self.metric_rows = (4 * self.metric_rows).min(self.design.rows);
                metric
            }
        };
        let inverse = metric.inverse(ridge).ok_or(Error::Singular)?;
        self.metric = Some(metric);
        Ok(Search { inverse, pairs: Vec::new(), slow: 0 })
    }

    fn curvature(&self, at: &[f64]) -> Metric {
        if self.metric_rows == self.design.rows {
            return Metric::of(self.design, &self.curvatures(self.design, at));
        }
        let rows = spread(self.design.rows, self.metric_rows);
        let design = self.design.take(&rows);
        let scale = self.design.rows as f64 / rows.len() as f64;
        let weights: Vec<f64> = self.curvatures(&design, at).into_iter().map(|weight| scale * weight).collect();
        Metric::of(&design, &weights)
    }

    /// p·(1 − p) of every row.
    fn curvatures(&self, design: &Design, at: &[f64]) -> Vec<f64> {
        let tables = tables(design, &at[1..]);
        let mut log_odds = vec![at[0]; design.rows];
        log_odds.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
            add_effects(design, &tables, block * BLOCK, sums);
            sums.iter_mut().for_each(|z| {
                let p = sigmoid(*z);
                *z = p * (1.0 - p);
            });
        });
        log_odds
    }

    /// Objective and gradient.
    fn point(&self, at: Vec<f64>, ridge: f64) -> Point {
        let tables = tables(self.design, &at[1..]);
        let blocks: Vec<usize> = (0..self.design.rows).step_by(BLOCK).collect();
        let sums: Vec<BlockSums> = blocks.into_par_iter().map(|from| self.block(from, at[0], &tables)).collect();
        let mut total = BlockSums { loss: 0.0, residual: 0.0, by_code: vec![0.0; sums[0].by_code.len()] };
        for sum in &sums {
            total.loss += sum.loss;
            total.residual += sum.residual;
            total.by_code.iter_mut().zip(&sum.by_code).for_each(|(all, own)| *all += own);
        }
        let mut gradient = Vec::with_capacity(at.len());
        gradient.push(total.residual);
        let mut codes = total.by_code.as_slice();
        for basis in &self.design.bases {
            let (own, rest) = codes.split_at(basis.codes());
            gradient.extend(basis.sums(own));
            codes = rest;
        }
        gradient[1..].iter_mut().zip(&at[1..]).for_each(|(slope, weight)| *slope += ridge * weight);
        let objective = total.loss + 0.5 * ridge * dot(&at[1..], &at[1..]);
        Point { at, objective, gradient }
    }

    fn block(&self, from: usize, intercept: f64, tables: &[Table]) -> BlockSums {
        let rows = BLOCK.min(self.design.rows - from);
        let labels = &self.labels[from..from + rows];
        let mut residuals = vec![intercept; rows];
        add_effects(self.design, tables, from, &mut residuals);
        let mut loss = 0.0;
        for (z, label) in residuals.iter_mut().zip(labels) {
            loss += softplus(if *label { -*z } else { *z });
            *z = sigmoid(*z) - f64::from(u8::from(*label));
        }
        let mut by_code = Vec::with_capacity(self.design.bases.iter().map(|basis| basis.codes()).sum());
        for (codes, basis) in self.design.codes.iter().zip(&self.design.bases) {
            let sums = sums_by_code(&codes[from..from + rows], &residuals);
            by_code.extend_from_slice(&sums[..basis.codes()]);
        }
        BlockSums { loss, residual: residuals.iter().sum(), by_code }
    }

    /// The next point, halving the step until the objective falls; `None` when rounding is all that is left.
    fn step(&self, from: &Point, aim: &Aim, ridge: f64) -> Option<Point> {
        let rounding = 1e-13 * from.objective.abs();
        let mut length = 1.0;
        for _ in 0..30 {
            let at = from.at.iter().zip(&aim.direction).map(|(x, d)| x - length * d).collect();
            let next = self.point(at, ridge);
            let enough = next.objective <= from.objective - 1e-4 * length * aim.gain;
            // Where the gain drowns in the rounding of the objective, the gradient alone tells.
            if enough
                || (aim.gain < rounding && dot(&next.gradient, &next.gradient) < dot(&from.gradient, &from.gradient))
            {
                return Some(next);
            }
            length *= 0.5;
        }
        None
    }

    fn fitted(&self, iterations: u32) -> Fitted {
        let weights = self.at[1..].to_vec();
        Fitted { intercept: self.at[0], effects: self.design.effects(&weights), weights, iterations }
    }
}

/// Slow steps from which on one curvature serves several ridges.
const PATIENT: u32 = 10;
/// Most slow steps on one curvature: a new one forgets what the steps have shown.
const MOST_PATIENCE: f64 = 25.0;
/// Slow steps on the curvature of some rows before that of more is worth its time.
const PATIENCE_WITH_SOME_ROWS: f64 = 5.0;

struct BlockSums {
    loss: f64,
    residual: f64,
    /// Residuals by code, one feature after the other.
    by_code: Vec<f64>,
}

/// Effect by code, as long as a byte can reach: an index needs no check.
type Table = [f64; 256];

fn tables(design: &Design, weights: &[f64]) -> Vec<Table> {
    let table = |effects: Vec<f64>| {
        let mut table = [0.0; 256];
        table[..effects.len()].copy_from_slice(&effects);
        table
    };
    design.effects(weights).into_iter().map(table).collect()
}

fn add_effects(design: &Design, tables: &[Table], from: usize, sums: &mut [f64]) {
    for (codes, table) in design.codes.iter().zip(tables) {
        for (sum, code) in sums.iter_mut().zip(&codes[from..]) {
            *sum += table[usize::from(*code)];
        }
    }
}

/// Two tables in turn, so that rows of one code in a row do not wait for each other.
fn sums_by_code(codes: &[u8], values: &[f64]) -> Table {
    let (mut even, mut odd) = ([0.0; 256], [0.0; 256]);
    for (codes, values) in codes.chunks_exact(2).zip(values.chunks_exact(2)) {
        even[usize::from(codes[0])] += values[0];
        odd[usize::from(codes[1])] += values[1];
    }
    if codes.len() % 2 == 1 {
        even[usize::from(codes[codes.len() - 1])] += values[codes.len() - 1];
    }
    even.iter_mut().zip(odd).for_each(|(sum, other)| *sum += other);
    even
}

/// Places spread over `rows`, one at a scrambled place of each stretch, so that no order or period of the rows shows.
fn spread(rows: usize, wanted: usize) -> Vec<u32> {
    let wanted = wanted.min(rows);
    let place = |i: usize| {
        let (from, to) = (i * rows / wanted, (i + 1) * rows / wanted);
        let scrambled = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (from + scrambled as usize % (to - from)) as u32
    };
    (0..wanted).map(place).collect()
}

/// Directions of descent: the inverse curvature, corrected by what the last steps have shown (L-BFGS; Nocedal, 1980).
struct Search {
    inverse: Inverse,
    /// Step, change of gradient, and 1 over their product.
    pairs: Vec<(Vec<f64>, Vec<f64>, f64)>,
    slow: u32,
}

/// Where to go from a point.
struct Aim {
    direction: Vec<f64>,
    /// Twice the nats that a full step should gain.
    gain: f64,
}

impl Search {
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q = gradient.to_vec();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (step, change, rho) in self.pairs.iter().rev() {
            let share = rho * dot(step, &q);
            q.iter_mut().zip(change).for_each(|(q, y)| *q -= share * y);
            shares.push(share);
        }
        let mut d = self.inverse.times(&q);
        for ((step, change, rho), share) in self.pairs.iter().zip(shares.into_iter().rev()) {
            let back = rho * dot(change, &d);
            d.iter_mut().zip(step).for_each(|(d, s)| *d += (share - back) * s);
        }
        d
    }

    fn aim(&self, point: &Point) -> Aim {
        let direction = self.direction(&point.gradient);
        Aim { gain: dot(&direction, &point.gradient), direction }
    }

    fn remember(&mut self, from: &Point, to: &Point) {
        let minus = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(x, y)| x - y).collect() };
        let (step, change) = (minus(&to.at, &from.at), minus(&to.gradient, &from.gradient));
        let product = dot(&step, &change);
        if product > 1e-14 * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            self.pairs.push((step, change, 1.0 / product));
        }
        if self.pairs.len() > MEMORY {
            self.pairs.remove(0);
        }
    }

    /// Whether this slow step is one more than there is patience for.
    fn worn(&mut self, patience: u32) -> bool {
        self.slow += 1;
        self.slow > patience
    }
}
