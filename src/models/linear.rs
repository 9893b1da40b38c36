//! A symmetric positive definite system and its Cholesky solution: all the linear algebra the solver needs.

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

    /// The x with `self · x = right`; `None` when the matrix is not positive definite.
    pub fn solve(mut self, right: &[f64]) -> Option<Vec<f64>> {
        self.factor()?;
        let mut x = right.to_vec();
        for row in 0..self.size {
            let (done, rest) = x.split_at_mut(row);
            rest[0] = (rest[0] - lanes_dot(&self.row(row)[..row], done)) / self.row(row)[row];
        }
        for row in (0..self.size).rev() {
            x[row] /= self.row(row)[row];
            let value = x[row];
            for (cell, factor) in x[..row].iter_mut().zip(&self.cells[row * self.size..]) {
                *cell -= factor * value;
            }
        }
        Some(x)
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..(row + 1) * self.size]
    }

    /// Cholesky in place, row by row, so that every inner product runs over contiguous memory.
    fn factor(&mut self) -> Option<()> {
        for i in 0..self.size {
            let (above, current) = self.cells.split_at_mut(i * self.size);
            let current = &mut current[..self.size];
            for j in 0..i {
                let other = &above[j * self.size..(j + 1) * self.size];
                current[j] = (current[j] - lanes_dot(&current[..j], &other[..j])) / other[j];
            }
            let pivot = current[i] - lanes_dot(&current[..i], &current[..i]);
            if !(pivot.is_finite() && pivot > 0.0) {
                return None;
            }
            current[i] = pivot.sqrt();
        }
        Some(())
    }
}

/// Inner product in eight lanes: the order of additions is fixed, so results are the same on every machine.
fn lanes_dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    tail + lanes.iter().sum::<f64>()
}
