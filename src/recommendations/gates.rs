//! The gates between a candidate and a conversation, in the order in which they are tried. The first closed gate
//! withholds the candidate, with its evidence and, where a date is known, the day it may come back.
//!
//! Save plays are not held by the selling gates: they are what a closed health gate calls for. They do rest after a
//! rejection, a snooze or a cooldown, and they obey the queues.

use super::candidates::Candidate;
use super::memory::{Ending, Memory, Remembered};
use super::settings::Settings;
use super::{Action, Gate, Status};
use crate::assessment::Assessment;
use crate::extracts::tables::{Opportunity, OpportunityKind, Priority, Stage};
use crate::history::View;
use crate::vocabulary::{Color, Day, Play};
use crate::wording::{count, day, list, plural, words};

/// Why a gate is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub gate: Gate,
    /// One sentence with what closes it.
    pub evidence: String,
    pub requalifies_on: Option<Day>,
}

/// How each gate was passed, in words, or the first that is closed.
pub type Passage = Result<Vec<(Gate, String)>, Closed>;

/// What the gates look at.
#[derive(Clone, Copy)]
pub struct Gatekeeper<'a> {
    pub view: View<'a>,
    pub assessment: &'a Assessment<'a>,
    pub memory: &'a Memory,
    pub settings: &'a Settings,
}

/// How one gate was passed, or what closes it and until when.
type Check = Result<String, (String, Option<Day>)>;

/// One gate.
type Try<'a> = fn(Gatekeeper<'a>, &Candidate) -> Check;

impl<'a> Gatekeeper<'a> {
    /// Tries the account's and the candidate's own gates; conflict, holdout and capacity come after.
    pub fn pass(self, candidate: &Candidate) -> Passage {
        let selling: [(Gate, Try<'a>); 9] = [
            (Gate::ThinHistory, Gatekeeper::thin_history),
            (Gate::Health, Gatekeeper::health),
            (Gate::RenewalWindow, Gatekeeper::renewal_window),
            (Gate::NewContract, Gatekeeper::new_contract),
            (Gate::OpenEscalation, Gatekeeper::open_escalation),
            (Gate::OpenOpportunity, Gatekeeper::open_opportunity),
            (Gate::Cooldown, Gatekeeper::cooldown),
            (Gate::PriorRejection, Gatekeeper::prior_rejection),
            (Gate::SellingPause, Gatekeeper::selling_pause),
        ];
        let saves = |gate: Gate| matches!(gate, Gate::Cooldown | Gate::PriorRejection);
        let apply = selling.iter().filter(|(gate, _)| !candidate.is_save() || saves(*gate));
        apply
            .map(|(gate, check)| match check(self, candidate) {
                Ok(note) => Ok((*gate, note)),
                Err((evidence, requalifies_on)) => Err(Closed { gate: *gate, evidence, requalifies_on }),
            })
            .collect()
    }

    fn thin_history(self, _: &Candidate) -> Check {
        let today = self.view.day;
        let Some(start) = self.assessment.contract.first_start.filter(|_| !self.assessment.contract.active.is_empty())
        else {
            return Err(("No subscription is running, so there is nothing to judge the account by.".into(), None));
        };
        let Some(first_use) = self.first_use() else {
            return Err(("No use of any product is recorded for this account yet.".into(), None));
        };
        let known = today.since(first_use.max(start));
        if known < self.settings.min_history_days {
            let needed = plural(self.settings.min_history_days.into(), "day", "days");
            let evidence =
                format!("Only {} of use are known; {needed} are needed.", plural(known.max(0).into(), "day", "days"));
            return Err((evidence, Some(today.plus(self.settings.min_history_days - known))));
        }
        Ok(format!("{} of history", plural(known.into(), "day", "days")))
    }

    fn first_use(self) -> Option<Day> {
        self.view
            .extracts
            .usage
            .of(self.assessment.account)
            .iter()
            .map(|s| s.start)
            .filter(|d| *d <= self.view.day)
            .min()
    }

    fn health(self, _: &Candidate) -> Check {
        let health = &self.assessment.health;
        if health.color == Color::Green {
            return Ok(format!("green, {} of 100", count(health.score.floor())));
        }
        let why = match health.reasons.is_empty() {
            true => String::new(),
            false => format!(
                " ({})",
                list(&health.reasons.iter().take(2).map(|r| r.trim_end_matches('.')).collect::<Vec<_>>())
            ),
        };
        let evidence = format!(
            "Health is {}, {} of 100{why}: a save play comes first.",
            health.color,
            count(health.score.floor())
        );
        Err((evidence, None))
    }

    fn renewal_window(self, _: &Candidate) -> Check {
        let (contract, today) = (&self.assessment.contract, self.view.day);
        let Some(renewal) = contract.renewal else {
            let kind = if contract.rolling { "renews in short periods" } else { "has no agreed end" };
            return Ok(format!("the contract {kind}, so it has no renewal season"));
        };
        let days = renewal.since(today);
        let left = plural(days.into(), "day", "days");
        if days < self.settings.renewal_handover_days {
            let evidence =
                format!("The renewal on {} is {left} away: hand this to the renewal conversation.", day(renewal));
            return Err((evidence, Some(renewal.plus(1))));
        }
        if days >= self.settings.renewal_agreement_days {
            return Ok(format!("renewal in {left}"));
        }
        match self.agreement() {
            Some(approver) => Ok(format!("renewal in {left}, agreed by {approver}")),
            None => {
                let evidence = format!(
                    "The renewal on {} is {left} away and its owner has not agreed to a conversation.",
                    day(renewal)
                );
                Err((evidence, Some(renewal.plus(1))))
            }
        }
    }

    /// The renewal owner — the CSM, else the AE — lately approved a sale at this account, and it was not refused since.
    fn agreement(self) -> Option<&'a str> {
        let account = self.view.account(self.assessment.account)?;
        let owner = account.csm.as_deref().or(account.ae.as_deref())?;
        let lately = self.view.day.minus(self.settings.renewal_agreement_days);
        let mut approved = self.memory.of(self.assessment.account).filter(|r| {
            let agreed = r.status.in_flight() || r.status == Status::Converted;
            agreed && r.content.play != Play::RenewalRisk && r.changed_on >= lately
        });
        approved.find(|r| r.approver.as_deref() == Some(owner)).map(|_| owner)
    }

    fn new_contract(self, _: &Candidate) -> Check {
        let today = self.view.day;
        let Some(start) = self.assessment.contract.first_start else {
            return Ok("no first contract is known".into());
        };
        let adopted = start.plus_months(self.settings.adoption_months);
        if today < adopted {
            let evidence = format!("The first contract began on {}: adoption only until {}.", day(start), day(adopted));
            return Err((evidence, Some(adopted)));
        }
        Ok(format!("customer since {}", day(start)))
    }

    fn open_escalation(self, _: &Candidate) -> Check {
        let grave =
            |t: &&crate::extracts::tables::Ticket| t.priority == Some(Priority::P1) || t.escalated == Some(true);
        let open: Vec<&str> = self
            .view
            .tickets(self.assessment.account)
            .filter(|t| t.open_on(self.view.day))
            .filter(grave)
            .map(|t| &*t.id)
            .collect();
        if open.is_empty() {
            return Ok("no open escalation or p1 ticket".into());
        }
        let named = list(&open.iter().take(3).collect::<Vec<_>>());
        let what = plural(open.len() as i64, "escalated or p1 ticket is", "escalated or p1 tickets are");
        Err((format!("{what} still open ({named}): solve first, sell later."), None))
    }

    fn open_opportunity(self, candidate: &Candidate) -> Check {
        let ours = candidate.continuing.map(|r| &*r.content.id);
        let mut open =
            self.view.opportunities(self.assessment.account).filter(|o| o.stage_on(self.view.day) == Stage::Open);
        match open.find(|o| same_deal(o, candidate) && (ours.is_none() || o.recommendation_id.as_deref() != ours)) {
            None => Ok("no open opportunity for the same product".into()),
            Some(deal) => {
                let evidence =
                    format!("Opportunity {} for the same product is open since {}.", deal.id, day(deal.opened_on));
                Err((evidence, None))
            }
        }
    }

    fn cooldown(self, candidate: &Candidate) -> Check {
        let resting = self.memory.of(self.assessment.account).filter_map(|r| self.rest(r, candidate));
        match resting.filter(|(until, _)| *until > self.view.day).max_by_key(|(until, _)| *until) {
            None => Ok("no cooldown runs".into()),
            Some((until, evidence)) => Err((evidence, Some(until))),
        }
    }

    /// Until when an earlier recommendation keeps the candidate away, and why.
    fn rest(self, earlier: &Remembered, candidate: &Candidate) -> Option<(Day, String)> {
        let same = earlier.is(&candidate.playbook.name, candidate.offer.product);
        let (changed, status) = (earlier.changed_on, earlier.status);
        let days = match status {
            Status::Declined | Status::Stalled | Status::Converted if same => candidate.playbook.cooldown_days,
            Status::Expired if same && earlier.ending == Some(Ending::Overdue) => self.settings.expired_rest_days,
            Status::Declined | Status::Stalled if !candidate.is_save() && earlier.content.play != Play::RenewalRisk => {
                self.settings.account_rest_days
            }
            _ => return None,
        };
        let until = changed.plus(days);
        let what = words(&earlier.content.playbook);
        Some((
            until,
            format!("The {what} of this account {} on {}; it rests until {}.", ended(status), day(changed), day(until)),
        ))
    }

    fn prior_rejection(self, candidate: &Candidate) -> Check {
        let same =
            self.memory.of(self.assessment.account).filter(|r| r.is(&candidate.playbook.name, candidate.offer.product));
        let away = same.filter_map(|r| self.turned_away(r, candidate));
        match away.filter(|(until, _)| *until > self.view.day).max_by_key(|(until, _)| *until) {
            None => Ok("not rejected or snoozed before".into()),
            Some((until, evidence)) => Err((evidence, Some(until))),
        }
    }

    fn turned_away(self, earlier: &Remembered, candidate: &Candidate) -> Option<(Day, String)> {
        let cooldown = candidate.playbook.cooldown_days;
        let rest = if candidate.is_save() { cooldown } else { cooldown.max(self.settings.rejection_days) };
        let (until, verb) = match earlier.status {
            Status::Rejected => (earlier.changed_on.plus(rest), "rejected"),
            Status::Snoozed => (earlier.snooze_until?, "snoozed"),
            _ => return None,
        };
        let by = earlier.approver.as_deref().unwrap_or("a reviewer");
        let why = earlier.reason.as_deref().map(|reason| format!(" (\"{reason}\")")).unwrap_or_default();
        Some((
            until,
            format!("{by} {verb} it on {}{why}; it stays away until {}.", day(earlier.changed_on), day(until)),
        ))
    }

    fn selling_pause(self, _: &Candidate) -> Check {
        let pauses = self.settings.pause_signals.iter();
        let running = |name: &String| {
            let mut named =
                self.assessment.signals.iter().filter(|s| *s.signal == **name && s.expires_on >= self.view.day);
            named.next()
        };
        let running: Vec<_> = pauses.filter_map(running).collect();
        match running.iter().max_by_key(|s| s.expires_on) {
            None => Ok("no call for a pause in selling".into()),
            Some(last) => {
                let evidence = format!("A pause in selling is due: {}.", last.evidence.trim_end_matches('.'));
                Err((evidence, Some(last.expires_on.plus(1))))
            }
        }
    }
}

fn ended(status: Status) -> &'static str {
    match status {
        Status::Converted => "was won",
        Status::Declined => "was declined",
        Status::Stalled => "stalled",
        _ => "expired undecided",
    }
}

/// An open expansion deal for the candidate's product, or for no named product but of the same kind.
fn same_deal(deal: &Opportunity, candidate: &Candidate) -> bool {
    let cross = matches!(candidate.playbook.action, Action::CrossSell | Action::PremiumSupport);
    let kind = if cross { OpportunityKind::CrossSell } else { OpportunityKind::Upsell };
    match (deal.kind, deal.product) {
        (OpportunityKind::Renewal, _) => false,
        (_, Some(product)) => candidate.offer.product == Some(product),
        (deal_kind, None) => deal_kind == kind,
    }
}
