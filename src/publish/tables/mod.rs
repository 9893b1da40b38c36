//! The published tables, one file per layer: columns, descriptions and what each is read from.

pub mod governance;
pub mod observations;
pub mod recommendations;
pub mod signals;

use std::ops::Deref;

use crate::extracts::Extracts;
use crate::vocabulary::{AccountIx, ProductIx};

use super::schema::TableSpec;

/// A row of an output table: what a layer put out for an account, with the dictionaries to name it.
pub struct Of<'a, T> {
    pub extracts: &'a Extracts,
    pub account: AccountIx,
    pub item: &'a T,
}

impl<T> Deref for Of<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.item
    }
}

impl<'a, T> Of<'a, T> {
    pub fn new(extracts: &'a Extracts, account: AccountIx, item: &'a T) -> Self {
        Of { extracts, account, item }
    }

    pub fn account_id(&self) -> &str {
        self.extracts.account_id(self.account)
    }

    fn product_name(&self, product: ProductIx) -> &str {
        self.extracts.ids.products.name(product)
    }
}

/// The specification of every published table, in publishing order.
pub fn specs() -> Vec<TableSpec> {
    let mut specs = signals::specs();
    specs.extend(observations::specs());
    specs.extend(recommendations::specs());
    specs.extend(governance::specs());
    specs.sort_by_key(|spec| spec.table);
    specs
}

/// Sentences in one readable cell.
fn sentences(parts: &[String]) -> String {
    parts.join("; ")
}
