//! What the two big tables have in common while they are read.

use arrow::record_batch::RecordBatch;

use crate::extracts::delivered::found::Source;
use crate::extracts::kept::state::Kept;

/// Rows on their way: first what earlier nights packed, then those of files.
pub trait Stream: Sync {
    /// Takes the months that are over as they are kept; whether they count today.
    fn stand_on(&mut self, kept: &[Kept]) -> bool;

    /// Takes what is kept of a chunk; whether it counts today.
    fn take(&self, kept: &Kept) -> bool;

    fn add(&self, source: &Source, batch: &RecordBatch);

    /// Gives up the months that are over where other rows lie before their end; whether that was so.
    fn step_down(&mut self) -> bool;
}
