//! Rows of features become columns: whatever the order of cells and however the rows were divided.

use foothold::extracts::InputTable;
use foothold::models::columns::{Columns, lay, table};
use foothold::models::features::{Cell, Family, FeatureRow, Key, Measure, Metric, Value};
use foothold::models::table::{Table, Values};
use foothold::vocabulary::AccountIx;
use proptest::prelude::*;

use crate::support::WorldBuilder;

fn cell(name: &'static str, value: Value) -> Cell {
    let (family, measure) = (Family::Account, Measure::Level);
    let key = Key { family, product: None, metric: Metric::Fixed(name), window_days: 0, measure };
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
    above.append(below);
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
