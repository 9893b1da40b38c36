//! `account_events`: what happened at the customer, from news, filings and enrichment feeds.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, Text};

words!(
    EventKind {
        Funding = "funding", Merger = "merger", ProductLaunch = "product_launch", GeoExpansion = "geo_expansion",
        ExecutiveHire = "executive_hire", ExecutiveDeparture = "executive_departure", Hiring = "hiring",
        Headcount = "headcount", Layoffs = "layoffs", AdvocacyReview = "advocacy_review", CaseStudy = "case_study",
        CompetitorLogo = "competitor_logo", NewOffice = "new_office",
    }
);

#[derive(Clone, Debug)]
pub struct AccountEvent {
    pub seen: Seen,
    pub account: AccountIx,
    pub id: Text,
    pub kind: EventKind,
    pub occurred_on: Day,
    pub department: Option<Text>,
    /// Amount raised, open roles or headcount: the kind's natural unit.
    pub magnitude: Option<f64>,
    pub detail: Option<Text>,
    pub source: Option<Text>,
}

impl Row for AccountEvent {
    fn seen(&self) -> Seen {
        self.seen
    }
}
