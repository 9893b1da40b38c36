//! Signals of what similar accounts did from here: upgrades of the nearest ones, purchases of those that own the same.

use super::case::{Case, Finding};
use crate::observations::Metric;
use crate::peers::PurchaseRate;
use crate::vocabulary::ProductIx;
use crate::wording::{count, percent, words};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let mut found = peer_purchasing(case);
    found.extend(peer_upgrade(case));
    found
}

/// What the comparison rests on: how large the account is and how much it uses.
fn own_level(case: &Case) -> Vec<u32> {
    case.links(&[(Metric::ActiveUsers, None, 30), (Metric::ProductsOwned, None, 0), (Metric::Arr, None, 0)])
}

fn peer_upgrade(case: &Case) -> Option<Finding> {
    let rule = case.rule("peer_upgrade")?;
    let peers = case.evidence.peers.of(case.evidence.account);
    let upgraded = peers.iter().filter(|peer| peer.upgraded).count();
    let share = upgraded as f64 / peers.len().max(1) as f64;
    let sentence = || {
        format!(
            "{upgraded} of {} similar accounts ({}) upgraded within 18 months of this level of use.",
            peers.len(),
            percent(share),
        )
    };
    let fires = peers.len() as f64 >= rule.at("min_peers") && share >= rule.at("share");
    let product = case.main_product();
    fires
        .then(|| rule.finding(rule.strength(share, "share"), sentence(), own_level(case)).product(product).value(share))
}

/// Per product not owned, the highest purchase rate among the owned ones; the segment's own rate goes first. Only the
/// likeliest products are told.
fn peer_purchasing(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("peer_purchasing") else { return Vec::new() };
    let contract = case.evidence.contract;
    let segment = case.segment();
    let meets = |r: &&PurchaseRate| {
        let here = r.segment.is_none() || r.segment.as_deref() == segment;
        let known = r.rate >= rule.at("rate") && r.lift >= rule.at("lift") && f64::from(r.owners) >= rule.at("support");
        let sure = f64::from(r.buyers) >= rule.at("buyers") && above_usual(r) >= rule.at("min_sigma");
        here && known && sure && contract.owns(r.owned) && !contract.owns(r.bought)
    };
    let mut rates: Vec<&PurchaseRate> = case.evidence.peers.purchase_rates.iter().filter(meets).collect();
    let rank = |r: &PurchaseRate| (r.bought, r.segment.is_none());
    rates.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.rate.total_cmp(&a.rate)).then(a.owned.cmp(&b.owned)));
    rates.dedup_by_key(|r| r.bought);
    rates.sort_by(|a, b| b.rate.total_cmp(&a.rate).then(a.bought.cmp(&b.bought)));
    rates.into_iter().take(rule.at("products") as usize).map(|rate| purchase(case, &rule, rate)).collect()
}

/// Standard deviations by which the buyers exceed what the usual rate would give.
fn above_usual(r: &PurchaseRate) -> f64 {
    let usual = (r.rate / r.lift).clamp(0.0, 1.0);
    let spread = (f64::from(r.owners) * usual * (1.0 - usual)).sqrt();
    if spread > 0.0 { (f64::from(r.buyers) - f64::from(r.owners) * usual) / spread } else { f64::INFINITY }
}

fn purchase(case: &Case, rule: &super::Rule, rate: &PurchaseRate) -> Finding {
    let name = |product: ProductIx| case.product_name(product);
    let scope = rate.segment.as_ref().map_or(String::new(), |segment| format!(" of segment {}", words(segment)));
    let sentence = format!(
        "{} of {} accounts{scope} that own {} bought {} within 12 months ({}), {} times the usual rate.",
        rate.buyers,
        rate.owners,
        name(rate.owned),
        name(rate.bought),
        percent(rate.rate),
        count(rate.lift),
    );
    let mut links = own_level(case);
    links.extend(case.links(&[(Metric::Arr, Some(rate.owned), 0)]));
    rule.finding(rule.strength(rate.rate, "rate"), sentence, links).product(Some(rate.bought)).value(rate.rate)
}
