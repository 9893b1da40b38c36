//! When a signal is really there: one line per signal that a rule defines, as data.
//!
//! The wording follows the signal catalogue of the contract; where the catalogue leaves a number open, the parameters
//! name the one that stands for it. Every rule is computed from the noise-free state of the generator.

use super::rule::Rule;
use super::{features, happenings, people, support, usage};

macro_rules! rules {
    ($($signal:ident = $holds:path, [$($name:ident = $value:expr),*], $definition:literal;)*) => {
        pub const RULES: &[Rule] = &[$(Rule {
            signal: stringify!($signal),
            definition: $definition,
            parameters: &[$((stringify!($name), $value)),*],
            holds: $holds,
        }),*];
    };
}

rules! {
    seat_utilization = usage::seat_utilization, [share = 0.80, min_limit = 5.0, growth = 0.01],
        "Seats at 80 % of the licence or more, on a licence of 5 or more, and growing by 1 % of it or more in 60 days: twice the rise of the mean from the last 30 days but one to the last 30.";
    sustained_utilization = usage::sustained_utilization, [share = 0.85, seat_share = 0.80, days = 14.0, min_limit = 5.0],
        "A ceiling used to 85 % or more (seats 80 %) on each of the last 14 days; monthly ceilings by the month to date.";
    overage = usage::overage, [min_days = 3.0],
        "The level or the day's amount above the ceiling, and at or above it on 3 of the last 30 days; for a monthly ceiling the month to date or the month before.";
    limit_hit = usage::limit_hit, [days = 5.0],
        "A ceiling other than the licence touched or passed on 5 of the last 30 days.";
    api_growth = usage::api_growth, [growth = 3.0, min_level = 1000.0, min_history_days = 150.0],
        "API calls of the last 30 days at least 3 times those of the 30 days that ended 60 days earlier.";
    usage_doubling = usage::usage_doubling, [growth = 2.0, min_level = 5.0, min_history_days = 150.0],
        "Mean daily active users of the last 30 days at least twice, and 5 above, those of the 30 days that ended 60 days earlier.";
    teaser_clicks = features::teaser_clicks, [events = 3.0],
        "3 or more events in 30 days on a teaser.";
    premium_trial = features::premium_trial, [users = 2.0, days = 4.0],
        "2 or more users with trial use in 30 days, or one on 4 or more days.";
    power_users = features::power_users, [users = 3.0, growth = 2.0],
        "3 or more users whose first advanced, workflow or export feature fell into the last 30 days, at least twice as many as in the 30 days before.";
    plan_limit_ticket = support::plan_limit_ticket, [days = 60.0],
        "A text of the last 60 days was written to say that a plan limit was met.";
    higher_tier_request = support::higher_tier_request, [days = 60.0],
        "A text of the last 60 days was written to ask for a feature of a higher tier.";
    adjacent_need = support::adjacent_need, [days = 60.0],
        "A text of the last 60 days was written to voice a need that a product not owned answers.";
    price_complaint = support::price_complaint, [days = 60.0],
        "A text of the last 60 days was written to complain about the price or to speak of leaving.";
    workaround_use = features::workaround_use, [events = 20.0, users = 2.0],
        "20 or more events by 2 or more users in 30 days on a feature that stands in for a product not owned.";
    use_case_expansion = features::use_case_expansion, [shift = 0.25, min_events = 20.0],
        "A quarter or more of the events of the last 90 days belong to other use cases than in the first 90 days, with 20 events in each.";
    integration_growth = happenings::integration_growth, [connected = 2.0, categories = 1.0, min_history_days = 120.0],
        "2 or more integrations connected, or a first one of a category, within 90 days; not in the first 120 days.";
    competitor_export = happenings::competitor_export, [days = 365.0],
        "An integration with a competing product is connected and at most a year old.";
    new_department = people::new_department, [days = 90.0],
        "A department, business unit or region whose first person became known within 90 days at an account known before.";
    uncovered_buying_center = people::uncovered_buying_center, [people = 2.0, days = 365.0],
        "A department, unit and region with 2 or more people present, none of whom had contact within a year.";
    quiet_influencer = people::quiet_influencer, [days = 90.0, reports = 2.0, share_of_most = 0.5],
        "A person other than champion, sponsor or procurement, whom 2 or more people report to, and who is vice president or above, or a director with half as many reports as the account's largest group, or leads that group; without contact for more than 90 days.";
    champion_promotion = people::champion_promotion, [days = 90.0],
        "A champion rose to director or above within 90 days and is still there.";
    champion_moved = people::champion_moved, [days = 90.0],
        "A champion changed unit or region, or came from another account, within 90 days and is still there.";
    new_executive = people::new_executive, [days = 90.0],
        "An executive (vice president or above) joined, or was reported to have joined, within 90 days.";
    budget_event = happenings::budget_event, [days = 90.0],
        "Funding, a merger, a launch, a new region or a new office within 90 days.";
    hiring_growth = happenings::hiring_growth, [days = 90.0, roles = 10.0, own_department = 1.5, headcount = 0.10],
        "10 or more open roles reported within 90 days (those in a department that uses the product count one and a half), or headcount up by 10 % against the last figure before.";
    sentiment_convergence = happenings::sentiment_convergence,
        [signs = 3.0, nps = 9.0, nps_days = 180.0, growth = 0.10, meetings = 1.0, advocacy_days = 180.0],
        "3 of: last NPS 9 or 10 within 180 days; active users up 10 % over 60 days; a QBR or executive meeting in 90 days; a review or case study within 180 days.";
    usage_decline = usage::usage_decline, [drop = 0.25, min_level = 5.0, min_history_days = 90.0],
        "Mean daily active users of the last 30, 60 or 90 days a quarter or more below the same span before, and the last week still a fifth below it.";
    active_users_drop = usage::active_users_drop, [drop = 0.40, min_level = 10.0],
        "Daily active users of the last week 40 % or more below the month that ended 30 days ago.";
    feature_abandonment = features::feature_abandonment, [days = 4.0, min_events = 10.0],
        "A feature used on 4 or more of 90 days, 10 or more events a month, and not at all in the 30 days since.";
    sponsor_silent = people::sponsor_silent, [days = 45.0],
        "A champion or sponsor who is there had no contact (activity attended, conversation, survey answer) for 45 days or more.";
    champion_left = people::champion_left, [days = 90.0],
        "A champion or sponsor left within 90 days.";
    procurement_contact = people::procurement_contact, [days = 60.0, silent_days = 365.0],
        "A procurement contact appeared within 60 days, or was in touch within 60 days after a silent year.";
    ticket_spike = support::ticket_spike, [tickets = 5.0, growth = 2.0, sigma = 2.5, csat_drop = 0.5, poor_csat = 6.0],
        "5 or more tickets in 30 days, twice the monthly mean of the 150 days before and 2.5 Poisson deviations above it, while satisfaction fell by half a point or stands at 6 or less.";
    critical_tickets_open = support::critical_tickets_open, [tickets = 1.0],
        "An open ticket that is priority 1 or escalated.";
    csat_drop = support::csat_drop, [drop = 1.5, answers = 3.0],
        "Mean satisfaction of 30 or 90 days 1.5 points below the same span before, with 3 answers in each.";
    nps_detractor = support::nps_detractor, [score = 6.0, days = 180.0],
        "The last NPS answer, at most 180 days old, is 6 or less.";
    payment_trouble = happenings::payment_trouble, [days_overdue = 15.0, days_late = 20.0, min_invoices = 2.0],
        "An invoice unpaid 15 days after it was due, or disputed and unpaid, or invoices due in 180 days late by 20 days on average.";
    underused_contract = usage::underused_contract, [share = 0.50, min_history_days = 150.0, settled_days = 90.0],
        "Half or less of what is paid for used over the last 7, 30 and 60 days, with no upgrade in 90 days: seats of the workspace, the fuller ceiling of the pipeline.";
    competitor_logo = happenings::competitor_logo, [days = 120.0, text_days = 60.0],
        "A logo on a competitor's page within 120 days, or a text of the last 60 days that names a competitor.";
    executive_departure = people::executive_departure, [days = 90.0],
        "An executive left, or was reported to have left, within 90 days.";
    layoffs = happenings::layoffs, [days = 120.0],
        "Layoffs within 120 days.";
}
