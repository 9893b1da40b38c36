//! Rows by key without sorting row by row.
//!
//! Rows of one key mostly stand together in a file and rise: such a stretch is found in one pass and moves as a whole,
//! so what is sorted is a list of stretches. Files in any other order still come out right, with more stretches.

use std::cmp::Ordering;

/// Shows `visit` the rows of each key in rising order of the keys; those of one key in `order`, rows alike in it as
/// they stood.
pub fn by_key<R: Copy, K: Ord + Copy>(
    rows: &[R],
    key: impl Fn(&R) -> K,
    order: impl Fn(&R, &R) -> Ordering,
    mut visit: impl FnMut(K, &mut Vec<R>),
) {
    let mut stretches = stretches(rows, key, &order);
    if !stretches.is_sorted() {
        stretches.sort_unstable();
    }
    let mut of_key = Vec::new();
    for same in stretches.chunk_by(|a, b| a.0 == b.0) {
        of_key.clear();
        same.iter().for_each(|(_, from, to)| of_key.extend_from_slice(&rows[*from as usize..*to as usize]));
        if same.len() > 1 && !of_key.is_sorted_by(|a, b| order(a, b).is_le()) {
            of_key.sort_by(&order);
        }
        visit(same[0].0, &mut of_key);
    }
}

/// Key, first row and the row after the last of each stretch.
fn stretches<R, K: Ord + Copy>(
    rows: &[R],
    key: impl Fn(&R) -> K,
    order: &impl Fn(&R, &R) -> Ordering,
) -> Vec<(K, u32, u32)> {
    let Some(first) = rows.first() else { return Vec::new() };
    let (mut found, mut open, mut from) = (Vec::new(), key(first), 0);
    for (at, pair) in rows.windows(2).enumerate() {
        let next = key(&pair[1]);
        if next != open || order(&pair[0], &pair[1]).is_gt() {
            found.push((open, from, at as u32 + 1));
            (open, from) = (next, at as u32 + 1);
        }
    }
    found.push((open, from, rows.len() as u32));
    found
}
