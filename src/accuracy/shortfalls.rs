//! Why a signal falls short of its target, where it does: printed beside the figures it explains.

/// By signal; kept to those that fall short.
const SHORTFALLS: &[(&str, &str)] = &[
    (
        "quiet_influencer",
        "the detector reads influence from a graph of reporting lines, meetings and touches, with seniority and budget; the \
         truth counts direct reports only. They part over heads of middling groups, who score just below or above the \
         detector's 0.6.",
    ),
    (
        "active_users_drop",
        "a handful of accounts stand within two points of the 40 %. The detector holds the last week against a month \
         brought to the weekdays of the month after it, the truth against a month with all weekdays even; one weekend day \
         more or less decides those.",
    ),
    (
        "api_growth",
        "few accounts triple, so one that stands at the threshold weighs much: sums of 30 days with one weekend more or \
         less differ by some percent.",
    ),
    (
        "usage_doubling",
        "few accounts double, so one that stands at the threshold weighs much: two months differ in their weekend days.",
    ),
    (
        "sentiment_convergence",
        "its four signs include a rise of use by 10 %, and growth of about that much is common: measurement noise carries \
         accounts across the line in both directions.",
    ),
];

/// What is known about a signal's shortfall.
pub fn explanation(signal: &str) -> Option<&'static str> {
    SHORTFALLS.iter().find(|(known, _)| *known == signal).map(|(_, why)| *why)
}
