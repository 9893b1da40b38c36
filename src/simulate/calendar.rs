//! How the calendar bends use: weekends, the year's end, summer.

use crate::vocabulary::Day;

/// Factor on people's activity on a day: 1 on an ordinary weekday.
pub fn activity(day: Day) -> f64 {
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
