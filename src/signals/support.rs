//! Signals of support and satisfaction: spikes that come with worse satisfaction, open trouble, falling scores.

use super::case::{Case, Finding, Rule};
use crate::observations::Metric;
use crate::wording::{count, day, plural};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    [ticket_spike(case), critical_tickets_open(case), csat_drop(case), nps_detractor(case)]
        .into_iter()
        .flatten()
        .collect()
}

fn ticket_spike(case: &Case) -> Option<Finding> {
    let rule = case.rule("ticket_spike")?;
    let (at, month) = case.whole(Metric::TicketsOpened, 30)?;
    let (usual, usual_at) = monthly_tickets(case)?;
    let fires = month.value >= rule.at("tickets")
        && month.value >= usual * rule.at("growth")
        && month.value - usual >= rule.at("min_sigma") * usual.max(1.0).sqrt();
    let (why, worse_at) = if fires { worse_satisfaction(case, &rule)? } else { return None };
    let sentence = format!(
        "{} opened in 30 days against {} a month before, and {why}.",
        plural(month.value as i64, "ticket", "tickets"),
        count(usual),
    );
    let times = month.value / usual.max(0.5);
    let links = vec![at, usual_at, worse_at];
    Some(rule.finding(rule.strength(times, "growth"), sentence, links).since(month.since()).value(month.value))
}

/// Tickets per 30 days over the half year before the last 30 days, or as much of it as the history holds.
fn monthly_tickets(case: &Case) -> Option<(f64, u32)> {
    let (_, month) = case.whole(Metric::TicketsOpened, 30)?;
    let (at, half_year) = case.whole(Metric::TicketsOpened, 180)?;
    let months = f64::from(case.tenure_days().clamp(60, 180) - 30) / 30.0;
    Some(((half_year.value - month.value).max(0.0) / months, at))
}

/// What got worse beside the number of tickets: satisfaction, or escalations where nobody was asked.
fn worse_satisfaction(case: &Case, rule: &Rule) -> Option<(String, u32)> {
    if let Some((at, csat)) = case.whole(Metric::CsatMean, 30) {
        let before = csat.baseline().or_else(|| case.whole(Metric::CsatMean, 180).map(|(_, o)| o.value));
        let fell = before.is_some_and(|before| csat.value <= before - rule.at("csat_drop"));
        let poor = csat.value <= rule.at("poor_csat");
        let from = before.map_or(String::new(), |before| format!(", after {}", count(before)));
        return (fell || poor).then(|| (format!("satisfaction stands at {} of 10{from}", count(csat.value)), at));
    }
    let (at, escalated) = case.whole(Metric::TicketsEscalated, 30)?;
    (escalated.value > escalated.baseline().unwrap_or(0.0))
        .then(|| (format!("{} were escalated", count(escalated.value)), at))
}

fn critical_tickets_open(case: &Case) -> Option<Finding> {
    let rule = case.rule("critical_tickets_open")?;
    let (at, open) = case.whole(Metric::CriticalTicketsOpen, 0)?;
    let parts = [(Metric::P1Open, "priority 1"), (Metric::EscalationsOpen, "escalated")];
    let parts = parts.iter().filter_map(|(metric, word)| Some((case.whole(metric, 0)?, word)));
    let parts: Vec<_> = parts.filter(|((_, o), _)| o.value >= 1.0).collect();
    let kinds: Vec<String> = parts.iter().map(|((_, o), word)| format!("{} {word}", count(o.value))).collect();
    let sentence = || {
        format!(
            "{} open{}{}.",
            plural(open.value as i64, "critical ticket", "critical tickets"),
            if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) },
            open.since().map_or(String::new(), |since| format!(", the oldest since {}", day(since))),
        )
    };
    let links = [at].into_iter().chain(parts.iter().map(|((at, _), _)| *at)).collect();
    (open.value >= rule.at("tickets")).then(|| {
        rule.finding(rule.strength(open.value, "tickets"), sentence(), links).since(open.since()).value(open.value)
    })
}

/// The deepest fall among ticket and survey satisfaction, over the last 30 or 90 days.
fn csat_drop(case: &Case) -> Option<Finding> {
    let rule = case.rule("csat_drop")?;
    let asked = [(Metric::CsatMean, 30), (Metric::CsatMean, 90), (Metric::SurveyCsatMean, 90)];
    let falls = asked.into_iter().filter_map(|(mean, window)| fall(case, &rule, mean, window));
    falls.max_by(|a, b| a.strength.total_cmp(&b.strength))
}

fn fall(case: &Case, rule: &Rule, mean: Metric, window: i32) -> Option<Finding> {
    let (at, now) = case.whole(mean, window)?;
    let before = now.baseline()?;
    let drop = before - now.value;
    let answers = case.whole(Metric::CsatAnswers, window).filter(|_| mean == Metric::CsatMean);
    let enough = |n: f64| n >= rule.at("min_answers");
    let (given, earlier) = match answers {
        Some((_, o)) => (o.value, o.baseline().unwrap_or(0.0)),
        None => survey_answers(case, window),
    };
    let sentence = || {
        format!(
            "Satisfaction fell to {} of 10 over the last {window} days ({}) from {} before.",
            count(now.value),
            plural(given as i64, "answer", "answers"),
            count(before),
        )
    };
    let fires = enough(given) && enough(earlier) && drop >= rule.at("drop");
    let links = [at].into_iter().chain(answers.map(|(at, _)| at)).collect();
    fires.then(|| rule.finding(rule.strength(drop, "drop"), sentence(), links).since(now.since()).value(drop))
}

/// CSAT surveys answered in the window and in the one before.
fn survey_answers(case: &Case, window: i32) -> (f64, f64) {
    use crate::extracts::tables::SurveyKind;
    let surveys = case.evidence.view.surveys(case.evidence.account).filter(|s| s.kind == SurveyKind::Csat);
    let ages: Vec<i32> = surveys.map(|s| case.day.since(s.at.day()) / window).collect();
    let within = |span: i32| ages.iter().filter(|age| **age == span).count() as f64;
    (within(0), within(1))
}

fn nps_detractor(case: &Case) -> Option<Finding> {
    use crate::extracts::tables::SurveyKind;
    let rule = case.rule("nps_detractor")?;
    let (at, latest) = case.whole(Metric::NpsLatest, 0)?;
    let surveys = case.evidence.view.surveys(case.evidence.account);
    let answer = surveys.filter(|s| s.kind == SurveyKind::Nps).max_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)))?;
    let answered = answer.at.day();
    let earlier = latest.baseline().map_or(String::new(), |before| format!(", after {} before", count(before)));
    let sentence = format!("NPS answer of {} of 10 on {}{earlier}.", count(latest.value), day(answered));
    let fires = latest.value <= rule.at("score") && case.day.since(answered) <= rule.days("days");
    let links = [Some(at), case.whole(Metric::NpsDetractors, 180).map(|(at, _)| at)].into_iter().flatten().collect();
    let mut finding =
        rule.finding(rule.strength(latest.value, "score"), sentence, links).since(Some(answered)).value(latest.value);
    finding.detail.contact = answer.contact;
    fires.then_some(finding)
}
