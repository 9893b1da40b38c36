//! Builds an [`Extracts`] in memory from literal rows, so that a test states only what it is about.
//!
//! Every `add` method takes what a row cannot do without and returns the row for the rest:
//!
//! ```ignore
//! let mut world = WorldBuilder::default();
//! world.account("acme").segment = Some("smb".into());
//! world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
//! world.subscription("s1", "acme", "crm", "basic", day("2025-01-01")).units = Some(50.0);
//! world.usage_run("acme", "crm", "seats", day("2026-01-01"), &[40.0, 41.0, 42.0]);
//! let extracts = world.build();
//! let account = extracts.ids.accounts.get("acme").unwrap();
//! ```
//!
//! Rows hold *provisional* ids until `build` puts all ids into byte order: inside the builder, refer to other rows by
//! `account_ix`, `product_ix`, `contact_ix`, `user_ix` …; after `build`, ask `extracts.ids`.
//! A row is known from its event day on; set `seen = Seen::from(recorded)` for a later recording. Several rows with
//! one key are versions: each is superseded on the day its successor was recorded, and of two recorded on the same
//! day the one added later wins. A table is available once a row or [`WorldBuilder::available`] names it.

mod build;

use std::collections::{BTreeMap, BTreeSet};

use foothold::extracts::tables::*;
use foothold::extracts::{Dictionaries, Extracts, InputTable, PerAccount, Seen, Users};
use foothold::vocabulary::*;

/// Ids in the order in which they were first named.
#[derive(Clone, Default)]
struct Names {
    ids: Vec<String>,
    positions: BTreeMap<String, usize>,
}

impl Names {
    fn intern(&mut self, id: &str) -> usize {
        if let Some(&known) = self.positions.get(id) {
            return known;
        }
        self.positions.insert(id.to_owned(), self.ids.len());
        self.ids.push(id.to_owned());
        self.ids.len() - 1
    }

    /// The final position of each provisional one.
    fn order(&self) -> Vec<usize> {
        let mut order = vec![0; self.ids.len()];
        for (rank, &provisional) in self.positions.values().enumerate() {
            order[provisional] = rank;
        }
        order
    }

    fn dictionary<I: From<usize> + Copy>(&self) -> Dictionary<I> {
        Dictionary::new(self.ids.iter().map(|id| Text::from(id.as_str())))
    }

    fn users(&self) -> Users {
        let mut ids: Vec<(&str, &str)> = self.ids.iter().filter_map(|id| id.split_once('\u{1f}')).collect();
        ids.sort_unstable();
        Users::of(ids.into_iter(), std::iter::empty())
    }
}

#[derive(Clone)]
struct UsageRow {
    account: AccountIx,
    product: ProductIx,
    metric: MetricIx,
    day: Day,
    known: Day,
    value: f64,
}

#[derive(Clone, Default)]
pub struct WorldBuilder {
    account_ids: Names,
    product_ids: Names,
    feature_ids: Names,
    contact_ids: Names,
    user_ids: Names,
    metric_ids: Names,
    accounts: Vec<Account>,
    products: Vec<(usize, Product)>,
    features: Vec<(usize, Feature)>,
    subscriptions: Vec<Subscription>,
    entitlements: Vec<Entitlement>,
    usage: Vec<UsageRow>,
    feature_usage: Vec<FeatureUse>,
    integrations: Vec<Integration>,
    contacts: Vec<Contact>,
    /// With their ids.
    activities: Vec<(String, Activity)>,
    conversations: Vec<Conversation>,
    tickets: Vec<Ticket>,
    surveys: Vec<Survey>,
    invoices: Vec<Invoice>,
    account_events: Vec<AccountEvent>,
    opportunities: Vec<Opportunity>,
    annotations: Vec<Annotation>,
    decisions: Vec<Decision>,
    outcomes: Vec<Outcome>,
    text_labels: Vec<TextLabel>,
    available: BTreeSet<InputTable>,
}

/// Noon of the day, where a test does not care about the hour.
pub fn noon(day: Day) -> Moment {
    Moment(Moment::start_of(day).0 + 12 * 3_600_000_000)
}

fn push<T>(rows: &mut Vec<T>, row: T) -> &mut T {
    rows.push(row);
    rows.last_mut().expect("just pushed")
}

impl WorldBuilder {
    pub fn account_ix(&mut self, id: &str) -> AccountIx {
        self.account_ids.intern(id).into()
    }

    pub fn product_ix(&mut self, id: &str) -> ProductIx {
        self.product_ids.intern(id).into()
    }

    pub fn feature_ix(&mut self, id: &str) -> FeatureIx {
        self.feature_ids.intern(id).into()
    }

    pub fn contact_ix(&mut self, id: &str) -> ContactIx {
        self.contact_ids.intern(id).into()
    }

    pub fn metric_ix(&mut self, id: &str) -> MetricIx {
        self.metric_ids.intern(id).into()
    }

    pub fn user_ix(&mut self, account: &str, user: &str) -> UserIx {
        self.user_ids.intern(&format!("{account}\u{1f}{user}")).into()
    }

    /// Delivers a table without rows.
    pub fn available(&mut self, table: InputTable) -> &mut Self {
        self.available.insert(table);
        self
    }

    /// Every table of the contract, empty where no row is added.
    pub fn all_available(&mut self) -> &mut Self {
        self.available.extend(InputTable::ALL);
        self
    }

    /// Known from the beginning of time.
    pub fn account(&mut self, id: &str) -> &mut Account {
        let account = self.account_ix(id);
        let row = Account {
            seen: Seen::from(Day::MIN),
            account,
            name: id.into(),
            segment: None,
            industry: None,
            region: None,
            employees: None,
            customer_since: None,
            parent: None,
            csm: None,
            ae: None,
            fiscal_year_start_month: None,
            use_case: None,
            partner: None,
        };
        push(&mut self.accounts, row)
    }

    /// Tiers as (name, rank, list price per unit and year); a core product unless its `kind` is set.
    pub fn product(&mut self, id: &str, tiers: &[(&str, i64, f64)]) -> &mut Product {
        let position = self.product_ids.intern(id);
        let tier = |&(tier, rank, price): &(&str, i64, f64)| Tier { tier: tier.into(), rank, list_price: Some(price) };
        let row = Product {
            id: id.into(),
            name: id.into(),
            family: None,
            kind: Some(ProductKind::Core),
            unit: Some("seat".into()),
            tiers: tiers.iter().map(tier).collect(),
        };
        &mut push(&mut self.products, (position, row)).1
    }

    pub fn feature(&mut self, id: &str, product: &str) -> &mut Feature {
        self.available(InputTable::Features);
        let (position, product) = (self.feature_ids.intern(id), self.product_ix(product));
        let row = Feature {
            id: id.into(),
            product,
            name: id.into(),
            min_tier_rank: None,
            kind: Some(FeatureKind::Core),
            use_case: None,
            suggests: None,
        };
        &mut push(&mut self.features, (position, row)).1
    }

    /// Twelve months from `starts_on`, no auto-renewal, no ARR, no units; one more call with the same id is an amendment.
    pub fn subscription(
        &mut self,
        id: &str,
        account: &str,
        product: &str,
        tier: &str,
        starts_on: Day,
    ) -> &mut Subscription {
        let (account, product) = (self.account_ix(account), self.product_ix(product));
        let row = Subscription {
            seen: Seen::from(starts_on),
            account,
            id: id.into(),
            product,
            tier: tier.into(),
            starts_on,
            ends_on: Some(starts_on.plus_months(12)),
            arr: 0.0,
            units: None,
            term_months: Some(12),
            auto_renew: None,
            cancelled_on: None,
        };
        push(&mut self.subscriptions, row)
    }

    pub fn entitlement(
        &mut self,
        account: &str,
        product: &str,
        metric: &str,
        limit: f64,
        period: Period,
        starts_on: Day,
    ) -> &mut Entitlement {
        self.available(InputTable::Entitlements);
        let (account, product, metric) = (self.account_ix(account), self.product_ix(product), self.metric_ix(metric));
        let seen = Seen::from(starts_on);
        let row = Entitlement { seen, account, product, metric, limit, period, starts_on, ends_on: None };
        push(&mut self.entitlements, row)
    }

    /// One usage row, recorded on its own day.
    pub fn usage(&mut self, account: &str, product: &str, metric: &str, day: Day, value: f64) -> &mut Self {
        self.usage_recorded(account, product, metric, day, value, day)
    }

    /// One usage row, recorded on `known`; several for one day are versions.
    pub fn usage_recorded(
        &mut self,
        account: &str,
        product: &str,
        metric: &str,
        day: Day,
        value: f64,
        known: Day,
    ) -> &mut Self {
        let (account, product, metric) = (self.account_ix(account), self.product_ix(product), self.metric_ix(metric));
        self.usage.push(UsageRow { account, product, metric, day, known, value });
        self
    }

    /// One row a day from `start` on; NaN leaves the day without a row.
    pub fn usage_run(&mut self, account: &str, product: &str, metric: &str, start: Day, values: &[f64]) -> &mut Self {
        self.usage_every(account, product, metric, start, 1, values)
    }

    /// One row every `step` days from `start` on; NaN leaves the day without a row.
    pub fn usage_every(
        &mut self,
        account: &str,
        product: &str,
        metric: &str,
        start: Day,
        step: i32,
        values: &[f64],
    ) -> &mut Self {
        for (n, &value) in values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            self.usage(account, product, metric, start.plus(n as i32 * step), value);
        }
        self
    }

    pub fn feature_use(&mut self, account: &str, user: &str, feature: &str, day: Day, events: u32) -> &mut FeatureUse {
        self.available(InputTable::FeatureUsage);
        let (user, feature) = (self.user_ix(account, user), self.feature_ix(feature));
        let account = self.account_ix(account);
        let row = FeatureUse { account, user, feature, day, known: day, superseded: Day::MAX, events, in_trial: false };
        push(&mut self.feature_usage, row)
    }

    pub fn integration(&mut self, account: &str, integration: &str, connected_on: Day) -> &mut Integration {
        self.available(InputTable::Integrations);
        let row = Integration {
            seen: Seen::from(connected_on),
            account: self.account_ix(account),
            integration: integration.into(),
            category: None,
            direction: None,
            competes_with: None,
            connected_on,
            disconnected_on: None,
        };
        push(&mut self.integrations, row)
    }

    /// A person, recorded on `known`; one more call with the same id is a new version.
    pub fn contact(&mut self, id: &str, account: &str, known: Day) -> &mut Contact {
        self.available(InputTable::Contacts);
        let row = Contact {
            seen: Seen::from(known),
            account: self.account_ix(account),
            contact: self.contact_ix(id),
            name: id.into(),
            title: None,
            seniority: None,
            department: None,
            business_unit: None,
            region: None,
            reports_to: None,
            is_champion: false,
            is_sponsor: false,
            budget_authority: false,
            user: None,
            joined_on: None,
            left_on: None,
        };
        push(&mut self.contacts, row)
    }

    pub fn activity(&mut self, id: &str, account: &str, kind: ActivityKind, on: Day) -> &mut Activity {
        self.available(InputTable::Activities);
        let row = Activity {
            seen: Seen::from(on),
            account: self.account_ix(account),
            contact: None,
            kind,
            direction: None,
            at: noon(on),
            response_hours: None.into(),
            attended: None,
            sentiment: None.into(),
        };
        &mut push(&mut self.activities, (id.to_owned(), row)).1
    }

    pub fn conversation(&mut self, id: &str, account: &str, on: Day, text: &str) -> &mut Conversation {
        self.available(InputTable::Conversations);
        let row = Conversation {
            seen: Seen::from(on),
            account: self.account_ix(account),
            id: id.into(),
            contact: None,
            channel: Channel::Email,
            at: noon(on),
            text: text.into(),
        };
        push(&mut self.conversations, row)
    }

    pub fn ticket(&mut self, id: &str, account: &str, opened: Day) -> &mut Ticket {
        self.available(InputTable::Tickets);
        let row = Ticket {
            seen: Seen::from(opened),
            account: self.account_ix(account),
            id: id.into(),
            product: None,
            opened_at: noon(opened),
            resolved_at: None,
            priority: None,
            escalated: None,
            csat: None,
            subject: None,
            body: None,
        };
        push(&mut self.tickets, row)
    }

    pub fn survey(&mut self, id: &str, account: &str, kind: SurveyKind, on: Day, score: f64) -> &mut Survey {
        self.available(InputTable::Surveys);
        let account = self.account_ix(account);
        let row = Survey { seen: Seen::from(on), account, id: id.into(), contact: None, kind, at: noon(on), score };
        push(&mut self.surveys, row)
    }

    /// Due 30 days after it was issued, unpaid.
    pub fn invoice(&mut self, id: &str, account: &str, issued_on: Day, amount: f64) -> &mut Invoice {
        self.available(InputTable::Invoices);
        let row = Invoice {
            seen: Seen::from(issued_on),
            account: self.account_ix(account),
            id: id.into(),
            issued_on,
            due_on: issued_on.plus(30),
            paid_on: None,
            amount,
            disputed: None,
        };
        push(&mut self.invoices, row)
    }

    pub fn account_event(&mut self, id: &str, account: &str, kind: EventKind, on: Day) -> &mut AccountEvent {
        self.available(InputTable::AccountEvents);
        let row = AccountEvent {
            seen: Seen::from(on),
            account: self.account_ix(account),
            id: id.into(),
            kind,
            occurred_on: on,
            department: None,
            magnitude: None,
            detail: None,
            source: None,
        };
        push(&mut self.account_events, row)
    }

    pub fn opportunity(&mut self, id: &str, account: &str, kind: OpportunityKind, opened_on: Day) -> &mut Opportunity {
        self.available(InputTable::Opportunities);
        let row = Opportunity {
            seen: Seen::from(opened_on),
            account: self.account_ix(account),
            id: id.into(),
            product: None,
            kind,
            opened_on,
            closed_on: None,
            stage: Stage::Open,
            arr_delta: None,
            recommendation_id: None,
            source: None,
        };
        push(&mut self.opportunities, row)
    }

    pub fn annotation(&mut self, account: &str, feature: &str, on: Day, value: f64) -> &mut Annotation {
        self.available(InputTable::Annotations);
        let account = self.account_ix(account);
        let row = Annotation { seen: Seen::from(on), account, observed_on: on, feature: feature.into(), value };
        push(&mut self.annotations, row)
    }

    pub fn decision(&mut self, recommendation: &str, on: Day, decision: Verdict) -> &mut Decision {
        self.available(InputTable::Decisions);
        let row = Decision {
            seen: Seen::from(on),
            recommendation_id: recommendation.into(),
            decided_at: noon(on),
            approver: "approver".into(),
            decision,
            reason: None,
            snooze_until: None,
            edited_text: None,
        };
        push(&mut self.decisions, row)
    }

    pub fn outcome(&mut self, recommendation: &str, on: Day, outcome: OutcomeResult) -> &mut Outcome {
        self.available(InputTable::Outcomes);
        let row = Outcome {
            seen: Seen::from(on),
            recommendation_id: recommendation.into(),
            at: noon(on),
            outcome,
            arr_delta: None,
            note: None,
        };
        push(&mut self.outcomes, row)
    }

    pub fn text_label(&mut self, source: TextSource, row_id: &str, intent: Intent) -> &mut TextLabel {
        self.available(InputTable::TextLabels);
        let row = TextLabel { seen: Seen::from(Day::MIN), source, row_id: row_id.into(), intent, product: None };
        push(&mut self.text_labels, row)
    }
}
