//! The names a text may mention: features, products, tiers and competitors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::About;
use crate::extracts::Extracts;
use crate::extracts::tables::Integration;
use crate::vocabulary::{AccountIx, Day, ProductIx, Text};

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

/// Every name of the extracts, in a fixed order; `rivals` are those of all accounts.
pub(super) fn all(extracts: &Extracts, competitors: &[String], rivals: Vec<Rival>) -> Vec<Named> {
    let mut names = features(extracts);
    names.extend(products(extracts));
    names.extend(tiers(extracts));
    names.extend(competing(competitors, rivals));
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

/// A competitor that an account's integrations name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rival {
    words: String,
    /// The first account that names it, and how.
    account: AccountIx,
    name: Text,
    known: Day,
}

/// Integrations that the extracts mark as competing: one entry per name.
pub fn rivals(extracts: &Extracts) -> Vec<Rival> {
    let competing = extracts.integrations.all().iter().filter(|row| row.competes_with.is_some());
    let rival = |row: &Integration| Rival {
        words: plain(&row.integration),
        account: row.account,
        name: row.integration.clone(),
        known: row.connected_on.max(row.seen.known),
    };
    first_named(competing.map(rival))
}

/// Of each name the spelling of the first account, and the day on which any account made it known.
fn first_named(rivals: impl IntoIterator<Item = Rival>) -> Vec<Rival> {
    let mut known: BTreeMap<String, Rival> = BTreeMap::new();
    for rival in rivals {
        let Some(named) = known.get_mut(&rival.words) else {
            known.insert(rival.words.clone(), rival);
            continue;
        };
        let day = named.known.min(rival.known);
        if rival.account < named.account {
            *named = rival;
        }
        named.known = day;
    }
    known.into_values().collect()
}

/// Configured competitors, and those that accounts name.
fn competing(configured: &[String], rivals: Vec<Rival>) -> Vec<Named> {
    let mut known: BTreeMap<String, (Text, Day)> = BTreeMap::new();
    for rival in first_named(rivals) {
        known.insert(rival.words, (rival.name, rival.known));
    }
    for name in configured {
        known.insert(plain(name), (name.as_str().into(), Day::MIN));
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
