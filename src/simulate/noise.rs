//! What the source systems do to the facts: gaps, late entries, missing fields. Usage has its own noise in `metering`.

use super::Params;
use super::adoption::FIRST_COLLEAGUE;
use super::chance::{Chance, Purpose};
use super::rows::Tables;
use crate::vocabulary::Moment;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Blurs the rows of one account.
pub fn blur(params: &Params, account: u32, tables: &mut Tables) {
    let chance = &mut Chance::of(params.seed, account, Purpose::Noise);
    accounts(chance, tables);
    people(chance, params, tables);
    contact_with_people(chance, tables);
    tables.account_events.retain_mut(|row| {
        let (missed, delay) = (chance.yes(0.02), i64::from(chance.whole(0, 6)));
        row.recorded_at = Moment(row.recorded_at.0 + delay * DAY);
        !missed && row.recorded_at.day() <= params.end
    });
    let colleagues = &mut Chance::of(params.seed, account, Purpose::ColleagueNoise);
    tables.feature_usage.retain(|row| {
        let sampled = row.user < FIRST_COLLEAGUE;
        let lost = if sampled { chance.yes(0.02) } else { colleagues.yes(0.02) };
        !lost
    });
    for row in &mut tables.integrations {
        row.category = row.category.filter(|_| !chance.yes(0.05));
    }
    for row in &mut tables.tickets {
        row.priority = row.priority.filter(|_| !chance.yes(0.01));
        row.product = row.product.filter(|_| !chance.yes(0.15));
    }
}

fn accounts(chance: &mut Chance, tables: &mut Tables) {
    for row in &mut tables.accounts {
        row.industry = row.industry.filter(|_| !chance.yes(0.03));
        row.region = row.region.filter(|_| !chance.yes(0.02));
        row.employees = row.employees.filter(|_| !chance.yes(0.05));
        row.fiscal_year_start_month = row.fiscal_year_start_month.filter(|_| !chance.yes(0.10));
        row.use_case = row.use_case.filter(|_| !chance.yes(0.04));
    }
}

/// Changes of people reach the CRM some days late; some fields are never filled in.
fn people(chance: &mut Chance, params: &Params, tables: &mut Tables) {
    let mut known: Option<(String, i64)> = None;
    tables.contacts.retain_mut(|row| {
        let delay = i64::from(chance.whole(0, 4)) * DAY;
        let earliest = known.take().filter(|(id, _)| *id == row.contact_id).map_or(i64::MIN, |(_, at)| at + 60_000_000);
        row.recorded_at = Moment((row.recorded_at.0 + delay).max(earliest));
        known = Some((row.contact_id.clone(), row.recorded_at.0));
        if chance.yes(0.03) {
            row.title = None;
        }
        row.joined_on = row.joined_on.filter(|_| !chance.yes(0.02));
        row.recorded_at.day() <= params.end
    });
}

fn contact_with_people(chance: &mut Chance, tables: &mut Tables) {
    for row in &mut tables.activities {
        let unnamed = chance.yes(0.02);
        row.contact_id = row.contact_id.take().filter(|_| !unnamed);
        row.sentiment = row.sentiment.filter(|_| !chance.yes(0.15));
        row.attended = row.attended.filter(|_| !chance.yes(0.05));
    }
    for row in &mut tables.conversations {
        let unnamed = chance.yes(0.05);
        row.contact_id = row.contact_id.take().filter(|_| !unnamed);
    }
    for row in &mut tables.surveys {
        let unnamed = chance.yes(0.10);
        row.contact_id = row.contact_id.take().filter(|_| !unnamed);
    }
}
