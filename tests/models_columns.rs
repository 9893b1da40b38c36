//! Rows of features become columns: whatever the order of cells and however the rows were divided.

use foothold::extracts::InputTable;
use foothold::learners::columns::ranked::Ranked;
use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::families::scorecard::Encoded;
use foothold::models::features::columns::{Columns, lay, table};
use foothold::models::features::{Cell, Family, FeatureRow, Key, Measure, Value};
use foothold::observations::Name;
use foothold::vocabulary::AccountIx;
use proptest::prelude::*;

use crate::support::WorldBuilder;

fn cell(name: &'static str, value: Value) -> Cell {
    let (family, measure) = (Family::Account, Measure::Level);
    let key = Key { family, product: None, metric: Name::Fixed(name), window_days: 0, measure };
    Cell { key, unit: "count", source: InputTable::Accounts, value }
}

fn number(name: &'static str, value: f64) -> Cell {
    cell(name, Value::Number(value))
}

fn row(cells: Vec<Cell>) -> FeatureRow {
    FeatureRow { cells }
}

/// Names and values as text, column by column.
fn written(table: &Table) -> Vec<(String, Vec<String>)> {
    let cell = |values: &Values, row: usize| match values {
        Values::Words(words) => words[row].as_deref().unwrap_or("-").to_owned(),
        numbers => numbers.number(row).to_string(),
    };
    let cells = |values: &Values| (0..table.rows).map(|row| cell(values, row)).collect::<Vec<_>>();
    table.columns.iter().map(|column| (column.spec.name.clone(), cells(&column.values))).collect()
}

fn expected(columns: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let owned = |(name, cells): &(&str, &[&str])| {
        (format!("account.{name}"), cells.iter().map(|cell| (*cell).to_owned()).collect())
    };
    columns.iter().map(owned).collect()
}

#[test]
fn a_feature_that_a_row_does_not_know_is_missing_there() {
    let rows = [
        row(vec![number("b", 1.0), cell("w", Value::Word("x".into()))]),
        row(vec![]),
        row(vec![number("a", 2.0), number("b", 3.0)]),
    ];
    let table = table(&rows, &WorldBuilder::default().build());
    let columns: [(&str, &[&str]); 3] =
        [("a", &["NaN", "NaN", "2"]), ("b", &["1", "NaN", "3"]), ("w", &["x", "-", "-"])];
    assert_eq!(table.rows, 3);
    assert_eq!(written(&table), expected(&columns));
}

#[test]
fn rows_put_below_miss_what_only_the_rows_above_have() {
    let (mut above, mut below) = (Columns::default(), Columns::default());
    above.push(&row(vec![number("a", 1.0), cell("w", Value::Word("x".into()))]));
    below.push(&row(vec![number("b", 2.0), cell("a", Value::Word("not a number".into()))]));
    above.append(vec![below]);
    let table = above.into_table(&WorldBuilder::default().build());
    let columns: [(&str, &[&str]); 3] = [("a", &["1", "NaN"]), ("b", &["NaN", "2"]), ("w", &["x", "-"])];
    assert_eq!(written(&table), expected(&columns));
}

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

proptest! {
    #[test]
    fn blocks_of_rows_make_the_same_table_as_all_rows_at_once(
        drawn in prop::collection::vec(prop::collection::vec((0..NAMES.len(), -9i32..9), 0..12), 0..200),
    ) {
        let rows: Vec<Option<FeatureRow>> = drawn
            .iter()
            .map(|cells| {
                let cells = cells.iter().map(|(name, value)| number(NAMES[*name], f64::from(*value)));
                (!cells.len().is_multiple_of(5)).then(|| row(cells.collect()))
            })
            .collect();
        let extracts = WorldBuilder::default().build();
        let accounts: Vec<AccountIx> = (0..rows.len()).map(AccountIx::from).collect();
        let (told, columns) = lay(&accounts, |account| Some((account, rows[account.at()].clone()?)));
        let kept: Vec<FeatureRow> = rows.iter().flatten().cloned().collect();
        prop_assert_eq!(told.len(), kept.len());
        prop_assert!(told.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(written(&columns.into_table(&extracts)), written(&table(&kept, &extracts)));
        let mut last = vec![None; NAMES.len()];
        if let Some(cells) = drawn.iter().rfind(|cells| !cells.len().is_multiple_of(5)) {
            cells.iter().for_each(|(name, value)| last[*name] = Some(value.to_string()));
        }
        for (name, values) in written(&table(&kept, &extracts)) {
            let place = NAMES.iter().position(|known| name.ends_with(&format!(".{known}"))).unwrap();
            prop_assert_eq!(values.last().unwrap(), &last[place].clone().unwrap_or_else(|| "NaN".into()));
        }
    }
}

#[test]
fn ranks_give_back_every_number_to_its_last_bit() {
    let numbers = [3.5, f64::NAN, -0.0, 0.0, 3.5, f64::from_bits(0.1f64.to_bits() + 1), 0.1];
    let ranked = Ranked::of(&numbers).expect("few values");
    for (row, number) in numbers.iter().enumerate() {
        let own = ranked.number(row);
        assert!(own.to_bits() == number.to_bits() || own.is_nan() && number.is_nan(), "row {row}: {own}");
    }
    let taken = ranked.take(&[4, 1, 6, 4].into());
    assert_eq!((taken.number(0), taken.take(&[3, 2].into()).number(1)), (3.5, 0.1));
    let mut gathered = Vec::new();
    taken.gather(&[2, 0], &mut gathered);
    assert_eq!(gathered, [0.1, 3.5]);
    assert_eq!(taken.counted(&[0, 1, 2, 3]), [(0.1, 1), (3.5, 2)]);
    assert_eq!(taken.coded(&[0, 1, 2], |v| if v.is_nan() { 0 } else { 1 + v as u8 }), [4, 0, 1]);
    assert_eq!(ranked.counted(&[0, 1, 4, 6]), [(0.1, 1), (3.5, 2)]);
    assert_eq!(ranked.coded(&[0, 1, 6], |v| if v.is_nan() { 0 } else { 1 + v as u8 }), [4, 0, 1]);
    let most: Vec<f64> = (0..65_535).rev().map(f64::from).collect();
    let ranked = Ranked::of(&most).expect("two bytes hold them");
    assert_eq!((ranked.number(0), ranked.number(65_534)), (65_534.0, 0.0));
    assert!(Ranked::of(&[most.as_slice(), &[-1.0]].concat()).is_none());
}

#[test]
fn bins_and_typical_values_are_the_same_of_numbers_and_of_their_ranks() {
    let numbers: Vec<f64> =
        (0..500u32).map(|i| if i % 7 == 0 { f64::NAN } else { f64::from(i * i % 97) / 3.0 }).collect();
    let text = String::new;
    let spec = Spec { name: "a".to_owned(), label: text(), unit: text(), source: text(), window_days: 0 };
    let plain = Table::new(vec![Column::numbers(spec, numbers)], 500);
    let rows: Vec<u32> = (0..500).filter(|row| row % 3 != 0).collect();
    let (plain, ranked) = (plain.clone(), plain.ranked());
    assert!(matches!(ranked.columns[0].values, Values::Ranked(_)));
    let learned = |table: &Table| {
        let encoded = Encoded::learn(&table.frame().columns, &rows, 12);
        (format!("{:?}", encoded.specs), encoded.design.codes, encoded.counts, encoded.means)
    };
    assert_eq!(learned(&plain), learned(&ranked));
}

#[test]
fn tables_below_each_other_have_the_columns_of_all_and_miss_what_one_lacks() {
    let first = [row(vec![number("a", 1.0), cell("w", Value::Word("x".into()))])];
    let second = [row(vec![number("b", 3.0), number("w", 4.0)]), row(vec![number("a", 2.0)])];
    let extracts = WorldBuilder::default().build();
    let stacked = Table::stacked(&[table(&first, &extracts), table(&second, &extracts).ranked()]);
    let nan = "NaN";
    assert_eq!(
        (stacked.rows, written(&stacked)),
        (3, expected(&[("a", &["1", nan, "2"]), ("b", &[nan, "3", nan]), ("w", &["x", "-", "-"])]))
    );
}
