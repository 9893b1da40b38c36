//! What a night keeps of every account's layer 1: the observations in as few bytes as hold them exactly.

use super::{AccountObservations, Fact, Metric, Name, Observation};
use crate::capacity::Capacity;
use crate::extracts::packed::numbers::{Reader, Writer};
use crate::vocabulary::{AccountIx, Day, ProductIx};

/// The observations of one account on one day, packed, and its capacity as it is.
///
/// Some hundred observations of 56 bytes take about 10 bytes each here. Whoever needs them unpacks those of one account
/// at a time: the same observations come back, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    packed: Box<[u8]>,
    count: u32,
    /// Whom they are of, and when; `None` where there are none.
    of: Option<(AccountIx, Day)>,
    pub capacity: Vec<Capacity>,
}

/// What is said of one observation beside the one before it, a bit each.
mod bits {
    pub const SAME_METRIC: u8 = 1;
    pub const SAME_NAME: u8 = 2;
    pub const SAME_PRODUCT: u8 = 4;
    pub const BASELINE: u8 = 8;
    /// The value is a whole number, written as such.
    pub const WHOLE: u8 = 16;
    pub const WHOLE_BASELINE: u8 = 32;
    pub const SINCE: u8 = 64;
    /// The name is that of a member of the metric's family, and only what tells it from the others is written.
    pub const MEMBER: u8 = 128;
}

/// Stands for a metric's own name: no other is empty.
const OWN: &str = "";
/// Bytes of a usual observation.
const USUAL_BYTES: usize = 16;

impl Kept {
    /// `facts` are of one account and day.
    pub fn of(facts: AccountObservations) -> Kept {
        let mut packing = Packing::default();
        packing.out.0.reserve(facts.observations.len() * USUAL_BYTES);
        facts.observations.iter().for_each(|observation| packing.add(observation));
        Kept {
            packed: packing.out.0.into_boxed_slice(),
            count: facts.observations.len() as u32,
            of: facts.observations.first().map(|first| (first.account, first.observed_on)),
            capacity: facts.capacity,
        }
    }

    /// How many observations there are.
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// The observations, unpacked.
    pub fn observations(&self) -> Vec<Observation> {
        let Some(of) = self.of else { return Vec::new() };
        let mut reading = Reading { from: Reader::new(&self.packed), last: Last::default() };
        (0..self.count).map(|_| reading.next(of)).collect()
    }

    /// Everything, unpacked.
    pub fn facts(&self) -> AccountObservations {
        AccountObservations { observations: self.observations(), capacity: self.capacity.clone() }
    }
}

/// What the next observation may share with the last one.
#[derive(Clone)]
struct Last {
    metric: u8,
    /// `None` for the metric's own.
    name: Option<Name>,
    product: u64,
}

impl Default for Last {
    fn default() -> Last {
        Last { metric: 0, name: None, product: product_code(None) }
    }
}

/// 0 where there is none.
fn product_code(product: Option<ProductIx>) -> u64 {
    product.map_or(0, |product| u64::from(product.0) + 1)
}

#[derive(Default)]
struct Packing {
    out: Writer,
    last: Last,
}

impl Packing {
    fn add(&mut self, o: &Observation) {
        let name = o.particular.clone().map(Name::Particular);
        let next = Last { metric: o.metric as u8, name, product: product_code(o.product()) };
        let member = next.name.as_deref().and_then(|name| o.metric.member(name));
        let (value, baseline) = (whole(o.value), o.baseline().map(|base| (base, whole(base))));
        let said = [
            (bits::SAME_METRIC, next.metric == self.last.metric),
            (bits::SAME_NAME, next.name == self.last.name),
            (bits::SAME_PRODUCT, next.product == self.last.product),
            (bits::BASELINE, baseline.is_some()),
            (bits::WHOLE, value.is_some()),
            (bits::WHOLE_BASELINE, baseline.is_some_and(|(_, whole)| whole.is_some())),
            (bits::SINCE, o.since().is_some()),
            (bits::MEMBER, member.is_some()),
        ];
        let said = said.iter().filter(|(_, holds)| *holds).fold(0, |said, (bit, _)| said | bit);
        self.out.byte(said);
        if said & bits::SAME_METRIC == 0 {
            self.out.byte(next.metric);
        }
        if said & bits::SAME_NAME == 0 {
            self.out.text(member.or(next.name.as_deref()).unwrap_or(OWN));
        }
        if said & bits::SAME_PRODUCT == 0 {
            self.out.number(next.product);
        }
        self.out.signed(o.window_days.into());
        self.number(o.value, value);
        if let Some((baseline, whole)) = baseline {
            self.number(baseline, whole);
        }
        if let Some(since) = o.since() {
            self.out.signed(i64::from(o.observed_on.0) - i64::from(since.0));
        }
        self.out.number(o.source_rows.into());
        self.last = next;
    }

    fn number(&mut self, value: f64, whole: Option<i64>) {
        match whole {
            Some(whole) => self.out.signed(whole),
            None => self.out.bits(value),
        }
    }
}

/// The number as a whole one, where that is shorter and gives back the same bits.
fn whole(value: f64) -> Option<i64> {
    /// Magnitudes whose whole numbers take at most seven bytes.
    const SHORT: f64 = (1_u64 << 48) as f64;
    (value.abs() < SHORT && (value as i64 as f64).to_bits() == value.to_bits()).then_some(value as i64)
}

struct Reading<'k> {
    from: Reader<'k>,
    last: Last,
}

impl Reading<'_> {
    fn next(&mut self, (account, observed_on): (AccountIx, Day)) -> Observation {
        let said = self.from.byte();
        let has = |bit: u8| said & bit != 0;
        if !has(bits::SAME_METRIC) {
            self.last.metric = self.from.byte();
        }
        let metric = Metric::ALL[usize::from(self.last.metric)];
        if !has(bits::SAME_NAME) {
            self.last.name = match self.from.text() {
                OWN => None,
                particular if has(bits::MEMBER) => Some(metric.of(particular)),
                name => Some(name.into()),
            };
        }
        if !has(bits::SAME_PRODUCT) {
            self.last.product = self.from.number();
        }
        let window_days = self.from.signed() as i32;
        let value = self.number(has(bits::WHOLE));
        let baseline = has(bits::BASELINE).then(|| self.number(has(bits::WHOLE_BASELINE)));
        let since = has(bits::SINCE).then(|| Day((i64::from(observed_on.0) - self.from.signed()) as i32));
        let fact = Fact { value, baseline, since, rows: self.from.number() };
        let name = self.last.name.clone().unwrap_or(metric.text());
        let product = self.last.product.checked_sub(1).map(|product| ProductIx(product as u32));
        Observation::new((account, observed_on), (metric, name), product, window_days, fact)
    }

    fn number(&mut self, whole: bool) -> f64 {
        if whole { self.from.signed() as f64 } else { self.from.double() }
    }
}
