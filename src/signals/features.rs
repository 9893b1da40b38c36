//! Signals of what is used: teasers, trials, power users, workarounds, new use cases, features left behind.

use super::Detail;
use super::case::{Case, Finding, Rule};
use crate::extracts::tables::{FeatureKind, FeatureUse};
use crate::observations::{Metric, Observation};
use crate::vocabulary::{FeatureIx, ProductIx, Text};
use crate::wording::{count, list, percent, plural, words};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let mut found = teaser_clicks(case);
    found.extend(premium_trial(case));
    found.extend(power_users(case));
    found.extend(workaround_use(case));
    found.extend(use_case_expansion(case));
    found.extend(feature_abandonment(case));
    found
}

/// The 30-day observations of a metric that belong to a product.
fn monthly<'a>(case: &'a Case<'a>, metric: Metric) -> impl Iterator<Item = (ProductIx, u32, &'a Observation)> {
    let facts = case.facts(metric.name()).filter(|(_, o)| o.window_days() == 30);
    facts.filter_map(|(at, o)| o.product().map(|product| (product, at, o)))
}

fn teaser_clicks(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("teaser_clicks") else { return Vec::new() };
    let fires = |o: &Observation| o.value >= rule.at("events");
    let clicked = monthly(case, Metric::TeaserEvents).filter(|(_, _, o)| fires(o));
    clicked
        .map(|(product, at, o)| {
            let shown = touched(case, product, |kind, _| kind == Some(FeatureKind::Teaser));
            let by = case.fact(Metric::TeaserUsers, Some(product), 30);
            let sentence = format!(
                "{} on {} in 30 days{}.",
                plural(o.value as i64, "click", "clicks"),
                named(case, &shown, "teasers of a higher tier"),
                by.map_or(String::new(), |(_, users)| format!(" by {}", plural(users.value as i64, "user", "users"))),
            );
            let links = [at].into_iter().chain(by.map(|(at, _)| at)).collect();
            let detail = Detail { tier: tier_for(case, product, &shown), value: Some(o.value), ..Detail::default() };
            rule.finding(rule.strength(o.value, "events"), sentence, links).product(Some(product)).detail(detail)
        })
        .collect()
}

fn premium_trial(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("premium_trial") else { return Vec::new() };
    let tried = monthly(case, Metric::TrialUsers);
    tried.filter_map(|(product, at, users)| premium_trial_of(case, &rule, product, at, users.value)).collect()
}

fn premium_trial_of(case: &Case, rule: &Rule, product: ProductIx, at: u32, users: f64) -> Option<Finding> {
    let days = case.fact(Metric::TrialDays, Some(product), 30);
    let repeated = days.is_some_and(|(_, o)| o.value >= rule.at("days"));
    if !(users >= rule.at("users") || (users >= 1.0 && repeated)) {
        return None;
    }
    let tried = touched(case, product, |_, use_| use_.in_trial);
    let sentence = format!(
        "{} tried {} in the last 30 days{}.",
        plural(users as i64, "user", "users"),
        named(case, &tried, "features of a higher tier"),
        days.map_or(String::new(), |(_, o)| format!(", on {}", plural(o.value as i64, "day", "days"))),
    );
    let links = [at].into_iter().chain(days.map(|(at, _)| at)).collect();
    let detail = Detail { tier: tier_for(case, product, &tried), value: Some(users), ..Detail::default() };
    Some(rule.finding(rule.strength(users, "users"), sentence, links).product(Some(product)).detail(detail))
}

fn power_users(case: &Case) -> Option<Finding> {
    let rule = case.rule("power_users")?;
    let (at, fresh) = case.whole(Metric::NewPowerUsers, 30)?;
    let usual = fresh.baseline().unwrap_or(0.0);
    let fires = fresh.value >= rule.at("users") && fresh.value >= usual * rule.at("growth");
    let all = case.whole(Metric::PowerUsers, 30);
    let sentence = || {
        format!(
            "{} took up advanced, workflow or export features in the last 30 days, after {} in the 30 days before{}.",
            plural(fresh.value as i64, "user", "users"),
            count(usual),
            all.map_or(String::new(), |(_, o)| format!("; {} use them now", count(o.value))),
        )
    };
    let links = [at].into_iter().chain(all.map(|(at, _)| at)).collect();
    fires.then(|| rule.finding(rule.strength(fresh.value, "users"), sentence(), links).value(fresh.value))
}

fn workaround_use(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("workaround_use") else { return Vec::new() };
    let wanting =
        monthly(case, Metric::WorkaroundEvents).filter(|(product, ..)| !case.evidence.contract.owns(*product));
    wanting.filter_map(|(product, at, events)| workaround_of(case, &rule, product, at, events.value)).collect()
}

fn workaround_of(case: &Case, rule: &Rule, product: ProductIx, at: u32, events: f64) -> Option<Finding> {
    let (users_at, users) = case.fact(Metric::WorkaroundUsers, Some(product), 30)?;
    let sentence = || {
        let stand_ins = stand_ins(case, product);
        format!(
            "{} used {} {} in 30 days, which stands in for {}.",
            plural(users.value as i64, "user", "users"),
            named(case, &stand_ins, "a workaround"),
            plural(events as i64, "time", "times"),
            case.product_name(product),
        )
    };
    let fires = events >= rule.at("events") && users.value >= rule.at("users");
    fires.then(|| {
        let strength = rule.strength(events, "events");
        rule.finding(strength, sentence(), vec![at, users_at]).product(Some(product)).value(events)
    })
}

fn use_case_expansion(case: &Case) -> Option<Finding> {
    let rule = case.rule("use_case_expansion")?;
    let (at, shift) = case.whole(Metric::UseCaseShift, 90)?;
    let prefix = Metric::UseCaseShare.name();
    let shares = case.evidence.facts.observations.iter().enumerate().filter(|(_, o)| o.metric().starts_with(prefix));
    let gain = |o: &Observation| o.value - o.baseline().unwrap_or(0.0);
    let grown = shares.max_by(|a, b| gain(a.1).total_cmp(&gain(b.1)));
    let sentence = || {
        format!(
            "{} of use has moved to another purpose since the first 90 days{}.",
            percent(shift.value),
            grown.map_or(String::new(), |(_, o)| format!(
                "; {} went from {} to {}",
                words(&o.metric()[prefix.len()..]),
                percent(o.baseline().unwrap_or(0.0)),
                percent(o.value)
            )),
        )
    };
    let links = [at].into_iter().chain(grown.map(|(at, _)| at as u32)).collect();
    let place = grown.map(|(_, o)| Text::from(&o.metric()[prefix.len()..]));
    let detail = Detail { place, value: Some(shift.value), ..Detail::default() };
    let fires = shift.value >= rule.at("shift");
    fires.then(|| {
        rule.finding(rule.strength(shift.value, "shift"), sentence(), links).since(shift.since()).detail(detail)
    })
}

fn feature_abandonment(case: &Case) -> Option<Finding> {
    let rule = case.rule("feature_abandonment")?;
    let (at, regular) = case.whole(Metric::FeaturesAbandoned, 30)?;
    let prefix = Metric::FeatureAbandoned.name();
    let facts = case.evidence.facts.observations.iter().enumerate();
    let left: Vec<(usize, &Observation)> = facts
        .filter(|(_, o)| o.metric().starts_with(prefix) && o.baseline().is_some_and(|b| b >= rule.at("min_events")))
        .collect();
    let name = |o: &Observation| {
        let feature = case.extracts.ids.features.get(&o.metric()[prefix.len()..]);
        feature.map_or_else(|| o.metric()[prefix.len()..].to_owned(), |f| case.extracts.feature(f).name.to_string())
    };
    let names: Vec<String> = left.iter().take(3).map(|(_, o)| name(o)).collect();
    let sentence = || {
        format!(
            "{} of {} in regular use {} unused for 30 days: {}.",
            left.len(),
            plural(regular.baseline().unwrap_or(regular.value) as i64, "feature", "features"),
            if left.len() == 1 { "went" } else { "have gone" },
            list(&names),
        )
    };
    let links = [at].into_iter().chain(left.iter().map(|(at, _)| *at as u32)).collect();
    let since = left.iter().filter_map(|(_, o)| o.since()).max();
    let number = left.len() as f64;
    (number >= rule.at("features"))
        .then(|| rule.finding(rule.strength(number, "features"), sentence(), links).since(since).value(number))
}

/// Features of a product used in the last 30 days that meet the condition, in id order.
fn touched(
    case: &Case,
    product: ProductIx,
    meets: impl Fn(Option<FeatureKind>, &FeatureUse) -> bool,
) -> Vec<FeatureIx> {
    let recent = case.evidence.view.feature_usage_since(case.evidence.account, case.day.minus(29));
    let features = recent.filter(|u| {
        let feature = case.extracts.feature(u.feature);
        feature.product == product && u.events > 0 && meets(feature.kind, u)
    });
    let mut features: Vec<FeatureIx> = features.map(|u| u.feature).collect();
    features.sort_unstable();
    features.dedup();
    features
}

/// Features used in the last 30 days that stand in for `product`.
fn stand_ins(case: &Case, product: ProductIx) -> Vec<FeatureIx> {
    let recent = case.evidence.view.feature_usage_since(case.evidence.account, case.day.minus(29));
    let suggests = |feature: FeatureIx| case.extracts.feature(feature).suggests == Some(product);
    let mut features: Vec<FeatureIx> =
        recent.filter(|u| u.events > 0 && suggests(u.feature)).map(|u| u.feature).collect();
    features.sort_unstable();
    features.dedup();
    features
}

/// Up to three feature names, or what they are where none is known.
fn named(case: &Case, features: &[FeatureIx], otherwise: &str) -> String {
    let names: Vec<&str> = features.iter().take(3).map(|feature| &*case.extracts.feature(*feature).name).collect();
    if names.is_empty() { otherwise.into() } else { list(&names) }
}

/// The tier of an owned product that includes all of these features.
fn tier_for(case: &Case, product: ProductIx, features: &[FeatureIx]) -> Option<Text> {
    let ranks = features.iter().filter_map(|feature| case.extracts.feature(*feature).min_tier_rank);
    case.tier_to(product, ranks.max().unwrap_or(0))
}
