//! A night in N shards is the night of one machine, byte for byte; a lost shard runs again alone; what does not belong
//! together is not published together.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Float64Type;
use bytes::Bytes;
use foothold::extracts::tables::Verdict;
use foothold::extracts::{self, Part, bucketize};
use foothold::job::{Job, JobFile, Overrides};
use foothold::models::champions::registry::{self, Decision, Registry};
use foothold::models::examples::grain::Source;
use foothold::pipeline::{Error, nightly, retrain, sharded};
use foothold::reviews::{NewDecision, append_decision};
use foothold::shards;
use foothold::store::Access;
use foothold::vocabulary::{Day, Moment};

use crate::support::messy::messy;
use crate::support::night::{Quiet, fresh_url, manifest, store, table};

const START: i64 = 1_790_000_000_000_000;

fn as_of() -> Day {
    "2026-06-10".parse().expect("a day")
}

fn job_with(extracts: &str, output: &str, more: &str) -> Job {
    let text = format!(
        "version = 1\n[extracts]\nurl = \"{extracts}\"\nmax_rejected_share = 1.0\n[output]\nurl = \"{output}\"\n\
         [models]\ntrain_if_missing = false\n{more}"
    );
    let job = Job::parse("test job", &text, &Overrides::default(), Path::new("."));
    job.unwrap_or_else(|problems| panic!("{problems}"))
}

fn alone(job: &Job, day: Day) {
    nightly::run(job, day, &Access::default(), &Quiet::at(START)).unwrap_or_else(|e| panic!("{e}"));
}

fn shard(job: &Job, day: Day, part: Part, wait: u64) -> Result<shards::Shard, Error> {
    sharded::run(job, day, part, wait, &Access::default(), &Quiet::at(START))
}

fn parts(of: u32) -> Vec<Part> {
    (1..=of).map(|number| Part::new(number, of).expect("a part")).collect()
}

/// One shard after the other, again and again, as a scheduler with one slot would.
fn in_turn(job: &Job, day: Day, of: u32) -> usize {
    for sweep in 1..=16 {
        let ended: Vec<Result<shards::Shard, Error>> =
            parts(of).into_iter().map(|part| shard(job, day, part, 0)).collect();
        for end in &ended {
            match end {
                Ok(_) | Err(Error::Shards(shards::Error::Waiting { .. })) => {}
                Err(e) => panic!("{e}"),
            }
        }
        if ended.iter().all(Result::is_ok) {
            return sweep;
        }
    }
    panic!("the rounds never end");
}

/// All shards at once, each waiting for the others.
fn side_by_side(job: &Job, day: Day, of: u32) {
    std::thread::scope(|scope| {
        for part in parts(of) {
            scope.spawn(move || shard(job, day, part, 1_000_000).unwrap_or_else(|e| panic!("{e}")));
        }
    });
}

fn publish(job: &Job, day: Day, of: u32) -> Result<(), Error> {
    sharded::publish(job, day, of, &Access::default(), &Quiet::at(START)).map(drop)
}

/// What a day's run shows, byte for byte: every table but `runs`, which tells of clocks, and every page.
fn shown(output: &str, day: Day) -> BTreeMap<String, Bytes> {
    let store = store(output);
    let manifest = manifest(output, day);
    let tables = manifest.tables.iter().filter(|table| table.name != "runs");
    let tables = tables.map(|table| format!("tables/{0}/dt={day}/{0}.parquet", table.name));
    let pages = manifest.site.iter().map(|page| format!("site/dt={day}/{}", page.name));
    tables.chain(pages).map(|path| (path.clone(), store.get(&path).expect("it is shown"))).collect()
}

fn assert_same(alone: &str, sharded: &str, day: Day) {
    let (left, right) = (shown(alone, day), shown(sharded, day));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, content) in &left {
        if *content == right[path] {
            continue;
        }
        let name = path.split('/').nth(1).filter(|_| path.starts_with("tables/"));
        let Some(name) = name else { panic!("{path} differs") };
        let rows = |output: &str| -> Vec<String> {
            let batches = table(output, day, name, &[]);
            let rows =
                batches.iter().flat_map(|b| (0..b.num_rows()).map(move |at| format!("{:?}", b.slice(at, 1).columns())));
            rows.collect()
        };
        let (mine, theirs) = (rows(alone), rows(sharded));
        let first = mine.iter().zip(&theirs).find(|(a, b)| a != b);
        panic!("{name} differs: {} rows against {}; first difference: {first:#?}", mine.len(), theirs.len());
    }
    let (mine, theirs) = (manifest(alone, day), manifest(sharded, day));
    assert_eq!((mine.audit, mine.inputs, mine.run_id), (theirs.audit, theirs.inputs, theirs.run_id));
}

/// People decide about some of what was proposed: the same in every output.
fn decide(outputs: &[&str], day: Day) {
    let rows = table(outputs[0], day, "recommendations", &[]);
    let ids: Vec<String> = rows
        .iter()
        .flat_map(|batch| {
            let ids = batch.column_by_name("recommendation_id").expect("ids");
            let ids = ids.as_any().downcast_ref::<arrow::array::StringArray>().expect("text");
            ids.iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert!(ids.len() > 4, "the world gives something to decide");
    let published = ids.iter().cloned().collect();
    for output in outputs {
        for (n, id) in ids.iter().enumerate().take(6) {
            let decision = if n % 3 == 2 { Verdict::Rejected } else { Verdict::Approved };
            let new = NewDecision {
                recommendation_id: id.clone(),
                approver: "dana".into(),
                decision,
                reason: Some("as discussed".into()),
                snooze_until: None,
                edited_text: None,
            };
            let at = Moment(Moment::start_of(day.plus(1)).0 + n as i64);
            append_decision(&store(output), &published, new, at).unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

#[test]
fn shards_together_are_one_run_byte_for_byte() {
    let extracts = messy(30, 300, 11);
    let single = fresh_url();
    let next = as_of().plus(3);
    alone(&job_with(&extracts, &single, ""), as_of());
    // Buckets on the first night, filtered extracts on the second: both are the same delivery.
    let outputs: Vec<(u32, String)> = [1, 4, 7].map(|of| (of, fresh_url())).into();
    for (of, output) in &outputs {
        let into = fresh_url();
        let job = job_with(&extracts, output, "");
        bucketize(&job.settings.extracts, &Access::default(), &store(&into), *of, &|_| {}).expect("buckets");
        side_by_side(&job_with(&into, output, ""), as_of(), *of);
        publish(&job, as_of(), *of).unwrap_or_else(|e| panic!("{e}"));
        assert_same(&single, output, as_of());
        // Months in which a row is rejected are read again, and one account of this world is rejected whole.
        let kept: Vec<String> = store(output).list("state").expect("the state").into_iter().map(|o| o.path).collect();
        let of_part = |part: &Part| kept.iter().any(|path| path.starts_with(&format!("state/{}/usage/", part.slug())));
        assert_eq!(parts(*of).iter().filter(|part| of_part(part)).count() as u32, of - 1, "{kept:?}");
    }
    let all: Vec<&str> =
        [single.as_str()].into_iter().chain(outputs.iter().map(|(_, output)| output.as_str())).collect();
    decide(&all, as_of());
    alone(&job_with(&extracts, &single, ""), next);
    for (of, output) in &outputs {
        let job = job_with(&extracts, output, "");
        let sweeps = in_turn(&job, next, *of);
        assert!(sweeps <= 6, "{sweeps} sweeps");
        publish(&job, next, *of).unwrap_or_else(|e| panic!("{e}"));
        assert_same(&single, output, next);
    }
}

/// A small world's labels are enough to hear by.
const TRAINS: &str = "[text.intents]\nmin_labels = 20\nmin_texts_per_intent = 5\nprecision = 0.3\n";
const WEIGHED: &str = "[health]\nproduct_weight = 0.05\n";

fn trains(extracts: &str, output: &str, more: &str) -> Job {
    let mut job = job_with(extracts, output, &format!("{TRAINS}{more}"));
    job.settings.models.train_if_missing = true;
    job
}

fn copy_models(from: &str, to: &str) {
    for object in store(from).list("models").expect("models") {
        store(to).put(&object.path, store(from).get(&object.path).expect("a model")).expect("a write");
    }
}

/// Trains again on a later day with fewer features, and lets that churn model score from then on.
fn another_churn_model(job: &Job, day: Day) {
    let output = store(&job.settings.output.url);
    let extracts = extracts::load(&job.settings.extracts, &Access::default(), day, &|_| {}).expect("extracts");
    let mut settings = job.settings.clone();
    settings.models.max_features = 2;
    let JobFile { observations, capacity, models, .. } = &settings;
    let source = Source { extracts: &extracts, as_of: day, observations, capacity, models, weekly_capacity: 5 };
    retrain::train(&source, &output).unwrap_or_else(|e| panic!("{e}"));
    let decision = Decision { reason: "as discussed", by: "dana", from: day };
    if let Err(e) = Registry::of(&output).appoint("churn", "2", decision) {
        assert!(matches!(e, registry::Error::Standing { .. }), "{e}");
    }
}

/// Whether any row of a day's table has something else than zero or null in a column.
fn any(output: &str, day: Day, name: &str, column: &str) -> bool {
    table(output, day, name, &[]).iter().any(|batch| {
        let numbers = batch.column_by_name(column).expect("a column").as_primitive::<Float64Type>();
        numbers.iter().flatten().any(|number| number != 0.0)
    })
}

fn untrained(job: &Job) -> String {
    match shard(job, as_of(), Part::WHOLE, 0) {
        Err(e @ Error::Untrained { .. }) => e.to_string(),
        other => panic!("a shard must not train: {:?}", other.map(|shard| shard.part)),
    }
}

/// Every part of a night that looks at all accounts: models trained, intents heard from labelled texts, curves, drift,
/// pages about models; and on the next night what moved by late rows, another configuration and another model.
#[test]
fn models_score_in_shards_as_on_one_machine() {
    let extracts = messy(100, 500, 4);
    let single = fresh_url();
    let alone_trains = trains(&extracts, &single, "");
    alone(&alone_trains, as_of());
    let outputs: Vec<(u32, String)> = [1, 4, 7].map(|of| (of, fresh_url())).into();
    assert!(untrained(&trains(&extracts, &outputs[0].1, "")).contains("no model stands in"));
    for (of, output) in &outputs {
        copy_models(&single, output);
        let job = trains(&extracts, output, "");
        in_turn(&job, as_of(), *of);
        publish(&job, as_of(), *of).unwrap_or_else(|e| panic!("{e}"));
        assert_same(&single, output, as_of());
    }
    assert!(any(&single, as_of(), "propensities", "percentile"), "models scored");
    assert!(any(&single, as_of(), "churn_curve", "probability"), "churn has a curve");
    assert!(any(&single, as_of(), "model_drift", "psi"), "drift was measured");
    let kinds = table(&single, as_of(), "model_evaluations", &["run_id"]);
    assert!(kinds.iter().any(|batch| format!("{batch:?}").contains("text_intent")), "intents are heard");

    let next = as_of().plus(2);
    another_churn_model(&alone_trains, next);
    alone(&trains(&extracts, &single, WEIGHED), next);
    for (of, output) in &outputs {
        copy_models(&single, output);
        let job = trains(&extracts, output, WEIGHED);
        in_turn(&job, next, *of);
        publish(&job, next, *of).unwrap_or_else(|e| panic!("{e}"));
        assert_same(&single, output, next);
    }
    for cause in ["from_data", "from_late_data", "from_configuration", "from_model"] {
        assert!(any(&single, next, "score_changes", cause), "some score moved {cause}");
    }

    // Without its classifier, whose labels would do for another, and with a model that scores from another night on.
    let (of, output) = &outputs[1];
    let job = trains(&extracts, output, WEIGHED);
    copy_models(&single, output);
    let gone = |object: &str| object.starts_with("models/text_intent/champions/");
    for object in store(output).list("models").expect("models").into_iter().filter(|object| gone(&object.path)) {
        store(output).delete(&object.path).expect("a delete");
    }
    let refused = refused(&job, next, *of);
    assert!(refused.contains("other models ("), "{refused}");
    let ends: Vec<Result<shards::Shard, Error>> =
        (0..3).flat_map(|_| parts(*of)).map(|part| shard(&job, next, part, 0)).collect();
    let untrained = |end: &Result<_, Error>| matches!(end, Err(Error::Untrained { what: "intent classifier", .. }));
    assert!(ends.iter().skip(2 * *of as usize).all(untrained), "{:?}", ends.last());
}

fn refused(job: &Job, day: Day, of: u32) -> String {
    match publish(job, day, of) {
        Err(Error::Shards(e @ shards::Error::Incomplete(_))) => e.to_string(),
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(()) => panic!("it was published"),
    }
}

#[test]
fn a_lost_shard_runs_again_alone_and_a_foreign_one_is_refused() {
    let extracts = messy(12, 150, 8);
    let output = fresh_url();
    let job = job_with(&extracts, &output, "");
    let says = |message: &str, what: &[&str]| {
        what.iter().for_each(|what| assert!(message.contains(what), "`{what}` is not in: {message}"));
    };
    says(&refused(&job, as_of(), 3), &["0 of 3 shards", "missing: 1/3, 2/3, 3/3", "--shard 1/3"]);
    in_turn(&job, as_of(), 3);
    let mark = |part: &str| -> String {
        let mut all = store(&output).list("shards").expect("shards").into_iter().map(|object| object.path);
        all.rfind(|path| path.ends_with(&format!("{part}/shard.json"))).expect("a shard")
    };
    let lost = mark("2-of-3");
    let kept = store(&output).get(&lost).expect("a shard");
    store(&output).delete(&lost).expect("a delete");
    says(&refused(&job, as_of(), 3), &["2 of 3 shards", "shard is missing: 2/3", "--shard 2/3"]);
    says(&refused(&job, as_of(), 2), &["missing: 1/2, 2/2", "does not belong: another number of shards (3, not 2)"]);
    says(&refused(&job, as_of().plus(1), 3), &["shards of other days stand there: 2026-06-10"]);
    let other_job = job_with(&extracts, &output, "[recommendations]\nholdout_share = 0.5\n");
    says(&refused(&other_job, as_of(), 3), &["shard 1/3 there does not belong: another job ("]);
    let aged = String::from_utf8(kept.to_vec()).expect("text").replace(env!("CARGO_PKG_VERSION"), "0.0.1");
    store(&output).put(&lost, aged).expect("a write");
    says(&refused(&job, as_of(), 3), &["shard is missing: 2/3", "another version of the program (0.0.1, not"]);
    store(&output).delete(&lost).expect("a delete");

    let again = shard(&job, as_of(), Part::new(2, 3).expect("a part"), 0).unwrap_or_else(|e| panic!("{e}"));
    let before: shards::Shard = serde_json::from_slice(&kept).expect("a shard");
    assert_eq!(again.files, before.files, "a shard that runs again writes the same");
    // A shard that is done is left as it is.
    let idle = shard(&job, as_of(), Part::new(1, 3).expect("a part"), 0).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(idle.part.number(), 1);

    // Other inputs make other shards: half of each night is no night.
    store(&output).delete(&mark("2-of-3")).expect("a delete");
    let path = store(&extracts).list("tickets").expect("a listing")[0].path.clone();
    let tickets = store(&extracts).get(&path).expect("tickets");
    store(&extracts).put(&path, tickets).expect("the same rows, delivered again");
    in_turn(&job, as_of(), 3);
    let nights = store(&output).list("shards").expect("shards").into_iter().map(|object| object.path);
    let nights: Vec<String> = nights.filter(|path| path.ends_with("1-of-3/shard.json")).collect();
    assert_eq!(nights.len(), 2, "shards of other inputs stand apart");
    publish(&job, as_of(), 3).unwrap_or_else(|e| panic!("{e}"));
    let single = fresh_url();
    alone(&job_with(&extracts, &single, ""), as_of());
    assert_same(&single, &output, as_of());

    // The chain moved on: yesterday's shards of the next day no longer continue it.
    let later = as_of().plus(2);
    in_turn(&job, later, 3);
    alone(&job, as_of().plus(1));
    says(&refused(&job, later, 3), &["another run before it"]);
}
