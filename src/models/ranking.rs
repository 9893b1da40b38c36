//! Whether the right product stands first: hit rate and mean average precision at k over accounts that bought something.

/// One account on one day: a score per product that it could buy, and whether it bought it within the horizon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    pub scores: Vec<f64>,
    pub bought: Vec<bool>,
}

/// Over the offers of which at least one was bought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    pub offers: usize,
    /// Share with a purchase among the first k.
    pub hit_rate: f64,
    /// Mean of the average precision among the first k: Σ precision at each purchase found / min(k, purchases).
    pub map: f64,
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
