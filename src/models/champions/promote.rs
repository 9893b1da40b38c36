//! Champion against challenger: who scores from now on, and why.

use serde::{Deserialize, Serialize};

use crate::learners::measuring::bootstrap::{self, Estimate, Intervals, Paired, Resampling};
use crate::learners::measuring::evaluate::Grade;
use crate::models::examples::rows::{Examples, Tested};
use crate::models::judging::ranking::Comparison;
use crate::models::training::artifact::Artifact;
use crate::models::training::train::Challenger;
use crate::statistics::sigmoid;
use crate::vocabulary::Day;

/// A row of `model_evaluations`. Metrics are of the test days and `None` where there were too few rows for them.
#[derive(Clone, Debug, Serialize)]
pub struct ModelEvaluation {
    pub model_id: String,
    pub kind: &'static str,
    pub product_id: Option<String>,
    /// The intent, for rows of the text classifier.
    pub intent: Option<&'static str>,
    /// What kind of model it is.
    pub family: &'static str,
    /// Probability from which the intent is heard.
    pub threshold: Option<f64>,
    /// Share of what is heard that is right, and share of what is there that is heard.
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    /// The day up to which the training saw the world.
    pub trained_on: Day,
    /// First and last test day, or of all labelled days where nothing was tested.
    pub window: String,
    /// Test rows, or all labelled rows where nothing was tested.
    pub n: u64,
    pub positives: u64,
    /// The rule to beat; the one that answers instead where nothing was tested.
    pub baseline_name: String,
    /// The baseline's log loss on the same rows.
    pub baseline_value: Option<f64>,
    pub auc: Option<f64>,
    pub pr_auc: Option<f64>,
    pub log_loss: Option<f64>,
    pub brier: Option<f64>,
    pub calibration_error: Option<f64>,
    pub lift_top_decile: Option<f64>,
    /// For models over several products.
    pub ranking: Option<Comparison>,
    /// 95 % bootstrap intervals over accounts, in the order of the figures above.
    pub intervals: Option<Intervals>,
    /// Model − baseline in log loss on the same rows.
    pub against_baseline: Option<Estimate>,
    pub grade: Grade,
    pub promoted: bool,
    pub reason: String,
}

impl ModelEvaluation {
    pub fn of(model: &Artifact, promoted: bool, reason: &str) -> ModelEvaluation {
        let tested = model.evaluation.as_ref();
        let metrics = tested.map(|evaluation| evaluation.model);
        let days = |first: Option<&Day>, last: Option<&Day>| match (first, last) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "no labelled day".to_owned(),
        };
        ModelEvaluation {
            model_id: model.model_id.clone(),
            kind: model.kind.as_str(),
            product_id: model.product.clone(),
            intent: None,
            family: model.family.as_str(),
            threshold: None,
            precision: None,
            recall: None,
            trained_on: model.trained.as_of,
            window: match tested {
                Some(evaluation) => days(evaluation.split.test.first(), evaluation.split.test.last()),
                None => days(model.trained.first_day.as_ref(), model.trained.last_day.as_ref()),
            },
            n: metrics.map_or(model.trained.rows, |m| m.rows) as u64,
            positives: metrics.map_or(model.trained.positives, |m| m.positives) as u64,
            baseline_name: tested.map_or(&model.fallback.name, |evaluation| &evaluation.baseline_name).clone(),
            baseline_value: tested.map(|evaluation| evaluation.baseline.log_loss),
            auc: metrics.map(|m| m.auc),
            pr_auc: metrics.map(|m| m.pr_auc),
            log_loss: metrics.map(|m| m.log_loss),
            brier: metrics.map(|m| m.brier),
            calibration_error: metrics.map(|m| m.calibration_error),
            lift_top_decile: metrics.map(|m| m.lift_top_decile),
            ranking: tested.and_then(|evaluation| evaluation.ranking),
            intervals: tested.and_then(|evaluation| evaluation.intervals),
            against_baseline: tested.and_then(|evaluation| Some(evaluation.against_baseline?.log_loss)),
            grade: tested.map_or(Grade::C, |evaluation| evaluation.grade),
            promoted,
            reason: match &model.abstains {
                Some(abstains) => format!("{reason}; abstains: {abstains}"),
                None => reason.to_owned(),
            },
        }
    }
}

/// Whether the challenger takes over, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub promoted: bool,
    pub reason: String,
    /// The model id of the champion that it was held against.
    pub champion: Option<String>,
    /// Challenger − champion on the same later rows, where there were enough.
    pub comparison: Option<Paired>,
}

impl Verdict {
    pub fn yes(reason: impl Into<String>) -> Verdict {
        Verdict { promoted: true, reason: reason.into(), champion: None, comparison: None }
    }

    pub fn no(reason: impl Into<String>) -> Verdict {
        Verdict { promoted: false, reason: reason.into(), champion: None, comparison: None }
    }
}

/// Decides between a freshly trained model and the champion on the same later rows.
///
/// Neither may be judged on rows it was fitted on: the challenger speaks through its fit on the training days alone,
/// and of the test rows only those after the champion's last training day count. Where too few are left, a challenger
/// trained on later data replaces it if it beats its own baseline.
pub fn decide(challenger: &Challenger, champion: Option<&Artifact>, examples: &Examples, by: Resampling) -> Verdict {
    let (challenger, tested) = (&challenger.artifact, &challenger.tested);
    let Some(champion) = champion else { return Verdict::yes("first model of its kind") };
    if champion.model_id == challenger.model_id {
        return Verdict::no("the same model is champion already");
    }
    let verdict = match (challenger.active().is_some(), champion.active().is_some()) {
        (false, true) => Verdict::no("abstains, and the champion does not"),
        (_, false) => Verdict::yes("the champion abstains"),
        (true, true) => match compare(tested, champion, examples, by) {
            Some(paired) => Verdict { comparison: Some(paired), ..no_worse(&paired, champion) },
            None => fresher(challenger, champion),
        },
    };
    Verdict { champion: Some(champion.model_id.clone()), ..verdict }
}

/// Decides among the models of all families that were trained on the same rows, the scorecard's first, and the champion.
///
/// The scorecard is held against the champion by [`decide`]. Each of the others must then be better than whichever would
/// score without it, on the same later rows and with the whole interval: what is only as good is harder to read for
/// nothing. At most one is promoted.
pub fn contest(
    trained: &[Challenger],
    champion: Option<&Artifact>,
    examples: &Examples,
    by: Resampling,
) -> Vec<Verdict> {
    let Some(first) = trained.first() else { return Vec::new() };
    let mut verdicts = vec![decide(first, champion, examples, by)];
    let mut standing = if verdicts[0].promoted { Standing::New(0) } else { Standing::Champion };
    for (place, rival) in trained.iter().enumerate().skip(1) {
        let verdict = match (standing, champion) {
            (_, Some(champion)) if champion.model_id == rival.artifact.model_id => {
                Verdict::no("the same model is champion already")
            }
            (Standing::New(of), _) => overtakes(rival, &trained[of].artifact, Some(&trained[of].tested), examples, by),
            (Standing::Champion, Some(champion)) => overtakes(rival, champion, None, examples, by),
            (Standing::Champion, None) => Verdict::no("nothing to be held against"),
        };
        if verdict.promoted {
            if let Standing::New(of) = standing {
                let better = format!("; the {} model trained beside it is better", rival.artifact.family);
                verdicts[of] =
                    Verdict { promoted: false, reason: verdicts[of].reason.clone() + &better, ..verdicts[of].clone() };
            }
            standing = Standing::New(place);
        }
        verdicts.push(verdict);
    }
    verdicts
}

/// Who would score if nothing more were decided.
#[derive(Clone, Copy)]
enum Standing {
    Champion,
    /// One of those trained, by its place.
    New(usize),
}

/// Whether a rival is better than the standing model; `beside` are that model's test rows where both were trained now.
fn overtakes(
    rival: &Challenger,
    standing: &Artifact,
    beside: Option<&[Tested]>,
    examples: &Examples,
    by: Resampling,
) -> Verdict {
    let family = standing.family;
    let against = |verdict: Verdict| Verdict { champion: Some(standing.model_id.clone()), ..verdict };
    if let Some(reason) = &rival.artifact.abstains {
        return against(Verdict::no(reason.clone()));
    }
    if standing.active().is_none() {
        let evaluation = rival.artifact.evaluation.as_ref();
        let rule = evaluation.map_or("rule to beat", |evaluation| &evaluation.baseline_name);
        return against(match evaluation.and_then(|evaluation| evaluation.against_baseline) {
            Some(paired) if paired.log_loss.high < 0.0 => Verdict::yes(format!(
                "the {family} model abstains, and this is better than the {rule}: {}",
                told(&paired)
            )),
            _ => Verdict::no(format!(
                "the {family} model abstains, but this is not better than the {rule} beyond chance"
            )),
        });
    }
    let paired = match beside {
        Some(tested) => beside_each_other(&rival.tested, tested, examples, by),
        None => compare(&rival.tested, standing, examples, by),
    };
    against(match paired {
        None => Verdict::no(format!("too few later rows to be better than the {family} model")),
        Some(paired) => {
            let figures = told(&paired);
            let verdict = match paired.log_loss.high < 0.0 {
                true => Verdict::yes(format!("better than the {family} model: {figures}")),
                false => Verdict::no(format!("not better than the {family} model beyond chance: {figures}")),
            };
            Verdict { comparison: Some(paired), ..verdict }
        }
    })
}

/// New − other on the test rows of one training.
fn beside_each_other(new: &[Tested], other: &[Tested], examples: &Examples, by: Resampling) -> Option<Paired> {
    let positions: Vec<usize> = new.iter().map(|test| test.position as usize).collect();
    let labels: Vec<bool> = positions.iter().map(|p| examples.labels[*p]).collect();
    let same = other.iter().map(|test| test.position as usize).eq(positions.iter().copied());
    if !same || labels.iter().filter(|label| **label).count() < MIN_POSITIVES {
        return None;
    }
    let accounts: Vec<u64> = positions.iter().map(|p| examples.account_hashes[*p]).collect();
    let said = |tested: &[Tested]| -> Vec<f64> { tested.iter().map(|test| test.probability).collect() };
    bootstrap::paired(&said(new), &said(other), &labels, &accounts, by)
}

/// Fewest positives for a comparison.
const MIN_POSITIVES: usize = 10;

/// A challenger may lose this share of the champion's log loss to chance before its later data no longer make up for it.
const MARGIN: f64 = 0.01;

/// Challenger − champion on the test rows that the champion has not seen; `None` where they are too few.
fn compare(tested: &[Tested], champion: &Artifact, examples: &Examples, by: Resampling) -> Option<Paired> {
    let seen = champion.trained.last_day.unwrap_or(Day::MIN);
    let unseen = tested.iter().map(|test| (test.position as usize, test.probability));
    let (later, new): (Vec<usize>, Vec<f64>) = unseen.filter(|(p, _)| examples.days[*p] > seen).unzip();
    let labels: Vec<bool> = later.iter().map(|p| examples.labels[*p]).collect();
    if labels.iter().filter(|label| **label).count() < MIN_POSITIVES {
        return None;
    }
    let accounts: Vec<u64> = later.iter().map(|p| examples.account_hashes[*p]).collect();
    bootstrap::paired(&new, &probabilities(champion, examples, &later), &labels, &accounts, by)
}

/// Refused where the interval lies above zero, or where the figure itself exceeds the margin.
fn no_worse(paired: &Paired, champion: &Artifact) -> Verdict {
    let Estimate { value, low, .. } = paired.log_loss;
    let known = champion.evaluation.as_ref().map_or(f64::INFINITY, |evaluation| evaluation.model.log_loss);
    let figures = told(paired);
    if low > 0.0 || value > MARGIN * known {
        Verdict::no(format!("worse than the champion: {figures}"))
    } else if paired.log_loss.high < 0.0 {
        Verdict::yes(format!("better than the champion: {figures}"))
    } else {
        Verdict::yes(format!("no worse than the champion: {figures}"))
    }
}

/// A comparison in words, with its intervals.
pub fn told(paired: &Paired) -> String {
    let said = |Estimate { value, low, high }: Estimate| format!("{value:+.4} [{low:+.4}, {high:+.4}]");
    format!(
        "log loss {} and AUC {} on {} later rows of {} accounts",
        said(paired.log_loss),
        said(paired.auc),
        paired.rows,
        paired.accounts
    )
}

fn fresher(challenger: &Artifact, champion: &Artifact) -> Verdict {
    if challenger.trained.last_day > champion.trained.last_day {
        Verdict::yes("fitted on later days and beats its baseline; too few rows that the champion has not seen")
    } else {
        Verdict::no("no later rows than the champion's to compare on")
    }
}

fn probabilities(model: &Artifact, examples: &Examples, positions: &[usize]) -> Vec<f64> {
    let Some(scorecard) = model.active() else { return vec![model.trained.base_rate; positions.len()] };
    let columns: Vec<_> = scorecard.features.iter().map(|f| examples.frame.find(&f.spec.name)).collect();
    let row = |p: &usize| scorecard.log_odds(&columns, examples.rows[*p] as usize);
    positions.iter().map(|p| sigmoid(model.calibrator.apply(row(p)))).collect()
}
