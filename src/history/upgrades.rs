//! When an account grew what it already owned: rises of tier, units or ARR between the days of its contracts.

use super::View;
use super::contracts::in_force;
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// One day on which the contract of an owned product grew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    pub day: Day,
    pub product: ProductIx,
    pub tier: bool,
    pub units: bool,
    pub arr: bool,
}

/// All upgrades of the account known in the view, oldest first, then by product.
pub fn upgrades(view: View, account: AccountIx) -> Vec<Upgrade> {
    let mut moments: Vec<(Day, ProductIx)> = view
        .subscription_versions(account)
        .map(|version| (version.seen.known.max(version.starts_on), version.product))
        .filter(|(day, _)| *day <= view.day)
        .collect();
    moments.sort_unstable();
    moments.dedup();
    let grew = |(day, product)| {
        let before = Holding::on(View { day: Day::minus(day, 1), ..view }, account, product)?;
        let after = Holding::on(View { day, ..view }, account, product)?;
        let rises = |was: f64, is: f64| is > was * (1.0 + 1e-9);
        let (tier, units) = (after.rank > before.rank, rises(before.units, after.units));
        let arr = rises(before.arr, after.arr);
        (tier || units || arr).then_some(Upgrade { day, product, tier, units, arr })
    };
    moments.into_iter().filter_map(grew).collect()
}

/// What the account held of one product on one day.
struct Holding {
    arr: f64,
    units: f64,
    rank: i64,
}

impl Holding {
    /// `None` where nothing of the product was in force.
    fn on(view: View, account: AccountIx, product: ProductIx) -> Option<Holding> {
        let mut running =
            view.subscriptions(account).filter(|s| s.product == product && in_force(s, view.day)).peekable();
        running.peek()?;
        let rank = |tier: &str| view.extracts.product(product).tier(tier).map_or(0, |tier| tier.rank);
        let none = Holding { arr: 0.0, units: 0.0, rank: 0 };
        Some(running.fold(none, |sum, s| Holding {
            arr: sum.arr + s.arr,
            units: sum.units + s.units.unwrap_or(0.0),
            rank: sum.rank.max(rank(&s.tier)),
        }))
    }
}
