//! Layers 3 and 4: recommendations with their child rows, suppressions, briefings.

use super::{Layers, Of};
use crate::audit::{DATA_CATEGORIES, RISK_CLASS};
use crate::briefings::Briefing;
use crate::publish::frame::Frame;
use crate::publish::schema::{Layer, OutputTable, TableSpec};
use crate::publish::table::{Stamp, Table};
use crate::recommendations::{Action, Arm, Gate, Peer, Recommendation, Status, Step, Suppression};
use crate::vocabulary::{AccountIx, OwnerRole, Play, StableId};

pub fn specs() -> Vec<TableSpec> {
    vec![
        recommendations().spec().clone(),
        recommendation_signals().spec().clone(),
        recommendation_steps().spec().clone(),
        recommendation_peers().spec().clone(),
        suppressions().spec().clone(),
        briefings().spec().clone(),
    ]
}

pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    let proposals = &layers.recommended.recommendations;
    let rows: Vec<Proposal> = proposals.iter().map(|recommendation| proposal(layers, recommendation)).collect();
    let steps: Vec<RecommendationStep> = proposals.iter().flat_map(steps).collect();
    let peers: Vec<RecommendationPeer> = proposals
        .iter()
        .flat_map(|recommendation| {
            recommendation.peers.iter().map(move |peer| RecommendationPeer { recommendation, peer })
        })
        .collect();
    let suppressed: Vec<Of<Suppression>> =
        layers.recommended.suppressions.iter().map(|s| layers.of(s.account, s)).collect();
    vec![
        recommendations().frame(&named(layers, &rows, |r| r.recommendation.account), stamp),
        recommendation_signals().frame(&evidence(layers), stamp),
        recommendation_steps().frame(&named(layers, &steps, |s| s.recommendation.account), stamp),
        recommendation_peers().frame(&named(layers, &peers, |p| p.recommendation.account), stamp),
        suppressions().frame(&suppressed, stamp),
        pages(layers, stamp),
    ]
}

/// Pages are long, so their columns are made only while they are written.
fn pages<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Frame<'a> {
    let extracts = layers.view.extracts;
    let rows = move |all: &&'a [Briefing], hand_on: &mut dyn FnMut(Vec<Of<'a, Briefing>>)| {
        hand_on(all.iter().map(|page| Of::new(extracts, page.account, page)).collect());
    };
    briefings().frame_of(vec![layers.briefings], rows, stamp)
}

fn named<'a, T>(layers: &Layers<'a>, rows: &'a [T], account: impl Fn(&T) -> AccountIx) -> Vec<Of<'a, T>> {
    rows.iter().map(|row| Of::new(layers.view.extracts, account(row), row)).collect()
}

fn proposal<'a>(layers: &Layers<'a>, recommendation: &'a Recommendation) -> Proposal<'a> {
    let account = layers.view.account(recommendation.account);
    Proposal { recommendation, account_name: account.map_or("", |account| &account.name) }
}

fn steps(recommendation: &Recommendation) -> impl Iterator<Item = RecommendationStep<'_>> {
    let numbered = recommendation.steps.iter().enumerate();
    numbered.map(move |(place, step)| RecommendationStep { recommendation, number: place + 1, step })
}

/// The signals of every recommendation by id; a recommendation names them by position in its account's list.
fn evidence<'a>(layers: &Layers<'a>) -> Vec<RecommendationSignal<'a>> {
    let extracts = layers.view.extracts;
    let mut rows = Vec::new();
    for recommendation in &layers.recommended.recommendations {
        let found = layers.assessments.binary_search_by_key(&recommendation.account, |a| a.account);
        let signals = found.map_or(&[][..], |at| &layers.assessments[at].signals);
        let weighed =
            recommendation.signals.iter().filter_map(|(at, weight)| Some((signals.get(*at as usize)?, weight)));
        rows.extend(weighed.map(|(signal, weight)| RecommendationSignal {
            recommendation_id: &recommendation.id,
            account_id: extracts.account_id(recommendation.account),
            signal_id: signal.id(extracts),
            weight: *weight,
        }));
    }
    rows
}

/// A recommendation with what the account is called.
pub struct Proposal<'a> {
    pub recommendation: &'a Recommendation,
    pub account_name: &'a str,
}

pub fn recommendations<'a>() -> Table<Of<'a, Proposal<'a>>> {
    Table::<Of<'a, Proposal<'a>>>::new(
        OutputTable::Recommendations,
        Layer::Recommendations,
        "What to do: account, action, quantity, person and timing. Proposals for a person to decide.",
    )
    .text("recommendation_id", "Stable while account, playbook and product stay the same.", |r| &r.recommendation.id)
    .key()
    .text("account_id", "The customer account.", |r| r.account_id())
    .refers(OutputTable::AccountHealth, "account_id")
    .text("account_name", "The customer's name.", |r| r.account_name)
    .text("play", "The play.", |r| r.recommendation.play.as_str())
    .among(Play::ALL.iter().map(|p| p.as_str()))
    .text("playbook", "Name in the playbooks file.", |r| &r.recommendation.playbook)
    .text("action", "The kind of action.", |r| r.recommendation.action.as_str())
    .among(Action::ALL.iter().map(|a| a.as_str()))
    .text_opt("product_id", "The product that is offered or at stake.", |r| {
        r.recommendation.product.map(|p| r.product_name(p))
    })
    .text_opt("from_tier", "Tier today.", |r| r.recommendation.from_tier.as_deref())
    .text_opt("to_tier", "Tier proposed.", |r| r.recommendation.to_tier.as_deref())
    .float_opt("units_delta", "Licence units to add.", |r| r.recommendation.units_delta)
    .text("headline", "One sentence: what, why, who, when.", |r| &r.recommendation.headline)
    .float("probability", "Calibrated probability that it works out, 0–1.", |r| r.recommendation.probability.get())
    .within(0.0, 1.0)
    .float("expected_arr", "What it is worth if it works out, reporting currency per year.", |r| {
        r.recommendation.expected_arr
    })
    .float("expected_value", "probability × expected_arr × confidence of the evidence.", |r| {
        r.recommendation.expected_value
    })
    .int("rank", "1 = first in its owner's queue.", |r| r.recommendation.rank.into())
    .within(1.0, f64::MAX)
    .text("owner", "Who leads the conversation.", |r| &r.recommendation.owner)
    .text("owner_role", "csm or ae.", |r| r.recommendation.owner_role.as_str())
    .among(OwnerRole::ALL.iter().map(|o| o.as_str()))
    .text_opt("informed", "The other role's person, who is informed.", |r| r.recommendation.informed.as_deref())
    .text_opt("stakeholder_contact_id", "Whom to talk to.", |r| {
        r.recommendation.stakeholder.map(|contact| &**r.extracts.ids.contacts.name(contact))
    })
    .text("stakeholder_reason", "Why this person.", |r| &r.recommendation.stakeholder_reason)
    .date("window_opens", "First day of the window.", |r| r.recommendation.window_opens)
    .date("window_closes", "Last day of the window.", |r| r.recommendation.window_closes)
    .date("contact_by", "Latest day for the first contact.", |r| r.recommendation.contact_by)
    .text("timing_reason", "Why these days.", |r| &r.recommendation.timing_reason)
    .text("evidence", "Why now, with the numbers.", |r| &r.recommendation.evidence)
    .made("talking_points", "What to say, one point per line.", |r| r.recommendation.talking_points.join("\n"))
    .text("arm", "Arm of the experiment.", |r| r.recommendation.arm.as_str())
    .among(Arm::ALL.iter().map(|a| a.as_str()))
    .text("status", "Where it stands.", |r| r.recommendation.status.as_str())
    .among(Status::ALL.iter().map(|s| s.as_str()))
    .made("model_ids", "Models whose probabilities it rests on.", |r| r.recommendation.model_ids.join(", "))
    .text("risk_class", "Class of the use under the EU AI Act.", |_| RISK_CLASS)
    .text("data_categories", "Categories of data it rests on.", |_| DATA_CATEGORIES)
    .text("human_oversight", "A person decides before anything reaches the customer.", |_| "required")
}

/// A recommendation's signal and its share of the evidence.
pub struct RecommendationSignal<'a> {
    pub recommendation_id: &'a str,
    pub account_id: &'a str,
    pub signal_id: StableId,
    pub weight: f64,
}

pub fn recommendation_signals<'a>() -> Table<RecommendationSignal<'a>> {
    Table::<RecommendationSignal<'a>>::new(
        OutputTable::RecommendationSignals,
        Layer::Recommendations,
        "Which signals each recommendation rests on; weights of one recommendation sum to 1.",
    )
    .text("account_id", "The customer account.", |s| s.account_id)
    .text("recommendation_id", "The recommendation.", |s| s.recommendation_id)
    .key()
    .refers(OutputTable::Recommendations, "recommendation_id")
    .id("signal_id", "The signal.", |s| s.signal_id)
    .key()
    .refers(OutputTable::Signals, "signal_id")
    .float("weight", "Share of the evidence, 0–1.", |s| s.weight)
    .within(0.0, 1.0)
}

/// A step with its place in the playbook.
pub struct RecommendationStep<'a> {
    pub recommendation: &'a Recommendation,
    /// 1 = first.
    pub number: usize,
    pub step: &'a Step,
}

pub fn recommendation_steps<'a>() -> Table<Of<'a, RecommendationStep<'a>>> {
    Table::<Of<'a, RecommendationStep<'a>>>::new(
        OutputTable::RecommendationSteps,
        Layer::Recommendations,
        "Who does what on which day after approval.",
    )
    .text("account_id", "The customer account.", |s| s.account_id())
    .text("recommendation_id", "The recommendation.", |s| &s.recommendation.id)
    .key()
    .refers(OutputTable::Recommendations, "recommendation_id")
    .int("step", "1 = first.", |s| s.number as i64)
    .key()
    .int("day", "Days after approval.", |s| s.step.day.into())
    .text("owner_role", "csm or ae.", |s| s.step.owner_role.as_str())
    .among(OwnerRole::ALL.iter().map(|o| o.as_str()))
    .text("action", "What to do.", |s| &s.step.action)
}

/// A similar account beside a recommendation.
pub struct RecommendationPeer<'a> {
    pub recommendation: &'a Recommendation,
    pub peer: &'a Peer,
}

pub fn recommendation_peers<'a>() -> Table<Of<'a, RecommendationPeer<'a>>> {
    Table::<Of<'a, RecommendationPeer<'a>>>::new(
        OutputTable::RecommendationPeers,
        Layer::Recommendations,
        "Similar accounts and what they did next.",
    )
    .text("account_id", "The customer account.", |p| p.account_id())
    .text("recommendation_id", "The recommendation.", |p| &p.recommendation.id)
    .key()
    .refers(OutputTable::Recommendations, "recommendation_id")
    .text("peer_account_id", "The similar account.", |p| p.extracts.account_id(p.peer.account))
    .key()
    .float("similarity", "1 = alike, 0–1.", |p| p.peer.similarity)
    .within(0.0, 1.0)
    .text("why", "What the two share.", |p| &p.peer.why)
    .text("outcome", "What the similar account did.", |p| &p.peer.outcome)
}

pub fn suppressions<'a>() -> Table<Of<'a, Suppression>> {
    Table::<Of<'a, Suppression>>::new(
        OutputTable::Suppressions,
        Layer::Recommendations,
        "What was not recommended, which gate held it, and why.",
    )
    .text("account_id", "The customer account.", |s| s.account_id())
    .key()
    .refers(OutputTable::AccountHealth, "account_id")
    .text("play", "The play.", |s| s.play.as_str())
    .among(Play::ALL.iter().map(|p| p.as_str()))
    .text("playbook", "Name in the playbooks file.", |s| &s.playbook)
    .key()
    .text_opt("product_id", "The product, where the candidate is about one.", |s| s.product.map(|p| s.product_name(p)))
    .key()
    .text("gate", "The first gate that was closed.", |s| s.gate.as_str())
    .among(Gate::ALL.iter().map(|g| g.as_str()))
    .text("evidence", "Why it was closed, with the numbers.", |s| &s.evidence)
    .float("expected_arr_withheld", "What the candidate was worth, reporting currency per year.", |s| {
        s.expected_arr_withheld
    })
    .date_opt("requalifies_on", "The first day it may come back; null = unknown.", |s| s.requalifies_on)
}

/// Longest reading time of a briefing, seconds.
const READING_SECONDS: f64 = 180.0;

pub fn briefings<'a>() -> Table<Of<'a, Briefing>> {
    Table::<Of<'a, Briefing>>::new(
        OutputTable::Briefings,
        Layer::Briefings,
        "One page per recommendation, read in under three minutes.",
    )
    .of_long_rows()
    .text("recommendation_id", "The recommendation.", |b| &b.recommendation_id)
    .key()
    .refers(OutputTable::Recommendations, "recommendation_id")
    .text("account_id", "The customer account.", |b| b.account_id())
    .text("owner", "Whom it is written for.", |b| &b.owner)
    .text("title", "The page's title.", |b| &b.title)
    .text("markdown", "The page as Markdown.", |b| &b.markdown)
    .text("html", "The page as self-contained HTML.", |b| &b.html)
    .int("words", "Words of the page.", |b| b.words.into())
    .int("reading_seconds", "At 230 words a minute.", |b| b.reading_seconds.into())
    .within(0.0, READING_SECONDS)
}
