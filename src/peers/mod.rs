//! Similar accounts and what they did next: nearest neighbours by size, industry, use and usage level; purchase rates.
//!
//! An account is compared not with what others are today but with what they were six, twelve … months ago: whoever
//! upgraded since would no longer look alike. What happened after that day is told as it was, without extrapolation.

mod afterwards;
mod nearest;
mod profile;
mod purchases;
mod tree;
mod words;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::extracts::tables::Account;
use crate::history::View;
use crate::vocabulary::{AccountIx, ProductIx, Text};
use afterwards::Afterwards;
use profile::{Meters, Profile};

/// `[peers]` of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Neighbours per account.
    pub neighbours: usize,
    /// An upgrade within this many months of the usage level counts.
    pub upgrade_months: i32,
    /// A purchase of B within this many months of owning A counts.
    pub purchase_months: i32,
    /// Fewest owners of A for a purchase rate.
    pub min_support: u32,
    /// Fewest times the base rate.
    pub min_lift: f64,
}

/// One neighbour of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    pub account: AccountIx,
    /// 0–1, 1 = alike.
    pub similarity: f64,
    /// Whether it upgraded within the horizon.
    pub upgraded: bool,
    /// Which of all past profiles is alike.
    pub past: u32,
}

/// An account and one of its neighbours in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What they share.
    pub why: String,
    /// What the neighbour did within the horizon: an upgrade, a purchase, or nothing.
    pub outcome: String,
}

/// P(buys B within the window | owned A), counted in one segment or, where thin, over all.
#[derive(Clone, Debug, PartialEq)]
pub struct PurchaseRate {
    pub owned: ProductIx,
    pub bought: ProductIx,
    pub segment: Option<Text>,
    /// Accounts that owned `owned` for the whole window or bought in it.
    pub owners: u32,
    pub buyers: u32,
    pub rate: f64,
    /// rate / P(buys B within the window).
    pub lift: f64,
}

/// Built once per night from all accounts; read-only afterwards.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// By account; most alike first.
    pub neighbours: Vec<Vec<Neighbour>>,
    /// Sorted by (owned, bought, segment).
    pub purchase_rates: Vec<PurchaseRate>,
    /// By account.
    today: Vec<Option<Profile>>,
    /// By account, then day.
    past: Vec<Past>,
}

/// Months between the days on which an account's past is looked at.
const STEP_MONTHS: i32 = 6;

/// What an account was on a past day, and what it did afterwards.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Past {
    profile: Profile,
    then: Afterwards,
}

/// What the accounts of one part bring to the comparison.
pub struct Gathered {
    /// By account; `None` where no contract is in force, or another part holds it.
    today: Vec<Option<Profile>>,
    book: Book,
}

/// The past of accounts: what all parts must know of each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Book {
    /// By account, then day.
    past: Vec<Past>,
    purchases: Vec<purchases::Window>,
}

impl Gathered {
    pub fn of(view: View, settings: &Settings) -> Gathered {
        let accounts: Vec<AccountIx> = view.extracts.account_indices().collect();
        let histories: Vec<(Option<Profile>, Vec<Past>)> = accounts
            .par_iter()
            .map(|account| view.account(*account).map_or((None, Vec::new()), |a| history(view, a, settings)))
            .collect();
        let (today, past): (Vec<Option<Profile>>, Vec<Vec<Past>>) = histories.into_iter().unzip();
        let past = past.into_iter().flatten().collect();
        Gathered { today, book: Book { past, purchases: purchases::windows(view, settings) } }
    }

    /// The past of the accounts held here, to be shared.
    pub fn take_book(&mut self) -> Book {
        std::mem::take(&mut self.book)
    }
}

impl Peers {
    pub fn build(view: View, settings: &Settings) -> Peers {
        let mut gathered = Gathered::of(view, settings);
        let book = gathered.take_book();
        Peers::among(view, gathered, [book], settings)
    }

    /// The neighbours of the accounts gathered here, among those in the books of all parts.
    pub fn among(view: View, gathered: Gathered, books: impl IntoIterator<Item = Book>, settings: &Settings) -> Peers {
        let (mut past, mut purchases) = (Vec::new(), Vec::new());
        for book in books {
            past.extend(book.past);
            purchases.extend(book.purchases);
        }
        past.sort_by_key(|past: &Past| (past.profile.account, past.profile.day));
        let today = gathered.today;
        let accounts: Vec<Option<&Account>> = view.extracts.account_indices().map(|a| view.account(a)).collect();
        let near = nearest::nearest(&today, &past, &accounts, settings.neighbours);
        let neighbour = |(position, similarity): (usize, f64)| {
            let Past { profile, then } = &past[position];
            Neighbour { account: profile.account, similarity, upgraded: then.upgraded(), past: position as u32 }
        };
        let neighbours = near.into_iter().map(|near| near.into_iter().map(neighbour).collect()).collect();
        Peers { neighbours, purchase_rates: purchases::rates(&purchases, settings), today, past }
    }

    pub fn of(&self, account: AccountIx) -> &[Neighbour] {
        self.neighbours.get(account.at()).map_or(&[], Vec::as_slice)
    }

    /// A neighbour of the account in words; few of them are ever shown.
    pub fn tell(&self, view: View, account: AccountIx, neighbour: &Neighbour) -> Told {
        let (own, other) = (self.today.get(account.at()), self.past.get(neighbour.past as usize));
        let Some((own, other)) = own.and_then(Option::as_ref).zip(other) else { return Told::default() };
        Told { why: words::why(view, own, &other.profile), outcome: words::outcome(view, other) }
    }
}

/// The account as it is, and as it was on each past day on which it had a contract.
fn history(view: View, account: &Account, settings: &Settings) -> (Option<Profile>, Vec<Past>) {
    let meters = Meters::of(view, account.account);
    let days = (1..=settings.upgrade_months / STEP_MONTHS).map(|n| view.day.plus_months(-n * STEP_MONTHS));
    let past = days.rev().filter_map(|day| {
        let profile = Profile::on(View { day, ..view }, account, &meters)?;
        let then = Afterwards::of(view, &profile, settings.upgrade_months);
        Some(Past { profile, then })
    });
    (Profile::on(view, account, &meters), past.collect())
}
