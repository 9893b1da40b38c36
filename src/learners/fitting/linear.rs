//! A symmetric positive definite system and its Cholesky solution: all the linear algebra the solver needs.

use rayon::prelude::*;

/// Lower triangle of a symmetric matrix, row-major in full rows.
#[derive(Clone, Debug)]
pub struct Symmetric {
    size: usize,
    cells: Vec<f64>,
}

impl Symmetric {
    pub fn zeros(size: usize) -> Symmetric {
        Symmetric { size, cells: vec![0.0; size * size] }
    }

    /// Adds to the cell at or below the diagonal.
    pub fn add(&mut self, row: usize, column: usize, value: f64) {
        self.cells[row * self.size + column] += value;
    }

    /// Writes a run of cells at or below the diagonal.
    pub fn set_run(&mut self, row: usize, from: usize, values: &[f64]) {
        let start = row * self.size + from;
        self.cells[start..start + values.len()].copy_from_slice(values);
    }

    pub fn size(&self) -> usize {
        self.size
    }

    pub fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..(row + 1) * self.size]
    }

    /// The x with `self · x = right`; `None` when the matrix is not positive definite.
    pub fn solve(self, right: &[f64]) -> Option<Vec<f64>> {
        Some(self.factor()?.solve(right))
    }

    /// Cholesky in place, row by row, so that every inner product runs over contiguous memory; rows below a block of
    /// finished ones do not need each other.
    pub fn factor(mut self) -> Option<Factored> {
        let size = self.size;
        for from in (0..size).step_by(PANEL) {
            let to = (from + PANEL).min(size);
            let (above, below) = self.cells.split_at_mut(to * size);
            for i in from..to {
                let (done, current) = above.split_at_mut(i * size);
                let current = &mut current[..size];
                eliminate(current, done, from, i, size);
                let pivot = current[i] - lanes_dot(&current[..i], &current[..i]);
                if !(pivot.is_finite() && pivot > 0.0) {
                    return None;
                }
                current[i] = pivot.sqrt();
            }
            below.par_chunks_mut(TILE * size.max(1)).for_each(|rows| {
                match <[&mut [f64]; TILE]>::try_from(rows.chunks_mut(size.max(1)).collect::<Vec<_>>()) {
                    Ok(mut tile) => eliminate_tile(&mut tile, above, from, to, size),
                    Err(few) => few.into_iter().for_each(|row| eliminate(row, above, from, to, size)),
                }
            });
        }
        Some(Factored(self))
    }
}

/// Rows that are finished before the rows below them take them up.
const PANEL: usize = 64;

/// Entries `from..to` of a row, given the finished rows of those numbers.
fn eliminate(row: &mut [f64], done: &[f64], from: usize, to: usize, size: usize) {
    for j in from..to {
        let other = &done[j * size..j * size + j + 1];
        row[j] = (row[j] - lanes_dot(&row[..j], &other[..j])) / other[j];
    }
}

/// Rows that are eliminated together, so that a finished row is read once for all of them.
const TILE: usize = 4;

/// The same for several rows, each as if it were alone.
fn eliminate_tile(rows: &mut [&mut [f64]; TILE], done: &[f64], from: usize, to: usize, size: usize) {
    for j in from..to {
        let other = &done[j * size..j * size + j + 1];
        let dots = lanes_dots(rows.each_ref().map(|row| &row[..j]), &other[..j]);
        for (row, dot) in rows.iter_mut().zip(dots) {
            row[j] = (row[j] - dot) / other[j];
        }
    }
}

/// A lower triangle L with L · Lᵀ = the matrix.
#[derive(Clone, Debug)]
pub struct Factored(Symmetric);

impl Factored {
    /// The x with `matrix · x = right`.
    pub fn solve(&self, right: &[f64]) -> Vec<f64> {
        let mut x = right.to_vec();
        for row in 0..self.0.size {
            let (done, rest) = x.split_at_mut(row);
            rest[0] = (rest[0] - lanes_dot(&self.0.row(row)[..row], done)) / self.0.row(row)[row];
        }
        for row in (0..self.0.size).rev() {
            x[row] /= self.0.row(row)[row];
            let value = x[row];
            for (cell, factor) in x[..row].iter_mut().zip(self.0.row(row)) {
                *cell -= factor * value;
            }
        }
        x
    }
}

/// Inner product in eight lanes: the order of additions is fixed, so results are the same on every machine.
fn lanes_dot(a: &[f64], b: &[f64]) -> f64 {
    let [dot] = lanes_dots([a], b);
    dot
}

/// The inner products of several vectors with one of their length.
fn lanes_dots<const N: usize>(vectors: [&[f64]; N], other: &[f64]) -> [f64; N] {
    let vectors = vectors.map(|vector| vector.as_chunks::<LANES>());
    let (others, rest) = other.as_chunks::<LANES>();
    let mut sums = [[0.0; LANES]; N];
    for (at, y) in others.iter().enumerate() {
        for ((chunks, _), sums) in vectors.iter().zip(&mut sums) {
            let x = &chunks[at];
            for lane in 0..LANES {
                sums[lane] += x[lane] * y[lane];
            }
        }
    }
    std::array::from_fn(|n| {
        let tail: f64 = vectors[n].1.iter().zip(rest).map(|(x, y)| x * y).sum();
        tail + sums[n].iter().sum::<f64>()
    })
}

const LANES: usize = 8;
