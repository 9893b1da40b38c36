//! Where the rows of each key lie among several runs.

use rayon::prelude::*;

use crate::vocabulary::AccountIx;

/// A key, a run that has rows of it, and where in the run.
pub(super) type Place<K> = (K, u32, u32);

/// All of them, sorted.
pub(super) struct Places<K>(Vec<Place<K>>);

impl<K: Copy + Ord + Send> Places<K> {
    /// From the keys of each run, in the order in which the run holds them.
    pub fn of<R: IntoIterator<Item = K>>(runs: impl IntoIterator<Item = R>) -> Places<K> {
        let mut places = Vec::new();
        for (number, keys) in runs.into_iter().enumerate() {
            places.extend(keys.into_iter().enumerate().map(|(at, key)| (key, number as u32, at as u32)));
        }
        places.par_sort_unstable();
        Places(places)
    }

    /// Key by key.
    pub fn iter(&self) -> impl Iterator<Item = &[Place<K>]> {
        self.0.chunk_by(|a, b| a.0 == b.0)
    }

    /// About `pieces` runs of whole accounts; keys sort by account first.
    pub fn pieces(&self, pieces: usize, account: impl Fn(&K) -> AccountIx) -> Vec<&[Place<K>]> {
        let size = self.0.len().div_ceil(pieces.max(1)).max(1);
        let mut rest = self.0.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let last = account(&rest[size.min(rest.len()) - 1].0);
            let (piece, after) = rest.split_at(rest.partition_point(|place| account(&place.0) <= last));
            found.push(piece);
            rest = after;
        }
        found
    }

    /// One stretch for each of the accounts, which rise: what lies before the next of them; the first also has what lies
    /// before itself.
    pub fn cut(&self, starts: &[AccountIx], account: impl Fn(&K) -> AccountIx) -> Vec<&[Place<K>]> {
        let from = |start: &AccountIx| self.0.partition_point(|place| account(&place.0) < *start);
        let ends = starts.iter().skip(1).map(from).chain([self.0.len()]);
        let mut begin = 0;
        ends.map(|end| &self.0[std::mem::replace(&mut begin, end)..end]).take(starts.len()).collect()
    }
}
