//! Training on a public simulator's extracts, against the figures that others reached there; skipped, saying so, where
//! the folder is absent.

use std::collections::BTreeMap;

use foothold::extracts::{self, Extracts};
use foothold::learners::columns::table::Table;
use foothold::learners::measuring::evaluate::{Metrics, metrics};
use foothold::models::Settings;
use foothold::models::examples::grain::{Snapshots, Source, labelled_days};
use foothold::models::outcomes::labels::Expansion;
use foothold::models::training::every_target::{labelled, targets};
use foothold::models::training::train::{Recipe, Target, log_odds};
use foothold::statistics::sigmoid;
use foothold::store::Access;
use foothold::vocabulary::{Day, ProductIx, PropensityKind};

use crate::models_telco::shared;
use crate::support::{day, default_settings, parquet_world};

fn crm5() -> Option<Extracts> {
    let path = shared("crm5")?;
    let settings = extracts::Settings { url: path.display().to_string(), ..parquet_world::settings() };
    Some(extracts::load(&settings, &Access::default(), day("2023-07-15"), &|_| {}).expect("the extracts are sound"))
}

/// What later rows say of one target.
struct Judged {
    target: Target,
    reached: Metrics,
    /// Of accounts that no commitment holds beyond the horizon: who leaves when all of them could.
    due: Option<Metrics>,
    /// By day and account: the probability, and whether it happened.
    rows: BTreeMap<(Day, u64), (f64, bool)>,
}

/// Fits on snapshots whose outcome was known by 2023-01-01 and judges on those from that day on.
fn judged(snapshots: &Snapshots, source: &Source, target: &Target, product: Option<ProductIx>) -> Judged {
    let extra = product.map_or(Table::default(), |product| snapshots.columns_of(product, source.extracts));
    let examples = labelled(snapshots, source, target, product, &extra);
    let split = day("2023-01-01");
    let fit = examples.positions(|day, _| day.plus(target.horizon_days) <= split);
    let judge = examples.positions(|day, _| day >= split);
    let recipe = Recipe::choose(target, &examples, &fit, source.models).expect("enough rows");
    let card = recipe.fit(&examples, &fit).expect("both outcomes");
    let probabilities: Vec<f64> = log_odds(&card, &examples, &judge).into_iter().map(sigmoid).collect();
    let labels: Vec<bool> = judge.iter().map(|p| examples.labels[*p as usize]).collect();
    let reached = metrics(&probabilities, &labels).expect("both outcomes");
    eprintln!("crm5 {} {:?}: {} features, {reached:?}", target.kind, target.product, card.features.len());
    let ends = examples.frame.find("contract.days_to_commitment_end").expect("terms of six months and more");
    // Not known without a commitment: then every month may be the last.
    let bound = |row: u32| ends.values.number(row as usize) > f64::from(target.horizon_days);
    let due = judge.iter().map(|p| !bound(examples.rows[*p as usize])).zip(probabilities.iter().zip(&labels));
    let (due, happened): (Vec<f64>, Vec<bool>) =
        due.filter(|(due, _)| *due).map(|(_, (p, label))| (*p, *label)).unzip();
    let due = metrics(&due, &happened);
    let keys = judge.iter().map(|p| (examples.days[*p as usize], examples.account_hashes[*p as usize]));
    Judged { target: target.clone(), reached, due, rows: keys.zip(probabilities.into_iter().zip(labels)).collect() }
}

/// Whether any product is bought, as if each were decided apart from the others.
fn any_product(judged: &[Judged]) -> Metrics {
    let mut rows: BTreeMap<(Day, u64), (f64, bool)> = BTreeMap::new();
    for (key, (probability, bought)) in judged.iter().flat_map(|judged| &judged.rows) {
        let (none, any) = rows.entry(*key).or_insert((1.0, false));
        *none *= 1.0 - probability;
        *any |= bought;
    }
    let (probabilities, bought): (Vec<f64>, Vec<bool>) = rows.values().map(|(none, any)| (1.0 - none, *any)).unzip();
    metrics(&probabilities, &bought).expect("both outcomes")
}

#[test]
fn crm5_upgrades_and_add_ons_are_predicted_and_churn_stays_honest() {
    let Some(extracts) = crm5() else { return };
    let models = Settings {
        churn_horizon_days: 30,
        upsell_horizon_days: 30,
        cross_sell_horizon_days: 30,
        min_history_days: 60,
        upsell_labels: vec![Expansion::Tier],
        ..default_settings("models")
    };
    let (observations, capacity) = (default_settings("observations"), default_settings("capacity"));
    let source = Source {
        extracts: &extracts,
        as_of: day("2023-07-15"),
        observations: &observations,
        capacity: &capacity,
        models: &models,
        weekly_capacity: 5,
    };
    let snapshots = Snapshots::build(&source, &labelled_days(&source, 30));
    // Every account owns the core product from its first day, so nobody can buy it.
    let core = extracts.ids.products.get("crm");
    let all: Vec<Judged> = targets(&source)
        .iter()
        .filter(|(_, product)| product.is_none() || *product != core)
        .map(|(target, product)| judged(&snapshots, &source, target, *product))
        .collect();
    let [churn, upsell, add_ons @ ..] = all.as_slice() else { panic!("churn and upsell always stand first") };
    assert!(add_ons.iter().all(|judged| judged.target.kind == PropensityKind::CrossSell));
    let due = churn.due.expect("leavers and others");
    let (churn, upsell, any) = (churn.reached, upsell.reached, any_product(add_ons));
    eprintln!("crm5 any add-on: {any:?}\ncrm5 churn where it may come: {due:?}");
    assert!(due.auc < 0.70, "who leaves there is mostly noise; a figure this high is leakage: {due:?}");
    assert!(churn.auc > 0.58 && churn.auc < 0.75, "who is committed is known, who leaves is not: {churn:?}");
    assert!(upsell.auc > 0.90 && upsell.lift_top_decile > 5.0, "{upsell:?}");
    assert!(any.auc > 0.80, "{any:?}");
}
