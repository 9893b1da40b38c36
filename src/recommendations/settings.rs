//! `[recommendations]` of a job: gates, sizes, base rates and the capacity of the field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Action;
use crate::vocabulary::Level;

/// `[recommendations]` of a job. Every default stands, with its unit, in the commented defaults file.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Recommendations per owner and ISO week: those waiting for review plus those proposed since Monday.
    pub weekly_capacity: u32,
    /// The same for the queue of accounts that have neither CSM nor AE.
    pub unassigned_capacity: u32,
    /// Share of an owner's slots that save plays may fill while selling plays wait.
    pub save_share: f64,
    /// Days of running contract and of usage below which an account is too new to judge.
    pub min_history_days: i32,
    /// Days before renewal within which selling is handed to the renewal.
    pub renewal_handover_days: i32,
    /// Days before renewal within which the renewal owner must agree.
    pub renewal_agreement_days: i32,
    /// Months of a new contract in which only adoption is worked on.
    pub adoption_months: i32,
    /// Days for which a rejected play stays away, or its own cooldown if that is longer.
    pub rejection_days: i32,
    /// Days for which every selling play rests after a declined or stalled one.
    pub account_rest_days: i32,
    /// Signals that call for a pause in selling.
    pub pause_signals: Vec<String>,
    /// Least expected ARR worth a conversation, reporting currency per year.
    pub min_expected_arr: f64,
    /// Least expected value (probability × expected ARR × confidence) worth a conversation.
    pub min_expected_value: f64,
    /// Share of accounts held out for the experiment, 0 = none.
    pub holdout_share: f64,
    /// Name of the experiment; another name draws other accounts.
    pub experiment: String,
    /// How many times more a new play must be worth to take the place of one that waits for review.
    pub switch_factor: f64,
    /// Days past `contact_by` after which an undecided recommendation expires.
    pub expiry_grace_days: i32,
    /// Days for which a play that expired undecided is not proposed again.
    pub expired_rest_days: i32,
    /// Days after approval without an outcome until a recommendation counts as expired.
    pub in_flight_days: i32,
    /// Days before the projected breach by which the first contact should happen.
    pub breach_lead_days: i32,
    /// Length of the selling window in days where the contract has no renewal season.
    pub open_window_days: i32,
    /// Room above the P90 need that a new ceiling should leave, as a share of that need.
    pub slack: f64,
    /// Largest growth of a ceiling that one conversation proposes, as a share of today's ceiling.
    pub max_growth: f64,
    /// Share of the account's seats with which a new module starts.
    pub attach_share: f64,
    /// Most that a new module may cost, as a share of the account's ARR; dearer ones are not proposed.
    pub max_module: f64,
    /// ARR gained by the next tier as a share of the product's ARR, where prices do not tell.
    pub tier_uplift: f64,
    /// ARR gained by a commitment as a share of the product's ARR, where use does not tell.
    pub commit_uplift: f64,
    /// Most that one commitment raises a product's ARR, as a share of it.
    pub max_commit: f64,
    /// ARR gained by a new buying center as a share of the account's ARR, where its size does not tell.
    pub strategic_uplift: f64,
    /// Probability of success per action where no model speaks.
    pub base_rates: BTreeMap<Action, f64>,
    /// Probability of loss per risk level where no churn model speaks.
    pub risk_rates: BTreeMap<Level, f64>,
    /// How far the signals move a base rate: log-odds per unit of strength × confidence and category.
    pub signal_weight: f64,
    /// The same for a model's probability, which has seen most of what the signals say.
    pub signal_weight_on_model: f64,
    /// Largest sum of strength × confidence over categories that counts.
    pub signal_cap: f64,
    /// Strength from which a risk signal starts a save play on a green account of low risk.
    pub early_warning_strength: f64,
    /// Similar accounts shown with a recommendation.
    pub similar_accounts: usize,
}

impl Settings {
    /// The base rate of an action; 5 % where the job names none.
    pub fn base_rate(&self, action: Action) -> f64 {
        self.base_rates.get(&action).copied().unwrap_or(0.05)
    }

    /// The assumed probability of loss at a risk level; 10 % where the job names none.
    pub fn risk_rate(&self, level: Level) -> f64 {
        self.risk_rates.get(&level).copied().unwrap_or(0.10)
    }
}
