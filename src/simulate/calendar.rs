//! How the calendar bends use: weekends, the year's end, summer.

use std::sync::LazyLock;

use crate::vocabulary::Day;

/// Days from 1970 on whose factor is worked out once; every meter, user and feature asks for it on each of its days.
const TABLED: i32 = 47_482;
static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| (0..TABLED).map(|day| factor(Day(day))).collect());

/// Factor on people's activity on a day: 1 on an ordinary weekday.
pub fn activity(day: Day) -> f64 {
    let tabled = usize::try_from(day.0).ok().and_then(|at| TABLE.get(at));
    tabled.copied().unwrap_or_else(|| factor(day))
}

fn factor(day: Day) -> f64 {
    weekday(day) * season(day) * holidays(day)
}

/// Machines rest less than people.
pub fn machine_activity(day: Day) -> f64 {
    let people = activity(day);
    0.45 + 0.55 * people
}

fn weekday(day: Day) -> f64 {
    match day.weekday() {
        5 => 0.22,
        6 => 0.18,
        4 => 0.92,
        _ => 1.0,
    }
}

fn season(day: Day) -> f64 {
    let (month, of_month) = month_and_day(day);
    let year = f64::from(month - 1) + f64::from(of_month) / 31.0;
    let wave = 0.03 * (std::f64::consts::TAU * (year - 2.0) / 12.0).sin();
    let summer = if (7..=8).contains(&month) { -0.07 } else { 0.0 };
    1.0 + wave + summer
}

fn holidays(day: Day) -> f64 {
    match month_and_day(day) {
        (12, 24..=31) | (1, 1..=2) => 0.35,
        (12, 20..=23) | (1, 3..=4) => 0.75,
        (5, 1) => 0.5,
        _ => 1.0,
    }
}

fn month_and_day(day: Day) -> (u32, u32) {
    use chrono::Datelike;
    let date = day.date();
    (date.month(), date.day())
}
