//! How likely each decision is, given the latent state of a day: the formulas that the course draws from, and the same
//! formulas looking half a year ahead, which is what `truth/latents` records.

use super::catalog::{PIPELINE, PRODUCTS, ProductNo, SUCCESS_PARTNER, WORKSPACE};
use super::course::{DayState, Outlook, WIN_RATE, Walk};
use super::profile::Form;
use crate::extracts::tables::OpportunityKind;

/// Days that an outlook looks ahead.
const HORIZON: i32 = 180;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Walk<'_> {
    /// Use against the tightest ceiling of a core product, wishes included.
    pub fn pressure(&self, product: ProductNo, state: &DayState) -> f64 {
        let share = |level: f64, limit: f64| if limit > 0.0 { level / limit } else { 0.0 };
        match product {
            WORKSPACE => share(state.demand, state.seat_limit).max(share(state.storage, state.storage_limit)),
            PIPELINE => {
                let monthly = if self.profile.rate_limited { 1.0 } else { 25.0 };
                share(state.calls * monthly, state.call_limit).max(share(state.records, state.record_limit))
            }
            _ => 0.0,
        }
    }

    /// Upsells raised per year for a core product.
    pub fn upsell_rate(&self, product: ProductNo, state: &DayState, at: usize) -> f64 {
        let causes = self.causes;
        let tight = logistic((self.pressure(product, state) - 0.90) / 0.035);
        let tier = if self.tier_above(product, state) { causes.tier_need[at] } else { 0.0 };
        let mood = 0.5 * causes.budget[at].min(1.5) - 1.4 * causes.dissatisfied[at] - 1.6 * causes.disengaged[at];
        (0.015 + 2.6 * tight + 1.15 * tier) * (mood - 0.8 * causes.orphaned[at] - 0.5 * causes.price[at].min(1.5)).exp()
    }

    pub fn tier_above(&self, product: ProductNo, state: &DayState) -> bool {
        product < 2 && state.ranks[product] > 0 && (state.ranks[product] as usize) < PRODUCTS[product].tiers.len()
    }

    pub fn purchase_rate(&self, product: ProductNo, at: usize) -> f64 {
        let causes = self.causes;
        let mood = 0.6 * causes.budget[at].min(1.5) - 1.2 * causes.dissatisfied[at] - 1.0 * causes.disengaged[at];
        let idle = if product == SUCCESS_PARTNER { 0.001 } else { 0.005 };
        (idle + 2.2 * causes.need[product][at])
            * (mood - 0.5 * causes.orphaned[at] - 0.4 * causes.price[at].min(1.5)).exp()
    }

    /// Probability that a renewal is refused, from the causes of a day; `fade` < 1 looks ahead, towards the usual.
    pub fn refusal(&self, at: usize, fade: f64) -> f64 {
        let causes = self.causes;
        let base = [-2.95, -3.35, -3.8][self.profile.segment as usize];
        let fill = if self.state.owns(WORKSPACE) { self.state.demand / self.state.seat_limit } else { 0.7 };
        let spare = ((0.5 - fill) / 0.3).clamp(0.0, 1.0);
        let roots = 0.3 * (self.holdings.len() as f64 - 1.0).min(4.0);
        let ahead = |now: f64, usual: f64, fade: f64| now * fade + usual * (1.0 - fade);
        let trouble =
            2.6 * ahead(causes.dissatisfied[at], 0.15, fade) + 5.4 * ahead(causes.disengaged[at], 0.14, fade.sqrt());
        let rest = 1.0 * causes.orphaned[at] * fade + 1.1 * causes.price[at].min(1.5) * fade + 1.0 * spare;
        logistic(base + trouble + rest - roots)
    }

    /// The same risk where nothing forces a decision: per month of a rolling or evergreen contract.
    pub fn monthly_refusal(&self, at: usize, fade: f64) -> f64 {
        1.0 - (1.0 - self.refusal(at, fade)).powf(1.0 / 7.0)
    }

    /// Probabilities over the next 180 days if the causes behave as they usually do from here.
    pub fn outlook(&self) -> Outlook {
        let at = self.causes.index(self.day);
        let pending = |wanted: OpportunityKind| {
            self.open.iter().any(|deal| deal.kind == wanted && deal.closes.since(self.day) <= HORIZON)
        };
        let mut keeps = 1.0 - if pending(OpportunityKind::Upsell) { WIN_RATE } else { 0.0 };
        for product in [WORKSPACE, PIPELINE] {
            if self.state.owns(product) {
                keeps *= 1.0 - self.upsell_within(product, at);
            }
        }
        let purchase =
            std::array::from_fn(|product| (!self.state.owns(product)).then(|| self.purchase_within(product, at)));
        let stays = 1.0 - self.churn_within(at);
        Outlook { day: self.day, churn: 1.0 - stays, upsell: (1.0 - keeps) * stays.sqrt(), purchase }
    }

    fn churn_within(&self, at: usize) -> f64 {
        let fade = |days: i32| (-f64::from(days) / 120.0).exp();
        let monthly = |scale: f64| {
            1.0 - (0..6).map(|month| 1.0 - scale * self.monthly_refusal(at, fade(15 + 30 * month))).product::<f64>()
        };
        match self.profile.form {
            Form::Rolling => monthly(1.0),
            Form::Evergreen => monthly(0.5),
            Form::Term(_) => match self.holdings.first().and_then(|h| h.ends).map(|end| end.since(self.day)) {
                Some(days) if (1..=HORIZON).contains(&days) => self.refusal(at, fade(days)),
                _ => 0.0,
            },
        }
    }

    fn upsell_within(&self, product: ProductNo, at: usize) -> f64 {
        let raised: f64 = (0..5)
            .map(|step| {
                let ahead = 15.0 + 30.0 * f64::from(step);
                let mut state = self.state;
                state.demand *= (self.causes.growing(self.day) / 365.25 * ahead).exp();
                state.calls *= (self.causes.machines_growing(self.day) / 365.25 * ahead).exp();
                self.upsell_rate(product, &state, at) * 30.0 / 365.25
            })
            .sum();
        WIN_RATE * (1.0 - (-raised).exp())
    }

    fn purchase_within(&self, product: ProductNo, at: usize) -> f64 {
        let pending = self.open.iter().any(|deal| deal.product == product && deal.closes.since(self.day) <= HORIZON);
        if pending {
            return WIN_RATE;
        }
        WIN_RATE * (1.0 - (-self.purchase_rate(product, at) * 150.0 / 365.25).exp())
    }
}
