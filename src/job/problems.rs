//! What is wrong with a job, all of it at once: where it stands, what it is, and what was probably meant.

use std::fmt;

/// One problem of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File and line, environment variable, or flag.
    pub place: String,
    pub message: String,
}

impl Problem {
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Every problem that was found; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// An unknown word with what was probably meant, or with everything that is known.
pub fn unknown<'a>(what: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let close = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&last(name), &last(word)), *name))
        .min()
        .filter(|(distance, name)| *distance <= (last(name).len() / 3).max(1));
    match close {
        Some((_, name)) => format!("unknown {what} `{word}`; did you mean `{name}`?"),
        None => format!("unknown {what} `{word}`; known: {}", known.join(", ")),
    }
}
