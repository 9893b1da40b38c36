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
    let fits = steps(levels).into_iter().zip(bends(levels)).flat_map(|(step, bend)| [step, bend]);
    let best = fits.min_by(|a, b| a.error.total_cmp(&b.error))?;
    let floor = 1e-9 * n as f64;
    let gain = n as f64 * ((without + floor) / (best.error + floor)).ln();
    (gain > 4.0 * (n as f64).ln()).then_some(best)
}

/// The weeks at which a change may begin. All of them are tried in one pass over the levels, side by side, so that their
/// sums do not wait for each other.
fn candidates(n: usize) -> std::ops::RangeInclusive<usize> {
    EDGE..=n - EDGE
}

/// How many candidates lie at or before the level at `i`, so that it belongs to the part behind the change.
fn begun(i: usize, candidates: usize) -> usize {
    (i + 1).saturating_sub(EDGE).min(candidates)
}

fn steps(levels: &[f64]) -> Vec<Fit> {
    let n = levels.len();
    let count = candidates(n).count();
    let (mut before, mut after) = (vec![0.0; count], vec![0.0; count]);
    for (i, y) in levels.iter().enumerate() {
        let begun = begun(i, count);
        after[..begun].iter_mut().for_each(|sum| *sum += y);
        before[begun..].iter_mut().for_each(|sum| *sum += y);
    }
    for ((before, after), week) in before.iter_mut().zip(&mut after).zip(candidates(n)) {
        (*before, *after) = (*before / week as f64, *after / (n - week) as f64);
    }
    let (mut left, mut right) = (vec![0.0; count], vec![0.0; count]);
    for (i, y) in levels.iter().enumerate() {
        let begun = begun(i, count);
        right[..begun].iter_mut().zip(&after).for_each(|(sum, mean)| *sum += (y - mean).powi(2));
        left[begun..].iter_mut().zip(&before[begun..]).for_each(|(sum, mean)| *sum += (y - mean).powi(2));
    }
    let fit = |(at, week)| Fit { week, error: left[at] + right[at], before: before[at], after: after[at], step: true };
    candidates(n).enumerate().map(fit).collect()
}

/// Least squares of level + slope · max(0, weeks since the bend).
fn bends(levels: &[f64]) -> Vec<Fit> {
    let n = levels.len() as f64;
    let mut lines: Vec<Bend> = candidates(levels.len()).map(|_| Bend::default()).collect();
    let count = lines.len();
    for (i, y) in levels.iter().enumerate() {
        for line in &mut lines[..begun(i, count)] {
            line.run += 1.0;
            line.sx += line.run;
            line.sxx += line.run * line.run;
            line.sxy += line.run * y;
        }
    }
    let sy: f64 = levels.iter().sum();
    for line in &mut lines {
        line.slope = (n * line.sxy - line.sx * sy) / (n * line.sxx - line.sx * line.sx);
        line.before = (sy - line.slope * line.sx) / n;
        line.after = line.before + line.slope * line.run;
        line.run = 0.0;
    }
    for (i, y) in levels.iter().enumerate() {
        let (behind, ahead) = lines.split_at_mut(begun(i, count));
        for line in behind {
            line.run += 1.0;
            line.error += (y - line.before - line.slope * line.run).powi(2);
        }
        ahead.iter_mut().for_each(|line| line.error += (y - line.before).powi(2));
    }
    let fit = |(line, week): (Bend, usize)| Fit {
        week,
        error: line.error,
        before: line.before,
        after: line.after,
        step: false,
    };
    lines.into_iter().zip(candidates(levels.len())).map(fit).collect()
}

/// A bend while it is fitted.
#[derive(Clone, Copy, Default)]
struct Bend {
    /// Weeks since the bend.
    run: f64,
    sx: f64,
    sxx: f64,
    sxy: f64,
    slope: f64,
    before: f64,
    after: f64,
    error: f64,
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
