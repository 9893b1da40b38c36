//! Layers 1 and 2 for every account: observe, score, map the people, classify, judge. Accounts go side by side.

use std::sync::Arc;

use rayon::prelude::*;

use crate::assessment::Assessment;
use crate::capacity;
use crate::health;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::job::JobFile;
use crate::models::{Propensity, Scorer};
use crate::observations::{self, AccountObservations};
use crate::peers::Peers;
use crate::readiness;
use crate::signals::{Benchmark, Classifier, Evidence, Learned, Signal};
use crate::stakeholders::{self, StakeholderMap};
use crate::text::IntentModel;
use crate::vocabulary::{AccountIx, PropensityKind};

/// The health trend looks back this many days.
const TREND_DAYS: i32 = 30;

/// What the night knows beyond single accounts; built once, read by all.
pub struct Context<'a> {
    pub settings: &'a JobFile,
    pub capacity: capacity::Context,
    pub peers: Peers,
    pub people: stakeholders::Context,
    pub classifier: Classifier,
}

impl<'a> Context<'a> {
    /// `intents` hears texts beside the phrase list, where the team's labels were enough to train one.
    pub fn learn(
        view: View,
        settings: &'a JobFile,
        learned: &Learned,
        intents: Option<Arc<IntentModel>>,
    ) -> Context<'a> {
        let classifier = Classifier::new(view.extracts, &settings.signals, &settings.text, learned);
        Context {
            settings,
            capacity: capacity::Context::learn(view, &settings.capacity),
            peers: Peers::build(view, &settings.peers),
            people: stakeholders::Context::learn(view, &settings.stakeholders),
            classifier: classifier.listening(intents),
        }
    }
}

/// Layer 1 of every account that the extracts name, by account index; empty for those not known on the day.
pub fn observe(view: View, context: &Context) -> Vec<AccountObservations> {
    let accounts: Vec<AccountIx> = view.extracts.account_indices().collect();
    accounts.into_par_iter().map(|account| observe_account(view, account, context)).collect()
}

fn observe_account(view: View, account: AccountIx, context: &Context) -> AccountObservations {
    match view.account(account) {
        Some(_) => observations::observe(view, account, &context.settings.observations, &context.capacity),
        None => AccountObservations::default(),
    }
}

/// Layer 2 of every account known on the day, in account order. `facts` and `propensities` stand by account index.
pub fn assess<'a>(
    view: View<'a>,
    facts: Vec<AccountObservations>,
    propensities: Vec<Vec<Propensity>>,
    context: &Context,
) -> Vec<Assessment<'a>> {
    let benchmark = Benchmark::of(view, &propensities);
    judge(view, facts, propensities, &benchmark, context)
}

/// The same for extracts that hold a part of the accounts only; what is relative to all of them comes from the
/// assessments of the `whole`.
pub fn assess_some<'a>(
    view: View<'a>,
    scorer: &Scorer,
    context: &Context,
    (whole, all): (View, &[Assessment]),
) -> Vec<Assessment<'a>> {
    let facts = observe(view, context);
    let propensities = scorer.score_among(view, &facts, &context.settings.models, whole).propensities;
    let scored = all.iter().map(|assessment| (assessment.account, assessment.propensities.as_slice()));
    judge(view, facts, propensities, &Benchmark::among(whole, scored), context)
}

fn judge<'a>(
    view: View<'a>,
    facts: Vec<AccountObservations>,
    propensities: Vec<Vec<Propensity>>,
    benchmark: &Benchmark,
    context: &Context,
) -> Vec<Assessment<'a>> {
    let accounts: Vec<_> = view.extracts.account_indices().zip(facts).zip(propensities).collect();
    accounts
        .into_par_iter()
        .filter(|((account, _), _)| view.account(*account).is_some())
        .map(|((account, facts), propensities)| assess_account(view, account, facts, propensities, benchmark, context))
        .collect()
}

fn assess_account<'a>(
    view: View<'a>,
    account: AccountIx,
    facts: AccountObservations,
    propensities: Vec<Propensity>,
    benchmark: &Benchmark,
    context: &Context,
) -> Assessment<'a> {
    let contract = Contract::on(view, account);
    let stakeholders = stakeholders::map(view, account, &context.people);
    let evidence = Evidence {
        view,
        account,
        contract: &contract,
        facts: &facts,
        propensities: &propensities,
        stakeholders: &stakeholders,
        peers: &context.peers,
    };
    let signals = context.classifier.classify_among(&evidence, benchmark);
    let churn = propensities.iter().find(|p| p.kind == PropensityKind::Churn);
    let judged = Judged { contract: &contract, facts: &facts, stakeholders: &stakeholders, signals: &signals, churn };
    let health = judged.health(view, account, score_before(view, account, context), context);
    let readiness = readiness::score(view, &contract, &facts, &signals, &health, &context.settings.readiness);
    Assessment { account, contract, facts, propensities, stakeholders, signals, health, readiness }
}

/// What health is judged from.
struct Judged<'a> {
    contract: &'a Contract<'a>,
    facts: &'a AccountObservations,
    stakeholders: &'a StakeholderMap,
    signals: &'a [Signal],
    churn: Option<&'a Propensity>,
}

impl Judged<'_> {
    fn health(&self, view: View, account: AccountIx, score_30d_ago: Option<f64>, context: &Context) -> health::Health {
        let inputs = health::Inputs {
            view,
            account,
            contract: self.contract,
            facts: self.facts,
            stakeholders: self.stakeholders,
            signals: self.signals,
            churn: self.churn,
            score_30d_ago,
        };
        health::assess(&inputs, &context.settings.health)
    }
}

/// The health score 30 days ago, by the same functions on what was known then, without models.
fn score_before(view: View, account: AccountIx, context: &Context) -> Option<f64> {
    let then = view.earlier(TREND_DAYS);
    then.account(account)?;
    let contract = Contract::on(then, account);
    let facts = observe_account(then, account, context);
    let stakeholders = stakeholders::map(then, account, &context.people);
    let evidence = Evidence {
        view: then,
        account,
        contract: &contract,
        facts: &facts,
        propensities: &[],
        stakeholders: &stakeholders,
        peers: &context.peers,
    };
    let signals = context.classifier.classify(&evidence);
    let judged =
        Judged { contract: &contract, facts: &facts, stakeholders: &stakeholders, signals: &signals, churn: None };
    Some(judged.health(then, account, None, context).score)
}
