//! Signals of how much the product is used: growth beyond a ramp-up, and decline with the day it began.

use super::Detail;
use super::case::{Case, Finding, Rule, metric_words};
use crate::observations::{Metric, Observation};
use crate::vocabulary::{Day, ProductIx};
use crate::wording::{capital, count, day, percent};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let mut found = api_growth(case);
    found.extend(usage_doubling(case));
    found.extend(usage_decline(case));
    found.extend(active_users_drop(case));
    found
}

/// A metric's mean over the last 30 days and over the 30 days that lie 60 days before them.
struct Rise {
    now: f64,
    before: f64,
    links: Vec<u32>,
    since: Option<Day>,
}

/// Least rows of 90 days against those of the last 30 for the quarter to be whole.
const WHOLE_QUARTER: f64 = 2.7;

/// Whether a window's value adds up its days or averages them.
#[derive(Clone, Copy, PartialEq)]
enum Measure {
    Sum,
    Mean,
}

impl Rise {
    /// Days 61–90 are what the 90-day window holds beyond the 60-day one.
    fn of(case: &Case, metric: &str, product: Option<ProductIx>, measure: Measure) -> Option<Rise> {
        let (month_at, month) = case.fact(metric, product, 30)?;
        let (_, two_months) = case.fact(metric, product, 60)?;
        let (quarter_at, quarter) = case.fact(metric, product, 90)?;
        // A product younger than the span has no level of two months before.
        if f64::from(quarter.source_rows()) < WHOLE_QUARTER * f64::from(month.source_rows()) {
            return None;
        }
        // Values only: a baseline is brought to the weekdays of its window and would not add up with them.
        let before = match measure {
            Measure::Sum => quarter.value - two_months.value,
            Measure::Mean => 3.0 * quarter.value - 2.0 * two_months.value,
        };
        let since = quarter.since().or(month.since());
        Some(Rise { now: month.value, before: before.max(0.0), links: vec![month_at, quarter_at], since })
    }

    fn ratio(&self) -> f64 {
        self.now / self.before
    }
}

fn api_growth(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("api_growth").filter(|rule| case.grown_up(rule)) else { return Vec::new() };
    let products = case.facts("api_calls").filter(|(_, o)| o.window_days() == 30).map(|(_, o)| o.product());
    products.filter_map(|product| api_growth_of(case, &rule, product)).collect()
}

fn api_growth_of(case: &Case, rule: &Rule, product: Option<ProductIx>) -> Option<Finding> {
    let rise = Rise::of(case, "api_calls", product, Measure::Sum)?;
    let fires = rise.before >= rule.at("min_level") && rise.ratio() >= rule.at("growth");
    let sentence = || {
        format!(
            "API calls rose to {} in 30 days from {} in the 30 days two months earlier, {} times as many.",
            count(rise.now),
            count(rise.before),
            count(rise.ratio()),
        )
    };
    fires.then(|| {
        let strength = rule.strength(rise.ratio(), "growth");
        rule.finding(strength, sentence(), rise.links.clone()).product(product).since(rise.since).value(rise.ratio())
    })
}

fn usage_doubling(case: &Case) -> Option<Finding> {
    let rule = case.rule("usage_doubling").filter(|rule| case.grown_up(rule))?;
    let rise = Rise::of(case, Metric::ActiveUsers.name(), None, Measure::Mean)?;
    let fires = rise.before >= rule.at("min_level")
        && rise.now - rise.before >= rule.at("min_gain")
        && rise.ratio() >= rule.at("growth");
    let sentence = || {
        format!(
            "Daily active users rose to {} in the last 30 days from {} two months earlier, {} times as many.",
            count(rise.now),
            count(rise.before),
            count(rise.ratio()),
        )
    };
    fires.then(|| {
        let strength = rule.strength(rise.ratio(), "growth");
        rule.finding(strength, sentence(), rise.links.clone()).since(rise.since).value(rise.ratio())
    })
}

/// Active users where they are metered, else sessions, else the account's usage as a whole.
fn usage_decline(case: &Case) -> Option<Finding> {
    let rule = case.rule("usage_decline").filter(|rule| case.grown_up(rule))?;
    if case.facts(Metric::ActiveUsers.name()).next().is_some() {
        return decline(case, &rule, "active_users", rule.at("min_level"));
    }
    decline(case, &rule, Metric::UsageIndex.name(), 0.0)
}

/// The steepest fall over 30, 60 or 90 days that the last week has not made up for.
fn decline(case: &Case, rule: &Rule, metric: &str, min_level: f64) -> Option<Finding> {
    let falls = [30, 60, 90].into_iter().filter_map(|window| case.whole(metric, window));
    let falls = falls.filter(|(_, o)| o.baseline().is_some_and(|baseline| baseline >= min_level));
    let falls = falls.filter(|(_, o)| o.change().is_some_and(|change| change <= rule.at("drop")));
    let (at, fall) = falls.filter(|(_, o)| still_down(case, o, rule)).min_by(|a, b| by_change(a.1, b.1))?;
    let began = [Some(fall), case.whole(metric, 90).map(|f| f.1), case.whole(metric, 180).map(|f| f.1)];
    let since = began.into_iter().flatten().find_map(|o| o.since());
    let drop = fall.change()?;
    let named = if metric == Metric::UsageIndex.name() { "use of all features".into() } else { metric_words(metric) };
    let sentence = format!(
        "{} fell {} to {} over {} days, from {}{}.",
        capital(&named),
        percent(-drop),
        count(fall.value),
        fall.window_days(),
        count(fall.baseline()?),
        since.map_or(String::new(), |since| format!("; the decline began around {}", day(since))),
    );
    let links = [Some(at), case.whole(metric, 180).map(|f| f.0)].into_iter().flatten().collect();
    Some(rule.finding(rule.strength(drop, "drop"), sentence, links).since(since).detail(Detail {
        metric: Some(metric.into()),
        value: Some(drop),
        ..Detail::default()
    }))
}

/// A quiet stretch that is over, such as a holiday, is no decline.
fn still_down(case: &Case, fall: &Observation, rule: &Rule) -> bool {
    let (Some(baseline), Some((_, week))) = (fall.baseline(), case.whole(fall.metric(), 7)) else { return true };
    let relative = fall.unit() == "ratio";
    relative || week.value <= baseline * (1.0 + rule.at("drop") * 0.8)
}

fn by_change(a: &Observation, b: &Observation) -> std::cmp::Ordering {
    let change = |o: &Observation| o.change().unwrap_or(0.0);
    change(a).total_cmp(&change(b))
}

/// The last week against the month before it began: a fall shows before the monthly means show it.
fn active_users_drop(case: &Case) -> Option<Finding> {
    let rule = case.rule("active_users_drop")?;
    let (week_at, week) = case.whole(Metric::ActiveUsers, 7)?;
    let (month_at, month) = case.whole(Metric::ActiveUsers, 30)?;
    let before = month.baseline()?;
    let drop = (week.value - before) / before;
    let fires = before >= rule.at("min_level")
        && drop <= rule.at("drop")
        && month.change().is_some_and(|change| change <= rule.at("lasting"));
    let sentence = || {
        format!(
            "Daily active users down {} in a month: {} in the last week, {} in the month before.",
            percent(-drop),
            count(week.value),
            count(before),
        )
    };
    let since = month.since().or_else(|| case.whole(Metric::ActiveUsers, 90).and_then(|(_, o)| o.since()));
    fires.then(|| {
        rule.finding(rule.strength(drop, "drop"), sentence(), vec![week_at, month_at]).since(since).value(drop)
    })
}
