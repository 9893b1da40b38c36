//! Every gate lets the sound candidate pass and holds the other one, with its evidence and the day it may come back.

use foothold::extracts::tables::{OpportunityKind, OutcomeResult, Priority, Verdict};
use foothold::recommendations::night::is_held_out;
use foothold::recommendations::{Action, Arm, Gate, Recommendation, Recommended, Status, Suppression};
use foothold::vocabulary::{Color, Day, Level};

use crate::support::day;
use crate::support::scene::Scene;

/// The suppression of acme's seat expansion.
fn withheld(recommended: &Recommended) -> &Suppression {
    let found = recommended.suppressions.iter().find(|s| &*s.playbook == "seat_expansion");
    found.unwrap_or_else(|| panic!("nothing was withheld: {:#?}", headlines(recommended)))
}

fn headlines(recommended: &Recommended) -> Vec<(&str, Status, &str)> {
    recommended.recommendations.iter().map(|r| (&*r.playbook, r.status, r.headline.as_str())).collect()
}

fn only(recommended: &Recommended) -> &Recommendation {
    assert_eq!(recommended.recommendations.len(), 1, "{:#?}", recommended.suppressions);
    &recommended.recommendations[0]
}

fn closes(scene: &Scene, gate: Gate, says: &str, requalifies_on: Option<Day>) {
    let recommended = scene.recommend();
    let found = withheld(&recommended);
    assert_eq!(found.gate, gate, "{}", found.evidence);
    assert!(found.evidence.contains(says), "`{}` does not say `{says}`", found.evidence);
    assert_eq!(found.requalifies_on, requalifies_on);
    assert_eq!(found.expected_arr_withheld, 3_000.0);
    assert!(recommended.recommendations.iter().all(|r| r.action == Action::SavePlay));
}

#[test]
fn the_sound_candidate_passes_every_gate() {
    let recommended = Scene::acme().recommend();
    let seats = only(&recommended);
    let passed: Vec<Gate> = seats.gates.iter().map(|(gate, _)| *gate).collect();
    assert_eq!(passed, Gate::ALL);
    assert_eq!((seats.action, seats.units_delta, seats.expected_arr), (Action::SeatExpansion, Some(30.0), 3_000.0));
    assert!(recommended.suppressions.is_empty(), "{:#?}", recommended.suppressions);
}

#[test]
fn thin_history_waits_for_more_days() {
    let mut scene = Scene::acme();
    scene.day = day("2026-03-20");
    closes(&scene, Gate::ThinHistory, "Only 48 days", Some(day("2026-04-01")));
}

#[test]
fn an_unhealthy_account_gets_a_save_play_instead() {
    for color in [Color::Yellow, Color::Red] {
        let mut scene = Scene::acme();
        scene.color("acme", color, Level::Medium);
        closes(&scene, Gate::Health, "a save play comes first", None);
        let save = scene.recommend();
        assert_eq!((&*only(&save).playbook, only(&save).expected_arr), ("save_general", 10_000.0));
    }
}

#[test]
fn a_near_renewal_takes_the_conversation_over() {
    let mut scene = Scene::acme();
    scene.day = day("2026-11-03");
    closes(&scene, Gate::RenewalWindow, "59 days away: hand this to the renewal", Some(day("2027-01-02")));
    scene.day = day("2026-10-04");
    closes(&scene, Gate::RenewalWindow, "89 days away and its owner has not agreed", Some(day("2027-01-02")));
    scene.day = day("2026-10-03");
    assert_eq!(only(&scene.recommend()).action, Action::SeatExpansion);
}

#[test]
fn a_contract_that_renews_each_month_has_no_renewal_season() {
    let mut scene = Scene::acme();
    let row = scene.world.subscription("acme-crm", "acme", "crm", "basic", day("2026-06-01"));
    (row.arr, row.units, row.ends_on) = (10_000.0, Some(100.0), Some(day("2026-07-01")));
    let recommended = scene.recommend();
    let seats = only(&recommended);
    assert!(seats.gates.iter().any(|(gate, how)| *gate == Gate::RenewalWindow && how.contains("no renewal season")));
    assert!(seats.timing_reason.contains("renews in short periods"), "{}", seats.timing_reason);
    assert_eq!(seats.window_closes, day("2026-09-28"));
}

#[test]
fn the_first_two_months_are_for_adoption() {
    let mut scene = Scene::new();
    scene.customer("acme", "Kim", "Lee");
    scene.tell("acme", Some("crm"), "seat_utilization");
    scene.settings.min_history_days = 10;
    scene.day = day("2026-02-28");
    closes(&scene, Gate::NewContract, "adoption only", Some(day("2026-03-01")));
    scene.day = day("2026-03-01");
    assert_eq!(only(&scene.recommend()).action, Action::SeatExpansion);
}

#[test]
fn an_open_escalation_or_p1_is_solved_first() {
    let mut scene = Scene::acme();
    scene.world.ticket("t-1", "acme", day("2026-06-20")).priority = Some(Priority::P1);
    closes(&scene, Gate::OpenEscalation, "t-1", None);
    let mut solved = Scene::acme();
    let ticket = solved.world.ticket("t-1", "acme", day("2026-06-20"));
    (ticket.escalated, ticket.resolved_at) =
        (Some(true), Some(foothold::vocabulary::Moment::start_of(day("2026-06-25"))));
    solved.world.ticket("t-2", "acme", day("2026-06-21")).priority = Some(Priority::P3);
    assert_eq!(only(&solved.recommend()).action, Action::SeatExpansion);
}

#[test]
fn an_open_deal_for_the_same_product_is_not_doubled() {
    let mut scene = Scene::acme();
    let crm = scene.world.product_ix("crm");
    scene.world.opportunity("o-1", "acme", OpportunityKind::Upsell, day("2026-06-01")).product = Some(crm);
    closes(&scene, Gate::OpenOpportunity, "o-1", None);
    let mut other = Scene::acme();
    let analytics = other.world.product_ix("analytics");
    other.world.opportunity("o-1", "acme", OpportunityKind::CrossSell, day("2026-06-01")).product = Some(analytics);
    other.world.opportunity("o-2", "acme", OpportunityKind::Renewal, day("2026-06-01")).product = Some(crm);
    assert_eq!(only(&other.recommend()).action, Action::SeatExpansion);
}

#[test]
fn complaints_about_price_and_layoffs_pause_selling() {
    for name in ["price_complaint", "layoffs"] {
        let mut scene = Scene::acme();
        let pause = scene.tell("acme", None, name);
        (pause.strength, pause.expires_on) = (0.3, day("2026-07-20"));
        closes(&scene, Gate::SellingPause, "A pause in selling is due", Some(day("2026-07-21")));
        scene.day = day("2026-07-21");
        assert_eq!(only(&scene.recommend()).action, Action::SeatExpansion);
    }
}

#[test]
fn one_play_at_a_time_and_the_more_valuable_first() {
    let mut scene = Scene::acme();
    scene.tell("acme", Some("crm"), "commit_fit").strength = 0.1;
    let recommended = scene.recommend();
    let primary = only(&recommended);
    assert_eq!(&*primary.playbook, "seat_expansion");
    let other = &recommended.suppressions[0];
    assert_eq!((&*other.playbook, other.gate), ("multi_year_commit", Gate::Conflict));
    assert!(other.evidence.contains("seat expansion"), "{}", other.evidence);
}

#[test]
fn held_out_accounts_are_offered_nothing_but_help() {
    let mut scene = Scene::acme();
    scene.settings.holdout_share = 1.0;
    closes(&scene, Gate::Holdout, "holdout of the experiment", None);
    scene.color("acme", Color::Red, Level::High);
    assert_eq!(only(&scene.recommend()).action, Action::SavePlay);
    scene.color("acme", Color::Green, Level::Low);
    scene.settings.holdout_share = 1e-9;
    assert_eq!(only(&scene.recommend()).arm, Arm::Treatment);
}

#[test]
fn the_holdout_draws_about_its_share_and_the_same_accounts_every_night() {
    let drawn =
        |name: &str| (0..10_000).filter(|n| is_held_out(&format!("account-{n}"), name, 0.2)).collect::<Vec<_>>();
    assert!((1_850..2_150).contains(&drawn("spring").len()), "{}", drawn("spring").len());
    assert_eq!(drawn("spring"), drawn("spring"));
    assert_ne!(drawn("spring"), drawn("autumn"));
}

#[test]
fn owners_get_what_they_can_carry_and_the_rest_waits_for_monday() {
    let mut scene = Scene::new();
    for n in 0..8 {
        scene.customer(&format!("a{n}"), "Kim", "Lee");
        scene.tell(&format!("a{n}"), Some("crm"), "seat_utilization").strength = 0.2 + 0.1 * f64::from(n);
    }
    let recommended = scene.recommend();
    assert_eq!(recommended.recommendations.len(), 5);
    let mut ranked: Vec<(u32, u32)> = recommended.recommendations.iter().map(|r| (r.rank, r.account.0)).collect();
    ranked.sort_unstable();
    assert_eq!(ranked, [(1, 7), (2, 6), (3, 5), (4, 4), (5, 3)], "the strongest evidence first");
    for left in &recommended.suppressions {
        assert_eq!((left.gate, left.requalifies_on), (Gate::Capacity, Some(day("2026-07-06"))));
    }
}

#[test]
fn a_play_of_little_value_is_not_worth_a_conversation_and_takes_no_slot() {
    let mut scene = Scene::acme();
    scene.settings.min_expected_arr = 3_000.01;
    scene.settings.weekly_capacity = 1;
    closes(&scene, Gate::LowValue, "below the", None);
    scene.settings.min_expected_arr = 3_000.0;
    let value = only(&scene.recommend()).expected_value;
    scene.settings.min_expected_value = value + 0.01;
    closes(&scene, Gate::LowValue, "An expected value of", None);
    scene.settings.min_expected_value = value;
    assert_eq!(only(&scene.recommend()).action, Action::SeatExpansion);
}

/// The chain after a first night on which acme's seat expansion was proposed, and its id.
fn proposed(scene: &Scene) -> (Vec<foothold::audit::AuditRecord>, String) {
    let night = scene.night(&[]);
    let id = only(&night.recommended).id.clone();
    (night.records, id)
}

#[test]
fn a_rejected_play_stays_away_and_then_returns() {
    let mut scene = Scene::acme();
    let (chain, id) = proposed(&scene);
    scene.day = day("2026-07-02");
    let row = scene.world.decision(&id, day("2026-07-01"), Verdict::Rejected);
    (row.approver, row.reason) = ("Kim".into(), Some("budget is frozen".into()));
    let night = scene.night(&chain);
    let found = withheld(&night.recommended);
    assert_eq!((found.gate, found.requalifies_on), (Gate::PriorRejection, Some(day("2026-10-29"))));
    assert!(found.evidence.contains("Kim rejected it on 1 Jul 2026 (\"budget is frozen\")"), "{}", found.evidence);
    assert_eq!(only(&night.recommended).status, Status::Rejected, "the night tells what became of it, once");
    let chain = [chain, night.records].concat();
    scene.day = day("2026-07-03");
    assert!(scene.night(&chain).recommended.recommendations.is_empty());
    scene.day = day("2026-10-29");
    scene.settings.renewal_agreement_days = 60;
    let back = scene.night(&chain).recommended;
    assert_eq!(only(&back).status, Status::PendingReview);
    assert_ne!(only(&back).id, id, "another episode is another recommendation");
}

#[test]
fn a_snoozed_play_comes_back_on_its_day_as_the_same_recommendation() {
    let mut scene = Scene::acme();
    let (chain, id) = proposed(&scene);
    scene.world.decision(&id, day("2026-07-01"), Verdict::Snoozed).snooze_until = Some(day("2026-08-15"));
    scene.day = day("2026-07-02");
    let night = scene.night(&chain);
    assert_eq!(withheld(&night.recommended).gate, Gate::PriorRejection);
    assert_eq!(withheld(&night.recommended).requalifies_on, Some(day("2026-08-15")));
    let chain = [chain, night.records].concat();
    scene.day = day("2026-08-14");
    assert!(scene.night(&chain).recommended.recommendations.is_empty());
    scene.day = day("2026-08-15");
    let back = scene.night(&chain).recommended;
    assert_eq!((only(&back).id.as_str(), only(&back).status), (id.as_str(), Status::PendingReview));
}

#[test]
fn a_declined_play_rests_and_so_does_every_other_sale_for_a_while() {
    let mut scene = Scene::acme();
    let (chain, id) = proposed(&scene);
    scene.world.decision(&id, day("2026-07-01"), Verdict::Approved);
    scene.world.outcome(&id, day("2026-07-05"), OutcomeResult::Declined);
    scene.tell("acme", Some("crm"), "commit_fit");
    scene.day = day("2026-07-06");
    let night = scene.night(&chain);
    assert_eq!(
        (withheld(&night.recommended).gate, withheld(&night.recommended).requalifies_on),
        (Gate::Cooldown, Some(day("2026-10-03")))
    );
    let other = night.recommended.suppressions.iter().find(|s| &*s.playbook == "multi_year_commit").expect("withheld");
    assert_eq!((other.gate, other.requalifies_on), (Gate::Cooldown, Some(day("2026-08-04"))));
    let chain = [chain, night.records].concat();
    scene.day = day("2026-08-04");
    assert_eq!(&*only(&scene.night(&chain).recommended).playbook, "multi_year_commit");
}

#[test]
fn the_renewal_owner_may_agree_to_sell_close_to_the_renewal() {
    for (approver, agreed) in [("Kim", true), ("somebody else", false)] {
        let mut scene = Scene::acme();
        scene.day = day("2026-09-25");
        let (chain, id) = proposed(&scene);
        scene.world.decision(&id, day("2026-09-28"), Verdict::Approved).approver = approver.into();
        scene.world.outcome(&id, day("2026-10-05"), OutcomeResult::Converted);
        scene.tell("acme", Some("crm"), "commit_fit");
        scene.day = day("2026-10-06");
        let recommended = scene.night(&chain).recommended;
        let commit = recommended.recommendations.iter().find(|r| &*r.playbook == "multi_year_commit");
        assert_eq!(commit.is_some(), agreed, "{approver}");
        let gate = recommended.suppressions.iter().find(|s| &*s.playbook == "multi_year_commit").map(|s| s.gate);
        assert_eq!(gate, (!agreed).then_some(Gate::RenewalWindow));
    }
}

#[test]
fn work_in_flight_leaves_no_room_for_another_sale_but_for_help() {
    let mut scene = Scene::acme();
    let (chain, id) = proposed(&scene);
    scene.world.decision(&id, day("2026-07-01"), Verdict::Approved);
    scene.tell("acme", Some("crm"), "commit_fit");
    scene.day = day("2026-07-02");
    let night = scene.night(&chain);
    assert_eq!(
        (only(&night.recommended).id.as_str(), only(&night.recommended).status),
        (id.as_str(), Status::Approved)
    );
    let commit = night.recommended.suppressions.iter().find(|s| &*s.playbook == "multi_year_commit").expect("withheld");
    assert_eq!(commit.gate, Gate::Conflict);
    let chain = [chain, night.records].concat();
    scene.color("acme", Color::Red, Level::High);
    scene.day = day("2026-07-03");
    let later = scene.night(&chain).recommended;
    let told: Vec<_> = later.recommendations.iter().map(|r| (&*r.playbook, r.status)).collect();
    assert_eq!(told, [("save_general", Status::PendingReview), ("seat_expansion", Status::Approved)]);
}
