//! `tickets`: support tickets.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, flag, free_text, id, num, text, ts, word};
use crate::vocabulary::{AccountIx, Day, Moment, ProductIx, Text};

words!(
    Priority { P1 = "p1", P2 = "p2", P3 = "p3", P4 = "p4" }
);

#[derive(Clone, Debug)]
pub struct Ticket {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub product: Option<ProductIx>,
    pub opened_at: Moment,
    pub resolved_at: Option<Moment>,
    pub priority: Option<Priority>,
    pub escalated: Option<bool>,
    /// 0–10.
    pub csat: Option<f64>,
    pub subject: Option<Text>,
    pub body: Option<Text>,
}

impl Row for Ticket {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Ticket {
    /// Open at the end of `day`: opened by then and not resolved by then.
    pub fn open_on(&self, day: Day) -> bool {
        self.opened_at.day() <= day && self.resolved_at.is_none_or(|at| at.day() > day)
    }

    /// The satisfaction score, which exists only once the ticket is resolved.
    pub fn csat_on(&self, day: Day) -> Option<f64> {
        if self.open_on(day) && self.resolved_at.is_some() { None } else { self.csat }
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Tickets,
        "support tickets",
        &["ticket_id"],
        [
            text("ticket_id", "the ticket"),
            account_id(),
            id("product_id", Entity::Product, "the product it is about").optional(),
            ts("opened_at", "when it was opened"),
            ts("resolved_at", "when it was resolved").optional().not_before("opened_at").open_ended(),
            word("priority", Priority::WORDS, "p1 = most urgent").optional(),
            flag("escalated", "was escalated").optional(),
            num("csat", "satisfaction after it, 0–10").optional().between(0.0, 10.0),
            free_text("subject", "its title").optional(),
            free_text("body", "what the customer wrote").optional(),
        ],
    )
    .happens("opened_at")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Ticket> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("ticket_id");
    let mut product = t.product("product_id", ids);
    let opened = t.moment("opened_at");
    let resolved = t.moment("resolved_at");
    let mut priority = t.word("priority", Priority::parse);
    let escalated = t.flag("escalated");
    let csat = t.num("csat");
    let mut subject = t.text("subject");
    let mut body = t.text("body");
    t.rows(|i| {
        Some(Ticket {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            product: product(i),
            opened_at: opened(i)?,
            resolved_at: resolved(i),
            priority: priority(i),
            escalated: escalated(i),
            csat: csat(i),
            subject: subject(i),
            body: body(i),
        })
    })
}
