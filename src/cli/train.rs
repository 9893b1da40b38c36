//! `foothold train`: fit, calibrate, grade, register, and promote what is good enough.

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access, as_of, output};
use super::{Format, show};
use crate::extracts::{self, State};
use crate::history::View;
use crate::job::JobFile;
use crate::models::examples::grain::Source;
use crate::pipeline::intents::{self, IntentReport};
use crate::pipeline::retrain::{self, TrainingReport};
use crate::pipeline::{Stages, giving_back};
use crate::wording;

#[derive(Args)]
pub struct TrainArgs {
    #[command(flatten)]
    job: JobArgs,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn train(args: &TrainArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = args.job.load()?;
    let (day, access, output) = (as_of(&job, terminal), access()?, output(&job)?);
    let JobFile { observations, capacity, models, recommendations, .. } = &job.settings;
    let weekly_capacity = recommendations.weekly_capacity;
    let mut stages = Stages::new(terminal);
    let state = State::of(&output);
    let load = || extracts::load_from(&job.settings.extracts, &access, &state, day, &giving_back(terminal));
    let extracts = stages.run("load", load)?;
    let source = Source { extracts: &extracts, as_of: day, observations, capacity, models, weekly_capacity };
    let report = stages.run("train", || retrain::train(&source, &output))?;
    let view = View::new(&extracts, day);
    let heard = stages.run("listen", || intents::train(view, &job.settings.text, &output))?;
    match args.format {
        Format::Json => show::json(&serde_json::json!({
            "as_of": report.as_of, "models": report.models, "text_intent": heard,
        })),
        Format::Table => {
            table(&report);
            texts(&heard);
        }
    }
    Ok(())
}

fn table(report: &TrainingReport) {
    let rows = report.rows().into_iter().map(|cells| cells.to_vec());
    show::table(&TrainingReport::HEADER, &["AUC", "log loss", "baseline", "lift", "rows", "positives"], rows.collect());
}

/// The intent classifier: what it hears, and how well on the latest labelled texts.
fn texts(report: &IntentReport) {
    let outcome = if report.promoted { "promoted" } else { "kept out" };
    show::line(&format!("\nText intents, {outcome}: {}", report.reason));
    if report.intents.is_empty() {
        return;
    }
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    let rows = report.intents.iter().map(|row| {
        let (n, positives) = (row.n.to_string(), row.positives.to_string());
        let name = row.intent.map_or_else(String::new, wording::words);
        vec![
            name,
            row.grade.as_str().to_owned(),
            figure(row.threshold),
            figure(row.precision),
            figure(row.recall),
            n,
            positives,
        ]
    });
    let header = ["intent", "grade", "threshold", "precision", "recall", "texts", "positives"];
    show::table(&header, &header[2..], rows.collect());
}
