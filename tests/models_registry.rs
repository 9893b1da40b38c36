//! The registry in a person's hands: decisions, ways back, comparisons on common rows, and the card beside each model.

use foothold::cards::{self, Card};
use foothold::learners::measuring::bootstrap::Estimate;
use foothold::models::Scorer;
use foothold::models::champions::promote::{Verdict, decide};
use foothold::models::champions::promotions::Promotion;
use foothold::models::champions::registry::{Champion, Decision, Registry};
use foothold::models::judging::appraise::{Appraisal, Field};
use foothold::models::judging::tested::{self, TestRow};
use foothold::models::training::artifact::Artifact;
use foothold::models::training::train::{Challenger, train};
use foothold::store::Store;
use foothold::vocabulary::{Day, PropensityKind};

use crate::models_scoring::{World, cut, settings, target, world};
use crate::support::day;

const FIELD: Field = Field { owners: 4, weekly_capacity: 5 };

/// Three models of one slot, trained on more and more months.
fn three(world: &World) -> Vec<Challenger> {
    let train = |months: i32| {
        let examples = cut(world, months);
        train(&target(PropensityKind::Churn), day("2024-01-01").plus(30 * (months + 4)), &examples, &settings())
    };
    [10, 12, 14].map(train).into_iter().collect()
}

fn saved(store: &Store, world: &World) -> Vec<Artifact> {
    let registry = Registry::of(store);
    let models: Vec<Artifact> = three(world).into_iter().map(|challenger| challenger.artifact).collect();
    for model in &models {
        let path = registry.save(model).unwrap();
        registry.promote_all(&[Promotion::of(model, &path, "trained")]).unwrap();
    }
    models
}

fn decision(reason: &str, from: Day) -> Decision<'_> {
    Decision { reason, by: "Ada", from }
}

#[test]
fn rolling_back_twice_goes_back_twice_and_deletes_nothing() {
    let store = Store::memory();
    let models = saved(&store, &world(200, 14, 1.0, 11));
    let (registry, today) = (Registry::of(&store), day("2026-01-01"));
    let champion = || registry.champion("churn", today).unwrap().unwrap();
    assert_eq!(champion().0.model_id, models[2].model_id);
    let before = store.list("models").unwrap();
    let back = registry.roll_back("churn", decision("AUC fell in March", today)).unwrap();
    assert_eq!((back.number(), back.by.as_deref()), (Some(2), Some("Ada")));
    assert_eq!((champion().0.model_id, champion().1), (models[1].model_id.clone(), "AUC fell in March".to_owned()));
    registry.roll_back("churn", decision("still wrong", today)).unwrap();
    assert_eq!(champion().0.model_id, models[0].model_id);
    let nothing = registry.roll_back("churn", decision("further", today)).unwrap_err().to_string();
    assert!(nothing.contains("no earlier champion"), "{nothing}");
    assert!(before.iter().all(|object| store.list("models").unwrap().contains(object)));
    // A run of an earlier day still sees the champion that it saw then.
    let then = registry.champion("churn", models[2].trained.as_of).unwrap().unwrap();
    assert_eq!(then.0.model_id, models[2].model_id);
}

/// A past day that is run again trains for itself and the days up to the next training, not for those after it.
#[test]
fn a_day_that_is_trained_late_leaves_later_days_to_their_champions() {
    let (store, world) = (Store::memory(), world(200, 14, 1.0, 13));
    let registry = Registry::of(&store);
    let models: Vec<Artifact> = three(&world).into_iter().map(|challenger| challenger.artifact).collect();
    for turn in [1, 2, 0] {
        let path = registry.save(&models[turn]).unwrap();
        registry.promote_all(&[Promotion::of(&models[turn], &path, "trained")]).unwrap();
    }
    let champion = |day: Day| registry.champion("churn", day).unwrap().map(|(model, _)| model.model_id);
    for (at, model) in models.iter().enumerate() {
        assert_eq!(champion(model.trained.as_of).as_ref(), Some(&model.model_id), "{at}");
    }
    assert_eq!(champion(models[1].trained.as_of.minus(1)).as_ref(), Some(&models[0].model_id));
    assert_eq!(champion(models[0].trained.as_of.minus(1)), None);
    let last = registry.last_trained("churn", models[2].trained.as_of).unwrap();
    assert_eq!(last.iter().map(|version| version.number).collect::<Vec<_>>(), [2]);
    assert_eq!(registry.champion("churn", models[2].trained.as_of).unwrap().unwrap().1, "trained", "its reason stays");
}

#[test]
fn a_person_promotes_by_number_or_id_and_is_told_what_there_is() {
    let store = Store::memory();
    let models = saved(&store, &world(200, 14, 1.0, 12));
    let (registry, today) = (Registry::of(&store), day("2026-01-01"));
    assert_eq!(registry.appoint("churn", "1", decision("asked for", today)).unwrap().model_id, models[0].model_id);
    let by_id = registry.appoint("churn", &models[1].model_id[..12], decision("asked for", today)).unwrap();
    assert_eq!(by_id.model, "churn/000002.json");
    let message =
        |result: Result<_, foothold::models::champions::registry::Error>| result.map(drop).unwrap_err().to_string();
    let again = message(registry.appoint("churn", "2", decision("twice", today)).map(|_| ()));
    assert!(again.contains("scores already"), "{again}");
    let gone = message(registry.appoint("churn", "9", decision("no such", today)).map(|_| ()));
    assert!(gone.contains("`9`") && gone.contains("1, 2 and 3"), "{gone}");
    let ambiguous = message(registry.appoint("churn", "mdl-", decision("which?", today)).map(|_| ()));
    assert!(ambiguous.contains("no version"), "{ambiguous}");
    let slot = message(registry.versions("chrun").map(|_| ()));
    assert!(slot.contains("did you mean `churn`"), "{slot}");
    assert!(message(Registry::of(&Store::memory()).versions("churn").map(|_| ())).contains("foothold train"));
}

#[test]
fn what_the_last_training_refused_stands_behind_the_champion_until_the_next() {
    let (store, world) = (Store::memory(), world(200, 14, 1.0, 11));
    let (registry, models) = (Registry::of(&store), three(&world));
    for (model, verdict) in models.iter().zip([Verdict::yes("first"), Verdict::no("worse"), Verdict::no("worse still")])
    {
        let path = registry.save(&model.artifact).unwrap();
        registry.judge(&path, &verdict).unwrap();
        if verdict.promoted {
            registry.promote_all(&[Promotion::of(&model.artifact, &path, &verdict.reason)]).unwrap();
        }
    }
    let told = |day: Day| {
        let rows = Scorer::load(&store, day).unwrap().evaluations();
        rows.into_iter().map(|row| (row.model_id, row.promoted, row.reason)).collect::<Vec<_>>()
    };
    let row =
        |at: usize, promoted: bool, reason: &str| (models[at].artifact.model_id.clone(), promoted, reason.to_owned());
    let days = [0, 1, 2].map(|at| models[at].artifact.trained.as_of);
    assert_eq!(told(days[0]), [row(0, true, "first")]);
    assert_eq!(told(days[1]), [row(0, true, "first"), row(1, false, "worse")]);
    assert_eq!(told(days[2].plus(9)), [row(0, true, "first"), row(2, false, "worse still")]);
}

#[test]
fn a_verdict_is_kept_beside_the_version_with_its_interval() {
    let (store, world) = (Store::memory(), world(400, 16, 1.0, 8));
    let registry = Registry::of(&store);
    let early = cut(&world, 10);
    let champion = train(&target(PropensityKind::Churn), day("2025-01-31"), &early, &settings()).artifact;
    let mut challenger = world.train(PropensityKind::Churn);
    challenger.tested.iter_mut().for_each(|test| test.probability = 0.5);
    let verdict = decide(&challenger, Some(&champion), &world.examples(), settings().resampling());
    assert_eq!(verdict.champion.as_deref(), Some(champion.model_id.as_str()));
    assert!(verdict.comparison.is_some_and(|paired| paired.log_loss.low > 0.0), "{verdict:?}");
    let model = registry.save(&challenger.artifact).unwrap();
    registry.judge(&model, &verdict).unwrap();
    registry.judge(&model, &Verdict::yes("another word changes nothing")).unwrap();
    let kept = registry.version("churn", "1").unwrap().verdict.unwrap();
    assert!(!kept.promoted && kept.reason.contains("worse") && kept.comparison.is_some());
}

#[test]
fn test_rows_come_back_as_they_were_and_versions_meet_on_common_rows() {
    let world = world(300, 14, 1.0, 13);
    let models = three(&world);
    let rows: Vec<Vec<TestRow>> = [12, 14]
        .into_iter()
        .zip(&models[1..])
        .map(|(months, challenger)| tested::rows(&cut(&world, months), &challenger.tested))
        .collect();
    assert!(!rows[0].is_empty() && rows[0].iter().all(|row| row.segment.is_some() && row.product.is_none()));
    assert_eq!(tested::from_parquet(tested::to_parquet(&rows[0])).unwrap(), rows[0]);
    assert!(tested::from_parquet("not a file".into()).is_err());
    let by = settings().resampling();
    let same = tested::compare(&rows[0], &rows[0], by);
    assert_eq!((same.rows, same.only_new, same.only_old, same.relabelled), (rows[0].len(), 0, 0, 0));
    assert_eq!(same.difference.unwrap().log_loss.value, 0.0);
    let mut changed = rows[0].clone();
    changed[0].happened = !changed[0].happened;
    changed.truncate(rows[0].len() - 5);
    let other = tested::compare(&changed, &rows[0], by);
    assert_eq!((other.rows, other.only_old, other.relabelled), (rows[0].len() - 6, 5, 1));
    let none = tested::compare(&[], &rows[1], by);
    assert!(none.rows == 0 && none.difference.is_none() && none.first_day.is_none());
}

fn card_of(challenger: &Challenger, world: &World) -> Card {
    let rows = tested::rows(&world.examples(), &challenger.tested);
    let appraisal = Appraisal::of(&rows, FIELD, settings().resampling());
    Card::of(&challenger.artifact, &Verdict::yes("first model of its kind"), appraisal)
}

#[test]
fn a_card_says_what_the_model_rests_on_and_reads_back() {
    let world = world(300, 12, 1.0, 14);
    let challenger = world.train(PropensityKind::Churn);
    let card = card_of(&challenger, &world);
    let back = Card::from_json(card.to_json().as_bytes()).expect("the format is the card's");
    // A JSON reader may round a number in its last bit, which no page shows.
    assert_eq!((cards::markdown(&back), &back.features.len()), (cards::markdown(&card), &card.features.len()));
    assert_eq!(Card::from_json(card.to_json().replacen("\"format\": 1", "\"format\": 9", 1).as_bytes()), None);
    let appraisal = card.appraisal.as_ref().unwrap();
    let names: Vec<&str> = appraisal.segments.iter().map(|segment| segment.segment.as_str()).collect();
    assert_eq!(names, ["enterprise", "smb"]);
    let tested: usize = appraisal.segments.iter().map(|segment| segment.rows).sum();
    assert_eq!(tested, challenger.tested.len());
    let at = appraisal.at_capacity.unwrap();
    assert_eq!(at.contacts, 20.0);
    assert!(at.found.value > at.found_by_chance && at.found.low <= at.found.value && at.found.value <= at.found.high);
    assert_eq!(card.features[0].name, "use_0", "the number that the labels depend on is the strongest");
    let text = cards::markdown(&card);
    for part in ["# Model card: churn", "## Limits", "## Who approves", &card.model_id, &card.trained.data_fingerprint]
    {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    assert!(!text.contains("undefined") && !text.contains("NaN"), "{text}");
}

#[test]
fn plots_are_well_formed_described_and_draw_rule_and_band() {
    let world = world(300, 12, 1.0, 15);
    let files = cards::files(&card_of(&world.train(PropensityKind::Churn), &world));
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["card.json", "card.md", "roc.svg", "precision_recall.svg", "reliability.svg", "gain.svg"]);
    for (name, svg) in files.iter().filter(|(name, _)| name.ends_with(".svg")) {
        assert_eq!(unclosed(svg), Vec::<String>::new(), "{name}");
        assert!(svg.contains("<title ") && svg.contains("<desc ") && svg.contains("role=\"img\""), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        if *name != "reliability.svg" {
            assert!(svg.contains("class=\"band\"") && svg.contains("class=\"baseline\""), "{name}");
        }
    }
}

/// Elements that are opened and never closed, or closed and never opened.
fn unclosed(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
        if tag.starts_with('/') {
            if open.pop().as_ref() != Some(&name) {
                return vec![name];
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    open
}

#[test]
fn figures_below_zero_stand_with_a_minus_sign_and_nothing_without_one() {
    let world = world(200, 14, 1.0, 1);
    let mut card = card_of(&world.train(PropensityKind::Churn), &world);
    let against = card.evaluation.as_mut().and_then(|evaluation| evaluation.against_baseline.as_mut()).expect("tested");
    against.log_loss = Estimate { value: -0.0004, low: -0.0312, high: 0.0004 };
    let champion = Champion::by_training(&card.model_id, "churn/000001.json", day("2026-06-30"), "first of its kind");
    let index = cards::pages::pages(&[cards::pages::Shown { card, champion }], day("2026-06-30")).swap_remove(0);
    assert!(index.content.contains(">0.000<div class=\"small\">−0.031 to 0.000<"), "{}", index.content);
}

#[test]
fn a_model_that_was_not_tested_still_has_a_card() {
    let thin = world(20, 4, 1.0, 16).train(PropensityKind::Churn).artifact;
    assert!(thin.evaluation.is_none());
    let card = Card::of(&thin, &Verdict::yes("first model of its kind"), None);
    let text = cards::markdown(&card);
    assert!(text.contains("Abstains") && text.contains("None: no scorecard was fitted"), "{text}");
    assert_eq!(cards::files(&card).len(), 2);
    let champion = Champion::by_training(&thin.model_id, "churn/000001.json", day("2026-06-30"), "first of its kind");
    let index = cards::pages::pages(&[cards::pages::Shown { card, champion }], day("2026-06-30")).swap_remove(0);
    assert!(index.content.contains("0 of 1 models score tonight"), "{}", index.content);
    assert!(index.content.contains("The others abstain: from a few dozen events"), "{}", index.content);
}
