//! One test binary; the list below is the map.

mod briefings;
mod health;
mod observations;
mod playbooks;
mod people_signals;
mod readiness;
mod stakeholders;
mod support;
