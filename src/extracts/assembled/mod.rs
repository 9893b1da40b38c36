//! All tables as one: ids looked up, rows by account; and the same as it stood on an earlier day, or before late rows came.

pub mod assemble;
pub mod extracts;
pub mod late;
pub mod until;
