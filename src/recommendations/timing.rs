//! When: the window opens where engagement peaks and closes a season before the renewal; the first contact comes early
//! enough before a breach.

use super::Action;
use super::settings::Settings;
use crate::assessment::Assessment;
use crate::extracts::tables::{Account, Series};
use crate::history::View;
use crate::vocabulary::{AccountIx, Day, ProductIx};
use crate::wording::{day, plural};

/// Days over which engagement is averaged: four whole weeks, so weekdays and weekly rows weigh the same.
const MEAN_DAYS: usize = 28;

/// Days looked back for the peak.
const PEAK_DAYS: i32 = 180;

/// Metrics that tell engagement, the best first.
const ENGAGEMENT: [&str; 4] = ["active_users", "sessions", "session_minutes", "seats"];

/// When to act and why then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    pub opens: Day,
    pub closes: Day,
    pub contact_by: Day,
    pub reason: String,
}

/// What timing looks at.
pub struct Occasion<'a> {
    pub view: View<'a>,
    pub account: Option<&'a Account>,
    pub assessment: &'a Assessment<'a>,
    pub action: Action,
    pub product: Option<ProductIx>,
    pub deadline_days: i32,
    /// The day the play was first proposed.
    pub created_on: Day,
    pub settings: &'a Settings,
}

pub fn plan(occasion: &Occasion) -> Timing {
    if occasion.action == Action::SavePlay { save(occasion) } else { sell(occasion) }
}

/// A save play starts at once, however far away the renewal is.
fn save(o: &Occasion) -> Timing {
    let today = o.view.day;
    let contact_by = o.created_on.plus(o.deadline_days).max(next_working_day(today));
    let closes = o.assessment.contract.renewal.map_or(contact_by, |renewal| renewal.max(contact_by));
    let renewal = match o.assessment.contract.days_to_renewal(today) {
        Some(days) => format!("{} before the renewal", plural(days.into(), "day", "days")),
        None => "with no agreed renewal that would set a later date".into(),
    };
    let reason = format!(
        "Risk is cheapest to meet early: first contact within {} of the first warning, {renewal}.",
        plural(o.deadline_days.into(), "day", "days")
    );
    Timing { opens: o.created_on.min(today), closes, contact_by, reason }
}

fn sell(o: &Occasion) -> Timing {
    let today = o.view.day;
    let (opens, opening) = opening(o);
    let (closes, closing) = closing(o);
    let breach = first_breach(o);
    let before_breach = breach.map(|breach| breach.minus(o.settings.breach_lead_days));
    let deadline = opens.max(o.created_on).plus(o.deadline_days);
    let contact_by = [Some(closes), before_breach, Some(deadline)].into_iter().flatten().min().unwrap_or(closes);
    let contact_by = contact_by.max(next_working_day(today).min(closes));
    let because = match before_breach {
        Some(_) if breach.is_some_and(|breach| breach <= today) => "the ceiling has been reached already".into(),
        Some(early) if early <= closes && early <= deadline => {
            let breach = day(breach.unwrap_or(early));
            format!(
                "the ceiling is projected to be reached on {breach}, and the talk should come {} before",
                plural(o.settings.breach_lead_days.into(), "day", "days")
            )
        }
        _ if deadline <= closes => {
            format!("the play sets {} for the first contact", plural(o.deadline_days.into(), "day", "days"))
        }
        _ => "the window closes then".into(),
    };
    let fiscal = o.account.and_then(|a| a.fiscal_year_start_month).and_then(|month| fiscal(month, today, closes));
    let mut reason = format!("Contact by {}: {because}. {opening}; {closing}.", day(contact_by));
    if let Some(fiscal) = fiscal {
        reason.push(' ');
        reason.push_str(&fiscal);
    }
    Timing { opens, closes: closes.max(opens), contact_by, reason }
}

/// A run sees its day to the end, so nobody can act on it before the day after; and few do on a weekend.
fn next_working_day(today: Day) -> Day {
    (1..=3).map(|ahead| today.plus(ahead)).find(|day| !day.is_weekend()).unwrap_or(today)
}

/// The window opens at the peak of engagement, or today where use is not known.
fn opening(o: &Occasion) -> (Day, String) {
    match engagement_peak(o.view, o.assessment.account) {
        Some((peak, metric)) if peak >= o.view.day.minus(MEAN_DAYS as i32) => {
            (peak, format!("Engagement ({}) is at its height since {}", metric.replace('_', " "), day(peak)))
        }
        Some((peak, metric)) => (
            peak,
            format!("Engagement ({}) peaked on {}, so the window is already open", metric.replace('_', " "), day(peak)),
        ),
        None => (o.view.day, "Use is not known well enough to name a peak, so the window opens today".into()),
    }
}

/// It closes before renewal pressure sets in; without a renewal season it stays open for a fixed time.
fn closing(o: &Occasion) -> (Day, String) {
    let (today, contract) = (o.view.day, &o.assessment.contract);
    match contract.renewal {
        Some(renewal) => {
            let agreed = renewal.minus(o.settings.renewal_agreement_days);
            let closes =
                if agreed >= today { agreed } else { renewal.minus(o.settings.renewal_handover_days).max(today) };
            let lead = plural(renewal.since(closes).into(), "day", "days");
            (closes, format!("the window closes on {}, {lead} before the renewal on {}", day(closes), day(renewal)))
        }
        None => {
            let closes = today.plus(o.settings.open_window_days);
            let kind = if contract.rolling { "renews in short periods" } else { "has no agreed end" };
            (
                closes,
                format!(
                    "the contract {kind}, so no renewal season closes the window; it is held open until {}",
                    day(closes)
                ),
            )
        }
    }
}

/// The earliest P50 breach of the product's ceilings, for plays that make room.
fn first_breach(o: &Occasion) -> Option<Day> {
    if !matches!(o.action, Action::SeatExpansion | Action::TierUpgrade | Action::MultiYearCommit | Action::PartnerLed) {
        return None;
    }
    let ceilings = o.assessment.facts.capacity.iter().filter(|c| o.product.is_none_or(|p| c.product == p));
    ceilings.filter_map(|c| c.breach_p50).min()
}

/// The day within the last half year on which four-week engagement was highest (the latest of equals), and its metric.
pub fn engagement_peak(view: View, account: AccountIx) -> Option<(Day, &'static str)> {
    let series = view.extracts.usage.of(account);
    ENGAGEMENT.iter().find_map(|name| {
        let metric = view.extracts.ids.metrics.get(name)?;
        let longest =
            series.iter().filter(|s| s.metric == metric).max_by_key(|s| (s.len, std::cmp::Reverse(s.product)))?;
        Some((peak_of(view, longest)?, *name))
    })
}

fn peak_of(view: View, series: &Series) -> Option<Day> {
    let last = series.start.plus(series.len as i32 - 1).min(view.day);
    let since = last.minus(PEAK_DAYS + MEAN_DAYS as i32);
    let cells = view.extracts.usage.known_since(series, view.day, since).values;
    let mean_at = |end: usize| {
        let window = &cells[(end + 1).saturating_sub(MEAN_DAYS)..=end];
        let known: Vec<f64> = window.iter().copied().filter(|v| v.is_finite()).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    let first = cells.len().saturating_sub(PEAK_DAYS as usize).max(MEAN_DAYS - 1);
    let days = (first..cells.len()).filter_map(|end| Some((end, mean_at(end)?)));
    let (end, _) = days.max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(last.minus((cells.len() - 1 - end) as i32))
}

/// Names the fiscal year end where it falls into the window.
fn fiscal(start_month: u32, today: Day, closes: Day) -> Option<String> {
    let start = next_fiscal_start(start_month, today)?;
    let (end, quarter) = (start.minus(1), current_quarter(start, today));
    Some(match end <= closes {
        true => format!("Their fiscal year ends on {}, so this year's budget can still carry it.", day(end)),
        false => format!("They are in Q{quarter} of a fiscal year that ends on {}.", day(end)),
    })
}

fn next_fiscal_start(month: u32, today: Day) -> Option<Day> {
    let first = today.month_start();
    (1..=12).map(|ahead| first.plus_months(ahead)).find(|day| chrono::Datelike::month(&day.date()) == month)
}

fn current_quarter(next_start: Day, today: Day) -> u32 {
    let started = next_start.plus_months(-12);
    (0..4).rev().find(|q| started.plus_months(3 * *q) <= today).unwrap_or(0) as u32 + 1
}
