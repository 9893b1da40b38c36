//! Checked tables → [`Extracts`]: one dictionary per kind of id, then every row with its ids looked up.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use super::extracts::Extracts;
use crate::extracts::checked::check::Ids;
use crate::extracts::checked::frame::{Frame, Frames};
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::PerAccount;
use crate::extracts::checked::users::Users;
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::part::Part;
use crate::extracts::contract::quality::{RejectedRow, TableQuality};
use crate::extracts::contract::schema::{Entity, Table};
use crate::extracts::rollups::feature_rows::FeatureFound;
use crate::extracts::rollups::usage_rows::UsageFound;
use crate::extracts::tables::contracts;
use crate::extracts::tables::*;
use crate::vocabulary::{AccountIx, Dictionary, Text};

/// Everything that was read and passed its checks.
#[derive(Default)]
pub(in crate::extracts) struct Loaded {
    pub frames: Frames,
    pub usage: Option<UsageFound>,
    pub feature_usage: Option<FeatureFound>,
    pub quality: Vec<TableQuality>,
    pub rejected: Vec<RejectedRow>,
}

impl Loaded {
    /// The ids of one column of one table.
    pub fn names<I: From<usize> + Copy>(&self, table: InputTable, column: &str) -> Dictionary<I> {
        Dictionary::new(self.values(table, column))
    }

    fn values(&self, table: InputTable, column: &str) -> Vec<Text> {
        distinct(self.frames.get(&table).into_iter().flat_map(|frame| frame.texts(column)))
    }

    /// The first key column of a table that others refer to.
    pub fn keys_of(&self, table: &Table) -> Option<Ids> {
        let referred = contracts::tables().iter().flat_map(|t| &t.columns).any(|c| c.references == Some(table.table));
        let frame = self.frames.get(&table.table).filter(|_| referred)?;
        Some(distinct(frame.texts(table.key[0])).into_iter().collect())
    }

    /// Ids of one entity in all small tables.
    fn entity(&self, entity: Entity) -> impl Iterator<Item = &str> {
        let columns = contracts::tables().iter().flat_map(|t| t.columns.iter().map(move |column| (t.table, column)));
        let named = columns.filter(move |(_, column)| column.entity == Some(entity));
        let frames = named.filter_map(|(table, column)| Some((self.frames.get(&table)?, column)));
        frames.flat_map(|(frame, column)| frame.texts(column.name))
    }

    /// Every product that some row names.
    pub fn products(&self) -> Vec<Text> {
        distinct(
            self.entity(Entity::Product)
                .chain(self.usage.iter().flat_map(|found| found.products.iter().map(|(_, name)| &**name))),
        )
    }

    /// Every metric that some row names.
    pub fn metrics(&self) -> Vec<Text> {
        distinct(
            self.entity(Entity::Metric)
                .chain(self.usage.iter().flat_map(|found| found.metrics.iter().map(|(_, name)| &**name))),
        )
    }

    /// `products` and `metrics` are those of all parts.
    fn dictionaries(&self, products: Vec<Text>, metrics: Vec<Text>) -> Dictionaries {
        let accounts: Dictionary<AccountIx> = self.names(InputTable::Accounts, "account_id");
        let users = self.feature_usage.iter().flat_map(|found| found.users(&accounts));
        let contacts = self.frames.get(&InputTable::Contacts).into_iter();
        let mut contact_users: Vec<(&str, &str)> = contacts.flat_map(|frame| frame.users("user_id")).collect();
        contact_users.sort_unstable();
        Dictionaries {
            products: Dictionary::new(products),
            features: self.names(InputTable::Features, "feature_id"),
            contacts: Dictionary::new(distinct(self.entity(Entity::Contact))),
            users: Users::of(users, contact_users.into_iter()),
            metrics: Dictionary::new(metrics),
            accounts,
        }
    }

    /// Rows of one table, grouped by account; none where it was not delivered.
    fn per_account<T>(
        &mut self,
        table: InputTable,
        ids: &Dictionaries,
        rows: fn(&Frame, &Dictionaries) -> Vec<T>,
        account_of: fn(&T) -> AccountIx,
    ) -> PerAccount<T> {
        let rows = self.flat(table, |frame| rows(frame, ids));
        PerAccount::group(rows, ids.accounts.len(), account_of)
    }

    /// Rows of one table; its frame is given up with them.
    fn flat<T>(&mut self, table: InputTable, rows: impl Fn(&Frame) -> Vec<T>) -> Vec<T> {
        self.frames.remove(&table).as_ref().map(rows).unwrap_or_default()
    }
}

/// Each text once.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Text> {
    let (mut known, mut last) = (HashSet::with_hasher(FixedState::default()), "");
    for text in texts {
        if text != last || known.is_empty() {
            known.insert(text);
            last = text;
        }
    }
    known.into_iter().map(Text::from).collect()
}

/// Puts the two big tables beside the small ones; `products` and `metrics` are the names that some row of any part uses.
pub(in crate::extracts) fn assemble(
    mut loaded: Loaded,
    part: Part,
    products: Vec<Text>,
    metrics: Vec<Text>,
) -> Extracts {
    let ids = loaded.dictionaries(products, metrics);
    let (usage, feature_usage) = (loaded.usage.take(), loaded.feature_usage.take());
    let big = || {
        let usage = usage.map(|found| found.into_history(&ids.products, &ids.metrics));
        (usage, feature_usage.map(|found| found.into_log(&ids.accounts, &ids.users)))
    };
    let ((usage, feature_usage), small) = rayon::join(big, || small(loaded, &ids));
    let (usage, feature_usage) = (usage.unwrap_or_default(), feature_usage.unwrap_or_default());
    Extracts { part, usage, feature_usage, ids, ..small }
}

/// Everything but the ids and the two big tables.
fn small(mut loaded: Loaded, ids: &Dictionaries) -> Extracts {
    use InputTable as T;
    loaded.rejected.sort();
    Extracts {
        accounts: loaded.per_account(T::Accounts, ids, accounts::rows, |row| row.account),
        products: loaded.flat(T::Products, |frame| products::rows(frame, ids)),
        features: loaded.flat(T::Features, |frame| features::rows(frame, ids)),
        subscriptions: loaded.per_account(T::Subscriptions, ids, subscriptions::rows, |row| row.account),
        entitlements: loaded.per_account(T::Entitlements, ids, entitlements::rows, |row| row.account),
        integrations: loaded.per_account(T::Integrations, ids, integrations::rows, |row| row.account),
        contacts: loaded.per_account(T::Contacts, ids, contacts::rows, |row| row.account),
        activities: loaded.per_account(T::Activities, ids, activities::rows, |row| row.account),
        conversations: loaded.per_account(T::Conversations, ids, conversations::rows, |row| row.account),
        tickets: loaded.per_account(T::Tickets, ids, tickets::rows, |row| row.account),
        surveys: loaded.per_account(T::Surveys, ids, surveys::rows, |row| row.account),
        invoices: loaded.per_account(T::Invoices, ids, invoices::rows, |row| row.account),
        account_events: loaded.per_account(T::AccountEvents, ids, account_events::rows, |row| row.account),
        opportunities: loaded.per_account(T::Opportunities, ids, opportunities::rows, |row| row.account),
        annotations: loaded.per_account(T::Annotations, ids, annotations::rows, |row| row.account),
        decisions: loaded.flat(T::Decisions, decisions::rows),
        outcomes: loaded.flat(T::Outcomes, outcomes::rows),
        text_labels: loaded.flat(T::TextLabels, |frame| text_labels::rows(frame, ids)),
        available: loaded.quality.iter().filter(|q| q.available).map(|q| q.table).collect(),
        quality: loaded.quality,
        rejected: loaded.rejected,
        ..Extracts::default()
    }
}
