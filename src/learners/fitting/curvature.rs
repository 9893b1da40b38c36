//! The Hessian of the log loss over binned features, from co-occurrence sums of codes: n·F²/2 additions instead of a
//! dense product over all coefficients. Where even that is too much, one block per feature.

use rayon::prelude::*;

use super::design::{Design, dot};
use super::linear::{Factored, Symmetric};
use crate::learners::columns::bins::usual;

/// Rows per block: their weights and a feature's codes stay in the fastest cache.
const BLOCK: usize = 4_096;

/// Additions of a full Hessian and its factors beyond which blocks have to do.
const MOST_WORK: f64 = 4e9;
/// Steps of the search that take as long as a full Hessian beyond which blocks do better, though they need up to six
/// times the steps (10,951 rows, 127 features: 62 CPU s with blocks, 115 with full Hessians).
const MOST_STEPS: f64 = 100.0;

/// Steps of the search that take as long as a full Hessian of the design and its factors, if a code of a step takes 3 ns, two
/// codes that meet 0.7 ns and a product of the factors 0.25 ns: estimates, good enough to choose by.
pub(super) fn cost_in_steps(design: &Design) -> f64 {
    let (cells, features) = ((design.rows * design.codes.len()) as f64, design.codes.len() as f64);
    let size = design.bases.iter().map(|basis| basis.coefficients).sum::<usize>() as f64;
    (0.35 * cells * features + 0.25 * size.powi(3) / 6.0) / (3.0 * cells).max(1.0)
}

/// Curvature without the ridge.
pub(super) enum Metric {
    /// Over (intercept, coefficients).
    Full(Symmetric),
    /// Features taken as unrelated but for the intercept.
    Blocks { intercept: f64, with_intercept: Vec<Vec<f64>>, own: Vec<Symmetric> },
}

/// Its inverse for one ridge.
pub(super) enum Inverse {
    Full(Factored),
    Blocks { intercept: f64, with_intercept: Vec<Vec<f64>>, own: Vec<Factored> },
}

impl Metric {
    /// `weights` are p·(1 − p) of each row of the design.
    pub fn of(design: &Design, weights: &[f64]) -> Metric {
        let (features, size) = (design.codes.len() as f64, design.bases.iter().map(|b| b.coefficients).sum::<usize>());
        let work = design.rows as f64 * features * features / 2.0 + (size as f64).powi(3) / 6.0;
        let alone: Vec<FeatureSums> =
            (0..design.codes.len()).into_par_iter().map(|feature| FeatureSums::of(design, feature, weights)).collect();
        let intercept = in_lanes(weights);
        match work <= MOST_WORK && cost_in_steps(design) <= MOST_STEPS {
            true => Metric::Full(full(design, weights, intercept, alone)),
            false => {
                let (with_intercept, own) = alone.into_iter().map(|sums| (sums.with_intercept, sums.own)).unzip();
                Metric::Blocks { intercept, with_intercept, own }
            }
        }
    }

    /// `None` where it is not positive definite.
    pub fn inverse(&self, ridge: f64) -> Option<Inverse> {
        match self {
            Metric::Full(curvature) => {
                let mut curvature = curvature.clone();
                (1..curvature.size()).for_each(|place| curvature.add(place, place, ridge));
                Some(Inverse::Full(curvature.factor()?))
            }
            Metric::Blocks { intercept, with_intercept, own } => {
                let block = |(with_intercept, own): (&Vec<f64>, &Symmetric)| {
                    let mut centred = own.clone();
                    for (row, a) in with_intercept.iter().enumerate() {
                        for (column, b) in with_intercept[..=row].iter().enumerate() {
                            centred.add(row, column, -a * b / intercept);
                        }
                        centred.add(row, row, ridge);
                    }
                    centred.factor()
                };
                let own = with_intercept.par_iter().zip(own).map(block).collect::<Option<Vec<Factored>>>()?;
                (*intercept > 0.0).then(|| Inverse::Blocks {
                    intercept: *intercept,
                    with_intercept: with_intercept.clone(),
                    own,
                })
            }
        }
    }
}

impl Inverse {
    pub fn times(&self, gradient: &[f64]) -> Vec<f64> {
        match self {
            Inverse::Full(factored) => factored.solve(gradient),
            Inverse::Blocks { intercept, with_intercept, own } => {
                let mut product = vec![gradient[0] / intercept];
                let mut from = 1;
                for (with_intercept, own) in with_intercept.iter().zip(own) {
                    let slopes = &gradient[from..from + with_intercept.len()];
                    let centred: Vec<f64> =
                        slopes.iter().zip(with_intercept).map(|(g, h)| g - h * gradient[0] / intercept).collect();
                    let step = own.solve(&centred);
                    product[0] -= dot(with_intercept, &step) / intercept;
                    product.extend(step);
                    from += with_intercept.len();
                }
                product
            }
        }
    }
}

/// One feature against the intercept and itself, in coefficients.
struct FeatureSums {
    by_code: Vec<f64>,
    with_intercept: Vec<f64>,
    own: Symmetric,
}

impl FeatureSums {
    fn of(design: &Design, feature: usize, weights: &[f64]) -> FeatureSums {
        let (codes, basis) = (&design.codes[feature], &design.bases[feature]);
        let mut by_code = vec![0.0; basis.codes()];
        codes.iter().zip(weights).for_each(|(code, weight)| by_code[usize::from(*code)] += weight);
        let mut own = Symmetric::zeros(basis.coefficients);
        for (code, weight) in by_code.iter().enumerate() {
            let row = basis.row(code);
            for (k, a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                row[..=k].iter().enumerate().for_each(|(l, b)| own.add(k, l, weight * a * b));
            }
        }
        FeatureSums { with_intercept: basis.sums(&by_code), by_code, own }
    }
}

fn full(design: &Design, weights: &[f64], intercept: f64, alone: Vec<FeatureSums>) -> Symmetric {
    let offsets = design.offsets();
    let mut hessian = Symmetric::zeros(1 + design.bases.iter().map(|basis| basis.coefficients).sum::<usize>());
    hessian.add(0, 0, intercept);
    // The last features meet the most others, so they go first.
    let crossed: Vec<Vec<Vec<f64>>> = (0..design.codes.len())
        .into_par_iter()
        .rev()
        .map(|feature| crosses(design, feature, weights, &alone))
        .collect();
    for (feature, (sums, crosses)) in alone.into_iter().zip(crossed.into_iter().rev()).enumerate() {
        let from = 1 + offsets[feature];
        for (k, with_intercept) in sums.with_intercept.iter().enumerate() {
            hessian.add(from + k, 0, *with_intercept);
            hessian.set_run(from + k, from, &sums.own.row(k)[..=k]);
            for (earlier, cross) in crosses.iter().enumerate() {
                let columns = design.bases[earlier].coefficients;
                hessian.set_run(from + k, 1 + offsets[earlier], &cross[k * columns..(k + 1) * columns]);
            }
        }
    }
    hessian
}

/// A feature against each one before it, in coefficients, row-major by the feature's own.
fn crosses(design: &Design, feature: usize, weights: &[f64], alone: &[FeatureSums]) -> Vec<Vec<f64>> {
    let own = design.bases[feature].codes();
    let mut met: Vec<Vec<f64>> = design.bases[..feature].iter().map(|basis| vec![0.0; own * basis.codes()]).collect();
    match usual(&design.codes[feature]) {
        Some(usual) => {
            sparse_sums(design, feature, weights, usual, &mut met);
            for (met, earlier) in met.iter_mut().zip(alone) {
                fill_usual(met, usual, &earlier.by_code);
            }
        }
        None => dense_sums(design, feature, weights, &mut met),
    }
    met.into_iter().zip(&design.bases).map(|(met, earlier)| design.bases[feature].crossed(earlier, &met)).collect()
}

fn dense_sums(design: &Design, feature: usize, weights: &[f64], met: &mut [Vec<f64>]) {
    for from in (0..design.rows).step_by(BLOCK) {
        let block = from..(from + BLOCK).min(design.rows);
        let (codes, weights) = (&design.codes[feature][block.clone()], &weights[block.clone()]);
        for (earlier, met) in met.iter_mut().enumerate() {
            let width = design.bases[earlier].codes();
            let pairs = codes.iter().zip(&design.codes[earlier][block.clone()]);
            for ((a, b), weight) in pairs.zip(weights) {
                met[usize::from(*a) * width + usize::from(*b)] += weight;
            }
        }
    }
}

/// Rows of the usual code are passed over.
fn sparse_sums(design: &Design, feature: usize, weights: &[f64], usual: u8, met: &mut [Vec<f64>]) {
    let codes = &design.codes[feature];
    let rows: Vec<usize> = (0..design.rows).filter(|row| codes[*row] != usual).collect();
    for (earlier, met) in met.iter_mut().enumerate() {
        let (width, others) = (design.bases[earlier].codes(), &design.codes[earlier]);
        for row in &rows {
            met[usize::from(codes[*row]) * width + usize::from(others[*row])] += weights[*row];
        }
    }
}

/// The sums of the usual code: what the other codes leave of the other feature's own sums.
fn fill_usual(met: &mut [f64], usual: u8, other: &[f64]) {
    let width = other.len();
    let mut left = other.to_vec();
    for row in met.chunks_exact(width) {
        left.iter_mut().zip(row).for_each(|(left, sum)| *left -= sum);
    }
    met[usize::from(usual) * width..][..width].copy_from_slice(&left);
}

/// A sum in eight lanes: the order of additions is fixed, and they do not wait for each other.
fn in_lanes(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    for chunk in values.chunks(8) {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value);
    }
    lanes.iter().sum()
}
