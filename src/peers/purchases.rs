//! Purchases that follow an ownership: counted once per account over the last window, ranked by conditional rate.
//!
//! Support and lift only filter. Lift never ranks: it would put the rarest product first.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{PurchaseRate, Settings};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::vocabulary::{AccountIx, ProductIx, Text};

/// Fewer purchases than this are an anecdote.
const MIN_BUYERS: u32 = 2;

/// One account over the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Window {
    segment: Option<Text>,
    /// Owned when the window opened.
    before: BTreeSet<ProductIx>,
    /// Owned when it closed.
    after: BTreeSet<ProductIx>,
    /// Bought since, sold back or not.
    bought: BTreeSet<ProductIx>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    owners: u32,
    buyers: u32,
}

impl Tally {
    fn count(&mut self, bought: bool) {
        self.owners += 1;
        self.buyers += u32::from(bought);
    }

    fn rate(self) -> f64 {
        f64::from(self.buyers) / f64::from(self.owners.max(1))
    }
}

/// (owned, bought, segment), `None` over all segments.
type Key = (ProductIx, ProductIx, Option<Text>);

/// Every account under contract when the window opened, of those whose contracts are held here.
pub(super) fn windows(view: View, settings: &Settings) -> Vec<Window> {
    let accounts: Vec<AccountIx> = view.extracts.account_indices().collect();
    accounts.into_par_iter().filter_map(|account| window(view, account, settings.purchase_months)).collect()
}

/// Rates with enough support and lift, sorted by (owned, bought, segment). The rate over all accounts comes with those
/// of the segments that have support of their own; a segment's lift is against that segment's base rate.
pub(super) fn rates(windows: &[Window], settings: &Settings) -> Vec<PurchaseRate> {
    let products: BTreeSet<ProductIx> = windows.iter().flat_map(|w| w.bought.iter().copied()).collect();
    let base = base_rates(windows, &products);
    tallies(windows, &products)
        .into_iter()
        .filter(|(_, tally)| tally.owners >= settings.min_support && tally.buyers >= MIN_BUYERS)
        .map(|((owned, bought, segment), tally)| {
            let lift = tally.rate() / base[&(bought, segment.clone())].rate();
            PurchaseRate {
                owned,
                bought,
                segment,
                owners: tally.owners,
                buyers: tally.buyers,
                rate: tally.rate(),
                lift,
            }
        })
        .filter(|rate| rate.lift >= settings.min_lift)
        .collect()
}

/// `None` for an account without a contract when the window opened.
fn window(view: View, account: AccountIx, months: i32) -> Option<Window> {
    let opened = View { day: view.day.plus_months(-months), ..view };
    let owned =
        |view: View| Contract::on(view, account).active.iter().map(|s| s.product).collect::<BTreeSet<ProductIx>>();
    let before = owned(opened);
    if before.is_empty() {
        return None;
    }
    let started = view.subscription_versions(account).filter(|s| opened.day < s.starts_on && s.starts_on <= view.day);
    let bought = started.map(|s| s.product).filter(|product| !before.contains(product)).collect();
    let segment = view.account(account)?.segment.clone();
    Some(Window { segment, before, after: owned(view), bought })
}

/// For each product, those who did not own it at the start, and how many of them bought it.
fn base_rates(windows: &[Window], products: &BTreeSet<ProductIx>) -> BTreeMap<(ProductIx, Option<Text>), Tally> {
    let mut tallies: BTreeMap<(ProductIx, Option<Text>), Tally> = BTreeMap::new();
    for window in windows {
        for product in products.difference(&window.before) {
            for segment in segments(window) {
                tallies.entry((*product, segment)).or_default().count(window.bought.contains(product));
            }
        }
    }
    tallies
}

fn tallies(windows: &[Window], products: &BTreeSet<ProductIx>) -> BTreeMap<Key, Tally> {
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    for window in windows {
        for product in products.difference(&window.before) {
            let bought = window.bought.contains(product);
            for owned in window.before.iter().filter(|owned| bought || window.after.contains(owned)) {
                for segment in segments(window) {
                    tallies.entry((*owned, *product, segment)).or_default().count(bought);
                }
            }
        }
    }
    tallies
}

/// All accounts, and the account's own segment.
fn segments(window: &Window) -> impl Iterator<Item = Option<Text>> {
    std::iter::once(None).chain(window.segment.clone().map(Some))
}
