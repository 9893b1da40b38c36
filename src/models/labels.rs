//! What happened after a snapshot: churn, upsell and purchases, read from subscription versions.
//!
//! Labels know the future up to the run's day; features must not. Versions of one subscription are renewals and
//! amendments, so they are first laid end to end: a monthly contract that renews is one relation, not twelve
//! purchases and twelve losses.

use crate::history::View;
use crate::history::contracts::is_core;
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// The days from which the state of one subscription held: `from` included, `to` excluded.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub product: ProductIx,
    pub core: bool,
    pub from: Day,
    pub to: Day,
    /// Rank of the tier, 0 where the catalogue does not list it.
    pub rank: i64,
    pub units: f64,
    pub arr: f64,
    pub term_months: Option<i64>,
}

/// All contracts of one account, as they turned out by the view's day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// By first day, then product.
    spans: Vec<Span>,
}

/// The days in which an outcome counts: after `from`, up to and including `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Day,
    pub to: Day,
}

/// How a contract's paper trail is read.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A gap between contracts this short is paperwork, not a loss; days.
    pub grace_days: i32,
    /// A rise in ARR below this share is indexation, not an expansion.
    pub min_arr_rise: f64,
}

impl Timeline {
    pub fn of(view: View, account: AccountIx) -> Timeline {
        let mut versions: Vec<_> =
            view.subscription_versions(account).filter(|v| v.seen.known < v.seen.superseded).collect();
        versions.sort_by(|a, b| (&a.id, a.seen.known, a.starts_on).cmp(&(&b.id, b.seen.known, b.starts_on)));
        let mut spans: Vec<Span> = Vec::new();
        for versions in versions.chunk_by(|a, b| a.id == b.id) {
            let mut own: Vec<Span> = Vec::new();
            let mut started = Day::MIN;
            for version in versions {
                let amends = version.starts_on <= started;
                let from = if amends { version.starts_on.max(version.seen.known) } else { version.starts_on };
                let end = end_of(version);
                let last = if amends { end.min(from) } else { from };
                own.iter_mut().for_each(|span| span.to = span.to.min(last));
                started = version.starts_on.max(started);
                own.push(Span {
                    product: version.product,
                    core: is_core(view, version.product),
                    from,
                    to: end,
                    rank: view.extracts.product(version.product).tier(&version.tier).map_or(0, |tier| tier.rank),
                    units: version.units.unwrap_or(0.0),
                    arr: version.arr,
                    term_months: version.term_months,
                });
            }
            spans.extend(own.into_iter().filter(|span| span.from < span.to));
        }
        spans.sort_by_key(|span| (span.from, span.product, span.to));
        Timeline { spans }
    }

    /// Whether every core subscription was cancelled or had lapsed by the end of the window; `None` when no core
    /// subscription ran at its start.
    pub fn churned(&self, window: Window, rules: Rules) -> Option<bool> {
        let core = || self.spans.iter().filter(|span| span.core);
        let mut reach = core().filter(|s| s.from <= window.from && window.from < s.to).map(|s| s.to).max()?;
        // Spans stand by first day, so one pass joins everything that continues within the grace.
        for span in core().filter(|span| span.to > window.from) {
            if span.from <= reach.plus(rules.grace_days) {
                reach = reach.max(span.to);
            }
        }
        Some(reach <= window.to)
    }

    /// Whether tier, units or ARR of a product owned at the start rose within the window and stayed up for the
    /// grace, which keeps the overlap of an old and a new contract from counting; `None` when nothing was owned.
    pub fn expanded(&self, window: Window, rules: Rules) -> Option<bool> {
        let mut owned: Vec<ProductIx> = self.running(window.from).map(|span| span.product).collect();
        owned.sort_unstable();
        owned.dedup();
        if owned.is_empty() {
            return None;
        }
        let rose = |span: &&Span| {
            let (before, after) =
                (self.holding(span.product, window.from), self.holding(span.product, span.from.plus(rules.grace_days)));
            after.rises_over(&before, rules)
        };
        let candidates = self.spans.iter().filter(|s| s.from > window.from && s.from <= window.to);
        Some(candidates.filter(|s| owned.binary_search(&s.product).is_ok()).any(|span| rose(&span)))
    }

    /// Whether the account bought the product for the first time within the window; `None` when it had owned it.
    pub fn purchased(&self, product: ProductIx, window: Window) -> Option<bool> {
        let first = self.spans.iter().filter(|span| span.product == product).map(|span| span.from).min();
        match first {
            Some(first) if first <= window.from => None,
            Some(first) => Some(first <= window.to),
            None => Some(false),
        }
    }

    /// The day each product was first owned, as far as it had begun by `day`.
    pub fn first_days(&self, products: usize, day: Day) -> Vec<Option<Day>> {
        let mut firsts = vec![None; products];
        for span in self.spans.iter().rev().filter(|span| span.from <= day) {
            firsts[span.product.at()] = Some(span.from);
        }
        firsts
    }

    fn running(&self, day: Day) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.from <= day && day < span.to)
    }

    fn holding(&self, product: ProductIx, day: Day) -> Holding {
        self.running(day).filter(|span| span.product == product).fold(Holding::default(), |sum, span| Holding {
            rank: sum.rank.max(span.rank),
            units: sum.units + span.units,
            arr: sum.arr + span.arr,
            term_months: sum.term_months.max(span.term_months),
        })
    }
}

/// What an account holds of one product on one day.
#[derive(Clone, Copy, Debug, Default)]
struct Holding {
    rank: i64,
    units: f64,
    arr: f64,
    term_months: Option<i64>,
}

impl Holding {
    /// ARR that rises because a longer term, and the discount with it, was given up is no expansion.
    fn rises_over(&self, before: &Holding, rules: Rules) -> bool {
        let shortened = self.term_months < before.term_months;
        self.rank > before.rank
            || self.units > before.units * (1.0 + 1e-9)
            || (!shortened && self.arr > before.arr * (1.0 + rules.min_arr_rise) + 1e-9)
    }
}

/// The first day on which the version is no longer in force.
fn end_of(version: &crate::extracts::tables::Subscription) -> Day {
    let lapse = match (version.ends_on, version.auto_renew) {
        (Some(end), renews) if renews != Some(true) => end.plus(1),
        _ => Day::MAX,
    };
    version.cancelled_on.map_or(lapse, |cancelled| cancelled.min(lapse))
}
