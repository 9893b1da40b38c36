//! Rules over tickets, texts and answers.

use std::collections::BTreeMap;

use super::rule::Rule;
use super::scene::{Hit, Scene, within};
use crate::extracts::tables::{Intent, Priority, SurveyKind};
use crate::simulate::catalog::ProductNo;
use crate::simulate::rows::{Saying, TicketRow};
use crate::vocabulary::Day;

/// What was said in the last `days` days.
pub fn said<'a>(scene: &'a Scene, day: Day, days: i32) -> impl Iterator<Item = &'a Saying> {
    let tickets = scene.tables.tickets.iter().map(|t| (t.opened_at.day(), &t.saying));
    let talks = scene.tables.conversations.iter().map(|c| (c.at.day(), &c.saying));
    tickets.chain(talks).filter(move |(at, _)| within(*at, day, days)).map(|(_, saying)| saying)
}

/// Texts with one of these intents, by product.
fn texts(scene: &Scene, rule: &Rule, day: Day, intents: &[Intent]) -> Vec<Hit> {
    let mut by_product: BTreeMap<Option<ProductNo>, f64> = BTreeMap::new();
    for saying in said(scene, day, rule.days("days")).filter(|s| intents.contains(&s.intent)) {
        *by_product.entry(saying.product).or_default() += 1.0;
    }
    by_product.into_iter().map(|(product, value)| Hit { product, value }).collect()
}

pub fn plan_limit_ticket(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    texts(scene, rule, day, &[Intent::PlanLimit])
}

pub fn higher_tier_request(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    texts(scene, rule, day, &[Intent::HigherTierRequest])
}

pub fn adjacent_need(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let voiced = texts(scene, rule, day, &[Intent::AdjacentNeed]).into_iter();
    voiced.filter(|hit| hit.product.is_none_or(|product| !scene.owns(product, day))).collect()
}

pub fn price_complaint(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    texts(scene, rule, day, &[Intent::PriceComplaint, Intent::ChurnIntent])
}

fn mean(scores: &[f64]) -> Option<f64> {
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// Scores of tickets opened in the span and resolved by `day`.
fn scores(scene: &Scene, day: Day, until: Day, days: i32) -> Vec<f64> {
    let opened = scene.tables.tickets.iter().filter(|t| within(t.opened_at.day(), until, days));
    opened.filter(|t| t.resolved_at.is_some_and(|at| at.day() <= day)).filter_map(|t| t.csat).collect()
}

pub fn ticket_spike(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let opened = |until: Day, days: i32| {
        scene.tables.tickets.iter().filter(|t| within(t.opened_at.day(), until, days)).count() as f64
    };
    let now = opened(day, 30);
    let months = f64::from(scene.tenure(day).clamp(60, 180) - 30) / 30.0;
    let usual = opened(day.minus(30), 150) / months;
    let high = now >= rule.at("tickets")
        && now >= usual * rule.at("growth")
        && now - usual >= rule.at("sigma") * usual.max(1.0).sqrt();
    Hit::whole(high && worse(scene, rule, day), now)
}

fn worse(scene: &Scene, rule: &Rule, day: Day) -> bool {
    let Some(now) = mean(&scores(scene, day, day, 30)) else {
        let escalated = |until: Day| {
            let opened = scene.tables.tickets.iter().filter(|t| within(t.opened_at.day(), until, 30));
            opened.filter(|t| t.escalated).count()
        };
        return escalated(day) > escalated(day.minus(30));
    };
    let before = mean(&scores(scene, day, day.minus(30), 30)).or_else(|| mean(&scores(scene, day, day, 180)));
    before.is_some_and(|before| now <= before - rule.at("csat_drop")) || now <= rule.at("poor_csat")
}

pub fn critical_tickets_open(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let open = |t: &&TicketRow| t.opened_at.day() <= day && t.resolved_at.is_none_or(|at| at.day() > day);
    let critical = |t: &&TicketRow| t.priority == Some(Priority::P1) || t.escalated;
    let number = scene.tables.tickets.iter().filter(open).filter(critical).count() as f64;
    Hit::whole(number >= rule.at("tickets"), number)
}

pub fn csat_drop(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let answers = |until: Day, days: i32| -> Vec<f64> {
        let surveys = scene.tables.surveys.iter().filter(|s| s.kind == SurveyKind::Csat);
        surveys.filter(|s| within(s.at.day(), until, days)).map(|s| s.score).collect()
    };
    let spans = [
        (scores(scene, day, day, 30), scores(scene, day, day.minus(30), 30)),
        (scores(scene, day, day, 90), scores(scene, day, day.minus(90), 90)),
        (answers(day, 90), answers(day.minus(90), 90)),
    ];
    let enough = |scores: &[f64]| scores.len() as f64 >= rule.at("answers");
    let drops = spans.iter().filter(|(now, before)| enough(now) && enough(before));
    let drop = drops.filter_map(|(now, before)| Some(mean(before)? - mean(now)?)).fold(0.0, f64::max);
    Hit::whole(drop >= rule.at("drop"), drop)
}

pub fn nps_detractor(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let last = latest_nps(scene, day).filter(|(at, _)| day.since(*at) <= rule.days("days"));
    last.map_or(Vec::new(), |(_, score)| Hit::whole(score <= rule.at("score"), score))
}

/// Day and score of the last NPS answer.
pub fn latest_nps(scene: &Scene, day: Day) -> Option<(Day, f64)> {
    let answers = scene.tables.surveys.iter().filter(|s| s.kind == SurveyKind::Nps && s.at.day() <= day);
    answers.max_by(|a, b| (a.at, &a.survey_id).cmp(&(b.at, &b.survey_id))).map(|s| (s.at.day(), s.score))
}
