//! The people of an account as a graph: influence, roles, changes, and buying centers without a conversation.

use serde::{Deserialize, Serialize};

use crate::extracts::tables::Seniority;
use crate::history::View;
use crate::vocabulary::{AccountIx, ContactIx, Day, Text};

words!(
    Role {
        Champion = "champion", Sponsor = "sponsor", User = "user", QuietInfluencer = "quiet_influencer",
        NewExecutive = "new_executive", Procurement = "procurement", Unknown = "unknown",
    }
);
words!(
    /// What happened to a person at the account.
    Change { Promoted = "promoted", Joined = "joined", Left = "left", Moved = "moved" }
);

/// One person: a row of `stakeholders`.
#[derive(Clone, Debug)]
pub struct Stakeholder {
    pub contact: ContactIx,
    pub name: Text,
    pub title: Option<Text>,
    pub seniority: Option<Seniority>,
    pub department: Option<Text>,
    pub business_unit: Option<Text>,
    pub region: Option<Text>,
    /// 0–1, from reporting lines and interactions.
    pub influence: f64,
    pub last_contact_days: Option<i32>,
    pub role: Role,
    pub change: Option<(Change, Day)>,
    pub budget_authority: bool,
    /// True once the person has left.
    pub gone: bool,
}

/// One buying center: a row of `white_space`.
#[derive(Clone, Debug)]
pub struct BuyingCenter {
    /// department × business unit × region, joined with ` / `.
    pub name: Text,
    pub people: u32,
    pub active_users: u32,
    pub contacted_people: u32,
    /// contacted_people / people, 0–1.
    pub coverage: f64,
    pub entry_contact: Option<ContactIx>,
    /// Reporting currency per year.
    pub potential_arr: Option<f64>,
    pub reason: String,
}

/// Everyone and every buying center of one account.
#[derive(Clone, Debug, Default)]
pub struct StakeholderMap {
    /// By falling influence, then contact id.
    pub people: Vec<Stakeholder>,
    /// By name.
    pub buying_centers: Vec<BuyingCenter>,
}

/// `[stakeholders]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Days without contact after which an influential person counts as quiet.
    pub quiet_days: i32,
    /// Days for which a promotion, arrival or departure is news.
    pub change_days: i32,
}

/// The people and buying centers of one account on the view's day; empty when `contacts` is unavailable.
pub fn map(view: View, account: AccountIx, settings: &Settings) -> StakeholderMap {
    let _ = (view, account, settings);
    unimplemented!("stakeholders")
}
