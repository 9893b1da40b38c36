//! Signals about people: who joined, rose, left, fell silent, and which buying centers have no conversation.
//!
//! The stakeholder map says what happened; here it is read. The sentence names the person, the observations behind it
//! count them. Where no touch of the account names a contact, nobody is called silent or uncovered: not known is not none.

use super::Detail;
use super::case::{Case, Finding, Rule, saturating};
use crate::extracts::tables::{AccountEvent, EventKind, Seniority};
use crate::observations::Metric;
use crate::stakeholders::{BuyingCenter, Change, News, Stakeholder, is_executive};
use crate::vocabulary::{ContactIx, Day, Text};
use crate::wording::{self, capital, day, plural};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    [
        new_departments,
        uncovered_buying_centers,
        quiet_influencers,
        champion_promotions,
        champion_moves,
        new_executives,
        silent_sponsors,
        champions_left,
        procurement,
        executive_departures,
    ]
    .iter()
    .flat_map(|family| family(case))
    .collect()
}

/// An event and a contact row within so many days tell of the same person.
const SAME_NEWS_DAYS: i32 = 30;
/// What a new executive's arrival weighs as a risk, against its weight as an opening.
const EXECUTIVE_RISK: f64 = 0.6;
/// Procurement that was silent for this long before has started asking.
const SILENT_BEFORE_DAYS: i32 = 365;

const PRESENT: (&str, i32) = (Metric::ContactsPresent.name(), 0);

fn people<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Stakeholder> {
    case.evidence.stakeholders.people.iter()
}

fn present<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Stakeholder> {
    people(case).filter(|person| !person.gone)
}

/// Whether touches of this account name contacts at all.
fn touches_are_known(case: &Case) -> bool {
    people(case).any(|person| person.last_contact_days.is_some())
}

fn about(person: &Stakeholder) -> Detail {
    Detail { contact: Some(person.contact), place: person.department.clone(), ..Detail::default() }
}

fn at_place(place: &Text, contact: Option<ContactIx>) -> Detail {
    Detail { contact, place: Some(place.clone()), ..Detail::default() }
}

/// Fresh news count more: 0.85 at the rule's `strong` days, 0.40 when they are as old as `days`.
fn freshness(rule: &Rule, case: &Case, news: &News) -> f64 {
    rule.strength(f64::from(case.day.since(news.known)), "days")
}

fn is_fresh(rule: &Rule, case: &Case, known: Day) -> bool {
    (0..=rule.days("days")).contains(&case.day.since(known))
}

fn ago(case: &Case, then: Day) -> String {
    format!("{} ({})", day(then), wording::ago(case.day.since(then).into()))
}

fn new_departments(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("new_department") else { return Vec::new() };
    let places = case.evidence.stakeholders.new_places.iter().filter(|place| is_fresh(&rule, case, place.since));
    let facts = [(Metric::DepartmentsNew.name(), 90), (Metric::DepartmentsPresent.name(), 0), PRESENT];
    places
        .filter(|place| {
            place.contact.and_then(|c| case.evidence.stakeholders.person(c)).is_some_and(|p| !p.is_procurement)
        })
        .map(|place| {
            let people = plural(i64::from(place.people), "person", "people");
            let users = plural(i64::from(place.active_users), "active user", "active users");
            let evidence = format!(
                "{} {} is new at the account since {}: {people}, {users}, nobody there before.",
                capital(place.kind.as_str()),
                place.name,
                ago(case, place.since)
            );
            let strength = saturating(f64::from(place.people), 1.0, rule.at("strong"));
            rule.finding(strength, evidence, case.positions(&facts))
                .since(Some(place.since))
                .detail(at_place(&place.name, place.contact))
                .value(f64::from(place.people))
        })
        .collect()
}

fn uncovered_buying_centers(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("uncovered_buying_center").filter(|_| touches_are_known(case)) else {
        return Vec::new();
    };
    let size = |center: &BuyingCenter| f64::from(center.people.max(center.active_users));
    let centers = case.evidence.stakeholders.buying_centers.iter();
    let facts = [PRESENT, (Metric::ContactsContacted.name(), 365), (Metric::DepartmentsPresent.name(), 0)];
    centers
        .filter(|center| center.contacted_people == 0 && size(center) >= rule.at("people"))
        .filter(|center| entry(case, center).is_none_or(|person| !person.is_procurement))
        .map(|center| {
            let evidence = format!("Buying center {} has no conversation with us: {}.", center.name, center.reason);
            rule.finding(rule.strength(size(center), "people"), evidence, case.positions(&facts))
                .detail(at_place(&center.name, center.entry_contact))
                .value(size(center))
        })
        .collect()
}

fn entry<'a>(case: &Case<'a>, center: &BuyingCenter) -> Option<&'a Stakeholder> {
    center.entry_contact.and_then(|contact| case.evidence.stakeholders.person(contact))
}

/// Champions and sponsors have a signal of their own when they fall silent, and who has just come is not quiet yet.
fn quiet_influencers(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("quiet_influencer").filter(|_| touches_are_known(case)) else { return Vec::new() };
    let quiet = |person: &&Stakeholder| {
        let known_days = case.day.since(person.first_seen);
        !person.is_champion
            && !person.is_sponsor
            && !person.is_procurement
            && person.last_contact_days.unwrap_or(known_days) > rule.days("days")
            && person.influence >= rule.at("influence")
    };
    let facts = [PRESENT, (Metric::ContactsContacted.name(), 90)];
    present(case)
        .filter(quiet)
        .map(|person| {
            let evidence =
                format!("{} has an influence of {:.2} and {}.", person.label(), person.influence, silence(person));
            rule.finding(rule.strength(person.influence, "influence"), evidence, case.positions(&facts))
                .detail(about(person))
                .value(person.influence)
        })
        .collect()
}

fn silence(person: &Stakeholder) -> String {
    match person.last_contact_days {
        Some(days) => format!("was last in contact {}", wording::ago(days.into())),
        None => "was never in contact with us".into(),
    }
}

fn champion_promotions(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("champion_promotion") else { return Vec::new() };
    let facts = [(Metric::ChampionPromotions.name(), 90), (Metric::Promotions.name(), 90), PRESENT];
    let promoted = present(case).filter(|person| person.seniority >= Some(Seniority::Director));
    promoted
        .filter_map(|person| Some((person, person.news_of(Change::Promoted)?)))
        .filter(|(_, news)| news.champion && is_fresh(&rule, case, news.known))
        .map(|(person, news)| {
            let (from, to) = (news.from.as_deref().unwrap_or("?"), news.to.as_deref().unwrap_or("?"));
            let when = ago(case, news.day);
            let evidence = format!("Champion {} rose from {from} to {to} on {when}.", person.label());
            of_person(&rule, case, person, news, evidence, &facts)
        })
        .collect()
}

fn champion_moves(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("champion_moved") else { return Vec::new() };
    let facts = [PRESENT, (Metric::ContactsJoined.name(), 90), (Metric::ChampionsPresent.name(), 0)];
    present(case)
        .filter_map(|person| Some((person, person.news_of(Change::Moved)?)))
        .filter(|(_, news)| news.champion && is_fresh(&rule, case, news.known))
        .map(|(person, news)| {
            let from = news.from.as_deref().unwrap_or("elsewhere");
            let to = news.to.as_deref().unwrap_or("here");
            let customer = if news.other_account.is_some() { "another customer, " } else { "" };
            let when = ago(case, news.day);
            let evidence = format!("Champion {} moved from {customer}{from} to {to} on {when}.", person.label());
            of_person(&rule, case, person, news, evidence, &facts)
        })
        .collect()
}

fn of_person(
    rule: &Rule,
    case: &Case,
    person: &Stakeholder,
    news: &News,
    evidence: String,
    facts: &[(&str, i32)],
) -> Finding {
    rule.finding(freshness(rule, case, news), evidence, case.positions(facts))
        .since(Some(news.day))
        .detail(about(person))
        .value(f64::from(case.day.since(news.day)))
}

/// Every arrival is recorded twice: a new mandate and budget, and a new mind about the vendors already there.
fn new_executives(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("new_executive") else { return Vec::new() };
    let arrived: Vec<(&Stakeholder, &News)> = present(case)
        .filter(|person| is_executive(person.seniority))
        .filter_map(|person| Some((person, joined(person)?)))
        .filter(|(_, news)| is_fresh(&rule, case, news.known))
        .collect();
    let days: Vec<Day> = arrived.iter().map(|(_, news)| news.day).collect();
    let facts = [(Metric::ExecutivesJoined.name(), 90), (Metric::ExecutivesPresent.name(), 0)];
    let people = arrived.into_iter().map(|(person, news)| {
        let evidence = format!("{} joined as an executive on {}.", person.label(), ago(case, news.day));
        of_person(&rule, case, person, news, evidence, &facts)
    });
    let events = events(case, &rule, EventKind::ExecutiveHire, &days);
    people.chain(events).flat_map(|opening| [as_risk(&opening), opening]).collect()
}

fn joined(person: &Stakeholder) -> Option<&News> {
    let came_over = || person.news_of(Change::Moved).filter(|news| news.other_account.is_some());
    person.news_of(Change::Joined).or_else(came_over)
}

fn as_risk(opening: &Finding) -> Finding {
    let evidence = format!("{} A new executive may look at the contract afresh.", opening.evidence);
    Finding { strength: opening.strength * EXECUTIVE_RISK, evidence, ..opening.clone() }.as_risk()
}

/// Events of the kind that no contact row already tells.
fn events(case: &Case, rule: &Rule, kind: EventKind, told: &[Day]) -> Vec<Finding> {
    let known = |event: &&AccountEvent| told.iter().any(|day| day.since(event.occurred_on).abs() <= SAME_NEWS_DAYS);
    let fact = Metric::EventsOfKind.of(kind.as_str());
    let facts = [30, 90, 180].map(|window| (&*fact, window));
    let rows = case.evidence.view.account_events(case.evidence.account);
    rows.filter(|event| event.kind == kind && is_fresh(rule, case, event.occurred_on) && !known(event))
        .map(|event| {
            let age = f64::from(case.day.since(event.occurred_on));
            rule.finding(rule.strength(age, "days"), told_by_event(case, event), case.positions(&facts))
                .since(Some(event.occurred_on))
                .detail(Detail {
                    place: event.department.clone(),
                    source_row: Some(event.id.clone()),
                    ..Detail::default()
                })
                .value(age)
        })
        .collect()
}

fn told_by_event(case: &Case, event: &AccountEvent) -> String {
    let what = if event.kind == EventKind::ExecutiveHire { "An executive joined" } else { "An executive left" };
    let place = event.department.as_deref().map_or(String::new(), |department| format!(" {department}"));
    let detail = event.detail.as_deref().map_or(String::new(), |detail| format!(": {}", detail.trim_end_matches('.')));
    format!("{what}{place} on {}{detail}.", ago(case, event.occurred_on))
}

/// A champion or sponsor who is there and was silent for longer than the rule allows.
fn silent_sponsors(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("sponsor_silent").filter(|_| touches_are_known(case)) else { return Vec::new() };
    present(case)
        .filter(|person| person.is_champion || person.is_sponsor)
        .filter_map(|person| {
            let days = person.last_contact_days.unwrap_or_else(|| case.day.since(person.first_seen));
            (days >= rule.days("days")).then(|| silent(case, &rule, person, days))
        })
        .collect()
}

fn silent(case: &Case, rule: &Rule, person: &Stakeholder, days: i32) -> Finding {
    let role = if person.is_sponsor { "Sponsor" } else { "Champion" };
    let overall =
        if person.is_sponsor { Metric::DaysSinceSponsorContact } else { Metric::DaysSinceChampionContact }.name();
    let own = Metric::DaysSinceContactOf.of(case.extracts.ids.contacts.name(person.contact));
    let evidence = format!("{role} {} {}.", person.label(), silence(person));
    rule.finding(rule.strength(f64::from(days), "days"), evidence, case.positions(&[(&own, 0), (overall, 0), PRESENT]))
        .since(Some(case.day.minus(days)))
        .detail(about(person))
        .value(f64::from(days))
}

fn champions_left(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("champion_left") else { return Vec::new() };
    let facts = [(Metric::KeyContactsLeft.name(), 90), (Metric::ContactsLeft.name(), 90)];
    people(case)
        .filter(|person| person.gone && (person.is_champion || person.is_sponsor))
        .filter_map(|person| Some((person, person.news_of(Change::Left)?)))
        .filter(|(_, news)| is_fresh(&rule, case, news.known))
        .map(|(person, news)| {
            let role = if person.is_champion { "Champion" } else { "Sponsor" };
            let to = news.to.as_deref().map_or(String::new(), |to| format!(" for {to}"));
            let evidence = format!("{role} {} left{to} on {}.", person.label(), ago(case, news.day));
            of_person(&rule, case, person, news, evidence, &facts)
        })
        .collect()
}

/// Procurement that is new at the account, or that speaks up after a silence.
fn procurement(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("procurement_contact") else { return Vec::new() };
    let facts = [(Metric::ProcurementContacts.name(), 0), PRESENT];
    let began = people(case).map(|person| person.first_seen).min();
    present(case)
        .filter(|person| person.is_procurement)
        .filter_map(|person| {
            let appeared = appeared(person, began).filter(|day| is_fresh(&rule, case, *day));
            let (since, touches) = asking(case, person, rule.days("days"));
            let since_day = appeared.or(since)?;
            let what = match (appeared, touches) {
                (Some(_), 0) => format!("appeared on {}", ago(case, since_day)),
                (Some(_), n) => format!("appeared on {} and has been in touch {}", ago(case, since_day), times(n)),
                (None, n) => {
                    format!("has been in touch {} since {}, after a year of silence", times(n), ago(case, since_day))
                }
            };
            let evidence = format!("Procurement contact {} {what}.", person.label());
            let strength = saturating(touches as f64, 0.0, rule.at("strong"));
            let finding = rule.finding(strength, evidence, case.positions(&facts));
            Some(finding.since(Some(since_day)).detail(about(person)).value(touches as f64))
        })
        .collect()
}

fn times(n: usize) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

/// The day the person came, unless that is when the list of contacts began.
fn appeared(person: &Stakeholder, began: Option<Day>) -> Option<Day> {
    let listed_later = began.is_some_and(|began| person.first_seen.since(began) >= SAME_NEWS_DAYS);
    joined(person).map(|news| news.day).or(listed_later.then_some(person.first_seen))
}

/// Touches within `days` and, where there was none in the year before, the day of the first.
fn asking(case: &Case, person: &Stakeholder, days: i32) -> (Option<Day>, usize) {
    let (view, account) = (case.evidence.view, case.evidence.account);
    let activities = view.activities(account).filter(|row| row.contact == Some(person.contact)).map(|row| row.at.day());
    let texts = view.conversations(account).filter(|row| row.contact == Some(person.contact)).map(|row| row.at.day());
    let (recent, earlier): (Vec<Day>, Vec<Day>) =
        activities.chain(texts).partition(|touched| case.day.since(*touched) <= days);
    let before = earlier.iter().any(|touched| case.day.since(*touched) <= days + SILENT_BEFORE_DAYS);
    (recent.iter().copied().min().filter(|_| !before), recent.len())
}

fn executive_departures(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("executive_departure") else { return Vec::new() };
    let gone: Vec<(&Stakeholder, &News)> = people(case)
        .filter(|person| person.gone && is_executive(person.seniority))
        .filter_map(|person| Some((person, person.news_of(Change::Left)?)))
        .filter(|(_, news)| is_fresh(&rule, case, news.known))
        .collect();
    let days: Vec<Day> = gone.iter().map(|(_, news)| news.day).collect();
    let facts = [(Metric::ExecutivesLeft.name(), 90), (Metric::ContactsLeft.name(), 90)];
    let people = gone.into_iter().map(|(person, news)| {
        let evidence = format!("Executive {} left on {}.", person.label(), ago(case, news.day));
        of_person(&rule, case, person, news, evidence, &facts)
    });
    people.chain(events(case, &rule, EventKind::ExecutiveDeparture, &days)).collect()
}
