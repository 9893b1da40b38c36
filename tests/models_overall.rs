//! The model over all products: what it knows of the product that a row is about.

use foothold::extracts::tables::OpportunityKind;
use foothold::models::examples::grain::{Snapshots, Source, labelled_days};
use foothold::models::features::columns_of_products;
use foothold::vocabulary::ProductIx;

use crate::support::{WorldBuilder, day, default_settings};

#[test]
fn a_row_of_the_model_over_all_products_reads_what_is_observed_of_its_own_product() {
    let (first, as_of) = (day("2025-01-01"), day("2026-01-31"));
    let mut world = WorldBuilder::default();
    for product in ["crm", "guard", "insights"] {
        world.product(product, &[("basic", 1, 50.0)]);
    }
    let (guard, insights) = (world.product_ix("guard"), world.product_ix("insights"));
    world.feature("sheet", "crm").suggests = Some(insights);
    for account in ["acme", "zeta"] {
        world.account(account);
        world.subscription(&format!("{account}-crm"), account, "crm", "basic", first).units = Some(10.0);
        world.usage(account, "crm", "sessions", first, 5.0);
    }
    let snapshot = as_of.minus(150);
    world.feature_use("acme", "ann", "sheet", snapshot.minus(60), 4);
    world.feature_use("acme", "ann", "sheet", snapshot.minus(5), 3);
    world.feature_use("acme", "bob", "sheet", snapshot.minus(4), 2);
    world.opportunity("o-1", "acme", OpportunityKind::CrossSell, snapshot.minus(10)).product = Some(guard);
    let (observations, capacity, models) =
        (default_settings("observations"), default_settings("capacity"), default_settings("models"));
    let extracts = world.build();
    let source = Source {
        extracts: &extracts,
        as_of,
        observations: &observations,
        capacity: &capacity,
        models: &models,
        weekly_capacity: 5,
    };
    let snapshots = Snapshots::build(&source, &[snapshot]);
    assert!(labelled_days(&source, 90).contains(&snapshot));
    assert_eq!(snapshots.grains.len(), 2);
    // The rows of the pooled model: acme about either product, zeta about one.
    let (rows, products): (Vec<u32>, Vec<ProductIx>) = [(0, insights), (0, guard), (1, insights)].into_iter().unzip();
    let table = snapshots.table.take(&rows);
    let columns = columns_of_products(&table.frame(), &products, &extracts);
    let of = |name: &str| -> Vec<f64> {
        let column = columns.iter().find(|column| column.spec.name == name).expect(name);
        (0..rows.len()).map(|row| column.values.number(row)).collect()
    };
    let known = |values: Vec<f64>| values.into_iter().map(|v| (!v.is_nan()).then_some(v)).collect::<Vec<_>>();
    assert_eq!(known(of("purchases.workaround_events.30d")), [Some(5.0), None, None]);
    assert_eq!(known(of("purchases.workaround_events.90d")), [Some(9.0), None, None]);
    assert_eq!(known(of("purchases.workaround_users.30d")), [Some(2.0), None, None]);
    assert_eq!(known(of("purchases.opportunities_open")), [None, Some(1.0), None]);
    assert_eq!(known(of("purchases.competing_integrations")), [None, None, None]);
    let word = |row: usize| columns.iter().find_map(|column| column.values.word(row)).map(|word| &**word);
    assert_eq!((word(0), word(1), word(2)), (Some("insights"), Some("guard"), Some("insights")));
}
