//! `foothold status`: which runs stand in the output, and whether all of them are shown.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::job::{JobArgs, output};
use super::{Format, show};
use crate::publish::manifest::{self, Manifest, Slot};
use crate::store::Store;

#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    job: JobArgs,
    /// How many of the newest runs to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    last: usize,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn status(args: &StatusArgs) -> Result<(), Failure> {
    let store = output(&args.job.load()?)?;
    let slots = manifest::slots(&store)?;
    let runs = newest(&store, &slots, args.last)?;
    match args.format {
        Format::Json => {
            let runs: Vec<serde_json::Value> = runs.iter().map(|(slot, run)| as_json(*slot, run)).collect();
            show::json(&json!({"output": store.url(), "runs": runs}));
        }
        Format::Table if runs.is_empty() => show::line(&format!("Nothing is published under {} yet.", store.url())),
        Format::Table => table(&runs),
    }
    Ok(())
}

/// The last manifests by day and number; one that cannot be read is left out.
fn newest(store: &Store, slots: &[Slot], last: usize) -> Result<Vec<(Slot, Manifest)>, Failure> {
    let mut runs = Vec::new();
    for slot in slots.iter().rev().take(last) {
        runs.extend(manifest::read(store, *slot)?.map(|run| (*slot, run)));
    }
    Ok(runs)
}

fn as_json(slot: Slot, run: &Manifest) -> serde_json::Value {
    json!({
        "as_of": slot.as_of, "number": slot.number, "run_id": run.run_id, "job": run.job,
        "finished_at": run.finished_at.to_string(), "manifest": slot.path(),
        "recommendations": run.rows("recommendations"), "suppressions": run.rows("suppressions"),
        "audit_records": run.audit.last.sequence,
    })
}

fn table(runs: &[(Slot, Manifest)]) {
    let count = |run: &Manifest, table: &str| run.rows(table).map_or_else(String::new, |rows| rows.to_string());
    let rows = runs.iter().map(|(slot, run)| {
        vec![
            slot.as_of.to_string(),
            slot.number.to_string(),
            run.job.clone(),
            run.finished_at.to_string(),
            count(run, "recommendations"),
            count(run, "suppressions"),
        ]
    });
    let header = ["as of", "no.", "job", "finished", "recommendations", "suppressions"];
    show::table(&header, &["no.", "recommendations", "suppressions"], rows.collect());
}
