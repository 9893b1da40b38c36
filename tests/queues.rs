//! Laws of layer 3 over arbitrary books of business and several nights: closed gates, one primary play, weekly
//! capacity, weights, ids, and that the order of the accounts does not matter.

use std::collections::{BTreeMap, BTreeSet};

use foothold::extracts::tables::{OutcomeResult, Verdict};
use foothold::recommendations::{Action, Gate, Recommendation, Recommended, Status};
use foothold::vocabulary::{Color, Level, Text};
use proptest::prelude::*;

use crate::support::day;
use crate::support::scene::{Night, Scene, Seats};

const SIGNALS: [&str; 14] = [
    "seat_utilization",
    "approaching_limit",
    "teaser_clicks",
    "commit_fit",
    "champion_promotion",
    "budget_event",
    "hiring_growth",
    "integration_growth",
    "usage_decline",
    "champion_left",
    "ticket_spike",
    "payment_trouble",
    "price_complaint",
    "churn_propensity",
];

/// One customer: owner, health, need, and the signals with their strength and confidence.
type Customer = (usize, usize, f64, Vec<(usize, f64, f64)>);

fn customers() -> impl Strategy<Value = Vec<Customer>> {
    let signal = (0..SIGNALS.len(), 0.0..=1.0f64, 0.0..=1.0f64);
    let customer = (0..3usize, 0..4usize, 90.0..200.0f64, prop::collection::vec(signal, 0..6));
    prop::collection::vec(customer, 1..25)
}

fn scene(customers: &[Customer], capacity: u32) -> Scene {
    let mut scene = Scene::new();
    (scene.settings.weekly_capacity, scene.settings.unassigned_capacity) = (capacity, capacity + 1);
    for (n, (owner, health, need, signals)) in customers.iter().enumerate() {
        let id = format!("c{n:02}");
        scene.customer(&id, ["Kim", "Ola", "Pat"][*owner], ["Lee", "Lee", "Max"][*owner]);
        let health = [
            (Color::Green, Level::Low),
            (Color::Green, Level::Medium),
            (Color::Yellow, Level::Medium),
            (Color::Red, Level::High),
        ][*health];
        scene.color(&id, health.0, health.1);
        scene.seats.insert(id.clone(), Seats { used: 92.0, need: *need, breach: Some(day("2026-10-01")) });
        for (signal, strength, confidence) in signals {
            let told = scene.tell(&id, (*signal < 4).then_some("crm"), SIGNALS[*signal]);
            (told.strength, told.confidence) = (*strength, *confidence);
        }
    }
    scene
}

fn waiting(recommended: &Recommended) -> impl Iterator<Item = &Recommendation> {
    recommended.recommendations.iter().filter(|r| r.status == Status::PendingReview)
}

fn check_laws(scene: &Scene, night: &Night) {
    let recommended = &night.recommended;
    let mut per_owner: BTreeMap<Text, u32> = BTreeMap::new();
    let mut accounts = BTreeSet::new();
    for r in waiting(recommended) {
        let id = night.extracts.account_id(r.account);
        assert!(accounts.insert(r.account), "{id} has two primary plays");
        *per_owner.entry(r.owner.clone()).or_default() += 1;
        let selling = r.action != Action::SavePlay;
        assert!(!selling || scene.health[id].0 == Color::Green, "{id} is sold to although its health gate is closed");
        let paused = scene.signals.iter().any(|s| s.account == id && s.signal == "price_complaint");
        assert!(!selling || !paused, "{id} is sold to although selling pauses");
        assert!(r.expected_arr >= scene.settings.min_expected_arr);
        assert!(r.contact_by >= scene.day && r.window_closes >= r.window_opens);
        assert!(r.expected_value.is_finite() && r.expected_value >= 0.0);
        let weights: f64 = r.signals.iter().map(|(_, weight)| weight).sum();
        assert!(r.signals.is_empty() || (weights - 1.0).abs() < 1e-9, "weights of {id} add up to {weights}");
        assert!(r.headline.ends_with('.') && !r.headline.contains(['{', '}']));
        let closed = recommended
            .suppressions
            .iter()
            .any(|s| (s.account, &s.playbook, s.product) == (r.account, &r.playbook, r.product));
        assert!(!closed, "{id}: {} is both proposed and withheld", r.playbook);
    }
    for (owner, n) in per_owner {
        assert!(n <= scene.settings.weekly_capacity, "{owner} got {n}");
    }
    let ids: BTreeSet<&str> = recommended.recommendations.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(ids.len(), recommended.recommendations.len(), "ids are unique");
    for owner in recommended.recommendations.iter().map(|r| &r.owner).collect::<BTreeSet<_>>() {
        let mut ranks: Vec<u32> =
            recommended.recommendations.iter().filter(|r| r.owner == *owner).map(|r| r.rank).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, (1..=ranks.len() as u32).collect::<Vec<_>>(), "ranks of {owner} run without gaps");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn one_night_keeps_the_laws_and_repeats_itself(customers in customers(), capacity in 1..6u32) {
        let scene = scene(&customers, capacity);
        let night = scene.night(&[]);
        check_laws(&scene, &night);
        let again = scene.night(&[]);
        prop_assert_eq!(format!("{:?}", night.recommended), format!("{:?}", again.recommended));
        prop_assert_eq!(night.records, again.records);
    }

    #[test]
    fn several_nights_with_decisions_keep_the_laws(
        customers in customers(), capacity in 1..5u32, verdicts in prop::collection::vec(0..6usize, 12), gaps in prop::collection::vec(1..5i32, 6),
    ) {
        let mut scene = scene(&customers, capacity);
        let (mut chain, mut verdicts) = (Vec::new(), verdicts.into_iter().cycle());
        for gap in gaps {
            let night = scene.night(&chain);
            check_laws(&scene, &night);
            let open: Vec<String> = waiting(&night.recommended).map(|r| r.id.clone()).collect();
            chain.extend(night.records);
            scene.day = scene.day.plus(gap);
            for id in open {
                decide(&mut scene, &id, verdicts.next().unwrap_or(0));
            }
        }
        let whole = foothold::audit::verify(&Default::default(), &chain, &chain.last().map_or_else(Default::default, |r| r.tail()));
        prop_assert!(whole.is_ok(), "{:?}", whole);
    }
}

/// Leaves it waiting, approves, rejects or snoozes it, or reports an outcome.
fn decide(scene: &mut Scene, id: &str, choice: usize) {
    let today = scene.day;
    match choice {
        0 => drop(scene.world.decision(id, today, Verdict::Approved)),
        1 => drop(scene.world.decision(id, today, Verdict::Rejected)),
        2 => scene.world.decision(id, today, Verdict::Snoozed).snooze_until = Some(today.plus(9)),
        3 => {
            scene.world.decision(id, today, Verdict::Approved);
            scene.world.outcome(id, today.plus(1), OutcomeResult::Converted);
        }
        _ => {}
    }
}

#[test]
fn the_same_play_keeps_its_id_while_it_waits() {
    let mut scene = Scene::acme();
    let first = scene.night(&[]);
    scene.day = scene.day.plus(1);
    let second = scene.night(&first.records);
    assert_eq!(first.recommended.recommendations[0].id, second.recommended.recommendations[0].id);
    assert_eq!(second.recommended.recommendations[0].created_on, day("2026-06-30"));
    assert!(second.records.is_empty(), "nothing happened, so nothing is recorded");
}

#[test]
fn what_waits_keeps_its_slot_and_what_was_decided_frees_none_before_monday() {
    let mut scene = Scene::new();
    for n in 0..4 {
        scene.customer(&format!("a{n}"), "Kim", "Lee");
        scene.tell(&format!("a{n}"), Some("crm"), "seat_utilization").strength = 0.9 - 0.1 * f64::from(n);
    }
    scene.settings.weekly_capacity = 2;
    let tuesday = scene.night(&[]);
    let names = |night: &Night| {
        let accounts = waiting(&night.recommended).map(|r| night.extracts.account_id(r.account).to_owned());
        accounts.collect::<Vec<_>>()
    };
    assert_eq!(names(&tuesday), ["a0", "a1"]);
    let rejected = tuesday.recommended.recommendations[0].id.clone();
    scene.world.decision(&rejected, day("2026-07-01"), Verdict::Rejected);
    scene.day = day("2026-07-02");
    let thursday = scene.night(&tuesday.records);
    assert_eq!(names(&thursday), ["a1"], "the rejected one used up its slot for this week");
    scene.day = day("2026-07-06");
    let monday = scene.night(&[tuesday.records, thursday.records].concat());
    assert_eq!(names(&monday), ["a1", "a2"]);
}

#[test]
fn save_plays_stand_first_but_leave_room_for_selling() {
    let mut scene = Scene::new();
    for n in 0..12 {
        let id = format!("a{n:02}");
        scene.customer(&id, "Kim", "Lee");
        scene.tell(&id, Some("crm"), if n < 6 { "usage_decline" } else { "seat_utilization" });
        if n < 6 {
            scene.color(&id, Color::Red, Level::High);
        }
    }
    let recommended = scene.recommend();
    let mut ranked: Vec<(u32, bool)> = waiting(&recommended).map(|r| (r.rank, r.action == Action::SavePlay)).collect();
    ranked.sort_unstable();
    assert_eq!(ranked, [(1, true), (2, true), (3, true), (4, false), (5, false)]);
}

#[test]
fn a_play_whose_signals_are_gone_is_withdrawn_and_said_so_once() {
    let mut scene = Scene::acme();
    let first = scene.night(&[]);
    scene.signals.clear();
    scene.day = scene.day.plus(1);
    let second = scene.night(&first.records);
    let gone = &second.recommended.recommendations[0];
    assert_eq!((gone.status, gone.units_delta, gone.steps.len()), (Status::Expired, Some(30.0), 4));
    assert!(second.recommended.expired[0].reason.contains("its signals no longer stand"));
    let chain = [first.records, second.records].concat();
    scene.day = scene.day.plus(1);
    assert!(scene.night(&chain).recommended.recommendations.is_empty());
    scene.tell("acme", Some("crm"), "seat_utilization");
    assert_eq!(scene.night(&chain).recommended.recommendations[0].status, Status::PendingReview, "and may come back");
}

#[test]
fn what_nobody_decides_expires_and_rests() {
    let mut scene = Scene::acme();
    let first = scene.night(&[]);
    let contact_by = first.recommended.recommendations[0].contact_by;
    scene.day = contact_by.plus(14);
    assert_eq!(scene.night(&first.records).recommended.recommendations[0].status, Status::PendingReview);
    scene.day = contact_by.plus(15);
    let late = scene.night(&first.records);
    assert_eq!(late.recommended.recommendations[0].status, Status::Expired);
    assert_eq!(late.recommended.suppressions[0].gate, Gate::Cooldown);
    let chain = [first.records, late.records].concat();
    scene.day = contact_by.plus(20);
    assert!(scene.night(&chain).recommended.recommendations.is_empty());
}
