//! The as-of view: what was known by the end of a day, and nothing else.
//!
//! A nightly run looks through one [`View`] at its own day; training looks through many, one per past snapshot day.
//! Both use the same functions, so a feature has one definition and cannot leak.

pub mod calendar;
pub mod contracts;
pub mod feature_rows;
pub mod upgrades;
pub mod usage;

use std::ops::Range;

use crate::extracts::tables::*;
use crate::extracts::{Extracts, PerAccount, Row};
use crate::vocabulary::{AccountIx, Day};
use feature_rows::FeatureRows;

/// No day.
const NOTHING: Range<Day> = Day::MAX..Day::MIN;

/// The extracts as they were known at the end of `day` (UTC).
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub extracts: &'a Extracts,
    pub day: Day,
}

impl<'a> View<'a> {
    pub fn new(extracts: &'a Extracts, day: Day) -> View<'a> {
        View { extracts, day }
    }

    /// The same extracts, seen `days` earlier.
    pub fn earlier(self, days: i32) -> View<'a> {
        View { day: self.day.minus(days), ..self }
    }

    /// Accounts known on the day, in id order.
    pub fn accounts(self) -> impl Iterator<Item = &'a Account> {
        self.extracts.account_indices().filter_map(move |account| self.account(account))
    }

    #[inline]
    pub fn account(self, account: AccountIx) -> Option<&'a Account> {
        self.visible(&self.extracts.accounts, account).next()
    }

    #[inline]
    fn visible<T: Row>(self, rows: &'a PerAccount<T>, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a T> {
        rows.of(account).iter().filter(move |row| row.seen().on(self.day))
    }

    /// One version of each subscription: the last recorded, or, where that one has yet to start (a renewal agreed
    /// early), the last that has started. For what is in force see [`contracts`].
    #[inline]
    pub fn subscriptions(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Subscription> {
        let mut versions: Vec<&Subscription> =
            self.subscription_versions(account).filter(|row| row.seen.known < row.seen.superseded).collect();
        versions.sort_by(|a, b| (&a.id, a.seen.known).cmp(&(&b.id, b.seen.known)));
        let started = |row: &&&Subscription| row.starts_on <= self.day;
        let current = versions.chunk_by(|a, b| a.id == b.id).filter_map(|of| of.iter().rfind(started).or(of.last()));
        current.copied().collect::<Vec<_>>().into_iter()
    }

    /// Every version of every subscription recorded by the day, superseded ones included.
    #[inline]
    pub fn subscription_versions(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Subscription> {
        self.extracts.subscriptions.of(account).iter().filter(move |row| row.seen.known <= self.day)
    }

    /// Ceilings in force on the day: started, not ended, and the latest start per (product, metric).
    pub fn entitlements(self, account: AccountIx) -> Vec<&'a Entitlement> {
        let mut rows: Vec<&Entitlement> = self
            .visible(&self.extracts.entitlements, account)
            .filter(|e| e.starts_on <= self.day && e.ends_on.is_none_or(|end| end >= self.day))
            .collect();
        rows.sort_by_key(|e| (e.product, e.metric, e.starts_on));
        rows.reverse();
        rows.dedup_by_key(|e| (e.product, e.metric));
        rows.reverse();
        rows
    }

    /// Unpacked on the way: whoever looks more than once takes [`View::feature_rows`].
    pub fn feature_usage(self, account: AccountIx) -> impl Iterator<Item = FeatureUse> + 'a {
        self.extracts.feature_usage.known(account, self.day, NOTHING)
    }

    /// The same from `since` on, without unpacking what lies before.
    pub fn feature_usage_since(self, account: AccountIx, since: Day) -> impl Iterator<Item = FeatureUse> + 'a {
        let uses = self.extracts.feature_usage.known(account, self.day, Day::MIN..since);
        uses.filter(move |row| row.day >= since)
    }

    /// The first row of each user and feature.
    pub fn feature_firsts(self, account: AccountIx) -> impl Iterator<Item = FeatureUse> + 'a {
        self.extracts.feature_usage.known(account, self.day, Day::MIN..Day::MAX)
    }

    /// All rows, unpacked once, but for those whose day lies in `without`: of these comes only what is the first of its
    /// user and feature.
    pub fn feature_rows(self, account: AccountIx, without: Range<Day>) -> FeatureRows {
        FeatureRows::of(self, account, without)
    }

    #[inline]
    pub fn integrations(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Integration> {
        self.visible(&self.extracts.integrations, account).filter(move |row| row.connected_on <= self.day)
    }

    #[inline]
    pub fn contacts(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Contact> {
        self.visible(&self.extracts.contacts, account)
    }

    /// Every version of every contact recorded by the day: promotions and departures show between versions.
    #[inline]
    pub fn contact_versions(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Contact> {
        self.extracts.contacts.of(account).iter().filter(move |row| row.seen.known <= self.day)
    }

    #[inline]
    pub fn activities(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Activity> {
        self.visible(&self.extracts.activities, account).filter(move |row| row.at.day() <= self.day)
    }

    #[inline]
    pub fn conversations(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Conversation> {
        self.visible(&self.extracts.conversations, account).filter(move |row| row.at.day() <= self.day)
    }

    #[inline]
    pub fn tickets(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Ticket> {
        self.visible(&self.extracts.tickets, account).filter(move |row| row.opened_at.day() <= self.day)
    }

    #[inline]
    pub fn surveys(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Survey> {
        self.visible(&self.extracts.surveys, account).filter(move |row| row.at.day() <= self.day)
    }

    #[inline]
    pub fn invoices(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Invoice> {
        self.visible(&self.extracts.invoices, account).filter(move |row| row.issued_on <= self.day)
    }

    #[inline]
    pub fn account_events(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a AccountEvent> {
        self.visible(&self.extracts.account_events, account).filter(move |row| row.occurred_on <= self.day)
    }

    #[inline]
    pub fn opportunities(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Opportunity> {
        self.visible(&self.extracts.opportunities, account).filter(move |row| row.opened_on <= self.day)
    }

    #[inline]
    pub fn annotations(self, account: AccountIx) -> impl DoubleEndedIterator<Item = &'a Annotation> {
        self.visible(&self.extracts.annotations, account).filter(move |row| row.observed_on <= self.day)
    }
}
