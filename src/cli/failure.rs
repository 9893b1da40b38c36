//! Every way a command can end badly, and the exit code of each.

use std::process::ExitCode;

use super::host::stop_signal;
use super::show;
use crate::models::champions::registry;
use crate::{accuracy, extracts, feature_table, job, pipeline, publish, reviews, shards, simulate, store};

/// A failed command: what to say, and the code to leave with.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
    /// The parts of the message, where there are several.
    pub problems: Vec<String>,
}

const UNEXPECTED: u8 = 1;
const USAGE: u8 = 2;
const CONTRACT: u8 = 3;
const NOT_READY: u8 = 4;
const RACE: u8 = 5;

impl Failure {
    pub fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), problems: Vec::new() }
    }

    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new(USAGE, message)
    }

    pub fn unexpected(message: impl Into<String>) -> Failure {
        Failure::new(UNEXPECTED, message)
    }

    /// Says what went wrong on stderr, and as JSON on stdout for those who read that.
    pub fn report(&self, as_json: bool) -> ExitCode {
        show::complain(&format!("error: {}", self.message));
        if as_json {
            let told = serde_json::json!({
                "status": "failed", "exit_code": self.code, "error": self.message, "problems": self.problems,
            });
            show::json(&told);
        }
        ExitCode::from(self.code)
    }
}

impl From<job::Problems> for Failure {
    fn from(problems: job::Problems) -> Failure {
        let parts = problems.0.iter().map(ToString::to_string).collect();
        Failure { code: USAGE, message: format!("the job cannot be used\n{problems}"), problems: parts }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        let code = if matches!(error, store::Error::Url { .. }) { USAGE } else { UNEXPECTED };
        Failure::new(code, error.to_string())
    }
}

impl From<extracts::Error> for Failure {
    fn from(error: extracts::Error) -> Failure {
        let message = error.to_string();
        match error {
            extracts::Error::Contract(problems) => {
                let problems = problems.iter().map(ToString::to_string).collect();
                Failure { code: CONTRACT, message, problems }
            }
            extracts::Error::NotReady { .. } => Failure::new(NOT_READY, message),
            extracts::Error::Buckets { .. } => Failure::usage(message),
            extracts::Error::Store(e) => e.into(),
        }
    }
}

impl From<publish::Error> for Failure {
    fn from(error: publish::Error) -> Failure {
        let message = error.to_string();
        match error {
            publish::Error::Store(e) => e.into(),
            publish::Error::RaceLost { .. } => Failure::new(RACE, message),
            publish::Error::Checks { failures, .. } => {
                let problems = failures.iter().map(ToString::to_string).collect();
                Failure { code: UNEXPECTED, message, problems }
            }
            _ => Failure::new(UNEXPECTED, message),
        }
    }
}

impl From<registry::Error> for Failure {
    fn from(error: registry::Error) -> Failure {
        match error {
            registry::Error::Store(e) => e.into(),
            registry::Error::Slot { .. }
            | registry::Error::Version { .. }
            | registry::Error::Unknown { .. }
            | registry::Error::Ambiguous { .. }
            | registry::Error::Standing { .. }
            | registry::Error::NothingEarlier { .. } => Failure::usage(error.to_string()),
            other => Failure::unexpected(other.to_string()),
        }
    }
}

impl From<feature_table::Error> for Failure {
    fn from(error: feature_table::Error) -> Failure {
        let code = if error.is_content() { CONTRACT } else { USAGE };
        match error {
            feature_table::Error::Store(e) => e.into(),
            other => Failure::new(code, other.to_string()),
        }
    }
}

impl From<simulate::Error> for Failure {
    fn from(error: simulate::Error) -> Failure {
        match error {
            simulate::Error::Store(e) => e.into(),
            simulate::Error::Encoding { .. } => Failure::unexpected(error.to_string()),
            simulate::Error::Accounts(_) | simulate::Error::Days(_) => Failure::usage(error.to_string()),
        }
    }
}

impl From<accuracy::Error> for Failure {
    fn from(error: accuracy::Error) -> Failure {
        match error {
            accuracy::Error::World(e) => e.into(),
            accuracy::Error::Extracts(e) => e.into(),
            accuracy::Error::Store(e) => e.into(),
            accuracy::Error::Pipeline(e) => e.into(),
            accuracy::Error::Leak(_) | accuracy::Error::Truth { .. } => Failure::unexpected(error.to_string()),
        }
    }
}

impl From<reviews::Error> for Failure {
    fn from(error: reviews::Error) -> Failure {
        match error {
            reviews::Error::Store(e) => e.into(),
            reviews::Error::Unreadable { .. } | reviews::Error::Taken { .. } => Failure::unexpected(error.to_string()),
            other => Failure::usage(other.to_string()),
        }
    }
}

impl From<shards::Error> for Failure {
    fn from(error: shards::Error) -> Failure {
        match error {
            shards::Error::Store(e) => e.into(),
            shards::Error::Waiting { .. } | shards::Error::Incomplete(_) => Failure::new(NOT_READY, error.to_string()),
            shards::Error::Unreadable { .. } => Failure::unexpected(error.to_string()),
        }
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Failure {
        match error {
            pipeline::Error::Extracts(e) => e.into(),
            pipeline::Error::Publish(e) => e.into(),
            pipeline::Error::Store(e) => e.into(),
            pipeline::Error::Models(e) => e.into(),
            pipeline::Error::Leak(e) => Failure::new(CONTRACT, e.to_string()),
            pipeline::Error::Reviews(e) => e.into(),
            pipeline::Error::Audit(e) => Failure::unexpected(e.to_string()),
            pipeline::Error::Shards(e) => e.into(),
            pipeline::Error::Untrained { .. } => Failure::new(NOT_READY, error.to_string()),
            pipeline::Error::Interrupted => Failure::new(stop_signal().unwrap_or(130), error.to_string()),
        }
    }
}
