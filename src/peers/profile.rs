//! What an account looks like on a day: size, contract, tenure, and how far it uses what it pays for.

use serde::{Deserialize, Serialize};

use crate::extracts::tables::{Account, Period, Series};
use crate::history::View;
use crate::history::contracts::{Contract, is_core};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

/// Days over which a usage level is the mean.
const LEVEL_DAYS: i32 = 30;
/// Metrics that state a level; any other without a value was not used.
const LEVELS: [&str; 4] = ["seats", "storage_gb", "records", "user_roles"];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    pub account: AccountIx,
    pub day: Day,
    pub employees: Option<f64>,
    /// Reporting currency per year.
    pub arr: f64,
    /// The core product with the largest ARR; else the largest of all.
    pub product: ProductIx,
    pub tier: Text,
    pub tier_rank: Option<i64>,
    /// Licensed units of the product, 0 where none are stated.
    pub units: f64,
    pub owned: Vec<ProductIx>,
    pub tenure_years: f64,
    /// The most used of seats and ceilings of the product, as a share of what is paid for.
    pub level: Option<f64>,
    /// Mean daily active users of the product.
    pub active_users: Option<f64>,
}

impl Profile {
    /// `None` where no contract is in force.
    pub(super) fn on(view: View, account: &Account, meters: &Meters) -> Option<Profile> {
        let contract = Contract::on(view, account.account);
        let by_arr = |a: &&&crate::extracts::tables::Subscription, b: &&&crate::extracts::tables::Subscription| {
            is_core(view, a.product).cmp(&is_core(view, b.product)).then(a.arr.total_cmp(&b.arr)).then(b.id.cmp(&a.id))
        };
        let main = *contract.active.iter().max_by(by_arr)?;
        let units = contract.active.iter().filter(|s| s.product == main.product).filter_map(|s| s.units).sum();
        let mut owned: Vec<ProductIx> = contract.active.iter().map(|s| s.product).collect();
        owned.dedup();
        Some(Profile {
            account: account.account,
            day: view.day,
            employees: account.employees.map(|employees| employees as f64),
            arr: contract.arr,
            product: main.product,
            tier: main.tier.clone(),
            tier_rank: view.extracts.product(main.product).tier(&main.tier).map(|tier| tier.rank),
            units,
            owned,
            tenure_years: contract.first_start.map_or(0.0, |start| f64::from(view.day.since(start).max(0)) / 365.25),
            level: meters.level(view, account.account, main.product, units),
            active_users: meters.mean(view, main.product, "active_users"),
        })
    }
}

/// The usage of one account as it is known today; a past level is read from the same values.
pub(super) struct Meters<'a> {
    view: View<'a>,
    series: Vec<(&'a Series, Vec<f64>)>,
}

impl<'a> Meters<'a> {
    pub(super) fn of(view: View<'a>, account: AccountIx) -> Meters<'a> {
        let usage = &view.extracts.usage;
        let series = usage.of(account).iter().map(|series| (series, usage.known(series, view.day))).collect();
        Meters { view, series }
    }

    /// Mean of the values in the month up to the day; without one, a level's last value, and 0 for anything else.
    fn mean(&self, view: View, product: ProductIx, metric: &str) -> Option<f64> {
        let cells = self.cells(view.day, product, metric)?;
        let recent: Vec<f64> = self.month(view.day, product, metric)?.filter(|value| value.is_finite()).collect();
        if !recent.is_empty() {
            return Some(recent.iter().sum::<f64>() / recent.len() as f64);
        }
        let last = cells.iter().rev().copied().find(|value| value.is_finite())?;
        Some(if LEVELS.contains(&metric) { last } else { 0.0 })
    }

    fn sum(&self, view: View, product: ProductIx, metric: &str) -> Option<f64> {
        Some(self.month(view.day, product, metric)?.filter(|value| value.is_finite()).sum())
    }

    /// The cells from the series' start up to the day.
    fn cells(&self, day: Day, product: ProductIx, metric: &str) -> Option<&[f64]> {
        let metric = self.view.extracts.ids.metrics.get(metric)?;
        let (series, cells) = self.series.iter().find(|(s, _)| s.product == product && s.metric == metric)?;
        let len = (day.since(series.start) + 1).clamp(0, cells.len() as i32) as usize;
        Some(&cells[..len])
    }

    fn month(&self, day: Day, product: ProductIx, metric: &str) -> Option<impl Iterator<Item = f64>> {
        let cells = self.cells(day, product, metric)?;
        let (series, _) = self
            .series
            .iter()
            .find(|(s, _)| s.product == product && Some(s.metric) == self.view.extracts.ids.metrics.get(metric))?;
        let first = (day.since(series.start) + 1 - LEVEL_DAYS).clamp(0, cells.len() as i32) as usize;
        Some(cells[first..].iter().copied())
    }

    /// The highest of: seats (else active users) over licensed units, and use over each ceiling in force.
    fn level(&self, view: View, account: AccountIx, product: ProductIx, units: f64) -> Option<f64> {
        let people = || self.mean(view, product, "seats").or_else(|| self.mean(view, product, "active_users"));
        let of_units = if units > 0.0 { people().map(|people| people / units) } else { None };
        let ceilings = view.entitlements(account);
        let of_ceilings = ceilings.iter().filter(|ceiling| ceiling.product == product).filter_map(|ceiling| {
            let metric = view.extracts.metric(ceiling.metric);
            let used = match ceiling.period {
                Period::Gauge | Period::Day => self.mean(view, product, metric)?,
                Period::Month => self.sum(view, product, metric)?,
            };
            Some(used / ceiling.limit)
        });
        of_units.into_iter().chain(of_ceilings).filter(|level| level.is_finite()).max_by(f64::total_cmp)
    }
}
