//! What stands against a ceiling on each day.
//!
//! - `gauge`: the level.
//! - `day`: the second highest amount of the last seven days, so that weekends do not hide a busy week and one freak day
//!   does not make one. A weekly or monthly row counts with its mean per day.
//! - `month`: the calendar month to date; a weekly row that spans two months is divided between them by days.

use crate::extracts::tables::Period;
use crate::history::calendar::Cadence;
use crate::history::usage::{MONTH_DAYS, Point, Regular, month_end};
use crate::vocabulary::Day;

/// Days looked back on for runs at a level.
const PATH_DAYS: i32 = 400;
/// A level this close to the ceiling has reached it.
const TOLERANCE: f64 = 1e-9;

/// The use of one ceiling over time; never empty.
#[derive(Clone, Debug)]
pub struct Use {
    period: Period,
    /// Level at the end of each covered period, oldest first.
    pub path: Vec<(Day, f64)>,
    /// The amount that touches the ceiling on each covered day: as `path`, but the day's own amount for `day` ceilings.
    touch: Vec<f64>,
    point_days: f64,
}

/// The latest run of days at or above a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first covered day of the run.
    pub began: Day,
    pub days: i32,
}

impl Use {
    pub fn of(series: &Regular, period: Period) -> Use {
        let points = series.between(series.last().day.minus(PATH_DAYS), series.last().day);
        let days: Vec<Day> = points.iter().map(|point| point.day).collect();
        let touch: Vec<f64> = match period {
            Period::Gauge => points.iter().map(|point| point.value).collect(),
            Period::Day => points.iter().map(|point| point.value / series.days_per_point()).collect(),
            Period::Month => month_to_date(points, series.cadence),
        };
        let levels = if period == Period::Day { busy_days(&days, &touch) } else { touch.clone() };
        let path = days.into_iter().zip(levels).collect();
        Use { period, path, touch, point_days: series.days_per_point() }
    }

    pub fn now(&self) -> f64 {
        self.path[self.path.len() - 1].1
    }

    pub fn last_day(&self) -> Day {
        self.path[self.path.len() - 1].0
    }

    /// What a new ceiling must hold whatever the trend says: what is used today, unless that is a month begun.
    pub fn least_need(&self) -> f64 {
        if self.period == Period::Month { 0.0 } else { self.now() }
    }

    /// The run that reaches up to the last covered day.
    pub fn run_at(&self, level: f64) -> Option<Run> {
        let enough = level * (1.0 - TOLERANCE);
        let run = self.path.iter().rev().take_while(|(_, value)| *value >= enough).count();
        let first = self.path.len().checked_sub(run).filter(|_| run > 0)?;
        let before = first.checked_sub(1).map(|before| self.path[before].0);
        let began = self.path[first].0;
        let start = before.unwrap_or(began.minus(self.point_days.round() as i32));
        Some(Run { began, days: self.last_day().since(start) })
    }

    /// Days of the last `days` on which use stood at or above the level.
    pub fn days_at(&self, level: f64, days: i32) -> i32 {
        let from = self.last_day().minus(days);
        let touched = self
            .path
            .iter()
            .zip(&self.touch)
            .filter(|((day, _), touch)| *day > from && **touch >= level * (1.0 - TOLERANCE));
        (touched.count() as f64 * self.point_days).round().min(f64::from(days)) as i32
    }

    /// First day after `from` on which use reached the level.
    pub fn first_at(&self, level: f64, from: Day) -> Option<Day> {
        let reached = |(day, value): &&(Day, f64)| *day > from && *value >= level * (1.0 - TOLERANCE);
        self.path.iter().find(reached).map(|(day, _)| *day)
    }
}

/// Second highest amount of the seven days that end with each day (the only one where there is one).
fn busy_days(days: &[Day], amounts: &[f64]) -> Vec<f64> {
    let mut from = 0;
    let week = |last: usize| {
        while days[from] <= days[last].minus(7) {
            from += 1;
        }
        second_highest(&amounts[from..=last])
    };
    (0..days.len()).map(week).collect()
}

fn second_highest(amounts: &[f64]) -> f64 {
    let (mut highest, mut second) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &amount in amounts {
        if amount > highest {
            (highest, second) = (amount, highest);
        } else if amount > second {
            second = amount;
        }
    }
    if second.is_finite() { second } else { highest }
}

fn month_to_date(points: &[Point], cadence: Cadence) -> Vec<f64> {
    let (mut next_month, mut sum) = (Day::MIN, 0.0);
    let spans = if cadence == Cadence::Weekly { 7.0 } else { 1.0 };
    let to_date = |point: &Point| {
        if point.day >= next_month {
            let start = point.day.month_start();
            let inside = f64::from(point.day.since(start) + 1);
            (next_month, sum) = (start.plus_months(1), point.value * (inside / spans).min(1.0));
        } else {
            sum += point.value;
        }
        sum
    };
    points.iter().map(to_date).collect()
}

/// Days behind the pace of a month: four whole weeks, so that weekends weigh alike.
const PACE_DAYS: i32 = 28;

/// What stands against the ceiling at the present pace: of a month, what the last four weeks would come to in one; of
/// everything else, what stands against it now.
pub fn pace(series: &Regular, period: Period, used: &Use) -> f64 {
    if period != Period::Month {
        return used.now();
    }
    let last = series.last().day;
    let points = series.between(last.minus(PACE_DAYS), last);
    let covered = points.len() as f64 * series.days_per_point();
    points.iter().map(|point| point.value).sum::<f64>() * MONTH_DAYS / covered
}

/// Blocks of a week (weekly and monthly series: their periods) on the scale of the ceiling, oldest first, as (days before
/// the last covered day at the block's middle, level): the mean level, the second busiest day, or the amount per month
/// of 30.4 days.
pub fn steps(series: &Regular, period: Period, days: i32) -> Vec<(f64, f64)> {
    let per_day = series.days_per_point();
    let level = |points: &[Point]| -> f64 {
        let mean = points.iter().map(|point| point.value).sum::<f64>() / points.len() as f64;
        match period {
            Period::Gauge => mean,
            Period::Day => second_highest(&points.iter().map(|p| p.value / per_day).collect::<Vec<f64>>()),
            Period::Month => mean * MONTH_DAYS / per_day,
        }
    };
    let span = if series.cadence == Cadence::Daily { 7.0 } else { per_day };
    let reading = period == Period::Gauge && series.cadence != Cadence::Daily;
    let middle = if reading { 0.0 } else { (span - 1.0) / 2.0 };
    let until = series.last().day;
    let blocks = series.blocks(days, level);
    blocks.into_iter().map(|(day, level)| (f64::from(day.since(until)) - middle, level)).collect()
}

/// Days left in the calendar month after `day`.
pub fn days_left_in_month(day: Day) -> i32 {
    month_end(day).since(day)
}
