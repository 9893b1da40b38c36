//! The sample world is a pure function of its parameters, and the committed one is what they give.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use foothold::simulate::{self, Noise, Params, Telemetry};
use foothold::store::{Access, Store};

fn world(params: &Params) -> BTreeMap<String, Bytes> {
    let store = Store::memory();
    simulate::write(params, &store, &mut |_, _| {}).expect("the world is written");
    let objects = store.list("").expect("a memory store lists");
    objects.into_iter().map(|o| (o.path.clone(), store.get(&o.path).expect("it was listed"))).collect()
}

#[test]
fn equal_parameters_give_equal_bytes_on_any_number_of_threads() {
    let params = Params::new(40, 120, 9).expect("valid");
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let one = pool(1).install(|| world(&params));
    let three = pool(3).install(|| world(&params));
    assert_eq!(one, three);
    assert_ne!(one, world(&Params { seed: 10, ..params }));
}

#[test]
fn an_account_is_the_same_in_a_larger_world() {
    // Owners are dealt out by the size of the world and pairs meet across its edge, so whole pairs are compared.
    let small = world(&Params::new(40, 90, 3).expect("valid"));
    let large = world(&Params::new(80, 90, 3).expect("valid"));
    let usage = "usage/month=2026-06/part-0000.parquet";
    let rows =
        |file: &Bytes| usage_rows(file).into_iter().filter(|row| row.0.as_str() < "acc-000040").collect::<Vec<_>>();
    assert!(!rows(&small[usage]).is_empty());
    assert_eq!(rows(&small[usage]), rows(&large[usage]));
}

/// (account, metric, day, value) of a usage file.
fn usage_rows(file: &Bytes) -> Vec<(String, String, i32, f64)> {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Date32Type, Float64Type};
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file.clone()).expect("Parquet");
    let mut rows = Vec::new();
    for batch in reader.build().expect("a reader") {
        let batch = batch.expect("a batch");
        let column = |name: &str| batch.column_by_name(name).expect("a column").clone();
        let (account, metric) = (column("account_id"), column("metric"));
        let (day, value) = (column("date"), column("value"));
        for row in 0..account.len() {
            rows.push((
                account.as_string::<i32>().value(row).to_owned(),
                metric.as_string::<i32>().value(row).to_owned(),
                day.as_primitive::<Date32Type>().value(row),
                value.as_primitive::<Float64Type>().value(row),
            ));
        }
    }
    rows
}

#[test]
fn noise_blurs_what_is_seen_and_nothing_else() {
    let noisy = Params::new(60, 200, 5).expect("valid");
    let exact = Params { noise: Noise::None, ..noisy.clone() };
    let (noisy, exact) = (world(&noisy), world(&exact));
    let same = |path: &str| noisy[path] == exact[path];
    for latent in ["subscriptions", "entitlements", "invoices", "opportunities", "truth/signals", "truth/latents"] {
        assert!(same(&format!("{latent}/part-0000.parquet")), "{latent} must not depend on measurement noise");
    }
    for seen in ["contacts", "activities", "tickets", "usage/month=2026-06"] {
        assert!(!same(&format!("{seen}/part-0000.parquet")), "{seen} must carry noise");
    }
}

#[test]
fn full_telemetry_meters_more_and_tells_the_same_story() {
    let lean = Params::new(40, 120, 9).expect("valid");
    let full = Params { telemetry: Telemetry::Full, ..lean.clone() };
    let (lean, full) = (world(&lean), world(&full));
    for same in ["subscriptions", "contacts", "activities", "tickets", "integrations", "invoices", "truth/latents"] {
        let path = format!("{same}/part-0000.parquet");
        assert_eq!(column(&lean[&path], 0), column(&full[&path], 0), "{same} must not depend on the telemetry");
    }
    let usage = "usage/month=2026-06/part-0000.parquet";
    let (some, all) = (usage_rows(&lean[usage]), usage_rows(&full[usage]));
    assert!(some.iter().all(|row| all.contains(row)), "every lean row of usage stands in the full world");
    let metrics = |rows: &[(String, String, i32, f64)]| rows.iter().map(|r| r.1.clone()).collect::<BTreeSet<_>>().len();
    assert_eq!((metrics(&some), metrics(&all)), (6, 8));
    let features = "feature_usage/month=2026-06/part-0000.parquet";
    let (some, all) = (column(&lean[features], 1), column(&full[features], 1));
    let users = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<_>>();
    assert!(
        users(&some).is_subset(&users(&all)) && all.len() > 3 * some.len(),
        "{} and {} rows",
        some.len(),
        all.len()
    );
    assert_eq!(some, all.into_iter().filter(|id| sampled(id)).collect::<Vec<_>>(), "the sample's rows are the same");
}

/// Whether a user is of the sample that either world meters; colleagues are numbered from 200.
fn sampled(user_id: &str) -> bool {
    user_id.rsplit('-').next().and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number < 200)
}

/// A column of text.
fn column(file: &Bytes, position: usize) -> Vec<String> {
    use arrow::array::AsArray;
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file.clone()).expect("Parquet");
    let batches = reader.build().expect("a reader").map(|batch| batch.expect("a batch"));
    let texts = |batch: arrow::record_batch::RecordBatch| {
        let column = batch.column(position).as_string::<i32>().clone();
        column.iter().map(|text| text.unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    batches.flat_map(texts).collect()
}

#[test]
fn the_committed_sample_is_what_its_parameters_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sample");
    let committed = Store::open(root.to_str().expect("a UTF-8 path"), &Access::local("/")).expect("a local folder");
    let made = world(&Params::new(300, 548, 1).expect("valid"));
    let listed: Vec<String> = committed.list("").expect("data/sample").into_iter().map(|o| o.path).collect();
    let listed: Vec<&String> = listed.iter().filter(|path| !path.ends_with(".md")).collect();
    assert_eq!(listed, made.keys().collect::<Vec<_>>());
    for (path, content) in &made {
        assert_eq!(
            &committed.get(path).expect("it was listed"),
            content,
            "{path} differs: run `foothold simulate` again"
        );
    }
    let bytes: usize = made.values().map(Bytes::len).sum();
    assert!(bytes <= 8 << 20, "the sample has {bytes} bytes");
}

#[test]
fn impossible_worlds_are_refused_with_the_range() {
    let message = Params::new(10, 59, 1).expect_err("too short").to_string();
    assert!(message.contains("60") && message.contains("59"), "{message}");
    assert!(Params::new(0, 90, 1).is_err());
}
