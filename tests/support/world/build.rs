//! Rows in any order become extracts: ids in byte order, rows grouped and sorted, versions closed by their successors.

use super::*;

impl WorldBuilder {
    /// The extracts that these rows make; the builder stays usable.
    pub fn build(&self) -> Extracts {
        let mut world = self.clone();
        world.renumber();
        let accounts = world.account_ids.ids.len();
        let mut available = world.available.clone();
        use InputTable::*;
        available.extend([Accounts, Products, Subscriptions, Usage]);
        Extracts {
            part: foothold::extracts::Part::WHOLE,
            usage: world.usage_history(),
            products: world.product_rows(),
            features: world.feature_rows(),
            accounts: grouped(world.accounts, accounts, |r| r.account, |_| (), |r| &mut r.seen, |r| r.seen.known),
            subscriptions: grouped(
                world.subscriptions,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.starts_on, r.id.clone(), r.seen.known),
            ),
            entitlements: grouped(
                world.entitlements,
                accounts,
                |r| r.account,
                |r| (r.product, r.metric, r.starts_on),
                |r| &mut r.seen,
                |r| (r.starts_on, r.product, r.metric, r.seen.known),
            ),
            feature_usage: feature_log(world.feature_usage, accounts),
            integrations: grouped(
                world.integrations,
                accounts,
                |r| r.account,
                |r| (r.integration.clone(), r.connected_on),
                |r| &mut r.seen,
                |r| (r.connected_on, r.integration.clone(), r.seen.known),
            ),
            contacts: grouped(
                world.contacts,
                accounts,
                |r| r.account,
                |r| r.contact,
                |r| &mut r.seen,
                |r| (r.contact, r.seen.known),
            ),
            activities: PerAccount::group(
                grouped(
                    world.activities,
                    accounts,
                    |(_, r)| r.account,
                    |(id, _)| id.clone(),
                    |(_, r)| &mut r.seen,
                    |(id, r)| (r.at, id.clone(), r.seen.known),
                )
                .all()
                .iter()
                .map(|(_, row)| row.clone())
                .collect(),
                accounts,
                |row| row.account,
            ),
            conversations: grouped(
                world.conversations,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.at, r.id.clone(), r.seen.known),
            ),
            tickets: grouped(
                world.tickets,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.opened_at, r.id.clone(), r.seen.known),
            ),
            surveys: grouped(
                world.surveys,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.at, r.id.clone(), r.seen.known),
            ),
            invoices: grouped(
                world.invoices,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.issued_on, r.id.clone(), r.seen.known),
            ),
            account_events: grouped(
                world.account_events,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.occurred_on, r.id.clone(), r.seen.known),
            ),
            opportunities: grouped(
                world.opportunities,
                accounts,
                |r| r.account,
                |r| r.id.clone(),
                |r| &mut r.seen,
                |r| (r.opened_on, r.id.clone(), r.seen.known),
            ),
            annotations: grouped(
                world.annotations,
                accounts,
                |r| r.account,
                |r| (r.feature.clone(), r.observed_on),
                |r| &mut r.seen,
                |r| (r.observed_on, r.feature.clone(), r.seen.known),
            ),
            decisions: sorted_by(world.decisions, |r| (r.recommendation_id.clone(), r.decided_at)),
            outcomes: sorted_by(world.outcomes, |r| (r.recommendation_id.clone(), r.at)),
            text_labels: sorted_by(world.text_labels, |r| (r.source, r.row_id.clone())),
            ids: Dictionaries {
                accounts: world.account_ids.dictionary(),
                products: world.product_ids.dictionary(),
                features: world.feature_ids.dictionary(),
                contacts: world.contact_ids.dictionary(),
                users: world.user_ids.users(),
                metrics: world.metric_ids.dictionary(),
            },
            available,
            quality: Vec::new(),
            rejected: Vec::new(),
            inputs: Vec::new(),
        }
    }

    /// Replaces every provisional id by its place in byte order.
    fn renumber(&mut self) {
        let (accounts, products, features) =
            (self.account_ids.order(), self.product_ids.order(), self.feature_ids.order());
        let (contacts, users, metrics) = (self.contact_ids.order(), self.user_ids.order(), self.metric_ids.order());
        let account = |ix: &mut AccountIx| *ix = accounts[ix.at()].into();
        let product = |ix: &mut ProductIx| *ix = products[ix.at()].into();
        let contact = |ix: &mut ContactIx| *ix = contacts[ix.at()].into();

        for row in &mut self.accounts {
            account(&mut row.account);
            row.parent.as_mut().map(account);
        }
        self.products.iter_mut().for_each(|(position, _)| *position = products[*position]);
        for (position, row) in &mut self.features {
            *position = features[*position];
            product(&mut row.product);
            row.suggests.as_mut().map(product);
        }
        for row in &mut self.subscriptions {
            account(&mut row.account);
            product(&mut row.product);
        }
        for row in &mut self.entitlements {
            account(&mut row.account);
            product(&mut row.product);
            row.metric = metrics[row.metric.at()].into();
        }
        for row in &mut self.usage {
            account(&mut row.account);
            product(&mut row.product);
            row.metric = metrics[row.metric.at()].into();
        }
        for row in &mut self.feature_usage {
            account(&mut row.account);
            row.feature = features[row.feature.at()].into();
            row.user = users[row.user.at()].into();
        }
        for row in &mut self.integrations {
            account(&mut row.account);
            row.competes_with.as_mut().map(product);
        }
        for row in &mut self.contacts {
            account(&mut row.account);
            contact(&mut row.contact);
            row.reports_to.as_mut().map(contact);
            row.user.iter_mut().for_each(|user| *user = users[user.at()].into());
        }
        for (_, row) in &mut self.activities {
            account(&mut row.account);
            row.contact.as_mut().map(contact);
        }
        for row in &mut self.conversations {
            account(&mut row.account);
            row.contact.as_mut().map(contact);
        }
        for row in &mut self.tickets {
            account(&mut row.account);
            row.product.as_mut().map(product);
        }
        for row in &mut self.surveys {
            account(&mut row.account);
            row.contact.as_mut().map(contact);
        }
        for row in &mut self.opportunities {
            account(&mut row.account);
            row.product.as_mut().map(product);
        }
        self.invoices.iter_mut().for_each(|row| account(&mut row.account));
        self.account_events.iter_mut().for_each(|row| account(&mut row.account));
        self.annotations.iter_mut().for_each(|row| account(&mut row.account));
        self.text_labels.iter_mut().for_each(|row| {
            row.product.as_mut().map(product);
        });
    }

    /// By position; a product that was only referred to has its id as name, no kind and no tiers.
    fn product_rows(&self) -> Vec<Product> {
        let mut ids: Vec<&String> = self.product_ids.ids.iter().collect();
        ids.sort_unstable();
        let bare = |id: &String| Product {
            id: id.as_str().into(),
            name: id.as_str().into(),
            family: None,
            kind: None,
            unit: None,
            tiers: Vec::new(),
        };
        let mut rows: Vec<Product> = ids.into_iter().map(bare).collect();
        self.products.iter().for_each(|(position, row)| rows[*position] = row.clone());
        rows
    }

    fn feature_rows(&self) -> Vec<Feature> {
        let mut rows: Vec<&(usize, Feature)> = self.features.iter().collect();
        rows.sort_by_key(|(position, _)| *position);
        assert_eq!(rows.len(), self.feature_ids.ids.len(), "add each feature once, before its use");
        rows.into_iter().map(|(_, row)| row.clone()).collect()
    }

    fn usage_history(&self) -> UsageHistory {
        let mut rows = self.usage.clone();
        rows.sort_by_key(|r| (r.account, r.product, r.metric, r.day, r.known));
        let lagged = rows.iter().any(|row| row.known > row.day);
        let mut builder = UsageBuilder::new(self.metric_ids.ids.len(), lagged);
        for run in rows.chunk_by(|a, b| (a.account, a.product, a.metric) == (b.account, b.product, b.metric)) {
            let version = |row: &UsageRow| UsageVersion { day: row.day, known: row.known, value: row.value };
            let versions: Vec<UsageVersion> = run.iter().map(version).collect();
            builder.push(run[0].account, run[0].product, run[0].metric, &versions);
        }
        builder.finish(self.account_ids.ids.len())
    }
}

fn sorted_by<T, K: Ord>(mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    rows.sort_by_key(key);
    rows
}

/// Chains the versions of each key and groups by account in the table's order.
fn grouped<T, K: Ord, O: Ord>(
    mut rows: Vec<T>,
    accounts: usize,
    account: impl Fn(&T) -> AccountIx,
    key: impl Fn(&T) -> K,
    seen: impl Fn(&mut T) -> &mut Seen,
    order: impl Fn(&T) -> O,
) -> PerAccount<T> {
    let mut known: Vec<Day> = rows.iter_mut().map(|row| seen(row).known).collect();
    let mut by_key: Vec<usize> = (0..rows.len()).collect();
    by_key.sort_by(|&a, &b| {
        (account(&rows[a]), key(&rows[a]), known[a]).cmp(&(account(&rows[b]), key(&rows[b]), known[b]))
    });
    for pair in by_key.windows(2) {
        let same = account(&rows[pair[0]]) == account(&rows[pair[1]]) && key(&rows[pair[0]]) == key(&rows[pair[1]]);
        if same {
            seen(&mut rows[pair[0]]).superseded = known[pair[1]];
        }
    }
    known.clear();
    rows.sort_by(|a, b| account(a).cmp(&account(b)).then_with(|| order(a).cmp(&order(b))));
    PerAccount::group(rows, accounts, account)
}

fn feature_log(mut rows: Vec<FeatureUse>, accounts: usize) -> FeatureLog {
    rows.sort_by_key(|r| (r.account, r.user, r.feature, r.day, r.known));
    for next in 1..rows.len() {
        let (a, b) = (rows[next - 1], rows[next]);
        if (a.account, a.user, a.feature, a.day) == (b.account, b.user, b.feature, b.day) {
            rows[next - 1].superseded = b.known;
        }
    }
    let mut log = FeatureLogBuilder::default();
    rows.chunk_by(|a, b| a.account == b.account).for_each(|of| log.push(of[0].account, of));
    log.finish(accounts)
}
