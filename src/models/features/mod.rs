//! The one feature path: (view, account, facts) → values, for training rows and tonight's rows alike.
//!
//! A feature is a fact, never an outcome: nothing here may look past the day. Derived features stand in the table of
//! [`fixed`], those that repeat an observation in the table of [`observed`]; [`catalogue`] lists both.
//!
//! Signals are no features of their own: each is a threshold on observations that stand here as numbers, and a bin finds
//! the threshold that the outcomes support.

pub mod catalogue;
mod cell;
pub mod columns;
mod contract;
pub mod directions;
pub mod fixed;
mod key;
pub mod observed;

pub use cell::{Cell, FeatureRow, Value};
pub use columns::table;
pub use key::{Family, Key, Measure};

use chrono::Datelike;

use crate::capacity::Capacity;
use crate::extracts::{Extracts, InputTable};
use crate::history::View;
use crate::history::contracts::Contract;
use crate::learners::columns::table::{Column, Frame, Values};
use crate::models::outcomes::labels::Timeline;
use crate::models::outcomes::purchases::PurchaseRates;
use crate::observations::{AccountObservations, Name};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};
use fixed as of;

/// Room for the cells of nearly every row.
const USUAL_CELLS: usize = 512;

/// Everything the models may know of one account at the end of the view's day.
pub fn row(view: View, account: AccountIx, facts: &AccountObservations) -> FeatureRow {
    let contract = Contract::on(view, account);
    let mut row = FeatureRow { cells: Vec::with_capacity(USUAL_CELLS) };
    row.account(view, account);
    row.season(view.day, &contract);
    row.contract(view, account, &contract, &Timeline::of(view, account));
    row.capacity(view, &contract, facts);
    for observation in &facts.observations {
        row.observation(&contract, observation);
    }
    row.annotations(view, account);
    row
}

/// Adds what is known of the account's fit to one product it does not own, as columns of their own.
pub fn purchase_cells(rates: &PurchaseRates, owned: &[ProductIx], product: ProductIx) -> FeatureRow {
    let mut row = FeatureRow::default();
    let (best, sum) = rates.given(owned, product);
    row.put(&of::RATE_GIVEN_OWNED, best);
    row.put(&of::SUMMED_RATE, sum);
    row
}

/// What cross-sell models know of the product that each row of the frame is about: which it is, and what is
/// observed of it, under names that are the same for every product.
pub fn columns_of_products(frame: &Frame, products: &[ProductIx], extracts: &Extracts) -> Vec<Column> {
    let observed = of::OF_THE_ROWS_PRODUCT.iter().map(|(feature, family)| {
        let named = |product| frame.find(&Key { family: *family, ..feature.key(Some(product)) }.name(extracts));
        let by_product: Vec<Option<&Column>> = (0..extracts.products.len()).map(ProductIx::from).map(named).collect();
        let of_row = |(row, product): (usize, &ProductIx)| {
            by_product[product.at()].map_or(f64::NAN, |column| column.values.number(row))
        };
        let spec = feature.key(None).spec(feature.unit, feature.source, extracts);
        Column::numbers(spec, products.iter().enumerate().map(of_row).collect())
    });
    observed.chain([product_column(extracts, products)]).collect()
}

/// The product that each row is about.
fn product_column(extracts: &Extracts, products: &[ProductIx]) -> Column {
    let spec = of::PRODUCT.key(None).spec(of::PRODUCT.unit, of::PRODUCT.source, extracts);
    let words = products.iter().map(|product| Some(extracts.ids.products.name(*product).clone()));
    Column { spec, values: Values::Words(words.collect()) }
}

/// Days of contract before a season can be told from a trend.
const SEASONED_DAYS: i32 = 730;

impl FeatureRow {
    fn account(&mut self, view: View, account: AccountIx) {
        let Some(known) = view.account(account) else { return };
        self.word(&of::SEGMENT, known.segment.as_ref());
        self.word(&of::INDUSTRY, known.industry.as_ref());
        self.word(&of::REGION, known.region.as_ref());
        self.word(&of::USE_CASE, known.use_case.as_ref());
        self.put_if_known(&of::EMPLOYEES, known.employees.map(|employees| employees as f64));
        self.put(&of::THROUGH_PARTNER, f64::from(u8::from(known.partner.is_some())));
        self.put(&of::HAS_PARENT, f64::from(u8::from(known.parent.is_some())));
        if let Some(month) = known.fiscal_year_start_month {
            let months = (month as i32 - view.day.date().month() as i32).rem_euclid(12);
            self.put(&of::MONTHS_TO_FISCAL_YEAR, f64::from(months));
        }
    }

    fn season(&mut self, day: Day, contract: &Contract) {
        let date = day.date();
        self.put(&of::MONTH_OF_QUARTER, f64::from(date.month0() % 3 + 1));
        if contract.first_start.is_some_and(|first| day.since(first) >= SEASONED_DAYS) {
            self.put(&of::DAYS_TO_YEAR_END, f64::from(Day::ymd(date.year(), 12, 31).since(day)));
        }
    }

    fn capacity(&mut self, view: View, contract: &Contract, facts: &AccountObservations) {
        for ceiling in &facts.capacity {
            let metric = view.extracts.ids.metrics.name(ceiling.metric);
            for measure in CEILINGS {
                let name: Text = [metric.as_ref(), "_", measure.suffix].concat().into();
                let key = Key {
                    family: Family::Capacity,
                    product: Some(ceiling.product),
                    metric: Name::Particular(name),
                    window_days: 0,
                    measure: Measure::Level,
                };
                self.push(key, (measure.value)(ceiling).unwrap_or(f64::NAN), measure.unit, InputTable::Usage);
            }
        }
        let highest = |of: &dyn Fn(&Capacity) -> f64| {
            facts.capacity.iter().map(of).filter(|v| v.is_finite()).fold(f64::NAN, f64::max)
        };
        self.put(&of::HIGHEST_UTILIZATION, highest(&|c| c.pace));
        self.put(&of::HIGHEST_BREACH, highest(&|c| c.breach_before_renewal.get()));
        let over = facts.capacity.iter().filter(|c| c.pace >= c.threshold).count();
        if !facts.capacity.is_empty() && !contract.active.is_empty() {
            self.put(&of::CEILINGS_ABOVE_THRESHOLD, over as f64);
        }
    }

    fn annotations(&mut self, view: View, account: AccountIx) {
        let mut latest: Vec<_> = view.annotations(account).collect();
        latest.sort_by(|a, b| (&a.feature, b.observed_on).cmp(&(&b.feature, a.observed_on)));
        latest.dedup_by(|b, a| a.feature == b.feature);
        for annotation in latest {
            let metric = Name::Particular(annotation.feature.clone());
            let key =
                Key { family: Family::Annotation, product: None, metric, window_days: 0, measure: Measure::Level };
            self.push(key, annotation.value, "", InputTable::Annotations);
        }
    }
}

/// What is read of every ceiling, under the ceiling's metric and this suffix.
pub struct OfCeiling {
    pub suffix: &'static str,
    pub unit: &'static str,
    pub meaning: &'static str,
    value: fn(&Capacity) -> Option<f64>,
}

/// The feature table for ceilings.
pub const CEILINGS: &[OfCeiling] = &[
    OfCeiling {
        suffix: "utilization",
        unit: "share",
        meaning: "Use over the limit; of a month's ceiling at the pace of the last four weeks.",
        value: |c| Some(c.pace),
    },
    OfCeiling {
        suffix: "growth_30d_of_limit",
        unit: "share",
        meaning: "Growth per 30 days by the robust trend, over the limit.",
        value: |c| Some(30.0 * c.daily_growth / c.limit),
    },
    OfCeiling {
        suffix: "days_above_threshold",
        unit: "days",
        meaning: "Days above what counts as ready.",
        value: |c| Some(f64::from(c.days_above_threshold)),
    },
    OfCeiling {
        suffix: "days_at_limit_30d",
        unit: "days",
        meaning: "Days of the last 30 at the limit.",
        value: |c| Some(f64::from(c.days_at_limit_30d)),
    },
    OfCeiling {
        suffix: "breach_before_renewal",
        unit: "share",
        meaning: "Probability that the limit is reached before the renewal.",
        value: |c| Some(c.breach_before_renewal.get()),
    },
    OfCeiling {
        suffix: "need_of_limit",
        unit: "share",
        meaning: "The P90 need at the renewal over the limit.",
        value: |c| c.need_p90_at_renewal.map(|need| need / c.limit),
    },
];
