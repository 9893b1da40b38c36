//! Layer 1: `observations` and `capacity`.

use std::ops::Deref;

use super::{Layers, Of};
use crate::assessment::Assessment;
use crate::capacity::Capacity;
use crate::extracts::Extracts;
use crate::observations::{IdRoom, Observation};
use crate::publish::frame::Frame;
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::{Stamp, Table};
use crate::vocabulary::{Category, StableId};

pub fn specs() -> Vec<TableSpec> {
    vec![observations().spec().clone(), capacity().spec().clone()]
}

pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    let parts = layers.parts(|assessment| assessment.facts.count());
    vec![
        layers.frame_by(observations(), parts, stamp, rows),
        layers.frame(capacity(), stamp, |assessment| &assessment.facts.capacity),
    ]
}

/// An observation, unpacked for the output.
pub struct Row<'a> {
    id: StableId,
    account_id: &'a str,
    product_id: Option<&'a str>,
    fact: Observation,
}

impl Deref for Row<'_> {
    type Target = Observation;

    fn deref(&self) -> &Observation {
        &self.fact
    }
}

/// The observations of an account in the order of their ids: the order of the table.
fn rows<'a>(extracts: &'a Extracts, assessment: &'a Assessment<'a>) -> Vec<Row<'a>> {
    let mut facts: Vec<Option<Observation>> = assessment.facts.observations().into_iter().map(Some).collect();
    let mut room = IdRoom::default();
    let ids = facts.iter().enumerate().filter_map(|(at, fact)| Some((fact.as_ref()?.id_in(extracts, &mut room), at)));
    let mut ids: Vec<(StableId, usize)> = ids.collect();
    ids.sort_unstable();
    let row = |(id, at): (StableId, usize)| {
        let fact = facts[at].take()?;
        let product_id = fact.product().map(|product| &**extracts.ids.products.name(product));
        Some(Row { id, account_id: extracts.account_id(assessment.account), product_id, fact })
    };
    ids.into_iter().filter_map(row).collect()
}

pub fn observations<'a>() -> Table<Row<'a>> {
    Table::<Row<'a>>::new(
        OutputTable::Observations,
        Layer::Observations,
        "Facts per account: what was measured, over which window, against the account's own baseline.",
    )
    .id("observation_id", "Stable id of the observation.", |o| o.id)
    .key()
    .text("account_id", "The customer account.", |o| o.account_id)
    .refers(OutputTable::AccountHealth, "account_id")
    .text_opt("product_id", "The product, where the fact is about one.", |o| o.product_id)
    .text("category", "Where the fact comes from.", |o| o.category().as_str())
    .among(Category::ALL.iter().map(|c| c.as_str()))
    .text("metric", "What was measured.", |o| o.metric())
    .int("window_days", "Days of the window that ends on the observed day; 0 for a state.", |o| o.window_days().into())
    .within(0.0, 100_000.0)
    .float("value", "The measured value, in `unit`.", |o| o.value)
    .float_opt("baseline", "The same measure over the window before.", |o| o.baseline())
    .float_opt("change", "(value − baseline) / baseline.", |o| o.change())
    .text("unit", "Unit of value and baseline.", |o| o.unit())
    .date("observed_on", "The day the window ends.", |o| o.observed_on)
    .date_opt("since", "The day the change began, where one was found.", |o| o.since())
    .text("source_table", "The input table the value rests on.", |o| o.source().as_str())
    .int("source_rows", "Rows of the source that the value rests on.", |o| o.source_rows().into())
    .within(0.0, f64::MAX)
}

pub fn capacity<'a>() -> Table<Of<'a, Capacity>> {
    Table::<Of<'a, Capacity>>::new(
        OutputTable::Capacity,
        Layer::Observations,
        "Use against each contractual ceiling, and when it will be reached.",
    )
    .text("account_id", "The customer account.", |c| c.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("product_id", "The product whose ceiling it is.", |c| c.product_name(c.product))
    .key()
    .text("metric", "What the ceiling limits.", |c| c.extracts.metric(c.metric))
    .key()
    .text("period", "gauge: a level; day or month: the amount of that period.", |c| c.period.as_str())
    .float("limit", "The ceiling, in the metric's unit.", |c| c.limit)
    .within(0.0, f64::MAX)
    .float("used", "The level, the day's amount, or the month to date.", |c| c.used)
    .float("utilization", "used / limit; above 1 is overage.", |c| c.utilization)
    .float("daily_growth", "Trend of use, units per day.", |c| c.daily_growth)
    .int("days_above_threshold", "Consecutive days at or above `threshold`.", |c| c.days_above_threshold.into())
    .within(0.0, 100_000.0)
    .float("threshold", "Share of the limit that counts as ready for a conversation.", |c| c.threshold)
    .text("threshold_basis", "configured, or learned from whom, with n and interval.", |c| &c.threshold_basis)
    .date_opt("breach_p10", "One in ten chances that the ceiling is reached by this day.", |c| c.breach_p10)
    .date_opt("breach_p50", "Even chances that the ceiling is reached by this day.", |c| c.breach_p50)
    .date_opt("breach_p90", "Nine in ten chances that the ceiling is reached by this day.", |c| c.breach_p90)
    .float("breach_before_renewal", "Probability of reaching the ceiling before the renewal.", |c| {
        c.breach_before_renewal.get()
    })
    .within(0.0, 1.0)
    .date_opt("renewal_on", "The renewal that is meant; null where none is agreed.", |c| c.renewal)
    .float_opt("need_p90_at_renewal", "The level that nine in ten futures stay under at the renewal.", |c| {
        c.need_p90_at_renewal
    })
}
