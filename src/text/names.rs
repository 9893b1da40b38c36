//! The names a text may mention: features, products, tiers and competitors.

use std::collections::BTreeMap;

use super::About;
use crate::extracts::Extracts;
use crate::vocabulary::{Day, ProductIx, Text};

/// A name as it stands in a text.
#[derive(Clone, Debug)]
pub struct Named {
    /// Lower case, words apart by one space.
    pub words: String,
    pub about: About,
    /// The day the name became known; earlier runs do not look for it.
    pub known: Day,
}

/// Shorter names are words of everyday language more often than not.
const SHORTEST_NAME: usize = 4;

/// What follows a tier's name where the tier is meant: `Pro plan`.
const TIER_WORDS: [&str; 5] = ["plan", "tier", "edition", "version", "package"];

/// Every name of the extracts, in a fixed order.
pub(super) fn all(extracts: &Extracts, competitors: &[String]) -> Vec<Named> {
    let mut names = features(extracts);
    names.extend(products(extracts));
    names.extend(tiers(extracts));
    names.extend(rivals(extracts, competitors));
    names.retain(|name| name.words.chars().count() >= SHORTEST_NAME);
    names
}

fn features(extracts: &Extracts) -> Vec<Named> {
    let features = extracts.ids.features.iter();
    features
        .flat_map(|(feature, id)| {
            let about = About::Feature(feature);
            spellings(&extracts.feature(feature).name, id).into_iter().map(move |words| always(words, about.clone()))
        })
        .collect()
}

fn products(extracts: &Extracts) -> Vec<Named> {
    let products = extracts.ids.products.iter();
    products
        .flat_map(|(product, id)| {
            let about = About::Product(product);
            spellings(&extracts.product(product).name, id).into_iter().map(move |words| always(words, about.clone()))
        })
        .collect()
}

/// `Pro plan`, `CRM Pro`: a tier's bare name is too common a word to be taken for the tier.
fn tiers(extracts: &Extracts) -> Vec<Named> {
    let mut names = Vec::new();
    for (position, product) in extracts.products.iter().enumerate() {
        for (rank, tier) in product.tiers.iter().enumerate() {
            let about = About::Tier(ProductIx::from(position), rank);
            let tier = plain(&tier.tier);
            let spelled = TIER_WORDS.iter().map(|word| format!("{tier} {word}"));
            let spelled = spelled.chain([format!("{} {tier}", plain(&product.name)), format!("upgrade to {tier}")]);
            names.extend(spelled.map(|words| always(words, about.clone())));
        }
    }
    names
}

/// Configured competitors, and integrations that the extracts mark as competing.
fn rivals(extracts: &Extracts, configured: &[String]) -> Vec<Named> {
    let mut known: BTreeMap<String, (Text, Day)> = BTreeMap::new();
    for name in configured {
        known.insert(plain(name), (name.as_str().into(), Day::MIN));
    }
    for row in extracts.integrations.all().iter().filter(|row| row.competes_with.is_some()) {
        let day = row.connected_on.max(row.seen.known);
        let name = known.entry(plain(&row.integration)).or_insert_with(|| (row.integration.clone(), day));
        name.1 = name.1.min(day);
    }
    known.into_iter().map(|(words, (name, known))| Named { words, about: About::Competitor(name), known }).collect()
}

fn always(words: String, about: About) -> Named {
    Named { words, about, known: Day::MIN }
}

/// The name, and the id where it reads as words.
fn spellings(name: &str, id: &str) -> Vec<String> {
    let mut spelled = vec![plain(name), plain(id)];
    spelled.sort_unstable();
    spelled.dedup();
    spelled
}

/// `Advanced_Reports` → `advanced reports`.
fn plain(name: &str) -> String {
    let spaced: String = name.chars().map(|c| if c == '_' || c.is_whitespace() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}
