//! The program over time: what moved since the run before.

use super::{Layers, Of};
use crate::changes::ScoreChange;
use crate::publish::frame::Frame;
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::{Stamp, Table};

pub fn specs() -> Vec<TableSpec> {
    vec![score_changes().spec().clone()]
}

pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    vec![layers.frame_sorted(score_changes(), layers.changes, |change| change.account, stamp)]
}

pub fn score_changes<'a>() -> Table<Of<'a, ScoreChange>> {
    Table::<Of<'a, ScoreChange>>::new(
        OutputTable::ScoreChanges,
        Layer::Program,
        "Scores that moved since the run of the day before, and by what. For probabilities before_log_odds and the four \
         parts add up to after_log_odds, for points before and the parts to after, to the last bit. A score that did not \
         move, or that only one of the two runs has, has no row.",
    )
    .text("account_id", "The customer account.", |c| c.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .made("score", "health, readiness (0–100), churn, upsell or propensity:{product} (probabilities).", |c| {
        c.score.name(c.extracts)
    })
    .key()
    .float("before", "The score as the run before published it, to 2⁻³⁰.", |c| c.before)
    .float("after", "The score of this run, to 2⁻³⁰.", |c| c.after)
    .float_opt("before_log_odds", "Log-odds of a probability before, to 2⁻³⁰; null for points.", |c| {
        c.score.is_probability().then_some(c.start)
    })
    .float_opt("after_log_odds", "Log-odds of a probability of this run, to 2⁻³⁰; null for points.", |c| {
        c.score.is_probability().then_some(c.end)
    })
    .float("from_data", "Moved by days and records that are new, on time; log-odds or points, as all parts.", |c| {
        c.from_data
    })
    .float("from_late_data", "Moved by records of earlier days that came more than a day late.", |c| c.from_late_data)
    .float("from_configuration", "Moved by other settings of the job.", |c| c.from_configuration)
    .float("from_model", "Moved because other models score.", |c| c.from_model)
}
