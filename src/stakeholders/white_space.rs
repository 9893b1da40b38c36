//! White space: buying centers by department, business unit and region, how far we cover them, and the way in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::careers::Careers;
use super::{BuyingCenter, Context, NewPlace, PlaceKind, Role, Settings, Stakeholder};
use crate::extracts::tables::{Account, Contact};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::vocabulary::{AccountIx, ContactIx, Day, Text};

/// How far up a reporting line is followed before it counts as a cycle.
const LINE_LENGTH: usize = 8;
/// What a reporting line to a champion adds to influence when the way in is chosen.
const LINE_BONUS: f64 = 0.25;
/// Days of use that stand for the users of an account without licensed units.
const USER_DAYS: i32 = 30;

/// Buying centers of those present, by name. People of no known department, unit or region form none.
pub(super) fn buying_centers(
    view: View,
    account: AccountIx,
    people: &[Stakeholder],
    context: &Context,
) -> Vec<BuyingCenter> {
    let mut centers: BTreeMap<Text, Vec<&Stakeholder>> = BTreeMap::new();
    for person in people.iter().filter(|person| !person.gone) {
        if let Some(name) = center_name(person) {
            centers.entry(name).or_default().push(person);
        }
    }
    let lines = Lines::of(people);
    let arr_per_user = of_one_user(view, account).or_else(|| context.typical(view, account));
    centers.into_iter().map(|(name, members)| center(name, &members, &lines, arr_per_user, &context.settings)).collect()
}

fn center_name(person: &Stakeholder) -> Option<Text> {
    let parts: Vec<&str> =
        [&person.department, &person.business_unit, &person.region].into_iter().flatten().map(|part| &**part).collect();
    (!parts.is_empty()).then(|| parts.join(" / ").into())
}

/// What is not yet used is worth the account's own ARR per user for each known person who does not use the product:
/// a lower bound, since nobody knows how many colleagues the contacts have.
fn center(
    name: Text,
    members: &[&Stakeholder],
    lines: &Lines,
    arr_per_user: Option<f64>,
    settings: &Settings,
) -> BuyingCenter {
    let count = |wanted: &dyn Fn(&Stakeholder) -> bool| members.iter().filter(|person| wanted(person)).count() as u32;
    let people = members.len() as u32;
    let active_users = count(&|person| is_active(person));
    let contacted = count(&|person| person.last_contact_days.is_some_and(|days| days <= settings.coverage_days));
    let entry = entry(members, lines);
    BuyingCenter {
        people,
        active_users,
        contacted_people: contacted,
        coverage: f64::from(contacted) / f64::from(people.max(1)),
        entry_contact: entry.map(|person| person.contact),
        potential_arr: arr_per_user.map(|arr| arr * f64::from(people - active_users)),
        reason: reason(people, active_users, contacted, entry, lines, settings),
        name,
    }
}

/// Seen in the product; without feature usage, whoever has the role of a user.
fn is_active(person: &Stakeholder) -> bool {
    person.active_days.map_or(person.role == Role::User, |days| days > 0)
}

/// The most influential, where a reporting line to a champion counts extra.
fn entry<'a>(members: &[&'a Stakeholder], lines: &Lines) -> Option<&'a Stakeholder> {
    let way_in = |person: &Stakeholder| {
        person.influence + if lines.to_champion(person.contact).is_some() { LINE_BONUS } else { 0.0 }
    };
    let better = |a: &&&Stakeholder, b: &&&Stakeholder| way_in(a).total_cmp(&way_in(b)).then(b.contact.cmp(&a.contact));
    members.iter().max_by(better).copied()
}

fn reason(
    people: u32,
    active_users: u32,
    contacted: u32,
    entry: Option<&Stakeholder>,
    lines: &Lines,
    settings: &Settings,
) -> String {
    let users = match active_users {
        0 => "none of them uses the product".to_owned(),
        1 => "1 uses the product".to_owned(),
        n => format!("{n} use the product"),
    };
    let touched = match contacted {
        0 => format!("nobody was contacted in {} days", settings.coverage_days),
        n if n == people => format!("all were contacted in {} days", settings.coverage_days),
        n => format!("{n} of them contacted in {} days", settings.coverage_days),
    };
    let known = if people == 1 { "1 person known".to_owned() } else { format!("{people} people known") };
    let way_in = entry.map_or(String::new(), |person| match lines.to_champion(person.contact) {
        Some(champion) => format!("; way in: {}, in one reporting line with champion {champion}", person.label()),
        None => format!("; way in: {}, influence {:.2}", person.label(), person.influence),
    });
    format!("{known}, {users}, {touched}{way_in}")
}

/// Reporting lines among those present.
struct Lines<'a> {
    managers: BTreeMap<ContactIx, ContactIx>,
    champions: BTreeMap<ContactIx, &'a str>,
    /// The champion above whom each person stands, by that person.
    above: BTreeMap<ContactIx, ContactIx>,
}

impl<'a> Lines<'a> {
    fn of(people: &'a [Stakeholder]) -> Lines<'a> {
        let present = || people.iter().filter(|person| !person.gone);
        let managers = present().filter_map(|person| Some((person.contact, person.reports_to?))).collect();
        let champions = present().filter(|p| p.is_champion).map(|p| (p.contact, &*p.name)).collect();
        let mut lines = Lines { managers, champions, above: BTreeMap::new() };
        let champions: Vec<ContactIx> = lines.champions.keys().copied().collect();
        for champion in champions {
            let line: Vec<ContactIx> = lines.upward(champion).collect();
            line.into_iter().for_each(|manager| {
                lines.above.entry(manager).or_insert(champion);
            });
        }
        lines
    }

    /// The managers above a person, nearest first; a cycle ends with its length.
    fn upward(&self, contact: ContactIx) -> impl Iterator<Item = ContactIx> {
        std::iter::successors(self.managers.get(&contact).copied(), |above| self.managers.get(above).copied())
            .take(LINE_LENGTH)
    }

    /// A champion above or below the person; nobody stands in a line with themselves.
    fn to_champion(&self, contact: ContactIx) -> Option<&'a str> {
        let above = self.upward(contact).find(|manager| *manager != contact && self.champions.contains_key(manager));
        let champion = above.or_else(|| self.above.get(&contact).copied()).filter(|champion| *champion != contact)?;
        self.champions.get(&champion).copied()
    }
}

/// ARR over licensed seats, else over the daily active users of the last month.
fn of_one_user(view: View, account: AccountIx) -> Option<f64> {
    let contract = Contract::on(view, account);
    let seats: f64 = contract.active.iter().filter(|s| counts_people(view, s.product)).filter_map(|s| s.units).sum();
    let users = if seats > 0.0 { seats } else { daily_users(view, account)? };
    (users >= 1.0 && contract.arr > 0.0).then(|| contract.arr / users)
}

fn counts_people(view: View, product: crate::vocabulary::ProductIx) -> bool {
    let unit = view.extracts.product(product).unit.as_deref();
    unit.is_some_and(|unit| matches!(unit.to_lowercase().trim_end_matches('s'), "seat" | "user" | "person" | "member"))
}

/// The largest product's mean of the days that have a value.
fn daily_users(view: View, account: AccountIx) -> Option<f64> {
    let usage = &view.extracts.usage;
    let metric = view.extracts.ids.metrics.get("active_users")?;
    let of_product = usage.of(account).iter().filter(|series| series.metric == metric).filter_map(|series| {
        let known = usage.known_since(series, view.day, view.day.minus(USER_DAYS));
        let recent = known
            .values
            .iter()
            .enumerate()
            .filter(|(age, value)| value.is_finite() && view.day.since(known.start.plus(*age as i32)) < USER_DAYS);
        let recent: Vec<f64> = recent.rev().map(|(_, value)| *value).collect();
        (!recent.is_empty()).then(|| recent.iter().sum::<f64>() / recent.len() as f64)
    });
    of_product.max_by(f64::total_cmp)
}

impl Context {
    /// The segment's median ARR per user, else everybody's.
    fn typical(&self, view: View, account: AccountIx) -> Option<f64> {
        let segment = view.account(account).and_then(|account| account.segment.clone());
        self.arr_per_user.get(&segment).or_else(|| self.arr_per_user.get(&None)).copied()
    }
}

/// What one account pays per user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArrPerUser {
    segment: Option<Text>,
    /// Reporting currency per year.
    arr: f64,
}

/// Every account whose contracts are held here and that has users.
pub fn arr_per_user(view: View) -> Vec<ArrPerUser> {
    let of_account = |account: &Account| {
        let arr = of_one_user(view, account.account)?;
        Some(ArrPerUser { segment: account.segment.clone(), arr })
    };
    view.accounts().filter_map(of_account).collect()
}

/// Median ARR per user by segment; under `None` the median over all accounts.
pub(super) fn typical_arr_per_user(accounts: impl IntoIterator<Item = ArrPerUser>) -> BTreeMap<Option<Text>, f64> {
    let mut values: BTreeMap<Option<Text>, Vec<f64>> = BTreeMap::new();
    for ArrPerUser { segment, arr } in accounts {
        values.entry(None).or_default().push(arr);
        if segment.is_some() {
            values.entry(segment).or_default().push(arr);
        }
    }
    values.into_iter().map(|(segment, values)| (segment, median(values))).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Departments, units and regions whose first person appeared within `change_days`, in an account whose contacts
/// were known before: the first import of a list is no news.
pub(super) fn new_places(view: View, careers: &Careers, people: &[Stakeholder], settings: &Settings) -> Vec<NewPlace> {
    PlaceKind::ALL.iter().flat_map(|kind| new_places_of(*kind, view.day, careers, people, settings)).collect()
}

fn new_places_of(
    kind: PlaceKind,
    day: Day,
    careers: &Careers,
    people: &[Stakeholder],
    settings: &Settings,
) -> Vec<NewPlace> {
    let mut began: BTreeMap<&Text, Day> = BTreeMap::new();
    for (shown, contact) in &careers.appearances {
        if let Some(name) = place_of(kind, contact) {
            let first = began.entry(name).or_insert(*shown);
            *first = (*first).min(*shown);
        }
    }
    let oldest: BTreeSet<Day> = began.values().copied().collect();
    let Some(known_since) = oldest.first().copied() else { return Vec::new() };
    began
        .into_iter()
        .filter(|(_, since)| {
            day.since(*since) < settings.change_days && since.since(known_since) >= settings.change_days
        })
        .filter_map(|(name, since)| new_place(kind, name, since, people))
        .collect()
}

fn new_place(kind: PlaceKind, name: &Text, since: Day, people: &[Stakeholder]) -> Option<NewPlace> {
    let members: Vec<&Stakeholder> =
        people.iter().filter(|person| !person.gone && place_of_person(kind, person) == Some(name)).collect();
    let first = members.first()?;
    Some(NewPlace {
        kind,
        name: name.clone(),
        since,
        people: members.len() as u32,
        active_users: members.iter().filter(|person| is_active(person)).count() as u32,
        contact: Some(first.contact),
    })
}

fn place_of(kind: PlaceKind, contact: &Contact) -> Option<&Text> {
    match kind {
        PlaceKind::Department => contact.department.as_ref(),
        PlaceKind::BusinessUnit => contact.business_unit.as_ref(),
        PlaceKind::Region => contact.region.as_ref(),
    }
}

fn place_of_person(kind: PlaceKind, person: &Stakeholder) -> Option<&Text> {
    match kind {
        PlaceKind::Department => person.department.as_ref(),
        PlaceKind::BusinessUnit => person.business_unit.as_ref(),
        PlaceKind::Region => person.region.as_ref(),
    }
}
