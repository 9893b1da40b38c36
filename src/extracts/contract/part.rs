//! One of N parts of the accounts: which rows a shard answers for.
//!
//! An account belongs to bucket `xxh3_64(account_id's bytes) mod N`, the same on every machine and for ever. Tables that
//! say nothing of a single account, and `accounts` itself, are read whole by every part: they are small, and every
//! part then names accounts, products and features by the same dense ids.

use std::fmt;
use std::str::FromStr;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::convert;
use super::input_table::InputTable;
use super::schema::{Kind, Table};

/// Most parts; a part of fewer than some hundred accounts is not worth its overhead.
pub const MOST_PARTS: u32 = 1024;

/// Part `number` of `of`, counted from 1.
///
/// ```
/// use foothold::extracts::Part;
/// let part: Part = "2/4".parse().unwrap();
/// assert_eq!((part.number(), part.of(), part.to_string().as_str()), (2, 4, "2/4"));
/// assert!(Part::WHOLE.owns("acme"));
/// assert_eq!((1..=4).filter(|n| Part::new(*n, 4).unwrap().owns("acme")).count(), 1);
/// assert!("5/4".parse::<Part>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Part {
    number: u32,
    of: u32,
}

impl Part {
    /// All accounts.
    pub const WHOLE: Part = Part { number: 1, of: 1 };

    /// `None` unless `1 <= number <= of <= MOST_PARTS`.
    pub fn new(number: u32, of: u32) -> Option<Part> {
        (1 <= number && number <= of && of <= MOST_PARTS).then_some(Part { number, of })
    }

    /// From 1.
    pub fn number(self) -> u32 {
        self.number
    }

    pub fn of(self) -> u32 {
        self.of
    }

    /// `2-of-4`: the part's name in paths, where `/` cannot stand.
    pub fn slug(self) -> String {
        format!("{}-of-{}", self.number, self.of)
    }

    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    pub fn owns(self, account_id: &str) -> bool {
        self.owns_row(Some(account_id))
    }

    /// A row without an account belongs to the first part, so that exactly one part rejects it.
    pub(in crate::extracts) fn owns_row(self, account_id: Option<&str>) -> bool {
        self.is_whole() || bucket(account_id, self.of) == self.number
    }

    /// Which rows of a batch are this part's; `None` where all are.
    pub(in crate::extracts) fn own_rows(self, table: &Table, batch: &RecordBatch) -> Option<BooleanArray> {
        let accounts = batch.column_by_name("account_id").filter(|_| !self.is_whole() && is_split(table))?;
        let accounts = convert::text(accounts);
        Some(accounts.iter().map(|account| Some(self.owns_row(account))).collect())
    }

    /// The part's rows of a batch.
    pub(in crate::extracts) fn filter(self, table: &Table, batch: &RecordBatch) -> RecordBatch {
        let own = self.own_rows(table, batch);
        // A mask is as long as its batch, so the filter cannot fail.
        own.and_then(|own| filter_record_batch(batch, &own).ok()).unwrap_or_else(|| batch.clone())
    }
}

impl Default for Part {
    fn default() -> Part {
        Part::WHOLE
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Part, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let part = numbers.and_then(|(number, of)| Part::new(number, of));
        part.ok_or_else(|| format!("`{text}` is not a shard; write I/N, from 1/N to N/N, with N up to {MOST_PARTS}"))
    }
}

/// The bucket of an account, from 1 to `of`.
pub(in crate::extracts) fn bucket(account_id: Option<&str>, of: u32) -> u32 {
    account_id.map_or(0, |id| (xxh3_64(id.as_bytes()) % u64::from(of)) as u32) + 1
}

/// Whether each part holds its own rows of the table; a table that is not split is read whole by all.
pub(in crate::extracts) fn is_split(table: &Table) -> bool {
    table.table != InputTable::Accounts && table.column("account_id").is_some()
}

/// The key of a table whose rows name an account beside a key that does not: one key may then stand at accounts of
/// several parts, as a contact does who changed employers, and each of those parts needs every row of it.
pub(in crate::extracts) fn roaming_key(table: &Table) -> Option<&'static str> {
    match table.key.as_slice() {
        [key] if is_split(table) && table.column(key).is_some_and(|column| column.kind == Kind::Str) => Some(key),
        _ => None,
    }
}
