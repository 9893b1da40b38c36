//! `tickets`: support tickets.

use crate::extracts::{Row, Seen};
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
