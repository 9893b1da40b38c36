//! Whole runs: short functions that read as the picture on the crate's page. Nothing here computes; it connects.

pub mod assess;
pub mod compare;
mod desk;
pub mod intents;
pub mod nightly;
pub mod past;
mod record;
pub mod retrain;
pub mod sharded;
pub mod summary;
mod work;

use crate::extracts::Progress;
use crate::models::champions::registry;
use crate::models::examples::cutoff;
use crate::vocabulary::Moment;
use crate::{audit, extracts, publish, reviews, shards, store};

/// The stage in which rows stream by: its buffers come and go by the million.
pub const LOAD: &str = "load";

/// The machine a run finds itself on: clock, memory and whoever is watching. Given by the caller, never reached for.
pub trait Host: Sync {
    fn now(&self) -> Moment;
    /// A stage begins.
    fn begin(&self, stage: &str);
    /// A stage ended.
    fn end(&self, stage: &str, seconds: f64);
    /// Something a person should know that does not stop the run.
    fn warn(&self, message: &str);
    /// True once the run was asked to stop.
    fn interrupted(&self) -> bool;
    /// Most memory held so far, where the system tells.
    fn peak_memory_bytes(&self) -> Option<u64>;
    /// Much was freed just now: a good moment to hand it back to the system.
    fn give_back(&self) {}
}

/// Watches a load, and hands back what it frees.
pub fn giving_back(host: &dyn Host) -> impl Fn(Progress) + Sync {
    |progress| {
        if progress.freed {
            host.give_back();
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Extracts(#[from] extracts::Error),
    #[error(transparent)]
    Publish(#[from] publish::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Models(#[from] registry::Error),
    #[error(transparent)]
    Leak(#[from] cutoff::Leak),
    #[error(transparent)]
    Audit(#[from] audit::Unreadable),
    #[error(transparent)]
    Reviews(#[from] reviews::Error),
    #[error(transparent)]
    Shards(#[from] shards::Error),
    #[error(
        "no {what} stands in {output}/models, and a shard sees too few accounts to train one; train once with \
         `foothold train JOB`, or set `models.train_if_missing = false` to run without"
    )]
    Untrained { what: &'static str, output: String },
    #[error("stopped before anything was published")]
    Interrupted,
}

impl From<retrain::Error> for Error {
    fn from(error: retrain::Error) -> Error {
        match error {
            retrain::Error::Registry(e) => e.into(),
            retrain::Error::Leak(e) => e.into(),
        }
    }
}

/// Stages with their seconds, in the order they ran.
pub struct Stages<'h> {
    host: &'h dyn Host,
    pub seconds: Vec<(&'static str, f64)>,
}

impl<'h> Stages<'h> {
    pub fn new(host: &'h dyn Host) -> Stages<'h> {
        Stages { host, seconds: Vec::new() }
    }

    /// Tells a person something that does not stop the run.
    pub fn warn(&self, message: &str) {
        self.host.warn(message);
    }

    /// Runs one stage, unless the run was asked to stop.
    pub fn run<T, E: Into<Error>>(
        &mut self,
        stage: &'static str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error> {
        if self.host.interrupted() {
            return Err(Error::Interrupted);
        }
        self.host.begin(stage);
        let started = self.host.now();
        let result = work().map_err(Into::into);
        let seconds = (self.host.now().0 - started.0) as f64 / 1e6;
        self.host.end(stage, seconds);
        self.seconds.push((stage, seconds));
        result
    }
}
