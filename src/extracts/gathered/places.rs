//! Where the rows of each key lie among several runs.

use rayon::prelude::*;

use super::gather::Rollup;
use crate::vocabulary::AccountIx;

/// A key, a run that has rows of it, and where in the run.
pub type Place<K> = (K, u32, u32);

/// All of them, sorted.
pub struct Places<K>(Vec<Place<K>>);

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

    /// Account by account; keys sort by account first.
    pub fn accounts(&self, account: impl Fn(&K) -> AccountIx) -> impl Iterator<Item = &[Place<K>]> {
        self.0.chunk_by(move |a, b| account(&a.0) == account(&b.0))
    }
}

/// First accounts of ranges that the accounts are worked on in: several a thread, each with about as many accounts.
pub fn even(accounts: usize) -> Vec<AccountIx> {
    let ranges = 8 * rayon::current_num_threads();
    let mut starts: Vec<AccountIx> = (0..ranges).map(|range| AccountIx::from(accounts * range / ranges)).collect();
    starts.dedup();
    starts
}

/// The runs of each range of accounts, so that those of one are gone while the next is worked on. A range goes to the
/// start of the one after it; the first also has what lies before its own start.
pub fn ranges<R: Rollup>(runs: Vec<R>, starts: &[AccountIx]) -> Vec<Vec<R>> {
    let mut ranges: Vec<Vec<R>> = starts.iter().map(|_| Vec::with_capacity(runs.len())).collect();
    for run in runs {
        ranges.iter_mut().zip(run.cut(starts)).for_each(|(range, part)| range.push(part));
    }
    ranges
}

/// Cuts a list that rises by account into one for each range.
pub fn cut<T>(mut list: Vec<T>, starts: &[AccountIx], account: impl Fn(&T) -> AccountIx) -> Vec<Vec<T>> {
    let later = starts.iter().skip(1).rev();
    let mut cut: Vec<Vec<T>> =
        later.map(|start| list.split_off(list.partition_point(|one| account(one) < *start))).collect();
    list.shrink_to_fit();
    cut.push(list);
    cut.reverse();
    cut
}
