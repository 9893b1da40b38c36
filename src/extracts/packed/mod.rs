//! Numbers in as few bytes as hold them, the pieces of memory that they stand in, and the code of one use.

pub mod numbers;
pub mod pieces;
pub mod use_code;
