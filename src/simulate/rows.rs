//! The rows of the contract's tables as the simulator makes them: ids as text, words from the contract's closed lists.

use super::catalog::{FeatureNo, ProductNo};
use crate::extracts::tables::*;
use crate::vocabulary::{Day, Moment};

/// Rows of every per-account table, in account order.
#[derive(Default)]
pub struct Tables {
    pub accounts: Vec<AccountRow>,
    pub subscriptions: Vec<SubscriptionRow>,
    pub entitlements: Vec<EntitlementRow>,
    pub usage: Vec<UsageRow>,
    pub feature_usage: Vec<FeatureUseRow>,
    pub integrations: Vec<IntegrationRow>,
    pub contacts: Vec<ContactRow>,
    pub activities: Vec<ActivityRow>,
    pub conversations: Vec<ConversationRow>,
    pub tickets: Vec<TicketRow>,
    pub surveys: Vec<SurveyRow>,
    pub invoices: Vec<InvoiceRow>,
    pub account_events: Vec<AccountEventRow>,
    pub opportunities: Vec<OpportunityRow>,
    pub decisions: Vec<DecisionRow>,
    pub outcomes: Vec<OutcomeRow>,
    pub text_labels: Vec<TextLabelRow>,
    pub annotations: Vec<AnnotationRow>,
}

impl Tables {
    pub fn append(&mut self, mut other: Tables) {
        self.accounts.append(&mut other.accounts);
        self.subscriptions.append(&mut other.subscriptions);
        self.entitlements.append(&mut other.entitlements);
        self.usage.append(&mut other.usage);
        self.feature_usage.append(&mut other.feature_usage);
        self.integrations.append(&mut other.integrations);
        self.contacts.append(&mut other.contacts);
        self.activities.append(&mut other.activities);
        self.conversations.append(&mut other.conversations);
        self.tickets.append(&mut other.tickets);
        self.surveys.append(&mut other.surveys);
        self.invoices.append(&mut other.invoices);
        self.account_events.append(&mut other.account_events);
        self.opportunities.append(&mut other.opportunities);
        self.decisions.append(&mut other.decisions);
        self.outcomes.append(&mut other.outcomes);
        self.text_labels.append(&mut other.text_labels);
        self.annotations.append(&mut other.annotations);
    }
}

#[derive(Clone, Debug)]
pub struct AccountRow {
    pub account_id: String,
    pub name: String,
    pub segment: &'static str,
    pub industry: Option<&'static str>,
    pub region: Option<&'static str>,
    pub employees: Option<i64>,
    pub customer_since: Day,
    pub parent_account_id: Option<String>,
    pub csm: String,
    pub ae: String,
    pub fiscal_year_start_month: Option<i64>,
    pub use_case: Option<&'static str>,
    pub partner: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    pub subscription_id: String,
    pub account_id: String,
    pub product: ProductNo,
    pub rank: i64,
    pub starts_on: Day,
    pub ends_on: Option<Day>,
    pub arr: f64,
    pub units: f64,
    pub term_months: Option<i64>,
    pub auto_renew: bool,
    pub cancelled_on: Option<Day>,
    pub recorded_at: Moment,
}

#[derive(Clone, Debug)]
pub struct EntitlementRow {
    pub account_id: String,
    pub product: ProductNo,
    pub metric: Metric,
    pub limit: f64,
    pub period: Period,
    pub starts_on: Day,
    pub ends_on: Option<Day>,
}

words!(
    /// What the vendor meters.
    Metric {
        ActiveUsers = "active_users", ApiCalls = "api_calls", Records = "records", Seats = "seats",
        SessionMinutes = "session_minutes", Sessions = "sessions", StorageGb = "storage_gb", Workflows = "workflows",
    }
);

#[derive(Clone, Copy, Debug)]
pub struct UsageRow {
    pub account: u32,
    pub product: u8,
    pub metric: Metric,
    pub day: Day,
    pub value: f64,
    pub recorded_at: Moment,
}

#[derive(Clone, Copy, Debug)]
pub struct FeatureUseRow {
    pub account: u32,
    /// Number of the user within the account.
    pub user: u32,
    pub feature: u16,
    pub day: Day,
    pub events: u32,
    pub in_trial: bool,
}

impl FeatureUseRow {
    pub fn feature(&self) -> FeatureNo {
        self.feature as usize
    }
}

#[derive(Clone, Debug)]
pub struct IntegrationRow {
    pub account_id: String,
    pub integration: String,
    pub category: Option<&'static str>,
    pub direction: Flow,
    pub competes_with: Option<ProductNo>,
    pub connected_on: Day,
    pub disconnected_on: Option<Day>,
}

#[derive(Clone, Debug)]
pub struct ContactRow {
    pub contact_id: String,
    pub account_id: String,
    pub name: String,
    pub title: Option<String>,
    pub seniority: Option<Seniority>,
    pub department: Option<&'static str>,
    pub business_unit: Option<&'static str>,
    pub region: Option<&'static str>,
    pub reports_to: Option<String>,
    pub is_champion: bool,
    pub is_sponsor: bool,
    pub budget_authority: bool,
    /// Number of the user within the account.
    pub user: Option<u32>,
    pub joined_on: Option<Day>,
    pub left_on: Option<Day>,
    pub recorded_at: Moment,
}

#[derive(Clone, Debug)]
pub struct ActivityRow {
    pub activity_id: String,
    pub account_id: String,
    pub contact_id: Option<String>,
    pub kind: ActivityKind,
    pub direction: Bound,
    pub at: Moment,
    pub owner: String,
    pub response_hours: Option<f64>,
    pub attended: Option<bool>,
    pub sentiment: Option<f64>,
}

/// What a generated text was written to say.
#[derive(Clone, Debug)]
pub struct Saying {
    pub intent: Intent,
    pub product: Option<ProductNo>,
    pub names_competitor: bool,
    /// Written by a procurement contact who asks about the contract.
    pub procurement: bool,
}

#[derive(Clone, Debug)]
pub struct ConversationRow {
    pub conversation_id: String,
    pub account_id: String,
    pub contact_id: Option<String>,
    pub channel: Channel,
    pub at: Moment,
    pub text: String,
    pub saying: Saying,
}

#[derive(Clone, Debug)]
pub struct TicketRow {
    pub ticket_id: String,
    pub account_id: String,
    pub product: Option<ProductNo>,
    pub opened_at: Moment,
    pub resolved_at: Option<Moment>,
    pub priority: Option<Priority>,
    pub escalated: bool,
    pub csat: Option<f64>,
    pub subject: String,
    pub body: String,
    pub saying: Saying,
}

#[derive(Clone, Debug)]
pub struct SurveyRow {
    pub survey_id: String,
    pub account_id: String,
    pub contact_id: Option<String>,
    pub kind: SurveyKind,
    pub at: Moment,
    pub score: f64,
}

#[derive(Clone, Debug)]
pub struct InvoiceRow {
    pub invoice_id: String,
    pub account_id: String,
    pub issued_on: Day,
    pub due_on: Day,
    pub paid_on: Option<Day>,
    pub amount: f64,
    pub disputed: bool,
}

#[derive(Clone, Debug)]
pub struct AccountEventRow {
    pub event_id: String,
    pub account_id: String,
    pub kind: EventKind,
    pub occurred_on: Day,
    pub department: Option<&'static str>,
    pub magnitude: Option<f64>,
    pub detail: String,
    pub source: &'static str,
    pub recorded_at: Moment,
}

#[derive(Clone, Debug)]
pub struct OpportunityRow {
    pub opportunity_id: String,
    pub account_id: String,
    pub product: Option<ProductNo>,
    pub kind: OpportunityKind,
    pub opened_on: Day,
    pub closed_on: Option<Day>,
    pub stage: Stage,
    pub arr_delta: Option<f64>,
    pub recommendation_id: Option<String>,
    pub source: &'static str,
}

#[derive(Clone, Debug)]
pub struct DecisionRow {
    pub recommendation_id: String,
    pub decided_at: Moment,
    pub approver: String,
    pub decision: Verdict,
    pub reason: Option<&'static str>,
    pub snooze_until: Option<Day>,
}

#[derive(Clone, Debug)]
pub struct OutcomeRow {
    pub recommendation_id: String,
    pub at: Moment,
    pub outcome: OutcomeResult,
    pub arr_delta: Option<f64>,
    pub note: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct TextLabelRow {
    pub source: TextSource,
    pub row_id: String,
    pub intent: Intent,
    pub product: Option<ProductNo>,
}

#[derive(Clone, Debug)]
pub struct AnnotationRow {
    pub account_id: String,
    pub observed_on: Day,
    pub feature: &'static str,
    pub value: f64,
}
