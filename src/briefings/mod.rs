//! Layer 4: a recommendation as a page that its owner reads in under three minutes. Nothing here decides.
//!
//! `page` gathers what is said, the templates lay it out as Markdown and as one self-contained HTML file,
//! [`site`] links the pages by owner.

pub mod chart;
mod history;
mod page;
mod series;
pub mod site;

use std::sync::{Arc, LazyLock};

use minijinja::{AutoEscape, Environment, context};

use crate::assessment::Assessment;
use crate::history::View;
use crate::recommendations::Recommendation;
use crate::recommendations::playbooks::Playbook;
use crate::vocabulary::AccountIx;
use page::Page;

/// Silent reading of plain prose, words per minute.
const WORDS_PER_MINUTE: f64 = 230.0;

/// A briefing is read in three minutes.
const LONGEST_SECONDS: u32 = 180;

/// One briefing: a row of `briefings`.
#[derive(Clone, Debug)]
pub struct Briefing {
    pub recommendation_id: String,
    pub account: AccountIx,
    /// Whom it is written for.
    pub owner: String,
    pub title: String,
    pub markdown: String,
    /// Self-contained: no network, no script.
    pub html: Arc<str>,
    pub words: u32,
    /// At 230 words a minute; ≤ 180.
    pub reading_seconds: u32,
}

/// Writes the briefing of one recommendation.
pub fn write(view: View, assessment: &Assessment, recommendation: &Recommendation, playbook: &Playbook) -> Briefing {
    let mut page = Page::new(view, assessment, recommendation, playbook);
    let (markdown, words) = in_time(&mut page);
    Briefing {
        recommendation_id: recommendation.id.clone(),
        account: recommendation.account,
        owner: recommendation.owner.to_string(),
        title: format!("{}: {}", page.account, page.playbook),
        html: render("briefing.html", context! { p => &page, style => STYLE }).into(),
        markdown,
        words,
        reading_seconds: reading_seconds(words),
    }
}

/// The Markdown and its words, shortened until an owner reads it in three minutes.
fn in_time(page: &mut Page) -> (String, u32) {
    loop {
        let markdown = render("briefing.md", context! { p => &*page });
        let words = spoken_words(&markdown);
        if reading_seconds(words) <= LONGEST_SECONDS || !page.shorten() {
            // The renderer's buffer is up to twice as long, and thousands of pages wait to be written.
            return (markdown.into_boxed_str().into_string(), words);
        }
    }
}

fn reading_seconds(words: u32) -> u32 {
    (f64::from(words) / WORDS_PER_MINUTE * 60.0).ceil() as u32
}

/// The style of every page of the site.
pub const STYLE: &str = include_str!("templates/style.css");

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates
        .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    for (name, source) in [
        ("briefing.md", include_str!("templates/briefing.md.j2")),
        ("briefing.html", include_str!("templates/briefing.html.j2")),
        ("owner.html", include_str!("templates/owner.html.j2")),
        ("index.html", include_str!("templates/index.html.j2")),
    ] {
        templates.add_template(name, source).expect("the built-in templates parse");
    }
    templates
});

fn render(name: &str, values: minijinja::Value) -> String {
    let template = TEMPLATES.get_template(name).expect("the template is built in");
    template.render(values).expect("the built-in templates use only what their page has")
}

/// Words as a reader meets them: tokens with a letter or digit.
fn spoken_words(markdown: &str) -> u32 {
    markdown.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count() as u32
}
