//! What happened at the customer, by kind.

use super::Metric;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{AccountEvent, EventKind};
use crate::vocabulary::Day;

pub(super) fn observe(recorder: &mut Recorder) {
    if !recorder.has(InputTable::AccountEvents) || !recorder.asks_from(InputTable::AccountEvents) {
        return;
    }
    let events: Vec<&AccountEvent> = recorder.view.account_events(recorder.account).collect();
    for &kind in EventKind::ALL {
        let of_kind: Vec<&AccountEvent> = events.iter().copied().filter(|event| event.kind == kind).collect();
        if let Some(last) = of_kind.iter().map(|event| event.occurred_on).max() {
            counts(recorder, kind, &of_kind);
            magnitudes(recorder, kind, &of_kind);
            let metric = Metric::DaysSinceEvent;
            let fact = Fact::new(f64::from(recorder.age(last)), of_kind.len()).since(Some(last));
            recorder.record(metric, metric.of(kind.as_str()), None, 0, fact);
        }
    }
}

fn counts(recorder: &mut Recorder, kind: EventKind, events: &[&AccountEvent]) {
    let days: Vec<Day> = events.iter().map(|event| event.occurred_on).collect();
    for &window in Metric::EventsOfKind.spec().windows {
        let fact = recorder.counted(InputTable::AccountEvents, &days, window);
        recorder.member(Metric::EventsOfKind, kind.as_str(), None, window, fact);
    }
}

/// Sums of amounts and counts; a headcount is a level, so its last figure stands against the last one before the window.
fn magnitudes(recorder: &mut Recorder, kind: EventKind, events: &[&AccountEvent]) {
    let mut dated: Vec<(Day, f64)> = events.iter().filter_map(|e| Some((e.occurred_on, e.magnitude?))).collect();
    dated.sort_by_key(|(day, _)| *day);
    for &window in Metric::EventMagnitude.spec().windows {
        let (before, now): (Vec<_>, Vec<_>) = dated.iter().partition(|(day, _)| recorder.age(*day) >= window);
        let fact = if kind == EventKind::Headcount {
            let last = |part: &[(Day, f64)]| part.last().map(|(_, value)| *value);
            last(&now).map(|value| Fact::new(value, now.len()).against(last(&before)))
        } else {
            let sum = |values: &mut Vec<f64>| (!values.is_empty()).then(|| values.iter().sum());
            recorder.summed_up(&dated, window, sum)
        };
        if let Some(fact) = fact {
            recorder.member(Metric::EventMagnitude, kind.as_str(), None, window, fact);
        }
    }
}
