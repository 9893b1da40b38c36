//! Similar accounts and what they did next: nearest neighbours by size, industry, use and usage level; purchase rates.

use serde::{Deserialize, Serialize};

use crate::history::View;
use crate::vocabulary::{AccountIx, ProductIx, Text};

/// `[peers]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Neighbours per account.
    pub neighbours: usize,
    /// An upgrade within this many months of the usage level counts.
    pub upgrade_months: i32,
    /// A purchase of B within this many months of owning A counts.
    pub purchase_months: i32,
    /// Fewest owners of A for a purchase rate.
    pub min_support: u32,
    /// Fewest times the base rate.
    pub min_lift: f64,
}

/// One neighbour of an account.
#[derive(Clone, Debug)]
pub struct Neighbour {
    pub account: AccountIx,
    /// 0–1, 1 = alike.
    pub similarity: f64,
    /// What they share, in words.
    pub why: String,
    /// What the neighbour did within the horizon, in words: an upgrade, a purchase, or nothing.
    pub outcome: String,
    pub upgraded: bool,
}

/// P(buys B within the window | owned A), counted in one segment or, where thin, over all.
#[derive(Clone, Debug)]
pub struct PurchaseRate {
    pub owned: ProductIx,
    pub bought: ProductIx,
    pub segment: Option<Text>,
    /// Accounts that owned `owned` for the whole window or bought in it.
    pub owners: u32,
    pub buyers: u32,
    pub rate: f64,
    /// rate / P(buys B within the window).
    pub lift: f64,
}

/// Built once per night from all accounts; read-only afterwards.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// By account.
    pub neighbours: Vec<Vec<Neighbour>>,
    /// Sorted by (owned, bought, segment).
    pub purchase_rates: Vec<PurchaseRate>,
}

impl Peers {
    pub fn build(view: View, settings: &Settings) -> Peers {
        let _ = (view, settings);
        unimplemented!("peers")
    }

    pub fn of(&self, account: AccountIx) -> &[Neighbour] {
        self.neighbours.get(account.at()).map_or(&[], Vec::as_slice)
    }
}
