//! A data scientist's own table: how cells are read, rows split, leaks found and figures told.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::ListArray;
use arrow::datatypes::Int64Type;
use foothold::feature_table::cells::{day, day_first, decimal_comma, month_first, number, present};
use foothold::feature_table::coarse::Coarse;
use foothold::feature_table::folds::{expanding, stratified};
use foothold::feature_table::judge::{self, Plan, Report};
use foothold::feature_table::labels::positive;
use foothold::feature_table::profile::Kind;
use foothold::feature_table::recipe::{Choice, Recipe};
use foothold::feature_table::score::{self, Format};
use foothold::feature_table::training;
use foothold::feature_table::{CodedTable, Error, Roles, TableFile, TableModel};
use foothold::learners::columns::bins::Bins;
use foothold::learners::families::family::Family;
use foothold::learners::fitting::boosting::{Boosted, Coded, Params};
use foothold::learners::fitting::monotone::Direction;
use foothold::statistics::sigmoid;
use foothold::store::Access;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::models_telco::shared;
use crate::support::parquet_world::{int, num, parquet, rows, text as text_cells};

fn roles(label: &str) -> Roles {
    Roles { label: label.into(), ..Roles::default() }
}

fn plan(folds: usize) -> Plan {
    Plan { folds, embargo: 0.0, recipe: Recipe::default() }
}

fn open(path: &Path) -> Result<TableFile, Error> {
    TableFile::open(&path.to_string_lossy(), &Access::local("."))
}

fn with_text<T>(text: &str, work: impl FnOnce(&TableFile) -> T) -> T {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("table.csv");
    std::fs::write(&path, text).expect("written");
    work(&open(&path).expect("readable"))
}

fn read(text: &str, roles: &Roles) -> Result<CodedTable, String> {
    with_text(text, |file| CodedTable::read(file, roles).map_err(|e| e.to_string()))
}

fn judged(text: &str, roles: &Roles, folds: usize) -> Result<Report, String> {
    with_text(text, |file| {
        let table = CodedTable::read(file, roles).map_err(|e| e.to_string())?;
        let judged = judge::judge(file, &table, &roles.label, &plan(folds), &|| 0.0);
        judged.map(|(report, _)| report).map_err(|e| e.to_string())
    })
}

/// An id, a number with gaps that matters, a word that matters, a number that does not, and a label.
fn world(rows: usize, seed: u64) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let line = |row: usize| {
        let (x, noise, word) = (rng.random::<f64>(), rng.random::<f64>(), rng.random_range(0..3));
        let z = 5.0 * x - 3.5 + if word == 2 { 1.5 } else { 0.0 };
        let label = if rng.random::<f64>() < sigmoid(z) { "yes" } else { "no" };
        let x = if rng.random::<f64>() < 0.1 { " ".to_owned() } else { format!("{x:.4}") };
        format!("acc-{row},{x},{},{noise:.4},{label}", ["smb", "mid", "enterprise"][word])
    };
    (0..rows).map(line).collect()
}

const HEADER: &str = "account,usage,segment,noise,left";

fn text(lines: &[String]) -> String {
    let mut text = HEADER.to_owned();
    lines.iter().for_each(|line| write!(text, "\n{line}").expect("text grows"));
    text
}

#[test]
fn cells_are_read_as_people_write_them() {
    let numbers = ["12", "-3.5e2", "1,234.50", "$1,200", "12 %", "-£7"].map(number);
    assert_eq!(numbers, [Some(12.0), Some(-350.0), Some(1234.5), Some(1200.0), Some(12.0), Some(-7.0)]);
    assert_eq!(["1,2", "inf", "nan", "12a", "1-2", ""].map(number), [None; 6]);
    assert_eq!(["1970-01-03", "1970/01/02", "1970-01-02T12:00:00Z"].map(day), [Some(2.0), Some(1.0), Some(1.5)]);
    assert_eq!(["1970-13-01", "1970-01-02x", "12", "1970-01-01 99:99"].map(day), [None; 4]);
    assert_eq!(["1.234,50", "1,2,3", "1,23.4,5"].map(number), [None; 3], "a comma behind the point groups nothing");
    let commas = ["1.234,50", "1234,5", "-12,5 %", "7 €", "1.234", "€2.000,00"].map(decimal_comma);
    assert_eq!(commas, [1234.5, 1234.5, -12.5, 7.0, 1234.0, 2000.0].map(Some));
    assert_eq!(["1,234.5", "1e5", "12a", ""].map(decimal_comma), [None; 4]);
    let third = ["03.01.1970", "3/1/1970", "03-01-1970 12:00"];
    assert_eq!(third.map(day_first), [Some(2.0), Some(2.0), Some(2.5)]);
    assert_eq!(["01/03/1970", "1.3.1970"].map(month_first), [Some(2.0); 2]);
    assert_eq!(["31/03/1970", "1/2/70", "1/2.1970", "12.5", "ä1.1.1970"].map(month_first), [None; 5]);
    assert_eq!([" ", "NaN", "NULL", "?", " x "].map(present), [None, None, None, None, Some("x")]);
}

#[test]
fn a_text_column_that_is_numeric_but_for_blanks_is_a_number() {
    let table = read(&text(&world(200, 1)), &roles("left")).unwrap();
    let kinds: Vec<(&str, Kind)> = table.features.iter().map(|f| (f.name.as_str(), f.kind)).collect();
    assert_eq!(kinds, [("usage", Kind::Number), ("segment", Kind::Words), ("noise", Kind::Number)]);
    assert!(table.features[0].codes.contains(&0), "blanks are missing");
    assert!(table.notes.iter().any(|note| note.contains("`account` is left out")), "{:?}", table.notes);
}

/// Rows whose two dates and amount are written as `write` writes day, month and row.
fn dated(write: impl Fn(u32, u32, u32) -> String) -> String {
    let row = |row: u32| format!("{};{}\n", write(row % 28 + 1, row % 12 + 1, row), row % 3 / 2);
    "opened;amount;left\n".to_owned() + &(0..120).map(row).collect::<String>()
}

#[test]
fn dates_and_numbers_are_read_in_the_order_that_a_whole_column_agrees_on() {
    let kinds = |text: &str| {
        let table = read(text, &roles("left")).unwrap();
        let noted = table.notes.iter().any(|note| note.contains("first"));
        (table.features.iter().map(|feature| feature.kind).collect::<Vec<Kind>>(), noted)
    };
    let european = dated(|day, month, row| format!("{day:02}.{month:02}.2025;1.{:03},5{}", row, row % 10));
    assert_eq!(kinds(&european), (vec![Kind::DayFirst, Kind::DecimalComma], false));
    let american = dated(|day, month, row| format!("{month}/{day}/2025;\"$1,{:03}.5\"", row));
    assert_eq!(kinds(&american), (vec![Kind::MonthFirst, Kind::Number], false));
    let slashes = dated(|day, month, row| format!("{day}/{month}/2025;{row}.25"));
    assert_eq!(kinds(&slashes), (vec![Kind::DayFirst, Kind::Number], false), "a day above 12 tells");
    let open = |separator: &str| {
        dated(|day, month, row| format!("{}{separator}{month}{separator}2025;{row}.25", day % 12 + 1))
    };
    assert_eq!(kinds(&open("/")), (vec![Kind::MonthFirst, Kind::Number], true));
    assert_eq!(kinds(&open(".")), (vec![Kind::DayFirst, Kind::Number], true));
    let mixed = dated(|_, _, row| match row % 2 {
        0 => format!("{}/1/2025;{row}.25", 13 + row % 6),
        _ => format!("1/{}/2025;{row}.25", 13 + row % 6),
    });
    assert_eq!(kinds(&mixed).0[0], Kind::Words, "no order reads the whole column");
}

#[test]
fn a_time_column_is_read_in_its_own_order() {
    let text = dated(|day, month, row| format!("{day}.{month}.2025;{row}.25"));
    let table = read(&text, &Roles { time: Some("opened".into()), ..roles("left") }).unwrap();
    let first = day("2025-01-01").unwrap();
    assert_eq!((table.rows(), table.times.map(|times| times[0])), (120, Some(first)));
}

#[test]
fn semicolons_quotes_and_a_byte_order_mark_are_no_obstacle() {
    let text = "\u{feff}\"id\";\"kind\";\"left\"\r\n1;\"a;b\";1\r\n2;c;0\r\n\r\n3;\"a;b\";0\r\n4;c;1\r\n";
    let table = read(text, &Roles { id: Some("id".into()), ..roles("left") }).unwrap();
    assert_eq!((table.rows(), table.positives(), table.features[0].name.as_str()), (4, 2, "kind"));
    assert_eq!(table.features[0].codes, [1, 2, 1, 2]);
}

#[test]
fn a_first_line_that_names_the_delimiter_is_no_header() {
    for start in ["sep=;\r\n", "\u{feff}sep=;\n"] {
        let table = read(&format!("{start}kind,of;left\na;1\nb;0\n"), &roles("left")).unwrap();
        assert_eq!((table.rows(), table.features[0].name.as_str()), (2, "kind,of"));
    }
}

/// Rows with ids and labels beyond 2^53, where neighbours share a float, and a list that no model reads.
fn long_ids(dir: &TempDir) -> TableFile {
    let first = 9_007_199_254_740_993;
    let labels = int((0..80).map(|row| first + row % 2));
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..80).map(|row| Some(vec![Some(row)])));
    let batch = rows(&[
        ("id", int((0..80).map(|row| first + row))),
        ("use", num((0..80).map(|row| f64::from(row % 7)))),
        ("tags", Arc::new(lists)),
        ("word", text_cells((0..80).map(|row| if row % 3 == 0 { "a" } else { "b" }))),
        ("left", labels),
    ]);
    let path = dir.path().join("table.parquet");
    std::fs::write(&path, parquet(&batch)).unwrap();
    open(&path).unwrap()
}

#[test]
fn ids_and_labels_of_many_digits_keep_every_one() {
    let dir = TempDir::new().unwrap();
    let (file, roles) = (long_ids(&dir), Roles { id: Some("id".into()), ..roles("left") });
    let table = CodedTable::read(&file, &roles).unwrap();
    assert_eq!((table.positive.as_str(), table.positives()), ("9007199254740994", 40));
    let distinct: std::collections::HashSet<u64> = table.ids.iter().copied().collect();
    assert_eq!(distinct.len(), 80);
    let (report, trained) = judge::judge(&file, &table, "left", &plan(2), &|| 0.0).unwrap();
    let model = TableModel::of(&table, &roles, &report, trained, Family::Scorecard);
    let mut out = Vec::new();
    let plan = score::Plan { id: None, drivers: 1, any_order: false, format: Format::Csv };
    score::write(&file, &model, plan, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let ids: Vec<&str> = lines.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[1]), (80, "9007199254740993", "9007199254740994"));
}

#[test]
fn columns_that_cannot_be_read_are_not_taken_for_a_label_an_id_or_a_time() {
    let dir = TempDir::new().unwrap();
    let file = long_ids(&dir);
    let said = |roles: Roles| CodedTable::read(&file, &roles).err().map(|e| e.to_string()).expect("an error");
    for (flag, roles) in [
        ("--label", roles("tags")),
        ("--id", Roles { id: Some("tags".into()), ..roles("left") }),
        ("--time", Roles { time: Some("tags".into()), ..roles("left") }),
    ] {
        let said = said(roles);
        assert!(said.contains("column `tags`: holds List") && said.contains(flag), "{said}");
    }
    let words = said(Roles { time: Some("word".into()), ..roles("left") });
    assert!(words.contains("column `word`: holds no day, moment or number"), "{words}");
}

#[test]
fn faults_name_the_place_and_the_next_step() {
    let own = text(&world(60, 2));
    let unknown = read(&own, &roles("Left")).err().unwrap();
    assert!(unknown.contains("`--label Left`") && unknown.contains("did you mean `left`?"), "{unknown}");
    let three = read(&own, &roles("segment")).err().unwrap();
    assert!(three.contains("3 values") && three.contains("`smb`") && three.contains("--positive"), "{three}");
    let absent = read(&own, &Roles { positive: Some("maybe".into()), ..roles("left") }).err().unwrap();
    assert!(absent.contains("no value `maybe`"), "{absent}");
    let one = read("a,left\n1,yes\n2,yes\n", &roles("left")).err().unwrap();
    assert!(one.contains("`yes` in every row"), "{one}");
    let ragged = read("a,left\n1,yes\n2\n", &roles("left")).err().unwrap();
    assert!(ragged.contains("line 3 has 1 cells where the header has 2"), "{ragged}");
    let few = judged("a,left\n1,yes\n2,no\n3,no\n4,no\n5,no\n6,yes\n", &roles("left"), 5).err().unwrap();
    assert!(few.contains("only 2 rows of 6 are `yes`") && few.contains("--folds"), "{few}");
    let nothing = read("left\nyes\nno\n", &roles("left")).err().unwrap();
    assert!(nothing.contains("no column beside the label"), "{nothing}");
}

#[test]
fn files_that_are_no_tables_are_refused() {
    let dir = TempDir::new().unwrap();
    let refused = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        open(&path).err().map(|e| e.to_string()).expect("an error")
    };
    assert!(refused("empty.csv", b"").contains("empty"));
    assert!(refused("broken.parquet", b"PAR1 and nothing else").contains("not a readable Parquet file"));
    assert!(refused("binary.csv", &[1, 0, 2, 0]).contains("neither Parquet nor delimited text"));
    assert!(refused("packed.csv.gz", &[0x1f, 0x8b, 8, 0]).contains("unpack it first"));
    assert!(refused("sheet.xlsx", b"PK\x03\x04").contains("save the sheet as CSV"));
    assert!(refused("wide.csv", b"\xff\xfea\0,\0b\0").contains("save it as UTF-8"));
    assert!(refused("twice.csv", b"a,a\n1,2\n").contains("stands twice"));
    assert!(open(&dir.path().join("absent.csv")).err().unwrap().to_string().contains("no such file"));
    assert!(open(dir.path()).err().unwrap().to_string().contains("is a folder"));
}

#[test]
fn the_positive_value_is_found_where_its_name_says_so() {
    let chosen = |values: &[(&str, u32)], asked| positive(values, asked).map(|(value, _)| value);
    assert_eq!(chosen(&[("No", 9), ("Yes", 1)], None), Ok("Yes".into()));
    assert_eq!(chosen(&[("True.", 9), ("False.", 1)], None), Ok("True.".into()));
    assert_eq!(chosen(&[("1", 9), ("2", 1)], None), Ok("2".into()));
    assert_eq!(chosen(&[("good", 9), ("bad", 1)], None), Ok("bad".into()));
    assert!(positive(&[("good", 9), ("bad", 1)], None).unwrap().1.is_some(), "a guess is told");
    assert_eq!(chosen(&[("0", 9), ("1", 1), ("2", 1)], Some("2.0")), Ok("2".into()));
    assert_eq!(chosen(&[("gold", 9), ("Silver", 1)], Some("silver")), Ok("Silver".into()));
}

#[test]
fn a_model_beats_the_named_baseline_where_there_is_something_to_learn() {
    let report = judged(&text(&world(3_000, 3)), &roles("left"), 5).unwrap();
    assert!(report.model.auc > 0.75 && report.model.auc > report.baseline.figures.auc + 0.05, "{report:?}");
    assert!(report.model.log_loss < report.baseline.figures.log_loss && report.model.ece < 0.03, "{report:?}");
    assert_eq!((report.baseline.name.as_str(), report.folds), ("base rate by `segment`", 5));
    assert_eq!(report.strongest[0].feature, "usage");
    assert!(report.leaks.is_empty());
}

#[test]
fn the_order_of_rows_does_not_matter_where_an_id_names_them() {
    let lines = world(800, 4);
    let roles = Roles { id: Some("account".into()), ..roles("left") };
    let turned: Vec<String> = lines.iter().rev().cloned().collect();
    let (a, b) = (judged(&text(&lines), &roles, 4).unwrap(), judged(&text(&turned), &roles, 4).unwrap());
    assert!((a.model.auc - b.model.auc).abs() < 1e-9 && (a.model.log_loss - b.model.log_loss).abs() < 1e-9);
}

#[test]
fn a_column_written_after_the_outcome_is_called_a_leak() {
    let mut lines = world(500, 5);
    lines.iter_mut().for_each(|line| *line = format!("{},{line}", if line.ends_with("yes") { "closed" } else { "" }));
    let table = format!("reason,{}", text(&lines));
    let report = judged(&table, &roles("left"), 5).unwrap();
    assert_eq!(report.leaks.iter().map(|leak| leak.feature.as_str()).collect::<Vec<_>>(), ["reason"]);
    let without = judged(&table, &Roles { exclude: vec!["reason".into()], ..roles("left") }, 5).unwrap();
    assert!(without.leaks.is_empty() && without.model.auc < 0.95);
}

#[test]
fn a_time_split_trains_on_earlier_rows_only() {
    let lines: Vec<String> =
        world(600, 6).iter().enumerate().map(|(row, line)| format!("{},{line}", row / 50)).collect();
    let roles = Roles { time: Some("month".into()), ..roles("left") };
    let report = judged(&format!("month,{}", text(&lines)), &roles, 3).unwrap();
    let trained: Vec<usize> = report.fold_results.iter().map(|fold| fold.trained_rows).collect();
    assert_eq!((trained, report.split.as_str()), (vec![150, 300, 450], "time"));
    let few = judged(&format!("month,{}", text(&lines)), &roles, 12).err().unwrap();
    assert!(few.contains("too few different values for 12 windows"), "{few}");
}

/// A label that only the two numbers together tell.
fn crossed(rows: usize) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut text = "id,a,b,noise,left".to_owned();
    for row in 0..rows {
        let (a, b, noise) = (rng.random::<f64>(), rng.random::<f64>(), rng.random::<f64>());
        let label = rng.random::<f64>() < sigmoid(if (a > 0.5) == (b > 0.5) { 1.2 } else { -1.8 });
        write!(text, "\nr{row},{a:.4},{b:.4},{noise:.4},{label}").expect("text grows");
    }
    text
}

#[test]
fn a_pair_of_features_is_kept_where_held_out_rows_pay_for_it() {
    let report = judged(&crossed(3_000), &roles("left"), 3).unwrap();
    assert!(report.model.auc > 0.6, "{:?}", report.model);
    let named: Vec<&str> = report.strongest.iter().map(|strong| strong.feature.as_str()).collect();
    assert!(named.contains(&"a × b"), "{named:?}");
    let plain = judged(&text(&world(3_000, 3)), &roles("left"), 3).unwrap();
    assert!(plain.fold_results.iter().all(|fold| !fold.chosen.contains("pairs")), "{:?}", plain.fold_results);
}

/// A number that matters only where a rare word stands, with a threshold that no quantile of few groups meets.
#[test]
fn a_pair_is_cut_where_its_contrast_lies() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut text = "id,plan,minutes,calls,left".to_owned();
    for row in 0..4_000 {
        let (plan, minutes) = (if rng.random::<f64>() < 0.1 { "abroad" } else { "home" }, rng.random::<f64>());
        let calls = rng.random::<f64>();
        let z = if plan == "abroad" && minutes > 0.87 { 3.0 } else { -2.0 + calls };
        write!(text, "\nr{row},{plan},{minutes:.4},{calls:.4},{}", rng.random::<f64>() < sigmoid(z))
            .expect("text grows");
    }
    let without = |pairs: usize| {
        let plan = Plan { recipe: Recipe { pairs, ..Recipe::default() }, ..plan(3) };
        let roles = Roles { id: Some("id".into()), ..roles("left") };
        with_text(&text, |file| {
            let table = CodedTable::read(file, &roles).expect("a table");
            judge::judge(file, &table, "left", &plan, &|| 0.0).expect("judged").0
        })
    };
    let (plain, paired) = (without(0), without(6));
    assert!(paired.model.log_loss < plain.model.log_loss - 0.005, "{:?} {:?}", plain.model, paired.model);
    let named: Vec<&str> = paired.strongest.iter().map(|strong| strong.feature.as_str()).collect();
    assert!(named.contains(&"plan × minutes"), "{named:?}");
}

/// Trains, saves, reads back and scores as CSV; gives the scored lines.
fn scored(text: &str, family: Family, other: &str) -> Result<Vec<Vec<String>>, String> {
    scored_by(text, family, other, false)
}

fn scored_by(text: &str, family: Family, other: &str, any_order: bool) -> Result<Vec<Vec<String>>, String> {
    let roles = Roles { id: Some("account".into()), ..roles("left") };
    let json = with_text(text, |file| {
        let table = CodedTable::read(file, &roles).expect("a table");
        let plan = Plan { recipe: Recipe { family, ..Recipe::default() }, ..plan(3) };
        let (report, trained) = judge::judge(file, &table, "left", &plan, &|| 0.0).expect("judged");
        TableModel::of(&table, &roles, &report, trained, family).to_json()
    });
    let model = TableModel::from_json(json.as_bytes()).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    let plan = score::Plan { id: None, drivers: 2, any_order, format: Format::Csv };
    with_text(other, |file| score::write(file, &model, plan, &mut out)).map_err(|e| e.to_string())?;
    let lines = String::from_utf8(out).expect("UTF-8");
    Ok(lines.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

#[test]
fn contributions_of_every_family_add_up_to_the_log_odds() {
    let own = text(&world(600, 8));
    for family in [Family::Scorecard, Family::Logistic, Family::Boosting] {
        let lines = scored(&own, family, &own).unwrap();
        assert_eq!(lines.len(), 601);
        let place = |name: &str| lines[0].iter().position(|cell| cell == name).expect(name);
        for line in &lines[1..] {
            let at = |name: &str| line[place(name)].parse::<f64>().unwrap_or(0.0);
            let parts = ["base_log_odds", "driver_1_contribution", "driver_2_contribution", "other_contributions"];
            let sum: f64 = parts.iter().map(|name| at(name)).sum();
            assert!((sum - at("log_odds")).abs() < 1e-9, "{family:?}: {line:?}");
            assert!((sigmoid(at("log_odds")) - at("probability")).abs() < 1e-12);
        }
    }
}

#[test]
fn reordered_and_wrong_columns_are_named_and_may_be_matched_by_name() {
    let lines = world(400, 9);
    let own = text(&lines);
    let turned: Vec<String> = lines.iter().map(|line| line.split(',').rev().collect::<Vec<_>>().join(",")).collect();
    let turned = format!("left,noise,segment,usage,account\n{}", turned.join("\n"));
    let refused = scored(&own, Family::Scorecard, &turned).err().unwrap();
    assert!(
        refused.contains("column `segment`: stands before `usage` here") && refused.contains("--any-order"),
        "{refused}"
    );
    let by_name = scored_by(&own, Family::Scorecard, &turned, true).unwrap();
    assert_eq!(scored(&own, Family::Scorecard, &own).unwrap(), by_name);
    let renamed = scored(&own, Family::Scorecard, &own.replacen("usage", "use", 1)).err().unwrap();
    assert!(renamed.contains("column `usage`") && renamed.contains("no such column"), "{renamed}");
    let words = own.replace(",0.", ",x0.");
    let misread = scored(&own, Family::Scorecard, &words).err().unwrap();
    assert!(misread.contains("column `usage`: holds words, but the model was trained on numbers"), "{misread}");
}

#[test]
fn a_model_file_that_was_edited_is_refused() {
    let roles = roles("left");
    let json = with_text(&text(&world(300, 10)), |file| {
        let table = CodedTable::read(file, &roles).unwrap();
        let (report, trained) = judge::judge(file, &table, "left", &plan(2), &|| 0.0).unwrap();
        TableModel::of(&table, &roles, &report, trained, Family::Scorecard).to_json()
    });
    assert!(TableModel::from_json(json.as_bytes()).is_ok());
    let edited = TableModel::from_json(json.replacen("\"rows\": 300", "\"rows\": 301", 1).as_bytes());
    assert!(edited.unwrap_err().to_string().contains("is not what its id"));
    assert!(TableModel::from_json(b"{}").unwrap_err().to_string().contains("not a model"));
}

#[test]
fn telco_churn_is_read_and_judged_as_it_comes() {
    let Some(path) = shared("telco/Telco-Customer-Churn.csv") else { return };
    let file = open(&path).unwrap();
    let roles = Roles { id: Some("customerID".into()), ..roles("Churn") };
    let table = CodedTable::read(&file, &roles).unwrap();
    let total = table.features.iter().find(|f| f.name == "TotalCharges").expect("a feature");
    assert_eq!((total.kind, total.codes.iter().filter(|code| **code == 0).count()), (Kind::Number, 11));
    let (report, _) = judge::judge(&file, &table, "Churn", &plan(5), &|| 0.0).unwrap();
    eprintln!("telco: {:?}", report.model);
    assert_eq!((report.rows, report.positives), (7_043, 1_869));
    assert!(report.model.auc >= 0.848 && report.model.log_loss <= 0.412 && report.model.ece < 0.02);
    assert!(report.model.auc < 0.86, "a figure this high would mean that a fold saw its own labels");
}

#[test]
fn a_column_of_two_hundred_words_keeps_what_each_of_them_tells() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut text = "city,noise,left\n".to_owned();
    for _ in 0..8_000 {
        let city = rng.random_range(0..200);
        let left = rng.random_bool(if city % 2 == 0 { 0.8 } else { 0.2 });
        let _ = writeln!(text, "c{city},{},{}", rng.random_range(0.0..1.0), u8::from(left));
    }
    let report = judged(&text, &roles("left"), 3).unwrap();
    assert!(report.model.auc > 0.77, "0.8 would be all there is: {:?}", report.model);
}

#[test]
fn of_a_rare_outcome_the_bins_lie_where_it_happens() {
    let line =
        |row: usize| format!("acc-{row},{row}.5,{}", if row >= 1_900 && row.is_multiple_of(2) { "yes" } else { "no" });
    let lines: Vec<String> = (0..2_000).map(line).collect();
    let table = read(
        &format!("account,use,left\n{}", lines.join("\n")),
        &Roles { id: Some("account".into()), ..roles("left") },
    );
    let (table, rows) = (table.unwrap(), (0..2_000).collect::<Vec<u32>>());
    let coarse = Coarse::of(&table, &rows, &Recipe::default());
    let Bins::Numbers { edges } = &coarse.encoded.specs[0].1 else { panic!("numbers") };
    assert!(edges.iter().filter(|edge| **edge >= 1_880.0).count() >= 2, "{edges:?}");
    assert!(edges.iter().filter(|edge| **edge < 1_880.0).count() >= 1, "the others have bins too: {edges:?}");
}

#[test]
fn many_words_are_told_apart_by_scorecards_alone() {
    let line = |row: usize| format!("acc-{row},city {},{}", row % 120, u8::from(row.is_multiple_of(7)));
    let lines: Vec<String> = (0..2_400).map(line).collect();
    let account = Roles { id: Some("account".into()), ..roles("left") };
    let table = read(&format!("account,city,left\n{}", lines.join("\n")), &account).unwrap();
    let rows: Vec<u32> = (0..2_400).collect();
    let words = |family: Family| {
        let coarse = Coarse::of(&table, &rows, &Recipe { family, ..Recipe::default() });
        let Bins::Words { levels } = &coarse.encoded.specs[0].1 else { panic!("words") };
        levels.len()
    };
    assert_eq!([Family::Scorecard, Family::Logistic, Family::Boosting].map(words), [120, 60, 60]);
}

/// One number that tells and many that do not, over few rows.
fn wide(rows: usize, columns: usize) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let names: Vec<String> = (0..columns).map(|k| format!("x{k}")).collect();
    let line = |row: usize| {
        let numbers: Vec<f64> = (0..columns).map(|_| rng.random::<f64>()).collect();
        let left = rng.random::<f64>() < sigmoid(8.0 * (numbers[0] - 0.5));
        let numbers: Vec<String> = numbers.iter().map(|x| format!("{x:.4}")).collect();
        format!("\nacc-{row},{},{}", numbers.join(","), u8::from(left))
    };
    format!("account,{},left{}", names.join(","), (0..rows).map(line).collect::<String>())
}

#[test]
fn of_many_features_those_that_add_to_each_other_are_tried_first() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    // Forty copies of one fact, one fact of its own, and noise.
    let line = |row: usize| {
        let (said, own) = (rng.random::<f64>(), rng.random::<f64>());
        let copies = (0..40).map(|_| said + 0.2 * rng.random::<f64>()).collect::<Vec<_>>();
        let noise = (0..60).map(|_| rng.random::<f64>()).collect::<Vec<_>>();
        let left = rng.random::<f64>() < sigmoid(6.0 * said + 3.0 * own - 6.5);
        let cells = copies.into_iter().chain([own]).chain(noise).map(|x| format!("{x:.4}")).collect::<Vec<_>>();
        format!("\nacc-{row},{},{}", cells.join(","), u8::from(left))
    };
    let lines: String = (0..1_500).map(line).collect();
    let names = (0..101).map(|k| format!("x{k}")).collect::<Vec<_>>();
    let account = Roles { id: Some("account".into()), ..roles("left") };
    let table = read(&format!("account,{},left{lines}", names.join(",")), &account).unwrap();
    let rows: Vec<u32> = (0..1_500).collect();
    let kept = |features: Choice| {
        let coarse = Coarse::of(&table, &rows, &Recipe { features, ..Recipe::default() });
        coarse.encoded.specs.iter().map(|(spec, ..)| spec.name.clone()).collect::<Vec<_>>()
    };
    assert!(kept(Choice::Together(20)).contains(&"x40".to_owned()), "{:?}", kept(Choice::Together(20)));
    assert!(!kept(Choice::Alone(20)).contains(&"x40".to_owned()), "{:?}", kept(Choice::Alone(20)));
    let trained = training::train(&table, &rows, &Recipe::default()).unwrap();
    let features = trained.model.card.features.len();
    assert!(trained.chosen.contains(&format!("{features} features")) && features < 60, "{}", trained.chosen);
}

#[test]
fn of_many_features_over_few_rows_a_part_is_kept_where_that_pays() {
    let report = judged(&wide(240, 90), &Roles { id: Some("account".into()), ..roles("left") }, 3).unwrap();
    let kept = report.fold_results.iter().filter(|fold| fold.chosen.contains(" features")).count();
    assert!(kept >= 2, "{:?}", report.fold_results.iter().map(|fold| &fold.chosen).collect::<Vec<_>>());
    assert!(report.model.auc > 0.80, "{:?}", report.model);
}

/// The Shapley value by its definition: over every order in which features become known.
fn shapley_by_orders(boosted: &Boosted, codes: &[u8], feature: usize) -> f64 {
    let n = codes.len();
    let known_by = |set: usize| boosted.expected(|f| (set >> f & 1 == 1).then_some(codes[f]));
    let factorial = |k: usize| (1..=k).product::<usize>() as f64;
    let sets = (0..1usize << n).filter(|set| set >> feature & 1 == 0);
    let share = |set: usize| {
        let size = set.count_ones() as usize;
        factorial(size) * factorial(n - size - 1) / factorial(n) * (known_by(set | 1 << feature) - known_by(set))
    };
    sets.map(share).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn shapley_values_of_trees_are_what_their_definition_says(
        rows in prop::collection::vec((prop::array::uniform4(0u8..4), any::<bool>()), 60..120), leaves in 2usize..9,
    ) {
        let (codes, labels): (Vec<[u8; 4]>, Vec<bool>) = rows.iter().copied().unzip();
        let by_feature: Vec<Vec<u8>> = (0..4).map(|f| codes.iter().map(|row| row[f]).collect()).collect();
        let free = [Direction::Free; 4];
        let coded = Coded { codes: &by_feature, ordered: &[true, false, true, false], directions: &free };
        let params = Params { rounds: 3, leaves, learning_rate: 0.5, l2: 1.0, min_rows: 3, column_share: 1.0 };
        let boosted = Boosted::fit(&coded, &labels, &params, &mut |_| true);
        for row in codes.iter().take(5) {
            let (base, shares) = boosted.contributions(|f| row[f]);
            prop_assert!((base + shares.iter().sum::<f64>() - boosted.log_odds(|f| row[f])).abs() < 1e-9);
            for (feature, share) in shares.iter().enumerate() {
                prop_assert!((share - shapley_by_orders(&boosted, row, feature)).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn stratified_folds_judge_every_row_once_and_keep_ids_whole(
        rows in prop::collection::vec((0u64..40, any::<bool>()), 4..200), count in 2usize..6, seed in any::<u64>(),
    ) {
        let (ids, labels): (Vec<u64>, Vec<bool>) = rows.iter().copied().unzip();
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let folds = stratified(&all, &labels, &ids, count, seed);
        let mut judged: Vec<u32> = folds.iter().flat_map(|fold| fold.judge.clone()).collect();
        judged.sort_unstable();
        prop_assert_eq!(&judged, &all);
        for fold in &folds {
            let own: Vec<u64> = fold.judge.iter().map(|row| ids[*row as usize]).collect();
            prop_assert!(fold.fit.iter().all(|row| !own.contains(&ids[*row as usize])));
            prop_assert_eq!(fold.fit.len() + fold.judge.len(), rows.len());
        }
    }

    #[test]
    fn windows_never_train_on_what_comes_later(times in prop::collection::vec(0u8..50, 30..120), count in 1usize..5, embargo in 0u8..9) {
        let times: Vec<f64> = times.into_iter().map(f64::from).collect();
        let all: Vec<u32> = (0..times.len() as u32).collect();
        let at = |row: &u32| times[*row as usize];
        for fold in expanding(&all, &times, count, f64::from(embargo)).unwrap_or_default() {
            let first = fold.judge.iter().map(at).fold(f64::INFINITY, f64::min);
            prop_assert!(fold.fit.iter().all(|row| at(row) < first && at(row) + f64::from(embargo) <= first));
        }
    }

    #[test]
    fn any_text_is_a_table_or_a_sentence(text in "[a-c,;\"\n\r0-9.\\- ]{0,200}") {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("table.csv");
        std::fs::write(&path, format!("x,left\n{text}")).unwrap();
        let told = open(&path).and_then(|file| {
            let table = CodedTable::read(&file, &roles("left"))?;
            judge::judge(&file, &table, "left", &plan(2), &|| 0.0).map(|_| ())
        });
        if let Err(error) = told {
            prop_assert!(error.to_string().contains("table.csv"));
        }
    }
}
