//! From extracts to probabilities: nothing leaks from the future, and what is there is found.

use std::collections::BTreeSet;

use foothold::capacity::{self, Context};
use foothold::extracts::Extracts;
use foothold::history::View;
use foothold::learners::columns::table::{Column, Spec, Table, Values};
use foothold::learners::families::family::Family;
use foothold::models::champions::promotions::Promotion;
use foothold::models::champions::registry::Registry;
use foothold::models::examples::cutoff;
use foothold::models::examples::grain::{Grain, Snapshots, Source, labelled_days};
use foothold::models::features;
use foothold::models::scoring::drift;
use foothold::models::{Propensity, Scorer, Settings};
use foothold::observations::{self, AccountObservations, Kept, observe};
use foothold::pipeline::retrain;
use foothold::store::Store;
use foothold::vocabulary::{AccountIx, Day, PropensityKind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{WorldBuilder, day, default_settings};

const DAYS: i32 = 540;

fn first() -> Day {
    day("2024-01-07")
}

/// Accounts on monthly contracts whose use fades for two months before some of them leave, and grows for two months
/// before some of them upgrade. Only rows that were known by `until` are there.
fn world(accounts: usize, until: Day) -> Extracts {
    world_used(accounts, until, |_| 1.0)
}

/// The same, with everybody's use on each day times `use_of`.
fn world_used(accounts: usize, until: Day, use_of: impl Fn(Day) -> f64) -> Extracts {
    let mut world = WorldBuilder::default();
    world.product("crm", &[("basic", 1, 100.0), ("pro", 2, 200.0)]);
    world.product("mail", &[("standard", 1, 50.0)]);
    for n in 0..accounts {
        let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
        let id = format!("acct-{n:04}");
        world.account(&id).segment = Some(["smb", "mid_market"][n % 2].into());
        let fate = first().plus(rng.random_range(150..DAYS + 400));
        let leaves = rng.random_bool(0.5);
        add_contract(&mut world, &id, fate, leaves, until);
        add_use(&mut world, &id, fate, leaves, until, &mut rng, &use_of);
    }
    world.build()
}

fn add_contract(world: &mut WorldBuilder, id: &str, fate: Day, leaves: bool, until: Day) {
    for month in 0..DAYS / 30 {
        let start = first().plus(30 * month);
        if start > until || (leaves && start >= fate) {
            break;
        }
        let tier = if start >= fate { "pro" } else { "basic" };
        let version = world.subscription(&format!("{id}-crm"), id, "crm", tier, start);
        (version.ends_on, version.arr, version.units) = (Some(start.plus(30)), 1_000.0, Some(10.0));
        version.term_months = Some(1);
    }
}

fn add_use(
    world: &mut WorldBuilder,
    id: &str,
    fate: Day,
    leaves: bool,
    until: Day,
    rng: &mut ChaCha8Rng,
    use_of: &impl Fn(Day) -> f64,
) {
    let size = rng.random_range(20.0..200.0);
    for week in 0..DAYS / 7 {
        let on = first().plus(7 * week);
        let drawn = rng.random_range(0.9..1.1);
        if on > until || (leaves && on >= fate) {
            break;
        }
        let near = f64::from((75 - fate.since(on)).clamp(0, 75)) / 75.0;
        let factor = if leaves { 1.0 - 0.7 * near } else { 1.0 + near };
        world.usage(id, "crm", "sessions", on, size * factor * drawn * use_of(on));
    }
}

struct Sections {
    observations: observations::Settings,
    capacity: capacity::Settings,
    models: Settings,
}

impl Sections {
    fn defaults() -> Sections {
        Sections {
            observations: default_settings("observations"),
            capacity: default_settings("capacity"),
            models: default_settings("models"),
        }
    }

    fn source<'a>(&'a self, extracts: &'a Extracts, as_of: Day) -> Source<'a> {
        let Sections { observations, capacity, models } = self;
        Source { extracts, as_of, observations, capacity, models, weekly_capacity: 5 }
    }
}

fn facts(view: View, sections: &Sections) -> Vec<AccountObservations> {
    let context = Context::learn(view, &sections.capacity);
    let accounts = view.extracts.account_indices();
    accounts.map(|account| observe(view, account, &sections.observations, &context)).collect()
}

fn kept(view: View, sections: &Sections) -> Vec<Kept> {
    facts(view, sections).into_iter().map(Kept::of).collect()
}

/// Every value of every account as text, bits and all, by account id and feature.
fn written(view: View, sections: &Sections) -> Vec<String> {
    let facts = facts(view, sections);
    let row = |account: AccountIx| features::row(view, account, &facts[account.at()]);
    let known: Vec<AccountIx> = view.accounts().map(|account| account.account).collect();
    let rows: Vec<_> = known.iter().map(|account| row(*account)).collect();
    let table: Table = features::table(&rows, view.extracts);
    let cell = |values: &Values, at: usize| match values {
        Values::Words(values) => values[at].as_deref().unwrap_or("-").to_owned(),
        numbers => format!("{:016x}", numbers.number(at).to_bits()),
    };
    let line = |at: usize| {
        let id = view.extracts.account_id(known[at]);
        table.columns.iter().map(|c| format!("{id} {} {}", c.spec.name, cell(&c.values, at))).collect::<Vec<_>>()
    };
    (0..known.len()).flat_map(line).collect()
}

#[test]
fn cutting_off_the_future_leaves_every_feature_as_it_was() {
    let sections = Sections::defaults();
    let (whole, snapshot) = (world(25, first().plus(DAYS)), first().plus(300));
    let cut = world(25, snapshot);
    let (with, without) =
        (written(View::new(&whole, snapshot), &sections), written(View::new(&cut, snapshot), &sections));
    assert!(with.len() > 25 * 10, "{} values", with.len());
    assert_eq!(with, without);
}

#[test]
fn a_training_row_that_knows_the_future_fails_the_training_by_feature_account_day_and_both_values() {
    let sections = Sections::defaults();
    let extracts = world(25, first().plus(DAYS));
    let source = sections.source(&extracts, first().plus(DAYS));
    let mut snapshots = Snapshots::build(&source, &labelled_days(&source, 90));
    assert_eq!(cutoff::check(&source, &snapshots), Ok(()), "what the views say is what a cut history says");
    // Sessions of the last week of all, whatever the row's day: what a feature that ignores the view would say.
    let spec = snapshots.table.columns[0].spec.clone();
    let later = |account: AccountIx| extracts.usage.of(account).iter().map(|series| series.len as f64).sum::<f64>();
    let values = snapshots.grains.iter().map(|grain| later(grain.account)).collect();
    snapshots.table.columns.push(Column::numbers(Spec { name: "product.days_to_come".into(), ..spec }, values));
    snapshots.table = Table::new(std::mem::take(&mut snapshots.table.columns), snapshots.table.rows);
    let leak = cutoff::check(&source, &snapshots).unwrap_err();
    assert_eq!((leak.feature.as_str(), leak.cut.as_str()), ("product.days_to_come", "missing"));
    let told = leak.to_string();
    for part in ["`product.days_to_come`", &leak.account, &leak.day.to_string(), &leak.trained, "looks into the future"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    // A value that is there either way but moves with the future is found as well.
    snapshots.table.columns.retain(|column| column.spec.name != "product.days_to_come");
    let moved = snapshots.table.columns.iter_mut().find(|column| column.spec.name == "product.crm.sessions.30d");
    let moved = moved.expect("a number of every account");
    let more = |row: usize| moved.values.number(row) + 1.0;
    moved.values = Values::Numbers((0..snapshots.table.rows).map(more).collect());
    let leak = cutoff::check(&source, &snapshots).unwrap_err();
    assert_eq!(leak.feature, "product.crm.sessions.30d");
    assert_ne!(leak.trained, leak.cut);
}

#[test]
fn training_rows_and_tonights_rows_are_the_same_rows() {
    let sections = Sections::defaults();
    let extracts = world(25, first().plus(DAYS));
    let source = sections.source(&extracts, first().plus(DAYS));
    let day = *labelled_days(&source, 90).last().expect("eighteen months have labelled days");
    let snapshots = Snapshots::build(&source, &[day]);
    let view = View::new(&extracts, day);
    let facts = facts(view, &sections);
    let rows: Vec<_> =
        snapshots.grains.iter().map(|g| features::row(view, g.account, &facts[g.account.at()])).collect();
    let tonight = features::table(&rows, &extracts).ranked();
    assert_eq!(format!("{:?}", tonight.columns), format!("{:?}", snapshots.table.columns));
}

#[test]
fn snapshots_end_one_horizon_and_the_late_days_before_the_run() {
    let sections = Sections::defaults();
    let extracts = world(3, first().plus(DAYS));
    let as_of = first().plus(DAYS);
    let days = labelled_days(&sections.source(&extracts, as_of), 90);
    assert_eq!(*days.last().unwrap(), as_of.minus(120), "the first grid day at least 104 days back");
    assert!(*days.first().unwrap() >= first().plus(90));
    assert!(days.windows(2).all(|pair| pair[1].since(pair[0]) == 30));
}

#[test]
fn a_sample_of_the_rows_leaves_most_accounts_some_days_and_a_smaller_one_is_part_of_it() {
    let grain = |account: u64, month: i32| Grain {
        account: AccountIx::from(account as usize),
        day: first().plus(30 * month),
        account_hash: xxh3_64(&account.to_le_bytes()),
        owned: Vec::new(),
    };
    let rows: Vec<Grain> = (0..300).flat_map(|account| (0..12).map(move |month| grain(account, month))).collect();
    let drawn: Vec<&Grain> = rows.iter().filter(|row| row.is_sampled(0.3)).collect();
    assert!((0.27..0.33).contains(&(drawn.len() as f64 / rows.len() as f64)), "{}", drawn.len());
    let accounts: BTreeSet<u64> = drawn.iter().map(|row| row.account_hash).collect();
    assert!(accounts.len() > 280, "{}", accounts.len());
    assert!(rows.iter().filter(|row| row.is_sampled(0.1)).all(|row| row.is_sampled(0.3)));
    assert!(rows.iter().all(|row| row.is_sampled(1.0)));
}

fn trained(accounts: usize) -> (Extracts, Sections, Store) {
    let (extracts, sections, store) = (world(accounts, first().plus(DAYS)), Sections::defaults(), Store::memory());
    retrain::train(&sections.source(&extracts, first().plus(DAYS)), &store).expect("the store is in memory");
    (extracts, sections, store)
}

fn tonight(extracts: &Extracts, sections: &Sections, store: &Store) -> Vec<Vec<Propensity>> {
    let view = View::new(extracts, first().plus(DAYS));
    let scorer = Scorer::load(store, view.day).expect("readable");
    scorer.score(view, &kept(view, sections), &sections.models).propensities
}

#[test]
fn fading_use_is_learned_as_the_sign_of_leaving_and_every_score_adds_up() {
    let (extracts, sections, store) = trained(250);
    let scorer = Scorer::load(&store, first().plus(DAYS)).unwrap();
    let churn = scorer.models().find(|model| model.kind == PropensityKind::Churn).expect("a churn model");
    let evaluation = churn.evaluation.as_ref().expect("eighteen months of 250 accounts are enough");
    assert!(churn.abstains.is_none() && evaluation.model.auc > 0.85, "{:?} {evaluation:?}", churn.abstains);
    let scored = tonight(&extracts, &sections, &store);
    let all: Vec<&Propensity> = scored.iter().flatten().collect();
    assert!(all.len() > 250);
    for propensity in &all {
        let sum = propensity.drivers.iter().fold(propensity.base_log_odds, |sum, d| sum + d.contribution);
        let p = propensity.probability.get();
        assert!(((p / (1.0 - p)).ln() - sum).abs() < 1e-9, "{propensity:?}");
        assert!((0.0..=100.0).contains(&propensity.percentile) && propensity.lift > 0.0);
    }
    let riskiest = all
        .iter()
        .filter(|p| p.kind == PropensityKind::Churn)
        .max_by(|a, b| a.probability.get().total_cmp(&b.probability.get()));
    let label = |name: &str| churn.scorecard.iter().flat_map(|card| &card.features).find(|f| f.spec.name == name);
    assert!(
        label("product.crm.sessions.30d.change")
            .is_some_and(|f| f.spec.label == "change in sessions of crm over 30 days")
    );
    let driver = &riskiest.expect("somebody is at risk").drivers[0];
    assert!(
        driver.feature().contains("sessions") && driver.text().ends_with("raises the risk of leaving"),
        "{driver:?}"
    );
}

#[test]
fn challengers_stand_beside_the_scorecard_with_verdict_and_card_and_one_of_them_scores() {
    let (extracts, mut sections, store) = (world(250, first().plus(DAYS)), Sections::defaults(), Store::memory());
    sections.models.challengers = vec![Family::Logistic, Family::Boosting];
    let report = retrain::train(&sections.source(&extracts, first().plus(DAYS)), &store).unwrap();
    let registry = Registry::of(&store);
    let versions = registry.versions("churn").unwrap();
    let families: Vec<Family> = versions.iter().map(|version| version.artifact.family).collect();
    assert_eq!(families, Family::ALL);
    assert_eq!(registry.pointers("churn").unwrap().len(), 1);
    let of_churn: Vec<_> = report.models.iter().filter(|model| model.kind == "churn").collect();
    assert_eq!(of_churn.iter().filter(|model| model.promoted).count(), 1);
    for (version, told) in versions.iter().zip(of_churn) {
        let verdict = version.verdict.as_ref().expect("training judges");
        assert_eq!((verdict.promoted, verdict.reason.as_str()), (told.promoted, told.reason.as_str()));
        let card = registry.attached("churn", version.number, "card.json").unwrap().expect("a card");
        let card = foothold::cards::Card::from_json(&card).expect("the card's format");
        assert_eq!(card.rivals.len(), 2, "the others of the same training");
        assert!(card.family.contains(version.artifact.family.about().form));
    }
}

#[test]
fn the_night_of_the_training_is_quiet_and_a_shift_of_everybodys_use_is_not() {
    let (extracts, sections, store) = trained(250);
    let day = first().plus(DAYS);
    let scorer = Scorer::load(&store, day).unwrap();
    let warned = |extracts: &Extracts| {
        let view = View::new(extracts, day);
        drift::warnings(&scorer.score(view, &kept(view, &sections), &sections.models).drift)
    };
    assert_eq!(warned(&extracts), [] as [String; 0]);
    let lately = |on: Day| if day.since(on) < 30 { 0.3 } else { 1.0 };
    let shifted = warned(&world_used(250, day, lately));
    let named = |model: &str| shifted.iter().any(|said| said.contains(model) && said.contains("sessions"));
    assert!(named("the churn model") && named("the upsell model"), "{shifted:?}");
}

#[test]
fn a_product_that_nobody_bought_abstains_and_owners_are_not_asked_to_buy() {
    let (extracts, sections, store) = trained(60);
    let crm = extracts.ids.products.get("crm");
    for propensity in tonight(&extracts, &sections, &store).iter().flatten() {
        assert!(propensity.kind != PropensityKind::CrossSell || propensity.product != crm);
        if propensity.kind == PropensityKind::CrossSell {
            assert!(
                propensity.abstained.as_deref().is_some_and(|reason| reason.contains("0 positives")),
                "{propensity:?}"
            );
        }
    }
}

#[test]
fn an_account_without_a_contract_is_not_scored_and_an_empty_registry_scores_nobody() {
    let (extracts, sections, store) = trained(60);
    let view = View::new(&extracts, first().plus(DAYS));
    for (account, propensities) in extracts.account_indices().zip(tonight(&extracts, &sections, &store)) {
        let under_contract = !foothold::history::contracts::Contract::on(view, account).active.is_empty();
        assert_eq!(!propensities.is_empty(), under_contract, "{}", extracts.account_id(account));
    }
    assert!(tonight(&extracts, &sections, &Store::memory()).iter().all(Vec::is_empty));
}

#[test]
fn training_again_on_the_same_day_changes_nothing_but_the_report() {
    let (extracts, sections, store) = trained(120);
    let objects = store.list("models").unwrap();
    let again = retrain::train(&sections.source(&extracts, first().plus(DAYS)), &store).unwrap();
    assert_eq!(store.list("models").unwrap(), objects);
    assert!(again.models.iter().all(|model| !model.promoted), "{again:?}");
    for of_target in again.models.chunk_by(|a, b| (a.kind, &a.product_id) == (b.kind, &b.product_id)) {
        let standing = of_target.iter().filter(|model| model.reason.contains("champion already"));
        assert_eq!(standing.count(), 1, "{of_target:?}");
    }
}

#[test]
fn a_run_trains_only_where_it_is_asked_to_and_finds_nothing() {
    let (extracts, mut sections, store) = (world(40, first().plus(DAYS)), Sections::defaults(), Store::memory());
    let (scorer, report) = retrain::models_for(&sections.source(&extracts, first().plus(DAYS)), &store).unwrap();
    assert!(scorer.is_empty() && report.is_none());
    sections.models.train_if_missing = true;
    let (scorer, report) = retrain::models_for(&sections.source(&extracts, first().plus(DAYS)), &store).unwrap();
    assert!(!scorer.is_empty());
    let trained = report.expect("a training took place").models;
    assert!(trained.iter().all(|model| model.family == "scorecard"), "challengers wait for the next training");
    let (same, none) = retrain::models_for(&sections.source(&extracts, first().plus(DAYS)), &store).unwrap();
    assert!(none.is_none());
    assert_eq!(format!("{:?}", same.evaluations()), format!("{:?}", scorer.evaluations()));
}

#[test]
fn a_training_that_died_between_its_promotions_is_finished_before_anything_scores() {
    let (extracts, mut sections, store) = trained(120);
    sections.models.train_if_missing = true;
    let day = first().plus(DAYS);
    let whole: Vec<String> = store.list("models").unwrap().into_iter().map(|object| object.path).collect();
    let (expected, _) = retrain::models_for(&sections.source(&extracts, day), &store).unwrap();
    // What a process leaves that is killed after the first pointer.
    let pointers: Vec<&String> = whole.iter().filter(|path| path.contains("/champions/")).collect();
    let noted: Vec<Promotion> = pointers
        .iter()
        .map(|path| Promotion {
            slot: path.split('/').nth(1).unwrap().to_owned(),
            champion: serde_json::from_slice(&store.get(path).unwrap()).unwrap(),
        })
        .collect();
    assert!(noted.len() > 2, "{noted:?}");
    store.put("models/promoting.json", serde_json::to_vec(&noted).unwrap()).unwrap();
    for path in &pointers[1..] {
        store.delete(path).unwrap();
    }
    assert_eq!(Scorer::load(&store, day).unwrap().champions().count(), 1);
    let (finished, report) = retrain::models_for(&sections.source(&extracts, day), &store).unwrap();
    assert!(report.is_none(), "nothing is trained a second time");
    let slots = |scorer: &Scorer| scorer.champions().map(|(slot, _)| slot.to_owned()).collect::<Vec<_>>();
    assert_eq!(slots(&finished), slots(&expected));
    let left: Vec<String> = store.list("models").unwrap().into_iter().map(|object| object.path).collect();
    assert_eq!(left, whole, "the note is gone and every pointer stands once");
}

/// Whether a feature's name is an instance of a listed one: `<…>` stands for what the data names.
fn listed_as(name: &str, listed: &str) -> bool {
    let (own, pattern): (Vec<&str>, Vec<&str>) = (name.split('.').collect(), listed.split('.').collect());
    let matches = |(part, pattern): (&&str, &&str)| match (pattern.split_once('<'), pattern.rsplit_once('>')) {
        (Some((before, _)), Some((_, after))) => part.starts_with(before) && part.ends_with(after),
        _ => part == pattern,
    };
    own.len() == pattern.len() && own.iter().zip(&pattern).all(matches)
}

#[test]
fn every_feature_of_a_row_is_listed_with_its_unit_source_and_window() {
    let sections = Sections::defaults();
    let extracts = world(25, first().plus(DAYS));
    let view = View::new(&extracts, first().plus(300));
    let facts = facts(view, &sections);
    let rows: Vec<_> = view.accounts().map(|a| features::row(view, a.account, &facts[a.account.at()])).collect();
    let listed = features::catalogue::all();
    for column in features::table(&rows, &extracts).columns {
        let spec = &column.spec;
        let same =
            |l: &&features::catalogue::Listed| listed_as(&spec.name, &l.name) && l.window_days == spec.window_days;
        let found = listed.iter().find(same).unwrap_or_else(|| panic!("{} is not listed", spec.name));
        assert_eq!(found.source, spec.source, "{}", spec.name);
        assert!(!found.meaning.is_empty(), "{}", spec.name);
    }
}
