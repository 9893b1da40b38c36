//! Partial pooling: a product's own model drawn toward the model of all products.
//!
//! A product alone has few purchases to learn from, and all products together hide what is its own. A weighted mean of the
//! log-odds of two such models ranks better than a product's own alone (docs/models-benchmarks.md has the figures). Both
//! are additive, so their mean is one more scorecard: a feature's points are the weighted sum of what both give it, over
//! bins as fine as both need.

use serde::{Deserialize, Serialize};

use crate::learners::columns::table::Frame;
use crate::learners::families::scorecard::{Feature, Scorecard};
use crate::vocabulary::Day;

/// Accounts that bought a product with which its own model and that of all products weigh alike. With 150 to 250 buyers of
/// each product (simulated worlds of 3,000 accounts) three quarters for all products were better than a half, with four times
/// as many the two did not differ.
const EVEN_BUYERS: f64 = 600.0;

/// How a product's model was drawn to the model of all products.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pooling {
    /// Share of the log-odds that is the model's of all products; the rest is the product's own.
    pub share: f64,
    /// Rows of (account, day, product) behind the model of all products, and those with a purchase.
    pub rows: usize,
    pub positives: usize,
}

/// The model of all products, as those of single products are drawn to it.
pub struct Pool {
    /// Rows of (account, day, product), and those with a purchase.
    pub rows: usize,
    pub positives: usize,
    /// Fitted on all rows.
    pub scorecard: Scorecard,
    /// Fitted on the rows of these days alone: what test rows may be judged by.
    pub early: Vec<(Vec<Day>, Scorecard)>,
}

impl Pool {
    /// The fit on these training days, if there is one.
    pub fn early(&self, train: &[Day]) -> Option<&Scorecard> {
        self.early.iter().find(|(days, _)| days == train).map(|(_, scorecard)| scorecard)
    }

    /// How a model of a product that so many accounts bought is drawn.
    pub fn pooling(&self, buyers: usize) -> Pooling {
        let share = EVEN_BUYERS / (EVEN_BUYERS + buyers as f64);
        Pooling { share, rows: self.rows, positives: self.positives }
    }
}

impl Pooling {
    /// The product's own scorecard and the one of all products as one. Points are centred, and typical values read, over
    /// these rows of the frame.
    pub fn drawn(&self, own: &Scorecard, pooled: &Scorecard, frame: &Frame, rows: &[u32]) -> Scorecard {
        let share = self.share;
        let mut names: Vec<&str> = own.features.iter().chain(&pooled.features).map(|f| f.spec.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut base = (1.0 - share) * own.base + share * pooled.base;
        let features = names.into_iter().filter_map(|name| {
            let named = |card: &'_ Scorecard| card.features.iter().position(|feature| feature.spec.name == name);
            let parts = [(own, 1.0 - share), (pooled, share)];
            let parts: Vec<(&Feature, f64)> =
                parts.into_iter().filter_map(|(card, weight)| Some((&card.features[named(card)?], weight))).collect();
            let (feature, centre) = together(&parts, frame, rows)?;
            base += centre;
            (feature.shares.iter().filter(|share| **share > 0.0).count() > 1).then_some(feature)
        });
        let features = features.collect();
        Scorecard { base, ridge: own.ridge, features, trees: None }
    }
}

/// The weighted sum of the same feature in several scorecards, and the mean of its points over the rows, which is taken
/// off them; what no fit has met stays worth nothing. `None` where the rows have no such column.
fn together(parts: &[(&Feature, f64)], frame: &Frame, rows: &[u32]) -> Option<(Feature, f64)> {
    let (first, _) = parts.first()?;
    let column = frame.find(&first.spec.name)?;
    let bins = parts[1..].iter().fold(first.bins.clone(), |bins, (part, _)| bins.refined(&part.bins));
    let held = |part: &Feature, code: u8| usize::from(part.bins.holding(&bins, code));
    let points = |code: u8| -> f64 { parts.iter().map(|(part, weight)| weight * part.points[held(part, code)]).sum() };
    let is_met = |code: u8| parts.iter().any(|(part, _)| part.shares[held(part, code)] > 0.0);
    let codes = || (0..bins.codes()).map(|code| code as u8);
    let (points, met): (Vec<f64>, Vec<bool>) = codes().map(|code| (points(code), is_met(code))).unzip();
    let mut feature = Feature::over(column, rows, bins, points);
    let of_met = feature.shares.iter().zip(&met).filter(|(_, met)| **met).map(|(share, _)| share).sum::<f64>();
    let summed: f64 = feature.points.iter().zip(&feature.shares).map(|(points, share)| points * share).sum();
    let centre = if of_met > 0.0 { summed / of_met } else { 0.0 };
    feature.points.iter_mut().zip(met).filter(|(_, met)| *met).for_each(|(points, _)| *points -= centre);
    Some((feature, centre))
}
