//! Rules over feature use.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::Rule;
use super::scene::{Hit, Scene, within};
use crate::extracts::tables::FeatureKind;
use crate::simulate::catalog::{FEATURES, FeatureSpec, PRODUCT_COUNT, ProductNo, USE_CASES};
use crate::simulate::rows::FeatureUseRow;
use crate::vocabulary::Day;

fn known<'a>(scene: &'a Scene, day: Day) -> impl Iterator<Item = (&'a FeatureUseRow, &'static FeatureSpec)> {
    let rows = scene.tables.feature_usage.iter().filter(move |row| row.day <= day);
    rows.map(|row| (row, &FEATURES[row.feature()]))
}

/// Events, distinct users and distinct days of what was used in the last 30 days, by the product that `of` names.
fn monthly(
    scene: &Scene,
    day: Day,
    of: impl Fn(&FeatureUseRow, &FeatureSpec) -> Option<ProductNo>,
) -> BTreeMap<ProductNo, (f64, usize, usize)> {
    let mut seen: BTreeMap<ProductNo, (f64, BTreeSet<u32>, BTreeSet<Day>)> = BTreeMap::new();
    for (row, feature) in known(scene, day).filter(|(row, _)| within(row.day, day, 30)) {
        if let Some(product) = of(row, feature) {
            let (events, users, days) = seen.entry(product).or_default();
            *events += f64::from(row.events);
            users.insert(row.user);
            days.insert(row.day);
        }
    }
    seen.into_iter().map(|(product, (events, users, days))| (product, (events, users.len(), days.len()))).collect()
}

pub fn teaser_clicks(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let clicks = monthly(scene, day, |_, f| (f.kind == FeatureKind::Teaser).then_some(f.product));
    let enough = clicks.into_iter().filter(|(_, (events, ..))| *events >= rule.at("events"));
    enough.map(|(product, (events, ..))| Hit::of(product, events)).collect()
}

pub fn premium_trial(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let tried = monthly(scene, day, |row, f| row.in_trial.then_some(f.product));
    let keen = |users: usize, days: usize| users as f64 >= rule.at("users") || days as f64 >= rule.at("days");
    let tried = tried.into_iter().filter(|(_, (_, users, days))| keen(*users, *days));
    tried.map(|(product, (_, users, _))| Hit::of(product, users as f64)).collect()
}

pub fn power_users(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let mut began: BTreeMap<u32, Day> = BTreeMap::new();
    let power = |f: &FeatureSpec| matches!(f.kind, FeatureKind::Advanced | FeatureKind::Workflow | FeatureKind::Export);
    for (row, _) in known(scene, day).filter(|(_, f)| power(f)) {
        let first = began.entry(row.user).or_insert(row.day);
        *first = row.day.min(*first);
    }
    let Some(history) = known(scene, day).map(|(row, _)| row.day).min() else { return Vec::new() };
    let count = |until: Day| began.values().filter(|first| within(**first, until, 30)).count() as f64;
    let (now, before) = (count(day), count(day.minus(30)));
    let holds = day.since(history) >= 30 && now >= rule.at("users") && now >= before * rule.at("growth");
    Hit::whole(holds, now)
}

pub fn workaround_use(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let used = monthly(scene, day, |_, f| f.suggests);
    let wanting = used.into_iter().filter(|(product, _)| *product < PRODUCT_COUNT && !scene.owns(*product, day));
    let heavy =
        wanting.filter(|(_, (events, users, _))| *events >= rule.at("events") && *users as f64 >= rule.at("users"));
    heavy.map(|(product, (events, ..))| Hit::of(product, events)).collect()
}

pub fn use_case_expansion(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let Some(history) = known(scene, day).map(|(row, _)| row.day).min() else { return Vec::new() };
    let mix = |holds: &dyn Fn(Day) -> bool| {
        let mut events = [0.0; USE_CASES.len()];
        for (row, feature) in known(scene, day).filter(|(row, _)| holds(row.day)) {
            let use_case = USE_CASES.iter().position(|word| *word == feature.use_case).unwrap_or(0);
            events[use_case] += f64::from(row.events);
        }
        events
    };
    let early = mix(&|then| then.since(history) < 90);
    let late = mix(&|then| within(then, day, 90));
    let (before, after): (f64, f64) = (early.iter().sum(), late.iter().sum());
    let least = rule.at("min_events");
    if day.since(history) < 180 || before < least || after < least {
        return Vec::new();
    }
    let moved: f64 = early.iter().zip(late).map(|(e, l)| (l / after - e / before).abs()).sum::<f64>() / 2.0;
    Hit::whole(moved >= rule.at("shift"), moved)
}

pub fn feature_abandonment(scene: &Scene, rule: &Rule, day: Day) -> Vec<Hit> {
    let mut seen: BTreeMap<usize, (bool, f64, BTreeSet<Day>)> = BTreeMap::new();
    for (row, _) in known(scene, day) {
        let (recent, events, days) = seen.entry(row.feature()).or_default();
        *recent |= within(row.day, day, 30);
        if within(row.day, day.minus(30), 90) {
            *events += f64::from(row.events);
            days.insert(row.day);
        }
    }
    let left = seen.values().filter(|(recent, events, days)| {
        !recent && days.len() as f64 >= rule.at("days") && events / 3.0 >= rule.at("min_events")
    });
    let left = left.count();
    Hit::whole(left > 0, left as f64)
}
