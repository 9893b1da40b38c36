//! Layer 2: signals with their observations, health, propensities with their drivers, readiness, people.

use super::{Layers, Named, Of, sentences};
use crate::assessment::Assessment;
use crate::extracts::Extracts;
use crate::health::Health;
use crate::models::{ChurnPoint, Driver, Propensity};
use crate::publish::frame::Frame;
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::{Stamp, Table};
use crate::readiness::Readiness;
use crate::signals::Signal;
use crate::stakeholders::{BuyingCenter, Role, Stakeholder};
use crate::vocabulary::{Color, Direction, Level, Play, PropensityKind, StableId};

pub fn specs() -> Vec<TableSpec> {
    vec![
        signals().spec().clone(),
        signal_observations().spec().clone(),
        account_health().spec().clone(),
        propensities().spec().clone(),
        propensity_drivers().spec().clone(),
        churn_curve().spec().clone(),
        readiness().spec().clone(),
        stakeholders().spec().clone(),
        white_space().spec().clone(),
    ]
}

pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    let of_signals = layers.parts(|a| a.signals.len());
    let of_links = layers.parts(|a| a.signals.iter().map(|signal| distinct(signal).len()).sum());
    let of_drivers = layers.parts(|a| a.propensities.iter().map(|propensity| propensity.drivers.len()).sum());
    vec![
        layers.frame_by(signals(), of_signals, stamp, named),
        layers.frame_by(signal_observations(), of_links, stamp, links),
        layers.frame(account_health(), stamp, |a| std::slice::from_ref(&a.health)),
        layers.frame(propensities(), stamp, |a| &a.propensities),
        layers.frame_by(propensity_drivers(), of_drivers, stamp, drivers),
        layers.frame_sorted(churn_curve(), layers.churn_curves, |point| point.account, stamp),
        layers.frame(readiness(), stamp, |a| std::slice::from_ref(&a.readiness)),
        layers.frame(stakeholders(), stamp, |a| &a.stakeholders.people),
        layers.frame(white_space(), stamp, |a| &a.stakeholders.buying_centers),
    ]
}

fn named<'a>(extracts: &'a Extracts, assessment: &'a Assessment<'a>) -> Vec<Named<'a, Signal>> {
    let row =
        |signal: &'a Signal| Named { id: signal.id(extracts), row: Of::new(extracts, assessment.account, signal) };
    assessment.signals.iter().map(row).collect()
}

/// The observations of an account's signals; one that a signal names twice counts once.
fn links<'a>(extracts: &'a Extracts, assessment: &'a Assessment<'a>) -> Vec<SignalObservation<'a>> {
    let account_id = extracts.account_id(assessment.account);
    let (mut links, observations) = (Vec::new(), assessment.facts.observations());
    for signal in &assessment.signals {
        let signal_id = signal.id(extracts);
        let found = distinct(signal).into_iter().filter_map(|at| observations.get(at as usize));
        links.extend(found.map(|observation| {
            let observation_id = observation.id(extracts);
            SignalObservation { account_id, signal_id, observation_id }
        }));
    }
    links
}

fn distinct(signal: &Signal) -> Vec<u32> {
    let mut positions = signal.observations.clone();
    positions.sort_unstable();
    positions.dedup();
    positions
}

fn drivers<'a>(extracts: &'a Extracts, assessment: &'a Assessment<'a>) -> Vec<PropensityDriver<'a>> {
    let account = || Of::new(extracts, assessment.account, assessment);
    let ranked = assessment.propensities.iter().flat_map(move |propensity| {
        propensity.drivers.iter().enumerate().map(move |(place, driver)| (propensity, place + 1, driver))
    });
    ranked.map(|(propensity, rank, driver)| PropensityDriver { account: account(), propensity, rank, driver }).collect()
}

pub fn signals<'a>() -> Table<Named<'a, Signal>> {
    Table::<Named<'a, Signal>>::new(
        OutputTable::Signals,
        Layer::Signals,
        "What the observations mean: one row per signal that fired.",
    )
    .id("signal_id", "Stable id of the signal.", |s| s.id)
    .key()
    .text("account_id", "The customer account.", |s| s.account_id())
    .refers(OutputTable::AccountHealth, "account_id")
    .text_opt("product_id", "The product, where the signal is about one.", |s| s.product.map(|p| s.product_name(p)))
    .text("signal", "Name in the signal catalogue.", |s| &s.signal)
    .text("play", "The play that it speaks for.", |s| s.play.as_str())
    .among(Play::ALL.iter().map(|p| p.as_str()))
    .text("direction", "expansion or risk.", |s| s.direction.as_str())
    .among(Direction::ALL.iter().map(|d| d.as_str()))
    .float("strength", "Size of the change, 0–1.", |s| s.strength.get())
    .within(0.0, 1.0)
    .float("confidence", "How often such a signal proved right, 0–1.", |s| s.confidence.get())
    .within(0.0, 1.0)
    .text("confidence_basis", "prior, or learned with n.", |s| &s.confidence_basis)
    .date("detected_on", "The day the signal was detected.", |s| s.detected_on)
    .date_opt("since", "The day the change began, where known.", |s| s.since)
    .date("expires_on", "After this day the signal no longer counts.", |s| s.expires_on)
    .flag("needs_review", "True where a person should look before anything rests on it.", |s| s.needs_review)
    .text("evidence", "One sentence with the numbers.", |s| &s.evidence)
}

/// A signal and one of the observations it rests on.
pub struct SignalObservation<'a> {
    pub account_id: &'a str,
    pub signal_id: StableId,
    pub observation_id: StableId,
}

pub fn signal_observations<'a>() -> Table<SignalObservation<'a>> {
    Table::<SignalObservation<'a>>::new(
        OutputTable::SignalObservations,
        Layer::Signals,
        "Which observations each signal rests on.",
    )
    .text("account_id", "The customer account.", |l| l.account_id)
    .id("signal_id", "The signal.", |l| l.signal_id)
    .key()
    .refers(OutputTable::Signals, "signal_id")
    .id("observation_id", "The observation.", |l| l.observation_id)
    .key()
    .refers(OutputTable::Observations, "observation_id")
}

pub fn account_health<'a>() -> Table<Of<'a, Health>> {
    Table::<Of<'a, Health>>::new(
        OutputTable::AccountHealth,
        Layer::Signals,
        "Health of every account known on the day: four dimensions, colour, reasons. Every account stands here once.",
    )
    .text("account_id", "The customer account.", |h| h.account_id())
    .key()
    .float("score", "Weighted health, 0–100.", |h| h.score)
    .within(0.0, 100.0)
    .text("color", "green, yellow or red.", |h| h.color.as_str())
    .among(Color::ALL.iter().map(|c| c.as_str()))
    .float_opt("trend_30d", "Change of the score over 30 days, points.", |h| h.trend_30d)
    .float_opt("product_score", "Use of the product, 0–100; null = unavailable.", |h| h.product)
    .within(0.0, 100.0)
    .float_opt("relationship_score", "People and contact, 0–100; null = unavailable.", |h| h.relationship)
    .within(0.0, 100.0)
    .float_opt("support_score", "Tickets and satisfaction, 0–100; null = unavailable.", |h| h.support)
    .within(0.0, 100.0)
    .float_opt("financial_score", "Contract and payment, 0–100; null = unavailable.", |h| h.financial)
    .within(0.0, 100.0)
    .float("product_weight", "Weight used; the four sum to 1 over what is available.", |h| h.weights[0])
    .within(0.0, 1.0)
    .float("relationship_weight", "Weight used.", |h| h.weights[1])
    .within(0.0, 1.0)
    .float("support_weight", "Weight used.", |h| h.weights[2])
    .within(0.0, 1.0)
    .float("financial_weight", "Weight used.", |h| h.weights[3])
    .within(0.0, 1.0)
    .made("reasons", "What moved the score, in words.", |h| sentences(&h.reasons))
    .text("risk_level", "low, medium or high; high is never green.", |h| h.risk_level.as_str())
    .among(Level::ALL.iter().map(|l| l.as_str()))
    .float_opt("churn_probability", "The churn model's probability; null without a model.", |h| {
        h.churn_probability.map(|p| p.get())
    })
    .within(0.0, 1.0)
    .made("recommended_actions", "What would help, in words.", |h| sentences(&h.recommended_actions))
    .made("unavailable", "Dimensions and sources that could not be judged.", |h| sentences(&h.unavailable))
}

/// Drivers that the readable column names.
const TOP_DRIVERS: usize = 3;

pub fn propensities<'a>() -> Table<Of<'a, Propensity>> {
    Table::<Of<'a, Propensity>>::new(
        OutputTable::Propensities,
        Layer::Signals,
        "Calibrated probabilities per account, kind and product.",
    )
    .text("account_id", "The customer account.", |p| p.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("kind", "What is predicted.", |p| p.kind.as_str())
    .key()
    .among(PropensityKind::ALL.iter().map(|k| k.as_str()))
    .text_opt("product_id", "The product, for cross_sell.", |p| p.product.map(|id| p.product_name(id)))
    .key()
    .int("horizon_days", "Days within which the event is predicted.", |p| p.horizon_days.into())
    .float("probability", "Calibrated probability, 0–1.", |p| p.probability.get())
    .within(0.0, 1.0)
    .float_opt("probability_low", "Lower end of its 95 % interval; wide where the segment has few later rows.", |p| {
        p.interval.map(|interval| interval.low)
    })
    .within(0.0, 1.0)
    .float_opt("probability_high", "Upper end.", |p| p.interval.map(|interval| interval.high))
    .within(0.0, 1.0)
    .float("percentile", "Rank among the accounts scored that night; 100 = highest.", |p| p.percentile)
    .within(0.0, 100.0)
    .float("lift", "probability / base rate.", |p| p.lift)
    .within(0.0, f64::MAX)
    .text("model_id", "The model that was asked.", |p| &p.model_id)
    .float("base_log_odds", "Log-odds before any driver; with all contributions the log-odds.", |p| p.base_log_odds)
    .made("top_drivers", "The strongest drivers, in words.", |p| {
        let texts: Vec<String> = p.drivers.iter().take(TOP_DRIVERS).map(Driver::text).collect();
        sentences(&texts)
    })
    .text_opt(
        "what_would_change",
        "The smallest change that a team can influence which brings it past the base rate.",
        |p| p.what_would_change.as_deref(),
    )
    .flag("abstained", "True where the model had too little to go by.", |p| p.abstained.is_some())
    .text_opt("abstain_reason", "Why it abstained, and what stands instead.", |p| p.abstained.as_deref())
}

/// One driver of one propensity.
pub struct PropensityDriver<'a> {
    pub account: Of<'a, Assessment<'a>>,
    pub propensity: &'a Propensity,
    /// 1 = the largest contribution.
    pub rank: usize,
    pub driver: &'a Driver,
}

pub fn propensity_drivers<'a>() -> Table<PropensityDriver<'a>> {
    Table::<PropensityDriver<'a>>::new(
        OutputTable::PropensityDrivers,
        Layer::Signals,
        "Why a probability is what it is: base_log_odds and all contributions add up to its log-odds.",
    )
    .text("account_id", "The customer account.", |d| d.account.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("kind", "What is predicted.", |d| d.propensity.kind.as_str())
    .key()
    .text_opt("product_id", "The product, for cross_sell.", |d| {
        d.propensity.product.map(|id| d.account.product_name(id))
    })
    .key()
    .text("model_id", "The model that was asked.", |d| &d.propensity.model_id)
    .int("driver_rank", "1 = the largest contribution.", |d| d.rank as i64)
    .key()
    .text("feature", "The source feature.", |d| d.driver.feature())
    .float_opt("value", "The account's value.", |d| d.driver.value())
    .float_opt("typical", "The typical value among accounts.", |d| d.driver.typical())
    .float("contribution", "Log-odds.", |d| d.driver.contribution)
    .made("text", "The same in words.", |d| d.driver.text())
}

pub fn churn_curve<'a>() -> Table<Of<'a, ChurnPoint>> {
    Table::<Of<'a, ChurnPoint>>::new(
        OutputTable::ChurnCurve,
        Layer::Signals,
        "Churn as time passes: the probability of having left by some day. At the churn model's horizon it is the churn \
         probability of `propensities`; it never falls.",
    )
    .text("account_id", "The customer account.", |c| c.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .int("days", "Days from the as-of day (and the models' lead).", |c| c.point.days.into())
    .key()
    .within(1.0, f64::MAX)
    .float("probability", "Probability that every core subscription has ended within these days.", |c| {
        c.point.probability
    })
    .within(0.0, 1.0)
    .int("training_rows", "Accounts and days behind this stretch; 0 = the rate of the one before continued.", |c| {
        c.point.rows as i64
    })
    .text("model_id", "The churn model that was asked.", |c| &c.model_id)
}

pub fn readiness<'a>() -> Table<Of<'a, Readiness>> {
    Table::<Of<'a, Readiness>>::new(
        OutputTable::Readiness,
        Layer::Signals,
        "How ready each account is to grow, and whether selling is open.",
    )
    .text("account_id", "The customer account.", |r| r.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .float("score", "Readiness, 0–100.", |r| r.score)
    .within(0.0, 100.0)
    .float("product_part", "Part of use and ceilings, 0–100.", |r| r.product_part)
    .within(0.0, 100.0)
    .float("relationship_part", "Part of people and contact, 0–100.", |r| r.relationship_part)
    .within(0.0, 100.0)
    .float("commercial_part", "Part of contract and events, 0–100.", |r| r.commercial_part)
    .within(0.0, 100.0)
    .int("convergence", "Independent categories of expansion signals that agree.", |r| r.convergence.into())
    .within(0.0, 100.0)
    .text("tier", "high, medium or low.", |r| r.tier.as_str())
    .among(Level::ALL.iter().map(|l| l.as_str()))
    .text("gate", "open, or closed and by what.", |r| &r.gate)
}

pub fn stakeholders<'a>() -> Table<Of<'a, Stakeholder>> {
    Table::<Of<'a, Stakeholder>>::new(
        OutputTable::Stakeholders,
        Layer::Signals,
        "The people of each account: influence, role, changes.",
    )
    .text("account_id", "The customer account.", |s| s.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("contact_id", "The person.", |s| s.extracts.ids.contacts.name(s.contact))
    .key()
    .text("name", "The person's name.", |s| &s.name)
    .text_opt("title", "Title as delivered.", |s| s.title.as_deref())
    .text_opt("seniority", "Seniority as delivered.", |s| s.seniority.map(|level| level.as_str()))
    .text_opt("department", "Department as delivered.", |s| s.department.as_deref())
    .float("influence", "Standing in the graph of reporting lines and interactions, 0–1.", |s| s.influence)
    .within(0.0, 1.0)
    .int_opt("last_contact_days", "Days since the last contact; null = never.", |s| s.last_contact_days.map(i64::from))
    .text("role", "Role in the relationship.", |s| s.role.as_str())
    .among(Role::ALL.iter().map(|r| r.as_str()))
    .made_opt("change", "What happened to the person lately, with the day.", |s| {
        s.change.map(|(change, day)| format!("{change} on {day}"))
    })
}

pub fn white_space<'a>() -> Table<Of<'a, BuyingCenter>> {
    Table::<Of<'a, BuyingCenter>>::new(
        OutputTable::WhiteSpace,
        Layer::Signals,
        "Buying centers of each account and how well they are covered.",
    )
    .text("account_id", "The customer account.", |b| b.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("buying_center", "Department × business unit × region.", |b| &b.name)
    .key()
    .int("people", "Known people.", |b| b.people.into())
    .int("active_users", "Of them, active users of a product.", |b| b.active_users.into())
    .int("contacted_people", "Of them, people in conversation with us.", |b| b.contacted_people.into())
    .float("coverage", "contacted_people / people, 0–1.", |b| b.coverage)
    .within(0.0, 1.0)
    .text_opt("entry_contact_id", "The person to begin with.", |b| {
        b.entry_contact.map(|contact| &**b.extracts.ids.contacts.name(contact))
    })
    .float_opt("potential_arr", "What the center could be worth, reporting currency per year.", |b| b.potential_arr)
    .text("reason", "Why it is named, in words.", |b| &b.reason)
}
