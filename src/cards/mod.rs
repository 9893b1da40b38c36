//! Model cards: what a data scientist checks and an account manager may ask about a model, as JSON, Markdown, plots
//! and pages of the site. Nothing here judges; it shows what the evaluation found.

pub mod card;
pub mod pages;
pub mod plot;
pub mod plots;

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, context};

pub use card::Card;

/// The object's name beside the model.
pub const CARD: &str = "card.json";

/// Every file that stands beside a model: `card.json`, `card.md` and the plots.
pub fn files(card: &Card) -> Vec<(&'static str, String)> {
    let mut files = vec![(CARD, card.to_json()), ("card.md", markdown(card))];
    files.extend(plots::files(card));
    files
}

/// The card as Markdown; plots are named as files beside it.
pub fn markdown(card: &Card) -> String {
    render("card.md", context! { c => card, figures => figures(card), plots => !plots::files(card).is_empty() })
}

/// One line of the table of figures.
#[derive(serde::Serialize)]
struct Figure {
    name: &'static str,
    model: String,
    interval: String,
    baseline: String,
}

fn figures(card: &Card) -> Vec<Figure> {
    let Some(evaluation) = &card.evaluation else { return Vec::new() };
    let (own, rule, intervals) = (&evaluation.model, &evaluation.baseline, evaluation.intervals);
    let figure =
        |name, model: f64, baseline: f64, interval: Option<crate::learners::measuring::bootstrap::Interval>| Figure {
            name,
            model: format!("{model:.3}"),
            interval: interval.map_or("–".to_owned(), |i| format!("{:.3} to {:.3}", i.low, i.high)),
            baseline: format!("{baseline:.3}"),
        };
    vec![
        figure("AUC", own.auc, rule.auc, intervals.map(|i| i.auc)),
        figure("PR-AUC (average precision)", own.pr_auc, rule.pr_auc, intervals.map(|i| i.pr_auc)),
        figure("log loss", own.log_loss, rule.log_loss, intervals.map(|i| i.log_loss)),
        figure("Brier score", own.brier, rule.brier, intervals.map(|i| i.brier)),
        figure(
            "calibration error",
            own.calibration_error,
            rule.calibration_error,
            intervals.map(|i| i.calibration_error),
        ),
        figure(
            "lift of the highest tenth",
            own.lift_top_decile,
            rule.lift_top_decile,
            intervals.map(|i| i.lift_top_decile),
        ),
    ]
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates
        .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    templates.add_filter("pct", |share: f64| crate::wording::percent(share));
    templates.add_filter("pct1", |share: f64| format!("{:.1} %", share * 100.0));
    templates.add_filter("f3", |value: f64| crate::wording::thousandths(value));
    templates.add_filter("num", |value: f64| crate::wording::count(value));
    templates.add_filter("capitalize_first", |text: &str| crate::wording::capital(text));
    templates.add_filter("words", |text: &str| crate::wording::words(text));
    for (name, source) in [
        ("card.md", include_str!("templates/card.md.j2")),
        ("model.html", include_str!("templates/model.html.j2")),
        ("models.html", include_str!("templates/models.html.j2")),
    ] {
        templates.add_template(name, source).expect("the built-in templates parse");
    }
    templates
});

fn render(name: &str, values: minijinja::Value) -> String {
    let template = TEMPLATES.get_template(name).expect("the template is built in");
    template.render(values).expect("the built-in templates use only what their page has")
}
