//! Layer 1: what is measured, on rows small enough to count by hand.

use std::collections::BTreeSet;

use foothold::extracts::Seen;
use foothold::history::View;
use foothold::observations::METRICS;

use crate::support::{WorldBuilder, day};

#[test]
fn every_metric_has_one_name_and_says_what_it_means() {
    let names: BTreeSet<&str> = METRICS.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for spec in METRICS {
        assert!(!spec.unit.is_empty() && spec.meaning.ends_with('.'), "{}", spec.name);
        assert!(spec.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:".contains(c)));
    }
}

#[test]
fn an_amendment_is_seen_from_the_day_it_was_recorded() {
    let mut world = WorldBuilder::default();
    world.account("zeta");
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01")).units = Some(10.0);
    let amended = world.subscription("s1", "acme", "crm", "pro", day("2025-01-01"));
    amended.seen = Seen::from(day("2025-06-15"));
    let extracts = world.build();
    let acme = extracts.ids.accounts.get("acme").unwrap();
    let tier_on = |text: &str| {
        let tiers: Vec<&str> =
            View::new(&extracts, day(text)).subscriptions(acme).map(|subscription| &*subscription.tier).collect();
        tiers.join(",")
    };
    assert_eq!((tier_on("2025-06-14"), tier_on("2025-06-15")), ("basic".to_owned(), "pro".to_owned()));
    assert_eq!(tier_on("2024-12-31"), "");
}

#[test]
fn a_usage_cell_shows_the_version_known_on_the_day() {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.product("crm", &[]);
    world.usage("acme", "crm", "seats", day("2026-01-01"), 10.0);
    world.usage("acme", "crm", "seats", day("2026-01-02"), 11.0);
    world.usage_recorded("acme", "crm", "seats", day("2026-01-02"), 20.0, day("2026-01-10"));
    let extracts = world.build();
    let series = &extracts.usage.series[0];
    assert_eq!(extracts.usage.known(series, day("2026-01-09")), [10.0, 11.0]);
    assert_eq!(extracts.usage.known(series, day("2026-01-10")), [10.0, 20.0]);
    assert_eq!(extracts.usage.known(series, day("2026-01-01")), [10.0]);
}
