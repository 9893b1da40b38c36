//! Gradient boosting over coded features: small trees on histograms of byte codes, with exact Shapley contributions.
//!
//! Second-order boosting of the log loss (Friedman, 2001; Chen and Guestrin, 2016). Trees grow best leaf first. A split
//! sends a set of codes left, so numbers, words and missing values need no special case: the codes of words are put in
//! order of their mean gradient first (Fisher, 1958). A feature with a direction is never split against it, and what
//! stands below such a split stays on its side of the middle between the two sides' values. The same input gives the same trees on any number of threads.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::monotone::Direction;
use crate::statistics::sigmoid;

/// What training is bound by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Params {
    pub rounds: usize,
    /// Most leaves of a tree.
    pub leaves: usize,
    pub learning_rate: f64,
    /// Ridge on leaf values, in the unit of summed curvature.
    pub l2: f64,
    /// Fewest rows of a leaf.
    pub min_rows: usize,
    /// Share of the features that a tree may use, drawn from its number.
    pub column_share: f64,
}

/// Coded features as boosting reads them.
pub struct Coded<'a> {
    /// Codes of the training rows, one vector per feature.
    pub codes: &'a [Vec<u8>],
    /// Whether the codes of a feature have an order.
    pub ordered: &'a [bool],
    /// Which way the log-odds must run along a feature's codes; a feature without an order must be free.
    pub directions: &'a [Direction],
}

/// Codes that go left: one bit per code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSet([u64; 4]);

impl CodeSet {
    pub fn insert(&mut self, code: usize) {
        self.0[code / 64] |= 1 << (code % 64);
    }

    pub fn has(&self, code: u8) -> bool {
        self.0[usize::from(code) / 64] >> (code % 64) & 1 == 1
    }
}

/// A node of a tree; children are places in the same tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Training rows that came here.
    pub rows: f64,
    /// Log-odds, where the node is a leaf.
    pub value: f64,
    pub split: Option<Split>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    pub feature: usize,
    pub left_codes: CodeSet,
    pub left: usize,
    pub right: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

/// Log-odds = base + Σ values of the leaves that a row falls into.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boosted {
    pub base: f64,
    pub features: usize,
    pub trees: Vec<Tree>,
}

impl Boosted {
    /// Trains on all rows; `watch` sees each tree as it is added and says whether to go on.
    pub fn fit(coded: &Coded, labels: &[bool], params: &Params, watch: &mut dyn FnMut(&Tree) -> bool) -> Boosted {
        let base = base_log_odds(labels);
        let mut boosted = Boosted { base, features: coded.codes.len(), trees: Vec::new() };
        let mut log_odds = vec![base; labels.len()];
        for round in 0..params.rounds {
            let slopes: Vec<(f64, f64)> = log_odds.iter().zip(labels).map(|(z, label)| slope(*z, *label)).collect();
            let tree = Growing::of(coded, &slopes, params, round).grown(&mut log_odds);
            let go_on = tree.nodes.len() > 1 && watch(&tree);
            boosted.trees.push(tree);
            if !go_on {
                break;
            }
        }
        boosted
    }

    /// Log-odds of a row whose code of each feature `code` gives.
    pub fn log_odds(&self, code: impl Fn(usize) -> u8) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.value(&code)).sum::<f64>()
    }

    /// Whether every split names a feature and children behind it, as a file that was edited by hand may not.
    pub fn is_sound(&self) -> bool {
        let sound = |tree: &Tree, at: usize, split: &Split| {
            let behind = |child: usize| child > at && child < tree.nodes.len();
            split.feature < self.features && behind(split.left) && behind(split.right)
        };
        self.trees.iter().all(|tree| {
            let mut nodes = tree.nodes.iter().enumerate();
            !tree.nodes.is_empty() && nodes.all(|(at, node)| node.split.as_ref().is_none_or(|s| sound(tree, at, s)))
        })
    }

    /// Expected log-odds where only some codes are known: the others go both ways, by the share of training rows.
    pub fn expected(&self, code: impl Fn(usize) -> Option<u8>) -> f64 {
        self.base + self.trees.iter().map(|tree| tree.expected(0, &code)).sum::<f64>()
    }

    /// The mean log-odds of the training rows, and each feature's Shapley value: they sum to the row's log-odds.
    pub fn contributions(&self, code: impl Fn(usize) -> u8) -> (f64, Vec<f64>) {
        let mut shares = vec![0.0; self.features];
        let mut base = self.base;
        for tree in &self.trees {
            base += tree.expected(0, &|_| None);
            Walk { tree, code: &code, shares: &mut shares }.descend(0, Vec::new(), 1.0, 1.0, None);
        }
        (base, shares)
    }
}

/// Log-odds before the first tree.
pub fn base_log_odds(labels: &[bool]) -> f64 {
    let positives = labels.iter().filter(|label| **label).count() as f64;
    ((positives + 0.5) / (labels.len() as f64 - positives + 0.5)).ln()
}

fn slope(z: f64, label: bool) -> (f64, f64) {
    let p = sigmoid(z);
    (p - f64::from(u8::from(label)), (p * (1.0 - p)).max(1e-12))
}

impl Tree {
    pub fn value(&self, code: impl Fn(usize) -> u8) -> f64 {
        let mut node = &self.nodes[0];
        while let Some(split) = &node.split {
            let left = split.left_codes.has(code(split.feature));
            node = &self.nodes[if left { split.left } else { split.right }];
        }
        node.value
    }

    fn expected(&self, at: usize, code: &dyn Fn(usize) -> Option<u8>) -> f64 {
        let node = &self.nodes[at];
        let Some(split) = &node.split else { return node.value };
        match code(split.feature) {
            Some(known) if split.left_codes.has(known) => self.expected(split.left, code),
            Some(_) => self.expected(split.right, code),
            None => {
                let part = |child: usize| self.nodes[child].rows / node.rows * self.expected(child, code);
                part(split.left) + part(split.right)
            }
        }
    }
}

/// Sums over the rows of one code: gradient, curvature, rows.
#[derive(Clone, Copy, Default)]
struct Cell {
    gradient: f64,
    curvature: f64,
    rows: f64,
}

impl Cell {
    fn plus(self, other: Cell) -> Cell {
        let (gradient, curvature) = (self.gradient + other.gradient, self.curvature + other.curvature);
        Cell { gradient, curvature, rows: self.rows + other.rows }
    }

    fn minus(self, other: Cell) -> Cell {
        let (gradient, curvature) = (self.gradient - other.gradient, self.curvature - other.curvature);
        Cell { gradient, curvature, rows: self.rows - other.rows }
    }

    fn score(self, l2: f64) -> f64 {
        self.gradient * self.gradient / (self.curvature + l2)
    }

    /// The value that lowers the loss most, within bounds.
    fn value(self, l2: f64, bounds: Bounds) -> f64 {
        (-self.gradient / (self.curvature + l2)).clamp(bounds.low, bounds.high)
    }

    /// The score of that value.
    fn score_within(self, l2: f64, bounds: Bounds) -> f64 {
        let value = self.value(l2, bounds);
        -(2.0 * self.gradient + (self.curvature + l2) * value) * value
    }
}

/// Values that a node may have, before the learning rate, so that no split above it is turned round further down.
#[derive(Clone, Copy, PartialEq)]
struct Bounds {
    low: f64,
    high: f64,
}

const UNBOUND: Bounds = Bounds { low: f64::NEG_INFINITY, high: f64::INFINITY };

impl Bounds {
    /// Those of the two sides of a split on a feature with a direction: the middle of their values keeps them apart.
    fn halves(self, direction: Direction, left: f64, right: f64) -> (Bounds, Bounds) {
        let middle = 0.5 * (left + right);
        let (below, above) = (Bounds { high: middle, ..self }, Bounds { low: middle, ..self });
        match direction {
            Direction::Free => (self, self),
            Direction::Rises => (below, above),
            Direction::Falls => (above, below),
        }
    }
}

/// A leaf that may still be split.
struct Leaf {
    node: usize,
    rows: Vec<u32>,
    total: Cell,
    /// One table of codes per candidate feature.
    sums: Vec<Vec<Cell>>,
    bounds: Bounds,
    best: Option<Candidate>,
}

struct Candidate {
    gain: f64,
    feature: usize,
    left_codes: CodeSet,
}

struct Growing<'a> {
    coded: &'a Coded<'a>,
    slopes: &'a [(f64, f64)],
    params: &'a Params,
    features: Vec<usize>,
}

impl<'a> Growing<'a> {
    fn of(coded: &'a Coded, slopes: &'a [(f64, f64)], params: &'a Params, round: usize) -> Growing<'a> {
        Growing { coded, slopes, params, features: drawn(coded.codes.len(), params.column_share, round) }
    }

    /// Grows a tree and adds its values to the rows' log-odds.
    fn grown(&self, log_odds: &mut [f64]) -> Tree {
        let all: Vec<u32> = (0..self.slopes.len() as u32).collect();
        let sums = self.sums(&all);
        let mut tree = Tree { nodes: Vec::new() };
        let mut leaves = vec![self.leaf(&mut tree, all, sums, UNBOUND)];
        while leaves.len() < self.params.leaves {
            let gain = |leaf: &Leaf| leaf.best.as_ref().map_or(0.0, |best| best.gain);
            let strongest =
                (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b])).then(b.cmp(a)));
            let Some(at) = strongest.filter(|at| gain(&leaves[*at]) > 0.0) else { break };
            let (left, right) = self.divide(&mut tree, leaves.swap_remove(at));
            leaves.extend([left, right]);
        }
        for leaf in &leaves {
            let rate = self.params.learning_rate;
            let value = -rate * leaf.total.gradient / (leaf.total.curvature + self.params.l2);
            let value = value.clamp(rate * leaf.bounds.low, rate * leaf.bounds.high);
            tree.nodes[leaf.node].value = value;
            leaf.rows.iter().for_each(|row| log_odds[*row as usize] += value);
        }
        tree
    }

    fn leaf(&self, tree: &mut Tree, rows: Vec<u32>, sums: Vec<Vec<Cell>>, bounds: Bounds) -> Leaf {
        let total = total(&sums);
        tree.nodes.push(Node { rows: rows.len() as f64, value: 0.0, split: None });
        let best = self.best(&sums, total, bounds);
        Leaf { node: tree.nodes.len() - 1, rows, total, sums, bounds, best }
    }

    fn divide(&self, tree: &mut Tree, leaf: Leaf) -> (Leaf, Leaf) {
        let Some(Candidate { feature, left_codes, .. }) = leaf.best else {
            unreachable!("only split leaves come here")
        };
        let codes = &self.coded.codes[feature];
        let (left, right): (Vec<u32>, Vec<u32>) =
            leaf.rows.iter().copied().partition(|row| left_codes.has(codes[*row as usize]));
        // The smaller side is summed; the larger one is what remains.
        let small = self.sums(if left.len() <= right.len() { &left } else { &right });
        let minus = |(all, part): (&Vec<Cell>, &Vec<Cell>)| all.iter().zip(part).map(|(a, b)| a.minus(*b)).collect();
        let large: Vec<Vec<Cell>> = leaf.sums.iter().zip(&small).map(minus).collect();
        let (left_sums, right_sums) = if left.len() <= right.len() { (small, large) } else { (large, small) };
        let (direction, l2) = (self.coded.directions[feature], self.params.l2);
        let value = |sums: &[Vec<Cell>]| total(sums).value(l2, leaf.bounds);
        let (below, above) = leaf.bounds.halves(direction, value(&left_sums), value(&right_sums));
        let (left, right) = (self.leaf(tree, left, left_sums, below), self.leaf(tree, right, right_sums, above));
        tree.nodes[leaf.node].split = Some(Split { feature, left_codes, left: left.node, right: right.node });
        (left, right)
    }

    fn sums(&self, rows: &[u32]) -> Vec<Vec<Cell>> {
        let of = |feature: &usize| {
            let codes = &self.coded.codes[*feature];
            let mut cells = vec![Cell::default(); 256];
            for row in rows {
                let (gradient, curvature) = self.slopes[*row as usize];
                let cell = &mut cells[usize::from(codes[*row as usize])];
                cell.gradient += gradient;
                cell.curvature += curvature;
                cell.rows += 1.0;
            }
            cells
        };
        self.features.par_iter().map(of).collect()
    }

    fn best(&self, sums: &[Vec<Cell>], total: Cell, bounds: Bounds) -> Option<Candidate> {
        let least = self.params.min_rows as f64;
        if total.rows < 2.0 * least {
            return None;
        }
        let candidates = self.features.iter().zip(sums).filter_map(|(feature, cells)| {
            let order = in_order(cells, self.coded.ordered[*feature]);
            let held = Held { direction: self.coded.directions[*feature], bounds };
            let (gain, taken, missing_left) = self.cut(cells, &order, total, held)?;
            let mut left_codes = CodeSet::default();
            order[..taken].iter().for_each(|code| left_codes.insert(*code));
            if missing_left {
                left_codes.insert(0);
            }
            Some(Candidate { gain, feature: *feature, left_codes })
        });
        candidates.fold(None, |best: Option<Candidate>, next| match best {
            Some(best) if best.gain >= next.gain => Some(best),
            _ => Some(next),
        })
    }

    /// The best cut of codes in order: its gain, how many go left, and whether missing values do.
    fn cut(&self, cells: &[Cell], order: &[usize], total: Cell, held: Held) -> Option<(f64, usize, bool)> {
        let (l2, least, missing) = (self.params.l2, self.params.min_rows as f64, cells[0]);
        let score =
            |cell: Cell| if held.bounds == UNBOUND { cell.score(l2) } else { cell.score_within(l2, held.bounds) };
        let whole = score(total);
        let mut left = Cell::default();
        let mut best: Option<(f64, usize, bool)> = None;
        let mut try_cut = |left: Cell, taken: usize, missing_left: bool| {
            let right = total.minus(left);
            let gain = score(left) + score(right) - whole;
            let enough = left.rows >= least && right.rows >= least && gain > 1e-9 * whole.max(1.0);
            if enough && held.allows(left, right, l2) && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, taken, missing_left));
            }
        };
        for (place, code) in order.iter().enumerate() {
            left = left.plus(cells[*code]);
            try_cut(left, place + 1, false);
            if missing.rows > 0.0 {
                try_cut(left.plus(missing), place + 1, true);
            }
        }
        best
    }
}

/// What a cut is held to.
#[derive(Clone, Copy)]
struct Held {
    direction: Direction,
    bounds: Bounds,
}

impl Held {
    fn allows(self, left: Cell, right: Cell, l2: f64) -> bool {
        let value = |cell: Cell| cell.value(l2, self.bounds);
        match self.direction {
            Direction::Free => true,
            Direction::Rises => value(left) <= value(right),
            Direction::Falls => value(left) >= value(right),
        }
    }
}

/// All rows of a node, from the sums of any feature.
fn total(sums: &[Vec<Cell>]) -> Cell {
    sums.first().map_or(Cell::default(), |cells| cells.iter().fold(Cell::default(), |a, b| a.plus(*b)))
}

/// Smooths the mean gradient of rare words when they are put in order.
const WORD_SMOOTHING: f64 = 10.0;

/// Codes that occur, missing aside: by number, or by mean gradient where they have no order of their own.
fn in_order(cells: &[Cell], ordered: bool) -> Vec<usize> {
    let mut codes: Vec<usize> = (1..cells.len()).filter(|code| cells[*code].rows > 0.0).collect();
    if !ordered {
        let mean = |code: &usize| cells[*code].gradient / (cells[*code].curvature + WORD_SMOOTHING);
        codes.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
    }
    codes
}

/// The features that a round may use: at least one, by a hash of round and place.
fn drawn(features: usize, share: f64, round: usize) -> Vec<usize> {
    let wanted = ((features as f64 * share).ceil() as usize).clamp(1, features.max(1));
    let key = |feature: &usize| xxhash_rust::xxh3::xxh3_64_with_seed(&(*feature as u64).to_le_bytes(), round as u64);
    let mut order: Vec<usize> = (0..features).collect();
    order.sort_by_key(key);
    order.truncate(wanted);
    order.sort_unstable();
    order
}

/// One feature on the way to a node: the share of rows that go on when it is unknown, whether the row goes on when it
/// is known, and the weight of the sets of each size (Lundberg et al., 2020, algorithm 2).
#[derive(Clone, Copy)]
struct Step {
    feature: Option<usize>,
    unknown: f64,
    known: f64,
    weight: f64,
}

struct Walk<'a, F> {
    tree: &'a Tree,
    code: &'a F,
    shares: &'a mut [f64],
}

impl<F: Fn(usize) -> u8> Walk<'_, F> {
    fn descend(&mut self, at: usize, path: Vec<Step>, unknown: f64, known: f64, feature: Option<usize>) {
        let mut path = extended(path, unknown, known, feature);
        let node = &self.tree.nodes[at];
        let Some(split) = &node.split else {
            for place in 1..path.len() {
                let weight: f64 = unwound(&path, place).iter().map(|step| step.weight).sum();
                if let Some(feature) = path[place].feature {
                    self.shares[feature] += weight * (path[place].known - path[place].unknown) * node.value;
                }
            }
            return;
        };
        let (mut unknown, mut known) = (1.0, 1.0);
        if let Some(place) = path.iter().position(|step| step.feature == Some(split.feature)) {
            (unknown, known) = (path[place].unknown, path[place].known);
            path = unwound(&path, place);
        }
        let left = split.left_codes.has((self.code)(split.feature));
        for (child, goes) in [(split.left, left), (split.right, !left)] {
            let share = self.tree.nodes[child].rows / node.rows;
            let known = if goes { known } else { 0.0 };
            self.descend(child, path.clone(), unknown * share, known, Some(split.feature));
        }
    }
}

fn extended(mut path: Vec<Step>, unknown: f64, known: f64, feature: Option<usize>) -> Vec<Step> {
    let length = path.len();
    path.push(Step { feature, unknown, known, weight: if length == 0 { 1.0 } else { 0.0 } });
    let size = (length + 1) as f64;
    for i in (0..length).rev() {
        path[i + 1].weight += known * path[i].weight * (i + 1) as f64 / size;
        path[i].weight *= unknown * (length - i) as f64 / size;
    }
    path
}

fn unwound(path: &[Step], place: usize) -> Vec<Step> {
    let last = path.len() - 1;
    let (unknown, known) = (path[place].unknown, path[place].known);
    let mut shorter = path.to_vec();
    let mut next = path[last].weight;
    for i in (0..last).rev() {
        let size = (last + 1) as f64;
        if known != 0.0 {
            let own = shorter[i].weight;
            shorter[i].weight = next * size / ((i + 1) as f64 * known);
            next = own - shorter[i].weight * unknown * (last - i) as f64 / size;
        } else {
            shorter[i].weight = shorter[i].weight * size / (unknown * (last - i) as f64);
        }
    }
    for i in place..last {
        (shorter[i].feature, shorter[i].unknown, shorter[i].known) =
            (path[i + 1].feature, path[i + 1].unknown, path[i + 1].known);
    }
    shorter.truncate(last);
    shorter
}
