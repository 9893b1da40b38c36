//! What is really so in the world, beside what the extracts say. Never read by the job.
//!
//! `truth/signals` names every signal whose definition holds on the world's last day, by rules of its own over the
//! noise-free state ([`definitions`]); nothing here calls the detectors that it is there to judge. `truth/latents` holds
//! the probabilities that the generator itself drew from.

pub mod definitions;
mod features;
mod happenings;
mod people;
mod rule;
mod scene;
mod support;
mod usage;

use serde_json::json;

use super::catalog::{PRODUCTS, ProductNo};
use super::course::Course;
use super::metering::Meter;
use super::people::People;
use super::profile::Profile;
use super::rows::Tables;
use super::{Params, Telemetry};
use crate::vocabulary::Day;
use definitions::RULES;
use scene::Scene;

/// A signal whose definition holds on the world's last day.
#[derive(Clone, Debug)]
pub struct Planted {
    pub account_id: String,
    pub product: Option<ProductNo>,
    pub signal: &'static str,
    /// The first day of the present spell, looked for over half a year by weeks.
    pub active_from: Day,
    /// The world's last day.
    pub active_to: Day,
    /// JSON object: the rule's parameters, and `value`, its main number.
    pub parameters: String,
}

/// A probability that the generator itself used, at the end of a month.
#[derive(Clone, Debug)]
pub struct Latent {
    pub account_id: String,
    pub day: Day,
    pub kind: &'static str,
    pub product: Option<ProductNo>,
    pub probability: f64,
}

/// Weeks that `active_from` reaches back at most.
const WEEKS_BACK: i32 = 26;

/// Every signal that holds for a customer on the world's last day; a former customer has none.
pub fn planted(
    params: &Params,
    profile: &Profile,
    course: &Course,
    people: &People,
    meters: &[Meter],
    tables: &Tables,
) -> Vec<Planted> {
    if course.churned.is_some() {
        return Vec::new();
    }
    let scene = Scene { profile, course, people, meters, tables };
    let mut rows = Vec::new();
    for rule in RULES {
        for hit in (rule.holds)(&scene, rule, params.end) {
            let same = |day: &Day| (rule.holds)(&scene, rule, *day).iter().any(|then| then.product == hit.product);
            let earliest = params.first().max(course.from);
            let spell =
                (1..=WEEKS_BACK).map(|week| params.end.minus(7 * week)).take_while(|day| *day >= earliest && same(day));
            let mut parameters: serde_json::Map<String, serde_json::Value> =
                rule.parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            parameters.insert("value".into(), json!((hit.value * 1e3).round() / 1e3));
            rows.push(Planted {
                account_id: profile.id.clone(),
                product: hit.product,
                signal: rule.signal,
                active_from: spell.last().unwrap_or(params.end),
                active_to: params.end,
                parameters: serde_json::Value::Object(parameters).to_string(),
            });
        }
    }
    rows
}

pub fn latents(profile: &Profile, course: &Course) -> Vec<Latent> {
    let row = |day, kind, product, probability: f64| Latent {
        account_id: profile.id.clone(),
        day,
        kind,
        product,
        probability: (probability * 1e4).round() / 1e4,
    };
    let mut rows = Vec::new();
    for outlook in &course.outlooks {
        rows.push(row(outlook.day, "churn", None, outlook.churn));
        rows.push(row(outlook.day, "upsell", None, outlook.upsell));
        for (product, probability) in outlook.purchase.iter().enumerate() {
            rows.extend(probability.map(|p| row(outlook.day, "cross_sell", Some(product), p)));
        }
    }
    rows
}

/// The parameters of the world and the products it sells, as JSON.
pub fn world(params: &Params) -> String {
    let products: Vec<&str> = PRODUCTS.iter().map(|spec| spec.id).collect();
    let competitors: Vec<&str> = super::competitors().collect();
    let mut world = json!({
        "accounts": params.accounts,
        "days": params.days,
        "seed": params.seed,
        "first_day": params.first().to_string(),
        "last_day": params.end.to_string(),
        "noise": params.noise.as_str(),
        "products": products,
        "competitors": competitors,
    });
    if params.telemetry == Telemetry::Full {
        world["telemetry"] = json!(params.telemetry.as_str());
    }
    format!("{world:#}\n")
}
