//! The pages around the briefings: one index per owner and one for the day.

use std::collections::BTreeMap;

use minijinja::context;
use serde::Serialize;

use super::page::Fact;
use super::{Briefing, STYLE, render};
use crate::assessment::Assessment;
use crate::history::View;
use crate::recommendations::{Recommendation, Recommended};
use crate::vocabulary::{Color, Play};
use crate::wording;

/// Reading seconds by recommendation id.
type Reading<'a> = BTreeMap<&'a str, u32>;

/// One file of the site, relative to the day's folder.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub content: String,
}

#[derive(Clone, Debug, Serialize)]
struct Row {
    id: String,
    account: String,
    play: String,
    /// Red for a save play, green otherwise.
    color: &'static str,
    headline: String,
    value: String,
    contact_by: String,
    status: String,
    reading: String,
    rank: u32,
}

#[derive(Clone, Debug, Serialize)]
struct Owner {
    owner: String,
    slug: String,
    role: String,
    count: usize,
    value: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
struct Bar {
    name: String,
    count: usize,
    /// Percent of the longest bar.
    share: f64,
}

/// Every page of the day but those about models: `index.html`, `owners/…`, `briefings/…`.
/// `models` says whether there are pages about models to link to.
pub fn pages(
    view: View,
    assessments: &[Assessment],
    recommended: &Recommended,
    briefings: &[Briefing],
    models: bool,
) -> Vec<File> {
    let reading: Reading = briefings.iter().map(|b| (b.recommendation_id.as_str(), b.reading_seconds)).collect();
    let owners = owners(view, &recommended.recommendations, &reading);
    let index = index(view, assessments, recommended, &owners, &reading, models);
    let mut files = vec![File { path: "index.html".into(), content: index }];
    let as_of = wording::day(view.day);
    files.extend(owners.iter().map(|owner| File {
        path: format!("owners/{}.html", owner.slug),
        content: render("owner.html", context! { o => owner, as_of => as_of, style => STYLE }),
    }));
    files.extend(
        briefings
            .iter()
            .map(|b| File { path: format!("briefings/{}.html", b.recommendation_id), content: b.html.clone() }),
    );
    files
}

fn owners(view: View, recommendations: &[Recommendation], reading: &Reading) -> Vec<Owner> {
    let mut queues: BTreeMap<(&str, &str), Vec<&Recommendation>> = BTreeMap::new();
    for rec in recommendations {
        queues.entry((&rec.owner, rec.owner_role.as_str())).or_default().push(rec);
    }
    queues.into_iter().map(|((owner, role), queue)| owner_page(view, owner, role, queue, reading)).collect()
}

fn owner_page(view: View, owner: &str, role: &str, mut queue: Vec<&Recommendation>, reading: &Reading) -> Owner {
    queue.sort_by_key(|rec| rec.rank);
    Owner {
        owner: owner.to_owned(),
        slug: format!("{}-{role}", slug(owner)),
        role: role.to_uppercase(),
        count: queue.len(),
        value: wording::money(queue.iter().map(|rec| rec.expected_value).sum()),
        rows: queue.into_iter().map(|rec| row(view, rec, reading)).collect(),
    }
}

fn row(view: View, rec: &Recommendation, reading: &Reading) -> Row {
    let account = view.account(rec.account);
    let seconds = reading.get(rec.id.as_str());
    Row {
        id: rec.id.clone(),
        account: account.map_or_else(|| view.extracts.account_id(rec.account).to_owned(), |a| a.name.to_string()),
        play: wording::words(rec.action.as_str()),
        color: if rec.play == Play::RenewalRisk { "red" } else { "green" },
        headline: rec.headline.clone(),
        value: wording::money(rec.expected_value),
        contact_by: wording::day(rec.contact_by),
        status: wording::words(rec.status.as_str()),
        reading: seconds.map_or_else(String::new, |s| format!("{} min read", s.div_ceil(60))),
        rank: rec.rank,
    }
}

/// How many proposals the day's front page shows.
const TOP: usize = 10;

fn index(
    view: View,
    assessments: &[Assessment],
    recommended: &Recommended,
    owners: &[Owner],
    reading: &Reading,
    models: bool,
) -> String {
    let mut best: Vec<&Recommendation> = recommended.recommendations.iter().collect();
    best.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value).then_with(|| a.id.cmp(&b.id)));
    let top: Vec<Row> = best.into_iter().take(TOP).map(|rec| row(view, rec, reading)).collect();
    render(
        "index.html",
        context! {
            as_of => wording::day(view.day), style => STYLE, owners => owners, top => top,
            total => recommended.recommendations.len(), accounts => assessments.len(),
            facts => facts(assessments, recommended), health => health(assessments), gates => gates(recommended),
            models => models,
        },
    )
}

fn facts(assessments: &[Assessment], recommended: &Recommended) -> Vec<Fact> {
    let of = |risk: bool| recommended.recommendations.iter().filter(move |r| (r.play == Play::RenewalRisk) == risk);
    let arr: f64 = assessments.iter().map(|a| a.contract.arr).sum();
    vec![
        Fact { label: "ARR in force", value: wording::money(arr) },
        Fact { label: "Expected growth ARR", value: wording::money(of(false).map(|r| r.expected_value).sum()) },
        Fact { label: "Save plays", value: of(true).count().to_string() },
        Fact { label: "Withheld", value: recommended.suppressions.len().to_string() },
    ]
}

fn health(assessments: &[Assessment]) -> Vec<Bar> {
    let counts = Color::ALL
        .iter()
        .map(|color| (color.as_str().to_owned(), assessments.iter().filter(|a| a.health.color == *color).count()));
    bars(counts.collect())
}

fn gates(recommended: &Recommended) -> Vec<Bar> {
    let mut counts: BTreeMap<crate::recommendations::Gate, usize> = BTreeMap::new();
    for suppression in &recommended.suppressions {
        *counts.entry(suppression.gate).or_default() += 1;
    }
    bars(counts.into_iter().map(|(gate, n)| (wording::words(gate.as_str()), n)).collect())
}

fn bars(counts: Vec<(String, usize)>) -> Vec<Bar> {
    let longest = counts.iter().map(|c| c.1).max().unwrap_or(0).max(1) as f64;
    counts.into_iter().map(|(name, count)| Bar { name, count, share: count as f64 / longest * 100.0 }).collect()
}

/// A file name for a person: lower-case letters and digits joined by `-`, and a short tag that keeps two people apart.
fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|w| !w.is_empty()).collect();
    let tag = crate::vocabulary::stable_id("o", &[name]);
    format!("{}-{}", if words.is_empty() { "owner".into() } else { words.join("-") }, &tag[tag.len() - 4..])
}
