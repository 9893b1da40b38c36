//! What exactly is offered and what it would bring: seats, tier, product, commitment — or, for a save play, what is
//! at risk. An action that the account has no room for yields no offer, and so no candidate.

use super::settings::Settings;
use super::{Action, market::Market};
use crate::assessment::Assessment;
use crate::capacity::Capacity;
use crate::extracts::tables::{FeatureKind, Product, ProductKind, Subscription, Tier};
use crate::history::View;
use crate::history::contracts::is_core;
use crate::signals::Signal;
use crate::vocabulary::{Day, ProductIx, Text};
use crate::wording::{count, money, percent};

/// Days of feature use that tell which tier's features an account needs.
const FEATURE_DAYS: i32 = 90;

/// Uses of a higher tier's feature from which the account counts as needing it.
const FEATURE_USES: u32 = 3;

/// Days ahead for which a new ceiling is sized where no renewal bounds it; capacity projects as far.
const UNBOUNDED_DAYS: i32 = 365;

/// A concrete offer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    pub product: Option<ProductIx>,
    pub from_tier: Option<Text>,
    pub to_tier: Option<Text>,
    pub units_delta: Option<f64>,
    /// Reporting currency per year.
    pub expected_arr: f64,
    /// How quantity and price were found, one sentence.
    pub basis: String,
    /// What had to be assumed.
    pub unknowns: Vec<String>,
}

/// What sizing looks at.
#[derive(Clone, Copy)]
pub struct Sizing<'a> {
    pub view: View<'a>,
    pub assessment: &'a Assessment<'a>,
    pub market: &'a Market,
    pub settings: &'a Settings,
}

impl<'a> Sizing<'a> {
    /// The offer of an action for a product, on the evidence of the signals that fired.
    pub fn offer(self, action: Action, product: Option<ProductIx>, signals: &[&Signal]) -> Option<Offer> {
        match action {
            Action::SeatExpansion => self.seats(product?),
            Action::TierUpgrade => self.tier(product?, signals),
            Action::CrossSell | Action::PremiumSupport => self.module(product?, signals),
            Action::MultiYearCommit => self.commitment(product?),
            Action::StrategicExpansion => self.buying_center(product, signals),
            Action::PartnerLed => self.partner_led(product, signals),
            Action::SavePlay => self.at_risk(signals),
        }
    }

    /// The running core subscription with the highest ARR, else the highest of all.
    pub fn main_product(self) -> Option<ProductIx> {
        let active = &self.assessment.contract.active;
        let largest = |core: bool| {
            let fits = active.iter().filter(|s| !core || is_core(self.view, s.product));
            fits.max_by(|a, b| a.arr.total_cmp(&b.arr).then(b.product.cmp(&a.product))).map(|s| s.product)
        };
        largest(true).or_else(|| largest(false))
    }

    /// The ceiling on licence units of a product, such as seats.
    pub fn seat_ceiling(self, product: ProductIx) -> Option<&'a Capacity> {
        let unit = self.view.extracts.product(product).unit.as_deref().unwrap_or("seat");
        let mut ceilings = self.assessment.facts.capacity.iter().filter(|c| c.product == product);
        ceilings.find(|c| is_unit_metric(self.view.extracts.metric(c.metric), unit))
    }

    fn seats(self, product: ProductIx) -> Option<Offer> {
        let contract = self.assessment.contract.of(product)?;
        let ceiling = self.seat_ceiling(product)?;
        if self.sold_in_packages(contract, ceiling) {
            return None;
        }
        let (need, horizon) = self.need(ceiling);
        let wanted = (need * (1.0 + self.settings.slack) - ceiling.limit).ceil();
        let most = (ceiling.limit * self.settings.max_growth).floor();
        let units = wanted.min(most);
        if units.is_nan() || units < 1.0 {
            return None;
        }
        let (price, mut unknowns) = self.unit_price(contract);
        if wanted > most {
            unknowns.push(format!(
                "The projection asks for {} more; the offer is held to {}.",
                count(wanted),
                count(most)
            ));
        }
        let basis = format!(
            "{} more cover the {} that the account needs {horizon} in nine cases of ten, with {} to spare",
            count(units),
            count(need),
            percent(self.settings.slack)
        );
        Some(Offer {
            product: Some(product),
            from_tier: Some(contract.tier.clone()),
            units_delta: Some(units),
            expected_arr: units * price,
            basis,
            unknowns,
            ..Offer::default()
        })
    }

    /// Every contract of the tier has this same ceiling and a higher tier has more: seats come with the tier.
    fn sold_in_packages(self, contract: &Subscription, ceiling: &Capacity) -> bool {
        let limit = |tier: &Text| self.market.limit(contract.product, tier, ceiling.metric);
        let above = self.view.extracts.product(contract.product).tier_above(&contract.tier);
        let larger = above.and_then(|tier| limit(&tier.tier)).is_some_and(|above| above.median > ceiling.limit);
        larger && limit(&contract.tier).is_some_and(|own| own.fixed)
    }

    /// The use that a new ceiling must hold, and the words for when.
    fn need(self, ceiling: &Capacity) -> (f64, String) {
        let when = |day: Option<Day>| match day {
            Some(day) => format!("at the renewal on {}", crate::wording::day(day)),
            None => "within a year".to_owned(),
        };
        let projected = ceiling.need_p90_at_renewal.filter(|need| need.is_finite());
        let days = ceiling.renewal.map_or(UNBOUNDED_DAYS, |day| day.since(self.view.day).max(0));
        let trend = ceiling.used + ceiling.daily_growth.max(0.0) * f64::from(days);
        (projected.unwrap_or(trend), when(ceiling.renewal))
    }

    /// What one more licence unit costs this account: its own price, else the list price.
    fn unit_price(self, contract: &Subscription) -> (f64, Vec<String>) {
        if let Some(units) = contract.units.filter(|units| *units > 0.0 && contract.arr > 0.0) {
            return (contract.arr / units, Vec::new());
        }
        let product = self.view.extracts.product(contract.product);
        match product.tier(&contract.tier).and_then(|tier| tier.list_price) {
            Some(price) => {
                (price, vec!["The account's own price per unit is not known; the list price stands in.".into()])
            }
            None => (0.0, vec!["Neither the contract nor the price list tells the price per unit.".into()]),
        }
    }

    fn tier(self, product: ProductIx, signals: &[&Signal]) -> Option<Offer> {
        let contract = self.assessment.contract.of(product)?;
        let catalogue = self.view.extracts.product(product);
        let current = catalogue.tier(&contract.tier)?;
        let (target, reason) = self.fitting_tier(catalogue, current, contract, signals)?;
        let (expected_arr, price, unknowns) = self.tier_gain(contract, current, target);
        Some(Offer {
            product: Some(product),
            from_tier: Some(current.tier.clone()),
            to_tier: Some(target.tier.clone()),
            expected_arr,
            basis: format!("{} {reason}; {price}", target.tier),
            unknowns,
            ..Offer::default()
        })
    }

    /// The lowest tier above the current one that has the features used and the room needed.
    fn fitting_tier<'t>(
        self,
        product: &'t Product,
        current: &Tier,
        contract: &Subscription,
        signals: &[&Signal],
    ) -> Option<(&'t Tier, String)> {
        let next = product.tier_above(&current.tier)?;
        let (by_features, reason) = self.rank_of_features(product, current, contract.product, signals);
        let wanted = by_features.unwrap_or(next.rank).max(next.rank);
        let above = || product.tiers.iter().filter(|tier| tier.rank > current.rank);
        let features_fit = above().filter(|tier| tier.rank >= wanted);
        let mut room_fits = features_fit.clone().filter(|tier| self.has_room(contract, tier));
        let top_of_features = || features_fit.clone().next().or_else(|| above().next_back());
        let target = room_fits.next().or_else(top_of_features)?;
        Some((target, reason.unwrap_or_else(|| "is the lowest tier with enough room".to_owned())))
    }

    fn rank_of_features(
        self,
        product: &Product,
        current: &Tier,
        index: ProductIx,
        signals: &[&Signal],
    ) -> (Option<i64>, Option<String>) {
        let named =
            signals.iter().filter(|s| s.product.is_none_or(|p| p == index)).filter_map(|s| s.detail.tier.as_deref());
        let asked = named.filter_map(|tier| product.tier(tier)).map(|tier| tier.rank).max();
        if let Some(rank) = asked.filter(|rank| *rank > current.rank) {
            return (Some(rank), Some("has what they asked for".to_owned()));
        }
        let mut uses: std::collections::BTreeMap<_, u32> = std::collections::BTreeMap::new();
        let since = self.view.day.minus(FEATURE_DAYS - 1);
        for row in self.view.feature_usage_since(self.assessment.account, since) {
            *uses.entry(row.feature).or_default() += row.events;
        }
        let features = uses.iter().filter(|(_, n)| **n >= FEATURE_USES).map(|(f, _)| self.view.extracts.feature(*f));
        let higher = features.filter(|f| f.product == index && f.min_tier_rank.is_some_and(|rank| rank > current.rank));
        let best = higher.max_by_key(|f| (f.min_tier_rank, f.kind != Some(FeatureKind::Teaser)));
        (best.and_then(|f| f.min_tier_rank), best.map(|f| format!("includes {}, which they already use", f.name)))
    }

    /// The tier's usual ceilings hold what the account needs, as far as one conversation reaches: the P90 of a bursty
    /// counter a year ahead must not skip tiers. A tier nobody has tells nothing and passes.
    fn has_room(self, contract: &Subscription, tier: &Tier) -> bool {
        let ceilings = self.assessment.facts.capacity.iter().filter(|c| c.product == contract.product);
        ceilings.filter(|c| c.utilization >= c.threshold).all(|c| {
            let room = self.need(c).0.min(c.limit * (1.0 + self.settings.max_growth)).max(c.used);
            self.market.limit(contract.product, &tier.tier, c.metric).is_none_or(|usual| usual.median >= room)
        })
    }

    /// ARR gained by a tier: the account's own price scaled by the price list, else what others pay, else a share.
    fn tier_gain(self, contract: &Subscription, from: &Tier, to: &Tier) -> (f64, String, Vec<String>) {
        if let (Some(now), Some(then)) = (from.list_price, to.list_price)
            && now > 0.0
            && then > now
        {
            return (
                contract.arr * (then / now - 1.0),
                "priced by the list at the account's own discount".into(),
                vec![],
            );
        }
        let others = self.market.tier_arr(contract.product, &to.tier).filter(|arr| *arr > contract.arr);
        if let Some(usual) = others {
            let note =
                "The price list does not set the tiers apart; the usual contract on that tier stands in.".to_owned();
            return (
                usual - contract.arr,
                format!("contracts on it usually run at {} a year", money(usual)),
                vec![note],
            );
        }
        let share = self.settings.tier_uplift;
        let note = format!("No price tells what the tier adds; {} of the product's ARR is assumed.", percent(share));
        (contract.arr * share, format!("assumed to add {}", percent(share)), vec![note])
    }

    fn module(self, product: ProductIx, signals: &[&Signal]) -> Option<Offer> {
        if self.assessment.contract.owns(product) {
            return None;
        }
        let catalogue = self.view.extracts.product(product);
        let named = signals.iter().filter(|s| s.product == Some(product)).find_map(|s| s.detail.tier.as_deref());
        let tier = named.and_then(|tier| catalogue.tier(tier)).or(catalogue.tiers.first());
        let (units, counted) = self.module_units(catalogue);
        let (expected_arr, basis, unknowns) = match tier.and_then(|tier| tier.list_price) {
            Some(price) => (price * units, format!("{counted} at the list price of {} a year", money(price)), vec![]),
            None => self.usual_price(product)?,
        };
        let affordable = expected_arr <= self.assessment.contract.arr * self.settings.max_module;
        affordable.then(|| Offer {
            product: Some(product),
            to_tier: tier.map(|tier| tier.tier.clone()),
            units_delta: catalogue.unit.as_deref().filter(|unit| is_per_person(unit)).map(|_| units),
            expected_arr,
            basis,
            unknowns,
            ..Offer::default()
        })
    }

    fn usual_price(self, product: ProductIx) -> Option<(f64, String, Vec<String>)> {
        let usual = self.market.product_arr(product)?;
        let note = "The product has no list price; the usual contract of other accounts stands in.".to_owned();
        Some((usual, format!("other accounts usually pay {} a year", money(usual)), vec![note]))
    }

    /// Licence units a new module starts with: a share of the account's seats where it is sold per person, else one.
    fn module_units(self, product: &Product) -> (f64, String) {
        let per_person = product.unit.as_deref().is_some_and(is_per_person);
        match self.seats_in_use().filter(|_| per_person) {
            Some(seats) => {
                let units = (seats * self.settings.attach_share).ceil().max(1.0);
                (units, format!("{} of the {} seats in use", count(units), count(seats)))
            }
            None => (1.0, "one licence".to_owned()),
        }
    }

    fn seats_in_use(self) -> Option<f64> {
        let main = self.main_product()?;
        let used = self.seat_ceiling(main).map(|ceiling| ceiling.used.min(ceiling.limit));
        used.or(self.assessment.contract.of(main)?.units).filter(|seats| *seats > 0.0)
    }

    /// Sized by the licence units needed at renewal, else by what is used above a ceiling today.
    fn commitment(self, product: ProductIx) -> Option<Offer> {
        let contract = self.assessment.contract.of(product)?;
        let seats = self.seat_ceiling(product).map(|c| self.need(c).0 / c.limit - 1.0);
        let ceilings = self.assessment.facts.capacity.iter().filter(|c| c.product == product);
        let over = ceilings.map(|c| c.utilization - 1.0).max_by(f64::total_cmp);
        let need = seats.filter(|share| *share > 0.0).or(over).filter(|share| *share > 0.0);
        let share = need.unwrap_or(self.settings.commit_uplift).min(self.settings.max_commit);
        let (basis, unknowns) = match need {
            Some(_) => (format!("a level {} above what is committed today", percent(share)), vec![]),
            None => {
                let note = format!("Use does not tell the size of the commitment; {} is assumed.", percent(share));
                ("a commitment over several years at today's level".to_owned(), vec![note])
            }
        };
        Some(Offer {
            product: Some(product),
            from_tier: Some(contract.tier.clone()),
            expected_arr: contract.arr * share,
            basis,
            unknowns,
            ..Offer::default()
        })
    }

    fn buying_center(self, product: Option<ProductIx>, signals: &[&Signal]) -> Option<Offer> {
        let places: Vec<&str> = signals.iter().filter_map(|s| s.detail.place.as_deref()).collect();
        let centers = self.assessment.stakeholders.buying_centers.iter().filter(|c| places.contains(&&*c.name));
        let largest = centers.filter_map(|c| Some((c, c.potential_arr?))).max_by(|a, b| a.1.total_cmp(&b.1));
        let (expected_arr, basis, unknowns) = match largest {
            Some((center, potential)) => {
                (potential, format!("{} could carry {} a year", center.name, money(potential)), vec![])
            }
            None => {
                let share = self.settings.strategic_uplift;
                let note = format!(
                    "The size of the new team is not known; {} of the account's ARR is assumed.",
                    percent(share)
                );
                (self.assessment.contract.arr * share, format!("assumed to add {}", percent(share)), vec![note])
            }
        };
        Some(Offer { product, expected_arr, basis, unknowns, ..Offer::default() })
    }

    /// What the direct play would be: seats, else the tier, else the module, else the new buying center.
    fn partner_led(self, product: Option<ProductIx>, signals: &[&Signal]) -> Option<Offer> {
        let direct =
            product.and_then(|p| self.seats(p).or_else(|| self.tier(p, signals)).or_else(|| self.module(p, signals)));
        direct.or_else(|| self.buying_center(product, signals))
    }

    /// The ARR of the products that the signals name, or of the whole account where they name none.
    fn at_risk(self, signals: &[&Signal]) -> Option<Offer> {
        let contract = &self.assessment.contract;
        let named: Option<std::collections::BTreeSet<ProductIx>> = signals.iter().map(|s| s.product).collect();
        let touched = |product: &ProductIx| named.as_ref().is_none_or(|set| set.is_empty() || set.contains(product));
        let at_risk: f64 = contract.active.iter().filter(|s| touched(&s.product)).map(|s| s.arr).sum();
        let expected_arr = if at_risk > 0.0 { at_risk } else { contract.arr };
        let whole = expected_arr >= contract.arr;
        let basis = match whole {
            true => format!("the account's {} a year are at risk", money(expected_arr)),
            false => format!("{} of the account's {} a year are at risk", money(expected_arr), money(contract.arr)),
        };
        (!contract.active.is_empty()).then(|| Offer { expected_arr, basis, ..Offer::default() })
    }
}

/// Products that a cross-sell or a support play may propose to the account.
pub fn not_owned<'a>(sizing: Sizing<'a>, action: Action) -> impl Iterator<Item = ProductIx> + 'a {
    let support = action == Action::PremiumSupport;
    let products = sizing.view.extracts.products.iter().enumerate();
    products
        .filter(move |(_, product)| (product.kind == Some(ProductKind::Support)) == support)
        .map(|(position, _)| ProductIx::from(position))
        .filter(move |product| !sizing.assessment.contract.owns(*product))
}

fn is_per_person(unit: &str) -> bool {
    matches!(unit, "seat" | "seats" | "user" | "users" | "licence" | "license" | "agent" | "member")
}

fn is_unit_metric(metric: &str, unit: &str) -> bool {
    metric == unit || metric.strip_suffix('s') == Some(unit) || (is_per_person(unit) && metric == "seats")
}
