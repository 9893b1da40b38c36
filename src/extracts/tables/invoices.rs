//! `invoices`: what was billed, paid late or disputed.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, Text};

#[derive(Clone, Debug)]
pub struct Invoice {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub issued_on: Day,
    pub due_on: Day,
    pub paid_on: Option<Day>,
    pub amount: f64,
    pub disputed: Option<bool>,
}

impl Row for Invoice {
    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Invoice {
    /// Days past due at the end of `day`: of an open invoice until `day`, of a paid one until it was paid; never negative.
    pub fn days_late_on(&self, day: Day) -> i32 {
        let settled = self.paid_on.filter(|paid| *paid <= day).unwrap_or(day);
        settled.since(self.due_on).max(0)
    }
}
