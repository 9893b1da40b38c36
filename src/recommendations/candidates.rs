//! Which plays an account's signals call for: trigger, target product, offer, probability and evidence weights.
//! A candidate is what could be proposed; whether it may be is for the gates.

use std::collections::BTreeSet;

use super::Action;
use super::market::Market;
use super::memory::{Memory, Remembered};
use super::offers::{Offer, Sizing, not_owned};
use super::playbooks::{Playbook, Trigger};
use super::probability::{Estimate, Estimator};
use super::settings::Settings;
use crate::assessment::Assessment;
use crate::extracts::tables::Account;
use crate::history::View;
use crate::peers::Peers;
use crate::signals::Signal;
use crate::vocabulary::{Color, Level, Play, Probability, ProductIx};

/// Weight of a signal that only supports a play, relative to one that starts it.
const SUPPORT: f64 = 0.5;

/// Least weight of a signal before normalizing, so that none of the evidence counts for nothing.
const LEAST_WEIGHT: f64 = 0.01;

/// A play that an account's signals call for.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub playbook: &'a Playbook,
    /// Position of the playbook in its file.
    pub order: usize,
    pub offer: Offer,
    pub estimate: Estimate,
    /// Position in the account's signals, and weight; weights sum to 1. Empty only where health alone triggered.
    pub signals: Vec<(u32, f64)>,
    /// Weighted confidence of the signals.
    pub confidence: Probability,
    /// probability × expected ARR × confidence, reporting currency per year.
    pub expected_value: f64,
    /// The same recommendation of an earlier night, where it still waits for review.
    pub continuing: Option<&'a Remembered>,
}

impl Candidate<'_> {
    pub fn is_save(&self) -> bool {
        self.playbook.action == Action::SavePlay
    }
}

/// What candidates are found in.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    pub view: View<'a>,
    pub account: Option<&'a Account>,
    pub assessment: &'a Assessment<'a>,
    pub playbooks: &'a [Playbook],
    pub peers: &'a Peers,
    pub market: &'a Market,
    pub memory: &'a Memory,
    pub settings: &'a Settings,
}

impl<'a> Search<'a> {
    /// Every play that fits, in the order of the playbooks, then by product.
    pub fn candidates(self) -> Vec<Candidate<'a>> {
        let mut found: Vec<Candidate> =
            self.playbooks.iter().enumerate().flat_map(|(n, book)| self.of(n, book)).collect();
        let specific: BTreeSet<Play> = found.iter().filter(|c| !c.playbook.fallback).map(|c| c.playbook.play).collect();
        found.retain(|c| !(c.playbook.fallback && specific.contains(&c.playbook.play)));
        found
    }

    fn of(self, order: usize, playbook: &'a Playbook) -> Vec<Candidate<'a>> {
        if !self.account_fits(&playbook.trigger) {
            return Vec::new();
        }
        let named = self.named(playbook);
        let targets = self.targets(playbook, &named);
        let found = targets.into_iter().filter_map(|target| self.candidate(order, playbook, target, &named));
        let found: Vec<Candidate> = found.collect();
        match self.must_choose(playbook, &named) {
            true => {
                found.into_iter().max_by(|a, b| a.expected_value.total_cmp(&b.expected_value)).into_iter().collect()
            }
            false => found,
        }
    }

    fn account_fits(self, trigger: &Trigger) -> bool {
        let color = trigger.health.is_empty() || trigger.health.contains(&self.assessment.health.color);
        let partner = self.account.is_some_and(|account| account.partner.is_some());
        color && trigger.partner.is_none_or(|wanted| wanted == partner)
    }

    /// The account's unexpired signals that the playbook names, with their positions.
    fn named(self, playbook: &Playbook) -> Vec<(u32, &'a Signal)> {
        let signals = self.assessment.signals.iter().enumerate();
        signals
            .filter(|(_, s)| s.expires_on >= self.view.day && playbook.trigger.names(&s.signal))
            .map(|(position, s)| (position as u32, s))
            .collect()
    }

    fn sizing(self) -> Sizing<'a> {
        Sizing { view: self.view, assessment: self.assessment, market: self.market, settings: self.settings }
    }

    /// The products the play could be about; one `None` for plays about the account as a whole.
    fn targets(self, playbook: &Playbook, named: &[(u32, &Signal)]) -> Vec<Option<ProductIx>> {
        let starters = || named.iter().map(|(_, s)| *s).filter(|s| playbook.trigger.starts_on(&s.signal));
        let main = self.sizing().main_product();
        match playbook.action {
            Action::SavePlay => vec![None],
            Action::StrategicExpansion => vec![main],
            Action::PartnerLed => vec![starters().find_map(|s| s.product).or(main)],
            Action::CrossSell | Action::PremiumSupport => {
                let open: BTreeSet<ProductIx> = not_owned(self.sizing(), playbook.action).collect();
                let pointed: BTreeSet<ProductIx> =
                    starters().filter_map(|s| s.product).filter(|p| open.contains(p)).collect();
                let chosen = if pointed.is_empty() { open } else { pointed };
                chosen.into_iter().map(Some).collect()
            }
            Action::SeatExpansion | Action::TierUpgrade | Action::MultiYearCommit => {
                let owned = |p: &ProductIx| self.assessment.contract.owns(*p);
                let about_account = starters().any(|s| s.product.is_none());
                let mut products: BTreeSet<ProductIx> = starters().filter_map(|s| s.product).filter(owned).collect();
                products.extend(main.filter(|_| about_account));
                products.into_iter().map(Some).collect()
            }
        }
    }

    /// No signal points at one product, so only the most valuable of all that are not owned is worth proposing.
    fn must_choose(self, playbook: &Playbook, named: &[(u32, &Signal)]) -> bool {
        let sells_new = matches!(playbook.action, Action::CrossSell | Action::PremiumSupport);
        let owns = |p: ProductIx| self.assessment.contract.owns(p);
        sells_new
            && !named.iter().any(|(_, s)| playbook.trigger.starts_on(&s.signal) && s.product.is_some_and(|p| !owns(p)))
    }

    fn candidate(
        self,
        order: usize,
        playbook: &'a Playbook,
        target: Option<ProductIx>,
        named: &[(u32, &'a Signal)],
    ) -> Option<Candidate<'a>> {
        let fitting: Vec<(u32, &Signal)> =
            named.iter().copied().filter(|(_, s)| self.about(s, playbook.action, target)).collect();
        if !fires(&playbook.trigger, &fitting) || self.too_weak(playbook, &fitting) {
            return None;
        }
        let signals: Vec<&Signal> = fitting.iter().map(|(_, s)| *s).collect();
        let starters: Vec<&Signal> =
            signals.iter().copied().filter(|s| playbook.trigger.starts_on(&s.signal)).collect();
        let evidence = if starters.is_empty() { &signals } else { &starters };
        let offer = self.sizing().offer(playbook.action, target, evidence)?;
        let estimate = self.estimator().estimate(playbook.action, offer.product, &signals);
        let weights = weigh(&playbook.trigger, &fitting);
        let confidence = self.confidence(&weights);
        let expected_value = estimate.probability.get() * offer.expected_arr * confidence.get();
        let continuing = self.memory.pending(self.assessment.account, &playbook.name, offer.product);
        Some(Candidate { playbook, order, offer, estimate, signals: weights, confidence, expected_value, continuing })
    }

    fn estimator(self) -> Estimator<'a> {
        let segment = self.account.and_then(|account| account.segment.as_ref());
        Estimator {
            assessment: self.assessment,
            segment,
            peers: self.peers,
            market: self.market,
            settings: self.settings,
        }
    }

    /// Whether a signal is evidence for the target: it names no product, this one, or — for a product that the
    /// account does not have yet — one that it owns.
    fn about(self, signal: &Signal, action: Action, target: Option<ProductIx>) -> bool {
        let sells_new = matches!(action, Action::CrossSell | Action::PremiumSupport);
        match (signal.product, target) {
            (None, _) | (_, None) => true,
            (Some(product), Some(target)) => {
                product == target
                    || (sells_new && self.assessment.contract.owns(product))
                    || action == Action::StrategicExpansion
            }
        }
    }

    /// On a green account of low risk only a strong first warning starts a save play.
    fn too_weak(self, playbook: &Playbook, fitting: &[(u32, &Signal)]) -> bool {
        let health = &self.assessment.health;
        let calm = health.color == Color::Green && health.risk_level == Level::Low;
        let strongest = fitting
            .iter()
            .filter(|(_, s)| playbook.trigger.starts_on(&s.signal))
            .map(|(_, s)| s.strength.get())
            .fold(0.0, f64::max);
        playbook.action == Action::SavePlay && calm && strongest < self.settings.early_warning_strength
    }

    /// The weighted confidence of the signals; where health alone speaks, the share of its weight that had data.
    fn confidence(self, weights: &[(u32, f64)]) -> Probability {
        if weights.is_empty() {
            let health = &self.assessment.health;
            let known =
                [health.product, health.relationship, health.support, health.financial].iter().flatten().count();
            return Probability::clamped(known as f64 / 4.0);
        }
        let of = |position: u32| self.assessment.signals[position as usize].confidence.get();
        Probability::clamped(weights.iter().map(|(position, weight)| weight * of(*position)).sum())
    }
}

fn fires(trigger: &Trigger, fitting: &[(u32, &Signal)]) -> bool {
    let present: BTreeSet<&str> = fitting.iter().map(|(_, s)| &*s.signal).collect();
    let has = |name: &String| present.contains(name.as_str());
    let any = trigger.any_of.is_empty() || trigger.any_of.iter().any(has);
    let enough = trigger.min_signals.is_none_or(|least| present.len() >= least as usize);
    any && trigger.all_of.iter().all(has) && enough
}

/// Weights by strength × confidence, halved for supporting signals; they sum to 1.
fn weigh(trigger: &Trigger, fitting: &[(u32, &Signal)]) -> Vec<(u32, f64)> {
    let raw = |s: &Signal| {
        let role = if trigger.starts_on(&s.signal) { 1.0 } else { SUPPORT };
        role * (s.strength.get() * s.confidence.get()).max(LEAST_WEIGHT)
    };
    let total: f64 = fitting.iter().map(|(_, s)| raw(s)).sum();
    fitting.iter().map(|(position, s)| (*position, raw(s) / total)).collect()
}
