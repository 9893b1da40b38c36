//! `conversations`: text of calls, e-mails, chats and feature requests.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, free_text, id, text, ts, word};
use crate::vocabulary::{AccountIx, ContactIx, Moment, Text};

words!(
    Channel { Call = "call", Email = "email", Chat = "chat", FeatureRequest = "feature_request" }
);

#[derive(Clone, Debug)]
pub struct Conversation {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub contact: Option<ContactIx>,
    pub channel: Channel,
    pub at: Moment,
    pub text: Text,
}

impl Row for Conversation {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Conversations,
        "text of calls, e-mails, chats and feature requests",
        &["conversation_id"],
        [
            text("conversation_id", "the conversation"),
            account_id(),
            id("contact_id", Entity::Contact, "the person who spoke").optional(),
            word("channel", Channel::WORDS, "where it was said"),
            ts("at", "when it was said"),
            free_text("text", "what was said"),
        ],
    )
    .happens("at")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Conversation> {
    let mut account = t.account("account_id", ids);
    let mut id = t.text("conversation_id");
    let mut contact = t.contact("contact_id", ids);
    let mut channel = t.word("channel", Channel::parse);
    let at = t.moment("at");
    let mut text = t.text("text");
    t.rows(|i| {
        Some(Conversation {
            seen: t.seen[i],
            account: account(i)?,
            id: id(i)?,
            contact: contact(i),
            channel: channel(i)?,
            at: at(i)?,
            text: text(i)?,
        })
    })
}
