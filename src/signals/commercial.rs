//! Signals of invoices and connections: trouble with payment, a growing footprint, products that compete with ours.

use super::case::{Case, Finding, Rule};
use crate::observations::Metric;
use crate::wording::{count, day, list, money, plural};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let mut found: Vec<Finding> = payment_trouble(case).into_iter().collect();
    found.extend(integration_growth(case));
    found.extend(competitor_export(case));
    found
}

fn payment_trouble(case: &Case) -> Option<Finding> {
    let rule = case.rule("payment_trouble")?;
    overdue(case, &rule).or_else(|| disputed(case, &rule)).or_else(|| paid_late(case, &rule))
}

fn overdue(case: &Case, rule: &Rule) -> Option<Finding> {
    let (at, days) = case.whole(Metric::DaysOverdueMax, 0)?;
    let unpaid = case.whole(Metric::InvoicesOverdue, 0);
    let amount = case.whole(Metric::OverdueAmount, 0);
    let disputes = case.whole(Metric::InvoicesDisputed, 0).filter(|(_, o)| o.value >= 1.0);
    let sentence = || {
        format!(
            "{} unpaid and past due{}, the oldest by {}{}.",
            plural(unpaid.map_or(1, |(_, o)| o.value as i64), "invoice", "invoices"),
            amount.map_or(String::new(), |(_, o)| format!(" ({})", money(o.value))),
            plural(days.value as i64, "day", "days"),
            disputes.map_or(String::new(), |(_, o)| format!("; {} disputed", count(o.value))),
        )
    };
    let links = [Some((at, days)), unpaid, amount, disputes].into_iter().flatten().map(|(at, _)| at).collect();
    let since = unpaid.and_then(|(_, o)| o.since());
    (days.value >= rule.at("days_overdue")).then(|| {
        rule.finding(rule.strength(days.value, "days_overdue"), sentence(), links).since(since).value(days.value)
    })
}

fn disputed(case: &Case, rule: &Rule) -> Option<Finding> {
    let (at, disputes) = case.whole(Metric::InvoicesDisputed, 0)?;
    let sentence = || format!("{} disputed and unpaid.", plural(disputes.value as i64, "invoice", "invoices"));
    let strength = super::saturating(disputes.value, rule.at("disputed"), rule.at("disputed") + 2.0);
    (disputes.value >= rule.at("disputed"))
        .then(|| rule.finding(strength, sentence(), vec![at]).since(disputes.since()).value(disputes.value))
}

fn paid_late(case: &Case, rule: &Rule) -> Option<Finding> {
    let (at, late) = case.whole(Metric::DaysLateMean, 180)?;
    let (issued_at, issued) = case.whole(Metric::InvoicesIssued, 180)?;
    let sentence = || {
        format!(
            "{} of the last 180 days were paid {} late on average.",
            plural(issued.value as i64, "invoice", "invoices"),
            plural(late.value.round() as i64, "day", "days"),
        )
    };
    let fires = late.value >= rule.at("days_late") && issued.value >= rule.at("min_invoices");
    fires.then(|| {
        rule.finding(rule.strength(late.value, "days_late"), sentence(), vec![at, issued_at]).value(late.value)
    })
}

fn integration_growth(case: &Case) -> Option<Finding> {
    let rule = case.rule("integration_growth").filter(|rule| case.grown_up(rule))?;
    let (at, connected) = case.whole(Metric::IntegrationsConnected, 90)?;
    let categories = case.whole(Metric::IntegrationCategoriesNew, 90);
    let new_kinds = categories.map_or(0.0, |(_, o)| o.value);
    let recent: Vec<_> = case
        .evidence
        .view
        .integrations(case.evidence.account)
        .filter(|i| i.connected_on > case.day.minus(90))
        .collect();
    let names: Vec<&str> = recent.iter().rev().take(3).map(|i| &*i.integration).collect();
    let sentence = || {
        format!(
            "{} connected in 90 days{}{}.",
            plural(connected.value as i64, "integration", "integrations"),
            if new_kinds > 0.0 { format!(", {} of a new category", count(new_kinds)) } else { String::new() },
            if names.is_empty() { String::new() } else { format!(": {}", list(&names)) },
        )
    };
    let links = [at].into_iter().chain(categories.map(|(at, _)| at)).collect();
    let fires = connected.value >= rule.at("connected") || new_kinds >= rule.at("categories");
    fires.then(|| {
        let strength = rule.strength(connected.value.max(rule.at("connected")), "connected");
        let since = recent.iter().map(|i| i.connected_on).min();
        rule.finding(strength, sentence(), links).since(since).value(connected.value)
    })
}

fn competitor_export(case: &Case) -> Vec<Finding> {
    let Some(rule) = case.rule("competitor_export") else { return Vec::new() };
    let rivals = case.facts(Metric::CompetingIntegrations.name()).filter(|(_, o)| o.value >= rule.at("connected"));
    let rivals = rivals.filter(|(_, o)| o.since().is_none_or(|since| case.day.since(since) <= rule.days("days")));
    rivals
        .filter_map(|(at, o)| Some((at, o, o.product()?)))
        .map(|(at, o, product)| {
            let exports = case.whole(Metric::ExportEvents, 30).filter(|(_, e)| e.value > 0.0);
            let names = competing(case, product);
            let sentence = format!(
                "{} with {} connected{}, in competition with {}{}.",
                plural(o.value as i64, "integration", "integrations"),
                if names.is_empty() { "a competing product".into() } else { list(&names) },
                o.since().map_or(String::new(), |since| format!(" since {}", day(since))),
                case.product_name(product),
                exports.map_or(String::new(), |(_, e)| format!("; {} exports in 30 days", count(e.value))),
            );
            let links = [at].into_iter().chain(exports.map(|(at, _)| at)).collect();
            let strength = rule.strength(o.value, "connected");
            rule.finding(strength, sentence, links).product(Some(product)).since(o.since()).value(o.value)
        })
        .collect()
}

/// Names of the connected integrations that compete with a product of ours.
fn competing(case: &Case, product: crate::vocabulary::ProductIx) -> Vec<String> {
    let integrations = case.evidence.view.integrations(case.evidence.account);
    let connected = integrations.filter(|i| i.competes_with == Some(product));
    let connected = connected.filter(|i| i.disconnected_on.is_none_or(|gone| gone > case.day));
    connected.map(|i| i.integration.to_string()).take(3).collect()
}
