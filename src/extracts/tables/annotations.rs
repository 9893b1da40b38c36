//! `annotations`: anything the team wants the models to see; each becomes a feature under its own name.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Table, account_id, date, num, text};
use crate::vocabulary::{AccountIx, Day, Text};

#[derive(Clone, Debug)]
pub struct Annotation {
    pub seen: Seen,
    pub account: AccountIx,
    pub observed_on: Day,
    pub feature: Text,
    pub value: f64,
}

impl Row for Annotation {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Annotations,
        "anything the team wants the models to see",
        &["account_id", "observed_on", "feature"],
        [
            account_id(),
            date("observed_on", "the day it was observed"),
            text("feature", "its name, which becomes the model feature's name"),
            num("value", "its value"),
        ],
    )
    .happens("observed_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Annotation> {
    let mut account = t.account("account_id", ids);
    let observed = t.day("observed_on");
    let mut feature = t.text("feature");
    let value = t.num("value");
    t.rows(|i| {
        Some(Annotation {
            seen: t.seen[i],
            account: account(i)?,
            observed_on: observed(i)?,
            feature: feature(i)?,
            value: value(i)?,
        })
    })
}
