//! The nearest of many points: halves of halves along the coordinate that spreads most, until few points are left.

use std::ops::Range;

/// Points of a part that is not halved again.
const LEAF: usize = 16;

/// A k-d tree of points in `N` dimensions, each with a number of its own.
pub(super) struct Tree<const N: usize> {
    /// Point and number; the points of a part stand together.
    points: Vec<([f64; N], usize)>,
    /// Coordinate and value at which each part is halved: the first half of part p is part 2p + 1, the other 2p + 2.
    cuts: Vec<(usize, f64)>,
}

/// The nearest found so far.
struct Search<const N: usize> {
    query: [f64; N],
    wanted: usize,
    /// Squared distance and number, nearest first.
    found: Vec<(f64, usize)>,
}

impl<const N: usize> Tree<N> {
    pub(super) fn of(points: Vec<([f64; N], usize)>) -> Tree<N> {
        let all = 0..points.len();
        let mut tree = Tree { points, cuts: Vec::new() };
        tree.halve(0, all);
        tree
    }

    fn halve(&mut self, part: usize, range: Range<usize>) {
        if range.len() <= LEAF {
            return;
        }
        let middle = range.start + range.len() / 2;
        let points = &mut self.points[range.clone()];
        let along = widest(points);
        points
            .select_nth_unstable_by(middle - range.start, |a, b| a.0[along].total_cmp(&b.0[along]).then(a.1.cmp(&b.1)));
        self.cuts.resize(self.cuts.len().max(part + 1), (0, 0.0));
        self.cuts[part] = (along, self.points[middle].0[along]);
        self.halve(2 * part + 1, range.start..middle);
        self.halve(2 * part + 2, middle..range.end);
    }

    /// The numbers of the `wanted` points nearest to the query, nearest first; of equal distances the lower number.
    pub(super) fn nearest(&self, query: &[f64; N], wanted: usize) -> Vec<usize> {
        let mut search = Search { query: *query, wanted, found: Vec::with_capacity(wanted + 1) };
        if wanted > 0 {
            self.search(0, 0..self.points.len(), &mut [0.0; N], &mut search);
        }
        search.found.into_iter().map(|(_, number)| number).collect()
    }

    /// `beyond` is how far the part lies from the query along each coordinate, squared.
    fn search(&self, part: usize, range: Range<usize>, beyond: &mut [f64; N], search: &mut Search<N>) {
        if range.len() <= LEAF {
            self.points[range].iter().for_each(|(point, number)| search.meet(point, *number));
            return;
        }
        let (along, cut) = self.cuts[part];
        let middle = range.start + range.len() / 2;
        let halves = [(2 * part + 1, range.start..middle), (2 * part + 2, middle..range.end)];
        let gap = search.query[along] - cut;
        let [near, far] = if gap < 0.0 {
            halves
        } else {
            let [low, high] = halves;
            [high, low]
        };
        self.search(near.0, near.1, beyond, search);
        let before = std::mem::replace(&mut beyond[along], gap * gap);
        if search.reaches(beyond.iter().sum()) {
            self.search(far.0, far.1, beyond, search);
        }
        beyond[along] = before;
    }
}

fn widest<const N: usize>(points: &[([f64; N], usize)]) -> usize {
    let (mut low, mut high) = ([f64::INFINITY; N], [f64::NEG_INFINITY; N]);
    for (point, _) in points {
        for n in 0..N {
            (low[n], high[n]) = (low[n].min(point[n]), high[n].max(point[n]));
        }
    }
    let spread = |n: usize| high[n] - low[n];
    (0..N).max_by(|a, b| spread(*a).total_cmp(&spread(*b))).unwrap_or(0)
}

impl<const N: usize> Search<N> {
    /// Whether a point at this squared distance, or a bit more for what rounding took off, may be among the nearest.
    fn reaches(&self, least: f64) -> bool {
        self.found.len() < self.wanted || self.found.last().is_some_and(|(worst, _)| least * (1.0 - 1e-12) <= *worst)
    }

    #[inline]
    fn meet(&mut self, point: &[f64; N], number: usize) {
        let squared = squared(&self.query, point);
        let full = self.found.len() == self.wanted;
        if full && self.found.last().is_some_and(|(worst, last)| (squared, number) >= (*worst, *last)) {
            return;
        }
        let place = self.found.partition_point(|(known, of)| (*known, *of) < (squared, number));
        self.found.insert(place, (squared, number));
        self.found.truncate(self.wanted);
    }
}

/// Squared distance.
#[inline]
pub(super) fn squared<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}
