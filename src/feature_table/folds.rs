//! Which rows train and which judge: stratified folds that keep an id together, or windows that grow with time.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Positions in the table, rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    pub fit: Vec<u32>,
    pub judge: Vec<u32>,
}

/// `count` folds in which every id is judged once, with the positives spread evenly. They depend on ids and seed, not
/// on the order of rows.
pub fn stratified(rows: &[u32], labels: &[bool], ids: &[u64], count: usize, seed: u64) -> Vec<Fold> {
    let key = |row: &u32| xxh3_64_with_seed(&ids[*row as usize].to_le_bytes(), seed);
    let mut order: Vec<(u64, u32)> = rows.iter().map(|row| (key(row), *row)).collect();
    order.sort_unstable();
    let mut fold_of: Vec<(u32, u8)> = Vec::with_capacity(rows.len());
    let mut next = 0;
    for wanted in [true, false] {
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            if group.iter().any(|(_, row)| labels[*row as usize]) == wanted {
                fold_of.extend(group.iter().map(|(_, row)| (*row, (next % count) as u8)));
                next += 1;
            }
        }
    }
    fold_of.sort_unstable();
    let fold = |own: usize| {
        let (mut fit, mut judge) = (Vec::new(), Vec::new());
        fold_of.iter().for_each(|(row, fold)| if usize::from(*fold) == own { &mut judge } else { &mut fit }.push(*row));
        Fold { fit, judge }
    };
    (0..count).map(fold).collect()
}

/// `count` windows: each judges the rows after the ones it trains on, `embargo` units of time apart. `None` where the
/// times have too few different values.
pub fn expanding(rows: &[u32], times: &[f64], count: usize, embargo: f64) -> Option<Vec<Fold>> {
    let at = |row: &u32| times[*row as usize];
    let mut sorted: Vec<f64> = rows.iter().map(at).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut starts: Vec<f64> =
        (1..=count).filter_map(|i| sorted.get(i * sorted.len() / (count + 1)).copied()).collect();
    starts.dedup();
    if starts.len() < count || starts.first() == sorted.first() {
        return None;
    }
    let fold = |i: usize| {
        let (from, to) = (starts[i], starts.get(i + 1).copied().unwrap_or(f64::INFINITY));
        let fit = rows.iter().copied().filter(|row| at(row) < from && at(row) + embargo <= from).collect();
        let judge = rows.iter().copied().filter(|row| (from..to).contains(&at(row))).collect();
        Fold { fit, judge }
    };
    Some((0..count).map(fold).collect())
}
