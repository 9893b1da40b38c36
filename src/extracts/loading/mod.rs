//! The way through the rooms: tables are opened, read, checked, packed and put together, or everything wrong with them is told.

pub mod digest;
pub mod load;
pub mod opened;
pub mod streamed;
