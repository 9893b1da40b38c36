//! `foothold score`: a saved model, or one of a job's registry, applied to a feature table.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::access;
use super::{Format, show};
use crate::feature_table::score::{self, Plan, Summary};
use crate::feature_table::{TableFile, TableModel};
use crate::models::champions::registry::Registry;
use crate::store::Store;
use crate::wording;

/// Where the scores go if nothing else is said.
const SCORES: &str = "scores.parquet";

#[derive(Args)]
pub struct ScoreArgs {
    /// A Parquet or CSV file with the columns that the model reads, in the order of the training
    #[arg(value_name = "TABLE")]
    table: String,
    /// The model: a file that `foothold evaluate --save` wrote, or with --output a model id (or its beginning) or
    /// MODEL/VERSION of that output's registry, e.g. churn/2
    #[arg(long, value_name = "FILE|ID")]
    model: String,
    /// The output of a job, whose registry holds the model
    #[arg(long, value_name = "URL")]
    output: Option<String>,
    /// Match columns by their names, whatever their order
    #[arg(long)]
    any_order: bool,
    /// Where the scores go: .parquet or .csv
    #[arg(long, value_name = "FILE", default_value = SCORES)]
    out: PathBuf,
    /// The column that names the row; the one of the evaluation where it is left out
    #[arg(long, value_name = "COL")]
    id: Option<String>,
    /// How many of the strongest contributions each row names
    #[arg(long, value_name = "N", default_value_t = 5)]
    drivers: usize,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn score(args: &ScoreArgs, terminal: &Terminal) -> Result<(), Failure> {
    let model = model(&args.model, args.output.as_deref())?;
    let file = TableFile::open(&args.table, &access()?)?;
    terminal.progress("score");
    let summary = into_file(args, &file, &model)?;
    match args.format {
        Format::Json => {
            let mut told = serde_json::json!(summary);
            told["out"] = args.out.display().to_string().into();
            show::json(&told);
        }
        Format::Table => show::line(&format!(
            "{} rows scored by {} into {}; mean probability of {} = {}: {}",
            wording::count(summary.rows as f64),
            summary.model_id,
            args.out.display(),
            model.label,
            model.positive,
            wording::percent(summary.mean_probability)
        )),
    }
    Ok(())
}

/// A model of the output's registry where an output is named, else a file.
fn model(wanted: &str, output: Option<&str>) -> Result<TableModel, Failure> {
    let path = Path::new(wanted);
    match output {
        Some(output) if path.is_file() => Err(Failure::usage(format!(
            "--output {output} holds a registry of models, but --model {wanted} is a file; leave --output out; where the \
             scores go is --out {SCORES}"
        ))),
        Some(output) => registered(wanted, output),
        None if !path.exists() => Err(Failure::usage(format!(
            "--model {wanted}: there is no such file; for a model of a registry name its job's output with --output"
        ))),
        None => saved(path),
    }
}

fn saved(path: &Path) -> Result<TableModel, Failure> {
    let said = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let content = std::fs::read(path).map_err(|e| said(format!("the model cannot be read: {e}")))?;
    TableModel::from_json(&content).map_err(|e| said(e.to_string()))
}

fn registered(wanted: &str, output: &str) -> Result<TableModel, Failure> {
    let store = Store::open(output, &access()?)?;
    let version = Registry::of(&store).find(wanted)?;
    TableModel::of_artifact(&version.artifact).map_err(|reason| {
        Failure::usage(format!("the model `{}` abstains, so it scores no table: {reason}", version.artifact.model_id))
    })
}

/// Writes beside the wanted file first, so that a failed run leaves no half of one.
fn into_file(args: &ScoreArgs, file: &TableFile, model: &TableModel) -> Result<Summary, Failure> {
    let said = |e: std::io::Error| Failure::unexpected(format!("{}: cannot be written: {e}", args.out.display()));
    let format = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => score::Format::Csv,
        Some("parquet") => score::Format::Parquet,
        _ => return Err(Failure::usage(format!("--out {}: end the name in .parquet or .csv", args.out.display()))),
    };
    let part = args.out.with_extension("part");
    let out = BufWriter::new(File::create(&part).map_err(said)?);
    let plan = Plan { id: args.id.as_deref(), drivers: args.drivers, any_order: args.any_order, format };
    let summary = score::write(file, model, plan, out);
    match summary {
        Ok(summary) => std::fs::rename(&part, &args.out).map(|()| summary).map_err(said),
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            Err(error.into())
        }
    }
}
