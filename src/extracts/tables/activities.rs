//! `activities`: CRM activity history.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, ContactIx, Moment, Text};

words!(
    ActivityKind { Email = "email", Call = "call", Meeting = "meeting", Qbr = "qbr", Executive = "executive", Other = "other" }
);
words!(
    Bound { In = "in", Out = "out" }
);

#[derive(Clone, Debug)]
pub struct Activity {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub contact: Option<ContactIx>,
    pub kind: ActivityKind,
    pub direction: Option<Bound>,
    pub at: Moment,
    pub owner: Option<Text>,
    pub response_hours: Option<f64>,
    pub attended: Option<bool>,
    /// −1 … 1.
    pub sentiment: Option<f64>,
}

impl Row for Activity {
    fn seen(&self) -> Seen {
        self.seen
    }
}
