//! Features of the contract: its terms, what is held of each product and for how long, and what changed.

use super::cell::FeatureRow;
use super::fixed as of;
use crate::extracts::tables::Subscription;
use crate::history::View;
use crate::history::contracts::{Contract, is_core, period_end_after};
use crate::models::outcomes::labels::Timeline;
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// A gap between contracts this short is paperwork, not a break; days.
const PAPERWORK_DAYS: i32 = 14;

impl FeatureRow {
    pub(super) fn contract(&mut self, view: View, account: AccountIx, contract: &Contract, timeline: &Timeline) {
        let yes = |holds: bool| f64::from(u8::from(holds));
        let days = |day: Option<Day>| day.map(|day| f64::from(day.since(view.day)));
        self.put(&of::ROLLING, yes(contract.rolling));
        let term = contract.active.iter().filter_map(|s| s.term_months).max();
        self.put_if_known(&of::TERM_MONTHS, term.map(|months| months as f64));
        let committed = contract.active.iter().filter_map(|s| committed_until(view, account, s)).min();
        self.put_if_known(&of::DAYS_TO_COMMITMENT_END, days(committed.filter(|_| contract.rolling)));
        let core = contract.active.iter().filter(|s| is_core(view, s.product));
        self.put_if_known(
            &of::DAYS_TO_PERIOD_END,
            days(core.filter_map(|s| period_end_after(s, view.day)).filter(|end| *end >= view.day).min()),
        );
        self.put_if_known(&of::AUTO_RENEWS, contract.active.iter().filter_map(|s| s.auto_renew).min().map(yes));
        self.changes(view, contract, timeline);
        for product in (0..view.extracts.products.len()).map(ProductIx::from) {
            self.holding(view, contract, timeline, product);
        }
    }

    fn changes(&mut self, view: View, contract: &Contract, timeline: &Timeline) {
        let history = timeline.changes(view.day, PAPERWORK_DAYS);
        self.put_if_known(&of::DAYS_SINCE_CHANGE, history.last.map(|day| f64::from(view.day.since(day))));
        self.put(&of::CHANGES, history.within(view.day, of::CHANGES.window_days) as f64);
        self.put(&of::PRODUCTS_DROPPED, timeline.dropped(view.day, of::PRODUCTS_DROPPED.window_days) as f64);
        let sold = view.extracts.products.iter().filter(|product| !product.tiers.is_empty()).count();
        let mut owned: Vec<ProductIx> = contract.active.iter().map(|s| s.product).collect();
        owned.dedup();
        self.put(&of::CATALOGUE_SHARE, owned.len() as f64 / sold as f64);
    }

    fn holding(&mut self, view: View, contract: &Contract, timeline: &Timeline, product: ProductIx) {
        let held = contract.of(product);
        self.put_of(&of::OWNED, product, Some(f64::from(u8::from(held.is_some()))));
        let Some(held) = held else { return };
        let days = |day: Day| f64::from(view.day.since(day));
        if let Some(standing) = timeline.standing(product, view.day, PAPERWORK_DAYS) {
            self.put_of(&of::DAYS_OWNED, product, Some(days(standing.owned)));
            self.put_of(&of::DAYS_ON_TIER, product, Some(days(standing.tier)));
            self.put_of(&of::DAYS_ON_UNITS, product, Some(days(standing.units)));
        }
        let units = held.units.filter(|units| *units > 0.0);
        self.put_of(&of::ARR_PER_UNIT, product, units.map(|units| held.arr / units));
        let catalogue = view.extracts.product(product);
        let Some(tier) = catalogue.tier(&held.tier) else { return };
        let list = tier.list_price.filter(|price| *price > 0.0);
        self.put_of(&of::PRICE_OF_LIST, product, units.zip(list).map(|(units, list)| held.arr / (units * list)));
        let above = catalogue.tiers.iter().filter(|other| other.rank > tier.rank).count();
        self.put_of(&of::TIERS_ABOVE, product, Some(above as f64));
    }
}

/// The end of the term that a rolling contract is billed under: twelve monthly periods of a yearly term are one
/// commitment. Counted from the first period under the same term.
fn committed_until(view: View, account: AccountIx, current: &Subscription) -> Option<Day> {
    let months = current.term_months.filter(|months| (1..=120).contains(months))? as i32;
    let mut periods: Vec<&Subscription> = view.subscription_versions(account).filter(|v| v.id == current.id).collect();
    periods.sort_by_key(|version| (version.starts_on, version.seen.known));
    let same_term = periods.iter().rev().take_while(|version| version.term_months == current.term_months);
    let begun = same_term.map(|version| version.starts_on).min().filter(|begun| *begun <= view.day)?;
    (1..).map(|terms| begun.plus_months(terms * months)).find(|end| *end > view.day)
}
