//! The noise-free state of one account as the rules read it.

use crate::extracts::tables::Period;
use crate::simulate::catalog::ProductNo;
use crate::simulate::course::Course;
use crate::simulate::metering::Meter;
use crate::simulate::people::{People, Person};
use crate::simulate::profile::Profile;
use crate::simulate::rows::{EntitlementRow, Metric, Tables};
use crate::vocabulary::Day;

/// One way in which a rule holds.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    pub product: Option<ProductNo>,
    /// The rule's main number.
    pub value: f64,
}

impl Hit {
    pub fn of(product: ProductNo, value: f64) -> Hit {
        Hit { product: Some(product), value }
    }

    /// A hit of the account as a whole where the condition holds.
    pub fn whole(holds: bool, value: f64) -> Vec<Hit> {
        if holds { vec![Hit { product: None, value }] } else { Vec::new() }
    }
}

pub struct Scene<'a> {
    pub profile: &'a Profile,
    pub course: &'a Course,
    pub people: &'a People,
    pub meters: &'a [Meter],
    /// Noise-free.
    pub tables: &'a Tables,
}

impl<'a> Scene<'a> {
    pub fn meter(&self, product: ProductNo, metric: Metric) -> Option<&'a Meter> {
        self.meters.iter().find(|m| m.product == product && m.metric == metric)
    }

    /// Ceilings in force on a day, with the meter that counts against each.
    pub fn ceilings(&self, day: Day) -> impl Iterator<Item = (&'a EntitlementRow, &'a Meter)> {
        let in_force = move |e: &&EntitlementRow| e.starts_on <= day && e.ends_on.is_none_or(|end| end >= day);
        let rows = self.tables.entitlements.iter().filter(in_force);
        rows.filter_map(|row| Some((row, self.meter(row.product, row.metric)?)))
    }

    /// Days since the first contract that the extracts know.
    pub fn tenure(&self, day: Day) -> i32 {
        let first = self.course.subscriptions.iter().map(|s| s.starts_on).min();
        first.map_or(0, |first| day.since(first))
    }

    pub fn owns(&self, product: ProductNo, day: Day) -> bool {
        self.course.on(day).owns(product)
    }

    /// People known and present on a day.
    pub fn present(&self, day: Day) -> impl Iterator<Item = &'a Person> {
        self.people.people.iter().filter(move |p| p.on(day).is_some() && !p.gone_on(day))
    }

    /// The last contact with a person by a day: an activity that was attended, a conversation, a survey answer.
    pub fn last_contact(&self, contact_id: &str, day: Day) -> Option<Day> {
        let is = |id: &Option<String>| id.as_deref() == Some(contact_id);
        let touched = self.tables.activities.iter().filter(|a| is(&a.contact_id) && a.attended != Some(false));
        let talked = self.tables.conversations.iter().filter(|c| is(&c.contact_id)).map(|c| c.at.day());
        let answered = self.tables.surveys.iter().filter(|s| is(&s.contact_id)).map(|s| s.at.day());
        touched.map(|a| a.at.day()).chain(talked).chain(answered).filter(|at| *at <= day).max()
    }
}

impl Meter {
    /// Mean of the values in the `days` days that end on `day`; `None` where the series does not reach back so far.
    pub fn mean(&self, day: Day, days: i32) -> Option<f64> {
        if day.minus(days - 1) < self.start {
            return None;
        }
        let values: Vec<f64> = (0..days).filter_map(|age| self.on(day.minus(age))).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Mean level of the `days` days that end on `day`, every weekday weighing the same: spans of different weekdays
    /// compare, and a span with one more weekend is no decline.
    pub fn level(&self, day: Day, days: i32) -> Option<f64> {
        if day.minus(days - 1) < self.start {
            return None;
        }
        let mut sums = [(0.0, 0.0); 7];
        for then in (0..days).map(|age| day.minus(age)) {
            if let Some(value) = self.on(then) {
                let (sum, number) = &mut sums[then.weekday() as usize];
                (*sum, *number) = (*sum + value, *number + 1.0);
            }
        }
        let means: Vec<f64> =
            sums.iter().filter(|(_, number)| *number > 0.0).map(|(sum, number)| sum / number).collect();
        (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
    }

    /// Use of a day as the ceiling counts it: the level, the day's amount, or the calendar month to date.
    pub fn against(&self, period: Period, day: Day) -> Option<f64> {
        match period {
            Period::Gauge | Period::Day => self.on(day),
            Period::Month => {
                let days = day.since(day.month_start()) + 1;
                Some((0..days).filter_map(|age| self.on(day.minus(age))).sum())
            }
        }
    }
}

/// Whether a day lies within the last `days` days that end on `day`.
pub fn within(then: Day, day: Day, days: i32) -> bool {
    (0..days).contains(&day.since(then))
}
