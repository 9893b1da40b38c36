//! `opportunities`: expansion and renewal deals, open, won and lost.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

words!(
    OpportunityKind { Upsell = "upsell", CrossSell = "cross_sell", Renewal = "renewal", Other = "other" }
);
words!(
    Stage { Open = "open", Won = "won", Lost = "lost" }
);

#[derive(Clone, Debug)]
pub struct Opportunity {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub product: Option<ProductIx>,
    pub kind: OpportunityKind,
    pub opened_on: Day,
    pub closed_on: Option<Day>,
    pub stage: Stage,
    pub arr_delta: Option<f64>,
    pub recommendation_id: Option<Text>,
    pub source: Option<Text>,
}

impl Row for Opportunity {
    fn seen(&self) -> Seen {
        self.seen
    }
}

impl Opportunity {
    /// The stage as it stood at the end of `day`: a deal closed later was still open.
    pub fn stage_on(&self, day: Day) -> Stage {
        if self.closed_on.is_some_and(|closed| closed > day) { Stage::Open } else { self.stage }
    }
}
