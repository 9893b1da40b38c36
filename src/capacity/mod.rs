//! Use against contractual ceilings, and when it will reach them.
//!
//! What counts as use of a ceiling stands in [`level`]; the forecast and its assumptions in [`forecast`]; the share of a
//! ceiling that counts as ready, learned from past upgrades, in [`thresholds`]; how often the forecast was right in
//! [`backtest`]. Nothing here decides what to do about it.

pub mod backtest;
pub mod forecast;
pub mod level;
pub mod thresholds;

use serde::{Deserialize, Serialize};

use crate::extracts::tables::{Entitlement, Period};
use crate::history::View;
use crate::history::calendar::Calendar;
use crate::history::contracts::Contract;
use crate::history::usage::Regular;
use crate::vocabulary::{AccountIx, Day, MetricIx, Probability, ProductIx};
use forecast::Forecast;
use level::Use;
use thresholds::Thresholds;

/// Where there is no renewal, a year ahead is looked at instead.
pub const HORIZON_DAYS: i32 = 365;
/// Share of the distribution below the largest need.
const NEED_Z: f64 = 1.281_552;

/// One ceiling on one day: a row of the `capacity` output.
#[derive(Clone, Debug)]
pub struct Capacity {
    pub product: ProductIx,
    pub metric: MetricIx,
    pub period: Period,
    /// In the metric's unit; per day or month as `period` says.
    pub limit: f64,
    /// The level; the second busiest of the last seven days; the calendar month to date. As of the last covered day.
    pub used: f64,
    /// used / limit.
    pub utilization: f64,
    /// Utilization that means the same on every day of the month: of a month's ceiling at the pace of the last four
    /// weeks, of every other ceiling as it is.
    pub pace: f64,
    /// Units per day: of the level, of the day's amount, or of the amount per month.
    pub daily_growth: f64,
    /// Consecutive days up to the last covered one at or above `threshold`.
    pub days_above_threshold: i32,
    /// Share of the limit that counts as ready for a conversation.
    pub threshold: f64,
    /// `configured`, or what it was learned from, with n and interval.
    pub threshold_basis: String,
    /// A day before which one breach in ten is expected. Where use is at the ceiling already, all three dates are the
    /// day on which that began; where history is too short or a breach too unlikely within two years, there is none.
    pub breach_p10: Option<Day>,
    pub breach_p50: Option<Day>,
    pub breach_p90: Option<Day>,
    /// Probability of a breach before the renewal (before one year from now where there is none).
    pub breach_before_renewal: Probability,
    pub renewal: Option<Day>,
    /// The P90 of the level at the renewal (one year from now where there is none, or where it lies further away): what
    /// a new ceiling should hold.
    pub need_p90_at_renewal: Option<f64>,
    /// Days in the last 30 on which use stood at or above the ceiling.
    pub days_at_limit_30d: i32,
}

/// `[capacity]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Share of a seat ceiling that counts as ready until learning replaces it.
    pub seat_threshold: f64,
    /// The same for every other ceiling.
    pub threshold: f64,
    /// Days of history that the trend looks at.
    pub trend_days: i32,
    /// Upgrades of all segments together that a learned threshold needs.
    pub min_upgrades: u32,
    /// Upgrades by which a segment is drawn towards all segments, and those towards the configured threshold.
    pub shrinkage: f64,
    /// Least standard deviation by which the level wanders in a week, as a share of the level.
    pub weekly_drift: f64,
    /// Standard deviation of growth per day over all series: steeper trends than a few of these are doubted.
    pub typical_growth: f64,
    /// Mean days that a trend lasts from now on.
    pub trend_lasts_days: f64,
}

/// What capacity and observations need beyond one account: how usage is delivered, and the thresholds per segment.
#[derive(Clone, Debug)]
pub struct Context {
    pub settings: Settings,
    pub calendar: Calendar,
    pub thresholds: Thresholds,
}

impl Context {
    /// Learns delivery and thresholds from what the view knows.
    pub fn learn(view: View, settings: &Settings) -> Context {
        let calendar = Calendar::learn(view);
        let thresholds = Thresholds::learn(view, &calendar, settings);
        Context { settings: settings.clone(), calendar, thresholds }
    }
}

/// Every ceiling in force that has use, by product, then metric; `usage` are the account's regular series.
pub fn measure(view: View, account: AccountIx, context: &Context, usage: &[Regular]) -> Vec<Capacity> {
    let ceilings = view.entitlements(account);
    if ceilings.is_empty() {
        return Vec::new();
    }
    let contract = Contract::on(view, account);
    let segment = view.account(account).and_then(|row| row.segment.clone());
    let of_ceiling = |ceiling: &Entitlement| {
        let series = usage.iter().find(|s| s.product == ceiling.product && s.metric == ceiling.metric)?;
        let (threshold, basis) = context.thresholds.of(segment.as_deref(), ceiling.metric, view, &context.settings);
        let renewal = contract.renewal_of(ceiling.product, view.day).or(contract.renewal);
        let renewal = renewal.filter(|day| *day > view.day);
        Some(one(view.day, ceiling, series, (threshold, basis), renewal, &context.settings))
    };
    ceilings.into_iter().filter_map(of_ceiling).collect()
}

fn one(
    day: Day,
    ceiling: &Entitlement,
    series: &Regular,
    (threshold, threshold_basis): (f64, String),
    renewal: Option<Day>,
    settings: &Settings,
) -> Capacity {
    let used = Use::of(series, ceiling.period);
    let forecast = Forecast::fit(series, ceiling.period, ceiling.limit, &used, settings);
    let over = used.run_at(ceiling.limit).map(|run| run.began);
    let until = renewal.unwrap_or(day.plus(HORIZON_DAYS));
    let [breach_p10, breach_p50, breach_p90] = match (over, &forecast) {
        (None, Some(forecast)) => forecast.quantiles([0.1, 0.5, 0.9]).map(|date| date.map(|date| date.max(day))),
        _ => [over; 3],
    };
    let before_renewal = if over.is_some() { 1.0 } else { forecast.as_ref().map_or(0.0, |f| f.probability_by(until)) };
    let need_on = until.min(day.plus(HORIZON_DAYS));
    Capacity {
        product: ceiling.product,
        metric: ceiling.metric,
        period: ceiling.period,
        limit: ceiling.limit,
        used: used.now(),
        utilization: used.now() / ceiling.limit,
        pace: level::pace(series, ceiling.period, &used) / ceiling.limit,
        daily_growth: forecast.as_ref().map_or(0.0, |forecast| forecast.daily_growth),
        days_above_threshold: used.run_at(threshold * ceiling.limit).map_or(0, |run| run.days),
        threshold,
        threshold_basis,
        breach_p10,
        breach_p50,
        breach_p90,
        breach_before_renewal: Probability::clamped(before_renewal),
        renewal,
        need_p90_at_renewal: forecast
            .as_ref()
            .map(|forecast| forecast.level_on(need_on, NEED_Z).max(used.least_need())),
        days_at_limit_30d: used.days_at(ceiling.limit, 30),
    }
}
