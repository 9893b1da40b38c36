//! When a level will reach its ceiling: a robust trend, and a first-passage distribution in closed form.
//!
//! Use grows in proportion: the logarithm of the level (plus a tenth of the ceiling, so that small levels do not explode)
//! is taken as a line (Theil–Sen over weekly steps) on which it wanders: white noise from week to week, and a drift that
//! adds up (a random walk). Both spreads come from the residuals: steps one apart differ by twice the noise and one
//! drift, steps four apart by twice the noise and four drifts. Doubts about what comes follow from that:
//! - the slope, drawn towards none by `typical_growth`, and the level are known to their standard errors only: four cases;
//! - a level may be reached by noise alone, the sooner the more steps there are to come;
//! - how long the trend lasts, exponential with a mean of `trend_lasts_days`: three nodes;
//! - the drift to come. The first passage of such a walk over a ceiling is inverse Gaussian, so probability and quantiles
//!   need no simulation, and a ceiling may never be reached at all.
//!
//! For a monthly ceiling the level is the amount per month: the month to date settles the current month, and a later
//! month's ceiling is reached by day k of n when the rate exceeds n / k of the ceiling.

use std::f64::consts::SQRT_2;

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
/// Height of the highest of n noises over the bound √(2 ln n): what makes the backtests hold.
const HIGHEST_NOISE: f64 = 0.35;
/// Monthly rows look further back, to have steps enough.
const MONTHLY_TREND_DAYS: i32 = 366;
/// Four equally likely cases of (slope, level) in standard errors, which match the variance of both.
const CASES: [(f64, f64); 4] = [(-SQRT_2, 0.0), (SQRT_2, 0.0), (0.0, -SQRT_2), (0.0, SQRT_2)];
/// Equally likely durations of the trend, in means of the exponential distribution.
const DURATIONS: [f64; 3] = [0.182, 0.693, 1.792];

/// Share of the ceiling that is added to the level before its logarithm is taken.
const SOFTENING: f64 = 0.1;

/// The level of one series against one ceiling, from its last covered day on. Levels are on the log scale.
#[derive(Clone, Copy, Debug)]
pub struct Forecast {
    /// The last covered day.
    pub from: Day,
    limit: f64,
    /// On that day, noise taken out.
    level: f64,
    /// Measured growth of the level (for monthly ceilings, of the amount per month), in units per day.
    pub daily_growth: f64,
    /// Per day, drawn towards none.
    slope: f64,
    slope_error: f64,
    level_error: f64,
    /// Standard deviation of a single step.
    noise: f64,
    step_days: f64,
    /// Variance that a day of drift adds.
    drift: f64,
    trend_lasts_days: f64,
    /// The month to date, for monthly ceilings.
    month_to_date: Option<f64>,
}

impl Forecast {
    /// `None` where history is too short for a trend.
    pub fn fit(series: &Regular, period: Period, limit: f64, used: &Use, settings: &Settings) -> Option<Forecast> {
        let monthly = series.cadence == Cadence::Monthly;
        let days = if monthly { settings.trend_days.max(MONTHLY_TREND_DAYS) } else { settings.trend_days };
        let mut steps = steps(series, period, days);
        if steps.len() < MIN_STEPS {
            return None;
        }
        let daily_growth = theil_sen(&steps)?.slope;
        steps.iter_mut().for_each(|(_, level)| *level = to_log(*level, limit));
        let line = theil_sen(&steps)?;
        let residuals: Vec<f64> = steps.iter().map(|(x, y)| y - line.at(*x)).collect();
        let span = steps[steps.len() - 1].0 - steps[0].0;
        let step_days = span / (steps.len() - 1) as f64;
        let spread = Spread::of(&residuals, settings.weekly_drift * (step_days / 7.0).sqrt());
        let error = spread.slope_error(steps.len() as f64, step_days);
        let trust = settings.typical_growth.powi(2) / (settings.typical_growth.powi(2) + error.powi(2));
        Some(Forecast {
            from: series.last().day,
            limit,
            level: level_now(line, &residuals, spread),
            daily_growth,
            slope: trust * line.slope,
            slope_error: trust.sqrt() * error,
            level_error: 2.0 * spread.noise / (steps.len() as f64).sqrt(),
            noise: spread.noise,
            step_days,
            drift: spread.drift.powi(2) / step_days,
            trend_lasts_days: settings.trend_lasts_days,
            month_to_date: (period == Period::Month).then(|| used.now()),
        })
    }

    /// The level on the last covered day, noise taken out; an amount per month for monthly ceilings.
    pub fn level(&self) -> f64 {
        self.unlogged(self.level)
    }

    fn unlogged(&self, level: f64) -> f64 {
        (level.exp() - SOFTENING * self.limit).max(0.0)
    }

    /// Probability that the ceiling is reached by the end of `day`.
    pub fn probability_by(&self, day: Day) -> f64 {
        match self.month_to_date {
            Some(to_date) => self.monthly_by(day, to_date),
            None => self.level_by(f64::from(day.since(self.from))),
        }
    }

    /// The first day by which the probability reaches `share`; `None` when it does not within two years.
    pub fn quantile(&self, share: f64) -> Option<Day> {
        self.first_day(share, &mut Vec::new())
    }

    /// The same for several shares, which ask for many of the same days.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Option<Day>; N] {
        let mut known = Vec::new();
        shares.map(|share| self.first_day(share, &mut known))
    }

    /// `known` holds days ahead and the probability by then.
    fn first_day(&self, share: f64, known: &mut Vec<(i32, f64)>) -> Option<Day> {
        let mut probability = |ahead: i32| match known.iter().find(|(day, _)| *day == ahead) {
            Some((_, probability)) => *probability,
            None => {
                known.push((ahead, self.probability_by(self.from.plus(ahead))));
                known[known.len() - 1].1
            }
        };
        let mut reached = |ahead: i32| probability(ahead) >= share;
        let mut above = Some(LONGEST_DAYS).filter(|ahead| reached(*ahead))?;
        let mut below = 0;
        while above - below > precision(above) {
            let middle = (above + below) / 2;
            if reached(middle) { above = middle } else { below = middle }
        }
        Some(self.from.plus(above))
    }

    /// The level on a day, `z` standard deviations above the expected one; an amount per month for monthly ceilings.
    pub fn level_on(&self, day: Day, z: f64) -> f64 {
        let ahead = f64::from(day.since(self.from).max(0));
        let (run, run_variance) = self.run_of_trend(ahead);
        let of_trend = (self.slope_error * run).powi(2) + self.slope.powi(2) * run_variance;
        let variance = self.noise.powi(2) + self.drift * ahead + of_trend;
        self.unlogged(self.level + self.slope * run + z * variance.sqrt())
    }

    /// Mean and variance of the days out of `ahead` in which the trend still lasts.
    fn run_of_trend(&self, ahead: f64) -> (f64, f64) {
        let (mean, share) = (self.trend_lasts_days, ahead / self.trend_lasts_days);
        let run = -mean * (-share).exp_m1();
        let square = 2.0 * mean * mean * (1.0 - (-share).exp() * (1.0 + share));
        (run, (square - run * run).max(0.0))
    }

    /// The expected height of the highest of the noise to come rises with the number of steps.
    fn level_by(&self, ahead: f64) -> f64 {
        let steps = ahead.max(0.0) / self.step_days;
        let highest = HIGHEST_NOISE * self.noise * (2.0 * steps.ln_1p()).sqrt();
        self.passage(ahead, self.limit, highest, self.level_error)
    }

    /// Probability that the wandering level has come to within `nearer` of `limit` in `ahead` days, where the level is
    /// known to `error` only.
    fn passage(&self, ahead: f64, limit: f64, nearer: f64, error: f64) -> f64 {
        if ahead <= 0.0 {
            return 0.0;
        }
        let distance = to_log(limit, self.limit) - self.level - nearer;
        let case = |(of_slope, of_level): (f64, f64)| {
            let (slope, distance) = (self.slope + of_slope * self.slope_error, distance - of_level * error);
            let lasting = |means: f64| {
                let run = ahead.min(means * self.trend_lasts_days);
                // A walk whose trend alone takes it over is judged where the trend ended.
                let days = if slope * run >= distance { run } else { ahead };
                first_passage(distance, slope * run, self.drift * days)
            };
            DURATIONS.into_iter().map(lasting).sum::<f64>()
        };
        CASES.into_iter().map(case).sum::<f64>() / (CASES.len() * DURATIONS.len()) as f64
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
        let within = self.months_amount_by(middle, of_month);
        // Two months back, because February's ceiling is harder to reach than January's.
        let full = [start, start.plus_months(-1)].map(|start| start.minus(1)).into_iter().filter(|end| *end > this_end);
        full.map(|end| self.full_month_by(end)).fold(so_far.max(within), f64::max)
    }

    /// Probability that the level reaches the ceiling of the month that ends on `end`.
    fn full_month_by(&self, end: Day) -> f64 {
        let days = f64::from(end.since(end.month_start()) + 1);
        let middle = f64::from(end.since(self.from)) - days / 2.0;
        self.months_amount_by(middle, days)
    }

    /// Probability that the rate, around `ahead` days from now, fills the ceiling in `days` days; their mean has the noise
    /// of that many steps.
    fn months_amount_by(&self, ahead: f64, days: f64) -> f64 {
        let noise = self.noise * (self.step_days / days).min(1.0).sqrt();
        self.passage(ahead, self.limit * MONTH_DAYS / days, 0.0, self.level_error.hypot(noise))
    }

    /// What is left of the current month adds its expected amount, with the noise of that many weeks.
    fn this_month_by(&self, ahead: f64, to_date: f64) -> f64 {
        if ahead <= 0.0 {
            return 0.0;
        }
        let rate = self.level();
        let expected = to_date + rate * ahead / MONTH_DAYS;
        let of_noise = self.noise.powi(2) * self.step_days / ahead + self.level_error.powi(2);
        let relative = (of_noise + self.drift * ahead / 3.0) * ahead.powi(2);
        let spread = (rate + SOFTENING * self.limit) * relative.sqrt() / MONTH_DAYS;
        normal_cdf((expected - self.limit) / spread.max(1e-9 * self.limit))
    }
}

fn to_log(level: f64, limit: f64) -> f64 {
    (level + SOFTENING * limit).ln()
}

/// Dates are exact to the day within two months and to a fiftieth of the distance beyond.
fn precision(ahead: i32) -> i32 {
    (ahead / 50).max(1)
}

/// Probability that a walk of mean `mean` and variance `variance` at the end has crossed `distance` on its way.
fn first_passage(distance: f64, mean: f64, variance: f64) -> f64 {
    if distance <= 0.0 {
        return 1.0;
    }
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
