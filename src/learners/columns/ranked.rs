//! Numbers kept by rank: which of a column's different values a row has, in a byte or two instead of eight.
//!
//! Most features count something, so the rows of several snapshot days hold a few hundred different values. Nothing is
//! rounded: the values themselves are kept once, in order, and whatever needs an order (bins, medians) counts rows by
//! rank instead of sorting them, once for every model that reads the column.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// One number per row; NaN is missing.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// NaN, then the different values, rising.
    values: Arc<[f64]>,
    ranks: Arc<Ranks>,
    /// Where the rank of each row stands; at its own place where there is none. Many columns share it.
    rows: Option<Arc<[u32]>>,
}

/// Place in the values, by row.
#[derive(Clone, Debug)]
enum Ranks {
    Bytes(Vec<u8>),
    Pairs(Vec<u16>),
}

impl Ranks {
    /// Shows what stands at each of the places.
    fn each(&self, places: impl Iterator<Item = usize>, mut visit: impl FnMut(usize)) {
        match self {
            Ranks::Bytes(ranks) => places.for_each(|place| visit(usize::from(ranks[place]))),
            Ranks::Pairs(ranks) => places.for_each(|place| visit(usize::from(ranks[place]))),
        }
    }
}

impl Ranked {
    /// `None` where so many values differ that their ranks do not fit two bytes.
    pub fn of(numbers: &[f64]) -> Option<Ranked> {
        let mut places: HashMap<u64, u16, BuildHasherDefault<Mixed>> = HashMap::default();
        let mut values: Vec<f64> = Vec::new();
        let mut met = Vec::with_capacity(numbers.len());
        for number in numbers {
            if number.is_nan() {
                met.push(0);
                continue;
            }
            let place = *places.entry(number.to_bits()).or_insert_with(|| {
                values.push(*number);
                values.len() as u16
            });
            if values.len() > usize::from(u16::MAX) {
                return None;
            }
            met.push(place);
        }
        let mut order: Vec<u16> = (0..values.len() as u16).collect();
        order.sort_unstable_by(|a, b| values[usize::from(*a)].total_cmp(&values[usize::from(*b)]));
        let mut ranks = vec![0; 1 + values.len()];
        order.iter().zip(1..).for_each(|(place, rank)| ranks[1 + usize::from(*place)] = rank);
        met.iter_mut().for_each(|place| *place = ranks[usize::from(*place)]);
        let ranks = match values.len() <= usize::from(u8::MAX) {
            true => Ranks::Bytes(met.into_iter().map(|rank| rank as u8).collect()),
            false => Ranks::Pairs(met),
        };
        let rising = order.iter().map(|place| values[usize::from(*place)]);
        let values = std::iter::once(f64::NAN).chain(rising).collect();
        Some(Ranked { values, ranks: Arc::new(ranks), rows: None })
    }

    /// NaN where it is missing.
    pub fn number(&self, row: usize) -> f64 {
        let place = self.rows.as_ref().map_or(row, |rows| rows[row] as usize);
        match &*self.ranks {
            Ranks::Bytes(ranks) => self.values[usize::from(ranks[place])],
            Ranks::Pairs(ranks) => self.values[usize::from(ranks[place])],
        }
    }

    /// Shows the rank of each of the rows.
    fn each(&self, rows: &[u32], visit: impl FnMut(usize)) {
        match &self.rows {
            None => self.ranks.each(rows.iter().map(|row| *row as usize), visit),
            Some(own) => self.ranks.each(rows.iter().map(|row| own[*row as usize] as usize), visit),
        }
    }

    /// Adds the numbers of the rows.
    pub fn gather(&self, rows: &[u32], numbers: &mut Vec<f64>) {
        numbers.reserve(rows.len());
        self.each(rows, |rank| numbers.push(self.values[rank]));
    }

    /// The given rows, in the given order; nothing is copied.
    pub fn take(&self, rows: &Arc<[u32]>) -> Ranked {
        let rows = match &self.rows {
            None => rows.clone(),
            Some(own) => rows.iter().map(|row| own[*row as usize]).collect(),
        };
        Ranked { values: self.values.clone(), ranks: self.ranks.clone(), rows: Some(rows) }
    }

    /// The values that the rows have, rising, each with the number of rows that have it; those that miss it aside.
    pub fn counted(&self, rows: &[u32]) -> Vec<(f64, usize)> {
        let mut counts = vec![0u32; self.values.len()];
        self.each(rows, |rank| counts[rank] += 1);
        let counted = self.values.iter().zip(counts).skip(1).filter(|(_, n)| *n > 0);
        counted.map(|(value, n)| (*value, n as usize)).collect()
    }

    /// Adds to every row's sum what `of` makes of its number, worked out once for each value.
    pub fn add(&self, sums: &mut [u64], of: impl Fn(f64) -> u64) {
        let each: Vec<u64> = self.values.iter().copied().map(of).collect();
        let (rows, mut sums) = (sums.len(), sums.iter_mut());
        let added = |rank: usize| {
            if let Some(sum) = sums.next() {
                *sum = sum.wrapping_add(each[rank]);
            }
        };
        match &self.rows {
            None => self.ranks.each(0..rows, added),
            Some(own) => self.ranks.each(own.iter().map(|row| *row as usize), added),
        }
    }

    /// What `code` makes of every row's number, worked out once for each value.
    pub fn coded(&self, rows: &[u32], code: impl Fn(f64) -> u8) -> Vec<u8> {
        let codes: Vec<u8> = self.values.iter().copied().map(code).collect();
        let mut coded = Vec::with_capacity(rows.len());
        self.each(rows, |rank| coded.push(codes[rank]));
        coded
    }
}

/// Spreads the bits of one number; nobody chooses the values to collide.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, bits: u64) {
        let mixed = (self.0 ^ bits ^ (bits >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
