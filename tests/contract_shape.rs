//! Extracts whose files are missing, broken or of the wrong shape: the run stops before it reads a row, and says
//! which file, table and column, what was found and what to do.

use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::file::metadata::{ParquetMetaDataBuilder, ParquetMetaDataReader, ParquetMetaDataWriter};
use arrow::array::{Array, ArrayRef, BinaryArray, Date64Array, Decimal128Array, Int32Array, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use foothold::extracts::contract::schema;
use foothold::extracts::tables::contracts;
use foothold::extracts::{Error, InputTable, Settings, Users};
use foothold::vocabulary::Day;

use crate::support::parquet_world::*;

fn assert_says(problem: &str, parts: &[&str]) {
    for part in parts {
        assert!(problem.contains(part), "`{part}` is not in:\n{problem}");
    }
}

#[test]
fn every_table_of_the_contract_loads_when_it_is_sound() {
    let loaded = ParquetWorld::whole().load().unwrap();
    assert_eq!(loaded.rejected, []);
    for q in &loaded.quality {
        assert_eq!((q.available, q.rows, q.rejected), (true, 2, 0), "{q:?}");
    }
    assert_eq!(loaded.quality.len(), TABLES.len());
    assert_eq!(loaded.accounts.all().len(), 2);
    assert_eq!(loaded.products.len(), 1);
    assert_eq!(loaded.products[0].tiers.iter().map(|t| &*t.tier).collect::<Vec<_>>(), ["basic", "pro"]);
    assert_eq!(loaded.features.iter().map(|f| &*f.id).collect::<Vec<_>>(), ["dash", "export"]);
    assert_eq!(loaded.subscriptions.all().len(), 2);
    assert_eq!(loaded.entitlements.all().len(), 2);
    assert_eq!(loaded.usage.series.len(), 2);
    let uses = loaded.ids.accounts.iter().map(|(account, _)| loaded.feature_usage.of(account).count());
    assert_eq!(uses.sum::<usize>(), 2);
    assert_eq!(loaded.integrations.all().len(), 2);
    assert_eq!(loaded.contacts.all().len(), 2);
    assert_eq!(loaded.activities.all().len(), 2);
    assert_eq!(loaded.conversations.all().len(), 2);
    assert_eq!(loaded.tickets.all().len(), 2);
    assert_eq!(loaded.surveys.all().len(), 2);
    assert_eq!(loaded.invoices.all().len(), 2);
    assert_eq!(loaded.account_events.all().len(), 2);
    assert_eq!(loaded.opportunities.all().len(), 2);
    assert_eq!(loaded.annotations.all().len(), 2);
    assert_eq!((loaded.decisions.len(), loaded.outcomes.len(), loaded.text_labels.len()), (2, 2, 2));
    assert_eq!(loaded.inputs.len(), TABLES.len());
}

#[test]
fn values_arrive_as_they_were_written() {
    let loaded = ParquetWorld::whole().load().unwrap();
    let ids = &loaded.ids;
    let acme = &loaded.accounts.of(ids.accounts.get("A1").unwrap())[0];
    assert_eq!((&*acme.name, acme.employees, acme.parent), ("Acme", Some(50), None));
    let beta = &loaded.accounts.of(ids.accounts.get("A2").unwrap())[0];
    assert_eq!((beta.parent, beta.fiscal_year_start_month), (ids.accounts.get("A1"), Some(4)));
    let ticket = &loaded.tickets.of(acme.account)[0];
    assert_eq!((ticket.opened_at, ticket.csat), (moment("2026-03-01 10:00"), Some(9.0)));
    let ann = &loaded.contacts.of(acme.account)[0];
    assert_eq!(ids.users.name(ann.user.unwrap()), "A1\u{1f}u1");
    let used = loaded.feature_usage.of(acme.account).next().unwrap();
    assert_eq!(used.user, ann.user.unwrap(), "one user, two tables");
    let call = &loaded.activities.of(beta.account)[0];
    assert_eq!(ids.contacts.name(call.contact.unwrap()).as_ref(), "C404", "a person without a row keeps an id");
    assert_eq!(loaded.usage.of(beta.account)[0].start, Day::ymd(2026, 3, 31));
    let known = loaded.usage.series.iter().flat_map(|series| loaded.usage.known(series, Day::MAX));
    assert_eq!(known.filter(|cell| !cell.is_nan()).sum::<f64>(), 128.5);
}

#[test]
fn users_of_two_tables_stand_once_in_order() {
    let (first, second) = ([("a", "1"), ("a", "3"), ("b", "1")], [("a", "2"), ("a", "3")]);
    let users = Users::of(first.into_iter(), second.into_iter());
    let all = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "1")];
    let names: Vec<String> = users.iter().map(|(_, name)| name.to_owned()).collect();
    assert_eq!(names, all.map(|(account, user)| format!("{account}\u{1f}{user}")));
    let found: Vec<_> = all.into_iter().map(|(account, user)| users.get(account, user)).collect();
    assert_eq!(found, users.iter().map(|(user, _)| Some(user)).collect::<Vec<_>>());
    assert_eq!(users.get("b", "2"), None);
}

#[test]
fn the_published_contract_lists_every_column_that_is_read() {
    for table in TABLES {
        let listed = contracts::tables().iter().find(|t| t.name() == table).unwrap();
        let batch = sound(table);
        let written = batch.schema();
        for column in listed.columns.iter().filter(|c| c.name != schema::RECORDED_AT) {
            assert!(written.field_with_name(column.name).is_ok(), "{table}.{}", column.name);
        }
        for field in written.fields() {
            assert!(listed.column(field.name()).is_some(), "{table}.{}", field.name());
        }
    }
    let json = serde_json::to_value(contracts::tables()).unwrap();
    assert_eq!(json[0]["table"], "accounts");
    assert_eq!(json[0]["columns"][0]["kind"], "str");
}

#[test]
fn nothing_delivered_is_not_ready_rather_than_broken() {
    let Err(Error::NotReady { place, .. }) = ParquetWorld::empty().load() else { panic!("must not be ready") };
    assert!(place.starts_with("memory://"));
    let absent = Settings { url: "/nowhere/at/all".into(), ..settings() };
    assert!(matches!(ParquetWorld::empty().load_with(absent, AS_OF), Err(Error::NotReady { .. })));
}

#[test]
fn a_missing_required_table_is_named_with_a_near_miss() {
    let world = ParquetWorld::required();
    world.remove("subscriptions.parquet").table("subscription", &sound("subscriptions"));
    assert_says(&world.problem(), &["subscriptions", "required", "`subscription` stands there", "did you mean"]);
}

#[test]
fn an_optional_table_that_is_missing_is_unavailable_and_one_without_rows_is_not() {
    let world = ParquetWorld::required();
    world.table("tickets", &sound("tickets").slice(0, 0));
    let loaded = world.load().unwrap();
    assert!(loaded.has(InputTable::Tickets) && !loaded.has(InputTable::Surveys));
    let tickets = loaded.quality.iter().find(|q| q.table == InputTable::Tickets).unwrap();
    assert!(tickets.notes.iter().any(|note| note.contains("without any row")), "{:?}", tickets.notes);
}

#[test]
fn a_required_table_without_rows_stops_the_run() {
    let world = ParquetWorld::required();
    world.table("usage", &sound("usage").slice(0, 0));
    assert_says(&world.problem(), &["usage", "holds no row up to 2026-03-31"]);
}

#[test]
fn a_missing_required_column_is_named_with_a_near_miss() {
    let world = ParquetWorld::required();
    let batch = with(&without(&sound("usage"), "value"), "Value", num([1.0, 2.0]));
    world.table("usage", &batch);
    assert_says(
        &world.problem(),
        &["usage.parquet", "column `value`", "required (num)", "`Value` stands there", "→ deliver"],
    );
}

#[test]
fn optional_columns_may_be_missing_in_all_or_in_some_files() {
    let world = ParquetWorld::required();
    let batch = without(&sound("accounts"), "industry");
    world.remove("accounts.parquet");
    world.file("accounts/a.parquet", &batch.slice(0, 1)).file("accounts/b.parquet", &sound("accounts").slice(1, 1));
    let loaded = world.load().unwrap();
    assert_eq!(loaded.accounts.all().len(), 2);
    assert!(loaded.accounts.all().iter().all(|a| a.industry.is_none()));
}

#[test]
fn a_number_written_as_text_is_a_type_error() {
    let world = ParquetWorld::required();
    world.table("usage", &with(&sound("usage"), "value", text(["8", "120.5"])));
    assert_says(
        &world.problem(),
        &["usage.parquet", "column `value`", "expected num, found text", "write the column as"],
    );
}

#[test]
fn each_kind_of_column_refuses_what_would_not_convert() {
    let cases: [(&str, &str, ArrayRef, &str); 7] = [
        ("accounts", "name", int([1, 2]), "expected str, found Int64"),
        ("accounts", "employees", text(["1", "2"]), "expected int, found text"),
        ("usage", "date", text(["2026-03-30", "2026-03-31"]), "expected date, found text"),
        ("usage", "date", int([20_000, 20_001]), "expected date, found Int64"),
        ("subscriptions", "auto_renew", int([0, 1]), "expected bool, found Int64"),
        ("subscriptions", "recorded_at", text(["2026-03-30", "2026-03-31"]), "expected ts, found text"),
        ("usage", "value", flag([true, false]), "expected num, found Boolean"),
    ];
    for (table, column, cells, expected) in cases {
        let world = ParquetWorld::required();
        world.table(table, &with(&sound(table), column, cells));
        assert_says(&world.problem(), &[expected, &format!("column `{column}`")]);
    }
}

#[test]
fn one_file_of_another_type_is_the_file_that_is_named() {
    let world = ParquetWorld::required();
    world.remove("usage.parquet");
    world.file("usage/part-0.parquet", &sound("usage"));
    world.file("usage/part-1.parquet", &with(&sound("usage"), "value", text(["1", "2"])));
    assert_says(&world.problem(), &["usage/part-1.parquet", "expected num"]);
}

#[test]
fn all_problems_of_all_tables_are_reported_at_once() {
    let world = ParquetWorld::required();
    world.table("usage", &with(&without(&sound("usage"), "metric"), "value", text(["8", "9"])));
    world.table("accounts", &without(&sound("accounts"), "name"));
    world.remove("products.parquet").bytes("subscriptions.parquet", b"not parquet at all".to_vec());
    let problems = world.problems();
    let tables: Vec<&str> = problems.iter().map(|p| p.table.as_str()).collect();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    for table in ["usage", "accounts", "products", "subscriptions"] {
        assert!(tables.contains(&table), "{table}");
    }
}

#[test]
fn what_converts_without_loss_is_converted_and_noted() {
    let usage = sound("usage");
    let midnight =
        cast(usage.column_by_name("date").unwrap(), &DataType::Timestamp(TimeUnit::Millisecond, None)).unwrap();
    let date64: ArrayRef = Arc::new(Date64Array::from(vec![20_542 * 86_400_000_i64, 20_543 * 86_400_000]));
    let decimal: ArrayRef = Arc::new(Decimal128Array::from(vec![800, 12050]).with_precision_and_scale(10, 2).unwrap());
    let cases: [(&str, ArrayRef, &str); 5] = [
        ("date", midnight, "`date` read as date from timestamp (ms), where it is midnight"),
        ("date", date64, "`date` read as date from Date64"),
        ("value", decimal, "`value` read as num from Decimal128"),
        ("value", Arc::new(Int32Array::from(vec![8, 120])), ""),
        ("value", big([8, 120]), ""),
    ];
    for (column, cells, note) in cases {
        let world = ParquetWorld::required();
        world.table("usage", &with(&usage, column, cells.clone()));
        let loaded = world.load().unwrap_or_else(|e| panic!("{column} as {}: {e}", cells.data_type()));
        let quality = loaded.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
        assert!(quality.notes.iter().any(|n| n.contains(note)), "{note}: {:?}", quality.notes);
        assert_eq!(loaded.usage.series[0].start, Day::ymd(2026, 3, 30));
    }
}

#[test]
fn text_may_come_in_any_of_its_forms() {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8));
    for form in [DataType::LargeUtf8, DataType::Utf8View, DataType::Binary, dictionary] {
        for table in ["accounts", "usage"] {
            let world = ParquetWorld::required();
            let batch = sound(table);
            let ids = cast(batch.column_by_name("account_id").unwrap(), &form).unwrap();
            world.table(table, &with(&batch, "account_id", ids));
            let loaded = world.load().unwrap_or_else(|e| panic!("{table} as {form}: {e}"));
            assert_eq!(loaded.ids.accounts.len(), 2);
            assert_eq!(loaded.usage.series.len(), 2);
        }
    }
}

#[test]
fn moments_of_any_unit_and_zone_are_read_as_utc() {
    let zone = Some(Arc::from("+02:00"));
    for form in [
        DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Timestamp(TimeUnit::Millisecond, zone),
    ] {
        let world = ParquetWorld::whole();
        let batch = sound("tickets");
        let micros = batch.column_by_name("opened_at").unwrap();
        // Through the zone-less form, so that the instant stays what it is.
        let plain = cast(micros, &DataType::Int64).unwrap();
        let instants = cast(&plain, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))).unwrap();
        let cells = match &form {
            DataType::Timestamp(_, None) => {
                cast(&cast(&plain, &DataType::Timestamp(TimeUnit::Microsecond, None)).unwrap(), &form)
            }
            _ => cast(&instants, &form),
        };
        world.table("tickets", &with(&batch, "opened_at", cells.unwrap()));
        let loaded = world.load().unwrap();
        assert_eq!(loaded.tickets.all()[0].opened_at, moment("2026-03-01 10:00"), "{form}");
    }
}

#[test]
fn a_column_of_nulls_without_a_type_is_absent_or_null() {
    let world = ParquetWorld::required();
    let nothing: ArrayRef = Arc::new(arrow::array::NullArray::new(2));
    world.table("accounts", &with(&sound("accounts"), "employees", nothing));
    let loaded = world.load().unwrap();
    assert!(loaded.accounts.all().iter().all(|a| a.employees.is_none()));
}

#[test]
fn unknown_columns_are_ignored_and_noted_once() {
    let world = ParquetWorld::required();
    let batch = with(&sound("usage"), "mood", text(["good", "bad"]));
    world.remove("usage.parquet");
    world.file("usage/a.parquet", &batch.slice(0, 1)).file("usage/b.parquet", &batch.slice(1, 1));
    let loaded = world.load().unwrap();
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
    assert_eq!(quality.notes.iter().filter(|n| n.contains("`mood`")).count(), 1);
}

#[test]
fn files_that_are_not_whole_parquet_files_are_named_with_the_reason() {
    let whole = parquet(&sound("usage"));
    let mut scrambled = whole.clone();
    scrambled[4..60].fill(0xff);
    let cases: [(&str, Vec<u8>, &str); 4] = [
        ("empty", Vec::new(), "the file is empty (0 bytes)"),
        ("text", b"account_id,value\nA1,3\n".to_vec(), "not a readable Parquet file"),
        ("cut off", whole[..whole.len() / 2].to_vec(), "not a readable Parquet file"),
        ("scrambled", scrambled, "not a readable Parquet file"),
    ];
    for (name, bytes, reason) in cases {
        let world = ParquetWorld::required();
        world.bytes("usage.parquet", bytes);
        let problem = world.problem();
        assert_says(&problem, &[reason, "usage.parquet", "→ write the file again"]);
        assert!(!problem.contains("panicked"), "{name}: {problem}");
    }
}

/// The file with a footer that claims another codec for each column.
fn claiming(codec: Compression, file: &[u8]) -> Vec<u8> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(file.to_vec())).unwrap();
    let groups = metadata.row_groups().iter().map(|group| {
        let columns = group.columns().iter().map(|c| c.clone().into_builder().set_compression(codec).build().unwrap());
        group.clone().into_builder().set_column_metadata(columns.collect()).build().unwrap()
    });
    let claimed =
        ParquetMetaDataBuilder::new(metadata.file_metadata().clone()).set_row_groups(groups.collect()).build();
    let mut bytes = file.to_vec();
    ParquetMetaDataWriter::new(&mut bytes, &claimed).finish().unwrap();
    bytes
}

#[test]
fn a_codec_that_is_not_read_is_named_with_those_that_are() {
    let world = ParquetWorld::required();
    world.bytes("usage.parquet", claiming(Compression::BROTLI(Default::default()), &parquet(&sound("usage"))));
    assert_says(
        &world.problem(),
        &["usage.parquet", "compressed with brotli, which is not read", "→ write the file with zstd"],
    );
}

#[test]
fn any_cut_and_any_flipped_byte_ends_in_an_answer() {
    let whole = parquet(&sound("tickets"));
    for at in (0..whole.len()).step_by(97) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        for bytes in [whole[..at].to_vec(), flipped] {
            let world = ParquetWorld::required();
            world.bytes("tickets.parquet", bytes);
            // Either sound after all, or a contract error that names the file: never a panic.
            if let Err(e) = world.load() {
                assert!(matches!(e, Error::Contract(_)), "{e}");
                assert!(e.to_string().contains("tickets"), "{e}");
            }
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_named_by_column_and_row() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"fine", b"\xff\xfe\xfd"]));
    let world = ParquetWorld::whole();
    world.table("conversations", &with(&sound("conversations"), "text", bytes));
    assert_says(&world.problem(), &["conversations.parquet", "column `text`", "UTF-8", "row "]);
    // The same under a column that is declared as text.
    let unchecked = unsafe {
        StringArray::new_unchecked(
            OffsetBuffer::new(vec![0, 4, 7].into()),
            [b"fine".as_slice(), b"\xff\xfe\xfd"].concat().into(),
            None,
        )
    };
    let world = ParquetWorld::whole();
    world.table("conversations", &with(&sound("conversations"), "text", Arc::new(unchecked)));
    assert_says(&world.problem(), &["conversations.parquet", "column `text`", "row "]);
}

#[test]
fn a_table_may_not_stand_as_folder_and_as_file() {
    let world = ParquetWorld::required();
    world.file("usage/part-0.parquet", &sound("usage"));
    assert_says(&world.problem(), &["both as the folder `usage/` and as the file `usage.parquet`", "keep one"]);
}

#[test]
fn what_writers_leave_beside_the_data_is_ignored() {
    let world = ParquetWorld::required();
    world.remove("usage.parquet").file("usage/deep/er/part-0.parquet", &sound("usage"));
    for stray in
        ["usage/_SUCCESS", "usage/.part-0.parquet.crc", "usage/_temporary/0/part-1.parquet", "usage/readme.txt"]
    {
        world.bytes(stray, b"stray".to_vec());
    }
    let loaded = world.load().unwrap();
    assert_eq!(loaded.usage.series.len(), 2);
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::Usage).unwrap();
    assert!(
        quality.notes.contains(&"1 objects ignored that are not named *.parquet".to_owned()),
        "{:?}",
        quality.notes
    );
}

#[test]
fn a_partition_gives_the_day_and_later_partitions_are_not_even_opened() {
    let world = ParquetWorld::required();
    let usage = without(&sound("usage"), "date");
    world.remove("usage.parquet");
    world.file("usage/date=2026-03-30/part.parquet", &usage);
    world.bytes("usage/date=2026-04-01/part.parquet", b"garbage from tomorrow".to_vec());
    world.bytes("usage/month=2026-04/part.parquet", b"garbage from next month".to_vec());
    let loaded = world.load().unwrap();
    assert!(loaded.usage.series.iter().all(|s| s.start == Day::ymd(2026, 3, 30) && s.len == 1));
    assert_eq!(loaded.inputs.iter().filter(|i| i.table == InputTable::Usage).count(), 1);
}

#[test]
fn a_month_partition_keeps_its_dates_inside() {
    let world = ParquetWorld::required();
    world.remove("usage.parquet").file("usage/month=2026-03/part.parquet", &sound("usage"));
    assert_eq!(world.load().unwrap().usage.series.len(), 2);
    world.file("usage/month=2026-03/part.parquet", &without(&sound("usage"), "date"));
    assert_says(&world.problem(), &["column `date`", "required"]);
}

#[test]
fn a_row_that_contradicts_its_partition_is_rejected() {
    let world = ParquetWorld::required();
    world.remove("usage.parquet").file("usage/date=2026-03-30/part.parquet", &sound("usage"));
    let loaded = world.load_leniently();
    assert_eq!(loaded.rejected.len(), 1);
    assert_eq!(loaded.rejected[0].rule, "must equal the date in the file's path");
}

#[test]
fn a_partition_that_is_no_day_is_named() {
    let world = ParquetWorld::required();
    world.remove("usage.parquet").file("usage/date=yesterday/part.parquet", &sound("usage"));
    assert!(world.problems()[0].to_string().contains("`date=yesterday` is not a calendar day"));
}

#[test]
fn a_table_may_stand_elsewhere_as_folder_or_file() {
    let (world, other) = (ParquetWorld::required(), ParquetWorld::empty());
    other.file("anything/x.parquet", &sound("tickets")).file("y.parquet", &sound("surveys"));
    let mut settings = world.settings();
    settings.tables.insert(InputTable::Tickets, format!("{}/anything", other.url));
    settings.tables.insert(InputTable::Surveys, format!("{}/y.parquet", other.url));
    let loaded = world.load_with(settings, AS_OF).unwrap();
    assert_eq!((loaded.tickets.all().len(), loaded.surveys.all().len()), (2, 2));
}

#[test]
fn feature_usage_without_features_is_unavailable_and_says_why() {
    let world = ParquetWorld::required();
    world.table("feature_usage", &sound("feature_usage"));
    let loaded = world.load().unwrap();
    assert!(!loaded.has(InputTable::FeatureUsage));
    let quality = loaded.quality.iter().find(|q| q.table == InputTable::FeatureUsage).unwrap();
    assert!(quality.notes[0].contains("`features`"));
}

#[test]
fn a_column_that_stands_twice_is_an_error() {
    let batch = sound("usage");
    let schema = batch.schema();
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    fields.push(schema.fields()[4].clone());
    let mut columns = batch.columns().to_vec();
    columns.push(batch.column(4).clone());
    let doubled = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap();
    let world = ParquetWorld::required();
    world.table("usage", &doubled);
    assert_says(&world.problem(), &["column `value`", "stands twice"]);
}

#[test]
fn a_local_folder_reads_like_any_store() {
    let folder = tempfile::tempdir().unwrap();
    for table in TABLES {
        std::fs::write(folder.path().join(format!("{table}.parquet")), parquet(&sound(table))).unwrap();
    }
    for (url, base) in [
        (format!("file://{}", folder.path().display()), "/".into()),
        (folder.path().display().to_string(), "/".into()),
        ("../".to_owned() + folder.path().file_name().unwrap().to_str().unwrap(), folder.path().to_path_buf()),
    ] {
        let settings = Settings { url, ..settings() };
        let access = foothold::store::Access::local(base);
        let loaded = foothold::extracts::load(&settings, &access, AS_OF.parse().unwrap(), &|_| {}).unwrap();
        assert_eq!(loaded.available.len(), TABLES.len());
    }
}
