//! Peers: neighbours by what accounts were before, outcomes as they were, and purchase rates with support and lift.

use foothold::extracts::Extracts;
use foothold::history::View;
use foothold::peers::{Neighbour, Peers, Settings, Told};
use foothold::vocabulary::AccountIx;
use proptest::prelude::*;

use crate::support::{WorldBuilder, day, default_settings};

const TODAY: &str = "2026-06-30";
const START: &str = "2023-01-01";

fn settings() -> Settings {
    Settings { neighbours: 3, min_support: 4, ..default_settings("peers") }
}

fn products() -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.product("mail", &[("one", 1, 50.0)]);
    world.product("desk", &[("one", 1, 50.0)]);
    world
}

/// An account on the basic tier since 2023 whose seats stand at the given share.
fn account(world: &mut WorldBuilder, id: &str, industry: &str, employees: i64, used: f64) {
    let row = world.account(id);
    (row.industry, row.employees, row.segment) = (Some(industry.into()), Some(employees), Some("smb".into()));
    let subscription = world.subscription(&format!("{id}-crm"), id, "crm", "basic", day(START));
    (subscription.arr, subscription.units, subscription.ends_on) = (10_000.0, Some(100.0), None);
    world.usage_every(id, "crm", "seats", day(START), 30, &[used * 100.0; 42]);
}

/// A later version of the account's subscription.
fn amend(world: &mut WorldBuilder, id: &str, tier: &str, units: f64, on: &str) {
    let amended = world.subscription(&format!("{id}-crm"), id, "crm", tier, day(START));
    (amended.arr, amended.units, amended.ends_on) = (10_000.0, Some(units), None);
    amended.seen.known = day(on);
}

fn built(extracts: &Extracts) -> Peers {
    Peers::build(View::new(extracts, day(TODAY)), &settings())
}

fn of<'a>(extracts: &Extracts, peers: &'a Peers, id: &str) -> &'a [Neighbour] {
    peers.of(extracts.ids.accounts.get(id).unwrap())
}

fn told(extracts: &Extracts, peers: &Peers, id: &str, neighbour: &Neighbour) -> Told {
    peers.tell(View::new(extracts, day(TODAY)), extracts.ids.accounts.get(id).unwrap(), neighbour)
}

fn names(extracts: &Extracts, neighbours: &[Neighbour]) -> Vec<String> {
    neighbours.iter().map(|n| extracts.account_id(n.account).to_owned()).collect()
}

#[test]
fn the_nearest_share_industry_size_and_usage_level() {
    let mut world = products();
    account(&mut world, "acme", "logistics", 200, 0.9);
    account(&mut world, "like", "logistics", 210, 0.9);
    account(&mut world, "idle", "logistics", 210, 0.2);
    account(&mut world, "huge", "logistics", 90_000, 0.9);
    account(&mut world, "other", "retail", 210, 0.9);
    let extracts = world.build();
    let peers = built(&extracts);
    let near = of(&extracts, &peers, "acme");
    assert_eq!(names(&extracts, near)[0], "like");
    assert!(near.len() == 3 && near.iter().all(|n| extracts.account_id(n.account) != "acme"), "never itself");
    assert!(near.windows(2).all(|pair| pair[0].similarity >= pair[1].similarity));
    assert!(near[0].similarity > 0.95 && near[0].similarity <= 1.0);
    let why = "same industry (logistics), segment (smb) and tier (basic), 210 employees against 200, ARR 10,000 against 10,000, \
               90 % of what was paid for in use against 90 %";
    assert_eq!(told(&extracts, &peers, "acme", &near[0]).why, why);
}

#[test]
fn who_upgraded_since_is_found_by_what_it_was_before() {
    let mut world = products();
    account(&mut world, "acme", "logistics", 200, 0.9);
    account(&mut world, "rose", "logistics", 200, 0.9);
    amend(&mut world, "rose", "pro", 100.0, "2025-08-01");
    account(&mut world, "grew", "logistics", 200, 0.9);
    amend(&mut world, "grew", "basic", 150.0, "2025-09-15");
    account(&mut world, "kept", "logistics", 200, 0.9);
    amend(&mut world, "kept", "basic", 104.0, "2025-09-15");
    let extracts = world.build();
    let peers = built(&extracts);
    let near = of(&extracts, &peers, "acme");
    let outcome = |id: &str| {
        let account = extracts.ids.accounts.get(id).unwrap();
        let found = near.iter().find(|n| n.account == account).unwrap();
        (found.upgraded, told(&extracts, &peers, "acme", found).outcome)
    };
    assert_eq!(outcome("rose"), (true, "moved from basic to pro 1 month later".to_owned()));
    assert_eq!(outcome("grew"), (true, "added 50 units to 100 3 months later".to_owned()));
    assert!(!outcome("kept").0, "four units more are a correction: {:?}", outcome("kept"));
}

#[test]
fn departures_and_purchases_are_told_too() {
    let mut world = products();
    account(&mut world, "acme", "logistics", 200, 0.9);
    account(&mut world, "left", "logistics", 200, 0.9);
    let cancelled = world.subscription("left-crm", "left", "crm", "basic", day(START));
    (cancelled.arr, cancelled.units, cancelled.ends_on) = (10_000.0, Some(100.0), None);
    (cancelled.cancelled_on, cancelled.seen.known) = (Some(day("2026-03-01")), day("2026-03-01"));
    account(&mut world, "more", "logistics", 200, 0.9);
    world.subscription("more-mail", "more", "mail", "one", day("2026-02-01"));
    let extracts = world.build();
    let peers = built(&extracts);
    let near = of(&extracts, &peers, "acme").iter();
    let mut outcomes: Vec<String> = near.map(|n| told(&extracts, &peers, "acme", n).outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["bought mail 1 month later", "left 2 months later"]);
    assert!(of(&extracts, &peers, "left").is_empty(), "without a contract there is nothing to compare");
}

#[test]
fn nobody_is_compared_before_there_is_a_past() {
    let mut world = products();
    for id in ["a", "b"] {
        world.account(id);
        world.subscription(id, id, "crm", "basic", day(TODAY).minus(30));
    }
    let extracts = world.build();
    assert!(of(&extracts, &built(&extracts), "a").is_empty());
    assert!(built(&Extracts::default()).purchase_rates.is_empty());
}

/// `n` accounts that own `owned` from the start on; the first `buyers` of them bought `bought` last winter.
fn owners(world: &mut WorldBuilder, prefix: &str, owned: &str, bought: &str, n: usize, buyers: usize) {
    for i in 0..n {
        let id = format!("{prefix}{i:02}");
        world.account(&id).segment = Some(prefix.into());
        world.subscription(&format!("{id}-{owned}"), &id, owned, "one", day(START)).ends_on = None;
        if i < buyers {
            world.subscription(&format!("{id}-{bought}"), &id, bought, "one", day("2026-01-15")).ends_on = None;
        }
    }
}

#[test]
fn purchase_rates_count_owners_over_the_window_and_filter_by_support_and_lift() {
    let mut world = products();
    owners(&mut world, "keen", "mail", "desk", 10, 8);
    owners(&mut world, "cool", "crm", "desk", 30, 1);
    let extracts = world.build();
    let rates = built(&extracts).purchase_rates;
    let (mail, desk) = (extracts.ids.products.get("mail").unwrap(), extracts.ids.products.get("desk").unwrap());
    let found: Vec<_> = rates.iter().map(|r| (r.owned, r.bought, r.segment.as_deref(), r.owners, r.buyers)).collect();
    // Inside the segment everybody owns mail, so there is no lift there: only the rate over all accounts stands.
    assert_eq!(found, [(mail, desk, None, 10, 8)]);
    assert!((rates[0].rate - 0.8).abs() < 1e-12);
    assert!((rates[0].lift - 0.8 / (9.0 / 40.0)).abs() < 1e-12);
}

#[test]
fn who_gave_the_product_up_without_buying_is_no_owner() {
    let mut world = products();
    owners(&mut world, "keen", "mail", "desk", 10, 8);
    owners(&mut world, "cool", "crm", "desk", 30, 1);
    let gone = world.subscription("keen09-mail", "keen09", "mail", "one", day(START));
    (gone.ends_on, gone.cancelled_on, gone.seen.known) = (None, Some(day("2026-02-01")), day("2026-02-01"));
    let extracts = world.build();
    let rates = built(&extracts).purchase_rates;
    assert_eq!((rates[0].owners, rates[0].buyers), (9, 8));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Through the trees (many accounts) the nearest is the same as by comparing numbers one by one: accounts in a row
    /// by size, everything else alike, have their neighbours in that row beside them.
    #[test]
    fn trees_find_whom_a_plain_comparison_finds(shift in 0usize..50, industries in 1usize..4) {
        let mut world = products();
        for i in 0..200usize {
            let id = format!("a{i:03}");
            let row = world.account(&id);
            row.employees = Some(((10.0 + (i + shift) as f64 * 0.05).exp()) as i64);
            row.industry = Some(format!("industry {}", i % industries).into());
            let subscription = world.subscription(&id, &id, "crm", "basic", day(START));
            (subscription.arr, subscription.ends_on) = (10_000.0, None);
        }
        let extracts = world.build();
        let peers = built(&extracts);
        for i in 5..195usize {
            let near: Vec<usize> = peers.of(AccountIx::from(i)).iter().map(|n| n.account.at()).collect();
            prop_assert_eq!(near.len(), 3);
            let same: Vec<usize> = near.iter().copied().filter(|n| n % industries == i % industries).collect();
            prop_assert!(same.contains(&(i - industries)) || same.contains(&(i + industries)), "{} has {:?}", i, near);
        }
    }
}
