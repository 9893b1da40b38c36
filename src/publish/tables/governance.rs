//! Governance: what was rejected, how good the data was, and what each run did.

use crate::extracts::{RejectedRow, TableQuality};
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::Table;
use crate::vocabulary::{Day, Moment};

pub fn specs() -> Vec<TableSpec> {
    vec![rejected_rows().spec().clone(), data_quality().spec().clone(), runs().spec().clone()]
}

pub fn rejected_rows() -> Table<RejectedRow> {
    Table::<RejectedRow>::new(
        OutputTable::RejectedRows,
        Layer::Governance,
        "Input rows that broke a rule of the contract.",
    )
    .text("table", "The input table.", |r| r.table.as_str())
    .text("key", "The row's key as delivered.", |r| &r.key)
    .text("rule", "The rule that it breaks.", |r| &r.rule)
    .text_opt("column", "The column concerned.", |r| r.column.as_deref())
    .text_opt("value", "The offending value.", |r| r.value.as_deref())
    .text("source_file", "The file it came from.", |r| &r.source_file)
}

/// Data quality of one table on the run's day.
pub struct Quality<'a> {
    pub quality: &'a TableQuality,
    pub as_of: Day,
}

pub fn data_quality<'a>() -> Table<Quality<'a>> {
    Table::<Quality<'a>>::new(
        OutputTable::DataQuality,
        Layer::Governance,
        "What the checks found about each input table.",
    )
    .text("table", "The input table.", |q| q.quality.table.as_str())
    .key()
    .int("rows", "Rows accepted.", |q| q.quality.rows as i64)
    .int("rejected", "Rows rejected.", |q| q.quality.rejected as i64)
    .date_opt("newest_event", "Day of the newest row.", |q| q.quality.newest_event)
    .int_opt("staleness_days", "Days from the newest row to the as-of day.", |q| {
        q.quality.newest_event.map(|newest| q.as_of.since(newest).into())
    })
    .made("null_share", "Share of nulls per optional column, JSON.", |q| {
        let shares: serde_json::Map<String, serde_json::Value> =
            q.quality.null_share.iter().map(|(column, share)| (column.clone(), (*share).into())).collect();
        serde_json::Value::Object(shares).to_string()
    })
    .flag("available", "False where the table was not delivered.", |q| q.quality.available)
    .made_opt("note", "Conversions and other things to know.", |q| {
        (!q.quality.notes.is_empty()).then(|| q.quality.notes.join("; "))
    })
}

/// The run itself, as far as it had come when its tables were made.
#[derive(Clone, Debug)]
pub struct Run {
    pub job: String,
    pub as_of: Day,
    pub started_at: Moment,
    pub finished_at: Moment,
    pub job_hash: String,
    /// JSON: file, etag, rows.
    pub inputs: String,
    /// JSON: rows by table, this table left out.
    pub outputs: String,
    /// JSON: seconds by stage.
    pub seconds_by_stage: String,
    pub peak_memory_bytes: Option<u64>,
}

pub fn runs() -> Table<Run> {
    Table::<Run>::new(OutputTable::Runs, Layer::Governance, "One row per published run.")
        .text("job", "Name of the job.", |r| &r.job)
        .date("as_of", "The day whose end the run saw.", |r| r.as_of)
        .key()
        .time("started_at", "When the run began.", |r| r.started_at)
        .time("finished_at", "When its tables were made.", |r| r.finished_at)
        .text("status", "published: a run that was not has no row.", |_| "published")
        .text("code_version", "Version of the program.", |_| env!("CARGO_PKG_VERSION"))
        .text("job_hash", "SHA-256 of everything in the job that bears on results.", |r| &r.job_hash)
        .text("inputs", "Files that were read, JSON: file, etag, rows.", |r| &r.inputs)
        .text("outputs", "Rows by table, JSON.", |r| &r.outputs)
        .text("seconds_by_stage", "Seconds by stage, JSON.", |r| &r.seconds_by_stage)
        .int_opt("peak_memory_bytes", "Most memory held; null where the system does not tell.", |r| {
            r.peak_memory_bytes.map(|bytes| bytes as i64)
        })
}
