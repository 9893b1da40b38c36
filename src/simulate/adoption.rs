//! How people use the features: habits of a sample of users, and what need, trials and departures do to them.
//!
//! With full telemetry the users that the sample stands for are metered too: colleagues, each of whom works as one of
//! the sampled users does, out of a stream of its own, so that the sample's rows are the same in either world.

use super::careers::Step;
use super::catalog::{self, FEATURES, FeatureNo, PRODUCT_COUNT, USE_CASES};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::Course;
use super::profile::Profile;
use super::rows::FeatureUseRow;
use super::{Params, Telemetry, calendar};
use crate::extracts::tables::FeatureKind;
use crate::vocabulary::Day;

/// A feature that a user keeps coming back to.
#[derive(Clone)]
struct Habit {
    user: u32,
    feature: FeatureNo,
    from: Day,
    to: Day,
    /// Probability of use on an ordinary weekday.
    chance: f64,
    /// Mean events of a day with use.
    events: f64,
    in_trial: bool,
    /// Shrinks with disengagement; what stands in for another product does not.
    willing: bool,
}

/// Users of the account that are metered by feature, before new departments bring more.
pub fn sampled_users(profile: &Profile) -> u32 {
    (1.5 + 1.05 * profile.seat_demand.ln()).clamp(3.0, 9.0) as u32
}

/// Users that a new department brings.
pub const NEW_DEPARTMENT_USERS: u32 = 3;

/// Numbers of colleagues start here, above every sampled user and new department.
pub const FIRST_COLLEAGUE: u32 = 200;
/// Most users whose features are metered, so that a few large accounts do not make up the world.
const MOST_METERED: f64 = 52.0;

/// Noise-free feature use of the account within the world's days, by user, feature and day.
pub fn rows(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Vec<FeatureUseRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Adoption);
    let mut scene = Scene { params, profile, causes, course, habits: Vec::new() };
    scene.everyday(chance);
    scene.new_departments(chance);
    scene.curiosity(chance);
    scene.workarounds(chance);
    scene.abandon(chance);
    let mut rows = scene.play(&scene.habits, chance);
    if params.telemetry == Telemetry::Full {
        let chance = &mut Chance::of(params.seed, profile.account, Purpose::Colleagues);
        let colleagues = scene.colleagues(chance);
        rows.extend(scene.play(&colleagues, chance));
    }
    rows
}

struct Scene<'a> {
    params: &'a Params,
    profile: &'a Profile,
    causes: &'a Causes,
    course: &'a Course,
    habits: Vec<Habit>,
}

impl Scene<'_> {
    fn everyday(&mut self, chance: &mut Chance) {
        let start = self.course.from;
        for user in 0..sampled_users(self.profile) {
            self.settle(chance, user, start);
        }
    }

    /// The features a user takes up on arriving, and those that replace them when the use case shifts.
    fn settle(&mut self, chance: &mut Chance, user: u32, from: Day) {
        let shift =
            self.causes.shift.map(|(day, by)| (day.plus(chance.whole(0, 50)), by)).filter(|(day, _)| *day > from);
        let to = shift.map_or(Day::MAX, |(day, _)| day);
        for _ in 0..3 {
            let feature = self.favourite(chance, from, self.profile.use_case);
            self.habit(chance, user, feature, from, to);
        }
        if let Some((day, by)) = shift {
            for _ in 0..3 {
                let feature = self.favourite(chance, day, (self.profile.use_case + by) % USE_CASES.len());
                self.habit(chance, user, feature, day, Day::MAX);
            }
        }
        for day in chance.arrivals(0.12, from, self.params.end) {
            self.take_up_advanced(chance, user, day);
        }
    }

    fn habit(&mut self, chance: &mut Chance, user: u32, feature: FeatureNo, from: Day, to: Day) {
        let known = self.habits.iter().any(|h| h.user == user && h.feature == feature && h.to > from);
        if !known {
            let (likely, events) = (chance.between(0.16, 0.42), chance.between(1.2, 6.0));
            self.habits.push(Habit { user, feature, from, to, chance: likely, events, in_trial: false, willing: true });
        }
    }

    /// A basic feature of an owned product, most often one that serves the use case.
    fn favourite(&self, chance: &mut Chance, day: Day, use_case: usize) -> FeatureNo {
        let state = self.course.on(day);
        let weights: Vec<f64> = FEATURES
            .iter()
            .map(|f| match (state.owns(f.product), f.kind) {
                (true, FeatureKind::Core) if f.use_case == USE_CASES[use_case] => 14.0,
                (true, FeatureKind::Core) => 1.0,
                (true, FeatureKind::Api) if f.suggests.is_none() => 1.0,
                _ => 0.0,
            })
            .collect();
        chance.weighted(&weights)
    }

    fn take_up_advanced(&mut self, chance: &mut Chance, user: u32, day: Day) {
        let state = *self.course.on(day);
        let open: Vec<FeatureNo> = (0..FEATURES.len())
            .filter(|&no| {
                let f = &FEATURES[no];
                let kind = matches!(f.kind, FeatureKind::Advanced | FeatureKind::Workflow | FeatureKind::Export);
                let rank = state.ranks.get(f.product).copied().unwrap_or(1);
                kind && f.suggests.is_none() && state.owns(f.product) && f.min_rank <= rank
            })
            .collect();
        if !open.is_empty() {
            let serves = |no: &FeatureNo| FEATURES[*no].use_case == USE_CASES[self.profile.use_case];
            let weights: Vec<f64> = open.iter().map(|no| if serves(no) { 4.0 } else { 1.0 }).collect();
            let feature = open[chance.weighted(&weights)];
            self.habit(chance, user, feature, day, Day::MAX);
        }
    }

    fn new_departments(&mut self, chance: &mut Chance) {
        let days: Vec<Day> =
            self.causes.careers.iter().filter(|c| c.step == Step::NewDepartment).map(|c| c.day).collect();
        for (turn, day) in days.into_iter().enumerate() {
            for member in 0..NEW_DEPARTMENT_USERS {
                let user = sampled_users(self.profile) + turn as u32 * NEW_DEPARTMENT_USERS + member;
                let from = day.plus(chance.whole(3, 20));
                self.settle(chance, user, from);
            }
        }
    }

    /// Wanting a higher tier shows: locked features are clicked, tried, and what is open is used more deeply.
    fn curiosity(&mut self, chance: &mut Chance) {
        let (from, end) = (self.course.from, self.params.end);
        let users = sampled_users(self.profile);
        for day in chance.arrivals(9.0, from, end) {
            let wanting = self.causes.on(&self.causes.tier_need, day);
            let eager = chance.yes(wanting);
            if eager {
                match chance.weighted(&[0.4, 0.3, 0.3]) {
                    0 => self.wave_of_power_users(chance, day, users),
                    1 => self.trial(chance, day, users),
                    _ => self.teasers(chance, day, users, 0.45),
                }
            } else if chance.yes(0.15) {
                self.teasers(chance, day, users, 0.03);
            }
        }
    }

    fn wave_of_power_users(&mut self, chance: &mut Chance, day: Day, users: u32) {
        for user in 0..users {
            if chance.yes(0.8) {
                let from = day.plus(chance.whole(0, 18));
                self.take_up_advanced(chance, user, from);
            }
        }
    }

    fn locked(&self, day: Day, teasers: bool) -> Vec<FeatureNo> {
        let state = self.course.on(day);
        (0..2usize)
            .filter(|&product| state.ranks[product] > 0)
            .flat_map(|product| {
                let rank = state.ranks[product];
                let wanted = move |no: &FeatureNo| {
                    let f = &FEATURES[*no];
                    f.product == product && f.kind == FeatureKind::Teaser && f.min_rank > rank
                };
                match teasers {
                    true => (0..FEATURES.len()).filter(wanted).collect::<Vec<_>>(),
                    false => catalog::above(product, rank),
                }
            })
            .collect()
    }

    fn trial(&mut self, chance: &mut Chance, day: Day, users: u32) {
        let locked = self.locked(day, false);
        if locked.is_empty() {
            return;
        }
        let feature = chance.pick(&locked);
        let (length, keen) = (chance.whole(18, 35), chance.between(0.15, 1.0));
        for user in 0..users {
            if user == 0 || chance.yes(keen) {
                let habit = Habit {
                    user,
                    feature,
                    from: day,
                    to: day.plus(length),
                    chance: chance.between(0.2, 0.5),
                    events: 3.0,
                    in_trial: true,
                    willing: false,
                };
                self.habits.push(habit);
            }
        }
    }

    fn teasers(&mut self, chance: &mut Chance, day: Day, users: u32, likely: f64) {
        let locked = self.locked(day, true);
        if locked.is_empty() {
            return;
        }
        let (feature, user) = (chance.pick(&locked), chance.whole(0, users as i32 - 1) as u32);
        let to = day.plus(chance.whole(15, 45));
        let habit =
            Habit { user, feature, from: day, to, chance: likely, events: 1.2, in_trial: false, willing: false };
        self.habits.push(habit);
    }

    /// A need without its product: a feature is bent to stand in for it, more heavily the greater the need.
    fn workarounds(&mut self, chance: &mut Chance) {
        for product in 0..PRODUCT_COUNT {
            let Some(feature) = catalog::workaround_for(product) else { continue };
            let needy: Vec<Day> =
                self.days().filter(|&day| self.causes.on(&self.causes.need[product], day) > 0.3).collect();
            let (Some(&from), Some(&to)) = (needy.first(), needy.last()) else { continue };
            if chance.yes(0.6) {
                for user in 0..chance.whole(1, 3) as u32 {
                    let (likely, events) = (chance.between(0.3, 0.6), chance.between(3.0, 6.0));
                    let habit =
                        Habit { user, feature, from, to, chance: likely, events, in_trial: false, willing: false };
                    self.habits.push(habit);
                }
            }
        }
        let stand_ins: Vec<FeatureNo> = (0..FEATURES.len()).filter(|&no| FEATURES[no].suggests.is_some()).collect();
        for day in chance.arrivals(0.4, self.course.from, self.params.end) {
            let (user, feature, to) = (0, chance.pick(&stand_ins), day.plus(30));
            let habit =
                Habit { user, feature, from: day, to, chance: 0.06, events: 1.0, in_trial: false, willing: true };
            self.habits.push(habit);
        }
    }

    fn days(&self) -> impl Iterator<Item = Day> + use<> {
        (self.course.from.0..=self.course.last().0).map(Day)
    }

    /// Everybody drops a feature on the same day and does not come back to it.
    fn abandon(&mut self, chance: &mut Chance) {
        for &day in &self.causes.abandonments {
            let running: Vec<FeatureNo> =
                self.habits.iter().filter(|h| h.from < day && h.to > day && !h.in_trial).map(|h| h.feature).collect();
            if running.is_empty() {
                continue;
            }
            let dropped = chance.pick(&running);
            self.habits.iter_mut().filter(|h| h.feature == dropped && h.from < day).for_each(|h| h.to = h.to.min(day));
            self.habits.retain(|h| h.feature != dropped || h.from < day);
        }
    }

    /// What the users behind the sample keep coming back to: a sampled user's own features, begun some days apart and
    /// as often as suits them. What one person does alone (a workaround, a look at a teaser) has no colleague.
    fn colleagues(&self, chance: &mut Chance) -> Vec<Habit> {
        let sampled = sampled_users(self.profile);
        let metered = self.profile.seat_demand.min(MOST_METERED).round() as u32;
        let shared = |habit: &&Habit| (habit.willing || habit.in_trial) && FEATURES[habit.feature].suggests.is_none();
        let mut habits = Vec::new();
        for number in 0..metered.saturating_sub(sampled) {
            let like = number % sampled;
            for habit in self.habits.iter().filter(|habit| habit.user == like).filter(shared) {
                let later = if habit.from > self.course.from && !habit.in_trial { chance.whole(0, 14) } else { 0 };
                habits.push(Habit {
                    user: FIRST_COLLEAGUE + number,
                    from: habit.from.plus(later),
                    chance: chance.between(0.16, 0.42),
                    events: chance.between(1.2, 6.0),
                    ..habit.clone()
                });
            }
        }
        habits
    }

    /// Days with use, drawn habit by habit.
    fn play(&self, habits: &[Habit], chance: &mut Chance) -> Vec<FeatureUseRow> {
        let first = self.params.first();
        let last = self.course.last();
        let mut rows = Vec::new();
        for habit in habits {
            for day in (habit.from.max(first).0..=habit.to.min(last).0).map(Day) {
                let luck = chance.unit();
                let willing = if habit.willing { 1.0 - self.causes.on(&self.causes.disengaged, day) } else { 1.0 };
                let product = FEATURES[habit.feature].product;
                if luck < habit.chance * calendar::activity(day) * willing && self.course.on(day).owns(product) {
                    rows.push(FeatureUseRow {
                        account: self.profile.account,
                        user: habit.user,
                        feature: habit.feature as u16,
                        day,
                        events: 1 + chance.poisson(habit.events - 1.0),
                        in_trial: habit.in_trial,
                    });
                }
            }
        }
        rows.sort_by_key(|row| (row.user, row.feature, row.day, row.in_trial));
        rows.dedup_by_key(|row| (row.user, row.feature, row.day));
        rows
    }
}
