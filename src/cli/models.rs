//! `foothold models`: what the registry holds, how two versions compare, and a person's word about which one scores.

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, as_of, output};
use super::{Format, show};
use crate::cards::{self, Card};
use crate::extracts::tables::Intent;
use crate::job::Job;
use crate::models::champions::promote::{Verdict, told};
use crate::models::champions::registry::{Champion, Decision, Registry, Version};
use crate::models::judging::tested::{self, Comparison, TestRow};
use crate::pipeline::intents;
use crate::store::Store;
use crate::text::IntentModel;
use crate::vocabulary::Day;
use crate::wording;

#[derive(Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    verb: Models,
}

#[derive(Subcommand)]
enum Models {
    /// List every version with its grade, and which one scores
    List(ListArgs),
    /// Show the card of a version
    Show(ShowArgs),
    /// Compare two versions on the rows that both were tested on
    Compare(CompareArgs),
    /// Let a version score from the job's day on
    Promote(PromoteArgs),
    /// Let the champion before the present one score again from the job's day on
    Rollback(RollbackArgs),
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Only versions of this model, e.g. churn
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Args)]
struct ShowArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The model's name, e.g. churn or cross_sell-search
    model: String,
    /// Its number or the beginning of its model id; the one that scores where it is left out
    version: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Args)]
struct CompareArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The model's name, e.g. churn
    model: String,
    /// The version in question: its number or the beginning of its model id
    version: String,
    /// The version it is held against; the one that scores where it is left out
    against: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Who decides, and why.
#[derive(Args)]
struct DecisionArgs {
    /// Why; it stands in the registry and in `model_evaluations`
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    by: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Args)]
struct PromoteArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The model's name, e.g. churn
    model: String,
    /// The version's number or the beginning of its model id
    version: String,
    #[command(flatten)]
    decision: DecisionArgs,
}

#[derive(Args)]
struct RollbackArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The model's name, e.g. churn
    model: String,
    #[command(flatten)]
    decision: DecisionArgs,
}

impl ModelsArgs {
    pub fn wants_json(&self) -> bool {
        let format = match &self.verb {
            Models::List(args) => args.format,
            Models::Show(args) => args.format,
            Models::Compare(args) => args.format,
            Models::Promote(args) => args.decision.format,
            Models::Rollback(args) => args.decision.format,
        };
        format == Format::Json
    }
}

/// A job with its output opened, and its day.
struct Place {
    job: Job,
    store: Store,
    day: Day,
}

impl Place {
    fn of(args: &JobArgs, terminal: &Terminal) -> Result<Place, Failure> {
        let job = args.load()?;
        let (store, day) = (output(&job)?, as_of(&job, terminal));
        Ok(Place { job, store, day })
    }
}

pub fn models(args: &ModelsArgs, terminal: &Terminal) -> Result<(), Failure> {
    match &args.verb {
        Models::List(args) => list(args, &Place::of(&args.job, terminal)?),
        Models::Show(args) => show_card(args, &Place::of(&args.job, terminal)?),
        Models::Compare(args) => compare(args, &Place::of(&args.job, terminal)?),
        Models::Promote(args) => {
            let place = Place::of(&args.job, terminal)?;
            let appoint =
                |registry: Registry, decision: Decision| registry.appoint(&args.model, &args.version, decision);
            decided(&args.decision, &args.model, &place, appoint)
        }
        Models::Rollback(args) => {
            let place = Place::of(&args.job, terminal)?;
            decided(&args.decision, &args.model, &place, |registry, decision| registry.roll_back(&args.model, decision))
        }
    }
}

fn list(args: &ListArgs, place: &Place) -> Result<(), Failure> {
    let registry = Registry::of(&place.store);
    let slots = match args.model.as_deref() {
        Some(intents::SLOT) => Vec::new(),
        Some(slot) => vec![slot.to_owned()],
        None => registry.slots()?,
    };
    let mut lines = Vec::new();
    for slot in &slots {
        let champion = registry.pointer(slot, place.day)?;
        lines.extend(registry.versions(slot)?.into_iter().map(|version| Line::of(slot, version, champion.as_ref())));
    }
    if args.model.as_deref().is_none_or(|model| model == intents::SLOT) {
        let champion = registry.pointer(intents::SLOT, place.day)?;
        let versions = intents::versions(&registry)?;
        lines.extend(versions.iter().map(|(number, model)| Line::of_intents(*number, model, champion.as_ref())));
    }
    match args.format {
        Format::Json => show::json(&json!({"as_of": place.day, "models": lines})),
        Format::Table if lines.is_empty() => {
            show::line(&format!(
                "No model under {}; train with `foothold train jobs/retrain.toml`.",
                place.store.url()
            ));
        }
        Format::Table => {
            let header = ["model", "family", "version", "model id", "trained as of", "rows", "grade", "AUC", "status"];
            show::table(&header, &["version", "rows", "AUC"], lines.iter().map(Line::cells).collect());
        }
    }
    Ok(())
}

/// One version as `list` tells it.
#[derive(serde::Serialize)]
struct Line {
    model: String,
    family: &'static str,
    version: u32,
    model_id: String,
    trained_as_of: Day,
    rows: usize,
    positives: usize,
    grade: Option<&'static str>,
    auc: Option<f64>,
    log_loss: Option<f64>,
    /// Of the text classifier: the intents that it hears, and how well on later texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<f64>,
    abstains: Option<String>,
    /// Whether it scores a run of the job's day.
    champion: bool,
    reason: String,
    decided_by: Option<String>,
}

impl Line {
    fn of(slot: &str, version: Version, champion: Option<&Champion>) -> Line {
        let Version { number, artifact, verdict } = version;
        let pointer = champion.filter(|champion| champion.model_id == artifact.model_id);
        let judged = || verdict.map_or("stored by hand".to_owned(), |verdict| verdict.reason);
        let evaluation = artifact.evaluation.as_ref();
        Line {
            model: slot.to_owned(),
            family: artifact.family.as_str(),
            version: number,
            trained_as_of: artifact.trained.as_of,
            rows: artifact.trained.rows,
            positives: artifact.trained.positives,
            grade: evaluation.map(|evaluation| evaluation.grade.as_str()),
            auc: evaluation.map(|evaluation| evaluation.model.auc),
            log_loss: evaluation.map(|evaluation| evaluation.model.log_loss),
            labels: Vec::new(),
            precision: None,
            recall: None,
            champion: pointer.is_some(),
            reason: pointer.map_or_else(judged, |pointer| pointer.reason.clone()),
            decided_by: pointer.and_then(|pointer| pointer.by.clone()),
            abstains: artifact.abstains,
            model_id: artifact.model_id,
        }
    }

    /// A version of the text classifier; its rows are labelled texts, its positives those with an intent that it hears.
    fn of_intents(number: u32, model: &IntentModel, champion: Option<&Champion>) -> Line {
        let card = &model.card;
        let pointer = champion.filter(|champion| champion.model_id == card.model_id);
        let labels: Vec<&'static str> = card.heard().map(Intent::as_str).collect();
        let (precision, recall) = card.on_later_texts().unzip();
        let heard = card.intents.iter().filter(|intent| intent.threshold.is_some());
        let metrics = heard.clone().filter_map(|intent| Some(intent.evaluation.as_ref()?.metrics));
        let aucs: Vec<f64> = metrics.map(|metrics| metrics.auc).collect();
        let told = format!("hears {} of {} intents", labels.len(), card.intents.len());
        Line {
            model: intents::SLOT.to_owned(),
            family: "one logistic model per intent",
            version: number,
            model_id: card.model_id.clone(),
            trained_as_of: card.trained.as_of,
            rows: card.trained.texts,
            positives: heard.map(|intent| intent.texts).sum(),
            grade: None,
            auc: (!aucs.is_empty()).then(|| aucs.iter().sum::<f64>() / aucs.len() as f64),
            log_loss: None,
            precision,
            recall,
            abstains: labels.is_empty().then(|| "no intent is heard".to_owned()),
            labels,
            champion: pointer.is_some(),
            reason: pointer.map_or(told, |pointer| pointer.reason.clone()),
            decided_by: pointer.and_then(|pointer| pointer.by.clone()),
        }
    }

    /// What the text classifier hears, and how well.
    fn hearing(&self) -> String {
        let names: Vec<String> = self.labels.iter().map(|label| wording::words(label)).collect();
        match (names.as_slice(), self.precision, self.recall) {
            ([], ..) => String::new(),
            (names, Some(precision), Some(recall)) => format!(
                "; {}: {} right and {} found on later texts",
                wording::list(names),
                wording::percent(precision),
                wording::percent(recall)
            ),
            (names, ..) => format!("; {}", wording::list(names)),
        }
    }

    fn cells(&self) -> Vec<String> {
        let status = match (self.champion, &self.decided_by) {
            (true, Some(by)) => format!("scores, by {by}: {}", self.reason),
            (true, None) => format!("scores: {}", self.reason),
            (false, _) => self.reason.clone(),
        };
        let abstains = self.abstains.as_ref().map_or(String::new(), |why| format!("; abstains: {why}"));
        vec![
            self.model.clone(),
            self.family.to_owned(),
            self.version.to_string(),
            self.model_id.clone(),
            self.trained_as_of.to_string(),
            wording::count(self.rows as f64),
            self.grade.unwrap_or("–").to_owned(),
            self.auc.map_or("–".to_owned(), |auc| format!("{auc:.3}")),
            format!("{status}{}{abstains}", self.hearing()),
        ]
    }
}

/// The version meant, or the one that scores on the job's day.
fn meant(registry: Registry, slot: &str, wanted: Option<&str>, day: Day) -> Result<Version, Failure> {
    if let Some(wanted) = wanted {
        return Ok(registry.version(slot, wanted)?);
    }
    let known = registry.versions(slot)?;
    let champion = registry.pointer(slot, day)?;
    let champion = champion.and_then(|champion| known.into_iter().find(|v| Some(v.number) == champion.number()));
    champion.ok_or_else(|| Failure::usage(format!("no version of `{slot}` scores as of {day}; name one by its number")))
}

fn show_card(args: &ShowArgs, place: &Place) -> Result<(), Failure> {
    let registry = Registry::of(&place.store);
    let Version { number, artifact, verdict } = meant(registry, &args.model, args.version.as_deref(), place.day)?;
    let stored = registry.attached(&args.model, number, cards::CARD)?;
    let card = stored.and_then(|content| Card::from_json(&content)).unwrap_or_else(|| {
        let verdict = verdict.unwrap_or_else(|| Verdict::no("stored by hand"));
        Card::of(&artifact, &verdict, None)
    });
    match args.format {
        Format::Json => show::json(&json!(card)),
        Format::Table => show::line(&cards::markdown(&card)),
    }
    Ok(())
}

fn compare(args: &CompareArgs, place: &Place) -> Result<(), Failure> {
    let registry = Registry::of(&place.store);
    let new = meant(registry, &args.model, Some(&args.version), place.day)?;
    let old = meant(registry, &args.model, args.against.as_deref(), place.day)?;
    if new.number == old.number {
        return Err(Failure::usage(format!(
            "version {} of `{}` cannot be compared with itself",
            new.number, args.model
        )));
    }
    let rows = |version: &Version| test_rows(registry, &args.model, version.number);
    let comparison = tested::compare(&rows(&new)?, &rows(&old)?, place.job.settings.models.resampling());
    match args.format {
        Format::Json => show::json(&json!({
            "model": args.model, "version": new.number, "against": old.number, "comparison": comparison,
        })),
        Format::Table => told_table(&new, &old, &comparison),
    }
    Ok(())
}

fn test_rows(registry: Registry, slot: &str, number: u32) -> Result<Vec<TestRow>, Failure> {
    let content = registry.attached(slot, number, tested::OBJECT)?.ok_or_else(|| {
        Failure::usage(format!("version {number} of `{slot}` was not tested, so there is nothing to compare it on"))
    })?;
    let path = format!("models/{slot}/{number:06}/{}", tested::OBJECT);
    Ok(tested::from_parquet(content).map_err(|reason| registry.unfit(&path, &reason))?)
}

fn told_table(new: &Version, old: &Version, comparison: &Comparison) {
    let number = |version: &Version| format!("version {}", version.number);
    let line = |name: &str, figure: fn(&crate::learners::measuring::evaluate::Metrics) -> f64| {
        let cell = |metrics: &Option<_>| metrics.as_ref().map_or("–".to_owned(), |m| format!("{:.4}", figure(m)));
        vec![name.to_owned(), cell(&comparison.new), cell(&comparison.old)]
    };
    let (new_name, old_name) = (number(new), number(old));
    let header = ["figure", new_name.as_str(), old_name.as_str()];
    let rows = vec![
        line("AUC", |m| m.auc),
        line("PR-AUC", |m| m.pr_auc),
        line("log loss", |m| m.log_loss),
        line("Brier", |m| m.brier),
        line("calibration error", |m| m.calibration_error),
        line("lift of the highest tenth", |m| m.lift_top_decile),
    ];
    show::table(&header, &header[1..], rows);
    show::paragraph(&summary(comparison));
}

fn summary(comparison: &Comparison) -> String {
    let Comparison { rows, only_new, only_old, relabelled, difference, .. } = comparison;
    let days = match (comparison.first_day, comparison.last_day) {
        (Some(first), Some(last)) => format!(" from {first} to {last}"),
        _ => String::new(),
    };
    let apart = format!(
        "{rows} rows{days} were tested by both; {only_new} only by the first, {only_old} only by the second, \
         {relabelled} labelled otherwise since."
    );
    match difference {
        Some(paired) => format!("{apart} First − second: {}.", told(paired)),
        None => format!("{apart} Too few of either outcome for an interval."),
    }
}

fn decided(
    args: &DecisionArgs,
    slot: &str,
    place: &Place,
    decide: impl FnOnce(Registry, Decision) -> Result<Champion, crate::models::champions::registry::Error>,
) -> Result<(), Failure> {
    for (flag, text) in [("--reason", &args.reason), ("--by", &args.by)] {
        if text.trim().is_empty() {
            return Err(Failure::usage(format!("{flag} must say something: it is kept with the decision")));
        }
    }
    let decision = Decision { reason: &args.reason, by: &args.by, from: place.day };
    let champion = decide(Registry::of(&place.store), decision)?;
    match args.format {
        Format::Json => show::json(&json!({"model": slot, "champion": champion})),
        Format::Table => show::line(&format!(
            "{} ({}) scores `{slot}` for runs as of {} and later.",
            champion.model, champion.model_id, champion.from
        )),
    }
    Ok(())
}
