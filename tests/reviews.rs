//! What reviewers say on the command line: checked, written once, and read by the next night.

use std::collections::BTreeSet;

use foothold::extracts::tables::{OutcomeResult, Verdict};
use foothold::reviews::{Error, NewDecision, NewOutcome, append_decision, append_outcome, load, merge};
use foothold::store::Store;
use foothold::vocabulary::Moment;

use crate::support::world::noon;
use crate::support::{WorldBuilder, day};

fn published() -> BTreeSet<String> {
    BTreeSet::from(["rec-0011223344556677".to_owned(), "rec-8899aabbccddeeff".to_owned()])
}

fn approval() -> NewDecision {
    NewDecision {
        recommendation_id: "rec-0011223344556677".into(),
        approver: "Kim".into(),
        decision: Verdict::Approved,
        reason: None,
        snooze_until: None,
        edited_text: None,
    }
}

fn now() -> Moment {
    noon(day("2026-07-01"))
}

fn refused(change: impl FnOnce(&mut NewDecision)) -> String {
    let mut decision = approval();
    change(&mut decision);
    let store = Store::memory();
    let error = append_decision(&store, &published(), decision, now()).expect_err("a refusal");
    assert!(store.list("").expect("a listing").is_empty(), "nothing is written for what is refused");
    error.to_string()
}

#[test]
fn a_mistake_is_refused_with_what_to_do() {
    let unknown = refused(|d| d.recommendation_id = "rec-0011223344556678".into());
    assert!(unknown.contains("did you mean `rec-0011223344556677`?"), "{unknown}");
    assert!(refused(|d| d.approver = "  ".into()).contains("--approver"));
    assert!(refused(|d| d.decision = Verdict::Snoozed).contains("--until"));
    assert!(refused(|d| d.decision = Verdict::Edited).contains("--text"));
    let past = refused(|d| (d.decision, d.snooze_until) = (Verdict::Snoozed, Some(day("2026-07-01"))));
    assert!(past.contains("not after 2026-07-01"), "{past}");
    let outcome = NewOutcome {
        recommendation_id: "rec-0011223344556677".into(),
        outcome: OutcomeResult::Converted,
        arr_delta: Some(f64::NAN),
        note: None,
    };
    assert!(matches!(append_outcome(&Store::memory(), &published(), outcome, now()), Err(Error::ArrDelta(_))));
}

#[test]
fn the_same_word_twice_is_one_record_and_another_word_is_not_lost() {
    let store = Store::memory();
    let first = append_decision(&store, &published(), approval(), now()).expect("written");
    let again = append_decision(&store, &published(), approval(), now()).expect("the same");
    assert_eq!(first, again);
    let other = NewDecision { decision: Verdict::Rejected, ..approval() };
    assert!(matches!(append_decision(&store, &published(), other.clone(), now()), Err(Error::Taken { .. })));
    append_decision(&store, &published(), other, Moment(now().0 + 1)).expect("a moment later");
    let (decisions, _) = load(&store, day("2026-07-01")).expect("readable");
    assert_eq!(decisions.iter().map(|d| d.decision).collect::<Vec<_>>(), [Verdict::Approved, Verdict::Rejected]);
}

#[test]
fn a_night_reads_what_was_said_by_its_day() {
    let store = Store::memory();
    let snooze = NewDecision {
        decision: Verdict::Snoozed,
        snooze_until: Some(day("2026-08-01")),
        reason: Some("after the holidays".into()),
        ..approval()
    };
    append_decision(&store, &published(), snooze, now()).expect("written");
    let won = NewOutcome {
        recommendation_id: "rec-8899aabbccddeeff".into(),
        outcome: OutcomeResult::Converted,
        arr_delta: Some(1_200.0),
        note: Some("ten seats".into()),
    };
    append_outcome(&store, &published(), won, noon(day("2026-07-03"))).expect("written");
    let (decisions, outcomes) = load(&store, day("2026-07-02")).expect("readable");
    assert_eq!((decisions.len(), outcomes.len()), (1, 0));
    assert_eq!((&*decisions[0].approver, decisions[0].snooze_until), ("Kim", Some(day("2026-08-01"))));
    let (_, outcomes) = load(&store, day("2026-07-03")).expect("readable");
    assert_eq!((outcomes[0].outcome, outcomes[0].arr_delta), (OutcomeResult::Converted, Some(1_200.0)));
}

#[test]
fn of_two_words_with_one_key_the_extract_counts() {
    let store = Store::memory();
    append_decision(&store, &published(), approval(), now()).expect("written");
    append_decision(&store, &published(), approval(), Moment(now().0 + 1)).expect("written");
    let mut world = WorldBuilder::default();
    world.decision("rec-0011223344556677", day("2026-07-01"), Verdict::Rejected);
    let extracts = world.build();
    let loaded = load(&store, day("2026-07-02")).expect("readable");
    let (decisions, _) = merge((&extracts.decisions, &extracts.outcomes), loaded);
    assert_eq!(decisions.iter().map(|d| d.decision).collect::<Vec<_>>(), [Verdict::Rejected, Verdict::Approved]);
}

#[test]
fn a_foreign_file_in_the_folder_is_named() {
    let store = Store::memory();
    store.put("reviews/decisions/2026-07-01/x.json", "{}").expect("written");
    let error = load(&store, day("2026-07-02")).expect_err("not a record").to_string();
    assert!(error.starts_with("reviews/decisions/2026-07-01/x.json: not a review record: missing field"), "{error}");
}
