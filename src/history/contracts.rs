//! The contract of an account on a day: what runs, since when, until when, and what it is worth.

use super::View;
use crate::extracts::tables::{ProductKind, Subscription};
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// A contract period this short renews all the time, so it has no renewal season: month-to-month and quarterly terms.
pub const ROLLING_PERIOD_DAYS: i32 = 92;

/// The contract state of one account at the end of one day.
#[derive(Clone, Debug)]
pub struct Contract<'a> {
    /// Subscriptions in force, by product, then subscription id.
    pub active: Vec<&'a Subscription>,
    /// Sum of the ARR in force.
    pub arr: f64,
    /// Start of the first subscription the account ever had.
    pub first_start: Option<Day>,
    /// The next agreed renewal among core subscriptions (else among all); `None` when all are evergreen or rolling.
    pub renewal: Option<Day>,
    /// True when what is in force renews in periods of [`ROLLING_PERIOD_DAYS`] or less.
    pub rolling: bool,
}

impl<'a> Contract<'a> {
    pub fn on(view: View<'a>, account: AccountIx) -> Contract<'a> {
        let mut active: Vec<&Subscription> = view.subscriptions(account).filter(|s| in_force(s, view.day)).collect();
        active.sort_by(|a, b| (a.product, &a.id).cmp(&(b.product, &b.id)));
        let core: Vec<&Subscription> = active.iter().copied().filter(|s| is_core(view, s.product)).collect();
        let deciding = if core.is_empty() { &active } else { &core };
        Contract {
            arr: active.iter().map(|s| s.arr).sum(),
            first_start: view.subscription_versions(account).map(|s| s.starts_on).min(),
            renewal: deciding.iter().filter(|s| !is_rolling(s)).filter_map(|s| period_end_after(s, view.day)).min(),
            rolling: !deciding.is_empty() && deciding.iter().all(|s| is_rolling(s)),
            active,
        }
    }

    pub fn owns(&self, product: ProductIx) -> bool {
        self.of(product).is_some()
    }

    /// The largest running subscription of the product.
    pub fn of(&self, product: ProductIx) -> Option<&'a Subscription> {
        self.active.iter().copied().filter(|s| s.product == product).max_by(|a, b| a.arr.total_cmp(&b.arr))
    }

    /// Days until the renewal at the end of `day`.
    pub fn days_to_renewal(&self, day: Day) -> Option<i32> {
        self.renewal.map(|renewal| renewal.since(day))
    }

    /// The renewal of one product's subscription, when it has a season of its own.
    pub fn renewal_of(&self, product: ProductIx, day: Day) -> Option<Day> {
        self.of(product).filter(|s| !is_rolling(s)).and_then(|s| period_end_after(s, day))
    }
}

/// A product counts as core when the catalogue says so, or says nothing.
pub fn is_core(view: View, product: ProductIx) -> bool {
    matches!(view.extracts.product(product).kind, None | Some(ProductKind::Core))
}

/// Started, not cancelled by the day, and not past its end unless it renews by itself.
pub fn in_force(s: &Subscription, day: Day) -> bool {
    let cancelled = s.cancelled_on.is_some_and(|cancelled| cancelled <= day);
    let lapsed = s.ends_on.is_some_and(|end| end < day) && s.auto_renew != Some(true);
    s.starts_on <= day && !cancelled && !lapsed
}

/// Whether the subscription renews in short periods rather than once a year.
pub fn is_rolling(s: &Subscription) -> bool {
    s.ends_on.is_some_and(|end| end.since(s.starts_on) <= ROLLING_PERIOD_DAYS)
}

/// The next end of a period on or after `day`; an auto-renewed contract that passed its end rolls on by its term.
pub fn period_end_after(s: &Subscription, day: Day) -> Option<Day> {
    let end = s.ends_on?;
    if end >= day || s.auto_renew != Some(true) {
        return Some(end);
    }
    let months = s.term_months.filter(|months| *months > 0).unwrap_or(12) as i32;
    (1..).map(|n| end.plus_months(n * months)).find(|renewal| *renewal >= day)
}
