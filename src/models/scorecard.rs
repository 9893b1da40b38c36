//! A fitted scorecard: points per feature and bin that sum to the log-odds. What is trained, stored, applied and
//! explained is this one thing.

use serde::{Deserialize, Serialize};

use super::bins::Bins;
use super::fit::{self, Design, Fitted, ScorecardParams};
use super::table::{Column, Frame, Spec, Values};

/// Points of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    #[serde(flatten)]
    pub spec: Spec,
    pub bins: Bins,
    /// Log-odds by code (missing, bins in order, other words), centred: the mean over the training rows is 0.
    pub points: Vec<f64>,
    /// Share of training rows by code.
    pub shares: Vec<f64>,
    pub typical: Typical,
}

/// The value of an ordinary training row: the median, or the most frequent word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Typical {
    Number(f64),
    Word(String),
    /// More training rows miss the value than have it.
    Missing,
}

/// Log-odds = base + Σ points of each feature's bin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Log-odds of a row whose every feature contributes nothing.
    pub base: f64,
    pub ridge: f64,
    pub features: Vec<Feature>,
}

/// A column that a model needs and a table lacks, or has in another unit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ColumnError {
    #[error("the model reads a column `{name}` that the table does not have; its source is `{source_table}`")]
    Missing { name: String, source_table: String },
    #[error("column `{name}` is in `{found}`, but the model was trained on `{expected}`; train again or convert it")]
    Unit { name: String, expected: String, found: String },
    #[error("column `{name}` holds {found}, but the model was trained on {expected}; train again")]
    Kind { name: String, expected: &'static str, found: &'static str },
}

/// What may be left to gain, in nats of the summed loss, when two ridges are compared.
const COMPARISON_NATS: f64 = 1e-4;

/// Learns bins on the rows and encodes them; features that do not vary are left out.
#[derive(Clone)]
pub struct Encoded {
    pub specs: Vec<(Spec, Bins, Typical)>,
    pub counts: Vec<Vec<u32>>,
    pub design: Design,
}

impl Encoded {
    pub fn learn(columns: &[&Column], rows: &[u32], bins: usize) -> Encoded {
        use rayon::prelude::*;
        let encoded: Vec<_> = columns.par_iter().map(|column| encode(column, rows, bins)).collect();
        let design = Design { rows: rows.len(), codes: Vec::new(), bases: Vec::new() };
        let mut all = Encoded { specs: Vec::new(), counts: Vec::new(), design };
        for (column, (bins, codes, counts)) in columns.iter().zip(encoded) {
            if counts.iter().filter(|n| **n > 0).count() > 1 {
                let typical = Typical::of(&column.values, rows);
                all.design.bases.push(bins.basis(&counts));
                all.design.codes.push(codes);
                all.specs.push((column.spec.clone(), bins, typical));
                all.counts.push(counts);
            }
        }
        all
    }

    /// Only the features at these positions.
    pub fn select(&self, positions: &[usize]) -> Encoded {
        Encoded {
            specs: positions.iter().map(|i| self.specs[*i].clone()).collect(),
            counts: positions.iter().map(|i| self.counts[*i].clone()).collect(),
            design: Design {
                rows: self.design.rows,
                codes: positions.iter().map(|i| self.design.codes[*i].clone()).collect(),
                bases: positions.iter().map(|i| self.design.bases[*i].clone()).collect(),
            },
        }
    }

    pub fn fit(&self, labels: &[bool], ridge: f64) -> Result<Fitted, fit::Error> {
        fit::scorecard(&self.design, labels, ScorecardParams::new(ridge))
    }

    /// Fits every ridge in turn, each starting at the one before, just closely enough to compare them. A ridge that
    /// cannot be fitted is `None`.
    pub fn path(&self, labels: &[bool], ridges: &[f64]) -> Vec<Option<Fitted>> {
        fit::path(&self.design, labels, ridges, COMPARISON_NATS)
    }

    /// The scorecard of a fit: effects centred over the training rows, codes that never occurred worth nothing.
    pub fn scorecard(&self, fitted: &Fitted, ridge: f64) -> Scorecard {
        let mut base = fitted.intercept;
        let rows = f64::from(self.design.rows as u32);
        let features = self.specs.iter().zip(&self.counts).zip(&fitted.effects).map(
            |(((spec, bins, typical), counts), effects)| {
                let shares: Vec<f64> = counts.iter().map(|n| f64::from(*n) / rows).collect();
                let centre: f64 = shares.iter().zip(effects).map(|(share, effect)| share * effect).sum();
                base += centre;
                let points = effects.iter().zip(counts).map(|(effect, n)| if *n > 0 { effect - centre } else { 0.0 });
                let (spec, bins, typical) = (spec.clone(), bins.clone(), typical.clone());
                Feature { spec, bins, points: points.collect(), shares, typical }
            },
        );
        let features = features.collect();
        Scorecard { base, ridge, features }
    }
}

fn encode(column: &Column, rows: &[u32], bins: usize) -> (Bins, Vec<u8>, Vec<u32>) {
    let bins = Bins::learn(&column.values, rows, bins);
    let codes = bins.encode(&column.values, rows);
    let mut counts = vec![0u32; bins.codes()];
    codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
    (bins, codes, counts)
}

impl Typical {
    fn of(values: &Values, rows: &[u32]) -> Typical {
        match values {
            Values::Numbers(values) => {
                let mut known: Vec<f64> = rows.iter().map(|r| values[*r as usize]).filter(|v| !v.is_nan()).collect();
                if known.len() * 2 < rows.len() || known.is_empty() {
                    return Typical::Missing;
                }
                known.sort_unstable_by(f64::total_cmp);
                Typical::Number(known[known.len() / 2])
            }
            Values::Words(values) => {
                let mut known: Vec<&str> = rows.iter().filter_map(|r| values[*r as usize].as_deref()).collect();
                known.sort_unstable();
                if known.len() * 2 < rows.len() || known.is_empty() {
                    return Typical::Missing;
                }
                let runs = known.chunk_by(|a, b| a == b).map(|run| (run.len(), std::cmp::Reverse(run[0])));
                runs.max().map_or(Typical::Missing, |(_, word)| Typical::Word(word.0.to_owned()))
            }
        }
    }
}

impl Scorecard {
    /// Finds every feature's column and checks its unit and kind. A column that the table lacks is `None`: no row
    /// has a value; see [`Scorecard::require`] for tables that must have all of them.
    pub fn bind<'a>(&self, frame: &Frame<'a>) -> Result<Vec<Option<&'a Column>>, ColumnError> {
        self.features.iter().map(|feature| feature.bind(frame)).collect()
    }

    /// The first column that the table lacks, as an error.
    pub fn require(&self, frame: &Frame) -> Result<(), ColumnError> {
        match self.features.iter().find(|feature| frame.find(&feature.spec.name).is_none()) {
            None => Ok(()),
            Some(Feature { spec, .. }) => {
                Err(ColumnError::Missing { name: spec.name.clone(), source_table: spec.source.clone() })
            }
        }
    }

    /// Log-odds before calibration; the columns come from [`Scorecard::bind`], `None` where all rows miss it.
    pub fn log_odds(&self, columns: &[Option<&Column>], row: usize) -> f64 {
        self.base + self.contributions(columns, row).iter().sum::<f64>()
    }

    /// Points of every feature for one row, in feature order.
    pub fn contributions(&self, columns: &[Option<&Column>], row: usize) -> Vec<f64> {
        let points = |(feature, column): (&Feature, &Option<&Column>)| feature.points[feature.code(*column, row)];
        self.features.iter().zip(columns).map(points).collect()
    }
}

impl Feature {
    fn bind<'a>(&self, frame: &Frame<'a>) -> Result<Option<&'a Column>, ColumnError> {
        let Some(column) = frame.find(&self.spec.name) else { return Ok(None) };
        let name = || self.spec.name.clone();
        if column.spec.unit != self.spec.unit {
            let (expected, found) = (self.spec.unit.clone(), column.spec.unit.clone());
            return Err(ColumnError::Unit { name: name(), expected, found });
        }
        let (expected, found) = (self.bins.holds(), column.values.holds());
        if expected == found { Ok(Some(column)) } else { Err(ColumnError::Kind { name: name(), expected, found }) }
    }

    fn code(&self, column: Option<&Column>, row: usize) -> usize {
        column.map_or(0, |column| usize::from(self.bins.of(&column.values, row)))
    }
}
