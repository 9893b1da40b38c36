//! Directions: an effect that is held to one runs one way in every world, and costs little where the world agrees.

use foothold::feature_table::judge::{Plan, judge};
use foothold::feature_table::recipe::Recipe;
use foothold::feature_table::{CodedTable, Roles, TableFile};
use foothold::learners::columns::table::{Column, Spec, Table};
use foothold::learners::families::family::Family;
use foothold::learners::families::scorecard::Encoded;
use foothold::learners::fitting::monotone::Direction;
use foothold::models::features::catalogue;
use foothold::models::features::directions::{DIRECTIONS, known, told};
use foothold::statistics::sigmoid;
use foothold::store::Access;
use foothold::vocabulary::PropensityKind;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn column(name: &str, values: Vec<f64>) -> Column {
    let (name, unit) = (name.to_owned(), String::new());
    Column::numbers(Spec { label: name.clone(), name, unit, source: "usage".into(), window_days: 0 }, values)
}

/// Two numbers, one in ten missing; labels go up and down with the first as `waves` says.
fn world(rows: usize, seed: u64, waves: f64, slope: f64) -> (Table, Vec<bool>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut a, mut b, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let (x, y) = (rng.random::<f64>(), rng.random::<f64>());
        labels.push(rng.random::<f64>() < sigmoid(slope * (x - 0.5) + 1.5 * (waves * x).sin() - 0.5 + y));
        a.push(if rng.random::<f64>() < 0.1 { f64::NAN } else { x });
        b.push(y);
    }
    (Table::new(vec![column("a", a), column("b", b)], rows), labels)
}

fn encoded(table: &Table, direction: Direction) -> Encoded {
    let rows: Vec<u32> = (0..table.rows as u32).collect();
    let mut encoded = Encoded::learn(&table.frame().columns, &rows, 12);
    encoded.directions[0] = direction;
    encoded
}

fn runs(points: &[f64], direction: Direction) -> bool {
    match direction {
        Direction::Rises => points.is_sorted(),
        Direction::Falls => points.is_sorted_by(|a, b| a >= b),
        Direction::Free => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn directed_points_run_one_way_whatever_the_world(
        rows in 60usize..600, seed in any::<u64>(), waves in 0.0f64..30.0, slope in -3.0f64..3.0, ridge in 0.1f64..30.0,
    ) {
        let (table, labels) = world(rows, seed, waves, slope);
        prop_assume!(labels.iter().any(|label| *label) && labels.iter().any(|label| !*label));
        for direction in [Direction::Rises, Direction::Falls] {
            let encoded = encoded(&table, direction);
            let card = encoded.scorecard(&encoded.fit(&labels, ridge).unwrap(), ridge);
            prop_assert!(runs(&card.features[0].points[1..], direction), "{direction:?} {:?}", card.features[0].points);
            for fitted in encoded.path(&labels, &[30.0, 3.0]) {
                prop_assert!(runs(&fitted.unwrap().effects[0][1..], direction));
            }
        }
    }
}

#[test]
fn a_direction_that_the_world_agrees_with_moves_no_more_than_its_noise() {
    let (table, labels) = world(4_000, 5, 0.0, 3.0);
    let loss = |direction: Direction| {
        let encoded = encoded(&table, direction);
        let z = encoded.design.log_odds(&encoded.fit(&labels, 3.0).unwrap());
        let losses = z.iter().zip(&labels).map(|(z, y)| if *y { (-z).exp().ln_1p() } else { z.exp().ln_1p() });
        losses.sum::<f64>() / labels.len() as f64
    };
    let (free, along, against) = (loss(Direction::Free), loss(Direction::Rises), loss(Direction::Falls));
    assert!(along >= free - 1e-9 && along < free + 0.002, "{free} {along}");
    assert!(against > free + 0.03, "held the wrong way it cannot tell: {free} {against}");
}

#[test]
fn every_known_direction_is_of_a_listed_feature_and_is_found_by_a_feature_s_own_name() {
    let listed: Vec<String> = catalogue::all().into_iter().map(|feature| feature.name).collect();
    for (kind, pattern, direction) in DIRECTIONS {
        assert!(listed.iter().any(|name| name == pattern), "{pattern} is in no catalogue");
        let own = pattern.replace("<product>", "crm").replace("<metric>", "seats");
        assert_eq!(known(*kind, &own), *direction, "{own}");
    }
    assert_eq!(known(PropensityKind::Upsell, "capacity.crm.api_calls_utilization"), Direction::Rises);
    assert_eq!(known(PropensityKind::Churn, "capacity.crm.api_calls_utilization"), Direction::Free);
    assert_eq!(told("capacity.highest_utilization"), "upsell rises");
}

#[test]
fn trees_and_slopes_keep_a_direction_whatever_the_other_feature_is() {
    let (table, labels) = world(1_500, 12, 9.0, 2.0);
    for family in [Family::Boosting, Family::Logistic] {
        let learner = family.learner();
        let steps = |direction: Direction| {
            let encoded = encoded(&table, direction);
            let card = learner.fit(&encoded, &labels, learner.candidates(&[])[0].max(60.0)).unwrap();
            let row = |other: u8| (1..encoded.counts[0].len() as u8).map(move |code| [code, other]);
            let said = |other: u8| row(other).map(|codes| card.log_odds_of(|at| codes[at])).collect::<Vec<f64>>();
            (0..encoded.counts[1].len() as u8).map(said).collect::<Vec<_>>()
        };
        for direction in [Direction::Rises, Direction::Falls] {
            assert!(steps(direction).iter().all(|said| runs(said, direction)), "{family} {direction:?}");
        }
        let turned = |said: &Vec<f64>| !runs(said, Direction::Falls);
        assert!(steps(Direction::Free).iter().any(turned), "{family} left free goes where the labels go");
    }
}

fn evaluated(monotone: &[(&str, Direction)], family: Family) -> Result<Vec<f64>, String> {
    let (table, labels) = world(900, 8, 9.0, 2.0);
    let numbers = |at: usize| -> Vec<f64> { (0..table.rows).map(|row| table.columns[at].values.number(row)).collect() };
    let (a, b) = (numbers(0), numbers(1));
    let cell = |value: f64| if value.is_nan() { String::new() } else { value.to_string() };
    let line = |row: usize| format!("{},{},{},{}", cell(a[row]), b[row], ["x", "y"][row % 2], u8::from(labels[row]));
    let text = std::iter::once("a,b,word,left".to_owned()).chain((0..labels.len()).map(line)).collect::<Vec<_>>();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text.join("\n")).expect("written");
    let file = TableFile::open(&path.to_string_lossy(), &Access::local(".")).expect("readable");
    let roles = Roles { label: "left".into(), ..Roles::default() };
    let table = CodedTable::read(&file, &roles).map_err(|e| e.to_string())?;
    let monotone = monotone.iter().map(|(name, direction)| ((*name).to_owned(), *direction)).collect();
    let plan = Plan { folds: 3, embargo: 0.0, recipe: Recipe { monotone, family, ..Recipe::default() } };
    let (_, trained) = judge(&file, &table, "left", &plan, &|| 0.0).map_err(|e| e.to_string())?;
    assert!(
        trained
            .model
            .pairs
            .iter()
            .all(|pair| plan.recipe.monotone.is_empty() || pair.first != "a" && pair.second != "a")
    );
    let feature = trained.model.card.features.iter().find(|feature| feature.spec.name == "a").expect("a feature");
    Ok(feature.points[1..].to_vec())
}

#[test]
fn a_table_s_column_is_held_to_its_direction_and_what_has_none_is_refused_by_name() {
    assert!(!evaluated(&[], Family::Scorecard).unwrap().is_sorted(), "left free it waves");
    assert!(evaluated(&[("a", Direction::Rises)], Family::Scorecard).unwrap().is_sorted());
    assert!(evaluated(&[("a", Direction::Falls)], Family::Scorecard).unwrap().is_sorted_by(|x, y| x >= y));
    let refused = |name: &str, family: Family| evaluated(&[(name, Direction::Rises)], family).unwrap_err();
    assert!(refused("word", Family::Scorecard).contains("column `word`: holds words, which have no order"));
    assert!(refused("aa", Family::Scorecard).contains("`--monotone aa`: the table has no such column"));
    assert!(refused("word", Family::Boosting).contains("holds words"));
}
