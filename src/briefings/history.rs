//! The account's story in a few lines: contract changes, deals, news — newest first.

use serde::Serialize;

use crate::extracts::tables::{Stage, Subscription};
use crate::history::View;
use crate::vocabulary::{AccountIx, Day};
use crate::wording;

/// One dated line.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    #[serde(skip)]
    pub day: Day,
    pub when: String,
    pub what: String,
}

impl Event {
    fn new(day: Day, what: String) -> Event {
        Event { day, when: wording::day(day), what }
    }
}

/// The newest `limit` events of the account, newest first.
pub fn events(view: View, account: AccountIx, limit: usize) -> Vec<Event> {
    let mut events = contract_changes(view, account);
    events.extend(deals(view, account));
    events.extend(news(view, account));
    events.sort_by(|a, b| b.cmp(a));
    events.dedup();
    events.truncate(limit);
    events
}

fn contract_changes(view: View, account: AccountIx) -> Vec<Event> {
    let mut versions: Vec<&Subscription> = view.subscription_versions(account).collect();
    versions.sort_by(|a, b| {
        (a.product, &a.id, a.seen.known, a.starts_on).cmp(&(b.product, &b.id, b.seen.known, b.starts_on))
    });
    let mut events = Vec::new();
    for (position, now) in versions.iter().enumerate() {
        let before = position.checked_sub(1).map(|p| versions[p]).filter(|before| before.id == now.id);
        events.extend(contract_change(view, before, now));
        let cancelled =
            now.cancelled_on.filter(|day| *day <= view.day && before.is_none_or(|b| b.cancelled_on.is_none()));
        events.extend(cancelled.map(|day| Event::new(day, format!("{} cancelled", product(view, now)))));
    }
    events
}

/// What one subscription version changed against the one before it.
fn contract_change(view: View, before: Option<&Subscription>, now: &Subscription) -> Option<Event> {
    let name = product(view, now);
    let Some(before) = before else {
        let what = format!("Bought {name} {} at ARR {}", wording::words(&now.tier), wording::money(now.arr));
        return Some(Event::new(now.starts_on, what));
    };
    let day = now.starts_on.max(now.seen.known).min(view.day);
    if before.tier != now.tier {
        return Some(Event::new(
            day,
            format!("{name}: {} → {}, ARR {}", before.tier, now.tier, wording::money(now.arr)),
        ));
    }
    match (before.units, now.units) {
        (Some(a), Some(b)) if a != b => {
            Some(Event::new(day, format!("{name}: {} → {} units", wording::count(a), wording::count(b))))
        }
        _ if (before.arr - now.arr).abs() > before.arr * 0.05 => {
            Some(Event::new(day, format!("{name}: ARR {} → {}", wording::money(before.arr), wording::money(now.arr))))
        }
        _ => None,
    }
}

fn product(view: View, s: &Subscription) -> String {
    view.extracts.product(s.product).name.to_string()
}

fn deals(view: View, account: AccountIx) -> Vec<Event> {
    let deals = view.opportunities(account).map(|deal| {
        let kind = wording::capital(&wording::words(deal.kind.as_str()));
        let arr = deal.arr_delta_on(view.day).filter(|arr| *arr != 0.0);
        let arr = arr.map_or_else(String::new, |arr| format!(", ARR {}", wording::money(arr)));
        match deal.stage_on(view.day) {
            Stage::Open => Event::new(deal.opened_on, format!("{kind} deal opened{arr}")),
            Stage::Won => Event::new(deal.closed_on.unwrap_or(deal.opened_on), format!("{kind} deal won{arr}")),
            Stage::Lost => Event::new(deal.closed_on.unwrap_or(deal.opened_on), format!("{kind} deal lost")),
        }
    });
    deals.collect()
}

fn news(view: View, account: AccountIx) -> Vec<Event> {
    let news = view.account_events(account).map(|event| {
        let kind = wording::words(event.kind.as_str());
        let amount = event.magnitude.map_or_else(String::new, |n| format!(" ({})", wording::count(n)));
        // A feed often repeats the kind as its detail; that tells the reader nothing.
        let detail = event.detail.as_ref().filter(|detail| !detail.to_lowercase().ends_with(&kind));
        let detail = detail.map_or_else(String::new, |detail| format!(": {}", shortened(detail)));
        Event::new(event.occurred_on, format!("{}{amount}{detail}", wording::capital(&kind)))
    });
    news.collect()
}

/// At most 90 characters, cut at a word.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(90) {
        None => text,
        Some((end, _)) => {
            let cut = text[..end].rfind(' ').unwrap_or(end);
            format!("{}…", &text[..cut])
        }
    }
}
