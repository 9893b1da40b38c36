//! From snapshots to the labelled examples of each target, and from those to one trained model per target.

use rayon::prelude::*;

use super::blend::Pool;
use super::follow_up::completed;
use super::train::{Challenger, Ground, Recipe, train_families};
use crate::learners::columns::table::{Frame, Table};
use crate::learners::families::family::Family;
use crate::models::examples::cutoff::{self, Leak};
use crate::models::examples::fingerprint::digests;
use crate::models::examples::grain::{Grain, Snapshots, Source, labelled_days};
use crate::models::examples::rows::{Examples, Target};
use crate::models::features;
use crate::models::settings::Settings;
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
    let own = |product: ProductIx| snapshots.columns_of(product, source.extracts);
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
    let (all_products, pool) = match sold(source).count() > 1 {
        true => pooled(&snapshots, source, challengers, &training_days(&targets, &grounds), &each),
        false => (None, None),
    };
    let trained = targets.par_iter().zip(&examples).zip(grounds).map(|(((target, product), examples), ground)| {
        let pool = pool.as_ref().filter(|_| product.is_some());
        each(families(target, &snapshots, source, challengers, examples, (ground, pool)), examples)
    });
    let mut trained: Vec<T> = trained.collect();
    trained.extend(all_products);
    Ok(trained)
}

/// The different days that models of single products are trained on before their test.
fn training_days(targets: &[(Target, Option<ProductIx>)], grounds: &[Result<Ground, String>]) -> Vec<Vec<Day>> {
    let of_products = targets.iter().zip(grounds).filter(|((_, product), _)| product.is_some());
    let mut days: Vec<Vec<Day>> =
        of_products.filter_map(|(_, ground)| Some(ground.as_ref().ok()?.training_days().to_vec())).collect();
    days.sort_unstable();
    days.dedup();
    days
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
    (ground, pool): (Result<Ground, String>, Option<&Pool>),
) -> Vec<Challenger> {
    let trained = train_families(target, source.as_of, examples, ground, source.models, (challengers, pool));
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
    let beside = digests(&extra.frame().columns, snapshots.table.rows);
    let digest = |row: &u32| snapshots.digests[*row as usize].wrapping_add(beside[*row as usize]);
    let digests = rows.iter().map(digest).collect();
    examples(frame, rows, labels, |row| &snapshots.grains[row as usize], digests)
}

/// `grain` says whom and what day a row of the frame is of.
fn examples<'a, 'g>(
    frame: Frame<'a>,
    rows: Vec<u32>,
    labels: Vec<bool>,
    grain: impl Fn(u32) -> &'g Grain,
    digests: Vec<u64>,
) -> Examples<'a> {
    let days = rows.iter().map(|row| grain(*row).day).collect();
    let account_hashes = rows.iter().map(|row| grain(*row).account_hash).collect();
    Examples { frame, rows, labels, days, account_hashes, digests }
}

/// One model over all products: rows of (account, day, product), with the product, what is observed of it and its
/// purchase rates as features. Beside it the pool to which models of single products, tested after these training days,
/// are drawn; none where it abstains.
fn pooled<T>(
    snapshots: &Snapshots,
    source: &Source,
    challengers: &[Family],
    training_days: &[Vec<Day>],
    each: &impl Fn(Vec<Challenger>, &Examples) -> T,
) -> (Option<T>, Option<Pool>) {
    let horizon_days = source.models.horizon_days(PropensityKind::CrossSell);
    let mut stacked: Vec<(u32, ProductIx, bool)> = Vec::new();
    for product in sold(source) {
        let (rows, labels) = snapshots.labelled(PropensityKind::CrossSell, Some(product), horizon_days, source);
        stacked.extend(rows.into_iter().zip(labels).map(|(row, label)| (row, product, label)));
    }
    // Snapshot rows stand by day, so this order is by day too.
    stacked.sort_unstable_by_key(|(row, product, _)| (*row, *product));
    // Of a share of what the snapshots are a share of: drawn by the same number, so as if at once.
    let share = snapshots.share * f64::from(source.models.max_training_rows) / stacked.len().max(1) as f64;
    stacked.retain(|(row, _, _)| snapshots.grains[*row as usize].is_sampled(share));
    stacked.shrink_to_fit();
    let rows: Vec<u32> = stacked.iter().map(|(row, _, _)| *row).collect();
    let (table, digests) = pooled_table(snapshots, source, &stacked, &rows);
    let labels = stacked.iter().map(|(_, _, label)| *label).collect();
    let grain = |row: u32| &snapshots.grains[rows[row as usize] as usize];
    let examples = examples(table.frame(), (0..rows.len() as u32).collect(), labels, grain, digests);
    let target = Target { kind: PropensityKind::CrossSell, product: None, product_name: None, horizon_days };
    let ground = Ground::of(&target, &examples, source.models);
    let trained = families(&target, snapshots, source, challengers, &examples, (ground, None));
    let pool = pool(&target, &trained[0], &examples, training_days, source.models);
    (Some(each(trained, &examples)), pool)
}

/// The scorecard of all products, fitted as well on each of these training days alone.
fn pool(
    target: &Target,
    trained: &Challenger,
    examples: &Examples,
    training_days: &[Vec<Day>],
    settings: &Settings,
) -> Option<Pool> {
    let Challenger { artifact, early, .. } = trained;
    let scorecard = artifact.active()?.clone();
    let judged_on = &artifact.evaluation.as_ref()?.split.train;
    let fitted_on = |days: &Vec<Day>| {
        if days == judged_on {
            return early.clone();
        }
        let positions = examples.positions(|day, _| days.contains(&day));
        Recipe::choose(target, examples, &positions, settings).ok()?.fit(examples, &positions).ok()
    };
    let early = training_days.iter().filter_map(|days| Some((days.clone(), fitted_on(days)?))).collect();
    Some(Pool { rows: examples.rows.len(), positives: examples.positives(), scorecard, early })
}

/// The table of the pooled model, and what each of its rows comes to.
fn pooled_table(
    snapshots: &Snapshots,
    source: &Source,
    stacked: &[(u32, ProductIx, bool)],
    rows: &[u32],
) -> (Table, Vec<u64>) {
    let mut table = snapshots.table.take(rows);
    let products: Vec<ProductIx> = stacked.iter().map(|(_, product, _)| *product).collect();
    let cells =
        stacked.iter().map(|(row, product, _)| snapshots.purchase_cells(&snapshots.grains[*row as usize], *product));
    let mut beside = features::table(cells, source.extracts).columns;
    beside.extend(features::columns_of_products(&table.frame(), &products, source.extracts));
    let mut digests = digests(&beside.iter().collect::<Vec<_>>(), rows.len());
    digests.iter_mut().zip(rows).for_each(|(sum, row)| *sum = sum.wrapping_add(snapshots.digests[*row as usize]));
    table.columns.extend(Table::new(beside, rows.len()).ranked().columns);
    (Table::new(table.columns, rows.len()), digests)
}
