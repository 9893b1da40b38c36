//! `outcomes`: what came of recommendations.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Table, free_text, num, text, ts, word};
use crate::vocabulary::{Moment, Text};

words!(
    Result { Contacted = "contacted", MeetingHeld = "meeting_held", Converted = "converted", Declined = "declined", NoResponse = "no_response", Stalled = "stalled" }
);

#[derive(Clone, Debug)]
pub struct Outcome {
    pub seen: Seen,
    pub recommendation_id: Text,
    pub at: Moment,
    pub outcome: Result,
    pub arr_delta: Option<f64>,
    pub note: Option<Text>,
}

impl Row for Outcome {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Outcomes,
        "what came of recommendations",
        &["recommendation_id", "at", "outcome"],
        [
            text("recommendation_id", "the recommendation"),
            ts("at", "when it came"),
            word("outcome", Result::WORDS, "what came of it"),
            num("arr_delta", "reporting currency per year").optional(),
            free_text("note", "in the owner's words").optional(),
        ],
    )
    .happens("at")
}

pub(crate) fn rows(t: &Frame) -> Vec<Outcome> {
    let mut recommendation = t.text("recommendation_id");
    let at = t.moment("at");
    let mut outcome = t.word("outcome", Result::parse);
    let arr_delta = t.num("arr_delta");
    let mut note = t.text("note");
    t.rows(|i| {
        Some(Outcome {
            seen: t.seen[i],
            recommendation_id: recommendation(i)?,
            at: at(i)?,
            outcome: outcome(i)?,
            arr_delta: arr_delta(i),
            note: note(i),
        })
    })
}
