//! `foothold score`: a saved model applied to a feature table.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use super::job::access;
use super::{Format, show};
use crate::feature_table::score::{self, Summary};
use crate::feature_table::{TableFile, TableModel};
use crate::wording;

#[derive(Args)]
pub struct ScoreArgs {
    /// A Parquet or CSV file with the columns that the model reads, in any order
    #[arg(value_name = "TABLE")]
    table: String,
    /// The model: a file that `foothold evaluate --save` wrote
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Where the scores go: .parquet or .csv
    #[arg(long, value_name = "FILE", default_value = "scores.parquet")]
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
    let model = model(&args.model)?;
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

fn model(path: &Path) -> Result<TableModel, Failure> {
    let said = |reason: String| Failure::usage(format!("{}: {reason}", path.display()));
    let content = std::fs::read(path).map_err(|e| said(format!("the model cannot be read: {e}")))?;
    TableModel::from_json(&content).map_err(|e| said(e.to_string()))
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
    let summary = score::write(file, model, args.id.as_deref(), args.drivers, format, out);
    match summary {
        Ok(summary) => std::fs::rename(&part, &args.out).map(|()| summary).map_err(said),
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            Err(error.into())
        }
    }
}
