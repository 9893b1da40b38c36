//! The one table of what layer 1 measures: name, unit, windows, source and meaning. Its names are an interface: signals,
//! health and models ask for them, and the documentation prints them.
//!
//! A name that ends in `:` is a family: each member carries its particular after the colon, e.g. `activities:call`.
//! A table that was not delivered gives no observation. Members of a family, and figures by product beside those of the
//! account, are left out where value and baseline are both zero. A baseline is given only where the table and the
//! account's contract reach back over the whole window before.

use super::name::Name;
use crate::extracts::InputTable;
use crate::vocabulary::Category;

/// Whether a metric stands once per account or once per product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Account,
    Product,
    /// Per product, and once more for the account as a whole.
    Both,
}

impl Scope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Account => "account",
            Scope::Product => "product",
            Scope::Both => "product and account",
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct MetricSpec {
    pub name: &'static str,
    pub category: Category,
    pub source: InputTable,
    pub scope: Scope,
    pub unit: &'static str,
    /// Days; 0 is the state at the end of the observed day. Empty: the job's `observations.windows`.
    pub windows: &'static [i32],
    pub meaning: &'static str,
}

/// The windows of everything but usage series.
pub const EVENT_WINDOWS: &[i32] = &[30, 90, 180, 365];
/// The windows of use by user and feature.
pub const FEATURE_WINDOWS: &[i32] = &[7, 30, 60, 90];
const STATE: &[i32] = &[0];
/// The job's windows.
const JOB: &[i32] = &[];

macro_rules! metric_table {
    ($($variant:ident = $name:literal, $category:ident, $source:ident, $scope:ident, $unit:literal, $windows:expr, $meaning:literal;)*) => {
        /// Every metric that layer 1 knows by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric { $(#[doc = $meaning] $variant),* }

        impl Metric {
            pub const ALL: &[Metric] = &[$(Metric::$variant),*];
        }

        /// The table, in the order of [`Metric`].
        pub const METRICS: &[MetricSpec] = &[$(MetricSpec {
            name: $name,
            category: Category::$category,
            source: InputTable::$source,
            scope: Scope::$scope,
            unit: $unit,
            windows: $windows,
            meaning: $meaning,
        }),*];
    };
}

metric_table! {
    // ── product: metered usage ─────────────────────────────────────────────────────────────────────────────────
    Usage = "usage:", Product, Usage, Product, "the metric's own", JOB, "Each metric of the `usage` table, under its own name without the prefix (`seats`, `api_calls`, …): the mean level for gauges and active_users, the sum for counters. The baseline is the window before, brought to the same number of covered days and the same weekdays. `since` is the day a lasting change of level began.";
    UsageTrend = "trend:", Product, Usage, Product, "the metric's own, per day", &[90], "Robust slope (Theil–Sen over the weekly means of the window) of each usage metric, by metric name.";
    ActiveUsers = "active_users", Product, Usage, Account, "users", JOB, "Mean active users: on each day those of the busiest product, because the users of several products overlap.";
    ActiveDays = "active_days", Product, Usage, Account, "days", JOB, "Days with any use; only where usage is delivered daily.";
    UsageIndex = "usage_index", Product, Usage, Account, "ratio", JOB, "Median over the account's usage series of value ÷ baseline, each held to 0 … 4; the baseline is 1. Needs three series.";

    // ── product: use by user and feature ───────────────────────────────────────────────────────────────────────
    FeaturesUsed = "features_used", Product, FeatureUsage, Both, "features", FEATURE_WINDOWS, "Distinct features with at least one event (breadth).";
    UsersActive = "users_active", Product, FeatureUsage, Both, "users", FEATURE_WINDOWS, "Distinct users with at least one event.";
    FeatureEvents = "feature_events", Product, FeatureUsage, Both, "events", FEATURE_WINDOWS, "Events of all features.";
    PowerUsers = "power_users", Product, FeatureUsage, Both, "users", FEATURE_WINDOWS, "Distinct users of at least one advanced, workflow or export feature.";
    NewPowerUsers = "new_power_users", Product, FeatureUsage, Account, "users", FEATURE_WINDOWS, "Users whose first use of an advanced, workflow or export feature lies in the window, among users of an account whose history began before it.";
    TeaserEvents = "teaser_events", Product, FeatureUsage, Both, "events", FEATURE_WINDOWS, "Events on teasers of a higher tier.";
    TeaserUsers = "teaser_users", Product, FeatureUsage, Both, "users", FEATURE_WINDOWS, "Distinct users who touched a teaser of a higher tier.";
    TrialUsers = "trial_users", Product, FeatureUsage, Both, "users", FEATURE_WINDOWS, "Distinct users who used a feature in trial.";
    TrialEvents = "trial_events", Product, FeatureUsage, Both, "events", FEATURE_WINDOWS, "Events on features in trial.";
    TrialDays = "trial_days", Product, FeatureUsage, Both, "days", FEATURE_WINDOWS, "Distinct days with use of a feature in trial (repetition).";
    WorkaroundEvents = "workaround_events", Product, FeatureUsage, Product, "events", FEATURE_WINDOWS, "Events on features that stand in for another product; the observation's product is the one suggested.";
    WorkaroundUsers = "workaround_users", Product, FeatureUsage, Product, "users", FEATURE_WINDOWS, "Distinct users of features that stand in for another product; the product is the one suggested.";
    ExportEvents = "export_events", Product, FeatureUsage, Both, "events", FEATURE_WINDOWS, "Events on export features.";
    TopUserShare = "top_user_share", Product, FeatureUsage, Account, "share", &[30, 90], "Share of all events that the busiest user made (concentration).";
    FeaturesAbandoned = "features_abandoned", Product, FeatureUsage, Account, "features", &[30], "Features in regular use over the 90 days before the window (on 4 days or more), and without any event in it; the baseline is the number of features in regular use.";
    FeatureAbandoned = "feature_abandoned:", Product, FeatureUsage, Product, "events", &[30], "One such feature, by feature id: 0 events in the window, the baseline is its events per 30 days before, `since` the day after its last use.";
    UseCaseShift = "use_case_shift", Product, FeatureUsage, Account, "share", &[90], "Total variation distance between the use-case mix of the first 90 days of the history and that of the window: the share of events that moved to another use case. Needs 180 days of history and 20 events in each.";
    UseCaseShare = "use_case_share:", Product, FeatureUsage, Account, "share", &[90], "Share of events per use case, by use case; the baseline is the share in the first 90 days.";
    IntegrationsActive = "integrations_active", Product, Integrations, Account, "integrations", STATE, "Integrations connected at the end of the day; the baseline is 90 days before.";
    IntegrationsConnected = "integrations_connected", Product, Integrations, Account, "integrations", EVENT_WINDOWS, "Integrations connected within the window.";
    IntegrationCategoriesNew = "integration_categories_new", Product, Integrations, Account, "categories", EVENT_WINDOWS, "Integration categories whose first integration was connected within the window.";
    CompetingIntegrations = "competing_integrations", Product, Integrations, Product, "integrations", STATE, "Connected integrations with a product that competes with this one of ours; `since` is the newest connection.";

    // ── support ────────────────────────────────────────────────────────────────────────────────────────────────
    TicketsOpened = "tickets_opened", Support, Tickets, Account, "tickets", JOB, "Tickets opened within the window.";
    TicketsEscalated = "tickets_escalated", Support, Tickets, Account, "tickets", EVENT_WINDOWS, "Tickets opened within the window that were escalated.";
    TicketsP1 = "tickets_p1", Support, Tickets, Account, "tickets", EVENT_WINDOWS, "Priority-1 tickets opened within the window.";
    TicketsOpen = "tickets_open", Support, Tickets, Account, "tickets", STATE, "Tickets open at the end of the day.";
    P1Open = "p1_open", Support, Tickets, Account, "tickets", STATE, "Open priority-1 tickets.";
    EscalationsOpen = "escalations_open", Support, Tickets, Account, "tickets", STATE, "Open escalated tickets.";
    CriticalTicketsOpen = "critical_tickets_open", Support, Tickets, Account, "tickets", STATE, "Open tickets that are priority 1 or escalated; `since` is the day the oldest was opened.";
    CsatMean = "csat_mean", Support, Tickets, Account, "score 0–10", EVENT_WINDOWS, "Mean satisfaction with tickets opened within the window and answered.";
    CsatAnswers = "csat_answers", Support, Tickets, Account, "answers", EVENT_WINDOWS, "Tickets opened within the window with a satisfaction score.";
    ResolutionHours = "resolution_hours", Support, Tickets, Account, "hours", EVENT_WINDOWS, "Median hours from opening to resolution of tickets resolved within the window.";
    TicketTexts = "ticket_texts", Support, Tickets, Account, "texts", EVENT_WINDOWS, "Tickets opened within the window that carry a subject or body.";
    SurveyCsatMean = "survey_csat_mean", Support, Surveys, Account, "score 0–10", EVENT_WINDOWS, "Mean score of csat surveys answered within the window.";

    // ── relationship ───────────────────────────────────────────────────────────────────────────────────────────
    Activities = "activities", Relationship, Activities, Account, "activities", JOB, "Activities of all kinds within the window.";
    ActivitiesOfKind = "activities:", Relationship, Activities, Account, "activities", EVENT_WINDOWS, "Activities by kind (`activities:call`); kinds with none in the window or before are left out.";
    ActivitiesInbound = "activities_inbound", Relationship, Activities, Account, "activities", EVENT_WINDOWS, "Activities that the customer began.";
    DaysSinceContact = "days_since_contact", Relationship, Activities, Account, "days", STATE, "Days since the last activity of any kind; since the first contract where there never was one.";
    DaysSinceInbound = "days_since_inbound", Relationship, Activities, Account, "days", STATE, "Days since the customer last began a contact; absent where it never did.";
    DaysSinceSponsorContact = "days_since_sponsor_contact", Relationship, Activities, Account, "days", STATE, "Days since the last activity with any present sponsor; since the sponsor was first known where there never was one.";
    DaysSinceChampionContact = "days_since_champion_contact", Relationship, Activities, Account, "days", STATE, "The same for champions.";
    DaysSinceContactOf = "days_since_contact_of:", Relationship, Activities, Account, "days", STATE, "The same for each present sponsor and champion, by contact id.";
    MeetingsHeld = "meetings_held", Relationship, Activities, Account, "meetings", EVENT_WINDOWS, "Meetings, QBRs and executive meetings that were not missed.";
    ExecutiveMeetings = "executive_meetings", Relationship, Activities, Account, "meetings", EVENT_WINDOWS, "QBRs and executive meetings that were not missed.";
    MeetingsAttendedShare = "meetings_attended_share", Relationship, Activities, Account, "share", EVENT_WINDOWS, "Share of meetings with a known attendance that the customer attended.";
    ResponseHours = "response_hours", Relationship, Activities, Account, "hours", EVENT_WINDOWS, "Median hours until the customer answered.";
    SentimentMean = "sentiment_mean", Relationship, Activities, Account, "score −1…1", EVENT_WINDOWS, "Mean sentiment of activities that have one.";
    NpsLatest = "nps_latest", Relationship, Surveys, Account, "score 0–10", STATE, "The last NPS answer; the baseline is the answer before it; `since` is its day.";
    NpsMean = "nps_mean", Relationship, Surveys, Account, "score 0–10", EVENT_WINDOWS, "Mean NPS answer (the 0–10 scores, not the net share).";
    NpsDetractors = "nps_detractors", Relationship, Surveys, Account, "answers", EVENT_WINDOWS, "NPS answers of 6 or less.";
    SurveyAnswers = "survey_answers", Relationship, Surveys, Account, "answers", EVENT_WINDOWS, "Survey answers of both kinds.";
    ConversationTexts = "conversation_texts", Relationship, Conversations, Account, "texts", EVENT_WINDOWS, "Conversations with text within the window.";
    FeatureRequests = "feature_requests", Relationship, Conversations, Account, "texts", EVENT_WINDOWS, "Conversations that came in as feature requests.";
    ContactsPresent = "contacts_present", Relationship, Contacts, Account, "people", STATE, "Contacts who have not left.";
    ChampionsPresent = "champions_present", Relationship, Contacts, Account, "people", STATE, "Champions who have not left.";
    SponsorsPresent = "sponsors_present", Relationship, Contacts, Account, "people", STATE, "Sponsors who have not left.";
    ExecutivesPresent = "executives_present", Relationship, Contacts, Account, "people", STATE, "Contacts of rank vp or above who have not left.";
    DepartmentsPresent = "departments_present", Relationship, Contacts, Account, "departments", STATE, "Departments with a contact who has not left.";
    ProcurementContacts = "procurement_contacts", Relationship, Contacts, Account, "people", STATE, "Present contacts of procurement, purchasing or sourcing; `since` is the day the newest was first known.";
    ContactsContacted = "contacts_contacted", Relationship, Activities, Account, "people", EVENT_WINDOWS, "Distinct contacts with an activity within the window.";
    ContactsJoined = "contacts_joined", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Contacts who joined within the window.";
    ContactsLeft = "contacts_left", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Contacts who left within the window.";
    KeyContactsLeft = "key_contacts_left", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Champions and sponsors who left within the window; `since` is the day the last one left.";
    ExecutivesJoined = "executives_joined", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Contacts of rank vp or above who joined within the window.";
    ExecutivesLeft = "executives_left", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Contacts of rank vp or above who left within the window.";
    Promotions = "promotions", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Contacts whose seniority rose within the window.";
    ChampionPromotions = "champion_promotions", Relationship, Contacts, Account, "people", EVENT_WINDOWS, "Champions whose seniority rose within the window.";
    DepartmentsNew = "departments_new", Relationship, Contacts, Account, "departments", EVENT_WINDOWS, "Departments whose first contact was known within the window, where others were known before.";

    // ── commercial ─────────────────────────────────────────────────────────────────────────────────────────────
    Arr = "arr", Commercial, Subscriptions, Both, "currency per year", STATE, "ARR in force; the baseline is the ARR in force a year before.";
    Units = "units", Commercial, Subscriptions, Product, "units", STATE, "Licensed units in force; the baseline is a year before.";
    TierRank = "tier_rank", Commercial, Subscriptions, Product, "rank", STATE, "Rank of the tier in force, 1 = lowest.";
    ProductsOwned = "products_owned", Commercial, Subscriptions, Account, "products", STATE, "Products with a subscription in force; the baseline is a year before.";
    DaysToRenewal = "days_to_renewal", Commercial, Subscriptions, Account, "days", STATE, "Days until the next agreed renewal; absent for evergreen and rolling contracts.";
    TenureDays = "tenure_days", Commercial, Subscriptions, Account, "days", STATE, "Days since the first contract began.";
    Upgrades = "upgrades", Commercial, Subscriptions, Account, "changes", &[365], "Rises of tier, units or ARR of an owned product within the window.";
    DaysSinceUpgrade = "days_since_upgrade", Commercial, Subscriptions, Account, "days", STATE, "Days since the last such rise; absent where there was none.";
    UnitsUtilization = "units_utilization", Commercial, Usage, Product, "share", &[7, 30, 60, 90], "Mean use of the paid units: the `seats` level, else active users, over the licensed units in force.";
    CeilingUtilization = "ceiling_utilization:", Commercial, Usage, Product, "share", &[7, 30, 60, 90], "Mean use of each ceiling in force, by metric: the mean level for gauges, else the window's mean amount per day (per 30.4 days for monthly ceilings) over the limit.";
    InvoicesIssued = "invoices_issued", Commercial, Invoices, Account, "invoices", EVENT_WINDOWS, "Invoices issued within the window.";
    InvoicesOverdue = "invoices_overdue", Commercial, Invoices, Account, "invoices", STATE, "Unpaid invoices past their due day; `since` is the earliest of those due days.";
    OverdueAmount = "overdue_amount", Commercial, Invoices, Account, "currency", STATE, "Sum of the unpaid invoices past their due day.";
    DaysOverdueMax = "days_overdue_max", Commercial, Invoices, Account, "days", STATE, "Days that the oldest unpaid invoice is past its due day.";
    InvoicesDisputed = "invoices_disputed", Commercial, Invoices, Account, "invoices", STATE, "Disputed invoices that are unpaid.";
    DaysLateMean = "days_late_mean", Commercial, Invoices, Account, "days", EVENT_WINDOWS, "Mean days past due of invoices that fell due within the window.";
    OpportunitiesOpen = "opportunities_open", Commercial, Opportunities, Both, "opportunities", STATE, "Open opportunities; by product where they name one.";
    OpportunityArrOpen = "opportunity_arr_open", Commercial, Opportunities, Account, "currency per year", STATE, "ARR of the open opportunities; of a past day only of those that are open still.";
    OpportunitiesWon = "opportunities_won", Commercial, Opportunities, Account, "opportunities", EVENT_WINDOWS, "Opportunities won within the window.";
    OpportunitiesLost = "opportunities_lost", Commercial, Opportunities, Account, "opportunities", EVENT_WINDOWS, "Opportunities lost within the window.";

    // ── external ───────────────────────────────────────────────────────────────────────────────────────────────
    EventsOfKind = "events:", External, AccountEvents, Account, "events", EVENT_WINDOWS, "Events at the customer by kind (`events:funding`); kinds with none in the window or before are left out.";
    EventMagnitude = "event_magnitude:", External, AccountEvents, Account, "the kind's own", EVENT_WINDOWS, "Sum of the events' magnitudes by kind; for `headcount`, the last figure in the window against the last one before it.";
    DaysSinceEvent = "days_since_event:", External, AccountEvents, Account, "days", STATE, "Days since the last event of each kind that ever occurred.";
}

impl Metric {
    pub const fn spec(self) -> &'static MetricSpec {
        &METRICS[self as usize]
    }

    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// The name as an observation carries it.
    pub const fn text(self) -> Name {
        Name::Fixed(self.name())
    }

    /// The metric that measures what an observation of this name says; what no other measures is metered usage.
    pub fn named(name: &str) -> Metric {
        let is = |metric: &&Metric| match metric.name() {
            family if family.ends_with(':') => name.starts_with(family),
            own => name == own,
        };
        Metric::ALL.iter().find(is).copied().unwrap_or(Metric::Usage)
    }

    /// What tells the member of this name from the others of the metric's family; `None` where it is no family, or not
    /// its member.
    pub fn member(self, name: &str) -> Option<&str> {
        name.strip_prefix(self.name()).filter(|_| self.name().ends_with(':'))
    }

    /// The name of one member of a family.
    pub fn of(self, particular: &str) -> Name {
        Name::Particular([self.name(), particular].concat().into())
    }
}

impl AsRef<str> for Metric {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
