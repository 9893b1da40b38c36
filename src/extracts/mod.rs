//! The data contract: what a data team drops into object storage, checked row by row and held in memory.
//!
//! Loading ends with one [`Extracts`]: every row that was known by the end of the run's day, in all its versions,
//! beside what was rejected and why. Nothing here interprets; the as-of view is `history`.

pub mod error;
pub mod schema;
pub mod settings;
pub mod tables;
pub mod until;

mod assemble;
mod batch_time;
mod buckets;
mod check;
mod convert;
mod dictionary_column;
mod feature_assembly;
mod feature_base;
mod feature_kept;
mod feature_rows;
mod feature_run;
pub(crate) mod frame;
mod gather;
pub mod late;
mod load;
mod locate;
mod opened;
mod order;
pub(crate) mod packed;
mod parquet_file;
mod part;
mod pieces;
mod places;
mod rejects;
mod rules;
mod scan;
mod settled;
mod state;
mod stream;
mod stretches;
mod tally;
mod usage_base;
mod usage_kept;
mod usage_rows;
mod usage_run;
mod use_code;
mod users;

pub use buckets::{Bucketized, bucketize};
pub use error::{Error, Problem};
pub use load::{Delivered, inputs, load, load_from, read};
pub use part::{MOST_PARTS, Part};
pub use settings::Settings;
pub use state::State;
pub use tally::Digest;
pub use users::Users;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{AccountIx, ContactIx, Day, Dictionary, FeatureIx, MetricIx, ProductIx};
use tables::*;

words!(
    /// The input tables, in loading order: a table stands after those it refers to.
    InputTable {
        Accounts = "accounts", Products = "products", Features = "features", Subscriptions = "subscriptions",
        Entitlements = "entitlements", Usage = "usage", FeatureUsage = "feature_usage", Integrations = "integrations",
        Contacts = "contacts", Activities = "activities", Conversations = "conversations", Tickets = "tickets",
        Surveys = "surveys", Invoices = "invoices", AccountEvents = "account_events", Opportunities = "opportunities",
        Decisions = "decisions", Outcomes = "outcomes", TextLabels = "text_labels", Annotations = "annotations",
    }
);

/// Rows of a table decoded so far.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub table: InputTable,
    pub rows: u64,
    /// Much was freed just now: a good moment to hand it back to the system.
    pub freed: bool,
}

/// Told after every batch, from any thread, and once after tables that were read together.
pub type ProgressOf<'a> = &'a (dyn Fn(Progress) + Sync);

/// When a row version was known: from the day it was recorded until the day its successor was.
///
/// It is visible at the end of day D when `known <= D < superseded`. Without `recorded_at` the row's own event day
/// stands for `known`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub known: Day,
    pub superseded: Day,
}

impl Seen {
    pub fn from(known: Day) -> Seen {
        Seen { known, superseded: Day::MAX }
    }

    #[inline]
    pub fn on(self, day: Day) -> bool {
        self.known <= day && day < self.superseded
    }
}

/// A row of an input table.
pub trait Row {
    fn seen(&self) -> Seen;
}

/// Rows grouped by account, each group in the table's own order (event time, then key).
#[derive(Clone, Debug)]
pub struct PerAccount<T> {
    rows: Vec<T>,
    /// Row range of account i is `starts[i]..starts[i + 1]`.
    starts: Vec<u32>,
}

impl<T> Default for PerAccount<T> {
    fn default() -> Self {
        PerAccount { rows: Vec::new(), starts: vec![0] }
    }
}

impl<T> PerAccount<T> {
    /// Groups rows that are already sorted by account.
    pub fn group(rows: Vec<T>, accounts: usize, account_of: impl Fn(&T) -> AccountIx) -> Self {
        let mut starts = Vec::with_capacity(accounts + 1);
        starts.push(0);
        let mut row = 0;
        for account in 0..accounts {
            while row < rows.len() && account_of(&rows[row]).at() == account {
                row += 1;
            }
            starts.push(row as u32);
        }
        debug_assert_eq!(row, rows.len(), "rows must be sorted by account");
        PerAccount { rows, starts }
    }

    /// Every version of every row of the account.
    #[inline]
    pub fn of(&self, account: AccountIx) -> &[T] {
        &self.rows[self.range(account)]
    }

    #[inline]
    pub fn all(&self) -> &[T] {
        &self.rows
    }

    #[inline]
    fn range(&self, account: AccountIx) -> Range<usize> {
        match self.starts.get(account.at()..=account.at() + 1) {
            Some(&[from, to]) => from as usize..to as usize,
            _ => 0..0,
        }
    }
}

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

/// A row that broke a rule of the contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectedRow {
    pub table: InputTable,
    pub key: String,
    /// The rule in words, e.g. `account_id must exist in accounts`.
    pub rule: String,
    pub column: Option<String>,
    pub value: Option<String>,
    pub source_file: String,
}

/// What the checks found about one table; a row of the `data_quality` output.
#[derive(Clone, Debug)]
pub struct TableQuality {
    pub table: InputTable,
    pub rows: u64,
    pub rejected: u64,
    pub newest_event: Option<Day>,
    /// Share of nulls per optional column, in column order.
    pub null_share: Vec<(String, f64)>,
    pub available: bool,
    /// Conversions, unknown columns, missing `recorded_at`, and other things to know.
    pub notes: Vec<String>,
}

/// One object that was read.
#[derive(Clone, Debug)]
pub struct InputFile {
    pub table: InputTable,
    pub path: String,
    pub etag: String,
    pub bytes: u64,
    pub rows: u64,
}

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
    pub fn without_use(self) -> Extracts {
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
