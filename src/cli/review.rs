//! `foothold review` and `foothold outcome`: a person's word about a recommendation, taken up by the next night.

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::host::Terminal;
use super::job::{JobArgs, output};
use super::published::{Newest, WhereArgs};
use super::{Format, show};
use crate::extracts::tables::{OutcomeResult, Verdict};
use crate::pipeline::Host;
use crate::publish::reader::Row;
use crate::recommendations::Status;
use crate::reviews::{self, NewDecision, NewOutcome};
use crate::vocabulary::{Day, Moment};
use crate::wording;

#[derive(Args)]
pub struct ReviewArgs {
    #[command(subcommand)]
    verb: Review,
}

#[derive(Subcommand)]
enum Review {
    /// List the recommendations of the newest run that wait for a decision
    List(ListArgs),
    /// Approve a recommendation as it stands
    Approve(DecideArgs),
    /// Approve it with another headline
    Edit(EditArgs),
    /// Reject it: it stays away as long as the job says
    Reject(DecideArgs),
    /// Put it off until a day
    Snooze(SnoozeArgs),
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Every recommendation, decided or not
    #[arg(long)]
    all: bool,
    /// Only those of one owner
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// When a person's word was given.
#[derive(Args)]
struct WhenArgs {
    /// The day of the decision or outcome, where it was not today; a run sees it from that day on
    #[arg(long, value_name = "YYYY-MM-DD")]
    at: Option<Day>,
}

impl WhenArgs {
    /// Now, or this time of day on the day that was given.
    fn moment(&self, terminal: &Terminal) -> Moment {
        let now = terminal.now();
        let time_of_day = now.0 - Moment::start_of(now.day()).0;
        self.at.map_or(now, |day| Moment(Moment::start_of(day).0 + time_of_day))
    }
}

#[derive(Args)]
struct DecideArgs {
    /// The recommendation's id
    id: String,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    approver: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    place: WhereArgs,
}

#[derive(Args)]
struct EditArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// The headline that replaces the proposed one
    #[arg(long, value_name = "TEXT")]
    text: String,
}

#[derive(Args)]
struct SnoozeArgs {
    #[command(flatten)]
    decide: DecideArgs,
    /// The day on which it comes back
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Day,
}

#[derive(Args)]
pub struct OutcomeArgs {
    /// The recommendation's id
    id: String,
    /// contacted, meeting_held, converted, declined, no_response or stalled
    #[arg(value_parser = outcome_word)]
    outcome: OutcomeResult,
    /// ARR won or lost, reporting currency per year
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    arr_delta: Option<f64>,
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    place: WhereArgs,
}

fn outcome_word(word: &str) -> Result<OutcomeResult, String> {
    let known = || OutcomeResult::ALL.iter().map(|outcome| outcome.as_str()).collect::<Vec<_>>().join(", ");
    OutcomeResult::parse(word).ok_or_else(|| format!("an outcome is one of {}", known()))
}

pub fn review(args: &ReviewArgs, terminal: &Terminal) -> Result<(), Failure> {
    match &args.verb {
        Review::List(args) => list(args),
        Review::Approve(args) => decide(args, Verdict::Approved, None, None, terminal),
        Review::Edit(args) => decide(&args.decide, Verdict::Edited, Some(&args.text), None, terminal),
        Review::Reject(args) => decide(args, Verdict::Rejected, None, None, terminal),
        Review::Snooze(args) => decide(&args.decide, Verdict::Snoozed, None, Some(args.until), terminal),
    }
}

fn decide(
    args: &DecideArgs,
    decision: Verdict,
    text: Option<&str>,
    until: Option<Day>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let store = args.place.store()?;
    let published = Newest::of(&store, None)?.recommendation_ids(&store)?;
    let new = NewDecision {
        recommendation_id: args.id.clone(),
        approver: args.approver.clone(),
        decision,
        reason: args.reason.clone(),
        snooze_until: until,
        edited_text: text.map(str::to_owned),
    };
    let moment = args.when.moment(terminal);
    let path = reviews::append_decision(&store, &published, new, moment)?;
    show::line(&format!("{decision}: {} by {}; {} ({path})", args.id, args.approver, seen_from(moment)));
    Ok(())
}

fn seen_from(moment: Moment) -> String {
    format!("runs as of {} and later take it up", moment.day())
}

pub fn outcome(args: &OutcomeArgs, terminal: &Terminal) -> Result<(), Failure> {
    let store = args.place.store()?;
    let published = Newest::of(&store, None)?.recommendation_ids(&store)?;
    let new = NewOutcome {
        recommendation_id: args.id.clone(),
        outcome: args.outcome,
        arr_delta: args.arr_delta,
        note: args.note.clone(),
    };
    let moment = args.when.moment(terminal);
    let path = reviews::append_outcome(&store, &published, new, moment)?;
    show::line(&format!("{}: {}; {} ({path})", args.outcome, args.id, seen_from(moment)));
    Ok(())
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let store = output(&args.job.load()?)?;
    let newest = Newest::of(&store, args.job.as_of)?;
    let rows = newest.table(&store, "recommendations")?;
    let pending = Status::PendingReview.as_str();
    let mut waiting: Vec<Row> = rows
        .iter()
        .filter(|row| args.all || row.text("status") == Some(pending))
        .filter(|row| args.owner.as_deref().is_none_or(|owner| row.text("owner") == Some(owner)))
        .collect();
    waiting.sort_by_key(|row| (row.string("owner"), row.int("rank")));
    match args.format {
        Format::Json => {
            let listed: Vec<serde_json::Value> = waiting.iter().map(|row| as_json(*row)).collect();
            show::json(
                &json!({"as_of": newest.slot.as_of, "run_id": newest.manifest.run_id, "recommendations": listed}),
            );
        }
        Format::Table if waiting.is_empty() => show::line("Nothing waits for a decision."),
        Format::Table => table(&waiting),
    }
    Ok(())
}

fn as_json(row: Row) -> serde_json::Value {
    json!({
        "recommendation_id": row.text("recommendation_id"), "account_id": row.text("account_id"),
        "account": row.text("account_name"), "action": row.text("action"), "headline": row.text("headline"),
        "owner": row.text("owner"), "rank": row.int("rank"), "expected_value": row.float("expected_value"),
        "contact_by": row.day("contact_by"), "status": row.text("status"),
    })
}

fn table(waiting: &[Row]) {
    let rows = waiting.iter().map(|row| {
        vec![
            row.string("owner"),
            row.int("rank").unwrap_or_default().to_string(),
            row.string("recommendation_id"),
            row.string("headline"),
            wording::count(row.float("expected_value").unwrap_or_default()),
            row.day("contact_by").map_or_else(String::new, |day| day.to_string()),
            row.string("status"),
        ]
    });
    let header = ["owner", "rank", "id", "what", "expected value", "contact by", "status"];
    show::table(&header, &["rank", "expected value"], rows.collect());
}
