//! Which series a briefing draws, and its points: the ceiling that matters, or the use that is in decline.

use super::chart::Chart;
use crate::assessment::Assessment;
use crate::capacity::Capacity;
use crate::extracts::tables::{Period, Series};
use crate::history::View;
use crate::recommendations::{Action, Recommendation};
use crate::vocabulary::{Day, ProductIx};
use crate::wording;

/// How far back a chart looks, days.
const LOOK_BACK: i32 = 182;

/// At most two charts: the tightest ceiling of the product, and active use.
pub fn charts(view: View, state: &Assessment, rec: &Recommendation) -> Vec<Chart> {
    let ceiling = tightest(state, rec.product).map(|capacity| against_ceiling(view, state, capacity));
    let wants_use = ceiling.is_none() || rec.action == Action::SavePlay;
    let active = active_use(view, state, rec).filter(|_| wants_use);
    ceiling.into_iter().chain(active).filter(|c| c.points.len() > 1).collect()
}

/// The ceiling closest to its limit, of the recommended product if it has one.
fn tightest<'a>(state: &'a Assessment, product: Option<ProductIx>) -> Option<&'a Capacity> {
    let fits = |c: &&Capacity| product.is_none_or(|p| c.product == p);
    state.facts.capacity.iter().filter(fits).max_by(|a, b| a.utilization.total_cmp(&b.utilization))
}

fn against_ceiling(view: View, state: &Assessment, capacity: &Capacity) -> Chart {
    let metric = view.extracts.metric(capacity.metric);
    let series = view.extracts.usage.of(state.account).iter();
    let series = series.filter(|s| s.product == capacity.product && s.metric == capacity.metric);
    let points = series.map(|s| points(view, s, capacity.period)).next().unwrap_or_default();
    let breach = match (capacity.breach_p10, capacity.breach_p50, capacity.breach_p90) {
        (Some(p10), Some(p50), Some(p90)) => Some([p10, p50, p90]),
        _ => None,
    };
    let per = match capacity.period {
        Period::Gauge => "",
        Period::Day => " per day",
        Period::Month => " per month",
    };
    let title = format!("{} {}{per}", view.extracts.product(capacity.product).name, wording::words(metric));
    Chart { title, points, ceiling: Some(capacity.limit), breach, since: None }
}

/// Daily active users of the recommended product, else of the product with the most ARR.
fn active_use(view: View, state: &Assessment, rec: &Recommendation) -> Option<Chart> {
    let all = view.extracts.usage.of(state.account);
    let product = rec.product.or_else(|| largest(state));
    let of_product = |metric: &str| {
        all.iter().find(|s| view.extracts.metric(s.metric) == metric && product.is_none_or(|p| s.product == p))
    };
    let series = of_product("active_users").or_else(|| of_product("sessions"))?;
    let since = state.signals.iter().find(|s| &*s.signal == "usage_decline").and_then(|s| s.since);
    let metric = wording::words(view.extracts.metric(series.metric));
    let title = format!("{} {metric}, weekly mean", view.extracts.product(series.product).name);
    Some(Chart { title, points: points(view, series, Period::Day), ceiling: None, breach: None, since })
}

fn largest(state: &Assessment) -> Option<ProductIx> {
    state.contract.active.iter().max_by(|a, b| a.arr.total_cmp(&b.arr)).map(|s| s.product)
}

/// One point a week (a month for monthly ceilings): the last level of a gauge, the mean of a day's amount, the
/// month's total.
fn points(view: View, series: &Series, period: Period) -> Vec<(Day, f64)> {
    let cells = view.extracts.usage.known(series, view.day);
    let from = view.day.minus(LOOK_BACK);
    let known: Vec<(Day, f64)> = cells
        .iter()
        .enumerate()
        .map(|(age, value)| (series.start.plus(age as i32), *value))
        .filter(|(day, value)| value.is_finite() && (*day > from || period == Period::Month))
        .collect();
    let bin = |day: Day| match period {
        Period::Month => day.month_start(),
        _ => Day(view.day.0 - view.day.since(day).div_euclid(7) * 7),
    };
    let bins = known.chunk_by(|a, b| bin(a.0) == bin(b.0));
    let mut points: Vec<(Day, f64)> = bins.map(|rows| (rows[rows.len() - 1].0, bin_value(rows, period))).collect();
    let keep = if period == Period::Month { 12 } else { points.len() };
    points.split_off(points.len().saturating_sub(keep))
}

fn bin_value(rows: &[(Day, f64)], period: Period) -> f64 {
    let total: f64 = rows.iter().map(|r| r.1).sum();
    match period {
        Period::Gauge => rows[rows.len() - 1].1,
        Period::Day => total / rows.len() as f64,
        Period::Month => total,
    }
}
