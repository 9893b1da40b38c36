//! Several machines make one night: shard i of N computes its accounts, and what must be known of all accounts goes
//! from shard to shard through the output's store.
//!
//! ```text
//! shards/{day}/{key}/{round}/{i}-of-{N}.bin          what the others must know of shard i in a round: small, by dense id
//! shards/{day}/{key}/result/{i}-of-{N}/…             its tables and what else the day's run is made of
//! shards/{day}/{key}/result/{i}-of-{N}/shard.json    the shard is done; written last
//! ```
//! The key is a hash of everything that must be the same for all shards, so that shards of different inputs, jobs or
//! programs never meet. Every object is written once and never changed; whoever runs a shard again finds its own
//! objects and goes on from there. There is no coordinator: when a round is complete, each shard draws the same
//! conclusions from it.

mod gather;
mod identity;
mod result;
mod rounds;

use crate::extracts::Part;
use crate::store;
use crate::vocabulary::Day;

pub use gather::{Expected, gather};
pub use identity::Identity;
pub use result::{Shard, read_results, stands, write_result};
pub use rounds::{Rounds, Share};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(
        "waiting for shard{} {} (what they know as of {day} for the round `{round}`); run them, and run this shard again, \
         or let it wait with --wait SECONDS", if .missing.len() == 1 { "" } else { "s" }, listed(.missing)
    )]
    Waiting { day: Day, round: String, missing: Vec<Part> },
    #[error("{}", .0)]
    Incomplete(String),
    #[error("{path}: not what a shard of this version writes; delete it and run the shard again")]
    Unreadable { path: String },
}

fn listed(parts: &[Part]) -> String {
    parts.iter().map(Part::to_string).collect::<Vec<_>>().join(", ")
}

/// All parts of a number.
fn parts(of: u32) -> impl Iterator<Item = Part> {
    (1..=of).filter_map(move |number| Part::new(number, of))
}
