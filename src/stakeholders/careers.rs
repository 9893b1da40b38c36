//! What the versions of a contact tell: who is there, who left, who rose, who came from where.

use std::collections::BTreeMap;

use super::{Change, News, Settings};
use crate::extracts::Extracts;
use crate::extracts::tables::Contact;
use crate::history::View;
use crate::vocabulary::{AccountIx, ContactIx, Day, Text};

/// A contact row that stands this many days before another one shows that the list was not imported on one day.
const IMPORT_DAYS: i32 = 30;

/// Accounts of those contacts that have stood at more than one.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes(BTreeMap<ContactIx, Vec<Home>>);

/// One version of a contact at one of its accounts.
#[derive(Clone, Debug)]
struct Home {
    known: Day,
    account: AccountIx,
    champion: bool,
}

impl Homes {
    pub(super) fn of(extracts: &Extracts) -> Homes {
        let mut first: Vec<Option<AccountIx>> = vec![None; extracts.ids.contacts.len()];
        let mut movers: BTreeMap<ContactIx, Vec<Home>> = BTreeMap::new();
        for row in extracts.contacts.all() {
            if *first[row.contact.at()].get_or_insert(row.account) != row.account {
                movers.entry(row.contact).or_default();
            }
        }
        for row in extracts.contacts.all() {
            if let Some(homes) = movers.get_mut(&row.contact) {
                homes.push(Home { known: row.seen.known, account: row.account, champion: row.is_champion });
            }
        }
        movers.values_mut().for_each(|homes| homes.sort_by_key(|home| (home.known, home.account)));
        Homes(movers)
    }

    fn known_by(&self, contact: ContactIx, day: Day) -> &[Home] {
        let homes = self.0.get(&contact).map_or(&[][..], Vec::as_slice);
        &homes[..homes.partition_point(|home| home.known <= day)]
    }

    /// The account to which the contact moved away from `account`, and the day it was known.
    fn moved_to(&self, contact: ContactIx, account: AccountIx, day: Day) -> Option<(AccountIx, Day)> {
        let homes = self.known_by(contact, day);
        let now = homes.last().filter(|home| home.account != account)?.account;
        let stay = homes.iter().rev().take_while(|home| home.account == now).last()?;
        homes.iter().any(|home| home.account == account).then_some((now, stay.known))
    }

    /// The last version elsewhere before the contact's latest stay at `account`.
    fn came_from(&self, contact: ContactIx, account: AccountIx, day: Day) -> Option<&Home> {
        self.known_by(contact, day).iter().rev().find(|home| home.account != account)
    }
}

/// One person at the account: the versions known by the day, oldest first.
pub(super) struct Person<'a> {
    pub versions: Vec<&'a Contact>,
    /// The day the person left the account, if that is known.
    pub gone_on: Option<Day>,
    pub first_seen: Day,
    /// Changes that are still news, by day.
    pub news: Vec<News>,
}

impl<'a> Person<'a> {
    /// The last version known; a person has at least one.
    pub(super) fn current(&self) -> &'a Contact {
        self.versions[self.versions.len() - 1]
    }
}

/// Everyone of one account, by contact id; without those whose departure is no longer news.
pub(super) struct Careers<'a> {
    pub people: Vec<Person<'a>>,
    /// Every version known of everyone, those long gone included, with the day from which it shows its place.
    pub appearances: Vec<(Day, &'a Contact)>,
}

impl<'a> Careers<'a> {
    pub(super) fn of(view: View<'a>, account: AccountIx, homes: &Homes, settings: &Settings) -> Careers<'a> {
        let mut versions: Vec<&Contact> = view.contact_versions(account).collect();
        versions.sort_by_key(|version| (version.contact, version.seen.known));
        let appearances: Vec<(Day, &Contact)> = versions
            .chunk_by(|a, b| a.contact == b.contact)
            .flat_map(|person| {
                person.iter().enumerate().map(|(n, version)| (shown_from(version, n == 0, view.day), *version))
            })
            .collect();
        let began = appearances.iter().map(|(day, _)| *day).min().unwrap_or(Day::MAX);
        let people = versions
            .chunk_by(|a, b| a.contact == b.contact)
            .map(|person| Person::of(view, account, person, homes, began, settings))
            .filter(|person| person.gone_on.is_none() || person.news.iter().any(|news| news.change == Change::Left))
            .collect();
        Careers { people, appearances }
    }
}

/// A first version shows the person from the day it was known, or the later day of joining; a later one when known.
fn shown_from(version: &Contact, first: bool, day: Day) -> Day {
    let joined = version.joined_on.filter(|joined| first && *joined <= day);
    joined.map_or(version.seen.known, |joined| joined.max(version.seen.known))
}

impl<'a> Person<'a> {
    fn of(
        view: View<'a>,
        account: AccountIx,
        versions: &[&'a Contact],
        homes: &Homes,
        began: Day,
        settings: &Settings,
    ) -> Person<'a> {
        let first_seen = shown_from(versions[0], true, view.day);
        let left = departure(view, account, versions, homes);
        let mut news = changes(versions);
        news.extend(arrival(view, account, versions, homes, began));
        news.extend(left.clone());
        news.retain(|news| view.day.since(news.known) < settings.change_days);
        news.sort_by_key(|news| (news.day, news.change));
        Person { versions: versions.to_vec(), gone_on: left.map(|left| left.day), first_seen, news }
    }
}

/// A departure that the last version names, or a later stay at another account.
fn departure(view: View, account: AccountIx, versions: &[&Contact], homes: &Homes) -> Option<News> {
    let last = versions[versions.len() - 1];
    let champion = last.is_champion || versions.iter().rev().nth(1).is_some_and(|before| before.is_champion);
    let news = |day: Day, known: Day, other: Option<AccountIx>| News {
        change: Change::Left,
        day,
        known: known.max(day),
        from: last.department.clone(),
        to: other.and_then(|other| view.account(other)).map(|other| other.name.clone()),
        champion,
        other_account: other,
    };
    let moved = homes.moved_to(last.contact, account, view.day);
    match (last.left_on.filter(|left| *left <= view.day), moved) {
        (Some(left), moved) => Some(news(left, first_known(versions, |v| v.left_on.is_some()), moved.map(|m| m.0))),
        (None, Some((other, known))) => Some(news(known, known, Some(other))),
        (None, None) => None,
    }
}

/// The day from which the versions hold what the last one holds without a break.
fn first_known(versions: &[&Contact], holds: impl Fn(&Contact) -> bool) -> Day {
    versions.iter().rev().take_while(|version| holds(version)).last().map_or(Day::MIN, |version| version.seen.known)
}

/// Joining the customer, or coming over from another account.
///
/// A day of joining is taken as it stands. Without one, the day of the first row counts, unless it is the day on
/// which the list of contacts began: an import is not an arrival.
fn arrival(view: View, account: AccountIx, versions: &[&Contact], homes: &Homes, began: Day) -> Option<News> {
    let came_from = homes.came_from(versions[0].contact, account, view.day);
    let first = *versions.iter().find(|version| came_from.is_none_or(|home| version.seen.known >= home.known))?;
    let listed_later = first.seen.known.since(began) >= IMPORT_DAYS;
    let recorded = (came_from.is_some() || listed_later).then_some(first.seen.known);
    let joined = first.joined_on.filter(|joined| came_from.is_none() && *joined <= view.day);
    let day = joined.or(recorded)?;
    Some(News {
        change: if came_from.is_some() { Change::Moved } else { Change::Joined },
        day,
        known: day,
        from: came_from.and_then(|home| view.account(home.account)).map(|account| account.name.clone()),
        to: view.account(account).map(|account| account.name.clone()),
        champion: first.is_champion || came_from.is_some_and(|home| home.champion),
        other_account: came_from.map(|home| home.account),
    })
}

/// Promotions and moves inside the customer, from one version to the next.
fn changes(versions: &[&Contact]) -> Vec<News> {
    versions.windows(2).flat_map(|pair| [promotion(pair[0], pair[1]), transfer(pair[0], pair[1])]).flatten().collect()
}

fn promotion(before: &Contact, after: &Contact) -> Option<News> {
    let (from, to) = (before.seniority?, after.seniority?);
    (to > from).then(|| inside(Change::Promoted, before, after, spoken(from.as_str()), spoken(to.as_str())))
}

fn transfer(before: &Contact, after: &Contact) -> Option<News> {
    let moved = [
        (&before.department, &after.department),
        (&before.business_unit, &after.business_unit),
        (&before.region, &after.region),
    ];
    let (from, to) = moved.into_iter().find_map(|(from, to)| match (from, to) {
        (Some(from), Some(to)) if from != to => Some((from.clone(), to.clone())),
        _ => None,
    })?;
    Some(inside(Change::Moved, before, after, from, to))
}

fn inside(change: Change, before: &Contact, after: &Contact, from: Text, to: Text) -> News {
    let known = after.seen.known;
    let champion = before.is_champion || after.is_champion;
    News { change, day: known, known, from: Some(from), to: Some(to), champion, other_account: None }
}

/// `c_level` reads as `C-level`, `vp` as `VP`.
fn spoken(seniority: &str) -> Text {
    match seniority {
        "c_level" => "C-level".into(),
        "vp" => "VP".into(),
        "ic" => "individual contributor".into(),
        other => other.into(),
    }
}
