//! A neighbour in words: what makes it alike, and what it did.

use super::Past;
use super::afterwards::Afterwards;
use super::profile::Profile;
use crate::history::View;
use crate::vocabulary::{Day, Text};
use crate::wording::{count, list, money, percent, plural, words};

/// `same industry (logistics) and segment (mid_market), 210 employees against 240, 84 % of its ceiling against 87 %`.
pub(super) fn why(view: View, own: &Profile, other: &Profile) -> String {
    let mut parts = shared(view, own, other);
    if let (Some(employees), Some(ours)) = (other.employees, own.employees) {
        parts.push(format!("{} employees against {}", count(employees), count(ours)));
    }
    parts.push(format!("ARR {} against {}", money(other.arr), money(own.arr)));
    if let (Some(level), Some(ours)) = (other.level, own.level) {
        parts.push(format!("{} of what was paid for in use against {}", percent(level), percent(ours)));
    }
    parts.join(", ")
}

fn shared(view: View, own: &Profile, other: &Profile) -> Vec<String> {
    let (Some(a), Some(b)) = (view.account(own.account), view.account(other.account)) else { return Vec::new() };
    let traits: [(&str, &Option<Text>, &Option<Text>); 3] = [
        ("industry", &a.industry, &b.industry),
        ("segment", &a.segment, &b.segment),
        ("use", &a.use_case, &b.use_case),
    ];
    let mut same: Vec<String> = traits
        .iter()
        .filter_map(|(what, one, other)| {
            one.as_ref().filter(|one| Some(*one) == other.as_ref()).map(|one| format!("{what} ({})", words(one)))
        })
        .collect();
    if own.product == other.product && own.tier == other.tier {
        same.push(format!("tier ({})", own.tier));
    }
    if same.is_empty() { Vec::new() } else { vec![format!("same {}", list(&same))] }
}

/// `moved from basic to pro 5 months later`.
pub(super) fn outcome(view: View, other: &Past) -> String {
    let from = &other.profile;
    match &other.then {
        Afterwards::HigherTier { day, tier } => format!("moved from {} to {tier} {}", from.tier, later(from.day, *day)),
        Afterwards::MoreUnits { day, units } => {
            format!("added {} units to {} {}", count(*units), count(from.units), later(from.day, *day))
        }
        Afterwards::Bought { day, product } => {
            format!("bought {} {}", view.extracts.product(*product).name, later(from.day, *day))
        }
        Afterwards::Left { day } => format!("left {}", later(from.day, *day)),
        Afterwards::Nothing { until } => format!("changed nothing in the {} since", months(from.day, *until)),
    }
}

fn later(from: Day, day: Day) -> String {
    format!("{} later", months(from, day))
}

fn months(from: Day, to: Day) -> String {
    let months = (f64::from(to.since(from)) / 30.44).round() as i64;
    if months == 0 { plural(i64::from(to.since(from)), "day", "days") } else { plural(months, "month", "months") }
}
