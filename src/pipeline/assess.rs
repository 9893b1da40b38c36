//! Layers 1 and 2 for every account: observe, score, map the people, classify, judge. Accounts go side by side.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::assessment::Assessment;
use crate::capacity;
use crate::capacity::thresholds::{Thresholds, before_all_upgrades};
use crate::health;
use crate::history::View;
use crate::history::calendar::{Calendar, Deliveries};
use crate::history::contracts::Contract;
use crate::job::JobFile;
use crate::learners::columns::table::Features;
use crate::models::outcomes::purchases::{FirstDays, PurchaseRates};
use crate::models::{Population, Propensity, Scored, Scorer, Tonight};
use crate::observations::{self, Kept};
use crate::peers::{self, Peers};
use crate::readiness;
use crate::recommendations::{Contracts, Market};
use crate::shards::Share;
use crate::signals::{Benchmark, Classifier, Evidence, Learned};
use crate::stakeholders::{self, ArrPerUser, arr_per_user};
use crate::text::{IntentModel, Reader, Rival, rivals};
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
    pub market: Market,
    pub rates: PurchaseRates,
}

/// What the accounts of one part contribute to it.
#[derive(Serialize, Deserialize)]
struct Known {
    deliveries: Deliveries,
    book: peers::Book,
    arr_per_user: Vec<ArrPerUser>,
    rivals: Vec<Rival>,
    contracts: Contracts,
    first_days: FirstDays,
}

impl<'a> Context<'a> {
    /// Learns from the accounts held here and, through `share`, from those of all other parts. `intents` hears texts
    /// beside the phrase list, where the team's labels were enough to train one.
    pub fn among(
        view: View,
        settings: &'a JobFile,
        learned: &Learned,
        intents: Option<Arc<IntentModel>>,
        share: Share,
    ) -> Result<Context<'a>, Error> {
        let mut peers = peers::Gathered::of(view, &settings.peers);
        let known = share.all("known", Known::of(view, peers.take_book()))?;
        let mut all = All::default();
        known.into_iter().for_each(|known| all.add(known));
        let calendar = Calendar::of(all.deliveries);
        let upgrades = share.all("upgrades", before_all_upgrades(view, &calendar))?.concat();
        let thresholds = Thresholds::after(upgrades, &settings.capacity);
        let reader = Reader::knowing(view.extracts, &settings.text, all.rivals).listening(intents);
        Ok(Context {
            settings,
            capacity: capacity::Context { settings: settings.capacity.clone(), calendar, thresholds },
            peers: Peers::among(view, peers, all.books, &settings.peers),
            people: stakeholders::Context::of(view, &settings.stakeholders, all.arr_per_user),
            classifier: Classifier::reading(view.extracts, &settings.signals, reader, learned),
            market: Market::of(all.contracts),
            rates: PurchaseRates::of(view, all.first_days),
        })
    }
}

impl Known {
    fn of(view: View, book: peers::Book) -> Known {
        let contracts = || rayon::join(|| Contracts::on(view), || FirstDays::on(view));
        let usage = || rayon::join(|| Deliveries::of(view), || arr_per_user(view));
        let ((deliveries, arr_per_user), (contracts, first_days)) = rayon::join(usage, contracts);
        Known { deliveries, book, arr_per_user, rivals: rivals(view.extracts), contracts, first_days }
    }
}

/// What all parts contribute.
#[derive(Default)]
struct All {
    deliveries: Vec<Deliveries>,
    books: Vec<peers::Book>,
    arr_per_user: Vec<ArrPerUser>,
    rivals: Vec<Rival>,
    contracts: Vec<Contracts>,
    first_days: Vec<FirstDays>,
}

impl All {
    fn add(&mut self, known: Known) {
        self.deliveries.push(known.deliveries);
        self.books.push(known.book);
        self.arr_per_user.extend(known.arr_per_user);
        self.rivals.extend(known.rivals);
        self.contracts.push(known.contracts);
        self.first_days.push(known.first_days);
    }
}

/// Layer 1 of every account that the extracts name, by account index; empty for those not known on the day.
pub fn observe(view: View, context: &Context) -> Vec<Kept> {
    let accounts: Vec<AccountIx> = view.extracts.account_indices().collect();
    accounts.into_par_iter().map(|account| observe_account(view, account, context)).collect()
}

fn observe_account(view: View, account: AccountIx, context: &Context) -> Kept {
    match view.account(account).filter(|_| view.extracts.owns(account)) {
        Some(_) => Kept::of(observations::observe(view, account, &context.settings.observations, &context.capacity)),
        None => Kept::default(),
    }
}

/// All accounts scored in a night, whoever holds their rows: what one of them is held against.
#[derive(Clone, Debug, Default)]
pub struct Everyone {
    /// Those that some account has.
    features: Features,
    pub population: Population,
    /// What is usual in each segment.
    pub benchmark: Benchmark,
}

/// What the models say of the accounts held here, among all of them. `facts` stand by account index.
pub fn score(
    view: View,
    facts: &[Kept],
    scorer: &Scorer,
    context: &Context,
    share: Share,
) -> Result<(Scored, Everyone), Error> {
    let models = &context.settings.models;
    if scorer.is_empty() {
        return Ok((scorer.score(view, facts, models), Everyone::default()));
    }
    let mut tonight = Tonight::of(view, facts, &context.rates);
    let features = Features::union(share.all("features", tonight.features())?);
    tonight.complete(&features);
    let unranked = scorer.unranked(&tonight, models);
    let own = (unranked.population(), Benchmark::of(view, unranked.propensities()));
    let (populations, benchmarks): (Vec<Population>, Vec<Benchmark>) = share.all("scores", own)?.into_iter().unzip();
    let (population, benchmark) = (Population::union(populations), Benchmark::union(benchmarks));
    let scored = scorer.ranked(unranked, &population, view.day, models);
    Ok((scored, Everyone { features, population, benchmark }))
}

/// The same of a few accounts more or less, among everyone as they were scored: nothing new is known of the others.
fn score_among(
    view: View,
    facts: &[Kept],
    scorer: &Scorer,
    context: &Context,
    everyone: &Everyone,
) -> Vec<Vec<Propensity>> {
    let models = &context.settings.models;
    let mut tonight = Tonight::of(view, facts, &context.rates);
    tonight.complete(&everyone.features);
    let unranked = scorer.unranked(&tonight, models);
    scorer.ranked(unranked, &everyone.population, view.day, models).propensities
}

/// Layer 2 of every account known on the day whose rows are held here, in account order. `facts` and `propensities`
/// stand by account index.
pub fn assess<'a>(
    view: View<'a>,
    facts: Vec<Kept>,
    propensities: Vec<Vec<Propensity>>,
    benchmark: &Benchmark,
    context: &Context,
) -> Vec<Assessment<'a>> {
    assess_since(view, facts, propensities, benchmark, context, |account| score_before(view, account, context))
}

/// The same without the trend of health, on which no score rests.
pub fn assess_scores<'a>(
    view: View<'a>,
    facts: Vec<Kept>,
    propensities: Vec<Vec<Propensity>>,
    benchmark: &Benchmark,
    context: &Context,
) -> Vec<Assessment<'a>> {
    assess_since(view, facts, propensities, benchmark, context, |_| None)
}

/// The same for extracts that hold some of the accounts only; what is relative to all of them is `everyone`'s.
pub fn assess_some<'a>(view: View<'a>, scorer: &Scorer, context: &Context, everyone: &Everyone) -> Vec<Assessment<'a>> {
    let facts = observe(view, context);
    let propensities = score_among(view, &facts, scorer, context, everyone);
    assess_scores(view, facts, propensities, &everyone.benchmark, context)
}

/// `before` gives an account's earlier health score.
fn assess_since<'a>(
    view: View<'a>,
    facts: Vec<Kept>,
    propensities: Vec<Vec<Propensity>>,
    benchmark: &Benchmark,
    context: &Context,
    before: impl Fn(AccountIx) -> Option<f64> + Sync,
) -> Vec<Assessment<'a>> {
    let accounts: Vec<_> = view.extracts.account_indices().zip(facts).zip(propensities).collect();
    accounts
        .into_par_iter()
        .filter(|((account, _), _)| view.account(*account).is_some() && view.extracts.owns(*account))
        .map(|((account, facts), propensities)| {
            assess_account(view, account, facts, propensities, before(account), benchmark, context)
        })
        .collect()
}

fn assess_account<'a>(
    view: View<'a>,
    account: AccountIx,
    kept: Kept,
    propensities: Vec<Propensity>,
    score_30d_ago: Option<f64>,
    benchmark: &Benchmark,
    context: &Context,
) -> Assessment<'a> {
    let facts = kept.facts();
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
    let inputs = health::Inputs {
        view,
        account,
        contract: &contract,
        facts: &facts,
        stakeholders: &stakeholders,
        signals: &signals,
        churn,
        score_30d_ago,
    };
    let health = health::assess(&inputs, &context.settings.health);
    let readiness = readiness::score(view, &contract, &facts, &signals, &health, &context.settings.readiness);
    Assessment { account, contract, facts: kept, propensities, stakeholders, signals, health, readiness }
}

/// The health score 30 days ago, by the same function on what was known then; it asks for few of the observations.
fn score_before(view: View, account: AccountIx, context: &Context) -> Option<f64> {
    let then = view.earlier(TREND_DAYS);
    then.account(account)?;
    let (settings, calendar) = (context.settings, &context.capacity.calendar);
    let facts = observations::observe_asked(then, account, &settings.observations, calendar, &health::ASKED);
    Some(health::score(&facts, &settings.health))
}
