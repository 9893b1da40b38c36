//! `surveys`: NPS and CSAT answers.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, ContactIx, Moment, Text};

words!(
    SurveyKind { Nps = "nps", Csat = "csat" }
);

#[derive(Clone, Debug)]
pub struct Survey {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub contact: Option<ContactIx>,
    pub kind: SurveyKind,
    pub at: Moment,
    /// 0–10.
    pub score: f64,
}

impl Row for Survey {
    fn seen(&self) -> Seen {
        self.seen
    }
}
