//! `products`: one row per product and tier, gathered into one [`Product`] with its tiers in rank order.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, id, int, num, text, word};
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

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Products,
        "one row per product and tier",
        &["product_id", "tier"],
        [
            id("product_id", Entity::Product, "the product"),
            text("tier", "the tier, e.g. starter"),
            text("product_name", "what people call the product"),
            int("tier_rank", "1 = lowest").at_least(1.0),
            text("family", "product family").optional(),
            word("kind", ProductKind::WORDS, "core product, add-on or support plan").optional(),
            text("unit", "what a licence unit is, e.g. seat").optional(),
            num("list_price", "per unit and year, reporting currency").optional().at_least(0.0),
        ],
    )
    .need(Need::Required)
}

/// One product per id of the dictionary; tiers in rising rank, names and kind from the lowest tier that states them.
pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Product> {
    let mut products: Vec<Product> = ids.products.iter().map(|(_, id)| unlisted(id)).collect();
    let (mut product, mut tier, rank) = (t.product("product_id", ids), t.text("tier"), t.int("tier_rank"));
    let (mut name, mut family) = (t.text("product_name"), t.text("family"));
    let (mut kind, mut unit, price) = (t.word("kind", ProductKind::parse), t.text("unit"), t.num("list_price"));
    let mut order: Vec<(Option<i64>, Option<Text>, usize)> = t.current().map(|i| (rank(i), tier(i), i)).collect();
    order.sort();
    for (rank, tier, i) in order {
        let (Some(index), Some(tier), Some(rank)) = (product(i), tier, rank) else { continue };
        let product = &mut products[index.at()];
        if product.tiers.is_empty() {
            product.name = name(i).unwrap_or_else(|| product.id.clone());
        }
        product.family = product.family.take().or_else(|| family(i));
        product.kind = product.kind.or_else(|| kind(i));
        product.unit = product.unit.take().or_else(|| unit(i));
        product.tiers.push(Tier { tier, rank, list_price: price(i) });
    }
    products
}

fn unlisted(id: &Text) -> Product {
    Product { id: id.clone(), name: id.clone(), family: None, kind: None, unit: None, tiers: Vec::new() }
}
