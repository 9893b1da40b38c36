//! Usage as regular series: one point per covered period, with what the absence of a row means already decided.
//!
//! A counter without a row for a whole covered period was not used and stands at zero; a gauge keeps its last level;
//! periods that the extract does not cover have no point; before the first row there is nothing.

use crate::extracts::tables::{Known, Series};
use crate::history::View;
use crate::history::calendar::{Cadence, Calendar, Kind};
use crate::vocabulary::{AccountIx, Day, MetricIx, ProductIx};

/// Longest look back: two windows of a year and some days.
pub const HISTORY_DAYS: i32 = 760;
/// A period lasts no longer.
const LONGEST_PERIOD: i32 = 31;
/// Days in the mean month.
pub const MONTH_DAYS: f64 = 30.4375;

/// One covered period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Last day of the period.
    pub day: Day,
    /// Rows of the extract behind it; 0 where the absence rule gave the value.
    pub rows: u32,
    pub value: f64,
}

/// The series of one product and metric as known on a day, oldest point first; never empty.
#[derive(Clone, Debug)]
pub struct Regular {
    pub product: ProductIx,
    pub metric: MetricIx,
    pub kind: Kind,
    pub cadence: Cadence,
    /// Whether a window is summed up by its mean (gauges and active users) or its sum.
    pub by_mean: bool,
    pub points: Vec<Point>,
}

/// One window against the window before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    pub value: f64,
    pub baseline: Option<f64>,
    /// Covered periods in the window.
    pub periods: usize,
    /// Rows of the extract in the window.
    pub rows: u64,
}

/// All regular series of one account, by product, then metric.
pub fn series(view: View, calendar: &Calendar, account: AccountIx) -> Vec<Regular> {
    view.extracts.usage.of(account).iter().filter_map(|series| regular(view, calendar, series)).collect()
}

/// The series of one product and metric.
pub fn one(
    view: View,
    calendar: &Calendar,
    account: AccountIx,
    product: ProductIx,
    metric: MetricIx,
) -> Option<Regular> {
    let series = view.extracts.usage.of(account);
    let found = series.binary_search_by_key(&(product, metric), |s| (s.product, s.metric)).ok()?;
    regular(view, calendar, &series[found])
}

/// `None` where no row was known on the view's day.
pub fn regular(view: View, calendar: &Calendar, series: &Series) -> Option<Regular> {
    if series.start > view.day {
        return None;
    }
    let (kind, cadence) = (calendar.kind(series.metric), calendar.cadence(series.metric));
    let since = match cadence {
        // The weekday on which its rows stand is told by all of them.
        Cadence::Weekly => series.start,
        _ => view.day.minus(HISTORY_DAYS + LONGEST_PERIOD),
    };
    let known = view.extracts.usage.known_since(series, view.day, since);
    let first = match known.before {
        Some(_) => 0,
        None => known.values.iter().position(|value| !value.is_nan())?,
    };
    let covered = calendar.covered(series.metric);
    let covered = &covered[covered.partition_point(|day| *day < known.start.plus(first as i32))..];
    let periods = Periods { day: view.day, kind, grace: calendar.grace(), known: &known, covered };
    let points = match cadence {
        Cadence::Daily | Cadence::Sampled => periods.days(),
        Cadence::Weekly => {
            let week_end = week_end(&known);
            periods.longer(|day| day.plus((week_end - day.0).rem_euclid(7)))
        }
        Cadence::Monthly => periods.longer(month_end),
    };
    let by_mean = kind == Kind::Gauge || view.extracts.metric(series.metric) == "active_users";
    let (product, metric) = (series.product, series.metric);
    (!points.is_empty()).then_some(Regular { product, metric, kind, cadence, by_mean, points })
}

/// The covered days of a series from its first row on, which become periods.
struct Periods<'a> {
    day: Day,
    kind: Kind,
    grace: i32,
    known: &'a Known,
    covered: &'a [Day],
}

impl Periods<'_> {
    /// Each day for itself.
    fn days(&self) -> Vec<Point> {
        let (mut points, mut level) = (self.room(), self.level_before());
        for &day in self.covered.iter().take_while(|day| **day <= self.day) {
            let value = self.value(day);
            level = value.unwrap_or(level);
            self.close(day, u32::from(value.is_some()), value.unwrap_or(0.0), level, &mut points);
        }
        points
    }

    /// Several days together: those up to the last day of the first one's period.
    fn longer(&self, end_of: impl Fn(Day) -> Day) -> Vec<Point> {
        let (mut points, mut level) = (self.room(), self.level_before());
        let mut left = self.covered;
        while let Some(end) = left.first().map(|day| end_of(*day)).filter(|end| *end <= self.day) {
            let (period, after) = left.split_at(left.partition_point(|day| *day <= end));
            let (mut rows, mut amount) = (0, 0.0);
            for value in period.iter().filter_map(|day| self.value(*day)) {
                (rows, amount, level) = (rows + 1, amount + value, value);
            }
            self.close(end, rows, amount, level, &mut points);
            left = after;
        }
        points
    }

    fn room(&self) -> Vec<Point> {
        Vec::with_capacity(self.known.values.len().min(HISTORY_DAYS as usize + 1))
    }

    fn level_before(&self) -> f64 {
        self.known.before.unwrap_or(0.0)
    }

    #[inline]
    fn value(&self, day: Day) -> Option<f64> {
        let value = self.known.values.get(day.since(self.known.start) as usize);
        value.copied().filter(|value| !value.is_nan())
    }

    /// Adds a period, unless its rows may still be on their way or nobody looks back so far.
    #[inline]
    fn close(&self, end: Day, rows: u32, amount: f64, level: f64, points: &mut Vec<Point>) {
        let age = self.day.since(end);
        if (rows > 0 || age >= self.grace) && age <= HISTORY_DAYS {
            let value = if self.kind == Kind::Gauge { level } else { amount };
            points.push(Point { day: end, rows, value });
        }
    }
}

/// The weekday (days since 1970-01-01 modulo 7) on which most rows of a weekly series stand.
fn week_end(known: &Known) -> i32 {
    let mut counts = [0u32; 7];
    for (age, _) in known.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        counts[known.start.plus(age as i32).0.rem_euclid(7) as usize] += 1;
    }
    (0..7).max_by_key(|&place| (counts[place], std::cmp::Reverse(place))).unwrap_or(0) as i32
}

/// Last day of the calendar month.
pub fn month_end(day: Day) -> Day {
    day.month_start().plus_months(1).minus(1)
}

impl Regular {
    #[inline]
    pub fn last(&self) -> Point {
        self.points[self.points.len() - 1]
    }

    #[inline]
    pub fn first(&self) -> Point {
        self.points[0]
    }

    /// Points after `after` up to and including `until`.
    #[inline]
    pub fn between(&self, after: Day, until: Day) -> &[Point] {
        let from = self.points.partition_point(|point| point.day <= after);
        let to = self.points.partition_point(|point| point.day <= until);
        &self.points[from..to.max(from)]
    }

    /// Days that one point stands for.
    #[inline]
    pub fn days_per_point(&self) -> f64 {
        match self.cadence {
            Cadence::Daily | Cadence::Sampled => 1.0,
            Cadence::Weekly => 7.0,
            Cadence::Monthly => MONTH_DAYS,
        }
    }

    /// The window that ends with the last point against the one before, brought to the same number of periods and the
    /// same weekdays. `None` where less than half of the window has points; no baseline where less than half of that has.
    pub fn measure(&self, window_days: i32) -> Option<Measure> {
        let until = self.last().day;
        let (from, before) = self.bounds(window_days)?;
        let (now, earlier) = (self.between(from, until), self.between(before, from));
        let enough = |points: &[Point]| points.len() as f64 * 2.0 >= self.periods_in(window_days);
        if now.is_empty() || !enough(now) {
            return None;
        }
        let divisor = if self.by_mean { now.len() as f64 } else { 1.0 };
        let value = now.iter().map(|point| point.value).sum::<f64>() / divisor;
        let baseline = (!earlier.is_empty() && enough(earlier)).then(|| self.as_if(earlier, now) / divisor);
        Some(Measure { value, baseline, periods: now.len(), rows: now.iter().map(|point| u64::from(point.rows)).sum() })
    }

    /// Ends of the window before and of the one before that, exclusive; `None` where the window is shorter than a period.
    fn bounds(&self, window_days: i32) -> Option<(Day, Day)> {
        let until = self.last().day;
        match self.cadence {
            Cadence::Daily | Cadence::Sampled => Some((until.minus(window_days), until.minus(2 * window_days))),
            Cadence::Weekly => {
                let days = 7 * self.periods_in(window_days) as i32;
                Some((until.minus(days), until.minus(2 * days)))
            }
            Cadence::Monthly if window_days < 28 => None,
            Cadence::Monthly => {
                let months = self.periods_in(window_days) as i32;
                let back = |months: i32| until.month_start().plus_months(1 - months).minus(1);
                Some((back(months), back(2 * months)))
            }
        }
    }

    /// Periods that a fully covered window holds; a sampled series needs one point only.
    fn periods_in(&self, window_days: i32) -> f64 {
        match self.cadence {
            Cadence::Daily => f64::from(window_days),
            Cadence::Weekly => (f64::from(window_days) / 7.0).round().max(1.0),
            Cadence::Monthly => (f64::from(window_days) / MONTH_DAYS).round().max(1.0),
            Cadence::Sampled => 1.0,
        }
    }

    /// The sum over `now` had each of its weekdays gone as in `earlier`: a window of 30 days may hold one weekend more
    /// than the one before, and a day may be missing from either.
    fn as_if(&self, earlier: &[Point], now: &[Point]) -> f64 {
        let sum = earlier.iter().map(|point| point.value).sum::<f64>();
        if self.cadence != Cadence::Daily {
            return sum * (now.len() as f64 / earlier.len() as f64);
        }
        let mean = sum / earlier.len() as f64;
        let (sums, counts) = by_weekday(earlier);
        let (_, wanted) = by_weekday(now);
        let typical = |n: usize| if counts[n] > 0.0 { sums[n] / counts[n] } else { mean };
        (0..7).map(|n| wanted[n] * typical(n)).sum()
    }

    /// Means per point over blocks of seven days that end with the last point, oldest first, as (last day, mean);
    /// weekly and monthly series give their points. Blocks without a point are left out.
    pub fn weeks(&self, days: i32) -> Vec<(Day, f64)> {
        self.blocks(days, |points| points.iter().map(|point| point.value).sum::<f64>() / points.len() as f64)
    }

    /// The same with another summary of a block's points.
    pub fn blocks(&self, days: i32, summary: impl Fn(&[Point]) -> f64) -> Vec<(Day, f64)> {
        let until = self.last().day;
        let points = self.between(until.minus(days), until);
        if matches!(self.cadence, Cadence::Weekly | Cadence::Monthly) {
            return points.iter().map(|point| (point.day, summary(std::slice::from_ref(point)))).collect();
        }
        let block = |point: &Point| until.since(point.day) / 7;
        let whole = points.chunk_by(|a, b| block(a) == block(b)).filter(|chunk| block(&chunk[0]) < days / 7);
        whole.map(|chunk| (until.minus(7 * block(&chunk[0])), summary(chunk))).collect()
    }
}

/// Sum and number of the points of each weekday, in the order of the points.
fn by_weekday(points: &[Point]) -> ([f64; 7], [f64; 7]) {
    let (mut sums, mut counts) = ([0.0; 7], [0.0; 7]);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return (sums, counts) };
    if last.day.since(first.day) as usize + 1 != points.len() {
        for point in points {
            sums[weekday(point.day)] += point.value;
            counts[weekday(point.day)] += 1.0;
        }
        return (sums, counts);
    }
    // No day is missing, so weeks can be added to each other without looking at a single date.
    for week in points.chunks(7) {
        sums.iter_mut().zip(week).for_each(|(sum, point)| *sum += point.value);
        counts[..week.len()].iter_mut().for_each(|count| *count += 1.0);
    }
    sums.rotate_right(weekday(first.day));
    counts.rotate_right(weekday(first.day));
    (sums, counts)
}

#[inline]
fn weekday(day: Day) -> usize {
    day.0.rem_euclid(7) as usize
}
