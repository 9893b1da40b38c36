//! One account's case as the families read it: rules at hand, facts by name, and the findings they return.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::catalogue::SignalSpec;
use super::{Benchmark, Detail, Evidence};
use crate::extracts::Extracts;
use crate::observations::{Metric, Observation};
use crate::text::Mention;
use crate::vocabulary::{Day, ProductIx, Text};
use crate::wording;

/// What a family found: everything of a signal but what the frame adds (confidence, dates of validity, review).
#[derive(Clone, Debug)]
pub struct Finding {
    /// Name in the catalogue.
    pub signal: &'static str,
    pub product: Option<ProductIx>,
    /// 0–1, from the size of the change; see [`Rule::strength`].
    pub strength: f64,
    /// One plain sentence with the numbers.
    pub evidence: String,
    /// Positions in the account's observations, at least one; the frame drops a finding that rests on nothing.
    pub observations: Vec<u32>,
    pub since: Option<Day>,
    pub detail: Detail,
    /// The same fact read as a risk, where the catalogue's reading is an expansion: an executive who joins is both.
    pub as_risk: bool,
}

/// A signal that may fire tonight, with its thresholds.
#[derive(Clone, Copy)]
pub struct Rule<'a> {
    pub signal: &'static str,
    spec: &'a SignalSpec,
}

impl Rule<'_> {
    /// A threshold by its name in the catalogue.
    ///
    /// # Panics
    /// When the catalogue lacks it, which [`super::Catalogue::problems`] reports before any account is read.
    pub fn at(&self, threshold: &str) -> f64 {
        match self.spec.thresholds.get(threshold) {
            Some(value) => *value,
            None => panic!("the catalogue has no threshold `{threshold}` for signal `{}`", self.signal),
        }
    }

    /// A threshold in days.
    pub fn days(&self, threshold: &str) -> i32 {
        self.at(threshold) as i32
    }

    /// Strength of `value` between the threshold of that name and the catalogue's `strong` level of the signal.
    pub fn strength(&self, value: f64, threshold: &str) -> f64 {
        saturating(value, self.at(threshold), self.at("strong"))
    }

    pub fn finding(&self, strength: f64, evidence: String, observations: Vec<u32>) -> Finding {
        Finding {
            signal: self.signal,
            product: None,
            strength,
            evidence,
            observations,
            since: None,
            detail: Detail::default(),
            as_risk: false,
        }
    }
}

impl Finding {
    pub fn product(self, product: Option<ProductIx>) -> Finding {
        Finding { product, ..self }
    }

    pub fn since(self, since: Option<Day>) -> Finding {
        Finding { since, ..self }
    }

    pub fn value(mut self, value: f64) -> Finding {
        self.detail.value = Some(value);
        self
    }

    pub fn as_risk(self) -> Finding {
        Finding { as_risk: true, ..self }
    }

    pub fn detail(self, detail: Detail) -> Finding {
        Finding { detail, ..self }
    }
}

/// 0.40 at the threshold, 0.85 at `strong`, towards 1 beyond: 1 − 0.6 · 0.25^((value − threshold) / (strong − threshold)).
///
/// Works for falling measures too: `strong` then lies below the threshold.
///
/// ```
/// use foothold::signals::saturating;
/// assert!((saturating(0.80, 0.80, 0.95) - 0.40).abs() < 1e-9);
/// assert!((saturating(0.95, 0.80, 0.95) - 0.85).abs() < 1e-9);
/// assert!((saturating(-0.5, -0.25, -0.5) - 0.85).abs() < 1e-9);
/// assert_eq!(saturating(f64::INFINITY, 1.0, 2.0), 1.0);
/// ```
pub fn saturating(value: f64, threshold: f64, strong: f64) -> f64 {
    let span = strong - threshold;
    let excess = if span == 0.0 { 1.0 } else { (value - threshold) / span };
    if excess.is_nan() { 0.4 } else { 1.0 - 0.6 * 0.25f64.powf(excess.max(0.0)) }
}

/// One account on one day, with what the families need at hand.
pub struct Case<'a> {
    pub evidence: &'a Evidence<'a>,
    pub extracts: &'a Extracts,
    pub day: Day,
    /// What the account's recent tickets and conversations say.
    pub mentions: &'a [Mention],
    pub benchmark: &'a Benchmark,
    rules: &'a BTreeMap<String, SignalSpec>,
    /// Hash of the name, first position and the one after the last of each stretch of observations of one metric; sorted.
    stretches: Vec<(u64, u32, u32)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        evidence: &'a Evidence<'a>,
        rules: &'a BTreeMap<String, SignalSpec>,
        mentions: &'a [Mention],
        benchmark: &'a Benchmark,
    ) -> Case<'a> {
        let mut stretches: Vec<(u64, u32, u32)> = Vec::new();
        // The windows and products of a metric mostly stand together.
        for run in evidence.facts.observations.chunk_by(|a, b| a.is_of_same(b)) {
            let from = stretches.last().map_or(0, |(_, _, to)| *to);
            stretches.push((hash(run[0].metric()), from, from + run.len() as u32));
        }
        stretches.sort_unstable();
        let view = evidence.view;
        Case { evidence, extracts: view.extracts, day: view.day, mentions, benchmark, rules, stretches }
    }

    /// The rule of a signal; `None` when it is disabled or its tables are missing.
    pub fn rule(&self, signal: &'static str) -> Option<Rule<'a>> {
        self.rules.get(signal).map(|spec| Rule { signal, spec })
    }

    /// Every observation of a metric with its position, in the account's order.
    pub fn facts<'m>(&self, metric: &'m str) -> impl Iterator<Item = (u32, &'a Observation)> + use<'a, 'm, '_> {
        let (hashed, observations) = (hash(metric), &self.evidence.facts.observations);
        let from = self.stretches.partition_point(|(of, ..)| *of < hashed);
        let to = from + self.stretches[from..].partition_point(|(of, ..)| *of == hashed);
        let named =
            self.stretches[from..to].iter().filter(move |(_, from, _)| observations[*from as usize].metric() == metric);
        let positions = named.flat_map(|(_, from, to)| *from..*to);
        positions.map(move |position| (position, &observations[position as usize]))
    }

    /// Position and observation of a metric, product and window.
    pub fn fact(
        &self,
        metric: impl AsRef<str>,
        product: Option<ProductIx>,
        window_days: i32,
    ) -> Option<(u32, &'a Observation)> {
        self.facts(metric.as_ref()).find(|(_, o)| o.product() == product && o.window_days() == window_days)
    }

    /// Positions of those of the account-wide observations that exist.
    pub fn positions(&self, facts: &[(&str, i32)]) -> Vec<u32> {
        facts.iter().filter_map(|(metric, window)| self.whole(metric, *window)).map(|(position, _)| position).collect()
    }

    /// The account-wide observation of a metric and window.
    pub fn whole(&self, metric: impl AsRef<str>, window_days: i32) -> Option<(u32, &'a Observation)> {
        self.fact(metric, None, window_days)
    }

    /// Positions of those of the asked observations that exist.
    pub fn links<M: AsRef<str>>(&self, asked: &[(M, Option<ProductIx>, i32)]) -> Vec<u32> {
        let mut links: Vec<u32> = asked
            .iter()
            .filter_map(|(metric, product, window)| self.fact(metric, *product, *window))
            .map(|(at, _)| at)
            .collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    /// Days since the first contract; 0 where there never was one.
    pub fn tenure_days(&self) -> i32 {
        self.whole(Metric::TenureDays, 0).map_or(0, |(_, o)| o.value as i32)
    }

    /// The account's history is long enough for a change to be more than a ramp-up.
    pub fn grown_up(&self, rule: &Rule) -> bool {
        self.tenure_days() >= rule.days("min_history_days")
    }

    pub fn segment(&self) -> Option<&'a str> {
        self.evidence.view.account(self.evidence.account)?.segment.as_deref()
    }

    pub fn product_name(&self, product: ProductIx) -> &'a str {
        &self.extracts.product(product).name
    }

    /// The product of the contract that carries the most ARR.
    pub fn main_product(&self) -> Option<ProductIx> {
        let active = &self.evidence.contract.active;
        active.iter().max_by(|a, b| a.arr.total_cmp(&b.arr).then(b.product.cmp(&a.product))).map(|s| s.product)
    }

    /// The tier in force of an owned product and its rank.
    pub fn tier_rank(&self, product: ProductIx) -> Option<i64> {
        let subscription = self.evidence.contract.of(product)?;
        self.extracts.product(product).tier(&subscription.tier).map(|tier| tier.rank)
    }

    /// The lowest tier of an owned product above the one in force and of at least `rank`.
    pub fn tier_to(&self, product: ProductIx, rank: i64) -> Option<Text> {
        let current = self.tier_rank(product)?;
        let tiers = &self.extracts.product(product).tiers;
        tiers.iter().find(|tier| tier.rank > current && tier.rank >= rank).map(|tier| tier.tier.clone())
    }
}

fn hash(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

/// A metric as people say it: `api_calls` → `API calls`.
pub fn metric_words(metric: &str) -> String {
    wording::words(metric).replace("api ", "API ").replace("storage gb", "GB of storage")
}
