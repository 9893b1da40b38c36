//! Money and the deals around it: invoices, opportunities, and what people decided about earlier recommendations.

use super::Params;
use super::catalog::{PRODUCTS, ProductNo};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::{Course, Deal};
use super::profile::{Form, Profile};
use super::rows::{DecisionRow, InvoiceRow, OpportunityRow, OutcomeRow};
use crate::extracts::tables::{OpportunityKind, OutcomeResult, Stage, Verdict};
use crate::vocabulary::{Day, Moment, stable_id};

/// Invoices by the month, the quarter or the year, and how they were paid by the world's last day.
pub fn invoices(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Vec<InvoiceRow> {
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Billing);
    let months = if profile.form == Form::Rolling { 1 } else { chance.pick(&[3, 3, 3, 6, 12]) };
    let mut rows: Vec<InvoiceRow> = Vec::new();
    let mut issued = profile.since;
    let mut turn = 0;
    while issued <= course.last() {
        let trouble = causes.payment_trouble.iter().any(|s| s.holds(issued.plus(30)));
        let (punctual, late) = (chance.normal(-4.0, 4.5).min(7.0) as i32, chance.whole(18, 75));
        let disputed = chance.yes(if trouble { 0.35 } else { 0.004 });
        if issued >= params.first() {
            let due_on = issued.plus(30);
            let paid = due_on.plus(if trouble { late } else { punctual });
            rows.push(InvoiceRow {
                invoice_id: format!("inv-{:06}-{turn:03}", profile.account),
                account_id: profile.id.clone(),
                issued_on: issued,
                due_on,
                paid_on: Some(paid).filter(|paid| *paid <= params.end),
                amount: (arr_on(course, issued) * f64::from(months) / 12.0 * 100.0).round() / 100.0,
                disputed,
            });
        }
        turn += 1;
        issued = profile.since.plus_months(turn * months);
    }
    rows
}

/// Days before a renewal falls due on which its deal is opened.
const RENEWAL_NOTICE: i32 = 75;

/// ARR of everything that ran on a day.
fn arr_on(course: &Course, day: Day) -> f64 {
    let mut latest: Vec<(&str, f64)> = Vec::new();
    for version in course.subscriptions.iter().filter(|v| v.recorded_at.day() <= day || v.starts_on <= day) {
        let arr = if version.cancelled_on.is_some_and(|c| c <= day) { 0.0 } else { version.arr };
        match latest.last_mut().filter(|(id, _)| *id == version.subscription_id) {
            Some(last) if version.recorded_at.day() <= day => last.1 = arr,
            Some(_) => {}
            None => latest.push((&version.subscription_id, arr)),
        }
    }
    latest.iter().map(|(_, arr)| arr).sum()
}

/// Deals in the CRM, and the trail of the recommendations that some of them came from.
#[derive(Default)]
pub struct Trail {
    pub opportunities: Vec<OpportunityRow>,
    pub decisions: Vec<DecisionRow>,
    pub outcomes: Vec<OutcomeRow>,
}

pub fn trail(params: &Params, profile: &Profile, causes: &Causes, course: &Course) -> Trail {
    let chance = Chance::of(params.seed, profile.account, Purpose::Deals);
    let mut desk = Desk { params, profile, course, chance, trail: Trail::default() };
    for deal in course.deals.iter().filter(|deal| deal.closes >= params.first()) {
        desk.deal(deal);
    }
    desk.renewals();
    let from = params.first().max(course.from);
    for day in desk.chance.arrivals(0.45, from, course.last()) {
        let product = desk.chance.whole(0, PRODUCTS.len() as i32 - 1) as usize;
        let receptive = causes.on(&causes.dissatisfied, day) < 0.5;
        if receptive || desk.chance.yes(0.3) {
            desk.recommend(&recommendation_id(profile, product, day), None, day);
        }
    }
    for (number, row) in desk.trail.opportunities.iter_mut().enumerate() {
        row.opportunity_id = format!("opp-{:06}-{number:03}", profile.account);
    }
    desk.trail
}

fn recommendation_id(profile: &Profile, product: ProductNo, day: Day) -> String {
    stable_id("rec", &[&profile.id, PRODUCTS[product].id, &day.to_string()])
}

struct Desk<'a> {
    params: &'a Params,
    profile: &'a Profile,
    course: &'a Course,
    chance: Chance,
    trail: Trail,
}

impl Desk<'_> {
    /// When a deal ended, if it did by the world's last day: an account that left takes its open deals with it.
    fn ending(&self, deal: &Deal) -> Option<(Day, bool)> {
        match self.course.churned.filter(|day| *day < deal.closes) {
            Some(day) => Some((day.max(deal.opened), false)),
            None => (deal.closes <= self.params.end).then_some((deal.closes, deal.won)),
        }
    }

    fn deal(&mut self, deal: &Deal) {
        let recommended = self.chance.yes(0.4).then(|| recommendation_id(self.profile, deal.product, deal.opened));
        if let Some(id) = &recommended {
            self.recommend(id, Some(deal), deal.opened);
        }
        let ended = self.ending(deal);
        self.trail.opportunities.push(OpportunityRow {
            opportunity_id: String::new(),
            account_id: self.profile.id.clone(),
            product: Some(deal.product),
            kind: deal.kind,
            opened_on: deal.opened,
            closed_on: ended.map(|(day, _)| day),
            stage: match ended {
                None => Stage::Open,
                Some((_, true)) => Stage::Won,
                Some((_, false)) => Stage::Lost,
            },
            arr_delta: Some(deal.arr_delta),
            source: if recommended.is_some() { "recommendation" } else { "account_team" },
            recommendation_id: recommended,
        });
    }

    fn renewals(&mut self) {
        for renewal in self.course.renewals.iter().filter(|r| r.day >= self.params.first()) {
            let opened_on = renewal.day.minus(RENEWAL_NOTICE).max(self.profile.since);
            if opened_on > self.params.end {
                continue;
            }
            self.trail.opportunities.push(OpportunityRow {
                opportunity_id: String::new(),
                account_id: self.profile.id.clone(),
                product: None,
                kind: OpportunityKind::Renewal,
                opened_on,
                closed_on: renewal.signed.map(|_| renewal.day),
                stage: renewal.signed.map_or(Stage::Open, |signed| if signed { Stage::Won } else { Stage::Lost }),
                arr_delta: Some(if renewal.signed == Some(false) { -renewal.arr } else { 0.0 }),
                recommendation_id: None,
                source: "renewal_desk",
            });
        }
    }

    fn at(&mut self, day: Day) -> Moment {
        let minute = self.chance.whole(8 * 60, 17 * 60);
        Moment(Moment::start_of(day).0 + i64::from(minute) * 60_000_000)
    }

    /// What people did with one recommendation, as far as it had come by the world's last day.
    fn recommend(&mut self, id: &str, deal: Option<&Deal>, day: Day) {
        let verdict = self.decide(id, deal.is_some(), day);
        if matches!(verdict, Verdict::Rejected | Verdict::Snoozed) {
            return;
        }
        let mut steps = vec![(day, OutcomeResult::Contacted, None, None)];
        match deal {
            Some(deal) => {
                steps.push((day.plus(8), OutcomeResult::MeetingHeld, None, None));
                if let Some((closed, won)) = self.ending(deal) {
                    let result = if won { OutcomeResult::Converted } else { OutcomeResult::Declined };
                    steps.push((closed, result, won.then_some(deal.arr_delta), None));
                }
            }
            None => {
                let results = [OutcomeResult::NoResponse, OutcomeResult::Declined, OutcomeResult::Stalled];
                let result = self.chance.pick(&results);
                let note = (result == OutcomeResult::Declined).then_some("not a priority this year");
                steps.push((day.plus(25), result, None, note));
            }
        }
        for (day, outcome, arr_delta, note) in steps.into_iter().filter(|(day, ..)| *day <= self.params.end) {
            let at = self.at(day);
            self.trail.outcomes.push(OutcomeRow { recommendation_id: id.to_owned(), at, outcome, arr_delta, note });
        }
    }

    /// The decision; what became a deal had been approved.
    fn decide(&mut self, id: &str, became_a_deal: bool, day: Day) -> Verdict {
        let verdict = if became_a_deal {
            self.chance.pick(&[Verdict::Approved, Verdict::Approved, Verdict::Approved, Verdict::Edited])
        } else {
            self.chance.pick(&[Verdict::Approved, Verdict::Rejected, Verdict::Rejected, Verdict::Snoozed])
        };
        let reason = match verdict {
            Verdict::Rejected => {
                Some(self.chance.pick(&["timing is wrong", "wrong contact", "already discussed", "no budget"]))
            }
            Verdict::Snoozed => Some("after the quarter closes"),
            Verdict::Edited => Some("adjusted the quantity"),
            Verdict::Approved => None,
        };
        let decided_at = self.at(day.minus(6).max(self.params.first()));
        self.trail.decisions.push(DecisionRow {
            recommendation_id: id.to_owned(),
            decided_at,
            approver: self.profile.csm.clone(),
            decision: verdict,
            reason,
            snooze_until: (verdict == Verdict::Snoozed).then(|| day.plus(45)),
        });
        verdict
    }
}
