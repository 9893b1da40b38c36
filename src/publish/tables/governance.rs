//! Governance: what was rejected, how good the data was, and what each run did.

use super::Layers;
use crate::audit::{AuditRecord, Event};
use crate::extracts::{RejectedRow, TableQuality};
use crate::models::ModelEvaluation;
use crate::models::scoring::drift::{Drift, Standing};
use crate::publish::frame::Frame;
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::{Stamp, Table};
use crate::vocabulary::{Day, Moment, PropensityKind};

pub fn specs() -> Vec<TableSpec> {
    vec![
        audit().spec().clone(),
        rejected_rows().spec().clone(),
        data_quality().spec().clone(),
        runs().spec().clone(),
        model_evaluations().spec().clone(),
        model_drift().spec().clone(),
    ]
}

pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    let extracts = layers.view.extracts;
    let quality: Vec<Quality> =
        extracts.quality.iter().map(|quality| Quality { quality, as_of: layers.view.day }).collect();
    vec![
        rejected_rows().frame(&extracts.rejected, stamp),
        data_quality().frame(&quality, stamp),
        model_evaluations().frame(layers.evaluations, stamp),
        model_drift().frame(layers.drift, stamp),
    ]
}

pub fn audit() -> Table<AuditRecord> {
    Table::<AuditRecord>::new(
        OutputTable::Audit,
        Layer::Governance,
        "What happened to recommendations this night, chained by hash; earlier records stand in earlier runs.",
    )
    .of_long_rows()
    .int("sequence", "Place in the chain, from 1 without gaps.", |r| r.sequence as i64)
    .key()
    .text("record_id", "Stable id of the event.", |r| &r.entry.record_id)
    .text("recommendation_id", "The recommendation.", |r| &r.entry.recommendation_id)
    .text("event", "What happened.", |r| r.entry.event.as_str())
    .among(Event::ALL.iter().map(|event| event.as_str()))
    .time("event_at", "When it happened; the end of the as-of day for what the program does.", |r| r.entry.event_at)
    .text("purpose", "What the processing is for.", |r| &r.entry.purpose)
    .text("risk_class", "Class of the use under the EU AI Act.", |r| &r.entry.risk_class)
    .text("data_categories", "Categories of data it rests on.", |r| &r.entry.data_categories)
    .text("observations", "The observations behind the signals, JSON.", |r| &r.entry.observations)
    .text("signals", "The signals with confidence and reasoning, JSON.", |r| &r.entry.signals)
    .text("logic", "Gates passed, scores, thresholds, playbook and versions, JSON.", |r| &r.entry.logic)
    .text("model_ids", "Models whose probabilities it rests on.", |r| &r.entry.model_ids)
    .text("job_hash", "SHA-256 of everything in the job that bears on results.", |r| &r.entry.job_hash)
    .text("input_manifest_hash", "SHA-256 over the input files.", |r| &r.entry.input_manifest_hash)
    .text_opt("approver", "Who decided.", |r| r.entry.approver.as_deref())
    .time_opt("decided_at", "When it was decided.", |r| r.entry.decided_at)
    .text_opt("decision", "approved, edited, rejected or snoozed.", |r| r.entry.decision.as_deref())
    .text_opt("outcome", "What came of it.", |r| r.entry.outcome.as_deref())
    .float_opt("arr_delta", "ARR won or lost, reporting currency per year.", |r| r.entry.arr_delta)
    .text("previous_hash", "Hash of the record before; zeros for the first.", |r| &r.previous_hash)
    .text("hash", "SHA-256 over every column of the chain but this one.", |r| &r.hash)
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

pub fn model_evaluations() -> Table<ModelEvaluation> {
    Table::<ModelEvaluation>::new(
        OutputTable::ModelEvaluations,
        Layer::Program,
        "How good each model is on days it was not trained on, against a named trivial baseline.",
    )
    .text("model_id", "The model.", |m| &m.model_id)
    .key()
    .text("kind", "What is predicted; text_intent for the intents that the text classifier hears.", |m| m.kind)
    .text("family", "Kind of model: scorecard, logistic or boosting.", |m| m.family)
    .text_opt("product_id", "The product, for cross_sell.", |m| m.product_id.as_deref())
    .text_opt("intent", "The intent, for text_intent.", |m| m.intent)
    .key()
    .float_opt("threshold", "Probability from which the intent is heard; null where it is not.", |m| m.threshold)
    .within(0.0, 1.0)
    .float_opt("precision", "Share of the texts heard that have the intent.", |m| m.precision)
    .within(0.0, 1.0)
    .float_opt("recall", "Share of the texts with the intent that are heard.", |m| m.recall)
    .within(0.0, 1.0)
    .date("trained_on", "The day up to which the training saw the world.", |m| m.trained_on)
    .text("window", "First and last test day, or of the labelled days where nothing was tested.", |m| &m.window)
    .int("n", "Test rows, or labelled rows where nothing was tested.", |m| m.n as i64)
    .int("positives", "Of them, rows on which the event happened.", |m| m.positives as i64)
    .text("baseline_name", "The trivial rule it is held against.", |m| &m.baseline_name)
    .float_opt("baseline_value", "The baseline's log loss on the same rows.", |m| m.baseline_value)
    .float_opt("auc", "Area under the ROC curve.", |m| m.auc)
    .within(0.0, 1.0)
    .float_opt("auc_low", "Lower end of its 95 % interval, accounts resampled.", |m| m.intervals.map(|i| i.auc.low))
    .within(0.0, 1.0)
    .float_opt("auc_high", "Upper end.", |m| m.intervals.map(|i| i.auc.high))
    .within(0.0, 1.0)
    .float_opt("pr_auc", "Area under the precision-recall curve.", |m| m.pr_auc)
    .within(0.0, 1.0)
    .float_opt("pr_auc_low", "Lower end of its 95 % interval, accounts resampled.", |m| {
        m.intervals.map(|i| i.pr_auc.low)
    })
    .within(0.0, 1.0)
    .float_opt("pr_auc_high", "Upper end.", |m| m.intervals.map(|i| i.pr_auc.high))
    .within(0.0, 1.0)
    .float_opt("log_loss", "Mean log loss.", |m| m.log_loss)
    .float_opt("log_loss_low", "Lower end of its 95 % interval, accounts resampled.", |m| {
        m.intervals.map(|i| i.log_loss.low)
    })
    .float_opt("log_loss_high", "Upper end.", |m| m.intervals.map(|i| i.log_loss.high))
    .float_opt("brier", "Mean squared error of the probability.", |m| m.brier)
    .within(0.0, 1.0)
    .float_opt("brier_low", "Lower end of its 95 % interval, accounts resampled.", |m| m.intervals.map(|i| i.brier.low))
    .within(0.0, 1.0)
    .float_opt("brier_high", "Upper end.", |m| m.intervals.map(|i| i.brier.high))
    .within(0.0, 1.0)
    .float_opt(
        "calibration_error",
        "Mean distance between predicted and observed share over ten slices of equal size.",
        |m| m.calibration_error,
    )
    .within(0.0, 1.0)
    .float_opt("calibration_error_low", "Lower end of its 95 % interval, accounts resampled.", |m| {
        m.intervals.map(|i| i.calibration_error.low)
    })
    .within(0.0, 1.0)
    .float_opt("calibration_error_high", "Upper end.", |m| m.intervals.map(|i| i.calibration_error.high))
    .within(0.0, 1.0)
    .float_opt("lift_top_decile", "Event rate of the highest tenth over the base rate.", |m| m.lift_top_decile)
    .float_opt("lift_top_decile_low", "Lower end of its 95 % interval, accounts resampled.", |m| {
        m.intervals.map(|i| i.lift_top_decile.low)
    })
    .float_opt("lift_top_decile_high", "Upper end.", |m| m.intervals.map(|i| i.lift_top_decile.high))
    .float_opt(
        "hit_rate_at_3",
        "Models over several products: share of the accounts that bought something of which a purchase was among the \
         first three products.",
        |m| m.ranking.map(|r| r.model.hit_rate),
    )
    .within(0.0, 1.0)
    .float_opt("map_at_3", "Mean average precision among the first three products.", |m| m.ranking.map(|r| r.model.map))
    .within(0.0, 1.0)
    .float_opt("hit_rate_at_3_baseline", "The hit rate of the most purchased products first, on the same rows.", |m| {
        m.ranking.map(|r| r.most_purchased.hit_rate)
    })
    .within(0.0, 1.0)
    .float_opt("map_at_3_baseline", "The mean average precision of the most purchased products first.", |m| {
        m.ranking.map(|r| r.most_purchased.map)
    })
    .within(0.0, 1.0)
    .float_opt("log_loss_against_baseline", "Log loss − the baseline's on the same rows; below 0 = better.", |m| {
        m.against_baseline.map(|difference| difference.value)
    })
    .float_opt("log_loss_against_baseline_low", "Lower end of its 95 % interval, accounts resampled.", |m| {
        m.against_baseline.map(|difference| difference.low)
    })
    .float_opt("log_loss_against_baseline_high", "Upper end.", |m| m.against_baseline.map(|difference| difference.high))
    .text("grade", "A, B or C against the baseline.", |m| m.grade.as_str())
    .among(["A", "B", "C"])
    .flag("promoted", "Whether it scores.", |m| m.promoted)
    .text("reason", "Why it was promoted or kept out.", |m| &m.reason)
}

pub fn model_drift() -> Table<Drift> {
    Table::<Drift>::new(
        OutputTable::ModelDrift,
        Layer::Program,
        "How far tonight's accounts have moved from those that each model in use was trained on: its age, its score and \
         every feature that the calendar does not move by itself.",
    )
    .text("model_id", "The model.", |d| &d.model_id)
    .key()
    .text("kind", "What is predicted.", |d| d.kind.as_str())
    .among(PropensityKind::ALL.iter().map(|kind| kind.as_str()))
    .text_opt("product_id", "The product, for cross_sell.", |d| d.product.as_deref())
    .text("feature", "The feature, or `score`, or `age`.", |d| &d.feature)
    .key()
    .text("label", "The feature as sentences name it.", |d| &d.label)
    .float_opt("psi", "Population stability index over the training bins; 0 = as on the latest training days. Null for the age.", |d| {
        d.psi
    })
    .within(0.0, f64::MAX)
    .float_opt("noise", "What the index reaches by sampling alone; below it nothing is said.", |d| d.noise)
    .within(0.0, f64::MAX)
    .int("accounts", "Accounts that the model scored.", |d| d.accounts as i64)
    .int("age_days", "Days since the training.", |d| d.age_days.into())
    .text("standing", "steady, watch, drifted or stale.", |d| d.standing.as_str())
    .among(Standing::ALL.iter().map(|standing| standing.as_str()))
    .text("text", "The same in words.", |d| &d.text)
}
