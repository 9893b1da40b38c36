//! What happened to accounts: the labels of a window to come, and what owners of a product went on to buy.

pub mod labels;
pub mod purchases;
