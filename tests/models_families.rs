//! Families on the same rows: one trait, one way to explain, and a challenger scores only where it is better.

use foothold::feature_table::score::{Format, Plan, write};
use foothold::feature_table::{TableFile, TableModel};
use foothold::learners::columns::table::Column;
use foothold::learners::families::family::{FAMILIES, Family};
use foothold::learners::measuring::bootstrap::Resampling;
use foothold::models::champions::promote::contest;
use foothold::models::champions::registry::Registry;
use foothold::models::scoring::counterfactual::counterfactual;
use foothold::models::scoring::explain::Explainer;
use foothold::models::training::artifact::Artifact;
use foothold::models::training::train::{Challenger, Ground, train_families};
use foothold::statistics::sigmoid;
use foothold::store::{Access, Store};
use foothold::vocabulary::PropensityKind;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::models_scoring::{World, settings, target, world};
use crate::support::day;

const CHALLENGERS: [Family; 2] = [Family::Logistic, Family::Boosting];

fn trained(world: &World) -> Vec<Challenger> {
    let (target, examples, settings) = (target(PropensityKind::Churn), world.examples(), settings());
    let ground = Ground::of(&target, &examples, &settings);
    train_families(&target, day("2025-06-30"), &examples, ground, &settings, (&CHALLENGERS, None))
}

fn by() -> Resampling {
    settings().resampling()
}

/// Labels that hang on whether two numbers lie on the same side: no sum of their own effects says it.
fn crossed(accounts: usize, months: i32, seed: u64) -> World {
    let mut world = world(accounts, months, 0.0, seed);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let frame = world.table.frame();
    let number = |name: &str| -> Vec<f64> {
        let values = &frame.find(name).expect("a column").values;
        (0..frame.rows).map(|row| values.number(row)).collect()
    };
    let (a, b) = (number("use_0"), number("use_1"));
    let rate = |row: usize| match (a[row] > 0.5, b[row] > 0.5) {
        (true, true) => 0.7,
        (true, false) => 0.05,
        (false, true) => 0.1,
        (false, false) => 0.3,
    };
    world.labels = (0..a.len()).map(|row| rng.random::<f64>() < rate(row)).collect();
    world
}

#[test]
fn the_list_of_families_stands_in_the_order_of_the_words() {
    let listed: Vec<Family> = FAMILIES.iter().map(|about| about.family).collect();
    assert_eq!(listed, Family::ALL);
    assert_eq!(Family::default(), Family::Scorecard);
}

#[test]
fn every_family_is_trained_on_the_same_rows_and_explains_itself_in_parts_that_add_up() {
    let world = world(200, 12, 1.0, 21);
    let trained = trained(&world);
    let families: Vec<Family> = trained.iter().map(|one| one.artifact.family).collect();
    assert_eq!(families, Family::ALL);
    let frame = world.table.frame();
    for Challenger { artifact, tested, .. } in &trained {
        assert_eq!(artifact.trained, trained[0].artifact.trained);
        assert!(tested.iter().map(|test| test.position).eq(trained[0].tested.iter().map(|test| test.position)));
        assert!(artifact.evaluation.as_ref().unwrap().model.auc > 0.65, "{}", artifact.family);
        let read = Artifact::from_json(artifact.to_json().as_bytes()).expect("as it was written");
        assert_eq!((read.family, &read.model_id), (artifact.family, &artifact.model_id));
        let card = artifact.scorecard.as_ref().expect("fitted");
        let columns = card.bind(&frame).unwrap();
        for row in (0..world.table.rows).step_by(97) {
            let explained = Explainer::of(artifact, card).explain(&columns, row, 3);
            let direct = artifact.calibrator.apply(card.log_odds(&columns, row));
            assert!((explained.log_odds() - direct).abs() < 1e-9, "{} {row}", artifact.family);
            assert!(explained.drivers.iter().all(|driver| driver.text().contains("the risk of leaving")));
        }
    }
}

#[test]
fn a_challenger_that_is_only_as_good_is_kept_out_with_the_figures() {
    let world = world(300, 14, 1.0, 22);
    let trained = trained(&world);
    let verdicts = contest(&trained, None, &world.examples(), by());
    assert!(verdicts[0].promoted && verdicts[1..].iter().all(|verdict| !verdict.promoted), "{verdicts:?}");
    for verdict in &verdicts[1..] {
        assert!(
            verdict.reason.starts_with("not better than the scorecard model beyond chance: log loss"),
            "{verdict:?}"
        );
        assert_eq!(verdict.champion.as_ref(), Some(&trained[0].artifact.model_id));
        assert!(verdict.comparison.is_some());
    }
}

#[test]
fn a_challenger_that_later_rows_find_better_takes_over_and_stays_until_it_is_not() {
    let world = crossed(300, 14, 23);
    let trained = trained(&world);
    let verdicts = contest(&trained, None, &world.examples(), by());
    let promoted: Vec<bool> = verdicts.iter().map(|verdict| verdict.promoted).collect();
    assert_eq!(promoted, [false, false, true], "{verdicts:?}");
    assert!(verdicts[0].reason.ends_with("the boosting model trained beside it is better"), "{}", verdicts[0].reason);
    assert!(verdicts[2].reason.starts_with("better than the scorecard model: log loss -"), "{}", verdicts[2].reason);
    let champion = &trained[2].artifact;
    let again = contest(&trained, Some(champion), &world.examples(), by());
    assert!(again.iter().all(|verdict| !verdict.promoted), "the same models change nothing: {again:?}");
    assert!(again[2].reason.contains("champion already"), "{}", again[2].reason);
}

#[test]
fn what_trees_would_need_to_change_is_what_they_say_once_it_has_changed() {
    let world = crossed(200, 12, 24);
    let artifact = trained(&world).pop().expect("three").artifact;
    let card = artifact.scorecard.as_ref().expect("fitted");
    assert!(card.trees.is_some());
    let frame = world.table.frame();
    let columns = card.bind(&frame).unwrap();
    let found = (0..world.table.rows)
        .step_by(11)
        .filter_map(|row| Some((row, counterfactual(&artifact, card, &columns, row)?)));
    let mut met = 0;
    for (row, advice) in found {
        let mut codes = card.codes(&columns, row);
        advice.moves.iter().for_each(|step| codes[step.feature] = step.code);
        let then = sigmoid(artifact.calibrator.apply(card.log_odds_of(|feature| codes[feature])));
        assert!(
            (then - advice.probability).abs() < 1e-9 && then <= artifact.trained.base_rate + 1e-9,
            "{row}: {advice:?}"
        );
        met += 1;
    }
    assert!(met > 10, "{met} rows had advice");
}

#[test]
fn an_artifact_whose_trees_were_edited_is_refused() {
    let artifact = trained(&world(200, 12, 1.0, 25)).pop().expect("three").artifact;
    let json = artifact.to_json().replacen("\"left\": 1", "\"left\": 0", 1);
    assert!(Artifact::from_json(json.as_bytes()).expect_err("edited").to_string().contains("trees do not fit"));
}

/// The world's rows as CSV, columns in the order of the frame.
fn as_csv(world: &World, rows: usize) -> String {
    let columns = &world.table.columns;
    let head: Vec<&str> = columns.iter().map(|column| column.spec.name.as_str()).collect();
    let cell = |column: &Column, row: usize| match (column.values.word(row), column.values.number(row)) {
        (Some(word), _) => word.to_string(),
        (None, number) if number.is_nan() => String::new(),
        (None, number) => number.to_string(),
    };
    let line = |row: usize| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(",");
    std::iter::once(head.join(",")).chain((0..rows).map(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_registered_model_of_any_family_scores_a_table_as_it_scores_a_night() {
    let world = world(200, 12, 1.0, 26);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, as_csv(&world, 50)).expect("written");
    let file = TableFile::open(&path.to_string_lossy(), &Access::local(".")).expect("a table");
    let frame = world.table.frame();
    for Challenger { artifact, .. } in trained(&world) {
        let model = TableModel::of_artifact(&artifact).expect("it does not abstain");
        let mut out = Vec::new();
        let plan = Plan { id: None, drivers: 2, any_order: false, format: Format::Csv };
        write(&file, &model, plan, &mut out).unwrap_or_else(|e| panic!("{e}"));
        let text = String::from_utf8(out).expect("UTF-8");
        let card = artifact.scorecard.as_ref().expect("fitted");
        let columns = card.bind(&frame).unwrap();
        for (row, line) in text.lines().skip(1).enumerate() {
            let probability: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
            let own = sigmoid(artifact.calibrator.apply(card.log_odds(&columns, row)));
            assert!((probability - own).abs() < 1e-9, "{} {row}: {probability} {own}", artifact.family);
        }
    }
}

#[test]
fn a_registry_finds_a_model_by_id_or_place_and_names_one_that_is_near() {
    let (store, world) = (Store::memory(), world(200, 12, 1.0, 27));
    let registry = Registry::of(&store);
    let ids: Vec<String> = trained(&world)
        .into_iter()
        .map(|one| {
            registry.save(&one.artifact).unwrap();
            one.artifact.model_id
        })
        .collect();
    assert_eq!(registry.find(&ids[1]).unwrap().number, 2);
    assert_eq!(registry.find(&ids[2][..10]).unwrap().artifact.model_id, ids[2]);
    assert_eq!(registry.find("churn/1").unwrap().artifact.model_id, ids[0]);
    let near = registry.find("churn/9").unwrap_err().to_string();
    assert!(near.contains("no model `churn/9`") && near.contains("did you mean `mdl-"), "{near}");
    assert!(registry.find("mdl-").unwrap_err().to_string().contains("say more of the id"));
    assert!(registry.find("weather").unwrap_err().to_string().contains("`foothold models list`"));
}
