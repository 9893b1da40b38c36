//! Rules over people: who rose, came, left, fell silent, and where nobody talks to us.

use std::collections::BTreeMap;

use super::rule::Rule;
use super::scene::{Hit, Scene, within};
use crate::extracts::tables::{EventKind, Seniority};
use crate::simulate::names::PROCUREMENT;
use crate::simulate::people::Person;
use crate::simulate::rows::ContactRow;
use crate::vocabulary::Day;

/// Pairs of consecutive versions of which the later became known within `days`.
fn changes(person: &Person, day: Day, days: i32) -> impl Iterator<Item = (&ContactRow, &ContactRow)> {
    let pairs = person.versions.windows(2).map(|pair| (&pair[0], &pair[1]));
    pairs.filter(move |(_, after)| within(after.recorded_at.day(), day, days))
}

fn count(people: usize) -> Vec<Hit> {
    Hit::whole(people > 0, people as f64)
}

pub fn champion_promotion(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let rose = |person: &&Person| {
        changes(person, day, rule.days("days")).any(|(before, after)| {
            let champion = before.is_champion || after.is_champion;
            champion && after.seniority > before.seniority && after.seniority >= Some(Seniority::Director)
        })
    };
    count(scene.present(day).filter(rose).count())
}

pub fn champion_moved(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let inside = |person: &&Person| {
        changes(person, day, days).any(|(before, after)| {
            let place = |row: &ContactRow| (row.department, row.business_unit, row.region);
            (before.is_champion || after.is_champion) && place(before) != place(after)
        })
    };
    let own = format!("con-{:06}-", scene.profile.account);
    let came = |person: &&Person| {
        let first = &person.versions[0];
        !first.contact_id.starts_with(&own) && first.is_champion && within(first.recorded_at.day(), day, days)
    };
    count(scene.present(day).filter(|person| inside(person) || came(person)).count())
}

pub fn champion_left(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let left = |person: &&Person| {
        person.on(day).is_some_and(|row| {
            let gone = row.left_on.is_some_and(|left| within(left, day, rule.days("days")));
            gone && (row.is_champion || row.is_sponsor)
        })
    };
    count(scene.people.people.iter().filter(left).count())
}

fn is_executive(row: &ContactRow) -> bool {
    row.seniority >= Some(Seniority::Vp)
}

fn reported(scene: &Scene, kind: EventKind, day: Day, days: i32) -> usize {
    scene.tables.account_events.iter().filter(|e| e.kind == kind && within(e.occurred_on, day, days)).count()
}

pub fn new_executive(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let joined = |person: &&Person| {
        let first = &person.versions[0];
        person.on(day).is_some_and(is_executive) && first.joined_on.is_some_and(|joined| within(joined, day, days))
    };
    count(scene.present(day).filter(joined).count() + reported(scene, EventKind::ExecutiveHire, day, days))
}

pub fn executive_departure(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let left = |person: &&Person| {
        let gone = person.on(day).filter(|row| row.left_on.is_some_and(|left| within(left, day, days)));
        gone.is_some_and(is_executive)
    };
    count(scene.people.people.iter().filter(left).count() + reported(scene, EventKind::ExecutiveDeparture, day, days))
}

/// Days without contact; since the person became known where there never was any.
fn silence(scene: &Scene, person: &Person, day: Day) -> i32 {
    let known = person.versions[0].recorded_at.day();
    let last = scene.last_contact(&person.versions[0].contact_id, day);
    day.since(last.unwrap_or(known))
}

pub fn sponsor_silent(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let key = scene.present(day).filter(|p| p.on(day).is_some_and(|row| row.is_champion || row.is_sponsor));
    let longest = key.map(|person| silence(scene, person, day)).max().unwrap_or(0);
    Hit::whole(longest >= rule.days("days"), longest.into())
}

pub fn quiet_influencer(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let reports = |row: &ContactRow| {
        let boss = Some(row.contact_id.as_str());
        scene.present(day).filter(|p| p.on(day).is_some_and(|row| row.reports_to.as_deref() == boss)).count() as f64
    };
    let people = scene.present(day).filter_map(|person| person.on(day));
    let most = people.map(&reports).fold(0.0, f64::max);
    let influential = |row: &ContactRow| {
        let plain = !row.is_champion && !row.is_sponsor && row.department != Some(PROCUREMENT);
        let leads = reports(row);
        let share = leads / most.max(1.0);
        let senior = row.seniority >= Some(Seniority::Director) && share >= rule.at("share_of_most");
        plain && leads >= rule.at("reports") && (is_executive(row) || senior || share >= 1.0)
    };
    let quiet =
        |person: &&Person| person.on(day).is_some_and(influential) && silence(scene, person, day) > rule.days("days");
    count(scene.present(day).filter(quiet).count())
}

type Place<'a> = (&'static str, Option<&'a str>);

fn places(row: &ContactRow) -> Vec<Place<'_>> {
    let all = [("department", row.department), ("unit", row.business_unit), ("region", row.region)];
    all.into_iter().filter(|(_, name)| name.is_some()).collect()
}

pub fn new_department(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let mut first: BTreeMap<Place, Day> = BTreeMap::new();
    let versions = scene.people.people.iter().flat_map(|p| &p.versions).filter(|v| v.recorded_at.day() <= day);
    for version in versions.filter(|v| v.department != Some(PROCUREMENT)) {
        for place in places(version) {
            let known = version.recorded_at.day();
            let earliest = first.entry(place).or_insert(known);
            *earliest = known.min(*earliest);
        }
    }
    let began = first.values().copied().min().unwrap_or(day);
    let fresh = first.values().filter(|since| **since > began && within(**since, day, rule.days("days")));
    count(fresh.count())
}

pub fn uncovered_buying_center(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let mut centers: BTreeMap<[Option<&str>; 3], (f64, bool)> = BTreeMap::new();
    for person in scene.present(day) {
        let Some(row) = person.on(day).filter(|row| row.department != Some(PROCUREMENT)) else { continue };
        let last = scene.last_contact(&row.contact_id, day);
        let (people, covered) = centers.entry([row.department, row.business_unit, row.region]).or_default();
        *people += 1.0;
        *covered |= last.is_some_and(|last| within(last, day, rule.days("days")));
    }
    count(centers.values().filter(|(people, covered)| !covered && *people >= rule.at("people")).count())
}

pub fn procurement_contact(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let buyers = scene.present(day).filter(|p| p.on(day).is_some_and(|row| row.department == Some(PROCUREMENT)));
    let asking = |person: &&Person| {
        let first = &person.versions[0];
        let touches = scene.tables.activities.iter().filter(|a| a.contact_id.as_ref() == Some(&first.contact_id));
        let touches: Vec<Day> = touches.map(|a| a.at.day()).filter(|at| *at <= day).collect();
        let now = touches.iter().any(|at| within(*at, day, days + 1));
        let before = touches.iter().any(|at| within(*at, day.minus(days + 1), rule.days("silent_days")));
        within(first.recorded_at.day(), day, days + 1) || (now && !before)
    };
    count(buyers.filter(asking).count())
}
