//! Integrations: how many are connected, what kinds are new, and which compete with a product of ours.

use std::collections::BTreeMap;

use super::Metric;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::Integration;
use crate::vocabulary::{Day, ProductIx};

pub(super) fn observe(recorder: &mut Recorder) {
    if !recorder.has(InputTable::Integrations) || !recorder.asks_from(InputTable::Integrations) {
        return;
    }
    let (view, day) = (recorder.view, recorder.view.day);
    let rows: Vec<_> = view.integrations(recorder.account).collect();
    let active_on = |on: Day| {
        let active = |row: &&&_| connected(row, on);
        rows.iter().filter(active).count()
    };
    let reaches = recorder.reaches_before(InputTable::Integrations, 45);
    let fact = Fact::new(active_on(day) as f64, active_on(day));
    recorder.account(Metric::IntegrationsActive, 0, fact.against(reaches.then(|| active_on(day.minus(90)) as f64)));
    recorder.counts(Metric::IntegrationsConnected, &rows.iter().map(|row| row.connected_on).collect::<Vec<Day>>());
    let mut categories: BTreeMap<&str, Day> = BTreeMap::new();
    for row in &rows {
        if let Some(category) = row.category.as_deref() {
            let first = categories.entry(category).or_insert(row.connected_on);
            *first = (*first).min(row.connected_on);
        }
    }
    recorder.counts(Metric::IntegrationCategoriesNew, &categories.into_values().collect::<Vec<Day>>());
    let mut competing: BTreeMap<ProductIx, Vec<Day>> = BTreeMap::new();
    for row in rows.iter().filter(|row| connected(row, day)) {
        if let Some(product) = row.competes_with {
            competing.entry(product).or_default().push(row.connected_on);
        }
    }
    for (product, days) in competing {
        let fact = Fact::new(days.len() as f64, days.len()).since(days.iter().max().copied());
        recorder.product(Metric::CompetingIntegrations, product, 0, fact);
    }
}

fn connected(row: &Integration, on: Day) -> bool {
    row.connected_on <= on && row.disconnected_on.is_none_or(|gone| gone > on)
}
