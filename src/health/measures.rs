//! The table behind the score: which observation, read how, is worth how many points, with which weight in its
//! dimension.
//!
//! A scale is a list of (reading, points) knots, rising in the reading and monotone in the points, with straight lines
//! between them and flat ends. Weights compare only within a dimension. The knots put an account that holds its level
//! at about 80 and the sources' alarm levels (active users −40 %, sponsor silent for 45 days, an open p1, satisfaction
//! near 6) at or below yellow.

use std::sync::LazyLock;

use super::Dimension;
use crate::extracts::InputTable;
use crate::observations::{AccountObservations, Asked, Metric, Observation};
use crate::vocabulary::Category;
use crate::wording::{ago, change, count, day, percent, plural};

/// How an observation becomes a number on the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The account's own observation of the metric.
    Value,
    /// Its change against the baseline; −1 where there is no use and was none before.
    Change,
    /// Its value as a share of the baseline.
    OfBaseline,
    /// The mean of its values over products.
    MeanOfProducts,
    /// The highest value over products and family members.
    Highest,
    /// New tickets against the baseline, two added to either so that one ticket is no trend; with good satisfaction a
    /// rise counts as no change, because it is engagement.
    TicketSurge,
    /// 0 when no usage series but levels has any value in the window; no reading otherwise.
    Stopped,
}

/// One line of the table.
#[derive(Debug)]
pub struct Measure {
    pub dimension: Dimension,
    pub metric: Metric,
    pub window_days: i32,
    pub reading: Reading,
    pub scale: Scale,
    /// Within the dimension.
    pub weight: f64,
    /// The observation as a short sentence with its numbers.
    pub say: fn(&Observation) -> String,
}

/// Knots of (reading, points).
#[derive(Clone, Copy, Debug)]
pub struct Scale(pub &'static [(f64, f64)]);

impl Scale {
    /// Points of a reading, 0–100.
    pub fn score(&self, reading: f64) -> f64 {
        let after = self.0.partition_point(|(knot, _)| *knot <= reading);
        let Some((right, right_points)) = self.0.get(after).copied() else { return self.0[after - 1].1 };
        let Some((left, left_points)) = after.checked_sub(1).map(|before| self.0[before]) else { return right_points };
        left_points + (right_points - left_points) * (reading - left) / (right - left)
    }

    /// Whether a higher reading is better.
    pub fn rises(&self) -> bool {
        self.0[0].1 < self.0[self.0.len() - 1].1
    }
}

/// Mean ticket satisfaction from which more tickets are engagement.
const GOOD_CSAT: f64 = 7.5;
/// Windows of that mean, by precedence.
const CSAT_WINDOWS: [i32; 2] = [30, 90];
/// Added to tickets now and before, so that small numbers make no trend.
const TICKET_PRIOR: f64 = 2.0;
/// Levels keep their last value when an account stops, so they say nothing about stopping.
const LEVELS: [&str; 4] = ["seats", "storage_gb", "records", "user_roles"];

impl Measure {
    /// The reading and the observation that stands for it; `None` where the account has no such observation.
    pub fn read<'a>(&self, facts: &'a AccountObservations) -> Option<(f64, &'a Observation)> {
        let (reading, observation) = match self.reading {
            Reading::Value => self.whole(facts).map(|o| (o.value, o))?,
            Reading::Change => self.whole(facts).and_then(|o| Some((change_of(o)?, o)))?,
            Reading::OfBaseline => self.whole(facts).and_then(|o| Some((share_of_baseline(o)?, o)))?,
            Reading::MeanOfProducts => self.mean_of_products(facts)?,
            Reading::Highest => self.members(facts).map(|o| (o.value, o)).max_by(|a, b| a.0.total_cmp(&b.0))?,
            Reading::TicketSurge => self.whole(facts).and_then(|o| Some((surge(o, facts)?, o)))?,
            Reading::Stopped => stopped(facts, self.window_days).map(|o| (0.0, o))?,
        };
        reading.is_finite().then_some((reading, observation))
    }

    fn whole<'a>(&self, facts: &'a AccountObservations) -> Option<&'a Observation> {
        whole(facts, self.metric, self.window_days)
    }

    fn members<'a>(&self, facts: &'a AccountObservations) -> impl Iterator<Item = &'a Observation> {
        let (metric, window) = (self.metric, self.window_days);
        facts
            .observations
            .iter()
            .filter(move |o| o.measured() == metric && o.window_days() == window && o.value.is_finite())
    }

    /// The mean, with the observation that lies lowest to speak for it.
    fn mean_of_products<'a>(&self, facts: &'a AccountObservations) -> Option<(f64, &'a Observation)> {
        let lowest = self.members(facts).min_by(|a, b| a.value.total_cmp(&b.value))?;
        let values: Vec<f64> = self.members(facts).map(|o| o.value).collect();
        Some((values.iter().sum::<f64>() / values.len() as f64, lowest))
    }
}

/// The observation of the account as a whole.
fn whole(facts: &AccountObservations, metric: Metric, window_days: i32) -> Option<&Observation> {
    let is = |o: &&Observation| o.measured() == metric && o.window_days() == window_days && o.product().is_none();
    facts.observations.iter().find(is)
}

fn change_of(o: &Observation) -> Option<f64> {
    let silent = o.value == 0.0 && o.baseline() == Some(0.0);
    o.change().or(silent.then_some(-1.0))
}

fn share_of_baseline(o: &Observation) -> Option<f64> {
    let baseline = o.baseline()?;
    Some(if baseline > 0.0 { o.value / baseline } else { 0.0 })
}

fn surge(o: &Observation, facts: &AccountObservations) -> Option<f64> {
    let surge = (o.value + TICKET_PRIOR) / (o.baseline()? + TICKET_PRIOR) - 1.0;
    let csat = CSAT_WINDOWS.into_iter().find_map(|window| whole(facts, Metric::CsatMean, window));
    let content = csat.is_some_and(|csat| csat.value >= GOOD_CSAT);
    Some(if content { surge.min(0.0) } else { surge })
}

fn stopped(facts: &AccountObservations, window_days: i32) -> Option<&Observation> {
    let metered = |o: &&Observation| {
        o.category() == Category::Product
            && o.source() == InputTable::Usage
            && o.window_days() == window_days
            && o.product().is_some()
            && !o.metric().starts_with(Metric::UsageTrend.name())
            && !LEVELS.contains(&o.metric())
    };
    let first = facts.observations.iter().find(metered)?;
    facts.observations.iter().filter(metered).all(|o| o.value == 0.0).then_some(first)
}

const fn measure(
    dimension: Dimension,
    metric: Metric,
    window_days: i32,
    reading: Reading,
    weight: f64,
    scale: &'static [(f64, f64)],
    say: fn(&Observation) -> String,
) -> Measure {
    Measure { dimension, metric, window_days, reading, weight, scale: Scale(scale), say }
}

use Dimension::{Financial, Product, Relationship, Support};
use Reading::{Change, Highest, MeanOfProducts, OfBaseline, Stopped, TicketSurge, Value};

/// Change of use: an unchanged level is worth 80, −20 % 45, −40 % 20.
const USE: &[(f64, f64)] =
    &[(-0.7, 0.0), (-0.4, 20.0), (-0.2, 45.0), (-0.08, 70.0), (0.0, 80.0), (0.1, 90.0), (0.3, 100.0)];
/// Days of silence of a person who matters.
const SILENCE: &[(f64, f64)] = &[(14.0, 100.0), (30.0, 85.0), (45.0, 50.0), (75.0, 25.0), (120.0, 0.0)];
/// A mean score from 0 to 10.
const SATISFACTION: &[(f64, f64)] =
    &[(2.0, 0.0), (5.0, 28.0), (6.2, 49.0), (7.0, 65.0), (8.0, 82.0), (9.0, 95.0), (10.0, 100.0)];

/// Every measure, by dimension.
#[rustfmt::skip]
pub static MEASURES: &[Measure] = &[
    measure(Product, Metric::ActiveUsers, 30, Change, 3.0, USE, |o| moved("Active users", o)),
    measure(Product, Metric::ActiveUsers, 90, Change, 2.0, USE, |o| moved("Active users", o)),
    measure(Product, Metric::UsageIndex, 60, Value, 2.0,
        &[(0.2, 0.0), (0.5, 20.0), (0.75, 52.0), (0.9, 74.0), (1.0, 80.0), (1.15, 92.0), (1.4, 100.0)],
        |o| format!("Typical use stands at {} of the 60 days before", percent(o.value))),
    measure(Product, Metric::ActiveDays, 30, Change, 1.0, USE, |o| moved("Days with use", o)),
    measure(Product, Metric::FeaturesUsed, 30, Change, 1.5, USE, |o| moved("Features in use", o)),
    measure(Product, Metric::FeaturesAbandoned, 30, OfBaseline, 1.5,
        &[(0.0, 90.0), (0.15, 70.0), (0.3, 45.0), (0.6, 10.0), (1.0, 0.0)],
        |o| format!("{} in regular use before went unused for 30 days", counted(o, "feature", "features"))),
    measure(Product, Metric::Usage, 30, Stopped, 6.0, &[(0.0, 0.0), (1.0, 1.0)],
        |_| "No use at all in the last 30 days".into()),

    measure(Relationship, Metric::DaysSinceContact, 0, Value, 2.0,
        &[(14.0, 100.0), (30.0, 82.0), (60.0, 50.0), (90.0, 25.0), (150.0, 0.0)],
        |o| format!("Last contact {}", days_ago(o))),
    measure(Relationship, Metric::DaysSinceSponsorContact, 0, Value, 1.5, SILENCE,
        |o| format!("Last contact with a sponsor {}", days_ago(o))),
    measure(Relationship, Metric::DaysSinceChampionContact, 0, Value, 1.5, SILENCE,
        |o| format!("Last contact with a champion {}", days_ago(o))),
    measure(Relationship, Metric::MeetingsAttendedShare, 90, Value, 1.0,
        &[(0.0, 0.0), (0.5, 40.0), (0.8, 80.0), (1.0, 100.0)],
        |o| format!("{} of meetings in 90 days attended", percent(o.value))),
    measure(Relationship, Metric::ResponseHours, 90, Value, 0.75,
        &[(4.0, 100.0), (24.0, 85.0), (72.0, 50.0), (168.0, 15.0), (336.0, 0.0)],
        |o| format!("The customer answers within {} hours (median over 90 days)", count(o.value))),
    measure(Relationship, Metric::SentimentMean, 90, Value, 1.0,
        &[(-0.8, 0.0), (-0.3, 25.0), (0.0, 62.0), (0.3, 85.0), (0.7, 100.0)],
        |o| format!("Mean sentiment {:+.2} over 90 days, on a scale from -1 to 1", o.value)),
    measure(Relationship, Metric::NpsLatest, 0, Value, 1.5,
        &[(0.0, 0.0), (6.0, 35.0), (7.0, 60.0), (8.0, 76.0), (9.0, 92.0), (10.0, 100.0)],
        |o| format!("The latest NPS answer is {} of 10", count(o.value))),
    measure(Relationship, Metric::KeyContactsLeft, 90, Value, 1.5,
        &[(0.0, 85.0), (1.0, 25.0), (2.0, 0.0)],
        |o| format!("{} left in 90 days", counted(o, "champion or sponsor", "champions or sponsors"))),
    measure(Relationship, Metric::ChampionsPresent, 0, Value, 0.75,
        &[(0.0, 45.0), (1.0, 85.0), (3.0, 100.0)],
        |o| format!("{} at the account", counted(o, "champion", "champions"))),

    measure(Support, Metric::CsatMean, 90, Value, 2.0, SATISFACTION,
        |o| format!("Satisfaction with tickets {:.1} of 10 over 90 days{}", o.value, before(o))),
    measure(Support, Metric::SurveyCsatMean, 180, Value, 1.0, SATISFACTION,
        |o| format!("Surveyed satisfaction {:.1} of 10 over 180 days", o.value)),
    measure(Support, Metric::CriticalTicketsOpen, 0, Value, 2.0,
        &[(0.0, 92.0), (1.0, 52.0), (2.0, 38.0), (3.0, 25.0), (6.0, 0.0)],
        |o| format!("{} open", counted(o, "critical ticket", "critical tickets"))),
    measure(Support, Metric::TicketsOpened, 30, TicketSurge, 1.0,
        &[(-0.5, 88.0), (0.0, 82.0), (0.5, 62.0), (1.0, 42.0), (2.0, 15.0), (4.0, 0.0)],
        |o| format!("{} opened in 30 days{}", counted(o, "ticket", "tickets"), before(o))),
    measure(Support, Metric::TicketsEscalated, 90, Value, 1.0,
        &[(0.0, 88.0), (1.0, 55.0), (2.0, 35.0), (4.0, 0.0)],
        |o| format!("{} escalated in 90 days", counted(o, "ticket", "tickets"))),
    measure(Support, Metric::ResolutionHours, 90, Value, 0.75,
        &[(4.0, 100.0), (24.0, 86.0), (72.0, 62.0), (168.0, 30.0), (336.0, 0.0)],
        |o| format!("Tickets resolved within {} hours (median over 90 days)", count(o.value))),

    measure(Financial, Metric::DaysOverdueMax, 0, Value, 2.0,
        &[(0.0, 95.0), (10.0, 75.0), (30.0, 38.0), (60.0, 10.0), (90.0, 0.0)],
        |o| if o.value > 0.0 { format!("An invoice is {} overdue", days(o)) } else { "No invoice overdue".into() }),
    measure(Financial, Metric::InvoicesOverdue, 0, Value, 1.0,
        &[(0.0, 92.0), (1.0, 50.0), (2.0, 25.0), (4.0, 0.0)],
        |o| format!("{} overdue", counted(o, "invoice", "invoices"))),
    measure(Financial, Metric::InvoicesDisputed, 0, Value, 1.0,
        &[(0.0, 88.0), (1.0, 30.0), (2.0, 0.0)],
        |o| format!("{} disputed", counted(o, "invoice", "invoices"))),
    measure(Financial, Metric::DaysLateMean, 180, Value, 1.0,
        &[(0.0, 95.0), (5.0, 85.0), (15.0, 55.0), (30.0, 25.0), (60.0, 0.0)],
        |o| format!("Invoices paid {} late on average over 180 days", days(o))),
    measure(Financial, Metric::UnitsUtilization, 60, MeanOfProducts, 2.0,
        &[(0.0, 0.0), (0.2, 12.0), (0.5, 50.0), (0.7, 75.0), (0.85, 90.0), (1.0, 100.0)],
        |o| format!("{} of the paid units in use over 60 days", percent(o.value))),
    measure(Financial, Metric::CeilingUtilization, 60, Highest, 1.0,
        &[(0.0, 0.0), (0.1, 20.0), (0.3, 55.0), (0.5, 75.0), (0.8, 92.0), (1.0, 100.0)],
        |o| format!("Use reaches {} of the ceiling on {}", percent(o.value), particular(o))),
    measure(Financial, Metric::Arr, 0, Change, 1.0,
        &[(-0.6, 0.0), (-0.2, 30.0), (-0.02, 75.0), (0.0, 80.0), (0.1, 90.0), (0.3, 100.0)],
        |o| moved("ARR", o)),
    measure(Financial, Metric::DaysToRenewal, 0, Value, 0.5,
        &[(0.0, 62.0), (30.0, 68.0), (90.0, 80.0), (180.0, 90.0), (365.0, 95.0)],
        |o| format!("Renewal in {}", days(o))),
];

/// The observations that the score rests on; whoever needs no more than it observes no more.
pub static ASKED: LazyLock<Asked> = LazyLock::new(|| {
    let measures = MEASURES.iter().map(|measure| (measure.metric, measure.window_days));
    measures.chain(CSAT_WINDOWS.map(|window| (Metric::CsatMean, window))).collect()
});

fn moved(what: &str, o: &Observation) -> String {
    let since = o.since().map_or(String::new(), |since| format!(", since {}", day(since)));
    let window = if o.window_days() == 0 { "over a year".to_owned() } else { format!("over {} days", o.window_days()) };
    match (o.change(), o.baseline()) {
        (Some(rate), Some(baseline)) if rate.abs() >= 0.005 => {
            format!("{what} {} {window} ({} against {} before{since})", change(rate), count(o.value), count(baseline))
        }
        (Some(_), _) => format!("{what} unchanged {window} ({})", count(o.value)),
        _ => format!("{what}: {} {window}", count(o.value)),
    }
}

fn before(o: &Observation) -> String {
    o.baseline().map_or(String::new(), |baseline| format!(", {} before", count(baseline)))
}

/// `2 tickets`, and of none `No ticket`.
fn counted(o: &Observation, one: &str, many: &str) -> String {
    match o.value as i64 {
        0 => format!("No {one}"),
        n => plural(n, one, many),
    }
}

fn days_ago(o: &Observation) -> String {
    ago(o.value.round() as i64)
}

fn days(o: &Observation) -> String {
    plural(o.value.round() as i64, "day", "days")
}

/// `seats` of `ceiling_utilization:seats`.
fn particular(o: &Observation) -> String {
    o.metric().split_once(':').map_or(o.metric(), |(_, particular)| particular).replace('_', " ")
}
