//! `invoices`: what was billed, paid late or disputed.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Table, account_id, date, flag, num, text};
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
    #[inline]
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

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Invoices,
        "what was billed",
        &["invoice_id"],
        [
            text("invoice_id", "the invoice"),
            account_id(),
            date("issued_on", "the day it was issued"),
            date("due_on", "the day it is due"),
            date("paid_on", "the day it was paid").optional().open_ended(),
            num("amount", "reporting currency; negative for a credit note"),
            flag("disputed", "the customer disputes it").optional(),
        ],
    )
    .happens("issued_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Invoice> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("invoice_id");
    let issued = t.day("issued_on");
    let due = t.day("due_on");
    let paid = t.day("paid_on");
    let amount = t.num("amount");
    let disputed = t.flag("disputed");
    t.rows(|i| {
        Some(Invoice {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            issued_on: issued(i)?,
            due_on: due(i)?,
            paid_on: paid(i),
            amount: amount(i)?,
            disputed: disputed(i),
        })
    })
}
