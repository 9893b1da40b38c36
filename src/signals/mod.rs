//! Layer 2: what the observations mean, as signals with strength, confidence and evidence. Nothing here recommends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::models::Propensity;
use crate::observations::AccountObservations;
use crate::peers::Peers;
use crate::stakeholders::StakeholderMap;
use crate::vocabulary::{AccountIx, Day, Direction, Play, Probability, ProductIx, Text, stable_id};

/// One signal of the catalogue: data, not code. The defaults stand in the job's commented defaults file.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    pub play: Play,
    pub direction: Direction,
    /// Tables it needs; each inner list is satisfied by any one of its members.
    pub needs: Vec<Vec<InputTable>>,
    /// Observation category, for convergence of independent categories.
    pub category: crate::vocabulary::Category,
    /// Days after detection until the signal no longer counts.
    pub expires_days: i32,
    /// Prior of the confidence: Beta(alpha, beta), updated by outcomes.
    pub prior_alpha: f64,
    pub prior_beta: f64,
    /// Named thresholds, in the unit that the comment beside each default gives.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

/// `[signals]` of a job: the catalogue by signal name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Catalogue(pub BTreeMap<String, SignalSpec>);

/// One fired signal: a row of the `signals` output.
#[derive(Clone, Debug)]
pub struct Signal {
    pub account: AccountIx,
    pub product: Option<ProductIx>,
    /// Name in the catalogue.
    pub signal: Text,
    pub play: Play,
    pub direction: Direction,
    pub category: crate::vocabulary::Category,
    pub strength: Probability,
    pub confidence: Probability,
    /// `prior`, or `learned` with n.
    pub confidence_basis: String,
    pub detected_on: Day,
    pub since: Option<Day>,
    pub expires_on: Day,
    pub needs_review: bool,
    /// One sentence with the numbers.
    pub evidence: String,
    /// Positions in the account's observations; never empty.
    pub observations: Vec<u32>,
    /// What the recommendation needs beyond the sentence.
    pub detail: Detail,
}

/// Machine-readable particulars of a signal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// The contact the signal is about.
    pub contact: Option<crate::vocabulary::ContactIx>,
    /// Tier that would fit, for upsell signals that know it.
    pub tier: Option<Text>,
    /// Department, buying center or similar name.
    pub place: Option<Text>,
    /// Verbatim quote from a text.
    pub quote: Option<Text>,
    /// Row id of the ticket or conversation that is quoted.
    pub source_row: Option<Text>,
    /// The signal's main number, in the unit its evidence names.
    pub value: Option<f64>,
}

impl Signal {
    /// Unique within a day: account, product, signal and particulars.
    pub fn id(&self, extracts: &Extracts) -> String {
        let product = self.product.map_or("", |p| &**extracts.ids.products.name(p));
        let contact = self.detail.contact.map_or("", |c| &**extracts.ids.contacts.name(c));
        let place = self.detail.place.as_deref().unwrap_or("");
        let row = self.detail.source_row.as_deref().unwrap_or("");
        let day = self.detected_on.to_string();
        stable_id("sig", &[extracts.account_id(self.account), product, &self.signal, contact, place, row, &day])
    }
}

/// What the classifier reads for one account.
pub struct Evidence<'a> {
    pub view: View<'a>,
    pub account: AccountIx,
    pub contract: &'a Contract<'a>,
    pub facts: &'a AccountObservations,
    pub propensities: &'a [Propensity],
    pub stakeholders: &'a StakeholderMap,
    pub peers: &'a Peers,
}

/// Everything signals need that is not about one account: catalogue, learned confidence, compiled phrases.
pub struct Classifier {
    pub catalogue: Catalogue,
}

impl Classifier {
    pub fn new(extracts: &Extracts, catalogue: &Catalogue) -> Classifier {
        let _ = extracts;
        Classifier { catalogue: catalogue.clone() }
    }

    /// The account's signals, sorted by name, product and particulars.
    pub fn classify(&self, evidence: &Evidence) -> Vec<Signal> {
        let _ = evidence;
        unimplemented!("signals")
    }

    /// Signals whose tables are missing, with the tables: unavailable, never absent-as-zero.
    pub fn unavailable(&self, extracts: &Extracts) -> Vec<(Text, Vec<InputTable>)> {
        let _ = extracts;
        unimplemented!("signals")
    }
}
