//! A data scientist's own feature table: read, encoded, judged against a trivial rule, trained and scored.
//!
//! ```text
//! file ─ source (batches) ─ profile (what each column holds) ─ coded (one byte per cell) ─ folds ─ judge ─▶ report
//!                                                                                    └─ training ─▶ model ─ score
//! ```
//!
//! The file is read twice in batches and kept as one byte per cell, so memory follows rows × columns and never the
//! width of their values. Nothing here reads a clock: seconds come from whoever calls.

pub mod cells;
pub mod coarse;
pub mod coded;
pub mod delimited;
pub mod folds;
pub mod interactions;
pub mod judge;
pub mod labels;
pub mod leaks;
pub mod model;
pub mod pairs;
pub mod profile;
pub mod recipe;
pub mod score;
pub mod source;
pub mod training;

use crate::store;
use crate::wording;

pub use coded::CodedTable;
pub use model::TableModel;
pub use source::TableFile;

/// Which columns of a table mean what.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// What is predicted: two values.
    pub label: String,
    /// The value of the label that is predicted; found by its name where it is left out.
    pub positive: Option<String>,
    /// Names the row or the account; rows of one id stay in one fold.
    pub id: Option<String>,
    /// When a row was known; later rows judge what earlier ones trained.
    pub time: Option<String>,
    /// Columns that are left out.
    pub exclude: Vec<String>,
}

impl Roles {
    /// Every column that is named, with the flag that names it.
    fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let exclude = self.exclude.iter().map(|name| ("--exclude", name));
        let single = [("--label", Some(&self.label)), ("--id", self.id.as_ref()), ("--time", self.time.as_ref())];
        single.into_iter().filter_map(|(flag, name)| Some((flag, name?))).chain(exclude)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{file}: {reason}")]
    Unreadable { file: String, reason: String },
    #[error("{file}: `{flag} {name}`: the table has no such column{hint}")]
    UnknownColumn { file: String, flag: &'static str, name: String, hint: String },
    #[error("{file}: column `{column}`: {reason}")]
    Column { file: String, column: String, reason: String },
    #[error("{file}: {reason}")]
    Unfit { file: String, reason: String },
}

impl Error {
    /// Whether the content of the file is at fault rather than what was asked of it.
    pub fn is_content(&self) -> bool {
        matches!(self, Error::Unreadable { .. })
    }
}

/// `; did you mean x?`, or the columns there are where nothing is near.
fn hint(name: &str, known: &[String]) -> String {
    let folded = |text: &str| text.to_lowercase();
    let same = known.iter().find(|column| folded(column) == folded(name)).map(String::as_str);
    match same.or_else(|| wording::nearest(name, known.iter().map(String::as_str))) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => {
            let shown: Vec<String> = known.iter().take(12).map(|column| format!("`{column}`")).collect();
            let more = known.len().saturating_sub(shown.len());
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("; it has {}{rest}", shown.join(", "))
        }
    }
}
