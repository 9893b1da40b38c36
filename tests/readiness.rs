//! Readiness: parts, convergence of independent categories, tiers and the gate.

use foothold::extracts::Extracts;
use foothold::health::Health;
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::observations::AccountObservations;
use foothold::readiness::{Readiness, Settings, score};
use foothold::signals::{Detail, Signal};
use foothold::vocabulary::*;

use crate::support::{WorldBuilder, day, default_settings};

const TODAY: &str = "2026-03-31";

fn settings() -> Settings {
    default_settings("readiness")
}

fn signal(category: Category, direction: Direction) -> Signal {
    Signal {
        account: AccountIx(0),
        product: None,
        signal: "seat_utilization".into(),
        play: Play::Upsell,
        direction,
        category,
        strength: Probability::clamped(0.85),
        confidence: Probability::clamped(0.8),
        confidence_basis: "prior".into(),
        detected_on: day(TODAY),
        since: None,
        expires_on: day(TODAY).plus(30),
        needs_review: false,
        evidence: "Seats at 90 %.".into(),
        observations: vec![0],
        detail: Detail::default(),
    }
}

fn health(color: Color) -> Health {
    Health {
        score: 80.0,
        color,
        trend_30d: None,
        product: Some(80.0),
        relationship: Some(70.0),
        support: None,
        financial: None,
        weights: [0.5, 0.5, 0.0, 0.0],
        reasons: Vec::new(),
        risk_level: Level::Low,
        churn_probability: None,
        recommended_actions: Vec::new(),
        unavailable: Vec::new(),
    }
}

/// An account under contract from `start` to `end`.
fn contracted(start: &str, end: &str) -> Extracts {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world.product("crm", &[("basic", 1, 100.0)]);
    world.subscription("s", "acme", "crm", "basic", day(start)).ends_on = Some(day(end));
    world.build()
}

fn ready(extracts: &Extracts, signals: &[Signal], color: Color) -> Readiness {
    let view = View::new(extracts, day(TODAY));
    let contract = Contract::on(view, AccountIx(0));
    score(view, &contract, &AccountObservations::default(), signals, &health(color), &settings())
}

#[test]
fn independent_categories_multiply_and_repetition_of_one_does_not() {
    let extracts = contracted("2025-01-01", "2026-12-31");
    let of = |categories: &[Category]| {
        let signals: Vec<Signal> = categories.iter().map(|c| signal(*c, Direction::Expansion)).collect();
        ready(&extracts, &signals, Color::Green)
    };
    let none = of(&[]);
    let one = of(&[Category::Product]);
    let twice = of(&[Category::Product, Category::Product]);
    let two = of(&[Category::Product, Category::Relationship]);
    let three = of(&[Category::Product, Category::Relationship, Category::External]);
    assert_eq!(
        [none.convergence, one.convergence, twice.convergence, two.convergence, three.convergence],
        [0, 1, 1, 2, 3]
    );
    assert!(none.score < one.score && one.score < twice.score && twice.score < two.score && two.score <= three.score);
    assert_eq!((none.tier, three.tier), (Level::Low, Level::High));
    assert!(three.score <= 100.0);
    let expected = 0.6 * 100.0 * 0.85 * 0.8 + 0.4 * 80.0;
    assert!((one.product_part - expected).abs() < 1e-9);
}

#[test]
fn risk_and_expired_signals_do_not_count() {
    let extracts = contracted("2025-01-01", "2026-12-31");
    let base = ready(&extracts, &[], Color::Green).score;
    assert_eq!(ready(&extracts, &[signal(Category::Product, Direction::Risk)], Color::Green).score, base);
    let mut old = signal(Category::Product, Direction::Expansion);
    old.expires_on = day(TODAY).minus(1);
    assert_eq!(ready(&extracts, &[old], Color::Green).score, base);
}

#[test]
fn the_gate_names_what_closes_it() {
    let gate = |start, end, color| ready(&contracted(start, end), &[], color).gate;
    assert_eq!(gate("2025-01-01", "2026-12-31", Color::Green), "open");
    assert_eq!(gate("2025-01-01", "2026-12-31", Color::Yellow), "closed: health yellow");
    assert_eq!(gate("2026-03-01", "2027-02-28", Color::Green), "closed: contract began 30 days ago");
    assert_eq!(gate("2025-05-01", "2026-04-30", Color::Green), "closed: renewal in 30 days");
    assert_eq!(gate("2024-01-01", "2024-12-31", Color::Green), "closed: no contract in force");
    assert_eq!(gate("2026-01-15", "2026-04-14", Color::Green), "open", "a rolling contract has no renewal season");
}
