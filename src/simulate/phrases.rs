//! What people write, by intent. `{p}` product, `{f}` feature, `{m}` ceiling, `{n}` a number, `{c}` a competitor, `{d}` a need.

use crate::extracts::tables::Intent;

/// Plain wordings: each says what it means.
pub fn plain(intent: Intent) -> &'static [&'static str] {
    match intent {
        Intent::PlanLimit => &[
            "We hit the {m} limit of our plan in {p} again this morning and {n} people are blocked.",
            "Getting an error that says the {m} limit has been reached on our current plan.",
            "We are out of {m} on {p}. New colleagues cannot be added until the limit is raised.",
            "Our plan limit for {m} was exceeded twice this week, what are our options?",
            "{p} tells us that we have reached the maximum {m} included in our plan.",
            "We keep running into the {m} cap. Please advise how to raise our quota.",
            "Calls fail with a limit exceeded message; it looks like our {m} quota is used up.",
        ],
        Intent::HigherTierRequest => &[
            "Is {f} available on our plan? The team in {d} would like to use it.",
            "How can we get access to {f}? We only see a lock icon next to it.",
            "Could you enable {f} for us? We would need it for about {n} people.",
            "We would like to have {f} in {p}. Which plan includes it?",
            "Several of us asked for {f} in the last review. What would it take to turn it on?",
        ],
        Intent::AdjacentNeed => &[
            "We are looking for {d}. Do you offer something for that?",
            "Our management asks for {d}, and today we do it by hand. Can {p} do this?",
            "A colleague mentioned {f}. That would help us with {d}.",
            "Next quarter we need {d}. Would {p} be the right thing?",
            "Is there a way to get {f}? We need {d}.",
        ],
        Intent::Growth => &[
            "We are hiring {n} people this quarter and will roll {p} out to them.",
            "Our {d} team is growing fast and wants to join next month.",
            "We are opening another office and plan to onboard {n} more users.",
            "The pilot went well, so we want to expand {p} to the whole department.",
        ],
        Intent::BudgetIncrease => &[
            "Our budget for tooling was increased for the coming year, let us talk about what is next.",
            "We received additional budget for {p} and would like to plan together.",
            "The board approved more budget for our platform programme.",
        ],
        Intent::PriceComplaint => &[
            "Honestly, {p} has become too expensive for what we use.",
            "The price increase is hard to justify internally. We need a discount.",
            "Finance says the renewal quote is over budget and asks us to cut costs.",
            "We are paying too much for {p} compared with last year.",
            "The cost per user is too high for us at the moment.",
        ],
        Intent::ChurnIntent => &[
            "We are considering cancelling {p} at the end of the term.",
            "Please send us the notice period, we may not renew the contract.",
            "How do we export all our data? We are thinking about leaving.",
            "The team is evaluating alternatives and we might switch away from {p}.",
        ],
        Intent::None => &[
            "How do I change the time zone of my profile in {p}?",
            "Thanks for the quick help with the notification settings yesterday.",
            "The attachment preview does not load in one browser, screenshot attached.",
            "Could you resend the invitation to the training on Thursday?",
            "Sorting by due date looks wrong on the mobile app.",
            "Notes from our weekly call: roll-out is on track, no open points.",
            "Please update the contact address on our account.",
            "The import finished with {n} warnings, can you check the file?",
            "Where can I find the release notes for {p}?",
            "A user did not receive the password reset message.",
            "Sharing the agenda for the quarterly review next week.",
            "Search results are slow in the afternoon, is this known?",
        ],
    }
}

/// Wordings that a reader understands and a phrase list may not; only worlds with noise have them.
pub fn oblique(intent: Intent) -> &'static [&'static str] {
    match intent {
        Intent::PlanLimit => &[
            "The little bar next to {m} has been red since Tuesday and nothing goes through any more.",
            "Looks like we have filled up everything we bought; {n} colleagues are waiting.",
        ],
        Intent::HigherTierRequest => {
            &["Saw a colleague at another company with portfolio views, when do we get those?"]
        }
        Intent::AdjacentNeed => &["We still copy numbers into slides every Friday, there must be something better."],
        Intent::Growth => &["{n} new faces start in spring, so expect more of us."],
        Intent::BudgetIncrease => &["Good news from the board: next year looks a lot roomier for us."],
        Intent::PriceComplaint => &["My boss nearly fell off the chair when the quote came in."],
        Intent::ChurnIntent => &["We are not sure that we will still be here next year."],
        Intent::None => &[
            "The character limit of the title field is too short for our naming scheme.",
            "Please upgrade the browser support page, it still lists old versions.",
            "There is no limit to how much I like the new calendar.",
        ],
    }
}

pub const COMPETITOR: &[&str] = &[
    "We had a demo of {c} last week and it covers most of what we need.",
    "How does this compare with {c}? They approached us again.",
    "One of our teams is already testing {c} next to {p}.",
];

pub const PROCUREMENT: &[&str] = &[
    "I am taking over this contract on the procurement side, please send the current terms and price list.",
    "Procurement is reviewing all software agreements. Could you share the usage report and the renewal terms?",
];

pub const SUBJECTS: &[&str] = &["Question", "Issue in production", "Help needed", "Request", "Follow-up"];
