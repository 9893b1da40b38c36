//! What each person is to us: one role, in a fixed order of precedence.

use super::careers::{Careers, Person};
use super::contact_log::ContactLog;
use super::influence::influence;
use super::{Change, Context, News, Role, Settings, Stakeholder};
use crate::extracts::tables::{Contact, Seniority};
use crate::history::View;
use crate::vocabulary::Day;

/// Everyone of the account, in the order of `careers`.
pub(super) fn people(view: View, careers: &Careers, log: &ContactLog, context: &Context) -> Vec<Stakeholder> {
    let influence = influence(view, &careers.people, log, &context.settings);
    careers
        .people
        .iter()
        .zip(influence)
        .map(|(person, influence)| stakeholder(view.day, person, influence, log, context))
        .collect()
}

fn stakeholder(day: Day, person: &Person, influence: f64, log: &ContactLog, context: &Context) -> Stakeholder {
    let contact = person.current();
    let last_contact_days = log.last(contact.contact).map(|last| day.since(last));
    let mut stakeholder = Stakeholder {
        title: contact.title.clone(),
        seniority: contact.seniority,
        department: contact.department.clone(),
        business_unit: contact.business_unit.clone(),
        region: contact.region.clone(),
        influence: influence.clamp(0.0, 1.0),
        last_contact_days,
        change: headline(&person.news),
        budget_authority: contact.budget_authority,
        gone: person.gone_on.is_some(),
        is_champion: last_held(person, |contact| contact.is_champion),
        is_sponsor: last_held(person, |contact| contact.is_sponsor),
        is_procurement: is_procurement(contact, &context.procurement_words),
        reports_to: contact.reports_to,
        active_days: log.active_days(contact.user),
        first_seen: person.first_seen,
        news: person.news.clone(),
        ..Stakeholder::named(contact.contact, contact.name.clone())
    };
    stakeholder.role = role(&stakeholder, contact.user.is_some(), &context.settings);
    stakeholder
}

/// Of who is there, what the last version says; of who left, also the one before, since the flag is often taken away
/// with the departure.
fn last_held(person: &Person, holds: impl Fn(&Contact) -> bool) -> bool {
    let looked_at = if person.gone_on.is_some() { 2 } else { 1 };
    person.versions.iter().rev().take(looked_at).any(|version| holds(version))
}

/// The weightiest change: a departure, a promotion, a move, an arrival; the latest where there are several.
fn headline(news: &[News]) -> Option<(Change, Day)> {
    [Change::Left, Change::Promoted, Change::Moved, Change::Joined]
        .into_iter()
        .find_map(|change| news.iter().rev().find(|news| news.change == change))
        .map(|news| (news.change, news.day))
}

fn role(person: &Stakeholder, is_user: bool, settings: &Settings) -> Role {
    let joined = person.news_of(Change::Joined).is_some();
    if person.is_champion {
        Role::Champion
    } else if person.is_sponsor {
        Role::Sponsor
    } else if person.is_procurement {
        Role::Procurement
    } else if joined && is_executive(person.seniority) {
        Role::NewExecutive
    } else if is_quiet_influencer(person, settings) {
        Role::QuietInfluencer
    } else if is_user {
        Role::User
    } else {
        Role::Unknown
    }
}

/// VP or C-level.
pub fn is_executive(seniority: Option<Seniority>) -> bool {
    seniority >= Some(Seniority::Vp)
}

fn is_quiet_influencer(person: &Stakeholder, settings: &Settings) -> bool {
    let quiet = person.last_contact_days.is_none_or(|days| days > settings.quiet_days);
    !person.gone && quiet && person.influence >= settings.quiet_influence
}

/// Whole words, so that `Resourcing` is not `sourcing`.
fn is_procurement(contact: &Contact, words: &[String]) -> bool {
    let texts = [contact.title.as_deref(), contact.department.as_deref()];
    texts.into_iter().flatten().any(|text| {
        let text = spaced(text);
        words.iter().any(|word| text.contains(word))
    })
}

/// Lower case, everything but letters and digits one blank, a blank at either end.
pub(super) fn spaced(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 2);
    words.push(' ');
    for c in text.to_lowercase().chars() {
        match c.is_alphanumeric() {
            true => words.push(c),
            false if !words.ends_with(' ') => words.push(' '),
            false => {}
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}
