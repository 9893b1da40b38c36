//! The relationship: contact in both directions, meetings, surveys and conversations. People are in `people`.

use std::collections::BTreeMap;

use super::Metric;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{Activity, ActivityKind, Bound, Channel, Contact, SurveyKind};
use crate::vocabulary::{ContactIx, Day};

pub(super) fn observe(recorder: &mut Recorder) {
    if recorder.has(InputTable::Activities) {
        let activities: Vec<Dated> = recorder.view.activities(recorder.account).map(Dated::of).collect();
        volume(recorder, &activities);
        recency(recorder, &activities);
        meetings(recorder, &activities);
        quality(recorder, &activities);
        if recorder.has(InputTable::Contacts) {
            key_people(recorder, &activities);
        }
    }
    if recorder.has(InputTable::Surveys) {
        surveys(recorder);
    }
    if recorder.has(InputTable::Conversations) && recorder.asks_from(InputTable::Conversations) {
        conversations(recorder);
    }
}

/// An activity and its day, which everything here asks for.
#[derive(Clone, Copy)]
struct Dated<'a> {
    day: Day,
    row: &'a Activity,
}

impl<'a> Dated<'a> {
    fn of(row: &'a Activity) -> Dated<'a> {
        Dated { day: row.at.day(), row }
    }
}

fn days_of(activities: &[Dated], keep: impl Fn(&Activity) -> bool) -> Vec<Day> {
    let mut days = Vec::with_capacity(activities.len());
    days.extend(activities.iter().filter(|activity| keep(activity.row)).map(|activity| activity.day));
    days
}

fn volume(recorder: &mut Recorder, activities: &[Dated]) {
    recorder.counts(Metric::Activities, &days_of(activities, |_| true));
    recorder.counts(Metric::ActivitiesInbound, &days_of(activities, |a| a.direction == Some(Bound::In)));
    let windows = recorder.windows(Metric::ActivitiesOfKind);
    for &kind in ActivityKind::ALL.iter().filter(|_| !windows.is_empty()) {
        let days = days_of(activities, |activity| activity.kind == kind);
        for &window in &windows {
            let fact = recorder.counted(InputTable::Activities, &days, window);
            recorder.member(Metric::ActivitiesOfKind, kind.as_str(), None, window, fact);
        }
    }
    let mut contacted: Vec<(ContactIx, Day)> =
        activities.iter().filter_map(|activity| Some((activity.row.contact?, activity.day))).collect();
    contacted.sort_unstable();
    for window in recorder.windows(Metric::ContactsContacted) {
        let people = |from: i32, to: i32| {
            let within = |of_person: &&[(ContactIx, Day)]| {
                of_person.iter().any(|(_, day)| (from..to).contains(&recorder.age(*day)))
            };
            contacted.chunk_by(|a, b| a.0 == b.0).filter(within).count()
        };
        let (now, before) = (people(0, window), people(window, 2 * window));
        let baseline = recorder.reaches_before(InputTable::Activities, window).then_some(before as f64);
        recorder.account(Metric::ContactsContacted, window, Fact::new(now as f64, now).against(baseline));
    }
}

fn recency(recorder: &mut Recorder, activities: &[Dated]) {
    let last = |days: Vec<Day>| days.into_iter().max();
    let contact = last(days_of(activities, |_| true));
    let began = (recorder.began > Day::MIN).then_some(recorder.began);
    if let Some(day) = contact.or(began) {
        recorder.state(Metric::DaysSinceContact, f64::from(recorder.age(day)), usize::from(contact.is_some()));
    }
    if let Some(day) = last(days_of(activities, |activity| activity.direction == Some(Bound::In))) {
        recorder.state(Metric::DaysSinceInbound, f64::from(recorder.age(day)), 1);
    }
}

fn is_meeting(activity: &Activity) -> bool {
    matches!(activity.kind, ActivityKind::Meeting | ActivityKind::Qbr | ActivityKind::Executive)
}

fn meetings(recorder: &mut Recorder, activities: &[Dated]) {
    let held = |a: &Activity| is_meeting(a) && a.attended != Some(false);
    recorder.counts(Metric::MeetingsHeld, &days_of(activities, held));
    let executive = |a: &Activity| held(a) && a.kind != ActivityKind::Meeting;
    recorder.counts(Metric::ExecutiveMeetings, &days_of(activities, executive));
    let attended = activities.iter().filter(|activity| is_meeting(activity.row));
    let attended: Vec<(Day, f64)> =
        attended.filter_map(|a| Some((a.day, f64::from(u8::from(a.row.attended?))))).collect();
    recorder.means(Metric::MeetingsAttendedShare, &attended);
}

fn quality(recorder: &mut Recorder, activities: &[Dated]) {
    let dated = |value: fn(&Activity) -> Option<f64>| -> Vec<(Day, f64)> {
        activities.iter().filter_map(|a| Some((a.day, value(a.row)?))).collect()
    };
    recorder.medians(Metric::ResponseHours, &dated(|activity| activity.response_hours.get()));
    recorder.means(Metric::SentimentMean, &dated(|activity| activity.sentiment.get()));
}

/// Silence of sponsors and champions. Someone never contacted has been silent since the account could first have
/// contacted them: since they, the account and the activity history were all known.
fn key_people(recorder: &mut Recorder, activities: &[Dated]) {
    let mut last: BTreeMap<ContactIx, Day> = BTreeMap::new();
    for activity in activities {
        if let Some(contact) = activity.row.contact {
            let day = last.entry(contact).or_insert(activity.day);
            *day = (*day).max(activity.day);
        }
    }
    let day = recorder.view.day;
    let present = recorder.view.contacts(recorder.account).filter(|c| !c.gone_on(day));
    let key: Vec<&Contact> = present.filter(|c| c.is_champion || c.is_sponsor).collect();
    let floor = recorder.calendar.began(InputTable::Activities).unwrap_or(day).max(recorder.began);
    let silent_since = |contact: &Contact| {
        last.get(&contact.contact).copied().unwrap_or_else(|| first_known(recorder, contact).max(floor).min(day))
    };
    let silences: Vec<(&Contact, Day)> = key.into_iter().map(|contact| (contact, silent_since(contact))).collect();
    let newest = |keep: fn(&Contact) -> bool| silences.iter().filter(|(c, _)| keep(c)).map(|(_, day)| *day).max();
    let (sponsor, champion) = (newest(|c| c.is_sponsor), newest(|c| c.is_champion));
    for (metric, since) in [(Metric::DaysSinceSponsorContact, sponsor), (Metric::DaysSinceChampionContact, champion)] {
        if let Some(since) = since {
            recorder.state(metric, f64::from(recorder.age(since)), 1);
        }
    }
    if !recorder.asks(Metric::DaysSinceContactOf) {
        return;
    }
    for (contact, since) in silences {
        let id = recorder.view.extracts.ids.contacts.name(contact.contact).clone();
        let metric = Metric::DaysSinceContactOf;
        let fact = Fact::new(f64::from(recorder.age(since)), usize::from(last.contains_key(&contact.contact)));
        recorder.record(metric, metric.of(&id), None, 0, fact.since(Some(since)));
    }
}

/// When the person was first known, or joined, whichever is later.
fn first_known(recorder: &Recorder, contact: &Contact) -> Day {
    let versions = recorder.view.contact_versions(recorder.account).filter(|v| v.contact == contact.contact);
    let known = versions.map(|version| version.seen.known).min().unwrap_or(Day::MIN);
    contact.joined_on.map_or(known, |joined| joined.max(known))
}

fn surveys(recorder: &mut Recorder) {
    let mut nps: Vec<(Day, f64)> = Vec::new();
    let mut days = Vec::new();
    for survey in recorder.view.surveys(recorder.account) {
        days.push(survey.at.day());
        if survey.kind == SurveyKind::Nps {
            nps.push((survey.at.day(), survey.score));
        }
    }
    recorder.counts(Metric::SurveyAnswers, &days);
    recorder.means(Metric::NpsMean, &nps);
    let detractors: Vec<Day> = nps.iter().filter(|(_, score)| *score <= 6.0).map(|(day, _)| *day).collect();
    recorder.counts(Metric::NpsDetractors, &detractors);
    if let Some((day, score)) = nps.last() {
        let before = nps.len().checked_sub(2).map(|position| nps[position].1);
        recorder.account(Metric::NpsLatest, 0, Fact::new(*score, 1).against(before).since(Some(*day)));
    }
}

fn conversations(recorder: &mut Recorder) {
    let rows = recorder.view.conversations(recorder.account);
    let texts: Vec<(Channel, Day)> = rows.map(|row| (row.channel, row.at.day())).collect();
    let days: Vec<Day> = texts.iter().map(|(_, day)| *day).collect();
    recorder.counts(Metric::ConversationTexts, &days);
    let requests: Vec<Day> =
        texts.iter().filter(|(channel, _)| *channel == Channel::FeatureRequest).map(|(_, day)| *day).collect();
    recorder.counts(Metric::FeatureRequests, &requests);
}
