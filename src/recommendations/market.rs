//! What the whole book of business tells about prices and plans: what a product costs where the price list is silent,
//! and what each tier usually allows. Built once per night; read-only afterwards.

use std::collections::BTreeMap;

use crate::assessment::Assessment;
use crate::history::View;
use crate::vocabulary::{MetricIx, ProductIx, Text};

/// Share of a tier's contracts that must have one and the same ceiling for it to count as the tier's own.
const FIXED_SHARE: f64 = 0.9;

/// Contracts a tier needs before its ceilings are taken as typical.
const FIXED_MIN: usize = 5;

/// Medians over the running contracts.
#[derive(Clone, Debug, Default)]
pub struct Market {
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

impl Market {
    pub fn survey(view: View, assessments: &[Assessment]) -> Market {
        let mut tier_arr: BTreeMap<(ProductIx, Text), Vec<f64>> = BTreeMap::new();
        let mut limits: BTreeMap<(ProductIx, Text, MetricIx), Vec<f64>> = BTreeMap::new();
        for assessment in assessments {
            for subscription in assessment.contract.active.iter().filter(|s| s.arr > 0.0) {
                tier_arr.entry((subscription.product, subscription.tier.clone())).or_default().push(subscription.arr);
            }
            for ceiling in view.entitlements(assessment.account) {
                if let Some(subscription) = assessment.contract.of(ceiling.product) {
                    let key = (ceiling.product, subscription.tier.clone(), ceiling.metric);
                    limits.entry(key).or_default().push(ceiling.limit);
                }
            }
        }
        let mut product_arr: BTreeMap<ProductIx, Vec<f64>> = BTreeMap::new();
        for ((product, _), values) in &tier_arr {
            product_arr.entry(*product).or_default().extend(values);
        }
        Market {
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
