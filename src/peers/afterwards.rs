//! What an account did after a day: moved up, bought something else, left, or nothing.

use serde::{Deserialize, Serialize};

use super::profile::Profile;
use crate::history::View;
use crate::history::contracts::Contract;
use crate::vocabulary::{Day, ProductIx, Text};

/// More units by at least this share are an upgrade; less is a correction.
const MORE_UNITS: f64 = 0.10;

/// The weightiest thing within the horizon, with the day it showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Afterwards {
    HigherTier {
        day: Day,
        tier: Text,
    },
    MoreUnits {
        day: Day,
        units: f64,
    },
    Bought {
        day: Day,
        product: ProductIx,
    },
    Left {
        day: Day,
    },
    /// Nothing up to this day.
    Nothing {
        until: Day,
    },
}

impl Afterwards {
    /// What followed within `months` of the profile's day, as far as the view sees.
    pub(super) fn of(view: View, profile: &Profile, months: i32) -> Afterwards {
        let until = profile.day.plus_months(months).min(view.day);
        let mut bought = None;
        let mut idle_since = None;
        for day in change_days(view, profile, until) {
            let contract = Contract::on(View { day, ..view }, profile.account);
            idle_since = if contract.active.is_empty() { idle_since.or(Some(day)) } else { None };
            if let Some(upgrade) = upgrade(view, profile, &contract, day) {
                return upgrade;
            }
            bought = bought.or_else(|| purchase(profile, &contract, day));
        }
        let left = idle_since.map(|day| Afterwards::Left { day });
        bought.or(left).unwrap_or(Afterwards::Nothing { until })
    }

    pub(super) fn upgraded(&self) -> bool {
        matches!(self, Afterwards::HigherTier { .. } | Afterwards::MoreUnits { .. })
    }
}

/// Days on which the contract may have changed: starts, ends, cancellations, and when each was recorded.
fn change_days(view: View, profile: &Profile, until: Day) -> Vec<Day> {
    let rows = view.subscription_versions(profile.account);
    let mut days: Vec<Day> = rows
        .flat_map(|s| [Some(s.starts_on), s.ends_on.map(|end| end.plus(1)), s.cancelled_on, Some(s.seen.known)])
        .flatten()
        .filter(|day| profile.day < *day && *day <= until)
        .collect();
    days.sort_unstable();
    days.dedup();
    days
}

fn upgrade(view: View, profile: &Profile, contract: &Contract, day: Day) -> Option<Afterwards> {
    let product = view.extracts.product(profile.product);
    let now = contract.of(profile.product)?;
    let rank = product.tier(&now.tier).map(|tier| tier.rank);
    if rank > profile.tier_rank && profile.tier_rank.is_some() {
        return Some(Afterwards::HigherTier { day, tier: now.tier.clone() });
    }
    let units: f64 = contract.active.iter().filter(|s| s.product == profile.product).filter_map(|s| s.units).sum();
    let more = profile.units > 0.0 && units >= profile.units * (1.0 + MORE_UNITS);
    more.then_some(Afterwards::MoreUnits { day, units: units - profile.units })
}

fn purchase(profile: &Profile, contract: &Contract, day: Day) -> Option<Afterwards> {
    let new = contract.active.iter().map(|s| s.product).find(|product| !profile.owned.contains(product))?;
    Some(Afterwards::Bought { day, product: new })
}
