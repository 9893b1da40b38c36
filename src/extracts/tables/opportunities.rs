//! `opportunities`: expansion and renewal deals, open, won and lost.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, date, id, num, text, word};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

words!(
    OpportunityKind { Upsell = "upsell", CrossSell = "cross_sell", Renewal = "renewal", Other = "other" }
);
words!(
    Stage { Open = "open", Won = "won", Lost = "lost" }
);

#[derive(Clone, Debug)]
pub struct Opportunity {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub product: Option<ProductIx>,
    pub kind: OpportunityKind,
    pub opened_on: Day,
    pub closed_on: Option<Day>,
    pub stage: Stage,
    pub arr_delta: Option<f64>,
    pub recommendation_id: Option<Text>,
    pub source: Option<Text>,
}

impl Row for Opportunity {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Opportunity {
    /// The stage as it stood at the end of `day`: a deal closed later was still open.
    pub fn stage_on(&self, day: Day) -> Stage {
        if self.closed_after(day) { Stage::Open } else { self.stage }
    }

    /// The amount as far as it was known at the end of `day`; currency per year. A deal that closed later has been given
    /// its amount since then, often with the outcome in hand: nothing for a renewal that was signed, all of it for one
    /// that was lost.
    pub fn arr_delta_on(&self, day: Day) -> Option<f64> {
        self.arr_delta.filter(|_| !self.closed_after(day))
    }

    fn closed_after(&self, day: Day) -> bool {
        self.closed_on.is_some_and(|closed| closed > day)
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Opportunities,
        "expansion and renewal deals, open, won and lost",
        &["opportunity_id"],
        [
            text("opportunity_id", "the deal"),
            account_id(),
            id("product_id", Entity::Product, "the product it is about").optional(),
            word("kind", OpportunityKind::WORDS, "what kind of deal"),
            date("opened_on", "the day it was opened"),
            date("closed_on", "the day it was won or lost").optional().not_before("opened_on").open_ended(),
            word("stage", Stage::WORDS, "open, won or lost"),
            num("arr_delta", "reporting currency per year").optional(),
            text("recommendation_id", "the recommendation it came from").optional(),
            text("source", "where it came from").optional(),
        ],
    )
    .happens("opened_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Opportunity> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("opportunity_id");
    let mut product = t.product("product_id", ids);
    let mut kind = t.word("kind", OpportunityKind::parse);
    let opened = t.day("opened_on");
    let closed = t.day("closed_on");
    let mut stage = t.word("stage", Stage::parse);
    let arr_delta = t.num("arr_delta");
    let mut recommendation = t.text("recommendation_id");
    let mut source = t.text("source");
    t.rows(|i| {
        Some(Opportunity {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            product: product(i),
            kind: kind(i)?,
            opened_on: opened(i)?,
            closed_on: closed(i),
            stage: stage(i)?,
            arr_delta: arr_delta(i),
            recommendation_id: recommendation(i),
            source: source(i),
        })
    })
}
