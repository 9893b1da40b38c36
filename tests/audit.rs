//! The chain tells every change, gap and reordering, and what it holds is enough to remember every recommendation.

use foothold::audit::{AuditRecord, Break, Event, Link, Segment, Tail, append, canonical, verify, verify_chain};
use foothold::extracts::tables::{OutcomeResult, Verdict};
use foothold::recommendations::Status;
use proptest::prelude::*;

use crate::support::day;
use crate::support::scene::Scene;

/// Three nights: two proposals, an approval with its outcome, and an expiry.
fn three_nights() -> (Scene, Vec<Vec<AuditRecord>>) {
    let mut scene = Scene::acme();
    scene.customer("bolt", "Ola", "Lee");
    scene.tell("bolt", Some("crm"), "seat_utilization");
    let first = scene.night(&[]);
    let acme = first.recommended.recommendations[0].id.clone();
    let approval = scene.world.decision(&acme, day("2026-07-01"), Verdict::Edited);
    (approval.approver, approval.edited_text) = ("Kim".into(), Some("Call Ana about 25 seats.".into()));
    scene.signals.retain(|s| s.account == "acme");
    scene.day = day("2026-07-02");
    let second = scene.night(&first.records);
    scene.world.outcome(&acme, day("2026-07-10"), OutcomeResult::Converted).arr_delta = Some(2_500.5);
    scene.day = day("2026-07-11");
    let third = scene.night(&[first.records.clone(), second.records.clone()].concat());
    (scene, vec![first.records, second.records, third.records])
}

fn chain() -> Vec<AuditRecord> {
    three_nights().1.concat()
}

fn tail(records: &[AuditRecord]) -> Tail {
    records.last().map_or_else(Tail::default, AuditRecord::tail)
}

#[test]
fn proposals_decisions_outcomes_and_expiries_are_recorded_when_they_happen() {
    let nights = three_nights().1;
    let told = |records: &[AuditRecord]| records.iter().map(|r| (r.sequence, r.entry.event)).collect::<Vec<_>>();
    assert_eq!(told(&nights[0]), [(1, Event::Created), (2, Event::Created)]);
    assert_eq!(told(&nights[1]), [(3, Event::Decided), (4, Event::Expired)]);
    assert_eq!(told(&nights[2]), [(5, Event::Outcome)]);
    let created = &nights[0][0].entry;
    assert_eq!(created.event_at.to_string(), "2026-06-30T23:59:59Z");
    let decided = &nights[1][0].entry;
    assert_eq!((decided.approver.as_deref(), decided.decision.as_deref()), (Some("Kim"), Some("edited")));
    assert_eq!(decided.decided_at.map(|at| at.day()), Some(day("2026-07-01")));
    let outcome = &nights[2][0].entry;
    assert_eq!((outcome.outcome.as_deref(), outcome.arr_delta), (Some("converted"), Some(2_500.5)));
}

#[test]
fn a_proposal_carries_its_whole_reasoning() {
    let nights = three_nights().1;
    let entry = &nights[0][0].entry;
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("a JSON column");
    let (observations, signals, logic) = (parse(&entry.observations), parse(&entry.signals), parse(&entry.logic));
    assert_eq!(signals[0]["signal"], "seat_utilization");
    assert_eq!((signals[0]["weight"].as_f64(), signals[0]["confidence"].as_f64()), (Some(1.0), Some(0.6)));
    assert_eq!(signals[0]["observations"][0], observations[0]["observation_id"]);
    assert_eq!(observations[0]["value"], 92.0);
    assert_eq!(logic["gates_passed"].as_array().map(Vec::len), Some(13));
    assert_eq!(logic["playbook"]["name"], "seat_expansion");
    assert_eq!(logic["thresholds"]["renewal_handover_days"], 60);
    assert_eq!(logic["versions"]["code"], "1");
    assert_eq!(logic["recommendation"]["units_delta"], 30.0);
    assert_eq!(canonical(&logic), entry.logic, "JSON columns are canonical");
}

#[test]
fn the_edited_words_and_the_outcome_reach_the_next_nights() {
    let (mut scene, nights) = three_nights();
    let rerun = scene.night(&[nights[0].clone(), nights[1].clone()].concat());
    let acme = rerun.recommended.recommendations.iter().find(|r| r.rank == 1).expect("acme's");
    assert_eq!((acme.status, acme.headline.as_str()), (Status::Converted, "Call Ana about 25 seats."));
    assert_eq!((acme.units_delta, acme.steps.len(), &*acme.owner), (Some(30.0), 4, "Kim"));
    assert_eq!(rerun.records, nights[2], "the same night writes the same records");
    scene.day = day("2026-07-12");
    let after = scene.night(&nights.concat());
    assert!(
        after.recommended.recommendations.is_empty() && after.records.is_empty(),
        "what is recorded is not told twice"
    );
}

#[test]
fn an_untouched_chain_verifies_and_an_empty_one_too() {
    let chain = chain();
    assert_eq!(verify(&Tail::default(), &chain, &tail(&chain)).map(|report| report.records), Ok(5));
    assert_eq!(verify(&Tail::default(), &[], &Tail::default()).map(|report| report.records), Ok(0));
}

#[test]
fn cutting_swapping_dropping_and_repeating_are_found() {
    let whole = chain();
    let end = tail(&whole);
    let found = |change: &dyn Fn(&mut Vec<AuditRecord>)| {
        let mut records = whole.clone();
        change(&mut records);
        verify(&Tail::default(), &records, &end).expect_err("a broken chain")
    };
    assert_eq!(found(&|r| drop(r.pop())), Break::Tail { expected: 5, found: 4 });
    assert_eq!(found(&|r| drop(r.remove(0))), Break::Gap { expected: 1, found: 2 });
    assert_eq!(found(&|r| drop(r.remove(2))), Break::Gap { expected: 3, found: 4 });
    assert_eq!(found(&|r| r.swap(1, 2)), Break::Gap { expected: 2, found: 3 });
    assert_eq!(found(&|r| r.push(r[4].clone())), Break::Gap { expected: 6, found: 5 });
    assert_eq!(found(&|r| r.clear()), Break::Tail { expected: 5, found: 0 });
}

#[test]
fn rewriting_a_record_with_fitting_hashes_breaks_the_next_link_or_the_tail() {
    let whole = chain();
    let rewrite = |at: usize| {
        let mut entries: Vec<_> = whole.iter().map(|r| r.entry.clone()).collect();
        entries[at].approver = Some("nobody".into());
        append(&Tail::default(), entries)
    };
    let mut patched = whole.clone();
    patched[1] = rewrite(1)[1].clone();
    assert!(matches!(verify(&Tail::default(), &patched, &tail(&whole)), Err(Break::Unlinked { sequence: 3, .. })));
    assert_eq!(verify(&Tail::default(), &rewrite(1), &tail(&whole)), Err(Break::Tail { expected: 5, found: 5 }));
}

#[test]
fn runs_are_linked_and_a_replaced_run_is_found() {
    let nights = three_nights().1;
    let mut segments: Vec<Segment> = Vec::new();
    for (n, records) in nights.into_iter().enumerate() {
        let before = segments.last().map_or_else(Tail::default, |s| s.link.last.clone());
        let link = Link::of(segments.last().map(|s| s.manifest.clone()), before, &records);
        segments.push(Segment { manifest: format!("meta/manifests/{n}.json"), link, records });
    }
    assert_eq!(verify_chain(&segments).map(|report| report.records), Ok(5));
    let text = serde_json::to_string(&segments[1].link).expect("a link is plain data");
    assert_eq!(serde_json::from_str::<Link>(&text).ok().as_ref(), Some(&segments[1].link));
    segments.remove(1);
    let broken = verify_chain(&segments).expect_err("a missing run");
    assert_eq!(broken, Break::Link { manifest: "meta/manifests/2.json".into(), expected: 4, found: 2 });
}

/// Every text of a record that could be tampered with.
fn texts(record: &mut AuditRecord) -> Vec<&mut String> {
    let entry = &mut record.entry;
    let mut texts = vec![
        &mut entry.record_id,
        &mut entry.recommendation_id,
        &mut entry.purpose,
        &mut entry.risk_class,
        &mut entry.data_categories,
        &mut entry.observations,
        &mut entry.signals,
        &mut entry.logic,
        &mut entry.job_hash,
        &mut entry.input_manifest_hash,
        &mut record.previous_hash,
        &mut record.hash,
    ];
    texts.extend([&mut entry.approver, &mut entry.decision, &mut entry.outcome].into_iter().flatten());
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_single_character_that_changes_is_found(at in any::<prop::sample::Index>(), field in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), with in "[ -~]") {
        static WHOLE: std::sync::LazyLock<Vec<AuditRecord>> = std::sync::LazyLock::new(chain);
        let mut records = WHOLE.clone();
        let at = at.index(records.len());
        let mut texts = texts(&mut records[at]);
        let field = field.index(texts.len());
        let text = &mut texts[field];
        let place = place.index(text.len());
        prop_assume!(text.is_char_boundary(place) && text.is_char_boundary(place + 1));
        prop_assume!(text[place..=place] != with);
        text.replace_range(place..=place, &with);
        prop_assert!(verify(&Tail::default(), &records, &tail(&WHOLE)).is_err());
    }

    #[test]
    fn any_number_that_changes_is_found(at in 0..5usize, moment in any::<i64>(), delta in any::<f64>()) {
        let whole = chain();
        let mut records = whole.clone();
        records[at].entry.event_at.0 ^= moment | 1;
        prop_assert!(verify(&Tail::default(), &records, &tail(&whole)).is_err());
        let mut records = whole.clone();
        prop_assume!(delta.is_finite() && Some(delta) != records[at].entry.arr_delta);
        records[at].entry.arr_delta = Some(delta);
        prop_assert!(verify(&Tail::default(), &records, &tail(&whole)).is_err());
    }
}
