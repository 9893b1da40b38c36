//! The words every stage shares: days, moments, dense ids, probabilities and the closed lists of the contract.
//!
//! Nothing here reads a clock or holds behaviour of a stage. Ids are dense integers (`AccountIx(0)` is the first
//! account in byte order of `account_id`), so that sorting by index is sorting by id whatever the file layout was.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Short shared text: names, ids and other low-cardinality strings.
pub type Text = Arc<str>;

/// A calendar day (UTC), counted in days since 1970-01-01 as Parquet's Date32 does.
///
/// ```
/// use foothold::vocabulary::Day;
/// let day: Day = "2026-03-31".parse().unwrap();
/// assert_eq!(day.plus(1).to_string(), "2026-04-01");
/// assert_eq!(day.since(Day::ymd(2026, 3, 1)), 30);
/// assert!("2026-02-30".parse::<Day>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    pub const MIN: Day = Day(i32::MIN / 4);
    pub const MAX: Day = Day(i32::MAX / 4);

    /// The day of a valid year, month and day of month.
    ///
    /// # Panics
    /// When the three do not form a calendar day; use [`str::parse`] for text that a person typed.
    pub fn ymd(year: i32, month: u32, day: u32) -> Day {
        Day::from_date(NaiveDate::from_ymd_opt(year, month, day).expect("a valid calendar day"))
    }

    pub fn from_date(date: NaiveDate) -> Day {
        Day(date.num_days_from_ce() - EPOCH_FROM_CE)
    }

    /// The calendar date; days outside chrono's range are clamped to its ends.
    pub fn date(self) -> NaiveDate {
        let end = if self.0 < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_FROM_CE)).unwrap_or(end)
    }

    #[inline]
    pub fn plus(self, days: i32) -> Day {
        Day(self.0 + days)
    }

    #[inline]
    pub fn minus(self, days: i32) -> Day {
        Day(self.0 - days)
    }

    /// Days from `earlier` to `self`; negative when `self` comes first.
    #[inline]
    pub fn since(self, earlier: Day) -> i32 {
        self.0 - earlier.0
    }

    /// Same day of month, `months` later, held to the month's last day.
    pub fn plus_months(self, months: i32) -> Day {
        let date = self.date();
        let shifted = if months >= 0 {
            date.checked_add_months(chrono::Months::new(months as u32))
        } else {
            date.checked_sub_months(chrono::Months::new(months.unsigned_abs()))
        };
        shifted.map_or(self, Day::from_date)
    }

    pub fn month_start(self) -> Day {
        self.minus(self.date().day0() as i32)
    }

    /// 0 = Monday … 6 = Sunday.
    pub fn weekday(self) -> u32 {
        self.date().weekday().num_days_from_monday()
    }

    pub fn is_weekend(self) -> bool {
        self.weekday() >= 5
    }
}

const EPOCH_FROM_CE: i32 = 719_163;

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Day::from_date)
            .map_err(|_| format!("`{text}` is not a calendar day; write it as YYYY-MM-DD"))
    }
}

/// A date where people may read it, else the number of days: exact even for days beyond the calendar.
impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i32(self.0) }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        if !deserializer.is_human_readable() {
            return i32::deserialize(deserializer).map(Day);
        }
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A moment in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Moment(pub i64);

impl Moment {
    #[inline]
    pub fn day(self) -> Day {
        Day(self.0.div_euclid(86_400_000_000) as i32)
    }

    #[inline]
    pub fn start_of(day: Day) -> Moment {
        Moment(i64::from(day.0) * 86_400_000_000)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp_micros(self.0) {
            Some(at) => write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%SZ")),
            None => write!(f, "{}µs", self.0),
        }
    }
}

/// Dense ids, in byte order of the id they stand for.
macro_rules! index {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl $name {
            #[inline]
            pub fn at(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            #[inline]
            fn from(position: usize) -> Self {
                $name(position as $inner)
            }
        }
    )*};
}

index! {
    /// A customer account; position in [`Dictionary`] `accounts`.
    AccountIx(u32);
    /// A product (all its tiers); position in `products`.
    ProductIx(u32);
    /// A product feature; position in `features`.
    FeatureIx(u32);
    /// A contact person; position in `contacts`.
    ContactIx(u32);
    /// A user of the product, unique across accounts by (account_id, user_id); position in `users`.
    UserIx(u32);
    /// A usage metric such as `seats`; position in `metrics`.
    MetricIx(u32);
}

/// A number that may be missing, in the eight bytes of a number: what rows by the million are made of.
#[derive(Clone, Copy, Debug)]
pub struct MaybeNum(f64);

impl MaybeNum {
    #[inline]
    pub fn get(self) -> Option<f64> {
        (!self.0.is_nan()).then_some(self.0)
    }
}

impl From<Option<f64>> for MaybeNum {
    fn from(number: Option<f64>) -> MaybeNum {
        MaybeNum(number.unwrap_or(f64::NAN))
    }
}

/// Ids in byte order; the position is the dense id.
#[derive(Clone, Debug)]
pub struct Dictionary<I> {
    ids: Vec<Text>,
    marker: std::marker::PhantomData<I>,
}

impl<I> Default for Dictionary<I> {
    fn default() -> Self {
        Dictionary { ids: Vec::new(), marker: std::marker::PhantomData }
    }
}

impl<I: From<usize> + Copy> Dictionary<I> {
    /// Sorts and deduplicates, so equal sets give equal dictionaries.
    pub fn new(ids: impl IntoIterator<Item = Text>) -> Self {
        let mut ids: Vec<Text> = ids.into_iter().collect();
        // Stable for its speed where ids come in a few sorted stretches.
        ids.sort();
        ids.dedup();
        Dictionary { ids, marker: std::marker::PhantomData }
    }

    pub fn get(&self, id: &str) -> Option<I> {
        self.ids.binary_search_by(|known| (**known).cmp(id)).ok().map(I::from)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (I, &Text)> {
        self.ids.iter().enumerate().map(|(position, id)| (I::from(position), id))
    }

    #[inline]
    pub fn name_at(&self, position: usize) -> &Text {
        &self.ids[position]
    }
}

macro_rules! named_index {
    ($($name:ident),*) => {$(
        impl Dictionary<$name> {
            /// The id that stands at this index.
            #[inline]
            pub fn name(&self, index: $name) -> &Text {
                self.name_at(index.at())
            }
        }
    )*};
}
named_index!(AccountIx, ProductIx, FeatureIx, ContactIx, UserIx, MetricIx);

/// A closed list of contract words: `as_str`, `parse`, `ALL` and serde under the same names.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The same list as the words that stand in the data.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            pub fn parse(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// One of the four plays; each has its own trigger, logic and owner.
    Play { CrossSell = "cross_sell", Upsell = "upsell", WhiteSpace = "white_space", RenewalRisk = "renewal_risk" }
);
words!(
    /// Which way a signal points.
    Direction { Expansion = "expansion", Risk = "risk" }
);
words!(
    /// Where an observation comes from.
    Category { Product = "product", Support = "support", Relationship = "relationship", Commercial = "commercial", External = "external" }
);
words!(
    /// Health colour: green ≥ 70, yellow ≥ 50, else red by default.
    Color { Green = "green", Yellow = "yellow", Red = "red" }
);
words!(
    Level { Low = "low", Medium = "medium", High = "high" }
);
words!(
    /// What a model predicts.
    PropensityKind { Churn = "churn", CrossSell = "cross_sell", Upsell = "upsell" }
);
words!(
    /// Who owns a recommendation: customer success manager or account executive.
    OwnerRole { Csm = "csm", Ae = "ae" }
);

/// A probability: finite and in [0, 1].
///
/// ```
/// use foothold::vocabulary::Probability;
/// assert_eq!(Probability::new(0.25).map(|p| p.get()), Some(0.25));
/// assert!(Probability::new(1.5).is_none() && Probability::new(f64::NAN).is_none());
/// assert_eq!(Probability::clamped(7.0).get(), 1.0);
/// ```
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, Serialize)]
pub struct Probability(f64);

impl Probability {
    pub fn new(value: f64) -> Option<Probability> {
        (0.0..=1.0).contains(&value).then_some(Probability(value))
    }

    /// The nearest probability; NaN becomes 0.
    pub fn clamped(value: f64) -> Probability {
        Probability(if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) })
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

/// A stable id: `prefix-` and 16 hex digits of the xxh3 of the parts, the same on every machine and run.
///
/// Ids of one prefix are ordered as their texts are.
///
/// ```
/// use foothold::vocabulary::StableId;
/// let id = StableId::of("sig", &["a", "b"]);
/// assert_eq!(id, StableId::of("sig", &["a", "b"]));
/// assert_ne!(id, StableId::of("sig", &["ab", ""]));
/// assert_eq!(id.to_string().len(), "sig-".len() + 16);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StableId {
    prefix: &'static str,
    hash: u64,
}

/// As the texts of the ids.
impl Ord for StableId {
    #[inline]
    fn cmp(&self, other: &StableId) -> Ordering {
        // Ids that are compared nearly always have one prefix, the very same.
        let prefixes =
            || if std::ptr::eq(self.prefix, other.prefix) { Ordering::Equal } else { self.prefix.cmp(other.prefix) };
        prefixes().then(self.hash.cmp(&other.hash))
    }
}

impl PartialOrd for StableId {
    #[inline]
    fn partial_cmp(&self, other: &StableId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Stands between the parts of an id; ids hold no control characters.
pub const ID_SEPARATOR: char = '\u{1f}';

impl StableId {
    pub fn of(prefix: &'static str, parts: &[&str]) -> StableId {
        StableId::of_joined(prefix, &parts.join("\u{1f}"))
    }

    /// The id of parts that stand joined by [`ID_SEPARATOR`].
    #[inline]
    pub fn of_joined(prefix: &'static str, joined: &str) -> StableId {
        StableId { prefix, hash: xxhash_rust::xxh3::xxh3_64(joined.as_bytes()) }
    }

    /// Appends the text of the id.
    #[inline]
    pub fn push_to(self, text: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        text.extend_from_slice(self.prefix.as_bytes());
        text.push(b'-');
        let digits: [u8; 16] = std::array::from_fn(|n| DIGITS[(self.hash >> (60 - 4 * n)) as usize & 15]);
        text.extend_from_slice(&digits);
    }
}

impl fmt::Display for StableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.prefix, self.hash)
    }
}

/// A [`StableId`] as text.
pub fn stable_id(prefix: &'static str, parts: &[&str]) -> String {
    StableId::of(prefix, parts).to_string()
}
