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
    /// What counts as an expansion.
    pub expansions: Expansions,
}

words!(
    /// A way in which an account grows what it owns.
    Expansion { Tier = "tier", Units = "units", Arr = "arr" }
);

/// The ways of growing that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansions {
    pub tier: bool,
    pub units: bool,
    pub arr: bool,
}

impl Expansions {
    pub const ALL: Expansions = Expansions { tier: true, units: true, arr: true };

    pub fn of(counted: &[Expansion]) -> Expansions {
        let has = |way: Expansion| counted.contains(&way);
        Expansions { tier: has(Expansion::Tier), units: has(Expansion::Units), arr: has(Expansion::Arr) }
    }
}

/// Since when a product has been held as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Held without a break.
    pub owned: Day,
    /// At the present tier.
    pub tier: Day,
    /// With the present number of units.
    pub units: Day,
}

/// The days on which the contract changed, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The last day of any change, of ARR by more than [`MIN_ARR_CHANGE`] included; the first day of all without one.
    pub last: Option<Day>,
    /// Days on which a product was bought, or changed its tier, units or term; rising.
    pub days: Vec<Day>,
}

impl Changes {
    /// Days of change within the days up to `day`.
    pub fn within(&self, day: Day, days: i32) -> usize {
        self.days.iter().filter(|changed| day.since(**changed) < days).count()
    }
}

/// ARR that moves by less is indexation.
pub const MIN_ARR_CHANGE: f64 = 0.02;

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

    /// The first day of the first contract.
    pub fn first_day(&self) -> Option<Day> {
        self.spans.first().map(|span| span.from)
    }

    /// Since when the product is held as it is on `day`; `None` where it is not in force. A gap of `grace_days` is no
    /// break.
    pub fn standing(&self, product: ProductIx, day: Day, grace_days: i32) -> Option<Standing> {
        let now = self.running(day).any(|span| span.product == product).then(|| self.holding(product, day))?;
        let starts = self.starts(product, day);
        let latest = *starts.last()?;
        let mut standing = Standing { owned: latest, tier: latest, units: latest };
        let (mut same_tier, mut same_units) = (true, true);
        for earlier in starts.iter().rev().skip(1) {
            if !self.continues(product, *earlier, standing.owned, grace_days) {
                break;
            }
            let then = self.holding(product, *earlier);
            same_tier &= then.rank == now.rank;
            same_units &= (then.units - now.units).abs() <= 1e-9 * now.units.abs();
            standing.owned = *earlier;
            standing.tier = if same_tier { *earlier } else { standing.tier };
            standing.units = if same_units { *earlier } else { standing.units };
        }
        Some(standing)
    }

    /// When anything that had begun by `day` was bought or changed. Spells of one product that a gap of more than
    /// `grace_days` divides are bought anew.
    pub fn changes(&self, day: Day, grace_days: i32) -> Changes {
        let mut products: Vec<ProductIx> = self.spans.iter().filter(|s| s.from <= day).map(|s| s.product).collect();
        products.sort_unstable();
        products.dedup();
        let (mut changes, mut last) = (Changes::default(), None);
        for product in products {
            let starts = self.starts(product, day);
            let mut before: Option<(Day, Holding)> = None;
            for start in starts {
                let now = self.holding(product, start);
                let kept = before.filter(|(earlier, _)| self.continues(product, *earlier, start, grace_days));
                let (structure, money) = kept.map_or((true, true), |(_, then)| now.differs_from(&then));
                changes.days.extend(structure.then_some(start));
                last = last.max((structure || money).then_some(start));
                before = Some((start, now));
            }
        }
        changes.days.sort_unstable();
        changes.days.dedup();
        Changes { last, ..changes }
    }

    /// Products that ended within the days up to `day` and are not in force on it.
    pub fn dropped(&self, day: Day, days: i32) -> usize {
        let begun = self.spans.iter().filter(|span| span.from <= day);
        let mut ended: Vec<ProductIx> =
            begun.filter(|span| span.to <= day && day.since(span.to) < days).map(|span| span.product).collect();
        ended.sort_unstable();
        ended.dedup();
        ended.retain(|product| !self.running(day).any(|span| span.product == *product));
        ended.len()
    }

    /// The days by `day` on which a contract of the product began, rising.
    fn starts(&self, product: ProductIx, day: Day) -> Vec<Day> {
        let own = self.spans.iter().filter(|span| span.product == product && span.from <= day);
        let mut starts: Vec<Day> = own.map(|span| span.from).collect();
        starts.dedup();
        starts
    }

    /// Whether what ran of the product on `earlier` reached `later` but for a gap of `grace_days`.
    fn continues(&self, product: ProductIx, earlier: Day, later: Day, grace_days: i32) -> bool {
        let running = self.running(earlier).filter(|span| span.product == product);
        running.map(|span| span.to).max().is_some_and(|to| to.plus(grace_days) >= later)
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
        let counted = rules.expansions;
        (counted.tier && self.rank > before.rank)
            || (counted.units && self.units > before.units * (1.0 + 1e-9))
            || (counted.arr && !shortened && self.arr > before.arr * (1.0 + rules.min_arr_rise) + 1e-9)
    }

    /// Whether tier, units or term differ, and whether the ARR does by more than indexation.
    fn differs_from(&self, before: &Holding) -> (bool, bool) {
        let units = (self.units - before.units).abs() > 1e-9 * before.units.abs();
        let structure = self.rank != before.rank || units || self.term_months != before.term_months;
        (structure, (self.arr - before.arr).abs() > MIN_ARR_CHANGE * before.arr)
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
