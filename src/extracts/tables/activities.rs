//! `activities`: CRM activity history.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, account_id, flag, id, num, text, ts, word};
use crate::vocabulary::{AccountIx, ContactIx, MaybeNum, Moment};

words!(
    ActivityKind { Email = "email", Call = "call", Meeting = "meeting", Qbr = "qbr", Executive = "executive", Other = "other" }
);
words!(
    Bound { In = "in", Out = "out" }
);

/// Without its id and our own people: nothing reads them, and an account has dozens of rows.
#[derive(Clone, Debug)]
pub struct Activity {
    pub seen: Seen,
    pub account: AccountIx,
    pub contact: Option<ContactIx>,
    pub kind: ActivityKind,
    pub direction: Option<Bound>,
    pub at: Moment,
    pub response_hours: MaybeNum,
    pub attended: Option<bool>,
    /// −1 … 1.
    pub sentiment: MaybeNum,
}

impl Row for Activity {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Activities,
        "CRM activity history",
        &["activity_id"],
        [
            text("activity_id", "the activity").checked_only(),
            account_id(),
            id("contact_id", Entity::Contact, "the person it was with").optional(),
            word("kind", ActivityKind::WORDS, "what it was"),
            word("direction", Bound::WORDS, "from or to the customer").optional(),
            ts("at", "when it happened"),
            text("owner", "who did it on our side").optional().checked_only(),
            num("response_hours", "hours until the customer answered").optional().at_least(0.0),
            flag("attended", "the customer came").optional(),
            num("sentiment", "−1 … 1").optional().between(-1.0, 1.0),
        ],
    )
    .need(Need::Recommended)
    .happens("at")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Activity> {
    let mut account = t.account("account_id", ids);
    let mut contact = t.contact("contact_id", ids);
    let mut kind = t.word("kind", ActivityKind::parse);
    let mut direction = t.word("direction", Bound::parse);
    let at = t.moment("at");
    let response = t.num("response_hours");
    let attended = t.flag("attended");
    let sentiment = t.num("sentiment");
    t.rows(|i| {
        Some(Activity {
            seen: t.seen[i],
            account: account(i)?,
            contact: contact(i),
            kind: kind(i)?,
            direction: direction(i),
            at: at(i)?,
            response_hours: response(i).into(),
            attended: attended(i),
            sentiment: sentiment(i).into(),
        })
    })
}
