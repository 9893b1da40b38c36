//! Rows that came late: about a day that an earlier run had already seen, but recorded after it.
//!
//! To say what they did to a score, the score is computed again without them. Only the accounts that they touch are
//! kept, so the cost follows the late rows and not the extracts.

use rayon::prelude::*;

use super::extracts::Extracts;
use crate::extracts::checked::seen::{PerAccount, Row};
use crate::extracts::tables::{
    AccountEvent, Activity, Conversation, FeatureLog, FeatureLogBuilder, FeatureUse, Invoice, Series, Survey,
    UsageHistory,
};
use crate::vocabulary::{AccountIx, Day};

/// The extracts of the accounts that late rows touched, without those rows.
pub struct WithoutLate {
    pub extracts: Extracts,
    /// In id order.
    pub accounts: Vec<AccountIx>,
}

/// Rows recorded on the morning after are on time.
const ON_TIME_DAYS: i32 = 1;

/// After the run of `since` and up to `as_of`.
#[derive(Clone, Copy)]
struct Window {
    since: Day,
    as_of: Day,
}

impl Window {
    fn is_late(self, event: Day, known: Day) -> bool {
        event <= self.since && known > self.since && known <= self.as_of && known.since(event) > ON_TIME_DAYS
    }
}

/// How the event day of a row is read and the end of its validity set.
struct Dated<T> {
    day: fn(&T) -> Day,
    superseded: fn(&mut T) -> &mut Day,
}

/// The extracts as a run of `as_of` would see them had nothing come late since the run of `since`; `None` where
/// nothing did. Events count: use, activities, conversations, surveys, invoices and account events. A new version of a
/// contract, a contact or an account is news of its own day.
pub fn without_late(extracts: &Extracts, since: Day, as_of: Day) -> Option<WithoutLate> {
    let window = Window { since, as_of };
    let mut touched = vec![false; extracts.ids.accounts.len()];
    mark_usage(&extracts.usage, window, &mut touched);
    mark_features(&extracts.feature_usage, window, &mut touched);
    mark(&extracts.activities, &ACTIVITY, window, &mut touched);
    mark(&extracts.conversations, &CONVERSATION, window, &mut touched);
    mark(&extracts.surveys, &SURVEY, window, &mut touched);
    mark(&extracts.invoices, &INVOICE, window, &mut touched);
    mark(&extracts.account_events, &EVENT, window, &mut touched);
    let accounts: Vec<AccountIx> = chosen(&touched).collect();
    (!accounts.is_empty()).then(|| WithoutLate { extracts: reduced(extracts, &touched, window), accounts })
}

const FEATURE_USE: Dated<FeatureUse> = Dated { day: |row| row.day, superseded: |row| &mut row.superseded };
const ACTIVITY: Dated<Activity> = Dated { day: |row| row.at.day(), superseded: |row| &mut row.seen.superseded };
const CONVERSATION: Dated<Conversation> = Dated { day: |row| row.at.day(), superseded: |row| &mut row.seen.superseded };
const SURVEY: Dated<Survey> = Dated { day: |row| row.at.day(), superseded: |row| &mut row.seen.superseded };
const INVOICE: Dated<Invoice> = Dated { day: |row| row.issued_on, superseded: |row| &mut row.seen.superseded };
const EVENT: Dated<AccountEvent> = Dated { day: |row| row.occurred_on, superseded: |row| &mut row.seen.superseded };

fn mark<T: Row>(rows: &PerAccount<T>, dated: &Dated<T>, window: Window, touched: &mut [bool]) {
    for (account, touched) in touched.iter_mut().enumerate() {
        let late = |row: &T| window.is_late((dated.day)(row), row.seen().known);
        *touched |= rows.of(AccountIx::from(account)).iter().any(late);
    }
}

fn mark_usage(usage: &UsageHistory, window: Window, touched: &mut [bool]) {
    let late = |series: &Series| usage.any_after(series, window.since, |day, known| window.is_late(day, known));
    if usage.lagged {
        touched.par_iter_mut().enumerate().for_each(|(account, touched)| {
            *touched |= usage.of(AccountIx::from(account)).iter().any(late);
        });
    }
}

fn mark_features(log: &FeatureLog, window: Window, touched: &mut [bool]) {
    if log.is_lagged() {
        touched.par_iter_mut().enumerate().for_each(|(account, touched)| {
            *touched |= log.of(AccountIx::from(account)).any(|row| window.is_late(row.day, row.known));
        });
    }
}

fn reduced(extracts: &Extracts, touched: &[bool], window: Window) -> Extracts {
    Extracts {
        part: extracts.part,
        ids: extracts.ids.clone(),
        products: extracts.products.clone(),
        features: extracts.features.clone(),
        available: extracts.available.clone(),
        accounts: kept(&extracts.accounts, touched),
        subscriptions: kept(&extracts.subscriptions, touched),
        entitlements: kept(&extracts.entitlements, touched),
        integrations: kept(&extracts.integrations, touched),
        contacts: kept(&extracts.contacts, touched),
        tickets: kept(&extracts.tickets, touched),
        opportunities: kept(&extracts.opportunities, touched),
        annotations: kept(&extracts.annotations, touched),
        usage: extracts.usage.without(touched, window.since, |day, known| window.is_late(day, known)),
        feature_usage: features_without(&extracts.feature_usage, touched, window),
        activities: without(&extracts.activities, &ACTIVITY, touched, window),
        conversations: without(&extracts.conversations, &CONVERSATION, touched, window),
        surveys: without(&extracts.surveys, &SURVEY, touched, window),
        invoices: without(&extracts.invoices, &INVOICE, touched, window),
        account_events: without(&extracts.account_events, &EVENT, touched, window),
        ..Extracts::default()
    }
}

/// The rows of the touched accounts.
fn kept<T: Clone>(rows: &PerAccount<T>, touched: &[bool]) -> PerAccount<T> {
    regrouped(touched, |account| rows.of(account).to_vec())
}

/// The same without late rows.
fn without<T: Row + Clone>(rows: &PerAccount<T>, dated: &Dated<T>, touched: &[bool], window: Window) -> PerAccount<T> {
    regrouped(touched, |account| on_time(rows.of(account).to_vec(), dated, window))
}

/// The rows that are not late; what one of those had superseded stands again.
fn on_time<T: Row>(rows: Vec<T>, dated: &Dated<T>, window: Window) -> Vec<T> {
    let late = |row: &T| window.is_late((dated.day)(row), row.seen().known);
    let gone: Vec<Day> = rows.iter().filter(|row| late(row)).map(|row| row.seen().known).collect();
    let mut left: Vec<T> = rows.into_iter().filter(|row| !late(row)).collect();
    for row in &mut left {
        let (day, end) = ((dated.day)(row), row.seen().superseded);
        if gone.contains(&end) && window.is_late(day, end) {
            *(dated.superseded)(row) = Day::MAX;
        }
    }
    left
}

pub(super) fn regrouped<T>(touched: &[bool], mut of: impl FnMut(AccountIx) -> Vec<T>) -> PerAccount<T> {
    let (mut rows, mut starts) = (Vec::new(), vec![0]);
    for (account, touched) in touched.iter().enumerate() {
        if *touched {
            rows.extend(of(AccountIx::from(account)));
        }
        starts.push(rows.len() as u32);
    }
    PerAccount { rows, starts }
}

fn features_without(log: &FeatureLog, touched: &[bool], window: Window) -> FeatureLog {
    if !log.is_lagged() {
        return log.of_these(touched);
    }
    let mut left = FeatureLogBuilder::default();
    for account in chosen(touched) {
        left.push(account, &on_time(log.of(account).collect(), &FEATURE_USE, window));
    }
    left.finish(touched.len()).covered_as(log)
}

pub(in crate::extracts) fn chosen(touched: &[bool]) -> impl Iterator<Item = AccountIx> {
    touched.iter().enumerate().filter(|(_, touched)| **touched).map(|(account, _)| AccountIx::from(account))
}
