//! One test binary; the list below is the map.

mod observations;
mod support;
