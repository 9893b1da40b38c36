//! When each person was in touch with us, met whom, and used the product.

use std::collections::BTreeMap;

use super::Settings;
use crate::extracts::InputTable;
use crate::extracts::tables::ActivityKind;
use crate::history::View;
use crate::vocabulary::{AccountIx, ContactIx, Day, UserIx};

/// Active days are counted in a bit set of this many days.
const MAX_ACTIVE_DAYS: i32 = 128;

/// Touches of one account by contact, and use by user.
pub(super) struct ContactLog {
    /// Days of touch of each contact, rising.
    touches: BTreeMap<ContactIx, Vec<Day>>,
    /// Who met with us on each day: calls, meetings and reviews within `interaction_days`.
    pub meetings: BTreeMap<Day, Vec<ContactIx>>,
    /// Days of use of each user within `active_days`; `None` when feature usage is unavailable.
    active_days: Option<BTreeMap<UserIx, u32>>,
}

impl ContactLog {
    /// A touch is an activity, a conversation or a survey answer of the contact; a meeting that nobody came to is none.
    pub(super) fn of(view: View, account: AccountIx, settings: &Settings) -> ContactLog {
        let mut touches: BTreeMap<ContactIx, Vec<Day>> = BTreeMap::new();
        let mut meetings: BTreeMap<Day, Vec<ContactIx>> = BTreeMap::new();
        for activity in view.activities(account).filter(|activity| activity.attended != Some(false)) {
            let (Some(contact), day) = (activity.contact, activity.at.day()) else { continue };
            touches.entry(contact).or_default().push(day);
            if is_meeting(activity.kind) && view.day.since(day) < settings.interaction_days {
                meetings.entry(day).or_default().push(contact);
            }
        }
        let conversations = view.conversations(account).filter_map(|row| Some((row.contact?, row.at.day())));
        let surveys = view.surveys(account).filter_map(|row| Some((row.contact?, row.at.day())));
        conversations.chain(surveys).for_each(|(contact, day)| touches.entry(contact).or_default().push(day));
        touches.values_mut().for_each(|days| days.sort_unstable());
        meetings.values_mut().for_each(|people| {
            people.sort_unstable();
            people.dedup();
        });
        ContactLog { touches, meetings, active_days: active_days(view, account, settings.active_days) }
    }

    pub(super) fn last(&self, contact: ContactIx) -> Option<Day> {
        self.touches.get(&contact).and_then(|days| days.last().copied())
    }

    /// Touches on or after `from`.
    pub(super) fn count_since(&self, contact: ContactIx, from: Day) -> usize {
        self.touches.get(&contact).map_or(0, |days| days.len() - days.partition_point(|day| *day < from))
    }

    /// `None` without feature usage, or for a person without a user id.
    pub(super) fn active_days(&self, user: Option<UserIx>) -> Option<u32> {
        Some(self.active_days.as_ref()?.get(&user?).copied().unwrap_or(0))
    }
}

fn is_meeting(kind: ActivityKind) -> bool {
    matches!(kind, ActivityKind::Call | ActivityKind::Meeting | ActivityKind::Qbr | ActivityKind::Executive)
}

fn active_days(view: View, account: AccountIx, days: i32) -> Option<BTreeMap<UserIx, u32>> {
    if !view.extracts.has(InputTable::FeatureUsage) {
        return None;
    }
    let mut seen: BTreeMap<UserIx, u128> = BTreeMap::new();
    let mut one: Option<(UserIx, u128)> = None;
    for row in view.feature_usage(account) {
        let age = view.day.since(row.day);
        if row.events == 0 || age >= days.min(MAX_ACTIVE_DAYS) {
            continue;
        }
        // The rows of a user stand together, so the map is asked once for each.
        match &mut one {
            Some((user, days)) if *user == row.user => *days |= 1 << age,
            _ => keep(&mut seen, one.replace((row.user, 1 << age))),
        }
    }
    keep(&mut seen, one);
    Some(seen.into_iter().map(|(user, days)| (user, days.count_ones())).collect())
}

fn keep(seen: &mut BTreeMap<UserIx, u128>, one: Option<(UserIx, u128)>) {
    if let Some((user, days)) = one {
        *seen.entry(user).or_default() |= days;
    }
}
