//! From snapshots to the labelled examples of each target, and from those to one trained model per target.

use rayon::prelude::*;

use super::cutoff::{self, Leak};
use super::family::Family;
use super::features;
use super::follow_up::completed;
use super::grain::{Grain, Snapshots, Source, labelled_days};
use super::rows::{Examples, Target};
use super::table::{Frame, Table};
use super::train::{Challenger, Ground, train_families};
use crate::vocabulary::{Day, ProductIx, PropensityKind};

/// Everything that one training produced, in the order churn, upsell, cross-sell by product, cross-sell pooled: of each
/// target the scorecard and after it the challengers, passed to `each` together with the examples that judged them.
///
/// # Errors
/// Where a training row knows more than its day did; nothing is trained then.
pub fn train_all<T: Send>(
    source: &Source,
    challengers: &[Family],
    each: impl Fn(Vec<Challenger>, &Examples) -> T + Sync,
) -> Result<Vec<T>, Leak> {
    let kinds = [PropensityKind::Churn, PropensityKind::Upsell, PropensityKind::CrossSell];
    let mut days: Vec<Day> =
        kinds.iter().flat_map(|kind| labelled_days(source, source.models.horizon_days(*kind))).collect();
    days.sort_unstable();
    days.dedup();
    let snapshots = Snapshots::build(source, &days);
    cutoff::check(source, &snapshots)?;
    let targets = targets(source);
    let own = |product: ProductIx| snapshots.purchase_columns(product, source.extracts);
    let extra: Vec<Table> = targets.par_iter().map(|(_, product)| product.map_or(Table::default(), own)).collect();
    let examples: Vec<Examples> = targets
        .par_iter()
        .zip(&extra)
        .map(|((target, product), extra)| labelled(&snapshots, source, target, *product, extra))
        .collect();
    // One after the other, each on all threads: so many codes are alive once.
    let grounds: Vec<_> = targets
        .iter()
        .zip(&examples)
        .map(|((target, _), examples)| Ground::of(target, examples, source.models))
        .collect();
    let mut trained: Vec<(bool, T)> = targets
        .par_iter()
        .zip(&examples)
        .zip(grounds)
        .map(|(((target, _), examples), ground)| {
            let trained = families(target, &snapshots, source, challengers, examples, ground);
            let abstains = trained[0].artifact.active().is_none();
            (target.kind == PropensityKind::CrossSell && abstains, each(trained, examples))
        })
        .collect();
    // The model of all products lays more rows side by side than any other; what those were trained on makes room.
    drop(examples);
    drop(extra);
    if trained.iter().any(|(thin, _)| *thin) && sold(source).count() > 1 {
        trained.push((false, pooled(&snapshots, source, challengers, &each)));
    }
    Ok(trained.into_iter().map(|(_, result)| result).collect())
}

/// Every target and its product: churn, upsell, cross-sell by product.
pub fn targets(source: &Source) -> Vec<(Target, Option<ProductIx>)> {
    let plain = |kind: PropensityKind| {
        let horizon_days = source.models.horizon_days(kind);
        (Target { kind, product: None, product_name: None, horizon_days }, None)
    };
    let of_product = |product: ProductIx| {
        let known = source.extracts.product(product);
        let (mut target, _) = plain(PropensityKind::CrossSell);
        (target.product, target.product_name) = (Some(known.id.to_string()), Some(known.name.to_string()));
        (target, Some(product))
    };
    let single = [PropensityKind::Churn, PropensityKind::Upsell].into_iter().map(plain);
    single.chain(sold(source).map(of_product)).collect()
}

/// Products that the catalogue sells.
fn sold<'a>(source: &Source<'a>) -> impl Iterator<Item = ProductIx> + use<'a> {
    let products = &source.extracts.products;
    (0..products.len()).filter(|product| !products[*product].tiers.is_empty()).map(ProductIx::from)
}

/// The target's models with what later nights read from them.
fn families(
    target: &Target,
    snapshots: &Snapshots,
    source: &Source,
    challengers: &[Family],
    examples: &Examples,
    ground: Result<Ground, String>,
) -> Vec<Challenger> {
    let trained = train_families(target, source.as_of, examples, ground, source.models, challengers);
    trained.into_iter().map(|challenger| completed(challenger, snapshots, source, examples)).collect()
}

/// The target's labelled rows; `extra` holds the columns that depend on the product.
pub fn labelled<'a>(
    snapshots: &'a Snapshots,
    source: &Source,
    target: &Target,
    product: Option<ProductIx>,
    extra: &'a Table,
) -> Examples<'a> {
    let (rows, labels) = snapshots.labelled(target.kind, product, target.horizon_days, source);
    let frame = extra.columns.iter().fold(snapshots.table.frame(), Frame::with);
    examples(frame, rows, labels, &snapshots.grains)
}

fn examples<'a>(frame: Frame<'a>, rows: Vec<u32>, labels: Vec<bool>, grains: &[Grain]) -> Examples<'a> {
    let grain = |row: &u32| &grains[*row as usize];
    let days = rows.iter().map(|row| grain(row).day).collect();
    let account_hashes = rows.iter().map(|row| grain(row).account_hash).collect();
    Examples { frame, rows, labels, days, account_hashes }
}

/// One model over all products: rows of (account, day, product), with the product, what is observed of it and its
/// purchase rates as features.
fn pooled<T>(
    snapshots: &Snapshots,
    source: &Source,
    challengers: &[Family],
    each: &impl Fn(Vec<Challenger>, &Examples) -> T,
) -> T {
    let horizon_days = source.models.horizon_days(PropensityKind::CrossSell);
    let mut stacked: Vec<(u32, ProductIx, bool)> = Vec::new();
    for product in sold(source) {
        let (rows, labels) = snapshots.labelled(PropensityKind::CrossSell, Some(product), horizon_days, source);
        stacked.extend(rows.into_iter().zip(labels).map(|(row, label)| (row, product, label)));
    }
    // Snapshot rows stand by day, so this order is by day too.
    stacked.sort_unstable_by_key(|(row, product, _)| (*row, *product));
    let step = stacked.len().div_ceil(source.models.max_training_rows.max(1) as usize).max(1);
    stacked.retain(|(row, _, _)| snapshots.grains[*row as usize].account_hash.is_multiple_of(step as u64));
    let rows: Vec<u32> = stacked.iter().map(|(row, _, _)| *row).collect();
    let grains: Vec<Grain> = rows.iter().map(|row| snapshots.grains[*row as usize].clone()).collect();
    let table = pooled_table(snapshots, source, &stacked, &rows);
    let labels = stacked.iter().map(|(_, _, label)| *label).collect();
    let examples = examples(table.frame(), (0..rows.len() as u32).collect(), labels, &grains);
    let target = Target { kind: PropensityKind::CrossSell, product: None, product_name: None, horizon_days };
    let ground = Ground::of(&target, &examples, source.models);
    each(families(&target, snapshots, source, challengers, &examples, ground), &examples)
}

fn pooled_table(snapshots: &Snapshots, source: &Source, stacked: &[(u32, ProductIx, bool)], rows: &[u32]) -> Table {
    let mut table = snapshots.table.take(rows);
    let products: Vec<ProductIx> = stacked.iter().map(|(_, product, _)| *product).collect();
    let cells: Vec<features::FeatureRow> = stacked
        .iter()
        .map(|(row, product, _)| snapshots.purchase_cells(&snapshots.grains[*row as usize], *product))
        .collect();
    let of_products = features::columns_of_products(&table.frame(), &products, source.extracts);
    table.columns.extend(features::table(&cells, source.extracts).columns);
    table.columns.extend(of_products);
    Table::new(table.columns, rows.len())
}
