//! What a rule is: the signal, its definition in words, its numbers, and the function that looks for it.

use super::scene::{Hit, Scene};
use crate::vocabulary::Day;

pub struct Rule {
    pub signal: &'static str,
    /// In words, for the documentation.
    pub definition: &'static str,
    pub parameters: &'static [(&'static str, f64)],
    pub(super) holds: fn(&Scene, &Rule, Day) -> Vec<Hit>,
}

impl Rule {
    /// A parameter by its name in the table.
    pub(super) fn at(&self, name: &str) -> f64 {
        let known = self.parameters.iter().find(|(known, _)| *known == name);
        known.map_or(f64::NAN, |(_, value)| *value)
    }

    pub(super) fn days(&self, name: &str) -> i32 {
        self.at(name) as i32
    }
}
