//! `features`: what a product can do and from which tier on.

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
