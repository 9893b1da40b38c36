//! The share of a ceiling that counts as ready: three past upgrades in four had reached it a month before they happened.
//!
//! Per segment and metric: the lower quartile of the utilization, [`LEAD_DAYS`] before a rise of tier or units, of the ceiling that was
//! fullest then. A segment is drawn towards all segments and those towards the configured value by `shrinkage`
//! upgrades; until all segments together have `min_upgrades`, the configured value stands.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Settings;
use super::level::Use;
use crate::extracts::tables::{Entitlement, Period};
use crate::history::View;
use crate::history::calendar::Calendar;
use crate::history::upgrades::{Upgrade, upgrades};
use crate::history::usage::{self, MONTH_DAYS};
use crate::statistics;
use crate::vocabulary::{AccountIx, MetricIx, Text};

/// A conversation needs this long to become a contract.
pub const LEAD_DAYS: i32 = 30;
/// Upgrades from a lower use were not about the ceiling.
const LEAST_UTILIZATION: f64 = 0.5;
/// Share of upgrades that came from a lower use.
const QUARTILE: f64 = 0.25;
/// A learned threshold stays within these.
const BOUNDS: (f64, f64) = (0.5, 0.98);

/// Utilizations before upgrades, sorted, by metric and segment (`None` = all segments).
#[derive(Clone, Debug, Default)]
pub struct Thresholds {
    seen: BTreeMap<(MetricIx, Option<Text>), Vec<f64>>,
}

/// The utilization of the fullest ceiling of an account before one of its upgrades.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeforeUpgrade {
    metric: MetricIx,
    segment: Option<Text>,
    utilization: f64,
}

/// Those of every account whose contracts are held here.
pub fn before_all_upgrades(view: View, calendar: &Calendar) -> Vec<BeforeUpgrade> {
    let accounts: Vec<AccountIx> = view.extracts.account_indices().collect();
    let of_account = |account: &AccountIx| -> Vec<BeforeUpgrade> {
        let found = before_upgrades(view, calendar, *account).into_iter();
        let segment = view.account(*account).and_then(|row| row.segment.clone());
        found.map(|(metric, utilization)| BeforeUpgrade { metric, segment: segment.clone(), utilization }).collect()
    };
    accounts.par_iter().flat_map_iter(of_account).collect()
}

impl Thresholds {
    pub fn learn(view: View, calendar: &Calendar, settings: &Settings) -> Thresholds {
        Thresholds::after(before_all_upgrades(view, calendar), settings)
    }

    /// From the upgrades of all accounts, in any order.
    pub fn after(found: impl IntoIterator<Item = BeforeUpgrade>, settings: &Settings) -> Thresholds {
        let mut seen: BTreeMap<(MetricIx, Option<Text>), Vec<f64>> = BTreeMap::new();
        for BeforeUpgrade { metric, segment, utilization } in found {
            seen.entry((metric, None)).or_default().push(utilization);
            if segment.is_some() {
                seen.entry((metric, segment)).or_default().push(utilization);
            }
        }
        let learnable = |metric: MetricIx, seen: &BTreeMap<_, Vec<f64>>| {
            seen.get(&(metric, None)).is_some_and(|all: &Vec<f64>| all.len() >= settings.min_upgrades as usize)
        };
        let metrics: Vec<MetricIx> = seen.keys().map(|(metric, _)| *metric).filter(|m| learnable(*m, &seen)).collect();
        seen.retain(|(metric, _), _| metrics.contains(metric));
        seen.values_mut().for_each(|values| values.sort_unstable_by(f64::total_cmp));
        Thresholds { seen }
    }

    /// The threshold of a segment and metric, and what it rests on.
    pub fn of(&self, segment: Option<&str>, metric: MetricIx, view: View, settings: &Settings) -> (f64, String) {
        let seats = view.extracts.metric(metric) == "seats";
        let configured = if seats { settings.seat_threshold } else { settings.threshold };
        let Some(all) = self.seen.get(&(metric, None)) else { return (configured, "configured".into()) };
        let pooled = shrunk(all, configured, settings.shrinkage);
        let own = segment.and_then(|name| Some((name, self.seen.get(&(metric, Some(Text::from(name))))?)));
        let (threshold, basis) = match own {
            Some((name, own)) => (shrunk(own, pooled, settings.shrinkage), basis(name, own, ("all segments", pooled))),
            None => (pooled, basis("all segments", all, ("the configured", configured))),
        };
        (threshold.clamp(BOUNDS.0, BOUNDS.1), basis)
    }
}

fn shrunk(values: &[f64], parent: f64, weight: f64) -> f64 {
    let n = values.len() as f64;
    let quartile = statistics::quantile(values, QUARTILE).unwrap_or(parent);
    (n * quartile + weight * parent) / (n + weight)
}

/// n, the quartile with its 95 % interval by order statistics, and what it is drawn toward.
fn basis(scope: &str, sorted: &[f64], (parent, towards): (&str, f64)) -> String {
    let n = sorted.len() as f64;
    let half = 1.96 * (QUARTILE * (1.0 - QUARTILE) / n).sqrt();
    let at = |share: f64| 100.0 * statistics::quantile(sorted, share.clamp(0.0, 1.0)).unwrap_or(0.0);
    let (low, high, towards) = (at(QUARTILE - half), at(QUARTILE + half), 100.0 * towards);
    format!(
        "{n} upgrades in {scope}: {:.0} % ({low:.0}–{high:.0}), shrunk toward {parent} {towards:.0} %",
        at(QUARTILE)
    )
}

/// The fullest ceiling of the product a month before each upgrade, where it was about a ceiling at all.
fn before_upgrades(view: View, calendar: &Calendar, account: AccountIx) -> Vec<(MetricIx, f64)> {
    let about_size = |upgrade: &Upgrade| upgrade.tier || upgrade.units;
    let fullest = |upgrade: Upgrade| {
        let then = View { day: upgrade.day.minus(LEAD_DAYS), ..view };
        let ceilings = then.entitlements(account).into_iter().filter(|ceiling| ceiling.product == upgrade.product);
        let used = ceilings.filter_map(|ceiling| Some((ceiling.metric, utilization(then, calendar, ceiling)?)));
        used.filter(|(_, share)| *share >= LEAST_UTILIZATION).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    upgrades(view, account).into_iter().filter(about_size).filter_map(fullest).collect()
}

/// The level over the limit; for monthly ceilings the amount of the last month, because the month to date says little.
fn utilization(view: View, calendar: &Calendar, ceiling: &Entitlement) -> Option<f64> {
    let series = usage::one(view, calendar, ceiling.account, ceiling.product, ceiling.metric)?;
    let level = if ceiling.period == Period::Month {
        let month = series.measure(30)?;
        month.value / (month.periods as f64 * series.days_per_point()) * MONTH_DAYS
    } else {
        Use::of(&series, ceiling.period).now()
    };
    Some((level / ceiling.limit).min(2.0))
}
