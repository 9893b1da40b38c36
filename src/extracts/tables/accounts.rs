//! `accounts`: one row per customer account.

use crate::extracts::{Row, Seen};
use crate::vocabulary::{AccountIx, Day, Text};

#[derive(Clone, Debug)]
pub struct Account {
    pub seen: Seen,
    pub account: AccountIx,
    pub name: Text,
    pub segment: Option<Text>,
    pub industry: Option<Text>,
    pub region: Option<Text>,
    pub employees: Option<i64>,
    pub customer_since: Option<Day>,
    pub parent: Option<AccountIx>,
    pub csm: Option<Text>,
    pub ae: Option<Text>,
    /// 1–12.
    pub fiscal_year_start_month: Option<u32>,
    pub use_case: Option<Text>,
    pub partner: Option<Text>,
}

impl Row for Account {
    fn seen(&self) -> Seen {
        self.seen
    }
}
