//! A fitted model: points per feature and bin that sum to the log-odds, or trees on the same bins. What is trained,
//! stored, applied and explained is this one thing, whatever its family.

use serde::{Deserialize, Serialize};

use crate::learners::columns::bins::{Bins, MISSING};
use crate::learners::columns::table::{Column, Frame, Spec, Values};
use crate::learners::fitting::boosting::Boosted;
use crate::learners::fitting::fit::{self, Design, Fitted, ScorecardParams};
use crate::learners::fitting::monotone::{self, Direction};
use crate::vocabulary::Text;

/// Points of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    #[serde(flatten)]
    pub spec: Spec,
    pub bins: Bins,
    /// Log-odds by code (missing, bins in order, other words), centred: the mean over the training rows is 0. Beside
    /// trees the mean Shapley value by code, which says how they lean.
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

/// Log-odds = base + Σ contributions: the points of each feature's bin, or its Shapley value where trees answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Log-odds of a row whose every feature contributes nothing.
    pub base: f64,
    pub ridge: f64,
    pub features: Vec<Feature>,
    /// What answers instead of the points; its features are those above, its codes those of their bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trees: Option<Boosted>,
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
const COMPARISON_NATS: f64 = 1e-2;

/// Learns bins on the rows and encodes them; features that do not vary are left out.
#[derive(Clone)]
pub struct Encoded {
    pub specs: Vec<(Spec, Bins, Typical)>,
    pub counts: Vec<Vec<u32>>,
    /// Mean number by code; 0 for words and where no row has the code.
    pub means: Vec<Vec<f64>>,
    /// Which way each effect must run.
    pub directions: Vec<Direction>,
    pub design: Design,
}

/// Rows to judge on: codes by feature, as the features of some [`Encoded`] read them.
pub struct Held {
    pub codes: Vec<Vec<u8>>,
    pub labels: Vec<bool>,
}

impl Held {
    /// Log-odds of every row.
    pub fn log_odds(&self, card: &Scorecard) -> Vec<f64> {
        (0..self.labels.len()).map(|row| card.log_odds_of(|feature| self.codes[feature][row])).collect()
    }
}

impl Encoded {
    /// Features over so many rows, none yet.
    pub fn empty(rows: usize) -> Encoded {
        let design = Design { rows, codes: Vec::new(), bases: Vec::new() };
        Encoded { specs: Vec::new(), counts: Vec::new(), means: Vec::new(), directions: Vec::new(), design }
    }

    pub fn learn(columns: &[&Column], rows: &[u32], bins: usize) -> Encoded {
        Encoded::learn_ending(columns, rows, bins, |_| None)
    }

    /// The same, where a bin of a column's numbers ends at its bound as well.
    pub fn learn_ending(
        columns: &[&Column],
        rows: &[u32],
        bins: usize,
        bound: impl Fn(&Spec) -> Option<f64> + Sync,
    ) -> Encoded {
        use rayon::prelude::*;
        let learned = |column: &&Column| Learned::of(column, rows, bins, bound(&column.spec));
        let encoded: Vec<_> = columns.par_iter().map(learned).collect();
        let mut all = Encoded::empty(rows.len());
        for (column, learned) in columns.iter().zip(encoded) {
            let Some(Learned { bins, typical, codes, counts, means }) = learned else { continue };
            all.means.push(means);
            all.design.bases.push(bins.basis(&counts));
            all.design.codes.push(codes);
            all.specs.push((column.spec.clone(), bins, typical));
            all.counts.push(counts);
            all.directions.push(Direction::Free);
        }
        all
    }

    /// Only the features at these positions.
    pub fn select(&self, positions: &[usize]) -> Encoded {
        Encoded {
            specs: positions.iter().map(|i| self.specs[*i].clone()).collect(),
            counts: positions.iter().map(|i| self.counts[*i].clone()).collect(),
            means: positions.iter().map(|i| self.means[*i].clone()).collect(),
            directions: positions.iter().map(|i| self.directions[*i]).collect(),
            design: Design {
                rows: self.design.rows,
                codes: positions.iter().map(|i| self.design.codes[*i].clone()).collect(),
                bases: positions.iter().map(|i| self.design.bases[*i].clone()).collect(),
            },
        }
    }

    /// The optimum of one ridge, under the directions.
    pub fn fit(&self, labels: &[bool], ridge: f64) -> Result<Fitted, fit::Error> {
        self.directed(labels, ScorecardParams::new(ridge))
    }

    fn directed(&self, labels: &[bool], params: ScorecardParams) -> Result<Fitted, fit::Error> {
        let fit = |design: &Design| fit::scorecard(design, labels, params.clone());
        monotone::fitted(&self.design, &self.counts, &self.ordered_directions(), fit)
    }

    /// The directions; words have no order and are free.
    pub fn ordered_directions(&self) -> Vec<Direction> {
        let of = |(direction, (_, bins, _)): (&Direction, &(Spec, Bins, Typical))| match bins {
            Bins::Numbers { .. } => *direction,
            Bins::Words { .. } => Direction::Free,
        };
        self.directions.iter().zip(&self.specs).map(of).collect()
    }

    /// Fits every ridge in turn, each starting at the one before, just closely enough to compare them. A ridge that
    /// cannot be fitted is `None`.
    pub fn path(&self, labels: &[bool], ridges: &[f64]) -> Vec<Option<Fitted>> {
        self.path_while(labels, ridges, &mut |_| true)
    }

    /// The same until a fit says to stop; the ridges after it are `None`.
    pub fn path_while(
        &self,
        labels: &[bool],
        ridges: &[f64],
        go_on: &mut dyn FnMut(&Fitted) -> bool,
    ) -> Vec<Option<Fitted>> {
        if self.directions.iter().all(|direction| *direction == Direction::Free) {
            return fit::path_while(&self.design, labels, ridges, COMPARISON_NATS, go_on);
        }
        // Every ridge pools its own bins, so none starts where another ended.
        let fit = |ridge: &f64| self.directed(labels, ScorecardParams::new(*ridge).tolerance(COMPARISON_NATS)).ok();
        ridges.iter().map(fit).collect()
    }

    /// The scorecard of a fit: effects centred over the training rows, codes that never occurred worth nothing.
    pub fn scorecard(&self, fitted: &Fitted, ridge: f64) -> Scorecard {
        self.centred(fitted.intercept, &fitted.effects, ridge)
    }

    /// The same from an intercept and effects by feature and code.
    pub fn centred(&self, intercept: f64, effects: &[Vec<f64>], ridge: f64) -> Scorecard {
        let mut base = intercept;
        let features = (0..self.specs.len()).map(|at| {
            let (effects, shares) = (&effects[at], self.shares(at));
            let centre: f64 = shares.iter().zip(effects).map(|(share, effect)| share * effect).sum();
            base += centre;
            let points =
                effects.iter().zip(&self.counts[at]).map(|(effect, n)| if *n > 0 { effect - centre } else { 0.0 });
            self.feature(at, points.collect())
        });
        let features = features.collect();
        Scorecard { base, ridge, features, trees: None }
    }

    /// A feature with these points.
    pub fn feature(&self, at: usize, points: Vec<f64>) -> Feature {
        let (spec, bins, typical) = self.specs[at].clone();
        Feature { spec, bins, points, shares: self.shares(at), typical }
    }

    fn shares(&self, at: usize) -> Vec<f64> {
        let rows = f64::from(self.design.rows as u32);
        self.counts[at].iter().map(|n| f64::from(*n) / rows).collect()
    }
}

/// What rows say of one column.
struct Learned {
    bins: Bins,
    typical: Typical,
    codes: Vec<u8>,
    /// Rows by code.
    counts: Vec<u32>,
    means: Vec<f64>,
}

impl Learned {
    /// `None` for a column that does not vary.
    fn of(column: &Column, rows: &[u32], bins: usize, bound: Option<f64>) -> Option<Learned> {
        let values = &column.values;
        let counted = values.counted(rows);
        let bins = match values {
            Values::Numbers(_) | Values::Ranked(_) => Bins::of_counted(&counted, bins).ending(bound, &counted),
            Values::Words(_) => Bins::learn(values, rows, bins),
        };
        let codes = bins.encode(values, rows);
        let mut counts = vec![0u32; bins.codes()];
        codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
        let varies = counts.iter().filter(|n| **n > 0).count() > 1;
        varies.then(|| {
            let typical = Typical::of(values, rows, &counted);
            let means = means(values, rows, &codes, &counts);
            Learned { bins, typical, codes, counts, means }
        })
    }
}

/// Mean number of the rows of each code; 0 of words.
fn means(values: &Values, rows: &[u32], codes: &[u8], counts: &[u32]) -> Vec<f64> {
    let mut sums = vec![0.0; counts.len()];
    let mut numbers = Vec::with_capacity(rows.len());
    values.gather(rows, &mut numbers);
    for (number, code) in numbers.iter().zip(codes).filter(|(number, _)| !number.is_nan()) {
        sums[usize::from(*code)] += number;
    }
    sums.iter().zip(counts).map(|(sum, n)| sum / f64::from((*n).max(1))).collect()
}

impl Typical {
    /// `counted` holds the numbers of the rows, as [`Values::counted`] does.
    fn of(values: &Values, rows: &[u32], counted: &[(f64, usize)]) -> Typical {
        match values {
            Values::Numbers(_) | Values::Ranked(_) => Typical::number(counted, rows.len()),
            Values::Words(words) => Typical::word(words, rows),
        }
    }

    /// The upper median of the numbers; `counted` holds them rising, each with how many of the rows have it.
    fn number(counted: &[(f64, usize)], rows: usize) -> Typical {
        let known: usize = counted.iter().map(|(_, n)| n).sum();
        if known * 2 < rows {
            return Typical::Missing;
        }
        let mut below = 0;
        let median = counted.iter().find(|(_, n)| {
            below += n;
            below > known / 2
        });
        median.map_or(Typical::Missing, |(value, _)| Typical::Number(*value))
    }

    fn word(words: &[Option<Text>], rows: &[u32]) -> Typical {
        let mut known: Vec<&str> = rows.iter().filter_map(|r| words[*r as usize].as_deref()).collect();
        known.sort_unstable();
        if known.len() * 2 < rows.len() || known.is_empty() {
            return Typical::Missing;
        }
        let runs = known.chunk_by(|a, b| a == b).map(|run| (run.len(), std::cmp::Reverse(run[0])));
        runs.max().map_or(Typical::Missing, |(_, word)| Typical::Word(word.0.to_owned()))
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
        self.log_odds_of(|feature| self.code(feature, columns, row))
    }

    /// The same for a row whose code of each feature `code` gives.
    pub fn log_odds_of(&self, code: impl Fn(usize) -> u8) -> f64 {
        match &self.trees {
            Some(trees) => trees.log_odds(code),
            None => self.base + self.points(code).sum::<f64>(),
        }
    }

    /// What every feature contributes for one row, in feature order; with [`Scorecard::base`] they sum to the log-odds.
    pub fn contributions(&self, columns: &[Option<&Column>], row: usize) -> Vec<f64> {
        let codes = self.codes(columns, row);
        match &self.trees {
            Some(trees) => trees.contributions(|feature| codes[feature]).1,
            None => self.points(|feature| codes[feature]).collect(),
        }
    }

    /// The code of every feature for one row.
    pub fn codes(&self, columns: &[Option<&Column>], row: usize) -> Vec<u8> {
        (0..self.features.len()).map(|feature| self.code(feature, columns, row)).collect()
    }

    /// Log-odds gained by a row with these codes if one feature had another.
    pub fn gained(&self, codes: &[u8], feature: usize, to: u8) -> f64 {
        let points = &self.features[feature].points;
        match &self.trees {
            Some(_) => {
                self.log_odds_of(|at| if at == feature { to } else { codes[at] }) - self.log_odds_of(|at| codes[at])
            }
            None => points[usize::from(to)] - points[usize::from(codes[feature])],
        }
    }

    fn code(&self, feature: usize, columns: &[Option<&Column>], row: usize) -> u8 {
        self.features[feature].code(columns[feature], row)
    }

    fn points(&self, code: impl Fn(usize) -> u8) -> impl Iterator<Item = f64> {
        self.features.iter().enumerate().map(move |(at, feature)| feature.points[usize::from(code(at))])
    }
}

impl Feature {
    /// A feature of these points, with what the rows say of its column.
    pub fn over(column: &Column, rows: &[u32], bins: Bins, points: Vec<f64>) -> Feature {
        let mut shares = vec![0.0; bins.codes()];
        bins.encode(&column.values, rows).iter().for_each(|code| shares[usize::from(*code)] += 1.0);
        shares.iter_mut().for_each(|share| *share /= rows.len().max(1) as f64);
        let typical = Typical::of(&column.values, rows, &column.values.counted(rows));
        Feature { spec: column.spec.clone(), bins, points, shares, typical }
    }

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

    fn code(&self, column: Option<&Column>, row: usize) -> u8 {
        column.map_or(MISSING, |column| self.bins.of(&column.values, row))
    }
}
