//! Which way an outcome is known to run with a feature, as a table: what the field takes for granted before it has seen
//! a row. A job asks for it with `models.monotone`.

use crate::learners::fitting::monotone::Direction::{self, Falls, Rises};
use crate::vocabulary::PropensityKind::{self, Churn, CrossSell, Upsell};

/// `<…>` stands for what the data names.
pub const DIRECTIONS: &[(PropensityKind, &str, Direction)] = &[
    (Churn, "product.active_days.30d", Falls),
    (Churn, "product.active_days.30d.change", Falls),
    (Churn, "product.active_days.90d.change", Falls),
    (Churn, "product.active_users.30d.change", Falls),
    (Churn, "product.active_users.90d.change", Falls),
    (Churn, "product.usage_index.30d.change", Falls),
    (Churn, "product.usage_index.90d.change", Falls),
    (Churn, "contract.products_dropped.365d", Rises),
    (Upsell, "capacity.highest_utilization", Rises),
    (Upsell, "capacity.highest_breach_before_renewal", Rises),
    (Upsell, "capacity.ceilings_above_threshold", Rises),
    (Upsell, "capacity.<product>.<metric>_utilization", Rises),
    (Upsell, "capacity.<product>.<metric>_days_above_threshold", Rises),
    (Upsell, "capacity.<product>.<metric>_days_at_limit_30d", Rises),
    (Upsell, "capacity.<product>.<metric>_breach_before_renewal", Rises),
    (Upsell, "capacity.<product>.<metric>_need_of_limit", Rises),
    (CrossSell, "purchases.rate_given_owned.365d", Rises),
    (CrossSell, "purchases.summed_rate_given_owned.365d", Rises),
    (CrossSell, "purchases.workaround_events.30d", Rises),
    (CrossSell, "purchases.workaround_events.90d", Rises),
    (CrossSell, "purchases.workaround_users.30d", Rises),
    (CrossSell, "purchases.opportunities_open", Rises),
];

/// The direction of an outcome with a feature, by the feature's name.
pub fn known(kind: PropensityKind, feature: &str) -> Direction {
    let row = DIRECTIONS.iter().find(|(of, pattern, _)| *of == kind && matches(feature, pattern));
    row.map_or(Direction::Free, |(.., direction)| *direction)
}

/// As the catalogue prints it: `upsell rises`.
pub fn told(pattern: &str) -> String {
    let rows = DIRECTIONS.iter().filter(|(_, listed, _)| *listed == pattern);
    let said = rows.map(|(kind, _, direction)| {
        let verb = if *direction == Falls { "falls" } else { "rises" };
        format!("{kind} {verb}").replace('_', " ")
    });
    said.collect::<Vec<_>>().join(", ")
}

fn matches(name: &str, pattern: &str) -> bool {
    let (mut name, mut pattern) = (name.split('.'), pattern.split('.'));
    loop {
        match (name.next(), pattern.next()) {
            (None, None) => return true,
            (Some(part), Some(listed)) => {
                let fits = match (listed.split_once('<'), listed.rsplit_once('>')) {
                    (Some((before, _)), Some((_, after))) => part.starts_with(before) && part.ends_with(after),
                    _ => part == listed,
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
