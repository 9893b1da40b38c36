//! Publishing: layer results become checked tables, an immutable run, a manifest, and what BI reads.
//!
//! ```text
//! rows ─▶ Frame ─▶ check and encode ─▶ Checked ─▶ runs/{run_id}/… ─▶ manifest (the commit) ─▶ tables/…, site/…, meta/…
//!                          └─ large files, piece by piece ─┘
//! ```
//! Nothing here decides what a row says; it only refuses to show rows that break the contract.

pub mod arrow_schema;
pub mod checks;
mod claim;
mod column;
mod commit;
pub mod data_frame;
pub mod dictionary;
pub mod frame;
mod keys;
pub mod manifest;
mod pages;
pub mod parquet;
mod pieces;
pub mod reader;
mod rules;
pub mod schema;
mod sequence;
pub mod stored;
pub mod table;
pub mod tables;
pub mod trail;

pub use checks::{Checked, Failure, Refused, check, check_into};
pub use claim::Claim;
pub use commit::{About, Page, commit, describe, expose, repair, show, write_evidence};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(
        "another run published first ({path} is taken); nothing of this run is visible. Run again to publish over it"
    )]
    RaceLost { path: String },
    #[error(
        "{path}: not a manifest that this version can read; restore it, or delete it to fall back to the run before"
    )]
    Unreadable { path: String },
    #[error("{path}: content differs from what its manifest says; it was changed after the run. Run the day again")]
    Altered { path: String },
    #[error("{} output checks failed, nothing was published; the rows are under {evidence}\n{}", .failures.len(), listed(.failures))]
    Checks { failures: Vec<Failure>, evidence: String },
}

fn listed(failures: &[Failure]) -> String {
    failures.iter().map(|failure| format!("  {failure}")).collect::<Vec<_>>().join("\n")
}
