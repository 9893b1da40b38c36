//! What a finished night has to tell a person: the best proposals, what was withheld, what could not be judged.

use std::collections::BTreeMap;

use super::Stages;
use super::assess::Context;
use crate::extracts::InputTable;
use crate::publish::tables::Layers;
use crate::publish::{Checked, Claim};
use crate::recommendations::{Gate, Recommendation, Recommended};
use crate::vocabulary::{Day, Text};

/// What a finished night has to tell.
#[derive(Clone, Debug)]
pub struct Night {
    pub run_id: String,
    pub as_of: Day,
    pub manifest: String,
    /// Rows by table.
    pub tables: BTreeMap<String, u64>,
    /// Rejected rows by input table.
    pub rejected: BTreeMap<InputTable, u64>,
    pub unavailable: Unavailable,
    /// What a person should know, in sentences.
    pub warnings: Vec<String>,
    /// Seconds by stage, in order.
    pub seconds: Vec<(&'static str, f64)>,
    /// The highest expected value first, whoever owns it.
    pub top: Vec<Proposal>,
    /// Candidates withheld and the ARR they stood for, by gate in the order the gates are tried.
    pub withheld: Vec<(&'static str, usize, f64)>,
    pub accounts: usize,
    /// Where the pages begin, relative to the output's root.
    pub site: String,
}

/// What could not be judged because its tables were not delivered.
#[derive(Clone, Debug)]
pub struct Unavailable {
    pub tables: Vec<InputTable>,
    /// Signal and the tables it misses.
    pub signals: Vec<(Text, Vec<InputTable>)>,
}

/// One recommendation in a line.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub recommendation_id: String,
    pub account: String,
    pub play: &'static str,
    pub action: &'static str,
    pub headline: String,
    pub expected_value: f64,
    pub owner: String,
    pub rank: u32,
    pub contact_by: Day,
}

/// Recommendations that the closing summary shows.
const TOP: usize = 5;

pub(super) fn tell(layers: &Layers, context: &Context, claim: &Claim, tables: &Checked, stages: Stages) -> Night {
    let extracts = layers.view.extracts;
    let missing = InputTable::ALL.iter().copied().filter(|table| !extracts.has(*table));
    let rejected = extracts.quality.iter().filter(|q| q.rejected > 0).map(|q| (q.table, q.rejected));
    Night {
        run_id: claim.run_id.clone(),
        as_of: layers.view.day,
        manifest: claim.manifest_path(),
        tables: tables.rows(),
        rejected: rejected.collect(),
        unavailable: Unavailable { tables: missing.collect(), signals: context.classifier.unavailable(extracts) },
        warnings: Vec::new(),
        seconds: stages.seconds,
        top: top(layers),
        withheld: withheld(layers.recommended),
        accounts: layers.assessments.len(),
        site: format!("site/dt={}", layers.view.day),
    }
}

/// The highest expected values across owners, of what somebody still has to do.
fn top(layers: &Layers) -> Vec<Proposal> {
    let open = layers.recommended.recommendations.iter().filter(|r| r.status.open());
    let mut proposals: Vec<&Recommendation> = open.collect();
    proposals.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value).then_with(|| a.id.cmp(&b.id)));
    proposals.into_iter().take(TOP).map(|recommendation| line(layers, recommendation)).collect()
}

fn line(layers: &Layers, recommendation: &Recommendation) -> Proposal {
    let account = layers.view.account(recommendation.account);
    Proposal {
        recommendation_id: recommendation.id.clone(),
        account: account.map_or_else(String::new, |account| account.name.to_string()),
        play: recommendation.play.as_str(),
        action: recommendation.action.as_str(),
        headline: recommendation.headline.clone(),
        expected_value: recommendation.expected_value,
        owner: recommendation.owner.to_string(),
        rank: recommendation.rank,
        contact_by: recommendation.contact_by,
    }
}

fn withheld(recommended: &Recommended) -> Vec<(&'static str, usize, f64)> {
    let mut by_gate: BTreeMap<Gate, (usize, f64)> = BTreeMap::new();
    for suppression in &recommended.suppressions {
        let entry = by_gate.entry(suppression.gate).or_default();
        *entry = (entry.0 + 1, entry.1 + suppression.expected_arr_withheld);
    }
    by_gate.into_iter().map(|(gate, (count, arr))| (gate.as_str(), count, arr)).collect()
}
