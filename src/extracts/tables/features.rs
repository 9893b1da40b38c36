//! `features`: what a product can do and from which tier on.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, id, int, text, word};
use crate::vocabulary::{ProductIx, Text};

words!(
    FeatureKind { Core = "core", Advanced = "advanced", Premium = "premium", Workflow = "workflow", Export = "export", Api = "api", Teaser = "teaser" }
);

/// A feature; its index is its position in the `features` dictionary.
#[derive(Clone, Debug)]
pub struct Feature {
    pub id: Text,
    pub product: ProductIx,
    pub name: Text,
    /// Lowest tier rank that includes it.
    pub min_tier_rank: Option<i64>,
    pub kind: Option<FeatureKind>,
    pub use_case: Option<Text>,
    /// Heavy use is a known workaround for that product.
    pub suggests: Option<ProductIx>,
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Features,
        "what a product can do",
        &["feature_id"],
        [
            id("feature_id", Entity::Feature, "the feature"),
            id("product_id", Entity::Product, "the product that has it").in_table(InputTable::Products),
            text("name", "what people call the feature"),
            int("min_tier_rank", "lowest tier that includes it").optional(),
            word("kind", FeatureKind::WORDS, "what the feature is for").optional(),
            text("use_case", "the use it serves").optional(),
            id(
                "suggests_product_id",
                Entity::Product,
                "heavy use of the feature is a known workaround for this product",
            )
            .optional()
            .in_table(InputTable::Products),
        ],
    )
}

/// One feature per id of the dictionary, which holds only ids that `features` lists.
pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Feature> {
    let (mut feature, mut product, mut name) = (t.text("feature_id"), t.product("product_id", ids), t.text("name"));
    let (rank, mut kind) = (t.int("min_tier_rank"), t.word("kind", FeatureKind::parse));
    let (mut use_case, mut suggests) = (t.text("use_case"), t.product("suggests_product_id", ids));
    let row = |i: usize| {
        Some(Feature {
            id: feature(i)?,
            product: product(i)?,
            name: name(i)?,
            min_tier_rank: rank(i),
            kind: kind(i),
            use_case: use_case(i),
            suggests: suggests(i),
        })
    };
    let mut features: Vec<Feature> = t.current().filter_map(row).collect();
    features.sort_by(|a, b| a.id.cmp(&b.id));
    features
}
