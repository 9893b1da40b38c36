//! A job is refused with everything that is wrong with it, each with its place and what was probably meant.

use std::path::Path;

use foothold::job::{Job, Overrides, Problems, built_in, built_in_playbooks, schema};
use foothold::vocabulary::Day;

const BASE: &str = "version = 1\nextracts.url = \"in\"\n";

fn parse(text: &str) -> Result<Job, Problems> {
    parse_with(text, &Overrides::default())
}

fn parse_with(text: &str, overrides: &Overrides) -> Result<Job, Problems> {
    Job::parse("job.toml", text, overrides, Path::new("."))
}

fn job(text: &str) -> Job {
    parse(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems(text: &str) -> Vec<String> {
    parse(text).err().map(|found| found.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn environment(name: &str, value: &str) -> Overrides {
    Overrides { environment: vec![(name.into(), value.into())], flags: Vec::new() }
}

#[test]
fn defaults_and_playbooks_that_ship_are_valid() {
    assert_eq!(job(BASE).settings.health.green, built_in().health.green);
    assert!(!built_in_playbooks().is_empty());
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_what_was_meant() {
    assert_eq!(
        problems("version = 1\nextracts.url = \"in\"\n\n[health]\ngren = 70.0\n"),
        ["job.toml:5: unknown key `health.gren`; did you mean `health.green`?"]
    );
    assert_eq!(
        problems("version = 1\n[extracts]\nurl = \"in\"\n[heatlh]\ngreen = 70.0\n"),
        ["job.toml:4: unknown key `heatlh`; did you mean `health`?"]
    );
}

#[test]
fn a_misspelt_signal_or_threshold_is_refused() {
    assert_eq!(
        problems("version = 1\nextracts.url = \"in\"\n[signals.seat_utilisation]\nenabled = false\n"),
        ["job.toml:3: unknown signal `signals.seat_utilisation`; did you mean `signals.seat_utilization`?"]
    );
    let threshold =
        problems("version = 1\nextracts.url = \"in\"\n[signals.seat_utilization.thresholds]\nstrng = 0.2\n");
    assert_eq!(threshold.len(), 1);
    assert!(threshold[0].contains("job.toml:4:") && threshold[0].contains("thresholds.strong`?"), "{threshold:?}");
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(
        "version = 1\nkind = \"nightli\"\n[extracts]\nurl = 7\n[health]\ngreen = \"high\"\nyelow = 1.0\n[output]\nurl = \"o\"\n",
    );
    assert_eq!(
        found,
        [
            "job.toml:2: `kind`: unknown word `nightli`; did you mean `nightly`?",
            "job.toml:4: `extracts.url` must be text, not 7",
            "job.toml:6: `health.green` must be a number, not \"high\"",
            "job.toml:7: unknown key `health.yelow`; did you mean `health.yellow`?",
        ]
    );
}

#[test]
fn the_version_comes_first() {
    assert_eq!(problems("kind = \"nightly\"\n"), ["job.toml: the first line of a job must be `version = 1`"]);
    assert_eq!(problems("version = 2\n"), ["job.toml: this program reads jobs of `version = 1` only"]);
    let broken = problems("version = 1\n[health\n");
    assert!(broken[0].starts_with("job.toml:2: "), "{broken:?}");
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let text = format!("{BASE}[health]\ngreen = 71.0\nyellow = 51.0\n");
    let mut overrides = environment("FOOTHOLD_HEALTH__GREEN", "72");
    assert_eq!(job(&text).settings.health.green, 71.0);
    assert_eq!(parse_with(&text, &overrides).unwrap().settings.health.green, 72.0);
    overrides.environment.push(("FOOTHOLD_AS_OF".into(), "2026-01-01".into()));
    overrides.flags.push(("as_of", "2026-02-02".into()));
    overrides.flags.push(("extracts.url", "s3://bucket/there".into()));
    let job = parse_with(&text, &overrides).unwrap();
    assert_eq!(job.settings.as_of, Some(Day::ymd(2026, 2, 2)));
    assert_eq!(job.settings.extracts.url, "s3://bucket/there");
    assert_eq!(job.settings.health.yellow, 51.0);
}

#[test]
fn an_unknown_variable_is_refused_by_its_name() {
    let problems = parse_with(BASE, &environment("FOOTHOLD_HELTH__GREEN", "72")).expect_err("refused");
    assert_eq!(problems.to_string(), "FOOTHOLD_HELTH: unknown key `helth`; did you mean `health`?");
}

#[test]
fn a_day_may_be_written_with_or_without_quotes() {
    let day = Some(Day::ymd(2026, 6, 30));
    assert_eq!(job(&format!("as_of = 2026-06-30\n{BASE}")).settings.as_of, day);
    assert_eq!(job(&format!("as_of = \"2026-06-30\"\n{BASE}")).settings.as_of, day);
}

#[test]
fn a_job_without_extracts_says_what_to_set() {
    assert_eq!(
        problems("version = 1\nextracts.url = \" \"\n"),
        ["job.toml: `extracts.url` must say where the extracts are; set it in the job or with --extracts"]
    );
}

#[test]
fn the_hash_follows_what_bears_on_results_and_nothing_else() {
    let hash = |text: &str| job(text).hash();
    let plain = hash(BASE);
    assert_eq!(plain.len(), 64);
    assert_eq!(plain, hash(&format!("name = \"other\"\nas_of = 2026-01-01\n{BASE}[output]\nurl = \"elsewhere\"\n")));
    assert_eq!(plain, hash("version = 1\nextracts.url = \"moved\"\n"));
    let green = built_in().health.green;
    assert_eq!(plain, hash(&format!("{BASE}[health]\ngreen = {green:?}\n")), "a default said aloud changes nothing");
    assert_ne!(plain, hash(&format!("{BASE}[health]\ngreen = 71.5\n")));
}

#[test]
fn the_json_schema_knows_every_section() {
    let sections = schema()["properties"].as_object().expect("an object");
    for section in ["extracts", "signals", "health", "models", "recommendations", "output", "as_of"] {
        assert!(sections.contains_key(section), "{section}");
    }
    assert_eq!(schema()["additionalProperties"], false);
}
