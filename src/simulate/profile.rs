//! Who an account is: everything about it that does not change.

use super::catalog::{PRODUCT_COUNT, PRODUCTS, USE_CASES, WORKSPACE};
use super::chance::{Chance, Purpose};
use super::rows::AccountRow;
use super::{Params, names};
use crate::vocabulary::Day;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    Smb = 0,
    MidMarket = 1,
    Enterprise = 2,
}

impl Segment {
    pub fn as_str(self) -> &'static str {
        ["smb", "mid_market", "enterprise"][self as usize]
    }
}

/// How the account is contracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Month to month.
    Rolling,
    /// A term in months with a renewal day.
    Term(i32),
    /// No end agreed.
    Evergreen,
}

#[derive(Clone, Debug)]
pub struct Profile {
    pub account: u32,
    pub id: String,
    pub name: String,
    pub segment: Segment,
    pub industry: &'static str,
    pub region: &'static str,
    pub employees: i64,
    pub since: Day,
    pub parent: Option<String>,
    pub csm: String,
    pub ae: String,
    pub fiscal_year_start_month: i64,
    pub use_case: usize,
    pub partner: Option<&'static str>,
    pub form: Form,
    /// Renewals are written as a new version; otherwise the contract renews by itself without a row.
    pub explicit_renewal: bool,
    /// Share off the list price.
    pub discount: f64,
    /// Seats cannot exceed the licence.
    pub hard_seats: bool,
    pub hard_storage: bool,
    /// The API ceiling is a daily rate limit rather than a monthly quota.
    pub rate_limited: bool,
    /// Share of seats that is active on an ordinary weekday.
    pub engagement: f64,
    pub sessions_per_user: f64,
    /// Seats wanted when the account's story begins.
    pub seat_demand: f64,
    /// API calls on an ordinary weekday when the story begins.
    pub api_calls: f64,
    pub gigabytes_per_seat: f64,
    pub owned: [bool; PRODUCT_COUNT],
    /// Tier rank of the two core products.
    pub ranks: [i64; 2],
}

pub fn account_id(account: u32) -> String {
    format!("acc-{account:06}")
}

impl Profile {
    pub fn row(&self) -> AccountRow {
        AccountRow {
            account_id: self.id.clone(),
            name: self.name.clone(),
            segment: self.segment.as_str(),
            industry: Some(self.industry),
            region: Some(self.region),
            employees: Some(self.employees),
            customer_since: self.since,
            parent_account_id: self.parent.clone(),
            csm: self.csm.clone(),
            ae: self.ae.clone(),
            fiscal_year_start_month: Some(self.fiscal_year_start_month),
            use_case: Some(USE_CASES[self.use_case]),
            partner: self.partner,
        }
    }
}

/// Accounts in one customer success manager's book.
const BOOK: usize = 40;

pub fn draw(params: &Params, account: u32) -> Profile {
    let mut chance = Chance::of(params.seed, account, Purpose::Profile);
    let employees = chance.lognormal(320.0, 1.45).clamp(12.0, 60_000.0).round() as i64;
    let segment = match employees {
        ..200 => Segment::Smb,
        200..2_000 => Segment::MidMarket,
        _ => Segment::Enterprise,
    };
    let owners = params.accounts.div_ceil(BOOK);
    let seat_demand = (employees as f64 * chance.lognormal(0.12, 0.55)).clamp(5.0, employees as f64 * 0.7).max(5.0);
    Profile {
        account,
        id: account_id(account),
        name: names::company(&mut chance),
        segment,
        industry: chance.pick(names::INDUSTRIES),
        region: chance.pick(names::REGIONS),
        employees,
        since: customer_since(params, &mut chance),
        parent: (account > 20 && chance.yes(0.04)).then(|| account_id(account - 1 - chance.whole(0, 19) as u32)),
        csm: names::employee(chance.whole(0, owners as i32 - 1) as usize),
        ae: names::employee(2_000 + chance.whole(0, owners.div_ceil(2) as i32 - 1) as usize),
        fiscal_year_start_month: chance.pick(&[1, 1, 1, 1, 2, 4, 4, 7, 7, 10]),
        use_case: chance.whole(0, USE_CASES.len() as i32 - 1) as usize,
        partner: chance.yes(0.14).then(|| chance.pick(names::PARTNERS)),
        form: form(segment, &mut chance),
        explicit_renewal: chance.yes(0.55),
        discount: (chance.between(0.0, 0.30) * 100.0).round() / 100.0,
        hard_seats: chance.yes(0.4),
        hard_storage: chance.yes(0.5),
        rate_limited: chance.yes(0.25),
        engagement: chance.between(0.42, 0.78),
        sessions_per_user: chance.between(1.4, 3.6),
        seat_demand,
        api_calls: (employees as f64 * chance.lognormal(40.0, 0.9)).clamp(400.0, 2_000_000.0),
        gigabytes_per_seat: chance.lognormal(2.2, 0.5),
        owned: owned(segment, &mut chance),
        ranks: [
            1 + chance.weighted(&TIER_SHARES[segment as usize]) as i64,
            1 + chance.weighted(&[0.5, 0.35, 0.15]) as i64,
        ],
    }
}

/// Shares of the four workspace tiers by segment.
const TIER_SHARES: [[f64; 4]; 3] = [[0.45, 0.42, 0.12, 0.01], [0.15, 0.45, 0.33, 0.07], [0.02, 0.18, 0.50, 0.30]];

/// Four of five were customers before the first day; the others joined on the way.
fn customer_since(params: &Params, chance: &mut Chance) -> Day {
    if chance.yes(0.82) {
        params.first().minus(20 + (chance.between(0.0, 1.0).powi(2) * 1_900.0) as i32)
    } else {
        params.first().plus((chance.unit() * f64::from(params.days - 15)) as i32)
    }
}

fn form(segment: Segment, chance: &mut Chance) -> Form {
    let shares = [[0.26, 0.66, 0.04, 0.04], [0.05, 0.77, 0.14, 0.04], [0.0, 0.66, 0.30, 0.04]][segment as usize];
    match chance.weighted(&shares) {
        0 => Form::Rolling,
        1 => Form::Term(12),
        2 => Form::Term(chance.pick(&[24, 36])),
        _ => Form::Evergreen,
    }
}

fn owned(segment: Segment, chance: &mut Chance) -> [bool; PRODUCT_COUNT] {
    let mut owned = std::array::from_fn(|product| chance.yes(PRODUCTS[product].owned[segment as usize]));
    if !owned[0] && !owned[1] {
        owned[WORKSPACE] = true;
    }
    owned
}
