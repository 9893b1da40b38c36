//! `decisions`: what people decided about recommendations.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Table, date, free_text, text, ts, word};
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
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Decisions,
        "what people decided about recommendations",
        &["recommendation_id", "decided_at"],
        [
            text("recommendation_id", "the recommendation"),
            ts("decided_at", "when it was decided"),
            text("approver", "who decided"),
            word("decision", Verdict::WORDS, "what was decided"),
            free_text("reason", "why").optional(),
            date("snooze_until", "the day it may come back").optional(),
            free_text("edited_text", "the text as the approver wants it").optional(),
        ],
    )
    .happens("decided_at")
}

pub(crate) fn rows(t: &Frame) -> Vec<Decision> {
    let mut recommendation = t.text("recommendation_id");
    let decided = t.moment("decided_at");
    let mut approver = t.text("approver");
    let mut decision = t.word("decision", Verdict::parse);
    let mut reason = t.text("reason");
    let snooze = t.day("snooze_until");
    let mut edited = t.text("edited_text");
    t.rows(|i| {
        Some(Decision {
            seen: t.seen[i],
            recommendation_id: recommendation(i)?,
            decided_at: decided(i)?,
            approver: approver(i)?,
            decision: decision(i)?,
            reason: reason(i),
            snooze_until: snooze(i),
            edited_text: edited(i),
        })
    })
}
