//! What can be wrong with extracts, said so that the person who delivers them can mend it.

use std::fmt;

use super::input_table::InputTable;
use crate::store;
use crate::vocabulary::Day;

/// One fault of a table: where it is, what was found and what was expected, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub table: InputTable,
    /// URL of the file, or of the place where a file was looked for.
    pub place: String,
    pub column: Option<String>,
    /// What was found against what was expected.
    pub reason: String,
    /// At most five, each with its row key or row number.
    pub examples: Vec<String>,
    pub next: String,
}

impl Problem {
    pub fn new(
        table: InputTable,
        place: impl Into<String>,
        reason: impl Into<String>,
        next: impl Into<String>,
    ) -> Problem {
        let (place, reason, next) = (place.into(), reason.into(), next.into());
        Problem { table, place, column: None, reason, examples: Vec::new(), next }
    }

    pub fn at_column(self, column: impl Into<String>) -> Problem {
        Problem { column: Some(column.into()), ..self }
    }

    pub fn examples(self, examples: impl IntoIterator<Item = String>) -> Problem {
        Problem { examples: examples.into_iter().take(MAX_EXAMPLES).collect(), ..self }
    }
}

/// As many as a person reads.
pub const MAX_EXAMPLES: usize = 5;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.table, self.place)?;
        if let Some(column) = &self.column {
            write!(f, "column `{column}`: ")?;
        }
        write!(f, "{}", self.reason)?;
        for example in &self.examples {
            write!(f, "\n    e.g. {example}")?;
        }
        write!(f, "\n    → {}", self.next)
    }
}

/// Why the extracts could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The extracts break the contract; nothing may be published.
    #[error("{}", contract_text(.0))]
    Contract(Vec<Problem>),
    /// Nothing has been delivered (yet).
    #[error("{place}: {reason}\n    → {next}")]
    NotReady { place: String, reason: String, next: String },
    /// The extracts stand in buckets, and not in those that were asked for.
    #[error("{place}: {reason}\n    → {next}")]
    Buckets { place: String, reason: String, next: String },
    /// The store could not be reached or answered with a fault; a later attempt may succeed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn contract_text(problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "the extracts break the contract in one place".to_owned(),
        n => format!("the extracts break the contract in {n} places"),
    };
    problems.iter().fold(count, |text, problem| format!("{text}\n{problem}"))
}

impl Error {
    pub(in crate::extracts) fn not_readable(place: &str, fault: &store::Error) -> Error {
        Error::NotReady {
            place: place.to_owned(),
            reason: format!("cannot be read: {fault}"),
            next: "check the URL and the rights of the job's credentials".into(),
        }
    }

    pub(in crate::extracts) fn nothing_there(place: &str, day: Day) -> Error {
        Error::NotReady {
            place: place.to_owned(),
            reason: format!("no table stands here to run as of {day}"),
            next: "check `extracts.url` in the job, or wait for the delivery and run again".into(),
        }
    }
}
