//! The people of an account as a graph: influence, roles, changes, and buying centers without a conversation.
//!
//! Everyone known on the day stands in it, and for a while also those who left, marked as gone. What it says are
//! states and changes with their days; whether one is an opportunity or a risk is for `signals` to judge.

mod careers;
mod contact_log;
mod influence;
mod roles;
mod white_space;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extracts::tables::Seniority;
use crate::history::View;
use crate::vocabulary::{AccountIx, ContactIx, Day, Text};
use careers::{Careers, Homes};
use contact_log::ContactLog;
pub use roles::is_executive;
pub use white_space::{ArrPerUser, arr_per_user};

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

/// One change of one person, as the versions of the contact tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub change: Change,
    /// When it happened: the day that the row names, or the day it was recorded.
    pub day: Day,
    /// When it became known; news are as old as this.
    pub known: Day,
    /// Seniority, place or account before, in words.
    pub from: Option<Text>,
    /// The same afterwards.
    pub to: Option<Text>,
    /// The person was a champion before or is one after.
    pub champion: bool,
    /// Set where the person came from, or went to, another account.
    pub other_account: Option<AccountIx>,
}

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
    /// 0–1, from reporting lines and interactions; see [`map`].
    pub influence: f64,
    /// Days since the last activity, conversation or survey answer.
    pub last_contact_days: Option<i32>,
    pub role: Role,
    /// The weightiest of `news`.
    pub change: Option<(Change, Day)>,
    pub budget_authority: bool,
    /// True once the person has left.
    pub gone: bool,
    pub is_champion: bool,
    pub is_sponsor: bool,
    /// Title or department is one of the configured procurement words.
    pub is_procurement: bool,
    pub reports_to: Option<ContactIx>,
    /// Days in the last `active_days` on which the person used the product; `None` without a user id or without data.
    pub active_days: Option<u32>,
    /// First day on which the account's contacts showed this person.
    pub first_seen: Day,
    /// Changes that became known within `change_days`, by day.
    pub news: Vec<News>,
}

impl Stakeholder {
    /// A person of whom nothing but the name is known.
    pub fn named(contact: ContactIx, name: Text) -> Stakeholder {
        Stakeholder {
            contact,
            name,
            title: None,
            seniority: None,
            department: None,
            business_unit: None,
            region: None,
            influence: 0.0,
            last_contact_days: None,
            role: Role::Unknown,
            change: None,
            budget_authority: false,
            gone: false,
            is_champion: false,
            is_sponsor: false,
            is_procurement: false,
            reports_to: None,
            active_days: None,
            first_seen: Day::MIN,
            news: Vec::new(),
        }
    }

    /// `Dana Reyes (VP Finance)`, or the bare name.
    pub fn label(&self) -> String {
        match self.title.as_deref().filter(|title| !title.is_empty()) {
            Some(title) => format!("{} ({title})", self.name),
            None => self.name.to_string(),
        }
    }

    pub fn news_of(&self, change: Change) -> Option<&News> {
        self.news.iter().rev().find(|news| news.change == change)
    }
}

/// One buying center: a row of `white_space`.
#[derive(Clone, Debug)]
pub struct BuyingCenter {
    /// department × business unit × region, joined with ` / `; parts that are not known are left out.
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

words!(
    /// What kind of place people belong to.
    PlaceKind { Department = "department", BusinessUnit = "business unit", Region = "region" }
);

/// A department, business unit or region in which people appeared, none of whom was there before.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPlace {
    pub kind: PlaceKind,
    pub name: Text,
    pub since: Day,
    pub people: u32,
    pub active_users: u32,
    /// The most influential person there.
    pub contact: Option<ContactIx>,
}

/// Everyone and every buying center of one account.
#[derive(Clone, Debug, Default)]
pub struct StakeholderMap {
    /// By falling influence, then contact id.
    pub people: Vec<Stakeholder>,
    /// By name.
    pub buying_centers: Vec<BuyingCenter>,
    /// By kind, then name; only those that appeared within `change_days`.
    pub new_places: Vec<NewPlace>,
}

impl StakeholderMap {
    /// Those who are still there, by falling influence.
    pub fn present(&self) -> impl Iterator<Item = &Stakeholder> {
        self.people.iter().filter(|person| !person.gone)
    }

    pub fn person(&self, contact: ContactIx) -> Option<&Stakeholder> {
        self.people.iter().find(|person| person.contact == contact)
    }
}

/// `[stakeholders]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Days without contact after which an influential person counts as quiet.
    pub quiet_days: i32,
    /// Least influence of a quiet influencer, 0–1.
    pub quiet_influence: f64,
    /// Days for which a promotion, arrival or departure is news.
    pub change_days: i32,
    /// Days over which interactions form the graph.
    pub interaction_days: i32,
    /// A person or buying center touched within this many days counts as contacted.
    pub coverage_days: i32,
    /// A user seen within this many days counts as active.
    pub active_days: i32,
    /// Words in a title or department that mark procurement; whole words, any case.
    pub procurement_words: Vec<String>,
}

/// What the map needs beyond one account: who moved between accounts, and what a user is typically worth.
#[derive(Clone, Debug)]
pub struct Context {
    settings: Settings,
    /// Those of the settings, spaced as the texts that are searched for them.
    procurement_words: Vec<String>,
    homes: Homes,
    /// Median ARR per user by segment; `None` holds the median of all.
    arr_per_user: BTreeMap<Option<Text>, f64>,
}

impl Context {
    pub fn learn(view: View, settings: &Settings) -> Context {
        Context::of(view, settings, arr_per_user(view))
    }

    /// From the ARR per user of all accounts, in any order.
    pub fn of(view: View, settings: &Settings, arr_per_user: impl IntoIterator<Item = ArrPerUser>) -> Context {
        Context {
            settings: settings.clone(),
            procurement_words: settings
                .procurement_words
                .iter()
                .map(|word| roles::spaced(word))
                .filter(|word| !word.trim().is_empty())
                .collect(),
            homes: Homes::of(view.extracts),
            arr_per_user: white_space::typical_arr_per_user(arr_per_user),
        }
    }
}

/// The people and buying centers of one account on the view's day; empty when `contacts` is unavailable.
///
/// Influence is ½ graph + 0.35 seniority + 0.15 budget authority. The graph part is a weighted PageRank in which a
/// report vouches for the manager, people met on the same day for each other, and our own team and the product for
/// those they deal with, scaled so that the account's best-connected person has 1. Where nobody is connected the
/// graph says nothing, and seniority and budget authority count 0.7 and 0.3.
pub fn map(view: View, account: AccountIx, context: &Context) -> StakeholderMap {
    let settings = &context.settings;
    let careers = Careers::of(view, account, &context.homes, settings);
    if careers.people.is_empty() {
        return StakeholderMap::default();
    }
    let log = ContactLog::of(view, account, settings);
    let mut people = roles::people(view, &careers, &log, context);
    people.sort_by(|a, b| b.influence.total_cmp(&a.influence).then(a.contact.cmp(&b.contact)));
    StakeholderMap {
        buying_centers: white_space::buying_centers(view, account, &people, context),
        new_places: white_space::new_places(view, &careers, &people, settings),
        people,
    }
}
