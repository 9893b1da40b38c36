//! The four plots of a model: ROC, precision by recall, reliability, gain. Each shows the rule to beat and the band
//! within which the figure may lie.

use super::card::Card;
use super::plot::{Mark, Plot, Tone, axis_end};
use crate::learners::measuring::curves::Point;
use crate::models::judging::appraise::Appraisal;
use crate::models::training::artifact::Evaluation;
use crate::wording;

/// File name and SVG of each plot; none for a model that was not tested.
pub fn files(card: &Card) -> Vec<(&'static str, String)> {
    match (&card.evaluation, &card.appraisal) {
        (Some(evaluation), Some(appraisal)) => plots(card, evaluation, appraisal)
            .into_iter()
            .zip(["roc.svg", "precision_recall.svg", "reliability.svg", "gain.svg"])
            .map(|(plot, name)| (name, plot.svg()))
            .collect(),
        _ => Vec::new(),
    }
}

fn plots(card: &Card, evaluation: &Evaluation, appraisal: &Appraisal) -> [Plot; 4] {
    [
        roc(card, evaluation, appraisal),
        precision_recall(card, evaluation, appraisal),
        reliability(card, evaluation, appraisal),
        gain(card, appraisal),
    ]
}

const COMPARED: [(Tone, &str); 3] =
    [(Tone::Model, "model, 95 % band"), (Tone::Baseline, "rule to beat"), (Tone::Reference, "chance")];

fn roc(card: &Card, evaluation: &Evaluation, appraisal: &Appraisal) -> Plot {
    let figure = figure(evaluation.model.auc, evaluation.intervals.map(|i| (i.auc.low, i.auc.high)));
    let subtitle = format!("AUC {figure}; {} {:.2}", evaluation.baseline_name, evaluation.baseline.auc);
    Plot {
        id: id(card, "roc"),
        title: format!("ROC: {}", card.title),
        description: format!(
            "How many of the rows on which it happened the model finds for a given share of false alarms. {subtitle}."
        ),
        subtitle,
        x_label: "false positive rate",
        y_label: "true positive rate",
        x_end: 1.0,
        y_end: 1.0,
        legend: COMPARED.to_vec(),
        marks: curves(&appraisal.curves.roc, &appraisal.baseline_curves.roc, diagonal(1.0)),
    }
}

fn precision_recall(card: &Card, evaluation: &Evaluation, appraisal: &Appraisal) -> Plot {
    let (own, rule) = (&appraisal.curves.precision_recall[1..], &appraisal.baseline_curves.precision_recall[1..]);
    let figure = figure(evaluation.model.pr_auc, evaluation.intervals.map(|i| (i.pr_auc.low, i.pr_auc.high)));
    let base_rate = evaluation.model.positives as f64 / evaluation.model.rows as f64;
    let subtitle = format!("average precision {figure}; share of all rows {}", wording::percent(base_rate));
    let highest = own.iter().map(|point| point.high).chain(rule.iter().map(|point| point.y)).fold(base_rate, f64::max);
    Plot {
        id: id(card, "precision-recall"),
        title: format!("Precision by recall: {}", card.title),
        description: format!(
            "How often an alarm is right when a given share of what happens is to be found. {}.",
            wording::capital(&subtitle)
        ),
        subtitle,
        x_label: "recall: share of what happens that is found",
        y_label: "precision: share of alarms that are right",
        x_end: 1.0,
        y_end: axis_end(highest),
        legend: COMPARED.to_vec(),
        marks: curves(own, rule, vec![(0.0, base_rate), (1.0, base_rate)]),
    }
}

fn reliability(card: &Card, evaluation: &Evaluation, appraisal: &Appraisal) -> Plot {
    let deciles = &appraisal.curves.deciles;
    let dots = deciles.iter().map(|d| (d.predicted, d.observed, d.observed_low, d.observed_high)).collect();
    let end = axis_end(deciles.iter().flat_map(|d| [d.predicted, d.observed_high]).fold(0.0, f64::max));
    let error = evaluation.intervals.map(|i| (i.calibration_error.low, i.calibration_error.high));
    let subtitle = format!("calibration error {}", figure(evaluation.model.calibration_error, error));
    Plot {
        id: id(card, "reliability"),
        title: format!("Reliability: {}", card.title),
        description: format!(
            "Ten tenths of the rows by predicted probability: what was predicted against what happened. {}.",
            wording::capital(&subtitle)
        ),
        subtitle,
        x_label: "predicted probability, tenths of the rows",
        y_label: "share on which it happened",
        x_end: end,
        y_end: end,
        legend: vec![(Tone::Dots, "tenth of the rows, 95 % interval"), (Tone::Reference, "as predicted")],
        marks: vec![Mark::Line { points: diagonal(end), tone: Tone::Reference }, Mark::Dots(dots)],
    }
}

fn gain(card: &Card, appraisal: &Appraisal) -> Plot {
    let tenth = appraisal.curves.deciles.first();
    let subtitle = tenth.map_or(String::new(), |first| {
        format!(
            "the highest tenth holds {} of what happens, {:.1} times chance",
            wording::percent(first.captured),
            first.lift
        )
    });
    let mut marks = curves(&appraisal.curves.gain, &appraisal.baseline_curves.gain, diagonal(1.0));
    if let Some(at) = &appraisal.at_capacity {
        marks.push(Mark::Upright {
            x: at.contacts / at.accounts,
            text: format!("a week of the field: {} contacts", wording::count(at.contacts)),
        });
    }
    Plot {
        id: id(card, "gain"),
        title: format!("Gain: {}", card.title),
        description: format!(
            "The share of what happens that is found when accounts are contacted from the top of the ranking; {subtitle}."
        ),
        subtitle,
        x_label: "share of accounts, the highest probabilities first",
        y_label: "share of what happens that is found",
        x_end: 1.0,
        y_end: 1.0,
        legend: COMPARED.to_vec(),
        marks,
    }
}

fn curves(own: &[Point], rule: &[Point], reference: Vec<(f64, f64)>) -> Vec<Mark> {
    let line = |points: &[Point]| points.iter().map(|point| (point.x, point.y)).collect();
    vec![
        Mark::Band(own.iter().map(|point| (point.x, point.low, point.high)).collect()),
        Mark::Line { points: reference, tone: Tone::Reference },
        Mark::Line { points: line(rule), tone: Tone::Baseline },
        Mark::Line { points: line(own), tone: Tone::Model },
    ]
}

fn diagonal(end: f64) -> Vec<(f64, f64)> {
    vec![(0.0, 0.0), (end, end)]
}

fn figure(value: f64, interval: Option<(f64, f64)>) -> String {
    match interval {
        Some((low, high)) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        None => format!("{value:.3}"),
    }
}

fn id(card: &Card, plot: &str) -> String {
    format!("{}-{plot}", card.model_id)
}
