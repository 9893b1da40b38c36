//! The two big tables packed: runs of what was gathered or kept, merged into the history of usage and the log of features.

pub mod feature_assembly;
pub mod feature_base;
pub mod feature_kept;
pub mod feature_rows;
pub mod feature_run;
pub mod stream;
pub mod usage_base;
pub mod usage_kept;
pub mod usage_rows;
pub mod usage_run;

/// In rising order, each once.
fn distinct<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}
