//! The law that no training row knows the future, held in every training: a few rows are computed again from a history
//! that ends on their day, and must come out bit for bit.
//!
//! What is learned across accounts on the day (thresholds, delivery, purchase rates) is taken as it stands; the account's
//! own rows are what is cut.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::grain::{Grain, Snapshots, Source, row};
use crate::capacity::Context;
use crate::extracts::assembled::until::until;
use crate::history::View;
use crate::learners::columns::table::{Table, Values};
use crate::models::features::FeatureRow;
use crate::models::features::columns::table;
use crate::vocabulary::{AccountIx, Day};

/// Days and, of each, rows that are computed again.
const DAYS: usize = 2;
const ROWS: usize = 6;

/// Another seed looks at other rows.
const SEED: u64 = 0xc07;

/// A training value that changes when the future is cut off.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "feature `{feature}` of account `{account}` on {day} is {trained} in the training rows, but {cut} where history ends on that \
     day: it looks into the future, so nothing was trained; report the feature, or leave its table out of the extracts"
)]
pub struct Leak {
    pub feature: String,
    pub account: String,
    pub day: Day,
    /// The value that training would have used, and the one without the future.
    pub trained: String,
    pub cut: String,
}

/// Computes a sample of the rows again without their future.
///
/// # Errors
/// The first value, by day, account and feature, that comes out otherwise.
pub fn check(source: &Source, snapshots: &Snapshots) -> Result<(), Leak> {
    for rows in sample(&snapshots.grains) {
        let day = snapshots.grains[rows[0]].day;
        let accounts: Vec<AccountIx> = rows.iter().map(|row| snapshots.grains[*row].account).collect();
        let context = Context::learn(View::new(source.extracts, day), source.capacity);
        let extracts = until(source.extracts, &accounts, day);
        let view = View::new(&extracts, day);
        let again: Vec<FeatureRow> = accounts.iter().map(|account| row(source, view, *account, &context)).collect();
        let again = table(&again, source.extracts);
        for (at, row) in rows.iter().enumerate() {
            if let Some((feature, trained, cut)) = difference((&snapshots.table, *row), (&again, at)) {
                let account = source.extracts.account_id(snapshots.grains[*row].account).to_owned();
                return Err(Leak { feature, account, day, trained, cut });
            }
        }
    }
    Ok(())
}

/// Rows of a few days, each day's in order: days and accounts by the hash of what they are.
fn sample(grains: &[Grain]) -> Vec<Vec<usize>> {
    let key = |grain: &Grain| {
        let day = xxh3_64_with_seed(&grain.day.0.to_le_bytes(), SEED);
        (day, grain.day, xxh3_64_with_seed(&grain.account_hash.to_le_bytes(), SEED))
    };
    let mut order: Vec<usize> = (0..grains.len()).collect();
    order.sort_by_cached_key(|row| key(&grains[*row]));
    let by_day = order.chunk_by(|a, b| grains[*a].day == grains[*b].day).take(DAYS);
    let mut chosen: Vec<Vec<usize>> = by_day.map(|rows| rows.iter().copied().take(ROWS).collect()).collect();
    chosen.iter_mut().for_each(|rows| rows.sort_unstable());
    chosen.sort_unstable();
    chosen
}

/// The first feature by name whose values differ, with both.
fn difference((ours, row): (&Table, usize), (again, at): (&Table, usize)) -> Option<(String, String, String)> {
    let (own, other) = (ours.frame(), again.frame());
    let mut names: Vec<&str> =
        ours.columns.iter().chain(&again.columns).map(|column| column.spec.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().find_map(|name| {
        let trained = own.find(name).and_then(|column| cell(&column.values, row));
        let cut = other.find(name).and_then(|column| cell(&column.values, at));
        let said = |cell: Option<Cell>| cell.map_or("missing".to_owned(), |cell| cell.said());
        (trained != cut).then(|| (name.to_owned(), said(trained), said(cut)))
    })
}

/// A value to its last bit.
#[derive(PartialEq)]
enum Cell {
    Number(u64),
    Word(String),
}

impl Cell {
    fn said(self) -> String {
        match self {
            Cell::Number(bits) => f64::from_bits(bits).to_string(),
            Cell::Word(word) => format!("`{word}`"),
        }
    }
}

fn cell(values: &Values, row: usize) -> Option<Cell> {
    let number = Some(values.number(row)).filter(|number| !number.is_nan());
    number.map(|number| Cell::Number(number.to_bits())).or_else(|| Some(Cell::Word(values.word(row)?.to_string())))
}
