//! Rules over what happens around the account: events, integrations, invoices, and signs that come together.

use std::collections::BTreeMap;

use super::rule::Rule;
use super::scene::{Hit, Scene, within};
use super::support::{latest_nps, said};
use crate::extracts::tables::{ActivityKind, EventKind};
use crate::simulate::catalog::WORKSPACE;
use crate::simulate::rows::{InvoiceRow, Metric};
use crate::vocabulary::Day;

fn events(scene: &Scene, kinds: &[EventKind], day: Day, days: i32) -> Vec<Hit> {
    let all = scene.tables.account_events.iter();
    let number = all.filter(|e| kinds.contains(&e.kind) && within(e.occurred_on, day, days + 1)).count();
    Hit::whole(number > 0, number as f64)
}

pub fn budget_event(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    use EventKind::*;
    events(scene, &[Funding, Merger, ProductLaunch, GeoExpansion, NewOffice], day, rule.days("days"))
}

pub fn layoffs(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    events(scene, &[EventKind::Layoffs], day, rule.days("days"))
}

pub fn competitor_logo(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let named = said(scene, day, rule.days("text_days")).any(|saying| saying.names_competitor);
    let logos = events(scene, &[EventKind::CompetitorLogo], day, rule.days("days"));
    if logos.is_empty() { Hit::whole(named, 1.0) } else { logos }
}

pub fn hiring_growth(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let of =
        |kind: EventKind| scene.tables.account_events.iter().filter(move |e| e.kind == kind && e.occurred_on <= day);
    let uses = |department: &str| {
        scene.present(day).filter_map(|p| p.on(day)).any(|row| row.user.is_some() && row.department == Some(department))
    };
    let weight = |department: Option<&str>| if department.is_some_and(uses) { rule.at("own_department") } else { 1.0 };
    let hiring = of(EventKind::Hiring).filter(|e| within(e.occurred_on, day, days + 1));
    let roles: f64 = hiring.filter_map(|e| Some(e.magnitude? * weight(e.department))).sum();
    let figures: Vec<(Day, f64)> =
        of(EventKind::Headcount).filter_map(|e| Some((e.occurred_on, e.magnitude?))).collect();
    let last =
        |recent: bool| figures.iter().filter(|(at, _)| within(*at, day, days) == recent).max_by_key(|(at, _)| *at);
    let growth = match (last(true), last(false)) {
        (Some((_, now)), Some((_, before))) if *before > 0.0 => now / before - 1.0,
        _ => 0.0,
    };
    let times = (roles / rule.at("roles")).max(growth / rule.at("headcount"));
    Hit::whole(times >= 1.0, times)
}

pub fn sentiment_convergence(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let answered = scene.tables.surveys.iter().map(|s| s.at.day()).filter(|at| *at <= day).max();
    let recent = answered.is_some_and(|at| day.since(at) <= rule.days("nps_days"));
    let nps = latest_nps(scene, day).is_some_and(|(_, score)| recent && score >= rule.at("nps"));
    let used = scene.meter(WORKSPACE, Metric::ActiveUsers);
    let change = used.and_then(|m| Some(m.level(day, 60)? / m.level(day.minus(60), 60)? - 1.0));
    let rising = change.is_some_and(|change| change >= rule.at("growth"));
    let meeting = |kind| matches!(kind, ActivityKind::Qbr | ActivityKind::Executive);
    let met = scene.tables.activities.iter().filter(|a| meeting(a.kind) && within(a.at.day(), day, 90));
    let met = met.filter(|a| a.attended != Some(false)).count() as f64 >= rule.at("meetings");
    let praise = [EventKind::AdvocacyReview, EventKind::CaseStudy];
    let praised = !events(scene, &praise, day, rule.days("advocacy_days")).is_empty();
    let signs = [nps, rising, met, praised].iter().filter(|sign| **sign).count() as f64;
    Hit::whole(signs >= rule.at("signs"), signs)
}

pub fn integration_growth(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let known = scene.tables.integrations.iter().filter(|i| i.connected_on <= day);
    let connected = known.clone().filter(|i| within(i.connected_on, day, 90)).count() as f64;
    let mut categories: BTreeMap<&str, Day> = BTreeMap::new();
    for row in known {
        let Some(category) = row.category else { continue };
        let first = categories.entry(category).or_insert(row.connected_on);
        *first = row.connected_on.min(*first);
    }
    let new = categories.values().filter(|first| within(**first, day, 90)).count() as f64;
    let holds = connected >= rule.at("connected") || new >= rule.at("categories");
    Hit::whole(holds && scene.tenure(day) >= rule.days("min_history_days"), connected)
}

pub fn competitor_export(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let running = scene
        .tables
        .integrations
        .iter()
        .filter(|i| i.connected_on <= day && i.disconnected_on.is_none_or(|gone| gone > day));
    let young = running.filter(|i| day.since(i.connected_on) <= rule.days("days"));
    young.filter_map(|i| Some(Hit::of(i.competes_with?, 1.0))).collect()
}

pub fn payment_trouble(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let issued: Vec<&InvoiceRow> = scene.tables.invoices.iter().filter(|i| i.issued_on <= day).collect();
    let unpaid = |i: &InvoiceRow| i.paid_on.is_none_or(|paid| paid > day);
    let late = |i: &InvoiceRow| f64::from(i.paid_on.filter(|paid| *paid <= day).unwrap_or(day).since(i.due_on).max(0));
    let overdue = issued.iter().filter(|i| unpaid(i)).map(|i| late(i)).fold(0.0, f64::max);
    let disputed = issued.iter().any(|i| unpaid(i) && i.disputed);
    let due: Vec<f64> = issued.iter().filter(|i| within(i.due_on, day, 180)).map(|i| late(i)).collect();
    let recent = issued.iter().filter(|i| within(i.issued_on, day, 180)).count() as f64;
    let mean = due.iter().sum::<f64>() / (due.len() as f64).max(1.0);
    let slow = mean >= rule.at("days_late") && recent >= rule.at("min_invoices");
    Hit::whole(overdue >= rule.at("days_overdue") || disputed || slow, overdue.max(mean))
}
