//! `products`: one row per product and tier, gathered into one [`Product`] with its tiers in rank order.

use crate::vocabulary::Text;

words!(
    ProductKind { Core = "core", AddOn = "add_on", Support = "support" }
);

/// A product; its index is its position in the `products` dictionary.
///
/// A product that contracts or usage name but `products` does not list has its id as name, no kind and no tiers.
#[derive(Clone, Debug)]
pub struct Product {
    pub id: Text,
    pub name: Text,
    pub family: Option<Text>,
    pub kind: Option<ProductKind>,
    /// What one licence unit is, e.g. `seat`.
    pub unit: Option<Text>,
    /// In rising `rank`.
    pub tiers: Vec<Tier>,
}

#[derive(Clone, Debug)]
pub struct Tier {
    pub tier: Text,
    /// 1 = lowest.
    pub rank: i64,
    /// Per unit and year, reporting currency.
    pub list_price: Option<f64>,
}

impl Product {
    pub fn tier(&self, tier: &str) -> Option<&Tier> {
        self.tiers.iter().find(|known| &*known.tier == tier)
    }

    /// The next tier above `tier`, if there is one.
    pub fn tier_above(&self, tier: &str) -> Option<&Tier> {
        let rank = self.tier(tier)?.rank;
        self.tiers.iter().find(|known| known.rank > rank)
    }
}
