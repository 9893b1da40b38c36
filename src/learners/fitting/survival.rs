//! Churn as time passes: the probability of having left within 30, 60, 90, 180 and 365 days, from one hazard model.
//!
//! The days are cut into intervals. Among the accounts still there at the beginning of interval j, the share that leaves
//! within it is 1 − exp(−exp(aⱼ + bⱼ·s)), the discrete-time form of proportional hazards (complementary log-log; Prentice
//! and Gloeckler 1978), where s is the log cumulative hazard that the churn model's calibrated probability stands for.
//! So the features speak through the same scorecard, the baseline hazard aⱼ follows the calendar of contracts, and bⱼ
//! says how far today's picture still tells accounts apart so much later. An interval whose end lies after what is
//! known gives a row no label; one without labels continues the rate of the one before.
//!
//! Up to the churn horizon the hazards of an account are scaled so that the curve passes through the churn model's
//! probability exactly. Hazards are never negative, so the curve never falls.

use serde::{Deserialize, Serialize};

/// The baseline and slope of every interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Survival {
    /// The churn model's horizon; the end of one of the intervals.
    pub horizon_days: i32,
    /// Mean of s over the training rows: the slopes turn about it.
    pub typical: f64,
    pub intervals: Vec<Interval>,
}

/// Days after the end of the interval before (or the snapshot and its lead) up to and including `to_days`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub to_days: i32,
    /// Training rows that were at risk and whose outcome is known; 0 = the rate of the interval before is continued.
    pub rows: usize,
    /// Of them, rows that left.
    pub left: usize,
    /// Log of the hazard of an account with typical s.
    pub log_hazard: f64,
    /// How the hazard follows s; 1 = as the churn model has it, 0 = not at all.
    pub slope: f64,
}

/// One point of an account's curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub days: i32,
    /// Probability of having left within `days`.
    pub probability: f64,
    /// Training rows behind the interval that ends here.
    pub rows: usize,
}

/// What became of one training row.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The churn model's calibrated probability for the horizon.
    pub probability: f64,
    /// By the end of each interval: whether it had left; `None` where that is not known yet.
    pub left: Vec<Option<bool>>,
}

/// The slope and the daily hazard of an interval are held near those of the one before by as much as this many
/// departures would weigh.
const CONTINUITY: f64 = 2.0;

/// The days on which the curve is read, the horizon among them: rising, each above zero.
pub fn ends(days: &[i32], horizon_days: i32) -> Vec<i32> {
    let mut ends: Vec<i32> = days.iter().copied().chain([horizon_days]).filter(|days| *days > 0).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

impl Survival {
    /// Fits every interval in turn. `ends` come from [`ends()`]; `courses` hold one outcome per end.
    pub fn fit(courses: &[Course], ends: &[i32], horizon_days: i32) -> Survival {
        let scores: Vec<f64> = courses.iter().map(|course| log_hazard_of(course.probability)).collect();
        let typical = if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 };
        let mut before = Line { intercept: first_rate(courses, ends).ln(), slope: 1.0 };
        let mut intervals = Vec::with_capacity(ends.len());
        for (at, to_days) in ends.iter().enumerate() {
            let length = f64::from(to_days - if at == 0 { 0 } else { ends[at - 1] });
            let rows: Vec<(f64, bool)> = courses
                .iter()
                .zip(&scores)
                .filter(|(course, _)| at == 0 || course.left[at - 1] == Some(false))
                .filter_map(|(course, score)| Some((score - typical, course.left[at]?)))
                .collect();
            let prior = Line { intercept: before.intercept + length.ln(), ..before };
            let line = prior.updated(&rows);
            before = Line { intercept: line.intercept - length.ln(), ..line };
            intervals.push(Interval {
                to_days: *to_days,
                rows: rows.len(),
                left: rows.iter().filter(|(_, left)| *left).count(),
                log_hazard: line.intercept,
                slope: line.slope,
            });
        }
        Survival { horizon_days, typical, intervals }
    }

    /// The curve of an account of which the churn model says `probability` at the horizon.
    ///
    /// ```
    /// use foothold::learners::fitting::survival::{Interval, Survival};
    /// let interval = |to_days, log_hazard| Interval { to_days, rows: 100, left: 10, log_hazard, slope: 1.0 };
    /// let survival =
    ///     Survival { horizon_days: 90, typical: -2.0, intervals: vec![interval(30, -3.0), interval(90, -2.3), interval(180, -2.0)] };
    /// let curve = survival.curve(0.2);
    /// assert_eq!(curve[1].probability, 0.2);
    /// assert!(curve[0].probability < 0.2 && curve[2].probability > 0.2);
    /// ```
    pub fn curve(&self, probability: f64) -> Vec<Point> {
        let score = log_hazard_of(probability);
        let hazards: Vec<f64> = self.intervals.iter().map(|interval| interval.hazard(score - self.typical)).collect();
        let within = self.intervals.iter().filter(|interval| interval.to_days <= self.horizon_days).count();
        let expected: f64 = hazards[..within].iter().sum();
        let scale = if expected > 0.0 { score.exp() / expected } else { 1.0 };
        let mut sum = 0.0;
        let points = self.intervals.iter().zip(&hazards).enumerate().map(|(at, (interval, hazard))| {
            sum += if at < within { scale * hazard } else { *hazard };
            let own = -(-sum).exp_m1();
            let probability = if at + 1 == within { probability } else { own };
            Point { days: interval.to_days, probability, rows: interval.rows }
        });
        monotone(points.collect())
    }
}

impl Interval {
    /// Hazard of an account that lies `above` the typical s.
    fn hazard(&self, above: f64) -> f64 {
        (self.log_hazard + self.slope * above).exp()
    }
}

/// Rounding in the last bit must not let a later point lie below an earlier one.
fn monotone(mut points: Vec<Point>) -> Vec<Point> {
    let mut least: f64 = 0.0;
    for point in &mut points {
        point.probability = point.probability.clamp(least, 1.0);
        least = point.probability;
    }
    points
}

/// ln(−ln(1 − p)), with p held away from 0 and 1 by 1e-6.
fn log_hazard_of(probability: f64) -> f64 {
    (-(-probability.clamp(1e-6, 1.0 - 1e-6)).ln_1p()).ln()
}

/// Departures per row and day of the first interval, with half a departure added.
fn first_rate(courses: &[Course], ends: &[i32]) -> f64 {
    let known = courses.iter().filter_map(|course| course.left.first().copied().flatten());
    let (left, rows) = known.fold((0.5, 1.0), |(left, rows), gone| (left + f64::from(u8::from(gone)), rows + 1.0));
    left / (rows * f64::from(ends.first().copied().unwrap_or(1)))
}

/// Log hazard = `intercept` + `slope` · s.
#[derive(Clone, Copy, Debug)]
struct Line {
    intercept: f64,
    slope: f64,
}

impl Line {
    /// The line of most posterior weight, with this one as its prior: Fisher scoring, halved where it overshoots.
    fn updated(self, rows: &[(f64, bool)]) -> Line {
        let mut at = self;
        let mut loss = at.loss(rows, self);
        for _ in 0..50 {
            let step = at.step(rows, self);
            let halves = (0..30).map(|halvings| 0.5f64.powi(halvings));
            let tried = halves.map(|length| Line {
                intercept: at.intercept + length * step.intercept,
                slope: at.slope + length * step.slope,
            });
            let Some((next, lower)) = tried.map(|line| (line, line.loss(rows, self))).find(|(_, found)| *found < loss)
            else {
                break;
            };
            let gained = loss - lower;
            (at, loss) = (next, lower);
            if gained < 1e-10 {
                break;
            }
        }
        // What tells accounts apart today may stop mattering, but it does not turn round.
        if at.slope < 0.0 { Line { slope: 0.0, ..self }.level(rows) } else { at }
    }

    /// The intercept alone, where the slope stays as it is.
    fn level(self, rows: &[(f64, bool)]) -> Line {
        let left = rows.iter().filter(|(_, left)| *left).count() as f64;
        let exposed: f64 = rows.iter().map(|(score, _)| (self.slope * score).exp()).sum();
        let prior = CONTINUITY / self.intercept.exp();
        Line { intercept: ((left + CONTINUITY) / (exposed + prior)).ln(), ..self }
    }

    fn loss(&self, rows: &[(f64, bool)], prior: Line) -> f64 {
        let own = rows.iter().map(|(score, left)| {
            let hazard = self.hazard(*score);
            if *left { -(-(-hazard).exp_m1()).max(1e-300).ln() } else { hazard }
        });
        let away = (self.intercept - prior.intercept).powi(2) + (self.slope - prior.slope).powi(2);
        own.sum::<f64>() + 0.5 * CONTINUITY * away
    }

    fn hazard(&self, score: f64) -> f64 {
        (self.intercept + self.slope * score).min(30.0).exp()
    }

    fn step(&self, rows: &[(f64, bool)], prior: Line) -> Line {
        let mut gradient = [CONTINUITY * (prior.intercept - self.intercept), CONTINUITY * (prior.slope - self.slope)];
        let mut information = [CONTINUITY, 0.0, CONTINUITY];
        for (score, left) in rows {
            let hazard = self.hazard(*score).max(1e-12);
            let leaving = -(-hazard).exp_m1();
            let odds = hazard * (-hazard).exp() / leaving;
            let pull = if *left { odds } else { -hazard };
            let weight = hazard * odds;
            gradient[0] += pull;
            gradient[1] += pull * score;
            information[0] += weight;
            information[1] += weight * score;
            information[2] += weight * score * score;
        }
        let determinant = information[0] * information[2] - information[1] * information[1];
        Line {
            intercept: (information[2] * gradient[0] - information[1] * gradient[1]) / determinant,
            slope: (information[0] * gradient[1] - information[1] * gradient[0]) / determinant,
        }
    }
}
