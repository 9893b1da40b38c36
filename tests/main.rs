//! One test binary; the list below is the map.

mod briefings;
mod observations;
mod playbooks;
mod stakeholders;
mod support;
