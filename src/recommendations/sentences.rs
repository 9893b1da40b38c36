//! The sentences that a recommendation row carries: headline and evidence, and the facts that fill a playbook's words. Whole
//! pages are for the briefings.

use super::Action;
use super::candidates::Candidate;
use super::offers::Sizing;
use super::placeholders::Facts;
use super::timing::Timing;
use super::who::{Choice, Owner};
use crate::extracts::tables::Account;
use crate::peers::Neighbour;
use crate::signals::Signal;
use crate::vocabulary::{Play, ProductIx, Text};
use crate::wording::{count, day, list, money, percent, words};

/// Signals quoted in the evidence of a row.
const EVIDENCE_SENTENCES: usize = 4;

/// Everything the sentences are made of.
pub struct Telling<'a> {
    pub sizing: Sizing<'a>,
    pub account: Option<&'a Account>,
    pub candidate: &'a Candidate<'a>,
    pub choice: &'a Choice,
    pub owner: &'a Owner,
    pub timing: &'a Timing,
    pub neighbour: Option<&'a Neighbour>,
}

impl<'a> Telling<'a> {
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.people(&mut facts);
        self.deal(&mut facts);
        self.ceiling(&mut facts);
        self.voices(&mut facts);
        facts
    }

    fn people(&self, facts: &mut Facts) {
        facts.set("account", Some(self.account_name()));
        facts.set("contact", self.choice.contact.map(|_| self.choice.called.clone()));
        facts.set("owner", Some(self.owner.owner.to_string()));
        facts.set("informed", self.owner.informed.as_ref().map(|person| person.to_string()));
        facts.set("partner", self.account.and_then(|a| a.partner.as_ref()).map(|partner| partner.to_string()));
        facts.set("contact_by", Some(day(self.timing.contact_by)));
        facts.set("peer", self.neighbour.map(|peer| self.name_of(peer)));
    }

    fn deal(&self, facts: &mut Facts) {
        let offer = &self.candidate.offer;
        let contract = &self.sizing.assessment.contract;
        let unit = offer.product.and_then(|p| self.sizing.view.extracts.product(p).unit.as_deref()).unwrap_or("seat");
        facts.set("product", offer.product.map(|p| self.product_name(p)));
        facts.set("from_tier", offer.from_tier.as_ref().map(|tier| tier.to_string()));
        facts.set("to_tier", offer.to_tier.as_ref().map(|tier| tier.to_string()));
        facts.set("units", offer.units_delta.map(count));
        facts.set("unit", Some(if offer.units_delta == Some(1.0) { unit.to_owned() } else { plural_unit(unit) }));
        facts.set("expected_arr", Some(money(offer.expected_arr)));
        facts.set("arr", Some(money(contract.arr)));
        facts.set("renewal", contract.renewal.map(day));
    }

    fn ceiling(&self, facts: &mut Facts) {
        let product = self.candidate.offer.product.filter(|p| self.sizing.assessment.contract.owns(*p));
        let ceilings = self.sizing.assessment.facts.capacity.iter().filter(|c| product.is_none_or(|p| c.product == p));
        let tightest = ceilings.max_by(|a, b| a.utilization.total_cmp(&b.utilization));
        let seats = product.filter(|_| self.candidate.playbook.action == Action::SeatExpansion);
        let Some(ceiling) = seats.and_then(|p| self.sizing.seat_ceiling(p)).or(tightest) else { return };
        facts.set("metric", Some(words(self.sizing.view.extracts.metric(ceiling.metric))));
        facts.set("used", Some(count(ceiling.used)));
        facts.set("limit", Some(count(ceiling.limit)));
        facts.set("utilization", Some(percent(ceiling.utilization)));
        facts.set("breach", ceiling.breach_p50.filter(|breach| *breach > self.sizing.view.day).map(day));
    }

    fn voices(&self, facts: &mut Facts) {
        let signals = self.by_weight();
        let health = &self.sizing.assessment.health;
        let reasons: Vec<&str> = health.reasons.iter().take(3).map(|r| r.trim_end_matches('.')).collect();
        let spoken = signals.first().filter(|s| !is_modelled(s));
        facts.set("evidence", spoken.map(|s| self.unquoted(&s.evidence).trim_end_matches('.').to_owned()));
        facts.set("quote", self.quote().map(|quote| format!("“{quote}”")));
        let places = signals.iter().filter(|s| s.play == Play::WhiteSpace).find_map(|s| s.detail.place.as_ref());
        facts.set("place", places.map(|place| place.to_string()));
        facts.set("since", signals.iter().find_map(|s| s.since).map(day));
        facts.set("health", Some(format!("{} ({} of 100)", health.color, count(health.score))));
        facts.set("reasons", Some(list(&reasons)));
    }

    /// The signals by weight, what was observed before what a model says: a model explains nothing to a customer.
    fn by_weight(&self) -> Vec<&'a Signal> {
        let mut weighted = self.candidate.signals.clone();
        weighted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let signals = weighted.iter().map(|(position, _)| &self.sizing.assessment.signals[*position as usize]);
        let (modelled, observed): (Vec<_>, Vec<_>) = signals.partition(|s| is_modelled(s));
        observed.into_iter().chain(modelled).collect()
    }

    /// What somebody at the account wrote, behind the strongest signal that rests on words.
    fn quote(&self) -> Option<&'a Text> {
        self.by_weight().into_iter().find_map(|signal| signal.detail.quote.as_ref())
    }

    /// The evidence without the quote, where a talking point of its own brings it.
    fn unquoted(&self, evidence: &str) -> String {
        let brought = self.candidate.playbook.talking_points.iter().any(|point| point.contains("{quote}"));
        match self.quote().filter(|_| brought) {
            Some(quote) => evidence.replace(&format!(": “{quote}”"), ""),
            None => evidence.to_owned(),
        }
    }

    fn account_name(&self) -> String {
        let id = || self.sizing.view.extracts.account_id(self.sizing.assessment.account).to_owned();
        self.account.map_or_else(id, |account| account.name.to_string())
    }

    fn product_name(&self, product: ProductIx) -> String {
        self.sizing.view.extracts.product(product).name.to_string()
    }

    fn name_of(&self, peer: &Neighbour) -> String {
        let id = || self.sizing.view.extracts.account_id(peer.account).to_owned();
        self.sizing.view.account(peer.account).map_or_else(id, |account| account.name.to_string())
    }

    /// One sentence: what, why, who, when.
    pub fn headline(&self) -> String {
        let signals = self.by_weight();
        let health = &self.sizing.assessment.health;
        let reason = health.reasons.first().map(|r| r.trim_end_matches('.').to_owned());
        let by_health = reason.unwrap_or_else(|| format!("health is {}", health.color));
        let why = signals.first().map_or(by_health, |s| first_clause(&s.evidence));
        let by = day(self.timing.contact_by);
        match self.choice.contact {
            Some(_) => format!("{}: {why}; talk to {} by {by}.", self.what(), self.choice.called),
            None => format!("{}: {why}; find the right contact and talk by {by}.", self.what()),
        }
    }

    fn what(&self) -> String {
        let (offer, account) = (&self.candidate.offer, self.account_name());
        let product = offer.product.map_or_else(|| "the product".to_owned(), |p| self.product_name(p));
        let tier = |tier: &Option<crate::vocabulary::Text>| tier.as_deref().unwrap_or("a higher tier").to_owned();
        match self.candidate.playbook.action {
            Action::SeatExpansion => format!("Add {} of {product} at {account}", self.units()),
            Action::TierUpgrade => {
                format!("Move {account} from {} to {} of {product}", tier(&offer.from_tier), tier(&offer.to_tier))
            }
            Action::CrossSell => format!("Introduce {product} at {account}"),
            Action::StrategicExpansion => format!("Widen {account} beyond the teams of today"),
            Action::MultiYearCommit => format!("Offer {account} a commitment over several years for {product}"),
            Action::PremiumSupport => format!("Offer {product} to {account}"),
            Action::PartnerLed => {
                let partner = self.account.and_then(|a| a.partner.as_deref()).unwrap_or("the partner");
                format!("Grow {account} together with {partner}")
            }
            Action::SavePlay => format!("Protect {account} ({})", self.candidate.playbook.title.to_lowercase()),
        }
    }

    fn units(&self) -> String {
        let unit = self.candidate.offer.product.and_then(|p| self.sizing.view.extracts.product(p).unit.as_deref());
        let (n, unit) = (self.candidate.offer.units_delta.unwrap_or(1.0), unit.unwrap_or("seat"));
        format!("{} {}", count(n), if n == 1.0 { unit.to_owned() } else { plural_unit(unit) })
    }

    /// The strongest signals' own sentences, the health where it speaks alone, and how the numbers were found.
    pub fn evidence(&self) -> String {
        let sentence = |text: &str| format!("{}.", text.trim().trim_end_matches('.'));
        let mut parts: Vec<String> =
            self.by_weight().iter().take(EVIDENCE_SENTENCES).map(|s| sentence(&s.evidence)).collect();
        if parts.is_empty() {
            parts.extend(self.sizing.assessment.health.reasons.iter().take(EVIDENCE_SENTENCES).map(|r| sentence(r)));
        }
        parts.push(sentence(&format!("Value: {}", self.candidate.offer.basis)));
        parts.push(sentence(&format!("Likelihood: {}", self.candidate.estimate.basis)));
        parts.join(" ")
    }

    /// What had to be assumed or is missing.
    pub fn unknowns(&self) -> Vec<String> {
        let mut out = self.candidate.offer.unknowns.clone();
        out.extend(self.candidate.estimate.unknown.clone());
        if self.choice.contact.is_none() {
            out.push("Nobody at the account is known by name.".into());
        }
        let unsure: Vec<String> =
            self.by_weight().iter().filter(|s| s.needs_review).take(3).map(|s| words(&s.signal)).collect();
        if !unsure.is_empty() {
            out.push(format!("To be looked at before relying on it: {}.", list(&unsure)));
        }
        let missing = &self.sizing.assessment.health.unavailable;
        if !missing.is_empty() {
            out.push(format!("Not in the data: {}.", list(missing)));
        }
        out
    }
}

fn is_modelled(signal: &Signal) -> bool {
    signal.signal.ends_with("_propensity")
}

fn plural_unit(unit: &str) -> String {
    if unit.ends_with('s') { unit.to_owned() } else { format!("{unit}s") }
}

/// The sentence up to its first semicolon: the number that counts, without its consequences.
fn first_clause(sentence: &str) -> String {
    sentence.split(';').next().unwrap_or(sentence).trim().trim_end_matches('.').to_owned()
}
