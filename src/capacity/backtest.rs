//! How often the breach dates were right: forecasts made on past days against what came.
//!
//! A forecast is graded by the probability it gave to a breach by the day of the actual one; 80 % of those should lie
//! between 0.1 and 0.9. Ceilings not reached by the end of the data are censored at the probability given up to then:
//! the share within is read off the Kaplan–Meier estimate, so that leaving them out does not flatter the forecast.

use rayon::prelude::*;
use serde::Serialize;

use super::forecast::Forecast;
use super::level::Use;
use super::{Context, Settings};
use crate::extracts::Extracts;
use crate::extracts::tables::{Entitlement, Period};
use crate::history::View;
use crate::history::calendar::Calendar;
use crate::history::contracts::Contract;
use crate::history::usage::{self, Regular};
use crate::statistics;
use crate::vocabulary::{AccountIx, Day};

/// Ceilings emptier than this are not forecast in earnest.
const LEAST_UTILIZATION: f64 = 0.5;

/// The result over all forecasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    pub forecasts: usize,
    /// Breaches that came.
    pub breaches: usize,
    /// Share of breaches before P10, between P10 and P90, and after P90; sums to 1 where there was any breach.
    pub early: f64,
    pub within: f64,
    pub late: f64,
    /// 95 % interval of `within`, by the number of breaches.
    pub low: f64,
    pub high: f64,
}

/// One forecast and what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grade {
    pub period: Period,
    /// Probability that the forecast gave to a breach by the actual day, or by the end of the data.
    pub probability: f64,
    pub breached: bool,
}

/// How the forecasts made at the end of each of `days` stand by what the extracts show up to `until`.
pub fn backtest(extracts: &Extracts, days: &[Day], until: Day, settings: &Settings) -> Coverage {
    coverage(&grades(extracts, days, until, settings))
}

/// Each of those forecasts, by day, account, product and metric.
pub fn grades(extracts: &Extracts, days: &[Day], until: Day, settings: &Settings) -> Vec<Grade> {
    let last = View::new(extracts, until);
    let calendar = Calendar::learn(last);
    days.iter().flat_map(|day| grades_on(View::new(extracts, *day), last, &calendar, settings)).collect()
}

fn grades_on(view: View, last: View, final_calendar: &Calendar, settings: &Settings) -> Vec<Grade> {
    let context =
        Context { settings: settings.clone(), calendar: Calendar::learn(view), thresholds: Default::default() };
    let accounts: Vec<AccountIx> = view.accounts().map(|account| account.account).collect();
    let of_account = |account: &AccountIx| -> Vec<Grade> {
        let ceilings = view.entitlements(*account);
        ceilings.into_iter().filter_map(|ceiling| grade(view, last, ceiling, &context, final_calendar)).collect()
    };
    let graded: Vec<Vec<Grade>> = accounts.par_iter().map(of_account).collect();
    graded.into_iter().flatten().collect()
}

/// `None` for ceilings without a forecast, reached already, or far from it.
fn grade(view: View, last: View, ceiling: &Entitlement, context: &Context, final_calendar: &Calendar) -> Option<Grade> {
    let (account, product, metric) = (ceiling.account, ceiling.product, ceiling.metric);
    let series = usage::one(view, &context.calendar, account, product, metric)?;
    let used = Use::of(&series, ceiling.period);
    let forecast = Forecast::fit(&series, ceiling.period, ceiling.limit, &used, &context.settings)?;
    let near = forecast.level() >= LEAST_UTILIZATION * ceiling.limit && used.run_at(ceiling.limit).is_none();
    if !near || forecast.quantile(0.5).is_none() {
        return None;
    }
    let later = usage::one(last, final_calendar, account, product, metric)?;
    let end = customer_until(view, last, account, later.last().day);
    let breach = breach_day(&later, ceiling, view.day).filter(|day| *day <= end);
    let probability = forecast.probability_by(breach.unwrap_or(end));
    Some(Grade { period: ceiling.period, probability, breached: breach.is_some() })
}

fn breach_day(later: &Regular, ceiling: &Entitlement, after: Day) -> Option<Day> {
    Use::of(later, ceiling.period).first_at(ceiling.limit, after)
}

/// The last day on which the account still had a contract, looked at by month: use after it proves nothing.
fn customer_until(view: View, last: View, account: AccountIx, end: Day) -> Day {
    let mut day = view.day;
    while day < end && !Contract::on(View { day, ..last }, account).active.is_empty() {
        day = day.plus(30).min(end);
    }
    day
}

/// Kaplan–Meier over the probabilities: how much of the breaches' mass lies below 0.1, between, and above 0.9.
pub fn coverage(grades: &[Grade]) -> Coverage {
    let mut sorted = grades.to_vec();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability).then(b.breached.cmp(&a.breached)));
    let (mut surviving, mut below, mut above) = (1.0, 0.0, None);
    for (n, grade) in sorted.iter().enumerate() {
        if grade.probability > 0.9 && above.is_none() {
            above = Some(surviving);
        }
        if grade.breached {
            surviving *= 1.0 - 1.0 / (sorted.len() - n) as f64;
        }
        if grade.probability < 0.1 {
            below = 1.0 - surviving;
        }
    }
    let breaches = sorted.iter().filter(|grade| grade.breached).count();
    let late = above.unwrap_or(surviving);
    let within = (1.0 - below - late).max(0.0);
    let (low, high) = statistics::wilson(within * breaches as f64, breaches as f64);
    Coverage { forecasts: grades.len(), breaches, early: below, within, late, low, high }
}
