//! The data contract: what a data team drops into object storage, checked row by row and held in memory.
//!
//! ```text
//! contract ─▶ delivered ─▶ checked ──────────────────▶ tables ─▶ assembled       loading walks this way
//!                  │                                      ▲
//!                  └────▶ gathered ─▶ rollups (packed) ───┘
//!                                      └─▶ kept ─▶ the next night
//! ```
//! Loading ends with one [`Extracts`]: every row that was known by the end of the run's day, in all its versions,
//! beside what was rejected and why. Nothing here interprets; the as-of view is `history`.

pub mod assembled;
mod buckets;
mod checked;
pub mod contract;
mod delivered;
mod gathered;
mod kept;
mod loading;
pub(crate) mod packed;
mod rollups;
pub mod tables;

pub use assembled::extracts::Extracts;
pub use buckets::{Bucketized, bucketize};
pub use checked::ids::Dictionaries;
pub use checked::seen::{PerAccount, Row, Seen};
pub use checked::users::Users;
pub use contract::error::{Error, Problem};
pub use contract::input_table::InputTable;
pub use contract::part::{MOST_PARTS, Part};
pub use contract::quality::{RejectedRow, TableQuality};
pub use contract::settings::Settings;
pub use delivered::read_file::InputFile;
pub use delivered::scan::{Progress, ProgressOf};
pub use kept::state::State;
pub use loading::digest::Digest;
pub use loading::load::{Delivered, inputs, load, load_from, read};
