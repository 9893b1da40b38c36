//! The grain of training: one row per account and snapshot day, features on one side, what happened next on the other.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::fingerprint::digests;
use crate::capacity::{self, Context};
use crate::extracts::Extracts;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::learners::columns::table::Table;
use crate::models::features::columns::{Columns, lay};
use crate::models::features::observed::ASKED;
use crate::models::features::{self, FeatureRow};
use crate::models::outcomes::labels::{Timeline, Window};
use crate::models::outcomes::purchases::PurchaseRates;
use crate::models::settings::Settings;
use crate::observations::{self, observe_among};
use crate::vocabulary::{AccountIx, Day, ProductIx, PropensityKind};

/// What training reads: the extracts and how layer 1 looks at them.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub extracts: &'a Extracts,
    /// The day of the run; nothing later is seen, not even by labels.
    pub as_of: Day,
    pub observations: &'a observations::Settings,
    pub capacity: &'a capacity::Settings,
    pub models: &'a Settings,
    /// Contacts that one owner makes in a week: what an evaluation asks a ranking for.
    pub weekly_capacity: u32,
}

/// One account on one day.
#[derive(Clone, Debug)]
pub struct Grain {
    pub account: AccountIx,
    pub day: Day,
    /// Stable hash of the account id: which fold or half the account falls into.
    pub account_hash: u64,
    /// Products in force, sorted.
    pub owned: Vec<ProductIx>,
}

/// Rows of all snapshot days, oldest first, accounts in id order within a day.
pub struct Snapshots {
    pub grains: Vec<Grain>,
    pub table: Table,
    /// The share of all accounts and days that was drawn.
    pub share: f64,
    /// What each row of the table comes to.
    pub digests: Vec<u64>,
    /// Purchase rates as known on each distinct day, by day.
    rates: Vec<(Day, PurchaseRates)>,
    timelines: Vec<Timeline>,
}

/// The snapshot days whose outcome over `horizon_days` is known by the day of the run, oldest first.
///
/// They lie on a grid back from that day. Outcomes recorded a little late still count, so a label waits for the
/// grace as well.
pub fn labelled_days(source: &Source, horizon_days: i32) -> Vec<Day> {
    let settings = source.models;
    let Some(first) = first_day(source.extracts) else { return Vec::new() };
    let earliest = first.plus(settings.min_history_days);
    let waits = settings.lead_days + horizon_days + settings.late_recording_days;
    let mut days: Vec<Day> = (0..)
        .map(|step| source.as_of.minus(step * settings.grid_days.max(1)))
        .take_while(|day| *day >= earliest)
        .filter(|day| day.plus(waits) <= source.as_of)
        .take(settings.max_snapshots as usize)
        .collect();
    days.reverse();
    days
}

/// The first day with usage, or else with a contract.
fn first_day(extracts: &Extracts) -> Option<Day> {
    let usage = extracts.usage.series.iter().map(|series| series.start).min();
    usage.or_else(|| extracts.subscriptions.all().iter().map(|s| s.starts_on).min())
}

/// The window in which an outcome of `kind` counts for a snapshot.
pub fn window(day: Day, horizon_days: i32, settings: &Settings) -> Window {
    let from = day.plus(settings.lead_days);
    Window { from, to: from.plus(horizon_days) }
}

impl Snapshots {
    /// Observes every account with a running contract on every day, or a sample of those where all of them would exceed
    /// `max_training_rows`.
    pub fn build(source: &Source, days: &[Day]) -> Snapshots {
        let share = sampled_share(source, days.len());
        let (mut grains, mut tables, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for day in days {
            let view = View::new(source.extracts, *day);
            let (of_day, columns) = snapshot(source, view, share);
            grains.extend(of_day);
            tables.push(columns.into_table(source.extracts).ranked());
            rates.push((*day, PurchaseRates::on(view)));
        }
        let known = View::new(source.extracts, source.as_of);
        let accounts: Vec<AccountIx> = source.extracts.account_indices().collect();
        let timelines = accounts.par_iter().map(|account| Timeline::of(known, *account)).collect();
        let table = Table::stacked(&tables);
        let digests = digests(&table.frame().columns, table.rows);
        Snapshots { grains, table, share, digests, rates, timelines }
    }

    /// The rows on which the outcome is known and could have happened, with their labels.
    pub fn labelled(
        &self,
        kind: PropensityKind,
        product: Option<ProductIx>,
        horizon_days: i32,
        source: &Source,
    ) -> (Vec<u32>, Vec<bool>) {
        let known_by = source.as_of.minus(source.models.late_recording_days);
        let rules = source.models.rules();
        let label = |grain: &Grain| {
            let window = window(grain.day, horizon_days, source.models);
            let timeline = &self.timelines[grain.account.at()];
            if window.to > known_by {
                return None;
            }
            match (kind, product) {
                (PropensityKind::Churn, _) => timeline.churned(window, rules),
                (PropensityKind::Upsell, _) => timeline.expanded(window, rules),
                (PropensityKind::CrossSell, Some(product)) => timeline.purchased(product, window),
                (PropensityKind::CrossSell, None) => None,
            }
        };
        let rows = self.grains.iter().enumerate();
        rows.filter_map(|(row, grain)| Some((row as u32, label(grain)?))).unzip()
    }

    /// The columns that depend on the product as well: which it is, what is observed of it, and what owners of the
    /// account's products went on to buy.
    pub fn columns_of(&self, product: ProductIx, extracts: &Extracts) -> Table {
        let cells = self.grains.iter().map(|grain| self.purchase_cells(grain, product));
        let mut columns = features::table(cells, extracts).columns;
        let products = vec![product; self.grains.len()];
        columns.extend(features::columns_of_products(&self.table.frame(), &products, extracts));
        Table::new(columns, self.grains.len()).ranked()
    }

    pub fn purchase_cells(&self, grain: &Grain, product: ProductIx) -> features::FeatureRow {
        match self.rates.binary_search_by_key(&grain.day, |(day, _)| *day) {
            Ok(position) => features::purchase_cells(&self.rates[position].1, &grain.owned, product),
            Err(_) => features::FeatureRow::default(),
        }
    }
}

fn snapshot(source: &Source, view: View, share: f64) -> (Vec<Grain>, Columns) {
    let context = Context::learn(view, source.capacity);
    let accounts: Vec<AccountIx> = source.extracts.account_indices().collect();
    lay(&accounts, |account| {
        let grain = grain(view, account).filter(|grain| grain.is_sampled(share))?;
        Some((grain, row(source, view, account, &context)))
    })
}

/// The account's features on the view's day, from no more observations than they are made of.
pub(super) fn row(source: &Source, view: View, account: AccountIx, context: &Context) -> FeatureRow {
    let facts = observe_among(view, account, source.observations, context, Some(&ASKED));
    features::row(view, account, &facts)
}

/// The account's row on the view's day; `None` unless it is known and under contract.
pub fn grain(view: View, account: AccountIx) -> Option<Grain> {
    view.account(account)?;
    let contract = Contract::on(view, account);
    let mut owned: Vec<ProductIx> = contract.active.iter().map(|s| s.product).collect();
    owned.dedup();
    let account_hash = xxh3_64(view.extracts.account_id(account).as_bytes());
    (!owned.is_empty()).then_some(Grain { account, day: view.day, account_hash, owned })
}

fn sampled_share(source: &Source, days: usize) -> f64 {
    let rows = (source.extracts.ids.accounts.len() * days.max(1)) as f64;
    (f64::from(source.models.max_training_rows) / rows.max(1.0)).min(1.0)
}

impl Grain {
    /// Whether it is among this share of all accounts and days. Days of one account say much the same, so they are drawn one
    /// by one: as many rows of more accounts tell more.
    pub fn is_sampled(&self, share: f64) -> bool {
        let drawn = xxh3_64_with_seed(&self.account_hash.to_le_bytes(), u64::from(self.day.0.cast_unsigned()));
        share >= 1.0 || (drawn as f64) < share * u64::MAX as f64
    }
}

/// Three runs of snapshot days, oldest first, with an embargo of one horizon between them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub train: Vec<Day>,
    pub calibrate: Vec<Day>,
    pub test: Vec<Day>,
    /// Calibration and test share their days, because the history has no room for a third run of days: every account is
    /// judged by what others have calibrated.
    pub shared: bool,
}

impl Split {
    /// Splits labelled days. `embargo_days` is horizon plus lead: a training label must be settled before the first
    /// day that follows. `None` when not even one training day is left.
    pub fn of(days: &[Day], embargo_days: i32) -> Option<Split> {
        Split::candidates(days, embargo_days).next()
    }

    /// Every split worth trying: three runs of days where the history has room for them, then test days that calibration
    /// shares, a fifth of all days at first and up to a third, for outcomes that are rare.
    pub fn candidates(days: &[Day], embargo_days: i32) -> impl Iterator<Item = Split> {
        let slice = (days.len() / 5).max(1);
        let shared =
            (slice..=(days.len() / 3).max(slice)).filter_map(move |slice| Split::shared(days, embargo_days, slice));
        Split::in_three(days, embargo_days, slice).into_iter().chain(shared)
    }

    fn in_three(days: &[Day], embargo_days: i32, slice: usize) -> Option<Split> {
        let test = days.get(days.len().checked_sub(slice)?..)?.to_vec();
        let earlier = before(&test, days, embargo_days);
        let calibrate = earlier[earlier.len().saturating_sub(slice)..].to_vec();
        let train = before(&calibrate, days, embargo_days);
        (train.len() >= MIN_TRAINING_DAYS && !calibrate.is_empty()).then_some(Split {
            train,
            calibrate,
            test,
            shared: false,
        })
    }

    fn shared(days: &[Day], embargo_days: i32, slice: usize) -> Option<Split> {
        let test = days.get(days.len().checked_sub(slice)?..).filter(|test| !test.is_empty())?.to_vec();
        let train = before(&test, days, embargo_days);
        (!train.is_empty()).then(|| Split { train, calibrate: test.clone(), test, shared: true })
    }
}

/// The days whose labels are settled before the first of the later ones.
fn before(later: &[Day], days: &[Day], embargo_days: i32) -> Vec<Day> {
    let first = later.first().copied().unwrap_or(Day::MAX);
    days.iter().copied().filter(|day| day.plus(embargo_days) <= first).collect()
}

/// Fewer training days than this are not traded for a calibration run of its own.
const MIN_TRAINING_DAYS: usize = 6;
