//! The course of an account: use grows against its ceilings, and contracts follow from need, use and satisfaction.
//!
//! The one place where causes become decisions. Each is drawn from a rate or probability of the latent state of its day
//! ([`super::hazards`]).

use super::Params;
use super::catalog::{PIPELINE, PRODUCT_COUNT, ProductNo, WORKSPACE};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::profile::Profile;
use super::rows::{EntitlementRow, SubscriptionRow};
use crate::extracts::tables::OpportunityKind;
use crate::vocabulary::Day;

/// Share of the deals raised that are won.
pub const WIN_RATE: f64 = 0.78;

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

/// A renewal, and whether it was signed; `None` where it falls due after the world's last day.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    pub day: Day,
    pub signed: Option<bool>,
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

pub(super) struct Holding {
    pub product: ProductNo,
    pub version: SubscriptionRow,
    /// The next end of a term, whether written in a version or not.
    pub ends: Option<Day>,
}

/// An account on its way through the days.
pub(super) struct Walk<'a> {
    pub params: &'a Params,
    pub profile: &'a Profile,
    pub causes: &'a Causes,
    pub chance: Chance,
    pub day: Day,
    pub state: DayState,
    pub holdings: Vec<Holding>,
    /// Deals not yet closed, each with the step it takes when won.
    pub open: Vec<Deal>,
    /// Until when no new upsell or purchase is raised, by product.
    pub rest: [Day; PRODUCT_COUNT],
    pub bought: usize,
    pub course: Course,
}

pub fn unfold(params: &Params, profile: &Profile, causes: &Causes) -> Course {
    let mut walk = Walk::begin(params, profile, causes);
    while walk.day <= params.end {
        walk.grow();
        walk.close_deals();
        walk.renew();
        if walk.course.churned.is_some() {
            // Whoever leaves on the first day was a customer on it.
            if walk.course.days.is_empty() {
                walk.course.days.push(walk.state);
            }
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
        self.state.storage *= (per_day * lost + growth * 0.6).exp();
        self.state.records *= (0.10 / 365.25 * lost + self.causes.machine_growth[at] * 0.5).exp();
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
        let room = self.chance.between(1.3, 1.7);
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

    fn finish(mut self) -> Course {
        self.await_renewal();
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
