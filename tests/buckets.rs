//! Extracts in parts: whatever the number of parts and whoever cut them, together they are the whole.

use std::collections::BTreeMap;

use foothold::extracts::{self, Digest, Error, Extracts, Part, State, bucketize};
use foothold::store::Access;
use foothold::vocabulary::{AccountIx, ContactIx, Day};

use crate::support::messy::messy;
use crate::support::night::{fresh_url, job, store};

fn as_of() -> Day {
    "2026-05-20".parse().expect("a day")
}

fn settings(url: &str) -> extracts::Settings {
    let mut settings = job(url, "memory://nowhere").settings.extracts;
    // A spoilt row of a small table is more than one in a hundred.
    settings.max_rejected_share = 1.0;
    settings.max_text_bytes = 40;
    settings
}

fn whole(url: &str) -> Extracts {
    extracts::load(&settings(url), &Access::default(), as_of(), &|_| {}).unwrap_or_else(|e| panic!("{e}"))
}

/// The extracts in `of` parts, each settled with the digests of all.
fn parts(url: &str, of: u32) -> Vec<Extracts> {
    let settings = settings(url);
    let parts: Vec<Part> = (1..=of).map(|number| Part::new(number, of).expect("a part")).collect();
    let read = |part: &Part| extracts::read(&settings, &Access::default(), &State::none(), as_of(), *part, &|_| {});
    let delivered: Vec<_> = parts.iter().map(|part| read(part).unwrap_or_else(|e| panic!("{e}"))).collect();
    let digests: Vec<Digest> = delivered.iter().map(|delivered| delivered.digest()).collect();
    let settled = delivered.into_iter().map(|delivered| delivered.settle(&settings, digests.clone()));
    settled.map(|extracts| extracts.unwrap_or_else(|e| panic!("{e}"))).collect()
}

fn bucketized(url: &str, of: u32) -> String {
    let into = fresh_url();
    bucketize(&settings(url), &Access::default(), &store(&into), of, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
    into
}

/// Every row of an account, in words; contacts and users by name, because each part numbers its own.
fn rows(extracts: &Extracts, account: AccountIx) -> Vec<String> {
    let x = extracts;
    let mut rows: Vec<String> = Vec::new();
    let mut add = |row: String| rows.push(row);
    x.accounts.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.subscriptions.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.entitlements.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.integrations.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.tickets.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.invoices.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.account_events.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.opportunities.of(account).iter().for_each(|r| add(format!("{r:?}")));
    x.annotations.of(account).iter().for_each(|r| add(format!("{r:?}")));
    let person = |contact: Option<ContactIx>| contact.map(|contact| x.ids.contacts.name(contact).to_string());
    x.activities.of(account).iter().for_each(|r| add(format!("{:?}", (person(r.contact), r.kind, r.at, r.seen))));
    x.conversations.of(account).iter().for_each(|r| add(format!("{} {:?} {}", r.id, r.at, r.text)));
    x.surveys.of(account).iter().for_each(|r| add(format!("{} {:?} {}", r.id, r.at, r.score)));
    x.contacts.of(account).iter().for_each(|r| {
        let user = r.user.map(|user| x.ids.users.name(user));
        add(format!("{} {} {:?} {user:?}", x.ids.contacts.name(r.contact), r.name, r.seen));
    });
    x.feature_usage.of(account).for_each(|r| {
        add(format!("{} {:?} {} {} {:?}", x.ids.users.name(r.user), r.feature, r.day, r.events, r.known));
    });
    x.usage.of(account).iter().for_each(|s| {
        add(format!("{:?} {:?} {} {:?}", s.product, s.metric, s.start, x.usage.known(s, as_of())));
    });
    rows
}

fn assert_together_the_whole(whole: &Extracts, parts: &[Extracts]) {
    for part in parts {
        assert_eq!(format!("{:?}", part.quality), format!("{:?}", whole.quality));
        assert_eq!(part.rejected, whole.rejected);
        assert_eq!(format!("{:?}", part.inputs), format!("{:?}", whole.inputs));
        assert_eq!(part.available, whole.available);
    }
    for account in whole.account_indices() {
        let owners: Vec<&Extracts> = parts.iter().filter(|part| part.owns(account)).collect();
        let [owner] = owners.as_slice() else { panic!("{} owners of one account", owners.len()) };
        assert_eq!(rows(owner, account), rows(whole, account), "{}", whole.account_id(account));
        for other in parts.iter().filter(|part| !part.owns(account)) {
            assert!(other.subscriptions.of(account).is_empty() && other.usage.of(account).is_empty());
            assert!(other.feature_usage.of(account).next().is_none() && other.activities.of(account).is_empty());
        }
    }
}

#[test]
fn parts_of_extracts_as_delivered_are_together_the_whole() {
    let url = messy(24, 200, 3);
    let whole = whole(&url);
    assert!(whole.rejected.len() > 20, "the world is messy enough to mean something");
    for of in [1, 4, 7] {
        assert_together_the_whole(&whole, &parts(&url, of));
    }
}

#[test]
fn buckets_are_together_the_whole() {
    let url = messy(24, 200, 3);
    let whole = whole(&url);
    for of in [1, 4, 7] {
        assert_together_the_whole(&whole, &parts(&bucketized(&url, of), of));
    }
}

#[test]
fn bucketizing_again_cuts_only_what_changed() {
    let (url, into) = (messy(10, 120, 5), fresh_url());
    let cut = |of| {
        bucketize(&settings(&url), &Access::default(), &store(&into), of, &|_| {}).unwrap_or_else(|e| panic!("{e}"))
    };
    let listing = || {
        let objects = store(&into).list("").expect("a listing").into_iter();
        objects.map(|object| (object.path.clone(), store(&into).get(&object.path).expect("an object"))).collect()
    };
    let first = cut(3);
    let before: BTreeMap<String, bytes::Bytes> = listing();
    let second = cut(3);
    assert_eq!((first.kept, second.cut), (0, 0));
    assert_eq!(before, listing(), "the same extracts give the same buckets, byte for byte");
    let path = store(&url).list("tickets").expect("a listing")[0].path.clone();
    let tickets = store(&url).get(&path).expect("tickets");
    store(&url).put(&path, tickets).expect("the same rows, delivered again");
    let third = cut(3);
    assert_eq!(third.cut, 1, "only the table that was delivered again");
    let other: Vec<_> = {
        cut(2);
        listing().into_keys().filter(|path: &String| path.contains("-of-3")).collect()
    };
    assert!(other.is_empty(), "buckets of another number are taken away: {other:?}");
}

#[test]
fn the_wrong_part_of_buckets_is_refused_with_a_next_step() {
    let into = bucketized(&messy(6, 90, 2), 2);
    let read =
        |part: Part| extracts::read(&settings(&into), &Access::default(), &State::none(), as_of(), part, &|_| {});
    for (part, says) in [(Part::WHOLE, "all of them"), (Part::new(1, 4).expect("a part"), "shard 1/4")] {
        match read(part) {
            Err(e @ Error::Buckets { .. }) => {
                let message = e.to_string();
                assert!(message.contains("in 2 buckets") && message.contains(says), "{message}");
                assert!(message.contains("--shard 1/2"), "{message}");
            }
            Err(other) => panic!("another error: {other}"),
            Ok(_) => panic!("part {part} of other buckets was read"),
        }
    }
    let lost = store(&into).list("bucket=1-of-2").expect("a listing")[0].path.clone();
    store(&into).delete(&lost).expect("a delete");
    let message = read(Part::new(1, 2).expect("a part")).err().expect("a lost file is an error").to_string();
    assert!(message.contains(&lost) && message.contains("foothold bucketize"), "{message}");
}
