//! `decisions`: what people decided about recommendations.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{Day, Moment, Text};

words!(
    Verdict { Approved = "approved", Edited = "edited", Rejected = "rejected", Snoozed = "snoozed" }
);

#[derive(Clone, Debug)]
pub struct Decision {
    pub seen: Seen,
    pub recommendation_id: Text,
    pub decided_at: Moment,
    pub approver: Text,
    pub decision: Verdict,
    pub reason: Option<Text>,
    pub snooze_until: Option<Day>,
    pub edited_text: Option<Text>,
}

impl Row for Decision {
    fn seen(&self) -> Seen {
        self.seen
    }
}
