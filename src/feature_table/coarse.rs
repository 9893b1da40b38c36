//! Bins as coarse as the training rows can fill, made of the finest ones, and the model terms that stand on them.

use rayon::prelude::*;

use super::coded::{CodedTable, Feature};
use super::interactions::Step;
use super::pairs::{self, Pair};
use super::profile::Kind;
use super::recipe::{Choice, Recipe};
use crate::learners::columns::bins::{Bins, MISSING};
use crate::learners::columns::table::Spec;
use crate::learners::families::scorecard::{Encoded, Scorecard, Typical};
use crate::learners::families::select;
use crate::learners::fitting::fit::Fitted;
use crate::learners::fitting::monotone::Direction;

/// Features with bins as coarse as the training rows can fill.
pub struct Coarse {
    pub encoded: Encoded,
    /// Place in the table, and coarse code by finest code.
    pub maps: Vec<(usize, Vec<u8>)>,
}

impl Coarse {
    pub fn of(table: &CodedTable, rows: &[u32], recipe: &Recipe) -> Coarse {
        let labels = table.labels_at(rows);
        let positives = labels.iter().filter(|label| **label).count();
        let bins =
            recipe.family.learner().bins(positives.min(rows.len() - positives), recipe.bins_of(table.features.len()));
        let words = table.features.iter().filter(|feature| feature.kind == Kind::Words).count();
        let words = recipe.words_of(words);
        let made: Vec<_> =
            table.features.par_iter().map(|feature| coarsen(feature, rows, &labels, bins, words)).collect();
        let mut all = Coarse { encoded: Encoded::empty(rows.len()), maps: Vec::new() };
        for (place, (feature, made)) in table.features.iter().zip(made).enumerate() {
            if made.counts.iter().filter(|n| **n > 0).count() > 1 {
                all.maps.push((place, made.map));
                all.encoded.design.bases.push(made.bins.basis(&made.counts));
                all.encoded.design.codes.push(made.codes);
                all.encoded.specs.push((spec(feature), made.bins, made.typical));
                all.encoded.counts.push(made.counts);
                all.encoded.means.push(made.means);
                let directed = recipe.monotone.iter().find(|(name, _)| *name == feature.name);
                all.encoded.directions.push(directed.map_or(Direction::Free, |(_, direction)| *direction));
            }
        }
        let kept = match recipe.features {
            Choice::Alone(most) if all.maps.len() <= most => return all,
            Choice::Alone(most) => screened(&all.encoded, &labels, most),
            Choice::Together(most) => select::select(&all.encoded, &labels, most),
        };
        Coarse { encoded: all.encoded.select(&kept), maps: kept.iter().map(|i| all.maps[*i].clone()).collect() }
    }

    /// Codes of other rows of the table, by feature.
    pub fn codes(&self, table: &CodedTable, rows: &[u32]) -> Vec<Vec<u8>> {
        let of = |(place, map): &(usize, Vec<u8>)| {
            let fine = &table.features[*place].codes;
            rows.iter().map(|row| map[usize::from(fine[*row as usize])]).collect()
        };
        self.maps.par_iter().map(of).collect()
    }

    /// The model of a fit without pairs.
    pub fn model(&self, card: Scorecard) -> Model {
        Model { card, pairs: Vec::new(), maps: self.maps.clone() }
    }

    /// The points of a fit, and those of the steps that were boosted onto it.
    pub fn with_steps(&self, fitted: &Fitted, ridge: f64, steps: &[Step]) -> Model {
        let mut card = self.encoded.scorecard(fitted, ridge);
        let names: Vec<String> = card.features.iter().map(|feature| feature.spec.name.clone()).collect();
        let sizes: Vec<usize> = self.encoded.counts.iter().map(Vec::len).collect();
        let (pairs, centre) = pairs::of_steps(steps, &self.encoded.design.codes, &sizes, &names);
        card.base += centre;
        Model { card, pairs, maps: self.maps.clone() }
    }
}

/// A model of the table's features and, beside a scorecard, of pairs of them.
pub struct Model {
    pub card: Scorecard,
    pub pairs: Vec<Pair>,
    /// Per feature of the card: its place in the table, and the card's code by finest code.
    pub maps: Vec<(usize, Vec<u8>)>,
}

impl Model {
    pub fn log_odds(&self, table: &CodedTable, rows: &[u32]) -> Vec<f64> {
        if self.card.trees.is_some() {
            let code = |feature: usize, row: u32| {
                let (place, map) = &self.maps[feature];
                map[usize::from(table.features[*place].codes[row as usize])]
            };
            return rows.par_iter().map(|row| self.card.log_odds_of(|feature| code(feature, *row))).collect();
        }
        let mut sums = vec![self.card.base; rows.len()];
        for ((place, map), feature) in self.maps.iter().zip(&self.card.features) {
            let points: Vec<f64> = map.iter().map(|code| feature.points[usize::from(*code)]).collect();
            let codes = &table.features[*place].codes;
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum += points[usize::from(codes[*row as usize])];
            }
        }
        for pair in &self.pairs {
            let ((a, first), (b, second)) = (&self.maps[pair.codes.first], &self.maps[pair.codes.second]);
            let (a, b) = (&table.features[*a].codes, &table.features[*b].codes);
            for (sum, row) in sums.iter_mut().zip(rows) {
                let row = *row as usize;
                *sum += pair.points[pair.codes.code(first[usize::from(a[row])], second[usize::from(b[row])])];
            }
        }
        sums
    }

    /// What a joint group of a pair stands for, from the codes that share it.
    pub fn pair_group(&self, pair: &Pair, joint: usize) -> String {
        let side = |place: usize, groups: &[u8], wanted: usize| {
            let feature = &self.card.features[place];
            let met = |code: &usize| usize::from(groups[*code]) == wanted && feature.shares[*code] > 0.0;
            let codes = (0..groups.len()).filter(met).map(|code| feature.bins.group(code as u8));
            let names: Vec<String> = codes.collect();
            match (names.as_slice(), &feature.bins) {
                ([], _) => String::new(),
                ([one], _) => one.clone(),
                ([first, .., last], Bins::Numbers { .. }) => format!("{first} … {last}"),
                ([first, second], Bins::Words { .. }) => format!("{first} or {second}"),
                ([first, rest @ ..], Bins::Words { .. }) => format!("{first} or {} others", rest.len()),
            }
        };
        let (first, second) = pair.codes.groups_of(joint);
        let (a, b) = pair.codes.groups();
        format!("{} & {}", side(pair.codes.first, a, first), side(pair.codes.second, b, second))
    }
}

fn spec(feature: &Feature) -> Spec {
    let unit = match feature.kind {
        Kind::Flag => "yes or no",
        Kind::Day | Kind::DayFirst | Kind::MonthFirst => "days since 1970-01-01",
        Kind::Number | Kind::DecimalComma | Kind::Words => "",
    };
    Spec { unit: unit.to_owned(), ..spec_named(&feature.name) }
}

fn spec_named(name: &str) -> Spec {
    Spec {
        name: name.to_owned(),
        label: name.to_owned(),
        unit: String::new(),
        source: "table".to_owned(),
        window_days: 0,
    }
}

struct Made {
    bins: Bins,
    codes: Vec<u8>,
    counts: Vec<u32>,
    means: Vec<f64>,
    map: Vec<u8>,
    typical: Typical,
}

fn coarsen(feature: &Feature, rows: &[u32], labels: &[bool], most: usize, words: usize) -> Made {
    // Rows and positives by finest code.
    let (mut met, mut positives) = (vec![0u32; feature.fine.codes()], vec![0u32; feature.fine.codes()]);
    for (row, label) in rows.iter().zip(labels) {
        let code = usize::from(feature.codes[*row as usize]);
        met[code] += 1;
        positives[code] += u32::from(*label);
    }
    let (bins, map) = match &feature.fine {
        Bins::Numbers { edges } => coarse_numbers(edges, &weights(&met, &positives), most),
        Bins::Words { levels } => coarse_words(levels, &met, words),
    };
    let (mut counts, mut means) = (vec![0u32; bins.codes()], vec![0.0; bins.codes()]);
    for ((n, code), mean) in met.iter().zip(&map).zip(&feature.means) {
        counts[usize::from(*code)] += n;
        means[usize::from(*code)] += f64::from(*n) * mean;
    }
    means.iter_mut().zip(&counts).for_each(|(mean, n)| *mean /= f64::from((*n).max(1)));
    let codes = rows.iter().map(|row| map[usize::from(feature.codes[*row as usize])]).collect();
    Made { typical: typical(feature, &met), bins, codes, counts, means, map }
}

/// Weight by code, missing aside: either outcome holds half of it. Of a rare outcome whole rows would put nearly all that
/// is known of it into the outermost bin.
fn weights(met: &[u32], positives: &[u32]) -> Vec<f64> {
    let of = |counts: &[u32]| counts[1..].iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
    let total = of(positives);
    let others = (of(met) - total).max(1.0);
    let weight = |(n, own): (&u32, &u32)| f64::from(*own) / total + f64::from(n - own) / others;
    met.iter().zip(positives).map(weight).collect()
}

/// Runs of finest bins: a heavy value alone, the others in runs of about equal weight.
fn coarse_numbers(edges: &[f64], weights: &[f64], most: usize) -> (Bins, Vec<u8>) {
    let used: Vec<usize> = (1..weights.len()).filter(|code| weights[*code] > 0.0).collect();
    let total: f64 = used.iter().map(|code| weights[*code]).sum();
    let heavy = |code: usize| used.len() <= most || weights[code] * most as f64 >= total;
    let heavies: Vec<usize> = used.iter().copied().filter(|code| heavy(*code)).collect();
    let light = total - heavies.iter().map(|code| weights[*code]).sum::<f64>();
    // Sums that are equal but for rounding are equal.
    let size = (1.0 - 1e-9) * light / most.saturating_sub(heavies.len()).max(1) as f64;
    let (mut ends, mut held) = (Vec::new(), 0.0);
    for pair in used.windows(2) {
        held += weights[pair[0]];
        if heavy(pair[0]) || heavy(pair[1]) || held >= size {
            ends.push(pair[0]);
            held = 0.0;
        }
    }
    let map = (0..weights.len())
        .map(|code| if code == 0 { MISSING } else { 1 + ends.partition_point(|end| *end < code) as u8 });
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

/// Positions of the features that tell the labels apart best on their own, by AIC, at most `most`; in column order.
fn screened(encoded: &Encoded, labels: &[bool], most: usize) -> Vec<usize> {
    let codes = encoded.design.codes.iter().zip(&encoded.counts);
    let mut gains: Vec<(f64, usize)> = codes.map(|(codes, n)| gain(codes, n.len(), labels)).zip(0..).collect();
    gains.retain(|(gain, _)| *gain > 0.0);
    gains.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = gains.into_iter().take(most).map(|(_, position)| position).collect();
    chosen.sort_unstable();
    chosen
}

/// Twice the log-likelihood gained over the overall rate, less twice the bins spent on it.
fn gain(codes: &[u8], size: usize, labels: &[bool]) -> f64 {
    let mut met = vec![(0.0, 0.0); size];
    for (code, label) in codes.iter().zip(labels) {
        let (positives, n) = &mut met[usize::from(*code)];
        *positives += f64::from(u8::from(*label));
        *n += 1.0;
    }
    let fit = |(positives, n): (f64, f64)| {
        let part = |k: f64| if k > 0.0 { k * (k / n).ln() } else { 0.0 };
        part(positives) + part(n - positives)
    };
    let all = met.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    let used = met.iter().filter(|cell| cell.1 > 0.0).count() as f64;
    2.0 * (met.iter().map(|cell| fit(*cell)).sum::<f64>() - fit(all)) - 2.0 * (used - 1.0)
}
