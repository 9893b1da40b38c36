//! The arrows between modules run one way, and each outside library has its few rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every module, in the order in which it may be built upon: a module imports only what stands before it.
const ORDER: &[&str] = &[
    "vocabulary",
    "wording",
    "statistics",
    "learners",
    "store",
    "extracts",
    "history",
    "capacity",
    "observations",
    "stakeholders",
    "peers",
    "models",
    "text",
    "feature_table",
    "signals",
    "health",
    "readiness",
    "assessment",
    "recommendations",
    "briefings",
    "cards",
    "audit",
    "changes",
    "reviews",
    "publish",
    "job",
    "shards",
    "pipeline",
    "simulate",
    "accuracy",
    "cli",
];

/// The rooms of the widest modules, each in the order in which it may be built upon: that is the way of the data.
const INSIDE: &[(&str, &[&str])] = &[
    ("learners", &["columns", "measuring", "fitting", "families"]),
    ("models", &["outcomes", "settings", "features", "examples", "judging", "training", "champions", "scoring"]),
    (
        "extracts",
        &[
            "contract",
            "packed",
            "checked",
            "gathered",
            "tables",
            "delivered",
            "kept",
            "buckets",
            "rollups",
            "assembled",
            "loading",
        ],
    ),
];

/// What a module may use although it stands later in the order than the module that says so.
const NOBODY: &[&str] = &[];

/// Modules that only these may import: the sample world's truth, for one, is never read by a job.
const PRIVATE: &[(&str, &[&str])] = &[
    ("simulate", &["accuracy", "cli"]),
    ("publish", &["shards", "pipeline", "cli"]),
    ("shards", &["pipeline", "accuracy", "cli"]),
    ("job", &["pipeline", "accuracy", "cli"]),
    ("feature_table", &["cli"]),
    ("pipeline", &["accuracy", "cli"]),
    ("accuracy", &["cli"]),
    ("cli", NOBODY),
];

/// Outside names and the places, relative to `src`, that may use them.
const ROOMS: &[(&str, &[&str])] = &[
    ("object_store::", &["store/"]),
    ("futures::", &["store/"]),
    ("tokio::", &["store/", "cli/host.rs"]),
    ("clap::", &["cli/"]),
    ("clap_complete::", &["cli/"]),
    ("indicatif::", &["cli/"]),
    ("comfy_table::", &["cli/"]),
    ("tracing_subscriber::", &["cli/"]),
    ("toml::", &["job/"]),
    ("rmp_serde::", &["shards/"]),
    ("linfa::", &["learners/", "text/"]),
    ("linfa_logistic::", &["learners/", "text/"]),
    ("ndarray::", &["learners/", "text/"]),
    ("petgraph::", &["stakeholders/"]),
    ("minijinja::", &["briefings/", "cards/"]),
    ("rand::", &["simulate/"]),
    ("rand_chacha::", &["simulate/"]),
    ("SystemTime", &["cli/"]),
    ("Instant::", &["cli/"]),
    ("Utc::now", &[]),
    ("std::env", &["cli/"]),
    ("println!", &[]),
    ("eprintln!", &["cli/"]),
];

fn source_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("src can be read") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
                files.push((name, code_of(&std::fs::read_to_string(&path).expect("UTF-8"))));
            }
        }
    }
    files.sort();
    files
}

/// The text without comments: what only documentation mentions is no import.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// Modules named after `crate::`.
fn imports(code: &str) -> Vec<String> {
    named_after("crate::", code)
}

/// Names after a path, one by one or in braces.
fn named_after(path: &str, code: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for rest in code.split(path).skip(1) {
        match rest.strip_prefix('{') {
            None => found.push(rest.chars().take_while(|c| is_word(*c)).collect()),
            Some(list) => {
                let list = list.split('}').next().unwrap_or_default();
                found.extend(list.split(',').map(|name| name.trim().chars().take_while(|c| is_word(*c)).collect()));
            }
        }
    }
    found
}

#[test]
fn every_module_has_a_place_in_the_order() {
    let modules: Vec<String> = source_files().iter().map(|(file, _)| module_of(file).to_owned()).collect();
    for module in modules.iter().filter(|module| !matches!(module.as_str(), "lib" | "main")) {
        assert!(ORDER.contains(&module.as_str()), "give `{module}` its place in tests/architecture.rs");
    }
}

#[test]
fn a_module_imports_only_what_stands_before_it() {
    let place: BTreeMap<&str, usize> = ORDER.iter().enumerate().map(|(at, module)| (*module, at)).collect();
    let mut wrong = Vec::new();
    for (file, code) in source_files() {
        let module = module_of(&file);
        let Some(own) = place.get(module) else { continue };
        for import in imports(&code).iter().filter(|import| *import != module) {
            if place.get(import.as_str()).is_some_and(|other| other > own) {
                wrong.push(format!("{file} imports `{import}`, which stands after `{module}`"));
            }
            let private = PRIVATE.iter().find(|(name, _)| name == import);
            if private.is_some_and(|(_, users)| !users.contains(&module)) {
                wrong.push(format!("{file} imports `{import}`, which is not for `{module}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_room_imports_only_rooms_before_it_and_never_the_whole() {
    let mut wrong = Vec::new();
    for (file, code) in source_files() {
        let Some((module, rooms)) = INSIDE.iter().find(|(module, _)| *module == module_of(&file)) else { continue };
        let own = file[module.len() + 1..].split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if own == "mod" {
            continue;
        }
        let Some(place) = rooms.iter().position(|room| *room == own) else {
            wrong.push(format!("give `{own}` of `{module}` its place in tests/architecture.rs"));
            continue;
        };
        for import in named_after(&format!("crate::{module}::"), &code) {
            if !rooms[..=place].contains(&import.as_str()) {
                wrong.push(format!("{file} imports `{import}`, which does not stand before `{own}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let files: Vec<(Vec<String>, String)> =
        source_files().into_iter().map(|(file, code)| (module_path(&file), code)).collect();
    let known: BTreeSet<&[String]> = files.iter().map(|(path, _)| path.as_slice()).collect();
    let mut left: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for (own, code) in &files {
        let met = paths(code).into_iter().filter_map(|path| nearest(&known, absolute(own, &path)));
        left.insert(own, met.filter(|other| *other != own.as_slice()).collect());
    }
    // What imports nothing that is left stands in no circle.
    while let Some(ground) = left.iter().find(|(_, imports)| !imports.iter().any(|i| left.contains_key(i))) {
        let ground = *ground.0;
        left.remove(ground);
    }
    // What nothing left imports stands above them.
    while let Some(top) = left.keys().find(|path| !left.values().any(|imports| imports.contains(*path))) {
        let top = *top;
        left.remove(top);
    }
    let circle: Vec<String> = left.keys().map(|path| path.join("::")).collect();
    assert!(circle.is_empty(), "these import each other: {}", circle.join(", "));
}

/// `a/b.rs` is `[a, b]`, `a/mod.rs` is `[a]`, and the crate's root is nothing.
fn module_path(file: &str) -> Vec<String> {
    let mut path: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    path.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    path
}

/// Every path that begins with `crate` or `super`, in braces or out of them.
fn paths(code: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        let before = code[..at].chars().next_back();
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':') {
            branches(&code[at..], &[], &mut found);
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::d}`, behind its stem; what follows the tree comes back.
fn branches<'a>(text: &'a str, stem: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> &'a str {
    let text = text.trim_start();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '*';
    let (word, rest) = text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()));
    let path = [stem, &[word]].concat();
    let Some(inner) = rest.strip_prefix("::") else {
        found.push(path);
        return rest.strip_prefix(" as ").map_or(rest, |name| name.trim_start_matches(is_word));
    };
    let Some(mut inner) = inner.strip_prefix('{') else { return branches(inner, &path, found) };
    loop {
        inner = branches(inner, &path, found).trim_start();
        match inner.strip_prefix(',') {
            Some(more) if !more.trim_start().starts_with('}') => inner = more,
            _ => return inner.trim_start_matches(',').trim_start().trim_start_matches('}'),
        }
    }
}

/// A path as it reads from the crate's root.
fn absolute(own: &[String], path: &[&str]) -> Vec<String> {
    let mut absolute = if path[0] == "crate" { Vec::new() } else { own.to_vec() };
    for word in path.iter().skip_while(|word| **word == "crate") {
        match *word {
            "super" => drop(absolute.pop()),
            word => absolute.push(word.to_owned()),
        }
    }
    absolute
}

/// The file in which a path ends.
fn nearest<'a>(known: &BTreeSet<&'a [String]>, path: Vec<String>) -> Option<&'a [String]> {
    (1..=path.len()).rev().find_map(|length| known.get(&path[..length]).copied())
}

#[test]
fn each_outside_library_stays_in_its_rooms() {
    let mut wrong = Vec::new();
    for (file, code) in source_files() {
        for (name, rooms) in ROOMS {
            if uses(&code, name) && !rooms.iter().any(|room| file.starts_with(room)) {
                wrong.push(format!("{file} uses `{name}`, which belongs in {rooms:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the name stands in the code as a word of its own.
fn uses(code: &str, name: &str) -> bool {
    let before = |at: usize| code[..at].chars().next_back();
    code.match_indices(name).any(|(at, _)| before(at).is_none_or(|c| !c.is_alphanumeric() && c != '_'))
}

#[test]
fn the_scan_sees_imports_in_every_form() {
    let code = "use crate::store::Store;\nuse crate::{job, publish::table};\nfn f() { crate::wording::day(d) }";
    assert_eq!(imports(code), ["store", "job", "publish", "wording"]);
    let tree = paths("use super::{a::{self, B}, c as d, e::*,\n};\nsuper::super::e::f(x)");
    assert_eq!(
        tree,
        [
            vec!["super", "a", "self"],
            vec!["super", "a", "B"],
            vec!["super", "c"],
            vec!["super", "e", "*"],
            vec!["super", "super", "e", "f"]
        ]
    );
    assert!(uses("use clap::Args;", "clap::") && !uses("use my_clap::Args;", "clap::"));
}
