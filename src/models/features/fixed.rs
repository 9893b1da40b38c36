//! The features that are derived one by one, as a table: name, unit, source, window and meaning.

use super::key::{Family, Key, Measure};
use crate::extracts::InputTable;
use crate::observations::Name;
use crate::vocabulary::ProductIx;

/// Measures that the calendar moves by itself, whatever the accounts do: how long something has been held, how long it
/// still is until a date, and the season. That they are elsewhere tonight than in training is no news.
const BY_THE_CALENDAR: &[&str] = &[
    MONTHS_TO_FISCAL_YEAR.name,
    MONTH_OF_QUARTER.name,
    DAYS_TO_YEAR_END.name,
    DAYS_TO_COMMITMENT_END.name,
    DAYS_TO_PERIOD_END.name,
    DAYS_SINCE_CHANGE.name,
    DAYS_OWNED.name,
    DAYS_ON_TIER.name,
    DAYS_ON_UNITS.name,
    "days_to_renewal",
    "tenure_days",
    "days_since_upgrade",
];

/// Whether the calendar alone moves the feature of this name.
pub fn moves_by_itself(feature: &str) -> bool {
    feature.split('.').any(|part| BY_THE_CALENDAR.contains(&part))
}

/// What a feature exists once for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    Account,
    Product,
}

/// One derived feature.
#[derive(Clone, Copy, Debug)]
pub struct Fixed {
    pub family: Family,
    pub name: &'static str,
    pub per: Per,
    pub unit: &'static str,
    pub source: InputTable,
    /// Days before the snapshot that it looks at; 0 for a state.
    pub window_days: i32,
    pub meaning: &'static str,
}

impl Fixed {
    pub fn key(&self, product: Option<ProductIx>) -> Key {
        let metric = Name::Fixed(self.name);
        Key { family: self.family, product, metric, window_days: self.window_days, measure: Measure::Level }
    }
}

const fn fixed(
    family: Family,
    name: &'static str,
    unit: &'static str,
    source: InputTable,
    meaning: &'static str,
) -> Fixed {
    Fixed { family, name, per: Per::Account, unit, source, window_days: 0, meaning }
}

const fn of_product(
    family: Family,
    name: &'static str,
    unit: &'static str,
    source: InputTable,
    meaning: &'static str,
) -> Fixed {
    Fixed { family, name, per: Per::Product, unit, source, window_days: 0, meaning }
}

const fn within(days: i32, feature: Fixed) -> Fixed {
    Fixed { window_days: days, ..feature }
}

use Family::{Account, Capacity, Commercial, Contract, Product, Purchases, Season};
use InputTable::{Accounts, FeatureUsage, Integrations, Opportunities, Products, Subscriptions, Usage};

pub const SEGMENT: Fixed = fixed(Account, "segment", "", Accounts, "Segment; a word.");
pub const INDUSTRY: Fixed = fixed(Account, "industry", "", Accounts, "Industry; a word.");
pub const REGION: Fixed = fixed(Account, "region", "", Accounts, "Region; a word.");
pub const USE_CASE: Fixed = fixed(Account, "use_case", "", Accounts, "The use the account bought for; a word.");
pub const EMPLOYEES: Fixed = fixed(Account, "employees", "people", Accounts, "Employees.");
pub const THROUGH_PARTNER: Fixed =
    fixed(Account, "through_partner", "yes or no", Accounts, "Whether the relationship runs through a partner.");
pub const HAS_PARENT: Fixed =
    fixed(Account, "has_parent", "yes or no", Accounts, "Whether it belongs to another account.");
pub const MONTHS_TO_FISCAL_YEAR: Fixed =
    fixed(Account, "months_to_fiscal_year", "months", Accounts, "Months until the account's next fiscal year begins.");

pub const MONTH_OF_QUARTER: Fixed = fixed(
    Season,
    "month_of_quarter",
    "month",
    Accounts,
    "1–3 within the calendar quarter, in which budgets are spent.",
);
pub const DAYS_TO_YEAR_END: Fixed = fixed(
    Season,
    "days_to_year_end",
    "days",
    Accounts,
    "Days until 31 December, from the third year of the account's contract on: one year cannot tell a season from a trend.",
);

pub const ROLLING: Fixed = fixed(
    Contract,
    "rolling",
    "yes or no",
    Subscriptions,
    "Whether what is in force renews in periods of a quarter or less.",
);
pub const TERM_MONTHS: Fixed =
    fixed(Contract, "term_months", "months", Subscriptions, "The longest agreed term in force.");
pub const DAYS_TO_COMMITMENT_END: Fixed = fixed(
    Contract,
    "days_to_commitment_end",
    "days",
    Subscriptions,
    "Rolling contracts: days until the end of the term that the periods are billed under.",
);
pub const DAYS_TO_PERIOD_END: Fixed = fixed(
    Contract,
    "days_to_period_end",
    "days",
    Subscriptions,
    "Days until the next period of a core subscription ends, rolling ones included: the next moment to change it.",
);
pub const AUTO_RENEWS: Fixed =
    fixed(Contract, "auto_renews", "yes or no", Subscriptions, "Whether everything in force renews by itself.");
pub const DAYS_SINCE_CHANGE: Fixed = fixed(
    Contract,
    "days_since_change",
    "days",
    Subscriptions,
    "Days since anything in force was bought, or last changed its tier, units, term or ARR by more than 2 %.",
);
pub const CHANGES: Fixed = within(
    365,
    fixed(
        Contract,
        "changes",
        "changes",
        Subscriptions,
        "Days on which a product was bought, or changed its tier, units or term.",
    ),
);
pub const PRODUCTS_DROPPED: Fixed = within(
    365,
    fixed(Contract, "products_dropped", "products", Subscriptions, "Products that ended and are not owned any more."),
);
pub const CATALOGUE_SHARE: Fixed =
    fixed(Contract, "catalogue_share", "share", Subscriptions, "Share of the products sold that the account owns.");
pub const OWNED: Fixed = of_product(Contract, "owned", "yes or no", Subscriptions, "Whether the product is in force.");
pub const DAYS_OWNED: Fixed =
    of_product(Contract, "days_owned", "days", Subscriptions, "Days that it has been held without a break.");
pub const DAYS_ON_TIER: Fixed =
    of_product(Contract, "days_on_tier", "days", Subscriptions, "Days that its present tier has been held.");
pub const DAYS_ON_UNITS: Fixed =
    of_product(Contract, "days_on_units", "days", Subscriptions, "Days that its number of units has not changed.");
pub const ARR_PER_UNIT: Fixed =
    of_product(Contract, "arr_per_unit", "currency per year", Subscriptions, "ARR per licensed unit.");
pub const PRICE_OF_LIST: Fixed =
    of_product(Contract, "price_of_list", "share", Products, "ARR over units times list price: 1 = no discount.");
pub const TIERS_ABOVE: Fixed =
    of_product(Contract, "tiers_above", "count", Subscriptions, "Tiers above the one in force.");

pub const HIGHEST_UTILIZATION: Fixed =
    fixed(Capacity, "highest_utilization", "share", Usage, "The highest utilization of any ceiling.");
pub const HIGHEST_BREACH: Fixed = fixed(
    Capacity,
    "highest_breach_before_renewal",
    "share",
    Usage,
    "The highest probability of any ceiling that it is reached before the renewal.",
);
pub const CEILINGS_ABOVE_THRESHOLD: Fixed =
    fixed(Capacity, "ceilings_above_threshold", "count", Usage, "Ceilings used beyond what counts as ready.");

pub const RATE_GIVEN_OWNED: Fixed = within(
    365,
    fixed(
        Purchases,
        "rate_given_owned",
        "share",
        Subscriptions,
        "Cross-sell: the highest rate at which owners of one of the account's products bought this one.",
    ),
);
pub const SUMMED_RATE: Fixed = within(
    365,
    fixed(
        Purchases,
        "summed_rate_given_owned",
        "share",
        Subscriptions,
        "Cross-sell: the same rates summed over the account's products.",
    ),
);
pub const PRODUCT: Fixed =
    fixed(Purchases, "product", "", Products, "Cross-sell: the product that the row is about; a word.");

pub const WORKAROUND_EVENTS: Fixed = within(
    30,
    fixed(
        Purchases,
        "workaround_events",
        "events",
        FeatureUsage,
        "Cross-sell: events on features that stand in for the product that the row is about.",
    ),
);
pub const WORKAROUND_EVENTS_OF_QUARTER: Fixed = within(90, WORKAROUND_EVENTS);
pub const WORKAROUND_USERS: Fixed = within(
    30,
    fixed(
        Purchases,
        "workaround_users",
        "users",
        FeatureUsage,
        "Cross-sell: distinct users of features that stand in for the product that the row is about.",
    ),
);
pub const COMPETING_INTEGRATIONS: Fixed = fixed(
    Purchases,
    "competing_integrations",
    "integrations",
    Integrations,
    "Cross-sell: connected integrations that compete with the product that the row is about.",
);
pub const OPPORTUNITIES_OPEN: Fixed = fixed(
    Purchases,
    "opportunities_open",
    "opportunities",
    Opportunities,
    "Cross-sell: open opportunities that name the product that the row is about.",
);

/// What cross-sell models read of the row's product, each with the family in which the feature of the same
/// measure and window has that product's name.
pub const OF_THE_ROWS_PRODUCT: &[(&Fixed, Family)] = &[
    (&WORKAROUND_EVENTS, Product),
    (&WORKAROUND_EVENTS_OF_QUARTER, Product),
    (&WORKAROUND_USERS, Product),
    (&COMPETING_INTEGRATIONS, Product),
    (&OPPORTUNITIES_OPEN, Commercial),
];

/// Every feature above, in the order in which they are listed.
pub const ALL: &[&Fixed] = &[
    &SEGMENT,
    &INDUSTRY,
    &REGION,
    &USE_CASE,
    &EMPLOYEES,
    &THROUGH_PARTNER,
    &HAS_PARENT,
    &MONTHS_TO_FISCAL_YEAR,
    &MONTH_OF_QUARTER,
    &DAYS_TO_YEAR_END,
    &ROLLING,
    &TERM_MONTHS,
    &DAYS_TO_COMMITMENT_END,
    &DAYS_TO_PERIOD_END,
    &AUTO_RENEWS,
    &DAYS_SINCE_CHANGE,
    &CHANGES,
    &PRODUCTS_DROPPED,
    &CATALOGUE_SHARE,
    &OWNED,
    &DAYS_OWNED,
    &DAYS_ON_TIER,
    &DAYS_ON_UNITS,
    &ARR_PER_UNIT,
    &PRICE_OF_LIST,
    &TIERS_ABOVE,
    &HIGHEST_UTILIZATION,
    &HIGHEST_BREACH,
    &CEILINGS_ABOVE_THRESHOLD,
    &RATE_GIVEN_OWNED,
    &SUMMED_RATE,
    &PRODUCT,
    &WORKAROUND_EVENTS,
    &WORKAROUND_EVENTS_OF_QUARTER,
    &WORKAROUND_USERS,
    &COMPETING_INTEGRATIONS,
    &OPPORTUNITIES_OPEN,
];
