//! Layer 2: what the observations mean, as signals with strength, confidence and evidence. Nothing here recommends.
//!
//! A family file holds rules of one kind: it reads one [`Case`] and returns findings. The frame here turns findings
//! into signals with confidence, validity and a fixed order.

mod benchmark;
mod case;
mod catalogue;
mod ceilings;
mod commercial;
mod confidence;
mod convergence;
mod external;
mod features;
mod neighbours;
mod people;
mod propensity;
mod spoken;
mod support;
mod usage;

use std::collections::BTreeMap;

use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::models::Propensity;
use crate::observations::AccountObservations;
use crate::peers::Peers;
use crate::stakeholders::StakeholderMap;
use crate::text::{self, Reader};
use crate::vocabulary::{AccountIx, Category, ContactIx, Day, Direction, Play, Probability, ProductIx, StableId, Text};

pub use benchmark::Benchmark;
pub use case::{Case, Finding, Rule, saturating};
pub use catalogue::{Catalogue, SignalSpec};
pub use confidence::{Learned, Track};

/// One fired signal: a row of the `signals` output.
#[derive(Clone, Debug)]
pub struct Signal {
    pub account: AccountIx,
    pub product: Option<ProductIx>,
    /// Name in the catalogue.
    pub signal: Text,
    pub play: Play,
    pub direction: Direction,
    pub category: Category,
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
    pub contact: Option<ContactIx>,
    /// Tier that would fit, for upsell signals that know it.
    pub tier: Option<Text>,
    /// Department, buying center or similar name.
    pub place: Option<Text>,
    /// The metered metric or feature the signal is about.
    pub metric: Option<Text>,
    /// Verbatim quote from a text.
    pub quote: Option<Text>,
    /// Row id of the ticket or conversation that is quoted.
    pub source_row: Option<Text>,
    /// The signal's main number, in the unit its evidence names.
    pub value: Option<f64>,
}

impl Signal {
    /// Unique within a day: account, product, signal, direction and particulars.
    pub fn id(&self, extracts: &Extracts) -> StableId {
        let product = self.product.map_or("", |p| &**extracts.ids.products.name(p));
        let contact = self.detail.contact.map_or("", |c| &**extracts.ids.contacts.name(c));
        let place = self.detail.place.as_deref().unwrap_or("");
        let metric = self.detail.metric.as_deref().unwrap_or("");
        let row = self.detail.source_row.as_deref().unwrap_or("");
        let day = self.detected_on.to_string();
        let (account, direction) = (extracts.account_id(self.account), self.direction.as_str());
        StableId::of("sig", &[account, product, &self.signal, direction, contact, place, metric, row, &day])
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
    catalogue: Catalogue,
    learned: Learned,
    reader: Reader,
    /// The signals that may fire on these extracts.
    active: BTreeMap<String, SignalSpec>,
}

/// Every family, each a pure function of the case.
const FAMILIES: &[fn(&Case) -> Vec<Finding>] = &[
    ceilings::find,
    usage::find,
    features::find,
    commercial::find,
    support::find,
    spoken::find,
    people::find,
    external::find,
    convergence::find,
    neighbours::find,
    propensity::find,
];

impl Classifier {
    pub fn new(extracts: &Extracts, catalogue: &Catalogue, text: &text::Settings, learned: &Learned) -> Classifier {
        Classifier::reading(extracts, catalogue, Reader::new(extracts, text), learned)
    }

    /// The same with a reader at hand.
    pub fn reading(extracts: &Extracts, catalogue: &Catalogue, reader: Reader, learned: &Learned) -> Classifier {
        let (active, learned) = (catalogue.active(extracts), learned.clone());
        Classifier { active, catalogue: catalogue.clone(), learned, reader }
    }

    /// The account's signals, sorted by name, product and particulars.
    pub fn classify(&self, evidence: &Evidence) -> Vec<Signal> {
        self.classify_among(evidence, &Benchmark::default())
    }

    /// The same, knowing what churn probability is usual in each segment tonight.
    pub fn classify_among(&self, evidence: &Evidence, benchmark: &Benchmark) -> Vec<Signal> {
        let mentions = self.reader.read(evidence.view, evidence.account);
        let case = Case::new(evidence, &self.active, &mentions, benchmark);
        let mut findings: Vec<Finding> = FAMILIES.iter().flat_map(|family| family(&case)).collect();
        findings.retain(|finding| rests_on(finding, evidence.facts) && self.active.contains_key(finding.signal));
        findings.sort_by(|a, b| key(a).cmp(&key(b)).then(b.strength.total_cmp(&a.strength)));
        findings.dedup_by(|later, first| key(later) == key(first));
        findings.into_iter().map(|finding| self.signal(evidence, finding)).collect()
    }

    /// Signals whose tables are missing, with the tables: unavailable, never absent-as-zero.
    pub fn unavailable(&self, extracts: &Extracts) -> Vec<(Text, Vec<InputTable>)> {
        self.catalogue.unavailable(extracts)
    }

    fn signal(&self, evidence: &Evidence, finding: Finding) -> Signal {
        let spec = &self.active[finding.signal];
        let catalogued = (spec.play, spec.direction);
        let (play, direction) = if finding.as_risk { (Play::RenewalRisk, Direction::Risk) } else { catalogued };
        let track = self.learned.of(finding.signal);
        let confidence = track.confidence(spec);
        let untried = spec.new && track.n < self.catalogue.settled_after;
        Signal {
            account: evidence.account,
            product: finding.product,
            signal: finding.signal.into(),
            play,
            direction,
            category: spec.category,
            strength: Probability::clamped(finding.strength),
            confidence,
            confidence_basis: track.basis(),
            detected_on: evidence.view.day,
            since: finding.since,
            expires_on: evidence.view.day.plus(spec.expires_days),
            needs_review: untried || confidence.get() < self.catalogue.review_below,
            evidence: finding.evidence,
            observations: finding.observations,
            detail: finding.detail,
        }
    }
}

/// A finding without an observation behind it cannot be traced to rows, so it is no signal.
fn rests_on(finding: &Finding, facts: &AccountObservations) -> bool {
    let known = facts.observations.len();
    !finding.observations.is_empty() && finding.observations.iter().all(|at| (*at as usize) < known)
}

type Key<'a> = (&'static str, bool, Option<ProductIx>, Option<ContactIx>, [Option<&'a str>; 3]);

/// What tells two signals of one account and day apart.
fn key(finding: &Finding) -> Key<'_> {
    let detail = &finding.detail;
    let particulars = [detail.place.as_deref(), detail.metric.as_deref(), detail.source_row.as_deref()];
    (finding.signal, finding.as_risk, finding.product, detail.contact, particulars)
}
