//! The dense ids of a load, by name.

use super::users::Users;
use crate::vocabulary::{AccountIx, ContactIx, Dictionary, FeatureIx, MetricIx, ProductIx};

/// The dense ids of one load.
#[derive(Clone, Debug, Default)]
pub struct Dictionaries {
    pub accounts: Dictionary<AccountIx>,
    pub products: Dictionary<ProductIx>,
    pub features: Dictionary<FeatureIx>,
    pub contacts: Dictionary<ContactIx>,
    /// A user id belongs to one account.
    pub users: Users,
    pub metrics: Dictionary<MetricIx>,
}
