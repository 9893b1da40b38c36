//! Rows to Parquet, under the contract's column names and types.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use super::catalog::{FEATURES, PRODUCTS, ProductNo};
use super::profile::account_id;
use super::rows::*;
use crate::vocabulary::{Day, Moment};

/// A table as columns in contract order.
pub struct Sheet(Vec<(&'static str, ArrayRef)>);

impl Sheet {
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |(_, column)| column.len())
    }

    /// One Parquet file of these columns, at a zstd level.
    pub fn parquet(self, level: i32) -> Result<Vec<u8>, parquet::errors::ParquetError> {
        let fields: Vec<Field> =
            self.0.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
            .set_created_by("foothold simulate".into());
        for field in &fields {
            if matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
                let column = ColumnPath::from(field.name().as_str());
                properties = properties
                    .set_column_dictionary_enabled(column.clone(), false)
                    .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), self.0.into_iter().map(|(_, column)| column).collect())?;
        let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.build()))?;
        writer.write(&batch)?;
        writer.into_inner()
    }
}

fn text<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// Ids that repeat from row to row, as in rows that stand by account: each is written out once per run of its key.
fn runs<K: PartialEq + Copy>(keys: impl ExactSizeIterator<Item = K>, id: impl Fn(K) -> String) -> ArrayRef {
    let mut array = StringBuilder::with_capacity(keys.len(), 0);
    let mut last: Option<(K, String)> = None;
    for key in keys {
        if last.as_ref().is_none_or(|(known, _)| *known != key) {
            last = Some((key, id(key)));
        }
        array.append_option(last.as_ref().map(|(_, id)| id));
    }
    Arc::new(array.finish())
}

fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn dates(values: impl IntoIterator<Item = Option<Day>>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(values.into_iter().map(|day| day.map(|day| day.0))))
}

fn moments(values: impl IntoIterator<Item = Option<Moment>>) -> ArrayRef {
    let array: TimestampMicrosecondArray = values.into_iter().map(|at| at.map(|at| at.0)).collect();
    Arc::new(array.with_timezone("UTC"))
}

fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn wholes(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

fn flags(values: impl IntoIterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values))
}

fn product_id(product: ProductNo) -> &'static str {
    PRODUCTS[product].id
}

fn tier(product: ProductNo, rank: i64) -> &'static str {
    PRODUCTS[product].tiers[rank as usize - 1].tier
}

pub fn user_id(account: u32, user: u32) -> String {
    format!("usr-{account:06}-{user:03}")
}

pub fn products() -> Sheet {
    let rows: Vec<_> =
        PRODUCTS.iter().flat_map(|spec| (1..).zip(spec.tiers).map(move |(rank, tier)| (spec, rank, tier))).collect();
    Sheet(vec![
        ("product_id", text(rows.iter().map(|(spec, ..)| spec.id))),
        ("tier", text(rows.iter().map(|(_, _, tier)| tier.tier))),
        ("product_name", text(rows.iter().map(|(spec, ..)| spec.name))),
        ("tier_rank", wholes(rows.iter().map(|(_, rank, _)| Some(*rank)))),
        ("family", text(rows.iter().map(|(spec, ..)| spec.family))),
        ("kind", text(rows.iter().map(|(spec, ..)| spec.kind.as_str()))),
        ("unit", text(rows.iter().map(|(spec, ..)| spec.unit))),
        ("list_price", numbers(rows.iter().map(|(_, _, tier)| Some(tier.list_price)))),
    ])
}

pub fn features() -> Sheet {
    Sheet(vec![
        ("feature_id", text(FEATURES.iter().map(|f| f.id))),
        ("product_id", text(FEATURES.iter().map(|f| product_id(f.product)))),
        ("name", text(FEATURES.iter().map(|f| f.name))),
        ("min_tier_rank", wholes(FEATURES.iter().map(|f| Some(f.min_rank)))),
        ("kind", text(FEATURES.iter().map(|f| f.kind.as_str()))),
        ("use_case", text(FEATURES.iter().map(|f| f.use_case))),
        ("suggests_product_id", texts(FEATURES.iter().map(|f| f.suggests.map(product_id)))),
    ])
}

pub fn accounts(rows: &[AccountRow]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("name", text(rows.iter().map(|r| &r.name))),
        ("segment", text(rows.iter().map(|r| r.segment))),
        ("industry", texts(rows.iter().map(|r| r.industry))),
        ("region", texts(rows.iter().map(|r| r.region))),
        ("employees", wholes(rows.iter().map(|r| r.employees))),
        ("customer_since", dates(rows.iter().map(|r| Some(r.customer_since)))),
        ("parent_account_id", texts(rows.iter().map(|r| r.parent_account_id.as_ref()))),
        ("csm", text(rows.iter().map(|r| &r.csm))),
        ("ae", text(rows.iter().map(|r| &r.ae))),
        ("fiscal_year_start_month", wholes(rows.iter().map(|r| r.fiscal_year_start_month))),
        ("use_case", texts(rows.iter().map(|r| r.use_case))),
        ("partner", texts(rows.iter().map(|r| r.partner))),
    ])
}

pub fn subscriptions(rows: &[SubscriptionRow]) -> Sheet {
    Sheet(vec![
        ("subscription_id", text(rows.iter().map(|r| &r.subscription_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("product_id", text(rows.iter().map(|r| product_id(r.product)))),
        ("tier", text(rows.iter().map(|r| tier(r.product, r.rank)))),
        ("starts_on", dates(rows.iter().map(|r| Some(r.starts_on)))),
        ("ends_on", dates(rows.iter().map(|r| r.ends_on))),
        ("arr", numbers(rows.iter().map(|r| Some(r.arr)))),
        ("units", numbers(rows.iter().map(|r| Some(r.units)))),
        ("term_months", wholes(rows.iter().map(|r| r.term_months))),
        ("auto_renew", flags(rows.iter().map(|r| Some(r.auto_renew)))),
        ("cancelled_on", dates(rows.iter().map(|r| r.cancelled_on))),
        ("recorded_at", moments(rows.iter().map(|r| Some(r.recorded_at)))),
    ])
}

pub fn entitlements(rows: &[EntitlementRow]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("product_id", text(rows.iter().map(|r| product_id(r.product)))),
        ("metric", text(rows.iter().map(|r| r.metric.as_str()))),
        ("limit", numbers(rows.iter().map(|r| Some(r.limit)))),
        ("period", text(rows.iter().map(|r| r.period.as_str()))),
        ("starts_on", dates(rows.iter().map(|r| Some(r.starts_on)))),
        ("ends_on", dates(rows.iter().map(|r| r.ends_on))),
    ])
}

pub fn usage(rows: &[&UsageRow]) -> Sheet {
    Sheet(vec![
        ("account_id", runs(rows.iter().map(|r| r.account), account_id)),
        ("product_id", text(rows.iter().map(|r| product_id(r.product as usize)))),
        ("date", dates(rows.iter().map(|r| Some(r.day)))),
        ("metric", text(rows.iter().map(|r| r.metric.as_str()))),
        ("value", numbers(rows.iter().map(|r| Some(r.value)))),
        ("recorded_at", moments(rows.iter().map(|r| Some(r.recorded_at)))),
    ])
}

pub fn feature_usage(rows: &[&FeatureUseRow]) -> Sheet {
    Sheet(vec![
        ("account_id", runs(rows.iter().map(|r| r.account), account_id)),
        ("user_id", runs(rows.iter().map(|r| (r.account, r.user)), |(account, user)| user_id(account, user))),
        ("feature_id", text(rows.iter().map(|r| FEATURES[r.feature()].id))),
        ("date", dates(rows.iter().map(|r| Some(r.day)))),
        ("events", Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.events as i32)))),
        ("in_trial", flags(rows.iter().map(|r| Some(r.in_trial)))),
    ])
}

pub fn integrations(rows: &[IntegrationRow]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("integration", text(rows.iter().map(|r| &r.integration))),
        ("category", texts(rows.iter().map(|r| r.category))),
        ("direction", text(rows.iter().map(|r| r.direction.as_str()))),
        ("competes_with_product_id", texts(rows.iter().map(|r| r.competes_with.map(product_id)))),
        ("connected_on", dates(rows.iter().map(|r| Some(r.connected_on)))),
        ("disconnected_on", dates(rows.iter().map(|r| r.disconnected_on))),
    ])
}

pub fn contacts(rows: &[ContactRow]) -> Sheet {
    // A contact who moved keeps the contact id; the user id belongs to the account of the version.
    let user = |r: &ContactRow| {
        let account = r.account_id.trim_start_matches("acc-").parse().ok()?;
        r.user.map(|user| user_id(account, user))
    };
    Sheet(vec![
        ("contact_id", text(rows.iter().map(|r| &r.contact_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("name", text(rows.iter().map(|r| &r.name))),
        ("title", texts(rows.iter().map(|r| r.title.as_ref()))),
        ("seniority", texts(rows.iter().map(|r| r.seniority.map(|s| s.as_str())))),
        ("department", texts(rows.iter().map(|r| r.department))),
        ("business_unit", texts(rows.iter().map(|r| r.business_unit))),
        ("region", texts(rows.iter().map(|r| r.region))),
        ("reports_to", texts(rows.iter().map(|r| r.reports_to.as_ref()))),
        ("is_champion", flags(rows.iter().map(|r| Some(r.is_champion)))),
        ("is_sponsor", flags(rows.iter().map(|r| Some(r.is_sponsor)))),
        ("budget_authority", flags(rows.iter().map(|r| Some(r.budget_authority)))),
        ("user_id", texts(rows.iter().map(user))),
        ("joined_on", dates(rows.iter().map(|r| r.joined_on))),
        ("left_on", dates(rows.iter().map(|r| r.left_on))),
        ("recorded_at", moments(rows.iter().map(|r| Some(r.recorded_at)))),
    ])
}

pub fn activities(rows: &[ActivityRow]) -> Sheet {
    Sheet(vec![
        ("activity_id", text(rows.iter().map(|r| &r.activity_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("contact_id", texts(rows.iter().map(|r| r.contact_id.as_ref()))),
        ("kind", text(rows.iter().map(|r| r.kind.as_str()))),
        ("direction", text(rows.iter().map(|r| r.direction.as_str()))),
        ("at", moments(rows.iter().map(|r| Some(r.at)))),
        ("owner", text(rows.iter().map(|r| &r.owner))),
        ("response_hours", numbers(rows.iter().map(|r| r.response_hours))),
        ("attended", flags(rows.iter().map(|r| r.attended))),
        ("sentiment", numbers(rows.iter().map(|r| r.sentiment))),
    ])
}

pub fn conversations(rows: &[ConversationRow]) -> Sheet {
    Sheet(vec![
        ("conversation_id", text(rows.iter().map(|r| &r.conversation_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("contact_id", texts(rows.iter().map(|r| r.contact_id.as_ref()))),
        ("channel", text(rows.iter().map(|r| r.channel.as_str()))),
        ("at", moments(rows.iter().map(|r| Some(r.at)))),
        ("text", text(rows.iter().map(|r| &r.text))),
    ])
}

pub fn tickets(rows: &[TicketRow]) -> Sheet {
    Sheet(vec![
        ("ticket_id", text(rows.iter().map(|r| &r.ticket_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("product_id", texts(rows.iter().map(|r| r.product.map(product_id)))),
        ("opened_at", moments(rows.iter().map(|r| Some(r.opened_at)))),
        ("resolved_at", moments(rows.iter().map(|r| r.resolved_at))),
        ("priority", texts(rows.iter().map(|r| r.priority.map(|p| p.as_str())))),
        ("escalated", flags(rows.iter().map(|r| Some(r.escalated)))),
        ("csat", numbers(rows.iter().map(|r| r.csat))),
        ("subject", text(rows.iter().map(|r| &r.subject))),
        ("body", text(rows.iter().map(|r| &r.body))),
    ])
}

pub fn surveys(rows: &[SurveyRow]) -> Sheet {
    Sheet(vec![
        ("survey_id", text(rows.iter().map(|r| &r.survey_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("contact_id", texts(rows.iter().map(|r| r.contact_id.as_ref()))),
        ("kind", text(rows.iter().map(|r| r.kind.as_str()))),
        ("at", moments(rows.iter().map(|r| Some(r.at)))),
        ("score", numbers(rows.iter().map(|r| Some(r.score)))),
    ])
}

pub fn invoices(rows: &[InvoiceRow]) -> Sheet {
    Sheet(vec![
        ("invoice_id", text(rows.iter().map(|r| &r.invoice_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("issued_on", dates(rows.iter().map(|r| Some(r.issued_on)))),
        ("due_on", dates(rows.iter().map(|r| Some(r.due_on)))),
        ("paid_on", dates(rows.iter().map(|r| r.paid_on))),
        ("amount", numbers(rows.iter().map(|r| Some(r.amount)))),
        ("disputed", flags(rows.iter().map(|r| Some(r.disputed)))),
    ])
}

pub fn account_events(rows: &[AccountEventRow]) -> Sheet {
    Sheet(vec![
        ("event_id", text(rows.iter().map(|r| &r.event_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("kind", text(rows.iter().map(|r| r.kind.as_str()))),
        ("occurred_on", dates(rows.iter().map(|r| Some(r.occurred_on)))),
        ("department", texts(rows.iter().map(|r| r.department))),
        ("magnitude", numbers(rows.iter().map(|r| r.magnitude))),
        ("detail", text(rows.iter().map(|r| &r.detail))),
        ("source", text(rows.iter().map(|r| r.source))),
        ("recorded_at", moments(rows.iter().map(|r| Some(r.recorded_at)))),
    ])
}

pub fn opportunities(rows: &[OpportunityRow]) -> Sheet {
    Sheet(vec![
        ("opportunity_id", text(rows.iter().map(|r| &r.opportunity_id))),
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("product_id", texts(rows.iter().map(|r| r.product.map(product_id)))),
        ("kind", text(rows.iter().map(|r| r.kind.as_str()))),
        ("opened_on", dates(rows.iter().map(|r| Some(r.opened_on)))),
        ("closed_on", dates(rows.iter().map(|r| r.closed_on))),
        ("stage", text(rows.iter().map(|r| r.stage.as_str()))),
        ("arr_delta", numbers(rows.iter().map(|r| r.arr_delta))),
        ("recommendation_id", texts(rows.iter().map(|r| r.recommendation_id.as_ref()))),
        ("source", text(rows.iter().map(|r| r.source))),
    ])
}

pub fn decisions(rows: &[DecisionRow]) -> Sheet {
    Sheet(vec![
        ("recommendation_id", text(rows.iter().map(|r| &r.recommendation_id))),
        ("decided_at", moments(rows.iter().map(|r| Some(r.decided_at)))),
        ("approver", text(rows.iter().map(|r| &r.approver))),
        ("decision", text(rows.iter().map(|r| r.decision.as_str()))),
        ("reason", texts(rows.iter().map(|r| r.reason))),
        ("snooze_until", dates(rows.iter().map(|r| r.snooze_until))),
    ])
}

pub fn outcomes(rows: &[OutcomeRow]) -> Sheet {
    Sheet(vec![
        ("recommendation_id", text(rows.iter().map(|r| &r.recommendation_id))),
        ("at", moments(rows.iter().map(|r| Some(r.at)))),
        ("outcome", text(rows.iter().map(|r| r.outcome.as_str()))),
        ("arr_delta", numbers(rows.iter().map(|r| r.arr_delta))),
        ("note", texts(rows.iter().map(|r| r.note))),
    ])
}

pub fn text_labels(rows: &[TextLabelRow]) -> Sheet {
    Sheet(vec![
        ("source_table", text(rows.iter().map(|r| r.source.as_str()))),
        ("row_id", text(rows.iter().map(|r| &r.row_id))),
        ("intent", text(rows.iter().map(|r| r.intent.as_str()))),
        ("product_id", texts(rows.iter().map(|r| r.product.map(product_id)))),
    ])
}

pub fn annotations(rows: &[AnnotationRow]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("observed_on", dates(rows.iter().map(|r| Some(r.observed_on)))),
        ("feature", text(rows.iter().map(|r| r.feature))),
        ("value", numbers(rows.iter().map(|r| Some(r.value)))),
    ])
}

pub fn truth_signals(rows: &[super::truth::Planted]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("product_id", texts(rows.iter().map(|r| r.product.map(product_id)))),
        ("signal", text(rows.iter().map(|r| r.signal))),
        ("active_from", dates(rows.iter().map(|r| Some(r.active_from)))),
        ("active_to", dates(rows.iter().map(|r| Some(r.active_to)))),
        ("parameters", text(rows.iter().map(|r| &r.parameters))),
    ])
}

/// One row per account, month end and kind; `product_id` is set for purchases.
pub fn truth_latents(rows: &[super::truth::Latent]) -> Sheet {
    Sheet(vec![
        ("account_id", text(rows.iter().map(|r| &r.account_id))),
        ("day", dates(rows.iter().map(|r| Some(r.day)))),
        ("kind", text(rows.iter().map(|r| r.kind))),
        ("product_id", texts(rows.iter().map(|r| r.product.map(product_id)))),
        ("probability_180", numbers(rows.iter().map(|r| Some(r.probability)))),
    ])
}
