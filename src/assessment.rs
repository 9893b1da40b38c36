//! What layers 1 and 2 know of one account on one day: the only thing that layers 3 and 4 look at.

use crate::health::Health;
use crate::history::contracts::Contract;
use crate::models::Propensity;
use crate::observations::Kept;
use crate::readiness::Readiness;
use crate::signals::Signal;
use crate::stakeholders::StakeholderMap;
use crate::vocabulary::{AccountIx, ProductIx, PropensityKind};

#[derive(Clone, Debug)]
pub struct Assessment<'a> {
    pub account: AccountIx,
    pub contract: Contract<'a>,
    pub facts: Kept,
    /// Churn first, then upsell, then cross-sell by product.
    pub propensities: Vec<Propensity>,
    pub stakeholders: StakeholderMap,
    /// By signal name, product, then particulars.
    pub signals: Vec<Signal>,
    pub health: Health,
    pub readiness: Readiness,
}

impl Assessment<'_> {
    /// What its own tables say of it: of the contract nothing that stands in the extracts.
    pub fn without_rows(self) -> Assessment<'static> {
        let contract = Contract { active: Vec::new(), ..self.contract };
        Assessment { contract, ..self }
    }

    pub fn propensity(&self, kind: PropensityKind, product: Option<ProductIx>) -> Option<&Propensity> {
        self.propensities.iter().find(|p| p.kind == kind && p.product == product)
    }
}
