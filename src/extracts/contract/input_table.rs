//! The input tables by name.

words!(
    /// The input tables, in loading order: a table stands after those it refers to.
    InputTable {
        Accounts = "accounts", Products = "products", Features = "features", Subscriptions = "subscriptions",
        Entitlements = "entitlements", Usage = "usage", FeatureUsage = "feature_usage", Integrations = "integrations",
        Contacts = "contacts", Activities = "activities", Conversations = "conversations", Tickets = "tickets",
        Surveys = "surveys", Invoices = "invoices", AccountEvents = "account_events", Opportunities = "opportunities",
        Decisions = "decisions", Outcomes = "outcomes", TextLabels = "text_labels", Annotations = "annotations",
    }
);
