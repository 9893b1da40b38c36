//! `surveys`: NPS and CSAT answers.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, id, num, text, ts, word};
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
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Surveys,
        "NPS and CSAT answers",
        &["survey_id"],
        [
            text("survey_id", "the answer"),
            account_id(),
            id("contact_id", Entity::Contact, "who answered").optional(),
            word("kind", SurveyKind::WORDS, "which survey"),
            ts("at", "when it was answered"),
            num("score", "0–10").between(0.0, 10.0),
        ],
    )
    .happens("at")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Survey> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("survey_id");
    let mut contact = t.contact("contact_id", ids);
    let mut kind = t.word("kind", SurveyKind::parse);
    let at = t.moment("at");
    let score = t.num("score");
    t.rows(|i| {
        Some(Survey {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            contact: contact(i),
            kind: kind(i)?,
            at: at(i)?,
            score: score(i)?,
        })
    })
}
