//! Features that alone predict too well to have been known beforehand.

use serde::Serialize;

use super::coded::CodedTable;
use super::folds::Fold;

/// A feature that gives the outcome away.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    pub feature: String,
    /// Of this feature alone, on rows that its rates were not learned from.
    pub auc: f64,
    /// Of the best feature that is no leak.
    pub next_auc: f64,
}

/// An AUC that no single honest feature reaches.
const TOO_GOOD: f64 = 0.98;

/// An AUC that is suspect where all other features stay this far behind.
const SUSPECT: (f64, f64) = (0.90, 0.15);

/// The features of a table that look like the outcome written down; strongest first.
pub fn find(table: &CodedTable, fold: &Fold) -> Vec<Leak> {
    let mut alone: Vec<(f64, usize)> =
        (0..table.features.len()).map(|place| (auc_alone(table, fold, place), place)).collect();
    alone.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let next = alone.iter().find(|(auc, _)| *auc < TOO_GOOD).map_or(0.5, |(auc, _)| *auc);
    let leak = |(auc, place): &(f64, usize), next_auc: f64| {
        let feature = table.features[*place].name.clone();
        Leak { feature, auc: *auc, next_auc }
    };
    let sure: Vec<Leak> = alone.iter().take_while(|(auc, _)| *auc >= TOO_GOOD).map(|found| leak(found, next)).collect();
    match (sure.is_empty(), alone.as_slice()) {
        (true, [first, second, ..]) if first.0 >= SUSPECT.0 && first.0 - second.0 >= SUSPECT.1 => {
            vec![leak(first, second.0)]
        }
        _ => sure,
    }
}

/// Ranks the judged rows by the rate of their code among the fitted rows.
fn auc_alone(table: &CodedTable, fold: &Fold, place: usize) -> f64 {
    let feature = &table.features[place];
    let count = |rows: &[u32]| {
        let mut met = vec![(0.0, 0.0); feature.fine.codes()];
        for row in rows {
            let (positives, n) = &mut met[usize::from(feature.codes[*row as usize])];
            *positives += f64::from(u8::from(table.labels[*row as usize]));
            *n += 1.0;
        }
        met
    };
    let (learned, judged) = (count(&fold.fit), count(&fold.judge));
    let total = learned.iter().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
    let overall = total.0 / f64::max(total.1, 1.0);
    let rate = |(positives, n): (f64, f64)| (positives + 10.0 * overall) / (n + 10.0);
    let mut groups: Vec<(f64, f64, f64)> =
        learned.iter().zip(judged).map(|(own, (p, n))| (rate(*own), p, n - p)).collect();
    groups.sort_by(|a, b| b.0.total_cmp(&a.0));
    auc(&groups)
}

/// Of groups (rate, positives, negatives), highest rate first.
fn auc(groups: &[(f64, f64, f64)]) -> f64 {
    let (positives, negatives) = groups.iter().fold((0.0, 0.0), |sum, group| (sum.0 + group.1, sum.1 + group.2));
    let (mut below, mut wins) = (negatives, 0.0);
    for tied in groups.chunk_by(|a, b| a.0 == b.0) {
        let (p, n) = tied.iter().fold((0.0, 0.0), |sum, group| (sum.0 + group.1, sum.1 + group.2));
        below -= n;
        wins += p * (below + 0.5 * n);
    }
    if positives * negatives > 0.0 { wins / (positives * negatives) } else { 0.5 }
}
