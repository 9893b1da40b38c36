//! The pages around the briefings: one index per owner and one for the day.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::context;
use serde::{Deserialize, Serialize};

use super::page::Fact;
use super::{Briefing, STYLE, render};
use crate::assessment::Assessment;
use crate::history::View;
use crate::recommendations::{Gate, Recommendation, Recommended};
use crate::vocabulary::{AccountIx, Color, Day, OwnerRole, Play, Text};
use crate::wording;

/// Reading seconds by recommendation id.
type Reading<'a> = BTreeMap<&'a str, u32>;

/// One file of the site, relative to the day's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub path: String,
    pub content: Arc<str>,
}

/// What the accounts of one part bring to the site; those of all parts make the site of the day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    accounts: Vec<Shown>,
    /// By account, then rank.
    proposals: Vec<Proposal>,
    /// Candidates withheld, by gate.
    withheld: BTreeMap<Gate, usize>,
    /// Pages of briefings, in the order of the proposals.
    briefings: Vec<(AccountIx, File)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Shown {
    account: AccountIx,
    arr: f64,
    color: Color,
}

/// A line about a recommendation, and where it belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Proposal {
    account: AccountIx,
    owner: Text,
    role: OwnerRole,
    expected_value: f64,
    saves: bool,
    row: Row,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    id: String,
    account: String,
    play: String,
    /// Red for a save play, green otherwise.
    color: String,
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

impl Contents {
    pub fn of(view: View, assessments: &[Assessment], recommended: &Recommended, briefings: &[Briefing]) -> Contents {
        let reading: Reading = briefings.iter().map(|b| (b.recommendation_id.as_str(), b.reading_seconds)).collect();
        let page = |b: &Briefing| {
            let file = File { path: format!("briefings/{}.html", b.recommendation_id), content: b.html.clone() };
            (b.account, file)
        };
        let mut withheld: BTreeMap<Gate, usize> = BTreeMap::new();
        recommended.suppressions.iter().for_each(|s| *withheld.entry(s.gate).or_default() += 1);
        Contents {
            accounts: assessments
                .iter()
                .map(|a| Shown { account: a.account, arr: a.contract.arr, color: a.health.color })
                .collect(),
            proposals: recommended.recommendations.iter().map(|r| Proposal::of(view, r, &reading)).collect(),
            withheld,
            briefings: briefings.iter().map(page).collect(),
        }
    }

    /// The contents of all parts together.
    pub fn union(parts: impl IntoIterator<Item = Contents>) -> Contents {
        let mut whole = Contents::default();
        for part in parts {
            whole.accounts.extend(part.accounts);
            whole.proposals.extend(part.proposals);
            part.withheld.into_iter().for_each(|(gate, n)| *whole.withheld.entry(gate).or_default() += n);
            whole.briefings.extend(part.briefings);
        }
        // Each account is one part's, so that a stable sort keeps its own order within it.
        whole.accounts.sort_by_key(|shown| shown.account);
        whole.proposals.sort_by_key(|proposal| proposal.account);
        whole.briefings.sort_by_key(|(account, _)| *account);
        whole
    }

    /// Every page of the day but those about models: `index.html`, `owners/…`, `briefings/…`. `models` says whether
    /// there are pages about models to link to.
    pub fn pages(self, day: Day, models: bool) -> Vec<File> {
        let owners = owners(&self.proposals);
        let mut files = vec![File { path: "index.html".into(), content: self.index(day, &owners, models).into() }];
        let as_of = wording::day(day);
        files.extend(owners.iter().map(|owner| File {
            path: format!("owners/{}.html", owner.slug),
            content: render("owner.html", context! { o => owner, as_of => as_of, style => STYLE }).into(),
        }));
        files.extend(self.briefings.into_iter().map(|(_, file)| file));
        files
    }

    fn index(&self, day: Day, owners: &[Owner], models: bool) -> String {
        let mut best: Vec<&Proposal> = self.proposals.iter().collect();
        best.sort_by(|a, b| b.expected_value.total_cmp(&a.expected_value).then_with(|| a.row.id.cmp(&b.row.id)));
        let top: Vec<&Row> = best.into_iter().take(TOP).map(|proposal| &proposal.row).collect();
        render(
            "index.html",
            context! {
                as_of => wording::day(day), style => STYLE, owners => owners, top => top,
                total => self.proposals.len(), accounts => self.accounts.len(),
                facts => self.facts(), health => self.health(), gates => self.gates(), models => models,
            },
        )
    }

    fn facts(&self) -> Vec<Fact> {
        let of = |saves: bool| self.proposals.iter().filter(move |proposal| proposal.saves == saves);
        let arr: f64 = self.accounts.iter().map(|shown| shown.arr).sum();
        vec![
            Fact { label: "ARR in force", value: wording::money(arr) },
            Fact { label: "Expected growth ARR", value: wording::money(of(false).map(|p| p.expected_value).sum()) },
            Fact { label: "Save plays", value: of(true).count().to_string() },
            Fact { label: "Withheld", value: self.withheld.values().sum::<usize>().to_string() },
        ]
    }

    fn health(&self) -> Vec<Bar> {
        let counts = Color::ALL
            .iter()
            .map(|color| (color.as_str().to_owned(), self.accounts.iter().filter(|a| a.color == *color).count()));
        bars(counts.collect())
    }

    fn gates(&self) -> Vec<Bar> {
        bars(self.withheld.iter().map(|(gate, n)| (wording::words(gate.as_str()), *n)).collect())
    }
}

fn owners(proposals: &[Proposal]) -> Vec<Owner> {
    let mut queues: BTreeMap<(&str, &str), Vec<&Proposal>> = BTreeMap::new();
    for proposal in proposals {
        queues.entry((&proposal.owner, proposal.role.as_str())).or_default().push(proposal);
    }
    queues.into_iter().map(|((owner, role), queue)| owner_page(owner, role, queue)).collect()
}

fn owner_page(owner: &str, role: &str, mut queue: Vec<&Proposal>) -> Owner {
    queue.sort_by_key(|proposal| proposal.row.rank);
    Owner {
        owner: owner.to_owned(),
        slug: format!("{}-{role}", slug(owner)),
        role: role.to_uppercase(),
        count: queue.len(),
        value: wording::money(queue.iter().map(|proposal| proposal.expected_value).sum()),
        rows: queue.into_iter().map(|proposal| proposal.row.clone()).collect(),
    }
}

impl Proposal {
    fn of(view: View, rec: &Recommendation, reading: &Reading) -> Proposal {
        Proposal {
            account: rec.account,
            owner: rec.owner.clone(),
            role: rec.owner_role,
            expected_value: rec.expected_value,
            saves: rec.play == Play::RenewalRisk,
            row: row(view, rec, reading),
        }
    }
}

fn row(view: View, rec: &Recommendation, reading: &Reading) -> Row {
    let account = view.account(rec.account);
    let seconds = reading.get(rec.id.as_str());
    Row {
        id: rec.id.clone(),
        account: account.map_or_else(|| view.extracts.account_id(rec.account).to_owned(), |a| a.name.to_string()),
        play: wording::words(rec.action.as_str()),
        color: if rec.play == Play::RenewalRisk { "red" } else { "green" }.to_owned(),
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
