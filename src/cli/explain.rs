//! `foothold explain`: everything that the newest run says about one account.

use clap::Args;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::published::{Newest, WhereArgs};
use super::{Format, show};
use crate::publish::reader::{Row, Rows};
use crate::vocabulary::Day;
use crate::wording;

#[derive(Args)]
pub struct ExplainArgs {
    /// The account's id
    account: String,
    /// The day whose newest run is read; the newest day where it is left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Day>,
    #[command(flatten)]
    place: WhereArgs,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// The tables that speak of an account, each with the columns that an explanation shows.
const TABLES: [(&str, &[&str]); 10] = [
    ("account_health", &["score", "color", "trend_30d", "risk_level", "reasons", "recommended_actions", "unavailable"]),
    ("readiness", &["score", "tier", "convergence", "gate"]),
    ("capacity", &["product_id", "metric", "utilization", "limit", "breach_p50", "breach_before_renewal"]),
    ("signals", &["signal", "strength", "confidence", "evidence"]),
    (
        "propensities",
        &[
            "kind",
            "product_id",
            "probability",
            "probability_low",
            "probability_high",
            "lift",
            "what_would_change",
            "abstain_reason",
        ],
    ),
    ("churn_curve", &["days", "probability", "training_rows"]),
    ("propensity_drivers", &["kind", "product_id", "driver_rank", "contribution", "text"]),
    (
        "score_changes",
        &[
            "score",
            "before",
            "after",
            "before_log_odds",
            "after_log_odds",
            "from_data",
            "from_late_data",
            "from_configuration",
            "from_model",
        ],
    ),
    (
        "recommendations",
        &["playbook", "headline", "probability", "expected_arr", "rank", "owner", "contact_by", "status"],
    ),
    ("suppressions", &["playbook", "product_id", "gate", "evidence", "requalifies_on"]),
];

pub fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let store = args.place.store()?;
    let newest = Newest::of(&store, args.as_of)?;
    known(&newest.table(&store, "account_health")?, &args.account)?;
    let mut told = Map::new();
    for (table, columns) in TABLES {
        let rows = newest.table(&store, table)?;
        let own: Vec<Row> = rows.iter().filter(|row| row.text("account_id") == Some(&args.account)).collect();
        match args.format {
            Format::Json => {
                told.insert(table.to_owned(), own.iter().map(|row| object(*row, columns)).collect());
            }
            Format::Table => section(table, columns, &own),
        }
    }
    if args.format == Format::Json {
        let (as_of, run_id) = (newest.slot.as_of, &newest.manifest.run_id);
        show::json(&json!({"account_id": args.account, "as_of": as_of, "run_id": run_id, "tables": told}));
    }
    Ok(())
}

fn known(accounts: &Rows, account: &str) -> Result<(), Failure> {
    let ids: Vec<&str> = accounts.iter().filter_map(|row| row.text("account_id")).collect();
    if ids.contains(&account) {
        return Ok(());
    }
    let near = wording::nearest(account, ids.iter().copied());
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(Failure::usage(format!("the run knows no account `{account}`{hint}")))
}

fn object(row: Row, columns: &[&str]) -> Value {
    Value::Object(columns.iter().map(|column| ((*column).to_owned(), value(row, column))).collect())
}

fn value(row: Row, column: &str) -> Value {
    let number = || row.float(column).map(|v| json!(v)).or_else(|| row.int(column).map(|v| json!(v)));
    let text = row.text(column).map(|v| json!(v)).or_else(|| row.day(column).map(|v| json!(v)));
    text.or_else(number).or_else(|| row.flag(column).map(|v| json!(v))).unwrap_or(Value::Null)
}

fn section(table: &str, columns: &[&str], rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    show::line(&format!("\n{}", wording::capital(&wording::words(table))));
    let cells = rows.iter().map(|row| columns.iter().map(|column| cell(value(*row, column))).collect());
    show::table(columns, &[], cells.collect());
}

fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Number(number) if number.is_f64() => format!("{:.3}", number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}
