//! Texts become sparse rows, one linear model per intent learns from them, and what it hears can be shown.

use foothold::extracts::tables::Intent;
use foothold::models::champions::registry::Registry;
use foothold::pipeline;
use foothold::store::Store;
use foothold::text::corpus::Corpus;
use foothold::text::intents::{self, IntentModel};
use foothold::text::learn::{Labelled, MOST_TEXTS, train};
use foothold::text::one_vs_rest::{self, Linear, OneVsRest};
use foothold::text::terms::{Rows, Rule, Terms};
use foothold::text::{Settings, normalise};
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::models_telco::shared;
use crate::support::bench::text_settings;
use crate::support::day;

// ── terms ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const WORDS: Rule = Rule { fragments: false, min_texts: 1 };
const FRAGMENTS: Rule = Rule { fragments: true, min_texts: 1 };

#[test]
fn a_row_weighs_rare_and_repeated_terms_and_has_length_one() {
    let terms = Terms::learn(["Seats are full", "seats, seats!"].into_iter(), WORDS);
    let names: Vec<&str> = terms.words().map(|(name, _)| name).collect();
    assert_eq!(names, ["are", "are full", "full", "seats", "seats are", "seats seats"]);
    let row = terms.row("SEATS seats unknown");
    // `seats`: idf 1 (in both texts), twice; `seats seats`: idf ln(3/2) + 1, once.
    let (twice, pair) = (1.0 + 2f32.ln(), 1.5f32.ln() + 1.0);
    let length = (twice * twice + pair * pair).sqrt();
    assert_eq!(row.iter().map(|cell| cell.0).collect::<Vec<_>>(), [3, 5]);
    assert!((row[0].1 - twice / length).abs() < 1e-6 && (row[1].1 - pair / length).abs() < 1e-6, "{row:?}");
    assert!(terms.row("").is_empty() && terms.row("…").is_empty());
}

#[test]
fn fragments_know_the_edges_of_words() {
    let terms = Terms::learn(["a über"].into_iter(), FRAGMENTS);
    let fragments: Vec<&str> = terms.fragments().map(|(name, _)| name).collect();
    assert_eq!(fragments, [" a ", " üb", " übe", " über", "ber", "ber ", "er ", "übe", "über", "über "]);
}

#[test]
fn rare_terms_are_left_out() {
    let often = Terms::learn(["red bar", "red light"].into_iter(), Rule { fragments: false, min_texts: 2 });
    assert_eq!(often.words().map(|(name, _)| name).collect::<Vec<_>>(), ["red"]);
}

proptest! {
    #[test]
    fn any_text_is_a_row_of_ascending_columns(texts in prop::collection::vec("\\PC{0,60}", 1..6), other in "\\PC{0,60}") {
        let terms = Terms::learn(texts.iter().map(String::as_str), FRAGMENTS);
        for text in texts.iter().chain([&other]) {
            let row = terms.row(text);
            prop_assert!(row.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert!(row.iter().all(|cell| cell.1 > 0.0 && (cell.0 as usize) < terms.len()));
            let squares: f32 = row.iter().map(|cell| cell.1 * cell.1).sum();
            prop_assert!(row.is_empty() || [1.0, 2.0].iter().any(|length| (squares - length).abs() < 1e-4));
        }
    }
}

proptest! {
    #[test]
    fn a_selection_of_a_corpus_is_what_its_texts_alone_teach(
        texts in prop::collection::vec("[a-cé ]{0,24}", 1..8),
        left_out in 0usize..8,
        min_texts in 1u32..3,
    ) {
        let rule = Rule { fragments: true, min_texts };
        let corpus = Corpus::of(texts.iter().map(String::as_str), rule);
        let chosen: Vec<usize> = (0..texts.len()).filter(|at| *at != left_out).collect();
        let selection = corpus.select(&chosen, min_texts);
        let terms = Terms::learn(chosen.iter().map(|at| texts[*at].as_str()), rule);
        let known = |terms: &Terms| {
            terms.words().chain(terms.fragments()).map(|(name, idf)| (name.to_owned(), idf)).collect::<Vec<_>>()
        };
        prop_assert_eq!(known(&corpus.terms(&selection)), known(&terms));
        for (at, text) in texts.iter().enumerate() {
            prop_assert_eq!(corpus.row(&selection, at), terms.row(text));
        }
    }
}

// ── the solver ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// Rows of a fixed pattern and labels that depend on it, with noise.
fn pattern(rows: usize, classes: usize) -> (Rows, Vec<usize>) {
    let mut sparse = Rows::new(6);
    let mut labels = Vec::new();
    for row in 0..rows as u32 {
        let cell = |column: u32| (column, 0.2 + ((row * 7 + column * 13) % 11) as f32 / 10.0);
        let cells: Vec<(u32, f32)> = (0..6).filter(|c| (row / (c + 1)) % 3 != 0).map(cell).collect();
        let odd = row % 9 == 4;
        labels.push(if odd { row as usize % classes } else { (row as usize / 2) % classes });
        sparse.push(&cells);
    }
    (sparse, labels)
}

fn solved(rows: &Rows, labels: &[usize], classes: usize, ridge: f64, tolerance: f64) -> Linear {
    let dataset = DatasetBase::new(rows.clone(), Array1::from(labels.to_vec()));
    OneVsRest::new(classes, ridge).tolerance(tolerance).fit(&dataset).expect("a fit")
}

#[test]
fn its_optimum_is_that_of_linfa_logistic() {
    let (rows, labels) = pattern(180, 3);
    for ridge in [0.1, 1.0, 30.0] {
        let linear = solved(&rows, &labels, 3, ridge, 1e-5);
        let mut dense = Array2::<f64>::zeros((rows.len(), 7));
        for row in 0..rows.len() {
            let (columns, values) = rows.row(row);
            columns.iter().zip(values).for_each(|(c, v)| dense[(row, *c as usize)] = f64::from(*v));
            dense[(row, 6)] = 1.0;
        }
        for class in 0..3 {
            let own: Array1<bool> = labels.iter().map(|label| *label == class).collect();
            let params = linfa_logistic::LogisticRegression::default().alpha(ridge).with_intercept(false);
            let params = params.max_iterations(5_000).gradient_tolerance(1e-7);
            let fitted = params.fit(&DatasetBase::new(dense.clone(), own)).expect("a fit");
            let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
            let own = (0..6).map(|c| linear.column(c)[class]).chain([linear.base[class]]);
            for (found, expected) in own.zip(fitted.params()) {
                let gap = (f64::from(found) - sign * expected).abs();
                assert!(gap < 2e-3, "ridge {ridge} class {class}: {found} for {}", sign * expected);
            }
        }
    }
}

#[test]
fn classes_do_not_depend_on_their_neighbours_nor_on_threads() {
    let (rows, labels) = pattern(120, 40);
    let all = solved(&rows, &labels, 40, 0.3, 0.01);
    let alone = |class: usize| {
        let own: Vec<usize> = labels.iter().map(|label| usize::from(*label == class)).collect();
        solved(&rows, &own, 2, 0.3, 1e-4).column(2)[1]
    };
    for class in [0, 17, 39] {
        assert!((all.column(2)[class] - alone(class)).abs() < 0.05, "class {class}");
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    assert_eq!(one.install(|| solved(&rows, &labels, 40, 0.3, 0.01)), all);
}

#[test]
fn wrong_parameters_and_labels_are_refused() {
    let (rows, labels) = pattern(10, 2);
    let fit = |params: OneVsRest, labels: Vec<usize>| {
        params.fit(&DatasetBase::new(rows.clone(), Array1::from(labels))).map(drop).map_err(|e| e.to_string())
    };
    let refused = |params, labels, reason: &str| {
        let error = fit(params, labels).expect_err("refused");
        assert!(error.contains(reason), "{error}");
    };
    refused(OneVsRest::new(2, 0.0), labels.clone(), "ridge strength must be finite and above zero");
    refused(OneVsRest::new(2, 1.0).tolerance(2.0), labels.clone(), "tolerance must lie between 0 and 1");
    refused(OneVsRest::new(2, 1.0), vec![0; 9], "10 rows but 9 labels");
    refused(OneVsRest::new(1, 1.0), labels, "is not below the 1 classes");
    let none: Result<Linear, one_vs_rest::Error> =
        OneVsRest::new(2, 1.0).fit(&DatasetBase::new(Rows::new(3), Array1::from(vec![])));
    assert_eq!(none.expect("nothing to learn").weights, vec![0.0; 6]);
}

// ── intents ────────────────────────────────────────────────────────────────────────────────────────────────────────

const SAID: [(Intent, [&str; 3]); 3] = [
    (
        Intent::PlanLimit,
        ["The bar is red and nothing goes through.", "The red bar blocks us.", "Everything is red now."],
    ),
    (Intent::PriceComplaint, ["My boss fell off the chair.", "The quote made my boss pale.", "That quote hurt."]),
    (Intent::None, ["Thanks for the call.", "See you on Thursday.", "Here are the notes of the call."]),
];

/// `times` rounds of the wordings above, one account each, a day apart.
fn labels(times: usize) -> Vec<Labelled> {
    let round = |time: usize| {
        let said = SAID.iter().flat_map(move |(intent, texts)| texts.iter().map(move |text| (*intent, *text)));
        said.enumerate().map(move |(at, (intent, text))| Labelled {
            day: day("2026-01-01").plus(time as i32),
            text: normalise(&format!("Hello {}. {text} Regards", (time * 3 + at) % 7), 1_000),
            intent,
            account_hash: (time * 31 + at) as u64,
        })
    };
    (0..times).flat_map(round).collect()
}

fn settings() -> Settings {
    let mut settings = text_settings();
    settings.intents.min_labels = 60;
    settings
}

fn model() -> IntentModel {
    train(&labels(30), day("2026-03-01"), &settings()).expect("enough labels")
}

#[test]
fn an_intent_is_heard_with_its_sentence_and_its_words() {
    let heard = model().hear("Good morning to you. Again the red bar, and nothing goes through! Bye");
    assert_eq!(heard.iter().map(|heard| heard.intent).collect::<Vec<_>>(), [Intent::PlanLimit]);
    assert_eq!(&*heard[0].quote, "Again the red bar, and nothing goes through!");
    assert!(heard[0].words.contains(&"red".to_owned()) && heard[0].words.len() == 3, "{:?}", heard[0].words);
    assert!(heard[0].probability > 0.5);
    for text in ["Thanks for the call.", "See you on Thursday.", "", "zzz"] {
        assert_eq!(model().hear(text), [], "{text}");
    }
}

#[test]
fn what_is_heard_is_judged_on_later_texts() {
    let card = model().card;
    let limit = card.intents.iter().find(|intent| intent.intent == Intent::PlanLimit).expect("trained");
    let judged = limit.evaluation.as_ref().expect("enough later texts");
    assert_eq!((limit.texts, judged.metrics.positives, judged.metrics.rows), (90, 18, 54));
    assert_eq!((judged.first_day, judged.last_day), (day("2026-01-25"), day("2026-01-30")));
    assert_eq!((judged.precision(), judged.recall()), (Some(1.0), 1.0));
    assert_eq!((card.trained.texts, card.trained.first_day), (270, Some(day("2026-01-01"))));
    assert!(card.heard().any(|intent| intent == Intent::PlanLimit));
    let (precision, recall) = card.on_later_texts().expect("there was something to hear");
    assert!(precision > 0.9 && recall > 0.5 && precision <= 1.0 && recall <= 1.0, "{precision} {recall}");
}

#[test]
fn the_registry_lists_every_classifier_with_its_number() {
    let store = Store::memory();
    let registry = Registry::of(&store);
    assert!(pipeline::intents::versions(&registry).unwrap().is_empty());
    let (first, second) = (model(), train(&labels(40), day("2026-04-01"), &settings()).expect("enough labels"));
    for model in [&first, &second] {
        registry.save_content(pipeline::intents::SLOT, &model.to_json()).unwrap();
    }
    let listed = pipeline::intents::versions(&registry).unwrap();
    let told: Vec<(u32, &str)> = listed.iter().map(|(number, model)| (*number, model.card.model_id.as_str())).collect();
    assert_eq!(told, [(1, first.card.model_id.as_str()), (2, second.card.model_id.as_str())]);
    store.put("models/text_intent/000003.json", "{}").unwrap();
    let told = pipeline::intents::versions(&registry).expect_err("no classifier").to_string();
    assert!(told.contains("models/text_intent/000003.json"), "{told}");
}

#[test]
fn a_training_draws_from_more_labels_than_it_needs() {
    let (few, many) = (labels(200), labels(MOST_TEXTS / 9 + 500));
    assert!(few.len() < MOST_TEXTS && many.len() > MOST_TEXTS);
    let trained = |texts: &[Labelled]| train(texts, day("2026-03-01"), &settings()).expect("enough labels").card;
    assert_eq!(trained(&few).trained.texts, few.len());
    let card = trained(&many);
    assert!(card.trained.texts <= MOST_TEXTS && card.trained.texts + 3 > MOST_TEXTS, "{}", card.trained.texts);
    let shares: Vec<usize> = card.intents.iter().map(|intent| intent.texts).collect();
    assert!(shares.iter().all(|texts| texts.abs_diff(MOST_TEXTS / 3) <= 1), "{shares:?}");
    assert_eq!(trained(&many), card);
}

#[test]
fn an_intent_without_a_precise_threshold_is_not_heard() {
    let mut texts = labels(30);
    // Every other text about prices says the same as one about nothing.
    for (at, text) in texts.iter_mut().enumerate() {
        if text.intent != Intent::PlanLimit {
            text.text = "The same words.".to_owned();
            text.intent = if at % 2 == 0 { Intent::PriceComplaint } else { Intent::None };
        }
    }
    let trained = train(&texts, day("2026-03-01"), &settings()).expect("enough labels");
    let price = trained.card.intents.iter().find(|i| i.intent == Intent::PriceComplaint).expect("trained");
    assert_eq!(price.threshold, None);
    assert_eq!(price.abstains.as_deref(), Some("no threshold reaches a precision of 0.95 on texts held out"));
    assert_eq!(trained.hear("The same words."), []);
}

#[test]
fn few_labels_are_an_answer() {
    let few = |times| train(&labels(times), day("2026-03-01"), &settings()).map(|model| model.card.intents);
    assert_eq!(few(2), Err("18 labelled texts of the 60 that the intent classifier needs".into()));
    let thin = few(7).expect("enough labels in all");
    assert!(thin[0].threshold.is_some(), "21 texts: {:?}", thin[0].abstains);
    let mut raised = settings();
    raised.intents.min_texts_per_intent = 22;
    let thin = train(&labels(7), day("2026-03-01"), &raised).expect("enough labels in all").card.intents;
    assert_eq!(thin[0].abstains.as_deref(), Some("21 labelled texts of the 22 that an intent needs"));
    let mut single = labels(30);
    single.iter_mut().for_each(|text| text.intent = Intent::Growth);
    let error = train(&single, day("2026-03-01"), &settings()).map(drop).expect_err("one intent");
    assert_eq!(error, "all labelled texts have the intent `growth`, so there is nothing to tell apart");
}

#[test]
fn a_classifier_is_readable_and_a_changed_one_is_refused() {
    let model = model();
    let json = model.to_json();
    assert!(json.contains("\n    [\"red\","), "one line per term");
    let read = IntentModel::from_json(json.as_bytes()).expect("its own JSON");
    assert_eq!(read.card.model_id, model.card.model_id);
    let text = "Again the red bar!";
    assert_eq!(read.probabilities(text), model.probabilities(text));
    let changed = json.replacen("\"ridge\": 0.1", "\"ridge\": 0.2", 1);
    assert!(
        matches!(IntentModel::from_json(changed.as_bytes()), Err(intents::Error::Changed(id)) if id == model.card.model_id)
    );
    assert!(matches!(IntentModel::from_json(b"{}"), Err(intents::Error::Json(_))));
    let other = json.replacen("\"format\": 1", "\"format\": 9", 1);
    assert!(matches!(IntentModel::from_json(other.as_bytes()), Err(intents::Error::Format(9))));
}

// ── a public data set ──────────────────────────────────────────────────────────────────────────────────────────────

/// Text and category of a two-column CSV file with quotes.
fn rows_of(file: &str) -> Option<Vec<(String, String)>> {
    let text = std::fs::read_to_string(shared(file)?).expect("readable");
    let mut rows = Vec::new();
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.chars().filter(|c| *c != '\r') {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                rows.push((fields[0].clone(), fields[1].clone()));
                fields.clear();
            }
            letter => field.push(letter),
        }
    }
    rows.remove(0);
    Some(rows)
}

/// Share of the test texts that get their own category, and the terms used.
fn banking(rule: Rule) -> Option<(f64, usize)> {
    let (train, test) = (rows_of("banking77/train.csv")?, rows_of("banking77/test.csv")?);
    assert_eq!((train.len(), test.len()), (10_003, 3_080));
    let mut classes: Vec<&str> = train.iter().map(|row| row.1.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    let class = |name: &str| classes.binary_search(&name).expect("a category of the training");
    let terms = Terms::learn(train.iter().map(|row| row.0.as_str()), rule);
    let rows = terms.rows(train.iter().map(|row| row.0.as_str()));
    let labels: Vec<usize> = train.iter().map(|row| class(&row.1)).collect();
    let linear = solved(&rows, &labels, classes.len(), text_settings().intents.ridge, 0.03);
    let right = test.iter().filter(|(text, category)| {
        let odds = linear.log_odds(&terms.row(text));
        let best = (0..odds.len()).max_by(|a, b| odds[*a].total_cmp(&odds[*b]));
        best == Some(class(category))
    });
    Some((right.count() as f64 / test.len() as f64, terms.len()))
}

#[test]
fn banking_messages_find_their_category() {
    let Some((words, count)) = banking(WORDS) else { return };
    assert_eq!(count, 22_266, "the words and pairs that scikit-learn finds");
    let Some((both, _)) = banking(Rule { fragments: true, min_texts: 2 }) else { return };
    eprintln!("banking77: accuracy {words:.4} by words and pairs, {both:.4} with fragments");
    assert!(words >= 0.89, "{words}");
    assert!(both >= 0.91, "{both}");
}
