//! The site's pages about models: one index, and one page per model that scores.

use minijinja::context;
use serde::Serialize;

use super::{Card, figures, plots, render};
use crate::briefings::STYLE;
use crate::briefings::site::File;
use crate::models::champions::registry::Champion;
use crate::vocabulary::Day;
use crate::wording;

/// A card with what made its model the champion.
#[derive(Clone, Debug)]
pub struct Shown {
    pub card: Card,
    pub champion: Champion,
}

/// What these pages add to the site's style.
const OWN: &str = ".wide-page{max-width:1180px}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:14px}\
figure{margin:0;border:1px solid var(--line);border-radius:8px;overflow:hidden}.plot{width:100%;height:auto;display:block}\
.scroll{overflow-x:auto}tr.thin td{color:var(--soft)}dd.small{font-weight:400}\
.pill.grade-A{background:var(--green)}.pill.grade-B{background:var(--brand)}.pill.grade-C{background:var(--yellow)}\
.weight{display:inline-block;height:8px;border-radius:4px;background:var(--brand);margin-right:6px}h1 .pill{vertical-align:middle}";

#[derive(Serialize)]
struct Promotion {
    from: String,
    reason: String,
    by: Option<String>,
}

/// `models/index.html` and `models/{slot}.html`, relative to the day's folder; none where nothing scores.
pub fn pages(shown: &[Shown], as_of: Day) -> Vec<File> {
    if shown.is_empty() {
        return Vec::new();
    }
    let lines: Vec<_> = shown.iter().map(|shown| context! { card => shown.card }).collect();
    let as_of = wording::day(as_of);
    let scoring = shown.iter().filter(|shown| shown.card.abstains.is_none()).count();
    let index = render(
        "models.html",
        context! { shown => lines, scoring => scoring, as_of => as_of, style => STYLE, own => OWN },
    );
    let page =
        |shown: &Shown| File { path: format!("models/{}.html", shown.card.slot), content: model(shown, &as_of).into() };
    let index = File { path: "models/index.html".into(), content: index.into() };
    std::iter::once(index).chain(shown.iter().map(page)).collect()
}

fn model(shown: &Shown, as_of: &str) -> String {
    let Shown { card, champion } = shown;
    let promotion =
        Promotion { from: wording::day(champion.from), reason: champion.reason.clone(), by: champion.by.clone() };
    let plots: Vec<String> = plots::files(card).into_iter().map(|(_, svg)| svg).collect();
    let heaviest = card.features.first().map_or(1.0, |feature| feature.weight.max(1e-9));
    let number = format!("{:06}", champion.number().unwrap_or_default());
    render(
        "model.html",
        context! {
            c => card, m => promotion, figures => figures(card), plots => plots, heaviest => heaviest,
            number => number, as_of => as_of, style => STYLE, own => OWN,
        },
    )
}
