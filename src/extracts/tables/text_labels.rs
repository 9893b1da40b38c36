//! `text_labels`: intents that the team assigned to its own texts.

use crate::extracts::{Row, Seen};
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
    fn seen(&self) -> Seen {
        self.seen
    }
}
