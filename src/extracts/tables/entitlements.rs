//! `entitlements`: contractual ceilings per product and metric.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, account_id, date, id, num, word};
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

words!(
    /// What the limit holds: a level, a day's amount, or the calendar month to date.
    Period { Gauge = "gauge", Day = "day", Month = "month" }
);

#[derive(Clone, Debug)]
pub struct Entitlement {
    pub seen: Seen,
    pub account: AccountIx,
    pub product: ProductIx,
    pub metric: MetricIx,
    /// > 0, in the metric's unit.
    pub limit: f64,
    pub period: Period,
    pub starts_on: Day,
    pub ends_on: Option<Day>,
}

impl Row for Entitlement {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Entitlements,
        "contractual ceilings",
        &["account_id", "product_id", "metric", "starts_on"],
        [
            account_id(),
            id("product_id", Entity::Product, "the product"),
            id("metric", Entity::Metric, "what is limited, in the words of usage.metric"),
            num("limit", "the ceiling, in the metric's unit").above(0.0),
            word("period", Period::WORDS, "a level, a day's amount, or the calendar month to date"),
            date("starts_on", "first day of the ceiling"),
            date("ends_on", "last day of the ceiling").optional().not_before("starts_on").open_ended(),
        ],
    )
    .need(Need::Recommended)
    .happens("starts_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Entitlement> {
    let mut account = t.account("account_id", ids);
    let mut product = t.product("product_id", ids);
    let mut metric = t.metric("metric", ids);
    let limit = t.num("limit");
    let mut period = t.word("period", Period::parse);
    let starts = t.day("starts_on");
    let ends = t.day("ends_on");
    t.rows(|i| {
        Some(Entitlement {
            seen: t.seen[i],
            account: account(i)?,
            product: product(i)?,
            metric: metric(i)?,
            limit: limit(i)?,
            period: period(i)?,
            starts_on: starts(i)?,
            ends_on: ends(i),
        })
    })
}
