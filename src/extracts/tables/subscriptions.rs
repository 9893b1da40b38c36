//! `subscriptions`: contracts and their amendments; every amendment is a row version.

use crate::extracts::{Row, Seen};
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
    fn seen(&self) -> Seen {
        self.seen
    }
}
