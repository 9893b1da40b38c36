//! `integrations`: third-party connections.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

words!(
    Flow { In = "in", Out = "out", Both = "both" }
);

#[derive(Clone, Debug)]
pub struct Integration {
    pub seen: Seen,
    pub account: AccountIx,
    pub integration: Text,
    pub category: Option<Text>,
    pub direction: Option<Flow>,
    pub competes_with: Option<ProductIx>,
    pub connected_on: Day,
    pub disconnected_on: Option<Day>,
}

impl Row for Integration {
    fn seen(&self) -> Seen {
        self.seen
    }
}
