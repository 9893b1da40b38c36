//! The latent causes of an account's life, day by day: growth, need, dissatisfaction, careers, budgets, price pressure.
//!
//! They are drawn before anything is sold or measured and depend on nothing that the vendor sees. What people do,
//! what meters count and what contracts become all follow from them.

use super::Params;
use super::careers::{self, Career, Step};
use super::catalog::{PRODUCT_COUNT, PRODUCTS, USE_CASES};
use super::chance::{Chance, Purpose};
use super::profile::Profile;
use crate::extracts::tables::EventKind;
use crate::vocabulary::Day;

/// A stretch of days, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub from: Day,
    pub to: Day,
}

impl Stretch {
    pub fn holds(self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Something that happened at the customer and may reach the news.
#[derive(Clone, Copy, Debug)]
pub struct Happening {
    pub day: Day,
    pub kind: EventKind,
}

/// One value per day from `from` on.
pub type Daily = Vec<f64>;

pub struct Causes {
    /// First day of the account's story.
    pub from: Day,
    /// Log growth of the seats wanted, per day.
    pub growth: Daily,
    /// Log growth of machine use, per day.
    pub machine_growth: Daily,
    /// Share of ordinary activity that is lost.
    pub disengaged: Daily,
    /// 0 = content; about 1 = wants to leave.
    pub dissatisfied: Daily,
    /// 0 = none; 1 = the price is a topic.
    pub price: Daily,
    /// 0 = as planned; 1 = fresh money.
    pub budget: Daily,
    /// 1 while nobody champions the product.
    pub orphaned: Daily,
    /// 0 … 1: wants what a higher tier has.
    pub tier_need: Daily,
    /// 0 … 1 by product.
    pub need: [Daily; PRODUCT_COUNT],
    pub careers: Vec<Career>,
    pub happenings: Vec<Happening>,
    /// Invoices that fall due in these stretches are paid late or disputed.
    pub payment_trouble: Vec<Stretch>,
    /// Champion and sponsor do not answer in these stretches.
    pub silences: Vec<Stretch>,
    /// From this day on use drifts to another use case.
    pub shift: Option<(Day, usize)>,
    /// Days on which a feature in regular use is dropped.
    pub abandonments: Vec<Day>,
}

/// Days that are simulated before the first day of the world, so that it begins in mid-life.
const WARM_UP: i32 = 240;

pub fn draw(params: &Params, profile: &Profile) -> Causes {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Causes);
    let from = params.first().minus(WARM_UP).max(profile.since);
    let days = (params.end.since(from) + 1) as usize;
    let span = Stretch { from, to: params.end };
    let blank = || vec![0.0; days];
    let mut causes = Causes {
        from,
        growth: blank(),
        machine_growth: blank(),
        disengaged: blank(),
        dissatisfied: blank(),
        price: blank(),
        budget: blank(),
        orphaned: blank(),
        tier_need: blank(),
        need: std::array::from_fn(|_| blank()),
        careers: careers::draw(params, profile),
        happenings: Vec::new(),
        payment_trouble: stretches(chance, 0.09, span, 60, 200),
        silences: stretches(chance, 0.14, span, 55, 130),
        shift: None,
        abandonments: chance.arrivals(0.07, from, params.end),
    };
    causes.money(chance, span);
    causes.trouble(chance, span);
    causes.growth(chance, span);
    causes.needs(chance, profile, span);
    causes.organisation(chance, span);
    causes.careers.sort_by_key(|career| (career.day, career.step as u8));
    causes.happenings.sort_by_key(|happening| (happening.day, happening.kind));
    causes
}

impl Causes {
    pub fn index(&self, day: Day) -> usize {
        day.since(self.from).clamp(0, self.growth.len() as i32 - 1) as usize
    }

    /// The value of a daily cause on a day; the nearest known one outside the story.
    pub fn on(&self, daily: &Daily, day: Day) -> f64 {
        daily[self.index(day)]
    }

    /// Growth per year of the seats wanted, over the two months up to a day.
    pub fn growing(&self, day: Day) -> f64 {
        self.pace(self.index(day))
    }

    fn pace(&self, at: usize) -> f64 {
        yearly(&self.growth, at)
    }

    /// The same of machine use.
    pub fn machines_growing(&self, day: Day) -> f64 {
        yearly(&self.machine_growth, self.index(day))
    }

    /// Budget events, news that nobody acts on, and price pressure.
    fn money(&mut self, chance: &mut Chance, span: Stretch) {
        use EventKind::*;
        let kinds = [
            (Funding, 0.12, 1.0),
            (Merger, 0.04, 0.7),
            (ProductLaunch, 0.10, 0.6),
            (GeoExpansion, 0.06, 0.8),
            (NewOffice, 0.06, 0.3),
            (Layoffs, 0.05, -0.8),
        ];
        for (kind, per_year, size) in kinds {
            for day in chance.arrivals(per_year, span.from, span.to) {
                self.happenings.push(Happening { day, kind });
                if size > 0.0 {
                    fade(&mut self.budget, day.since(span.from), size, 150.0);
                } else {
                    fade(&mut self.price, day.since(span.from), -size, 110.0);
                }
            }
        }
        for day in chance.arrivals(0.16, span.from, span.to) {
            let size = chance.between(0.5, 1.2);
            fade(&mut self.price, day.since(span.from), size, 100.0);
        }
    }

    /// Dissatisfaction, disengagement, and what a champion's departure brings.
    fn trouble(&mut self, chance: &mut Chance, span: Stretch) {
        for day in chance.arrivals(0.26, span.from, span.to) {
            let size = chance.between(0.4, 1.4);
            fade(&mut self.dissatisfied, day.since(span.from), size, 90.0);
            if size > 0.8 && chance.yes(0.45) {
                self.disengage(chance, day.plus(20), span);
            }
        }
        for day in chance.arrivals(0.12, span.from, span.to) {
            self.disengage(chance, day, span);
        }
        let departures: Vec<Day> = self
            .careers
            .iter()
            .filter(|c| matches!(c.step, Step::ChampionLeft | Step::ChampionMovedAway))
            .map(|c| c.day)
            .collect();
        for day in departures {
            let vacant = chance.whole(25, 150);
            hold(&mut self.orphaned, day.since(span.from), 1, vacant, 1.0);
            if chance.yes(0.4) {
                self.disengage(chance, day.plus(15), span);
            }
        }
        self.dissatisfied.iter_mut().for_each(|value| *value = value.min(1.6));
    }

    fn disengage(&mut self, chance: &mut Chance, day: Day, span: Stretch) {
        let (ramp, length) = (chance.whole(20, 45), chance.whole(120, 420));
        let level = chance.between(0.35, 0.78);
        hold(&mut self.disengaged, day.since(span.from), ramp, length, level);
    }

    /// A pace that lasts for years until another takes its place, shocks that add up, and surges that pass.
    fn growth(&mut self, chance: &mut Chance, span: Stretch) {
        let turns = chance.arrivals(0.3, span.from, span.to);
        let mut pace = pace(chance);
        let mut turn = turns.iter().peekable();
        for position in 0..self.growth.len() {
            if turn.next_if(|day| day.since(span.from) <= position as i32).is_some() {
                pace = self::pace(chance);
            }
            let momentum = 0.12 * self.budget[position].min(1.5);
            self.growth[position] = (pace.people + momentum) / 365.25 + 0.0012 * chance.standard();
            self.machine_growth[position] = (pace.machines + momentum) / 365.25 + 0.002 * chance.standard();
        }
        for day in chance.arrivals(0.045, span.from, span.to) {
            let (per_day, length) = (chance.between(2.1f64, 3.0).ln() / 60.0, chance.whole(60, 75));
            add(&mut self.growth, day.since(span.from), length, per_day);
        }
        for day in chance.arrivals(0.08, span.from, span.to) {
            let (per_day, length) = (chance.between(3.4f64, 6.0).ln() / 60.0, chance.whole(60, 75));
            add(&mut self.machine_growth, day.since(span.from), length, per_day);
        }
    }

    fn needs(&mut self, chance: &mut Chance, profile: &Profile, span: Stretch) {
        for day in chance.arrivals(0.16, span.from, span.to) {
            let (length, level) = (chance.whole(150, 330), chance.between(0.6, 1.0));
            hold(&mut self.tier_need, day.since(span.from), 40, length, level);
        }
        for (product, spec) in PRODUCTS.iter().enumerate() {
            let size = [0.75, 1.0, 1.35][profile.segment as usize];
            for day in chance.arrivals(spec.needs_per_year * size, span.from, span.to) {
                let (length, level) = (chance.whole(110, 230), chance.between(0.6, 1.0));
                hold(&mut self.need[product], day.since(span.from), 40, length, level);
            }
        }
    }

    /// Changes of the organisation that ride on other causes.
    fn organisation(&mut self, chance: &mut Chance, span: Stretch) {
        for day in chance.arrivals(0.6, span.from, span.to) {
            let at = day.since(span.from) as usize;
            let growing = self.pace(at) > 0.25;
            if chance.yes(0.12 + 0.25 * self.budget[at].min(1.0) + if growing { 0.35 } else { 0.0 }) {
                self.careers.push(Career { day, step: Step::NewDepartment });
            }
        }
        for day in chance.arrivals(0.8, span.from, span.to) {
            let at = day.since(span.from) as usize;
            if chance.yes(0.05 + 0.55 * self.price[at].min(1.0)) {
                self.careers.push(Career { day, step: Step::ProcurementAppeared });
            }
        }
        let other = USE_CASES.len() as i32 - 1;
        self.shift = chance
            .arrivals(0.10, span.from.plus(100), span.to)
            .first()
            .map(|&day| (day, chance.whole(1, other) as usize));
        self.reputation(chance, span);
    }

    /// Praise follows contentment; a competitor's page follows discontent.
    fn reputation(&mut self, chance: &mut Chance, span: Stretch) {
        use EventKind::*;
        for day in chance.arrivals(0.5, span.from, span.to) {
            let at = day.since(span.from) as usize;
            let (unhappy, lost) = (self.dissatisfied[at], self.disengaged[at]);
            let kind = match chance.weighted(&[0.22, 0.12, 0.05 + 0.3 * unhappy + 0.2 * lost, 0.75]) {
                0 if unhappy < 0.3 => AdvocacyReview,
                1 if unhappy < 0.3 => CaseStudy,
                2 => CompetitorLogo,
                _ => continue,
            };
            self.happenings.push(Happening { day, kind });
        }
    }
}

fn stretches(chance: &mut Chance, per_year: f64, span: Stretch, shortest: i32, longest: i32) -> Vec<Stretch> {
    let starts = chance.arrivals(per_year, span.from, span.to);
    starts.into_iter().map(|from| Stretch { from, to: from.plus(chance.whole(shortest, longest)) }).collect()
}

fn yearly(growth: &Daily, at: usize) -> f64 {
    let recent = &growth[at.saturating_sub(60)..=at];
    recent.iter().sum::<f64>() / recent.len() as f64 * 365.25
}

/// Log growth per year of people and of machines.
#[derive(Clone, Copy)]
struct Pace {
    people: f64,
    machines: f64,
}

/// Most accounts are steady, some grow for years, a few shrink.
fn pace(chance: &mut Chance) -> Pace {
    let people = match chance.weighted(&[0.62, 0.28, 0.10]) {
        0 => chance.normal(0.0, 0.03),
        1 => chance.between(0.12, 0.55),
        _ => -chance.between(0.08, 0.35),
    };
    let machines = people + chance.normal(0.02, 0.08);
    Pace { people, machines }
}

/// Adds a shock that decays with the given mean life in days.
fn fade(daily: &mut Daily, at: i32, size: f64, life: f64) {
    for (age, value) in daily.iter_mut().skip(at.max(0) as usize).enumerate() {
        *value += size * (-(age as f64) / life).exp();
    }
}

/// Raises to `level` over `ramp` days, holds until `length`, and falls back over 40 days; overlapping spells keep the higher.
fn hold(daily: &mut Daily, at: i32, ramp: i32, length: i32, level: f64) {
    for (age, value) in daily.iter_mut().skip(at.max(0) as usize).enumerate() {
        let up = (age as f64 + 1.0) / f64::from(ramp);
        let down = 1.0 - (age as f64 - f64::from(length)) / 40.0;
        *value = value.max(level * up.min(1.0).min(down).max(0.0));
    }
}

fn add(daily: &mut Daily, at: i32, length: i32, amount: f64) {
    daily.iter_mut().skip(at.max(0) as usize).take(length as usize).for_each(|value| *value += amount);
}
