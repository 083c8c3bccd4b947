//! Tables: values of trials of every kind, and files of other programs.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use psychrnn::prelude::*;

/// A file of this text.
fn file(bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.csv");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read(bytes: impl AsRef<[u8]>) -> Table {
    let (_kept, path) = file(bytes);
    Table::load_csv(path).unwrap()
}

fn names(table: &Table) -> Vec<&str> {
    table.names().collect()
}

fn refused(bytes: impl AsRef<[u8]>) -> String {
    let (_kept, path) = file(bytes);
    let error = Table::load_csv(&path).unwrap_err().to_string();
    assert!(error.contains("trials.csv"), "{error}");
    error
}

#[test]
fn files_of_pandas_r_and_matlab_are_read() {
    let pandas = read(",coh,correct,rt\n0,0.1,True,350\n1,0.2,False,NA\n");
    assert_eq!(names(&pandas), ["Unnamed: 0", "coh", "correct", "rt"]);
    assert_eq!(pandas.only("correct", true).unwrap().n_rows(), 1);
    assert!(matches!(pandas.numbers("rt").unwrap()[..], [350.0, nan] if nan.is_nan()));
    assert_eq!(pandas.column("Unnamed: 0").unwrap(), [Value::Int(0), Value::Int(1)]);
    assert!(pandas.to_string().contains("missing: 1 of rt"), "{pandas}");

    // write.csv, with names of rows under an empty name; write.table, with a name fewer and spaces between.
    let csv =
        read("\"\",\"coh\",\"correct\",\"side\"\n\"1\",0.1,TRUE,\"left\"\n\"2\",NA,FALSE,NA\n\"3\",1e-05,NA,\"NA\"\n");
    let table =
        read("\"coh\" \"correct\" \"side\"\n\"1\" 0.1 TRUE \"left\"\n\"2\" NA FALSE NA\n\"3\" 1e-05 NA \"NA\"\n");
    assert_eq!(csv, table);
    assert_eq!(csv.column("side").unwrap(), ["left".into(), Value::Missing, "NA".into()]);
    assert_eq!(csv.column("coh").unwrap(), [Value::Float(0.1), Value::Missing, Value::Float(1e-5)]);
    assert_eq!(csv.only("correct", true).unwrap().n_rows(), 1);
    let one = read("\"x\"\n\"1\",0.5\n\"2\",Inf\n");
    assert_eq!(one.numbers("x").unwrap(), [0.5, f64::INFINITY]);
    let european = read("\"coh\" \"rt\"\n\"1\" 0,1 300\n\"2\" -Inf 400\n");
    assert_eq!(european.numbers("coh").unwrap(), [0.1, f64::NEG_INFINITY]);

    // writetable writes truth values as 1 and 0, and what is missing as NaN.
    let matlab = read("coh,correct,rt\r\n0.1,1,NaN\r\n0.2,0,3.5\r\n");
    assert_eq!(matlab.only("correct", true).unwrap().numbers("coh").unwrap(), [0.1]);
    assert_eq!(matlab.only("correct", false).unwrap().numbers("rt").unwrap(), [3.5]);
}

#[test]
fn files_of_spreadsheets_are_read() {
    let expected = read("coh,choice,rt\n0.1,1,300\n-0.25,0,\n");
    for text in [
        "coh;choice;rt\n0,1;1;300\n-0,25;0;\n",
        "sep=;\ncoh;choice;rt\n0,1;1;300\n-0,25;0;\n",
        "\u{feff}coh;choice;rt\r\n0,1;1;300\r\n-0,25;0;NA\r\n",
        "coh\tchoice\trt\n0.1\t1\t300\n-0.25\t0\tNA\n",
        "coh\tchoice\trt\n0,1\t1\t300\n-0,25\t0\tNA\n",
        "coh|choice|rt\r0.1|1|300\r-0.25|0|\r",
        "coh, choice, rt\n0.1, 1, 300\n-2.5e-1, 0, n/a\n",
        "\"coh\",\"choice\",\"rt\"\n\"0.1\",\"1\",\"300\"\n\"-0.25\",\"0\",\"\"\n",
        "coh;choice;rt;\n0,1;1;300;\n-0,25;0;;\n",
        "coh,choice,rt\n0.1,1,300,\n-0.25,0,,\n",
        "coh choice rt\n0.1   1 300 \n-0.25 0  None\n",
        "\n\ncoh,choice,rt\n\n0.1,1,300\n-0.25,0,null\n   \n",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    for utf16 in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> =
            "\u{feff}coh\tchoice\trt\n0.1\t1\t300\n-0.25\t0\t\n".encode_utf16().flat_map(utf16).collect();
        assert_eq!(read(bytes), expected);
    }
    // Marks in quotes part nothing.
    let notes = read("note,rt\n\"a;b;c\",1\n\"d, \"\"e\"\"\nf;g;\",2\n");
    assert_eq!(notes.column("note").unwrap(), ["a;b;c", "d, \"e\"\nf;g;"].map(Value::from));
    let (_kept, path) = file("coh,rt\n\"0,1\",300\n\"2,5\",400\n");
    assert_eq!(Csv::default().decimal(',').load(&path).unwrap().numbers("coh").unwrap(), [0.1, 2.5]);
}

#[test]
fn nothing_is_lost_of_what_looks_like_a_number() {
    let table = read(
        "subject,id,day,half,big,cue,word\n007,20231115123456789012,2024-03-01,1/2,9007199254740993,None,.\n\
         010,1,01.02.2024,3,1,left,-\n,NA,,,,NA,null\n",
    );
    for (name, first) in [("subject", "007"), ("id", "20231115123456789012"), ("day", "2024-03-01"), ("half", "1/2")] {
        assert_eq!(table.column(name).unwrap()[0], Value::from(first));
    }
    assert_eq!(table.column("big").unwrap()[0], Value::Int(9_007_199_254_740_993));
    assert!(!table.column("big").unwrap()[0].is(9_007_199_254_740_992_i64));
    // A word for nothing is one among numbers, and a word among words.
    assert_eq!(table.column("cue").unwrap(), ["None".into(), "left".into(), Value::Missing]);
    assert_eq!(table.column("word").unwrap(), [Value::Missing, Value::Missing, Value::Missing]);
    assert!(table.numbers("subject").unwrap_err().to_string().contains("007"));
    assert_eq!(read("x,y\n1e400,1\n2,2\n").column("x").unwrap()[0], Value::from("1e400"));
}

#[test]
fn names_are_told_apart_and_asked_for() {
    assert_eq!(names(&read("coh,rt,rt\n0.1,300,400\n")), ["coh", "rt", "rt_1"]);
    assert_eq!(names(&read("rt_1,rt,rt,rt\n0.1,300,400,1\n")), ["rt_1", "rt", "rt_2", "rt_3"]);
    assert_eq!(names(&read("coh,,rt\n0.1,a,400\n")), ["coh", "Unnamed: 1", "rt"]);
    for text in ["1,2,3\n4,5,6\n7,8,9\n", "left,0.1,350\nright,0.2,NA\n", "0,1;2\n3,5;4\n", "True,1\nFalse,2\n"] {
        let error = refused(text);
        assert!(error.contains("header(false)"), "{error}");
        let (_kept, path) = file(text);
        let table = Csv::default().header(false).load(&path).unwrap();
        assert_eq!(names(&table)[0], "column 1");
        assert_eq!(table.n_rows(), text.lines().count());
        assert_eq!(Csv::default().header(true).load(&path).unwrap().n_rows(), text.lines().count() - 1);
    }
    assert_eq!(names(&read("\"1\",\"2\"\n4,5\n")), ["1", "2"]);
    assert_eq!(names(&read(",0,1\n0,4,5\n")), ["Unnamed: 0", "0", "1"]);
}

#[test]
fn what_is_no_table_is_refused_with_advice() {
    let latin = refused(b"name,rt\nJos\xe9,300\n");
    assert!(latin.contains("Latin-1") && latin.contains("line 2") && latin.contains("José,300"), "{latin}");
    for (bytes, advice) in [
        (&b""[..], "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        (b"PK\x03\x04rest", "CSV UTF-8"),
        (b"\x1f\x8b\x08", "unpack"),
        (b"\xff\xfea", "UTF-16"),
        (b"a\0,\0b\0", "UTF-16"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 field"),
        (b"a;b;c\n1;2;3\n\"x\ny\";2;3\n4;5\n", "line 5 has 2 field"),
        (b"a,b\n1,\"2\n3,4\n", "line 2"),
        (b"coh\n0,1\n0,25\n", "decimal comma"),
        (b"a;b\n0,5;1.5\n", "decimal(',')"),
    ] {
        let error = refused(bytes);
        assert!(error.contains(advice), "{error}");
    }
    assert!(Table::load_csv("no such file.csv").unwrap_err().to_string().contains("no such file.csv"));
    assert!(Table::load_csv(Path::new(".")).is_err());
    let (_kept, path) = file("a;b\n0,5;1.5\n");
    assert_eq!(Csv::default().decimal(',').load(&path).unwrap().column("b").unwrap(), [Value::from("1.5")]);
    for csv in [Csv::default().delimiter('"'), Csv::default().delimiter('\n'), Csv::default().decimal(';')] {
        assert!(csv.load(&path).unwrap_err().to_string().contains("must be"));
    }
}

#[test]
fn spreadsheets_in_other_languages_and_nonnumeric_quotes_are_read() {
    for (yes, no) in [("WAHR", "FALSCH"), ("VRAI", "FAUX"), ("VERDADERO", "FALSO"), ("WAAR", "ONWAAR")] {
        let table = read(format!("coh;correct;rt\r\n0,1;{yes};350,5\r\n\u{2212}0,25;{no};#NV\r\n"));
        assert_eq!(table.column("correct").unwrap(), [Value::Bool(true), Value::Bool(false)]);
        assert_eq!(table.numbers("coh").unwrap(), [0.1, -0.25]);
        assert!(table.numbers("rt").unwrap()[1].is_nan());
    }
    // QUOTE_NONNUMERIC puts the word for nothing into quotes, too.
    let table = read("\"rt\",\"ok\",\"side\"\n350.5,True,\"left\"\n\"NA\",\"NA\",\"NA\"\n");
    assert_eq!(table.column("rt").unwrap(), [Value::Float(350.5), Value::Missing]);
    assert_eq!(table.column("ok").unwrap(), [Value::Bool(true), Value::Missing]);
    assert_eq!(table.column("side").unwrap(), ["left", "NA"].map(Value::from));
    assert_eq!(names(&read("coh,rt,,\r\n0.1,300,,\r\n0.2,310,,\r\n")), ["coh", "rt"]);
}

#[test]
fn lines_before_and_after_the_names_are_told_apart() {
    let expected = read("coh,rt\n0.1,300\n0.2,310\n");
    for text in [
        "# subject 3, a monkey\n# 2024\n\ncoh,rt\n0.1,300\n0.2,310\n",
        "# coh,rt\n0.1,300\n0.2,310\n",
        "# coh rt\n1e-1 300\n2e-1 310\n",
        "# of 2024\n# coh\trt\n0.1\t300\n0.2\t310\n",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(names(&read("#,rt\n1,300\n")), ["#", "rt"]);
    assert!(refused("# a comment\ncoh,rt\n0.1,300\n0.2\n").contains("line 4 has 1 field"));
    let second = "df.columns.map('_'.join)";
    for (text, advice) in [
        (",a,a,b\n,x,y,x\n0,0.1,350,1\n1,0.2,,2\n", second),
        ("a,a\nmean,std\n0.1,2\n0.2,3\n", second),
        ("coh;rt;side\n%;ms;\n0,1;300;left\n0,2;310;right\n", second),
        ("My experiment,,\n,,\ncoh,rt,side\n0.1,300,left\n", "title"),
        ("{\"coh\":0.1,\"rt\":300}\n", "JSON"),
        ("[{\"coh\":0.1,\"rt\":300}]", "JSON"),
        ("<!DOCTYPE html>\n<html>\n</html>\n", "web page"),
        ("PK\u{3}\u{4}and then W_rec.npy", ".npz"),
        ("\u{1}NUMPY\0\0", "no text"),
        ("coh:rt\n0.1:300\n0.2:3,5\n", "delimiter(':')"),
    ] {
        let error = refused(text);
        assert!(error.contains(advice), "{error}");
    }
    let (_kept, path) = file("rt\nlate\n300\n310\n");
    assert_eq!(Csv::default().header(true).load(&path).unwrap().n_rows(), 3);
    // A number among them, or words in all lines, and it is a trial.
    assert_eq!(read("cue,rt\nlate,300\n1,310\n").n_rows(), 2);
    assert_eq!(read("cue,side\na,left\nb,right\n").n_rows(), 2);
    // So it is where the rest only looks like numbers.
    assert_eq!(read("x\n\"None\"\n007\n").column("x").unwrap(), ["None", "007"].map(Value::from));
}

#[test]
fn values_are_found_and_otherwise_listed() {
    let table = read("side,n,correct\nleft,1,True\nright,2,False\nleft,2.0,\n");
    assert_eq!(table.only("side", "left").unwrap().n_rows(), 2);
    assert_eq!(table.only("n", 2).unwrap().n_rows(), 2);
    assert_eq!(table.only("correct", 1).unwrap().n_rows(), 1);
    assert_eq!(table.only("correct", None::<bool>).unwrap().n_rows(), 1);
    for (column, value, there) in [
        ("side", Value::from("Left"), "\"left\", \"right\""),
        ("n", 3.into(), "1, 2"),
        ("side", true.into(), "\"left\", \"right\""),
        ("correct", "yes".into(), "false, true"),
    ] {
        let error = table.only(column, value).unwrap_err().to_string();
        assert!(error.contains(there) && error.contains(column), "{error}");
    }
    assert_eq!(table.filter("n", |n| n.is(7)).unwrap().n_rows(), 0);
}

#[test]
fn columns_are_computed_from_texts() {
    let table = read("coherence,side\n0.1,left\n0.3,right\n,left\n");
    let sign = |[coherence, side]: [&Value; 2]| {
        let coherence = coherence.number()?;
        Some(if side.is("left") { -coherence } else { coherence })
    };
    let signed = table.clone().with_values("signed", ["coherence", "side"], sign).unwrap();
    assert!(matches!(signed.numbers("signed").unwrap()[..], [a, b, c] if a == -0.1 && b == 0.3 && c.is_nan()));
    let joined = table.clone().with_values("both", ["side", "coherence"], |[side, c]| format!("{side} {c}")).unwrap();
    assert_eq!(joined.column("both").unwrap()[1], Value::from("right 0.3"));
    let error = table.clone().with("x", ["coherence", "side"], |[c, _]| c).unwrap_err().to_string();
    assert!(error.contains("with_values") && error.contains("left"), "{error}");
    assert!(
        table.with_values("x", ["sid"], |[side]| side.clone()).unwrap_err().to_string().contains("coherence, side")
    );
}

#[derive(Clone, Copy, Debug, PartialEq, Trial)]
enum Side {
    Left,
    Right,
}

#[derive(Clone, Trial)]
struct Mixed<T> {
    side: Side,
    cue: Option<Side>,
    letter: char,
    wide: u64,
    narrow: i8,
    real: Option<f64>,
    r#type: T,
    name: std::borrow::Cow<'static, str>,
    #[trial(skip)]
    pulses: Vec<f32>,
    #[trial(skip)]
    angles: [f32; 2],
}

struct Clicks;

impl Task for Clicks {
    type Trial = Mixed<&'static str>;
    fn spec(&self) -> TaskSpec {
        TaskSpec::new(1, 2).epoch("clicks", 100.0)
    }
    fn draw(&self, rng: &mut TrialRng) -> Self::Trial {
        let side = if rng.chance(0.5) { Side::Left } else { Side::Right };
        Mixed {
            side,
            cue: rng.chance(0.5).then_some(side),
            letter: 'µ',
            wide: u64::MAX,
            narrow: -3,
            real: None,
            r#type: "click",
            name: "AB".into(),
            pulses: vec![0.25; 10],
            angles: [0.0, 1.0],
        }
    }
    fn step(&self, t: f32, trial: &Self::Trial, _: &mut TrialRng, now: &mut Step<'_>) {
        now.input[0] = trial.pulses[(t / 10.0) as usize] + trial.angles[0];
        now.favor(trial.side as usize, 1.0, 0.0);
    }
}

#[test]
fn a_trial_has_values_of_every_kind() {
    let batch = Clicks.batch(40, Seed(1)).unwrap();
    assert_eq!(names(&batch.values), ["side", "cue", "letter", "wide", "narrow", "real", "type", "name"]);
    let sides = batch.values.column("side").unwrap();
    let cues = batch.values.column("cue").unwrap();
    assert!(sides.contains(&"Left".into()) && sides.contains(&"Right".into()) && cues.contains(&Value::Missing));
    for trial in 0..40 {
        let side = if batch.correct_choice(trial) == Some(0) { Side::Left } else { Side::Right };
        assert!(sides[trial].is(side) && (cues[trial].is(side) || cues[trial] == Value::Missing));
    }
    // What is too large for a whole number of 64 bits is not another number.
    let expected = [Value::from("µ"), Value::Float(18_446_744_073_709_551_615.0), Value::Int(-3), Value::Missing];
    for (name, value) in ["letter", "wide", "narrow", "real"].iter().zip(expected) {
        assert_eq!(batch.values.column(name).unwrap()[7], value);
    }
    assert_eq!(
        batch.values.only("side", Side::Left).unwrap().n_rows(),
        sides.iter().filter(|side| side.is("Left")).count()
    );
    assert_eq!(Value::from(Side::Right), Value::from("Right"));
}

/// Texts that could be taken for something else.
fn text() -> impl Strategy<Value = String> {
    let words = [
        "",
        " ",
        "NA",
        "NaN",
        "nan",
        "None",
        "null",
        ".",
        "-",
        "true",
        "False",
        "TRUE",
        "1",
        "-1.5",
        "1e5",
        "inf",
        "007",
        "nAn",
        "1e400",
        "12345678901234567890",
        "\u{2212}1",
        "0,1",
        "a,b",
        "a;b",
        "a\tb",
        "a|b",
        " a",
        "a ",
        "a b",
        "\"",
        "\"\"",
        "a\"b",
        "\n",
        "\r\n",
        "a\nb",
        "sep=;",
        "\u{feff}",
        "µ",
        "Unnamed: 0",
        "\u{a0}x",
    ];
    prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        proptest::collection::vec(proptest::sample::select("a1 ,;\t|\"\n\r.-=".chars().collect::<Vec<_>>()), 0..6)
            .prop_map(String::from_iter),
        "\\PC{0,8}",
    ]
}

/// A column of one kind.
fn column(rows: usize) -> impl Strategy<Value = Vec<Value>> {
    fn of<S: Strategy<Value = Value> + 'static>(values: S, rows: usize) -> BoxedStrategy<Vec<Value>> {
        let perhaps = prop_oneof![4 => values, 1 => Just(Value::Missing)];
        proptest::collection::vec(perhaps, rows).boxed()
    }
    let special = [0.0, -0.0, 1.0, 1e300, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, 1e16, 0.1];
    prop_oneof![
        of(any::<i64>().prop_map(Value::Int), rows),
        of(any::<bool>().prop_map(Value::Bool), rows),
        of(text().prop_map(Value::Text), rows),
        of(prop_oneof![any::<f64>(), proptest::sample::select(special.to_vec())].prop_map(Value::Float), rows),
    ]
}

fn table() -> impl Strategy<Value = Table> {
    (0_usize..6, 1_usize..5).prop_flat_map(|(rows, n)| {
        let columns = proptest::collection::vec((text(), column(rows)), n);
        columns.prop_map(|columns| {
            let mut table = Table::new();
            for (name, column) in columns {
                // A name that is empty is replaced by another.
                table.insert(if name.is_empty() { "x" } else { &name }, column).unwrap();
            }
            table
        })
    })
}

fn written_and_read(table: &Table) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    table.save_csv(&path).unwrap();
    Table::load_csv(&path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_table_that_is_written_is_read_back(table in table()) {
        let read = written_and_read(&table);
        let cells = |table: &Table| -> Vec<(String, Vec<String>)> {
            // NaN is nothing in a file.
            let cell = |value: &Value| match value {
                Value::Float(number) if number.is_nan() => "Missing".to_owned(),
                Value::Float(number) => format!("Float({:x})", number.to_bits()),
                value => format!("{value:?}"),
            };
            table.iter().map(|(name, column)| (name.to_owned(), column.iter().map(cell).collect())).collect()
        };
        prop_assert_eq!(cells(&read), cells(&table));
    }

    #[test]
    fn a_table_in_json_is_read_back(table in table()) {
        let json = serde_json::to_string(&table).unwrap();
        let read: Table = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{table:?}"), "{}", json);
    }

    /// Whatever is in a file, there is a table or an error.
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(proptest::sample::select(b"a1,;\t |\"\n\r.\xe9\0=".to_vec()), 0..60)) {
        let (_kept, path) = file(bytes);
        if let Ok(table) = Table::load_csv(&path) {
            prop_assert!(table.iter().all(|(_, column)| column.len() == table.n_rows()));
        }
    }
}
