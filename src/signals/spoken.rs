//! Signals of what customers say: limits met, more asked for, needs that another product answers, prices and rivals.

use std::collections::{BTreeMap, BTreeSet};

use super::Detail;
use super::case::{Case, Finding, Rule};
use crate::extracts::tables::TextSource;
use crate::observations::Metric;
use crate::text::{About, Mention, Topic};
use crate::vocabulary::{ProductIx, Text};
use crate::wording::{day, list, percent, plural};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let said: Vec<(Claim, &Mention)> = case.mentions.iter().filter_map(|m| Some((claim(case, m)?, m))).collect();
    let named: BTreeSet<&Text> =
        said.iter().filter(|(c, _)| c.asks && c.named.is_some()).map(|(_, m)| &m.row).collect();
    let vague = |claim: &Claim, m: &Mention| claim.asks && claim.named.is_none() && named.contains(&m.row);
    let mut claims: BTreeMap<(&'static str, Option<ProductIx>), Vec<Said>> = BTreeMap::new();
    for (claim, mention) in said.iter().filter(|(claim, m)| !vague(claim, m)) {
        claims.entry((claim.signal, claim.product)).or_default().push((claim, mention));
    }
    claims.values().filter_map(|said| finding(case, said)).collect()
}

/// A mention with what it means.
type Said<'a> = (&'a Claim, &'a Mention);

/// What a mention means for this account; mentions of one signal and product make one finding.
#[derive(Clone, Debug)]
struct Claim {
    signal: &'static str,
    product: Option<ProductIx>,
    tier: Option<Text>,
    /// A feature, product or competitor that was named.
    named: Option<Text>,
    /// Asks for something; a text that names what it asks for is not counted again for its general words.
    asks: bool,
}

impl Claim {
    fn of(signal: &'static str, product: Option<ProductIx>) -> Claim {
        let asks = matches!(signal, "higher_tier_request" | "adjacent_need");
        Claim { signal, product, tier: None, named: None, asks }
    }
}

fn claim(case: &Case, mention: &Mention) -> Option<Claim> {
    match &mention.about {
        About::Topic(topic) => topic_claim(case, *topic, mention),
        About::Feature(feature) => {
            let feature = case.extracts.feature(*feature);
            let rank = feature.min_tier_rank.unwrap_or(0);
            more_of(case, feature.product, rank).map(|claim| Claim { named: Some(feature.name.clone()), ..claim })
        }
        About::Product(product) => {
            let name = case.extracts.product(*product).name.clone();
            let unowned = !case.evidence.contract.owns(*product);
            unowned.then(|| Claim { named: Some(name), ..Claim::of("adjacent_need", Some(*product)) })
        }
        About::Tier(product, tier) => {
            let rank = case.extracts.product(*product).tiers.get(*tier)?.rank;
            case.evidence.contract.owns(*product).then(|| more_of(case, *product, rank)).flatten()
        }
        About::Competitor(name) => Some(Claim { named: Some(name.clone()), ..Claim::of("competitor_logo", None) }),
    }
}

fn topic_claim(case: &Case, topic: Topic, mention: &Mention) -> Option<Claim> {
    let product = mention.product.filter(|p| case.evidence.contract.owns(*p)).or_else(|| case.main_product());
    match topic {
        Topic::PlanLimit => Some(Claim::of("plan_limit_ticket", product)),
        Topic::HigherTierRequest => product.and_then(|product| more_of(case, product, 0)),
        Topic::AdjacentNeed => Some(Claim::of("adjacent_need", None)),
        Topic::PriceComplaint | Topic::ChurnIntent => Some(Claim::of("price_complaint", None)),
        Topic::Competitor => Some(Claim::of("competitor_logo", None)),
        Topic::Growth | Topic::BudgetIncrease | Topic::Request => None,
    }
}

/// A higher tier of an owned product, or the product itself where it is not owned.
fn more_of(case: &Case, product: ProductIx, rank: i64) -> Option<Claim> {
    if !case.evidence.contract.owns(product) {
        return Some(Claim::of("adjacent_need", Some(product)));
    }
    let asked = rank == 0 || case.tier_rank(product).is_some_and(|current| rank > current);
    let tier = asked.then(|| case.tier_to(product, rank)).flatten()?;
    Some(Claim { tier: Some(tier), ..Claim::of("higher_tier_request", Some(product)) })
}

fn finding(case: &Case, said: &[Said]) -> Option<Finding> {
    let (claim, newest) = said.first()?;
    let rule = case.rule(claim.signal)?;
    let rows: BTreeSet<&Text> = said.iter().map(|(_, m)| &m.row).collect();
    let strength = strength(case, &rule, newest, rows.len() as f64)?;
    let detail = Detail {
        tier: tier(case, said),
        quote: Some(newest.quote.clone()),
        source_row: Some(newest.row.clone()),
        value: Some(rows.len() as f64),
        ..Detail::default()
    };
    let since = said.iter().map(|(_, m)| m.day).min();
    let finding = rule.finding(strength, sentence(case, said, rows.len()), links(case, said));
    Some(finding.product(claim.product).since(since).detail(detail))
}

/// By the number of texts; a named competitor counts by its recency, as the logo on a page does.
fn strength(case: &Case, rule: &Rule, newest: &Mention, texts: f64) -> Option<f64> {
    if rule.signal == "competitor_logo" {
        return Some(rule.strength(f64::from(case.day.since(newest.day)), "days"));
    }
    (texts >= rule.at("texts")).then(|| rule.strength(texts, "texts"))
}

/// The highest tier that was asked for.
fn tier(case: &Case, said: &[Said]) -> Option<Text> {
    let asked = said.iter().filter_map(|(claim, _)| Some((claim.product?, claim.tier.as_ref()?)));
    let rank = |(product, tier): &(ProductIx, &Text)| case.extracts.product(*product).tier(tier).map(|t| t.rank);
    asked.max_by_key(rank).map(|(_, tier)| tier.clone())
}

/// `2 texts ask for Forecasting, part of the pro tier of CRM; ticket of 3 Mar 2026: “…”`, and by which words where the
/// classifier heard it.
fn sentence(case: &Case, said: &[Said], texts: usize) -> String {
    let (_, newest) = said[0];
    let kind = match newest.source {
        TextSource::Tickets => "ticket",
        TextSource::Conversations => "conversation",
    };
    let (rows, one) = (plural(texts as i64, "text", "texts"), texts == 1);
    let what = matter(case, said, one);
    let by = newest.heard.as_ref().map_or_else(String::new, |heard| {
        format!(" (heard with probability {} by the words {})", percent(heard.probability), list(&heard.words))
    });
    format!("{rows} {what}; {kind} of {}: “{}”{by}", day(newest.day), newest.quote)
}

fn matter(case: &Case, said: &[Said], one: bool) -> String {
    let verb = |single: &str, many: &str| if one { single.to_owned() } else { many.to_owned() };
    let names: BTreeSet<&str> = said.iter().filter_map(|(c, _)| c.named.as_deref()).collect();
    let names = list(&names.into_iter().take(3).collect::<Vec<_>>());
    let (claim, _) = said[0];
    let product = claim.product.map_or("", |product| case.product_name(product));
    let leaves = said.iter().any(|(_, m)| m.about == About::Topic(Topic::ChurnIntent));
    match claim.signal {
        "plan_limit_ticket" => format!("{} of a plan limit that was met", verb("speaks", "speak")),
        "higher_tier_request" => {
            let tier = tier(case, said).unwrap_or_default();
            let asked = if names.is_empty() { "more".to_owned() } else { names };
            format!("{} for {asked}, part of the {tier} tier of {product}", verb("asks", "ask"))
        }
        "adjacent_need" if names.is_empty() => format!("{} a need beyond what is owned", verb("mentions", "mention")),
        "adjacent_need" if names == product => format!("{} about {product}, which is not owned", verb("asks", "ask")),
        "adjacent_need" => format!("{} for {names}, which {product} answers", verb("asks", "ask")),
        "competitor_logo" if names.is_empty() => format!("{} of other vendors", verb("speaks", "speak")),
        "competitor_logo" => format!("{} {names}, a competitor", verb("names", "name")),
        _ if leaves => format!("{} of leaving", verb("speaks", "speak")),
        _ => format!("{} about the price", verb("complains", "complain")),
    }
}

/// The counts of texts that the mentions are among.
fn links(case: &Case, said: &[Said]) -> Vec<u32> {
    let metric = |source| match source {
        TextSource::Tickets => Metric::TicketTexts.name(),
        TextSource::Conversations => Metric::ConversationTexts.name(),
    };
    let mut links: Vec<u32> = said
        .iter()
        .filter_map(|(_, m)| {
            let age = case.day.since(m.day);
            let windows = [30, 90, 180, 365].into_iter().filter(|window| age < *window);
            windows.filter_map(|window| case.whole(metric(m.source), window)).map(|(at, _)| at).next()
        })
        .collect();
    links.sort_unstable();
    links.dedup();
    links
}
