//! The published tables, one file per layer: columns, descriptions and what each is read from.

pub mod governance;
pub mod observations;
pub mod recommendations;
pub mod signals;

use std::ops::Deref;

use super::schema::TableSpec;
use super::table::{Frame, Stamp};
use crate::assessment::Assessment;
use crate::audit::AuditRecord;
use crate::briefings::Briefing;
use crate::extracts::Extracts;
use crate::history::View;
use crate::models::ModelEvaluation;
use crate::recommendations::Recommended;
use crate::vocabulary::{AccountIx, ProductIx};

/// What the four layers put out in one run.
pub struct Layers<'a> {
    pub view: View<'a>,
    /// One per account known on the day, in account order.
    pub assessments: &'a [Assessment<'a>],
    pub recommended: &'a Recommended,
    /// One per recommendation whose playbook the job still has.
    pub briefings: &'a [Briefing],
    /// Grades of the models that scored, and of those that were kept out tonight.
    pub evaluations: &'a [ModelEvaluation],
    /// Tonight's links of the audit chain.
    pub audit: &'a [AuditRecord],
}

/// Every table that comes from the layers and the extracts, unchecked.
pub fn frames(layers: &Layers, stamp: &Stamp) -> Vec<Frame> {
    let mut frames = observations::frames(layers, stamp);
    frames.extend(signals::frames(layers, stamp));
    frames.extend(recommendations::frames(layers, stamp));
    frames.extend(governance::frames(layers, stamp));
    frames
}

impl<'a> Layers<'a> {
    /// Rows of a child list of every assessment.
    fn each<T>(&self, list: impl Fn(&'a Assessment<'a>) -> &'a [T]) -> Vec<Of<'a, T>> {
        let rows = self.assessments.iter().flat_map(|assessment| {
            list(assessment).iter().map(|item| Of::new(self.view.extracts, assessment.account, item))
        });
        rows.collect()
    }

    fn of<T>(&self, account: AccountIx, item: &'a T) -> Of<'a, T> {
        Of::new(self.view.extracts, account, item)
    }
}

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
