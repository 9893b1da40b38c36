//! `subscriptions`: contracts and their amendments; every amendment is a row version.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, account_id, date, flag, id, int, num, text};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

#[derive(Clone, Debug)]
pub struct Subscription {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub product: ProductIx,
    pub tier: Text,
    pub starts_on: Day,
    /// Renewal day as agreed; `None` = evergreen.
    pub ends_on: Option<Day>,
    /// Reporting currency per year, ≥ 0.
    pub arr: f64,
    /// Licensed quantity.
    pub units: Option<f64>,
    pub term_months: Option<i64>,
    pub auto_renew: Option<bool>,
    pub cancelled_on: Option<Day>,
}

impl Row for Subscription {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Subscriptions,
        "contracts and their amendments",
        &["subscription_id"],
        [
            text("subscription_id", "the contract"),
            account_id(),
            id("product_id", Entity::Product, "the product bought"),
            text("tier", "the tier bought"),
            date("starts_on", "first day of the contract period"),
            date("ends_on", "renewal day as agreed; null = evergreen").optional().not_before("starts_on").open_ended(),
            num("arr", "reporting currency per year").at_least(0.0),
            num("units", "licensed quantity").optional().at_least(0.0),
            int("term_months", "months per contract period").optional().between(0.0, 1200.0),
            flag("auto_renew", "renews by itself").optional(),
            date("cancelled_on", "the day from which it no longer runs").optional().open_ended(),
        ],
    )
    .need(Need::Required)
    .happens("starts_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Subscription> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("subscription_id");
    let mut product = t.product("product_id", ids);
    let mut tier = t.text("tier");
    let starts = t.day("starts_on");
    let ends = t.day("ends_on");
    let arr = t.num("arr");
    let units = t.num("units");
    let term = t.int("term_months");
    let auto_renew = t.flag("auto_renew");
    let cancelled = t.day("cancelled_on");
    t.rows(|i| {
        Some(Subscription {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            product: product(i)?,
            tier: tier(i)?,
            starts_on: starts(i)?,
            ends_on: ends(i),
            arr: arr(i)?,
            units: units(i),
            term_months: term(i),
            auto_renew: auto_renew(i),
            cancelled_on: cancelled(i),
        })
    })
}
