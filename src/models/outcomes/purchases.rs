//! What accounts that own A went on to buy: conditional purchase rates as they were known on a day.
//!
//! A feature, a baseline and a fallback at once: rates need far fewer purchases than a model does.

use serde::{Deserialize, Serialize};

use super::labels::Timeline;
use crate::history::View;
use crate::vocabulary::{Day, ProductIx};

/// P(first purchase of B within a year | owned A at its start), shrunk toward P(first purchase of B).
///
/// Where the history is too short to look back a year, the purchases of the shorter window are carried on at their pace:
/// a rate means the same on every day that a model is trained on.
#[derive(Clone, Debug, Default)]
pub struct PurchaseRates {
    products: usize,
    /// `owned · products + bought`.
    conditional: Vec<f64>,
    /// By bought product.
    overall: Vec<f64>,
}

/// The year that rates are about. Half the history is looked back over where that is shorter.
const WINDOW_DAYS: i32 = 365;

/// A pair's own rate weighs as much as the overall one at this many owners.
const SHRINKAGE_OWNERS: f64 = 20.0;

impl PurchaseRates {
    /// Counts over all accounts known in the view; nothing after its day is looked at.
    pub fn on(view: View) -> PurchaseRates {
        PurchaseRates::of(view, [FirstDays::on(view)])
    }

    /// Counts over the accounts of all parts.
    pub fn of(view: View, parts: impl IntoIterator<Item = FirstDays>) -> PurchaseRates {
        let firsts: Vec<Vec<Option<Day>>> = parts.into_iter().flat_map(|part| part.0).collect();
        let Some(earliest) = firsts.iter().flatten().flatten().min() else { return PurchaseRates::default() };
        let window = WINDOW_DAYS.min(view.day.since(*earliest) / 2).max(1);
        let start = view.day.minus(window);
        let mut counts = Counts::new(view.extracts.products.len());
        firsts.iter().for_each(|firsts| counts.add(firsts, start));
        counts.rates(f64::from(WINDOW_DAYS) / f64::from(window))
    }

    /// The highest and the summed rate of buying `product` over the products owned; the overall rate without any.
    pub fn given(&self, owned: &[ProductIx], product: ProductIx) -> (f64, f64) {
        let Some(overall) = self.overall.get(product.at()) else { return (f64::NAN, f64::NAN) };
        let rates = || owned.iter().map(|a| self.conditional[a.at() * self.products + product.at()]);
        (rates().fold(*overall, f64::max), rates().sum())
    }
}

/// The first day of each product, of every account that ever had one and whose contracts are held here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FirstDays(Vec<Vec<Option<Day>>>);

impl FirstDays {
    pub fn on(view: View) -> FirstDays {
        let products = view.extracts.products.len();
        let firsts = view.extracts.account_indices().map(|a| Timeline::of(view, a).first_days(products, view.day));
        FirstDays(firsts.filter(|firsts| firsts.iter().any(Option::is_some)).collect())
    }
}

struct Counts {
    products: usize,
    owners: Vec<f64>,
    buyers: Vec<f64>,
    without: Vec<f64>,
    bought: Vec<f64>,
}

impl Counts {
    fn new(products: usize) -> Counts {
        let pairs = vec![0.0; products * products];
        let singles = vec![0.0; products];
        Counts { products, owners: pairs.clone(), buyers: pairs, without: singles.clone(), bought: singles }
    }

    /// One account: its first day of each product, by the view's day.
    fn add(&mut self, firsts: &[Option<Day>], start: Day) {
        let owned = |product: usize| firsts[product].is_some_and(|day| day <= start);
        let customer = (0..self.products).any(owned);
        for b in (0..self.products).filter(|b| customer && !owned(*b)) {
            let bought = f64::from(u8::from(firsts[b].is_some()));
            self.without[b] += 1.0;
            self.bought[b] += bought;
            for a in (0..self.products).filter(|a| owned(*a)) {
                self.owners[a * self.products + b] += 1.0;
                self.buyers[a * self.products + b] += bought;
            }
        }
    }

    /// Rates per year, where `years` of these windows make one.
    fn rates(self, years: f64) -> PurchaseRates {
        let yearly = |rate: f64| 1.0 - (1.0 - rate).powf(years);
        let overall: Vec<f64> =
            self.bought.iter().zip(&self.without).map(|(bought, n)| (bought + 0.5) / (n + 1.0)).collect();
        let shrunk = |pair: usize| {
            let base = overall[pair % self.products];
            (self.buyers[pair] + SHRINKAGE_OWNERS * base) / (self.owners[pair] + SHRINKAGE_OWNERS)
        };
        let conditional = (0..self.owners.len()).map(|pair| yearly(shrunk(pair))).collect();
        let overall = overall.iter().copied().map(yearly).collect();
        PurchaseRates { products: self.products, conditional, overall }
    }
}
