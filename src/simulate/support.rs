//! Tickets and conversations: how many there are, how they end, and what they say.

use super::careers::Step;
use super::catalog::{self, FEATURES, PIPELINE, PRODUCT_COUNT, PRODUCTS, ProductNo, WORKSPACE};
use super::causes::Causes;
use super::chance::{Chance, Purpose};
use super::course::{Course, DayState};
use super::people::People;
use super::profile::Profile;
use super::rows::{ConversationRow, Saying, TextLabelRow, TicketRow};
use super::{Noise, Params, names, phrases};
use crate::extracts::tables::{Channel, Intent, Priority, TextSource};
use crate::vocabulary::{Day, Moment};

/// How far above seven times the usual a burst of tickets can go.
const TICKET_PEAK: f64 = 2.0;

/// One text, before it is filed as a ticket or a conversation.
struct Note {
    at: Moment,
    saying: Saying,
    text: String,
    contact_id: Option<String>,
}

pub struct Support {
    pub tickets: Vec<TicketRow>,
    pub conversations: Vec<ConversationRow>,
    pub labels: Vec<TextLabelRow>,
}

pub fn unfold(params: &Params, profile: &Profile, causes: &Causes, course: &Course, people: &People) -> Support {
    let desk = Desk { params, profile, causes, course, people };
    let notes = desk.notes();
    let chance = &mut Chance::of(params.seed, profile.account, Purpose::Support);
    let mut tickets = desk.everyday_tickets(chance);
    let mut conversations = Vec::new();
    for note in notes {
        match (note.saying.intent, chance.yes(0.5)) {
            (Intent::PlanLimit | Intent::HigherTierRequest | Intent::None, true) => {
                tickets.push(desk.file(chance, note))
            }
            _ => conversations.push(desk.converse(chance, note)),
        }
    }
    tickets.sort_by(|a, b| (a.opened_at, &a.body).cmp(&(b.opened_at, &b.body)));
    conversations.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
    for (number, ticket) in tickets.iter_mut().enumerate() {
        ticket.ticket_id = format!("tic-{:06}-{number:04}", profile.account);
    }
    for (number, conversation) in conversations.iter_mut().enumerate() {
        conversation.conversation_id = format!("cnv-{:06}-{number:04}", profile.account);
    }
    let labels = desk.labels(chance, &tickets, &conversations);
    Support { tickets, conversations, labels }
}

struct Desk<'a> {
    params: &'a Params,
    profile: &'a Profile,
    causes: &'a Causes,
    course: &'a Course,
    people: &'a People,
}

impl Desk<'_> {
    fn first(&self) -> Day {
        self.params.first().max(self.course.from)
    }

    /// Everything anybody writes that is not a routine ticket, in the order of its causes.
    fn notes(&self) -> Vec<Note> {
        let chance = &mut Chance::of(self.params.seed, self.profile.account, Purpose::Texts);
        let mut notes = Vec::new();
        // Candidate days at the highest rate; each cause claims its share of them.
        for day in chance.arrivals(16.0, self.first(), self.course.last()) {
            let (pick, product) = (chance.unit(), chance.whole(0, PRODUCT_COUNT as i32 - 1) as usize);
            if let Some(saying) = self.topic(day, pick, product) {
                notes.push(self.write(chance, day, saying));
            }
        }
        for turn in self.people.turns.iter().filter(|t| t.step == Step::ProcurementAppeared) {
            let day = turn.day.plus(5);
            if day >= self.first() && day <= self.course.last() {
                let saying = Saying { intent: Intent::None, product: None, names_competitor: false, procurement: true };
                let mut note = self.write(chance, day, saying);
                note.contact_id = Some(turn.contact_id.clone());
                notes.push(note);
            }
        }
        notes
    }

    /// What is on people's minds: of 16 occasions a year, each topic takes as many as its cause is strong.
    fn topic(&self, day: Day, pick: f64, product: ProductNo) -> Option<Saying> {
        let (causes, state) = (self.causes, self.course.on(day));
        let at = causes.index(day);
        let wanted = (product < PRODUCT_COUNT && !state.owns(product)).then_some(product);
        let (full, tight) = self.tightest(state);
        let locked = self.locked(state).is_some();
        let need = wanted.map_or(0.0, |product| causes.need[product][at]);
        let leaving = (causes.dissatisfied[at] - 0.5).max(0.0) + (causes.disengaged[at] - 0.4).max(0.0);
        let growing = f64::from(u8::from(causes.growing(day) > 0.28));
        let topics = [
            (Intent::PlanLimit, if tight > 0.97 { 3.2 } else { 0.0 }, Some(full)),
            (Intent::HigherTierRequest, if locked { 2.2 * causes.tier_need[at] } else { 0.0 }, None),
            (Intent::AdjacentNeed, 4.0 * need, wanted),
            (Intent::Growth, 1.6 * growing, None),
            (Intent::BudgetIncrease, 1.0 * (causes.budget[at] - 0.3).max(0.0), None),
            (Intent::PriceComplaint, 2.4 * (causes.price[at] - 0.15).max(0.0), None),
            (Intent::ChurnIntent, 1.8 * leaving, None),
            (Intent::None, 4.5, None),
        ];
        let mut left = pick * 16.0;
        for (intent, per_year, product) in topics {
            left -= per_year;
            if left < 0.0 {
                let unhappy = matches!(intent, Intent::ChurnIntent | Intent::PriceComplaint);
                let names_competitor = unhappy && left > -0.3 * per_year;
                return Some(Saying { intent, product, names_competitor, procurement: false });
            }
        }
        None
    }

    /// The core product whose ceiling is tightest, and how tight it is.
    fn tightest(&self, state: &DayState) -> (ProductNo, f64) {
        let share = |level: f64, limit: f64| if limit > 0.0 { level / limit } else { 0.0 };
        let workspace = share(state.demand, state.seat_limit);
        let monthly = if self.profile.rate_limited { 1.0 } else { 25.0 };
        let pipeline = share(state.calls * monthly, state.call_limit);
        if workspace >= pipeline { (WORKSPACE, workspace) } else { (PIPELINE, pipeline) }
    }

    fn locked(&self, state: &DayState) -> Option<usize> {
        let product = if state.ranks[0] > 0 { WORKSPACE } else { PIPELINE };
        let locked = catalog::above(product, state.ranks[product]);
        (!locked.is_empty()).then(|| locked[self.profile.account as usize % locked.len()])
    }

    fn write(&self, chance: &mut Chance, day: Day, saying: Saying) -> Note {
        let state = self.course.on(day);
        let plain = if saying.procurement { phrases::PROCUREMENT } else { phrases::plain(saying.intent) };
        let (mut wording, oblique) = (chance.pick(plain), chance.pick(phrases::oblique(saying.intent)));
        let odd = chance.yes(if saying.intent == Intent::None { 0.06 } else { 0.08 });
        if odd && self.params.noise == Noise::Default && !saying.procurement {
            wording = oblique;
        }
        let product = saying.product.unwrap_or(if state.owns(WORKSPACE) { WORKSPACE } else { PIPELINE });
        let mut text = self.fill(chance, wording, &saying, product, state);
        let rival = chance.pick(phrases::COMPETITOR);
        if saying.names_competitor {
            text = format!("{text} {}", self.fill(chance, rival, &saying, product, state));
        }
        let minute = chance.whole(7 * 60, 18 * 60);
        let at = Moment(Moment::start_of(day).0 + i64::from(minute) * 60_000_000);
        let author = self.author(chance, day);
        Note { at, saying, text, contact_id: author }
    }

    fn fill(
        &self,
        chance: &mut Chance,
        wording: &str,
        saying: &Saying,
        product: ProductNo,
        state: &DayState,
    ) -> String {
        let spec = &PRODUCTS[product];
        let feature = match saying.intent {
            Intent::AdjacentNeed => FEATURES.iter().find(|f| f.product == product).map_or(spec.name, |f| f.name),
            _ => self.locked(state).map_or(spec.name, |no| FEATURES[no].name),
        };
        let ceiling = if product == PIPELINE { "API calls" } else { "seats" };
        let place = if saying.intent == Intent::AdjacentNeed { spec.need } else { chance.pick(names::DEPARTMENTS) };
        let number = chance.whole(4, 45).to_string();
        let rival = PRODUCTS[product].competitor;
        let rival = if rival.is_empty() { PRODUCTS[WORKSPACE].competitor } else { rival };
        [("{p}", spec.name), ("{f}", feature), ("{m}", ceiling), ("{n}", &number), ("{c}", rival), ("{d}", place)]
            .iter()
            .fold(wording.to_owned(), |text, (slot, word)| text.replace(slot, word))
    }

    fn author(&self, chance: &mut Chance, day: Day) -> Option<String> {
        let present: Vec<&str> = self
            .people
            .people
            .iter()
            .filter(|p| p.met.is_some_and(|met| met <= day) && !p.gone_on(day))
            .filter_map(|p| p.on(day))
            .filter(|row| row.department != Some(names::PROCUREMENT) && !row.is_sponsor && !row.is_champion)
            .map(|row| row.contact_id.as_str())
            .collect();
        let luck = chance.unit();
        let at = (luck * present.len() as f64) as usize;
        present.get(at).map(|id| (*id).to_owned())
    }

    /// Routine tickets: more where more people work, bursts where people are unhappy or growth brings questions.
    fn everyday_tickets(&self, chance: &mut Chance) -> Vec<TicketRow> {
        let size = self.profile.seat_demand.powf(0.4);
        let mut tickets = Vec::new();
        let ceiling = 2.4 * size * 7.0 * TICKET_PEAK;
        for day in chance.arrivals(ceiling, self.first(), self.course.last()) {
            let at = self.causes.index(day);
            let unhappy = self.causes.dissatisfied[at];
            let growing = if self.causes.growing(day) > 1.5 { 2.0 } else { 0.0 };
            let weekend = if day.is_weekend() { 0.3 } else { 1.15 };
            let luck = chance.unit();
            let saying = Saying { intent: Intent::None, product: None, names_competitor: false, procurement: false };
            let note = self.write(chance, day, saying);
            let ticket = self.file(chance, note);
            if luck < (1.0 + 6.0 * unhappy.max(0.0) * unhappy + growing) * weekend / (7.0 * TICKET_PEAK) {
                tickets.push(ticket);
            }
        }
        tickets
    }

    fn file(&self, chance: &mut Chance, note: Note) -> TicketRow {
        let day = note.at.day();
        let unhappy = self.causes.on(&self.causes.dissatisfied, day).min(1.4);
        let state = self.course.on(day);
        let priority = chance.weighted(&[0.015 + 0.08 * unhappy, 0.14 + 0.1 * unhappy, 0.55, 0.28]);
        let hours = chance.lognormal([14.0, 30.0, 48.0, 70.0][priority] * (1.0 + 0.8 * unhappy), 0.8);
        let escalated = chance.yes(0.012 + 0.10 * unhappy);
        let hours = if escalated { hours * 6.0 } else { hours };
        let resolved_at = Moment(note.at.0 + (hours * 3.6e9) as i64);
        let answered = chance.yes(0.55);
        let score = chance.normal(8.9 - 4.2 * unhappy, 1.0).round().clamp(0.0, 10.0);
        let subject = chance.pick(phrases::SUBJECTS);
        let resolved = resolved_at.day() <= self.params.end;
        TicketRow {
            ticket_id: String::new(),
            account_id: self.profile.id.clone(),
            product: note.saying.product.or(Some(if state.owns(WORKSPACE) { WORKSPACE } else { PIPELINE })),
            opened_at: note.at,
            resolved_at: resolved.then_some(resolved_at),
            priority: Some([Priority::P1, Priority::P2, Priority::P3, Priority::P4][priority]),
            escalated,
            csat: (answered && resolved).then_some(score),
            subject: subject.to_owned(),
            body: note.text,
            saying: note.saying,
        }
    }

    fn converse(&self, chance: &mut Chance, note: Note) -> ConversationRow {
        let asks = matches!(note.saying.intent, Intent::HigherTierRequest | Intent::AdjacentNeed);
        let shares = [0.3, 0.45, 0.25, if asks { 0.5 } else { 0.0 }];
        let channel = [Channel::Call, Channel::Email, Channel::Chat, Channel::FeatureRequest][chance.weighted(&shares)];
        ConversationRow {
            conversation_id: String::new(),
            account_id: self.profile.id.clone(),
            contact_id: note.contact_id,
            channel,
            at: note.at,
            text: note.text,
            saying: note.saying,
        }
    }

    /// The team has labelled part of the older texts.
    fn labels(
        &self,
        chance: &mut Chance,
        tickets: &[TicketRow],
        conversations: &[ConversationRow],
    ) -> Vec<TextLabelRow> {
        let until = self.params.end.minus(60);
        let tickets = tickets.iter().map(|t| (TextSource::Tickets, &t.ticket_id, t.opened_at, &t.saying));
        let conversations =
            conversations.iter().map(|c| (TextSource::Conversations, &c.conversation_id, c.at, &c.saying));
        let mut labels = Vec::new();
        for (source, row_id, at, saying) in tickets.chain(conversations) {
            let share = if saying.intent == Intent::None { 0.08 } else { 0.5 };
            if chance.yes(share) && at.day() < until {
                let product = saying.product.filter(|_| saying.intent != Intent::None);
                labels.push(TextLabelRow { source, row_id: row_id.clone(), intent: saying.intent, product });
            }
        }
        labels
    }
}
