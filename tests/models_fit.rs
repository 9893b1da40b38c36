//! The scorecard's arithmetic: bins, the solver against linfa-logistic, calibration, and laws of the metrics.

use foothold::learners::columns::bins::{Bins, MISSING};
use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::families::scorecard::{Encoded, Scorecard};
use foothold::learners::families::select::select;
use foothold::learners::fitting::calibrate::Platt;
use foothold::learners::fitting::fit::{self, ScorecardParams};
use foothold::learners::fitting::linear::Symmetric;
use foothold::learners::measuring::evaluate::metrics;
use foothold::models::judging::ranking::{self, Offer};
use foothold::models::judging::tested::TestRow;
use foothold::statistics::sigmoid;
use foothold::vocabulary::Day;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn spec(name: &str) -> Spec {
    Spec { name: name.into(), label: name.into(), unit: "count".into(), source: "usage".into(), window_days: 30 }
}

fn numbers(name: &str, values: Vec<f64>) -> Column {
    Column::numbers(spec(name), values)
}

fn words(name: &str, values: &[Option<&str>]) -> Column {
    Column { spec: spec(name), values: Values::Words(values.iter().map(|word| word.map(Into::into)).collect()) }
}

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} is not {b} within {tolerance}");
}

/// Two numbers with missing values and a word; the label depends on the first number and the word.
fn noisy_world(rows: usize, seed: u64) -> (Table, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut a, mut b, mut c, mut labels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let (x, y, word) = (rng.random::<f64>(), rng.random::<f64>(), rng.random_range(0..3));
        let z = 4.0 * x - 3.5 + if word == 2 { 1.5 } else { 0.0 };
        labels.push(rng.random::<f64>() < sigmoid(z));
        a.push(if rng.random::<f64>() < 0.1 { f64::NAN } else { x });
        b.push(y);
        c.push([Some("smb"), None, Some("enterprise")][word]);
    }
    (Table::new(vec![numbers("a", a), numbers("b", b), words("c", &c)], rows), labels)
}

fn all_rows(table: &Table) -> Vec<u32> {
    (0..table.rows as u32).collect()
}

fn encoded(table: &Table, bins: usize) -> Encoded {
    Encoded::learn(&table.frame().columns, &all_rows(table), bins)
}

#[test]
fn quantile_bins_hold_values_at_their_upper_edge_and_keep_missing_apart() {
    let values = Values::Numbers(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, f64::NAN]);
    let bins = Bins::learn(&values, &(0..9).collect::<Vec<_>>(), 4);
    assert_eq!(bins, Bins::Numbers { edges: vec![3.0, 5.0, 7.0] });
    let codes: Vec<u8> = [f64::NAN, -9.0, 3.0, 3.1, 7.0, 99.0].iter().map(|v| bins.of_number(*v)).collect();
    assert_eq!(codes, [MISSING, 1, 1, 2, 3, 4]);
}

#[test]
fn a_rare_flag_gets_a_bin_of_its_own() {
    let mut flags = vec![0.0; 99];
    flags.push(1.0);
    let bins = Bins::learn(&Values::Numbers(flags), &(0..100).collect::<Vec<_>>(), 12);
    assert_eq!(bins, Bins::Numbers { edges: vec![0.0] });
}

#[test]
fn a_heavy_value_does_not_share_its_bin_with_the_few_below_it() {
    // Ten lost amounts, ninety zeros and a hundred of everything above: four parts of fifty rows.
    let lost = (1..=10).map(|k| -f64::from(k));
    let values = lost.chain(vec![0.0; 90]).chain((1..=100).map(f64::from));
    let bins = Bins::fine(values, 5);
    let Bins::Numbers { edges } = &bins else { panic!("numbers") };
    assert!(edges.contains(&-1.0) && edges.contains(&0.0) && edges.len() <= 4, "{edges:?}");
}

#[test]
fn unknown_words_share_the_last_code() {
    let bins = Bins::Words { levels: vec!["mid".into(), "smb".into()] };
    assert_eq!([bins.of_word(None), bins.of_word(Some("mid")), bins.of_word(Some("smb"))], [MISSING, 1, 2]);
    assert_eq!((bins.of_word(Some("enterprise")), bins.codes()), (3, 4));
}

#[test]
fn the_solver_agrees_with_linfa_logistic_on_the_same_design() {
    for (seed, ridge) in [(1, 0.5), (2, 3.0), (3, 50.0)] {
        let (table, labels) = noisy_world(700, seed);
        let encoded = encoded(&table, 8);
        let own = encoded.fit(&labels, ridge).expect("both outcomes occur");
        let (intercept, weights) = fit::reference(&encoded.design, &labels, ridge).expect("both outcomes occur");
        close(own.intercept, intercept, 1e-4);
        assert_eq!(own.weights.len(), weights.len());
        own.weights.iter().zip(&weights).for_each(|(own, linfa)| close(*own, *linfa, 1e-4));
    }
}

/// Numbers of which the first three tell something.
fn wide_world(rows: usize, columns: usize) -> (Table, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let values: Vec<Vec<f64>> = (0..columns).map(|_| (0..rows).map(|_| rng.random::<f64>()).collect()).collect();
    let told = |row: usize| 2.0 * values[..3].iter().map(|column| column[row]).sum::<f64>() - 3.0;
    let labels = (0..rows).map(|row| rng.random::<f64>() < sigmoid(told(row))).collect();
    let columns = values.into_iter().enumerate().map(|(n, values)| numbers(&format!("x{n}"), values)).collect();
    (Table::new(columns, rows), labels)
}

/// One where single features stand for the curvature, and one whose curvature serves many steps and ridges.
#[test]
fn the_solver_agrees_with_linfa_logistic_on_wide_designs() {
    for (rows, columns) in [(250, 60), (1_500, 40)] {
        let (table, labels) = wide_world(rows, columns);
        let encoded = encoded(&table, 12);
        let (own, path) = (encoded.fit(&labels, 3.0).unwrap(), encoded.path(&labels, &[100.0, 10.0, 3.0]));
        let (_, weights) = fit::reference(&encoded.design, &labels, 3.0).unwrap();
        own.weights.iter().zip(&weights).for_each(|(own, linfa)| close(*own, *linfa, 1e-4));
        own.weights.iter().zip(&path[2].as_ref().unwrap().weights).for_each(|(a, b)| close(*a, *b, 0.05));
    }
}

#[test]
fn linfas_labels_are_read_whichever_class_is_the_larger() {
    let (table, labels) = noisy_world(400, 4);
    let turned: Vec<bool> = labels.iter().map(|label| !label).collect();
    let design = encoded(&table, 5).design;
    let (a, b) = (fit::reference(&design, &labels, 1.0).unwrap(), fit::reference(&design, &turned, 1.0).unwrap());
    close(a.0, -b.0, 1e-3);
    a.1.iter().zip(&b.1).for_each(|(x, y)| close(*x, -*y, 1e-3));
}

#[test]
fn a_path_of_ridges_ends_where_single_fits_end() {
    let (table, labels) = noisy_world(500, 5);
    let encoded = encoded(&table, 8);
    let path = encoded.path(&labels, &[100.0, 10.0, 2.0]);
    let (alone, last) = (encoded.fit(&labels, 2.0).unwrap(), path[2].as_ref().unwrap());
    alone.weights.iter().zip(&last.weights).for_each(|(a, b)| close(*a, *b, 0.01));
    assert!(last.iterations < alone.iterations, "it starts close by");
}

#[test]
fn one_class_and_a_bad_ridge_are_errors() {
    let (table, labels) = noisy_world(50, 6);
    let encoded = encoded(&table, 4);
    let one = encoded.fit(&vec![true; labels.len()], 1.0).unwrap_err();
    assert!(one.to_string().contains("50 rows have the same label"), "{one}");
    let ridge = fit::scorecard(&encoded.design, &labels, ScorecardParams::new(0.0)).unwrap_err();
    assert!(ridge.to_string().contains("ridge strength"), "{ridge}");
}

#[test]
fn cholesky_solves_a_small_system() {
    let mut matrix = Symmetric::zeros(2);
    matrix.add(0, 0, 4.0);
    matrix.add(1, 0, 2.0);
    matrix.add(1, 1, 3.0);
    let x = matrix.solve(&[2.0, 5.0]).expect("positive definite");
    close(x[0], -0.5, 1e-12);
    close(x[1], 2.0, 1e-12);
    assert!(Symmetric::zeros(1).solve(&[1.0]).is_none(), "a singular matrix has no solution");
}

#[test]
fn points_are_centred_and_unseen_codes_are_worth_nothing() {
    let (table, labels) = noisy_world(600, 7);
    let encoded = encoded(&table, 6);
    let fitted = encoded.fit(&labels, 1.0).unwrap();
    let card = encoded.scorecard(&fitted, 1.0);
    for feature in &card.features {
        let mean: f64 = feature.points.iter().zip(&feature.shares).map(|(points, share)| points * share).sum();
        close(mean, 0.0, 1e-9);
        let unseen = feature.shares.iter().zip(&feature.points).filter(|(share, _)| **share == 0.0);
        assert!(unseen.map(|(_, points)| *points).all(|points| points == 0.0));
    }
    let z = encoded.design.log_odds(&fitted);
    let frame = table.frame();
    let columns = card.bind(&frame).unwrap();
    (0..table.rows).for_each(|row| close(card.log_odds(&columns, row), z[row], 1e-9));
}

#[test]
fn screening_keeps_what_tells_the_labels_apart() {
    let (table, labels) = noisy_world(2_000, 8);
    let encoded = encoded(&table, 6);
    let names: Vec<&str> = select(&encoded, &labels, 2).into_iter().map(|i| encoded.specs[i].0.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

/// Five copies of one strong fact and a weaker one of its own: a choice of two takes one of each.
#[test]
fn features_are_chosen_for_what_they_add_to_each_other() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let rows = 3_000;
    let (strong, weak): (Vec<f64>, Vec<f64>) = (0..rows).map(|_| (rng.random::<f64>(), rng.random::<f64>())).unzip();
    let label = |(x, y): (&f64, &f64)| rng.random::<f64>() < sigmoid(6.0 * x + 2.0 * y - 5.0);
    let labels: Vec<bool> = strong.iter().zip(&weak).map(label).collect();
    let mut columns: Vec<Column> = (0..5).map(|n| numbers(&format!("copy{n}"), strong.clone())).collect();
    columns.push(numbers("other", weak));
    let encoded = encoded(&Table::new(columns, rows), 8);
    let names: Vec<&str> = select(&encoded, &labels, 2).into_iter().map(|i| encoded.specs[i].0.name.as_str()).collect();
    assert_eq!(names, ["copy0", "other"]);
    assert!(select(&encoded, &vec![false; rows], 2).is_empty(), "one outcome leaves nothing to choose by");
}

/// Of two hundred columns of noise some split always saves something: not more than chance explains.
#[test]
fn noise_is_not_chosen_beside_the_one_fact_that_tells() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let rows = 1_500;
    let fact: Vec<f64> = (0..rows).map(|_| rng.random::<f64>()).collect();
    let labels: Vec<bool> = fact.iter().map(|x| rng.random::<f64>() < sigmoid(3.0 * x - 4.0)).collect();
    let mut columns = vec![numbers("fact", fact)];
    columns.extend((0..200).map(|n| numbers(&format!("noise{n}"), (0..rows).map(|_| rng.random::<f64>()).collect())));
    let encoded = encoded(&Table::new(columns, rows), 12);
    let names: Vec<&str> =
        select(&encoded, &labels, 40).into_iter().map(|i| encoded.specs[i].0.name.as_str()).collect();
    assert!(names.contains(&"fact") && names.len() <= 3, "{names:?}");
}

#[test]
fn a_changed_unit_or_a_missing_column_is_an_error_that_names_it() {
    let (table, labels) = noisy_world(300, 9);
    let encoded = encoded(&table, 4);
    let card: Scorecard = encoded.scorecard(&encoded.fit(&labels, 1.0).unwrap(), 1.0);
    let mut other = table.clone();
    other.columns[0].spec.unit = "share".into();
    let message = card.bind(&other.frame()).unwrap_err().to_string();
    assert!(message.contains("`a`") && message.contains("`share`") && message.contains("`count`"), "{message}");
    other.columns.remove(0);
    let message = card.require(&other.frame()).unwrap_err().to_string();
    assert!(message.contains("`a`") && message.contains("`usage`"), "{message}");
    let swapped = Table::new(vec![numbers("c", vec![1.0; 300])], 300);
    assert!(card.bind(&swapped.frame()).unwrap_err().to_string().contains("numbers"));
}

#[test]
fn platt_recovers_a_known_distortion() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let z: Vec<f64> = (0..40_000).map(|_| rng.random::<f64>() * 6.0 - 3.0).collect();
    let labels: Vec<bool> = z.iter().map(|z| rng.random::<f64>() < sigmoid(-0.7 + 0.5 * z)).collect();
    let platt = Platt::fit(&z, &labels);
    close(platt.intercept, -0.7, 0.06);
    close(platt.slope, 0.5, 0.04);
}

#[test]
fn platt_never_turns_a_model_round_and_stays_finite_on_separable_rows() {
    let z = [-2.0, -1.0, 1.0, 2.0];
    let reversed = Platt::fit(&z.repeat(50), &[true, true, false, false].repeat(50));
    assert_eq!(reversed.slope, 0.0);
    let separable = Platt::fit(&z, &[false, false, true, true]);
    assert!(separable.slope.is_finite() && separable.slope > 0.5 && separable.slope < 20.0, "{separable:?}");
}

/// A design long enough to start on a sample of its rows, with the optimum checked where it must be: zero gradient.
#[test]
fn a_long_design_ends_at_the_same_optimum_as_any_other() {
    let (table, labels) = noisy_world(200_000, 11);
    let encoded = encoded(&table, 12);
    let fitted = encoded.fit(&labels, 2.0).unwrap();
    let z = encoded.design.log_odds(&fitted);
    let matrix = encoded.design.dense();
    let residual = |row: usize| sigmoid(z[row]) - f64::from(u8::from(labels[row]));
    close((0..z.len()).map(residual).sum(), 0.0, 1e-2);
    for (column, weight) in fitted.weights.iter().enumerate() {
        let slope: f64 = (0..z.len()).map(|row| residual(row) * matrix[(row, column)]).sum();
        close(slope + 2.0 * weight, 0.0, 1e-2);
    }
}

#[test]
fn the_number_of_threads_does_not_show_in_a_fit() {
    let (table, labels) = noisy_world(30_000, 12);
    let encoded = encoded(&table, 12);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| encoded.fit(&labels, 1.0).unwrap().weights)
    };
    assert_eq!(on(1), on(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_monotone_change_of_the_scores_leaves_the_auc_alone(p in prop::collection::vec(0.01f64..0.99, 10..60), seed in 0u64..99) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let labels: Vec<bool> = p.iter().enumerate().map(|(i, _)| i == 0 || (i > 1 && rng.random())).collect();
        let cubed: Vec<f64> = p.iter().map(|p| p.powi(3)).collect();
        let (a, b) = (metrics(&p, &labels).unwrap(), metrics(&cubed, &labels).unwrap());
        prop_assert!((a.auc - b.auc).abs() < 1e-12 && (a.lift_top_decile - b.lift_top_decile).abs() < 1e-12);
    }

    #[test]
    fn weird_columns_never_panic(values in prop::collection::vec(prop_oneof![any::<f64>(), Just(0.0), Just(f64::NAN)], 3..40)) {
        let rows = values.len();
        let labels: Vec<bool> = (0..rows).map(|row| row % 2 == 0).collect();
        let table = Table::new(vec![numbers("a", values)], rows);
        let encoded = encoded(&table, 5);
        let fitted = encoded.fit(&labels, 1.0).unwrap();
        let card = encoded.scorecard(&fitted, 1.0);
        let frame = table.frame();
        let columns = card.bind(&frame).unwrap();
        prop_assert!((0..rows).all(|row| card.log_odds(&columns, row).is_finite()));
    }
}

#[test]
fn a_ranking_counts_hits_and_precision_over_offers_with_a_purchase() {
    let offer = |scores: &[f64], bought: &[bool]| Offer { scores: scores.to_vec(), bought: bought.to_vec() };
    let offers = [
        offer(&[0.1, 0.9, 0.5], &[true, false, true]),
        offer(&[0.7, 0.2, 0.1], &[true, false, false]),
        offer(&[0.7, 0.2], &[false, false]),
    ];
    let first = ranking::at(&offers, 1).expect("two offers were taken up");
    assert_eq!((first.offers, first.hit_rate, first.map), (2, 0.5, 0.5));
    // Second and third of three: (1/2 + 2/3) / 2; then a first place.
    let three = ranking::at(&offers, 3).expect("two offers were taken up");
    close(three.map, ((0.5 + 2.0 / 3.0) / 2.0 + 1.0) / 2.0, 1e-12);
    assert_eq!(three.hit_rate, 1.0);
    assert_eq!(ranking::at(&offers[2..], 3), None, "nothing was bought");
}

#[test]
fn a_models_order_of_products_is_held_against_the_most_purchased_first() {
    let row = |account_hash: u64, product: &str, probability: f64, happened: bool| TestRow {
        account_hash,
        day: Day(20_000),
        product: Some(product.into()),
        segment: None,
        happened,
        probability,
        baseline: 0.1,
    };
    let rows = [
        row(1, "chat", 0.1, false),
        row(1, "crm", 0.2, false),
        row(1, "mail", 0.3, false),
        row(1, "shop", 0.9, true),
        row(2, "chat", 0.5, true),
        row(2, "crm", 0.4, false),
    ];
    let bought = [("chat", 9), ("crm", 8), ("mail", 7)].map(|(product, n)| (product.into(), n)).into();
    let compared = ranking::compared(&rows, &bought).expect("two accounts bought something");
    assert_eq!((compared.k, compared.model.offers), (3, 2));
    assert_eq!((compared.model.hit_rate, compared.model.map), (1.0, 1.0));
    // The shop stands fourth by purchases; the chat stands first.
    assert_eq!((compared.most_purchased.hit_rate, compared.most_purchased.map), (0.5, 0.5));
    let single = rows.map(|row| TestRow { product: None, ..row });
    assert_eq!(ranking::compared(&single, &bought), None, "one product has no order");
}
