//! Effects that rise or fall with their feature, where whoever trains knows the direction.
//!
//! Pool adjacent violators, with a refit: the model is fitted freely, neighbouring bins whose effects run the wrong way
//! are pooled (Barlow, Bartholomew, Bremner and Brunk, 1972), pooled bins share one value in the next fit, and so on
//! until none runs the wrong way. It is the primal active-set method of Best and Chakravarti (1990) without its second
//! look: what was pooled stays pooled, so the effect is monotone and the other features are fitted to it, but the loss
//! may lie a little above the least that the constraint allows. Missing values have no place in the order and stay free.

use serde::{Deserialize, Serialize};

use super::fit::{Design, Error, Fitted};
use crate::learners::columns::bins::Basis;

/// Which way an effect must run as its number rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Free,
    Rises,
    Falls,
}

impl Direction {
    /// `+` rises, `-` falls.
    pub fn parse(sign: &str) -> Option<Direction> {
        match sign {
            "+" => Some(Direction::Rises),
            "-" => Some(Direction::Falls),
            _ => None,
        }
    }

    /// Whether effects in the order of their numbers run the other way anywhere.
    pub fn is_broken_by(self, effects: &[f64]) -> bool {
        match self {
            Direction::Free => false,
            Direction::Rises | Direction::Falls => {
                effects.windows(2).any(|pair| self.sign() * (pair[1] - pair[0]) < 0.0)
            }
        }
    }

    const fn sign(self) -> f64 {
        match self {
            Direction::Falls => -1.0,
            Direction::Free | Direction::Rises => 1.0,
        }
    }
}

/// Fits until every directed feature keeps its direction; `fit` solves one design. `counts` are rows by feature and
/// code; a feature of words has no order and must be free.
pub fn fitted(
    design: &Design,
    counts: &[Vec<u32>],
    directions: &[Direction],
    fit: impl Fn(&Design) -> Result<Fitted, Error>,
) -> Result<Fitted, Error> {
    let directed: Vec<usize> = (0..directions.len()).filter(|at| directions[*at] != Direction::Free).collect();
    if directed.is_empty() {
        return fit(design);
    }
    let mut design = design.clone();
    // The pool of each bin, missing aside.
    let mut pools: Vec<Vec<usize>> = directed.iter().map(|at| (0..counts[*at].len() - 1).collect()).collect();
    loop {
        let fitted = fit(&design)?;
        let mut pooled_more = false;
        for (at, pools) in directed.iter().zip(&mut pools) {
            let pooled = pooled(&fitted.effects[*at][1..], &counts[*at][1..], pools, directions[*at]);
            if pooled != *pools {
                design.bases[*at] = Basis::pooled(&counts[*at], &pooled);
                (*pools, pooled_more) = (pooled, true);
            }
        }
        if !pooled_more {
            return Ok(fitted);
        }
    }
}

/// The pool of each bin, numbered from 0: pools so far that run the wrong way are put together.
fn pooled(effects: &[f64], counts: &[u32], so_far: &[usize], direction: Direction) -> Vec<usize> {
    // Mean effect, weight, bins.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut from = 0;
    for run in so_far.chunk_by(|a, b| a == b) {
        let weight: f64 = counts[from..from + run.len()].iter().map(|n| f64::from(*n).max(1e-9)).sum();
        let mut last = (direction.sign() * effects[from], weight, run.len());
        while let Some(before) = pools.pop_if(|before| before.0 > last.0) {
            let weight = before.1 + last.1;
            last = ((before.0 * before.1 + last.0 * last.1) / weight, weight, before.2 + last.2);
        }
        pools.push(last);
        from += run.len();
    }
    pools.iter().enumerate().flat_map(|(pool, (.., bins))| std::iter::repeat_n(pool, *bins)).collect()
}
