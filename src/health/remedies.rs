//! What to do about the weakest measures: one concrete step each, with who and by when.

use super::scoring::{Part, Scored};
use super::{Inputs, Settings};
use crate::observations::Metric;
use crate::stakeholders::{Role, Stakeholder};
use crate::vocabulary::{Level, OwnerRole};
use crate::wording::{day, plural};

/// More than this nobody does in a week.
const ACTIONS: usize = 4;

/// One step: who, within how many days, what.
struct Step {
    who: OwnerRole,
    days: i32,
    what: String,
}

/// Steps against the measures below yellow, worst first; then against a falling trend and a high risk.
pub(super) fn actions(
    inputs: &Inputs,
    scored: &Scored,
    risk: Level,
    trend: Option<f64>,
    settings: &Settings,
) -> Vec<String> {
    let weak = scored.by_impact().filter(|part| part.score < settings.yellow);
    let mut steps: Vec<Step> = weak.filter_map(|part| against(part, inputs)).collect();
    if trend.is_some_and(|trend| trend <= -settings.falling) {
        steps.push(step(
            OwnerRole::Csm,
            21,
            "bring the next business review forward and put the falling health on its agenda".into(),
        ));
    }
    if steps.is_empty() && risk == Level::High {
        steps.push(step(
            OwnerRole::Csm,
            7,
            "go through the risk signals with the account executive and agree on one save plan".into(),
        ));
    }
    let mut actions: Vec<String> = Vec::new();
    for action in steps.into_iter().map(|step| sentence(inputs, step)) {
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions.truncate(ACTIONS);
    actions
}

fn step(who: OwnerRole, days: i32, what: String) -> Step {
    Step { who, days, what }
}

/// `CSM Kim Park: …, by 7 Apr 2026`.
fn sentence(inputs: &Inputs, step: Step) -> String {
    let account = inputs.view.account(inputs.account);
    let (role, name) = match step.who {
        OwnerRole::Csm => ("CSM", account.and_then(|account| account.csm.as_deref())),
        OwnerRole::Ae => ("AE", account.and_then(|account| account.ae.as_deref())),
    };
    let who = name.map_or(role.to_owned(), |name| format!("{role} {name}"));
    format!("{who}: {}, by {}", step.what, day(inputs.view.day.plus(step.days)))
}

fn against(part: &Part, inputs: &Inputs) -> Option<Step> {
    use OwnerRole::{Ae, Csm};
    let champion = || person(inputs, Role::Champion, "the main contact");
    let sponsor = || person(inputs, Role::Sponsor, "the executive sponsor");
    let count = part.observation.value.round() as i64;
    Some(match part.measure.metric {
        Metric::Usage => {
            step(Csm, 2, format!("call {} about the stop in use and ask what took the product's place", champion()))
        }
        Metric::ActiveUsers | Metric::UsageIndex | Metric::ActiveDays => step(
            Csm,
            7,
            format!("go through the drop in use with {} and agree on what keeps the teams away", champion()),
        ),
        Metric::FeaturesUsed | Metric::FeaturesAbandoned => {
            step(Csm, 14, "run a working session on the features that went unused".into())
        }
        Metric::DaysSinceContact | Metric::DaysSinceChampionContact => {
            step(Csm, 5, format!("get back in touch with {}", champion()))
        }
        Metric::DaysSinceSponsorContact => {
            step(Ae, 7, format!("bring our executive sponsor together with {}", sponsor()))
        }
        Metric::MeetingsAttendedShare => step(Csm, 14, "agree on a meeting rhythm that the customer keeps".into()),
        Metric::ResponseHours | Metric::SentimentMean => {
            step(Csm, 7, format!("ask {} openly what is not going well", champion()))
        }
        Metric::NpsLatest => step(Csm, 7, "call the person behind the latest NPS answer and note the cause".into()),
        Metric::KeyContactsLeft | Metric::ChampionsPresent => {
            step(Csm, 14, format!("win a new advocate, starting with {}", most_influential(inputs)))
        }
        Metric::CsatMean | Metric::SurveyCsatMean => {
            step(Csm, 7, "review the worst-rated tickets with support and tell the customer what changes".into())
        }
        Metric::CriticalTicketsOpen => {
            let tickets = plural(count, "open critical ticket", "open critical tickets");
            step(Csm, 2, format!("get an engineering owner and a date for the {tickets}"))
        }
        Metric::TicketsOpened | Metric::TicketsEscalated | Metric::ResolutionHours => {
            step(Csm, 7, "sort the recent tickets by cause with the support lead and close the largest one".into())
        }
        Metric::DaysOverdueMax | Metric::InvoicesOverdue | Metric::DaysLateMean => {
            step(Ae, 7, "settle the late invoices with the customer's finance team".into())
        }
        Metric::InvoicesDisputed => step(Ae, 5, "clear the disputed invoice before any other commercial talk".into()),
        Metric::UnitsUtilization | Metric::CeilingUtilization => {
            step(Csm, 21, "propose an adoption plan for what is paid for and not used".into())
        }
        Metric::Arr => step(Ae, 14, format!("find out from {} why the contract shrank", sponsor())),
        _ => return None,
    })
}

/// The most influential person of the role who is still there, or the general words.
fn person(inputs: &Inputs, role: Role, otherwise: &str) -> String {
    let found = inputs.stakeholders.present().find(|person| match role {
        Role::Champion => person.is_champion,
        Role::Sponsor => person.is_sponsor,
        other => person.role == other,
    });
    found.map_or(otherwise.to_owned(), Stakeholder::label)
}

fn most_influential(inputs: &Inputs) -> String {
    inputs.stakeholders.present().next().map_or("the most senior user".to_owned(), Stakeholder::label)
}
