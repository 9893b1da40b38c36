//! Contracts as they are written: first terms, renewals, amendments, cancellations, and the ceilings that come with them.

use super::catalog::{PIPELINE, PRODUCTS, ProductNo, WORKSPACE};
use super::course::{Holding, Renewal, Walk};
use super::metering::rounded;
use super::profile::Form;
use super::rows::{EntitlementRow, Metric, SubscriptionRow};
use crate::extracts::tables::{Period, ProductKind};
use crate::vocabulary::{Day, Moment};

/// API calls per month and records that one unit of capacity holds.
const CALLS_PER_UNIT: f64 = 100_000.0;

impl Walk<'_> {
    /// The day the current term began for an account that is older than its story.
    fn first_term(&mut self) -> (Day, Option<Day>) {
        let since = self.profile.since;
        let months = match self.profile.form {
            Form::Rolling => 1,
            Form::Term(months) => months,
            Form::Evergreen => return (since, None),
        };
        let mut terms = 0;
        while since.plus_months((terms + 1) * months) <= self.day {
            terms += 1;
        }
        let written = if self.profile.explicit_renewal && months > 1 { terms } else { 0 };
        (since.plus_months(written * months), Some(since.plus_months((terms + 1) * months)))
    }

    pub fn start_first(&mut self, product: ProductNo, rank: i64) {
        let (starts_on, ends) = self.first_term();
        let months = self.term_months();
        let units = self.first_units(product);
        self.hold(product, rank, units, starts_on, ends);
        let holding = self.holdings.last_mut().expect("just added");
        holding.version.ends_on = months.map(|months| starts_on.plus_months(months as i32));
        let version = holding.version.clone();
        self.record(version);
    }

    /// Writes a version; a second change of one day replaces the first, as a source system would show it.
    pub fn record(&mut self, version: SubscriptionRow) {
        let key = (version.subscription_id.as_str(), version.recorded_at);
        self.course.subscriptions.retain(|known| (known.subscription_id.as_str(), known.recorded_at) != key);
        self.course.subscriptions.push(version);
    }

    fn first_units(&mut self, product: ProductNo) -> f64 {
        let room = self.chance.between(1.22, 1.95);
        self.units_for(product, room)
    }

    /// Licence units that hold today's use with some room.
    pub fn units_for(&self, product: ProductNo, room: f64) -> f64 {
        let seats = (self.state.demand * room).ceil();
        match product {
            WORKSPACE => seats.max(5.0),
            PIPELINE => (self.state.calls * 25.0 * room / CALLS_PER_UNIT).ceil().max(1.0),
            _ if PRODUCTS[product].unit == "seat" => (seats * 0.6).ceil().max(3.0),
            _ if PRODUCTS[product].kind == ProductKind::AddOn => (seats / 60.0).ceil().clamp(1.0, 40.0),
            _ => 1.0,
        }
    }

    pub fn term_months(&self) -> Option<i64> {
        match self.profile.form {
            Form::Rolling => Some(1),
            Form::Term(months) => Some(i64::from(months)),
            Form::Evergreen => None,
        }
    }

    pub fn arr(&self, product: ProductNo, rank: i64, units: f64) -> f64 {
        let list = PRODUCTS[product].tiers[rank as usize - 1].list_price;
        (list * units * (1.0 - self.profile.discount)).round()
    }

    /// Adds a holding with its ceilings; the caller writes the first version.
    pub fn hold(&mut self, product: ProductNo, rank: i64, units: f64, starts_on: Day, ends: Option<Day>) {
        self.bought += 1;
        let version = SubscriptionRow {
            subscription_id: format!("sub-{:06}-{:02}", self.profile.account, self.bought),
            account_id: self.profile.id.clone(),
            product,
            rank,
            starts_on,
            ends_on: ends,
            arr: self.arr(product, rank, units),
            units,
            term_months: self.term_months(),
            auto_renew: !self.profile.explicit_renewal || self.profile.form == Form::Rolling,
            cancelled_on: None,
            recorded_at: self.moment_on(starts_on),
        };
        self.holdings.push(Holding { product, version, ends });
        self.state.owned |= 1 << product;
        self.set_ceilings(product, rank, units, starts_on);
    }

    pub fn moment_on(&self, day: Day) -> Moment {
        Moment(Moment::start_of(day).0 + 8 * 3_600_000_000 + i64::from(self.profile.account % 600) * 60_000_000)
    }

    fn set_ceilings(&mut self, product: ProductNo, rank: i64, units: f64, from: Day) {
        match product {
            WORKSPACE => {
                self.state.ranks[0] = rank;
                self.state.seat_limit = units;
                self.ceiling(product, Metric::Seats, units, Period::Gauge, from);
                let wanted = self.state.storage * self.chance.between(1.5, 3.2);
                let plan = units * self.profile.gigabytes_per_seat * [0.8, 1.2, 1.7, 2.6][rank as usize - 1];
                let limit = wanted.max(plan * 0.6).max(self.state.storage_limit);
                self.state.storage_limit = (limit / 10.0).ceil() * 10.0;
                self.ceiling(product, Metric::StorageGb, self.state.storage_limit, Period::Gauge, from);
            }
            PIPELINE => {
                self.state.ranks[1] = rank;
                let (limit, period) = self.call_ceiling(units);
                self.state.call_limit = limit;
                self.ceiling(product, Metric::ApiCalls, limit, period, from);
                let wanted = self.state.records * self.chance.between(1.35, 3.0);
                self.state.record_limit = rounded(wanted.max(self.state.record_limit));
                self.ceiling(product, Metric::Records, self.state.record_limit, Period::Gauge, from);
            }
            _ => {}
        }
    }

    fn call_ceiling(&self, units: f64) -> (f64, Period) {
        if self.profile.rate_limited {
            (rounded(units * CALLS_PER_UNIT / 22.0), Period::Day)
        } else {
            (units * CALLS_PER_UNIT, Period::Month)
        }
    }

    fn ceiling(&mut self, product: ProductNo, metric: Metric, limit: f64, period: Period, from: Day) {
        let current = self.course.entitlements.iter_mut().rfind(|e| e.product == product && e.metric == metric);
        if let Some(current) = current {
            if current.starts_on == from || (current.limit == limit && current.period == period) {
                current.limit = limit;
                return;
            }
            current.ends_on = Some(from.minus(1));
        }
        self.course.entitlements.push(EntitlementRow {
            account_id: self.profile.id.clone(),
            product,
            metric,
            limit,
            period,
            starts_on: from,
            ends_on: None,
        });
    }

    pub fn renew(&mut self) {
        let at = self.causes.index(self.day);
        if self.profile.form == Form::Evergreen {
            let monthly = self.day.0.rem_euclid(30) == (self.profile.account % 30) as i32;
            if monthly && self.day > self.profile.since.plus(60) && self.chance.yes(self.monthly_refusal(at, 1.0) / 2.0)
            {
                self.leave();
            }
            return;
        }
        let Some(main) = self.holdings.first().and_then(|h| h.ends) else { return };
        if main == self.day {
            let risk = match self.profile.form {
                Form::Rolling => self.monthly_refusal(at, 1.0),
                _ => self.refusal(at, 1.0),
            };
            let leaves = self.chance.yes(risk);
            if self.profile.form != Form::Rolling {
                self.fall_due(self.day, Some(!leaves));
            }
            if leaves {
                return self.leave();
            }
            self.resize();
        }
        self.renew_holdings(at);
    }

    fn fall_due(&mut self, day: Day, signed: Option<bool>) {
        let arr = self.holdings.iter().map(|h| h.version.arr).sum();
        self.course.renewals.push(Renewal { day, signed, arr });
    }

    /// The renewal that comes after the last day.
    pub fn await_renewal(&mut self) {
        if matches!(self.profile.form, Form::Term(_))
            && let Some(day) = self.holdings.first().and_then(|h| h.ends)
        {
            self.fall_due(day, None);
        }
    }

    fn leave(&mut self) {
        let (day, recorded_at) = (self.day, self.moment_on(self.day));
        for holding in std::mem::take(&mut self.holdings) {
            // A contract that had to be signed again and was not lapses without a row; everything else is cancelled.
            let lapses = !holding.version.auto_renew && holding.version.ends_on == Some(day);
            if !lapses {
                self.record(SubscriptionRow { cancelled_on: Some(day), recorded_at, ..holding.version });
            }
        }
        self.course.entitlements.iter_mut().filter(|e| e.ends_on.is_none()).for_each(|e| e.ends_on = Some(day));
        self.course.churned = Some(day);
    }

    /// At renewal the licence is brought in line with use: up where it was exceeded, sometimes down where it lay idle.
    fn resize(&mut self) {
        let at = self.causes.index(self.day);
        for product in [WORKSPACE, PIPELINE] {
            let Some(position) = self.holdings.iter().position(|h| h.product == product) else { continue };
            let pressure = self.pressure(product, &self.state);
            let units = self.holdings[position].version.units;
            if pressure > 1.02 && self.chance.yes(0.5) {
                let room = self.chance.between(1.12, 1.35);
                let wanted = self.units_for(product, room).max(units + 1.0);
                self.amend(position, None, wanted);
            } else if pressure < 0.55 && self.chance.yes(0.25 + 0.3 * self.causes.price[at].min(1.0)) {
                let room = self.chance.between(1.15, 1.4);
                let wanted = self.units_for(product, room).min(units);
                self.amend(position, None, wanted);
            }
        }
    }

    /// Moves every term that ends today on by one, dropping an add-on that nobody needs any more.
    fn renew_holdings(&mut self, at: usize) {
        let months = self.term_months().unwrap_or(12) as i32;
        let mut position = 0;
        while position < self.holdings.len() {
            if self.holdings[position].ends != Some(self.day) {
                position += 1;
                continue;
            }
            let add_on = self.holdings[position].product >= 2;
            let term = if months > 1 { 1.0 } else { 1.0 / 12.0 };
            if add_on && self.chance.yes(term * (0.05 + 0.15 * self.causes.disengaged[at])) {
                self.drop_add_on(position);
                continue;
            }
            let next = self.day.plus_months(months);
            self.holdings[position].ends = Some(next);
            if self.profile.explicit_renewal && months > 1 {
                let (day, recorded_at) = (self.day, self.moment_on(self.day));
                let version = &mut self.holdings[position].version;
                *version = SubscriptionRow { starts_on: day, ends_on: Some(next), recorded_at, ..version.clone() };
                let version = version.clone();
                self.record(version);
            }
            position += 1;
        }
    }

    fn drop_add_on(&mut self, position: usize) {
        let holding = self.holdings.remove(position);
        let (day, recorded_at) = (self.day, self.moment_on(self.day));
        self.state.owned &= !(1 << holding.product);
        self.rest[holding.product] = day.plus(365);
        self.record(SubscriptionRow { cancelled_on: Some(day), recorded_at, ..holding.version });
    }

    pub fn amend(&mut self, position: usize, rank: Option<i64>, units: f64) {
        let recorded_at = self.moment_on(self.day);
        let product = self.holdings[position].product;
        let rank = rank.unwrap_or(self.holdings[position].version.rank);
        let arr = self.arr(product, rank, units);
        let version = &mut self.holdings[position].version;
        *version = SubscriptionRow { rank, units, arr, recorded_at, ..version.clone() };
        let version = version.clone();
        self.record(version);
        self.set_ceilings(product, rank, units, self.day);
    }
}
