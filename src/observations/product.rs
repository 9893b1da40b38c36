//! Product use from metered usage: every series against its own past, and the account's totals.

use super::change::{ChangePoint, change_point};
use super::metered::Metered;
use super::recorder::{Fact, Recorder, relative_change};
use super::{Metric, Name};
use crate::extracts::InputTable;
use crate::history::calendar::{Cadence, Kind};
use crate::history::usage::{Measure, Point, Regular};
use crate::statistics;
use crate::vocabulary::Day;

/// Windows shorter than this get no change point: they would be dated outside themselves.
const MIN_SINCE_WINDOW: i32 = 30;
const TREND_DAYS: i32 = 91;
/// Series that a median needs.
const MIN_INDEX_SERIES: usize = 3;

pub(super) fn observe(recorder: &mut Recorder, metered: &Metered) {
    if !recorder.has(InputTable::Usage) {
        return;
    }
    let windows = &metered.windows;
    for of in &metered.series {
        let series = of.regular;
        // A copy of the account's own: all threads would fight over the counter of the shared one.
        let name = Name::from(recorder.view.extracts.metric(series.metric));
        for (window, fact) in measured(recorder, series, windows, &of.measures) {
            recorder.record(Metric::Usage, name.clone(), Some(series.product), window, fact);
        }
        if recorder.asks(Metric::UsageTrend) {
            trend(recorder, series, &name);
        }
    }
    active_users(recorder, metered);
    active_days(recorder, metered);
    usage_index(recorder, metered);
}

/// The series' facts, with the day its change began on the windows that contain it and move the same way.
fn measured(recorder: &Recorder, series: &Regular, windows: &[i32], measures: &[Option<Measure>]) -> Vec<(i32, Fact)> {
    let change = recorder.asks_when().then(|| change_point(series)).flatten();
    let fact = |(&window, measure): (&i32, &Option<Measure>)| {
        let Measure { value, baseline, rows, .. } = (*measure)?;
        let fact = Fact { value, baseline, since: None, rows };
        Some((window, fact.since(change.and_then(|change| since(change, series, window, &fact)))))
    };
    windows.iter().zip(measures).filter_map(fact).collect()
}

fn since(change: ChangePoint, series: &Regular, window: i32, fact: &Fact) -> Option<Day> {
    let relative = relative_change(fact.value, fact.baseline)?;
    let inside = change.day > series.last().day.minus(2 * window);
    let agrees = relative * change.log_change > 0.0;
    (window >= MIN_SINCE_WINDOW && inside && agrees).then_some(change.day)
}

fn trend(recorder: &mut Recorder, series: &Regular, name: &str) {
    let weeks = series.weeks(TREND_DAYS);
    if weeks.len() < 4 {
        return;
    }
    let until = series.last().day;
    let points: Vec<(f64, f64)> = weeks.iter().map(|(day, mean)| (f64::from(day.since(until)), *mean)).collect();
    if let Some(line) = statistics::theil_sen(&points) {
        let rows = series.between(until.minus(TREND_DAYS), until).iter().map(|point| point.rows as usize).sum();
        let per_day = line.slope / if series.by_mean { 1.0 } else { series.days_per_point() };
        let name = Metric::UsageTrend.of(name);
        recorder.record(Metric::UsageTrend, name, Some(series.product), 90, Fact::new(per_day, rows));
    }
}

/// On each day the users of the busiest product.
fn active_users(recorder: &mut Recorder, metered: &Metered) {
    let metric = recorder.view.extracts.ids.metrics.get(Metric::ActiveUsers.name());
    let of_products = metered.series.iter().filter(|of| Some(of.regular.metric) == metric);
    let mut of_products = of_products.map(|of| of.regular);
    let Some(mut whole) = of_products.next().cloned() else { return };
    whole.points = of_products.fold(whole.points, |points, other| busiest(&points, &other.points));
    let measures: Vec<Option<Measure>> = metered.windows.iter().map(|window| whole.measure(*window)).collect();
    for (window, fact) in measured(recorder, &whole, &metered.windows, &measures) {
        recorder.account(Metric::ActiveUsers, window, fact);
    }
}

/// The larger value of each day; both run in order of days.
fn busiest(a: &[Point], b: &[Point]) -> Vec<Point> {
    let (mut merged, mut a, mut b) =
        (Vec::with_capacity(a.len().max(b.len())), a.iter().peekable(), b.iter().peekable());
    while let Some(day) = a.peek().into_iter().chain(b.peek()).map(|point| point.day).min() {
        let one = a.next_if(|point| point.day == day);
        let two = b.next_if(|point| point.day == day);
        let both = one.into_iter().chain(two);
        let (rows, value) = both.fold((0, 0.0f64), |(rows, value), p| (rows + p.rows, value.max(p.value)));
        merged.push(Point { day, rows, value });
    }
    merged
}

/// Days with any amount of a daily counter.
fn active_days(recorder: &mut Recorder, metered: &Metered) {
    let windows = &metered.windows;
    let counters = metered.series.iter().map(|of| of.regular).filter(|s| s.kind == Kind::Counter);
    let daily: Vec<&Regular> = counters.filter(|s| s.cadence == Cadence::Daily).collect();
    let Some(until) = daily.iter().map(|series| series.last().day).max() else { return };
    let longest = windows.last().copied().unwrap_or(0);
    let mut active = vec![false; 2 * longest as usize];
    let mut began = until;
    for series in daily {
        began = began.min(series.first().day);
        for point in series.between(until.minus(2 * longest), until).iter().filter(|point| point.value > 0.0) {
            active[until.since(point.day) as usize] = true;
        }
    }
    let count =
        |ages: std::ops::Range<i32>| active[ages.start as usize..ages.end as usize].iter().filter(|on| **on).count();
    for &window in windows {
        let reaches = |ages: i32| until.since(began) + 1 >= ages;
        if reaches(window) {
            let (now, before) = (count(0..window), count(window..2 * window));
            let fact = Fact::new(now as f64, now).against(reaches(2 * window).then_some(before as f64));
            recorder.account(Metric::ActiveDays, window, fact);
        }
    }
}

fn usage_index(recorder: &mut Recorder, metered: &Metered) {
    for (position, &window) in metered.windows.iter().enumerate() {
        let counters = metered.series.iter().filter(|of| of.regular.kind == Kind::Counter);
        let measures = counters.filter_map(|of| of.measures[position]);
        let known = measures.filter_map(|m| Some((m.value / m.baseline.filter(|base| *base > 0.0)?, m.rows)));
        let (mut ratios, rows): (Vec<f64>, Vec<u64>) = known.map(|(ratio, rows)| (ratio.min(4.0), rows)).unzip();
        if ratios.len() >= MIN_INDEX_SERIES {
            let value = statistics::median(&mut ratios).unwrap_or(1.0);
            let fact = Fact { value, baseline: Some(1.0), since: None, rows: rows.iter().sum() };
            recorder.account(Metric::UsageIndex, window, fact);
        }
    }
}

/// Unit of a well-known usage metric.
pub fn unit_of(metric: &str) -> &'static str {
    match metric {
        "active_users" => "users",
        "sessions" => "sessions",
        "session_minutes" => "minutes",
        "seats" => "seats",
        "api_calls" => "calls",
        "storage_gb" => "GB",
        "records" => "records",
        "exports" => "exports",
        "workflows" => "workflows",
        "transactions" => "transactions",
        "user_roles" => "roles",
        _ => "units",
    }
}
