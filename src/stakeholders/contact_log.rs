//! When each person was in touch with us, met whom, and used the product.

use std::collections::BTreeMap;

use super::Settings;
use crate::extracts::InputTable;
use crate::extracts::tables::{ActivityKind, DayUse};
use crate::history::View;
use crate::vocabulary::{AccountIx, ContactIx, Day, UserIx};

/// Active days are counted in a bit set of this many days.
const MAX_ACTIVE_DAYS: i32 = 128;

/// Touches of one account by contact, and use by user.
pub(super) struct ContactLog {
    /// Contact and day of each touch, sorted.
    touches: Vec<(ContactIx, Day)>,
    /// Who met with us on each day: calls, meetings and reviews within `interaction_days`.
    pub meetings: BTreeMap<Day, Vec<ContactIx>>,
    /// Days of use of each user within `active_days`, by user; `None` when feature usage is unavailable.
    active_days: Option<Vec<(UserIx, u32)>>,
}

impl ContactLog {
    /// A touch is an activity, a conversation or a survey answer of the contact; a meeting that nobody came to is none.
    pub(super) fn of(view: View, account: AccountIx, settings: &Settings) -> ContactLog {
        let mut touches: Vec<(ContactIx, Day)> = Vec::new();
        let mut meetings: BTreeMap<Day, Vec<ContactIx>> = BTreeMap::new();
        for activity in view.activities(account).filter(|activity| activity.attended != Some(false)) {
            let (Some(contact), day) = (activity.contact, activity.at.day()) else { continue };
            touches.push((contact, day));
            if is_meeting(activity.kind) && view.day.since(day) < settings.interaction_days {
                meetings.entry(day).or_default().push(contact);
            }
        }
        let conversations = view.conversations(account).filter_map(|row| Some((row.contact?, row.at.day())));
        let surveys = view.surveys(account).filter_map(|row| Some((row.contact?, row.at.day())));
        touches.extend(conversations.chain(surveys));
        touches.sort_unstable();
        meetings.values_mut().for_each(|people| {
            people.sort_unstable();
            people.dedup();
        });
        ContactLog { touches, meetings, active_days: active_days(view, account, settings.active_days) }
    }

    pub(super) fn last(&self, contact: ContactIx) -> Option<Day> {
        self.of_contact(contact).last().map(|(_, day)| *day)
    }

    /// Touches on or after `from`.
    pub(super) fn count_since(&self, contact: ContactIx, from: Day) -> usize {
        let touches = self.of_contact(contact);
        touches.len() - touches.partition_point(|(_, day)| *day < from)
    }

    fn of_contact(&self, contact: ContactIx) -> &[(ContactIx, Day)] {
        let from = self.touches.partition_point(|(other, _)| *other < contact);
        let n = self.touches[from..].partition_point(|(other, _)| *other == contact);
        &self.touches[from..from + n]
    }

    /// `None` without feature usage, or for a person without a user id.
    pub(super) fn active_days(&self, user: Option<UserIx>) -> Option<u32> {
        let (active, user) = (self.active_days.as_ref()?, user?);
        Some(active.binary_search_by_key(&user, |(user, _)| *user).map_or(0, |at| active[at].1))
    }
}

fn is_meeting(kind: ActivityKind) -> bool {
    matches!(kind, ActivityKind::Call | ActivityKind::Meeting | ActivityKind::Qbr | ActivityKind::Executive)
}

/// By user: the rows of a user stand together.
fn active_days(view: View, account: AccountIx, days: i32) -> Option<Vec<(UserIx, u32)>> {
    if !view.extracts.has(InputTable::FeatureUsage) {
        return None;
    }
    let since = view.day.minus(days.min(MAX_ACTIVE_DAYS) - 1);
    let mut log = view.extracts.feature_usage.known(account, view.day, Day::MIN..since);
    let (mut seen, mut uses): (Vec<(UserIx, u128)>, Vec<DayUse>) = (Vec::new(), Vec::new());
    while let Some((user, _)) = log.next_run(&mut uses) {
        let recent = uses.iter().rev().take_while(|use_| use_.day >= since).filter(|use_| use_.events > 0);
        let used = recent.fold(0, |used: u128, use_| used | 1 << view.day.since(use_.day));
        match seen.last_mut() {
            _ if used == 0 => {}
            Some((last, days)) if *last == user => *days |= used,
            _ => seen.push((user, used)),
        }
        uses.clear();
    }
    Some(seen.into_iter().map(|(user, days)| (user, days.count_ones())).collect())
}
