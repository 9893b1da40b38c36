//! How well the signals find what is there: detectors against the truth of simulated worlds, and breach forecasts
//! against what came.
//!
//! A world is made, loaded as the nightly run loads extracts, and carried through layers 1 and 2. What fired is then held
//! against `truth/`, account by account. Thresholds that the nightly run would learn stay at their starting values here,
//! because a definition is judged, not a choice of threshold.

pub mod propensity;
mod shortfalls;
mod table;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::capacity::backtest::{Coverage, backtest};
use crate::extracts::{self, Extracts};
use crate::history::View;
use crate::job::JobFile;
use crate::models::examples::cutoff;
use crate::pipeline;
use crate::pipeline::assess::{self, Context};
use crate::shards::Share;
use crate::signals::{Benchmark, Learned};
use crate::simulate::{self, Params};
use crate::store::{self, Store};
use crate::text::learn;
use crate::vocabulary::AccountIx;

pub use shortfalls::explanation;
pub use table::markdown;
use world::World;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    World(#[from] simulate::Error),
    #[error(transparent)]
    Extracts(#[from] extracts::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    #[error("{path}: {reason}")]
    Truth { path: String, reason: String },
    #[error(transparent)]
    Leak(#[from] cutoff::Leak),
}

/// What one signal found and missed, in accounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    /// Accounts on which the definition holds and the signal fired.
    pub found: usize,
    /// Fired where the definition does not hold.
    pub false_alarms: usize,
    /// Not fired where it holds.
    pub missed: usize,
    /// A few accounts of each kind, as `seed/account`.
    pub false_alarm_examples: Vec<String>,
    pub missed_examples: Vec<String>,
}

impl Score {
    /// Accounts on which the definition holds.
    pub fn n(&self) -> usize {
        self.found + self.missed
    }

    /// Share of the alarms that were right; `None` without an alarm.
    pub fn precision(&self) -> Option<f64> {
        let fired = self.found + self.false_alarms;
        (fired > 0).then(|| self.found as f64 / fired as f64)
    }

    /// Share of what is there that was found; `None` where nothing is there.
    pub fn recall(&self) -> Option<f64> {
        (self.n() > 0).then(|| self.found as f64 / self.n() as f64)
    }

    /// Whether both shares reach `least`; what never occurred cannot fall short.
    pub fn reaches(&self, least: f64) -> bool {
        self.precision().is_none_or(|p| p >= least) && self.recall().is_none_or(|r| r >= least)
    }

    fn add(&mut self, there: bool, fired: bool, place: impl Fn() -> String) {
        let example = |examples: &mut Vec<String>| {
            if examples.len() < EXAMPLES {
                examples.push(place());
            }
        };
        match (there, fired) {
            (true, true) => self.found += 1,
            (false, true) => {
                self.false_alarms += 1;
                example(&mut self.false_alarm_examples);
            }
            (true, false) => {
                self.missed += 1;
                example(&mut self.missed_examples);
            }
            (false, false) => {}
        }
    }
}

/// Examples kept of each kind of fault.
const EXAMPLES: usize = 8;

/// The result over several worlds with the same kind of noise.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Customers judged, over all worlds.
    pub accounts: usize,
    /// By signal, every one that the truth defines.
    pub signals: BTreeMap<&'static str, Score>,
    /// Breach forecasts of each world, by seed.
    pub coverage: Vec<(u64, Coverage)>,
}

/// Judges the layers on each of these worlds, one after the other.
pub fn measure(worlds: &[Params], settings: &JobFile, progress: &mut dyn FnMut(usize)) -> Result<Report, Error> {
    let mut report = Report::default();
    for (done, params) in worlds.iter().enumerate() {
        judge(params, settings, &mut report)?;
        progress(done + 1);
    }
    Ok(report)
}

fn judge(params: &Params, settings: &JobFile, report: &mut Report) -> Result<(), Error> {
    let world = World::make(params, settings)?;
    let truth = truth(&world.store)?;
    let fired = fired(View::new(&world.extracts, params.end), &world.settings)?;
    for (account, signals) in &fired {
        let id = world.extracts.account_id(*account);
        let planted = truth.get(id);
        report.accounts += 1;
        for rule in simulate::truth::definitions::RULES {
            let there = planted.is_some_and(|planted| planted.contains(rule.signal));
            let place = || format!("{}/{id}", params.seed);
            report.signals.entry(rule.signal).or_default().add(there, signals.contains(rule.signal), place);
        }
    }
    report.coverage.push((params.seed, breaches(&world.extracts, params, &world.settings)));
    Ok(world.forget()?)
}

/// Forecasts of every second month, made at least half a year before the end.
fn breaches(extracts: &Extracts, params: &Params, settings: &JobFile) -> Coverage {
    let days: Vec<_> =
        (3..).map(|step| params.end.minus(60 * step)).take_while(|day| day.since(params.first()) >= 120).collect();
    backtest(extracts, &days, params.end, &settings.capacity)
}

/// Signals that the truth says are there, by account.
fn truth(store: &Store) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let mut truth: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in store.list("truth/signals")? {
        let fault = |reason: String| Error::Truth { path: object.path.clone(), reason };
        let reader = ParquetRecordBatchReaderBuilder::try_new(store.get(&object.path)?)
            .and_then(|builder| builder.build())
            .map_err(|e| fault(e.to_string()))?;
        for batch in reader {
            let batch = batch.map_err(|e| fault(e.to_string()))?;
            let column = |name: &str| {
                let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
                column.cloned().ok_or_else(|| fault(format!("no text column `{name}`")))
            };
            for (account, signal) in column("account_id")?.iter().zip(column("signal")?.iter()) {
                if let (Some(account), Some(signal)) = (account, signal) {
                    truth.entry(account.to_owned()).or_default().insert(signal.to_owned());
                }
            }
        }
    }
    Ok(truth)
}

/// Signals that fire for each customer of the view's day, by the nightly run's layers 1 and 2: the intent classifier is
/// trained on the world's labels, all of older texts than the signals read; propensity models are left out.
fn fired(view: View, settings: &JobFile) -> Result<Vec<(AccountIx, BTreeSet<String>)>, Error> {
    let labelled = learn::labelled(view, settings.text.max_chars);
    let intents = learn::train(&labelled, view.day, &settings.text).ok().map(Arc::new);
    let context = Context::among(view, settings, &Learned::default(), intents, Share::Alone)?;
    let facts = assess::observe(view, &context);
    let unscored = vec![Vec::new(); facts.len()];
    let assessed = assess::assess(view, facts, unscored, &Benchmark::default(), &context);
    let customers = assessed.into_iter().filter(|account| !account.contract.active.is_empty());
    Ok(customers
        .map(|account| (account.account, account.signals.into_iter().map(|s| s.signal.to_string()).collect()))
        .collect())
}
