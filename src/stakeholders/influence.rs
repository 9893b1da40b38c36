//! Influence: a weighted PageRank over reporting lines and interactions, with seniority and budget authority.

use std::collections::BTreeMap;

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::Settings;
use super::careers::Person;
use super::contact_log::ContactLog;
use crate::extracts::tables::{Contact, Seniority};
use crate::history::View;
use crate::vocabulary::ContactIx;

const GRAPH_SHARE: f64 = 0.50;
const SENIORITY_SHARE: f64 = 0.35;
const BUDGET_SHARE: f64 = 0.15;

/// A report vouches fully for the manager; the manager's word for a report weighs a quarter of that.
const UPWARD: f64 = 1.0;
const DOWNWARD: f64 = 0.25;
/// ln(1 + meetings in common).
const MET_TOGETHER: f64 = 0.5;
/// ln(1 + touches) with our own team, and ln(1 + active days) with the product.
const WITH_TEAM: f64 = 0.5;
const WITH_PRODUCT: f64 = 0.1;

/// A day on which more people than this met is a mass event and joins nobody.
const MASS_EVENT: usize = 12;
const DAMPING: f64 = 0.85;
/// 0.85^60 < 10⁻⁴: what is left to flow no longer changes a printed digit.
const ROUNDS: usize = 60;

/// People are nodes; so are our team and the product, which pass on what they receive.
type Graph = DiGraph<(), f64>;

/// Influence of each person, 0–1, in the order given. Who has left keeps seniority but stands outside the graph.
pub(super) fn influence(view: View, people: &[Person], log: &ContactLog, settings: &Settings) -> Vec<f64> {
    let graph = graph(view, people, log, settings);
    let ranks = connected(&graph, people.len()).then(|| page_rank(&graph, people.len()));
    let best = ranks.iter().flatten().copied().fold(0.0, f64::max);
    let standing = people.iter().map(|person| standing(person.current()));
    match ranks.filter(|_| best > 0.0) {
        Some(ranks) => standing.zip(ranks).map(|(standing, rank)| standing + GRAPH_SHARE * rank / best).collect(),
        None => standing.map(|standing| standing / (1.0 - GRAPH_SHARE)).collect(),
    }
}

fn standing(contact: &Contact) -> f64 {
    let budget = if contact.budget_authority { BUDGET_SHARE } else { 0.0 };
    SENIORITY_SHARE * seniority_weight(contact.seniority) + budget
}

fn seniority_weight(seniority: Option<Seniority>) -> f64 {
    match seniority {
        None => 0.20,
        Some(Seniority::Ic) => 0.10,
        Some(Seniority::Manager) => 0.35,
        Some(Seniority::Director) => 0.60,
        Some(Seniority::Vp) => 0.85,
        Some(Seniority::CLevel) => 1.0,
    }
}

fn graph(view: View, people: &[Person], log: &ContactLog, settings: &Settings) -> Graph {
    let mut graph = Graph::new();
    let nodes: BTreeMap<ContactIx, NodeIndex> =
        people.iter().map(|person| (person.current().contact, graph.add_node(()))).collect();
    let (team, product) = (graph.add_node(()), graph.add_node(()));
    let from = view.day.minus(settings.interaction_days - 1);
    for person in people.iter().filter(|person| person.gone_on.is_none()) {
        let contact = person.current();
        let node = nodes[&contact.contact];
        join_manager(&mut graph, node, contact.reports_to.and_then(|manager| nodes.get(&manager).copied()));
        join(&mut graph, node, team, WITH_TEAM * log_count(log.count_since(contact.contact, from)));
        join(&mut graph, node, product, WITH_PRODUCT * log_count(log.active_days(contact.user).unwrap_or(0) as usize));
    }
    for ((one, other), times) in met_together(people, log) {
        join(&mut graph, nodes[&one], nodes[&other], MET_TOGETHER * log_count(times));
    }
    graph
}

/// A manager who is unknown, or is the person, adds nothing; cycles are just edges.
fn join_manager(graph: &mut Graph, node: NodeIndex, manager: Option<NodeIndex>) {
    if let Some(manager) = manager.filter(|manager| *manager != node) {
        graph.add_edge(node, manager, UPWARD);
        graph.add_edge(manager, node, DOWNWARD);
    }
}

fn join(graph: &mut Graph, one: NodeIndex, other: NodeIndex, weight: f64) {
    if weight > 0.0 {
        graph.add_edge(one, other, weight);
        graph.add_edge(other, one, weight);
    }
}

fn log_count(count: usize) -> f64 {
    (count as f64).ln_1p()
}

/// How often each pair of present people met with us on the same day.
fn met_together(people: &[Person], log: &ContactLog) -> BTreeMap<(ContactIx, ContactIx), usize> {
    let present: std::collections::BTreeSet<ContactIx> =
        people.iter().filter(|person| person.gone_on.is_none()).map(|person| person.current().contact).collect();
    let mut pairs = BTreeMap::new();
    for met in log.meetings.values().filter(|met| met.len() <= MASS_EVENT) {
        let met: Vec<ContactIx> = met.iter().copied().filter(|contact| present.contains(contact)).collect();
        for (n, one) in met.iter().enumerate() {
            met[n + 1..].iter().for_each(|other| *pairs.entry((*one, *other)).or_default() += 1);
        }
    }
    pairs
}

/// Whether any two people are joined directly; without that a rank would only echo who talks to us.
fn connected(graph: &Graph, people: usize) -> bool {
    graph.edge_references().any(|edge| edge.source().index() < people && edge.target().index() < people)
}

/// Ranks of the first `people` nodes. Restarts land on people only, and a node without edges restarts at once.
fn page_rank(graph: &Graph, people: usize) -> Vec<f64> {
    let restart: Vec<f64> =
        (0..graph.node_count()).map(|node| if node < people { 1.0 / people as f64 } else { 0.0 }).collect();
    let outgoing: Vec<f64> =
        graph.node_indices().map(|node| graph.edges(node).map(|edge| *edge.weight()).sum()).collect();
    let edges: Vec<(usize, usize, f64)> =
        graph.edge_references().map(|edge| (edge.source().index(), edge.target().index(), *edge.weight())).collect();
    let mut ranks = restart.clone();
    let mut next = restart.clone();
    for _ in 0..ROUNDS {
        let stranded: f64 = ranks.iter().zip(&outgoing).filter(|(_, out)| **out == 0.0).map(|(rank, _)| rank).sum();
        let refill = 1.0 - DAMPING + DAMPING * stranded;
        next.iter_mut().zip(&restart).for_each(|(rank, share)| *rank = share * refill);
        for &(source, target, weight) in &edges {
            next[target] += DAMPING * ranks[source] * weight / outgoing[source];
        }
        std::mem::swap(&mut ranks, &mut next);
    }
    ranks.truncate(people);
    ranks
}
