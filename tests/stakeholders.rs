//! The stakeholder graph: influence, roles, careers across versions, and white space.

use foothold::extracts::tables::{ActivityKind, Contact, Seniority};
use foothold::extracts::{Extracts, InputTable};
use foothold::history::View;
use foothold::stakeholders::{Change, Context, PlaceKind, Role, Settings, Stakeholder, StakeholderMap, map};
use foothold::vocabulary::{AccountIx, Day};
use proptest::prelude::*;

use crate::support::{WorldBuilder, day};

fn settings() -> Settings {
    Settings {
        quiet_days: 90,
        quiet_influence: 0.5,
        change_days: 90,
        interaction_days: 365,
        coverage_days: 365,
        active_days: 90,
        procurement_words: vec!["procurement".into(), "sourcing".into()],
    }
}

const TODAY: &str = "2026-03-31";
const LONG_AGO: &str = "2024-01-01";

fn acme() -> WorldBuilder {
    let mut world = WorldBuilder::default();
    world.account("acme");
    world
}

fn person<'a>(world: &'a mut WorldBuilder, id: &str, seniority: Seniority, department: &str) -> &'a mut Contact {
    let contact = world.contact(id, "acme", day(LONG_AGO));
    contact.seniority = Some(seniority);
    contact.department = Some(department.into());
    contact
}

fn mapped(extracts: &Extracts, account: &str, on: &str) -> StakeholderMap {
    let view = View::new(extracts, day(on));
    map(view, extracts.ids.accounts.get(account).unwrap(), &Context::learn(view, &settings()))
}

fn find<'a>(extracts: &Extracts, map: &'a StakeholderMap, id: &str) -> &'a Stakeholder {
    map.person(extracts.ids.contacts.get(id).unwrap()).unwrap_or_else(|| panic!("{id} stands in the map"))
}

/// A touch of the person on the day.
fn touch(world: &mut WorldBuilder, id: &str, kind: ActivityKind, person: &str, on: Day) {
    let contact = world.contact_ix(person);
    world.activity(id, "acme", kind, on).contact = Some(contact);
}

#[test]
fn whom_many_report_to_stands_above_peers_of_the_same_rank() {
    let mut world = acme();
    person(&mut world, "head", Seniority::Director, "Finance");
    person(&mut world, "lone", Seniority::Director, "Legal");
    let head = world.contact_ix("head");
    for report in ["r1", "r2", "r3", "r4"] {
        person(&mut world, report, Seniority::Ic, "Finance").reports_to = Some(head);
    }
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    let (head, lone) = (find(&extracts, &map, "head"), find(&extracts, &map, "lone"));
    assert_eq!(map.people[0].contact, head.contact);
    assert!((head.influence - (0.5 + 0.35 * 0.6)).abs() < 1e-9, "best connected director: {}", head.influence);
    assert!(lone.influence < 0.35, "{}", lone.influence);
    assert_eq!(head.role, Role::QuietInfluencer, "influential and never in touch");
    assert_eq!(lone.role, Role::Unknown);
}

#[test]
fn without_any_line_or_meeting_seniority_and_budget_decide() {
    let mut world = acme();
    person(&mut world, "cfo", Seniority::CLevel, "Finance").budget_authority = true;
    person(&mut world, "clerk", Seniority::Ic, "Finance");
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    assert!((find(&extracts, &map, "cfo").influence - 1.0).abs() < 1e-9);
    assert!((find(&extracts, &map, "clerk").influence - 0.07).abs() < 1e-9);
}

#[test]
fn cycles_self_reports_and_unknown_managers_do_no_harm() {
    let mut world = acme();
    let (a, b, c) = (world.contact_ix("a"), world.contact_ix("b"), world.contact_ix("c"));
    let nobody = world.contact_ix("nobody");
    person(&mut world, "a", Seniority::Manager, "Ops").reports_to = Some(b);
    person(&mut world, "b", Seniority::Manager, "Ops").reports_to = Some(a);
    let looped = person(&mut world, "c", Seniority::Manager, "Ops");
    looped.reports_to = Some(c);
    looped.is_champion = true;
    person(&mut world, "d", Seniority::Manager, "Ops").reports_to = Some(nobody);
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    assert_eq!(map.people.len(), 4);
    assert!(map.people.iter().all(|person| (0.0..=1.0).contains(&person.influence)));
    assert_eq!(map.buying_centers.len(), 1);
}

#[test]
fn a_recent_touch_makes_nobody_quiet_and_a_missed_meeting_is_no_touch() {
    for (attended, role, days) in [(Some(true), Role::Unknown, Some(10)), (Some(false), Role::QuietInfluencer, None)] {
        let mut world = acme();
        person(&mut world, "vp", Seniority::Vp, "Finance").budget_authority = true;
        let contact = world.contact_ix("vp");
        let activity = world.activity("m", "acme", ActivityKind::Meeting, day(TODAY).minus(10));
        activity.contact = Some(contact);
        activity.attended = attended;
        let extracts = world.build();
        let map = mapped(&extracts, "acme", TODAY);
        let vp = find(&extracts, &map, "vp");
        assert_eq!((vp.role, vp.last_contact_days), (role, days), "attended: {attended:?}");
    }
}

#[test]
fn a_higher_rank_in_a_later_version_is_a_promotion_on_the_day_it_was_recorded() {
    let mut world = acme();
    person(&mut world, "dana", Seniority::Manager, "Ops").is_champion = true;
    let later = world.contact("dana", "acme", day("2026-03-01"));
    later.seniority = Some(Seniority::Director);
    later.department = Some("Ops".into());
    let extracts = world.build();

    assert_eq!(find(&extracts, &mapped(&extracts, "acme", "2026-02-28"), "dana").change, None, "not known yet");
    let map = mapped(&extracts, "acme", TODAY);
    let dana = find(&extracts, &map, "dana");
    assert_eq!(dana.change, Some((Change::Promoted, day("2026-03-01"))));
    let news = dana.news_of(Change::Promoted).unwrap();
    assert_eq!((news.from.as_deref(), news.to.as_deref(), news.champion), (Some("manager"), Some("director"), true));
    assert_eq!(find(&extracts, &mapped(&extracts, "acme", "2026-06-30"), "dana").change, None, "no longer news");
}

#[test]
fn who_left_stands_marked_while_it_is_news_and_then_no_more() {
    let mut world = acme();
    person(&mut world, "dana", Seniority::Vp, "Ops").is_sponsor = true;
    person(&mut world, "eli", Seniority::Ic, "Ops");
    let left = world.contact("dana", "acme", day("2026-03-05"));
    (left.seniority, left.is_sponsor, left.left_on) = (Some(Seniority::Vp), true, Some(day("2026-03-02")));
    let extracts = world.build();

    assert!(!find(&extracts, &mapped(&extracts, "acme", "2026-03-04"), "dana").gone, "recorded a day later");
    let map = mapped(&extracts, "acme", TODAY);
    let dana = find(&extracts, &map, "dana");
    assert_eq!((dana.gone, dana.change, dana.role), (true, Some((Change::Left, day("2026-03-02"))), Role::Sponsor));
    assert_eq!(map.present().count(), 1);
    assert_eq!(map.buying_centers[0].people, 1, "who left belongs to no buying center");
    assert_eq!(mapped(&extracts, "acme", "2026-08-01").people.len(), 1);
}

#[test]
fn one_contact_at_two_accounts_has_moved_from_the_first_to_the_second() {
    let mut world = acme();
    world.account("zenith").name = "Zenith Ltd".into();
    person(&mut world, "dana", Seniority::Director, "Ops").is_champion = true;
    world.contact("boss", "zenith", day(LONG_AGO));
    world.contact("dana", "zenith", day("2026-03-10")).seniority = Some(Seniority::Director);
    let extracts = world.build();

    let before = mapped(&extracts, "acme", "2026-03-09");
    assert!(!find(&extracts, &before, "dana").gone);
    let old_home = mapped(&extracts, "acme", TODAY);
    let dana = find(&extracts, &old_home, "dana");
    assert_eq!((dana.gone, dana.change), (true, Some((Change::Left, day("2026-03-10")))));
    assert_eq!(dana.news_of(Change::Left).unwrap().to.as_deref(), Some("Zenith Ltd"));

    let new_home = mapped(&extracts, "zenith", TODAY);
    let dana = find(&extracts, &new_home, "dana");
    let news = dana.news_of(Change::Moved).unwrap();
    assert_eq!((dana.gone, news.day, news.champion), (false, day("2026-03-10"), true));
    assert_eq!(news.other_account, extracts.ids.accounts.get("acme"));
}

#[test]
fn an_import_is_no_arrival_but_a_day_of_joining_is() {
    let mut world = acme();
    person(&mut world, "old", Seniority::Ic, "Ops");
    world.contact("imported", "acme", day("2024-01-05")).joined_on = None;
    world.contact("listed", "acme", day("2026-03-20")).joined_on = None;
    let hired = world.contact("hired", "acme", day("2026-03-20"));
    (hired.seniority, hired.joined_on) = (Some(Seniority::CLevel), Some(day("2026-03-15")));
    let extracts = world.build();
    let early = mapped(&extracts, "acme", "2024-02-01");
    assert_eq!(find(&extracts, &early, "imported").change, None);
    let map = mapped(&extracts, "acme", TODAY);
    assert_eq!(find(&extracts, &map, "listed").change, Some((Change::Joined, day("2026-03-20"))));
    let hired = find(&extracts, &map, "hired");
    assert_eq!((hired.change, hired.role), (Some((Change::Joined, day("2026-03-15"))), Role::NewExecutive));
}

#[test]
fn procurement_is_told_by_whole_words() {
    let mut world = acme();
    world.contact("p", "acme", day(LONG_AGO)).title = Some("Head of Strategic Sourcing".into());
    world.contact("r", "acme", day(LONG_AGO)).title = Some("Resourcing Lead".into());
    world.contact("d", "acme", day(LONG_AGO)).department = Some("Group Procurement".into());
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    let roles = ["p", "r", "d"].map(|id| find(&extracts, &map, id).role);
    assert_eq!(roles, [Role::Procurement, Role::Unknown, Role::Procurement]);
}

#[test]
fn a_buying_center_counts_people_users_and_touches_and_names_the_way_in() {
    let mut world = acme();
    world.product("crm", &[("basic", 1, 100.0)]);
    let running = world.subscription("s1", "acme", "crm", "basic", day("2025-06-01"));
    (running.arr, running.units) = (10_000.0, Some(50.0));
    world.feature("f", "crm");
    let chief = world.contact_ix("chief");
    person(&mut world, "chief", Seniority::CLevel, "Finance").region = Some("EMEA".into());
    let champion = person(&mut world, "amy", Seniority::Manager, "Sales");
    (champion.is_champion, champion.reports_to) = (true, Some(chief));
    let user = world.user_ix("acme", "u1");
    person(&mut world, "ann", Seniority::Ic, "Finance").region = Some("EMEA".into());
    let ann = world.contact("ann", "acme", day("2024-01-02"));
    (ann.department, ann.region, ann.user) = (Some("Finance".into()), Some("EMEA".into()), Some(user));
    world.feature_use("acme", "u1", "f", day(TODAY).minus(3), 5);
    person(&mut world, "bob", Seniority::Vp, "Finance").region = Some("EMEA".into());
    touch(&mut world, "t1", ActivityKind::Call, "amy", day(TODAY).minus(5));
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);

    let names: Vec<&str> = map.buying_centers.iter().map(|center| &*center.name).collect();
    assert_eq!(names, ["Finance / EMEA", "Sales"]);
    let finance = &map.buying_centers[0];
    assert_eq!((finance.people, finance.active_users, finance.contacted_people), (3, 1, 0));
    assert_eq!((finance.coverage, finance.entry_contact), (0.0, extracts.ids.contacts.get("chief")));
    assert_eq!(finance.potential_arr, Some(2.0 * 200.0), "two people without use at 10,000 / 50 each");
    assert!(finance.reason.contains("nobody was contacted"), "{}", finance.reason);
    assert!(finance.reason.contains("champion amy"), "{}", finance.reason);
    assert_eq!(map.buying_centers[1].coverage, 1.0);
}

#[test]
fn a_department_is_new_only_where_others_were_known_before() {
    let mut world = acme();
    person(&mut world, "old", Seniority::Ic, "Ops");
    let newcomer = world.contact("new", "acme", day("2026-03-12"));
    (newcomer.department, newcomer.region) = (Some("Marketing".into()), Some("APAC".into()));
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    let places: Vec<_> = map.new_places.iter().map(|place| (place.kind, &*place.name, place.since)).collect();
    assert_eq!(places, [(PlaceKind::Department, "Marketing", day("2026-03-12"))], "no region was known before");
    assert!(mapped(&extracts, "acme", "2024-02-01").new_places.is_empty(), "the first import is no news");
}

#[test]
fn no_contacts_no_map() {
    let mut world = acme();
    world.available(InputTable::Contacts);
    let extracts = world.build();
    let map = mapped(&extracts, "acme", TODAY);
    assert!(map.people.is_empty() && map.buying_centers.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever the lines and meetings, influence stays in 0–1, is the same in any row order, and the graph is whole.
    #[test]
    fn influence_is_bounded_and_does_not_depend_on_row_order(
        managers in proptest::collection::vec(0usize..12, 12),
        ranks in proptest::collection::vec(0usize..5, 12),
        met in proptest::collection::vec((0usize..12, 1i32..300), 0..30),
    ) {
        let build = |order: Vec<usize>| {
            let mut world = acme();
            for n in order {
                let manager = world.contact_ix(&format!("c{}", managers[n]));
                person(&mut world, &format!("c{n}"), Seniority::ALL[ranks[n]], "Ops").reports_to = Some(manager);
            }
            for (n, (who, ago)) in met.iter().enumerate() {
                touch(&mut world, &format!("a{n}"), ActivityKind::Meeting, &format!("c{who}"), day(TODAY).minus(*ago));
            }
            world.build()
        };
        let influences = |extracts: &Extracts| -> Vec<(AccountIx, u64)> {
            let map = mapped(extracts, "acme", TODAY);
            map.people.iter().map(|p| (AccountIx(p.contact.0), p.influence.to_bits())).collect()
        };
        let (forward, backward) = (build((0..12).collect()), build((0..12).rev().collect()));
        prop_assert_eq!(influences(&forward), influences(&backward));
        for person in mapped(&forward, "acme", TODAY).people {
            prop_assert!((0.0..=1.0).contains(&person.influence));
        }
    }
}
