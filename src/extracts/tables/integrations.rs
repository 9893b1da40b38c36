//! `integrations`: third-party connections.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, date, id, text, word};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

words!(
    Flow { In = "in", Out = "out", Both = "both" }
);

#[derive(Clone, Debug)]
pub struct Integration {
    pub seen: Seen,
    pub account: AccountIx,
    pub integration: Text,
    pub category: Option<Text>,
    pub direction: Option<Flow>,
    pub competes_with: Option<ProductIx>,
    pub connected_on: Day,
    pub disconnected_on: Option<Day>,
}

impl Row for Integration {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Integrations,
        "third-party connections",
        &["account_id", "integration", "connected_on"],
        [
            account_id(),
            text("integration", "what is connected"),
            text("category", "kind of system").optional(),
            word("direction", Flow::WORDS, "which way the data flows").optional(),
            id("competes_with_product_id", Entity::Product, "our product that it competes with").optional(),
            date("connected_on", "the day it was connected"),
            date("disconnected_on", "the day it was cut").optional().not_before("connected_on").open_ended(),
        ],
    )
    .happens("connected_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Integration> {
    let mut account = t.account("account_id", ids);
    let mut integration = t.text("integration");
    let mut category = t.text("category");
    let mut direction = t.word("direction", Flow::parse);
    let mut competes = t.product("competes_with_product_id", ids);
    let connected = t.day("connected_on");
    let disconnected = t.day("disconnected_on");
    t.rows(|i| {
        Some(Integration {
            seen: t.seen[i],
            account: account(i)?,
            integration: integration(i)?,
            category: category(i),
            direction: direction(i),
            competes_with: competes(i),
            connected_on: connected(i)?,
            disconnected_on: disconnected(i),
        })
    })
}
