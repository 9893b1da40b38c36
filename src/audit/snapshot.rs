//! A recommendation written out with ids instead of positions, so that a later night can read it back.

use serde::{Deserialize, Serialize};

use crate::extracts::Extracts;
use crate::recommendations::{Action, Arm, Recommendation, Status, Step};
use crate::vocabulary::{Day, OwnerRole, Play, Probability, Text};

/// What the chain keeps of a recommendation: every column, and the child rows that do not point into one night.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    account_id: String,
    play: Play,
    playbook: Text,
    action: Action,
    product_id: Option<String>,
    from_tier: Option<Text>,
    to_tier: Option<Text>,
    units_delta: Option<f64>,
    headline: String,
    probability: f64,
    probability_basis: String,
    confidence: f64,
    expected_arr: f64,
    expected_value: f64,
    rank: u32,
    owner: Text,
    owner_role: OwnerRole,
    informed: Option<Text>,
    stakeholder_contact_id: Option<String>,
    stakeholder_reason: String,
    window_opens: Day,
    window_closes: Day,
    contact_by: Day,
    timing_reason: String,
    evidence: String,
    talking_points: Vec<String>,
    arm: Arm,
    model_ids: Vec<Text>,
    steps: Vec<SnapshotStep>,
    unknowns: Vec<String>,
    created_on: Day,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SnapshotStep {
    day: i32,
    owner_role: OwnerRole,
    action: String,
}

impl Snapshot {
    pub fn of(r: &Recommendation, extracts: &Extracts) -> Snapshot {
        let step = |s: &Step| SnapshotStep { day: s.day, owner_role: s.owner_role, action: s.action.clone() };
        Snapshot {
            account_id: extracts.account_id(r.account).to_owned(),
            play: r.play,
            playbook: r.playbook.clone(),
            action: r.action,
            product_id: r.product.map(|p| extracts.ids.products.name(p).to_string()),
            from_tier: r.from_tier.clone(),
            to_tier: r.to_tier.clone(),
            units_delta: r.units_delta,
            headline: r.headline.clone(),
            probability: r.probability.get(),
            probability_basis: r.probability_basis.clone(),
            confidence: r.confidence.get(),
            expected_arr: r.expected_arr,
            expected_value: r.expected_value,
            rank: r.rank,
            owner: r.owner.clone(),
            owner_role: r.owner_role,
            informed: r.informed.clone(),
            stakeholder_contact_id: r.stakeholder.map(|c| extracts.ids.contacts.name(c).to_string()),
            stakeholder_reason: r.stakeholder_reason.clone(),
            window_opens: r.window_opens,
            window_closes: r.window_closes,
            contact_by: r.contact_by,
            timing_reason: r.timing_reason.clone(),
            evidence: r.evidence.clone(),
            talking_points: r.talking_points.clone(),
            arm: r.arm,
            model_ids: r.model_ids.clone(),
            steps: r.steps.iter().map(step).collect(),
            unknowns: r.unknowns.clone(),
            created_on: r.created_on,
        }
    }

    /// The row again, waiting for review; `None` where the extracts no longer know the account or the product.
    pub fn restore(self, id: &str, extracts: &Extracts) -> Option<Recommendation> {
        let product = match &self.product_id {
            Some(product) => Some(extracts.ids.products.get(product)?),
            None => None,
        };
        let step = |s: SnapshotStep| Step { day: s.day, owner_role: s.owner_role, action: s.action };
        Some(Recommendation {
            id: id.to_owned(),
            account: extracts.ids.accounts.get(&self.account_id)?,
            play: self.play,
            playbook: self.playbook,
            action: self.action,
            product,
            from_tier: self.from_tier,
            to_tier: self.to_tier,
            units_delta: self.units_delta,
            headline: self.headline,
            probability: Probability::clamped(self.probability),
            expected_arr: self.expected_arr,
            expected_value: self.expected_value,
            rank: self.rank,
            owner: self.owner,
            owner_role: self.owner_role,
            informed: self.informed,
            stakeholder: self.stakeholder_contact_id.and_then(|contact| extracts.ids.contacts.get(&contact)),
            stakeholder_reason: self.stakeholder_reason,
            window_opens: self.window_opens,
            window_closes: self.window_closes,
            contact_by: self.contact_by,
            timing_reason: self.timing_reason,
            evidence: self.evidence,
            talking_points: self.talking_points,
            arm: self.arm,
            status: Status::PendingReview,
            model_ids: self.model_ids,
            signals: Vec::new(),
            steps: self.steps.into_iter().map(step).collect(),
            peers: Vec::new(),
            unknowns: self.unknowns,
            created_on: self.created_on,
            confidence: Probability::clamped(self.confidence),
            probability_basis: self.probability_basis,
            gates: Vec::new(),
        })
    }
}
