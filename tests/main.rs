//! One test binary; the list below is the map.

mod briefings;
mod health;
mod models_fit;
mod models_labels;
mod models_scoring;
mod models_telco;
mod observations;
mod outside_extracts;
mod peers;
mod people_signals;
mod playbooks;
mod readiness;
mod signals;
mod signals_frame;
mod simulate;
mod stakeholders;
mod support;
mod text;
