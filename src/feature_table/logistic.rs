//! The plain challenger: linfa's logistic regression on standardised numbers and one column per word.

use super::coarse::{Additive, spec, typical};
use super::coded::{CodedTable, Feature};
use super::recipe::labels_at;
use crate::models::bins::Bins;
use crate::models::fit;
use crate::models::scorecard::{self, Scorecard};

/// Words of fewer training rows than this have no column of their own.
const LEAST_ROWS: u32 = 10;

/// scikit-learn's default penalty, C = 1.
const RIDGE: f64 = 1.0;

/// Values of a feature's columns by finest code: one row per code.
struct Columns {
    width: usize,
    by_code: Vec<f64>,
    met: Vec<u32>,
}

pub fn train(table: &CodedTable, rows: &[u32]) -> Result<Additive, fit::Error> {
    let columns: Vec<Columns> = table.features.iter().map(|feature| Columns::of(feature, rows)).collect();
    let width: usize = columns.iter().map(|columns| columns.width).sum();
    let mut values = Vec::with_capacity(rows.len() * width);
    for row in rows {
        for (feature, columns) in table.features.iter().zip(&columns) {
            values.extend_from_slice(columns.row(feature.codes[*row as usize]));
        }
    }
    let (intercept, weights) = fit::plain(values, &labels_at(table, rows), RIDGE, 1e-4)?;
    Ok(additive(table, &columns, intercept, &weights))
}

impl Columns {
    fn of(feature: &Feature, rows: &[u32]) -> Columns {
        let mut met = vec![0u32; feature.fine.codes()];
        rows.iter().for_each(|row| met[usize::from(feature.codes[*row as usize])] += 1);
        let by_code: Vec<Vec<f64>> = match &feature.fine {
            Bins::Numbers { .. } => standardised(feature, &met),
            Bins::Words { .. } => one_per_word(&met),
        };
        Columns { width: by_code[0].len(), by_code: by_code.concat(), met }
    }

    fn row(&self, code: u8) -> &[f64] {
        let from = usize::from(code) * self.width;
        &self.by_code[from..from + self.width]
    }
}

/// The number with mean 0 and variance 1, the mean where it is missing; and whether it is, where some are.
fn standardised(feature: &Feature, met: &[u32]) -> Vec<Vec<f64>> {
    let known = || met[1..].iter().zip(&feature.means[1..]).map(|(n, mean)| (f64::from(*n), *mean));
    let n: f64 = known().map(|(n, _)| n).sum::<f64>().max(1.0);
    let mean = known().map(|(n, value)| n * value).sum::<f64>() / n;
    let spread = (known().map(|(n, value)| n * (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scaled = |value: f64| if spread > 0.0 { (value - mean) / spread } else { 0.0 };
    let of = |code: usize| match (code, met[0] > 0) {
        (0, true) => vec![0.0, 1.0],
        (0, false) => vec![0.0],
        (code, true) => vec![scaled(feature.means[code]), 0.0],
        (code, false) => vec![scaled(feature.means[code])],
    };
    (0..met.len()).map(of).collect()
}

fn one_per_word(met: &[u32]) -> Vec<Vec<f64>> {
    let own: Vec<usize> = (0..met.len()).filter(|code| met[*code] >= LEAST_ROWS).collect();
    let of = |code: usize| (0..own.len().max(1)).map(|k| f64::from(u8::from(own.get(k) == Some(&code)))).collect();
    (0..met.len()).map(of).collect()
}

/// The same model as points by finest code, centred over the training rows.
fn additive(table: &CodedTable, columns: &[Columns], intercept: f64, weights: &[f64]) -> Additive {
    let (mut base, mut from, mut features, mut maps) = (intercept, 0, Vec::new(), Vec::new());
    for (place, (feature, columns)) in table.features.iter().zip(columns).enumerate() {
        let own = &weights[from..from + columns.width];
        let effects: Vec<f64> = (0..columns.met.len()).map(|code| fit::dot(columns.row(code as u8), own)).collect();
        let n: f64 = columns.met.iter().map(|n| f64::from(*n)).sum();
        let shares: Vec<f64> = columns.met.iter().map(|met| f64::from(*met) / n).collect();
        let centre = fit::dot(&shares, &effects);
        base += centre;
        features.push(scorecard::Feature {
            spec: spec(feature),
            bins: feature.fine.clone(),
            points: effects.iter().map(|effect| effect - centre).collect(),
            shares,
            typical: typical(feature, &columns.met),
        });
        maps.push((place, (0..feature.fine.codes()).map(|code| code as u8).collect()));
        from += columns.width;
    }
    Additive { card: Scorecard { base, ridge: RIDGE, features }, pairs: Vec::new(), maps }
}
