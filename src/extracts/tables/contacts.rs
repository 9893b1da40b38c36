//! `contacts`: people at the account, as versions.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, ContactIx, Day, Text, UserIx};

words!(
    /// In rising order of rank.
    Seniority { Ic = "ic", Manager = "manager", Director = "director", Vp = "vp", CLevel = "c_level" }
);

#[derive(Clone, Debug)]
pub struct Contact {
    pub seen: Seen,
    pub account: AccountIx,
    pub contact: ContactIx,
    pub name: Text,
    pub title: Option<Text>,
    pub seniority: Option<Seniority>,
    pub department: Option<Text>,
    pub business_unit: Option<Text>,
    pub region: Option<Text>,
    pub reports_to: Option<ContactIx>,
    pub is_champion: bool,
    pub is_sponsor: bool,
    pub budget_authority: bool,
    pub user: Option<UserIx>,
    pub joined_on: Option<Day>,
    pub left_on: Option<Day>,
}

impl Row for Contact {
    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Contact {
    /// Left by the end of `day`; a departure dated later is not known yet.
    pub fn gone_on(&self, day: Day) -> bool {
        self.left_on.is_some_and(|left| left <= day)
    }
}
