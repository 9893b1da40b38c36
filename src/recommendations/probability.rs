//! How likely a play is to succeed — for a save play, how likely the loss is — and where that number comes from.
//!
//! A calibrated model speaks first, then the purchase rates of peers, then the job's base rate. The upsell model gives
//! growth in any form, so a play that grows in one form gets that form's share of the book's expansions. The play's own signals
//! move the log-odds by weight × Σ over independent categories of the best strength × confidence, capped. On a model's
//! probability the weight is smaller, because the model has already seen most of what the signals say.

use super::Action;
use super::market::{Growth, Market};
use super::settings::Settings;
use crate::assessment::Assessment;
use crate::models::Propensity;
use crate::peers::{Peers, PurchaseRate};
use crate::signals::Signal;
use crate::vocabulary::{Category, Probability, ProductIx, PropensityKind, Text};
use crate::wording::{percent, words};

/// A probability, where it comes from, and the models it rests on.
#[derive(Clone, Debug)]
pub struct Estimate {
    pub probability: Probability,
    pub basis: String,
    pub models: Vec<Text>,
    /// Set when no calibrated model stands behind the number.
    pub unknown: Option<String>,
}

/// Estimates plays of one account.
#[derive(Clone, Copy)]
pub struct Estimator<'a> {
    pub assessment: &'a Assessment<'a>,
    pub segment: Option<&'a Text>,
    pub peers: &'a Peers,
    pub market: &'a Market,
    pub settings: &'a Settings,
}

impl<'a> Estimator<'a> {
    pub fn estimate(self, action: Action, product: Option<ProductIx>, signals: &[&Signal]) -> Estimate {
        match action {
            Action::SavePlay => self.loss(),
            Action::CrossSell | Action::PremiumSupport => self.purchase(action, product, signals),
            _ => self.growth(action, product, signals),
        }
    }

    /// The form in which a play lets the account grow; a partner-led play may be any.
    fn form(action: Action) -> Option<(Growth, &'static str)> {
        match action {
            Action::SeatExpansion | Action::StrategicExpansion => Some((Growth::Units, "added units")),
            Action::TierUpgrade => Some((Growth::Tier, "moved to a higher tier")),
            Action::MultiYearCommit => Some((Growth::Price, "raised the contract itself")),
            _ => None,
        }
    }

    fn growth(self, action: Action, product: Option<ProductIx>, signals: &[&Signal]) -> Estimate {
        let kind = PropensityKind::Upsell;
        let specific = product.and_then(|p| self.assessment.propensity(kind, Some(p)));
        let known = specific.or_else(|| self.assessment.propensity(kind, None));
        match known.filter(|p| p.abstained.is_none()) {
            Some(model) => self.on_growth_model(model, action, signals),
            None => self.on_base_rate(action, signals),
        }
    }

    fn on_growth_model(self, model: &Propensity, action: Action, signals: &[&Signal]) -> Estimate {
        let Some((growth, words)) = Self::form(action) else { return self.on_model(model, signals) };
        let (any, share) = (model.probability.get(), self.market.growths.share(growth));
        let probability = self.shifted(any * share, self.settings.signal_weight_on_model, signals);
        let basis = format!(
            "the upsell model gives {} within {} days for growth of any kind; of {} earlier expansions about {} {words}; {} \
             with the play's own signals",
            percent(any),
            model.horizon_days,
            self.market.growths.total(),
            percent(share),
            percent(probability.get())
        );
        Estimate { probability, basis, models: vec![model.model_id.clone()], unknown: None }
    }

    fn purchase(self, action: Action, product: Option<ProductIx>, signals: &[&Signal]) -> Estimate {
        let model = self.assessment.propensity(PropensityKind::CrossSell, product);
        if let Some(model) = model.filter(|p| p.abstained.is_none()) {
            return self.on_model(model, signals);
        }
        match product.and_then(|product| self.purchase_rate(product)) {
            Some(rate) => self.on_peers(rate, signals),
            None => self.on_base_rate(action, signals),
        }
    }

    /// The best rate at which owners of something this account owns went on to buy the product: in its segment where
    /// that is counted, else over all.
    fn purchase_rate(self, product: ProductIx) -> Option<&'a PurchaseRate> {
        let rates = || self.assessment.contract.active.iter().flat_map(move |s| self.rates_of(s.product, product));
        let best = |own: bool| {
            let fits = rates().filter(|r| {
                if own { r.segment.is_some() && r.segment.as_ref() == self.segment } else { r.segment.is_none() }
            });
            fits.max_by(|a, b| a.rate.total_cmp(&b.rate))
        };
        best(true).or_else(|| best(false))
    }

    fn rates_of(self, owned: ProductIx, bought: ProductIx) -> impl Iterator<Item = &'a PurchaseRate> {
        let rates = &self.peers.purchase_rates;
        let from = rates.partition_point(|r| (r.owned, r.bought) < (owned, bought));
        rates[from..].iter().take_while(move |r| (r.owned, r.bought) == (owned, bought))
    }

    fn on_model(self, model: &Propensity, signals: &[&Signal]) -> Estimate {
        let base = model.probability.get();
        let probability = self.shifted(base, self.settings.signal_weight_on_model, signals);
        let basis = format!(
            "the {} model gives {} within {} days, {} with the play's own signals",
            words(model.kind.as_str()),
            percent(base),
            model.horizon_days,
            percent(probability.get())
        );
        Estimate { probability, basis, models: vec![model.model_id.clone()], unknown: None }
    }

    fn on_peers(self, rate: &PurchaseRate, signals: &[&Signal]) -> Estimate {
        let probability = self.shifted(rate.rate, self.settings.signal_weight_on_model, signals);
        let basis = format!(
            "{} of {} comparable owners bought it ({}), {} with the play's own signals",
            rate.buyers,
            rate.owners,
            percent(rate.rate),
            percent(probability.get())
        );
        let unknown = "No calibrated model speaks for this product yet; the purchases of comparable accounts stand in.";
        Estimate { probability, basis, models: vec![], unknown: Some(unknown.into()) }
    }

    fn on_base_rate(self, action: Action, signals: &[&Signal]) -> Estimate {
        let base = self.settings.base_rate(action);
        let probability = self.shifted(base, self.settings.signal_weight, signals);
        let basis = format!(
            "a configured base rate of {} for a {}, {} with the play's own signals",
            percent(base),
            words(action.as_str()),
            percent(probability.get())
        );
        let unknown = "No calibrated model speaks for this play yet; its probability is a cautious assumption.";
        Estimate { probability, basis, models: vec![], unknown: Some(unknown.into()) }
    }

    /// The churn model's probability as it is, or a rate by risk level where there is none.
    fn loss(self) -> Estimate {
        let model = self.assessment.propensity(PropensityKind::Churn, None).filter(|p| p.abstained.is_none());
        if let Some(model) = model {
            let basis = format!(
                "the churn model gives {} within {} days",
                percent(model.probability.get()),
                model.horizon_days
            );
            return Estimate {
                probability: model.probability,
                basis,
                models: vec![model.model_id.clone()],
                unknown: None,
            };
        }
        let level = self.assessment.health.risk_level;
        let probability = Probability::clamped(self.settings.risk_rate(level));
        let basis = format!("a configured rate of {} for accounts of {level} risk", percent(probability.get()));
        let unknown =
            "No calibrated churn model speaks for this account; the chance of loss is assumed from its risk level.";
        Estimate { probability, basis, models: vec![], unknown: Some(unknown.into()) }
    }

    fn shifted(self, base: f64, weight: f64, signals: &[&Signal]) -> Probability {
        shift(base, weight * agreement(signals).min(self.settings.signal_cap))
    }
}

/// Sum over independent categories of the best strength × confidence.
pub fn agreement(signals: &[&Signal]) -> f64 {
    let best = |category: &Category| {
        let of = signals.iter().filter(|s| s.category == *category);
        of.map(|s| s.strength.get() * s.confidence.get()).fold(0.0, f64::max)
    };
    Category::ALL.iter().map(best).sum()
}

/// A probability moved by a difference in log-odds; certainty stays certain.
///
/// ```
/// use foothold::recommendations::probability::shift;
/// assert!((shift(0.1, 0.0).get() - 0.1).abs() < 1e-12);
/// assert!(shift(0.1, 1.0) > shift(0.1, 0.5));
/// assert_eq!((shift(0.0, 3.0).get(), shift(1.0, -3.0).get()), (0.0, 1.0));
/// ```
pub fn shift(base: f64, log_odds: f64) -> Probability {
    let lifted = base * log_odds.exp();
    let total = lifted + (1.0 - base);
    Probability::clamped(if total > 0.0 { lifted / total } else { base })
}
