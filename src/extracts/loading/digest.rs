//! What the parts of a night tell each other of what they read.

use serde::{Deserialize, Serialize};

use crate::extracts::contract::part::is_split;
use crate::extracts::contract::tally::Tally;
use crate::extracts::tables::contracts;
use crate::vocabulary::Text;

/// What one part found: its tallies, and names that every part must know to number things alike.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Digest {
    pub(in crate::extracts) tallies: Vec<Tally>,
    pub(in crate::extracts) products: Vec<Text>,
    pub(in crate::extracts) metrics: Vec<Text>,
}

impl Digest {
    /// The digests of all parts, in part order, as one. Tables that every part reads whole count once.
    pub(super) fn union(parts: Vec<Digest>) -> Digest {
        let mut parts = parts.into_iter();
        let mut whole = parts.next().unwrap_or_default();
        for part in parts {
            whole.products.extend(part.products);
            whole.metrics.extend(part.metrics);
            for tally in part.tallies.into_iter().filter(|tally| is_split(contracts::table(tally.table))) {
                match whole.tallies.iter_mut().find(|known| known.table == tally.table) {
                    Some(known) => known.add(tally),
                    None => whole.tallies.push(tally),
                }
            }
        }
        whole
    }
}
