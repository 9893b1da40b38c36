//! Layer 3: what to do — action, quantity, person, timing — after every gate, within each owner's capacity.
//!
//! ```text
//!  signals ─▶ candidates ─▶ gates ─▶ one primary ─▶ holdout ─▶ owner queues ─▶ recommendations
//!             who, what,     │        per account       │        weekly slots
//!             how much       └──────────┬───────────────┴────────────┘
//!                                       ▼
//!                                 suppressions, each with its evidence
//! ```
//! Everything up to the primary is decided account by account; only the queues look across accounts. Nothing here
//! writes prose beyond the sentences that a row needs, and nothing reads a clock.

pub mod candidates;
pub mod gates;
pub mod market;
pub mod memory;
pub mod night;
pub mod offers;
pub mod placeholders;
pub mod playbooks;
pub mod probability;
pub mod queues;
pub mod sentences;
pub mod settings;
pub mod timing;
pub mod who;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::assessment::Assessment;
use crate::history::View;
use crate::peers::Peers;
use crate::vocabulary::{AccountIx, ContactIx, Day, OwnerRole, Play, Probability, ProductIx, Text};
pub use market::{Contracts, Market};
pub use memory::{Memory, Remembered};
use night::Choice;
pub use night::Night;
use playbooks::Playbook;
use queues::{Place, Waiting};
pub use settings::Settings;

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

impl Status {
    /// A person approved it and its outcome is still out.
    pub fn in_flight(self) -> bool {
        matches!(self, Status::Approved | Status::Edited)
    }

    /// Somebody still has something to do: decide, or act.
    pub fn open(self) -> bool {
        self == Status::PendingReview || self.in_flight()
    }
}
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
    /// The day it was first proposed.
    pub created_on: Day,
    /// Weighted confidence of the signals it rests on.
    pub confidence: Probability,
    /// Where `probability` comes from, in words.
    pub probability_basis: String,
    /// Each gate it passed and why, in the order they are tried.
    pub gates: Vec<(Gate, String)>,
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

/// A recommendation that expired tonight, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    pub recommendation_id: String,
    pub ending: memory::Ending,
    pub reason: String,
}

/// Everything layer 3 puts out.
#[derive(Clone, Debug, Default)]
pub struct Recommended {
    /// Sorted by account, then rank. Those that are open, and those whose decision, outcome or expiry came tonight.
    pub recommendations: Vec<Recommendation>,
    /// Sorted by account, playbook and product.
    pub suppressions: Vec<Suppression>,
    /// By recommendation id.
    pub expired: Vec<Expiry>,
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
    let market = Market::survey(view, assessments);
    let night = Night { view, peers, playbooks, memory, settings, market: &market };
    let proposed = Proposed::by(night, assessments);
    let asking = proposed.asking();
    proposed.settle(night, [asking])
}

/// What each account is left with before the owners' queues.
#[derive(Debug, Default)]
pub struct Proposed {
    primaries: Vec<Recommendation>,
    /// Approved recommendations with tonight's signals.
    in_flight: Vec<Recommendation>,
    suppressions: Vec<Suppression>,
}

/// What the queues of all owners must know of one part's proposals.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Asking {
    primaries: Vec<Waiting>,
    in_flight: Vec<Waiting>,
}

impl Proposed {
    /// Decides account by account.
    pub fn by(night: Night, assessments: &[Assessment]) -> Proposed {
        let choices: Vec<Choice> = assessments.par_iter().map(|assessment| night.choose(assessment)).collect();
        let mut proposed = Proposed::default();
        for choice in choices {
            proposed.primaries.extend(choice.primary);
            proposed.in_flight.extend(choice.in_flight);
            proposed.suppressions.extend(choice.suppressions);
        }
        proposed
    }

    pub fn asking(&self) -> Asking {
        let waiting = |list: &[Recommendation]| list.iter().map(Waiting::of).collect();
        Asking { primaries: waiting(&self.primaries), in_flight: waiting(&self.in_flight) }
    }

    /// Lets the owners' queues decide among the proposals of all parts, and adds what earlier nights left behind.
    pub fn settle(self, night: Night, asking: impl IntoIterator<Item = Asking>) -> Recommended {
        let Night { view, memory, settings, .. } = night;
        let (primaries, in_flight): (Vec<Vec<Waiting>>, Vec<Vec<Waiting>>) =
            asking.into_iter().map(|asking| (asking.primaries, asking.in_flight)).unzip();
        let primaries = primaries.concat();
        let places = queues::fill(primaries.clone(), memory, view.day, settings);
        let kept = primaries.into_iter().filter_map(|waiting| match places.get(&waiting.id) {
            Some(Place::Kept { rank, .. }) => Some((waiting.id, (waiting.owner, *rank))),
            _ => None,
        });
        let ranks = night::ranks_carried(view, memory, &kept.collect(), in_flight.concat());
        let queued = queues::seat(self.primaries, &places, view.day, settings);
        let mut out =
            Recommended { recommendations: queued.kept, suppressions: self.suppressions, expired: Vec::new() };
        out.suppressions.extend(queued.suppressions);
        let key = |s: &Suppression| (s.account, s.playbook.clone(), s.product, s.gate);
        out.suppressions.sort_by_cached_key(key);
        night.carry(self.in_flight, &ranks, &mut out);
        out.recommendations.sort_by(|a, b| (a.account, a.rank, &a.id).cmp(&(b.account, b.rank, &b.id)));
        out
    }
}
