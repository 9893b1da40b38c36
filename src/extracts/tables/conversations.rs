//! `conversations`: text of calls, e-mails, chats and feature requests.

use crate::extracts::{Row, Seen};
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
    fn seen(&self) -> Seen {
        self.seen
    }
}
