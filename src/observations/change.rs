//! The day on which a lasting change of level began.
//!
//! The series is brought to weekly means on a log scale, so that busy and quiet accounts compare and weekdays do not
//! matter. For every week two shapes are fitted by least squares: a *step* (one level before, another after) and a
//! *bend* (a level, then a straight line). The best of all is a change if it lowers the squared error so far that
//! n · ln(error without / error with) exceeds a penalty of 4 · ln n, about one false find in a hundred quiet series of
//! half a year. A step is then placed on its day by the daily values.

use crate::history::calendar::Cadence;
use crate::history::usage::{Point, Regular};
use crate::vocabulary::Day;

/// Days that are searched for the change.
pub const SEARCH_DAYS: i32 = 182;
/// Fewer weeks than this say nothing.
const MIN_WEEKS: usize = 8;
/// Weeks on either side of a change.
const EDGE: usize = 2;
/// Smallest change of log level that is worth a date: 5 %.
const MIN_CHANGE: f64 = 0.05;
/// A weekday with less than this share of the mean day does not date a change.
const QUIET_WEEKDAY: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// First day of the new level or direction.
    pub day: Day,
    /// Level now over the level before, on the log scale; negative for a decline.
    pub log_change: f64,
}

#[derive(Clone, Copy)]
struct Fit {
    week: usize,
    error: f64,
    /// Level before and at the end.
    before: f64,
    after: f64,
    step: bool,
}

/// The strongest lasting change within the last `SEARCH_DAYS`.
pub fn change_point(series: &Regular) -> Option<ChangePoint> {
    let weeks = series.weeks(SEARCH_DAYS);
    let levels: Vec<f64> = weeks.iter().map(|(_, mean)| mean.max(0.0).ln_1p()).collect();
    let fit = best_fit(&levels)?;
    let log_change = fit.after - fit.before;
    if log_change.abs() < MIN_CHANGE {
        return None;
    }
    let week_start = weeks[fit.week - 1].0.plus(1);
    let day =
        if fit.step && series.cadence == Cadence::Daily { place_step(series, week_start, fit) } else { week_start };
    Some(ChangePoint { day, log_change })
}

fn best_fit(levels: &[f64]) -> Option<Fit> {
    let n = levels.len();
    if n < MIN_WEEKS {
        return None;
    }
    let mean = levels.iter().sum::<f64>() / n as f64;
    let without: f64 = levels.iter().map(|y| (y - mean).powi(2)).sum();
    let fits = (EDGE..=n - EDGE).flat_map(|week| [step(levels, week), bend(levels, week)]);
    let best = fits.min_by(|a, b| a.error.total_cmp(&b.error))?;
    let floor = 1e-9 * n as f64;
    let gain = n as f64 * ((without + floor) / (best.error + floor)).ln();
    (gain > 4.0 * (n as f64).ln()).then_some(best)
}

fn step(levels: &[f64], week: usize) -> Fit {
    let (left, right) = levels.split_at(week);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let error = |part: &[f64], mean: f64| part.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
    let (before, after) = (mean(left), mean(right));
    Fit { week, error: error(left, before) + error(right, after), before, after, step: true }
}

/// Least squares of level + slope · max(0, weeks since the bend).
fn bend(levels: &[f64], week: usize) -> Fit {
    let n = levels.len() as f64;
    let run = |i: usize| (i + 1).saturating_sub(week) as f64;
    let (mut sx, mut sxx, mut sy, mut sxy) = (0.0, 0.0, 0.0, 0.0);
    for (i, y) in levels.iter().enumerate() {
        let x = run(i);
        (sx, sxx, sy, sxy) = (sx + x, sxx + x * x, sy + y, sxy + x * y);
    }
    let slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
    let before = (sy - slope * sx) / n;
    let error = levels.iter().enumerate().map(|(i, y)| (y - before - slope * run(i)).powi(2)).sum();
    Fit { week, error, before, after: before + slope * run(levels.len() - 1), step: false }
}

/// The day within a week around the found one that splits the daily values best between the two levels.
fn place_step(series: &Regular, week_start: Day, fit: Fit) -> Day {
    let points = series.between(week_start.minus(8), week_start.plus(7));
    let factors = weekday_factors(series);
    let gain_after = |point: &Point| {
        let factor = factors[point.day.0.rem_euclid(7) as usize];
        let level = (point.value / factor).max(0.0).ln_1p();
        let quiet = factor < QUIET_WEEKDAY;
        if quiet { 0.0 } else { (level - fit.before).powi(2) - (level - fit.after).powi(2) }
    };
    let (mut gain, mut best) = (0.0, (0.0, week_start.plus(8)));
    for point in points.iter().rev() {
        gain += gain_after(point);
        if gain > best.0 {
            best = (gain, point.day);
        }
    }
    if best.0 > 0.0 { best.1 } else { week_start }
}

/// Mean of each weekday over the mean of all days.
fn weekday_factors(series: &Regular) -> [f64; 7] {
    let points = series.between(series.last().day.minus(SEARCH_DAYS), series.last().day);
    let (mut sums, mut counts) = ([0.0; 7], [0.0; 7]);
    for point in points {
        let place = point.day.0.rem_euclid(7) as usize;
        sums[place] += point.value;
        counts[place] += 1.0;
    }
    let (sum, count): (f64, f64) = (sums.iter().sum(), counts.iter().sum());
    std::array::from_fn(|n| {
        let usable = sum > 0.0 && counts[n] > 0.0;
        if usable { (sums[n] / counts[n]) / (sum / count) } else { 1.0 }
    })
}
