//! `outcomes`: what came of recommendations.

use crate::extracts::{Row, Seen};
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
    fn seen(&self) -> Seen {
        self.seen
    }
}
