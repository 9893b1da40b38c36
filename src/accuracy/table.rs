//! The accuracy page: one line per signal, the definitions it is judged by, and the forecasts' coverage.

use std::fmt::Write;

use super::{Report, Score, explanation};
use crate::simulate::Params;
use crate::simulate::truth::definitions::RULES;

/// Precision and recall that are asked for without and with noise.
const EXACT_TARGET: f64 = 0.95;
const NOISY_TARGET: f64 = 0.85;
/// Share of breaches that should lie between P10 and P90.
const COVERAGE: std::ops::RangeInclusive<f64> = 0.75..=0.85;

/// The page as Markdown, from the reports of the same worlds without and with noise.
pub fn markdown(worlds: &[Params], exact: &Report, noisy: &Report) -> String {
    let mut page = String::from("# How well the signals find what is there\n\n");
    let seeds: Vec<String> = worlds.iter().map(|world| world.seed.to_string()).collect();
    let (accounts, days) = worlds.first().map_or((0, 0), |world| (world.accounts, world.days));
    let _ = writeln!(
        page,
        "Written by `foothold accuracy`: worlds of {accounts} accounts and {days} days with seeds {}, each made twice, \
         without and with noise, and judged on its last day against `truth/`. {} customers without noise, {} with.\n\n\
         *n* is the number of accounts on which the definition holds. The target is precision and recall of at least \
         {EXACT_TARGET} without noise and {NOISY_TARGET} with it; figures below it are **bold**. Thresholds that the \
         nightly run learns stand at their starting values here.\n",
        seeds.join(", "),
        exact.accounts,
        noisy.accounts,
    );
    signals(&mut page, exact, noisy);
    coverage(&mut page, exact, noisy);
    shortfalls(&mut page, exact, noisy);
    definitions(&mut page);
    page
}

fn signals(page: &mut String, exact: &Report, noisy: &Report) {
    page.push_str(
        "| signal | n | precision | recall | n (noise) | precision | recall |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    let none = Score::default();
    for rule in RULES {
        let (plain, blurred) =
            (exact.signals.get(rule.signal).unwrap_or(&none), noisy.signals.get(rule.signal).unwrap_or(&none));
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            rule.signal,
            plain.n(),
            figure(plain.precision(), EXACT_TARGET),
            figure(plain.recall(), EXACT_TARGET),
            blurred.n(),
            figure(blurred.precision(), NOISY_TARGET),
            figure(blurred.recall(), NOISY_TARGET),
        );
    }
}

fn figure(share: Option<f64>, target: f64) -> String {
    match share {
        None => "–".into(),
        Some(share) if share < target => format!("**{share:.3}**"),
        Some(share) => format!("{share:.3}"),
    }
}

fn coverage(page: &mut String, exact: &Report, noisy: &Report) {
    let (low, high) = (COVERAGE.start() * 100.0, COVERAGE.end() * 100.0);
    let _ = writeln!(
        page,
        "\n## Breach dates\n\nForecasts made every two months on earlier days, graded by what came: the share of breaches between P10 and P90 \
         should lie between {low:.0} % and {high:.0} %. Ceilings not reached by the end count as censored (Kaplan–Meier).\n\n\
         | world | forecasts | breaches | before P10 | P10–P90 | after P90 | 95 % interval of P10–P90 |\n|---|--:|--:|--:|--:|--:|--:|"
    );
    for (noise, report) in [("no noise", exact), ("noise", noisy)] {
        for (seed, c) in &report.coverage {
            let within = figure_within(c.within);
            let _ = writeln!(
                page,
                "| seed {seed}, {noise} | {} | {} | {:.1} % | {within} | {:.1} % | {:.1}–{:.1} % |",
                c.forecasts,
                c.breaches,
                c.early * 100.0,
                c.late * 100.0,
                c.low * 100.0,
                c.high * 100.0,
            );
        }
    }
}

fn figure_within(share: f64) -> String {
    if COVERAGE.contains(&share) { format!("{:.1} %", share * 100.0) } else { format!("**{:.1} %**", share * 100.0) }
}

fn shortfalls(page: &mut String, exact: &Report, noisy: &Report) {
    page.push_str("\n## What falls short, and why\n\n");
    let reaches =
        |report: &Report, signal: &str, target: f64| report.signals.get(signal).is_none_or(|s| s.reaches(target));
    let short: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.signal)
        .filter(|signal| !reaches(exact, signal, EXACT_TARGET) || !reaches(noisy, signal, NOISY_TARGET))
        .collect();
    if short.is_empty() {
        page.push_str("Nothing.\n");
    }
    for signal in short {
        let _ = writeln!(page, "- **{signal}**: {}", explanation(signal).unwrap_or("not explained yet."));
    }
}

fn definitions(page: &mut String) {
    page.push_str("\n## Definitions\n\nEach is computed from the noise-free state of the generator, not by the detectors.\n\n| signal | holds when |\n|---|---|\n");
    for rule in RULES {
        let _ = writeln!(page, "| {} | {} |", rule.signal, rule.definition);
    }
}
