//! Why a score moved between two runs: by new data, by data that came late, by the configuration, by the model.
//!
//! The four stand between what was published and what is published now, each measured by changing one thing after the
//! other in that order. Probabilities are split on the log-odds scale, on which the models add up and on which a step
//! from 1 % to 2 % is as long as one from 50 % to 67 %; points are split as they are. The parts add up exactly: what is
//! split is put on a grid of 2⁻³⁰ first, on which sums of differences are exact.

use std::collections::BTreeMap;

use crate::assessment::Assessment;
use crate::extracts::Extracts;
use crate::vocabulary::{AccountIx, ProductIx, PropensityKind};

/// A score of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Score {
    /// 0–100.
    Health,
    /// 0–100.
    Readiness,
    /// Probability.
    Propensity(PropensityKind, Option<ProductIx>),
}

/// Scores by account and name.
pub type Scores = BTreeMap<(AccountIx, Score), f64>;

/// How tonight's scores would have come out had only some things changed since the run before. What a stage leaves out
/// is as in the stage after it.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    /// Tonight's data but for what came late, under the configuration and the models before.
    pub without_late: Scores,
    /// All of tonight's data, under the configuration and the models before.
    pub before_configuration: Scores,
    /// Tonight's data and configuration, with the models before.
    pub before_models: Scores,
    /// The configuration changed and the one before can no longer be read: it answers for what the data cannot be told
    /// from.
    pub configuration_unknown: bool,
}

/// A row of `score_changes`: `start` and the four parts add up to `end`, to the last bit.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreChange {
    pub account: AccountIx,
    pub score: Score,
    /// As the run before published it, and as this one does.
    pub before: f64,
    pub after: f64,
    /// The same on the scale on which the parts add up: log-odds for probabilities, points for the others.
    pub start: f64,
    pub end: f64,
    pub from_data: f64,
    pub from_late_data: f64,
    pub from_configuration: f64,
    pub from_model: f64,
}

impl Score {
    /// As the `score` column says it: `health`, `churn`, `upsell`, `propensity:{product}` …
    pub fn name(self, extracts: &Extracts) -> String {
        match self {
            Score::Health => "health".to_owned(),
            Score::Readiness => "readiness".to_owned(),
            Score::Propensity(_, Some(product)) => format!("propensity:{}", extracts.ids.products.name(product)),
            Score::Propensity(kind, None) => kind.as_str().to_owned(),
        }
    }

    pub const fn is_probability(self) -> bool {
        matches!(self, Score::Propensity(..))
    }

    /// A score of this kind where its parts add up.
    fn on_scale(self, score: f64) -> f64 {
        on_grid(if self.is_probability() { log_odds(score) } else { score })
    }
}

/// The scores of tonight's assessments.
pub fn scores(assessments: &[Assessment]) -> Scores {
    let mut scores = Scores::new();
    for assessment in assessments {
        let account = assessment.account;
        scores.insert((account, Score::Health), assessment.health.score);
        scores.insert((account, Score::Readiness), assessment.readiness.score);
        scores.extend(
            assessment
                .propensities
                .iter()
                .map(|p| ((account, Score::Propensity(p.kind, p.product)), p.probability.get())),
        );
    }
    scores
}

/// Every score that both runs have and that moved, or whose parts cancel out; by account, then score.
pub fn changes(before: &Scores, stages: &Stages, after: &Scores) -> Vec<ScoreChange> {
    let changes = after.iter().filter_map(|(key, after)| Some(change(*key, *before.get(key)?, stages, *after)));
    changes.filter(ScoreChange::is_one).collect()
}

fn change(key: (AccountIx, Score), before: f64, stages: &Stages, after: f64) -> ScoreChange {
    let at = |stage: &Scores, next: f64| stage.get(&key).map_or(next, |score| key.1.on_scale(*score));
    let (start, end) = (key.1.on_scale(before), key.1.on_scale(after));
    let modelled = at(&stages.before_models, end);
    let configured = at(&stages.before_configuration, modelled);
    let on_time = at(&stages.without_late, configured);
    let moved = on_time - start;
    let (from_data, unknown) = if stages.configuration_unknown { (0.0, moved) } else { (moved, 0.0) };
    ScoreChange {
        account: key.0,
        score: key.1,
        before: on_grid(before),
        after: on_grid(after),
        start,
        end,
        from_data,
        from_late_data: configured - on_time,
        from_configuration: modelled - configured + unknown,
        from_model: end - modelled,
    }
}

/// ln(p / (1 − p)), with p held away from 0 and 1 by 1e-12.
fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

/// Multiples of 2⁻³⁰ below 2²² add and subtract without rounding in 52 bits.
fn on_grid(score: f64) -> f64 {
    const GRID: f64 = (1u64 << 30) as f64;
    (score * GRID).round() / GRID
}

impl ScoreChange {
    fn is_one(&self) -> bool {
        [self.from_data, self.from_late_data, self.from_configuration, self.from_model].iter().any(|part| *part != 0.0)
    }
}
