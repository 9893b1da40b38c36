//! `foothold check`: the data contract only, as a data-quality report.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, access, as_of};
use super::{Format, show};
use crate::extracts::{self, Extracts, TableQuality};
use crate::pipeline::Stages;
use crate::vocabulary::Day;
use crate::wording;

#[derive(Args)]
pub struct CheckArgs {
    #[command(flatten)]
    job: JobArgs,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

pub fn check(args: &CheckArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = args.job.load()?;
    let (day, access) = (as_of(&job, terminal), access()?);
    let extracts =
        Stages::new(terminal).run("load", || extracts::load(&job.settings.extracts, &access, day, &|_| {}))?;
    match args.format {
        Format::Json => show::json(&as_json(&extracts, day)),
        Format::Table => report(&extracts, day),
    }
    Ok(())
}

fn as_json(extracts: &Extracts, day: Day) -> serde_json::Value {
    let tables: Vec<serde_json::Value> = extracts
        .quality
        .iter()
        .map(|q| {
            json!({
                "table": q.table, "available": q.available, "rows": q.rows, "rejected": q.rejected,
                "newest_event": q.newest_event, "staleness_days": staleness(q, day), "notes": q.notes,
            })
        })
        .collect();
    let examples = extracts.rejected.iter().take(EXAMPLES).map(|r| {
        json!({"table": r.table, "key": r.key, "rule": r.rule, "column": r.column, "value": r.value,
               "source_file": r.source_file})
    });
    json!({"status": "ready", "as_of": day, "tables": tables, "examples": examples.collect::<Vec<_>>()})
}

const EXAMPLES: usize = 20;

fn staleness(quality: &TableQuality, day: Day) -> Option<i32> {
    quality.newest_event.map(|newest| day.since(newest))
}

fn report(extracts: &Extracts, day: Day) {
    show::line(&format!("The extracts hold the contract as of {day}.\n"));
    let rows = extracts.quality.iter().map(|q| {
        vec![
            q.table.to_string(),
            if q.available { wording::count(q.rows as f64) } else { "not delivered".into() },
            if q.rejected > 0 { wording::count(q.rejected as f64) } else { String::new() },
            q.newest_event.map_or_else(String::new, |newest| newest.to_string()),
            staleness(q, day).map_or_else(String::new, |days| days.to_string()),
            q.notes.join("; "),
        ]
    });
    let header = ["table", "rows", "rejected", "newest", "days old", "notes"];
    show::table(&header, &["rows", "rejected", "days old"], rows.collect());
    let rejected = extracts.rejected.iter().take(EXAMPLES).map(|r| {
        let value = r.value.clone().unwrap_or_default();
        vec![r.table.to_string(), r.key.clone(), r.rule.clone(), value, r.source_file.clone()]
    });
    let rejected: Vec<Vec<String>> = rejected.collect();
    if !rejected.is_empty() {
        show::line("\nRejected rows, the first of them:");
        show::table(&["table", "key", "rule", "value", "file"], &[], rejected);
    }
}
