//! Extracts cut into N buckets by account, so that N machines read a part each and none reads everything. What stands
//! where is [`super::delivered::index`].

mod cut;
mod roaming;
mod writers;

pub use cut::{Bucketized, bucketize};
