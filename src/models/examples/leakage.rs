//! Features that know the outcome: found before a model is fitted on them, and reason enough not to fit it.
//!
//! Two ways in which the future gets into a table are looked for on the training rows. A feature that alone ranks almost
//! every outcome right was written down with the outcome in hand. And where whether a feature is recorded at all tells the
//! outcome, it was recorded because of the outcome: a reason for leaving that is asked of leavers only. The day on which a
//! series began to change is no such record: it is missing where nothing changed, and use that fades before a loss is
//! what a model is for.

use rayon::prelude::*;

use crate::learners::columns::bins::MISSING;
use crate::learners::families::scorecard::Encoded;
use crate::learners::measuring::evaluate::{CHANCE, Ranking, Tie};
use crate::models::features::Measure;
use crate::models::settings::Settings;

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
    /// The first, unless the next is stronger.
    pub fn stronger(self, next: Leak) -> Leak {
        if next.auc > self.auc { next } else { self }
    }

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

impl Limits {
    /// What a job believes of one feature.
    pub fn of(settings: &Settings) -> Limits {
        Limits { value_auc: settings.max_feature_auc, recording_auc: settings.max_recording_auc }
    }
}

/// Fewest positives in each half of the accounts.
const MIN_POSITIVES: usize = 10;

/// The strongest leak among the encoded features; `None` where none is found or too few outcomes tell. Rates per code
/// are learned on one half of the accounts and judged on the other, both ways.
pub fn find(encoded: &Encoded, labels: &[bool], account_hashes: &[u64], limits: Limits) -> Option<Leak> {
    let groups: Vec<u8> =
        labels.iter().zip(account_hashes).map(|(label, hash)| (hash % 2 * 2) as u8 + u8::from(*label)).collect();
    let positives = |half: u8| groups.iter().filter(|group| **group == 2 * half + 1).count();
    if positives(0) < MIN_POSITIVES || positives(1) < MIN_POSITIVES {
        return None;
    }
    let leaks: Vec<Leak> = (0..encoded.design.codes.len())
        .into_par_iter()
        .filter_map(|feature| {
            let met = Met::of(&encoded.design.codes[feature], &groups);
            let name = || encoded.specs[feature].0.name.clone();
            let recording = if is_found(&name()) { 0.0 } else { met.recorded().alone() };
            let value = met.alone();
            if recording >= limits.recording_auc {
                Some(Leak { feature: name(), kind: Kind::Recording, auc: recording })
            } else {
                (value >= limits.value_auc).then(|| Leak { feature: name(), kind: Kind::Value, auc: value })
            }
        })
        .collect();
    leaks.into_iter().reduce(Leak::stronger)
}

/// Whether it is there because a change was found in what is recorded anyway, and missing where there was none.
fn is_found(feature: &str) -> bool {
    feature.rsplit('.').next() == Some(Measure::SinceDays.as_str())
}

/// Rows by code; of each half of the accounts those without the outcome and those with it.
struct Met(Vec<[[f64; 2]; 2]>);

impl Met {
    /// `groups` holds twice the half of every row, and one more where the outcome came.
    fn of(codes: &[u8], groups: &[u8]) -> Met {
        let mut met = [[0u32; 4]; 256];
        codes.iter().zip(groups).for_each(|(code, group)| met[usize::from(*code)][usize::from(*group & 3)] += 1);
        let split = |cells: &[u32; 4]| {
            let [no, yes, other_no, other_yes] = cells.map(f64::from);
            [[no, yes], [other_no, other_yes]]
        };
        Met(met.iter().map(split).collect())
    }

    /// Whether the feature is recorded, in the place of its codes.
    fn recorded(&self) -> Met {
        let mut known = [[0.0; 2]; 2];
        for cells in &self.0[usize::from(MISSING) + 1..] {
            known.iter_mut().flatten().zip(cells.iter().flatten()).for_each(|(sum, n)| *sum += n);
        }
        Met(vec![self.0[usize::from(MISSING)], known])
    }

    /// The lower of both AUCs: rates of one half on the other.
    fn alone(&self) -> f64 {
        self.auc(0, 1).min(self.auc(1, 0))
    }

    /// AUC on the judged half of the rate that each code has on the fitted one.
    fn auc(&self, fit: usize, judge: usize) -> f64 {
        let sum = |half: usize, outcome: usize| self.0.iter().map(|cells| cells[half][outcome]).sum::<f64>();
        let overall = sum(fit, 1) / (sum(fit, 0) + sum(fit, 1));
        let rate = |[no, yes]: [f64; 2]| (yes + SHRINKAGE * overall) / (no + yes + SHRINKAGE);
        let mut judged: Vec<(f64, [f64; 2])> = self.0.iter().map(|cells| (rate(cells[fit]), cells[judge])).collect();
        judged.sort_by(|a, b| b.0.total_cmp(&a.0));
        let tie = |same: &[(f64, [f64; 2])]| {
            let sum = |outcome: usize| same.iter().map(|(_, cells)| cells[outcome]).sum();
            Tie::new(same[0].0, sum(1), sum(0))
        };
        let ranking = Ranking::of(judged.chunk_by(|a, b| a.0 == b.0).map(tie).collect());
        if ranking.has_both() { ranking.auc() } else { CHANCE }
    }
}

/// A code's own rate weighs as much as the overall one at this many rows.
const SHRINKAGE: f64 = 10.0;
