//! Drift: what moved is named, and what only sampling moved is not.

use foothold::learners::columns::table::{Column, Spec, Table};
use foothold::models::DriftSettings;
use foothold::models::examples::fingerprint::digests;
use foothold::models::features::fixed::moves_by_itself;
use foothold::models::scoring::drift::{Drift, Standing, Watch, index, warnings};
use foothold::models::training::artifact::Artifact;
use foothold::models::training::latest::Scores;
use foothold::models::training::train::{Examples, Target, train};
use foothold::vocabulary::PropensityKind;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{day, default_settings};

const FEATURES: usize = 8;

/// Rows of `FEATURES` uniform numbers; the first is moved up by `shift`.
fn table(rows: usize, shift: f64, seed: u64) -> Table {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let column = |n: usize| {
        let spec = Spec {
            name: format!("use_{n}"),
            label: format!("use {n}"),
            unit: "share".into(),
            source: "usage".into(),
            window_days: 30,
        };
        let moved = if n == 0 { shift } else { 0.0 };
        Column::numbers(spec, (0..rows).map(|_| rng.random::<f64>() + moved).collect())
    };
    Table::new((0..FEATURES).map(column).collect(), rows)
}

fn values(table: &Table, feature: usize) -> Vec<f64> {
    (0..table.rows).map(|row| table.columns[feature].values.number(row)).collect()
}

/// A model of every feature, trained on a year of 300 accounts, with its scores.
fn model() -> Artifact {
    let (accounts, months) = (300, 12);
    let table = table(accounts * months, 0.0, 1);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let sums: Vec<f64> = (0..table.rows).map(|row| (0..FEATURES).map(|f| values(&table, f)[row]).sum()).collect();
    let labels = sums.iter().map(|sum| rng.random::<f64>() < 1.0 / (1.0 + (-3.0 * (sum - 4.5)).exp())).collect();
    let hash = |row: usize| xxh3_64(format!("account {}", row % accounts).as_bytes());
    let examples = Examples {
        frame: table.frame(),
        rows: (0..table.rows as u32).collect(),
        labels,
        days: (0..table.rows).map(|row| day("2024-01-01").plus(30 * (row / accounts) as i32)).collect(),
        account_hashes: (0..table.rows).map(hash).collect(),
        digests: digests(&table.frame().columns, table.rows),
    };
    let target = Target { kind: PropensityKind::Churn, product: None, product_name: None, horizon_days: 90 };
    let artifact = train(&target, day("2025-06-30"), &examples, &default_settings("models")).artifact;
    let log_odds = scored(&artifact, &table);
    artifact.with(None, Some(Scores::learn(&log_odds, Vec::new(), accounts)))
}

fn scored(artifact: &Artifact, table: &Table) -> Vec<f64> {
    let card = artifact.active().expect("a year of 300 accounts is enough");
    assert!(card.features.len() >= 5, "{} features", card.features.len());
    let columns = card.bind(&table.frame()).expect("its own columns");
    (0..table.rows).map(|row| artifact.calibrator.apply(card.log_odds(&columns, row))).collect()
}

fn found(model: &Artifact, tonight: &Table, age: i32) -> Vec<Drift> {
    let mut watch = Watch::new(model);
    let rows: Vec<u32> = (0..tonight.rows as u32).collect();
    watch.meet(&tonight.frame(), &rows, scored(model, tonight).into_iter());
    watch.found(model.trained.as_of.plus(age), &settings())
}

fn settings() -> DriftSettings {
    let models: foothold::models::Settings = default_settings("models");
    models.drift
}

#[test]
fn a_world_without_a_shift_is_quiet_even_with_few_accounts() {
    let model = model();
    for seed in 0..40 {
        for accounts in [60, 300] {
            let found = found(&model, &table(accounts, 0.0, 100 + seed), 30);
            let loud: Vec<&Drift> = found.iter().filter(|drift| drift.standing == Standing::Drifted).collect();
            assert!(loud.is_empty(), "{accounts} accounts, seed {seed}: {loud:?}");
            assert_eq!(warnings(&found), [] as [String; 0]);
        }
    }
    // Without the allowance for sampling this would cry wolf: the index itself is far above its threshold.
    let few = found(&model, &table(30, 0.0, 7), 30);
    assert!(few.iter().any(|drift| drift.psi.is_some_and(|psi| psi > settings().drifted)), "{few:?}");
}

#[test]
fn a_feature_that_shifts_is_named_and_the_score_with_it() {
    let model = model();
    let found = found(&model, &table(300, 0.4, 9), 30);
    let moved: Vec<&str> =
        found.iter().filter(|drift| drift.standing == Standing::Drifted).map(|drift| drift.feature.as_str()).collect();
    assert!(moved.contains(&"use_0") && moved.iter().all(|name| ["score", "use_0"].contains(name)), "{moved:?}");
    let said = warnings(&found);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("the churn model scores accounts unlike those it was trained on: "), "{said:?}");
    assert!(said[0].contains("use 0 ("), "{said:?}");
}

#[test]
fn tonight_is_held_against_the_latest_training_days_where_they_are_known() {
    let mut model = model();
    let (tonight, card) = (table(300, 0.4, 9), model.active().expect("active").clone());
    let rows: Vec<u32> = (0..300).collect();
    let share = |name: &str, bins: &foothold::learners::columns::bins::Bins| {
        let codes = bins.encode(&tonight.frame().find(name).expect("there").values, &rows);
        (0..bins.codes()).map(|code| codes.iter().filter(|c| usize::from(**c) == code).count() as f64 / 300.0).collect()
    };
    let latest = card.features.iter().map(|feature| share(&feature.spec.name, &feature.bins)).collect();
    model.scores = Some(Scores::learn(&scored(&model, &tonight), latest, 300));
    let found = found(&model, &tonight, 30);
    assert!(found.iter().all(|drift| drift.standing == Standing::Steady), "{found:?}");
}

#[test]
fn a_score_summed_up_in_another_order_is_the_same_score() {
    let mut model = model();
    let tonight = table(300, 0.0, 9);
    let coarse: Vec<f64> = scored(&model, &tonight).into_iter().map(f64::round).collect();
    model.scores = Some(Scores::learn(&coarse, Vec::new(), 300));
    let mut watch = Watch::new(&model);
    watch.meet(&tonight.frame(), &(0..300).collect::<Vec<u32>>(), coarse.iter().map(|z| z + 1e-13));
    let found = watch.found(model.trained.as_of, &settings());
    assert!(found[1].feature == "score" && found[1].psi.is_some_and(|psi| psi < 1e-6), "{:?}", found[1]);
}

#[test]
fn what_the_calendar_moves_by_itself_is_not_watched() {
    let mut model = model();
    let name = "contract.crm.days_owned".to_owned();
    let first = &mut model.scorecard.as_mut().expect("fitted").features[0];
    let before = std::mem::replace(&mut first.spec.name, name.clone());
    let found = found(&model, &table(300, 0.4, 9), 30);
    assert!(found.iter().all(|drift| drift.feature != name && drift.feature != before));
    assert!(moves_by_itself("season.month_of_quarter") && !moves_by_itself("product.crm.sessions.30d.change"));
}

#[test]
fn a_column_that_is_gone_has_moved() {
    let model = model();
    let whole = table(300, 0.0, 9);
    let name = model.active().expect("active").features[0].spec.name.clone();
    let without = Table::new(whole.columns.iter().filter(|c| c.spec.name != name).cloned().collect(), whole.rows);
    let mut watch = Watch::new(&model);
    watch.meet(&without.frame(), &(0..300).collect::<Vec<u32>>(), std::iter::empty());
    let found = watch.found(model.trained.as_of, &settings());
    let gone = found.iter().find(|drift| drift.feature == name).expect("watched");
    assert_eq!(gone.standing, Standing::Drifted, "{gone:?}");
}

#[test]
fn an_old_model_is_stale() {
    let (model, tonight) = (model(), table(300, 0.0, 9));
    let age = |days: i32| found(&model, &tonight, days)[0].standing;
    assert_eq!((age(100), age(101)), (Standing::Steady, Standing::Stale));
    assert_eq!(
        warnings(&found(&model, &tonight, 120)),
        ["the churn model was trained 120 days ago; train again with `foothold train`"]
    );
}

#[test]
fn the_index_is_zero_for_equal_shares_and_finite_for_empty_bins() {
    assert!(index(&[25.0, 75.0], 100.0, &[0.25, 0.75], 100.0).psi < 1e-12);
    let emptied = index(&[0.0, 100.0], 100.0, &[0.5, 0.5], 1_000.0);
    assert!(emptied.psi > 1.0 && emptied.psi.is_finite());
    for (counts, accounts, shares, trained) in
        [(vec![], 0.0, vec![], 0.0), (vec![0.0, 0.0], 0.0, vec![0.5, 0.5], 10.0), (vec![5.0], 5.0, vec![1.0], 10.0)]
    {
        assert_eq!(index(&counts, accounts, &shares, trained).psi, 0.0);
    }
}
