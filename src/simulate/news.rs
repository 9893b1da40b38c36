//! What the outside world reports about the account, what it connects, and what the team annotates.

use super::Params;
use super::careers::Step;
use super::catalog::{INTEGRATIONS, PRODUCTS};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::Course;
use super::people::People;
use super::profile::Profile;
use super::rows::{AccountEventRow, AnnotationRow, IntegrationRow};
use crate::extracts::tables::{EventKind, Flow};
use crate::vocabulary::{Day, Moment};

/// Events on the days they happened; when the feed noticed is the noise's business.
pub fn events(
    params: &Params,
    profile: &Profile,
    causes: &Causes,
    course: &Course,
    people: &People,
) -> Vec<AccountEventRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::News);
    let first = params.first().max(course.from);
    let mut rows = Vec::new();
    for happening in &causes.happenings {
        rows.push(event(profile, chance, happening.day, happening.kind, None, None));
    }
    for turn in &people.turns {
        let kind = match turn.step {
            Step::ExecutiveJoined => EventKind::ExecutiveHire,
            Step::ExecutiveLeft => EventKind::ExecutiveDeparture,
            _ => continue,
        };
        if chance.yes(0.6) {
            rows.push(event(profile, chance, turn.day, kind, None, None));
        }
    }
    headcounts(profile, causes, course, people, chance, first, &mut rows);
    rows.retain(|row| row.occurred_on >= first && row.occurred_on <= course.last());
    rows.sort_by_key(|row| (row.occurred_on, row.kind));
    for (number, row) in rows.iter_mut().enumerate() {
        row.event_id = format!("evt-{:06}-{number:03}", profile.account);
    }
    rows
}

fn event(
    profile: &Profile,
    chance: &mut Chance,
    day: Day,
    kind: EventKind,
    department: Option<&'static str>,
    magnitude: Option<f64>,
) -> AccountEventRow {
    let raised = (chance.lognormal(8.0, 0.9) * 10.0).round() / 10.0 * 1e6;
    let magnitude = magnitude.or((kind == EventKind::Funding).then_some(raised));
    AccountEventRow {
        event_id: String::new(),
        account_id: profile.id.clone(),
        kind,
        occurred_on: day,
        department,
        magnitude,
        detail: format!("{}: {}", profile.name, kind.as_str().replace('_', " ")),
        source: chance.pick(&["news", "filings", "enrichment"]),
        recorded_at: Moment(Moment::start_of(day).0 + 20 * 3_600_000_000),
    }
}

/// Headcount four times a year, and open roles where the account is growing.
fn headcounts(
    profile: &Profile,
    causes: &Causes,
    course: &Course,
    people: &People,
    chance: &mut Chance,
    first: Day,
    rows: &mut Vec<AccountEventRow>,
) {
    let start = course.days[0].demand;
    let offset = chance.whole(0, 89);
    let department = people.people.first().and_then(|p| p.versions[0].department);
    for day in (first.0 + offset..=course.last().0).step_by(91).map(Day) {
        let headcount = profile.employees as f64 * (course.on(day).demand / start).clamp(0.3, 8.0).powf(0.45);
        rows.push(event(profile, chance, day, EventKind::Headcount, None, Some(headcount.round())));
    }
    for day in chance.arrivals(1.6, first, course.last()) {
        let growing = causes.growing(day) > 0.25;
        let share = if growing { chance.between(0.05, 0.15) } else { chance.between(0.002, 0.015) };
        let place = department.filter(|_| chance.yes(0.5));
        if growing || chance.yes(0.35) {
            let roles = (profile.employees as f64 * share).ceil();
            rows.push(event(profile, chance, day, EventKind::Hiring, place, Some(roles)));
        }
    }
}

/// Connections to other tools: a few from the start, more as use deepens, rivals where a need goes unmet.
pub fn integrations(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Vec<IntegrationRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Integrations);
    let mut rows: Vec<IntegrationRow> = Vec::new();
    let mut connect = |chance: &mut Chance, day: Day| {
        let spec = chance.pick(INTEGRATIONS);
        let direction = chance.pick(&[Flow::In, Flow::Out, Flow::Both, Flow::Both]);
        if day <= course.last() && rows.iter().all(|row| row.integration != spec.name) {
            rows.push(IntegrationRow {
                account_id: profile.id.clone(),
                integration: spec.name.to_owned(),
                category: Some(spec.category),
                direction,
                competes_with: None,
                connected_on: day,
                disconnected_on: None,
            });
        }
    };
    for _ in 0..chance.whole(1, 4) {
        let day = profile.since.plus(chance.whole(5, 60));
        connect(chance, day);
    }
    for day in chance.arrivals(2.2, course.from, course.last()) {
        let deepening = causes.machines_growing(day) > 0.35 || causes.growing(day) > 0.35;
        if chance.yes(if deepening { 0.6 } else { 0.08 }) {
            connect(chance, day);
            if chance.yes(0.5) {
                connect(chance, day.plus(12));
            }
        }
    }
    rivals(profile, causes, course, chance, &mut rows);
    rows.sort_by(|a, b| (a.connected_on, &a.integration).cmp(&(b.connected_on, &b.integration)));
    rows
}

fn rivals(profile: &Profile, causes: &Causes, course: &Course, chance: &mut Chance, rows: &mut Vec<IntegrationRow>) {
    for (product, spec) in PRODUCTS.iter().enumerate().filter(|(_, spec)| !spec.competitor.is_empty()) {
        for day in chance.arrivals(0.5, course.from, course.last()) {
            let tempted = if course.on(day).owns(product) {
                0.05 * causes.on(&causes.dissatisfied, day)
            } else {
                0.35 * causes.on(&causes.need[product], day)
            };
            let lasts = chance.whole(60, 400);
            let direction = chance.pick(&[Flow::Out, Flow::Both]);
            let new = rows.iter().all(|row| row.integration != spec.competitor);
            if chance.yes(tempted) && new {
                rows.push(IntegrationRow {
                    account_id: profile.id.clone(),
                    integration: spec.competitor.to_owned(),
                    category: Some(spec.family),
                    direction,
                    competes_with: Some(product),
                    connected_on: day,
                    disconnected_on: Some(day.plus(lasts)).filter(|end| *end <= course.last()),
                });
            }
        }
    }
}

/// What the account team notes down once a quarter.
pub fn annotations(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Vec<AnnotationRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Annotations);
    let first = params.first().max(course.from).plus(chance.whole(10, 80));
    (first.0..=course.last().0)
        .step_by(91)
        .map(|day| {
            let mood =
                4.2 - 1.6 * causes.on(&causes.dissatisfied, Day(day)) - 1.2 * causes.on(&causes.disengaged, Day(day));
            AnnotationRow {
                account_id: profile.id.clone(),
                observed_on: Day(day),
                feature: "csm_pulse",
                value: chance.normal(mood, 0.5).round().clamp(1.0, 5.0),
            }
        })
        .collect()
}
