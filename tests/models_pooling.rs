//! Partial pooling: a product's model between its own rows and those of all products.

use foothold::learners::columns::bins::Bins;
use foothold::learners::columns::table::Column;
use foothold::learners::families::scorecard::Scorecard;
use foothold::models::training::blend::{Pool, Pooling};
use foothold::models::training::train::{Ground, Recipe, train, train_families};
use foothold::vocabulary::{Day, PropensityKind};
use proptest::prelude::*;

use crate::models_scoring::{World, settings, target, world};
use crate::support::day;

/// A scorecard of half the accounts, so that two of them differ in bins and in what they lean on.
fn of_half(world: &World, half: u64) -> Scorecard {
    let examples = world.examples();
    let rows = examples.positions(|_, account| account % 2 == half);
    let recipe = Recipe::choose(&target(PropensityKind::Churn), &examples, &rows, &settings()).unwrap();
    recipe.fit(&examples, &rows).unwrap()
}

fn log_odds(card: &Scorecard, world: &World) -> Vec<f64> {
    let columns: Vec<Option<&Column>> = card.bind(&world.table.frame()).unwrap();
    (0..world.table.rows).map(|row| card.log_odds(&columns, row)).collect()
}

#[test]
fn a_drawn_model_gives_every_row_the_weighted_log_odds_of_both_from_points_that_are_centred() {
    let world = world(300, 12, 1.0, 1);
    let (own, of_all) = (of_half(&world, 0), of_half(&world, 1));
    let examples = world.examples();
    for share in [0.0, 0.3, 1.0] {
        let pooling = Pooling { share, rows: 1, positives: 1 };
        let drawn = pooling.drawn(&own, &of_all, &examples.frame, &examples.rows);
        let both = log_odds(&own, &world).into_iter().zip(log_odds(&of_all, &world));
        let expected = both.map(|(own, of_all)| (1.0 - share) * own + share * of_all);
        for (found, expected) in log_odds(&drawn, &world).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected} at {share}");
        }
        for feature in &drawn.features {
            let mean: f64 = feature.points.iter().zip(&feature.shares).map(|(points, share)| points * share).sum();
            assert!(mean.abs() < 1e-9, "{} is off by {mean}", feature.spec.name);
            assert_eq!(feature.points.len(), feature.bins.codes());
        }
    }
}

#[test]
fn bins_worth_nothing_are_centred_like_others_where_a_fit_has_met_them_and_stay_so_where_none_has() {
    let world = world(300, 12, 1.0, 1);
    let (mut own, of_all) = (of_half(&world, 0), of_half(&world, 1));
    for feature in &mut own.features {
        let occupied = feature.shares.iter().position(|share| *share > 0.0).expect("rows");
        feature.points[occupied] = 0.0;
    }
    let examples = world.examples();
    let drawn = Pooling { share: 0.0, rows: 1, positives: 1 }.drawn(&own, &of_all, &examples.frame, &examples.rows);
    for (found, expected) in log_odds(&drawn, &world).into_iter().zip(log_odds(&own, &world)) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }
    let segment = drawn.features.iter().find(|feature| feature.spec.name == "account.segment").expect("it matters");
    let met_by_none = segment.points.iter().zip(&segment.shares).filter(|(_, share)| **share == 0.0);
    let points: Vec<f64> = met_by_none.map(|(points, _)| *points).collect();
    assert_eq!(points, [0.0, 0.0], "neither the missing segment nor an unknown one");
}

/// The pool of a world, as fitted on these days and on all.
fn pool(world: &World, days: &[Day]) -> Pool {
    let of_days = world.examples().positions(|day, _| days.contains(&day));
    let recipe = Recipe::choose(&target(PropensityKind::Churn), &world.examples(), &of_days, &settings()).unwrap();
    let early = recipe.fit(&world.examples(), &of_days).unwrap();
    Pool { rows: world.table.rows, positives: 1_000, scorecard: of_half(world, 0), early: vec![(days.to_vec(), early)] }
}

#[test]
fn a_model_of_few_events_leans_on_the_pool_and_says_so_and_one_without_a_fit_of_its_days_stands_alone() {
    let (few, many) = (world(60, 12, 1.0, 3), world(400, 12, 1.0, 1));
    let examples = few.examples();
    let (about, of) = (target(PropensityKind::Churn), settings());
    let trained = |pool: &Pool| {
        let ground = Ground::of(&about, &examples, &of);
        train_families(&about, day("2025-06-30"), &examples, ground, &of, (&[], Some(pool))).swap_remove(0).artifact
    };
    let days = Ground::of(&about, &examples, &of).unwrap().training_days().to_vec();
    let drawn = trained(&pool(&many, &days));
    let pooling = drawn.pooling.expect("the pool has a fit of these days");
    assert_eq!((pooling.rows, pooling.positives), (many.table.rows, 1_000));
    assert!(pooling.share > 0.5 && pooling.share < 1.0, "{pooling:?}");
    let alone = train(&about, day("2025-06-30"), &examples, &of).artifact;
    let loss = |artifact: &foothold::models::training::artifact::Artifact| {
        artifact.evaluation.as_ref().unwrap().model.log_loss
    };
    assert!(loss(&drawn) < loss(&alone), "{} is no better than {}", loss(&drawn), loss(&alone));
    assert_eq!(trained(&pool(&many, &days[1..])), alone);
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-9i32..9, 0..6).prop_map(|edges| {
        let mut edges: Vec<f64> = edges.into_iter().map(f64::from).collect();
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup();
        edges
    })
}

proptest! {
    #[test]
    fn bins_as_fine_as_two_others_tell_either_code(one in numbers(), other in numbers(), value in -10.0..10.0) {
        let (one, other) = (Bins::Numbers { edges: one }, Bins::Numbers { edges: other });
        let finer = one.refined(&other);
        for value in [value, f64::floor(value), f64::NAN] {
            for coarse in [&one, &other] {
                prop_assert_eq!(coarse.holding(&finer, finer.of_number(value)), coarse.of_number(value));
            }
        }
    }
}

#[test]
fn levels_of_either_keep_their_code_and_others_stay_others() {
    let words = |levels: &[&str]| Bins::Words { levels: levels.iter().map(|level| (*level).to_owned()).collect() };
    let (one, other) = (words(&["a", "c"]), words(&["b"]));
    let finer = one.refined(&other);
    for word in [Some("a"), Some("b"), Some("c"), Some("d"), None] {
        assert_eq!(one.holding(&finer, finer.of_word(word)), one.of_word(word));
        assert_eq!(other.holding(&finer, finer.of_word(word)), other.of_word(word));
    }
}
