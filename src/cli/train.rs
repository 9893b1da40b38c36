//! `foothold train`: fit, calibrate, grade, register, and promote what is good enough.

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access, as_of, output};
use super::{Format, show};
use crate::extracts::{self, State};
use crate::job::JobFile;
use crate::models::grain::Source;
use crate::pipeline::Stages;
use crate::pipeline::retrain::{self, TrainingReport};

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
    let JobFile { observations, capacity, models, .. } = &job.settings;
    let mut stages = Stages::new(terminal);
    let extracts = stages
        .run("load", || extracts::load_from(&job.settings.extracts, &access, &State::of(&output), day, &|_| {}))?;
    let source = Source { extracts: &extracts, as_of: day, observations, capacity, models };
    let report = stages.run("train", || retrain::train(&source, &output))?;
    match args.format {
        Format::Json => show::json(&serde_json::json!(report)),
        Format::Table => table(&report),
    }
    Ok(())
}

fn table(report: &TrainingReport) {
    let rows = report.rows().into_iter().map(|cells| cells.to_vec());
    show::table(&TrainingReport::HEADER, &["AUC", "log loss", "baseline", "lift", "rows", "positives"], rows.collect());
}
