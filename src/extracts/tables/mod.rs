//! One file per input table: its row, its columns and its rules.

pub mod account_events;
pub mod accounts;
pub mod activities;
pub mod annotations;
pub mod contacts;
pub mod conversations;
pub mod decisions;
pub mod entitlements;
pub mod feature_usage;
pub mod features;
pub mod integrations;
pub mod invoices;
pub mod opportunities;
pub mod outcomes;
pub mod products;
pub mod subscriptions;
pub mod surveys;
pub mod text_labels;
pub mod tickets;
pub mod usage;

pub use account_events::{AccountEvent, EventKind};
pub use accounts::Account;
pub use activities::{Activity, ActivityKind, Bound};
pub use annotations::Annotation;
pub use contacts::{Contact, Seniority};
pub use conversations::{Channel, Conversation};
pub use decisions::{Decision, Verdict};
pub use entitlements::{Entitlement, Period};
pub(crate) use feature_usage::{CarriedUses, FeaturePiece, PackedUses};
pub use feature_usage::{DayUse, FeatureLog, FeatureLogBuilder, FeatureUse, Uses};
pub use features::{Feature, FeatureKind};
pub use integrations::{Flow, Integration};
pub use invoices::Invoice;
pub use opportunities::{Opportunity, OpportunityKind, Stage};
pub use outcomes::{Outcome, Result as OutcomeResult};
pub use products::{Product, ProductKind, Tier};
pub use subscriptions::Subscription;
pub use surveys::{Survey, SurveyKind};
pub use text_labels::{Intent, TextLabel, TextSource};
pub use tickets::{Priority, Ticket};
pub use usage::{Cells, Known, Series, UsageBuilder, UsageHistory, UsageVersion};

use super::InputTable;
use super::schema::Table;

/// What the table's own file says about it.
pub(crate) fn contract(table: InputTable) -> Table {
    match table {
        InputTable::Accounts => accounts::contract(),
        InputTable::Products => products::contract(),
        InputTable::Features => features::contract(),
        InputTable::Subscriptions => subscriptions::contract(),
        InputTable::Entitlements => entitlements::contract(),
        InputTable::Usage => usage::contract(),
        InputTable::FeatureUsage => feature_usage::contract(),
        InputTable::Integrations => integrations::contract(),
        InputTable::Contacts => contacts::contract(),
        InputTable::Activities => activities::contract(),
        InputTable::Conversations => conversations::contract(),
        InputTable::Tickets => tickets::contract(),
        InputTable::Surveys => surveys::contract(),
        InputTable::Invoices => invoices::contract(),
        InputTable::AccountEvents => account_events::contract(),
        InputTable::Opportunities => opportunities::contract(),
        InputTable::Decisions => decisions::contract(),
        InputTable::Outcomes => outcomes::contract(),
        InputTable::TextLabels => text_labels::contract(),
        InputTable::Annotations => annotations::contract(),
    }
}
