//! Labels from subscription versions: what counts as leaving, growing and buying, and what is only paperwork.

use foothold::extracts::Seen;
use foothold::extracts::tables::ProductKind;
use foothold::history::View;
use foothold::models::examples::grain::Split;
use foothold::models::outcomes::labels::{Expansion, Expansions, Rules, Timeline, Window};
use foothold::models::outcomes::purchases::PurchaseRates;
use foothold::vocabulary::Day;

use crate::support::{WorldBuilder, day};

const RULES: Rules = Rules { grace_days: 14, min_arr_rise: 0.02, expansions: Expansions::ALL };

fn window(from: &str, days: i32) -> Window {
    Window { from: day(from), to: day(from).plus(days) }
}

fn catalogue(world: &mut WorldBuilder) {
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.product("mail", &[("standard", 1, 50.0)]).kind = Some(ProductKind::AddOn);
}

fn timeline(world: &WorldBuilder) -> Timeline {
    let extracts = world.build();
    let account = extracts.ids.accounts.get("acme").expect("the world has acme");
    Timeline::of(View::new(&extracts, day("2025-12-31")), account)
}

/// Twelve monthly versions of one subscription, each recorded on the day it starts.
fn monthly(world: &mut WorldBuilder, id: &str, product: &str, tiers: &[&str]) {
    for (month, tier) in tiers.iter().enumerate() {
        let start = day("2025-01-04").plus_months(month as i32);
        let version = world.subscription(id, "acme", product, tier, start);
        (version.ends_on, version.arr, version.units) = (Some(start.plus_months(1)), 1_200.0, Some(10.0));
    }
}

#[test]
fn monthly_renewals_are_neither_losses_nor_purchases_nor_expansions() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    monthly(&mut world, "s1", "crm", &["basic"; 12]);
    let (timeline, product) = (timeline(&world), world.product_ix("crm"));
    let half_year = window("2025-03-15", 180);
    assert_eq!(timeline.churned(half_year, RULES), Some(false));
    assert_eq!(timeline.expanded(half_year, RULES), Some(false));
    assert_eq!(timeline.purchased(product, half_year), None, "it is owned already");
}

#[test]
fn a_monthly_contract_that_stops_renewing_lapses_after_its_last_month() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    monthly(&mut world, "s1", "crm", &["basic"; 4]);
    let timeline = timeline(&world);
    // The fourth month ends on 4 May; 5 May is the first day without a contract.
    assert_eq!(timeline.churned(Window { from: day("2025-04-10"), to: day("2025-05-04") }, RULES), Some(false));
    assert_eq!(timeline.churned(Window { from: day("2025-04-10"), to: day("2025-05-05") }, RULES), Some(true));
    assert_eq!(timeline.churned(window("2025-06-01", 30), RULES), None, "no longer a customer");
}

#[test]
fn a_cancellation_recorded_as_a_new_version_ends_the_contract_on_its_day() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
    let cancelled = world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
    (cancelled.cancelled_on, cancelled.seen) = (Some(day("2025-06-10")), Seen::from(day("2025-06-12")));
    let timeline = timeline(&world);
    assert_eq!(timeline.churned(Window { from: day("2025-03-01"), to: day("2025-06-09") }, RULES), Some(false));
    assert_eq!(timeline.churned(Window { from: day("2025-03-01"), to: day("2025-06-10") }, RULES), Some(true));
}

#[test]
fn a_new_contract_within_the_grace_continues_the_old_one() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    world.subscription("old", "acme", "crm", "basic", day("2024-05-01")).ends_on = Some(day("2025-04-30"));
    world.subscription("new", "acme", "crm", "basic", day("2025-05-10"));
    assert_eq!(timeline(&world).churned(window("2025-04-01", 90), RULES), Some(false));
    let strict = Rules { grace_days: 5, ..RULES };
    assert_eq!(timeline(&world).churned(window("2025-04-01", 90), strict), Some(true));
}

#[test]
fn losing_an_add_on_is_not_churn_and_only_an_add_on_has_no_churn_label() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
    world.subscription("s2", "acme", "mail", "standard", day("2025-01-01")).cancelled_on = Some(day("2025-04-01"));
    assert_eq!(timeline(&world).churned(window("2025-03-01", 90), RULES), Some(false));
    let mut alone = WorldBuilder::default();
    catalogue(&mut alone);
    alone.subscription("s2", "acme", "mail", "standard", day("2025-01-01"));
    assert_eq!(timeline(&alone).churned(window("2025-03-01", 90), RULES), None);
}

#[test]
fn a_higher_tier_more_units_and_more_arr_are_expansions_but_indexation_is_not() {
    let rises = |change: fn(&mut foothold::extracts::tables::Subscription)| {
        let mut world = WorldBuilder::default();
        catalogue(&mut world);
        let first = world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
        (first.arr, first.units) = (10_000.0, Some(20.0));
        let amended = world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
        (amended.arr, amended.units, amended.seen) = (10_000.0, Some(20.0), Seen::from(day("2025-05-01")));
        change(amended);
        timeline(&world).expanded(window("2025-04-01", 60), RULES)
    };
    assert_eq!(rises(|_| ()), Some(false));
    assert_eq!(rises(|s| s.tier = "pro".into()), Some(true));
    assert_eq!(rises(|s| s.units = Some(25.0)), Some(true));
    assert_eq!(rises(|s| s.arr = 12_000.0), Some(true));
    assert_eq!(rises(|s| s.arr = 10_100.0), Some(false));
    let discount_given_up = rises(|s| (s.arr, s.term_months) = (12_000.0, Some(1)));
    assert_eq!(discount_given_up, Some(false));
    assert_eq!(rises(|s| s.seen = Seen::from(day("2025-08-01"))), Some(false));
}

#[test]
fn the_overlap_of_an_old_and_a_new_contract_is_not_an_expansion() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    let old = world.subscription("old", "acme", "crm", "basic", day("2024-05-01"));
    (old.ends_on, old.arr) = (Some(day("2025-05-01")), 5_000.0);
    world.subscription("new", "acme", "crm", "basic", day("2025-05-01")).arr = 5_000.0;
    assert_eq!(timeline(&world).expanded(window("2025-04-01", 90), RULES), Some(false));
}

#[test]
fn only_the_first_purchase_counts_and_only_after_the_window_opens() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    world.subscription("s1", "acme", "crm", "basic", day("2025-01-01"));
    world.subscription("s2", "acme", "mail", "standard", day("2025-05-15"));
    let (timeline, mail) = (timeline(&world), world.product_ix("mail"));
    assert_eq!(timeline.purchased(mail, window("2025-05-01", 30)), Some(true));
    assert_eq!(timeline.purchased(mail, window("2025-04-01", 30)), Some(false));
    assert_eq!(timeline.purchased(mail, window("2025-05-15", 30)), None, "owned when the window opens");
    assert_eq!(timeline.expanded(window("2025-05-01", 30), RULES), Some(false), "a purchase is not an upsell");
}

#[test]
fn splits_keep_one_horizon_between_their_parts() {
    let grid = |count: i32| (0..count).map(|n| Day(20_000 + 30 * n)).collect::<Vec<_>>();
    let split = Split::of(&grid(16), 90).expect("sixteen months are enough");
    assert!(!split.shared);
    let gap = |earlier: &[Day], later: &[Day]| later[0].since(*earlier.last().unwrap());
    assert!(gap(&split.train, &split.calibrate) >= 90 && gap(&split.calibrate, &split.test) >= 90);
    assert_eq!(split.test.last(), grid(16).last());
    let short = Split::of(&grid(6), 90).expect("calibration and test share their days");
    assert!(short.shared && gap(&short.train, &short.test) >= 90 && short.calibrate == short.test);
    let tested: Vec<usize> = Split::candidates(&grid(12), 90).map(|split| split.test.len()).collect();
    assert_eq!(tested, [2, 3, 4], "rare outcomes are tested on more days");
    assert_eq!(Split::of(&grid(3), 90), None);
    assert_eq!(Split::of(&[], 90), None);
}

#[test]
fn purchase_rates_count_owners_and_shrink_toward_the_overall_rate() {
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0)]);
    world.product("mail", &[("standard", 1, 50.0)]);
    world.product("shop", &[("standard", 1, 50.0)]);
    for n in 0..100 {
        let account = format!("a{n:03}");
        world.account(&account);
        let first = if n < 50 { "crm" } else { "shop" };
        world.subscription(&format!("{account}-1"), &account, first, "basic", day("2023-01-01"));
        if n < 40 {
            world.subscription(&format!("{account}-2"), &account, "mail", "standard", day("2025-06-01"));
        }
    }
    let extracts = world.build();
    let (crm, shop) = (extracts.ids.products.get("crm").unwrap(), extracts.ids.products.get("shop").unwrap());
    let mail = extracts.ids.products.get("mail").unwrap();
    let rates = PurchaseRates::on(View::new(&extracts, day("2025-12-31")));
    // Overall 40.5 / 101; owners of crm 40 of 50, owners of shop none of 50, each shrunk by 20 owners.
    let overall = 40.5 / 101.0;
    assert!((rates.given(&[crm], mail).0 - (40.0 + 20.0 * overall) / 70.0).abs() < 1e-12);
    assert!((rates.given(&[shop], mail).1 - 20.0 * overall / 70.0).abs() < 1e-12);
    let before = PurchaseRates::on(View::new(&extracts, day("2025-05-31")));
    assert!(before.given(&[crm], mail).0 < 0.02, "the purchases lie in the future of that day");
}

#[test]
fn purchase_rates_are_of_a_year_however_short_the_history() {
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0)]);
    world.product("mail", &[("standard", 1, 50.0)]);
    for n in 0..240 {
        let account = format!("a{n:03}");
        world.account(&account);
        world.subscription(&format!("{account}-1"), &account, "crm", "basic", day("2023-01-01"));
        // Ten accounts a month, from the second month on.
        let bought = day("2023-01-15").plus_months(1 + n / 10);
        world.subscription(&format!("{account}-2"), &account, "mail", "standard", bought);
    }
    let extracts = world.build();
    let (crm, mail) = (extracts.ids.products.get("crm").unwrap(), extracts.ids.products.get("mail").unwrap());
    let rate = |on: &str| PurchaseRates::on(View::new(&extracts, day(on))).given(&[crm], mail).0;
    // 30 of 210 in a quarter, and 60 of 180 in half a year, are about half of all in a year.
    let (short, long) = (rate("2023-07-01"), rate("2024-01-01"));
    assert!((0.40..0.60).contains(&short) && (short - long).abs() < 0.15, "{short} {long}");
}

#[test]
fn only_the_rises_that_a_job_counts_are_expansions() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    monthly(&mut world, "s1", "crm", &["basic"; 12]);
    world.subscription("s1", "acme", "crm", "pro", day("2025-06-10")).units = Some(10.0);
    let timeline = timeline(&world);
    let counted = |expansions: &[Expansion]| {
        timeline.expanded(window("2025-06-06", 20), Rules { expansions: Expansions::of(expansions), ..RULES })
    };
    assert_eq!(counted(&[Expansion::Tier]), Some(true));
    assert_eq!(counted(&[Expansion::Units]), Some(false));
}

#[test]
fn tenure_is_counted_to_the_last_change_of_tier_and_of_units_through_monthly_paper() {
    let mut world = WorldBuilder::default();
    catalogue(&mut world);
    monthly(&mut world, "s1", "crm", &["basic", "basic", "basic", "pro", "pro", "pro"]);
    let (timeline, crm, mail) = (timeline(&world), world.product_ix("crm"), world.product_ix("mail"));
    let on = |date: &str| timeline.standing(crm, day(date), 14);
    let standing = on("2025-06-20").expect("the sixth month runs");
    assert_eq!((standing.owned, standing.tier), (day("2025-01-04"), day("2025-04-04")));
    assert_eq!(standing.units, day("2025-01-04"), "ten units throughout");
    assert_eq!(on("2025-03-20").expect("the third month runs").tier, day("2025-01-04"));
    assert_eq!(on("2025-08-20"), None, "it has lapsed");
    assert_eq!(timeline.standing(mail, day("2025-06-20"), 14), None);
    let changes = timeline.changes(day("2025-06-20"), 14);
    assert_eq!((changes.last, changes.days), (Some(day("2025-04-04")), vec![day("2025-01-04"), day("2025-04-04")]));
    assert_eq!(timeline.dropped(day("2025-06-20"), 365), 0);
    assert_eq!(timeline.dropped(day("2025-08-20"), 365), 1);
}
