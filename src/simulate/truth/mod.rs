//! What is really so in the world, beside what the extracts say. Never read by the job.
use super::Params;
use super::catalog::{PRODUCTS, ProductNo};
use super::course::Course;
use super::metering::Meter;
use super::people::People;
use super::profile::Profile;
use super::rows::Tables;
use crate::vocabulary::Day;

/// A signal whose definition holds on the world's last day.
#[derive(Clone, Debug)]
pub struct Planted {
    pub account_id: String,
    pub product: Option<ProductNo>,
    pub signal: &'static str,
    pub active_from: Day,
    pub active_to: Day,
    /// JSON object.
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

pub fn planted(_: &Params, _: &Profile, _: &Course, _: &People, _: &[Meter], _: &Tables) -> Vec<Planted> {
    Vec::new()
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
    let world = serde_json::json!({
        "accounts": params.accounts,
        "days": params.days,
        "seed": params.seed,
        "first_day": params.first().to_string(),
        "last_day": params.end.to_string(),
        "noise": params.noise.as_str(),
        "products": products,
    });
    format!("{world:#}\n")
}
