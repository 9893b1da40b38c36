//! Features that know the outcome: found before a model is fitted on them, and reason enough not to fit it.
//!
//! Two ways in which the future gets into a table are looked for on the training rows. A feature that alone ranks almost
//! every outcome right was written down with the outcome in hand. And where whether a feature is recorded at all tells the
//! outcome, it was recorded because of the outcome: a reason for leaving that is asked of leavers only. The day on which a
//! series began to change is no such record: it is missing where nothing changed, and use that fades before a loss is
//! what a model is for.

use rayon::prelude::*;

use super::bins::MISSING;
use super::evaluate::metrics;
use super::features::Measure;
use super::scorecard::Encoded;

/// One feature that must not be known when it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Leak {
    pub feature: String,
    pub kind: Kind,
    /// Of the feature alone, on accounts that its rates were not learned from.
    pub auc: f64,
}

/// How the outcome shows in a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In its value.
    Value,
    /// In whether it is recorded.
    Recording,
}

impl Leak {
    /// Why no model is fitted, and what to do.
    pub fn reason(&self) -> String {
        let Leak { feature, auc, kind } = self;
        match kind {
            Kind::Value => format!(
                "`{feature}` alone ranks the outcomes with an AUC of {auc:.3}, so it was written with the outcome in hand; leave \
                 it out of the extracts, or date it by when it became known"
            ),
            Kind::Recording => format!(
                "whether `{feature}` is recorded alone ranks the outcomes with an AUC of {auc:.3}, so it is recorded because of \
                 them; record it for every account, or leave it out of the extracts"
            ),
        }
    }
}

/// AUCs from which on a feature alone is not believed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub value_auc: f64,
    pub recording_auc: f64,
}

/// Fewest positives in each half of the accounts.
const MIN_POSITIVES: usize = 10;

/// The strongest leak among the encoded features; `None` where none is found or too few outcomes tell. Rates per code
/// are learned on one half of the accounts and judged on the other, both ways.
pub fn find(encoded: &Encoded, labels: &[bool], account_hashes: &[u64], limits: Limits) -> Option<Leak> {
    let halves: [Vec<usize>; 2] =
        [0, 1].map(|half| (0..labels.len()).filter(|row| account_hashes[*row] % 2 == half).collect());
    let positives = |rows: &[usize]| rows.iter().filter(|row| labels[**row]).count();
    if halves.iter().any(|rows| positives(rows) < MIN_POSITIVES) {
        return None;
    }
    let judge = |codes: &[u8]| -> f64 {
        let both = [(0, 1), (1, 0)].map(|(fit, judge)| alone(codes, labels, &halves[fit], &halves[judge]));
        both[0].min(both[1])
    };
    let leaks: Vec<Leak> = (0..encoded.design.codes.len())
        .into_par_iter()
        .filter_map(|feature| {
            let codes = &encoded.design.codes[feature];
            let recorded: Vec<u8> = codes.iter().map(|code| u8::from(*code != MISSING)).collect();
            let name = || encoded.specs[feature].0.name.clone();
            let recording = if is_found(&name()) { 0.0 } else { judge(&recorded) };
            let value = judge(codes);
            if recording >= limits.recording_auc {
                Some(Leak { feature: name(), kind: Kind::Recording, auc: recording })
            } else {
                (value >= limits.value_auc).then(|| Leak { feature: name(), kind: Kind::Value, auc: value })
            }
        })
        .collect();
    leaks.into_iter().reduce(|best, next| if next.auc > best.auc { next } else { best })
}

/// Whether it is there because a change was found in what is recorded anyway, and missing where there was none.
fn is_found(feature: &str) -> bool {
    feature.rsplit('.').next() == Some(Measure::SinceDays.as_str())
}

/// AUC on the judged rows of the rate that each code has on the fitted rows.
fn alone(codes: &[u8], labels: &[bool], fit: &[usize], judge: &[usize]) -> f64 {
    let mut met = [(0.0, 0.0); 256];
    for row in fit {
        let (positives, rows) = &mut met[usize::from(codes[*row])];
        *positives += f64::from(u8::from(labels[*row]));
        *rows += 1.0;
    }
    let total: f64 = met.iter().map(|(positives, _)| positives).sum();
    let overall = total / fit.len() as f64;
    let rate = |code: u8| {
        let (positives, rows) = met[usize::from(code)];
        (positives + SHRINKAGE * overall) / (rows + SHRINKAGE)
    };
    let rates: Vec<f64> = judge.iter().map(|row| rate(codes[*row])).collect();
    let outcomes: Vec<bool> = judge.iter().map(|row| labels[*row]).collect();
    metrics(&rates, &outcomes).map_or(0.5, |metrics| metrics.auc)
}

/// A code's own rate weighs as much as the overall one at this many rows.
const SHRINKAGE: f64 = 10.0;
