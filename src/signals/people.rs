//! Signals about people: who joined, rose, left, fell silent, and which buying centers have no conversation.

use super::case::{Case, Finding};

pub(super) fn find(case: &Case) -> Vec<Finding> {
    let _ = case;
    Vec::new()
}
