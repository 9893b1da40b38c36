//! What all rows have in common: when they were known, and whose they are.

use std::ops::Range;

use crate::vocabulary::{AccountIx, Day};

/// When a row version was known: from the day it was recorded until the day its successor was.
///
/// It is visible at the end of day D when `known <= D < superseded`. Without `recorded_at` the row's own event day
/// stands for `known`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub known: Day,
    pub superseded: Day,
}

impl Seen {
    pub fn from(known: Day) -> Seen {
        Seen { known, superseded: Day::MAX }
    }

    #[inline]
    pub fn on(self, day: Day) -> bool {
        self.known <= day && day < self.superseded
    }
}

/// A row of an input table.
pub trait Row {
    fn seen(&self) -> Seen;
}

/// Rows grouped by account, each group in the table's own order (event time, then key).
#[derive(Clone, Debug)]
pub struct PerAccount<T> {
    pub(in crate::extracts) rows: Vec<T>,
    /// Row range of account i is `starts[i]..starts[i + 1]`.
    pub(in crate::extracts) starts: Vec<u32>,
}

impl<T> Default for PerAccount<T> {
    fn default() -> Self {
        PerAccount { rows: Vec::new(), starts: vec![0] }
    }
}

impl<T> PerAccount<T> {
    /// Groups rows that are already sorted by account.
    pub fn group(rows: Vec<T>, accounts: usize, account_of: impl Fn(&T) -> AccountIx) -> Self {
        let mut starts = Vec::with_capacity(accounts + 1);
        starts.push(0);
        let mut row = 0;
        for account in 0..accounts {
            while row < rows.len() && account_of(&rows[row]).at() == account {
                row += 1;
            }
            starts.push(row as u32);
        }
        debug_assert_eq!(row, rows.len(), "rows must be sorted by account");
        PerAccount { rows, starts }
    }

    /// Every version of every row of the account.
    #[inline]
    pub fn of(&self, account: AccountIx) -> &[T] {
        &self.rows[self.range(account)]
    }

    #[inline]
    pub fn all(&self) -> &[T] {
        &self.rows
    }

    #[inline]
    fn range(&self, account: AccountIx) -> Range<usize> {
        match self.starts.get(account.at()..=account.at() + 1) {
            Some(&[from, to]) => from as usize..to as usize,
            _ => 0..0,
        }
    }
}
