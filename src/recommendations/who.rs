//! Whom to talk to at the customer, and who of ours does it. One person owns, the other role is informed.

use super::Action;
use crate::assessment::Assessment;
use crate::extracts::tables::{Account, Seniority};
use crate::signals::Signal;
use crate::stakeholders::{Change, Role, Stakeholder};
use crate::vocabulary::{ContactIx, OwnerRole, Text};
use crate::wording::{day, plural};

/// The queue of accounts that have neither CSM nor AE.
pub const UNASSIGNED: &str = "unassigned";

/// Signals whose person is the one to talk to, the most telling first.
const TELLING: [&str; 6] = [
    "champion_promotion",
    "new_executive",
    "champion_moved",
    "quiet_influencer",
    "uncovered_buying_center",
    "new_department",
];

/// Risk signals whose person has fallen silent and should hear from us.
const SILENT: [&str; 2] = ["sponsor_silent", "nps_detractor"];

/// The person to talk to and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub contact: Option<ContactIx>,
    /// Name and title as one would say them; `their team` where nobody is known.
    pub called: String,
    pub title: Option<Text>,
    pub reason: String,
}

/// Picks the person: whoever a telling signal points at, the entry to a buying center, then the people already known.
pub fn stakeholder(assessment: &Assessment, action: Action, signals: &[&Signal]) -> Choice {
    let found = match action {
        Action::SavePlay => silent(assessment, signals).or_else(|| financial(assessment, signals)),
        _ => telling(assessment, signals).or_else(|| entry(assessment, signals)),
    };
    found.or_else(|| known(assessment, action)).unwrap_or_else(|| Choice {
        contact: None,
        called: "their team".into(),
        title: None,
        reason: "no contact known: the contact data names nobody at this account; find the person who runs the product"
            .into(),
    })
}

fn telling(assessment: &Assessment, signals: &[&Signal]) -> Option<Choice> {
    TELLING.iter().find_map(|name| {
        let mut pointing = signals.iter().filter(|s| &*s.signal == *name);
        pointing.find_map(|s| person(assessment, s.detail.contact?)).map(|p| choose(p, because(p, name)))
    })
}

fn because(person: &Stakeholder, signal: &str) -> String {
    match (signal, person.change) {
        (_, Some((Change::Promoted, on))) => format!("promoted on {}, with a new mandate and a wider budget", day(on)),
        (_, Some((Change::Joined, on))) => format!("joined on {} and is setting new priorities", day(on)),
        ("quiet_influencer", _) => match person.last_contact_days {
            Some(days) => format!("has influence and has not heard from us for {}", plural(days.into(), "day", "days")),
            None => "has influence and has never been in a conversation with us".into(),
        },
        _ => "leads the part of the organisation that the signals come from".into(),
    }
}

/// The entry contact of the buying center that a signal names.
fn entry(assessment: &Assessment, signals: &[&Signal]) -> Option<Choice> {
    let places: Vec<&str> = signals.iter().filter_map(|s| s.detail.place.as_deref()).collect();
    let centers = assessment.stakeholders.buying_centers.iter().filter(|c| places.contains(&&*c.name));
    let person_of = |contact| person(assessment, contact);
    let (center, person) = centers.filter_map(|c| Some((c, person_of(c.entry_contact?)?))).next()?;
    Some(choose(person, format!("is the way into {}, where no conversation has been held", center.name)))
}

fn silent(assessment: &Assessment, signals: &[&Signal]) -> Option<Choice> {
    let mut quiet = signals.iter().filter(|s| SILENT.contains(&&*s.signal));
    let (signal, found) = quiet.find_map(|s| Some((s, person(assessment, s.detail.contact?)?)))?;
    let reason = match found.last_contact_days {
        _ if &*signal.signal == "nps_detractor" => "gave the low score and should hear from us first".into(),
        Some(days) => format!("{} without contact for {}", role_word(found), plural(days.into(), "day", "days")),
        None => format!("{} who should hear from us now", role_word(found)),
    };
    Some(choose(found, reason))
}

/// For late or disputed invoices: someone who decides on money.
fn financial(assessment: &Assessment, signals: &[&Signal]) -> Option<Choice> {
    let about_money = signals.iter().any(|s| &*s.signal == "payment_trouble");
    let people =
        || present(assessment).filter(|p| p.budget_authority || p.department.as_deref().is_some_and(is_finance));
    let person = people().find(|p| p.department.as_deref().is_some_and(is_finance)).or_else(|| people().next())?;
    about_money.then(|| choose(person, "decides on payments".into()))
}

fn is_finance(department: &str) -> bool {
    department.to_lowercase().contains("financ")
}

/// The people already known: champion and sponsor first, a sponsor before a champion where budgets are decided.
fn known(assessment: &Assessment, action: Action) -> Option<Choice> {
    let strategic = matches!(action, Action::StrategicExpansion | Action::MultiYearCommit);
    let first = if strategic { [Role::Sponsor, Role::Champion] } else { [Role::Champion, Role::Sponsor] };
    let by_role = first.iter().find_map(|role| present(assessment).find(|p| p.role == *role));
    let with_budget = || present(assessment).find(|p| p.budget_authority);
    let senior = || present(assessment).find(|p| p.seniority >= Some(Seniority::Director));
    if let Some(person) = by_role {
        return Some(choose(person, format!("{} of the product at this account", role_word(person))));
    }
    if let Some(person) = with_budget() {
        return Some(choose(person, "no champion is known; has authority over the budget".into()));
    }
    let person = senior().or_else(|| present(assessment).next())?;
    Some(choose(person, "no champion or budget holder is known; the most influential contact we have".into()))
}

fn role_word(person: &Stakeholder) -> &'static str {
    match person.role {
        Role::Champion => "champion",
        Role::Sponsor => "executive sponsor",
        Role::NewExecutive => "new executive",
        _ => "contact",
    }
}

fn present<'a>(assessment: &'a Assessment) -> impl Iterator<Item = &'a Stakeholder> {
    assessment.stakeholders.people.iter().filter(|p| !p.gone && p.role != Role::Procurement)
}

fn person<'a>(assessment: &'a Assessment, contact: ContactIx) -> Option<&'a Stakeholder> {
    assessment.stakeholders.people.iter().find(|p| p.contact == contact && !p.gone)
}

fn choose(person: &Stakeholder, reason: String) -> Choice {
    let called = match person.title.as_deref() {
        Some(title) => format!("{} ({title})", person.name),
        None => person.name.to_string(),
    };
    Choice { contact: Some(person.contact), called, title: person.title.clone(), reason }
}

/// Who of ours acts, and who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub owner: Text,
    pub role: OwnerRole,
    pub informed: Option<Text>,
}

/// The playbook's role where the account has one, else the other role, else the unassigned queue.
pub fn owner(account: Option<&Account>, wanted: OwnerRole) -> Owner {
    let of = |role| account.and_then(|a| if role == OwnerRole::Csm { a.csm.clone() } else { a.ae.clone() });
    let other = if wanted == OwnerRole::Csm { OwnerRole::Ae } else { OwnerRole::Csm };
    match (of(wanted), of(other)) {
        (Some(owner), informed) => {
            let informed = informed.filter(|person| *person != owner);
            Owner { owner, role: wanted, informed }
        }
        (None, Some(owner)) => Owner { owner, role: other, informed: None },
        (None, None) => Owner { owner: UNASSIGNED.into(), role: wanted, informed: None },
    }
}
