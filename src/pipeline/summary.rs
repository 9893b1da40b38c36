//! What a finished night has to tell a person: the best proposals, what was withheld, what could not be judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extracts::InputTable;
use crate::models::Scorer;
use crate::models::scoring::drift;
use crate::publish::Claim;
use crate::publish::tables::Layers;
use crate::recommendations::{Action, Gate, Recommendation};
use crate::vocabulary::{AccountIx, Day, Play, Text};

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
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Unavailable {
    pub tables: Vec<InputTable>,
    /// Signal and the tables it misses.
    pub signals: Vec<(Text, Vec<InputTable>)>,
}

/// One recommendation in a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    pub recommendation_id: String,
    pub account: String,
    pub play: Play,
    pub action: Action,
    pub headline: String,
    pub expected_value: f64,
    pub owner: String,
    pub rank: u32,
    pub contact_by: Day,
}

/// What one part of the accounts has to tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    rejected: BTreeMap<InputTable, u64>,
    unavailable: Unavailable,
    /// The highest expected value first.
    top: Vec<Proposal>,
    /// Candidates withheld, with the ARR they stood for, by account.
    withheld: Vec<(AccountIx, Gate, f64)>,
    accounts: usize,
    /// What has moved since the models were trained, in sentences.
    drifted: Vec<String>,
}

/// Recommendations that the closing summary shows.
const TOP: usize = 5;

impl Told {
    /// `signals`: those that cannot be judged, with the tables that they miss.
    pub fn of(layers: &Layers, signals: Vec<(Text, Vec<InputTable>)>) -> Told {
        let extracts = layers.view.extracts;
        let missing = InputTable::ALL.iter().copied().filter(|table| !extracts.has(*table));
        let rejected = extracts.quality.iter().filter(|q| q.rejected > 0).map(|q| (q.table, q.rejected));
        let withheld = layers.recommended.suppressions.iter().map(|s| (s.account, s.gate, s.expected_arr_withheld));
        Told {
            rejected: rejected.collect(),
            unavailable: Unavailable { tables: missing.collect(), signals },
            top: top(layers),
            withheld: withheld.collect(),
            accounts: layers.assessments.len(),
            drifted: drift::warnings(layers.drift),
        }
    }

    /// What all parts have to tell; what is said of all accounts, every part says alike.
    pub fn union(parts: Vec<Told>) -> Told {
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else { return Told::nothing() };
        for part in parts {
            whole.top.extend(part.top);
            whole.withheld.extend(part.withheld);
            whole.accounts += part.accounts;
        }
        whole.withheld.sort_by_key(|(account, _, _)| *account);
        best(&mut whole.top);
        whole
    }

    fn nothing() -> Told {
        let (rejected, unavailable) = (BTreeMap::new(), Unavailable::default());
        Told { rejected, unavailable, top: Vec::new(), withheld: Vec::new(), accounts: 0, drifted: Vec::new() }
    }

    /// What a person should know about the models of the night; `trained` tells of a training that took place.
    pub fn warnings(&self, trained: Option<String>, scorer: &Scorer) -> Vec<String> {
        let none = "no model scores: propensities are empty; train with `foothold train jobs/retrain.toml`";
        let none = scorer.is_empty().then(|| none.to_owned());
        trained.into_iter().chain(none).chain(self.drifted.iter().cloned()).collect()
    }

    /// The night of these parts, published under `claim` with so many rows by table; without warnings and seconds.
    pub fn night(self, as_of: Day, claim: &Claim, tables: BTreeMap<String, u64>) -> Night {
        Night {
            run_id: claim.run_id.clone(),
            as_of,
            manifest: claim.manifest_path(),
            tables,
            rejected: self.rejected,
            unavailable: self.unavailable,
            warnings: Vec::new(),
            seconds: Vec::new(),
            top: self.top,
            withheld: by_gate(&self.withheld),
            accounts: self.accounts,
            site: format!("site/dt={as_of}"),
        }
    }
}

/// The highest expected values across owners, of what somebody still has to do.
fn top(layers: &Layers) -> Vec<Proposal> {
    let open = layers.recommended.recommendations.iter().filter(|r| r.status.open());
    let mut proposals: Vec<Proposal> = open.map(|recommendation| line(layers, recommendation)).collect();
    best(&mut proposals);
    proposals
}

fn best(proposals: &mut Vec<Proposal>) {
    let key = |p: &Proposal| p.recommendation_id.clone();
    proposals.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value).then_with(|| key(a).cmp(&key(b))));
    proposals.truncate(TOP);
}

fn line(layers: &Layers, recommendation: &Recommendation) -> Proposal {
    let account = layers.view.account(recommendation.account);
    Proposal {
        recommendation_id: recommendation.id.clone(),
        account: account.map_or_else(String::new, |account| account.name.to_string()),
        play: recommendation.play,
        action: recommendation.action,
        headline: recommendation.headline.clone(),
        expected_value: recommendation.expected_value,
        owner: recommendation.owner.to_string(),
        rank: recommendation.rank,
        contact_by: recommendation.contact_by,
    }
}

fn by_gate(withheld: &[(AccountIx, Gate, f64)]) -> Vec<(&'static str, usize, f64)> {
    let mut by_gate: BTreeMap<Gate, (usize, f64)> = BTreeMap::new();
    for (_, gate, expected_arr) in withheld {
        let entry = by_gate.entry(*gate).or_default();
        *entry = (entry.0 + 1, entry.1 + expected_arr);
    }
    by_gate.into_iter().map(|(gate, (count, arr))| (gate.as_str(), count, arr)).collect()
}
