//! `text_labels`: intents that the team assigned to its own texts.

use crate::extracts::checked::frame::Frame;
use crate::extracts::checked::ids::Dictionaries;
use crate::extracts::checked::seen::{Row, Seen};
use crate::extracts::contract::input_table::InputTable;
use crate::extracts::contract::schema::{Entity, Table, id, text, word};
use crate::vocabulary::{ProductIx, Text};

words!(
    Intent {
        PlanLimit = "plan_limit", HigherTierRequest = "higher_tier_request", AdjacentNeed = "adjacent_need", Growth = "growth",
        BudgetIncrease = "budget_increase", PriceComplaint = "price_complaint", ChurnIntent = "churn_intent", None = "none",
    }
);
words!(
    TextSource { Tickets = "tickets", Conversations = "conversations" }
);

#[derive(Clone, Debug)]
pub struct TextLabel {
    pub seen: Seen,
    pub source: TextSource,
    pub row_id: Text,
    pub intent: Intent,
    pub product: Option<ProductIx>,
}

impl Row for TextLabel {
    #[inline]
    fn seen(&self) -> Seen {
        self.seen
    }
}

pub(crate) fn contract() -> Table {
    Table::new(
        InputTable::TextLabels,
        "intents that the team assigned to its own texts",
        &["source_table", "row_id"],
        [
            word("source_table", TextSource::WORDS, "the table of the text"),
            text("row_id", "ticket_id or conversation_id"),
            word("intent", Intent::WORDS, "what the customer wants"),
            id("product_id", Entity::Product, "the product it is about").optional(),
        ],
    )
}

pub(crate) fn rows(t: &Frame, ids: &Dictionaries) -> Vec<TextLabel> {
    let mut source = t.word("source_table", TextSource::parse);
    let mut row_id = t.text("row_id");
    let mut intent = t.word("intent", Intent::parse);
    let mut product = t.product("product_id", ids);
    t.rows(|i| {
        Some(TextLabel {
            seen: t.seen[i],
            source: source(i)?,
            row_id: row_id(i)?,
            intent: intent(i)?,
            product: product(i),
        })
    })
}
