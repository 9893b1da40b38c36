//! Layer 3: what to do — action, quantity, person, timing — after every gate, within each owner's capacity.

pub mod playbooks;

use serde::{Deserialize, Serialize};

use crate::assessment::Assessment;
use crate::history::View;
use crate::peers::Peers;
use crate::vocabulary::{AccountIx, ContactIx, Day, OwnerRole, Play, Probability, ProductIx, Text};
use playbooks::Playbook;

words!(
    /// The kind of action a playbook takes.
    Action {
        SeatExpansion = "seat_expansion", TierUpgrade = "tier_upgrade", CrossSell = "cross_sell",
        StrategicExpansion = "strategic_expansion", MultiYearCommit = "multi_year_commit",
        PremiumSupport = "premium_support", PartnerLed = "partner_led", SavePlay = "save_play",
    }
);
words!(
    Arm { Treatment = "treatment", Holdout = "holdout", None = "none" }
);
words!(
    Status {
        PendingReview = "pending_review", Approved = "approved", Edited = "edited", Rejected = "rejected", Snoozed = "snoozed",
        Expired = "expired", Converted = "converted", Declined = "declined", Stalled = "stalled",
    }
);
words!(
    /// The gates, in the order they are tried.
    Gate {
        ThinHistory = "thin_history", Health = "health", RenewalWindow = "renewal_window", NewContract = "new_contract",
        OpenEscalation = "open_escalation", OpenOpportunity = "open_opportunity", Cooldown = "cooldown",
        PriorRejection = "prior_rejection", SellingPause = "selling_pause", Conflict = "conflict", Holdout = "holdout",
        Capacity = "capacity", LowValue = "low_value",
    }
);

/// One recommendation: a row of `recommendations` with its child rows.
#[derive(Clone, Debug)]
pub struct Recommendation {
    /// Stable across nights while account, playbook and product stay the same and it is open.
    pub id: String,
    pub account: AccountIx,
    pub play: Play,
    /// Name in `playbooks.toml`.
    pub playbook: Text,
    pub action: Action,
    pub product: Option<ProductIx>,
    pub from_tier: Option<Text>,
    pub to_tier: Option<Text>,
    pub units_delta: Option<f64>,
    /// One sentence: what, why, who, when.
    pub headline: String,
    pub probability: Probability,
    /// Reporting currency per year; for a save play the ARR at risk.
    pub expected_arr: f64,
    /// probability × expected ARR × confidence of the evidence.
    pub expected_value: f64,
    /// 1 = first in its owner's queue.
    pub rank: u32,
    pub owner: Text,
    pub owner_role: OwnerRole,
    /// The other role's person, who is informed.
    pub informed: Option<Text>,
    pub stakeholder: Option<ContactIx>,
    pub stakeholder_reason: String,
    pub window_opens: Day,
    pub window_closes: Day,
    pub contact_by: Day,
    pub timing_reason: String,
    pub evidence: String,
    pub talking_points: Vec<String>,
    pub arm: Arm,
    pub status: Status,
    pub model_ids: Vec<Text>,
    /// Position in the account's signals, and weight; weights sum to 1.
    pub signals: Vec<(u32, f64)>,
    pub steps: Vec<Step>,
    pub peers: Vec<Peer>,
    /// What the data could not tell, in sentences.
    pub unknowns: Vec<String>,
}

/// One step of a playbook, made concrete: a row of `recommendation_steps`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Days after approval.
    pub day: i32,
    pub owner_role: OwnerRole,
    pub action: String,
}

/// A similar account: a row of `recommendation_peers`.
#[derive(Clone, Debug)]
pub struct Peer {
    pub account: AccountIx,
    /// 0–1, 1 = alike.
    pub similarity: f64,
    pub why: String,
    pub outcome: String,
}

/// A candidate that a gate withheld: a row of `suppressions`.
#[derive(Clone, Debug)]
pub struct Suppression {
    pub account: AccountIx,
    pub play: Play,
    pub playbook: Text,
    pub product: Option<ProductIx>,
    pub gate: Gate,
    pub evidence: String,
    pub expected_arr_withheld: f64,
    pub requalifies_on: Option<Day>,
}

/// Everything layer 3 puts out.
#[derive(Clone, Debug, Default)]
pub struct Recommended {
    /// Sorted by account, then rank.
    pub recommendations: Vec<Recommendation>,
    pub suppressions: Vec<Suppression>,
}

/// `[recommendations]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Recommendations per owner and week.
    pub weekly_capacity: u32,
    /// Days before renewal within which selling is handed to the renewal.
    pub renewal_handover_days: i32,
    /// Days before renewal within which the renewal owner must agree.
    pub renewal_agreement_days: i32,
    /// Months of a new contract in which only adoption is worked on.
    pub adoption_months: i32,
    /// Least expected ARR worth a conversation.
    pub min_expected_arr: f64,
    /// Share of accounts held out for the experiment, 0 = none.
    pub holdout_share: f64,
}

/// What earlier nights and people left behind: open recommendations, decisions, outcomes.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By recommendation id, in that order.
    pub recommendations: Vec<Remembered>,
}

/// A recommendation of an earlier night.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub id: String,
    pub account: AccountIx,
    pub playbook: Text,
    pub product: Option<ProductIx>,
    pub created_on: Day,
    pub contact_by: Day,
    pub status: Status,
    /// The last decision or outcome day.
    pub changed_on: Day,
    pub snooze_until: Option<Day>,
    pub reason: Option<String>,
}

/// Turns assessments into recommendations and suppressions. Pure: same arguments, same result.
pub fn recommend(
    view: View,
    assessments: &[Assessment],
    peers: &Peers,
    playbooks: &[Playbook],
    memory: &Memory,
    settings: &Settings,
) -> Recommended {
    let _ = (view, assessments, peers, playbooks, memory, settings);
    unimplemented!("recommendations")
}
