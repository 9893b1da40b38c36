//! One test binary; the list below is the map.

mod audit;
mod briefings;
mod gates;
mod health;
mod job;
mod models_fit;
mod models_labels;
mod models_scoring;
mod models_telco;
mod observations;
mod offers;
mod outside_extracts;
mod peers;
mod people_signals;
mod playbooks;
mod publish;
mod queues;
mod readiness;
mod reviews;
mod signals;
mod signals_frame;
mod simulate;
mod stakeholders;
mod support;
mod text;
