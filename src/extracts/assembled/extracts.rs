//! The whole that loading ends with: every row of every table, in all its versions.

use std::collections::BTreeSet;

use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::PerAccount;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::quality::{RejectedRow, TableQuality};
use crate::extracts::delivered::read_file::InputFile;
use crate::extracts::tables::*;
use crate::vocabulary::{AccountIx, FeatureIx, MetricIx, ProductIx};

/// Everything known by the end of the run's day.
#[derive(Clone, Debug, Default)]
pub struct Extracts {
    /// The accounts whose rows are held; of all others only their row of `accounts`.
    pub part: Part,
    pub ids: Dictionaries,
    pub accounts: PerAccount<Account>,
    /// By [`ProductIx`].
    pub products: Vec<Product>,
    /// By [`FeatureIx`].
    pub features: Vec<Feature>,
    pub subscriptions: PerAccount<Subscription>,
    pub entitlements: PerAccount<Entitlement>,
    pub usage: UsageHistory,
    pub feature_usage: FeatureLog,
    pub integrations: PerAccount<Integration>,
    pub contacts: PerAccount<Contact>,
    pub activities: PerAccount<Activity>,
    pub conversations: PerAccount<Conversation>,
    pub tickets: PerAccount<Ticket>,
    pub surveys: PerAccount<Survey>,
    pub invoices: PerAccount<Invoice>,
    pub account_events: PerAccount<AccountEvent>,
    pub opportunities: PerAccount<Opportunity>,
    pub annotations: PerAccount<Annotation>,
    /// Sorted by (recommendation_id, decided_at).
    pub decisions: Vec<Decision>,
    /// Sorted by (recommendation_id, at).
    pub outcomes: Vec<Outcome>,
    /// Sorted by (source, row_id).
    pub text_labels: Vec<TextLabel>,
    /// Tables that were delivered, even if empty.
    pub available: BTreeSet<InputTable>,
    pub quality: Vec<TableQuality>,
    /// Sorted.
    pub rejected: Vec<RejectedRow>,
    pub inputs: Vec<InputFile>,
}

impl Extracts {
    /// Frees the three big tables, for those who only write what was found in them.
    pub fn without_large_tables(self) -> Extracts {
        let (usage, feature_usage, activities) = Default::default();
        Extracts { usage, feature_usage, activities, ..self }
    }

    #[inline]
    pub fn has(&self, table: InputTable) -> bool {
        self.available.contains(&table)
    }

    #[inline]
    pub fn product(&self, product: ProductIx) -> &Product {
        &self.products[product.at()]
    }

    #[inline]
    pub fn feature(&self, feature: FeatureIx) -> &Feature {
        &self.features[feature.at()]
    }

    #[inline]
    pub fn metric(&self, metric: MetricIx) -> &str {
        self.ids.metrics.name(metric)
    }

    pub fn account_id(&self, account: AccountIx) -> &str {
        self.ids.accounts.name(account)
    }

    /// Whether the rows of the account are held here, and not by another part.
    pub fn owns(&self, account: AccountIx) -> bool {
        self.part.owns(self.account_id(account))
    }

    /// Every account that the extracts name, known today or not.
    pub fn account_indices(&self) -> impl Iterator<Item = AccountIx> + use<> {
        (0..self.ids.accounts.len()).map(AccountIx::from)
    }
}
