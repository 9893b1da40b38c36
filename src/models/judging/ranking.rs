//! Whether the right product stands first: hit rate and mean average precision at k over accounts that bought something.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tested::TestRow;
use crate::vocabulary::Text;

/// One account on one day: a score per product that it could buy, and whether it bought it within the horizon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    pub scores: Vec<f64>,
    pub bought: Vec<bool>,
}

/// Over the offers of which at least one was bought.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    pub offers: usize,
    /// Share with a purchase among the first k.
    pub hit_rate: f64,
    /// Mean of the average precision among the first k: Σ precision at each purchase found / min(k, purchases).
    pub map: f64,
}

/// The order of a model over several products beside the order by how often each was bought before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Products looked at from the top.
    pub k: usize,
    pub model: Ranking,
    pub most_purchased: Ranking,
}

/// Products that a briefing has room for.
const TOP: usize = 3;

/// What test rows say of the order; `bought` counts earlier purchases by product. `None` for a model of one product, and
/// where nothing was bought.
pub fn compared(rows: &[TestRow], bought: &BTreeMap<Text, usize>) -> Option<Comparison> {
    let mut offers: BTreeMap<_, (Offer, Offer)> = BTreeMap::new();
    for row in rows {
        let product = row.product.as_ref()?;
        let (model, popular) = offers.entry((row.day, row.account_hash)).or_default();
        model.scores.push(row.probability);
        popular.scores.push(bought.get(product).map_or(0.0, |count| *count as f64));
        model.bought.push(row.happened);
        popular.bought.push(row.happened);
    }
    let (model, popular): (Vec<Offer>, Vec<Offer>) = offers.into_values().unzip();
    Some(Comparison { k: TOP, model: at(&model, TOP)?, most_purchased: at(&popular, TOP)? })
}

/// Ranks by falling score, equal ones by position; `None` where nothing was bought.
pub fn at(offers: &[Offer], k: usize) -> Option<Ranking> {
    let found: Vec<(f64, f64)> = offers.iter().filter_map(|offer| one(offer, k)).collect();
    let n = found.len() as f64;
    (!found.is_empty()).then(|| Ranking {
        offers: found.len(),
        hit_rate: found.iter().map(|(hit, _)| hit).sum::<f64>() / n,
        map: found.iter().map(|(_, precision)| precision).sum::<f64>() / n,
    })
}

/// Hit and average precision of one offer; `None` where nothing of it was bought.
fn one(offer: &Offer, k: usize) -> Option<(f64, f64)> {
    let purchases = offer.bought.iter().filter(|bought| **bought).count();
    if purchases == 0 || k == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..offer.scores.len()).collect();
    order.sort_by(|a, b| offer.scores[*b].total_cmp(&offer.scores[*a]).then(a.cmp(b)));
    let (mut met, mut precision) = (0.0, 0.0);
    for (rank, product) in order.into_iter().take(k).enumerate() {
        if offer.bought[product] {
            met += 1.0;
            precision += met / (rank + 1) as f64;
        }
    }
    Some((f64::from(u8::from(met > 0.0)), precision / k.min(purchases) as f64))
}
