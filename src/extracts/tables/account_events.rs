//! `account_events`: what happened at the customer, from news, filings and enrichment feeds.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Table, account_id, date, free_text, num, text, word};
use crate::vocabulary::{AccountIx, Day, Text};

words!(
    EventKind {
        Funding = "funding", Merger = "merger", ProductLaunch = "product_launch", GeoExpansion = "geo_expansion",
        ExecutiveHire = "executive_hire", ExecutiveDeparture = "executive_departure", Hiring = "hiring",
        Headcount = "headcount", Layoffs = "layoffs", AdvocacyReview = "advocacy_review", CaseStudy = "case_study",
        CompetitorLogo = "competitor_logo", NewOffice = "new_office",
    }
);

#[derive(Clone, Debug)]
pub struct AccountEvent {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub kind: EventKind,
    pub occurred_on: Day,
    pub department: Option<Text>,
    /// Amount raised, open roles or headcount: the kind's natural unit.
    pub magnitude: Option<f64>,
    pub detail: Option<Text>,
    pub source: Option<Text>,
}

impl Row for AccountEvent {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::AccountEvents,
        "what happened at the customer, from news, filings and enrichment feeds",
        &["event_id"],
        [
            text("event_id", "the event"),
            account_id(),
            word("kind", EventKind::WORDS, "what happened"),
            date("occurred_on", "the day it happened"),
            text("department", "the department concerned").optional(),
            num("magnitude", "amount raised, open roles or headcount: the kind's natural unit").optional(),
            free_text("detail", "what was reported").optional(),
            text("source", "who reported it").optional(),
        ],
    )
    .happens("occurred_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<AccountEvent> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("event_id");
    let mut kind = t.word("kind", EventKind::parse);
    let occurred = t.day("occurred_on");
    let mut department = t.text("department");
    let magnitude = t.num("magnitude");
    let mut detail = t.text("detail");
    let mut source = t.text("source");
    t.rows(|i| {
        Some(AccountEvent {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            kind: kind(i)?,
            occurred_on: occurred(i)?,
            department: department(i),
            magnitude: magnitude(i),
            detail: detail(i),
            source: source(i),
        })
    })
}
