//! Signals of what happened at the customer: money, growth, layoffs, and a competitor's logo.

use super::Detail;
use super::case::{Case, Finding, Rule};
use crate::extracts::tables::{AccountEvent, EventKind};
use crate::observations::Metric;
use crate::vocabulary::Text;
use crate::wording::{ago, capital, count, day, list, money, percent, plural, words};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    [budget_event(case), hiring_growth(case), layoffs(case), competitor_logo(case)].into_iter().flatten().collect()
}

/// Events of these kinds within the rule's days, newest first.
fn recent<'a>(case: &'a Case<'a>, rule: &Rule, kinds: &'static [EventKind]) -> Vec<&'a AccountEvent> {
    let oldest = case.day.minus(rule.days("days"));
    let events = case.evidence.view.account_events(case.evidence.account);
    let mut events: Vec<&AccountEvent> =
        events.filter(|e| kinds.contains(&e.kind) && e.occurred_on >= oldest).collect();
    events.sort_by(|a, b| (b.occurred_on, &a.id).cmp(&(a.occurred_on, &b.id)));
    events
}

/// Observations of these kinds of event.
fn links(case: &Case, events: &[&AccountEvent]) -> Vec<u32> {
    let mut links: Vec<u32> = Vec::new();
    for event in events {
        let (last, number) =
            (Metric::DaysSinceEvent.of(event.kind.as_str()), Metric::EventsOfKind.of(event.kind.as_str()));
        links.extend(case.links(&[(&last, None, 0), (&number, None, 90), (&number, None, 180)]));
    }
    links.sort_unstable();
    links.dedup();
    links
}

/// A finding whose strength fades with the days since its newest event.
fn dated(case: &Case, rule: &Rule, events: &[&AccountEvent], sentence: String) -> Option<Finding> {
    let newest = events.first()?;
    let age = f64::from(case.day.since(newest.occurred_on));
    let detail = Detail { place: newest.department.clone(), value: newest.magnitude, ..Detail::default() };
    let finding = rule.finding(rule.strength(age, "days"), sentence, links(case, events));
    Some(finding.since(Some(newest.occurred_on)).detail(detail))
}

/// `Funding of 12 M on 3 Mar 2026 (28 days ago)`.
fn told(case: &Case, event: &AccountEvent) -> String {
    let amount = match event.kind {
        EventKind::Funding => event.magnitude.map_or(String::new(), |m| format!(" of {}", money(m))),
        EventKind::Layoffs => event.magnitude.map_or(String::new(), |m| format!(" of {}", count(m))),
        _ => String::new(),
    };
    let age = ago(case.day.since(event.occurred_on).into());
    let detail = event.detail.as_deref().map_or(String::new(), |detail| format!(": {}", shortened(detail)));
    format!("{}{amount} on {} ({age}){detail}", capital(&words(event.kind.as_str())), day(event.occurred_on))
}

/// The first 120 characters of a feed's text, without its full stop.
fn shortened(detail: &str) -> String {
    let text = detail.trim().trim_end_matches('.');
    let short: String = text.chars().take(120).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

fn budget_event(case: &Case) -> Option<Finding> {
    const KINDS: &[EventKind] = &[
        EventKind::Funding,
        EventKind::Merger,
        EventKind::ProductLaunch,
        EventKind::GeoExpansion,
        EventKind::NewOffice,
    ];
    let rule = case.rule("budget_event")?;
    let events = recent(case, &rule, KINDS);
    let more = match events.len() {
        0 | 1 => String::new(),
        n => format!("; {} in {} days", plural(n as i64, "such event", "such events"), rule.days("days")),
    };
    let sentence = format!("{}{more}.", told(case, events.first()?));
    dated(case, &rule, &events, sentence)
}

fn layoffs(case: &Case) -> Option<Finding> {
    let rule = case.rule("layoffs")?;
    let events = recent(case, &rule, &[EventKind::Layoffs]);
    let sentence = format!("{}.", told(case, events.first()?));
    dated(case, &rule, &events, sentence)
}

fn competitor_logo(case: &Case) -> Option<Finding> {
    let rule = case.rule("competitor_logo")?;
    let events = recent(case, &rule, &[EventKind::CompetitorLogo]);
    let sentence = format!("{}.", told(case, events.first()?));
    dated(case, &rule, &events, sentence)
}

/// Open roles, weighted up where the product is used, or a rise of headcount.
fn hiring_growth(case: &Case) -> Option<Finding> {
    let rule = case.rule("hiring_growth")?;
    let events = recent(case, &rule, &[EventKind::Hiring, EventKind::Headcount]);
    let hiring: Vec<&AccountEvent> = events.iter().copied().filter(|e| e.kind == EventKind::Hiring).collect();
    let users = departments_of_users(case);
    let own = |e: &AccountEvent| e.department.as_ref().is_some_and(|d| users.contains(d));
    let roles = |e: &AccountEvent| e.magnitude.unwrap_or(rule.at("roles"));
    let open: f64 = hiring.iter().map(|e| roles(e)).sum();
    let weighed: f64 = hiring.iter().map(|e| roles(e) * if own(e) { rule.at("own_department") } else { 1.0 }).sum();
    let headcount =
        case.whole(Metric::EventMagnitude.of(EventKind::Headcount.as_str()), 90).filter(|(_, o)| o.change().is_some());
    let growth = headcount.and_then(|(_, o)| o.change()).unwrap_or(0.0);
    let times = (weighed / rule.at("roles")).max(growth / rule.at("headcount"));
    if times < 1.0 {
        return None;
    }
    let mut parts = Vec::new();
    if open > 0.0 {
        parts.push(format!("{} open{}", plural(open as i64, "role", "roles"), place(&hiring, &users)));
    }
    if let Some((_, o)) = headcount.filter(|_| growth >= rule.at("headcount")) {
        parts.push(format!("headcount up {} to {}", percent(growth), count(o.value)));
    }
    let sentence = format!("{} in the last {} days.", capital(&list(&parts)), rule.days("days"));
    let mut finding = rule.finding(super::saturating(times, 1.0, rule.at("strong")), sentence, links(case, &events));
    finding.observations.extend(headcount.map(|(at, _)| at));
    let department = hiring.iter().find_map(|e| e.department.clone());
    let detail = Detail { place: department, value: Some(open), ..Detail::default() };
    Some(finding.since(events.last().map(|e| e.occurred_on)).detail(detail))
}

fn place(hiring: &[&AccountEvent], users: &[Text]) -> String {
    let mut departments: Vec<&Text> = hiring.iter().filter_map(|e| e.department.as_ref()).collect();
    departments.sort();
    departments.dedup();
    let uses = departments.iter().any(|d| users.contains(d));
    let own = if uses { ", where the product is used," } else { "" };
    if departments.is_empty() { String::new() } else { format!(" in {}{own}", list(&departments)) }
}

/// Departments of the contacts who are users.
fn departments_of_users(case: &Case) -> Vec<Text> {
    let contacts = case.evidence.view.contacts(case.evidence.account);
    let mut departments: Vec<Text> =
        contacts.filter(|c| c.user.is_some()).filter_map(|c| c.department.clone()).collect();
    departments.sort();
    departments.dedup();
    departments
}
