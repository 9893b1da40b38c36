//! What the whole book of business tells about prices and plans: what a product costs where the price list is silent,
//! what each tier usually allows, and in which form customers grew. Built once per night; read-only afterwards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::assessment::Assessment;
use crate::extracts::tables::Subscription;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::vocabulary::{AccountIx, MetricIx, ProductIx, Text};

/// Share of a tier's contracts that must have one and the same ceiling for it to count as the tier's own.
const FIXED_SHARE: f64 = 0.9;

/// Contracts a tier needs before its ceilings are taken as typical.
const FIXED_MIN: usize = 5;

/// Expansions that the assumption of equal shares weighs as much as.
const SHARE_PRIOR: f64 = 10.0;

/// The form in which a contract grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    Units,
    Tier,
    /// A higher price at the same tier and units: commitments and re-negotiations.
    Price,
}

/// How often contracts grew in each form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growths {
    pub units: u32,
    pub tier: u32,
    pub price: u32,
}

impl Growths {
    pub fn total(self) -> u32 {
        self.units + self.tier + self.price
    }

    /// Share of one form among all expansions, shrunk toward a third where few are known.
    pub fn share(self, growth: Growth) -> f64 {
        let n = match growth {
            Growth::Units => self.units,
            Growth::Tier => self.tier,
            Growth::Price => self.price,
        };
        (f64::from(n) + SHARE_PRIOR / 3.0) / (f64::from(self.total()) + SHARE_PRIOR)
    }
}

/// Medians and counts over the book.
#[derive(Clone, Debug, Default)]
pub struct Market {
    pub growths: Growths,
    tier_arr: BTreeMap<(ProductIx, Text), f64>,
    product_arr: BTreeMap<ProductIx, f64>,
    limits: BTreeMap<(ProductIx, Text, MetricIx), TypicalLimit>,
}

/// The usual ceiling of a tier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TypicalLimit {
    pub median: f64,
    /// Nearly every contract of the tier has exactly this ceiling, so more of it means another tier.
    pub fixed: bool,
}

/// What the contracts of one part tell; those of all parts make the market.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contracts {
    growths: Growths,
    tier_arr: BTreeMap<(ProductIx, Text), Vec<f64>>,
    limits: BTreeMap<(ProductIx, Text, MetricIx), Vec<f64>>,
}

impl Contracts {
    /// Of the accounts known on the day whose contracts are held here.
    pub fn on(view: View) -> Contracts {
        let accounts = view.accounts().map(|account| account.account);
        let contracts = accounts.map(|account| (account, Contract::on(view, account)));
        contracts.fold(Contracts::default(), |mut sum, (account, contract)| {
            sum.count(view, account, &contract);
            sum
        })
    }

    fn count(&mut self, view: View, account: AccountIx, contract: &Contract) {
        for subscription in contract.active.iter().filter(|s| s.arr > 0.0) {
            let key = (subscription.product, subscription.tier.clone());
            self.tier_arr.entry(key).or_default().push(subscription.arr);
        }
        for ceiling in view.entitlements(account) {
            if let Some(subscription) = contract.of(ceiling.product) {
                let key = (ceiling.product, subscription.tier.clone(), ceiling.metric);
                self.limits.entry(key).or_default().push(ceiling.limit);
            }
        }
        self.growths.count(view, account);
    }

    fn add(&mut self, other: Contracts) {
        self.growths.units += other.growths.units;
        self.growths.tier += other.growths.tier;
        self.growths.price += other.growths.price;
        other.tier_arr.into_iter().for_each(|(key, arr)| self.tier_arr.entry(key).or_default().extend(arr));
        other.limits.into_iter().for_each(|(key, limits)| self.limits.entry(key).or_default().extend(limits));
    }
}

impl Market {
    pub fn survey(view: View, assessments: &[Assessment]) -> Market {
        let mut contracts = Contracts::default();
        for assessment in assessments {
            contracts.count(view, assessment.account, &assessment.contract);
        }
        Market::of([contracts])
    }

    /// The market of all parts together.
    pub fn of(parts: impl IntoIterator<Item = Contracts>) -> Market {
        let mut whole = Contracts::default();
        parts.into_iter().for_each(|part| whole.add(part));
        let Contracts { growths, tier_arr, limits } = whole;
        let mut product_arr: BTreeMap<ProductIx, Vec<f64>> = BTreeMap::new();
        for ((product, _), values) in &tier_arr {
            product_arr.entry(*product).or_default().extend(values);
        }
        Market {
            growths,
            tier_arr: tier_arr.into_iter().map(|(key, values)| (key, median(values))).collect(),
            product_arr: product_arr.into_iter().map(|(key, values)| (key, median(values))).collect(),
            limits: limits.into_iter().map(|(key, values)| (key, typical(values))).collect(),
        }
    }

    /// Median ARR of the running contracts on a tier.
    pub fn tier_arr(&self, product: ProductIx, tier: &Text) -> Option<f64> {
        self.tier_arr.get(&(product, tier.clone())).copied()
    }

    /// Median ARR of the running contracts for a product.
    pub fn product_arr(&self, product: ProductIx) -> Option<f64> {
        self.product_arr.get(&product).copied()
    }

    pub fn limit(&self, product: ProductIx, tier: &Text, metric: MetricIx) -> Option<TypicalLimit> {
        self.limits.get(&(product, tier.clone(), metric)).copied()
    }
}

impl Growths {
    /// Every amendment of the account known by the day that raised tier, units or price.
    fn count(&mut self, view: View, account: AccountIx) {
        let mut versions: Vec<&Subscription> = view.subscription_versions(account).collect();
        versions.sort_by(|a, b| (&a.id, a.seen.known, a.starts_on).cmp(&(&b.id, b.seen.known, b.starts_on)));
        for pair in versions.windows(2).filter(|pair| pair[0].id == pair[1].id) {
            match growth(view, pair[0], pair[1]) {
                Some(Growth::Tier) => self.tier += 1,
                Some(Growth::Units) => self.units += 1,
                Some(Growth::Price) => self.price += 1,
                None => {}
            }
        }
    }
}

fn growth(view: View, before: &Subscription, after: &Subscription) -> Option<Growth> {
    if after.arr <= before.arr || before.product != after.product {
        return None;
    }
    let product = view.extracts.product(after.product);
    let rank = |tier: &Text| product.tier(tier).map(|tier| tier.rank);
    match (rank(&before.tier), rank(&after.tier)) {
        (Some(from), Some(to)) if to > from => Some(Growth::Tier),
        _ if after.units > before.units => Some(Growth::Units),
        _ => Some(Growth::Price),
    }
}

fn typical(values: Vec<f64>) -> TypicalLimit {
    let n = values.len();
    let median = median(values.clone());
    let same = values.iter().filter(|value| **value == median).count();
    TypicalLimit { median, fixed: n >= FIXED_MIN && same as f64 >= FIXED_SHARE * n as f64 }
}

/// The lower median of a non-empty list; 0 of an empty one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}
