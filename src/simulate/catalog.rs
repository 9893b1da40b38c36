//! What the simulated vendor sells: products with tiers, features, and who competes.

use crate::extracts::tables::{FeatureKind, ProductKind};

/// Position of a product in [`PRODUCTS`].
pub type ProductNo = usize;

pub const WORKSPACE: ProductNo = 0;
pub const PIPELINE: ProductNo = 1;
pub const INSIGHTS: ProductNo = 2;
pub const GUARD: ProductNo = 3;
pub const CONNECT: ProductNo = 4;
pub const AUTOMATE: ProductNo = 5;
pub const SUCCESS_PARTNER: ProductNo = 7;
pub const PRODUCT_COUNT: usize = 8;

pub struct ProductSpec {
    pub id: &'static str,
    pub name: &'static str,
    pub family: &'static str,
    pub kind: ProductKind,
    pub unit: &'static str,
    pub tiers: &'static [TierSpec],
    /// Share of accounts that own it when the world begins, for small, mid-market and enterprise accounts.
    pub owned: [f64; 3],
    /// New needs per year among accounts that do not own it.
    pub needs_per_year: f64,
    /// What people say when they need it.
    pub need: &'static str,
    /// Another vendor's product for the same need.
    pub competitor: &'static str,
}

pub struct TierSpec {
    pub tier: &'static str,
    /// Per unit and year.
    pub list_price: f64,
}

const fn tier(tier: &'static str, list_price: f64) -> TierSpec {
    TierSpec { tier, list_price }
}

pub const PRODUCTS: [ProductSpec; PRODUCT_COUNT] = [
    ProductSpec {
        id: "workspace",
        name: "Relay Workspace",
        family: "collaboration",
        kind: ProductKind::Core,
        unit: "seat",
        tiers: &[tier("starter", 144.0), tier("team", 264.0), tier("business", 420.0), tier("enterprise", 624.0)],
        owned: [0.74, 0.70, 0.68],
        needs_per_year: 0.11,
        need: "one place where teams plan their work together",
        competitor: "Taskora",
    },
    ProductSpec {
        id: "pipeline",
        name: "Relay Pipeline",
        family: "data",
        kind: ProductKind::Core,
        unit: "capacity unit",
        tiers: &[tier("standard", 1_500.0), tier("pro", 2_400.0), tier("scale", 3_600.0)],
        owned: [0.40, 0.50, 0.58],
        needs_per_year: 0.11,
        need: "moving records between our systems without nightly scripts",
        competitor: "Streamlane",
    },
    ProductSpec {
        id: "insights",
        name: "Relay Insights",
        family: "analytics",
        kind: ProductKind::AddOn,
        unit: "seat",
        tiers: &[tier("standard", 96.0), tier("advanced", 168.0)],
        owned: [0.08, 0.16, 0.24],
        needs_per_year: 0.15,
        need: "cross-team reporting for our leadership",
        competitor: "Northlight Analytics",
    },
    ProductSpec {
        id: "guard",
        name: "Relay Guard",
        family: "security",
        kind: ProductKind::AddOn,
        unit: "seat",
        tiers: &[tier("standard", 84.0)],
        owned: [0.05, 0.14, 0.30],
        needs_per_year: 0.135,
        need: "an audit trail that satisfies our auditors",
        competitor: "Bastionary",
    },
    ProductSpec {
        id: "connect",
        name: "Relay Connect",
        family: "integration",
        kind: ProductKind::AddOn,
        unit: "connector",
        tiers: &[tier("standard", 1_200.0)],
        owned: [0.07, 0.15, 0.22],
        needs_per_year: 0.14,
        need: "keeping our finance and service tools in sync",
        competitor: "Plugboard",
    },
    ProductSpec {
        id: "automate",
        name: "Relay Automate",
        family: "automation",
        kind: ProductKind::AddOn,
        unit: "runner",
        tiers: &[tier("standard", 1_800.0)],
        owned: [0.06, 0.12, 0.18],
        needs_per_year: 0.135,
        need: "approvals that run without somebody chasing them",
        competitor: "Clockwise Flows",
    },
    ProductSpec {
        id: "support_premium",
        name: "Premium Support",
        family: "services",
        kind: ProductKind::Support,
        unit: "plan",
        tiers: &[tier("standard", 6_000.0)],
        owned: [0.03, 0.12, 0.28],
        needs_per_year: 0.10,
        need: "someone on the phone within the hour when things break",
        competitor: "",
    },
    ProductSpec {
        id: "success_partner",
        name: "Success Partner",
        family: "services",
        kind: ProductKind::Support,
        unit: "plan",
        tiers: &[tier("standard", 24_000.0)],
        owned: [0.0, 0.04, 0.16],
        needs_per_year: 0.11,
        need: "a named expert who plans the roll-out with us",
        competitor: "",
    },
];

/// Use cases: what an account bought for and what a feature serves share these words.
pub const USE_CASES: [&str; 5] =
    ["project_delivery", "service_operations", "data_integration", "customer_reporting", "compliance"];

/// Position of a feature in [`FEATURES`].
pub type FeatureNo = usize;

pub struct FeatureSpec {
    pub id: &'static str,
    pub product: ProductNo,
    pub name: &'static str,
    /// Lowest tier that includes it; 1 = lowest.
    pub min_rank: i64,
    pub kind: FeatureKind,
    pub use_case: &'static str,
    pub suggests: Option<ProductNo>,
}

use FeatureKind::{Advanced, Api, Core, Export, Premium, Teaser, Workflow};

const fn feature(
    id: &'static str,
    product: ProductNo,
    name: &'static str,
    min_rank: i64,
    kind: FeatureKind,
    use_case: usize,
) -> FeatureSpec {
    FeatureSpec { id, product, name, min_rank, kind, use_case: USE_CASES[use_case], suggests: None }
}

const fn stand_in(spec: FeatureSpec, suggests: ProductNo) -> FeatureSpec {
    FeatureSpec { suggests: Some(suggests), ..spec }
}

pub const FEATURES: &[FeatureSpec] = &[
    feature("ws_boards", WORKSPACE, "Boards", 1, Core, 0),
    feature("ws_documents", WORKSPACE, "Shared Documents", 1, Core, 0),
    feature("ws_requests", WORKSPACE, "Request Inbox", 1, Core, 1),
    feature("ws_calendar", WORKSPACE, "Team Calendar", 1, Core, 1),
    feature("ws_forms", WORKSPACE, "Client Forms", 1, Core, 3),
    feature("ws_checklists", WORKSPACE, "Control Checklists", 1, Core, 4),
    feature("ws_timelines", WORKSPACE, "Dependency Timelines", 2, Advanced, 0),
    feature("ws_workload", WORKSPACE, "Workload Planner", 2, Advanced, 1),
    feature("ws_rules", WORKSPACE, "Routing Rules", 2, Workflow, 1),
    feature("ws_handover", WORKSPACE, "Handover Flows", 2, Workflow, 0),
    feature("ws_table_export", WORKSPACE, "Table Export", 1, Export, 3),
    stand_in(feature("ws_report_dump", WORKSPACE, "Report Dump", 1, Export, 3), INSIGHTS),
    stand_in(feature("ws_access_list", WORKSPACE, "Access List Download", 1, Export, 4), GUARD),
    stand_in(feature("ws_copy_macros", WORKSPACE, "Copy Macros", 1, Workflow, 1), AUTOMATE),
    feature("ws_portfolio", WORKSPACE, "Portfolio Rollups", 3, Premium, 0),
    feature("ws_client_portal", WORKSPACE, "Client Portal", 3, Premium, 3),
    feature("ws_sandbox", WORKSPACE, "Sandbox Spaces", 4, Premium, 4),
    feature("ws_single_sign_on", WORKSPACE, "Single Sign-On", 4, Premium, 4),
    feature("ws_forecast_tile", WORKSPACE, "Delivery Forecast Preview", 3, Teaser, 0),
    feature("ws_residency_tile", WORKSPACE, "Data Residency Preview", 4, Teaser, 4),
    feature("pl_streams", PIPELINE, "Record Streams", 1, Core, 2),
    feature("pl_mappings", PIPELINE, "Field Mappings", 1, Core, 2),
    feature("pl_monitor", PIPELINE, "Run Monitor", 1, Core, 1),
    feature("pl_rest", PIPELINE, "Streaming Endpoint", 1, Api, 2),
    feature("pl_transforms", PIPELINE, "Code Transforms", 2, Advanced, 2),
    feature("pl_schedules", PIPELINE, "Chained Schedules", 2, Workflow, 2),
    feature("pl_extract", PIPELINE, "Bulk Extract", 1, Export, 3),
    stand_in(feature("pl_webhook_scripts", PIPELINE, "Webhook Scripts", 1, Api, 2), CONNECT),
    feature("pl_replay", PIPELINE, "Point-in-Time Replay", 2, Premium, 2),
    feature("pl_masking", PIPELINE, "Field Masking", 3, Premium, 4),
    feature("pl_change_feed_tile", PIPELINE, "Change Feed Preview", 2, Teaser, 2),
    feature("pl_private_link_tile", PIPELINE, "Private Link Preview", 3, Teaser, 4),
    feature("in_dashboards", INSIGHTS, "Executive Dashboards", 1, Core, 3),
    feature("in_cohorts", INSIGHTS, "Cohort Explorer", 2, Premium, 3),
    feature("gd_access_reviews", GUARD, "Access Reviews", 1, Core, 4),
    feature("gd_retention", GUARD, "Retention Policies", 1, Core, 4),
    feature("cn_finance_sync", CONNECT, "Finance Sync", 1, Core, 2),
    feature("cn_service_sync", CONNECT, "Service Desk Sync", 1, Core, 1),
    feature("au_approvals", AUTOMATE, "Approval Chains", 1, Core, 1),
    feature("au_reminders", AUTOMATE, "Escalation Timers", 1, Core, 1),
];

/// The feature that customers misuse for lack of `product`.
pub fn workaround_for(product: ProductNo) -> Option<FeatureNo> {
    FEATURES.iter().position(|f| f.suggests == Some(product))
}

/// Features of the product that a tier of this rank does not include, teasers aside.
pub fn above(product: ProductNo, rank: i64) -> Vec<FeatureNo> {
    let locked = |f: &FeatureSpec| f.product == product && f.min_rank > rank && f.kind != Teaser;
    (0..FEATURES.len()).filter(|&no| locked(&FEATURES[no])).collect()
}

#[derive(Clone, Copy)]
pub struct IntegrationSpec {
    pub name: &'static str,
    pub category: &'static str,
}

const fn integration(name: &'static str, category: &'static str) -> IntegrationSpec {
    IntegrationSpec { name, category }
}

pub const INTEGRATIONS: &[IntegrationSpec] = &[
    integration("ChatterBox", "communication"),
    integration("MailGarden", "communication"),
    integration("VideoNook", "communication"),
    integration("DriveShed", "files"),
    integration("DocHarbor", "files"),
    integration("LedgerLane", "finance"),
    integration("PayPost", "finance"),
    integration("SalesBarn", "crm"),
    integration("DealPorch", "crm"),
    integration("CodeLoom", "development"),
    integration("BuildYard", "development"),
    integration("LakeWell", "data"),
    integration("TableMill", "data"),
    integration("BadgeDoor", "identity"),
    integration("HelpBench", "service"),
    integration("PeopleShelf", "people"),
];
