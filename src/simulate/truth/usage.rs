//! Rules over metered use.

use super::rule::Rule;
use super::scene::{Hit, Scene, within};
use crate::extracts::tables::{OpportunityKind, Period};
use crate::simulate::catalog::{PIPELINE, ProductNo, WORKSPACE};
use crate::simulate::metering::Meter;
use crate::simulate::rows::{EntitlementRow, Metric};
use crate::vocabulary::Day;

pub fn seat_utilization(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let seats = scene.ceilings(day).filter(|(e, _)| e.metric == Metric::Seats && e.limit >= rule.at("min_limit"));
    seats
        .filter_map(|(e, meter)| {
            let now = meter.on(day)?;
            let gained = 2.0 * (meter.mean(day, 30)? - meter.mean(day.minus(30), 30)?);
            let holds = now / e.limit >= rule.at("share") && gained / e.limit >= rule.at("growth");
            holds.then_some(Hit::of(e.product, now / e.limit))
        })
        .collect()
}

fn share(e: &EntitlementRow, meter: &Meter, day: Day) -> f64 {
    meter.against(e.period, day).map_or(0.0, |used| used / e.limit)
}

/// Days of the last `days` on which the ceiling's use stood at `level` of it or above.
fn days_at(e: &EntitlementRow, meter: &Meter, day: Day, days: i32, level: f64) -> i32 {
    (0..days).filter(|age| share(e, meter, day.minus(*age)) >= level).count() as i32
}

pub fn sustained_utilization(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let days = rule.days("days");
    let full = scene.ceilings(day).filter(|(e, meter)| {
        let level = rule.at(if e.metric == Metric::Seats { "seat_share" } else { "share" });
        e.limit >= rule.at("min_limit") && days_at(e, meter, day, days, level) == days
    });
    full.map(|(e, meter)| Hit::of(e.product, share(e, meter, day))).collect()
}

pub fn overage(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let over = scene.ceilings(day).filter_map(|(e, meter)| {
        let month_before = share(e, meter, day.month_start().minus(1));
        let now = share(e, meter, day);
        let level = if e.period == Period::Month { now.max(month_before) } else { now };
        let lasts = e.period == Period::Month || days_at(e, meter, day, 30, 1.0) >= rule.days("min_days");
        (level > 1.0 && lasts).then_some(Hit::of(e.product, level))
    });
    over.collect()
}

pub fn limit_hit(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let hard = scene.ceilings(day).filter(|(e, _)| e.metric != Metric::Seats);
    let hit = hard.map(|(e, meter)| (e.product, days_at(e, meter, day, 30, 1.0)));
    hit.filter(|(_, days)| *days >= rule.days("days")).map(|(product, days)| Hit::of(product, days.into())).collect()
}

/// Mean of the last 30 days over that of the 30 days that ended 60 days earlier, with both.
fn rise(meter: &Meter, day: Day) -> Option<(f64, f64)> {
    Some((meter.level(day, 30)?, meter.level(day.minus(60), 30)?))
}

pub fn api_growth(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let Some((now, before)) = scene.meter(PIPELINE, Metric::ApiCalls).and_then(|meter| rise(meter, day)) else {
        return Vec::new();
    };
    let grown_up = scene.tenure(day) >= rule.days("min_history_days");
    let holds = grown_up && before * 30.0 >= rule.at("min_level") && now >= before * rule.at("growth");
    if holds { vec![Hit::of(PIPELINE, now / before)] } else { Vec::new() }
}

pub fn usage_doubling(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let Some((now, before)) = scene.meter(WORKSPACE, Metric::ActiveUsers).and_then(|meter| rise(meter, day)) else {
        return Vec::new();
    };
    let grown_up = scene.tenure(day) >= rule.days("min_history_days");
    let enough = before >= rule.at("min_level") && now - before >= rule.at("min_level");
    Hit::whole(grown_up && enough && now >= before * rule.at("growth"), now / before)
}

pub fn usage_decline(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let Some(meter) = scene.meter(WORKSPACE, Metric::ActiveUsers) else { return Vec::new() };
    let kept = 1.0 - rule.at("drop");
    let Some(week) = meter.level(day, 7) else { return Vec::new() };
    let worst = [30, 60, 90]
        .into_iter()
        .filter_map(|days| Some((meter.level(day, days)?, meter.level(day.minus(days), days)?)))
        .filter(|(_, before)| *before >= rule.at("min_level") && week <= before * (1.0 - 0.8 * rule.at("drop")))
        .map(|(now, before)| now / before)
        .fold(f64::INFINITY, f64::min);
    Hit::whole(worst <= kept && scene.tenure(day) >= rule.days("min_history_days"), worst - 1.0)
}

pub fn active_users_drop(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let Some(meter) = scene.meter(WORKSPACE, Metric::ActiveUsers) else { return Vec::new() };
    let (Some(week), Some(before)) = (meter.level(day, 7), meter.level(day.minus(30), 30)) else { return Vec::new() };
    Hit::whole(before >= rule.at("min_level") && week <= before * (1.0 - rule.at("drop")), week / before - 1.0)
}

pub fn underused_contract(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    if scene.tenure(day) < rule.days("min_history_days") || upgraded(scene, day, rule.days("settled_days")) {
        return Vec::new();
    }
    let underused = |product: ProductNo| {
        let paid = scene.ceilings(day).filter(|(e, _)| e.product == product);
        let counted = paid.filter(|(e, _)| product != WORKSPACE || e.metric == Metric::Seats);
        let used = counted.filter_map(|(e, meter)| spans(e, meter, day));
        let fullest = used.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (fullest.0 <= rule.at("share")).then_some(Hit::of(product, fullest.1))
    };
    [WORKSPACE, PIPELINE].into_iter().filter(|product| scene.owns(*product, day)).filter_map(underused).collect()
}

/// Utilization over 7, 30 and 60 days: the highest of them, and that of 60.
fn spans(e: &EntitlementRow, meter: &Meter, day: Day) -> Option<(f64, f64)> {
    let per_day = match e.period {
        Period::Gauge | Period::Day => e.limit,
        Period::Month => e.limit / (365.25 / 12.0),
    };
    let over = |days: i32| meter.mean(day, days).map(|mean| mean / per_day);
    let two_months = over(60)?;
    Some((two_months.max(over(30)?).max(over(7)?), two_months))
}

/// Whether an owned product grew within the last `days`.
fn upgraded(scene: &Scene, day: Day, days: i32) -> bool {
    let versions = &scene.course.subscriptions;
    let grew = versions.windows(2).any(|pair| {
        let (before, after) = (&pair[0], &pair[1]);
        let same = before.subscription_id == after.subscription_id;
        same && after.arr > before.arr && within(after.recorded_at.day(), day, days)
    });
    let won = |deal: &crate::simulate::course::Deal| {
        deal.kind == OpportunityKind::Upsell && deal.won && deal.closes <= day && within(deal.closes, day, days)
    };
    grew || scene.course.deals.iter().any(won)
}
