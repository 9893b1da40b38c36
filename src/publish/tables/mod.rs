//! The published tables, one file per layer: columns, descriptions and what each is read from.

pub mod governance;
pub mod observations;
pub mod program;
pub mod recommendations;
pub mod signals;

use std::ops::Deref;

use super::frame::Frame;
use super::schema::TableSpec;
use super::table::{Stamp, Table};
use crate::assessment::Assessment;
use crate::briefings::Briefing;
use crate::changes::ScoreChange;
use crate::extracts::Extracts;
use crate::history::View;
use crate::models::scoring::drift::Drift;
use crate::models::{ChurnPoint, ModelEvaluation};
use crate::recommendations::Recommended;
use crate::vocabulary::{AccountIx, ProductIx, StableId};

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
    /// By account, then days.
    pub churn_curves: &'a [ChurnPoint],
    /// What may have moved since the models in use were trained.
    pub drift: &'a [Drift],
    /// What moved since the run before, and by what; empty on a first night.
    pub changes: &'a [ScoreChange],
}

/// Every table that comes from the layers and the extracts, unchecked.
pub fn frames<'a>(layers: &Layers<'a>, stamp: &Stamp) -> Vec<Frame<'a>> {
    let mut frames = observations::frames(layers, stamp);
    frames.extend(signals::frames(layers, stamp));
    frames.extend(recommendations::frames(layers, stamp));
    frames.extend(governance::frames(layers, stamp));
    frames.extend(program::frames(layers, stamp));
    frames
}

/// Rows of a part of a table, and so of a row group.
pub(super) const PART: usize = 256 * 1024;

impl<'a> Layers<'a> {
    /// A frame of the items that every assessment has in a list.
    fn frame<T: Sync>(
        &self,
        table: Table<Of<'a, T>>,
        stamp: &Stamp,
        list: impl Fn(&'a Assessment<'a>) -> &'a [T] + Send + Sync + 'a,
    ) -> Frame<'a> {
        let parts = self.parts(|assessment| list(assessment).len());
        self.frame_by(table, parts, stamp, move |extracts, assessment| {
            list(assessment).iter().map(|item| Of::new(extracts, assessment.account, item)).collect()
        })
    }

    /// A frame of the rows that `rows` makes of every assessment.
    fn frame_by<R: 'a>(
        &self,
        table: Table<R>,
        parts: Vec<&'a [Assessment<'a>]>,
        stamp: &Stamp,
        rows: impl Fn(&'a Extracts, &'a Assessment<'a>) -> Vec<R> + Send + Sync + 'a,
    ) -> Frame<'a> {
        let extracts = self.view.extracts;
        let part = move |part: &&'a [Assessment<'a>], hand_on: &mut dyn FnMut(Vec<R>)| {
            part.iter().for_each(|one| hand_on(rows(extracts, one)));
        };
        table.frame_of(parts, part, stamp)
    }

    /// The assessments in ranges that come to about [`PART`] rows each.
    fn parts(&self, rows: impl Fn(&'a Assessment<'a>) -> usize) -> Vec<&'a [Assessment<'a>]> {
        let (mut parts, mut from, mut count) = (Vec::new(), 0, 0);
        for (place, assessment) in self.assessments.iter().enumerate() {
            count += rows(assessment);
            if count >= PART {
                parts.push(&self.assessments[from..=place]);
                (from, count) = (place + 1, 0);
            }
        }
        parts.push(&self.assessments[from..]);
        parts
    }

    /// A frame of rows that stand by account, in the order of accounts.
    fn frame_sorted<T: Sync>(
        &self,
        table: Table<Of<'a, T>>,
        rows: &'a [T],
        account: fn(&T) -> AccountIx,
        stamp: &Stamp,
    ) -> Frame<'a> {
        let extracts = self.view.extracts;
        let part = move |part: &&'a [T], hand_on: &mut dyn FnMut(Vec<Of<'a, T>>)| {
            for of_one in part.chunk_by(|a, b| account(a) == account(b)) {
                hand_on(of_one.iter().map(|row| Of::new(extracts, account(row), row)).collect());
            }
        };
        table.frame_of(ranges(rows, account), part, stamp)
    }

    fn of<T>(&self, account: AccountIx, item: &'a T) -> Of<'a, T> {
        Of::new(self.view.extracts, account, item)
    }
}

/// Ranges of about [`PART`] rows that keep an account's rows together.
fn ranges<T>(rows: &[T], account: fn(&T) -> AccountIx) -> Vec<&[T]> {
    let (mut ranges, mut from, mut to) = (Vec::new(), 0, 0);
    for of_one in rows.chunk_by(|a, b| account(a) == account(b)) {
        to += of_one.len();
        if to - from >= PART {
            ranges.push(&rows[from..to]);
            from = to;
        }
    }
    ranges.push(&rows[from..]);
    ranges
}

/// A row of an output table: what a layer put out for an account, with the dictionaries to name it.
pub struct Of<'a, T> {
    pub extracts: &'a Extracts,
    pub account: AccountIx,
    pub item: &'a T,
}

/// A row with the id that the output gives it.
pub struct Named<'a, T> {
    pub id: StableId,
    pub row: Of<'a, T>,
}

impl<'a, T> Deref for Named<'a, T> {
    type Target = Of<'a, T>;

    fn deref(&self) -> &Of<'a, T> {
        &self.row
    }
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
    specs.extend(program::specs());
    specs.sort_by_key(|spec| spec.table);
    specs
}

/// Sentences in one readable cell.
fn sentences(parts: &[String]) -> String {
    parts.join("; ")
}
