//! Nothing that breaks the output contract becomes visible, and what becomes visible does so whole.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use foothold::audit::Link;
use foothold::publish::arrow_schema::arrow_schema;
use foothold::publish::frame::Frame;
use foothold::publish::manifest::{self, Input, Manifest};
use foothold::publish::schema::{ColumnType, Layer, OutputTable};
use foothold::publish::table::{Stamp, Table};
use foothold::publish::{
    About, Checked, Claim, Error, Refused, check, check_into, commit, data_frame, dictionary, expose, repair, show,
    tables,
};
use foothold::store::{Access, Store};
use foothold::vocabulary::{Day, Moment};
use polars::prelude::{DataFrame, DataFrameJoinOps, JoinArgs, JoinType};

const DAY: Day = Day(20_000);

struct Row {
    id: &'static str,
    parent: Option<&'static str>,
    score: f64,
    word: &'static str,
}

fn row(id: &'static str) -> Row {
    Row { id, parent: None, score: 0.5, word: "green" }
}

fn parents() -> Table<Row> {
    Table::<Row>::new(OutputTable::AccountHealth, Layer::Signals, "Parents.")
        .text("account_id", "Id.", |r| r.id)
        .key()
        .float("score", "Score.", |r| r.score)
        .within(0.0, 1.0)
        .text("color", "Colour.", |r| r.word)
        .among(["green", "red"])
}

fn children() -> Table<Row> {
    Table::<Row>::new(OutputTable::Signals, Layer::Signals, "Children.")
        .text("signal_id", "Id.", |r| r.id)
        .key()
        .text_opt("account_id", "Parent.", |r| r.parent)
        .refers(OutputTable::AccountHealth, "account_id")
}

fn stamp() -> Stamp {
    Stamp { as_of: DAY, run_id: "run-1".into() }
}

fn frames(parent_rows: &[Row], child_rows: &[Row]) -> Vec<Frame<'static>> {
    vec![parents().frame(parent_rows, &stamp()), children().frame(child_rows, &stamp())]
}

fn checked(parent_rows: &[Row], child_rows: &[Row]) -> Checked {
    check(frames(parent_rows, child_rows)).unwrap_or_else(|failures| panic!("{failures:?}"))
}

/// The messages of all failures.
fn failures(parent_rows: &[Row], child_rows: &[Row]) -> Vec<String> {
    match check(frames(parent_rows, child_rows)) {
        Ok(_) => Vec::new(),
        Err(failures) => failures.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_broken_rule_names_table_column_and_rows() {
    assert_eq!(failures(&[row("a"), row("b")], &[]), Vec::<String>::new());
    assert_eq!(
        failures(&[row("a"), Row { score: f64::NAN, ..row("b") }], &[]),
        ["account_health: score must be finite (1 rows, e.g. account_id=b)"]
    );
    assert_eq!(
        failures(&[Row { score: 1.5, ..row("a") }], &[]),
        ["account_health: score must lie in [0, 1] (1 rows, e.g. account_id=a)"]
    );
    assert_eq!(
        failures(&[Row { word: "blue", ..row("a") }], &[]),
        ["account_health: color must be one of green, red (1 rows, e.g. account_id=a)"]
    );
    assert_eq!(
        failures(&[row("a"), row("b"), row("a")], &[]),
        ["account_health: (account_id) must be unique (2 rows, e.g. account_id=a; account_id=a)"]
    );
}

#[test]
fn a_reference_without_its_target_is_selected_by_the_check_and_null_is_none() {
    let child = |parent| Row { parent, ..row("s") };
    assert!(failures(&[row("a")], &[child(Some("a"))]).is_empty());
    assert!(failures(&[row("a")], &[child(None)]).is_empty());
    assert_eq!(
        failures(&[row("a")], &[child(Some("z"))]),
        ["signals: account_id must stand in account_health.account_id (1 rows, e.g. signal_id=s)"]
    );
}

#[test]
fn every_kind_of_fault_is_found_in_any_part_of_a_table_made_in_parts() {
    let rows = |part: &Vec<&'static str>, hand_on: &mut dyn FnMut(Vec<Row>)| {
        part.iter().for_each(|id| hand_on(vec![row(id)]));
    };
    let parent = |parts: Vec<Vec<&'static str>>| parents().frame_of(parts, rows, &stamp());
    let found = |frames: Vec<Frame>| match check(frames) {
        Ok(checked) => vec![format!("{} rows", checked.tables()[0].rows)],
        Err(failures) => failures.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found(vec![parent(vec![vec!["a", "b"], vec![], vec!["c"]])]), ["3 rows"]);
    assert_eq!(
        found(vec![parent(vec![vec!["a", "b"], vec!["b"], vec!["c"]])]),
        ["account_health: (account_id) must be unique (2 rows, e.g. account_id=b; account_id=b)"]
    );
    assert_eq!(
        found(vec![parent(vec![vec!["a", "c"], vec!["b"]])]),
        ["account_health: rows must stand by (account_id) (1 rows, e.g. account_id=b)"]
    );
    assert_eq!(
        found(vec![parent(vec![vec!["a"], vec!["d", "c", "e"]])]),
        ["account_health: rows must stand by (account_id) (1 rows, e.g. account_id=c)"]
    );
    let child =
        children().frame(&[Row { parent: Some("c"), ..row("s") }, Row { parent: Some("x"), ..row("t") }], &stamp());
    assert_eq!(
        found(vec![parent(vec![vec!["a"], vec!["c"]]), child]),
        ["signals: account_id must stand in account_health.account_id (1 rows, e.g. signal_id=t)"]
    );
}

#[test]
fn parts_show_in_nothing_but_their_row_groups() {
    let ids: Vec<String> = (0..20_000).map(|n| format!("acct-{n:05}")).collect();
    let ids: &'static [String] = ids.leak();
    let rows = |part: &std::ops::Range<usize>, hand_on: &mut dyn FnMut(Vec<Row>)| {
        // Each run comes in the wrong order; some are longer than what is made columns at once, most are not.
        for (n, run) in ids[part.clone()].chunks(700).enumerate() {
            hand_on(run[..n].iter().rev().map(|id| row(id)).collect());
            hand_on(run[n..].iter().rev().map(|id| row(id)).collect());
        }
        hand_on(Vec::new());
    };
    let all: Vec<Row> = ids.iter().map(|id| row(id)).collect();
    let whole = parents().frame(&all, &stamp());
    let parts = parents().frame_of(vec![0..7, 7..9_000, 9_000..20_000], rows, &stamp());
    let read = |frame: Frame| {
        let checked = check(vec![frame]).unwrap_or_else(|failures| panic!("{failures:?}"));
        let file = bytes::Bytes::from(checked.tables()[0].file.held().concat());
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let (groups, schema) = (reader.metadata().num_row_groups(), reader.schema().clone());
        let batches: Vec<_> = reader.with_batch_size(30_000).build().unwrap().map(Result::unwrap).collect();
        (groups, arrow::compute::concat_batches(&schema, &batches).unwrap())
    };
    let ((one, whole), (three, parts)) = (read(whole), read(parts));
    assert_eq!((one, three), (1, 3));
    assert_eq!(whole, parts);
}

/// More rows than are held in memory at once, in several parts; the last row has the score.
fn large(last_score: f64) -> Frame<'static> {
    static IDS: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        let noise = |n: u64| manifest::sha256(&n.to_le_bytes());
        let mut ids: Vec<String> = (0..300_000).map(noise).collect();
        ids.sort_unstable();
        ids
    });
    let rows = move |part: &std::ops::Range<usize>, hand_on: &mut dyn FnMut(Vec<Row>)| {
        let score = |place: usize| if place + 1 == IDS.len() { last_score } else { 0.5 };
        hand_on(part.clone().map(|place| Row { score: score(place), ..row(&IDS[place]) }).collect());
    };
    let parts = (0..IDS.len()).step_by(70_000).map(|from| from..IDS.len().min(from + 70_000));
    parents().frame_of(parts.collect(), rows, &stamp())
}

/// Every file below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_large_file_that_was_sent_while_it_was_checked_is_the_one_that_is_written_at_once() {
    let store = Store::memory();
    let claim = claim(&store, 1);
    let held = check(vec![large(0.5)]).unwrap().tables()[0].file.held().concat();
    let sent = || check_into(vec![large(0.5)], &store, &claim).unwrap();
    let (first, second) = (sent(), sent());
    assert!(first.tables()[0].file.held().is_empty(), "it is large enough to be sent");
    assert_eq!(store.list("").unwrap(), [], "and not to be seen before the commit");
    let manifest = commit(&store, &claim, first, Vec::new(), about()).expect("committed");
    let of_run = &manifest.tables[0];
    assert!(store.get(&of_run.path).unwrap() == held);
    assert_eq!((of_run.bytes as usize, &of_run.sha256), (held.len(), &manifest::sha256(&held)));
    let lost = commit(&store, &claim, second, Vec::new(), about());
    assert!(matches!(lost, Err(Error::RaceLost { .. })), "a run file is written once: {lost:?}");
}

#[test]
fn what_was_sent_of_tables_that_fail_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open("output", &Access::local(folder.path())).unwrap();
    let claim = claim(&store, 1);
    let refused = check_into(vec![large(1.5)], &store, &claim).err().expect("the last score is out of range");
    let Refused::Broken(failures) = refused else { panic!("{refused:?}") };
    assert_eq!(failures.iter().map(|f| f.rows.num_rows()).collect::<Vec<_>>(), [1]);
    let astray = Row { parent: Some("nobody"), ..row("s") };
    let tables = vec![large(0.5), children().frame(&[astray], &stamp())];
    assert!(matches!(check_into(tables, &store, &claim).err(), Some(Refused::Broken(_))));
    drop(check_into(vec![large(0.5)], &store, &claim).expect("sound, and dropped before the commit"));
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_store_that_fails_while_a_file_is_sent_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open("output", &Access::local(folder.path())).unwrap();
    let claim = claim(&store, 1);
    std::fs::create_dir(folder.path().join("output")).unwrap();
    std::fs::write(folder.path().join("output/runs"), "no folder").unwrap();
    let refused = check_into(vec![large(0.5)], &store, &claim).err();
    assert!(matches!(refused, Some(Refused::Store(_))), "{refused:?}");
    assert_eq!(files(folder.path()).len(), 1, "nothing but what stood in the way");
}

#[test]
fn no_published_table_refers_to_itself_or_round_about() {
    // A table is checked after those that refer to it.
    let specs = tables::specs();
    let mut waiting: Vec<_> = specs.iter().collect();
    while !waiting.is_empty() {
        let referred =
            |table| waiting.iter().flat_map(|s| &s.columns).any(|c| c.references.is_some_and(|r| r.table == table));
        let left: Vec<_> = waiting.iter().copied().filter(|spec| referred(spec.table)).collect();
        assert!(left.len() < waiting.len(), "{:?}", left.iter().map(|spec| spec.name()).collect::<Vec<_>>());
        waiting = left;
    }
}

#[test]
fn rows_are_sorted_by_account_whatever_order_they_came_in() {
    let there = checked(&[row("b"), row("a"), row("c")], &[]);
    let back = checked(&[row("c"), row("a"), row("b")], &[]);
    let bytes = |tables: &Checked| -> Vec<bytes::Bytes> {
        tables.tables().iter().map(|table| table.file.held().concat().into()).collect()
    };
    assert_eq!(bytes(&there), bytes(&back));
}

#[test]
fn an_empty_table_keeps_its_types_and_descriptions() {
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder as Reader;
    let bytes = bytes::Bytes::from(checked(&[], &[]).tables()[0].file.held().concat());
    let reader = Reader::try_new(bytes).expect("a Parquet file");
    assert_eq!(reader.schema().field_with_name("score").unwrap().data_type(), &DataType::Float64);
    assert_eq!(reader.schema().field_with_name("as_of_date").unwrap().data_type(), &DataType::Date32);
    let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let described = metadata.iter().find(|kv| kv.key == "description:score").and_then(|kv| kv.value.clone());
    assert_eq!(described.as_deref(), Some("Score."));
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn zero_has_no_sign() {
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder as Reader;
    let tables = checked(&[Row { score: -0.0, ..row("a") }], &[]);
    let bytes = bytes::Bytes::from(tables.tables()[0].file.held().concat());
    let batch = Reader::try_new(bytes).unwrap().build().unwrap().next().unwrap().unwrap();
    let scores = batch.column_by_name("score").unwrap().as_primitive::<Float64Type>();
    assert!(scores.value(0) == 0.0 && scores.value(0).is_sign_positive());
}

/// A table without rows on the newest night must not show those of the night before.
#[test]
fn the_views_of_the_newest_night_ask_the_runs_which_it_is() {
    let sql = dictionary::views_sql(&tables::specs(), "out");
    let latest = sql.lines().find(|line| line.contains("VIEW rejected_rows_latest")).unwrap();
    assert!(latest.contains("FROM read_parquet('out/tables/runs/*/runs.parquet'"), "{latest}");
}

#[test]
fn every_published_table_uses_only_types_that_bi_engines_read_and_describes_every_column() {
    let safe = [
        DataType::Utf8,
        DataType::Boolean,
        DataType::Int64,
        DataType::Float64,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    ];
    for spec in tables::specs() {
        assert!(!spec.description.is_empty(), "{}", spec.name());
        assert_eq!(spec.columns[0].name, "as_of_date");
        assert_eq!(spec.columns[1].name, "run_id");
        for (field, column) in arrow_schema(&spec).fields().iter().zip(&spec.columns) {
            assert!(safe.contains(field.data_type()), "{}.{}", spec.name(), field.name());
            assert!(column.description.len() > 3, "{}.{} has no description", spec.name(), column.name);
            let numeric = matches!(column.kind, ColumnType::Int64 | ColumnType::Float64);
            assert!(column.range.is_none() || numeric, "{}.{}: a range on text", spec.name(), column.name);
        }
        for reference in spec.columns.iter().filter_map(|column| column.references) {
            let target = tables::specs().into_iter().find(|t| t.table == reference.table).expect("a known table");
            assert_eq!(target.key, [reference.column], "{} refers to what is no key", spec.name());
        }
    }
}

fn about() -> About {
    About {
        job: "nightly".into(),
        job_hash: "j".into(),
        started_at: Moment(1),
        finished_at: Moment(2),
        inputs: vec![Input { table: "accounts".into(), path: "accounts.parquet".into(), etag: "e".into(), rows: 1 }],
        audit: Link::default(),
    }
}

fn claim(store: &Store, started: i64) -> Claim {
    Claim::next(store, DAY, Moment(started), "job", "inputs").expect("a claim")
}

fn published(store: &Store, started: i64, rows: &[Row]) -> Manifest {
    let claim = claim(store, started);
    let manifest = commit(store, &claim, checked(rows, &[]), vec![("index.html".into(), "hello".into())], about());
    expose(store, DAY).expect("exposed");
    manifest.expect("committed")
}

fn table_object(store: &Store) -> Option<bytes::Bytes> {
    store.get_if_exists("tables/account_health/dt=2024-10-04/account_health.parquet").expect("the store answers")
}

#[test]
fn nothing_is_visible_before_the_manifest_and_everything_after() {
    let store = Store::memory();
    let claim = claim(&store, 1);
    let site = vec![("owners/ann.html".to_owned(), "hello".into())];
    commit(&store, &claim, checked(&[row("a")], &[]), site, about()).expect("committed");
    assert_eq!(table_object(&store), None);
    expose(&store, DAY).expect("exposed");
    assert!(table_object(&store).is_some());
    assert_eq!(&store.get("site/dt=2024-10-04/owners/ann.html").unwrap()[..], b"hello");
    let slot = manifest::newest(&store, DAY).unwrap().expect("a manifest");
    assert_eq!(slot.path(), "meta/manifests/2024-10-04/000001.json");
    let read = manifest::read(&store, slot).unwrap().expect("it can be read");
    assert_eq!((read.run_id, read.tables[0].rows), (claim.run_id, Some(1)));
}

#[test]
fn of_two_runs_that_meet_one_is_published_and_the_other_changes_nothing() {
    let store = Store::memory();
    let (first, second) = (claim(&store, 1), claim(&store, 2));
    commit(&store, &second, checked(&[row("b")], &[]), Vec::new(), about()).expect("the first to commit wins");
    expose(&store, DAY).expect("exposed");
    let before = table_object(&store);
    let lost = commit(&store, &first, checked(&[row("a")], &[]), Vec::new(), about());
    assert!(matches!(lost, Err(Error::RaceLost { .. })), "{lost:?}");
    assert_eq!(table_object(&store), before);
    assert_eq!(manifest::slots(&store).unwrap().len(), 1);
}

#[test]
fn a_rerun_of_a_day_replaces_it_and_the_old_run_stays() {
    let store = Store::memory();
    let old = published(&store, 1, &[row("a")]);
    let before = table_object(&store);
    let new = published(&store, 2, &[row("a"), row("b")]);
    assert_eq!(new.predecessor.as_deref(), Some("meta/manifests/2024-10-04/000001.json"));
    assert_ne!(table_object(&store), before);
    assert_eq!(Some(store.get(&old.tables[0].path).unwrap()), before);
}

#[test]
fn the_next_run_shows_what_a_crash_after_the_commit_left_hidden() {
    let store = Store::memory();
    published(&store, 1, &[row("a")]);
    let hidden = claim(&store, 2);
    let manifest = commit(&store, &hidden, checked(&[row("b")], &[]), Vec::new(), about()).expect("committed");
    assert_ne!(table_object(&store), Some(store.get(&manifest.tables[0].path).unwrap()));
    assert_eq!(repair(&store).expect("repaired"), [DAY]);
    assert_eq!(table_object(&store), Some(store.get(&manifest.tables[0].path).unwrap()));
    assert_eq!(repair(&store).expect("nothing left to do"), []);
}

#[test]
fn a_run_file_that_was_changed_is_not_shown() {
    let store = Store::memory();
    let claim = claim(&store, 1);
    let manifest = commit(&store, &claim, checked(&[row("a")], &[]), Vec::new(), about()).expect("committed");
    store.put(&manifest.tables[0].path, "something else").unwrap();
    assert!(matches!(expose(&store, DAY), Err(Error::Altered { .. })));
    assert_eq!(table_object(&store), None);
}

#[test]
fn a_run_shows_its_own_files_and_they_are_those_of_the_manifest() {
    let store = Store::memory();
    let claim = claim(&store, 1);
    let site = vec![("index.html".into(), "hello".into())];
    let manifest = commit(&store, &claim, checked(&[row("a")], &[]), site, about()).expect("committed");
    show(&store, &manifest).expect("shown");
    let shown = table_object(&store).expect("it is there");
    assert_eq!(
        (shown.len() as u64, manifest::sha256(&shown)),
        (manifest.tables[0].bytes, manifest.tables[0].sha256.clone())
    );
    assert_eq!(&store.get("site/dt=2024-10-04/index.html").unwrap()[..], b"hello");
    assert_eq!(repair(&store).expect("nothing is left to do"), []);
}

#[test]
fn failed_checks_leave_their_rows_as_evidence_and_nothing_else() {
    let store = Store::memory();
    let claim = claim(&store, 1);
    let broken = Row { score: 1.5, ..row("b") };
    let failures = check(frames(&[row("a"), broken], &[])).err().expect("a number is out of range");
    let folder = foothold::publish::write_evidence(&store, &claim, &failures).expect("written");
    assert!(folder.starts_with("runs/") && folder.ends_with("/failed"), "{folder}");
    let written: Vec<String> = store.list("").unwrap().into_iter().map(|object| object.path).collect();
    assert_eq!(written, [format!("{folder}/001-account_health.parquet"), format!("{folder}/failures.json")]);
    let rows = store.get(&written[0]).unwrap();
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(rows).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1);
}

#[test]
fn published_tables_are_frames_to_join() {
    let store = Store::memory();
    let claim = Claim::next(&store, DAY, Moment(1), "job", "inputs").expect("a claim");
    let of = |parent| Row { parent: Some(parent), ..row(parent) };
    let parents = [Row { word: "red", ..row("a") }, row("b"), row("c")];
    let tables = checked(&parents, &[of("a"), of("c")]);
    let manifest = commit(&store, &claim, tables, Vec::new(), about()).expect("committed");
    let read = |table| data_frame::read(&store, &manifest, table).expect("a frame");
    let (parents, children) = (read("account_health"), read("signals"));
    let join = |kind| {
        let on = ["account_id"];
        parents.join(&children, on, on, JoinArgs::new(kind), None).expect("a join")
    };
    let ids = |frame: &DataFrame| -> Vec<String> {
        let column = frame.column("account_id").expect("a column").str().expect("text");
        (0..column.len()).filter_map(|row| column.get(row)).map(str::to_owned).collect()
    };
    assert_eq!(ids(&join(JoinType::Semi)), ["a", "c"]);
    assert_eq!(ids(&join(JoinType::Anti)), ["b"]);
    let days = parents.column("as_of_date").expect("a column");
    assert_eq!(days.dtype(), &polars::prelude::DataType::Date);
    assert_eq!(days.date().expect("days").physical().get(0), Some(DAY.0));
    assert_eq!(parents.column("score").expect("a column").f64().expect("numbers").get(0), Some(0.5));
    assert_eq!(read("no such table").height(), 0);
}
