//! All contracts in one list: what a load goes through, and what `foothold schema` publishes.

use std::sync::LazyLock;

use super::{
    account_events, accounts, activities, annotations, contacts, conversations, decisions, entitlements, feature_usage,
    features, integrations, invoices, opportunities, outcomes, products, subscriptions, surveys, text_labels, tickets,
    usage,
};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::Table;

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| InputTable::ALL.iter().map(|t| contract(*t)).collect());

/// Every input table, in loading order.
///
/// ```
/// use foothold::extracts::tables::contracts;
/// let names: Vec<&str> = contracts::tables().iter().map(|table| table.name()).collect();
/// assert!(names.contains(&"usage"));
/// ```
pub fn tables() -> &'static [Table] {
    &TABLES
}

pub fn table(table: InputTable) -> &'static Table {
    // InputTable::ALL is in declaration order, which is the order of TABLES.
    &TABLES[table as usize]
}

/// What the table's own file says about it.
fn contract(table: InputTable) -> Table {
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
