//! What rows of features come to, in eight bytes each, so that whoever trains on a row need not look at its values again:
//! many models are trained on the same rows.

use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_64_with_seed};

use super::rows::Examples;
use crate::learners::columns::table::{Column, Values};

/// By row: the sum of the hashes of its values, each hashed with the name of its column. The order of the columns does
/// not show in it, and tables beside each other add up.
pub fn digests(columns: &[&Column], rows: usize) -> Vec<u64> {
    let none = || vec![0u64; rows];
    let added = |mut sums: Vec<u64>, column: &&Column| {
        add(column, &mut sums);
        sums
    };
    let together = |mut sums: Vec<u64>, others: Vec<u64>| {
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum = sum.wrapping_add(other));
        sums
    };
    columns.par_iter().fold(none, added).reduce(none, together)
}

fn add(column: &Column, sums: &mut [u64]) {
    let seed = xxh3_64(column.spec.name.as_bytes());
    let number = |number: f64| {
        let one = if number.is_nan() { f64::NAN } else { number };
        xxh3_64_with_seed(&one.to_bits().to_le_bytes(), seed)
    };
    match &column.values {
        Values::Numbers(numbers) => {
            sums.iter_mut().zip(numbers).for_each(|(sum, value)| *sum = sum.wrapping_add(number(*value)));
        }
        Values::Ranked(ranked) => ranked.add(sums, number),
        Values::Words(words) => {
            let hash = |word: &str| xxh3_64_with_seed(word.as_bytes(), seed);
            let word = |word: &Option<_>| word.as_deref().map_or(seed, hash);
            sums.iter_mut().zip(words).for_each(|(sum, value)| *sum = sum.wrapping_add(word(value)));
        }
    }
}

/// xxh3 of the names of the columns, and of every row's digest, label, day and account.
pub fn fingerprint(examples: &Examples) -> String {
    let mut hash = Xxh3::new();
    examples.frame.columns.iter().for_each(|column| hash.update(column.spec.name.as_bytes()));
    let mut bytes: Vec<u8> = Vec::with_capacity(21 * examples.rows.len());
    let told = examples.labels.iter().zip(&examples.days).zip(&examples.account_hashes);
    for (digest, ((label, day), account)) in examples.digests.iter().zip(told) {
        bytes.extend(digest.to_le_bytes());
        bytes.push(u8::from(*label));
        bytes.extend(day.0.to_le_bytes());
        bytes.extend(account.to_le_bytes());
    }
    // At once: the hash takes many bytes several times faster than few.
    hash.update(&bytes);
    format!("{:016x}", hash.digest())
}
