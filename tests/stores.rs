//! One suite that every kind of store must pass; the S3 one runs where `S3_TEST_URL` names a bucket
//! (`scripts/with-s3.sh cargo test` starts a server and sets it).

use foothold::store::{Access, Created, PIECE, Store};

/// The bucket URL and the credentials to reach it, or `None` with the reason printed.
pub fn s3(prefix: &str) -> Option<(String, Access)> {
    let Ok(bucket) = std::env::var("S3_TEST_URL") else {
        eprintln!("skipped: S3_TEST_URL is not set; run under scripts/with-s3.sh");
        return None;
    };
    let access = Access { base: "/".into(), variables: std::env::vars().collect() };
    Some((format!("{bucket}/{prefix}-{}", std::process::id()), access))
}

fn suite(store: &Store) {
    assert_eq!(store.list("").unwrap(), []);
    assert!(store.get("absent").unwrap_err().is_missing());
    assert_eq!(store.get_if_exists("absent").unwrap(), None);
    assert_eq!(store.head("absent").unwrap(), None);

    store.put("a/one.txt", "first").unwrap();
    store.put("a/one.txt", "second").unwrap();
    assert_eq!(store.get("a/one.txt").unwrap(), "second");
    assert_eq!(store.get_ranges("a/one.txt", &[0..3, 3..6]).unwrap(), ["sec", "ond"]);

    assert_eq!(store.create("a/two.txt", "mine").unwrap(), Created::Yes);
    assert_eq!(store.create("a/two.txt", "theirs").unwrap(), Created::Taken);
    assert_eq!(store.get("a/two.txt").unwrap(), "mine");

    store.put_all((0..40).map(|n| (format!("many/{n:02}"), format!("{n}").into())).collect()).unwrap();
    let names: Vec<String> = store.list("").unwrap().into_iter().map(|object| object.path).collect();
    assert_eq!(names.len(), 42);
    assert_eq!(names[..3], ["a/one.txt", "a/two.txt", "many/00"], "in order, relative to the root");
    assert_eq!(store.list("many").unwrap().len(), 40);
    assert_eq!(store.list("man").unwrap(), [], "a prefix is a folder, not the start of a name");
    assert_eq!(store.under("many").get("07").unwrap(), "7");

    for name in ["date=2026-03-31/part 1.parquet", "odd/a%20b", "odd/ü", "odd/a+b"] {
        store.put(name, name.to_owned()).unwrap();
        let listed = store.list("").unwrap().into_iter().find(|o| store.get(&o.path).unwrap() == name);
        assert!(listed.is_some(), "{name} can be read under the name that the list gives");
    }

    let listed = store.list("a").unwrap().remove(0);
    assert_eq!(store.fetch(&listed, Some(0..6)).wait().unwrap(), ["second"]);
    store.put("a/one.txt", "replaced while it was read").unwrap();
    assert!(store.fetch(&listed, Some(0..6)).wait().is_err(), "never a mix of old and new");

    store.delete("a/one.txt").unwrap();
    store.delete("a/one.txt").unwrap();
    assert_eq!(store.get_if_exists("a/one.txt").unwrap(), None);

    let sent = |pieces: &[Vec<u8>]| {
        let mut upload = store.upload("large/one").unwrap();
        pieces.iter().for_each(|piece| upload.send(piece.clone().into()).unwrap());
        upload
    };
    let pieces = [vec![b'a'; PIECE], vec![b'b'; PIECE], b"the end".to_vec()];
    drop(sent(&pieces));
    assert_eq!(store.list("large").unwrap(), [], "what is not finished leaves nothing");
    let upload = sent(&pieces);
    assert_eq!(store.head("large/one").unwrap(), None, "nobody sees it before it is whole");
    assert_eq!(upload.finish().unwrap(), Created::Yes);
    assert!(store.get("large/one").unwrap() == pieces.concat(), "in the order in which they were sent");
    assert_eq!(sent(&[b"other".to_vec()]).finish().unwrap(), Created::Taken);
    assert_eq!(store.head("large/one").unwrap().unwrap().bytes as usize, pieces.concat().len());
}

#[test]
fn memory_keeps_the_promises_of_a_store() {
    suite(&Store::memory());
}

#[test]
fn a_folder_keeps_the_promises_of_a_store() {
    let folder = tempfile::tempdir().unwrap();
    suite(&Store::open("deep/er", &Access::local(folder.path())).unwrap());
}

#[test]
fn s3_keeps_the_promises_of_a_store() {
    let Some((url, access)) = s3("suite") else { return };
    suite(&Store::open(&url, &access).unwrap());
}

#[test]
fn a_named_memory_store_is_one_store() {
    let open = || Store::open("memory://shared/below", &Access::default()).unwrap();
    open().put("x", "1").unwrap();
    assert_eq!(open().get("x").unwrap(), "1");
    assert!(Store::open("memory://other/below", &Access::default()).unwrap().list("").unwrap().is_empty());
}

#[test]
fn a_url_that_is_none_says_what_would_be() {
    let message = Store::open("gopher://x", &Access::default()).unwrap_err().to_string();
    assert!(message.contains("gopher://x") && message.contains("s3://"), "{message}");
}

#[test]
fn secrets_do_not_show() {
    let access = Access { base: "/".into(), variables: vec![("AWS_SECRET_ACCESS_KEY".into(), "hush".into())] };
    let shown = format!("{access:?}");
    assert!(shown.contains("AWS_SECRET_ACCESS_KEY") && !shown.contains("hush"));
}

#[test]
fn extracts_in_a_bucket_that_does_not_exist_are_not_ready() {
    use crate::support::parquet_world::{AS_OF, settings};
    let Some((_, access)) = s3("none") else { return };
    let settings = foothold::extracts::Settings { url: "s3://no-such-bucket/extracts".into(), ..settings() };
    let answer = foothold::extracts::load(&settings, &access, AS_OF.parse().unwrap(), &|_| {});
    assert!(matches!(answer, Err(foothold::extracts::Error::NotReady { .. })), "{:?}", answer.err());
}

#[test]
fn extracts_load_from_s3() {
    use crate::support::parquet_world::{AS_OF, TABLES, parquet, settings, sound};
    let Some((url, access)) = s3("extracts") else { return };
    let store = Store::open(&url, &access).unwrap();
    for table in TABLES {
        store.put(&format!("{table}/part-0.parquet"), parquet(&sound(table))).unwrap();
    }
    let settings = foothold::extracts::Settings { url, ..settings() };
    let loaded = foothold::extracts::load(&settings, &access, AS_OF.parse().unwrap(), &|_| {}).unwrap();
    assert_eq!((loaded.available.len(), loaded.rejected.len()), (TABLES.len(), 0));
}
