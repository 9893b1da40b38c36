//! What a night works on.

use super::intents::Listening;
use super::past::Past;
use crate::extracts::Extracts;
use crate::history::View;
use crate::job::Job;
use crate::shards::Share;
use crate::store::Store;
use crate::vocabulary::Day;

/// Everything that the layers of a night read, and the day.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub job: &'a Job,
    pub as_of: Day,
    pub output: &'a Store,
    pub extracts: &'a Extracts,
    pub past: &'a Past,
    /// The intent classifier, where there is one.
    pub intents: &'a Option<Listening>,
    pub share: Share<'a>,
}

impl<'a> Desk<'a> {
    pub fn view(self) -> View<'a> {
        View::new(self.extracts, self.as_of)
    }
}
