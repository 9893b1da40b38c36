//! When a level will reach its ceiling: a robust trend, and a first-passage distribution in closed form.
//!
//! The level is taken as a line (Theil–Sen over weekly steps) on which it wanders: white noise from week to week, and a
//! drift that adds up (a random walk). Both spreads come from the residuals: steps one apart differ by twice the noise
//! and one drift, steps four apart by twice the noise and four drifts. Three sources of doubt follow: the slope (its
//! standard error, as three equally probable-weighted nodes), the drift to come, and a trend that loses force over
//! `damping_days`. The time of first passage of such a walk over the ceiling is inverse Gaussian, so probability and
//! quantiles need no simulation, and the probability only ever rises with time.
//!
//! For a monthly ceiling the level is the amount per month: the month to date settles the current month, and a later
//! month's ceiling is reached by day k of n when the rate exceeds n / k of the ceiling.

use super::Settings;
use super::level::{Use, days_left_in_month, steps};
use crate::extracts::tables::Period;
use crate::history::calendar::Cadence;
use crate::history::usage::{MONTH_DAYS, Regular, month_end};
use crate::statistics::{Line, normal_cdf, scaled_tail, theil_sen};
use crate::vocabulary::Day;

/// Breaches further away are not dated.
const LONGEST_DAYS: i32 = 730;
const MIN_STEPS: usize = 4;
/// Monthly rows look further back, to have steps enough.
const MONTHLY_TREND_DAYS: i32 = 366;
/// Gauss–Hermite nodes of the slope's doubt: standard errors and weights.
const NODES: [(f64, f64); 3] = [(-1.732_050_8, 1.0 / 6.0), (0.0, 2.0 / 3.0), (1.732_050_8, 1.0 / 6.0)];

/// The level of one series against one ceiling, from its last covered day on.
#[derive(Clone, Copy, Debug)]
pub struct Forecast {
    /// The last covered day.
    pub from: Day,
    pub limit: f64,
    /// Level on that day, noise taken out.
    pub level: f64,
    /// Units per day.
    pub slope: f64,
    slope_error: f64,
    /// Standard deviation of a single step.
    pub noise: f64,
    /// Variance that a day of drift adds.
    drift: f64,
    damping_days: f64,
    /// The month to date, for monthly ceilings.
    month_to_date: Option<f64>,
}

impl Forecast {
    /// `None` where history is too short for a trend.
    pub fn fit(series: &Regular, period: Period, limit: f64, used: &Use, settings: &Settings) -> Option<Forecast> {
        let monthly = series.cadence == Cadence::Monthly;
        let days = if monthly { settings.trend_days.max(MONTHLY_TREND_DAYS) } else { settings.trend_days };
        let steps = steps(series, period, days);
        if steps.len() < MIN_STEPS {
            return None;
        }
        let line = theil_sen(&steps)?;
        let residuals: Vec<f64> = steps.iter().map(|(x, y)| y - line.at(*x)).collect();
        let span = steps[steps.len() - 1].0 - steps[0].0;
        let step_days = span / (steps.len() - 1) as f64;
        let spread = Spread::of(&residuals, settings.weekly_drift * line.level.abs() * (step_days / 7.0).sqrt());
        Some(Forecast {
            from: series.last().day,
            limit,
            level: level_now(line, &residuals, spread).max(0.0),
            slope: line.slope,
            slope_error: spread.slope_error(steps.len() as f64, step_days),
            noise: spread.noise,
            drift: spread.drift.powi(2) / step_days,
            damping_days: settings.damping_days,
            month_to_date: (period == Period::Month).then(|| used.now()),
        })
    }

    /// Probability that the ceiling is reached by the end of `day`.
    pub fn probability_by(&self, day: Day) -> f64 {
        match self.month_to_date {
            Some(to_date) => self.monthly_by(day, to_date),
            None => self.passage(f64::from(day.since(self.from)), self.limit, self.noise),
        }
    }

    /// The first day by which the probability reaches `share`; `None` when it does not within two years.
    pub fn quantile(&self, share: f64) -> Option<Day> {
        let reached = |ahead: i32| self.probability_by(self.from.plus(ahead)) >= share;
        let mut above = *GRID.iter().find(|ahead| reached(**ahead))?;
        let mut below = GRID.iter().copied().take_while(|ahead| *ahead < above).last().unwrap_or(0);
        while above - below > 1 {
            let middle = (above + below) / 2;
            if reached(middle) { above = middle } else { below = middle }
        }
        Some(self.from.plus(above))
    }

    /// The level on a day, `z` standard deviations above the expected one; an amount per month for monthly ceilings.
    pub fn level_on(&self, day: Day, z: f64) -> f64 {
        let ahead = f64::from(day.since(self.from).max(0));
        let run = self.damped(ahead);
        let variance = self.noise.powi(2) + self.drift * ahead + (self.slope_error * run).powi(2);
        (self.level + self.slope * run + z * variance.sqrt()).max(0.0)
    }

    /// Days of full trend that `ahead` days amount to.
    fn damped(&self, ahead: f64) -> f64 {
        self.damping_days * -(-ahead / self.damping_days).exp_m1()
    }

    /// Probability that the wandering level, with its noise on top, has reached `limit` within `ahead` days.
    fn passage(&self, ahead: f64, limit: f64, noise: f64) -> f64 {
        if ahead <= 0.0 {
            return 0.0;
        }
        let distance = (limit - self.level - noise).max(0.25 * noise).max(1e-3 * limit);
        let (run, variance) = (self.damped(ahead), self.drift * ahead);
        let with_slope = |(z, weight): (f64, f64)| {
            weight * first_passage(distance, (self.slope + z * self.slope_error) * run, variance)
        };
        NODES.into_iter().map(with_slope).sum()
    }

    fn monthly_by(&self, day: Day, to_date: f64) -> f64 {
        let this_end = month_end(self.from);
        let ahead = |day: Day| f64::from(day.since(self.from));
        if day <= this_end {
            return self.this_month_by(ahead(day), to_date);
        }
        let so_far = self.this_month_by(f64::from(days_left_in_month(self.from)), to_date);
        let start = day.month_start();
        let of_month = f64::from(day.since(start) + 1);
        let middle = ahead(start) + of_month / 2.0;
        let weeks = (of_month / 7.0).max(1.0);
        let within = self.passage(middle, self.limit * MONTH_DAYS / of_month, self.noise / weeks.sqrt());
        // Two months back, because February's ceiling is harder to reach than January's.
        let full = [start, start.plus_months(-1)].map(|start| start.minus(1)).into_iter().filter(|end| *end > this_end);
        full.map(|end| self.full_month_by(end)).fold(so_far.max(within), f64::max)
    }

    /// Probability that the level reaches the ceiling of the month that ends on `end`.
    fn full_month_by(&self, end: Day) -> f64 {
        let days = f64::from(end.since(end.month_start()) + 1);
        let middle = f64::from(end.since(self.from)) - days / 2.0;
        self.passage(middle, self.limit * MONTH_DAYS / days, self.noise / (days / 7.0).sqrt())
    }

    /// What is left of the current month adds its expected amount, with the noise of that many weeks.
    fn this_month_by(&self, ahead: f64, to_date: f64) -> f64 {
        if ahead <= 0.0 {
            return 0.0;
        }
        let expected = to_date + self.level.max(0.0) * ahead / MONTH_DAYS;
        let spread = (self.noise.powi(2) * 7.0 * ahead + self.drift * ahead * ahead * ahead / 3.0).sqrt() / MONTH_DAYS;
        normal_cdf((expected - self.limit) / spread.max(1e-9 * self.limit))
    }
}

/// Days ahead at which quantiles are first looked for: weeks for half a year, then four weeks each.
const GRID: [i32; 46] = {
    let mut grid = [0; 46];
    let mut n = 0;
    while n < 46 {
        grid[n] = if n < 26 { 7 * (n as i32 + 1) } else { 182 + 28 * (n as i32 - 25) };
        n += 1;
    }
    grid[45] = LONGEST_DAYS;
    grid
};

/// Probability that a walk of mean `mean` and variance `variance` at the end has crossed `distance` > 0 on its way.
fn first_passage(distance: f64, mean: f64, variance: f64) -> f64 {
    let deviation = variance.sqrt();
    if deviation <= 1e-12 * distance {
        return f64::from(u8::from(mean >= distance));
    }
    let at_end = normal_cdf((mean - distance) / deviation);
    let z = (distance + mean) / deviation;
    let came_back = if z >= 0.0 {
        (-((distance - mean) / deviation).powi(2) / 2.0).exp() * scaled_tail(z)
    } else {
        (2.0 * mean * distance / variance).exp() * normal_cdf(-z)
    };
    (at_end + came_back).min(1.0)
}

/// How the residuals vary: white noise of a step, and the drift that adds up from step to step.
#[derive(Clone, Copy, Debug)]
struct Spread {
    noise: f64,
    drift: f64,
}

impl Spread {
    fn of(residuals: &[f64], least_drift: f64) -> Spread {
        let apart = |lag: usize| {
            let pairs = residuals.len().saturating_sub(lag).max(1) as f64;
            residuals.iter().zip(residuals.iter().skip(lag)).map(|(a, b)| (b - a).powi(2)).sum::<f64>() / pairs
        };
        let lag = 4.min(residuals.len() - 1);
        let drift = ((apart(lag) - apart(1)) / (lag as f64 - 1.0).max(1.0)).max(0.0);
        let noise = ((apart(1) - drift) / 2.0).max(0.0);
        Spread { noise: noise.sqrt(), drift: drift.max(least_drift.powi(2)).sqrt() }
    }

    /// Standard error per day of a slope over `n` steps: of noise, and of drift taken for a trend.
    fn slope_error(self, n: f64, step_days: f64) -> f64 {
        let of_noise = 13.2 * self.noise.powi(2) / (n.powi(3) * step_days.powi(2));
        let of_drift = 1.2 * self.drift.powi(2) / (n * step_days.powi(2));
        (of_noise + of_drift).sqrt()
    }
}

/// The line at the last day, moved towards the last two steps as far as drift outweighs noise.
fn level_now(line: Line, residuals: &[f64], spread: Spread) -> f64 {
    let last: f64 = residuals.iter().rev().take(2).sum::<f64>() / 2.0;
    let gain = spread.drift / (spread.drift + spread.noise).max(f64::MIN_POSITIVE);
    line.level + gain * last
}
