//! What is offered, to whom, when, and how likely it is: each number from the account's own facts.

use foothold::extracts::tables::{FeatureKind, Period, Seniority};
use foothold::peers::{Neighbour, PurchaseRate};
use foothold::recommendations::{Action, Recommendation, Recommended};
use foothold::stakeholders::{BuyingCenter, Change, Role, Stakeholder, StakeholderMap};
use foothold::vocabulary::{Color, ContactIx, Level, OwnerRole, PropensityKind};

use crate::support::day;
use crate::support::scene::{Scene, Seats};

fn only(recommended: Recommended) -> Recommendation {
    assert_eq!(recommended.recommendations.len(), 1, "{recommended:#?}");
    recommended.recommendations.into_iter().next().expect("one")
}

/// The scene's only customer with this signal instead of full seats.
fn told(product: Option<&str>, signal: &str) -> Scene {
    let mut scene = Scene::acme();
    scene.signals.clear();
    scene.tell("acme", product, signal);
    scene
}

#[test]
fn seats_cover_the_p90_need_at_renewal_with_slack_at_the_accounts_own_price() {
    let mut scene = Scene::acme();
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 118.0, breach: None });
    let offer = only(scene.recommend());
    assert_eq!(offer.units_delta, Some(30.0), "118 × 1.1 = 129.8, less the 100 of today");
    assert_eq!(offer.expected_arr, 30.0 * 100.0);
}

#[test]
fn a_runaway_projection_is_held_and_said() {
    let mut scene = Scene::acme();
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 900.0, breach: None });
    let offer = only(scene.recommend());
    assert_eq!(offer.units_delta, Some(50.0));
    assert!(offer.unknowns.iter().any(|u| u.contains("held to 50")), "{:?}", offer.unknowns);
}

#[test]
fn room_until_the_renewal_is_no_reason_to_sell_seats() {
    let mut scene = Scene::acme();
    scene.seats.insert("acme".into(), Seats { used: 82.0, need: 90.0, breach: None });
    let recommended = scene.recommend();
    assert!(recommended.recommendations.is_empty() && recommended.suppressions.is_empty());
}

#[test]
fn a_tier_is_priced_by_the_list_at_the_accounts_own_discount() {
    let mut scene = told(Some("crm"), "higher_tier_request");
    scene.signals[0].tier = Some("pro".into());
    let offer = only(scene.recommend());
    assert_eq!(
        (offer.action, offer.from_tier.as_deref(), offer.to_tier.as_deref()),
        (Action::TierUpgrade, Some("basic"), Some("pro"))
    );
    assert_eq!(offer.expected_arr, 10_000.0, "the list doubles, so the account's 10,000 double");
    assert!(offer.headline.starts_with("Move acme from basic to pro of crm: "), "{}", offer.headline);
    let begun = offer.talking_points.iter().any(|point| point.starts_with("Pro has what they already reach for"));
    assert!(begun, "a sentence begins with a capital: {:?}", offer.talking_points);
}

#[test]
fn the_features_in_use_decide_the_tier() {
    let mut scene = told(Some("crm"), "premium_trial");
    scene.world.product("suite", &[("s", 1, 100.0), ("m", 2, 150.0), ("l", 3, 300.0)]);
    let row = scene.world.subscription("acme-suite", "acme", "suite", "s", day("2026-01-01"));
    (row.arr, row.units) = (1_000.0, Some(10.0));
    scene.signals[0].product = Some("suite".into());
    let feature = scene.world.feature("forecasting", "suite");
    (feature.min_tier_rank, feature.kind) = (Some(3), Some(FeatureKind::Premium));
    scene.world.feature_use("acme", "u1", "forecasting", day("2026-06-01"), 5);
    let offer = only(scene.recommend());
    assert_eq!(offer.to_tier.as_deref(), Some("l"));
    assert!(offer.evidence.contains("includes forecasting, which they already use"), "{}", offer.evidence);
    assert_eq!(offer.expected_arr, 2_000.0);
}

#[test]
fn the_top_tier_has_no_upgrade() {
    let mut scene = told(Some("crm"), "teaser_clicks");
    let row = scene.world.subscription("acme-crm", "acme", "crm", "pro", day("2026-02-01"));
    (row.arr, row.units) = (20_000.0, Some(100.0));
    assert!(scene.recommend().recommendations.is_empty());
}

#[test]
fn seats_that_come_with_the_tier_mean_the_next_tier() {
    let mut scene = Scene::new();
    for n in 0..6 {
        let id = format!("b{n}");
        scene.customer(&id, "Kim", "Lee");
        scene.world.entitlement(&id, "crm", "seats", 100.0, Period::Gauge, day("2026-01-01"));
    }
    scene.customer("p", "Kim", "Lee");
    let row = scene.world.subscription("p-crm", "p", "crm", "pro", day("2026-02-01"));
    (row.arr, row.units) = (20_000.0, Some(400.0));
    scene.world.entitlement("p", "crm", "seats", 400.0, Period::Gauge, day("2026-02-01"));
    scene.tell("b0", Some("crm"), "seat_utilization");
    scene.tell("b0", Some("crm"), "approaching_limit");
    let offer = only(scene.recommend());
    assert_eq!((offer.action, offer.to_tier.as_deref()), (Action::TierUpgrade, Some("pro")));
}

#[test]
fn a_wide_projection_does_not_skip_tiers() {
    let mut scene = Scene::new();
    scene.world.product("plan", &[("s", 1, 100.0), ("m", 2, 100.0), ("l", 3, 100.0)]);
    for (n, tier, seats, arr) in [(0, "s", 100.0, 1_000.0), (1, "m", 150.0, 1_600.0), (2, "l", 900.0, 9_000.0)] {
        let id = format!("p{n}");
        scene.customer(&id, "Kim", "Lee");
        let row = scene.world.subscription(&format!("{id}-crm"), &id, "plan", tier, day("2026-02-01"));
        (row.arr, row.units) = (arr, Some(seats));
        scene.world.usage_run(&id, "plan", "seats", day("2026-02-01"), &[90.0; 150]);
        scene.world.entitlement(&id, "plan", "seats", seats, Period::Gauge, day("2026-02-01"));
    }
    scene.ceiling_of = "plan".into();
    scene.seats.insert("p0".into(), Seats { used: 99.0, need: 800.0, breach: None });
    scene.tell("p0", Some("plan"), "limit_hit");
    let offer = only(scene.recommend());
    assert_eq!((offer.to_tier.as_deref(), offer.expected_arr), (Some("m"), 600.0));
    assert!(offer.unknowns.iter().any(|u| u.contains("usual contract on that tier")), "{:?}", offer.unknowns);
}

#[test]
fn a_commitment_is_sized_by_the_seats_needed_and_bounded() {
    let mut scene = told(Some("crm"), "commit_fit");
    assert_eq!(only(scene.recommend()).expected_arr.round(), 1_800.0, "118 of 100 seats");
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 400.0, breach: None });
    assert_eq!(only(scene.recommend()).expected_arr, 3_000.0, "no more than 30 %");
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 90.0, breach: None });
    let assumed = only(scene.recommend());
    assert_eq!(assumed.expected_arr, 1_000.0);
    assert!(assumed.unknowns.iter().any(|u| u.contains("10 % is assumed")), "{:?}", assumed.unknowns);
}

#[test]
fn a_model_of_any_growth_is_shared_out_by_how_customers_grew() {
    let mut scene = Scene::acme();
    scene.settings.signal_weight_on_model = 0.0;
    scene.propensities.insert("acme".into(), vec![(PropensityKind::Upsell, None, 0.6)]);
    let probability = |scene: &Scene| only(scene.recommend()).probability.get();
    assert!((probability(&scene) - 0.2).abs() < 1e-12, "a third of 60 % while no expansion is known");
    for n in 0..20 {
        let id = format!("z{n:02}");
        scene.customer(&id, "Kim", "Lee");
        let row = scene.world.subscription(&format!("{id}-crm"), &id, "crm", "basic", day("2026-03-01"));
        (row.arr, row.units) = (12_000.0, Some(120.0));
    }
    let share = (20.0 + 10.0 / 3.0) / 30.0;
    assert!((probability(&scene) - 0.6 * share).abs() < 1e-12, "twenty customers added units");
}

#[test]
fn a_module_dearer_than_all_they_pay_is_not_proposed() {
    let mut scene = told(Some("care"), "adjacent_need");
    scene.tell("acme", Some("crm"), "usage_doubling");
    assert_eq!(only(scene.recommend()).action, Action::PremiumSupport);
    scene.settings.max_module = 0.29;
    assert!(scene.recommend().recommendations.is_empty());
}

/// A user's playbooks, in which the conversation begins with the evidence.
fn say_the_evidence(scene: &mut Scene) {
    for playbook in &mut scene.playbooks {
        playbook.talking_points.insert(0, "{evidence}.".into());
    }
}

#[test]
fn what_a_model_says_is_neither_the_headline_nor_spoken_where_something_was_seen() {
    let mut scene = told(Some("analytics"), "cross_sell_propensity");
    say_the_evidence(&mut scene);
    let alone = only(scene.recommend());
    assert!(alone.headline.contains("cross_sell_propensity fired"), "{}", alone.headline);
    assert!(alone.talking_points.iter().all(|p| !p.contains("propensity")), "{:?}", alone.talking_points);
    scene.tell("acme", Some("analytics"), "workaround_use").strength = 0.1;
    let seen = only(scene.recommend());
    assert!(seen.headline.contains("workaround_use fired"), "{}", seen.headline);
    assert!(seen.talking_points[0].starts_with("Workaround_use fired"), "{:?}", seen.talking_points);
}

#[test]
fn a_fallback_is_for_accounts_that_no_other_save_play_fits() {
    let mut scene = told(None, "churn_propensity");
    scene.color("acme", Color::Red, Level::High);
    let only_the_model = scene.recommend();
    assert_eq!(&*only_the_model.recommendations[0].playbook, "save_likely_loss");
    scene.tell("acme", None, "usage_decline").strength = 0.1;
    assert_eq!(&*only(scene.recommend()).playbook, "save_usage_decline");
}

#[test]
fn a_module_starts_with_half_the_seats_at_the_list_price() {
    let offer = only(told(Some("analytics"), "adjacent_need").recommend());
    assert_eq!((offer.action, offer.units_delta, offer.expected_arr), (Action::CrossSell, Some(46.0), 46.0 * 60.0));
    assert_eq!(offer.owner_role, OwnerRole::Ae);
    assert_eq!((&*offer.owner, offer.informed.as_deref()), ("Lee", Some("Kim")));
}

#[test]
fn without_a_named_product_the_most_valuable_one_is_proposed() {
    let mut scene = told(None, "integration_growth");
    scene.world.product("mail", &[("standard", 1, 61.0)]);
    assert_eq!(only(scene.recommend()).headline.split(':').next(), Some("Introduce mail at acme"));
    scene.propensities.insert(
        "acme".into(),
        vec![
            (PropensityKind::CrossSell, Some("analytics".into()), 0.30),
            (PropensityKind::CrossSell, Some("mail".into()), 0.10),
        ],
    );
    let offer = only(scene.recommend());
    assert_eq!(offer.headline.split(':').next(), Some("Introduce analytics at acme"));
    assert_eq!(offer.model_ids.iter().map(|m| &**m).collect::<Vec<_>>(), ["cross_sell-1"]);
}

#[test]
fn the_model_speaks_first_then_peers_then_a_cautious_base_rate_that_says_so() {
    let mut scene = told(Some("analytics"), "adjacent_need");
    scene.settings.signal_weight = 0.0;
    scene.settings.signal_weight_on_model = 0.0;
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found} instead of {wanted}");
    let assumed = only(scene.recommend());
    close(assumed.probability.get(), 0.05);
    assert!(assumed.unknowns.iter().any(|u| u.contains("cautious assumption")), "{:?}", assumed.unknowns);
    let extracts = scene.world.build();
    let index = |id: &str| extracts.ids.products.get(id).expect("known");
    scene.peers.purchase_rates = vec![PurchaseRate {
        owned: index("crm"),
        bought: index("analytics"),
        segment: None,
        owners: 40,
        buyers: 12,
        rate: 0.3,
        lift: 2.0,
    }];
    let by_peers = only(scene.recommend());
    close(by_peers.probability.get(), 0.3);
    assert!(by_peers.probability_basis.contains("12 of 40"), "{}", by_peers.probability_basis);
    scene.propensities.insert("acme".into(), vec![(PropensityKind::CrossSell, Some("analytics".into()), 0.42)]);
    close(only(scene.recommend()).probability.get(), 0.42);
}

#[test]
fn a_save_play_is_worth_what_may_be_lost_times_how_likely() {
    let mut scene = Scene::acme();
    scene.signals.clear();
    scene.color("acme", Color::Red, Level::High);
    scene.tell("acme", None, "payment_trouble");
    let assumed = only(scene.recommend());
    assert_eq!(
        (&*assumed.playbook, assumed.expected_arr, assumed.probability.get()),
        ("save_payment_trouble", 10_000.0, 0.35)
    );
    assert!(assumed.unknowns.iter().any(|u| u.contains("churn model")), "{:?}", assumed.unknowns);
    scene.propensities.insert("acme".into(), vec![(PropensityKind::Churn, None, 0.61)]);
    let modelled = only(scene.recommend());
    assert_eq!((modelled.probability.get(), modelled.expected_value), (0.61, 0.61 * 10_000.0 * 0.6));
}

#[test]
fn on_a_calm_green_account_only_a_strong_first_warning_starts_a_save_play() {
    let mut scene = told(None, "sponsor_silent");
    scene.signals[0].strength = 0.59;
    assert!(scene.recommend().recommendations.is_empty());
    scene.signals[0].strength = 0.6;
    assert_eq!(&*only(scene.recommend()).playbook, "save_champion_loss");
}

#[test]
fn signs_of_pressure_on_the_price_start_a_play_only_together() {
    let price = ["price_complaint", "layoffs", "procurement_contact"];
    for sign in price {
        let mut scene = told(None, sign);
        scene.color("acme", Color::Green, Level::Medium);
        assert!(scene.recommend().recommendations.is_empty(), "{sign} alone");
    }
    let mut scene = told(None, "price_complaint");
    scene.color("acme", Color::Green, Level::Medium);
    scene.tell("acme", None, "procurement_contact");
    assert_eq!(&*only(scene.recommend()).playbook, "save_price_pressure");
}

#[test]
fn an_expired_signal_starts_nothing() {
    let mut scene = Scene::acme();
    scene.signals[0].expires_on = day("2026-06-29");
    assert!(scene.recommend().recommendations.is_empty());
}

fn person(contact: u32, name: &str, role: Role) -> Stakeholder {
    Stakeholder { role, influence: 0.5, ..Stakeholder::named(ContactIx(contact), name.into()) }
}

/// Acme with three people in the data: c0 `Ana`, c1 `Ben`, c2 `Cara`.
fn peopled(signal: &str, about: Option<&str>, people: Vec<Stakeholder>) -> Recommendation {
    let mut scene = Scene::acme();
    for (id, name) in [("c0", "Ana"), ("c1", "Ben"), ("c2", "Cara")] {
        scene.world.contact(id, "acme", day("2026-01-01")).name = name.into();
    }
    scene.people.insert("acme".into(), StakeholderMap { people, ..StakeholderMap::default() });
    scene.tell("acme", None, signal).contact = about.map(Into::into);
    only(scene.recommend())
}

#[test]
fn whoever_was_promoted_is_the_one_to_talk_to() {
    let mut ben = person(1, "Ben", Role::Champion);
    ben.title = Some("VP Operations".into());
    ben.change = Some((Change::Promoted, day("2026-06-01")));
    let offer = peopled("champion_promotion", Some("c1"), vec![person(0, "Ana", Role::Champion), ben]);
    assert_eq!(offer.stakeholder, Some(ContactIx(1)));
    assert!(offer.stakeholder_reason.contains("promoted on 1 Jun 2026"), "{}", offer.stakeholder_reason);
    assert!(offer.headline.contains("talk to Ben (VP Operations) by"), "{}", offer.headline);
}

#[test]
fn nobody_is_sent_to_someone_who_left() {
    let mut ben = person(1, "Ben", Role::Champion);
    ben.gone = true;
    let offer = peopled("champion_promotion", Some("c1"), vec![ben, person(2, "Cara", Role::Sponsor)]);
    assert_eq!(offer.stakeholder, Some(ContactIx(2)));
}

#[test]
fn without_champion_or_sponsor_the_budget_then_influence_decides() {
    let mut budget = person(2, "Cara", Role::Unknown);
    budget.budget_authority = true;
    let mut senior = person(1, "Ben", Role::Unknown);
    senior.seniority = Some(Seniority::Vp);
    let both = peopled("power_users", None, vec![senior.clone(), budget]);
    assert_eq!(both.stakeholder, Some(ContactIx(2)));
    assert_eq!(
        peopled("power_users", None, vec![person(0, "Ana", Role::User), senior]).stakeholder,
        Some(ContactIx(1))
    );
}

#[test]
fn an_unknown_team_is_said_to_be_unknown() {
    let offer = peopled("power_users", None, vec![]);
    assert_eq!(offer.stakeholder, None);
    assert!(offer.stakeholder_reason.starts_with("no contact known"), "{}", offer.stakeholder_reason);
    assert!(offer.unknowns.iter().any(|u| u.contains("known by name")));
}

#[test]
fn a_new_buying_center_is_entered_through_its_own_contact_and_sized_by_its_potential() {
    let mut scene = told(None, "uncovered_buying_center");
    scene.world.contact("c0", "acme", day("2026-01-01")).name = "Ana".into();
    scene.signals[0].place = Some("finance / emea".into());
    let center = BuyingCenter {
        name: "finance / emea".into(),
        people: 12,
        active_users: 4,
        contacted_people: 0,
        coverage: 0.0,
        entry_contact: Some(ContactIx(0)),
        potential_arr: Some(4_200.0),
        reason: "twelve people, no conversation".into(),
    };
    let people = vec![person(0, "Ana", Role::User)];
    scene
        .people
        .insert("acme".into(), StakeholderMap { people, buying_centers: vec![center], ..StakeholderMap::default() });
    let offer = only(scene.recommend());
    assert_eq!(
        (offer.action, offer.expected_arr, offer.stakeholder),
        (Action::StrategicExpansion, 4_200.0, Some(ContactIx(0)))
    );
    assert!(offer.stakeholder_reason.contains("the way into finance / emea"), "{}", offer.stakeholder_reason);
}

#[test]
fn the_contact_comes_before_the_breach_the_window_and_the_deadline_and_never_in_the_past() {
    let mut scene = Scene::acme();
    let contact_by = |scene: &Scene| only(scene.recommend()).contact_by;
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 118.0, breach: Some(day("2026-08-12")) });
    assert_eq!(contact_by(&scene), day("2026-07-13"), "30 days before the breach");
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 118.0, breach: Some(day("2026-07-02")) });
    assert_eq!(contact_by(&scene), day("2026-07-01"), "not before the first working day after the run");
    scene.seats.insert("acme".into(), Seats { used: 104.0, need: 118.0, breach: Some(day("2026-06-02")) });
    let reached = only(scene.recommend());
    assert!(reached.timing_reason.contains("the ceiling has been reached already"), "{}", reached.timing_reason);
    assert!(reached.talking_points.iter().all(|p| !p.contains("2 Jun 2026")), "a past day is no projection");
    scene.seats.insert("acme".into(), Seats { used: 92.0, need: 118.0, breach: None });
    assert_eq!(contact_by(&scene), day("2026-07-21"), "the playbook's 21 days");
    scene.day = day("2026-09-25");
    let late = only(scene.recommend());
    assert_eq!((late.window_closes, late.contact_by), (day("2026-10-03"), day("2026-10-03")), "90 days before renewal");
}

#[test]
fn the_window_opens_at_the_peak_of_engagement() {
    let mut scene = Scene::acme();
    let start = scene.day.minus(150);
    let shape = |n: i32| if n <= 80 { f64::from(n) } else { f64::from(160 - n) };
    scene.world.usage_run("acme", "crm", "active_users", start, &(0..=150).map(shape).collect::<Vec<_>>());
    let offer = only(scene.recommend());
    let middle = offer.window_opens.since(start.plus(80));
    assert!((0..=28).contains(&middle), "the four-week mean peaks {middle} days after the peak");
    assert!(offer.timing_reason.contains("active users"), "{}", offer.timing_reason);
}

#[test]
fn the_fiscal_year_is_named_where_known() {
    let mut scene = Scene::acme();
    let account = scene.world.account("acme");
    (account.csm, account.fiscal_year_start_month) = (Some("Kim".into()), Some(9));
    let offer = only(scene.recommend());
    assert!(offer.timing_reason.contains("fiscal year ends on 31 Aug 2026"), "{}", offer.timing_reason);
}

#[test]
fn without_csm_and_ae_the_queue_is_unassigned_and_with_one_they_own_it() {
    let mut scene = Scene::acme();
    let account = scene.world.account("acme");
    (account.csm, account.ae) = (None, Some("Lee".into()));
    let offer = only(scene.recommend());
    assert_eq!((&*offer.owner, offer.owner_role, offer.informed), ("Lee", OwnerRole::Ae, None));
    scene.world.account("acme").ae = None;
    assert_eq!(&*only(scene.recommend()).owner, "unassigned");
}

#[test]
fn where_a_partner_holds_the_relationship_the_partner_comes_along() {
    let mut scene = Scene::acme();
    let account = scene.world.account("acme");
    (account.csm, account.ae, account.partner) = (Some("Kim".into()), Some("Lee".into()), Some("Globex".into()));
    let offer = only(scene.recommend());
    assert_eq!((offer.action, offer.expected_arr), (Action::PartnerLed, 3_000.0));
    assert!(offer.headline.starts_with("Grow acme together with Globex: "), "{}", offer.headline);
    assert!(offer.steps[0].action.starts_with("Call Globex"), "{}", offer.steps[0].action);
}

#[test]
fn what_they_wrote_is_said_once_and_ends_once() {
    let mut scene = Scene::new();
    scene.customer("acme", "Kim", "Lee");
    scene.tell("acme", Some("crm"), "payment_trouble").quote = Some("It has become too expensive.".into());
    say_the_evidence(&mut scene);
    assert_eq!(
        only(scene.recommend()).talking_points,
        [
            "1 text says so; ticket of 3 Jun 2026.",
            "Find out first whether it is about money, about an invoice, or about value.",
            "They wrote “It has become too expensive.”",
            "Agree on one person at either side who settles open invoices, and on a date.",
            "A smaller contract that is kept is worth more than a larger one that is lost.",
        ]
    );
}

#[test]
fn words_are_filled_with_facts_and_what_is_unknown_is_not_spoken() {
    let offer = only(Scene::acme().recommend());
    assert_eq!(
        offer.talking_points,
        [
            "92 of 100 are in use (92 %); on the present course the ceiling is reached around 1 Oct 2026.",
            "Ask who joins next and by when, before a new colleague finds no seat.",
            "30 more seats would carry acme past the renewal on 1 Jan 2027.",
        ],
        "no quote and no peer are known"
    );
    assert!(offer.steps[0].action.starts_with("Send the right contact the use report"), "{}", offer.steps[0].action);
    assert!(offer.steps.iter().all(|s| !s.action.contains(['{', '}'])));
}

#[test]
fn similar_accounts_that_upgraded_come_first() {
    let mut scene = Scene::acme();
    scene.customer("bolt", "Kim", "Lee");
    scene.customer("cord", "Kim", "Lee");
    let extracts = scene.world.build();
    let near = |id: &str, similarity, upgraded| Neighbour {
        account: extracts.ids.accounts.get(id).expect("known"),
        similarity,
        upgraded,
        past: 0,
    };
    scene.peers.neighbours = vec![vec![near("bolt", 0.9, false), near("cord", 0.7, true)], vec![], vec![]];
    let offer = only(scene.recommend());
    assert_eq!(offer.peers.iter().map(|p| p.similarity).collect::<Vec<_>>(), [0.7, 0.9]);
    assert!(offer.talking_points.iter().any(|p| p.starts_with("cord, a customer much like this one")));
}
