//! `foothold schema`: the contract as the code knows it.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::failure::Failure;
use super::show;
use crate::extracts::contract::schema as inputs;
use crate::extracts::tables::contracts;
use crate::job;
use crate::publish::{dictionary, tables};

#[derive(Args)]
pub struct SchemaArgs {
    what: What,
    #[arg(long, value_enum, default_value_t = SchemaFormat::Json)]
    format: SchemaFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// JSON Schema of job files
    Job,
    /// The input tables
    Inputs,
    /// The output tables
    Outputs,
}

#[derive(Clone, Copy, ValueEnum)]
enum SchemaFormat {
    Json,
    Markdown,
}

pub fn print(args: &SchemaArgs) -> Result<(), Failure> {
    match (args.what, args.format) {
        (What::Job, SchemaFormat::Json) => show::json(job::schema()),
        (What::Job, SchemaFormat::Markdown) => show::line(&format!("# A job\n\n```toml\n{}```", job::DEFAULTS)),
        (What::Inputs, SchemaFormat::Json) => show::json(&json!({"tables": contracts::tables()})),
        (What::Inputs, SchemaFormat::Markdown) => show::line(markdown_of_inputs().trim_end()),
        (What::Outputs, SchemaFormat::Json) => show::json(&json!({"tables": tables::specs()})),
        (What::Outputs, SchemaFormat::Markdown) => show::line(dictionary::markdown(&tables::specs()).trim_end()),
    }
    Ok(())
}

/// The input contract, one section per table.
fn markdown_of_inputs() -> String {
    let mut text = String::from("# Input tables\n");
    for table in contracts::tables() {
        let need = format!("{:?}", table.need).to_lowercase();
        let _ = write!(text, "\n## {} ({need})\n\n{}\n\nKey: {}\n\n", table.name(), table.about, table.key.join(", "));
        text.push_str("| column | type | required | description |\n|---|---|---|---|\n");
        for column in &table.columns {
            let required = if column.required { "yes" } else { "" };
            let _ = writeln!(text, "| {} | {} | {required} | {} |", column.name, column.kind.as_str(), remark(column));
        }
    }
    text
}

/// Description, words, bounds and reference in one cell.
fn remark(column: &inputs::Column) -> String {
    let mut text = column.about.replace('|', "\\|");
    if let Some(words) = column.words {
        let _ = write!(text, "; one of {}", words.join(", "));
    }
    if let Some(bounds) = column.bounds {
        let _ = write!(text, "; {}", bounds.rule());
    }
    if let Some(table) = column.references {
        let _ = write!(text, "; stands in {table}");
    }
    text
}
