//! One model from some rows of a coded table: coarser bins, the ridge by inner folds, calibration on their held-out
//! rows, and a fit on all of them. Nothing outside these rows is looked at but the finest bins, which know no label.

use rayon::prelude::*;

use super::coded::{CodedTable, Feature};
use super::folds::{self, Fold};
use super::profile::Kind;
use crate::models::bins::{Bins, MISSING};
use crate::models::calibrate::Platt;
use crate::models::evaluate::row_loss;
use crate::models::fit::{self, Design, sigmoid};
use crate::models::scorecard::{Encoded, Scorecard, Typical};
use crate::models::table::Spec;

/// What training may choose from.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Most bins per number.
    pub bins: usize,
    /// Most words per column; the rest share a bin.
    pub words: usize,
    /// Strengths of the penalty, in the unit of summed log loss.
    pub ridges: Vec<f64>,
    /// Folds within the training rows.
    pub inner_folds: usize,
    /// Rows on which the penalty is chosen; of more, a sample.
    pub tuning_rows: usize,
    /// Most features of one model.
    pub features: usize,
}

impl Default for Recipe {
    fn default() -> Recipe {
        Recipe {
            bins: 16,
            words: 60,
            ridges: vec![1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3],
            inner_folds: 3,
            tuning_rows: 150_000,
            features: 400,
        }
    }
}

/// A model of a table's rows.
pub struct Trained {
    pub card: Scorecard,
    pub calibrator: Platt,
    /// Per feature of the card: its place in the table, and points by finest code.
    lookups: Vec<(usize, Vec<f64>)>,
}

impl Trained {
    /// Calibrated log-odds.
    pub fn log_odds(&self, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
        raw_log_odds(&self.card, &self.lookups, table, rows).into_iter().map(|z| self.calibrator.apply(z)).collect()
    }

    pub fn probabilities(&self, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
        self.log_odds(table, rows).into_iter().map(sigmoid).collect()
    }
}

/// Fits, chooses and calibrates on these rows.
pub fn train(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Result<Trained, fit::Error> {
    let tuned = tune(table, rows, recipe);
    let coarse = Coarse::of(table, rows, recipe);
    let labels = labels_at(table, rows);
    let fitted = coarse.encoded.fit(&labels, tuned.ridge)?;
    let card = coarse.encoded.scorecard(&fitted, tuned.ridge);
    let lookups = coarse.lookups(&card);
    Ok(Trained { card, calibrator: tuned.calibrator, lookups })
}

struct Tuned {
    ridge: f64,
    calibrator: Platt,
}

/// The ridge with the least loss on rows that the inner fits did not see, and the calibrator of those rows.
fn tune(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Tuned {
    let rows = sampled(table, rows, recipe.tuning_rows);
    let folds = inner_folds(table, &rows, recipe);
    let judged: Vec<Vec<Vec<f64>>> = folds.par_iter().map(|fold| held_out(table, fold, recipe)).collect();
    let labels: Vec<bool> = folds.iter().flat_map(|fold| labels_at(table, &fold.judge)).collect();
    let of = |candidate: usize| -> Vec<f64> { judged.iter().flat_map(|fold| fold[candidate].clone()).collect() };
    let loss = |candidate: &usize| {
        let z = of(*candidate);
        z.iter().zip(&labels).map(|(z, label)| row_loss(sigmoid(*z), *label)).sum::<f64>()
    };
    let candidates = 0..recipe.ridges.len();
    match candidates.map(|c| (loss(&c), c)).filter(|(loss, _)| loss.is_finite()).min_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((_, best)) if !labels.is_empty() => {
            Tuned { ridge: recipe.ridges[best], calibrator: Platt::fit(&of(best), &labels) }
        }
        _ => Tuned { ridge: recipe.ridges[recipe.ridges.len() / 2], calibrator: Platt::default() },
    }
}

/// All rows, or those whose id's hash is lowest: ids stay whole.
fn sampled(table: &CodedTable, rows: &[u32], most: usize) -> Vec<u32> {
    if rows.len() <= most {
        return rows.to_vec();
    }
    let limit = (most as f64 / rows.len() as f64 * u64::MAX as f64) as u64;
    rows.iter().copied().filter(|row| table.ids[*row as usize] <= limit).collect()
}

const INNER_SEED: u64 = 17;

/// Folds with both outcomes on either side; none where the rows do not allow it.
fn inner_folds(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Vec<Fold> {
    let folds = match &table.times {
        Some(times) => folds::expanding(rows, times, recipe.inner_folds, 0.0).unwrap_or_default(),
        None => folds::stratified(rows, &table.labels, &table.ids, recipe.inner_folds, INNER_SEED),
    };
    let both = |rows: &[u32]| {
        let positives = rows.iter().filter(|row| table.labels[**row as usize]).count();
        positives >= 2 && positives < rows.len()
    };
    folds.into_iter().filter(|fold| both(&fold.fit) && both(&fold.judge)).collect()
}

/// Log-odds of the judged rows for every ridge; infinite where it could not be fitted.
fn held_out(table: &CodedTable, fold: &Fold, recipe: &Recipe) -> Vec<Vec<f64>> {
    let coarse = Coarse::of(table, &fold.fit, recipe);
    let path = coarse.encoded.path(&labels_at(table, &fold.fit), &recipe.ridges);
    let judged = path.iter().zip(&recipe.ridges).map(|(fitted, ridge)| match fitted {
        None => vec![f64::NAN; fold.judge.len()],
        Some(fitted) => {
            let card = coarse.encoded.scorecard(fitted, *ridge);
            raw_log_odds(&card, &coarse.lookups(&card), table, &fold.judge)
        }
    });
    judged.collect()
}

fn raw_log_odds(card: &Scorecard, lookups: &[(usize, Vec<f64>)], table: &CodedTable, rows: &[u32]) -> Vec<f64> {
    let mut sums = vec![card.base; rows.len()];
    for (place, points) in lookups {
        let codes = &table.features[*place].codes;
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum += points[usize::from(codes[*row as usize])];
        }
    }
    sums
}

fn labels_at(table: &CodedTable, rows: &[u32]) -> Vec<bool> {
    rows.iter().map(|row| table.labels[*row as usize]).collect()
}

/// Features with bins as coarse as the training rows can fill.
struct Coarse {
    encoded: Encoded,
    /// Place in the table, and coarse code by finest code.
    maps: Vec<(usize, Vec<u8>)>,
}

impl Coarse {
    fn of(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Coarse {
        let labels = labels_at(table, rows);
        let positives = labels.iter().filter(|label| **label).count();
        let bins = bins_for(positives.min(rows.len() - positives), recipe.bins);
        let made: Vec<_> =
            table.features.par_iter().map(|feature| coarsen(feature, rows, bins, recipe.words)).collect();
        let design = Design { rows: rows.len(), codes: Vec::new(), bases: Vec::new() };
        let mut all = Coarse { encoded: Encoded { specs: Vec::new(), counts: Vec::new(), design }, maps: Vec::new() };
        for (place, (feature, made)) in table.features.iter().zip(made).enumerate() {
            if made.counts.iter().filter(|n| **n > 0).count() > 1 {
                all.maps.push((place, made.map));
                all.encoded.design.bases.push(made.bins.basis(&made.counts));
                all.encoded.design.codes.push(made.codes);
                all.encoded.specs.push((spec(feature), made.bins, made.typical));
                all.encoded.counts.push(made.counts);
            }
        }
        if all.maps.len() <= recipe.features {
            return all;
        }
        let kept = all.encoded.screen(&labels, recipe.features);
        Coarse { encoded: all.encoded.select(&kept), maps: kept.iter().map(|i| all.maps[*i].clone()).collect() }
    }

    /// Points by finest code.
    fn lookups(&self, card: &Scorecard) -> Vec<(usize, Vec<f64>)> {
        let points = |((place, map), feature): (&(usize, Vec<u8>), &crate::models::scorecard::Feature)| {
            (*place, map.iter().map(|code| feature.points[usize::from(*code)]).collect())
        };
        self.maps.iter().zip(&card.features).map(points).collect()
    }
}

/// A bin should hold a dozen rows of the rarer outcome or so.
fn bins_for(rarer: usize, most: usize) -> usize {
    (rarer / 12).clamp(4, most.max(4))
}

fn spec(feature: &Feature) -> Spec {
    let unit = match feature.kind {
        Kind::Flag => "yes or no",
        Kind::Day => "days since 1970-01-01",
        Kind::Number | Kind::Words => "",
    };
    let name = feature.name.clone();
    Spec { label: name.clone(), name, unit: unit.to_owned(), source: "table".to_owned(), window_days: 0 }
}

struct Made {
    bins: Bins,
    codes: Vec<u8>,
    counts: Vec<u32>,
    map: Vec<u8>,
    typical: Typical,
}

fn coarsen(feature: &Feature, rows: &[u32], most: usize, words: usize) -> Made {
    let mut met = vec![0u32; feature.fine.codes()];
    rows.iter().for_each(|row| met[usize::from(feature.codes[*row as usize])] += 1);
    let (bins, map) = match &feature.fine {
        Bins::Numbers { edges } => coarse_numbers(edges, &met, most),
        Bins::Words { levels } => coarse_words(levels, &met, words),
    };
    let mut counts = vec![0u32; bins.codes()];
    met.iter().zip(&map).for_each(|(n, code)| counts[usize::from(*code)] += n);
    let codes = rows.iter().map(|row| map[usize::from(feature.codes[*row as usize])]).collect();
    Made { typical: typical(feature, &met), bins, codes, counts, map }
}

/// Runs of finest bins: a frequent value alone, the others in runs of about equal size.
fn coarse_numbers(edges: &[f64], met: &[u32], most: usize) -> (Bins, Vec<u8>) {
    let used: Vec<usize> = (1..met.len()).filter(|code| met[*code] > 0).collect();
    let total: u32 = used.iter().map(|code| met[*code]).sum();
    let heavy = |code: usize| used.len() <= most || u64::from(met[code]) * most as u64 >= u64::from(total);
    let heavies: Vec<usize> = used.iter().copied().filter(|code| heavy(*code)).collect();
    let light = total - heavies.iter().map(|code| met[*code]).sum::<u32>();
    let size = f64::from(light) / most.saturating_sub(heavies.len()).max(1) as f64;
    let (mut ends, mut held) = (Vec::new(), 0);
    for pair in used.windows(2) {
        held += met[pair[0]];
        if heavy(pair[0]) || heavy(pair[1]) || f64::from(held) >= size {
            ends.push(pair[0]);
            held = 0;
        }
    }
    let map =
        (0..met.len()).map(|code| if code == 0 { MISSING } else { 1 + ends.partition_point(|end| *end < code) as u8 });
    let map = map.collect();
    (Bins::Numbers { edges: ends.into_iter().map(|end| edges[end - 1]).collect() }, map)
}

/// The most frequent words among these rows; the rest are other words.
fn coarse_words(levels: &[String], met: &[u32], most: usize) -> (Bins, Vec<u8>) {
    let mut order: Vec<usize> = (0..levels.len()).filter(|level| met[level + 1] > 0).collect();
    order.sort_by(|a, b| met[b + 1].cmp(&met[a + 1]).then(a.cmp(b)));
    order.truncate(most);
    order.sort_unstable();
    let other = 1 + order.len() as u8;
    let code = |fine: usize| match fine {
        0 => MISSING,
        fine => order.binary_search(&(fine - 1)).map_or(other, |at| 1 + at as u8),
    };
    let map = (0..met.len()).map(code).collect();
    (Bins::Words { levels: order.into_iter().map(|level| levels[level].clone()).collect() }, map)
}

fn typical(feature: &Feature, met: &[u32]) -> Typical {
    let known: u32 = met[1..].iter().sum();
    if known < met[0] || known == 0 {
        return Typical::Missing;
    }
    match &feature.fine {
        Bins::Words { levels } => {
            let most = (0..levels.len()).max_by(|a, b| met[a + 1].cmp(&met[b + 1]).then(b.cmp(a)));
            most.map_or(Typical::Missing, |level| Typical::Word(levels[level].clone()))
        }
        Bins::Numbers { .. } => {
            let mut below = 0;
            let middle = (1..met.len()).find(|code| {
                below += met[*code];
                2 * below >= known
            });
            middle.map_or(Typical::Missing, |code| Typical::Number(feature.means[code]))
        }
    }
}
