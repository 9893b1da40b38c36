//! What a briefing says, gathered from the assessment and the recommendation as finished text. The templates only
//! lay it out.

use serde::Serialize;

use super::chart::{self, Chart};
use super::history;
use crate::assessment::Assessment;
use crate::extracts::tables::Account;
use crate::history::View;
use crate::recommendations::playbooks::Playbook;
use crate::recommendations::{Action, Recommendation};
use crate::signals::Signal;
use crate::stakeholders::Stakeholder;
use crate::vocabulary::{Day, Direction};
use crate::wording;

/// How many of each a reader has time for.
const SIGNALS: usize = 6;
const PEOPLE: usize = 5;
const PEERS: usize = 3;
const EVENTS: usize = 6;
const TALKING_POINTS: usize = 4;
const UNKNOWNS: usize = 6;

/// One label and its value.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct SignalLine {
    pub name: String,
    pub evidence: String,
    pub strength: String,
    pub confidence: String,
    /// `expansion` or `risk`.
    pub direction: &'static str,
    pub quote: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PersonLine {
    pub name: String,
    pub title: String,
    pub role: String,
    pub influence: String,
    pub last_contact: String,
    pub note: String,
    /// The person this briefing proposes to talk to.
    pub proposed: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepLine {
    pub when: String,
    pub owner: String,
    pub action: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct HealthLine {
    pub name: &'static str,
    /// 0–100, `None` when unavailable.
    pub score: Option<f64>,
    pub shown: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Drawing {
    pub svg: String,
    pub words: String,
}

/// Everything on one briefing page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    pub recommendation_id: String,
    pub account: String,
    pub headline: String,
    pub action: String,
    pub playbook: String,
    pub owner: String,
    pub owner_role: String,
    pub informed: Option<String>,
    pub contact_by: String,
    pub ask: Vec<Fact>,
    pub with_whom: String,
    pub timing: String,
    pub signals: Vec<SignalLine>,
    pub charts: Vec<Drawing>,
    pub glance: Vec<Fact>,
    pub health_color: &'static str,
    pub health: Vec<HealthLine>,
    pub health_reasons: Vec<String>,
    pub history: Vec<history::Event>,
    pub people: Vec<PersonLine>,
    pub talking_points: Vec<String>,
    pub steps: Vec<StepLine>,
    pub peers: Vec<String>,
    pub unknowns: Vec<String>,
    pub as_of: String,
}

impl Page {
    pub fn new(view: View, state: &Assessment, rec: &Recommendation, playbook: &Playbook) -> Page {
        let account = view.account(state.account);
        Page {
            recommendation_id: rec.id.clone(),
            account: account_name(view, state),
            headline: passage(&rec.headline),
            action: wording::words(rec.action.as_str()),
            playbook: playbook.title.clone(),
            owner: rec.owner.to_string(),
            owner_role: rec.owner_role.as_str().to_uppercase(),
            informed: rec.informed.as_ref().map(ToString::to_string),
            contact_by: wording::day(rec.contact_by),
            ask: ask(view, rec),
            with_whom: passage(&with_whom(state, rec)),
            timing: rec.timing_reason.clone(),
            signals: signals(state, rec),
            charts: charts(view, state, rec),
            glance: glance(view, state, account),
            health_color: state.health.color.as_str(),
            health: health(state),
            health_reasons: state.health.reasons.iter().take(4).map(|reason| passage(reason)).collect(),
            history: history::events(view, state.account, EVENTS),
            people: people(state, rec),
            talking_points: rec.talking_points.iter().take(TALKING_POINTS).map(|point| passage(point)).collect(),
            steps: rec.steps.iter().map(|s| step(s.day, s.owner_role.as_str(), &s.action)).collect(),
            peers: peers(view, rec),
            unknowns: unknowns(state, rec),
            as_of: wording::day(view.day),
        }
    }
}

impl Page {
    /// Leaves out the least of what the reader could miss; false when only what must be said is left.
    pub fn shorten(&mut self) -> bool {
        fn drop_last<T>(list: &mut Vec<T>, keep: usize) -> bool {
            list.len() > keep && list.pop().is_some()
        }
        drop_last(&mut self.history, 3)
            || drop_last(&mut self.peers, 1)
            || drop_last(&mut self.health_reasons, 2)
            || drop_last(&mut self.people, 3)
            || drop_last(&mut self.signals, 4)
            || drop_last(&mut self.unknowns, 3)
            || drop_last(&mut self.history, 0)
            || drop_last(&mut self.talking_points, 2)
            || drop_last(&mut self.people, 1)
            || drop_last(&mut self.signals, 2)
            || drop_last(&mut self.unknowns, 1)
            || drop_last(&mut self.health_reasons, 0)
            || drop_last(&mut self.peers, 0)
    }
}

/// Longest single passage, words: a sentence from data or from a playbook cannot take the page over.
const PASSAGE_WORDS: usize = 60;

fn passage(text: &str) -> String {
    let mut words = text.split_whitespace();
    let kept: Vec<&str> = words.by_ref().take(PASSAGE_WORDS).collect();
    if words.next().is_some() { format!("{} …", kept.join(" ")) } else { text.to_owned() }
}

pub fn account_name(view: View, state: &Assessment) -> String {
    let id = view.extracts.account_id(state.account);
    view.account(state.account).map_or_else(|| id.to_owned(), |a| a.name.to_string())
}

fn ask(view: View, rec: &Recommendation) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(product) = rec.product {
        facts.push(Fact { label: "Product", value: view.extracts.product(product).name.to_string() });
    }
    if let (Some(from), Some(to)) = (&rec.from_tier, &rec.to_tier) {
        facts.push(Fact { label: "Tier", value: format!("{from} → {to}") });
    }
    if let Some(units) = rec.units_delta {
        let unit = rec.product.and_then(|p| view.extracts.product(p).unit.clone());
        let unit =
            unit.map_or_else(|| "units".to_owned(), |u| if units == 1.0 { u.to_string() } else { format!("{u}s") });
        facts.push(Fact {
            label: "Quantity",
            value: format!("{}{} {unit}", if units > 0.0 { "+" } else { "" }, wording::count(units)),
        });
    }
    let save = rec.action == Action::SavePlay;
    facts.push(Fact {
        label: if save { "ARR at risk" } else { "Expected ARR" },
        value: wording::money(rec.expected_arr),
    });
    let label = if save { "Risk of loss" } else { "Probability" };
    facts.push(Fact { label, value: wording::percent(rec.probability.get()) });
    facts
}

/// The person and the reason; the reason alone where it names the person or nobody is known.
fn with_whom(state: &Assessment, rec: &Recommendation) -> String {
    let person = state.stakeholders.people.iter().find(|p| Some(p.contact) == rec.stakeholder);
    match person.filter(|p| !rec.stakeholder_reason.contains(&*p.name)) {
        Some(p) => {
            let title = p.title.as_ref().map_or_else(String::new, |title| format!(", {title}"));
            format!("{}{title}: {}.", p.name, rec.stakeholder_reason.trim_end_matches('.'))
        }
        None => wording::capital(&rec.stakeholder_reason),
    }
}

fn signals(state: &Assessment, rec: &Recommendation) -> Vec<SignalLine> {
    let mut weighted = rec.signals.clone();
    weighted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    weighted.iter().filter_map(|(at, _)| state.signals.get(*at as usize)).take(SIGNALS).map(signal_line).collect()
}

fn signal_line(signal: &Signal) -> SignalLine {
    SignalLine {
        name: wording::capital(&wording::words(&signal.signal)),
        evidence: passage(&signal.evidence),
        strength: wording::percent(signal.strength.get()),
        confidence: format!("{} ({})", wording::percent(signal.confidence.get()), signal.confidence_basis),
        direction: if signal.direction == Direction::Risk { "risk" } else { "expansion" },
        quote: signal.detail.quote.as_deref().filter(|quote| !signal.evidence.contains(quote)).map(passage),
    }
}

fn charts(view: View, state: &Assessment, rec: &Recommendation) -> Vec<Drawing> {
    let drawings = super::series::charts(view, state, rec).into_iter();
    drawings
        .map(|c: Chart| Drawing { svg: chart::svg(&c), words: chart::describe(&c) })
        .filter(|d| !d.svg.is_empty())
        .collect()
}

fn glance(view: View, state: &Assessment, account: Option<&Account>) -> Vec<Fact> {
    let text = |value: Option<&crate::vocabulary::Text>| value.map(|v| wording::words(v));
    let mut facts = Vec::new();
    let mut push = |label, value: Option<String>| facts.extend(value.map(|value| Fact { label, value }));
    push("Segment", text(account.and_then(|a| a.segment.as_ref())));
    push("Industry", text(account.and_then(|a| a.industry.as_ref())));
    push("Region", text(account.and_then(|a| a.region.as_ref())));
    push("Employees", account.and_then(|a| a.employees).map(|n| wording::count(n as f64)));
    push("Customer since", customer_since(state, account).map(wording::day));
    push("ARR", Some(wording::money(state.contract.arr)));
    push("Renewal", Some(renewal(view, state)));
    push("Runs", Some(owned(view, state)));
    push("Partner", text(account.and_then(|a| a.partner.as_ref())));
    facts
}

fn customer_since(state: &Assessment, account: Option<&Account>) -> Option<Day> {
    account.and_then(|a| a.customer_since).or(state.contract.first_start)
}

fn renewal(view: View, state: &Assessment) -> String {
    match state.contract.renewal {
        Some(day) => {
            format!("{} (in {})", wording::day(day), wording::plural(day.since(view.day).into(), "day", "days"))
        }
        None if state.contract.rolling => "rolls over in short periods".into(),
        None => "no end agreed".into(),
    }
}

fn owned(view: View, state: &Assessment) -> String {
    let names: Vec<String> = state
        .contract
        .active
        .iter()
        .map(|s| format!("{} {}", view.extracts.product(s.product).name, wording::words(&s.tier)))
        .collect();
    if names.is_empty() { "nothing in force".into() } else { wording::list(&names) }
}

fn health(state: &Assessment) -> Vec<HealthLine> {
    let line = |name, score: Option<f64>| HealthLine {
        name,
        score,
        shown: score.map_or_else(|| "no data".into(), |s| format!("{s:.0}")),
    };
    let h = &state.health;
    vec![
        line("Product", h.product),
        line("Relationship", h.relationship),
        line("Support", h.support),
        line("Financial", h.financial),
    ]
}

fn people(state: &Assessment, rec: &Recommendation) -> Vec<PersonLine> {
    let mut people: Vec<&Stakeholder> = state.stakeholders.people.iter().collect();
    people.sort_by_key(|p| Some(p.contact) != rec.stakeholder);
    people.into_iter().take(PEOPLE).map(|p| person(p, rec)).collect()
}

fn person(p: &Stakeholder, rec: &Recommendation) -> PersonLine {
    let last_contact = match p.last_contact_days {
        Some(days) => wording::ago(days.into()),
        None => "never".into(),
    };
    let note = p.change.map_or_else(String::new, |(change, day)| format!("{change} {}", wording::day(day)));
    PersonLine {
        name: p.name.to_string(),
        title: p.title.as_ref().map_or_else(|| "title unknown".into(), ToString::to_string),
        role: wording::words(p.role.as_str()),
        influence: wording::percent(p.influence),
        last_contact,
        note,
        proposed: Some(p.contact) == rec.stakeholder,
    }
}

fn step(day: i32, owner: &str, action: &str) -> StepLine {
    let when = if day == 0 { "At once".into() } else { format!("Day {day}") };
    StepLine { when, owner: owner.to_uppercase(), action: passage(action) }
}

fn peers(view: View, rec: &Recommendation) -> Vec<String> {
    let name = |peer: &crate::recommendations::Peer| {
        view.account(peer.account)
            .map_or_else(|| view.extracts.account_id(peer.account).to_owned(), |a| a.name.to_string())
    };
    rec.peers.iter().take(PEERS).map(|p| format!("{}: {}; {}", name(p), p.why, p.outcome)).collect()
}

fn unknowns(state: &Assessment, rec: &Recommendation) -> Vec<String> {
    let dimensions =
        state.health.unavailable.iter().map(|name| format!("Health knows nothing about: {}.", wording::words(name)));
    rec.unknowns.iter().cloned().chain(dimensions).take(UNKNOWNS).map(|line| passage(&line)).collect()
}
