//! What earlier nights proposed and what people made of it. The audit chain tells the first, `decisions` and `outcomes`
//! the second; folding them gives each recommendation its status tonight.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::Settings;
use super::{Recommendation, Status};
use crate::extracts::Row;
use crate::extracts::tables::{Decision, Outcome, OutcomeResult, Verdict};
use crate::vocabulary::{AccountIx, Day, Moment, ProductIx, Text, stable_id};

words!(
    /// Why a recommendation expired.
    Ending {
        /// Nobody decided, or nobody reported an outcome, in time.
        Overdue = "overdue",
        /// Its signals no longer stand or a gate closed.
        Withdrawn = "withdrawn",
    }
);

/// A recommendation of an earlier night.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The row as it was proposed, or as it stood when a person approved it, without signals and peers: those belong
    /// to their own night.
    pub content: Recommendation,
    /// The status that the audit chain already tells.
    pub recorded: Status,
    /// The status tonight.
    pub status: Status,
    /// The day of the event that gave it this status.
    pub changed_on: Day,
    pub snooze_until: Option<Day>,
    /// The reason that a person gave, or the one of its expiry.
    pub reason: Option<String>,
    pub approver: Option<Text>,
    /// Set once expired.
    pub ending: Option<Ending>,
}

impl Remembered {
    /// A recommendation as it was first proposed, before anybody decided.
    pub fn proposed(content: Recommendation) -> Remembered {
        Remembered {
            recorded: Status::PendingReview,
            status: Status::PendingReview,
            changed_on: content.created_on,
            snooze_until: None,
            reason: None,
            approver: None,
            ending: None,
            content,
        }
    }

    /// Tonight's decisions, outcomes or deadlines changed its status.
    pub fn changed_tonight(&self) -> bool {
        self.recorded != self.status
    }

    pub fn is(&self, playbook: &str, product: Option<ProductIx>) -> bool {
        &*self.content.playbook == playbook && self.content.product == product
    }

    /// A conversion is final; otherwise the newest word counts.
    pub fn decide(&mut self, decision: &Decision) {
        if self.status == Status::Converted {
            return;
        }
        self.status = match decision.decision {
            Verdict::Approved => Status::Approved,
            Verdict::Edited => Status::Edited,
            Verdict::Rejected => Status::Rejected,
            Verdict::Snoozed => Status::Snoozed,
        };
        if let (Verdict::Edited, Some(text)) = (decision.decision, &decision.edited_text) {
            self.content.headline = text.to_string();
        }
        self.snooze_until = decision.snooze_until.filter(|_| self.status == Status::Snoozed);
        self.reason = decision.reason.as_ref().map(Text::to_string);
        self.approver = Some(decision.approver.clone());
        self.changed_on = decision.decided_at.day();
        self.ending = None;
    }

    /// What came of it; a call or a meeting alone leaves the status as it is.
    pub fn conclude(&mut self, outcome: OutcomeResult, at: Moment, note: Option<&str>) {
        let status = match outcome {
            OutcomeResult::Converted => Status::Converted,
            OutcomeResult::Declined => Status::Declined,
            OutcomeResult::Stalled => Status::Stalled,
            OutcomeResult::Contacted | OutcomeResult::MeetingHeld | OutcomeResult::NoResponse => return,
        };
        if self.status != Status::Converted {
            (self.status, self.changed_on, self.ending) = (status, at.day(), None);
            self.reason = note.map(str::to_owned);
        }
    }

    /// Marks it expired.
    pub fn expire(&mut self, ending: Ending, on: Day, reason: String) {
        (self.status, self.ending, self.changed_on, self.reason) = (Status::Expired, Some(ending), on, Some(reason));
    }

    /// Deadlines that passed by `day` without anybody's word; a snooze that ended puts it back before its reviewer.
    fn age(&mut self, day: Day, settings: &Settings) {
        if self.status == Status::Snoozed && self.snooze_until.is_none_or(|until| until <= day) {
            self.status = Status::PendingReview;
        }
        let shown_until = self.content.contact_by.max(self.snooze_until.unwrap_or(Day::MIN));
        if self.status == Status::PendingReview && day > shown_until.plus(settings.expiry_grace_days) {
            let reason =
                format!("nobody decided by {}", crate::wording::day(shown_until.plus(settings.expiry_grace_days)));
            self.expire(Ending::Overdue, day, reason);
        }
        if self.status.in_flight() && day > self.changed_on.plus(settings.in_flight_days) {
            let reason = format!("no outcome within {} days of the approval", settings.in_flight_days);
            self.expire(Ending::Overdue, day, reason);
        }
    }
}

/// What the audit chain tells of earlier nights.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub recommendations: Vec<Remembered>,
    /// Ids of the audit records that already stand in the chain.
    pub recorded: BTreeSet<String>,
}

/// Everything layer 3 knows of the past.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// By recommendation id.
    pub recommendations: Vec<Remembered>,
    /// Ids of the audit records that already stand in the chain.
    pub recorded: BTreeSet<String>,
    /// Decisions that arrived since the chain was written, by (recommendation, time).
    pub decisions: Vec<Decision>,
    /// Outcomes that arrived since the chain was written, by (recommendation, time, outcome).
    pub outcomes: Vec<Outcome>,
    by_account: BTreeMap<AccountIx, Vec<usize>>,
}

impl Memory {
    /// Folds what people decided and what came of it, as known at the end of `day`, into what the chain tells.
    ///
    /// What the chain already holds is not counted twice. Decisions about recommendations that the chain does not know
    /// are left out: nothing says what they were.
    pub fn new(
        history: History,
        decisions: &[Decision],
        outcomes: &[Outcome],
        day: Day,
        settings: &Settings,
    ) -> Memory {
        let mut recommendations = history.recommendations;
        recommendations.sort_by(|a, b| a.content.id.cmp(&b.content.id));
        recommendations.dedup_by(|later, kept| later.content.id == kept.content.id);
        let known: BTreeSet<String> = recommendations.iter().map(|r| r.content.id.clone()).collect();
        let new = |id: &str, record: String| known.contains(id) && !history.recorded.contains(&record);
        let mut decisions: Vec<Decision> = decisions
            .iter()
            .filter(|d| d.seen().on(day) && d.decided_at.day() <= day && new(&d.recommendation_id, decided_id(d)))
            .cloned()
            .collect();
        decisions.sort_by(|a, b| (&a.recommendation_id, a.decided_at).cmp(&(&b.recommendation_id, b.decided_at)));
        let mut outcomes: Vec<Outcome> = outcomes
            .iter()
            .filter(|o| o.seen().on(day) && o.at.day() <= day && new(&o.recommendation_id, outcome_id(o)))
            .cloned()
            .collect();
        outcomes.sort_by_key(|o| (o.recommendation_id.clone(), o.at, o.outcome));
        let mut by_account: BTreeMap<AccountIx, Vec<usize>> = BTreeMap::new();
        for (position, remembered) in recommendations.iter_mut().enumerate() {
            fold(remembered, &decisions, &outcomes);
            remembered.age(day, settings);
            by_account.entry(remembered.content.account).or_default().push(position);
        }
        Memory { recommendations, recorded: history.recorded, decisions, outcomes, by_account }
    }

    /// The account's earlier recommendations, by id.
    pub fn of(&self, account: AccountIx) -> impl Iterator<Item = &Remembered> {
        self.by_account.get(&account).into_iter().flatten().map(|position| &self.recommendations[*position])
    }

    /// The one that waits for review for this playbook and product, if there is one.
    pub fn pending(&self, account: AccountIx, playbook: &str, product: Option<ProductIx>) -> Option<&Remembered> {
        self.of(account).find(|r| r.status == Status::PendingReview && r.is(playbook, product))
    }

    /// The account's recommendations that people approved and work on.
    pub fn in_flight(&self, account: AccountIx) -> impl Iterator<Item = &Remembered> {
        self.of(account).filter(|r| r.status.in_flight())
    }
}

/// Applies decisions and outcomes in the order in which they happened; at the same moment, the decision first.
fn fold(remembered: &mut Remembered, decisions: &[Decision], outcomes: &[Outcome]) {
    let id = remembered.content.id.clone();
    let from = decisions.partition_point(|d| *d.recommendation_id < *id);
    let mut decided = decisions[from..].iter().take_while(|d| *d.recommendation_id == *id).peekable();
    let from = outcomes.partition_point(|o| *o.recommendation_id < *id);
    let mut came = outcomes[from..].iter().take_while(|o| *o.recommendation_id == *id).peekable();
    loop {
        match (decided.peek(), came.peek()) {
            (Some(d), Some(o)) if d.decided_at > o.at => conclude(remembered, came.next()),
            (Some(_), _) => decided.next().into_iter().for_each(|d| remembered.decide(d)),
            (None, Some(_)) => conclude(remembered, came.next()),
            (None, None) => return,
        }
    }
}

fn conclude(remembered: &mut Remembered, outcome: Option<&Outcome>) {
    if let Some(outcome) = outcome {
        remembered.conclude(outcome.outcome, outcome.at, outcome.note.as_deref());
    }
}

/// The audit record id of a decision: one per recommendation and moment.
pub fn decided_id(decision: &Decision) -> String {
    let moment = decision.decided_at.0.to_string();
    stable_id("aud", &["decided", &decision.recommendation_id, &moment, decision.decision.as_str()])
}

/// The audit record id of an outcome: one per recommendation, moment and kind.
pub fn outcome_id(outcome: &Outcome) -> String {
    let moment = outcome.at.0.to_string();
    stable_id("aud", &["outcome", &outcome.recommendation_id, &moment, outcome.outcome.as_str()])
}
