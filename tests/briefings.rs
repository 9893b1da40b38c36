//! A briefing is read in under three minutes, stands alone, and fits a phone and a sheet of paper.

use std::path::{Path, PathBuf};
use std::process::Command;

use foothold::assessment::Assessment;
use foothold::briefings::chart::{self, Chart};
use foothold::briefings::{self, Briefing, site};
use foothold::capacity::Capacity;
use foothold::extracts::Extracts;
use foothold::extracts::tables::{Period, Seniority};
use foothold::health::Health;
use foothold::history::View;
use foothold::history::contracts::Contract;
use foothold::observations::{AccountObservations, Kept};
use foothold::readiness::Readiness;
use foothold::recommendations::playbooks::{Playbook, Trigger};
use foothold::recommendations::{Action, Arm, Peer, Recommendation, Recommended, Status, Step};
use foothold::signals::{Detail, Signal};
use foothold::stakeholders::{Change, Role, Stakeholder, StakeholderMap};
use foothold::vocabulary::*;

use crate::support::{WorldBuilder, day};

const NAME: &str = "Acme <Logistics> & Sons";

fn world() -> Extracts {
    let mut world = WorldBuilder::default();
    let account = world.account("acme");
    account.name = NAME.into();
    account.segment = Some("mid_market".into());
    account.employees = Some(1240);
    world.product("crm", &[("standard", 1, 240.0), ("advanced", 2, 360.0)]).name = "CRM".into();
    let subscription = world.subscription("s1", "acme", "crm", "standard", day("2025-11-01"));
    (subscription.arr, subscription.units) = (28_800.0, Some(120.0));
    world.entitlement("acme", "crm", "seats", 120.0, Period::Gauge, day("2025-11-01"));
    let seats: Vec<f64> = (0..181).map(|age| 70.0 + f64::from(age) * 0.2).collect();
    world.usage_run("acme", "crm", "seats", day("2026-01-01"), &seats);
    world.account("peer").name = "Peer Freight".into();
    world.contact("c1", "acme", day("2025-11-01"));
    world.build()
}

fn capacity(extracts: &Extracts) -> Capacity {
    Capacity {
        product: ProductIx(0),
        metric: extracts.ids.metrics.get("seats").unwrap(),
        period: Period::Gauge,
        limit: 120.0,
        used: 106.0,
        utilization: 106.0 / 120.0,
        pace: 106.0 / 120.0,
        daily_growth: 0.2,
        days_above_threshold: 40,
        threshold: 0.8,
        threshold_basis: "configured".into(),
        breach_p10: Some(day("2026-08-20")),
        breach_p50: Some(day("2026-09-08")),
        breach_p90: Some(day("2026-10-02")),
        breach_before_renewal: Probability::clamped(0.9),
        renewal: Some(day("2026-11-01")),
        need_p90_at_renewal: Some(138.0),
        days_at_limit_30d: 0,
    }
}

fn signal() -> Signal {
    Signal {
        account: AccountIx(0),
        product: Some(ProductIx(0)),
        signal: "seat_utilization".into(),
        play: Play::Upsell,
        direction: Direction::Expansion,
        category: Category::Product,
        strength: Probability::clamped(0.8),
        confidence: Probability::clamped(0.6),
        confidence_basis: "prior".into(),
        detected_on: day("2026-06-30"),
        since: Some(day("2026-05-01")),
        expires_on: day("2026-07-30"),
        needs_review: false,
        evidence: "Seats at 88 % of 120 (106 in use), up 6 in 30 days.".into(),
        observations: vec![0],
        detail: Detail { quote: Some("we cannot add another user".into()), ..Detail::default() },
    }
}

fn stakeholder() -> Stakeholder {
    Stakeholder {
        title: Some("VP Operations".into()),
        seniority: Some(Seniority::Vp),
        department: Some("operations".into()),
        influence: 0.82,
        last_contact_days: Some(12),
        role: Role::Champion,
        is_champion: true,
        change: Some((Change::Promoted, day("2026-05-20"))),
        budget_authority: true,
        ..Stakeholder::named(ContactIx(0), "Dana Reyes".into())
    }
}

fn assessment(view: View<'_>) -> Assessment<'_> {
    let health = Health {
        score: 81.0,
        color: Color::Green,
        trend_30d: Some(2.0),
        product: Some(88.0),
        relationship: Some(76.0),
        support: None,
        financial: Some(90.0),
        weights: [0.44, 0.31, 0.0, 0.25],
        reasons: vec!["Active use rose 9 % in 30 days".into()],
        risk_level: Level::Low,
        churn_probability: None,
        recommended_actions: vec![],
        unavailable: vec!["support".into()],
    };
    let readiness = Readiness {
        score: 74.0,
        product_part: 80.0,
        relationship_part: 70.0,
        commercial_part: 60.0,
        convergence: 2,
        tier: Level::High,
        gate: "open".into(),
    };
    Assessment {
        account: AccountIx(0),
        contract: Contract::on(view, AccountIx(0)),
        facts: Kept::of(AccountObservations { observations: vec![], capacity: vec![capacity(view.extracts)] }),
        propensities: vec![],
        stakeholders: StakeholderMap { people: vec![stakeholder()], ..StakeholderMap::default() },
        signals: vec![signal()],
        health,
        readiness,
    }
}

fn recommendation() -> Recommendation {
    let long = "Ask how the two new depots in the north change who needs access before the autumn peak, and by when.";
    Recommendation {
        id: "rec-0011223344556677".into(),
        account: AccountIx(0),
        play: Play::Upsell,
        playbook: "seat_expansion".into(),
        action: Action::SeatExpansion,
        product: Some(ProductIx(0)),
        from_tier: None,
        to_tier: None,
        units_delta: Some(20.0),
        headline: "Offer Acme 20 more CRM seats: 106 of 120 are in use; speak with Dana Reyes by 9 Aug 2026.".into(),
        probability: Probability::clamped(0.42),
        expected_arr: 4_800.0,
        expected_value: 1_209.6,
        rank: 1,
        owner: "Kim Ode".into(),
        owner_role: OwnerRole::Csm,
        informed: Some("Lee Park".into()),
        stakeholder: Some(ContactIx(0)),
        stakeholder_reason: "Dana Reyes, VP Operations, was promoted on 20 May and argues for the product.".into(),
        window_opens: day("2026-06-30"),
        window_closes: day("2026-08-03"),
        contact_by: day("2026-08-03"),
        timing_reason: "Renewal is on 1 Nov; the window closes 90 days before it.".into(),
        evidence: "106 of 120 seats".into(),
        talking_points: vec![long.into(); 9],
        arm: Arm::None,
        status: Status::PendingReview,
        model_ids: vec![],
        signals: vec![(0, 1.0)],
        steps: (0..5).map(|n| Step { day: n * 4, owner_role: OwnerRole::Csm, action: long.into() }).collect(),
        peers: vec![Peer {
            account: AccountIx(1),
            similarity: 0.9,
            why: "same size".into(),
            outcome: "added 30 seats".into(),
        }],
        unknowns: vec!["No invoices were delivered.".into()],
        created_on: day("2026-06-30"),
        confidence: Probability::clamped(0.6),
        probability_basis: "a configured base rate".into(),
        gates: vec![],
    }
}

fn playbook() -> Playbook {
    Playbook {
        name: "seat_expansion".into(),
        title: "Seat expansion".into(),
        play: Play::Upsell,
        action: Action::SeatExpansion,
        trigger: Trigger::default(),
        owner: OwnerRole::Csm,
        priority: 0,
        fallback: false,
        deadline_days: 30,
        cooldown_days: 90,
        steps: vec![],
        talking_points: vec![],
    }
}

fn briefing(extracts: &Extracts) -> Briefing {
    let view = View::new(extracts, day("2026-06-30"));
    briefings::write(view, &assessment(view), &recommendation(), &playbook())
}

#[test]
fn says_what_who_when_and_why_with_numbers() {
    let briefing = briefing(&world());
    let text = &briefing.markdown;
    for said in [
        "Offer Acme 20 more CRM seats",
        "Kim Ode",
        "Lee Park",
        "3 Aug 2026",
        "+20 seats",
        "42 %",
        "Seats at 88 % of 120",
        "we cannot add another user",
        "Dana Reyes",
        "promoted 20 May 2026",
        "Peer Freight: same size; added 30 seats",
        "ceiling 120, projected to be reached around 8 Sep 2026",
        "No invoices were delivered.",
        "Bought CRM standard at ARR 28,800",
        "foothold review approve rec-0011223344556677",
    ] {
        assert!(text.contains(said), "the briefing does not say `{said}`:\n{text}");
    }
}

#[test]
fn is_read_in_under_three_minutes_however_much_there_is_to_say() {
    let extracts = world();
    let view = View::new(&extracts, day("2026-06-30"));
    let (mut state, mut rec) = (assessment(view), recommendation());
    state.signals = (0..40).map(|_| Signal { evidence: "a long sentence ".repeat(60), ..signal() }).collect();
    state.stakeholders.people = vec![stakeholder(); 40];
    rec.signals = (0..40).map(|at| (at, 1.0 / 40.0)).collect();
    rec.unknowns = vec!["Much is not known ".repeat(40); 40];
    rec.headline = "word ".repeat(400);
    let briefing = briefings::write(view, &state, &rec, &playbook());
    assert!(briefing.words > 150, "{} words are too few to be the page above", briefing.words);
    assert!(briefing.reading_seconds <= 180, "{} words take {} s", briefing.words, briefing.reading_seconds);
}

#[test]
fn stands_alone_and_escapes_what_the_data_says() {
    let html = briefing(&world()).html;
    for foreign in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!html.contains(foreign), "the page reaches outside: {foreign}");
    }
    assert!(html.contains("Acme &lt;Logistics&gt; &amp; Sons") && !html.contains("<Logistics>"));
    assert_eq!(html.matches("<svg").count(), 1, "one chart against the ceiling");
}

/// Where each text of a drawing stands: its left and right end by the widest characters, its line, and what it says.
fn labels(svg: &str) -> Vec<(f64, f64, f64, String)> {
    let number = |tag: &str, name: &str| -> f64 {
        let value = tag.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        value.and_then(|value| value.parse().ok()).expect("a number")
    };
    let texts = svg.split("<text ").skip(1).map(|rest| rest.split("</text>").next().expect("an end"));
    texts
        .map(|text| {
            let (tag, said) = text.split_once('>').expect("a tag");
            let (x, wide) = (number(tag, "x"), said.chars().count() as f64 * 6.2);
            let left = match tag {
                tag if tag.contains("\"end\"") => x - wide,
                tag if tag.contains("\"middle\"") => x - wide / 2.0,
                _ => x,
            };
            (left, left + wide, number(tag, "y"), said.to_owned())
        })
        .collect()
}

#[test]
fn a_chart_has_room_for_its_numbers_and_its_days() {
    let points = (0..26).map(|week| (day("2026-01-06").plus(7 * week), 55.8e6 - 1e6 * f64::from(25 - week))).collect();
    for ahead in [3, 9, 14, 20, 40, 120] {
        let breach = [2, 0, 30].map(|more| day("2026-06-30").plus(ahead + more - 2));
        let chart = Chart {
            title: "API calls".into(),
            points: Clone::clone(&points),
            ceiling: Some(56e6),
            breach: Some(breach),
            since: None,
        };
        let labels = labels(&chart::svg(&chart));
        assert!(labels.iter().all(|(left, right, ..)| *left >= 0.0 && *right <= 640.0), "{labels:?}");
        let apart = |one: &(f64, f64, f64, String), other: &(f64, f64, f64, String)| {
            one.1 <= other.0 || other.1 <= one.0 || (one.2 - other.2).abs() >= 11.0
        };
        for (n, one) in labels.iter().enumerate() {
            let other = labels[n + 1..].iter().find(|other| !apart(one, other));
            assert!(other.is_none(), "{ahead} days ahead: {one:?} on {other:?}");
        }
    }
}

#[test]
fn the_reason_for_the_days_is_never_cut() {
    let extracts = world();
    let view = View::new(&extracts, day("2026-06-30"));
    let mut rec = recommendation();
    rec.timing_reason = format!("{}so this year's budget can still carry it.", "Engagement is high. ".repeat(25));
    let html = briefings::write(view, &assessment(view), &rec, &playbook()).html;
    assert!(html.contains("budget can still carry it."));
}

#[test]
fn the_site_links_every_briefing_from_its_owner() {
    let extracts = world();
    let view = View::new(&extracts, day("2026-06-30"));
    let recommended = Recommended { recommendations: vec![recommendation()], ..Recommended::default() };
    let contents = site::Contents::of(view, &[assessment(view)], &recommended, &[briefing(&extracts)]);
    let files = contents.pages(view.day, false);
    let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let owner = files.iter().find(|f| f.path.starts_with("owners/")).expect("an owner page");
    assert!(paths.contains(&"index.html") && paths.contains(&"briefings/rec-0011223344556677.html"), "{paths:?}");
    assert!(owner.content.contains("../briefings/rec-0011223344556677.html"));
    assert!(files[0].content.contains(&owner.path), "the front page links the owner");
}

fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok())
}

/// What Chromium says of a page when it is `width` pixels wide: (scroll width, chart width, text of the first heading).
fn measured(browser: &str, dir: &Path, html: &str, width: u32) -> (f64, f64, String) {
    let frame = html.replace('&', "&amp;").replace('"', "&quot;");
    let script = "const f=document.querySelector('iframe');f.onload=()=>{const d=f.contentDocument;\
        document.body.dataset.said=[d.documentElement.scrollWidth,d.querySelector('svg').getBoundingClientRect().width,\
        d.querySelector('h1').textContent].join('|')}";
    let page = format!(
        "<iframe width={width} height=900 style='border:0' srcdoc=\"{frame}\"></iframe><script>{script}</script>"
    );
    let path: PathBuf = dir.join(format!("{width}.html"));
    std::fs::write(&path, page).unwrap();
    let profile = format!("--user-data-dir={}", dir.join("profile").display());
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", &profile, "--virtual-time-budget=3000", "--dump-dom"])
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    let said = dom.split("data-said=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("the page was measured");
    let parts: Vec<&str> = said.splitn(3, '|').collect();
    (parts[0].parse().unwrap(), parts[1].parse().unwrap(), parts[2].to_owned())
}

#[test]
fn fits_a_phone_and_a_desk_in_a_real_browser() {
    let Some(browser) = chromium() else {
        println!("skipped: no chromium on this machine");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let html = briefing(&world()).html;
    for width in [390, 1200] {
        let (scroll, chart, heading) = measured(browser, dir.path(), &html, width);
        assert!(scroll <= f64::from(width), "at {width} px the page is {scroll} px wide");
        assert!(chart > 200.0 && chart < f64::from(width), "at {width} px the chart is {chart} px wide");
        assert!(heading.contains("20 more CRM seats"), "{heading}");
    }
}
