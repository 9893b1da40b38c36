//! People at the account: who is there, who joined, left or rose. Who matters is for the stakeholder graph to say.

use std::collections::{BTreeMap, BTreeSet};

use super::Metric;
use super::recorder::{Fact, Recorder};
use crate::extracts::InputTable;
use crate::extracts::tables::{Contact, Seniority};
use crate::vocabulary::Day;

/// Words in a title or department that mark those who buy.
const PROCUREMENT: [&str; 3] = ["procurement", "purchasing", "sourcing"];

pub(super) fn observe(recorder: &mut Recorder) {
    if !recorder.has(InputTable::Contacts) {
        return;
    }
    let histories = histories(recorder);
    present(recorder, &histories);
    changes(recorder, &histories);
    departments(recorder, &histories);
}

/// One person: all versions known, oldest first, and the day they appeared.
struct History<'a> {
    versions: Vec<&'a Contact>,
    /// The day they joined, else the day they were first recorded; `None` for those there since records began.
    appeared: Option<Day>,
}

impl History<'_> {
    fn now(&self) -> &Contact {
        self.versions[self.versions.len() - 1]
    }
}

fn histories<'a>(recorder: &Recorder<'a>) -> Vec<History<'a>> {
    let mut versions: Vec<&Contact> = recorder.view.contact_versions(recorder.account).collect();
    versions.sort_by_key(|version| (version.contact, version.seen.known));
    let records_began = recorder.calendar.began(InputTable::Contacts).unwrap_or(Day::MIN).max(recorder.began);
    let person = |versions: &[&'a Contact]| {
        let now = versions[versions.len() - 1];
        let first_known = Some(versions[0].seen.known).filter(|day| *day > records_began);
        let appeared = now.joined_on.or(first_known).filter(|day| *day <= recorder.view.day);
        History { versions: versions.to_vec(), appeared }
    };
    versions.chunk_by(|a, b| a.contact == b.contact).map(person).collect()
}

fn is_executive(contact: &Contact) -> bool {
    contact.seniority.is_some_and(|seniority| seniority >= Seniority::Vp)
}

/// Whether the person buys by profession.
pub fn is_procurement(contact: &Contact) -> bool {
    let mut texts = [&contact.title, &contact.department].into_iter().flatten();
    texts.any(|text| PROCUREMENT.iter().any(|word| says(text, word)))
}

/// Whether the text contains the ASCII word, in upper or lower case.
fn says(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

fn present(recorder: &mut Recorder, histories: &[History]) {
    let day = recorder.view.day;
    let present: Vec<&History> = histories.iter().filter(|h| !h.now().gone_on(day)).collect();
    let mut count = |metric: Metric, keep: fn(&Contact) -> bool| {
        let n = present.iter().filter(|history| keep(history.now())).count();
        recorder.state(metric, n as f64, n);
    };
    count(Metric::ContactsPresent, |_| true);
    count(Metric::ChampionsPresent, |contact| contact.is_champion);
    count(Metric::SponsorsPresent, |contact| contact.is_sponsor);
    count(Metric::ExecutivesPresent, is_executive);
    let departments: BTreeSet<&str> = present.iter().filter_map(|h| h.now().department.as_deref()).collect();
    recorder.state(Metric::DepartmentsPresent, departments.len() as f64, present.len());
    let buyers: Vec<&&History> = present.iter().filter(|history| is_procurement(history.now())).collect();
    let newest = buyers.iter().filter_map(|history| history.appeared).max();
    let fact = Fact::new(buyers.len() as f64, buyers.len()).since(newest);
    recorder.account(Metric::ProcurementContacts, 0, fact);
}

fn changes(recorder: &mut Recorder, histories: &[History]) {
    let day = recorder.view.day;
    let joined = |keep: fn(&Contact) -> bool| -> Vec<Day> {
        histories.iter().filter(|h| keep(h.now())).filter_map(|history| history.appeared).collect()
    };
    let left = |keep: fn(&Contact) -> bool| -> Vec<Day> {
        let gone = histories.iter().filter(|h| h.now().gone_on(day) && h.versions.iter().any(|v| keep(v)));
        gone.filter_map(|history| history.now().left_on).collect()
    };
    recorder.counts(Metric::ContactsJoined, &joined(|_| true));
    recorder.counts(Metric::ExecutivesJoined, &joined(is_executive));
    recorder.counts(Metric::ContactsLeft, &left(|_| true));
    recorder.counts(Metric::ExecutivesLeft, &left(is_executive));
    let key = left(|contact| contact.is_champion || contact.is_sponsor);
    let last = key.iter().max().copied();
    for window in recorder.windows(Metric::KeyContactsLeft) {
        let fact = recorder.counted(InputTable::Contacts, &key, window);
        let since = last.filter(|_| fact.value > 0.0);
        recorder.account(Metric::KeyContactsLeft, window, fact.since(since));
    }
    recorder.counts(Metric::Promotions, &promotions(histories, |_| true));
    recorder.counts(Metric::ChampionPromotions, &promotions(histories, |contact| contact.is_champion));
}

/// Days on which a version with a higher seniority was recorded.
fn promotions(histories: &[History], keep: fn(&Contact) -> bool) -> Vec<Day> {
    let rises = |history: &History| -> Vec<Day> {
        let pairs = history.versions.windows(2).filter(|pair| keep(pair[0]) || keep(pair[1]));
        let rises = pairs.filter(|pair| pair[0].seniority.is_some() && pair[1].seniority > pair[0].seniority);
        rises.map(|pair| pair[1].seen.known).collect()
    };
    histories.iter().flat_map(rises).collect()
}

fn departments(recorder: &mut Recorder, histories: &[History]) {
    if !recorder.asks(Metric::DepartmentsNew) {
        return;
    }
    let mut first: BTreeMap<&str, Day> = BTreeMap::new();
    for history in histories {
        if let Some(department) = history.now().department.as_deref() {
            let appeared = history.appeared.unwrap_or(Day::MIN);
            let day = first.entry(department).or_insert(appeared);
            *day = (*day).min(appeared);
        }
    }
    let days: Vec<Day> = first.into_values().collect();
    for window in recorder.windows(Metric::DepartmentsNew) {
        let others_before = days.iter().any(|day| recorder.age(*day) >= window);
        if others_before || days.is_empty() {
            let fact = recorder.counted(InputTable::Contacts, &days, window);
            recorder.account(Metric::DepartmentsNew, window, fact);
        }
    }
}
