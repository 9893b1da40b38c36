//! The combined signal: several independent signs of satisfaction at the same time.

use super::case::{Case, Finding, Rule};
use crate::extracts::tables::EventKind;
use crate::observations::Metric;
use crate::wording::{ago, capital, change, count, list, plural};

/// One sign that holds, in words, and the observation that shows it.
type Sign = (String, u32);

pub(super) fn find(case: &Case) -> Vec<Finding> {
    sentiment_convergence(case).into_iter().collect()
}

fn sentiment_convergence(case: &Case) -> Option<Finding> {
    let rule = case.rule("sentiment_convergence")?;
    let signs = [high_nps(case, &rule), rising_use(case, &rule), executives(case, &rule), advocacy(case, &rule)];
    let signs: Vec<Sign> = signs.into_iter().flatten().collect();
    let number = signs.len() as f64;
    let words: Vec<&str> = signs.iter().map(|(sign, _)| sign.as_str()).collect();
    let sentence = || format!("{} of 4 signs together: {}.", capital(&count(number)), list(&words));
    let links = signs.iter().map(|(_, at)| *at).collect();
    (number >= rule.at("signs")).then(|| rule.finding(rule.strength(number, "signs"), sentence(), links).value(number))
}

fn high_nps(case: &Case, rule: &Rule) -> Option<Sign> {
    let (at, nps) = case.whole(Metric::NpsLatest, 0)?;
    let answered = case.evidence.view.surveys(case.evidence.account).map(|s| s.at.day()).max()?;
    let recent = case.day.since(answered) <= rule.days("nps_days");
    (recent && nps.value >= rule.at("nps")).then(|| (format!("NPS {}", count(nps.value)), at))
}

fn rising_use(case: &Case, rule: &Rule) -> Option<Sign> {
    let (at, o) = case.whole(Metric::ActiveUsers, 60).or_else(|| case.whole(Metric::UsageIndex, 60))?;
    let rise = o.change().filter(|rise| *rise >= rule.at("growth"))?;
    Some((format!("use {} over 60 days", change(rise)), at))
}

fn executives(case: &Case, rule: &Rule) -> Option<Sign> {
    let (at, met) = case.whole(Metric::ExecutiveMeetings, 90)?;
    let meetings = plural(met.value as i64, "executive meeting", "executive meetings");
    (met.value >= rule.at("meetings")).then(|| (format!("{meetings} in 90 days"), at))
}

fn advocacy(case: &Case, rule: &Rule) -> Option<Sign> {
    let kinds = [(EventKind::AdvocacyReview, "public review"), (EventKind::CaseStudy, "case study")];
    let seen =
        kinds.iter().filter_map(|(kind, word)| Some((case.whole(Metric::DaysSinceEvent.of(kind.as_str()), 0)?, word)));
    let ((at, age), word) = seen.min_by(|a, b| a.0.1.value.total_cmp(&b.0.1.value))?;
    (age.value <= rule.at("advocacy_days")).then(|| (format!("a {word} {}", ago(age.value as i64)), at))
}
