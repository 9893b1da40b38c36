//! `accounts`: one row per customer account.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Need, Table, date, id, int, text};
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
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::Accounts,
        "one row per customer account",
        &["account_id"],
        [
            id("account_id", Entity::Account, "the account"),
            text("name", "what people call the account"),
            text("segment", "size class, e.g. smb, mid_market, enterprise").optional(),
            text("industry", "industry of the customer").optional(),
            text("region", "sales region").optional(),
            int("employees", "people who work at the customer").optional().at_least(0.0),
            date("customer_since", "first day as a customer").optional(),
            id("parent_account_id", Entity::Account, "the account that owns this one")
                .optional()
                .in_table(InputTable::Accounts),
            text("csm", "customer success manager").optional(),
            text("ae", "account executive").optional(),
            int("fiscal_year_start_month", "first month of the customer's fiscal year").optional().between(1.0, 12.0),
            text("use_case", "the use the account bought for, in the words of features.use_case").optional(),
            text("partner", "the partner, when the relationship runs through one").optional(),
        ],
    )
    .need(Need::Required)
    .happens("customer_since")
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<Account> {
    let mut account = t.account("account_id", ids);
    let mut name = t.text("name");
    let mut segment = t.text("segment");
    let mut industry = t.text("industry");
    let mut region = t.text("region");
    let employees = t.int("employees");
    let since = t.day("customer_since");
    let mut parent = t.account("parent_account_id", ids);
    let mut csm = t.text("csm");
    let mut ae = t.text("ae");
    let month = t.int("fiscal_year_start_month");
    let mut use_case = t.text("use_case");
    let mut partner = t.text("partner");
    t.rows(|i| {
        Some(Account {
            seen: t.seen[i],
            account: account(i)?,
            name: name(i)?,
            segment: segment(i),
            industry: industry(i),
            region: region(i),
            employees: employees(i),
            customer_since: since(i),
            parent: parent(i),
            csm: csm(i),
            ae: ae(i),
            fiscal_year_start_month: month(i).map(|m| m as u32),
            use_case: use_case(i),
            partner: partner(i),
        })
    })
}
