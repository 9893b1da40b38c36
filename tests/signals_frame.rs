//! The frame around all signals: confidence, review, validity, order, availability, and names that exist.

use foothold::extracts::InputTable;
use foothold::extracts::tables::EventKind;
use foothold::signals::{Classifier, Learned, Track, saturating};
use foothold::vocabulary::Direction;
use proptest::prelude::*;

use crate::support::bench::{TODAY, bench, catalogue, seats, text_settings};
use crate::support::{WorldBuilder, day};

/// Every signal of the contract's catalogue.
const SIGNALS: [&str; 47] = [
    "active_users_drop",
    "adjacent_need",
    "api_growth",
    "approaching_limit",
    "budget_event",
    "champion_left",
    "champion_moved",
    "champion_promotion",
    "churn_propensity",
    "commit_fit",
    "competitor_export",
    "competitor_logo",
    "critical_tickets_open",
    "cross_sell_propensity",
    "csat_drop",
    "executive_departure",
    "feature_abandonment",
    "higher_tier_request",
    "hiring_growth",
    "integration_growth",
    "layoffs",
    "limit_hit",
    "new_department",
    "new_executive",
    "nps_detractor",
    "overage",
    "payment_trouble",
    "peer_purchasing",
    "peer_upgrade",
    "plan_limit_ticket",
    "power_users",
    "premium_trial",
    "price_complaint",
    "procurement_contact",
    "quiet_influencer",
    "seat_utilization",
    "sentiment_convergence",
    "sponsor_silent",
    "sustained_utilization",
    "teaser_clicks",
    "ticket_spike",
    "uncovered_buying_center",
    "underused_contract",
    "usage_decline",
    "usage_doubling",
    "use_case_expansion",
    "workaround_use",
];

#[test]
fn the_catalogue_holds_every_signal_and_has_no_problem() {
    let catalogue = catalogue();
    let names: Vec<&str> = catalogue.signals.keys().map(String::as_str).collect();
    assert_eq!(names, SIGNALS);
    assert_eq!(catalogue.problems(&catalogue), Vec::<String>::new());
}

#[test]
fn risk_signals_carry_the_risk_play() {
    use foothold::vocabulary::Play::RenewalRisk;
    for (name, spec) in catalogue().signals {
        assert_eq!(spec.play == RenewalRisk, spec.direction == Direction::Risk, "{name}");
    }
}

#[test]
fn a_misspelt_signal_or_threshold_is_named_with_what_was_meant() {
    let built_in = catalogue();
    let hint = built_in.unknown_signal("seat_utilisation").expect("unknown");
    assert_eq!(hint, "unknown signal `seat_utilisation`; did you mean `seat_utilization`?");
    assert_eq!(built_in.unknown_signal("zzz").as_deref(), Some("unknown signal `zzz`"));
    assert_eq!(built_in.unknown_signal("review_below"), None);

    let mut merged = built_in.clone();
    merged.signals.get_mut("overage").expect("there").thresholds.insert("ower".into(), 1.0);
    merged.signals.get_mut("layoffs").expect("there").expires_days = 0;
    merged.signals.get_mut("api_growth").expect("there").thresholds.remove("growth");
    merged.review_below = 2.0;
    let problems = merged.problems(&built_in).join("\n");
    for expected in [
        "signals.review_below is 2",
        "unknown threshold of signal `overage` `ower`; did you mean `over`?",
        "signals.layoffs.expires_days is 0",
        "signals.api_growth.thresholds.growth is missing",
    ] {
        assert!(problems.contains(expected), "{expected} not in\n{problems}");
    }
}

#[test]
fn confidence_is_the_prior_until_outcomes_are_known() {
    let mut bench = bench();
    bench.fact(("critical_tickets_open", None, 0, 1.0, None));
    let signal = bench.one("critical_tickets_open");
    assert_eq!((signal.confidence.get(), signal.confidence_basis.as_str()), (0.8, "prior"));
    for n in 0..30 {
        bench.learned.count("critical_tickets_open", n < 3);
    }
    let signal = bench.one("critical_tickets_open");
    assert!((signal.confidence.get() - (8.0 + 3.0) / 40.0).abs() < 1e-12);
    assert_eq!(signal.confidence_basis, "learned, n = 30");
    assert!(signal.needs_review, "0.275 is low");
}

#[test]
fn a_new_signal_type_is_reviewed_until_it_settled() {
    let mut bench = bench();
    bench.fact(("critical_tickets_open", None, 0, 1.0, None));
    assert!(!bench.one("critical_tickets_open").needs_review);
    bench.catalogue.signals.get_mut("critical_tickets_open").expect("there").new = true;
    assert!(bench.one("critical_tickets_open").needs_review);
    (0..20).for_each(|_| bench.learned.count("critical_tickets_open", true));
    assert!(!bench.one("critical_tickets_open").needs_review);
}

#[test]
fn a_disabled_signal_is_silent() {
    let mut bench = bench();
    bench.fact(("critical_tickets_open", None, 0, 1.0, None));
    bench.catalogue.signals.get_mut("critical_tickets_open").expect("there").enabled = false;
    assert!(!bench.fires("critical_tickets_open"));
}

#[test]
fn signals_come_in_one_order_with_ids_of_their_own() {
    let mut bench = bench();
    bench.facts(&[("critical_tickets_open", None, 0, 1.0, None), ("days_overdue_max", None, 0, 30.0, None)]);
    bench.facts(&[("days_since_event:layoffs", None, 0, 3.0, None), ("days_since_event:funding", None, 0, 3.0, None)]);
    for (id, kind) in [("e1", EventKind::Layoffs), ("e2", EventKind::Funding)] {
        bench.world.account_event(id, "acme", kind, day("2026-03-28"));
    }
    let mut storage = seats();
    (storage.metric, storage.used, storage.days_above_threshold) = ("storage_gb", 95.0, 20);
    bench.ceiling(storage.clone());
    (storage.metric, storage.used) = ("seats", 90.0);
    bench.ceiling(storage);
    let signals = bench.signals();
    let names: Vec<&str> = signals.iter().map(|s| &*s.signal).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert_eq!(names.iter().filter(|name| **name == "sustained_utilization").count(), 2, "one per ceiling");
    let extracts = bench.world.build();
    let mut ids: Vec<foothold::vocabulary::StableId> = signals.iter().map(|signal| signal.id(&extracts)).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), signals.len());
}

#[test]
fn signals_without_their_tables_are_unavailable_not_silent() {
    let mut world = WorldBuilder::default();
    world.account("acme");
    for table in [InputTable::Usage, InputTable::Subscriptions, InputTable::Conversations, InputTable::Contacts] {
        world.available(table);
    }
    let extracts = world.build();
    let classifier = Classifier::new(&extracts, &catalogue(), &text_settings(), &Learned::default());
    let unavailable = classifier.unavailable(&extracts);
    let missing =
        |name: &str| unavailable.iter().find(|(signal, _)| &**signal == name).map(|(_, tables)| tables.clone());
    assert_eq!(missing("seat_utilization"), Some(vec![InputTable::Entitlements]));
    assert_eq!(missing("plan_limit_ticket"), None, "conversations will do");
    assert_eq!(missing("csat_drop"), Some(vec![InputTable::Tickets, InputTable::Surveys]), "either would do");
    assert_eq!(missing("usage_decline"), None);
    assert!(unavailable.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn nothing_fires_on_an_account_without_facts() {
    assert!(bench().signals().is_empty());
    assert_eq!(TODAY, "2026-03-31");
}

proptest! {
    #[test]
    fn strength_rises_with_the_change_and_stays_within_its_range(a in -1e6..1e6f64, b in -1e6..1e6f64, from in -100.0..100.0f64, span in 0.01..100.0f64) {
        let (low, high) = (a.min(b), a.max(b));
        let rising = |value| saturating(value, from, from + span);
        let falling = |value| saturating(value, from, from - span);
        prop_assert!(rising(low) <= rising(high) && falling(low) >= falling(high));
        prop_assert!((0.4..=1.0).contains(&rising(a)) && (0.4..=1.0).contains(&falling(a)));
    }

    #[test]
    fn confidence_stays_a_probability_and_moves_towards_the_outcomes(confirmed in 0u32..1000, refuted in 0u32..1000) {
        let spec = catalogue().signals["overage"].clone();
        let prior = Track::default().confidence(&spec).get();
        let track = Track { confirmed, n: confirmed + refuted };
        let learned = track.confidence(&spec).get();
        prop_assert!(learned > 0.0 && learned < 1.0);
        if track.n > 0 {
            let seen = f64::from(confirmed) / f64::from(track.n);
            prop_assert!(learned >= prior.min(seen) && learned <= prior.max(seen));
        }
    }

    /// Whatever the observations say, every signal rests on them, gives its numbers and stays in range.
    #[test]
    fn every_signal_is_lawful_on_arbitrary_facts(values in prop::collection::vec((0usize..40, 0usize..7, -10.0..1e5f64, prop::option::of(0.0..1e4f64)), 1..60)) {
        const METRICS: [(&str, bool); 40] = [
            ("api_calls", true), ("active_users", false), ("usage_index", false), ("teaser_events", true), ("teaser_users", true),
            ("trial_users", true), ("trial_days", true), ("new_power_users", false), ("power_users", false), ("workaround_events", true),
            ("workaround_users", true), ("use_case_shift", false), ("use_case_share:x", false), ("features_abandoned", false),
            ("feature_abandoned:x", true), ("integrations_connected", false), ("integration_categories_new", false),
            ("competing_integrations", true), ("tickets_opened", false), ("critical_tickets_open", false), ("csat_mean", false),
            ("csat_answers", false), ("nps_latest", false), ("executive_meetings", false), ("days_overdue_max", false),
            ("invoices_disputed", false), ("days_late_mean", false), ("invoices_issued", false), ("units_utilization", true),
            ("seats", true), ("days_since_event:case_study", false), ("tenure_days", false), ("days_since_upgrade", false),
            ("export_events", false), ("p1_open", false), ("escalations_open", false), ("overdue_amount", false),
            ("invoices_overdue", false), ("tickets_escalated", false), ("survey_csat_mean", false),
        ];
        let mut bench = bench();
        for (metric, window, value, baseline) in values {
            let ((metric, of_product), window) = (METRICS[metric], [0, 7, 30, 60, 90, 180, 365][window]);
            bench.fact((metric, of_product.then_some("desk"), window, value, baseline));
        }
        bench.signals();
    }
}
