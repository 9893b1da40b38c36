//! `annotations`: anything the team wants the models to see; each becomes a feature under its own name.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, Text};

#[derive(Clone, Debug)]
pub struct Annotation {
    pub seen: Seen,
    pub account: AccountIx,
    pub observed_on: Day,
    pub feature: Text,
    pub value: f64,
}

impl Row for Annotation {
    fn seen(&self) -> Seen {
        self.seen
    }
}
