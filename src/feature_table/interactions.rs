//! What two features tell together beyond the sum of what each tells alone: steps that are boosted onto an additive model
//! (after GA²M and FAST; Lou, Caruana, Gehrke and Hooker, 2013).
//!
//! A step cuts either feature in two and moves the four cells. Where to cut, and whether a pair is taken up at all, is
//! decided by the interaction alone, the contrast of the four cells, (both + neither) − (one + other): what a strong
//! penalty keeps the additive model from telling neither hides a pair nor makes one up.

use rayon::prelude::*;

use crate::learners::columns::bins::Bins;
use crate::learners::families::scorecard::Encoded;
use crate::learners::fitting::boosting::CodeSet;
use crate::learners::fitting::monotone::Direction;
use crate::statistics::sigmoid;

/// Share of each step that is taken, and most steps.
const RATE: f64 = 0.2;
pub const STEPS: usize = 100;

/// Curvature added to each of the four cells, which keeps small cells small.
const DAMPING: f64 = 1.0;

/// Features that pairs are sought among: those whose own effect is strongest.
const PAIRED_FEATURES: usize = 40;

/// Words of one feature that are told apart; the rarer ones go together.
const WORDS: usize = 15;

/// Pairs that each step looks at, by the pairs that may be chosen.
const POOL: usize = 4;

/// What a pair that was taken up must still gain for another step, as a χ² with one degree of freedom does by chance.
const AGAIN: f64 = 1.0;

/// One cut of two features, and the log-odds that it moves.
#[derive(Clone, Debug)]
pub struct Step {
    /// Places of the two features in the model.
    pub first: usize,
    pub second: usize,
    /// Codes on the inner side of either cut.
    pub first_inner: CodeSet,
    pub second_inner: CodeSet,
    /// Log-odds of the four cells: neither inside, the second, the first, both.
    pub points: [f64; 4],
}

impl Step {
    pub fn of(&self, first: u8, second: u8) -> f64 {
        let inner = |set: &CodeSet, code: u8| usize::from(set.has(code));
        self.points[2 * inner(&self.first_inner, first) + inner(&self.second_inner, second)]
    }

    /// Adds this step to the log-odds of rows with these codes by feature.
    pub fn add(&self, codes: &[Vec<u8>], log_odds: &mut [f64]) {
        let pairs = codes[self.first].iter().zip(&codes[self.second]);
        log_odds.iter_mut().zip(pairs).for_each(|(z, (a, b))| *z += self.of(*a, *b));
    }
}

/// At most `steps` steps on at most `most` pairs, from these log-odds of the additive model on; `effects` are its effects
/// by feature and code. A pair is taken up where its contrast is larger than the largest of as many chance contrasts.
pub fn boosted(
    encoded: &Encoded,
    mut log_odds: Vec<f64>,
    labels: &[bool],
    effects: &[Vec<f64>],
    most: usize,
    steps: usize,
) -> Vec<Step> {
    let sides = Sides::of(encoded, effects);
    let slopes = slopes(&log_odds, labels);
    let pairs = sides.pairs();
    let chance = by_chance(pairs.iter().map(|(a, b)| sides.all[*a].cuts() * sides.all[*b].cuts()).sum());
    let mut pool = sides.best(&pairs, &slopes);
    pool.retain(|found| found.gain > chance);
    pool.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.pair.cmp(&b.pair)));
    let mut pool: Vec<(usize, usize)> = pool.into_iter().take(POOL * most).map(|found| found.pair).collect();
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut path = Vec::new();
    while path.len() < steps && !pool.is_empty() {
        let found = sides.best(&pool, &self::slopes(&log_odds, labels));
        let enough = |found: &Found| if taken.contains(&found.pair) { AGAIN } else { chance };
        // The first of equal gains, so that the thread count does not show.
        let found = found.into_iter().filter(|found| found.gain > enough(found));
        let Some(found) = found.reduce(|best, next| if next.gain > best.gain { next } else { best }) else { break };
        if !taken.contains(&found.pair) {
            taken.push(found.pair);
            if taken.len() == most {
                pool = taken.clone();
            }
        }
        let step = sides.step(&found);
        step.add(&encoded.design.codes, &mut log_odds);
        path.push(step);
    }
    path
}

/// The largest of n draws of χ² with one degree of freedom lies near 2·ln n.
fn by_chance(n: usize) -> f64 {
    2.0 * (n.max(2) as f64).ln()
}

/// Residual and curvature of the log loss at these log-odds.
fn slopes(log_odds: &[f64], labels: &[bool]) -> Vec<Sums> {
    let slope = |(z, label): (&f64, &bool)| {
        let p = sigmoid(*z);
        (f64::from(u8::from(*label)) - p, p * (1.0 - p))
    };
    log_odds.iter().zip(labels).map(slope).collect()
}

/// One feature as pairs see it. Its cuts are the first one, two, three … groups and, of words, each group alone.
struct Side {
    place: usize,
    /// Group by code, in the order that cuts follow.
    groups: Vec<u8>,
    size: usize,
    ordered: bool,
    /// Group of each row.
    rows: Vec<u8>,
}

struct Sides {
    all: Vec<Side>,
}

/// The best cut of a pair: places of the sides, their cuts, and Newton's steps of the four cells.
struct Found {
    pair: (usize, usize),
    cuts: (usize, usize),
    gain: f64,
    newton: [f64; 4],
}

impl Sides {
    fn of(encoded: &Encoded, effects: &[Vec<f64>]) -> Sides {
        let side = |place: usize| Side::of(encoded, place, &effects[place]);
        Sides { all: strongest(encoded, effects).into_par_iter().map(side).collect() }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        (0..self.all.len()).flat_map(|a| (a + 1..self.all.len()).map(move |b| (a, b))).collect()
    }

    /// The best cut of each pair that has one.
    fn best(&self, pairs: &[(usize, usize)], slopes: &[Sums]) -> Vec<Found> {
        pairs.par_iter().filter_map(|pair| best_cut(*pair, &self.all[pair.0], &self.all[pair.1], slopes)).collect()
    }

    fn step(&self, found: &Found) -> Step {
        let (a, b) = (&self.all[found.pair.0], &self.all[found.pair.1]);
        Step {
            first: a.place,
            second: b.place,
            first_inner: a.inner(found.cuts.0),
            second_inner: b.inner(found.cuts.1),
            points: found.newton.map(|points| RATE * points),
        }
    }
}

impl Side {
    fn of(encoded: &Encoded, place: usize, effects: &[f64]) -> Side {
        let counts = &encoded.counts[place];
        let ordered = matches!(encoded.specs[place].1, Bins::Numbers { .. });
        let groups = if ordered { (0..counts.len() as u8).collect() } else { words_in_order(counts, effects) };
        let size = groups.iter().max().map_or(0, |group| usize::from(*group) + 1);
        let rows = encoded.design.codes[place].iter().map(|code| groups[usize::from(*code)]).collect();
        Side { place, groups, size, ordered, rows }
    }

    /// Cuts that leave something on either side.
    fn cuts(&self) -> usize {
        if self.ordered { self.size - 1 } else { 2 * self.size - 1 }
    }

    /// Codes on the inner side of a cut.
    fn inner(&self, cut: usize) -> CodeSet {
        let inside = |group: usize| if cut < self.size { group <= cut } else { group == cut - self.size };
        let mut set = CodeSet::default();
        (0..self.groups.len()).filter(|code| inside(usize::from(self.groups[*code]))).for_each(|code| set.insert(code));
        set
    }

    /// Sums by group → sums inside each cut.
    fn inside(&self, by_group: impl Iterator<Item = Sums> + Clone) -> Vec<Sums> {
        let running = by_group.clone().scan((0.0, 0.0), |sum, own| {
            *sum = plus(*sum, own);
            Some(*sum)
        });
        running.chain(by_group.filter(|_| !self.ordered)).collect()
    }
}

/// Codes of words by rising effect; the rarest share a group.
fn words_in_order(counts: &[u32], effects: &[f64]) -> Vec<u8> {
    let mut frequent: Vec<usize> = (0..counts.len()).filter(|code| counts[*code] > 0).collect();
    frequent.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then(a.cmp(b)));
    frequent.truncate(WORDS);
    frequent.sort_by(|a, b| effects[*a].total_cmp(&effects[*b]).then(a.cmp(b)));
    let rest = frequent.len() as u8;
    let group = |code: usize| frequent.iter().position(|own| *own == code).map_or(rest, |at| at as u8);
    (0..counts.len()).map(group).collect()
}

/// Places of the features with the strongest effects of their own, in column order.
fn strongest(encoded: &Encoded, effects: &[Vec<f64>]) -> Vec<usize> {
    let spread = |(counts, effects): (&Vec<u32>, &Vec<f64>)| {
        let n: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        let mean = counts.iter().zip(effects).map(|(n, e)| f64::from(*n) * e).sum::<f64>() / n;
        counts.iter().zip(effects).map(|(n, e)| f64::from(*n) * (e - mean).powi(2)).sum::<f64>() / n
    };
    let spreads: Vec<f64> = encoded.counts.iter().zip(effects).map(spread).collect();
    // A pair would bend the effect of a feature that has a direction.
    let free = |at: &usize| encoded.directions[*at] == Direction::Free;
    let mut order: Vec<usize> = (0..spreads.len()).filter(free).collect();
    order.sort_by(|a, b| spreads[*b].total_cmp(&spreads[*a]).then(a.cmp(b)));
    order.truncate(PAIRED_FEATURES);
    order.sort_unstable();
    order
}

/// Residual and curvature.
type Sums = (f64, f64);

fn plus(a: Sums, b: Sums) -> Sums {
    (a.0 + b.0, a.1 + b.1)
}

fn less(a: Sums, b: Sums) -> Sums {
    (a.0 - b.0, a.1 - b.1)
}

/// The cut of either side with the largest contrast, in standard deviations squared.
fn best_cut(pair: (usize, usize), a: &Side, b: &Side, slopes: &[Sums]) -> Option<Found> {
    let mut cells = vec![(0.0, 0.0); a.size * b.size];
    for ((first, second), slope) in a.rows.iter().zip(&b.rows).zip(slopes) {
        let cell = &mut cells[usize::from(*first) * b.size + usize::from(*second)];
        *cell = plus(*cell, *slope);
    }
    // By group of the first and cut of the second; a running sum ends with all there is.
    let rows: Vec<Vec<Sums>> = cells.chunks_exact(b.size).map(|row| b.inside(row.iter().copied())).collect();
    let of_first = a.inside(rows.iter().map(|row| row[b.size - 1]));
    let total = of_first[a.size - 1];
    let mut best: Option<Found> = None;
    for second in 0..rows[0].len() {
        let both = a.inside(rows.iter().map(|row| row[second]));
        let of_second = both[a.size - 1];
        for (first, (both, of_first)) in both.iter().zip(&of_first).enumerate() {
            let (only_first, only_second) = (less(*of_first, *both), less(of_second, *both));
            let (gain, newton) = contrast([less(less(total, *of_first), only_second), only_second, only_first, *both]);
            if best.as_ref().is_none_or(|best| gain > best.gain) {
                best = Some(Found { pair, cuts: (first, second), gain, newton });
            }
        }
    }
    best
}

/// The square of (both + neither) − (one + other) over its variance, and the Newton steps of the cells it is made of.
fn contrast(cells: [Sums; 4]) -> (f64, [f64; 4]) {
    let curvatures = cells.map(|(_, curvature)| curvature.max(0.0) + DAMPING);
    let newton: [f64; 4] = std::array::from_fn(|cell| cells[cell].0 / curvatures[cell]);
    let contrast = newton[0] - newton[1] - newton[2] + newton[3];
    let variance: f64 = curvatures.iter().map(|curvature| 1.0 / curvature).sum();
    (contrast * contrast / variance, newton)
}
