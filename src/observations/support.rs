//! Support: tickets, how fast and how well they were answered, and what is open.

use super::Metric;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{Priority, SurveyKind, Ticket};
use crate::vocabulary::Day;

pub(super) fn observe(recorder: &mut Recorder) {
    if recorder.has(InputTable::Tickets) {
        let tickets: Vec<&Ticket> = recorder.view.tickets(recorder.account).collect();
        opened(recorder, &tickets);
        open(recorder, &tickets);
        answered(recorder, &tickets);
    }
    if recorder.has(InputTable::Surveys) {
        let csat = recorder.view.surveys(recorder.account).filter(|survey| survey.kind == SurveyKind::Csat);
        let scores: Vec<(Day, f64)> = csat.map(|survey| (survey.at.day(), survey.score)).collect();
        recorder.means(Metric::SurveyCsatMean, &scores);
    }
}

fn opened(recorder: &mut Recorder, tickets: &[&Ticket]) {
    let opened_where = |keep: &dyn Fn(&Ticket) -> bool| -> Vec<Day> {
        tickets.iter().filter(|ticket| keep(ticket)).map(|ticket| ticket.opened_at.day()).collect()
    };
    recorder.counts(Metric::TicketsOpened, &opened_where(&|_| true));
    recorder.counts(Metric::TicketsEscalated, &opened_where(&|ticket| ticket.escalated == Some(true)));
    recorder.counts(Metric::TicketsP1, &opened_where(&|ticket| ticket.priority == Some(Priority::P1)));
    recorder.counts(Metric::TicketTexts, &opened_where(&|ticket| ticket.subject.is_some() || ticket.body.is_some()));
}

fn open(recorder: &mut Recorder, tickets: &[&Ticket]) {
    let day = recorder.view.day;
    let open: Vec<&Ticket> = tickets.iter().copied().filter(|ticket| ticket.open_on(day)).collect();
    let p1 = |ticket: &&Ticket| ticket.priority == Some(Priority::P1);
    let escalated = |ticket: &&Ticket| ticket.escalated == Some(true);
    let count = |keep: &dyn Fn(&&Ticket) -> bool| open.iter().filter(|ticket| keep(ticket)).count();
    let (p1_open, escalations_open) = (count(&p1), count(&escalated));
    let critical = open.iter().filter(|ticket| p1(ticket) || escalated(ticket));
    let oldest = critical.clone().map(|ticket| ticket.opened_at.day()).min();
    let critical = critical.count();
    recorder.state(Metric::TicketsOpen, open.len() as f64, open.len());
    recorder.state(Metric::P1Open, p1_open as f64, p1_open);
    recorder.state(Metric::EscalationsOpen, escalations_open as f64, escalations_open);
    recorder.account(Metric::CriticalTicketsOpen, 0, Fact::new(critical as f64, critical).since(oldest));
}

fn answered(recorder: &mut Recorder, tickets: &[&Ticket]) {
    let day = recorder.view.day;
    let scored = tickets.iter().filter_map(|ticket| Some((ticket.opened_at.day(), ticket.csat_on(day)?)));
    let scores: Vec<(Day, f64)> = scored.collect();
    let days: Vec<Day> = scores.iter().map(|(day, _)| *day).collect();
    recorder.means(Metric::CsatMean, &scores);
    recorder.counts(Metric::CsatAnswers, &days);

    let resolved = tickets.iter().filter_map(|ticket| Some((ticket, ticket.resolved_at?)));
    let resolved = resolved.filter(|(_, at)| at.day() <= day);
    let hours: Vec<(Day, f64)> =
        resolved.map(|(ticket, at)| (at.day(), (at.0 - ticket.opened_at.0).max(0) as f64 / 3.6e9)).collect();
    recorder.medians(Metric::ResolutionHours, &hours);
}
