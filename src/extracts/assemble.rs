//! Checked tables → [`Extracts`]: one dictionary per kind of id, then every row with its ids looked up.

use super::feature_rows::FeatureFound;
use super::frame::Frame;
use super::load::{Frames, Ids};
use super::part::Part;
use super::schema::{self, Entity, Table};
use super::tables::*;
use super::usage_rows::UsageFound;
use super::{Dictionaries, Extracts, InputFile, InputTable, PerAccount, RejectedRow, TableQuality};
use crate::vocabulary::{AccountIx, Dictionary, Text};

/// Everything that was read and passed its checks.
#[derive(Default)]
pub(super) struct Loaded {
    pub frames: Frames,
    pub usage: Option<UsageFound>,
    pub feature_usage: Option<FeatureFound>,
    pub quality: Vec<TableQuality>,
    pub rejected: Vec<RejectedRow>,
    pub inputs: Vec<InputFile>,
}

impl Loaded {
    /// The ids of one column of one table.
    pub fn names<I: From<usize> + Copy>(&self, table: InputTable, column: &str) -> Dictionary<I> {
        Dictionary::new(self.values(table, column))
    }

    fn values(&self, table: InputTable, column: &str) -> Vec<Text> {
        self.frames.get(&table).map(|frame| frame.text(column).into_iter().flatten().collect()).unwrap_or_default()
    }

    /// The first key column of a table that others refer to.
    pub fn keys_of(&self, table: &Table) -> Option<Ids> {
        self.frames.get(&table.table)?.data.select([table.key[0]]).ok()
    }

    /// Ids of one entity in all small tables.
    fn entity(&self, entity: Entity) -> Vec<Text> {
        let columns = schema::tables().iter().flat_map(|t| t.columns.iter().map(move |column| (t.table, column)));
        let named = columns.filter(|(_, column)| column.entity == Some(entity));
        named.flat_map(|(table, column)| self.values(table, column.name)).collect()
    }

    /// Every product that some row names.
    pub fn products(&self) -> Vec<Text> {
        distinct(self.entity(Entity::Product).into_iter().chain(self.used(UsageFound::products)))
    }

    /// Every metric that some row names.
    pub fn metrics(&self) -> Vec<Text> {
        distinct(self.entity(Entity::Metric).into_iter().chain(self.used(UsageFound::metrics)))
    }

    fn used(&self, names: fn(&UsageFound) -> &[Text]) -> Vec<Text> {
        self.usage.iter().flat_map(names).cloned().collect()
    }

    /// `products` and `metrics` are those of all parts.
    fn dictionaries(&self, products: Vec<Text>, metrics: Vec<Text>) -> Dictionaries {
        let accounts: Dictionary<AccountIx> = self.names(InputTable::Accounts, "account_id");
        let users = self.feature_usage.iter().flat_map(|found| found.users(&accounts));
        let contact_users = self.frames.get(&InputTable::Contacts).map(|f| f.users("user_id")).unwrap_or_default();
        Dictionaries {
            products: Dictionary::new(products),
            features: self.names(InputTable::Features, "feature_id"),
            contacts: Dictionary::new(self.entity(Entity::Contact)),
            users: Dictionary::new(users.chain(contact_users.into_iter().flatten().map(Text::from))),
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

fn distinct(names: impl Iterator<Item = Text>) -> Vec<Text> {
    let mut names: Vec<Text> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Puts the tables together; `products` and `metrics` are the names that some row of any part uses.
pub(super) fn assemble(mut loaded: Loaded, part: Part, products: Vec<Text>, metrics: Vec<Text>) -> Extracts {
    use InputTable as T;
    let ids = loaded.dictionaries(products, metrics);
    let usage = loaded.usage.take().map(|found| found.into_history(ids.accounts.len(), &ids.products, &ids.metrics));
    let feature_usage = loaded.feature_usage.take().map(|found| found.into_log(&ids.accounts, &ids.users));
    loaded.rejected.sort();
    Extracts {
        part,
        accounts: loaded.per_account(T::Accounts, &ids, accounts::rows, |row| row.account),
        products: loaded.flat(T::Products, |frame| products::rows(frame, &ids)),
        features: loaded.flat(T::Features, |frame| features::rows(frame, &ids)),
        subscriptions: loaded.per_account(T::Subscriptions, &ids, subscriptions::rows, |row| row.account),
        entitlements: loaded.per_account(T::Entitlements, &ids, entitlements::rows, |row| row.account),
        usage: usage.unwrap_or_default(),
        feature_usage: feature_usage.unwrap_or_default(),
        integrations: loaded.per_account(T::Integrations, &ids, integrations::rows, |row| row.account),
        contacts: loaded.per_account(T::Contacts, &ids, contacts::rows, |row| row.account),
        activities: loaded.per_account(T::Activities, &ids, activities::rows, |row| row.account),
        conversations: loaded.per_account(T::Conversations, &ids, conversations::rows, |row| row.account),
        tickets: loaded.per_account(T::Tickets, &ids, tickets::rows, |row| row.account),
        surveys: loaded.per_account(T::Surveys, &ids, surveys::rows, |row| row.account),
        invoices: loaded.per_account(T::Invoices, &ids, invoices::rows, |row| row.account),
        account_events: loaded.per_account(T::AccountEvents, &ids, account_events::rows, |row| row.account),
        opportunities: loaded.per_account(T::Opportunities, &ids, opportunities::rows, |row| row.account),
        annotations: loaded.per_account(T::Annotations, &ids, annotations::rows, |row| row.account),
        decisions: loaded.flat(T::Decisions, decisions::rows),
        outcomes: loaded.flat(T::Outcomes, outcomes::rows),
        text_labels: loaded.flat(T::TextLabels, |frame| text_labels::rows(frame, &ids)),
        available: loaded.quality.iter().filter(|q| q.available).map(|q| q.table).collect(),
        quality: loaded.quality,
        rejected: loaded.rejected,
        inputs: loaded.inputs,
        ids,
    }
}
