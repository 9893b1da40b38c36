//! The contract and the money: what is in force, what is used of it, what was billed, and which deals are open.

use std::collections::BTreeMap;

use super::Metric;
use super::metered::Metered;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{Entitlement, Invoice, Opportunity, Period, Stage};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::history::upgrades::upgrades;
use crate::history::usage::{MONTH_DAYS, Measure, Regular};
use crate::vocabulary::{Day, ProductIx};

const YEAR: i32 = 365;

pub(super) fn observe(recorder: &mut Recorder, metered: &Metered) {
    let contract = Contract::on(recorder.view, recorder.account);
    in_force(recorder, &contract);
    growth(recorder);
    if recorder.has(InputTable::Usage) {
        paid_units(recorder, &contract, metered);
        ceilings(recorder, metered);
    }
    if recorder.has(InputTable::Invoices) {
        invoices(recorder);
    }
    if recorder.has(InputTable::Opportunities) && recorder.asks_from(InputTable::Opportunities) {
        opportunities(recorder);
    }
}

/// ARR, units and highest tier rank per product.
fn holdings(view: View, contract: &Contract) -> BTreeMap<ProductIx, (f64, f64, i64)> {
    let mut held: BTreeMap<ProductIx, (f64, f64, i64)> = BTreeMap::new();
    for s in &contract.active {
        let (arr, units, rank) = held.entry(s.product).or_default();
        *arr += s.arr;
        *units += s.units.unwrap_or(0.0);
        *rank = (*rank).max(view.extracts.product(s.product).tier(&s.tier).map_or(0, |tier| tier.rank));
    }
    held
}

fn in_force(recorder: &mut Recorder, contract: &Contract) {
    let earlier = recorder.view.earlier(YEAR);
    let before = (recorder.began <= earlier.day).then(|| Contract::on(earlier, recorder.account));
    let held_before = before.as_ref().map(|contract| holdings(earlier, contract));
    let rows = contract.active.len();
    recorder.account(Metric::Arr, 0, Fact::new(contract.arr, rows).against(before.map(|contract| contract.arr)));
    let held = holdings(recorder.view, contract);
    let owned = Fact::new(held.len() as f64, rows).against(held_before.as_ref().map(|held| held.len() as f64));
    recorder.account(Metric::ProductsOwned, 0, owned);
    for (product, (arr, units, rank)) in held {
        let before = held_before.as_ref().and_then(|held| held.get(&product));
        recorder.product(Metric::Arr, product, 0, Fact::new(arr, 1).against(before.map(|held| held.0)));
        recorder.product(Metric::Units, product, 0, Fact::new(units, 1).against(before.map(|held| held.1)));
        recorder.product(
            Metric::TierRank,
            product,
            0,
            Fact::new(rank as f64, 1).against(before.map(|held| held.2 as f64)),
        );
    }
    if let Some(days) = contract.days_to_renewal(recorder.view.day) {
        recorder.state(Metric::DaysToRenewal, f64::from(days), rows);
    }
    if let Some(start) = contract.first_start.filter(|start| *start <= recorder.view.day) {
        recorder.state(Metric::TenureDays, f64::from(recorder.age(start)), 1);
    }
}

fn growth(recorder: &mut Recorder) {
    if !recorder.asks(Metric::Upgrades) && !recorder.asks(Metric::DaysSinceUpgrade) {
        return;
    }
    let days: Vec<Day> = upgrades(recorder.view, recorder.account).iter().map(|upgrade| upgrade.day).collect();
    for window in recorder.windows(Metric::Upgrades) {
        let within = |from: i32, to: i32| days.iter().filter(|day| (from..to).contains(&recorder.age(**day))).count();
        let reaches = recorder.age(recorder.began) >= 2 * window - 1 && recorder.began > Day::MIN;
        let before = reaches.then(|| within(window, 2 * window) as f64);
        let now = within(0, window);
        recorder.account(Metric::Upgrades, window, Fact::new(now as f64, now).against(before));
    }
    if let Some(last) = days.last() {
        recorder.state(Metric::DaysSinceUpgrade, f64::from(recorder.age(*last)), 1);
    }
}

fn paid_units(recorder: &mut Recorder, contract: &Contract, metered: &Metered) {
    for (product, (_, units, _)) in holdings(recorder.view, contract) {
        let of = |name: &str| metered.find(product, recorder.view.extracts.ids.metrics.get(name)?);
        let Some(series) = of("seats").or_else(|| of("active_users")).filter(|_| units > 0.0) else { continue };
        for window in recorder.windows(Metric::UnitsUtilization) {
            if let Some(measure) = metered.measure(series, window) {
                recorder.product(Metric::UnitsUtilization, product, window, share(measure, units));
            }
        }
    }
}

fn share(measure: Measure, of: f64) -> Fact {
    Fact {
        value: measure.value / of,
        baseline: measure.baseline.map(|base| base / of),
        since: None,
        rows: measure.rows,
    }
}

fn ceilings(recorder: &mut Recorder, metered: &Metered) {
    for ceiling in recorder.view.entitlements(recorder.account) {
        let Some(series) = metered.find(ceiling.product, ceiling.metric) else { continue };
        let name = recorder.view.extracts.metric(ceiling.metric);
        for window in recorder.windows(Metric::CeilingUtilization) {
            if let Some(measure) = metered.measure(series, window) {
                let fact = share(measure, full_use(ceiling, series.regular, &measure));
                recorder.member(Metric::CeilingUtilization, name, Some(ceiling.product), window, fact);
            }
        }
    }
}

/// What the measure would be at the ceiling throughout.
fn full_use(ceiling: &Entitlement, series: &Regular, measure: &Measure) -> f64 {
    let days = if series.by_mean { series.days_per_point() } else { series.days_per_point() * measure.periods as f64 };
    match ceiling.period {
        Period::Gauge => ceiling.limit,
        Period::Day => ceiling.limit * days,
        Period::Month => ceiling.limit * days / MONTH_DAYS,
    }
}

fn invoices(recorder: &mut Recorder) {
    let day = recorder.view.day;
    let rows: Vec<&Invoice> = recorder.view.invoices(recorder.account).collect();
    recorder.counts(Metric::InvoicesIssued, &rows.iter().map(|row| row.issued_on).collect::<Vec<Day>>());
    let unpaid = |row: &&&Invoice| row.paid_on.is_none_or(|paid| paid > day);
    let overdue: Vec<&&Invoice> = rows.iter().filter(unpaid).filter(|row| row.due_on < day).collect();
    let oldest = overdue.iter().map(|row| row.due_on).min();
    let amount: f64 = overdue.iter().map(|row| row.amount).sum();
    recorder.account(Metric::InvoicesOverdue, 0, Fact::new(overdue.len() as f64, overdue.len()).since(oldest));
    recorder.state(Metric::OverdueAmount, amount, overdue.len());
    recorder.state(Metric::DaysOverdueMax, oldest.map_or(0.0, |due| f64::from(day.since(due))), overdue.len());
    let disputed = rows.iter().filter(unpaid).filter(|row| row.disputed == Some(true)).count();
    recorder.state(Metric::InvoicesDisputed, disputed as f64, disputed);
    let due = rows.iter().filter(|row| row.due_on <= day);
    let late: Vec<(Day, f64)> = due.map(|row| (row.due_on, f64::from(row.days_late_on(day)))).collect();
    recorder.means(Metric::DaysLateMean, &late);
}

fn opportunities(recorder: &mut Recorder) {
    let day = recorder.view.day;
    let rows: Vec<&Opportunity> = recorder.view.opportunities(recorder.account).collect();
    let open: Vec<&Opportunity> = rows.iter().copied().filter(|row| row.stage_on(day) == Stage::Open).collect();
    let amounts: Vec<f64> = open.iter().filter_map(|row| row.arr_delta_on(day)).collect();
    recorder.state(Metric::OpportunitiesOpen, open.len() as f64, open.len());
    if open.is_empty() || !amounts.is_empty() {
        recorder.state(Metric::OpportunityArrOpen, amounts.iter().sum(), open.len());
    }
    let mut products: BTreeMap<ProductIx, usize> = BTreeMap::new();
    open.iter().filter_map(|row| row.product).for_each(|product| *products.entry(product).or_default() += 1);
    for (product, n) in products {
        recorder.product(Metric::OpportunitiesOpen, product, 0, Fact::new(n as f64, n));
    }
    for (metric, stage) in [(Metric::OpportunitiesWon, Stage::Won), (Metric::OpportunitiesLost, Stage::Lost)] {
        let closed = rows.iter().filter(|row| row.stage_on(day) == stage);
        let days: Vec<Day> = closed.filter_map(|row| row.closed_on).collect();
        recorder.counts(metric, &days);
    }
}
