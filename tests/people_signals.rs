//! Signals about people: each fires on its own planted story, names the person, and stays silent without it.

use foothold::extracts::tables::{ActivityKind, EventKind, Seniority};
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::observations::{AccountObservations, Fact, Metric, Name, Observation};
use foothold::peers::Peers;
use foothold::signals::{Catalogue, Classifier, Evidence, Learned, Signal};
use foothold::stakeholders::{Context, map};
use foothold::vocabulary::*;

use crate::support::{WorldBuilder, day, default_settings};

const TODAY: &str = "2026-03-31";
const LONG_AGO: &str = "2024-01-01";

/// What the observations of any account with contacts hold, as far as these signals link to it.
fn facts() -> AccountObservations {
    let observed = [
        (Metric::ContactsPresent.text(), 0),
        (Metric::KeyContactsLeft.text(), 90),
        (Metric::ProcurementContacts.text(), 0),
        (Metric::ExecutivesJoined.text(), 90),
        (Metric::ExecutivesLeft.text(), 90),
        (Metric::EventsOfKind.of("executive_departure"), 30),
    ];
    let observation = |(name, window_days): (Name, i32)| {
        let metric = (Metric::named(&name), name);
        Observation::new((AccountIx(0), day(TODAY)), metric, None, window_days, Fact::new(1.0, 1))
    };
    AccountObservations { observations: observed.into_iter().map(observation).collect(), capacity: Vec::new() }
}

/// An account with one manager who was in touch last week.
fn acme() -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.all_available();
    world.account("acme");
    let base = world.contact("base", "acme", day(LONG_AGO));
    (base.seniority, base.department) = (Some(Seniority::Manager), Some("Operations".into()));
    touch(&mut world, "base", 5);
    world
}

fn touch(world: &mut WorldBuilder, person: &str, days_ago: i32) {
    let contact = world.contact_ix(person);
    let id = format!("{person}-{days_ago}");
    world.activity(&id, "acme", ActivityKind::Call, day(TODAY).minus(days_ago)).contact = Some(contact);
}

fn signals(world: &WorldBuilder) -> Vec<Signal> {
    let extracts = world.build();
    let view = View::new(&extracts, day(TODAY));
    let account = extracts.ids.accounts.get("acme").unwrap();
    let catalogue: Catalogue = default_settings("signals");
    let classifier = Classifier::new(&extracts, &catalogue, &default_settings("text"), &Learned::default());
    let context = Context::learn(view, &default_settings("stakeholders"));
    classifier.classify(&Evidence {
        view,
        account,
        contract: &Contract::on(view, account),
        facts: &facts(),
        propensities: &[],
        stakeholders: &map(view, account, &context),
        peers: &Peers::default(),
    })
}

fn named(signals: &[Signal]) -> Vec<(&str, Direction)> {
    signals.iter().map(|signal| (&*signal.signal, signal.direction)).collect()
}

fn only<'a>(signals: &'a [Signal], name: &str) -> &'a Signal {
    assert_eq!(signals.iter().map(|s| &*s.signal).collect::<Vec<_>>(), [name]);
    &signals[0]
}

#[test]
fn nothing_new_no_signal() {
    assert_eq!(named(&signals(&acme())), []);
}

#[test]
fn a_champion_who_becomes_director_is_a_promotion_and_one_who_becomes_manager_is_not() {
    for (rank, fires) in [(Seniority::Director, true), (Seniority::Manager, false)] {
        let mut world = acme();
        let champion = world.contact("dana", "acme", day(LONG_AGO));
        (champion.seniority, champion.is_champion) = (Some(Seniority::Ic), true);
        let later = world.contact("dana", "acme", day("2026-03-21"));
        (later.seniority, later.is_champion, later.title) = (Some(rank), true, Some("Director, Operations".into()));
        touch(&mut world, "dana", 3);
        let signals = signals(&world);
        if !fires {
            assert_eq!(named(&signals), []);
            continue;
        }
        let signal = only(&signals, "champion_promotion");
        let evidence = "Champion dana (Director, Operations) rose from individual contributor to director on 21 Mar 2026 (10 days ago).";
        assert_eq!(signal.evidence, evidence);
        assert_eq!((signal.since, signal.direction), (Some(day("2026-03-21")), Direction::Expansion));
        assert!(signal.strength.get() > 0.8 && !signal.observations.is_empty());
    }
}

#[test]
fn a_champion_from_another_customer_has_moved_here() {
    let mut world = acme();
    world.account("zenith").name = "Zenith Ltd".into();
    world.contact("dana", "zenith", day(LONG_AGO)).is_champion = true;
    world.contact("dana", "acme", day("2026-03-11"));
    touch(&mut world, "dana", 3);
    let signals = signals(&world);
    let signal = only(&signals, "champion_moved");
    assert!(signal.evidence.contains("from another customer, Zenith Ltd"), "{}", signal.evidence);
}

#[test]
fn a_sponsor_is_silent_after_45_days_and_an_unlogged_account_is_not_called_silent() {
    let story = |days_ago: Option<i32>| {
        let mut world = acme();
        let sponsor = world.contact("vera", "acme", day(LONG_AGO));
        (sponsor.is_sponsor, sponsor.seniority, sponsor.title) = (true, Some(Seniority::Vp), Some("VP Supply".into()));
        days_ago.into_iter().for_each(|days| touch(&mut world, "vera", days));
        world
    };
    assert_eq!(named(&signals(&story(Some(44)))), []);
    let silent = signals(&story(Some(45)));
    let signal = only(&silent, "sponsor_silent");
    assert_eq!(signal.evidence, "Sponsor vera (VP Supply) was last in contact 45 days ago.");
    assert_eq!((signal.strength.get(), signal.detail.value), (0.4, Some(45.0)));
    assert_eq!(
        only(&signals(&story(None)), "sponsor_silent").evidence,
        "Sponsor vera (VP Supply) was never in contact with us."
    );

    let mut unlogged = WorldBuilder::default();
    unlogged.all_available();
    unlogged.account("acme");
    unlogged.contact("vera", "acme", day(LONG_AGO)).is_sponsor = true;
    unlogged.activity("a", "acme", ActivityKind::Email, day(TODAY).minus(3));
    assert_eq!(named(&signals(&unlogged)), [], "activities of this account name no contact");
}

#[test]
fn a_champion_or_executive_who_left_is_a_risk_each() {
    let mut world = acme();
    for flagged in [true, false] {
        let known = if flagged { day(LONG_AGO) } else { day("2026-03-20") };
        let version = world.contact("dana", "acme", known);
        (version.is_champion, version.seniority) = (flagged, Some(Seniority::Vp));
        version.left_on = (!flagged).then(|| day("2026-03-18"));
    }
    let signals = signals(&world);
    assert_eq!(named(&signals), [("champion_left", Direction::Risk), ("executive_departure", Direction::Risk)]);
    assert!(signals[0].evidence.contains("left on 18 Mar 2026 (13 days ago)"), "{}", signals[0].evidence);
}

#[test]
fn a_new_executive_is_recorded_as_opening_and_as_risk() {
    let mut world = acme();
    let chief = world.contact("cara", "acme", day("2026-03-10"));
    (chief.seniority, chief.title, chief.joined_on) =
        (Some(Seniority::CLevel), Some("Chief Financial Officer".into()), Some(day("2026-03-01")));
    touch(&mut world, "cara", 2);
    // The same person in the news, and another one a while before.
    world.account_event("e1", "acme", EventKind::ExecutiveHire, day("2026-03-03"));
    let found = signals(&world);
    assert_eq!(named(&found), [("new_executive", Direction::Expansion), ("new_executive", Direction::Risk)]);
    assert_eq!([found[0].play, found[1].play], [Play::WhiteSpace, Play::RenewalRisk]);
    assert!(found[0].strength > found[1].strength);
    let extracts = world.build();
    assert_ne!(found[0].id(&extracts), found[1].id(&extracts));
}

#[test]
fn a_new_department_is_white_space_but_procurement_is_a_risk() {
    let mut world = acme();
    world.contact("mia", "acme", day("2026-03-02")).department = Some("Marketing".into());
    touch(&mut world, "mia", 2);
    let found = signals(&world);
    let signal = only(&found, "new_department");
    assert!(
        signal.evidence.starts_with("Department Marketing is new at the account since 2 Mar 2026"),
        "{}",
        signal.evidence
    );

    let mut world = acme();
    let buyer = world.contact("pat", "acme", day("2026-03-02"));
    (buyer.department, buyer.title) = (Some("Procurement".into()), Some("Category Lead".into()));
    touch(&mut world, "pat", 2);
    touch(&mut world, "pat", 9);
    let found = signals(&world);
    let signal = only(&found, "procurement_contact");
    assert!(signal.evidence.contains("has been in touch 2 times"), "{}", signal.evidence);
}

#[test]
fn long_known_procurement_fires_when_it_starts_asking() {
    let story = |touches: &[i32]| {
        let mut world = acme();
        world.contact("pat", "acme", day(LONG_AGO)).department = Some("Procurement".into());
        touches.iter().for_each(|days| touch(&mut world, "pat", *days));
        signals(&world)
    };
    assert_eq!(named(&story(&[])), []);
    assert_eq!(named(&story(&[10, 100])), [], "they always talk to us");
    assert!(only(&story(&[10, 20]), "procurement_contact").evidence.contains("after a year of silence"));
}

#[test]
fn a_center_nobody_spoke_to_and_a_quiet_leader_are_white_space() {
    let mut world = acme();
    let leader = world.contact_ix("lena");
    for (id, rank) in [("lena", Seniority::CLevel), ("f1", Seniority::Ic), ("f2", Seniority::Ic), ("f3", Seniority::Ic)]
    {
        let person = world.contact(id, "acme", day(LONG_AGO));
        (person.seniority, person.department) = (Some(rank), Some("Finance".into()));
        person.reports_to = (id != "lena").then_some(leader);
    }
    let found = signals(&world);
    assert_eq!(
        named(&found),
        [("quiet_influencer", Direction::Expansion), ("uncovered_buying_center", Direction::Expansion)]
    );
    assert!(found[0].evidence.contains("never in contact"), "{}", found[0].evidence);
    assert!(
        found[1].evidence.starts_with("Buying center Finance has no conversation with us: 4 people"),
        "{}",
        found[1].evidence
    );

    touch(&mut world, "lena", 20);
    assert_eq!(named(&signals(&world)), []);
}

#[test]
fn executive_news_without_a_contact_row_still_counts() {
    let mut world = acme();
    world.account_event("e1", "acme", EventKind::ExecutiveDeparture, day("2026-03-10")).detail =
        Some("CIO steps down.".into());
    let found = signals(&world);
    let signal = only(&found, "executive_departure");
    assert_eq!(signal.evidence, "An executive left on 10 Mar 2026 (21 days ago): CIO steps down.");
}
