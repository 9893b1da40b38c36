//! `contacts`: people at the account, as versions.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, account_id, date, flag, id, text, word};
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
    #[inline]
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

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Contacts,
        "people at the account, as versions",
        &["contact_id"],
        [
            id("contact_id", Entity::Contact, "the person"),
            account_id(),
            text("name", "the person's name"),
            text("title", "job title").optional(),
            word("seniority", Seniority::WORDS, "rank").optional(),
            text("department", "department").optional(),
            text("business_unit", "business unit").optional(),
            text("region", "where the person works").optional(),
            id("reports_to", Entity::Contact, "contact_id of the manager").optional(),
            flag("is_champion", "speaks for us").optional(),
            flag("is_sponsor", "executive sponsor").optional(),
            flag("budget_authority", "decides about money").optional(),
            id("user_id", Entity::User, "the person's user of the product").optional(),
            date("joined_on", "first day at the customer").optional(),
            date("left_on", "last day at the customer").optional().not_before("joined_on").open_ended(),
        ],
    )
    .happens("joined_on")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Contact> {
    let mut account = t.account("account_id", ids);
    let mut contact = t.contact("contact_id", ids);
    let mut name = t.text("name");
    let mut title = t.text("title");
    let mut seniority = t.word("seniority", Seniority::parse);
    let mut department = t.text("department");
    let mut business_unit = t.text("business_unit");
    let mut region = t.text("region");
    let mut reports_to = t.contact("reports_to", ids);
    let champion = t.flag("is_champion");
    let sponsor = t.flag("is_sponsor");
    let budget = t.flag("budget_authority");
    let mut user = t.user("user_id", ids);
    let joined = t.day("joined_on");
    let left = t.day("left_on");
    t.rows(|i| {
        Some(Contact {
            seen: t.seen[i],
            account: account(i)?,
            contact: contact(i)?,
            name: name(i)?,
            title: title(i),
            seniority: seniority(i),
            department: department(i),
            business_unit: business_unit(i),
            region: region(i),
            reports_to: reports_to(i),
            is_champion: champion(i).unwrap_or(false),
            is_sponsor: sponsor(i).unwrap_or(false),
            budget_authority: budget(i).unwrap_or(false),
            user: user(i),
            joined_on: joined(i),
            left_on: left(i),
        })
    })
}
