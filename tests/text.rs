//! Texts are read by phrase and by name, a sentence at a time, with quotes that can be shown.

use foothold::extracts::tables::FeatureKind;
use foothold::text::{About, QUOTE_CHARS, Reader, Topic, normalise, quote, sentences};
use proptest::prelude::*;

use crate::support::bench::{Bench, bench, text_settings};
use crate::support::{WorldBuilder, day};

fn topics(text: &str) -> Vec<Topic> {
    let reader = Reader::new(&WorldBuilder::default().build(), &text_settings());
    let said = reader.scan(text, day("2026-03-31"));
    said.into_iter().filter_map(|(about, _)| if let About::Topic(topic) = about { Some(topic) } else { None }).collect()
}

#[test]
fn phrases_are_read_in_any_case_and_across_line_breaks() {
    use Topic::*;
    for (text, topic) in [
        ("We can't add another user to the workspace.", PlanLimit),
        ("WE CAN’T ADD ANY MORE USERS!", PlanLimit),
        ("We have reached our\nAPI limit again.", PlanLimit),
        ("Error when we try to export more than 500 rows", PlanLimit),
        ("The button is greyed out for us.", HigherTierRequest),
        ("How do we upgrade?", HigherTierRequest),
        ("We are growing the team in Berlin.", Growth),
        ("Good news: our budget is increasing next quarter.", BudgetIncrease),
        ("Honestly, this is too expensive for what we get.", PriceComplaint),
        ("How do we cancel our subscription?", ChurnIntent),
        ("We are evaluating alternatives.", Competitor),
        ("The cost per user is far too high for us.", PriceComplaint),
        ("Please advise how to raise our quota.", PlanLimit),
        ("Do you offer something for that?", AdjacentNeed),
        ("We may not renew the contract.", ChurnIntent),
    ] {
        assert!(topics(text).contains(&topic), "{text}: {:?}", topics(text));
    }
}

#[test]
fn negated_or_partial_words_are_not_taken_for_the_phrase() {
    for text in [
        "We are not hitting the limit.",
        "It is not too expensive at all.",
        "We don't want to cancel.",
        "There is no rate limit problem.",
        "Unlimited planning limits imagination.",
        "",
        "   ",
    ] {
        assert_eq!(topics(text), [], "{text}");
    }
    assert_eq!(topics("If we don't get a better price, we have to talk."), [Topic::PriceComplaint]);
    assert_eq!(topics("It is not only too expensive, it is slow."), [Topic::PriceComplaint]);
}

#[test]
fn parts_of_a_phrase_stand_in_one_sentence_in_their_order() {
    assert_eq!(topics("We can't add the twelfth user."), [Topic::PlanLimit]);
    assert_eq!(topics("We can't add notes. The user is gone."), []);
    assert_eq!(topics("A user says we can't add notes."), []);
}

#[test]
fn a_job_adds_phrases_or_replaces_them() {
    let mut settings = text_settings();
    settings.phrases.insert(Topic::PlanLimit, vec!["the tank is * full".into(), " ".into()]);
    let scan = |settings| {
        let reader = Reader::new(&WorldBuilder::default().build(), &settings);
        reader.scan("The tank is almost full, and it is too expensive.", day("2026-03-31")).len()
    };
    assert_eq!(scan(settings.clone()), 2);
    settings.replace_phrases = true;
    assert_eq!(scan(settings), 1);
}

#[test]
fn a_text_of_ten_megabytes_is_read_up_to_the_limit() {
    let long = "We like it. ".repeat(900_000) + "It is too expensive.";
    assert_eq!(topics(&long), []);
    assert_eq!(topics(&format!("It is too expensive. {long}")), [Topic::PriceComplaint]);
}

// ── what it means for an account ───────────────────────────────────────────────────────────────────────────────────

/// `crm` basic is owned; `forecasting` needs enterprise, `chat` belongs to `desk`, which is not owned.
fn said(text: &str) -> Bench {
    let mut bench = bench();
    bench.world.feature("forecasting", "crm").min_tier_rank = Some(3);
    bench.world.feature("contact_lists", "crm").min_tier_rank = Some(1);
    bench.world.feature("live_chat", "desk").kind = Some(FeatureKind::Core);
    bench.world.conversation("v1", "acme", day("2026-03-20"), text);
    bench.fact(("conversation_texts", None, 30, 1.0, None)).fact(("ticket_texts", None, 30, 1.0, None));
    bench
}

#[test]
fn a_limit_that_was_met_is_quoted() {
    let signal = said("Hi there. We can't add another user since Monday! Regards").one("plan_limit_ticket");
    let expected = "1 text speaks of a plan limit that was met; conversation of 20 Mar 2026: “We can't add another user since Monday!”";
    assert_eq!(signal.evidence, expected);
    assert_eq!(signal.detail.quote.as_deref(), Some("We can't add another user since Monday!"));
    assert_eq!(signal.detail.source_row.as_deref(), Some("v1"));
    assert_eq!(signal.since, Some(day("2026-03-20")));
}

#[test]
fn a_feature_of_a_higher_tier_is_a_request_for_that_tier() {
    let signal = said("Is there a way to get forecasting?").one("higher_tier_request");
    assert_eq!(signal.detail.tier.as_deref(), Some("enterprise"));
    assert!(
        signal.evidence.starts_with("1 text asks for forecasting, part of the enterprise tier of crm; "),
        "{}",
        signal.evidence
    );
    assert!(said("Is there a way to sort contact lists?").signals().is_empty(), "part of the tier in force");
    assert!(said("Your forecasting video was fun.").signals().is_empty(), "nobody asks for it");
}

#[test]
fn a_product_or_feature_not_owned_is_a_need_that_it_answers() {
    let by_feature = said("We are looking for live chat for our shop.").one("adjacent_need");
    assert_eq!(by_feature.product.map(|p| p.0), Some(1));
    assert!(
        by_feature.evidence.starts_with("1 text asks for live_chat, which desk answers"),
        "{}",
        by_feature.evidence
    );
    let by_name = said("Could you send us pricing for Desk?").one("adjacent_need");
    assert!(by_name.evidence.starts_with("1 text asks about desk, which is not owned"), "{}", by_name.evidence);
}

#[test]
fn a_tier_named_with_its_word_is_a_request() {
    assert!(said("What would the Pro plan give us? We need more.").fires("higher_tier_request"), "asked beside it");
    assert!(!said("We saw the Pro plan. It rains. We need more.").fires("higher_tier_request"), "asked elsewhere");
    assert_eq!(
        said("Can we get a quote for the pro plan?").one("higher_tier_request").detail.tier.as_deref(),
        Some("pro")
    );
    assert!(!said("How can we use the basic plan better?").fires("higher_tier_request"), "owned already");
}

#[test]
fn complaints_and_rivals_call_for_care() {
    let mut bench = said("This is too expensive.");
    assert!(bench.one("price_complaint").evidence.starts_with("1 text complains about the price"));
    bench.world.conversation("v2", "acme", day("2026-03-25"), "We want to cancel our contract.");
    let both = bench.one("price_complaint");
    assert!(both.evidence.starts_with("2 texts speak of leaving; conversation of 25 Mar 2026"), "{}", both.evidence);
    let mut rival = said("We had a demo of Taskora last week.");
    assert!(!rival.fires("competitor_logo"));
    rival.text.competitors.push("Taskora".into());
    assert!(rival.one("competitor_logo").evidence.starts_with("1 text names Taskora, a competitor"));
}

#[test]
fn old_texts_and_texts_of_tomorrow_are_not_read() {
    let mut bench = said("Hello.");
    bench.world.conversation("v2", "acme", day("2026-01-30"), "It is too expensive.");
    bench.world.conversation("v3", "acme", day("2026-04-01"), "It is too expensive.");
    assert!(!bench.fires("price_complaint"), "61 days ago, and tomorrow");
    bench.world.conversation("v4", "acme", day("2026-01-31"), "It is too expensive.");
    bench.fact(("conversation_texts", None, 90, 1.0, None));
    assert!(bench.fires("price_complaint"), "60 days ago");
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm(text in "\\PC{0,400}", spaces in "[ \t\r\n’.!?]{0,80}") {
        let reader = Reader::new(&WorldBuilder::default().build(), &text_settings());
        for (_, quote) in reader.scan(&format!("{text}{spaces}can't add a user{spaces}{text}"), day("2026-03-31")) {
            prop_assert!(quote.chars().count() <= QUOTE_CHARS);
        }
    }

    #[test]
    fn sentences_cover_the_text_and_quotes_come_from_it(text in "[a-zA-Zäß,.!? \n]{0,600}", at in 0usize..600) {
        let even = normalise(&text, 10_000);
        let mut end = 0;
        for range in sentences(&even) {
            prop_assert!(range.start >= end && range.start - end <= 2);
            end = range.end;
            let shown = quote(&even[range.clone()], at.min(range.len()));
            prop_assert!(even.contains(shown.trim_matches('…')) && shown.chars().count() <= QUOTE_CHARS);
        }
    }
}
