//! From training to tonight's probabilities: explanations that add up, honest abstention, and a registry that only adds.

use foothold::learners::columns::bins::Bins;
use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::measuring::evaluate;
use foothold::models::Settings;
use foothold::models::champions::promote::decide;
use foothold::models::champions::promotions::Promotion;
use foothold::models::champions::registry::Registry;
use foothold::models::examples::fingerprint::digests;
use foothold::models::outcomes::labels::Expansion;
use foothold::models::scoring::explain::{Driver, Explainer, OTHER_FEATURES};
use foothold::models::training::artifact::{Artifact, TrainedOn, slot};
use foothold::models::training::train::{Challenger, Examples, Target, train};
use foothold::statistics::sigmoid;
use foothold::store::Store;
use foothold::vocabulary::{Day, PropensityKind};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{day, default_settings};

pub fn settings() -> Settings {
    let defaults: Settings = default_settings("models");
    Settings {
        train_if_missing: true,
        upsell_labels: Expansion::ALL.to_vec(),
        bins: 8,
        max_features: 20,
        max_feature_auc: 0.98,
        max_recording_auc: 0.9,
        ridges: vec![1.0, 10.0, 100.0],
        named_drivers: 3,
        bootstrap_replicates: 100,
        bootstrap_seed: 1,
        ..defaults
    }
}

pub fn target(kind: PropensityKind) -> Target {
    Target { kind, product: None, product_name: None, horizon_days: 90 }
}

/// Rows of `accounts` on a monthly grid; six numbers and a segment, of which the first number and the segment matter.
#[derive(Clone)]
pub struct World {
    pub table: Table,
    pub labels: Vec<bool>,
    days: Vec<Day>,
    hashes: Vec<u64>,
}

pub fn world(accounts: usize, months: i32, strength: f64, seed: u64) -> World {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); 6];
    let (mut segments, mut labels, mut days, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for month in 0..months {
        for account in 0..accounts {
            let row: Vec<f64> = (0..6).map(|_| rng.random::<f64>()).collect();
            let segment = ["smb", "enterprise"][account % 2];
            let z = strength * (4.0 * row[0] - 2.0) - 2.0 + if segment == "smb" { 0.5 } else { 0.0 };
            labels.push(rng.random::<f64>() < sigmoid(z));
            row.iter().zip(&mut values).for_each(|(value, column)| {
                column.push(if rng.random::<f64>() < 0.05 { f64::NAN } else { *value });
            });
            segments.push(Some(segment.into()));
            days.push(day("2024-01-01").plus(30 * month));
            hashes.push(xxh3_64(format!("account {account}").as_bytes()));
        }
    }
    let spec = |name: &str, unit: &str| Spec {
        name: name.into(),
        label: name.replace('_', " "),
        unit: unit.into(),
        source: "usage".into(),
        window_days: 30,
    };
    let numbers = values.into_iter().enumerate();
    let mut columns: Vec<Column> =
        numbers.map(|(n, values)| Column::numbers(spec(&format!("use_{n}"), "share"), values)).collect();
    columns.push(Column { spec: spec("account.segment", ""), values: Values::Words(segments) });
    World { table: Table::new(columns, labels.len()), labels, days, hashes }
}

impl World {
    pub fn examples(&self) -> Examples<'_> {
        Examples {
            frame: self.table.frame(),
            rows: (0..self.table.rows as u32).collect(),
            labels: self.labels.clone(),
            days: self.days.clone(),
            account_hashes: self.hashes.clone(),
            digests: digests(&self.table.frame().columns, self.table.rows),
        }
    }

    pub fn train(&self, kind: PropensityKind) -> Challenger {
        train(&target(kind), day("2025-06-30"), &self.examples(), &settings())
    }
}

#[test]
fn a_real_effect_is_found_graded_against_the_baseline_and_calibrated() {
    let model = world(300, 12, 1.0, 1).train(PropensityKind::Churn).artifact;
    let evaluation = model.evaluation.as_ref().expect("a year of 300 accounts is enough");
    assert_eq!(model.abstains, None);
    assert!(evaluation.model.auc > 0.70, "{evaluation:?}");
    assert!(evaluation.model.log_loss < evaluation.baseline.log_loss);
    assert!(evaluation.model.calibration_error < 0.06, "{evaluation:?}");
    assert_eq!(evaluation.baseline_name, "base rate by segment");
    let card = model.active().expect("it does not abstain");
    let strongest = card.features.iter().max_by(|a, b| spread(&a.points).total_cmp(&spread(&b.points))).unwrap();
    assert_eq!(strongest.spec.name, "use_0");
}

fn spread(points: &[f64]) -> f64 {
    points.iter().fold(0.0f64, |most, points| most.max(points.abs()))
}

#[test]
fn a_bin_of_the_days_to_a_known_date_ends_with_the_horizon() {
    let World { table, labels, days, hashes } = world(300, 12, 1.0, 1);
    let rows = table.rows;
    let name = |name: &str| if name == "use_0" { "contract.days_to_period_end".into() } else { name.to_owned() };
    let days_of = |values: Values| match values {
        Values::Numbers(numbers) => {
            let (low, high) = numbers.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            Values::Numbers(numbers.iter().map(|v| (365.0 * (v - low) / (high - low)).round()).collect())
        }
        other => other,
    };
    let columns = table.columns.into_iter().map(|Column { spec, values }| Column {
        values: if spec.name == "use_0" { days_of(values) } else { values },
        spec: Spec { name: name(&spec.name), ..spec },
    });
    let world = World { table: Table::new(columns.collect(), rows), labels, days, hashes };
    let model = world.train(PropensityKind::Churn).artifact.scorecard.unwrap();
    let ends = |feature: &str| match &model.features.iter().find(|found| found.spec.name == feature).unwrap().bins {
        Bins::Numbers { edges } => edges.contains(&90.0),
        Bins::Words { .. } => false,
    };
    assert!(ends("contract.days_to_period_end"));
    let fewest = Bins::Numbers { edges: vec![5.0] };
    assert_eq!(fewest.clone().ending(Some(90.0), &[(1.0, 4), (60.0, 4)]), fewest, "no number lies beyond it");
    assert_eq!(fewest.clone().ending(None, &[(1.0, 4), (100.0, 4)]), fewest);
}

#[test]
fn pure_noise_abstains_instead_of_pretending() {
    let trained = |seed| world(200, 12, 0.0, seed).train(PropensityKind::CrossSell).artifact.abstains;
    let reasons: Vec<Option<String>> = (2..10).map(trained).collect();
    let words = ["does no better than", "no better than chance may", "no feature"];
    let knows = |reason: &&String| words.iter().any(|words| reason.contains(words));
    // A few hundred later rows may flatter a model of noise by chance; hardly ever beyond their own interval.
    assert!(reasons.iter().flatten().filter(knows).count() >= 7, "{reasons:?}");
}

#[test]
fn thin_history_abstains_with_the_numbers() {
    let few = world(20, 6, 1.0, 3).train(PropensityKind::Churn).artifact;
    let reason = few.abstains.as_deref().unwrap_or_default();
    assert!(reason.contains("positives of the 30"), "{reason}");
    let short = world(400, 2, 1.0, 3).train(PropensityKind::Churn).artifact;
    let reason = short.abstains.as_deref().unwrap_or_default();
    assert!(reason.contains("2 labelled days") && reason.contains("90 days"), "{reason}");
    assert!(short.fallback.overall > 0.05 && short.active().is_none());
}

#[test]
fn training_twice_gives_the_same_bytes_on_any_number_of_threads() {
    let world = world(150, 12, 1.0, 4);
    let once = world.train(PropensityKind::Upsell).artifact.to_json();
    let single = rayon_pool(1).install(|| world.train(PropensityKind::Upsell).artifact.to_json());
    assert_eq!(once, single);
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

#[test]
fn an_artifact_reads_back_and_any_change_is_refused() {
    let model = world(150, 12, 1.0, 5).train(PropensityKind::Churn).artifact;
    let json = model.to_json();
    let read = Artifact::from_json(json.as_bytes()).expect("as it was written");
    assert_eq!((read.model_id.as_str(), read.slot()), (model.model_id.as_str(), "churn".to_owned()));
    let refused = |from: &str, to: &str| {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "nothing to change in `{from}`");
        Artifact::from_json(changed.as_bytes()).expect_err("a changed model").to_string()
    };
    assert!(refused("\"horizon_days\": 90", "\"horizon_days\": 30").contains("was changed"));
    assert!(refused("\"unit\": \"share\"", "\"unit\": \"count\"").contains("schema hash"));
    assert!(refused("\"format\": 1", "\"format\": 7").contains("format 7"));
    assert!(Artifact::from_json(b"{").is_err());
}

#[test]
fn the_fingerprint_of_the_rows_shows_any_value_label_and_day_but_not_how_the_values_are_kept() {
    let world = world(60, 12, 1.0, 1);
    let fingerprint = |world: &World| TrainedOn::on(day("2025-06-30"), &world.examples()).data_fingerprint;
    let own = fingerprint(&world);
    let ranked = World { table: world.table.clone().ranked(), ..world.clone() };
    assert_eq!(fingerprint(&ranked), own);
    let changed = |change: fn(&mut World)| {
        let mut other = world.clone();
        change(&mut other);
        fingerprint(&other)
    };
    let value = changed(|world| {
        world.table.columns[1] =
            Column { values: Values::Numbers(vec![0.5; world.table.rows]), ..world.table.columns[1].clone() }
    });
    let (label, day) =
        (changed(|world| world.labels[7] ^= true), changed(|world| world.days[0] = world.days[0].minus(1)));
    let swapped = changed(|world| {
        let (one, other) = (world.table.columns[1].values.clone(), world.table.columns[2].values.clone());
        (world.table.columns[1].values, world.table.columns[2].values) = (other, one);
    });
    assert!(![value, label, day, swapped].contains(&own));
}

#[test]
fn a_slot_names_any_product_safely_and_apart() {
    let of = |product: &str| slot(PropensityKind::CrossSell, Some(product));
    assert_eq!(of("search_unlimited"), "cross_sell-search_unlimited");
    assert_eq!(of("a/b"), "cross_sell-a.2f.b");
    assert_ne!(of("a b"), of("a/b"));
    assert_eq!(slot(PropensityKind::Churn, None), "churn");
}

#[test]
fn the_registry_only_adds_and_a_run_sees_the_champion_of_its_day() {
    let store = Store::memory();
    let registry = Registry::of(&store);
    let world = world(150, 12, 1.0, 6);
    let first = world.train(PropensityKind::Churn).artifact;
    let model = registry.save(&first).unwrap();
    assert_eq!((model.as_str(), registry.save(&first).unwrap().as_str()), ("churn/000001.json", "churn/000001.json"));
    registry.promote_all(&[Promotion::of(&first, &model, "first model of its kind")]).unwrap();
    let later = train(&target(PropensityKind::Churn), day("2025-09-30"), &world.examples(), &settings()).artifact;
    let second = registry.save(&later).unwrap();
    assert_eq!(second, "churn/000002.json");
    registry.promote_all(&[Promotion::of(&later, &second, "better")]).unwrap();
    let champion = |on: &str| registry.champion("churn", day(on)).unwrap().map(|(model, _)| model.model_id);
    assert_eq!(champion("2025-06-29"), None, "no model had been trained by then");
    assert_eq!(champion("2025-06-30"), Some(first.model_id.clone()));
    assert_eq!(champion("2025-10-01"), Some(later.model_id.clone()));
    assert_eq!(registry.slots().unwrap(), ["churn"]);
}

#[test]
fn a_tampered_registry_is_an_error_that_names_the_object() {
    let store = Store::memory();
    let registry = Registry::of(&store);
    let model = world(150, 12, 1.0, 7).train(PropensityKind::Churn).artifact;
    let path = registry.save(&model).unwrap();
    registry.promote_all(&[Promotion::of(&model, &path, "first")]).unwrap();
    store.put("models/churn/000001.json", model.to_json().replacen("\"slope\": ", "\"slope\": 2", 1)).unwrap();
    let message = registry.champion("churn", day("2026-01-01")).unwrap_err().to_string();
    assert!(message.contains("models/churn/000001.json") && message.contains("was changed"), "{message}");
}

#[test]
fn a_worse_challenger_does_not_replace_the_champion_on_rows_neither_has_seen() {
    let world = world(400, 16, 1.0, 8);
    let early = Examples { ..cut(&world, 10) };
    let champion = train(&target(PropensityKind::Churn), day("2025-01-31"), &early, &settings()).artifact;
    let mut challenger = world.train(PropensityKind::Churn);
    let fair = decide(&challenger, Some(&champion), &world.examples(), settings().resampling());
    assert!(fair.promoted, "{fair:?}");
    challenger.tested.iter_mut().for_each(|test| test.probability = 0.5);
    let unfair = decide(&challenger, Some(&champion), &world.examples(), settings().resampling());
    assert!(!unfair.promoted && unfair.reason.contains("worse"), "{unfair:?}");
    assert!(decide(&challenger, None, &world.examples(), settings().resampling()).promoted);
}

pub fn cut(world: &World, months: i32) -> Examples<'_> {
    let all = world.examples();
    let rows = all.days.iter().filter(|d| **d < day("2024-01-01").plus(30 * months)).count();
    Examples {
        frame: all.frame,
        rows: all.rows[..rows].to_vec(),
        labels: all.labels[..rows].to_vec(),
        days: all.days[..rows].to_vec(),
        account_hashes: all.account_hashes[..rows].to_vec(),
        digests: all.digests[..rows].to_vec(),
    }
}

#[test]
fn refitting_on_all_rows_does_not_touch_the_test_figures() {
    let world = world(200, 12, 1.0, 9);
    let trained = world.train(PropensityKind::Churn);
    let labels: Vec<bool> = trained.tested.iter().map(|test| world.labels[test.position as usize]).collect();
    let probabilities: Vec<f64> = trained.tested.iter().map(|test| test.probability).collect();
    assert_eq!(trained.artifact.evaluation.map(|e| e.model), evaluate::metrics(&probabilities, &labels));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn contributions_add_up_to_the_log_odds(seed in 0u64..50, row in 0usize..1_000, named in 0usize..9) {
        let world = world(100, 12, 1.0, 11);
        let model = world.train(PropensityKind::Churn).artifact;
        let card = model.scorecard.as_ref().expect("fitted");
        let unseen = self::world(100, 12, 1.0, seed);
        let frame = unseen.table.frame();
        let columns = card.bind(&frame).unwrap();
        let explained = Explainer::of(&model, card).explain(&columns, row, named);
        let direct = model.calibrator.apply(card.log_odds(&columns, row));
        prop_assert!((explained.log_odds() - direct).abs() < 1e-9);
        let summed = explained.drivers.iter().fold(explained.base, |sum, driver| sum + driver.contribution);
        prop_assert_eq!(summed.to_bits(), explained.log_odds().to_bits());
        let strengths: Vec<f64> = explained.drivers.iter().take(named).map(|d| d.contribution.abs()).collect();
        prop_assert!(strengths.is_sorted_by(|a, b| a >= b));
        prop_assert!(explained.drivers.len() <= named + 1);
    }
}

#[test]
fn a_driver_is_small_because_a_night_holds_dozens_of_every_account() {
    assert!(size_of::<Driver>() <= 40, "{} bytes", size_of::<Driver>());
}

#[test]
fn sentences_say_value_typical_and_direction() {
    let world = world(300, 12, 1.0, 12);
    let model = world.train(PropensityKind::Churn).artifact;
    let card = model.scorecard.as_ref().expect("fitted");
    let frame = world.table.frame();
    let columns = card.bind(&frame).unwrap();
    let high = (0..world.table.rows)
        .find(|row| matches!(&frame.find("use_0").unwrap().values, Values::Numbers(v) if v[*row] > 0.95))
        .expect("some row is high");
    let explained = Explainer::of(&model, card).explain(&columns, high, 1);
    let text = explained.drivers[0].text();
    assert!(
        text.starts_with("Use 0 9") && text.contains(" %, typically ") && text.ends_with("raises the risk of leaving"),
        "{text}"
    );
    let rest = explained.drivers.last().unwrap();
    assert!(rest.feature() == OTHER_FEATURES && rest.text().contains("other feature"), "{rest:?}");
}

#[test]
fn a_value_that_is_typical_is_not_held_against_itself() {
    let world = world(300, 12, 1.0, 12);
    let model = world.train(PropensityKind::Churn).artifact;
    let card = model.scorecard.as_ref().expect("fitted");
    let frame = world.table.frame();
    let (columns, explainer) = (card.bind(&frame).unwrap(), Explainer::of(&model, card));
    let told = |row| explainer.explain(&columns, row, 9).drivers.iter().map(Driver::text).collect::<Vec<_>>();
    let texts: Vec<String> = (0..world.table.rows).flat_map(told).collect();
    assert!(texts.iter().any(|text| text.contains(", as is typical: ")));
    for (own, rest) in texts.iter().filter_map(|text| text.split_once(", typically ")) {
        let typical = rest.split(':').next().unwrap();
        assert!(!own.ends_with(&format!(" {typical}")), "{own}, typically {rest}");
    }
}

/// The world's training with one more column, whose value on each row comes of the label.
fn with_planted(name: &str, value: impl Fn(usize, bool) -> f64) -> Option<String> {
    let mut world = world(300, 12, 1.0, 1);
    let values = world.labels.iter().enumerate().map(|(row, label)| value(row, *label)).collect();
    let spec =
        Spec { name: name.into(), label: name.into(), unit: "".into(), source: "annotations".into(), window_days: 0 };
    world.table.columns.push(Column::numbers(spec, values));
    world.table = Table::new(std::mem::take(&mut world.table.columns), world.table.rows);
    world.train(PropensityKind::Churn).artifact.abstains
}

#[test]
fn a_feature_that_alone_knows_the_outcome_fails_the_training_by_name() {
    let reason = with_planted("annotation.exit_score", |row, left| f64::from(u8::from(left)) + (row % 7) as f64 / 10.0);
    let reason = reason.expect("no model is fitted");
    assert!(reason.contains("`annotation.exit_score` alone ranks the outcomes with an AUC of 1.000"), "{reason}");
}

#[test]
fn a_feature_that_is_recorded_because_of_the_outcome_fails_the_training_by_name() {
    let reason =
        with_planted("annotation.reason", |row, left| if left || row % 11 == 0 { (row % 5) as f64 } else { f64::NAN });
    let reason = reason.expect("no model is fitted");
    assert!(reason.starts_with("whether `annotation.reason` is recorded alone ranks the outcomes"), "{reason}");
}

#[test]
fn a_feature_that_is_missing_by_chance_is_no_leak() {
    assert_eq!(with_planted("annotation.noise", |row, _| if row % 3 == 0 { f64::NAN } else { (row % 5) as f64 }), None);
}
