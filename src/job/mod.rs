//! Jobs: what was typed becomes what is valid, or every problem that stands in the way, at once.
//!
//! Built-in defaults < job file < `FOOTHOLD_*` environment < flags. Unknown keys are refused with a suggestion.
//! Relative paths and URLs start at the working directory, in the job file as in the flags.

mod file;
mod layers;
mod problems;

use std::path::Path;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use toml::Table;

pub use file::{JobFile, Kind, Output, VERSION};
pub use layers::PREFIX;
pub use problems::{Problem, Problems, unknown};

use crate::recommendations::playbooks::{self, Playbook, PlaybookFile};
use layers::{Layer, merge};

/// The commented defaults under every job file.
pub const DEFAULTS: &str = include_str!("defaults.toml");
/// The playbooks of jobs that name no file of their own.
pub const PLAYBOOKS: &str = include_str!("../../jobs/playbooks.toml");

/// A valid job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Every setting, defaults included.
    pub settings: JobFile,
    pub playbooks: Vec<Playbook>,
}

/// What stands above the job file: values that the command line read for it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `FOOTHOLD_*` variables.
    pub environment: Vec<(String, String)>,
    /// Dotted key and text, e.g. `("extracts.url", "s3://…")`.
    pub flags: Vec<(&'static str, String)>,
}

impl Job {
    /// Reads a job file and the playbooks it names; a relative path of those starts at `base`.
    pub fn load(path: &Path, overrides: &Overrides, base: &Path) -> Result<Job, Problems> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| one(&name, unreadable(&e)))?;
        Job::parse(&name, &text, overrides, base)
    }

    /// The job of a text; `name` stands in messages.
    pub fn parse(name: &str, text: &str, overrides: &Overrides, base: &Path) -> Result<Job, Problems> {
        let file = Layer::file(name, text).map_err(|problem| Problems(vec![problem]))?;
        check_version(name, &file.values)?;
        let layers = [file, Layer::environment(&overrides.environment), Layer::flags(&overrides.flags)];
        let mut merged = defaults();
        let problems: Vec<Problem> = layers.iter().flat_map(|layer| layer.problems(&SCHEMA, &merged)).collect();
        all_well(problems)?;
        layers.into_iter().for_each(|layer| merge(&mut merged, layer.values));
        let settings: JobFile =
            merged.try_into().map_err(|e: toml::de::Error| one(name, e.to_string().trim().replace('\n', " ")))?;
        let (playbooks_name, playbooks) = read_playbooks(settings.playbooks.as_deref(), base)?;
        let mut problems: Vec<Problem> = faults(&settings).into_iter().map(|fault| Problem::new(name, fault)).collect();
        if let Err(faults) = playbooks::validate(&playbooks, &settings.signals) {
            problems.extend(faults.iter().map(|fault| Problem::new(&playbooks_name, fault.to_string())));
        }
        all_well(problems)?;
        Ok(Job { settings, playbooks })
    }

    /// SHA-256 over everything in the job that bears on results: not its name, its day or its places.
    pub fn hash(&self) -> String {
        let mut settings = serde_json::to_value(&self.settings).expect("settings are plain data");
        let root = settings.as_object_mut().expect("a struct is an object");
        for place in ["name", "as_of", "playbooks", "output"] {
            root.remove(place);
        }
        if let Some(extracts) = root.get_mut("extracts").and_then(|section| section.as_object_mut()) {
            extracts.remove("url");
            extracts.remove("tables");
        }
        let playbooks = serde_json::to_value(&self.playbooks).expect("playbooks are plain data");
        let canonical = canonical(&serde_json::json!({"settings": settings, "playbooks": playbooks})).to_string();
        Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The JSON Schema of job files.
pub fn schema() -> &'static serde_json::Value {
    &SCHEMA
}

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(|| schemars::schema_for!(JobFile).into());

fn defaults() -> Table {
    toml::from_str(DEFAULTS).expect("the built-in defaults are TOML; a test reads them")
}

/// The job that says nothing but its version.
static BUILT_IN: LazyLock<JobFile> = LazyLock::new(|| {
    let mut values = defaults();
    values.insert("version".to_owned(), i64::from(VERSION).into());
    values.try_into().expect("the built-in defaults are a job; a test reads them")
});

/// The playbooks of a job that names no file of its own.
pub fn built_in_playbooks() -> Vec<Playbook> {
    read_playbooks(None, Path::new("")).map(|(_, playbooks)| playbooks).expect("a test reads the built-in playbooks")
}

/// The defaults, read: what a job holds where it says nothing.
pub fn built_in() -> &'static JobFile {
    &BUILT_IN
}

fn check_version(name: &str, values: &Table) -> Result<(), Problems> {
    match values.get("version").map(toml::Value::as_integer) {
        Some(Some(found)) if found == i64::from(VERSION) => Ok(()),
        Some(_) => Err(one(name, format!("this program reads jobs of `version = {VERSION}` only"))),
        None => Err(one(name, format!("the first line of a job must be `version = {VERSION}`"))),
    }
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file; name a job such as jobs/nightly.toml".to_owned(),
        _ => error.to_string(),
    }
}

fn one(place: &str, message: impl Into<String>) -> Problems {
    Problems(vec![Problem::new(place, message)])
}

fn all_well(problems: Vec<Problem>) -> Result<(), Problems> {
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// What the sections find wrong with themselves.
fn faults(settings: &JobFile) -> Vec<String> {
    let mut faults = settings.signals.problems(&BUILT_IN.signals);
    faults.extend(settings.extracts.faults());
    if settings.extracts.url.trim().is_empty() {
        faults.push("`extracts.url` must say where the extracts are; set it in the job or with --extracts".to_owned());
    }
    if settings.output.url.trim().is_empty() {
        faults.push("`output.url` must say where results go; set it in the job or with --output".to_owned());
    }
    faults
}

/// The playbooks and the name they go by in messages.
fn read_playbooks(path: Option<&str>, base: &Path) -> Result<(String, Vec<Playbook>), Problems> {
    let (name, text) = match path {
        Some(path) => {
            let at = base.join(path);
            let missing = |e: std::io::Error| one(path, format!("{e}; the job looks for it at {}", at.display()));
            let text = std::fs::read_to_string(&at).map_err(missing)?;
            (path.to_owned(), text)
        }
        None => ("the built-in playbooks".to_owned(), PLAYBOOKS.to_owned()),
    };
    let file: PlaybookFile = toml::from_str(&text).map_err(|e| one(&name, e.to_string()))?;
    if file.version != VERSION {
        return Err(one(&name, format!("this program reads playbooks of `version = {VERSION}` only")));
    }
    Ok((name, file.playbook))
}

/// The same value with the keys of every object in order.
fn canonical(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), canonical(value))).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            serde_json::Value::Object(sorted.into_iter().collect())
        }
        serde_json::Value::Array(values) => values.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
