//! Layer 1: what is measured, on rows small enough to count by hand.

use std::collections::BTreeSet;

use foothold::capacity;
use foothold::extracts::tables::*;
use foothold::extracts::{Extracts, InputTable, Seen};
use foothold::history::View;
use foothold::observations::{AccountObservations, Fact, Kept, METRICS, Metric, Name, Observation, Settings, observe};
use foothold::vocabulary::{AccountIx, Category, Day, ProductIx};
use proptest::prelude::*;

use crate::support::world::noon;
use crate::support::{WorldBuilder, day, default_settings};

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

fn observed(extracts: &Extracts, on: Day) -> AccountObservations {
    let view = View::new(extracts, on);
    let context = capacity::Context::learn(view, &default_settings("capacity"));
    let account = extracts.ids.accounts.get("acme").unwrap();
    observe(view, account, &default_settings::<Settings>("observations"), &context)
}

/// (value, baseline) of a metric of the account as a whole.
fn fact(facts: &AccountObservations, metric: &str, window: i32) -> Option<(f64, Option<f64>)> {
    facts.find(metric, None, window).map(|(_, o)| (o.value, o.baseline()))
}

const TODAY: &str = "2026-06-30";

/// Days before today.
fn ago(days: i32) -> Day {
    day(TODAY).minus(days)
}

fn customer() -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    let subscription = world.subscription("s", "acme", "crm", "basic", ago(800));
    (subscription.ends_on, subscription.arr, subscription.units) = (Some(ago(-100)), 5000.0, Some(50.0));
    world
}

#[test]
fn a_table_that_is_missing_gives_no_observation() {
    let mut world = customer();
    world.usage_run("acme", "crm", "seats", ago(99), &[40.0; 100]);
    let facts = observed(&world.build(), day(TODAY));
    let sources: BTreeSet<InputTable> = facts.observations.iter().map(|o| o.source()).collect();
    assert_eq!(sources, BTreeSet::from([InputTable::Subscriptions, InputTable::Usage]));
    world.available(InputTable::Tickets);
    let facts = observed(&world.build(), day(TODAY));
    assert_eq!(fact(&facts, "tickets_open", 0), Some((0.0, None)), "an empty table is a fact");
}

#[test]
fn every_observation_follows_the_table_of_metrics() {
    let mut world = customer();
    world.all_available();
    world.usage_run("acme", "crm", "seats", ago(99), &[40.0; 100]);
    world.entitlement("acme", "crm", "seats", 50.0, Period::Gauge, ago(800));
    world.account_event("e", "acme", EventKind::Funding, ago(5)).magnitude = Some(1e6);
    let facts = observed(&world.build(), day(TODAY));
    let mut ids = BTreeSet::new();
    for o in &facts.observations {
        let family = o.metric().split_inclusive(':').next().unwrap();
        let usage = o.category() == Category::Product && o.source() == InputTable::Usage && o.product().is_some();
        let spec = METRICS.iter().find(|spec| spec.name == family);
        assert!(usage || spec.is_some_and(|spec| spec.category == o.category() && spec.source == o.source()), "{o:?}");
        assert!(ids.insert((o.product(), o.category(), o.name(), o.window_days())), "twice: {o:?}");
    }
}

#[test]
fn an_observation_is_small_because_a_night_holds_hundreds_of_every_account() {
    assert!(size_of::<Observation>() <= 56, "{} bytes", size_of::<Observation>());
}

#[test]
fn a_fall_in_use_is_measured_and_dated() {
    let mut world = customer();
    let users = |n: i32| {
        if n % 7 >= 5 {
            0.0
        } else if n < 154 {
            100.0
        } else {
            50.0
        }
    };
    world.usage_run("acme", "crm", "active_users", ago(181), &(0..182).map(users).collect::<Vec<f64>>());
    let facts = observed(&world.build(), day(TODAY));
    let (_, total) = facts.find("active_users", None, 30).unwrap();
    assert_eq!((total.change(), total.since()), (Some(-0.5), Some(ago(27))), "{total:?}");
    assert_eq!(fact(&facts, "active_days", 7), Some((5.0, Some(5.0))));
    let crm = total_product(&facts);
    assert_eq!(facts.find("active_users", crm, 90).unwrap().1.since(), Some(ago(27)));
    assert!(facts.find("trend:active_users", crm, 90).is_some());
    assert_eq!(facts.find("active_users", None, 7).unwrap().1.since(), None, "a week is too short to date a change");
}

fn total_product(facts: &AccountObservations) -> Option<ProductIx> {
    facts.observations.iter().find_map(|o| o.product())
}

#[test]
fn even_use_has_no_change_point() {
    let mut world = customer();
    let calls = |n: i32| f64::from(100 + (n * 7919) % 41 - 20);
    world.usage_run("acme", "crm", "api_calls", ago(399), &(0..400).map(calls).collect::<Vec<f64>>());
    let facts = observed(&world.build(), day(TODAY));
    assert!(facts.observations.iter().all(|o| o.since().is_none()));
}

#[test]
fn tickets_are_counted_against_the_window_before() {
    let mut world = customer();
    for (n, days) in [2, 5, 9, 35, 40, 120].into_iter().enumerate() {
        let ticket = world.ticket(&format!("t{n}"), "acme", ago(days));
        if days > 5 {
            ticket.resolved_at = Some(noon(ago(days - 2)));
            ticket.csat = Some(if days < 30 { 4.0 } else { 8.0 });
        }
        if days == 5 {
            (ticket.priority, ticket.escalated) = (Some(Priority::P1), Some(true));
        }
    }
    let facts = observed(&world.build(), day(TODAY));
    assert_eq!(fact(&facts, "tickets_opened", 30), Some((3.0, Some(2.0))));
    assert_eq!(fact(&facts, "tickets_opened", 90), Some((5.0, None)), "records began 120 days ago, not 180");
    assert_eq!(fact(&facts, "tickets_open", 0), Some((2.0, None)));
    assert_eq!(fact(&facts, "csat_mean", 30), Some((4.0, Some(8.0))));
    assert_eq!(fact(&facts, "resolution_hours", 30), Some((48.0, Some(48.0))));
    let (_, critical) = facts.find("critical_tickets_open", None, 0).unwrap();
    assert_eq!((critical.value, critical.since()), (1.0, Some(ago(5))));
}

#[test]
fn a_score_given_later_is_not_known_yet() {
    let mut world = customer();
    let ticket = world.ticket("t", "acme", ago(10));
    (ticket.resolved_at, ticket.csat) = (Some(noon(ago(3))), Some(9.0));
    let extracts = world.build();
    assert_eq!(fact(&observed(&extracts, ago(4)), "csat_answers", 30).unwrap().0, 0.0);
    assert_eq!(fact(&observed(&extracts, ago(4)), "tickets_open", 0).unwrap().0, 1.0);
    assert_eq!(fact(&observed(&extracts, ago(3)), "csat_answers", 30).unwrap().0, 1.0);
}

#[test]
fn silence_counts_from_the_last_contact_or_from_when_there_could_have_been_one() {
    let mut world = customer();
    world.contact("sue", "acme", ago(300)).is_sponsor = true;
    world.contact("carl", "acme", ago(200)).is_champion = true;
    let sue = world.contact_ix("sue");
    let call = world.activity("a1", "acme", ActivityKind::Call, ago(50));
    (call.contact, call.direction) = (Some(sue), Some(Bound::In));
    world.activity("a2", "acme", ActivityKind::Meeting, ago(20)).attended = Some(false);
    world.activity("a0", "acme", ActivityKind::Email, ago(400));
    let facts = observed(&world.build(), day(TODAY));
    let value = |metric: &str, window: i32| fact(&facts, metric, window).unwrap().0;
    assert_eq!((value("days_since_contact", 0), value("days_since_inbound", 0)), (20.0, 50.0));
    assert_eq!((value("days_since_sponsor_contact", 0), value("days_since_champion_contact", 0)), (50.0, 200.0));
    assert_eq!(value("days_since_contact_of:sue", 0), 50.0);
    assert_eq!((value("meetings_held", 30), value("meetings_attended_share", 30)), (0.0, 0.0));
    assert_eq!((value("activities", 60), value("activities:call", 90)), (2.0, 1.0));
}

#[test]
fn people_join_rise_and_leave() {
    let mut world = customer();
    world.contact("old", "acme", ago(700)).department = Some("sales".into());
    let before = world.contact("ann", "acme", ago(500));
    (before.seniority, before.is_champion) = (Some(Seniority::Manager), true);
    let after = world.contact("ann", "acme", ago(20));
    (after.seniority, after.is_champion) = (Some(Seniority::Director), true);
    let gone = world.contact("bob", "acme", ago(400));
    (gone.is_sponsor, gone.left_on, gone.seniority) = (true, Some(ago(12)), Some(Seniority::CLevel));
    let new = world.contact("new", "acme", ago(8));
    (new.department, new.title) = (Some("finance".into()), Some("Head of Procurement".into()));
    let facts = observed(&world.build(), day(TODAY));
    let value = |metric: &str, window: i32| fact(&facts, metric, window).unwrap().0;
    assert_eq!((value("contacts_present", 0), value("sponsors_present", 0)), (3.0, 0.0));
    assert_eq!((value("promotions", 30), value("champion_promotions", 30)), (1.0, 1.0));
    assert_eq!((value("key_contacts_left", 30), value("executives_left", 30)), (1.0, 1.0));
    assert_eq!((value("contacts_joined", 30), value("departments_new", 30)), (1.0, 1.0));
    let (_, buyers) = facts.find("procurement_contacts", None, 0).unwrap();
    assert_eq!((buyers.value, buyers.since()), (1.0, Some(ago(8))));
}

/// A renewal that was signed adds nothing, one that was lost takes all of it: the amount would tell the outcome.
#[test]
fn the_amount_of_a_deal_that_closed_later_is_not_known_before() {
    let mut world = customer();
    let lost = world.opportunity("lost", "acme", OpportunityKind::Renewal, ago(60));
    (lost.arr_delta, lost.stage, lost.closed_on) = (Some(-8000.0), Stage::Lost, Some(ago(5)));
    let extracts = world.build();
    let before = observed(&extracts, ago(20));
    assert_eq!(fact(&before, "opportunities_open", 0).unwrap().0, 1.0);
    assert_eq!(fact(&before, "opportunity_arr_open", 0), None);
    assert_eq!(fact(&observed(&extracts, day(TODAY)), "opportunity_arr_open", 0), Some((0.0, None)));
}

#[test]
fn money_is_what_is_in_force_and_what_is_overdue() {
    let mut world = customer();
    let amended = world.subscription("s", "acme", "crm", "pro", ago(800));
    (amended.seen, amended.arr, amended.units) = (Seen::from(ago(90)), 8000.0, Some(80.0));
    amended.ends_on = Some(ago(-100));
    world.usage_run("acme", "crm", "seats", ago(99), &[40.0; 100]);
    world.invoice("late", "acme", ago(75), 300.0);
    world.invoice("paid", "acme", ago(60), 200.0).paid_on = Some(ago(20));
    world.invoice("young", "acme", ago(10), 100.0);
    world.opportunity("o", "acme", OpportunityKind::Upsell, ago(15)).arr_delta = Some(900.0);
    let won = world.opportunity("w", "acme", OpportunityKind::Upsell, ago(200));
    (won.stage, won.closed_on) = (Stage::Won, Some(ago(91)));
    let facts = observed(&world.build(), day(TODAY));
    assert_eq!(fact(&facts, "arr", 0), Some((8000.0, Some(5000.0))));
    assert_eq!(fact(&facts, "days_to_renewal", 0), Some((100.0, None)));
    assert_eq!(fact(&facts, "days_since_upgrade", 0), Some((90.0, None)));
    assert_eq!(fact(&facts, "upgrades", 365).unwrap().0, 1.0);
    assert_eq!(fact(&facts, "overdue_amount", 0), Some((300.0, None)));
    assert_eq!(fact(&facts, "days_overdue_max", 0), Some((45.0, None)));
    assert_eq!(fact(&facts, "days_late_mean", 90), Some(((45.0 + 10.0) / 2.0, None)));
    assert_eq!(fact(&facts, "opportunity_arr_open", 0), Some((900.0, None)));
    assert_eq!(fact(&facts, "opportunities_won", 180).unwrap().0, 1.0);
    let crm = facts.observations.iter().find_map(|o| o.product());
    let (_, paid_for) = facts.find("units_utilization", crm, 60).unwrap();
    assert_eq!(paid_for.value, 0.5);
}

#[test]
fn features_tell_breadth_trials_workarounds_and_what_was_abandoned() {
    let mut world = customer();
    world.product("insights", &[("basic", 1, 50.0)]);
    let insights = world.product_ix("insights");
    world.feature("edit", "crm").use_case = Some("selling".into());
    world.feature("flow", "crm").kind = Some(FeatureKind::Workflow);
    world.feature("sheet", "crm").suggests = Some(insights);
    world.feature("old", "crm").use_case = Some("planning".into());
    for n in 0..30 {
        world.feature_use("acme", "ann", "edit", ago(3 * n), 2);
        world.feature_use("acme", "ann", "old", ago(40 + n), 1);
    }
    world.feature_use("acme", "bob", "flow", ago(3), 1).in_trial = true;
    world.feature_use("acme", "bob", "flow", ago(2), 1).in_trial = true;
    world.feature_use("acme", "bob", "sheet", ago(50), 5);
    world.feature_use("acme", "zoe", "edit", ago(250), 30);
    let extracts = world.build();
    let facts = observed(&extracts, day(TODAY));
    assert_eq!(fact(&facts, "users_active", 30), Some((2.0, Some(2.0))));
    assert_eq!(fact(&facts, "features_used", 30), Some((2.0, Some(3.0))));
    assert_eq!(fact(&facts, "feature_events", 30), Some((20.0 + 2.0, Some(20.0 + 20.0 + 5.0))));
    assert_eq!(fact(&facts, "new_power_users", 30), Some((1.0, Some(0.0))));
    assert_eq!(fact(&facts, "trial_users", 30).unwrap().0, 1.0);
    assert_eq!(fact(&facts, "trial_days", 30).unwrap().0, 2.0);
    assert_eq!(fact(&facts, "features_abandoned", 30), Some((1.0, Some(2.0))));
    let id = |name: &str| extracts.ids.products.get(name);
    let (_, abandoned) = facts.find("feature_abandoned:old", id("crm"), 30).unwrap();
    assert_eq!((abandoned.value, abandoned.baseline(), abandoned.since()), (0.0, Some(10.0), Some(ago(39))));
    assert_eq!(facts.find("workaround_events", id("insights"), 60).unwrap().1.value, 5.0);
    assert_eq!(facts.find("workaround_users", id("insights"), 90).unwrap().1.value, 1.0);
    assert_eq!(fact(&facts, "top_user_share", 30), Some((20.0 / 22.0, None)));
    let (_, shift) = facts.find("use_case_shift", None, 90).unwrap();
    assert!((shift.value - 30.0 / 90.0).abs() < 1e-12, "30 of 90 late events are for planning, none was: {shift:?}");
}

#[test]
fn events_count_by_kind() {
    let mut world = customer();
    world.account_event("e1", "acme", EventKind::Funding, ago(10)).magnitude = Some(5e6);
    world.account_event("e2", "acme", EventKind::Headcount, ago(200)).magnitude = Some(400.0);
    world.account_event("e3", "acme", EventKind::Headcount, ago(20)).magnitude = Some(500.0);
    let facts = observed(&world.build(), day(TODAY));
    assert_eq!(fact(&facts, "events:funding", 90), Some((1.0, Some(0.0))));
    assert_eq!(fact(&facts, "event_magnitude:funding", 90), Some((5e6, None)));
    assert_eq!(fact(&facts, "event_magnitude:headcount", 90), Some((500.0, Some(400.0))));
    assert_eq!(fact(&facts, "days_since_event:headcount", 0), Some((20.0, None)));
    assert_eq!(fact(&facts, "events:layoffs", 90), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Rows dated or recorded after the day change nothing.
    #[test]
    fn future_rows_never_matter(rows in prop::collection::vec((0..9u8, 0..200i32, 0..40i32, 0..50u32), 0..60)) {
        let built = |with_future: bool| {
            let mut world = customer();
            world.all_available();
            for (n, &(table, days, lag, size)) in rows.iter().enumerate() {
                let (on, known) = (ago(150 - days), ago(150 - days - lag));
                if with_future || known <= day(TODAY) {
                    add_row(&mut world, n, table, on, known, size);
                }
            }
            world.metric_ix("api_calls");
            let facts = observed(&world.build(), day(TODAY));
            format!("{:?}", facts.observations)
        };
        prop_assert_eq!(built(true), built(false));
    }
}

/// Numbers as they occur: whole and broken, of either sign, very large, very small.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1_000_000..1_000_000i64).prop_map(|n| n as f64),
        -1e3..1e3,
        prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL,
        Just((1_u64 << 48) as f64),
    ]
}

/// One observation of any metric and name.
fn any_observation() -> impl Strategy<Value = Observation> {
    let metric = prop_oneof![
        Just(Metric::Usage),
        Just(Metric::UsageTrend),
        Just(Metric::TicketsOpened),
        Just(Metric::ActivitiesOfKind),
        Just(Metric::DaysSinceContact)
    ];
    let about = (
        metric,
        prop::option::of(("[a-c]", any::<bool>())),
        prop::option::of(0..3u32),
        prop::sample::select(vec![0, 7, 90, 365]),
    );
    let said = (any_number(), prop::option::of(any_number()), prop::option::of(-40_000..40_000i32), 0..u64::MAX);
    (about, said).prop_map(|((metric, name, product, window), (value, baseline, since, rows))| {
        let name = match name {
            Some((name, true)) => metric.of(&name),
            Some((name, false)) => Name::from(&*name),
            None => metric.text(),
        };
        let fact = Fact { value, baseline, since: since.map(Day), rows };
        Observation::new((AccountIx(3), day(TODAY)), (metric, name), product.map(ProductIx), window, fact)
    })
}

proptest! {
    /// What a night keeps of the observations is all of them, bit for bit.
    #[test]
    fn kept_observations_come_back_as_they_were(observations in prop::collection::vec(any_observation(), 0..40)) {
        let written = format!("{observations:?}");
        let kept = Kept::of(AccountObservations { observations, capacity: Vec::new() });
        prop_assert_eq!(format!("{:?}", kept.observations()), written);
    }
}

/// One row of one of nine tables.
fn add_row(world: &mut WorldBuilder, n: usize, table: u8, on: Day, known: Day, size: u32) {
    let (id, seen) = (format!("r{n}"), Seen::from(known));
    match table {
        0 | 1 => {
            world.usage_recorded("acme", "crm", "api_calls", on, f64::from(size), known);
        }
        2 => world.ticket(&id, "acme", on).seen = seen,
        3 => world.activity(&id, "acme", ActivityKind::Call, on).seen = seen,
        4 => world.survey(&id, "acme", SurveyKind::Nps, on, f64::from(size % 11)).seen = seen,
        5 => world.invoice(&id, "acme", on, f64::from(size)).seen = seen,
        6 => world.account_event(&id, "acme", EventKind::Hiring, on).seen = seen,
        7 => world.opportunity(&id, "acme", OpportunityKind::Upsell, on).seen = seen,
        _ => world.integration("acme", &id, on).seen = seen,
    }
}
