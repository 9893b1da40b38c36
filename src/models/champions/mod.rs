//! Which model scores: champion against challenger, and the registry in which versions and champions stand for good.

pub mod promote;
pub mod promotions;
pub mod registry;
