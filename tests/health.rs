//! Health: the measures' table is monotone, missing dimensions re-weight, and high risk is never green.

use foothold::capacity;
use foothold::extracts::{self, Extracts};
use foothold::health::{ASKED, Dimension, Health, Inputs, MEASURES, Measure, Reading, Settings, assess, score};
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::models::Propensity;
use foothold::observations::{self, AccountObservations, Fact, Metric, Observation, observe, observe_asked};
use foothold::signals::{Detail, Signal};
use foothold::stakeholders::StakeholderMap;
use foothold::store::Access;
use foothold::vocabulary::*;
use proptest::prelude::*;

use crate::support::night::{job, world as simulated};
use crate::support::{WorldBuilder, day, default_settings};

const TODAY: &str = "2026-03-31";
const CONTRACT_END: &str = "2026-12-31";

fn settings() -> Settings {
    default_settings("health")
}

fn observation(metric: &str, product: Option<ProductIx>, window_days: i32, value: f64) -> Observation {
    let metric = (Metric::named(metric), metric.into());
    Observation::new((AccountIx(0), day(TODAY)), metric, product, window_days, Fact::new(value, 1))
}

fn fact(metric: Metric, window_days: i32, value: f64) -> Observation {
    observation(metric.name(), None, window_days, value)
}

fn changed(metric: Metric, window_days: i32, value: f64, baseline: f64) -> Observation {
    let fact = Fact::new(value, 1).against(Some(baseline));
    Observation::new((AccountIx(0), day(TODAY)), (metric, metric.text()), None, window_days, fact)
}

fn facts(observations: Vec<Observation>) -> AccountObservations {
    AccountObservations { observations, capacity: Vec::new() }
}

fn world() -> Extracts {
    let mut world = WorldBuilder::default();
    world.account("acme").csm = Some("Kim Park".into());
    world.product("crm", &[("basic", 1, 100.0)]);
    world.subscription("s", "acme", "crm", "basic", day("2025-01-01")).ends_on = Some(day(CONTRACT_END));
    world.build()
}

fn assessed(
    observations: Vec<Observation>,
    signals: &[Signal],
    churn: Option<&Propensity>,
    before: Option<f64>,
) -> Health {
    assessed_on(TODAY, observations, signals, churn, before)
}

fn assessed_on(
    on: &str,
    observations: Vec<Observation>,
    signals: &[Signal],
    churn: Option<&Propensity>,
    before: Option<f64>,
) -> Health {
    let extracts = world();
    let view = View::new(&extracts, day(on));
    let inputs = Inputs {
        view,
        account: AccountIx(0),
        contract: &Contract::on(view, AccountIx(0)),
        facts: &facts(observations),
        stakeholders: &StakeholderMap::default(),
        signals,
        churn,
        score_30d_ago: before,
    };
    assess(&inputs, &settings())
}

/// What only the four required tables and entitlements allow: use, utilisation and the contract's value.
fn usage_and_contract(active: f64, before: f64, utilization: f64) -> Vec<Observation> {
    vec![
        changed(Metric::ActiveUsers, 30, active, before),
        changed(Metric::ActiveUsers, 90, active, before),
        observation(Metric::UnitsUtilization.name(), Some(ProductIx(0)), 60, utilization),
        changed(Metric::Arr, 0, 6_000.0, 6_000.0),
    ]
}

fn risk(name: &str, strength: f64, confidence: f64) -> Signal {
    Signal {
        account: AccountIx(0),
        product: None,
        signal: name.into(),
        play: Play::RenewalRisk,
        direction: Direction::Risk,
        category: Category::Product,
        strength: Probability::clamped(strength),
        confidence: Probability::clamped(confidence),
        confidence_basis: "prior".into(),
        detected_on: day(TODAY),
        since: None,
        expires_on: day(TODAY).plus(30),
        needs_review: false,
        evidence: "Something happened.".into(),
        observations: vec![0],
        detail: Detail::default(),
    }
}

fn churn(probability: f64, abstained: Option<&str>) -> Propensity {
    Propensity {
        kind: PropensityKind::Churn,
        product: None,
        horizon_days: 180,
        probability: Probability::clamped(probability),
        interval: None,
        percentile: 90.0,
        lift: 2.0,
        model_id: "m".into(),
        base_log_odds: 0.0,
        drivers: Vec::new(),
        what_would_change: None,
        abstained: abstained.map(Into::into),
    }
}

#[test]
fn with_usage_and_contracts_alone_a_steady_account_is_green_and_a_stopped_one_red() {
    let steady = assessed(usage_and_contract(40.0, 40.0, 0.8), &[], None, None);
    assert_eq!(steady.color, Color::Green, "{steady:?}");
    assert_eq!(steady.unavailable, ["relationship", "support"]);
    assert_eq!((steady.relationship, steady.support), (None, None));
    let [product, relationship, support, financial] = steady.weights;
    assert!((product - 0.35 / 0.55).abs() < 1e-12 && (financial - 0.20 / 0.55).abs() < 1e-12);
    assert_eq!((relationship, support), (0.0, 0.0));

    let stopped = assessed(usage_and_contract(0.0, 0.0, 0.0), &[], None, None);
    assert_eq!((stopped.color, stopped.risk_level), (Color::Red, Level::High), "{stopped:?}");
    let halved = assessed(usage_and_contract(20.0, 40.0, 0.4), &[], None, None);
    assert_eq!(halved.color, Color::Red, "{halved:?}");
    let eased = assessed(usage_and_contract(34.0, 40.0, 0.65), &[], None, None);
    assert_eq!(eased.color, Color::Yellow, "{eased:?}");
}

#[test]
fn an_account_whose_series_all_fell_to_zero_has_stopped_even_without_active_users() {
    let product = Some(ProductIx(0));
    let stopped = vec![observation("api_calls", product, 30, 0.0), observation("seats", product, 30, 20.0)];
    let health = assessed(stopped, &[], None, None);
    assert_eq!((health.product, health.color), (Some(0.0), Color::Red));
    assert!(health.reasons[0].contains("No use at all"), "{:?}", health.reasons);
    let running = vec![observation("api_calls", product, 30, 3.0), observation("seats", product, 30, 20.0)];
    assert_eq!(assessed(running, &[], None, None).product, None, "one level says nothing about change");
}

#[test]
fn of_an_account_without_any_fact_nothing_is_claimed() {
    let health = assessed(Vec::new(), &[], None, None);
    assert_eq!((health.score, health.color, health.weights), (50.0, Color::Yellow, [0.0; 4]));
    assert_eq!(health.unavailable.len(), 4);
}

#[test]
fn the_score_is_the_weighted_mean_of_its_dimensions() {
    let mut rows = usage_and_contract(38.0, 40.0, 0.7);
    rows.push(fact(Metric::DaysSinceContact, 0, 20.0));
    rows.push(fact(Metric::CriticalTicketsOpen, 0, 1.0));
    let health = assessed(rows, &[], None, None);
    let dimensions = [health.product, health.relationship, health.support, health.financial];
    let sum: f64 = dimensions.iter().zip(health.weights).map(|(score, weight)| score.unwrap() * weight).sum();
    assert!((sum - health.score).abs() < 1e-9);
    assert!((health.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn high_risk_is_never_green() {
    let good = || usage_and_contract(44.0, 40.0, 0.9);
    assert_eq!(assessed(good(), &[], None, None).color, Color::Green);
    let acute = assessed(good(), &[risk("champion_left", 0.85, 0.8)], None, None);
    assert_eq!((acute.color, acute.risk_level), (Color::Yellow, Level::High));
    let likely = churn(0.6, None);
    assert_eq!(assessed(good(), &[], Some(&likely), None).color, Color::Yellow);
    let abstained = churn(0.6, Some("12 positives"));
    let health = assessed(good(), &[], Some(&abstained), None);
    assert_eq!((health.color, health.churn_probability), (Color::Green, None), "an abstaining model decides nothing");
}

#[test]
fn a_former_customer_is_red_whatever_its_last_facts_say() {
    let health = assessed_on("2027-01-15", usage_and_contract(44.0, 40.0, 0.9), &[], None, None);
    assert_eq!((health.color, health.risk_level), (Color::Red, Level::High));
    assert_eq!(health.reasons[0], "No contract in force");
}

#[test]
fn a_falling_score_or_a_notable_risk_is_medium() {
    let good = || usage_and_contract(44.0, 40.0, 0.9);
    let fallen = assessed(good(), &[], None, Some(99.0));
    assert_eq!((fallen.risk_level, fallen.color), (Level::Medium, Color::Green));
    assert!(fallen.trend_30d.unwrap() < -8.0);
    assert!(fallen.reasons.iter().any(|reason| reason.starts_with("Health fell by")), "{:?}", fallen.reasons);
    assert!(fallen.recommended_actions.iter().any(|action| action.contains("business review")));
    assert_eq!(assessed(good(), &[risk("sponsor_silent", 0.8, 0.5)], None, None).risk_level, Level::Medium);
    assert_eq!(assessed(good(), &[risk("sponsor_silent", 0.4, 0.5)], None, None).risk_level, Level::Low);
}

#[test]
fn more_tickets_are_engagement_while_satisfaction_is_good() {
    let with = |tickets: f64, csat: f64| {
        assessed(
            vec![changed(Metric::TicketsOpened, 30, tickets, 3.0), fact(Metric::CsatMean, 90, csat)],
            &[],
            None,
            None,
        )
        .support
        .unwrap()
    };
    assert_eq!(with(12.0, 8.5), with(3.0, 8.5));
    assert!(with(12.0, 6.0) < with(3.0, 6.0) - 10.0);
}

#[test]
fn reasons_and_actions_are_concrete() {
    let mut rows = usage_and_contract(40.0, 40.0, 0.8);
    rows.push(fact(Metric::CriticalTicketsOpen, 0, 3.0));
    rows.push(fact(Metric::DaysSinceSponsorContact, 0, 80.0));
    let health = assessed(rows, &[], None, None);
    assert!(health.reasons.contains(&"3 critical tickets open".to_owned()), "{:?}", health.reasons);
    assert!(health.reasons.contains(&"Last contact with a sponsor 80 days ago".to_owned()), "{:?}", health.reasons);
    let wanted = "CSM Kim Park: get an engineering owner and a date for the 3 open critical tickets, by 2 Apr 2026";
    assert!(health.recommended_actions.contains(&wanted.to_owned()), "{:?}", health.recommended_actions);
}

#[test]
fn nothing_and_today_are_said_in_words() {
    let mut rows = usage_and_contract(40.0, 40.0, 0.8);
    rows.push(changed(Metric::FeaturesAbandoned, 30, 0.0, 6.0));
    rows.push(fact(Metric::DaysSinceContact, 0, 0.0));
    rows.push(changed(Metric::TicketsOpened, 30, 0.0, 3.0));
    let reasons = assessed(rows, &[], None, None).reasons;
    assert!(reasons.iter().all(|reason| !reason.starts_with("0 ") && !reason.contains(" 0 ")), "{reasons:?}");
    assert!(reasons.contains(&"Last contact today".to_owned()), "{reasons:?}");
}

#[test]
fn every_scale_is_monotone_within_0_and_100() {
    for measure in MEASURES {
        let knots = measure.scale.0;
        assert!(knots.len() >= 2 && knots.windows(2).all(|pair| pair[0].0 < pair[1].0), "{:?}", measure.metric);
        let rises = knots.windows(2).all(|pair| pair[0].1 <= pair[1].1);
        let falls = knots.windows(2).all(|pair| pair[0].1 >= pair[1].1);
        assert!(rises != falls, "{:?} is neither rising nor falling", measure.metric);
        assert!(knots.iter().all(|(_, points)| (0.0..=100.0).contains(points)), "{:?}", measure.metric);
        assert_eq!(measure.scale.score(knots[0].0 - 1e9), knots[0].1);
        assert_eq!(measure.scale.score(knots[knots.len() - 1].0 + 1e9), knots[knots.len() - 1].1);
    }
    for dimension in Dimension::ALL {
        assert!(MEASURES.iter().any(|measure| measure.dimension == *dimension));
    }
}

/// The observation that makes a measure read `reading`.
fn reading_of(measure: &Measure, reading: f64) -> Option<Observation> {
    let (metric, window) = (measure.metric, measure.window_days);
    Some(match measure.reading {
        Reading::Value => fact(metric, window, reading),
        Reading::Change => changed(metric, window, 100.0 * (1.0 + reading), 100.0),
        Reading::OfBaseline => changed(metric, window, 10.0 * reading, 10.0),
        Reading::MeanOfProducts => observation(metric.name(), Some(ProductIx(0)), window, reading),
        Reading::Highest => observation(&metric.of("seats"), Some(ProductIx(0)), window, reading),
        Reading::TicketSurge => changed(metric, window, 10.0 * (1.0 + reading) - 2.0, 8.0),
        Reading::Stopped => return None,
    })
}

fn at(measure: &Measure, position: f64) -> f64 {
    let knots = measure.scale.0;
    let (low, high) = (knots[0].0, knots[knots.len() - 1].0);
    low + (high - low) * position
}

proptest! {
    /// Whatever an account's facts are: one reading made worse never raises the score, and no score leaves 0–100.
    #[test]
    fn a_worse_reading_never_raises_the_score(
        present in proptest::collection::vec(any::<bool>(), MEASURES.len()),
        positions in proptest::collection::vec(-0.2f64..1.2, MEASURES.len()),
        which in 0..MEASURES.len(),
        worse_by in 0.0f64..1.0,
    ) {
        let rows = |shift: f64| {
            let rows = MEASURES.iter().enumerate().filter(|(n, _)| present[*n] || *n == which);
            let rows = rows.filter_map(|(n, measure)| {
                let way = if measure.scale.rises() { -shift } else { shift };
                reading_of(measure, at(measure, positions[n] + if n == which { way } else { 0.0 }))
            });
            facts(rows.collect())
        };
        let (before, after) = (score(&rows(0.0), &settings()), score(&rows(worse_by), &settings()));
        prop_assert!((0.0..=100.0).contains(&before));
        prop_assert!(after <= before + 1e-9, "{:?} worse raised {before} to {after}", MEASURES[which].metric);
    }
}

/// All but the day on which it changed.
fn measured(o: &Observation) -> (Metric, String, Option<ProductIx>, i32, f64, Option<f64>, u32) {
    (o.measured(), o.metric().to_owned(), o.product(), o.window_days(), o.value, o.baseline(), o.source_rows())
}

#[test]
fn the_score_rests_on_the_observations_that_it_asks_for() {
    let last = day("2026-06-30");
    let job = job(&simulated(40, 400, 5), "memory://nowhere");
    let extracts = extracts::load(&job.settings.extracts, &Access::default(), last, &|_| {}).expect("sound");
    let windows: observations::Settings = default_settings("observations");
    let context = capacity::Context::learn(View::new(&extracts, last), &default_settings("capacity"));
    let mut read = std::collections::BTreeSet::new();
    for (back, account) in (0..4).flat_map(|n| extracts.account_indices().map(move |account| (40 * n, account))) {
        let view = View::new(&extracts, last.minus(back));
        let all = observe(view, account, &windows, &context);
        let asked = observe_asked(view, account, &windows, &context.calendar, &ASKED);
        let wanted = all.observations.iter().filter(|o| ASKED.window(o.measured(), o.window_days()));
        assert_eq!(
            asked.observations.iter().map(measured).collect::<Vec<_>>(),
            wanted.map(measured).collect::<Vec<_>>(),
        );
        assert_eq!(score(&asked, &settings()).to_bits(), score(&all, &settings()).to_bits());
        read.extend(MEASURES.iter().enumerate().filter(|(_, m)| m.read(&asked).is_some()).map(|(at, _)| at));
    }
    assert!(read.len() * 10 >= MEASURES.len() * 9, "the world shows {} of {} measures", read.len(), MEASURES.len());
}
