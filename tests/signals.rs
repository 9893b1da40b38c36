//! Each signal: where it fires, where it does not, and exactly at its threshold.

use foothold::extracts::tables::{EventKind, FeatureKind, Period, SurveyKind};
use foothold::history::View;
use foothold::models::Propensity;
use foothold::peers::{Neighbour, PurchaseRate};
use foothold::signals::Benchmark;
use foothold::vocabulary::*;

use crate::support::bench::{Bench, Ceiling, Fact, bench, seats};
use crate::support::day;

fn with(ceiling: Ceiling) -> Bench {
    let mut bench = bench();
    bench.ceiling(ceiling);
    bench
}

fn having(facts: &[Fact]) -> Bench {
    let mut bench = bench();
    bench.facts(facts);
    bench
}

const CRM: Option<&str> = Some("crm");
const DESK: Option<&str> = Some("desk");

// ── ceilings ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn seats_that_fill_up_fire_and_faster_growth_is_stronger() {
    let filling = |used, daily_growth| with(Ceiling { used, daily_growth, ..seats() });
    let slow = filling(82.0, 0.1).one("seat_utilization");
    let fast = filling(82.0, 20.0 / 60.0).one("seat_utilization");
    assert!(fast.strength > slow.strength && (fast.strength.get() - 0.85).abs() < 1e-9);
    assert!(fast.evidence.starts_with("Seats at 82 % of 100 (82 in use), up 10 in 30 days"), "{}", fast.evidence);
    assert!(filling(80.0, 0.1).fires("seat_utilization"), "at the threshold");
    assert!(!filling(79.9, 0.5).fires("seat_utilization"));
    assert!(!filling(95.0, 0.0).fires("seat_utilization"), "full but not growing");
    assert!(
        !with(Ceiling { limit: 4.0, used: 4.0, daily_growth: 0.1, ..seats() }).fires("seat_utilization"),
        "a tiny team"
    );
}

#[test]
fn sustained_use_counts_days_in_a_row() {
    let days = |days_above_threshold| with(Ceiling { used: 90.0, days_above_threshold, ..seats() });
    let signal = days(14).one("sustained_utilization");
    assert_eq!(signal.since, Some(day("2026-03-18")));
    assert!(!days(13).fires("sustained_utilization"));
}

#[test]
fn an_approaching_limit_lies_before_the_renewal_and_near() {
    let breach = |on| {
        with(Ceiling { used: 90.0, daily_growth: 0.2, breach_p50: Some(on), breach_before_renewal: 0.9, ..seats() })
    };
    let signal = breach("2026-05-10").one("approaching_limit");
    assert!(signal.evidence.contains("around 10 May 2026, before the renewal on 1 Jan 2027"), "{}", signal.evidence);
    assert!(breach("2026-06-29").fires("approaching_limit"), "90 days away");
    assert!(!breach("2026-06-30").fires("approaching_limit"), "91 days away");
    assert!(!breach("2026-03-31").fires("approaching_limit"), "reached already");
    let sure = with(Ceiling {
        used: 90.0,
        daily_growth: 0.2,
        breach_p50: Some("2026-05-10"),
        breach_before_renewal: 0.9987,
        ..seats()
    });
    assert!(sure.one("approaching_limit").evidence.ends_with("(more than 99 % likely)."));
    let mut late = breach("2026-05-10");
    late.world.subscription("s1", "acme", "crm", "basic", day("2024-01-01")).ends_on = Some(day("2026-05-01"));
    assert!(!late.fires("approaching_limit"), "the renewal comes first");
}

#[test]
fn overage_is_above_the_ceiling_not_at_it_and_no_single_day() {
    let over = |used, days_at_limit_30d| with(Ceiling { used, days_at_limit_30d, ..seats() });
    let signal = over(140.0, 20).one("overage");
    assert!(signal.evidence.starts_with("Seats at 140 % of the ceiling of 100, 40 % over, with 276 days"));
    assert!(!over(100.0, 20).fires("overage"));
    assert!(!over(120.0, 1).fires("overage"));
}

#[test]
fn a_monthly_ceiling_passed_last_month_is_overage_on_the_first_of_this_month() {
    let calls = Ceiling { metric: "api_calls", period: Period::Month, limit: 1e5, used: 3e3, ..seats() };
    let mut bench = with(calls.clone());
    assert!(!bench.fires("overage"));
    bench.fact(("ceiling_utilization:api_calls", CRM, 30, 1.2, None));
    assert!(bench.one("overage").evidence.contains("API calls at 120 % of the ceiling of 100,000 a month"));
}

#[test]
fn a_hard_ceiling_hit_again_and_again() {
    let hits = |metric, days_at_limit_30d| with(Ceiling { metric, used: 100.0, days_at_limit_30d, ..seats() });
    assert!(hits("storage_gb", 5).one("limit_hit").evidence.contains("on 5 of the last 30 days"));
    assert!(!hits("storage_gb", 4).fires("limit_hit"));
    assert!(!hits("seats", 20).fires("limit_hit"), "seats have signals of their own");
}

#[test]
fn steady_overage_or_growth_fits_a_commitment_unless_one_is_made() {
    let mut over = with(Ceiling { used: 120.0, days_at_limit_30d: 20, ..seats() });
    assert!(over.fires("commit_fit"));
    over.world.subscription("s1", "acme", "crm", "basic", day("2024-01-01")).term_months = Some(36);
    assert!(!over.fires("commit_fit"), "a multi-year term is a commitment already");

    let mut grown = with(Ceiling { used: 70.0, breach_before_renewal: 0.9, ..seats() });
    grown.facts(&[("seats", CRM, 180, 130.0, Some(100.0)), ("seats", CRM, 90, 140.0, Some(120.0))]);
    assert!(grown.one("commit_fit").evidence.contains("+30 % over 180 days"));
    grown.fact(("seats", CRM, 180, 129.0, Some(100.0)));
    assert!(!grown.fires("commit_fit"));
}

#[test]
fn an_underused_contract_stays_low_and_is_neither_new_nor_freshly_upgraded() {
    let shares =
        |long, now| having(&[("units_utilization", CRM, 60, long, None), ("units_utilization", CRM, 7, now, None)]);
    assert!(shares(0.5, 0.4).fires("underused_contract"));
    assert!(!shares(0.51, 0.4).fires("underused_contract"));
    assert!(!shares(0.4, 0.7).fires("underused_contract"), "use came back");
    let mut upgraded = shares(0.3, 0.3);
    upgraded.fact(("days_since_upgrade", None, 0, 89.0, None));
    assert!(!upgraded.fires("underused_contract"));
    let mut fresh = shares(0.3, 0.3);
    fresh.fact(("tenure_days", None, 0, 100.0, None));
    assert!(!fresh.fires("underused_contract"));
}

// ── usage ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// `now` in the last 30 days, the geometric middle before, `before` in days 61–90.
fn calls(now: f64, before: f64) -> Bench {
    let middle = (now * before).sqrt().round();
    having(&[
        ("api_calls", CRM, 30, now, Some(middle)),
        ("api_calls", CRM, 60, now + middle, None),
        ("api_calls", CRM, 90, now + middle + before, Some(3.0 * before)),
    ])
}

#[test]
fn api_calls_grow_threefold_from_a_real_level_after_the_ramp_up() {
    let signal = calls(9_000.0, 2_000.0).one("api_growth");
    assert!(signal.evidence.contains("9,000 in 30 days from 2,000"), "{}", signal.evidence);
    assert!(calls(6_000.0, 2_000.0).fires("api_growth"), "three times");
    assert!(!calls(5_900.0, 2_000.0).fires("api_growth"));
    assert!(!calls(3_000.0, 500.0).fires("api_growth"), "from next to nothing");
    let mut ramp = calls(9_000.0, 2_000.0);
    ramp.fact(("tenure_days", None, 0, 120.0, None));
    assert!(!ramp.fires("api_growth"), "a ramp-up");
}

/// The same for the mean of active users.
fn users(now: f64, before: f64) -> Bench {
    let middle = (now * before).sqrt().round();
    let quarter = (now + middle + before) / 3.0;
    having(&[
        ("active_users", None, 30, now, Some(middle)),
        ("active_users", None, 60, (now + middle) / 2.0, None),
        ("active_users", None, 90, quarter, Some(before)),
    ])
}

#[test]
fn active_use_doubles_but_three_to_six_users_is_no_doubling() {
    assert!(users(40.0, 20.0).one("usage_doubling").evidence.contains("rose to 40 in the last 30 days from 20"));
    assert!(!users(39.0, 20.0).fires("usage_doubling"));
    assert!(!users(6.0, 3.0).fires("usage_doubling"));
}

#[test]
fn a_decline_names_the_day_it_began_and_a_dip_that_is_over_is_none() {
    let mut falling = having(&[("active_users", None, 7, 28.0, None), ("active_users", None, 30, 30.0, Some(40.0))]);
    falling.fact(("active_users", None, 90, 36.0, Some(41.0))).since("2026-03-02");
    let signal = falling.one("usage_decline");
    assert_eq!(signal.since, Some(day("2026-03-02")));
    assert!(signal.evidence.contains("fell 25 % to 30 over 30 days, from 40; the decline began around 2 Mar 2026"));
    falling.fact(("active_users", None, 7, 39.0, None));
    assert!(!falling.fires("usage_decline"), "the last week is back at the old level");
    assert!(!having(&[("active_users", None, 30, 31.0, Some(40.0))]).fires("usage_decline"), "less than a quarter");
    assert!(!having(&[("active_users", None, 30, 1.0, Some(4.0))]).fires("usage_decline"), "four users");
    assert!(having(&[("usage_index", None, 30, 0.5, Some(1.0))]).fires("usage_decline"), "without metered users");
}

#[test]
fn daily_users_down_by_forty_percent_in_a_month() {
    let drop =
        |week, month| having(&[("active_users", None, 7, week, None), ("active_users", None, 30, month, Some(50.0))]);
    assert!(drop(30.0, 40.0).one("active_users_drop").evidence.contains("down 40 % in a month: 30 in the last week"));
    assert!(!drop(30.5, 40.0).fires("active_users_drop"));
    assert!(!drop(20.0, 45.5).fires("active_users_drop"), "a few quiet days in a normal month");
}

// ── features ───────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn three_teaser_clicks_in_a_month_point_at_the_tier() {
    let mut bench = having(&[("teaser_events", CRM, 30, 3.0, None)]);
    let teaser = bench.world.feature("forecasting", "crm");
    (teaser.kind, teaser.min_tier_rank) = (Some(FeatureKind::Teaser), Some(3));
    bench.world.feature_use("acme", "u1", "forecasting", day("2026-03-20"), 3);
    let signal = bench.one("teaser_clicks");
    assert_eq!(
        (signal.detail.tier.as_deref(), signal.evidence.as_str()),
        (Some("enterprise"), "3 clicks on forecasting in 30 days.")
    );
    assert!(!having(&[("teaser_events", CRM, 30, 2.0, None)]).fires("teaser_clicks"));
}

#[test]
fn fifteen_users_in_trial_weigh_more_than_a_persistent_one_and_a_single_click_is_nothing() {
    let trial = |users, days| having(&[("trial_users", CRM, 30, users, None), ("trial_days", CRM, 30, days, None)]);
    let (many, one) = (trial(15.0, 10.0).one("premium_trial"), trial(1.0, 4.0).one("premium_trial"));
    assert!(many.strength.get() > one.strength.get() + 0.3);
    assert!(!trial(1.0, 1.0).fires("premium_trial"));
    assert!(!trial(0.0, 0.0).fires("premium_trial"));
}

#[test]
fn new_power_users_rise_above_the_own_baseline() {
    assert!(having(&[("new_power_users", None, 30, 6.0, Some(3.0))]).fires("power_users"));
    assert!(!having(&[("new_power_users", None, 30, 5.0, Some(3.0))]).fires("power_users"));
    assert!(!having(&[("new_power_users", None, 30, 2.0, Some(0.0))]).fires("power_users"));
}

#[test]
fn a_workaround_points_at_a_product_that_is_not_owned() {
    let around = |product, events, users| {
        having(&[("workaround_events", product, 30, events, None), ("workaround_users", product, 30, users, None)])
    };
    let signal = around(DESK, 20.0, 2.0).one("workaround_use");
    assert!(signal.evidence.ends_with("20 times in 30 days, which stands in for desk."), "{}", signal.evidence);
    assert!(!around(DESK, 19.0, 2.0).fires("workaround_use"));
    assert!(!around(DESK, 50.0, 1.0).fires("workaround_use"), "one person's habit");
    assert!(!around(CRM, 50.0, 5.0).fires("workaround_use"), "owned already");
}

#[test]
fn a_shift_of_use_names_where_it_went() {
    let mut bench =
        having(&[("use_case_shift", None, 90, 0.25, None), ("use_case_share:support", None, 90, 0.4, Some(0.15))]);
    let signal = bench.one("use_case_expansion");
    assert!(
        signal.evidence.ends_with("since the first 90 days; support went from 15 % to 40 %."),
        "{}",
        signal.evidence
    );
    bench.fact(("use_case_shift", None, 90, 0.24, None));
    assert!(!bench.fires("use_case_expansion"));
}

#[test]
fn an_abandoned_feature_was_used_a_lot_before() {
    let left = |before| {
        having(&[
            ("features_abandoned", None, 30, 1.0, Some(6.0)),
            ("feature_abandoned:reports", CRM, 30, 0.0, Some(before)),
        ])
    };
    let signal = left(10.0).one("feature_abandonment");
    assert_eq!(signal.evidence, "1 of 6 features in regular use went unused for 30 days: reports.");
    assert!(!left(9.0).fires("feature_abandonment"), "so rare that a month without it means little");
}

// ── commercial ─────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn payment_trouble_is_overdue_disputed_or_a_habit() {
    assert!(having(&[("days_overdue_max", None, 0, 15.0, None)]).fires("payment_trouble"));
    assert!(!having(&[("days_overdue_max", None, 0, 14.0, None)]).fires("payment_trouble"));
    assert!(having(&[("invoices_disputed", None, 0, 1.0, None)]).fires("payment_trouble"));
    assert!(!having(&[("invoices_disputed", None, 0, 0.0, None)]).fires("payment_trouble"));
    let habit = |n| having(&[("days_late_mean", None, 180, 20.0, None), ("invoices_issued", None, 180, n, None)]);
    assert!(habit(2.0).fires("payment_trouble") && !habit(1.0).fires("payment_trouble"));
}

#[test]
fn integrations_grow_by_number_or_by_kind() {
    let grown = |n, kinds| {
        having(&[("integrations_connected", None, 90, n, None), ("integration_categories_new", None, 90, kinds, None)])
    };
    assert!(grown(2.0, 0.0).fires("integration_growth") && grown(1.0, 1.0).fires("integration_growth"));
    assert!(!grown(1.0, 0.0).fires("integration_growth"));
    let mut setup = grown(3.0, 2.0);
    setup.fact(("tenure_days", None, 0, 60.0, None));
    assert!(!setup.fires("integration_growth"), "a new customer sets up");
}

#[test]
fn a_competing_integration_is_named() {
    let mut bench = bench();
    let desk = bench.world.product_ix("desk");
    bench.world.integration("acme", "zendo", day("2026-02-01")).competes_with = Some(desk);
    bench.fact(("competing_integrations", DESK, 0, 1.0, None)).since("2026-02-01");
    let signal = bench.one("competitor_export");
    assert_eq!(signal.evidence, "1 integration with zendo connected since 1 Feb 2026, in competition with desk.");
    bench.fact(("competing_integrations", DESK, 0, 0.0, None));
    assert!(!bench.fires("competitor_export"));
}

// ── support ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Tickets of this month and of the five before it, and satisfaction now and before.
fn tickets(month: f64, earlier: f64, csat: Option<(f64, f64)>) -> Bench {
    let mut bench = having(&[
        ("tickets_opened", None, 30, month, Some(earlier / 5.0)),
        ("tickets_opened", None, 180, month + earlier, None),
        ("tickets_escalated", None, 30, 0.0, Some(0.0)),
    ]);
    if let Some((now, before)) = csat {
        bench.fact(("csat_mean", None, 30, now, Some(before)));
    }
    bench
}

#[test]
fn a_ticket_spike_is_trouble_only_with_worse_satisfaction() {
    let signal = tickets(12.0, 10.0, Some((6.5, 8.5))).one("ticket_spike");
    let expected =
        "12 tickets opened in 30 days against 2 a month before, and satisfaction stands at 6.5 of 10, after 8.5.";
    assert_eq!(signal.evidence, expected);
    assert!(!tickets(12.0, 10.0, Some((9.0, 8.5))).fires("ticket_spike"), "engagement");
    assert!(!tickets(12.0, 10.0, None).fires("ticket_spike"), "nobody was asked and nothing was escalated");
    assert!(!tickets(4.0, 1.0, Some((3.0, 8.0))).fires("ticket_spike"), "four tickets");
    assert!(!tickets(12.0, 40.0, Some((3.0, 8.0))).fires("ticket_spike"), "1.5 times the usual");
}

#[test]
fn critical_tickets_and_falling_satisfaction() {
    let mut open = having(&[("critical_tickets_open", None, 0, 1.0, None), ("p1_open", None, 0, 1.0, None)]);
    assert!(open.one("critical_tickets_open").evidence.starts_with("1 critical ticket open (1 priority 1)"));
    open.fact(("critical_tickets_open", None, 0, 0.0, None));
    assert!(!open.fires("critical_tickets_open"));

    let fall = |now, n| having(&[("csat_mean", None, 90, now, Some(8.0)), ("csat_answers", None, 90, n, Some(4.0))]);
    assert!(fall(6.5, 3.0).fires("csat_drop"));
    assert!(!fall(6.6, 3.0).fires("csat_drop"), "less than 1.5 points");
    assert!(!fall(4.0, 2.0).fires("csat_drop"), "two answers");
}

#[test]
fn a_detractor_answered_lately() {
    let nps = |score, on| {
        let mut bench = having(&[("nps_latest", None, 0, score, None)]);
        bench.world.survey("v1", "acme", SurveyKind::Nps, day(on), score);
        bench
    };
    assert_eq!(nps(6.0, "2026-03-03").one("nps_detractor").evidence, "NPS answer of 6 of 10 on 3 Mar 2026.");
    assert!(!nps(7.0, "2026-03-03").fires("nps_detractor"));
    assert!(!nps(2.0, "2025-09-01").fires("nps_detractor"), "more than half a year ago");
}

// ── external ───────────────────────────────────────────────────────────────────────────────────────────────────────

fn event(kind: EventKind, on: &str, magnitude: Option<f64>) -> Bench {
    let mut bench = bench();
    bench.world.account_event("e1", "acme", kind, day(on)).magnitude = magnitude;
    let metric = format!("days_since_event:{kind}");
    bench.fact((&metric, None, 0, f64::from(day("2026-03-31").since(day(on))), None));
    bench
}

#[test]
fn money_and_layoffs_are_told_with_their_day_and_fade() {
    let funding = event(EventKind::Funding, "2026-03-03", Some(12e6)).one("budget_event");
    assert_eq!(funding.evidence, "Funding of 12.00 M on 3 Mar 2026 (28 days ago).");
    let older = event(EventKind::Funding, "2025-12-31", Some(12e6)).one("budget_event");
    assert!(older.strength < funding.strength, "90 days ago counts, but less");
    assert!(!event(EventKind::Funding, "2025-12-30", None).fires("budget_event"));
    assert!(event(EventKind::Layoffs, "2026-03-03", Some(40.0)).fires("layoffs"));
    assert!(!event(EventKind::Layoffs, "2025-11-01", Some(40.0)).fires("layoffs"));
    assert!(event(EventKind::CompetitorLogo, "2026-03-03", None).fires("competitor_logo"));
    assert!(!event(EventKind::Funding, "2026-03-03", None).fires("competitor_logo"));
}

#[test]
fn hiring_counts_roles_and_weighs_the_department_that_uses_the_product() {
    assert!(event(EventKind::Hiring, "2026-03-03", Some(10.0)).fires("hiring_growth"));
    assert!(!event(EventKind::Hiring, "2026-03-03", Some(9.0)).fires("hiring_growth"));
    let mut own = bench();
    own.fact(("days_since_event:hiring", None, 0, 28.0, None));
    let hiring = own.world.account_event("e1", "acme", EventKind::Hiring, day("2026-03-03"));
    (hiring.magnitude, hiring.department) = (Some(9.0), Some("sales".into()));
    assert!(!own.fires("hiring_growth"));
    let user = own.world.user_ix("acme", "u1");
    let contact = own.world.contact("c1", "acme", day("2025-01-01"));
    (contact.user, contact.department) = (Some(user), Some("sales".into()));
    assert_eq!(
        own.one("hiring_growth").evidence,
        "9 roles open in sales, where the product is used, in the last 90 days."
    );
    let grown = |now| {
        let mut bench = event(EventKind::Headcount, "2026-03-03", Some(now));
        bench.fact(("event_magnitude:headcount", None, 90, now, Some(200.0)));
        bench
    };
    assert!(grown(220.0).fires("hiring_growth") && !grown(219.0).fires("hiring_growth"));
}

#[test]
fn three_signs_of_four_converge() {
    let mut bench = having(&[
        ("nps_latest", None, 0, 9.0, None),
        ("active_users", None, 60, 44.0, Some(40.0)),
        ("executive_meetings", None, 90, 1.0, None),
    ]);
    bench.world.survey("v1", "acme", SurveyKind::Nps, day("2026-02-01"), 9.0);
    let signal = bench.one("sentiment_convergence");
    let expected = "3 of 4 signs together: NPS 9, use +10 % over 60 days and 1 executive meeting in 90 days.";
    assert_eq!((signal.evidence.as_str(), signal.observations.len()), (expected, 3));
    bench.fact(("nps_latest", None, 0, 8.0, None));
    assert!(!bench.fires("sentiment_convergence"));
    bench.fact(("days_since_event:case_study", None, 0, 30.0, None));
    assert!(bench.fires("sentiment_convergence"));
}

// ── others ─────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn most_similar_accounts_upgraded() {
    let peers = |upgraded: usize, all: usize| {
        let mut bench = bench();
        let neighbour = |n| Neighbour { account: AccountIx(0), similarity: 0.9, upgraded: n < upgraded, past: 0 };
        bench.peers.neighbours = vec![(0..all).map(neighbour).collect()];
        bench
    };
    assert!(peers(6, 10).one("peer_upgrade").evidence.starts_with("6 of 10 similar accounts (60 %) upgraded"));
    assert!(!peers(5, 10).fires("peer_upgrade"));
    assert!(!peers(7, 7).fires("peer_upgrade"), "seven are too few");
}

fn rate(owned: u32, bought: u32, rate: f64, lift: f64) -> PurchaseRate {
    let (owned, bought) = (ProductIx(owned), ProductIx(bought));
    PurchaseRate { owned, bought, segment: None, owners: 40, buyers: (rate * 40.0) as u32, rate, lift }
}

#[test]
fn owners_of_the_same_bought_something_else() {
    let rates = |rates: Vec<PurchaseRate>| {
        let mut bench = bench();
        bench.peers.purchase_rates = rates;
        bench
    };
    let signal = rates(vec![rate(0, 1, 0.20, 2.0)]).one("peer_purchasing");
    assert_eq!(signal.product, Some(ProductIx(1)));
    assert_eq!(
        signal.evidence,
        "8 of 40 accounts that own crm bought desk within 12 months (20 %), 2 times the usual rate."
    );
    assert!(!rates(vec![rate(0, 1, 0.19, 2.0)]).fires("peer_purchasing"), "too rare");
    assert!(!rates(vec![rate(0, 1, 0.20, 1.4)]).fires("peer_purchasing"), "no more than usual");
    assert!(!rates(vec![rate(1, 0, 0.20, 2.0)]).fires("peer_purchasing"), "A is not owned");
    assert!(!rates(vec![rate(0, 1, 0.20, 1.6)]).fires("peer_purchasing"), "8 of 40 where 5 are usual is chance");
    let mut own_segment = rate(0, 1, 0.30, 2.0);
    own_segment.segment = Some("smb".into());
    let mut other_segment = rate(0, 1, 0.90, 2.0);
    other_segment.segment = Some("enterprise".into());
    let both = rates(vec![rate(0, 1, 0.20, 2.0), own_segment, other_segment]);
    assert_eq!(both.one("peer_purchasing").detail.value, Some(0.30), "the account's own segment decides");
}

#[test]
fn a_propensity_fires_in_the_top_decile_above_its_base_unless_the_model_abstains() {
    let scored = |kind, product: Option<u32>, percentile, lift, abstained: Option<&str>| {
        let mut bench = bench();
        bench.propensities.push(Propensity {
            kind,
            product: product.map(ProductIx),
            horizon_days: 180,
            probability: Probability::clamped(0.3),
            interval: None,
            percentile,
            lift,
            model_id: "m1".into(),
            base_log_odds: 0.0,
            drivers: Vec::new(),
            what_would_change: None,
            abstained: abstained.map(Into::into),
        });
        bench
    };
    use PropensityKind::{Churn, CrossSell};
    let signal = scored(CrossSell, Some(1), 90.0, 3.0, None).one("cross_sell_propensity");
    assert_eq!(
        signal.evidence,
        "The model gives buying desk within 180 days a probability of 30 %, 3 times the usual and above 90 % of all accounts."
    );
    assert!(!scored(CrossSell, Some(1), 89.0, 3.0, None).fires("cross_sell_propensity"));
    assert!(!scored(CrossSell, Some(1), 95.0, 1.0, None).fires("cross_sell_propensity"), "at its base rate");
    assert!(!scored(CrossSell, Some(1), 95.0, 3.0, Some("thin")).fires("cross_sell_propensity"));
    assert!(!scored(CrossSell, Some(0), 95.0, 3.0, None).fires("cross_sell_propensity"), "owned already");
    assert!(scored(Churn, None, 95.0, 3.0, None).fires("churn_propensity"));
    assert!(!scored(Churn, None, 95.0, 1.4, None).fires("churn_propensity"));
}

#[test]
fn churn_is_judged_within_the_segment_where_that_is_large_enough() {
    let scored = |probability: f64, percentile: f64| Propensity {
        kind: PropensityKind::Churn,
        product: None,
        horizon_days: 180,
        probability: Probability::clamped(probability),
        interval: None,
        percentile,
        lift: 2.0,
        model_id: "m1".into(),
        base_log_odds: 0.0,
        drivers: Vec::new(),
        what_would_change: None,
        abstained: None,
    };
    let mut bench = bench();
    bench.propensities.push(scored(0.10, 95.0));
    assert!(bench.fires("churn_propensity"), "high among all accounts");
    (0..20).for_each(|n| bench.world.account(&format!("other{n:02}")).segment = Some("smb".into()));
    let extracts = bench.world.build();
    let view = View::new(&extracts, day("2026-03-31"));
    let among = |others: f64| vec![vec![scored(others, 50.0)]; 21];
    bench.benchmark = Benchmark::of(view, &among(0.20));
    assert!(!bench.fires("churn_propensity"), "low for its segment");
    bench.benchmark = Benchmark::of(view, &among(0.05));
    assert!(bench.one("churn_propensity").evidence.ends_with("2 times the usual and above 99 % of segment smb."));
    assert_eq!(Benchmark::of(view, &among(0.20)[..19]).percentile("smb", 0.5), None, "nineteen accounts");
}
