//! Who talks to whom: CRM activities and survey answers.

use super::Params;
use super::careers::Step;
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::Course;
use super::people::{People, Person};
use super::profile::Profile;
use super::rows::{ActivityRow, ContactRow, SurveyRow};
use crate::extracts::tables::{ActivityKind, Bound, Seniority, SurveyKind};
use crate::vocabulary::{Day, Moment};

/// Noise-free activities within the world's days, by time.
pub fn activities(
    params: &Params,
    profile: &Profile,
    causes: &Causes,
    course: &Course,
    people: &People,
) -> Vec<ActivityRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Outreach);
    let mut rows = Vec::new();
    for person in &people.people {
        let Some(met) = person.met else { continue };
        let mut day = met.max(params.first().minus(chance.whole(0, 20)));
        while day <= course.last() {
            let Some(row) = person.on(day).filter(|_| !person.gone_on(day)) else {
                day = day.plus(7);
                if person.gone_on(day) && person.on(day).is_some() {
                    break;
                }
                continue;
            };
            let monday = day.plus([0, 0, 0, 0, 0, 2, 1][day.weekday() as usize]);
            let silent = (row.is_champion || row.is_sponsor) && causes.silences.iter().any(|s| s.holds(monday));
            let touch = touch(profile, causes, chance, monday, person, row);
            if !silent && monday >= params.first() && monday <= course.last() {
                rows.push(touch);
            }
            day = day.plus(chance.gap(cadence(person, row)));
        }
    }
    inquiries(course, people, params, profile, chance, &mut rows);
    rows.sort_by(|a, b| (a.at, &a.contact_id).cmp(&(b.at, &b.contact_id)));
    for (number, row) in rows.iter_mut().enumerate() {
        row.activity_id = format!("act-{:06}-{number:04}", profile.account);
    }
    rows
}

/// Mean days between two conversations with the person.
fn cadence(person: &Person, row: &ContactRow) -> f64 {
    match (row.is_champion, row.is_sponsor) {
        (true, _) => 13.0,
        (_, true) => 17.0,
        _ if row.seniority >= Some(Seniority::Vp) => 30.0,
        _ if person.heads_department => 34.0,
        _ => 60.0,
    }
}

fn at_work(chance: &mut Chance, day: Day) -> Moment {
    Moment(Moment::start_of(day).0 + i64::from(chance.whole(8 * 60, 17 * 60)) * 60_000_000)
}

fn touch(
    profile: &Profile,
    causes: &Causes,
    chance: &mut Chance,
    day: Day,
    person: &Person,
    row: &ContactRow,
) -> ActivityRow {
    use ActivityKind::*;
    let senior = row.is_sponsor || row.seniority >= Some(Seniority::Vp);
    let shares = if senior { [0.25, 0.15, 0.25, 0.15, 0.20] } else { [0.50, 0.20, 0.22, 0.06, 0.02] };
    let kind = [Email, Call, Meeting, Qbr, Executive][chance.weighted(&shares)];
    let (unhappy, lost) = (causes.on(&causes.dissatisfied, day), causes.on(&causes.disengaged, day));
    let mood = 0.45 - 0.55 * unhappy - 0.35 * lost - 0.15 * causes.on(&causes.price, day).min(1.5);
    let slow = 1.0 + 2.0 * lost + unhappy;
    let direction = if chance.yes(0.4) { Bound::In } else { Bound::Out };
    let response = chance.lognormal(7.0 * slow, 0.7);
    let attends = chance.yes(0.93 - 0.35 * lost - 0.1 * unhappy);
    ActivityRow {
        activity_id: String::new(),
        account_id: profile.id.clone(),
        contact_id: Some(person.now().contact_id.clone()),
        kind,
        direction,
        at: at_work(chance, day),
        owner: if kind == Executive || chance.yes(0.25) { profile.ae.clone() } else { profile.csm.clone() },
        response_hours: (kind == Email).then(|| (response * 10.0).round() / 10.0),
        attended: matches!(kind, Meeting | Qbr | Executive | Call).then_some(attends),
        sentiment: Some((chance.normal(mood, 0.18).clamp(-1.0, 1.0) * 100.0).round() / 100.0),
    }
}

/// Procurement asks on the day it appears and in the weeks after.
fn inquiries(
    course: &Course,
    people: &People,
    params: &Params,
    profile: &Profile,
    chance: &mut Chance,
    rows: &mut Vec<ActivityRow>,
) {
    for turn in people.turns.iter().filter(|turn| turn.step == Step::ProcurementAppeared) {
        for ahead in [4, 15, 31] {
            let day = turn.day.plus(ahead + chance.whole(0, 6));
            if day >= params.first() && day <= course.last() {
                rows.push(ActivityRow {
                    activity_id: String::new(),
                    account_id: profile.id.clone(),
                    contact_id: Some(turn.contact_id.clone()),
                    kind: ActivityKind::Email,
                    direction: Bound::In,
                    at: at_work(chance, day),
                    owner: profile.ae.clone(),
                    response_hours: Some(chance.lognormal(9.0, 0.5).round()),
                    attended: None,
                    sentiment: Some((chance.normal(-0.05, 0.15) * 100.0).round() / 100.0),
                });
            }
        }
    }
}

/// NPS answers every few months and CSAT surveys now and then.
pub fn surveys(
    params: &Params,
    profile: &Profile,
    causes: &Causes,
    course: &Course,
    people: &People,
) -> Vec<SurveyRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Surveys);
    let mut rows = Vec::new();
    let waves = [(SurveyKind::Nps, 110.0, 8.7), (SurveyKind::Csat, 170.0, 8.9)];
    for (kind, every, content) in waves {
        let mut day = params.first().max(course.from).plus(chance.whole(5, every as i32));
        while day <= course.last() {
            let unhappy = causes.on(&causes.dissatisfied, day) + 0.5 * causes.on(&causes.disengaged, day);
            for person in people.people.iter().filter(|p| p.met.is_some_and(|met| met <= day) && !p.gone_on(day)) {
                let answers = chance.yes(if person.now().is_champion { 0.55 } else { 0.16 });
                let score = chance.normal(content - 5.2 * unhappy, 0.9).round().clamp(0.0, 10.0);
                let answered = day.plus(chance.whole(0, 6));
                let at = at_work(chance, answered);
                let silent = person.now().is_champion || person.now().is_sponsor;
                let silent = silent && causes.silences.iter().any(|s| s.holds(answered));
                if answers && !silent && at.day() <= course.last() {
                    let survey_id = format!("srv-{:06}-{:03}", profile.account, rows.len());
                    let contact_id = Some(person.now().contact_id.clone());
                    rows.push(SurveyRow { survey_id, account_id: profile.id.clone(), contact_id, kind, at, score });
                }
            }
            day = day.plus(chance.gap(every));
        }
    }
    rows
}
