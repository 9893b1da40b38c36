//! Randomness as a value: one ChaCha8 stream per seed, account and purpose.
//!
//! A stream never depends on what another account or purpose drew, so the world is the same on any number of threads,
//! and switching measurement noise off leaves every latent cause as it was.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::vocabulary::Day;

/// What a stream is drawn for. The number is part of the stream's key: changing it changes the world.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Profile = 0,
    Causes = 1,
    Careers = 2,
    Contracts = 3,
    Roster = 4,
    People = 5,
    Outreach = 6,
    Support = 7,
    Texts = 8,
    Adoption = 9,
    Billing = 10,
    News = 11,
    Integrations = 12,
    Metering = 14,
    Noise = 15,
    Deals = 16,
    Surveys = 17,
    Annotations = 18,
    FinerMeters = 19,
    Colleagues = 20,
    ColleagueNoise = 21,
}

pub struct Chance(ChaCha8Rng);

impl Chance {
    pub fn of(seed: u64, account: u32, purpose: Purpose) -> Chance {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(u64::from(account) << 8 | purpose as u64);
        Chance(stream)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number in [low, high].
    pub fn whole(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low..=high)
    }

    pub fn yes(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub fn standard(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        mean + deviation * self.standard()
    }

    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.standard()).exp()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.random_range(0..from.len())]
    }

    /// A position, with probability proportional to its weight.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (position, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return position;
            }
        }
        weights.len() - 1
    }

    /// A Poisson count; means here are small, so counting exponential gaps is fast enough.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let mut left = mean.min(200.0);
        let mut count = 0;
        loop {
            left -= self.exponential();
            if left < 0.0 {
                return count;
            }
            count += 1;
        }
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Days of a Poisson process in [from, to].
    pub fn arrivals(&mut self, per_year: f64, from: Day, to: Day) -> Vec<Day> {
        let mut days = Vec::new();
        if per_year <= 0.0 {
            return days;
        }
        let mut at = f64::from(from.0);
        loop {
            at += self.exponential() * 365.25 / per_year;
            if at > f64::from(to.0) {
                return days;
            }
            days.push(Day(at as i32));
        }
    }

    /// A gap in days, at least one, regular around its mean (coefficient of variation one half).
    pub fn gap(&mut self, mean: f64) -> i32 {
        let quarters: f64 = (0..4).map(|_| self.exponential()).sum();
        (mean * quarters / 4.0).round().max(1.0) as i32
    }
}
