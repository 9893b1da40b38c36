//! What would have to change: the smallest moves of what an account team can influence that bring a probability to the
//! ordinary side of its base rate.
//!
//! It asks the model, so it says what the model would say, not what would happen: associations, not causes.

use super::explain;
use crate::extracts::InputTable;
use crate::learners::columns::bins::{Bins, MISSING};
use crate::learners::columns::table::Column;
use crate::learners::families::scorecard::{Feature, Scorecard};
use crate::models::training::artifact::Artifact;
use crate::statistics::sigmoid;
use crate::vocabulary::PropensityKind;
use crate::wording;

/// One feature brought into another bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// Position in the scorecard.
    pub feature: usize,
    pub from: f64,
    /// The nearest value of the new bin.
    pub to: Bound,
    /// The new bin.
    pub code: u8,
    /// Log-odds gained toward the target, calibrated; above 0.
    pub gain: f64,
    /// Share of the training rows that lie between, the new bin included: how far the move goes.
    pub distance: f64,
}

/// Where a value must come to lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    AtMost(f64),
    Above(f64),
}

/// The moves that together reach the target, the widest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterfactual {
    pub moves: Vec<Move>,
    /// The probability that the model would then give.
    pub probability: f64,
}

/// More than three changes at once are no advice.
const MOST_MOVES: usize = 3;

/// What account teams can influence: use, support, people and conversations. Not size, industry, terms or the season.
const ACTIONABLE: [InputTable; 8] = [
    InputTable::Usage,
    InputTable::FeatureUsage,
    InputTable::Integrations,
    InputTable::Tickets,
    InputTable::Surveys,
    InputTable::Activities,
    InputTable::Conversations,
    InputTable::Contacts,
];

/// The smallest change that brings churn below the base rate, or a chance above it. `None` where the probability stands
/// there already, and where no three moves reach it.
pub fn counterfactual(
    artifact: &Artifact,
    scorecard: &Scorecard,
    columns: &[Option<&Column>],
    row: usize,
) -> Option<Counterfactual> {
    let codes = scorecard.codes(columns, row);
    // Toward the target, log-odds count upward.
    let sign = if artifact.kind == PropensityKind::Churn { -1.0 } else { 1.0 };
    let z = artifact.calibrator.apply(scorecard.log_odds(columns, row));
    let base = artifact.trained.base_rate;
    let needed = sign * ((base / (1.0 - base)).ln() - z);
    if needed <= 0.0 {
        return None;
    }
    let scale = sign * artifact.calibrator.slope;
    let ladders = (0..columns.len()).filter_map(|at| {
        let gain = |to: usize| scale * scorecard.gained(&codes, at, to as u8);
        ladder(at, &scorecard.features[at], columns[at]?, row, &gain)
    });
    let moves = fewest(ladders.collect(), needed)?;
    let gained = together(scorecard, &codes, &moves, scale);
    // The moves of trees need not add up: what they reach together is what counts.
    (scorecard.trees.is_none() || gained >= needed)
        .then(|| Counterfactual { probability: sigmoid(z + sign * gained), moves })
}

/// Log-odds gained toward the target by all moves at once.
fn together(scorecard: &Scorecard, codes: &[u8], moves: &[Move], scale: f64) -> f64 {
    if scorecard.trees.is_none() {
        return moves.iter().map(|step| step.gain).sum();
    }
    let mut moved = codes.to_vec();
    for step in moves {
        moved[step.feature] = step.code;
    }
    scale * (scorecard.log_odds_of(|at| moved[at]) - scorecard.log_odds_of(|at| codes[at]))
}

/// Every move of one feature that helps, the nearest first; `None` where none does.
fn ladder(at: usize, feature: &Feature, column: &Column, row: usize, gain: &dyn Fn(usize) -> f64) -> Option<Vec<Move>> {
    let actionable = InputTable::parse(&feature.spec.source).is_some_and(|table| ACTIONABLE.contains(&table));
    let Bins::Numbers { edges } = &feature.bins else { return None };
    let from = column.values.number(row);
    let code = feature.bins.of_number(from);
    if !actionable || code == MISSING {
        return None;
    }
    let step = |to: usize| {
        let code = usize::from(code);
        let (passed, bound) = match to > code {
            true => (&feature.shares[code + 1..=to], Bound::Above(edges[to - 2])),
            false => (&feature.shares[to..code], Bound::AtMost(edges[to - 1])),
        };
        let (gain, distance) = (gain(to), passed.iter().sum());
        Move { feature: at, from, to: bound, code: to as u8, gain, distance }
    };
    let others = (1..feature.points.len()).filter(|to| *to != usize::from(code) && feature.shares[*to] > 0.0);
    let mut moves: Vec<Move> = others.map(step).filter(|step| step.gain > 0.0).collect();
    moves.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(b.gain.total_cmp(&a.gain)));
    // A farther move that gains no more is never chosen.
    let mut best = 0.0;
    moves.retain(|step| {
        step.gain > best && {
            best = step.gain;
            true
        }
    });
    (!moves.is_empty()).then_some(moves)
}

/// One move where one suffices, the shortest; else the widest moves until they suffice, the last as short as it may be.
fn fewest(mut ladders: Vec<Vec<Move>>, needed: f64) -> Option<Vec<Move>> {
    let widest = |ladder: &[Move]| ladder.last().map_or(0.0, |step| step.gain);
    ladders.sort_by(|a, b| widest(b).total_cmp(&widest(a)).then_with(|| a[0].feature.cmp(&b[0].feature)));
    let (mut chosen, mut left) = (Vec::new(), needed);
    while chosen.len() < MOST_MOVES {
        let enough = ladders.iter().filter_map(|ladder| ladder.iter().find(|step| step.gain >= left));
        let shortest = enough.min_by(|a, b| a.distance.total_cmp(&b.distance).then(a.feature.cmp(&b.feature)));
        if let Some(last) = shortest {
            chosen.push(last.clone());
            return Some(chosen);
        }
        if ladders.is_empty() {
            return None;
        }
        let step = ladders.remove(0).pop()?;
        left -= step.gain;
        chosen.push(step);
    }
    None
}

/// The counterfactual as one sentence.
pub fn sentence(artifact: &Artifact, scorecard: &Scorecard, found: &Counterfactual, now: f64) -> String {
    let moves: Vec<String> = found.moves.iter().map(|step| said(&scorecard.features[step.feature], step)).collect();
    let verb = if artifact.kind == PropensityKind::Churn { "below" } else { "above" };
    format!(
        "{} would bring {} from {} to {}, {verb} the {} that is usual",
        wording::capital(&wording::list(&moves)),
        explain::outcome(artifact),
        wording::percent(now),
        wording::percent(found.probability),
        wording::percent(artifact.trained.base_rate)
    )
}

fn said(feature: &Feature, step: &Move) -> String {
    let number = |value: f64| explain::said_number(value, &feature.spec.unit);
    let now = number(step.from);
    match step.to {
        Bound::AtMost(edge) => format!("{} of at most {} (now {now})", feature.spec.label, number(edge)),
        Bound::Above(edge) => format!("{} above {} (now {now})", feature.spec.label, number(edge)),
    }
}
