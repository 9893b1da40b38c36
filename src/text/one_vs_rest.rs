//! One logistic model per class on sparse rows: dual coordinate ascent, sixteen classes side by side.
//!
//! Minimises, for every class, linfa-logistic's objective: the summed log loss plus `ridge/2·|w|²`, where the intercept
//! is the weight of one more column that is 1 everywhere and is penalised as well (as liblinear does). The dual has one
//! variable per row and class; a sweep solves each for itself (Yu, Huang and Lin 2011, *Dual coordinate descent methods
//! for logistic regression and maximum entropy models*). Weights of sixteen classes lie side by side, so one pass over
//! a row serves them all, and rows that have stopped moving rest for a growing number of sweeps.
//!
//! The order of rows is a fixed shuffle and blocks of classes are independent, so the result does not depend on threads.

use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array1;
use rayon::prelude::*;

use super::terms::Rows;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the ridge strength must be finite and above zero, not {0}")]
    Ridge(f64),
    #[error("the tolerance must lie between 0 and 1, not {0}")]
    Tolerance(f64),
    #[error("{rows} rows but {labels} labels")]
    Shape { rows: usize, labels: usize },
    #[error("label {label} of row {row} is not below the {classes} classes")]
    Label { row: usize, label: usize, classes: usize },
    #[error(transparent)]
    Linfa(#[from] linfa::error::Error),
}

/// Unchecked parameters; [`ParamGuard::check`] turns them into [`ValidOneVsRest`].
#[derive(Clone, Copy, Debug)]
pub struct OneVsRest(ValidOneVsRest);

#[derive(Clone, Copy, Debug)]
pub struct ValidOneVsRest {
    classes: usize,
    ridge: f64,
    tolerance: f64,
}

/// Intercepts and weights of all classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linear {
    /// By class.
    pub base: Vec<f32>,
    /// By column, then class.
    pub weights: Vec<f32>,
    /// Most sweeps that a block of classes took.
    pub sweeps: u32,
}

impl OneVsRest {
    /// `ridge` is the strength of the squared penalty, in the unit of summed log loss: 1/C of scikit-learn.
    pub fn new(classes: usize, ridge: f64) -> OneVsRest {
        OneVsRest(ValidOneVsRest { classes, ridge, tolerance: 0.03 })
    }

    /// Stops when no row's probability is further than this from what its dual variable says.
    pub fn tolerance(mut self, tolerance: f64) -> OneVsRest {
        self.0.tolerance = tolerance;
        self
    }
}

impl ParamGuard for OneVsRest {
    type Checked = ValidOneVsRest;
    type Error = Error;

    fn check_ref(&self) -> Result<&ValidOneVsRest, Error> {
        let ValidOneVsRest { ridge, tolerance, .. } = self.0;
        if !(ridge.is_finite() && ridge > 0.0) {
            return Err(Error::Ridge(ridge));
        }
        if tolerance > 0.0 && tolerance < 1.0 { Ok(&self.0) } else { Err(Error::Tolerance(tolerance)) }
    }

    fn check(self) -> Result<ValidOneVsRest, Error> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl Fit<Rows, Array1<usize>, Error> for ValidOneVsRest {
    type Object = Linear;

    fn fit(&self, dataset: &DatasetBase<Rows, Array1<usize>>) -> Result<Linear, Error> {
        let (rows, labels) = (&dataset.records, &dataset.targets);
        if rows.len() != labels.len() {
            return Err(Error::Shape { rows: rows.len(), labels: labels.len() });
        }
        if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label >= self.classes) {
            return Err(Error::Label { row, label: *label, classes: self.classes });
        }
        let labels: Vec<usize> = labels.to_vec();
        let firsts: Vec<usize> = (0..self.classes).step_by(LANES).collect();
        let blocks: Vec<Block> = firsts
            .par_iter()
            .map(|first| {
                let mut block = Block::new(self, rows, &labels, *first);
                block.solve();
                block
            })
            .collect();
        Ok(Linear::of(&blocks, self.classes, rows.width))
    }
}

/// Classes that are solved side by side: sixteen f32 are one cache line.
const LANES: usize = 16;
type Lanes = [f32; LANES];

/// Sweeps after which the best found so far is taken.
const MOST_SWEEPS: u32 = 200;
/// Newton steps per variable and sweep; the sweeps do the rest.
const STEPS: usize = 3;
/// A row within this share of the tolerance rests.
const SETTLED: f32 = 0.1;
/// Most sweeps that a row rests.
const LONGEST_REST: u8 = 15;
/// Log-odds of a dual variable before its first visit: as good as none (2e-9).
const UNTOUCHED: f32 = -20.0;

/// One block of classes on its way to the optimum.
struct Block<'a> {
    rows: &'a Rows,
    labels: &'a [usize],
    first: usize,
    cost: f32,
    tolerance: f32,
    /// By column; the last one is the intercept.
    weights: Vec<Lanes>,
    /// Log-odds of each dual variable's share of its upper bound, by row.
    duals: Vec<Lanes>,
    /// Squared length of each row, its intercept included.
    lengths: Vec<f32>,
    sweeps: u32,
}

/// Sweeps that a row still rests, and how many it rested last.
#[derive(Clone, Copy, Default)]
struct Rest {
    left: u8,
    last: u8,
}

impl<'a> Block<'a> {
    fn new(params: &ValidOneVsRest, rows: &'a Rows, labels: &'a [usize], first: usize) -> Block<'a> {
        let length = |row: usize| 1.0 + rows.row(row).1.iter().map(|value| value * value).sum::<f32>();
        Block {
            rows,
            labels,
            first,
            cost: (1.0 / params.ridge) as f32,
            tolerance: params.tolerance as f32,
            weights: vec![[0.0; LANES]; rows.width + 1],
            duals: vec![[UNTOUCHED; LANES]; rows.len()],
            lengths: (0..rows.len()).map(length).collect(),
            sweeps: 0,
        }
    }

    /// Sweeps until nothing moves, which counts only when every row was awake.
    fn solve(&mut self) {
        let mut rests = vec![Rest::default(); self.rows.len()];
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        while self.sweeps < MOST_SWEEPS {
            self.sweeps += 1;
            shuffle(&mut order, u64::from(self.sweeps));
            let all_awake = rests.iter().all(|rest| rest.left == 0);
            if self.sweep(&order, &mut rests) >= self.tolerance {
                continue;
            }
            if all_awake {
                return;
            }
            rests.fill(Rest::default());
        }
    }

    /// Visits every row that is awake; the largest fault met.
    fn sweep(&mut self, order: &[u32], rests: &mut [Rest]) -> f32 {
        let mut worst: f32 = 0.0;
        for row in order.iter().map(|row| *row as usize) {
            let rest = &mut rests[row];
            if rest.left > 0 {
                rest.left -= 1;
                continue;
            }
            let fault = self.visit(row);
            worst = worst.max(fault);
            let longer = if fault < SETTLED * self.tolerance { (rest.last * 2 + 1).min(LONGEST_REST) } else { 0 };
            *rest = Rest { left: longer, last: longer };
        }
        worst
    }

    /// Solves the row's variables; how far they were from their places, as a probability.
    fn visit(&mut self, row: usize) -> f32 {
        let (columns, values) = self.rows.row(row);
        let mut odds = self.weights[self.rows.width];
        for (column, value) in columns.iter().zip(values) {
            let weights = &self.weights[*column as usize];
            (0..LANES).for_each(|k| odds[k] += weights[k] * value);
        }
        let sides = self.sides(row);
        let old = self.duals[row];
        let margins: Lanes = std::array::from_fn(|k| sides[k] * odds[k]);
        let fault = (0..LANES).map(|k| (sigmoid(-margins[k]) - sigmoid(old[k])).abs()).fold(0.0, f32::max);
        if fault < SETTLED * self.tolerance {
            return fault;
        }
        let new = solved(&old, &margins, self.lengths[row] * self.cost);
        let moves: Lanes = std::array::from_fn(|k| self.cost * sides[k] * (sigmoid(new[k]) - sigmoid(old[k])));
        self.duals[row] = new;
        for (column, value) in columns.iter().zip(values) {
            let weights = &mut self.weights[*column as usize];
            (0..LANES).for_each(|k| weights[k] += moves[k] * value);
        }
        let base = &mut self.weights[self.rows.width];
        (0..LANES).for_each(|k| base[k] += moves[k]);
        fault
    }

    /// +1 for the row's own class, −1 for the others.
    fn sides(&self, row: usize) -> Lanes {
        let mut sides = [-1.0; LANES];
        if let Some(side) = self.labels[row].checked_sub(self.first).and_then(|own| sides.get_mut(own)) {
            *side = 1.0;
        }
        sides
    }
}

/// The roots u of `u + margin + stiffness·(σ(u) − σ(old))`, which rises in u and changes its sign between `old` and
/// −`margin`. Newton's method starts at the end nearer to zero, from where its steps never pass the root.
fn solved(old: &Lanes, margins: &Lanes, stiffness: f32) -> Lanes {
    let low: Lanes = std::array::from_fn(|k| old[k].min(-margins[k]));
    let high: Lanes = std::array::from_fn(|k| old[k].max(-margins[k]));
    let from: Lanes = std::array::from_fn(|k| sigmoid(old[k]));
    let mut u: Lanes = std::array::from_fn(|k| 0f32.max(low[k]).min(high[k]));
    for _ in 0..STEPS {
        for k in 0..LANES {
            let share = sigmoid(u[k]);
            let fault = u[k] + margins[k] + stiffness * (share - from[k]);
            u[k] = (u[k] - fault / (1.0 + stiffness * share * (1.0 - share))).max(low[k]).min(high[k]);
        }
    }
    u
}

/// 1 / (1 + e^−x) without branches, so that lanes go side by side: within 4e-6 of it, the same on every machine.
fn sigmoid(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let power = -x.clamp(-40.0, 40.0) * std::f32::consts::LOG2_E;
    let rounded = power + ROUND;
    let rest = (power - (rounded - ROUND)) * std::f32::consts::LN_2;
    let e_rest = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest / 120.0))));
    let two_whole = f32::from_bits(rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    1.0 / (1.0 + e_rest * two_whole)
}

/// Fisher–Yates with a linear congruential generator: the same order for the same sweep, everywhere.
fn shuffle(order: &mut [u32], sweep: u64) {
    let mut state = sweep;
    for last in (1..order.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (state >> 33) as usize % (last + 1));
    }
}

impl Linear {
    fn of(blocks: &[Block], classes: usize, width: usize) -> Linear {
        let weights =
            |column: usize| (0..classes).map(move |class| blocks[class / LANES].weights[column][class % LANES]);
        Linear {
            base: weights(width).collect(),
            weights: (0..width).flat_map(weights).collect(),
            sweeps: blocks.iter().map(|block| block.sweeps).max().unwrap_or(0),
        }
    }

    /// The weights of one column, by class.
    pub fn column(&self, column: u32) -> &[f32] {
        &self.weights[column as usize * self.base.len()..][..self.base.len()]
    }

    /// Log-odds of every class for the cells of one row.
    pub fn log_odds(&self, cells: &[(u32, f32)]) -> Vec<f64> {
        let mut odds: Vec<f64> = self.base.iter().copied().map(f64::from).collect();
        for (column, value) in cells {
            let weights = self.column(*column).iter();
            odds.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += f64::from(*weight) * f64::from(*value));
        }
        odds
    }

    /// With four decimals, as a person reads them.
    pub fn rounded(self) -> Linear {
        let round = |values: Vec<f32>| values.into_iter().map(|value| (value * 1e4).round() / 1e4).collect();
        Linear { base: round(self.base), weights: round(self.weights), sweeps: self.sweeps }
    }
}
