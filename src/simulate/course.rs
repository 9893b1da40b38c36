//! The course of an account: use grows against its ceilings, and contracts follow from need, use and satisfaction.
//!
//! The one place where causes become decisions. Each decision is drawn from a hazard or probability of the latent state
//! of that day, and the same formulas give the latent probabilities that `truth/latents` records.

use super::Params;
use super::catalog::{PIPELINE, PRODUCT_COUNT, PRODUCTS, ProductNo, SUCCESS_PARTNER, WORKSPACE};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::profile::{Form, Profile};
use super::rows::{EntitlementRow, Metric, SubscriptionRow};
use crate::extracts::tables::{OpportunityKind, Period, ProductKind};
use crate::vocabulary::{Day, Moment};

/// Latent levels and ceilings of one day; ceilings are 0 where the product is not owned.
#[derive(Clone, Copy, Debug, Default)]
pub struct DayState {
    /// Seats that the account would fill if nothing held it back.
    pub demand: f64,
    pub seat_limit: f64,
    pub storage: f64,
    pub storage_limit: f64,
    /// API calls on an ordinary weekday.
    pub calls: f64,
    pub call_limit: f64,
    pub records: f64,
    pub record_limit: f64,
    /// Tier ranks of workspace and pipeline; 0 = not owned.
    pub ranks: [i64; 2],
    /// Bit per product.
    pub owned: u16,
}

impl DayState {
    pub fn owns(&self, product: ProductNo) -> bool {
        self.owned & (1 << product) != 0
    }
}

/// An expansion that was talked about.
#[derive(Clone, Debug)]
pub struct Deal {
    pub product: ProductNo,
    pub kind: OpportunityKind,
    pub opened: Day,
    pub closes: Day,
    pub won: bool,
    pub arr_delta: f64,
}

/// A renewal that fell due, and whether it was signed.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    pub day: Day,
    pub signed: bool,
    pub arr: f64,
}

/// What a model could at best know at the end of a month.
#[derive(Clone, Debug)]
pub struct Outlook {
    pub day: Day,
    /// Each over the next 180 days.
    pub churn: f64,
    pub upsell: f64,
    /// By product; `None` where it is owned.
    pub purchase: [Option<f64>; PRODUCT_COUNT],
}

pub struct Course {
    pub from: Day,
    pub days: Vec<DayState>,
    /// The day on which everything ended.
    pub churned: Option<Day>,
    pub subscriptions: Vec<SubscriptionRow>,
    pub entitlements: Vec<EntitlementRow>,
    pub deals: Vec<Deal>,
    pub renewals: Vec<Renewal>,
    pub outlooks: Vec<Outlook>,
}

impl Course {
    pub fn on(&self, day: Day) -> &DayState {
        &self.days[day.since(self.from).clamp(0, self.days.len() as i32 - 1) as usize]
    }

    /// The last day on which the account is a customer.
    pub fn last(&self) -> Day {
        self.churned.unwrap_or_else(|| self.from.plus(self.days.len() as i32 - 1))
    }
}

/// API calls per month and records that one unit of capacity holds.
const CALLS_PER_UNIT: f64 = 100_000.0;

struct Holding {
    product: ProductNo,
    version: SubscriptionRow,
    /// The next end of a term, whether written in a version or not.
    ends: Option<Day>,
}

struct Walk<'a> {
    params: &'a Params,
    profile: &'a Profile,
    causes: &'a Causes,
    chance: Chance,
    day: Day,
    state: DayState,
    holdings: Vec<Holding>,
    /// Deals not yet closed, each with the step it takes when won.
    open: Vec<Deal>,
    /// Until when no new upsell or purchase is raised, by product.
    rest: [Day; PRODUCT_COUNT],
    bought: usize,
    course: Course,
}

pub fn unfold(params: &Params, profile: &Profile, causes: &Causes) -> Course {
    let mut walk = Walk::begin(params, profile, causes);
    while walk.day <= params.end {
        walk.grow();
        walk.close_deals();
        walk.renew();
        if walk.course.churned.is_some() {
            break;
        }
        walk.raise_deals();
        walk.course.days.push(walk.state);
        if walk.day.plus(1).month_start() == walk.day.plus(1) && walk.day >= params.first() {
            let outlook = walk.outlook();
            walk.course.outlooks.push(outlook);
        }
        walk.day = walk.day.plus(1);
    }
    walk.finish()
}

impl<'a> Walk<'a> {
    fn begin(params: &'a Params, profile: &'a Profile, causes: &'a Causes) -> Walk<'a> {
        let mut chance = Chance::of(params.seed, profile.account, Purpose::Contracts);
        let demand = profile.seat_demand;
        let calls = profile.api_calls;
        let state = DayState {
            demand,
            storage: demand * profile.gigabytes_per_seat,
            calls,
            records: calls * chance.between(2.0, 12.0),
            ..DayState::default()
        };
        let course = Course {
            from: causes.from,
            days: Vec::new(),
            churned: None,
            subscriptions: Vec::new(),
            entitlements: Vec::new(),
            deals: Vec::new(),
            renewals: Vec::new(),
            outlooks: Vec::new(),
        };
        let mut walk = Walk {
            params,
            profile,
            causes,
            chance,
            day: causes.from,
            state,
            holdings: Vec::new(),
            open: Vec::new(),
            rest: [Day::MIN; PRODUCT_COUNT],
            bought: 0,
            course,
        };
        for product in 0..PRODUCT_COUNT {
            if profile.owned[product] {
                let rank = if product < 2 { profile.ranks[product] } else { 1 };
                walk.start_first(product, rank);
            }
        }
        walk
    }

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

    fn start_first(&mut self, product: ProductNo, rank: i64) {
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
    fn record(&mut self, version: SubscriptionRow) {
        let key = (version.subscription_id.as_str(), version.recorded_at);
        self.course.subscriptions.retain(|known| (known.subscription_id.as_str(), known.recorded_at) != key);
        self.course.subscriptions.push(version);
    }

    fn first_units(&mut self, product: ProductNo) -> f64 {
        let room = self.chance.between(1.15, 1.95);
        self.units_for(product, room)
    }

    /// Licence units that hold today's use with some room.
    fn units_for(&self, product: ProductNo, room: f64) -> f64 {
        let seats = (self.state.demand * room).ceil();
        match product {
            WORKSPACE => seats.max(5.0),
            PIPELINE => (self.state.calls * 25.0 * room / CALLS_PER_UNIT).ceil().max(1.0),
            _ if PRODUCTS[product].unit == "seat" => (seats * 0.6).ceil().max(3.0),
            _ if PRODUCTS[product].kind == ProductKind::AddOn => (seats / 60.0).ceil().clamp(1.0, 40.0),
            _ => 1.0,
        }
    }

    fn term_months(&self) -> Option<i64> {
        match self.profile.form {
            Form::Rolling => Some(1),
            Form::Term(months) => Some(i64::from(months)),
            Form::Evergreen => None,
        }
    }

    fn arr(&self, product: ProductNo, rank: i64, units: f64) -> f64 {
        let list = PRODUCTS[product].tiers[rank as usize - 1].list_price;
        (list * units * (1.0 - self.profile.discount)).round()
    }

    /// Adds a holding with its ceilings; the caller writes the first version.
    fn hold(&mut self, product: ProductNo, rank: i64, units: f64, starts_on: Day, ends: Option<Day>) {
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

    fn moment_on(&self, day: Day) -> Moment {
        Moment(Moment::start_of(day).0 + 8 * 3_600_000_000 + i64::from(self.profile.account % 600) * 60_000_000)
    }

    fn set_ceilings(&mut self, product: ProductNo, rank: i64, units: f64, from: Day) {
        match product {
            WORKSPACE => {
                self.state.ranks[0] = rank;
                self.state.seat_limit = units;
                self.ceiling(product, Metric::Seats, units, Period::Gauge, from);
                let wanted = self.state.storage * self.chance.between(1.25, 2.6);
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
                let wanted = self.state.records * self.chance.between(1.25, 2.6);
                self.state.record_limit = (wanted.max(self.state.record_limit) / 1_000.0).ceil() * 1_000.0;
                self.ceiling(product, Metric::Records, self.state.record_limit, Period::Gauge, from);
            }
            _ => {}
        }
    }

    fn call_ceiling(&self, units: f64) -> (f64, Period) {
        if self.profile.rate_limited {
            ((units * CALLS_PER_UNIT / 22.0 / 100.0).ceil() * 100.0, Period::Day)
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

    fn grow(&mut self) {
        let at = self.causes.index(self.day);
        let employees = self.profile.employees as f64;
        let crowding = (1.0 - self.state.demand / (0.9 * employees)).max(0.0).sqrt();
        let growth = self.causes.growth[at];
        self.state.demand *= (if growth > 0.0 { growth * crowding } else { growth }).exp();
        self.state.demand = self.state.demand.max(3.0);
        self.state.calls *= self.causes.machine_growth[at].exp();
        let lost = 1.0 - self.causes.disengaged[at];
        let per_day = 0.14 / 365.25;
        self.state.storage *= (per_day * lost + growth.max(0.0) * 0.6).exp();
        self.state.records *= (0.10 / 365.25 * lost + self.causes.machine_growth[at].max(0.0) * 0.4).exp();
    }

    /// Use against the tightest ceiling of a core product, wishes included.
    fn pressure(&self, product: ProductNo, state: &DayState) -> f64 {
        let share = |level: f64, limit: f64| if limit > 0.0 { level / limit } else { 0.0 };
        match product {
            WORKSPACE => share(state.demand, state.seat_limit).max(share(state.storage, state.storage_limit)),
            PIPELINE => {
                let monthly = if self.profile.rate_limited { 1.0 } else { 25.0 };
                share(state.calls * monthly, state.call_limit).max(share(state.records, state.record_limit))
            }
            _ => 0.0,
        }
    }

    fn logistic(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// Upsells raised per year for a core product.
    fn upsell_rate(&self, product: ProductNo, state: &DayState, at: usize) -> f64 {
        let causes = self.causes;
        let tight = Self::logistic((self.pressure(product, state) - 0.93) / 0.03);
        let tier = if self.tier_above(product, state) { causes.tier_need[at] } else { 0.0 };
        let mood = 0.5 * causes.budget[at].min(1.5) - 1.4 * causes.dissatisfied[at] - 1.6 * causes.disengaged[at];
        (0.012 + 2.2 * tight + 0.95 * tier) * (mood - 0.8 * causes.orphaned[at] - 0.5 * causes.price[at].min(1.5)).exp()
    }

    fn tier_above(&self, product: ProductNo, state: &DayState) -> bool {
        product < 2 && state.ranks[product] > 0 && (state.ranks[product] as usize) < PRODUCTS[product].tiers.len()
    }

    fn purchase_rate(&self, product: ProductNo, at: usize) -> f64 {
        let causes = self.causes;
        let mood = 0.6 * causes.budget[at].min(1.5) - 1.2 * causes.dissatisfied[at] - 1.0 * causes.disengaged[at];
        let idle = if product == SUCCESS_PARTNER { 0.001 } else { 0.005 };
        (idle + 1.15 * causes.need[product][at])
            * (mood - 0.5 * causes.orphaned[at] - 0.4 * causes.price[at].min(1.5)).exp()
    }

    /// Probability that a renewal is refused, from the causes of a day; `fade` < 1 looks ahead, towards the usual.
    fn refusal(&self, at: usize, fade: f64) -> f64 {
        let causes = self.causes;
        let base = [-2.95, -3.35, -3.8][self.profile.segment as usize];
        let fill = if self.state.owns(WORKSPACE) { self.state.demand / self.state.seat_limit } else { 0.7 };
        let spare = ((0.5 - fill) / 0.3).clamp(0.0, 1.0);
        let roots = 0.3 * (self.holdings.len() as f64 - 1.0).min(4.0);
        let ahead = |now: f64, usual: f64, fade: f64| now * fade + usual * (1.0 - fade);
        let trouble =
            2.6 * ahead(causes.dissatisfied[at], 0.15, fade) + 5.4 * ahead(causes.disengaged[at], 0.14, fade.sqrt());
        let rest = 1.0 * causes.orphaned[at] * fade + 1.1 * causes.price[at].min(1.5) * fade + 1.0 * spare;
        Self::logistic(base + trouble + rest - roots)
    }

    /// The same risk where nothing forces a decision: per month of a rolling or evergreen contract.
    fn monthly_refusal(&self, at: usize, fade: f64) -> f64 {
        1.0 - (1.0 - self.refusal(at, fade)).powf(1.0 / 7.0)
    }

    fn renew(&mut self) {
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
                let arr = self.holdings.iter().map(|h| h.version.arr).sum();
                self.course.renewals.push(Renewal { day: self.day, signed: !leaves, arr });
            }
            if leaves {
                return self.leave();
            }
            self.resize();
        }
        self.renew_holdings(at);
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

    fn amend(&mut self, position: usize, rank: Option<i64>, units: f64) {
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

    /// New conversations about more of a product or about another one.
    fn raise_deals(&mut self) {
        let at = self.causes.index(self.day);
        if self.day < self.profile.since.plus(45) {
            return;
        }
        for product in 0..PRODUCT_COUNT {
            let owned = self.state.owns(product);
            let per_year = match (owned, product) {
                (true, WORKSPACE | PIPELINE) => self.upsell_rate(product, &self.state, at),
                (true, _) => 0.0,
                (false, _) => self.purchase_rate(product, at),
            };
            let raised = self.chance.yes(per_year / 365.25);
            if raised && self.day > self.rest[product] {
                self.raise(product, owned);
            }
        }
    }

    fn raise(&mut self, product: ProductNo, owned: bool) {
        let gap = self.chance.whole(16, 48);
        let closes = self.day.plus(gap);
        let kind = if owned { OpportunityKind::Upsell } else { OpportunityKind::CrossSell };
        let won = self.chance.yes(WIN_RATE);
        self.rest[product] = closes.plus(if won { 45 } else { 150 });
        let arr_delta = self.expected_delta(product, owned);
        self.open.push(Deal { product, kind, opened: self.day, closes, won, arr_delta });
    }

    fn expected_delta(&self, product: ProductNo, owned: bool) -> f64 {
        let holding = self.holdings.iter().find(|h| h.product == product);
        match holding.filter(|_| owned) {
            Some(holding) => (holding.version.arr * 0.25).round(),
            None => self.arr(product, 1, self.units_for(product, 1.2)),
        }
    }

    fn close_deals(&mut self) {
        let day = self.day;
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(|deal: &Deal| deal.closes <= day);
        self.open = open;
        for mut deal in due {
            if deal.won {
                deal.arr_delta = if deal.kind == OpportunityKind::Upsell {
                    self.expand(deal.product)
                } else {
                    self.purchase(deal.product)
                };
            }
            self.course.deals.push(deal);
        }
    }

    /// A won upsell: the next tier where that is what is wanted, otherwise more units. Returns the ARR it adds.
    fn expand(&mut self, product: ProductNo) -> f64 {
        let Some(position) = self.holdings.iter().position(|h| h.product == product) else { return 0.0 };
        let at = self.causes.index(self.day);
        let before = self.holdings[position].version.arr;
        let units = self.holdings[position].version.units;
        let wants_tier = self.tier_above(product, &self.state) && self.causes.tier_need[at] > 0.35;
        let room = self.chance.between(1.2, 1.6);
        let wanted = self.units_for(product, room).max((units * 1.08).ceil());
        let tight = self.pressure(product, &self.state) > 0.85;
        let rank = self.holdings[position].version.rank;
        if wants_tier {
            self.amend(position, Some(rank + 1), if tight { wanted } else { units });
        } else {
            self.amend(position, None, wanted);
        }
        self.holdings[position].version.arr - before
    }

    fn purchase(&mut self, product: ProductNo) -> f64 {
        if self.state.owns(product) {
            return 0.0;
        }
        let months = self.term_months().unwrap_or(12) as i32;
        let together = self.holdings.first().and_then(|h| h.ends).map(|end| {
            // A first term of less than a quarter would read as a rolling contract, so it runs one term longer.
            if months > 1 && end.since(self.day) < 120 { end.plus_months(months) } else { end }
        });
        let room = self.chance.between(1.15, 1.5);
        let units = self.units_for(product, room);
        self.hold(product, 1, units, self.day, together);
        let version = self.holdings.last().expect("just added").version.clone();
        let arr = version.arr;
        self.record(version);
        arr
    }

    /// Probabilities over the next 180 days if the causes behave as they usually do from here.
    fn outlook(&self) -> Outlook {
        let at = self.causes.index(self.day);
        let pending = |wanted: OpportunityKind| {
            self.open.iter().any(|deal| deal.kind == wanted && deal.closes.since(self.day) <= HORIZON)
        };
        let mut keeps = 1.0 - if pending(OpportunityKind::Upsell) { WIN_RATE } else { 0.0 };
        for product in [WORKSPACE, PIPELINE] {
            if self.state.owns(product) {
                keeps *= 1.0 - self.upsell_within(product, at);
            }
        }
        let purchase =
            std::array::from_fn(|product| (!self.state.owns(product)).then(|| self.purchase_within(product, at)));
        let stays = 1.0 - self.churn_within(at);
        Outlook { day: self.day, churn: 1.0 - stays, upsell: (1.0 - keeps) * stays.sqrt(), purchase }
    }

    fn churn_within(&self, at: usize) -> f64 {
        let fade = |days: i32| (-f64::from(days) / 120.0).exp();
        let monthly = |scale: f64| {
            1.0 - (0..6).map(|month| 1.0 - scale * self.monthly_refusal(at, fade(15 + 30 * month))).product::<f64>()
        };
        match self.profile.form {
            Form::Rolling => monthly(1.0),
            Form::Evergreen => monthly(0.5),
            Form::Term(_) => match self.holdings.first().and_then(|h| h.ends).map(|end| end.since(self.day)) {
                Some(days) if (1..=HORIZON).contains(&days) => self.refusal(at, fade(days)),
                _ => 0.0,
            },
        }
    }

    fn upsell_within(&self, product: ProductNo, at: usize) -> f64 {
        let raised: f64 = (0..5)
            .map(|step| {
                let ahead = 15.0 + 30.0 * f64::from(step);
                let mut state = self.state;
                state.demand *= (self.causes.growth[at] * ahead).exp();
                state.calls *= (self.causes.machine_growth[at] * ahead).exp();
                self.upsell_rate(product, &state, at) * 30.0 / 365.25
            })
            .sum();
        WIN_RATE * (1.0 - (-raised).exp())
    }

    fn purchase_within(&self, product: ProductNo, at: usize) -> f64 {
        let pending = self.open.iter().any(|deal| deal.product == product && deal.closes.since(self.day) <= HORIZON);
        if pending {
            return WIN_RATE;
        }
        WIN_RATE * (1.0 - (-self.purchase_rate(product, at) * 150.0 / 365.25).exp())
    }

    fn finish(mut self) -> Course {
        self.course.deals.append(&mut self.open);
        self.course.deals.sort_by_key(|deal| (deal.opened, deal.product));
        let end = self.course.churned.unwrap_or(self.params.end);
        self.course.deals.retain(|deal| deal.opened <= end);
        self.course
            .subscriptions
            .sort_by(|a, b| (&a.subscription_id, a.recorded_at).cmp(&(&b.subscription_id, b.recorded_at)));
        self.course.entitlements.sort_by_key(|e| (e.product, e.metric, e.starts_on));
        self.course
    }
}

const WIN_RATE: f64 = 0.78;
const HORIZON: i32 = 180;
