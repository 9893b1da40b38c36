//! The command as a person and a scheduler meet it: what it prints, where, and the code it leaves with.

use std::path::Path;
use std::sync::LazyLock;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A small world on disk that the tests below share; each writes to an output of its own.
static WORLD: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().expect("a folder");
    foothold(dir.path())
        .args(["simulate", "--accounts", "40", "--days", "400", "--seed", "3", "--out", "world"])
        .assert()
        .success();
    std::fs::write(dir.path().join("nightly.toml"), JOB).expect("a job");
    dir
});

const JOB: &str = "version = 1\nname = \"test\"\nas_of = 2026-06-30\n[extracts]\nurl = \"world\"\n[output]\nurl = \"out\"\n\
                   [models]\ntrain_if_missing = false\n";

fn foothold(dir: &Path) -> Command {
    let mut command = Command::cargo_bin("foothold").expect("the binary is built");
    command.current_dir(dir).env_remove("FOOTHOLD_LOG_FORMAT").env("COLUMNS", "160");
    command
}

/// Exit code, stdout and stderr.
fn said(args: &[&str]) -> (i32, String, String) {
    let output = foothold(WORLD.path()).args(args).output().expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn json(args: &[&str]) -> Value {
    let (code, out, err) = said(args);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[test]
fn help_documents_every_exit_code() {
    let (code, out, _) = said(&["--help"]);
    assert_eq!(code, 0);
    for expected in
        ["0    done", "2    usage", "3    the data contract", "4    the extracts", "5    another run", "143"]
    {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
}

#[test]
fn a_run_tells_one_json_object_and_publishes() {
    let told = json(&["run", "nightly.toml", "--output", "out-json", "--format", "json"]);
    for key in
        ["run_id", "as_of", "status", "manifest", "tables", "rejected", "unavailable", "seconds", "peak_memory_bytes"]
    {
        assert!(told.get(key).is_some(), "{key} is missing: {told}");
    }
    assert_eq!((&told["status"], &told["as_of"]), (&Value::from("published"), &Value::from("2026-06-30")));
    assert_eq!(told["tables"]["account_health"], 40);
    let root = WORLD.path().join("out-json");
    assert!(root.join(told["manifest"].as_str().expect("a path")).is_file());
    for file in [
        "tables/runs/dt=2026-06-30/runs.parquet",
        "meta/views.sql",
        "meta/data_dictionary.parquet",
        "site/dt=2026-06-30/index.html",
    ] {
        assert!(root.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_run_ends_with_what_to_do_and_where_it_stands() {
    let (code, out, err) = said(&["run", "nightly.toml", "--output", "out-table"]);
    assert_eq!(code, 0, "{err}");
    for expected in [
        "Foothold as of 2026-06-30: 40 accounts",
        "expected value",
        "contact by",
        "Tables     out-table/tables/",
        "Briefings  out-table/site/dt=2026-06-30/index.html",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    let (_, out, _) = said(&["status", "nightly.toml", "--output", "out-table"]);
    assert!(out.contains("2026-06-30") && out.contains("test"), "{out}");
}

#[test]
fn a_person_runs_the_whole_loop() {
    let output = ["--output", "out-loop"];
    let with = |args: &[&'static str]| [args, &output].concat();
    assert_eq!(said(&with(&["run", "nightly.toml", "--as-of", "2026-06-29"])).0, 0);
    let listed = json(&with(&["review", "list", "nightly.toml", "--format", "json"]));
    let id = listed["recommendations"][0]["recommendation_id"].as_str().expect("something waits").to_owned();
    let approve = ["review", "approve", &id, "--approver", "Ann", "--at", "2026-06-30"];
    let (code, out, err) = said(&[&approve[..], &["--job", "nightly.toml"], &output].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("approved") && out.contains(&id) && out.contains("as of 2026-06-30 and later"), "{out}");
    assert_eq!(said(&with(&["run", "nightly.toml"])).0, 0);
    let after = json(&with(&["review", "list", "nightly.toml", "--all", "--format", "json"]));
    let rows = after["recommendations"].as_array().expect("a list");
    let approved = rows.iter().find(|row| row["recommendation_id"] == id.as_str()).expect("it stays in view");
    assert_eq!(approved["status"], "approved");
    let mistyped = ["outcome", "rec-0", "converted", "--job", "nightly.toml", "--output", "out-loop"];
    assert_eq!(said(&mistyped).0, 2);
    let account = listed["recommendations"][0]["account_id"].as_str().expect("an account");
    let explained = json(&["explain", account, "--job", "nightly.toml", "--output", "out-loop", "--format", "json"]);
    assert!(!explained["tables"]["signals"].as_array().expect("signals").is_empty());
    assert_eq!(said(&with(&["audit", "verify", "nightly.toml"])).0, 0);
    let record = find(&WORLD.path().join("out-loop/runs"), "audit.parquet");
    let mut bytes = std::fs::read(&record).expect("the audit file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&record, bytes).expect("a write");
    let (code, _, err) = said(&with(&["audit", "verify", "nightly.toml"]));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("audit.parquet"), "{err}");
}

/// The one file of that name below a folder.
fn find(folder: &Path, name: &str) -> std::path::PathBuf {
    let below = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path().join(name));
    below.into_iter().find(|path| path.is_file()).expect("the file is there")
}

#[test]
fn an_unknown_key_exits_2_on_stderr_and_in_json() {
    std::fs::write(WORLD.path().join("typo.toml"), "version = 1\n[extracts]\nurl = \"world\"\n[heath]\ngreen = 7.0\n")
        .expect("a job");
    let (code, out, err) = said(&["run", "typo.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("typo.toml:4: unknown key `heath`; did you mean `health`?"), "{err}");
    let (code, out, _) = said(&["run", "typo.toml", "--format", "json"]);
    let told: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &told["exit_code"], &told["status"]), (2, &Value::from(2), &Value::from("failed")));
    assert_eq!(told["problems"].as_array().map(Vec::len), Some(1));
}

#[test]
fn usage_errors_exit_2() {
    assert_eq!(said(&["run"]).0, 2);
    assert_eq!(said(&["run", "nowhere.toml"]).0, 2);
    assert_eq!(said(&["run", "nightly.toml", "--as-of", "2026-02-30"]).0, 2);
    assert_eq!(said(&["run", "nightly.toml", "--from", "2026-06-30", "--to", "2026-06-01"]).0, 2);
    assert_eq!(said(&["run", "nightly.toml", "--output", "nosuch://bucket/x"]).0, 2);
}

#[test]
fn nothing_delivered_exits_4_and_a_broken_contract_3_and_neither_publishes() {
    let (code, _, err) = said(&["run", "nightly.toml", "--extracts", "empty", "--output", "out-empty"]);
    assert_eq!(code, 4, "{err}");
    let broken = WORLD.path().join("broken");
    std::fs::create_dir_all(broken.join("accounts")).expect("a folder");
    std::fs::write(broken.join("accounts/part.parquet"), "no Parquet at all").expect("a file");
    let (code, _, err) = said(&["run", "nightly.toml", "--extracts", "broken", "--output", "out-broken"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("accounts"), "{err}");
    assert_eq!(said(&["check", "nightly.toml", "--extracts", "broken"]).0, 3);
    assert!(!WORLD.path().join("out-empty").exists() && !WORLD.path().join("out-broken").exists());
}

#[test]
fn check_reports_every_table() {
    let told = json(&["check", "nightly.toml", "--format", "json"]);
    let tables = told["tables"].as_array().expect("tables");
    assert!(tables.iter().any(|table| table["table"] == "usage" && table["available"] == true));
}

#[test]
fn a_range_of_nights_publishes_each() {
    let told = json(&[
        "run",
        "nightly.toml",
        "--from",
        "2026-06-28",
        "--to",
        "2026-06-29",
        "--output",
        "out-range",
        "--format",
        "json",
    ]);
    let days: Vec<&str> =
        told["nights"].as_array().expect("nights").iter().filter_map(|n| n["as_of"].as_str()).collect();
    assert_eq!(days, ["2026-06-28", "2026-06-29"]);
}

#[test]
fn the_contract_and_the_catalogues_can_be_printed() {
    for what in ["job", "inputs", "outputs"] {
        for format in ["json", "markdown"] {
            let (code, out, err) = said(&["schema", what, "--format", format]);
            assert!(code == 0 && out.len() > 500, "{what} {format}: {err}");
        }
    }
    assert!(said(&["docs", "signals"]).1.contains("| seat_utilization |"));
    assert!(said(&["docs", "playbooks"]).1.contains("seat_expansion"));
    assert!(said(&["completions", "bash"]).1.contains("foothold"));
}

#[test]
fn threads_do_not_change_results() {
    let run = |threads: &'static str, output: &'static str| {
        json(&["run", "nightly.toml", "--threads", threads, "--output", output, "--format", "json"])
    };
    let (one, two) = (run("1", "out-one"), run("2", "out-two"));
    assert_eq!((&one["tables"], &one["top"], &one["withheld"]), (&two["tables"], &two["top"], &two["withheld"]));
}

/// A signal ends a command with the code that schedulers know, and leaves nothing half-published.
#[cfg(unix)]
#[test]
fn a_terminated_run_exits_143_and_an_interrupted_one_130() {
    use std::process::Stdio;
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_foothold"))
            .args(["simulate", "--accounts", "200000", "--out", "endless"])
            .current_dir(WORLD.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command starts");
        std::thread::sleep(std::time::Duration::from_millis(700));
        let sent = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
    }
}

#[test]
fn a_night_in_shards_says_at_each_step_what_comes_next() {
    let (code, out, err) = said(&["bucketize", "nightly.toml", "--buckets", "2", "--into", "buckets"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("foothold publish nightly.toml --expect-shards 2"), "{out}");
    let output = ["nightly.toml", "--output", "out-shards"];
    let publish = || said(&[&["publish"], &output[..], &["--expect-shards", "2"]].concat());
    let shard = |part: &str| said(&[&["run"], &output[..], &["--extracts", "buckets", "--shard", part]].concat());
    let (code, _, err) = publish();
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("missing: 1/2, 2/2") && err.contains("--shard 1/2"), "{err}");
    let (code, _, err) = shard("1/2");
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("waiting for shard 2/2") && err.contains("--wait"), "{err}");
    let (code, _, err) = shard("3/2");
    assert_eq!(code, 2, "{err}");
    let mut ended = [4, 4];
    for _ in 0..8 {
        ended = ["2/2", "1/2"].map(|part| shard(part).0);
    }
    assert_eq!(ended, [0, 0]);
    let (code, out, err) = publish();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Foothold as of 2026-06-30: 40 accounts"), "{out}");
    assert!(WORLD.path().join("out-shards/tables/signals/dt=2026-06-30/signals.parquet").is_file());
}

#[test]
fn evaluate_tells_figures_as_json_and_as_a_table() {
    let mut csv = "id,usage,left\n".to_owned();
    (0..400).for_each(|row: u32| {
        csv += &format!("a{row},{},{}\n", (row * 7) % 40, u32::from((row * 7) % 40 > 22 + row % 9))
    });
    std::fs::write(WORLD.path().join("own.csv"), csv).expect("written");
    let told = json(&["evaluate", "own.csv", "--label", "left", "--id", "id", "--format", "json"]);
    for key in [
        "rows",
        "positives",
        "auc",
        "pr_auc",
        "log_loss",
        "brier",
        "ece",
        "lift_top_decile",
        "fit_seconds",
        "folds",
        "baseline",
    ] {
        assert!(told.get(key).is_some(), "{key} is missing: {told}");
    }
    assert!(told["auc"].as_f64() > told["baseline"]["auc"].as_f64().map(|auc| auc - 0.01) && told["rows"] == 400);
    let (code, out, _) = said(&["evaluate", "own.csv", "--label", "left"]);
    assert!(code == 0 && out.contains("Strongest features") && out.contains("log loss"), "{out}");
    let (code, _, err) = said(&["evaluate", "own.csv", "--label", "leftt"]);
    assert!(code == 2 && err.contains("did you mean `left`?"), "{err}");
}

#[test]
fn models_are_listed_shown_promoted_and_rolled_back() {
    let models = |args: &[&str]| said(&[&["models"], args, &["--output", "out-models"]].concat());
    let (code, out, _) = models(&["list", "nightly.toml"]);
    assert!(code == 0 && out.contains("foothold train"), "{out}");
    assert_eq!(said(&["train", "nightly.toml", "--output", "out-models"]).0, 0);
    let listed = json(&["models", "list", "nightly.toml", "--output", "out-models", "--format", "json"]);
    let churn = listed["models"].as_array().unwrap().iter().find(|line| line["model"] == "churn").unwrap();
    assert_eq!((&churn["version"], &churn["champion"]), (&1.into(), &true.into()), "{churn}");
    assert_eq!(churn["family"], "scorecard");
    let texts = listed["models"].as_array().unwrap().iter().find(|line| line["model"] == "text_intent");
    if let Some(texts) = texts {
        assert!(texts["rows"].as_u64() > Some(0) && texts["model_id"].as_str().unwrap().starts_with("txt-"), "{texts}");
    }
    let id = churn["model_id"].as_str().unwrap();
    std::fs::write(WORLD.path().join("rows.csv"), "account_id,season\na,1\n").expect("written");
    let score = |model: &str, place: &[&str]| said(&[&["score", "rows.csv", "--model", model], place].concat());
    let (code, _, err) = score(id, &[]);
    assert!(code == 2 && err.contains("no such file") && err.contains("--output"), "{err}");
    let (code, _, err) = score("rows.csv", &["--output", "scored.parquet"]);
    assert!(code == 2 && err.contains("--model rows.csv is a file") && err.contains("--out scores.parquet"), "{err}");
    let other = if id.ends_with('0') { '1' } else { '0' };
    let (code, _, err) = score(&format!("{}{other}", &id[..id.len() - 1]), &["--output", "out-models"]);
    assert!(code == 2 && (err.contains("did you mean") || err.contains("`account_id`")), "{err}");
    let (code, _, err) = score("churn/1", &["--output", "out-models"]);
    let abstains = err.contains("abstains, so it scores no table");
    assert!(code == 2 && (abstains || err.contains("reads it, but the table has no such column")), "{err}");
    let (code, card, err) = models(&["show", "nightly.toml", "churn"]);
    assert!(code == 0 && card.starts_with("# Model card: churn"), "{card}{err}");
    let (code, _, err) = models(&["show", "nightly.toml", "chrun"]);
    assert!(code == 2 && err.contains("did you mean `churn`"), "{err}");
    let person = ["--by", "Ada", "--reason", "asked for"];
    let (code, _, err) = models(&[&["promote", "nightly.toml", "churn", "1"], &person[..]].concat());
    assert!(code == 2 && err.contains("scores already"), "{err}");
    let (code, _, err) = models(&[&["rollback", "nightly.toml", "churn"], &person[..]].concat());
    assert!(code == 2 && err.contains("no earlier champion"), "{err}");
    let (code, _, err) = models(&["compare", "nightly.toml", "churn", "1"]);
    assert!(code == 2 && err.contains("cannot be compared with itself"), "{err}");
}
