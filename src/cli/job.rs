//! The arguments that name a job and override it, as every verb with a job takes them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::host::Terminal;
use crate::job::{Job, Kind, Overrides, PREFIX};
use crate::store::{Access, Store};
use crate::vocabulary::Day;

/// A job file and the flags that stand above it.
#[derive(Args)]
pub struct JobArgs {
    /// The job file, e.g. jobs/nightly.toml
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// The day whose end is seen, UTC; yesterday where neither job nor flag says
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub as_of: Option<Day>,
    /// Folder or bucket with the extracts: a path, file://, s3://, gs:// or az://
    #[arg(long, value_name = "URL")]
    pub extracts: Option<String>,
    /// Folder or bucket that receives the results
    #[arg(long, value_name = "URL")]
    pub output: Option<String>,
}

/// `FOOTHOLD_*` variables that set flags, not keys of a job.
const FLAGS: [&str; 2] = ["FOOTHOLD_LOG_FORMAT", "FOOTHOLD_THREADS"];

impl JobArgs {
    /// Reads the job with environment and flags laid over it.
    pub fn load(&self) -> Result<Job, Failure> {
        Ok(Job::load(&self.job, &self.overrides(), &working_directory()?)?)
    }

    /// The same, for verbs that run one kind of job only.
    pub fn load_kind(&self, kind: Kind, verb: &str) -> Result<Job, Failure> {
        let job = self.load()?;
        match job.settings.kind == kind {
            true => Ok(job),
            false => Err(Failure::usage(format!(
                "{}: `foothold {verb}` needs a job of kind `{kind}`; this one is `{}`",
                self.job.display(),
                job.settings.kind
            ))),
        }
    }

    fn overrides(&self) -> Overrides {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX) && !FLAGS.contains(&name.as_str()));
        let flags = [
            ("as_of", self.as_of.map(|day| day.to_string())),
            ("extracts.url", self.extracts.clone()),
            ("output.url", self.output.clone()),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
        Overrides { environment: environment.collect(), flags: flags.collect() }
    }
}

/// The job's day: its own, or yesterday.
pub fn as_of(job: &Job, terminal: &Terminal) -> Day {
    job.settings.as_of.unwrap_or_else(|| terminal.yesterday())
}

/// The job's output store.
pub fn output(job: &Job) -> Result<Store, Failure> {
    Ok(Store::open(&job.settings.output.url, &access()?)?)
}

/// How stores are reached from here: the working directory and the environment, where the clouds' own tools keep
/// credentials.
pub fn access() -> Result<Access, Failure> {
    let variables = std::env::vars_os();
    let text = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Access { base: working_directory()?, variables: text.collect() })
}

fn working_directory() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .or_else(|_| std::path::absolute(Path::new(".")))
        .map_err(|e| Failure::unexpected(format!("the working directory cannot be read: {e}")))
}
