//! One night of layer 3: what each account is offered, and what is carried over from the nights before.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::{Candidate, Search};
use super::gates::{Closed, Gatekeeper};
use super::market::Market;
use super::memory::{Ending, Memory, Remembered};
use super::offers::Sizing;
use super::placeholders::Facts;
use super::playbooks::{Playbook, PlaybookStep};
use super::queues::Waiting;
use super::sentences::Telling;
use super::settings::Settings;
use super::timing::{self, Occasion};
use super::{Action, Arm, Expiry, Gate, Peer, Recommendation, Recommended, Status, Step, Suppression, queues, who};
use crate::assessment::Assessment;
use crate::extracts::tables::Account;
use crate::history::View;
use crate::peers::{Neighbour, Peers, Told};
use crate::vocabulary::{Day, Play, Text, stable_id};
use crate::wording::{day, money, words};

/// What one night's choices are made from.
#[derive(Clone, Copy)]
pub struct Night<'a> {
    pub view: View<'a>,
    pub peers: &'a Peers,
    pub playbooks: &'a [Playbook],
    pub memory: &'a Memory,
    pub settings: &'a Settings,
    pub market: &'a Market,
}

/// What one account is left with before the owners' queues.
#[derive(Debug, Default)]
pub struct Choice {
    pub primary: Option<Recommendation>,
    /// Approved recommendations with tonight's signals, and tonight's numbers where they were approved tonight.
    pub in_flight: Vec<Recommendation>,
    pub suppressions: Vec<Suppression>,
}

/// One account's corner of the night.
#[derive(Clone, Copy)]
struct Corner<'a> {
    night: Night<'a>,
    assessment: &'a Assessment<'a>,
    account: Option<&'a Account>,
}

impl<'a> Night<'a> {
    /// Finds the account's candidates, tries the gates and settles on one primary play.
    pub fn choose(self, assessment: &'a Assessment<'a>) -> Choice {
        let corner = Corner { night: self, assessment, account: self.view.account(assessment.account) };
        let (in_flight, candidates) = corner.set_in_flight_apart(corner.search().candidates());
        let mut choice = Choice { in_flight, ..Choice::default() };
        let mut open = Vec::new();
        for candidate in candidates {
            match corner.gatekeeper().pass(&candidate) {
                Ok(gates) => open.push((candidate, gates)),
                Err(closed) => choice.suppressions.push(corner.suppress(&candidate, closed)),
            }
        }
        corner.settle(open, &mut choice);
        choice
    }

    /// Adds what earlier nights left behind at the accounts of tonight whose rows are held here: work in flight, and
    /// everything that ended. `ranks` by recommendation id.
    pub fn carry(self, refreshed: Vec<Recommendation>, ranks: &BTreeMap<String, u32>, out: &mut Recommended) {
        let kept: BTreeSet<String> = out.recommendations.iter().map(|r| r.id.clone()).collect();
        let refreshed: BTreeMap<String, Recommendation> = refreshed.into_iter().map(|r| (r.id.clone(), r)).collect();
        let own = self.memory.recommendations.iter().filter(|r| self.view.extracts.owns(r.content.account));
        for remembered in own.filter(|r| !kept.contains(&r.content.id)) {
            let expiry = expiry(remembered, self.view.day, out);
            if let Some(rank) = ranks.get(&remembered.content.id) {
                let content = refreshed.get(&remembered.content.id).unwrap_or(&remembered.content).clone();
                let status = if expiry.is_some() { Status::Expired } else { remembered.status };
                out.recommendations.push(Recommendation { status, rank: *rank, ..content });
            }
            out.expired.extend(expiry);
        }
    }
}

/// The ranks of what is carried over, over all accounts. Work in flight stands behind what waits for review, and what
/// ended stands behind both.
pub fn ranks_carried(
    view: View,
    memory: &Memory,
    waiting: &BTreeMap<String, (Text, u32)>,
    refreshed: Vec<Waiting>,
) -> BTreeMap<String, u32> {
    let refreshed: BTreeMap<String, Waiting> = refreshed.into_iter().map(|r| (r.id.clone(), r)).collect();
    let carried = memory.recommendations.iter().filter(|r| !waiting.contains_key(&r.content.id));
    let carried = carried.filter(|r| tells(r) && view.account(r.content.account).is_some());
    let tonight = |r: &Remembered| refreshed.get(&r.content.id).cloned().unwrap_or_else(|| Waiting::of(&r.content));
    let mut carried: Vec<(bool, Waiting)> = carried.map(|r| (!r.status.in_flight(), tonight(r))).collect();
    carried.sort_by(|(ended, a), (other, b)| ended.cmp(other).then_with(|| queues::rank_order(a, b)));
    let mut last: BTreeMap<Text, u32> = BTreeMap::new();
    for (owner, rank) in waiting.values() {
        let known = last.entry(owner.clone()).or_default();
        *known = (*known).max(*rank);
    }
    let mut next = |owner: Text| {
        let rank = last.entry(owner).or_default();
        *rank += 1;
        *rank
    };
    carried.into_iter().map(|(_, r)| (r.id, next(r.owner))).collect()
}

/// Whether tonight's tables show it although it was not proposed tonight: it is under way, or it ended tonight.
fn tells(remembered: &Remembered) -> bool {
    remembered.status.in_flight() || remembered.changed_tonight() || remembered.status == Status::PendingReview
}

/// What ended tonight by itself: overdue, or no longer proposed although nobody decided.
fn expiry(remembered: &Remembered, today: Day, out: &Recommended) -> Option<Expiry> {
    let recommendation_id = remembered.content.id.clone();
    if remembered.status == Status::Expired && remembered.changed_tonight() {
        let reason = remembered.reason.clone().unwrap_or_default();
        return Some(Expiry { recommendation_id, ending: remembered.ending?, reason });
    }
    (remembered.status == Status::PendingReview).then(|| {
        let why = why_withheld(remembered, &out.suppressions).unwrap_or("its signals no longer stand");
        Expiry { recommendation_id, ending: Ending::Withdrawn, reason: format!("withdrawn on {}: {why}", day(today)) }
    })
}

/// The evidence of the gate that closed on it tonight; `suppressions` are sorted by account.
fn why_withheld<'s>(remembered: &Remembered, suppressions: &'s [Suppression]) -> Option<&'s str> {
    let account = remembered.content.account;
    let from = suppressions.partition_point(|s| s.account < account);
    let mut own = suppressions[from..].iter().take_while(|s| s.account == account);
    own.find(|s| remembered.is(&s.playbook, s.product)).map(|s| s.evidence.as_str())
}

type Passed<'a> = (Candidate<'a>, Vec<(Gate, String)>);

impl<'a> Corner<'a> {
    fn search(self) -> Search<'a> {
        let Night { view, peers, playbooks, memory, settings, market } = self.night;
        Search { view, account: self.account, assessment: self.assessment, playbooks, peers, market, memory, settings }
    }

    fn gatekeeper(self) -> Gatekeeper<'a> {
        let Night { view, memory, settings, .. } = self.night;
        Gatekeeper { view, assessment: self.assessment, memory, settings }
    }

    /// What people already approved is no candidate any more: it goes on as it was approved, whatever the gates say.
    fn set_in_flight_apart(self, candidates: Vec<Candidate<'a>>) -> (Vec<Recommendation>, Vec<Candidate<'a>>) {
        let approved = |c: &Candidate| {
            self.night.memory.in_flight(self.assessment.account).find(|r| r.is(&c.playbook.name, c.offer.product))
        };
        let (mut in_flight, mut rest) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match approved(&candidate) {
                Some(remembered) => in_flight.push(self.approved(remembered, &candidate)),
                None => rest.push(candidate),
            }
        }
        (in_flight, rest)
    }

    /// Tonight's row of an approved recommendation: its numbers are those of the night on which the approval arrived.
    fn approved(self, remembered: &Remembered, candidate: &Candidate<'a>) -> Recommendation {
        let before = &remembered.content;
        let arrived_tonight = !remembered.recorded.in_flight();
        let base = if arrived_tonight { self.write(candidate, Vec::new()) } else { before.clone() };
        let headline =
            if remembered.status == Status::Edited { before.headline.clone() } else { base.headline.clone() };
        Recommendation {
            id: before.id.clone(),
            created_on: before.created_on,
            owner: before.owner.clone(),
            owner_role: before.owner_role,
            informed: before.informed.clone(),
            gates: before.gates.clone(),
            arm: before.arm,
            signals: candidate.signals.clone(),
            headline,
            ..base
        }
    }

    /// One primary play; the others conflict with it. A held-out account is offered nothing but help.
    fn settle(self, open: Vec<Passed<'a>>, choice: &mut Choice) {
        let (mut open, blocked) = self.apart_from_work_in_flight(open);
        choice.suppressions.extend(blocked);
        open.sort_by(|a, b| self.precedence(&a.0).total_cmp(&self.precedence(&b.0)).reverse().then(order(&a.0, &b.0)));
        open.sort_by_key(|(candidate, _)| std::cmp::Reverse(self.standing(candidate)));
        let held_out = self.held_out();
        let primary = open.iter().position(|(candidate, _)| !held_out || candidate.is_save());
        let withheld_sale = open.iter().position(|(candidate, _)| held_out && !candidate.is_save());
        let primary_name = primary.map(|position| self.name(&open[position].0));
        for (position, (candidate, gates)) in open.into_iter().enumerate() {
            if primary == Some(position) {
                choice.primary = Some(self.write(&candidate, gates));
            } else if withheld_sale == Some(position) {
                choice.suppressions.push(self.suppress(&candidate, self.holdout()));
            } else {
                choice.suppressions.push(self.suppress(&candidate, self.conflict(primary_name.as_deref())));
            }
        }
    }

    /// A play in flight leaves no room for another, but a save play may still be needed while something is being sold.
    fn apart_from_work_in_flight(self, open: Vec<Passed<'a>>) -> (Vec<Passed<'a>>, Vec<Suppression>) {
        let work: Vec<&Remembered> = self.night.memory.in_flight(self.assessment.account).collect();
        let in_the_way = |candidate: &Candidate| {
            work.iter().find(|r| !candidate.is_save() || r.content.play == Play::RenewalRisk).copied()
        };
        let (blocked, free): (Vec<_>, Vec<_>) = open.into_iter().partition(|(c, _)| in_the_way(c).is_some());
        let suppress = |candidate: &Candidate<'a>| {
            let work = in_the_way(candidate)?;
            let evidence = format!(
                "{} was approved on {} and is under way at this account: one conversation at a time.",
                crate::wording::capital(&words(&work.content.playbook)),
                day(work.changed_on)
            );
            Some(self.suppress(candidate, Closed { gate: Gate::Conflict, evidence, requalifies_on: None }))
        };
        let suppressions = blocked.iter().filter_map(|(candidate, _)| suppress(candidate)).collect();
        (free, suppressions)
    }

    /// Priority first; then worth a conversation at all.
    fn standing(self, candidate: &Candidate) -> (i32, bool) {
        (
            candidate.playbook.priority,
            !queues::is_small(candidate.offer.expected_arr, candidate.expected_value, self.night.settings),
        )
    }

    /// Expected value; what already waits for review gives way only to something clearly better.
    fn precedence(self, candidate: &Candidate) -> f64 {
        let factor = if candidate.continuing.is_some() { self.night.settings.switch_factor.max(1.0) } else { 1.0 };
        candidate.expected_value * factor
    }

    fn name(self, candidate: &Candidate) -> String {
        let worth = money(candidate.expected_value);
        format!("{} (expected value {worth})", words(&candidate.playbook.name))
    }

    fn conflict(self, primary: Option<&str>) -> Closed {
        let evidence = match primary {
            Some(primary) => format!("One play at a time: {primary} comes first at this account."),
            None => "One play at a time: another play of this account comes first.".into(),
        };
        Closed { gate: Gate::Conflict, evidence, requalifies_on: None }
    }

    fn held_out(self) -> bool {
        let id = self.night.view.extracts.account_id(self.assessment.account);
        is_held_out(id, &self.night.settings.experiment, self.night.settings.holdout_share)
    }

    fn holdout(self) -> Closed {
        let evidence = format!(
            "The account is in the holdout of the experiment {}: no expansion play, so that the program's effect can be measured.",
            self.night.settings.experiment
        );
        Closed { gate: Gate::Holdout, evidence, requalifies_on: None }
    }

    fn suppress(self, candidate: &Candidate, closed: Closed) -> Suppression {
        Suppression {
            account: self.assessment.account,
            play: candidate.playbook.play,
            playbook: candidate.playbook.name.clone(),
            product: candidate.offer.product,
            gate: closed.gate,
            evidence: closed.evidence,
            expected_arr_withheld: candidate.offer.expected_arr,
            requalifies_on: closed.requalifies_on,
        }
    }

    /// The whole row; the rank and the last gates are the queue's to fill in.
    fn write(self, candidate: &Candidate<'a>, mut gates: Vec<(Gate, String)>) -> Recommendation {
        let Night { view, settings, .. } = self.night;
        let book = candidate.playbook;
        let signals: Vec<_> = candidate.signals.iter().map(|(n, _)| &self.assessment.signals[*n as usize]).collect();
        let owner = who::owner(self.account, book.owner);
        let choice = who::stakeholder(self.assessment, book.action, &signals);
        let created_on = candidate.continuing.map_or(view.day, |r| r.content.created_on);
        let timing = timing::plan(&Occasion {
            view,
            account: self.account,
            assessment: self.assessment,
            action: book.action,
            product: candidate.offer.product,
            deadline_days: book.deadline_days,
            created_on,
            settings,
        });
        let similar = self.similar(candidate);
        let telling = Telling {
            sizing: Sizing { view, assessment: self.assessment, market: self.night.market, settings },
            account: self.account,
            candidate,
            choice: &choice,
            owner: &owner,
            timing: &timing,
            neighbour: similar.iter().copied().find(|n| n.upgraded),
        };
        let facts = telling.facts();
        let arm = self.arm(candidate);
        gates.push((Gate::Conflict, "primary play of the account".into()));
        gates.push((Gate::Holdout, if arm == Arm::None { "no experiment".into() } else { "treatment arm".into() }));
        Recommendation {
            id: self.id(candidate, created_on),
            account: self.assessment.account,
            play: book.play,
            playbook: book.name.clone(),
            action: book.action,
            product: candidate.offer.product,
            from_tier: candidate.offer.from_tier.clone(),
            to_tier: candidate.offer.to_tier.clone(),
            units_delta: candidate.offer.units_delta,
            headline: telling.headline(),
            probability: candidate.estimate.probability,
            expected_arr: candidate.offer.expected_arr,
            expected_value: candidate.expected_value,
            rank: 0,
            owner: owner.owner.clone(),
            owner_role: owner.role,
            informed: owner.informed.clone(),
            stakeholder: choice.contact,
            stakeholder_reason: choice.reason.clone(),
            window_opens: timing.opens,
            window_closes: timing.closes,
            contact_by: timing.contact_by,
            timing_reason: timing.reason.clone(),
            evidence: telling.evidence(),
            talking_points: book.talking_points.iter().filter_map(|point| facts.speak(point)).collect(),
            arm,
            status: Status::PendingReview,
            model_ids: candidate.estimate.models.clone(),
            signals: candidate.signals.clone(),
            steps: steps(book, &facts),
            peers: similar.into_iter().map(|near| self.peer(near)).collect(),
            unknowns: telling.unknowns(),
            created_on,
            confidence: candidate.confidence,
            probability_basis: candidate.estimate.basis.clone(),
            gates,
        }
    }

    /// The same while the recommendation is open, another for the next episode of the same play.
    fn id(self, candidate: &Candidate, created_on: Day) -> String {
        if let Some(remembered) = candidate.continuing {
            return remembered.content.id.clone();
        }
        let extracts = self.night.view.extracts;
        let product = candidate.offer.product.map_or("", |p| &**extracts.ids.products.name(p));
        let account = extracts.account_id(self.assessment.account);
        stable_id("rec", &[account, &candidate.playbook.name, product, &created_on.to_string()])
    }

    fn arm(self, candidate: &Candidate) -> Arm {
        let running = self.night.settings.holdout_share > 0.0 && !candidate.is_save();
        if running { Arm::Treatment } else { Arm::None }
    }

    /// Neighbours to show: those who upgraded first where something is sold, then the most alike.
    fn similar(self, candidate: &Candidate) -> Vec<&'a Neighbour> {
        let mut near: Vec<&Neighbour> = self.night.peers.of(self.assessment.account).iter().collect();
        let sells_more = candidate.playbook.action != Action::SavePlay;
        near.sort_by(|a, b| {
            let upgraded = (sells_more && b.upgraded).cmp(&(sells_more && a.upgraded));
            upgraded.then(b.similarity.total_cmp(&a.similarity)).then(a.account.cmp(&b.account))
        });
        near.truncate(self.night.settings.similar_accounts);
        near
    }

    fn peer(self, neighbour: &Neighbour) -> Peer {
        let Told { why, outcome } = self.night.peers.tell(self.night.view, self.assessment.account, neighbour);
        Peer { account: neighbour.account, similarity: neighbour.similarity, why, outcome }
    }
}

fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    (a.order, a.offer.product).cmp(&(b.order, b.offer.product))
}

fn steps(playbook: &Playbook, facts: &Facts) -> Vec<Step> {
    let concrete =
        |step: &PlaybookStep| Step { day: step.day, owner_role: step.owner, action: facts.instruct(&step.action) };
    playbook.steps.iter().map(concrete).collect()
}

/// Whether an account is held out: the same on every machine and night, for as long as the experiment has its name.
///
/// ```
/// use foothold::recommendations::night::is_held_out;
/// assert!(!is_held_out("acme", "spring", 0.0) && is_held_out("acme", "spring", 1.0));
/// ```
pub fn is_held_out(account_id: &str, experiment: &str, share: f64) -> bool {
    let key = format!("{experiment}\u{1f}{account_id}");
    let draw = xxhash_rust::xxh3::xxh3_64(key.as_bytes()) as f64 / u64::MAX as f64;
    draw < share || share >= 1.0
}
