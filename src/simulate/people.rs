//! The people of an account, as versions: who is there, who leads whom, who champions, and how their careers go.

use super::adoption::{NEW_DEPARTMENT_USERS, sampled_users};
use super::careers::{self, Step};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::Course;
use super::profile::{self, Profile, Segment};
use super::rows::ContactRow;
use super::{Params, names};
use crate::extracts::tables::Seniority;
use crate::vocabulary::{Day, Moment};

/// A person with every version of their record.
#[derive(Clone, Debug)]
pub struct Person {
    pub versions: Vec<ContactRow>,
    /// First day on which the vendor talks to them; `None` = never.
    pub met: Option<Day>,
    pub heads_department: bool,
}

impl Person {
    pub fn now(&self) -> &ContactRow {
        self.versions.last().expect("a person has a first version")
    }

    /// The record as it was known at the end of a day.
    pub fn on(&self, day: Day) -> Option<&ContactRow> {
        self.versions.iter().rfind(|v| v.recorded_at.day() <= day)
    }

    pub fn gone_on(&self, day: Day) -> bool {
        self.on(day).is_none_or(|v| v.left_on.is_some_and(|left| left <= day))
    }
}

/// A career step that really happened, and to whom.
#[derive(Clone, Debug)]
pub struct Turn {
    pub day: Day,
    pub step: Step,
    pub contact_id: String,
}

pub struct People {
    pub people: Vec<Person>,
    pub turns: Vec<Turn>,
}

/// Everyone at the account while it is a customer.
pub fn unfold(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> People {
    let chance = Chance::of(params.seed, profile.account, Purpose::People);
    let office =
        Office { params, profile, causes, chance, people: roster(params, profile), turns: Vec::new(), departments: 0 };
    office.unfold(course)
}

/// Those who are there from the start. The champion is person 0 and the sponsor person 1.
pub fn roster(params: &Params, profile: &Profile) -> Vec<Person> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Roster);
    let mut places = places(profile, chance);
    let silent = chance.yes([0.05, 0.12, 0.25][profile.segment as usize]).then(|| places.pop()).flatten();
    let mut people = Vec::new();
    let mut hire = |chance: &mut Chance, place: Place, seniority, boss: Option<usize>, met: Option<Day>| {
        let contact_id = contact_id(profile, people.len());
        let reports_to = boss.map(|boss| contact_id_at(profile, boss));
        let row = ContactRow {
            contact_id,
            account_id: profile.id.clone(),
            name: names::person(chance),
            title: Some(names::title(seniority, place.department)),
            seniority: Some(seniority),
            department: Some(place.department),
            business_unit: place.business_unit,
            region: Some(place.region),
            reports_to,
            is_champion: people.is_empty(),
            is_sponsor: people.len() == 1,
            budget_authority: seniority >= Seniority::Director,
            user: (people.len() != 1 && chance.yes(0.7)).then_some(people.len() as u32),
            joined_on: Some(profile.since.minus(chance.whole(30, 1_500))),
            left_on: None,
            recorded_at: morning(profile.since.plus(2)),
        };
        people.push(Person { versions: vec![row], met, heads_department: seniority >= Seniority::Director });
    };
    let met = |chance: &mut Chance| Some(profile.since.plus(chance.whole(2, 15)));
    let small = profile.segment == Segment::Smb;
    let champion = if chance.yes(0.7) { Seniority::Manager } else { Seniority::Ic };
    let first = met(chance);
    hire(chance, places[0], champion, Some(2), first);
    let second = met(chance);
    hire(chance, places[0], if small { Seniority::CLevel } else { Seniority::Vp }, None, second);
    let mut number = 2;
    for place in places.iter().copied() {
        let head = number;
        let when = met(chance);
        hire(chance, place, if small { Seniority::Manager } else { Seniority::Director }, Some(1), when);
        let members = chance.whole(1, if small { 1 } else { 3 });
        for _ in 0..members {
            let when = met(chance).filter(|_| chance.yes(0.5));
            let seniority = if chance.yes(0.25) { Seniority::Manager } else { Seniority::Ic };
            hire(chance, place, seniority, Some(head), when);
        }
        number += 1 + members as usize;
    }
    if let Some(place) = silent {
        hire(chance, place, Seniority::Manager, Some(1), None);
        hire(chance, place, Seniority::Ic, Some(number), None);
    }
    let users = sampled_users(profile);
    let numbered = |row: &mut ContactRow| row.user = row.user.filter(|&user| user < users);
    people.iter_mut().for_each(|person: &mut Person| numbered(&mut person.versions[0]));
    people
}

#[derive(Clone, Copy)]
struct Place {
    department: &'static str,
    business_unit: Option<&'static str>,
    region: &'static str,
}

fn places(profile: &Profile, chance: &mut Chance) -> Vec<Place> {
    let wanted = match profile.segment {
        Segment::Smb => chance.whole(2, 3),
        Segment::MidMarket => chance.whole(3, 4),
        Segment::Enterprise => chance.whole(4, 6),
    };
    let offset = chance.whole(0, names::DEPARTMENTS.len() as i32 - 1);
    (0..wanted)
        .map(|turn| Place {
            department: names::DEPARTMENTS[(offset + turn * 3) as usize % names::DEPARTMENTS.len()],
            business_unit: (profile.segment == Segment::Enterprise)
                .then(|| names::BUSINESS_UNITS[chance.whole(0, 1) as usize]),
            region: if profile.segment == Segment::Enterprise && chance.yes(0.3) {
                chance.pick(names::REGIONS)
            } else {
                profile.region
            },
        })
        .collect()
}

fn contact_id(profile: &Profile, number: usize) -> String {
    contact_id_at(profile, number)
}

fn contact_id_at(profile: &Profile, number: usize) -> String {
    format!("con-{:06}-{number:02}", profile.account)
}

fn morning(day: Day) -> Moment {
    Moment(Moment::start_of(day).0 + 9 * 3_600_000_000)
}

struct Office<'a> {
    params: &'a Params,
    profile: &'a Profile,
    causes: &'a Causes,
    chance: Chance,
    people: Vec<Person>,
    turns: Vec<Turn>,
    /// New departments so far.
    departments: u32,
}

impl Office<'_> {
    fn unfold(mut self, course: &Course) -> People {
        let mut steps: Vec<(Day, Step)> = self.causes.careers.iter().map(|c| (c.day, c.step)).collect();
        steps.retain(|(day, _)| *day < course.last());
        for (day, step) in steps {
            self.take(day, step, course.last());
        }
        self.welcome(course);
        self.people.iter_mut().for_each(|p| p.versions.retain(|v| v.recorded_at.day() <= course.last()));
        self.people.retain(|p| !p.versions.is_empty());
        self.turns.sort_by(|a, b| (a.day, &a.contact_id).cmp(&(b.day, &b.contact_id)));
        People { people: self.people, turns: self.turns }
    }

    fn take(&mut self, day: Day, step: Step, last: Day) {
        match step {
            Step::ChampionLeft | Step::ChampionMovedAway => self.champion_leaves(day, step, last),
            Step::ChampionPromoted => self.promote(day),
            Step::ChampionMoved => self.move_within(day),
            Step::ExecutiveJoined => self.executive_joins(day),
            Step::ExecutiveLeft => self.executive_leaves(day, last),
            Step::NewDepartment => self.new_department(day),
            Step::ProcurementAppeared => self.procurement(day),
            Step::Hire => self.hire(day),
        }
    }

    fn find(&self, day: Day, wanted: impl Fn(&ContactRow) -> bool) -> Option<usize> {
        self.people.iter().position(|p| !p.gone_on(day) && p.now().left_on.is_none() && wanted(p.now()))
    }

    fn revise(&mut self, person: usize, day: Day, change: impl FnOnce(&mut ContactRow)) {
        let mut row = self.people[person].now().clone();
        row.recorded_at = morning(day.max(row.recorded_at.day().plus(1)));
        change(&mut row);
        self.people[person].versions.push(row);
    }

    fn turn(&mut self, person: usize, day: Day, step: Step) {
        let contact_id = self.people[person].now().contact_id.clone();
        self.turns.push(Turn { day, step, contact_id });
    }

    fn champion_leaves(&mut self, day: Day, step: Step, last: Day) {
        let Some(champion) = self.find(day, |row| row.is_champion) else { return };
        self.revise(champion, day, |row| row.left_on = Some(day));
        self.turn(champion, day, step);
        let filled = (day.0..=last.0).map(Day).find(|&d| d > day && self.causes.on(&self.causes.orphaned, d) == 0.0);
        let successor = self.find(day, |row| !row.is_sponsor && row.seniority < Some(Seniority::Vp));
        if let (Some(filled), Some(successor)) = (filled, successor) {
            self.revise(successor, filled, |row| row.is_champion = true);
            let met = self.people[successor].met.unwrap_or(filled.plus(5));
            self.people[successor].met = Some(met);
        }
    }

    fn promote(&mut self, day: Day) {
        let Some(champion) = self.find(day, |row| row.is_champion) else { return };
        let now = self.people[champion].now().seniority.unwrap_or(Seniority::Ic);
        let next = match now {
            Seniority::Ic | Seniority::Manager => Seniority::Director,
            Seniority::Director => Seniority::Vp,
            _ => return,
        };
        self.revise(champion, day, |row| {
            row.seniority = Some(next);
            row.title = row.department.map(|department| names::title(next, department));
            row.budget_authority = true;
        });
        self.turn(champion, day, Step::ChampionPromoted);
    }

    fn move_within(&mut self, day: Day) {
        let Some(champion) = self.find(day, |row| row.is_champion) else { return };
        let now = self.people[champion].now().clone();
        let other = |options: &[&'static str], current: Option<&str>| {
            options.iter().copied().find(|option| Some(*option) != current)
        };
        self.revise(champion, day, |row| match now.business_unit {
            Some(unit) => row.business_unit = other(&names::BUSINESS_UNITS[..2], Some(unit)),
            None => row.region = other(names::REGIONS, now.region),
        });
        self.turn(champion, day, Step::ChampionMoved);
    }

    fn join(&mut self, day: Day, place: Place, seniority: Seniority, boss: Option<usize>, met: Option<Day>) -> usize {
        let number = self.people.len();
        let row = ContactRow {
            contact_id: contact_id(self.profile, number),
            account_id: self.profile.id.clone(),
            name: names::person(&mut self.chance),
            title: Some(names::title(seniority, place.department)),
            seniority: Some(seniority),
            department: Some(place.department),
            business_unit: place.business_unit,
            region: Some(place.region),
            reports_to: boss.map(|boss| self.people[boss].now().contact_id.clone()),
            is_champion: false,
            is_sponsor: false,
            budget_authority: seniority >= Seniority::Director,
            user: None,
            joined_on: Some(day),
            left_on: None,
            recorded_at: morning(day),
        };
        self.people.push(Person { versions: vec![row], met, heads_department: seniority >= Seniority::Director });
        number
    }

    /// A place where people already are and somebody talks to them.
    fn known_place(&mut self, day: Day) -> (Place, usize) {
        let known: Vec<usize> =
            (0..self.people.len()).filter(|&p| !self.people[p].gone_on(day) && self.people[p].met.is_some()).collect();
        let person = if known.is_empty() { 0 } else { self.chance.pick(&known) };
        let row = self.people[person].now();
        let place = Place {
            department: row.department.unwrap_or(names::DEPARTMENTS[0]),
            business_unit: row.business_unit,
            region: row.region.unwrap_or(self.profile.region),
        };
        (place, person)
    }

    fn executive_joins(&mut self, day: Day) {
        let (place, _) = self.known_place(day);
        let seniority = if self.chance.yes(0.5) { Seniority::Vp } else { Seniority::CLevel };
        let met = self.chance.yes(0.65).then(|| day.plus(12));
        let person = self.join(day, place, seniority, None, met);
        // The new executive takes over the department: its people report to them from now on.
        let executive = self.people[person].now().contact_id.clone();
        for other in 0..person {
            let row = self.people[other].now();
            let led = row.department == Some(place.department) && row.seniority < Some(Seniority::Vp);
            if led && row.left_on.is_none() && !self.people[other].gone_on(day) {
                self.revise(other, day.plus(1), |row| row.reports_to = Some(executive.clone()));
            }
        }
        self.turn(person, day, Step::ExecutiveJoined);
    }

    fn executive_leaves(&mut self, day: Day, last: Day) {
        let executive = |row: &ContactRow| row.seniority >= Some(Seniority::Vp) && !row.is_champion;
        let Some(leaver) =
            self.find(day, |row| executive(row) && !row.is_sponsor).or_else(|| self.find(day, executive))
        else {
            return;
        };
        let sponsored = self.people[leaver].now().is_sponsor;
        self.revise(leaver, day, |row| row.left_on = Some(day));
        self.turn(leaver, day, Step::ExecutiveLeft);
        let follows = day.plus(self.chance.whole(40, 110));
        let heir = self.find(day, |row| row.seniority >= Some(Seniority::Director) && !row.is_champion);
        if let Some(heir) = heir.filter(|_| sponsored && follows < last) {
            self.revise(heir, follows, |row| row.is_sponsor = true);
            let met = self.people[heir].met.unwrap_or(follows.plus(5));
            self.people[heir].met = Some(met);
        }
    }

    fn new_department(&mut self, day: Day) {
        let users = sampled_users(self.profile) + self.departments * NEW_DEPARTMENT_USERS;
        self.departments += 1;
        let taken =
            |department: &str| self.people.iter().any(|p| p.versions.iter().any(|v| v.department == Some(department)));
        let Some(department) = names::DEPARTMENTS.iter().copied().find(|d| !taken(d)) else { return };
        let (near, _) = self.known_place(day);
        let place = Place { department, ..near };
        let covered = self.chance.yes(0.7).then(|| day.plus(self.chance.whole(15, 50)));
        let head = self.join(day, place, Seniority::Manager, Some(1), covered);
        self.people[head].versions[0].user = Some(users);
        for member in 1..NEW_DEPARTMENT_USERS {
            let person = self.join(day.plus(member as i32 * 2), place, Seniority::Ic, Some(head), None);
            self.people[person].versions[0].user = Some(users + member);
        }
        self.turn(head, day, Step::NewDepartment);
    }

    fn procurement(&mut self, day: Day) {
        let known = self.find(day, |row| row.department == Some(names::PROCUREMENT));
        let place = Place { department: names::PROCUREMENT, business_unit: None, region: self.profile.region };
        let person = known.unwrap_or_else(|| self.join(day, place, Seniority::Manager, None, None));
        self.turn(person, day, Step::ProcurementAppeared);
    }

    fn hire(&mut self, day: Day) {
        let (place, near) = self.known_place(day);
        if place.department != names::PROCUREMENT {
            let met = self.chance.yes(0.4).then(|| day.plus(20));
            let person = self.join(day, place, Seniority::Ic, Some(near), met);
            self.turn(person, day, Step::Hire);
        }
    }

    /// The champion of the neighbouring account, if that is where they went.
    fn welcome(&mut self, course: &Course) {
        let Some(other) = careers::neighbour(self.profile.account, self.params.accounts) else { return };
        let origin = profile::draw(self.params, other);
        let steps = careers::draw(self.params, &origin);
        // Only the first champion is known without unfolding the whole other account.
        let first = steps.iter().find(|c| matches!(c.step, Step::ChampionLeft | Step::ChampionMovedAway));
        let Some(leaves) = first.filter(|c| c.step == Step::ChampionMovedAway) else { return };
        let arrives = leaves.day.plus(25);
        if arrives < course.from.plus(30) || arrives >= course.last() {
            return;
        }
        let (place, boss) = self.known_place(arrives);
        let came = roster(self.params, &origin).swap_remove(0);
        let row = ContactRow {
            account_id: self.profile.id.clone(),
            department: Some(place.department),
            business_unit: place.business_unit,
            region: Some(place.region),
            reports_to: Some(self.people[boss].now().contact_id.clone()),
            title: Some(names::title(Seniority::Manager, place.department)),
            seniority: Some(Seniority::Manager),
            user: None,
            joined_on: Some(arrives),
            left_on: None,
            recorded_at: morning(arrives),
            ..came.now().clone()
        };
        self.turns.push(Turn { day: arrives, step: Step::ChampionMoved, contact_id: row.contact_id.clone() });
        self.people.push(Person { versions: vec![row], met: Some(arrives.plus(8)), heads_department: false });
    }
}
