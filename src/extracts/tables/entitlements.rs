//! `entitlements`: contractual ceilings per product and metric.

use crate::extracts::{Row, Seen};
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
    fn seen(&self) -> Seen {
        self.seen
    }
}
