//! What is in force on a day, whatever was recorded early, late or not at all.

use foothold::extracts::Extracts;
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::vocabulary::AccountIx;

use crate::support::{WorldBuilder, day};

fn world(amend: impl FnOnce(&mut WorldBuilder)) -> Extracts {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01")).arr = 1_000.0;
    amend(&mut world);
    world.build()
}

/// ARR in force, tier of the first subscription, renewal.
fn on(extracts: &Extracts, at: &str) -> (f64, Option<String>, Option<String>) {
    let contract = Contract::on(View::new(extracts, day(at)), AccountIx(0));
    let tier = contract.active.first().map(|s| s.tier.to_string());
    (contract.arr, tier, contract.renewal.map(|day| day.to_string()))
}

#[test]
fn a_renewal_agreed_early_does_not_hide_the_contract_that_runs() {
    let extracts = world(|world| {
        let renewal = world.subscription("s1", "acme", "crm", "pro", day("2026-01-01"));
        renewal.arr = 2_000.0;
        renewal.seen.known = day("2025-11-01");
    });
    let running = (1_000.0, Some("basic".into()), Some("2026-01-01".into()));
    assert_eq!(on(&extracts, "2025-10-31"), running);
    assert_eq!(on(&extracts, "2025-12-31"), running, "the renewal is recorded but has not started");
    assert_eq!(on(&extracts, "2026-01-01"), (2_000.0, Some("pro".into()), Some("2027-01-01".into())));
}

#[test]
fn a_cancellation_counts_from_its_day_on_and_not_before() {
    let extracts = world(|world| {
        let cancelled = world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
        (cancelled.arr, cancelled.cancelled_on) = (1_000.0, Some(day("2025-06-30")));
        cancelled.seen.known = day("2025-06-01");
    });
    assert_eq!(on(&extracts, "2025-06-29").0, 1_000.0);
    assert_eq!(on(&extracts, "2025-06-30"), (0.0, None, None));
}

#[test]
fn a_contract_past_its_end_lapses_unless_it_renews_itself() {
    let lapsed = world(|_| ());
    assert_eq!(on(&lapsed, "2026-01-01").0, 1_000.0, "the last day counts");
    assert_eq!(on(&lapsed, "2026-01-02"), (0.0, None, None));
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0)]);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01")).auto_renew = Some(true);
    assert_eq!(on(&world.build(), "2026-02-01").2, Some("2027-01-01".into()), "rolls on by its term");
}
