//! Decisions and outcomes that people give on the command line: create-only records beside the published tables.
//!
//! ```text
//! {output}/reviews/decisions/{YYYY-MM-DD}/{record}.json     the day of the decision
//! {output}/reviews/outcomes/{YYYY-MM-DD}/{record}.json      the day of the outcome
//! ```
//! A record's name comes from its contract key, so that giving the same word twice is one record, and two different
//! words under one key are refused. Nothing is ever overwritten. The next night reads them beside the extracts'
//! `decisions` and `outcomes`; of two with one key, the extract's row counts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::extracts::Seen;
use crate::extracts::tables::{Decision, Outcome, OutcomeResult, Verdict};
use crate::store::{self, Created, Store};
use crate::vocabulary::{Day, Moment, stable_id};
use crate::wording;

const DECISIONS: &str = "reviews/decisions";
const OUTCOMES: &str = "reviews/outcomes";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no published recommendation has the id `{id}`{}; list them with `foothold review list`", .near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownRecommendation { id: String, near: Option<String> },
    #[error("a snooze needs the day on which it ends; add `--until YYYY-MM-DD`")]
    SnoozeWithoutDay,
    #[error("the snooze would end on {until}, which is not after {today}; give a later day")]
    SnoozeInThePast { until: Day, today: Day },
    #[error("an edit needs the text that replaces the headline; add `--text \"…\"`")]
    EditWithoutText,
    #[error("a decision needs the person who takes it; add `--approver NAME`")]
    NoApprover,
    #[error("the ARR change must be a finite number, not {0}")]
    ArrDelta(f64),
    #[error("{path}: another word about this recommendation stands at the same moment; give yours a moment later")]
    Taken { path: String },
    #[error("{path}: not a review record: {reason}; move it out of the reviews folder")]
    Unreadable { path: String, reason: String },
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a person decides.
#[derive(Clone, Debug)]
pub struct NewDecision {
    pub recommendation_id: String,
    pub approver: String,
    pub decision: Verdict,
    pub reason: Option<String>,
    pub snooze_until: Option<Day>,
    pub edited_text: Option<String>,
}

/// What a person reports.
#[derive(Clone, Debug)]
pub struct NewOutcome {
    pub recommendation_id: String,
    pub outcome: OutcomeResult,
    /// Reporting currency per year.
    pub arr_delta: Option<f64>,
    pub note: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDecision {
    recommendation_id: String,
    decided_at: Moment,
    approver: String,
    decision: Verdict,
    reason: Option<String>,
    snooze_until: Option<Day>,
    edited_text: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOutcome {
    recommendation_id: String,
    at: Moment,
    outcome: OutcomeResult,
    arr_delta: Option<f64>,
    note: Option<String>,
}

/// Writes a decision taken `now` and returns its path. `published` are the ids of the recommendations it may be about.
pub fn append_decision(
    store: &Store,
    published: &BTreeSet<String>,
    new: NewDecision,
    now: Moment,
) -> Result<String, Error> {
    check_id(published, &new.recommendation_id)?;
    check_decision(&new, now.day())?;
    let stored = StoredDecision {
        recommendation_id: new.recommendation_id,
        decided_at: now,
        approver: new.approver.trim().to_owned(),
        decision: new.decision,
        reason: new.reason,
        snooze_until: new.snooze_until,
        edited_text: new.edited_text,
    };
    let name = stable_id("dec", &[&stored.recommendation_id, &now.0.to_string()]);
    create(store, format!("{DECISIONS}/{}/{name}.json", now.day()), &stored)
}

/// Writes an outcome that was seen `now` and returns its path. `published` are the ids it may be about.
pub fn append_outcome(
    store: &Store,
    published: &BTreeSet<String>,
    new: NewOutcome,
    now: Moment,
) -> Result<String, Error> {
    check_id(published, &new.recommendation_id)?;
    if let Some(delta) = new.arr_delta.filter(|delta| !delta.is_finite()) {
        return Err(Error::ArrDelta(delta));
    }
    let stored = StoredOutcome {
        recommendation_id: new.recommendation_id,
        at: now,
        outcome: new.outcome,
        arr_delta: new.arr_delta,
        note: new.note,
    };
    let parts = [&*stored.recommendation_id, &now.0.to_string(), stored.outcome.as_str()];
    let name = stable_id("out", &parts);
    create(store, format!("{OUTCOMES}/{}/{name}.json", now.day()), &stored)
}

fn check_id(published: &BTreeSet<String>, id: &str) -> Result<(), Error> {
    if published.contains(id) {
        return Ok(());
    }
    let near = wording::nearest(id, published.iter().map(String::as_str)).map(str::to_owned);
    Err(Error::UnknownRecommendation { id: id.to_owned(), near })
}

fn check_decision(new: &NewDecision, today: Day) -> Result<(), Error> {
    if new.approver.trim().is_empty() {
        return Err(Error::NoApprover);
    }
    match (new.decision, new.snooze_until, new.edited_text.as_deref().map(str::trim)) {
        (Verdict::Snoozed, None, _) => Err(Error::SnoozeWithoutDay),
        (Verdict::Snoozed, Some(until), _) if until <= today => Err(Error::SnoozeInThePast { until, today }),
        (Verdict::Edited, _, None | Some("")) => Err(Error::EditWithoutText),
        _ => Ok(()),
    }
}

/// Creates the record; the same record again is fine, another one in its place is not.
fn create<T: Serialize + DeserializeOwned + PartialEq>(
    store: &Store,
    path: String,
    record: &T,
) -> Result<String, Error> {
    let content = serde_json::to_vec_pretty(record).map_err(|e| unreadable(&path, &e))?;
    if store.create(&path, content)? == Created::Taken && read::<T>(store, &path)? != *record {
        return Err(Error::Taken { path });
    }
    Ok(path)
}

fn read<T: DeserializeOwned>(store: &Store, path: &str) -> Result<T, Error> {
    serde_json::from_slice(&store.get(path)?).map_err(|e| unreadable(path, &e))
}

fn unreadable(path: &str, error: &serde_json::Error) -> Error {
    Error::Unreadable { path: path.to_owned(), reason: error.to_string() }
}

/// Everything that was given by the end of `as_of`, in the order of the contract's keys.
pub fn load(store: &Store, as_of: Day) -> Result<(Vec<Decision>, Vec<Outcome>), Error> {
    let decisions: Vec<StoredDecision> = read_until(store, DECISIONS, as_of)?;
    let outcomes: Vec<StoredOutcome> = read_until(store, OUTCOMES, as_of)?;
    let mut decisions: Vec<Decision> = decisions.iter().map(decision).collect();
    let mut outcomes: Vec<Outcome> = outcomes.iter().map(outcome).collect();
    sort(&mut decisions, &mut outcomes);
    Ok((decisions, outcomes))
}

/// Records in day folders up to `as_of`; later ones are not even opened.
fn read_until<T: DeserializeOwned>(store: &Store, folder: &str, as_of: Day) -> Result<Vec<T>, Error> {
    let day_of = |path: &str| path.strip_prefix(folder)?.strip_prefix('/')?.split('/').next()?.parse::<Day>().ok();
    let objects = store.list(folder)?;
    let visible = objects.iter().filter(|object| day_of(&object.path).is_some_and(|day| day <= as_of));
    visible.map(|object| read(store, &object.path)).collect()
}

fn decision(stored: &StoredDecision) -> Decision {
    Decision {
        seen: Seen::from(stored.decided_at.day()),
        recommendation_id: stored.recommendation_id.as_str().into(),
        decided_at: stored.decided_at,
        approver: stored.approver.as_str().into(),
        decision: stored.decision,
        reason: stored.reason.as_deref().map(Into::into),
        snooze_until: stored.snooze_until,
        edited_text: stored.edited_text.as_deref().map(Into::into),
    }
}

fn outcome(stored: &StoredOutcome) -> Outcome {
    Outcome {
        seen: Seen::from(stored.at.day()),
        recommendation_id: stored.recommendation_id.as_str().into(),
        at: stored.at,
        outcome: stored.outcome,
        arr_delta: stored.arr_delta,
        note: stored.note.as_deref().map(Into::into),
    }
}

/// The extracts' rows in all their versions, and the records whose contract key the extracts do not have.
pub fn merge(
    extracts: (&[Decision], &[Outcome]),
    (decisions, outcomes): (Vec<Decision>, Vec<Outcome>),
) -> (Vec<Decision>, Vec<Outcome>) {
    let decided: BTreeSet<_> = extracts.0.iter().map(|d| (d.recommendation_id.clone(), d.decided_at)).collect();
    let came: BTreeSet<_> = extracts.1.iter().map(|o| (o.recommendation_id.clone(), o.at, o.outcome)).collect();
    let own_decisions =
        decisions.into_iter().filter(|d| !decided.contains(&(d.recommendation_id.clone(), d.decided_at)));
    let own_outcomes = outcomes.into_iter().filter(|o| !came.contains(&(o.recommendation_id.clone(), o.at, o.outcome)));
    let mut decisions: Vec<Decision> = extracts.0.iter().cloned().chain(own_decisions).collect();
    let mut outcomes: Vec<Outcome> = extracts.1.iter().cloned().chain(own_outcomes).collect();
    sort(&mut decisions, &mut outcomes);
    (decisions, outcomes)
}

/// By contract key; stable, so that versions of one row keep their order.
fn sort(decisions: &mut [Decision], outcomes: &mut [Outcome]) {
    decisions.sort_by_key(|d| (d.recommendation_id.clone(), d.decided_at));
    outcomes.sort_by_key(|o| (o.recommendation_id.clone(), o.at, o.outcome));
}
