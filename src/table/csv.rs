//! Tables as CSV files: as this library writes them, and as pandas, R, MATLAB and spreadsheets do.
//!
//! The reader is our own, since what a column holds depends on which of its values stand in quotes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Table, Value};
use crate::{Error, Result, file};

/// What may part the fields of a line, the likelier first; a space only where nothing else can.
const DELIMITERS: [char; 5] = [',', ';', '\t', '|', ' '];
/// More columns are a mistake.
const MOST_COLUMNS: usize = 100_000;
/// The lines from which the delimiter is told.
const SAMPLE: usize = 200;
/// What stands for a missing value in a column of any kind.
const MISSING: [&str; 9] = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN"];
/// What does so among numbers and truth values, but elsewhere is a word: a condition may be called `None`.
const MISSING_NUMBER: [&str; 11] = ["null", "NULL", "None", "none", "-", ".", "-nan", "-NaN", "NaT", "#NV", "#N/D"];
/// Truth values: of Python, R and others, and of spreadsheets in German, French, Spanish, Italian and Dutch.
const TRUE: [&str; 8] = ["true", "True", "TRUE", "WAHR", "VRAI", "VERDADERO", "VERO", "WAAR"];
const FALSE: [&str; 7] = ["false", "False", "FALSE", "FALSCH", "FAUX", "FALSO", "ONWAAR"];

/// How a CSV file is read, where [`Table::load_csv`] is not to find out by itself.
///
/// ```
/// use psychrnn::prelude::*;
/// # let folder = tempfile::tempdir().map_err(|_| ()).unwrap();
/// # let path = folder.path().join("trials.csv");
/// # std::fs::write(&path, "0,1;left\n0,25;right\n").unwrap();
/// let table = Csv::default().header(false).delimiter(';').decimal(',').load(&path)?;
/// assert_eq!(table.numbers("column 1")?, [0.1, 0.25]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Csv {
    /// What parts the fields of a line.
    pub delimiter: Option<char>,
    /// The decimal mark, `.` or `,`.
    pub decimal: Option<char>,
    /// Whether the first line has the names of the columns.
    pub header: Option<bool>,
}

impl Csv {
    crate::setters::setters! {
        /// What parts the fields of a line: a comma, a semicolon, a tab, … By default whatever parts all lines alike.
        delimiter: char => Some(delimiter);
        /// The decimal mark: a point, or a comma as in continental Europe. By default the one with which columns are numbers.
        decimal: char => Some(decimal);
        /// Whether the first line has the names of the columns. By default it has, and a first line that seems to have none is an
        /// error; without names the columns are called `column 1` and so on.
        header: bool => Some(header);
    }

    /// Reads a file. What is found out by itself, and what becomes of the values, says [`Table::load_csv`].
    ///
    /// # Errors
    /// As [`Table::load_csv`]; also if the settings make no sense.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        self.check()?;
        let bytes = std::fs::read(path).map_err(|source| Error::io("read", path, source))?;
        let unusable = |problem| Error::file(path, problem);
        let text = decoded(&bytes).map_err(unusable)?;
        self.read(&text).map_err(unusable)
    }

    fn check(&self) -> Result<()> {
        if let Some(delimiter @ ('"' | '\n' | '\r' | '\0')) = self.delimiter {
            return Err(Error::argument(
                "delimiter",
                "a comma, a semicolon, a tab or another mark",
                format!("{delimiter:?}"),
            ));
        }
        match self.decimal {
            None | Some('.' | ',') => Ok(()),
            Some(decimal) => Err(Error::argument("decimal", "'.' or ','", format!("{decimal:?}"))),
        }
    }

    /// The table that a text is, or what is wrong with it.
    fn read(&self, text: &str) -> Result<Table, String> {
        let (told, text) = told_delimiter(text);
        let told = self.delimiter.or(told);
        let text = &*without_comments(text, told);
        let delimiter = told.unwrap_or_else(|| delimiter_of(text));
        let Some(survey) = Survey::of(Lines::of(text, delimiter))? else { return Err("it is empty".into()) };
        let has_names = self.header != Some(false);
        // One name fewer than columns: names of rows, as R writes them, or a delimiter at the end of all lines but the first.
        let one_fewer = survey.n > survey.first.len();
        let named_rows = one_fewer && !survey.last_is_empty;
        if one_fewer && !has_names {
            return Err(format!("line 1 has {} fields, and the others have {}", survey.first.len(), survey.n));
        }
        if named_rows && survey.first.len() == 1 && delimiter == ',' && !survey.rows_in_quotes {
            return Err("its lines have a comma where the first has none: is it a decimal comma? Then write \
                `Csv::default().delimiter(';').load(path)`; if not, give the first column a name, too"
                .into());
        }
        let n = if one_fewer && survey.last_is_empty { survey.first.len() } else { survey.n };
        if n > MOST_COLUMNS {
            return Err(format!(
                "it has {n} columns, and a table holds {MOST_COLUMNS} at most: are lines and columns exchanged?"
            ));
        }
        let quotes = survey.quotes();
        let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); n];
        for line in Lines::of(text, delimiter).skip(usize::from(has_names)) {
            for (column, field) in columns.iter_mut().zip(line?.fields) {
                column.push(quotes.cell(field, self.decimal == Some(',') && delimiter == ','));
            }
        }
        let decimal = match self.decimal {
            Some(decimal) => decimal,
            None if delimiter == ',' => '.',
            None => decimal_of(&columns)?,
        };
        if self.header.is_none() {
            check_second_line(&columns, decimal)?;
        }
        let mut columns: Vec<Vec<Value>> = columns.into_iter().map(|column| values(column, decimal)).collect();
        let names = if has_names {
            let mut first = survey.first;
            if self.header.is_none() && !named_rows && seems_to_be_data(&first, quotes, &columns, decimal) {
                return Err("its first line holds values, not the names of the columns: put a line of names before it, or write \
                    `Csv::default().header(false).load(path)` if there are no names, `.header(true)` if these are names"
                    .into());
            }
            if named_rows {
                first.insert(0, Field::default());
            }
            // Delimiters at the end of all lines make no columns.
            let nothing = |column: &Vec<Value>| column.iter().all(Value::is_missing);
            while columns.len() > 1
                && first.get(columns.len() - 1).is_none_or(|name| *name == Field::default())
                && columns.last().is_some_and(nothing)
            {
                columns.pop();
            }
            if self.header.is_none() {
                check_title(&first, &columns)?;
            }
            unique(first.into_iter().map(Field::name))
        } else {
            (1..=n).map(|i| format!("column {i}")).collect()
        };
        let mut table = Table::new();
        for (name, column) in names.iter().zip(columns) {
            table.insert(name, column).map_err(|error| error.to_string())?;
        }
        Ok(table)
    }
}

/// Files.
impl Table {
    /// Writes a CSV file: a line with the names of the columns, a line for each row, nothing where a value is missing. Texts that
    /// would be read as something else (`"1"`, `"true"`, `"NA"`, an empty one) stand in quotes, whole ones among numbers with a point
    /// end in `.0`: [`Table::load_csv`] gives the same table, if each column holds values of one kind. An older file of that name
    /// stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let single = self.names().count() == 1;
        let names = self.names().map(|name| written(&name.into(), single)).collect();
        file::write_whole(path, |writer| {
            let mut line = |fields: Vec<String>| {
                writeln!(writer, "{}", fields.join(",")).map_err(|source| Error::io("write", path, source))
            };
            line(names)?;
            (0..self.n_rows())
                .try_for_each(|row| line(self.iter().map(|(_, column)| written(&column[row], single)).collect()))
        })
    }

    /// Reads a CSV file, for instance the behavior of an animal, as pandas, R, MATLAB and spreadsheets write it. [`Csv`] is for those
    /// that are not understood.
    ///
    /// - The first line names the columns. A name that comes twice is followed by `_1`, …; a column without a name, such as the
    ///   index of pandas or the names of rows of R, is called `Unnamed: 0`, …
    /// - Fields are parted by commas, semicolons, tabs, bars or spaces, whichever part all lines alike, outside of quotes; where it is
    ///   not the comma, numbers may have decimal commas. A first line `sep=;` is obeyed.
    /// - A column holds whole numbers, numbers, truth values (`true`, `True`, `TRUE`) or texts, the first of these that fits all its
    ///   values. Dates, numbers that begin with zeros (`007`) and whole numbers with too many digits are texts, so that none is lost.
    /// - Nothing, `NA`, `N/A`, `#N/A`, `<NA>` and `NaN` are missing values; among numbers and truth values also `None`, `null`, `-`
    ///   and `.`. A table says how many there are where it is shown.
    /// - Lines at the beginning that start with `#` are comments, but for the last of them if it has a name for each column.
    /// - What stands in quotes is a text, unless the file puts all into quotes.
    /// - Texts are in UTF-8 or, if the file says so at its beginning, in UTF-16.
    ///
    /// # Errors
    /// If the file cannot be read, is no text in UTF-8 or UTF-16, if a line has more or fewer fields than the first (says which),
    /// or if the first line has no names or is not the only one that has.
    pub fn load_csv(path: impl AsRef<Path>) -> Result<Self> {
        Csv::default().load(path)
    }
}

/// What is no text.
const NO_TEXT: &str = "it is no text, or in UTF-16 without saying so: save it as \"CSV UTF-8\"";

/// The text in the bytes of a file, or what else they are.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text = char::decode_utf16(pairs.iter().map(|&pair| unit(pair))).collect::<Result<String, _>>();
        text.ok().filter(|_| rest.is_empty()).ok_or_else(|| "it is in UTF-16, and broken".to_owned())
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [b'P', b'K', 3, 4, ..] if bytes.windows(4).take(300).any(|part| part == b".npy") => {
            return Err("it is a file of arrays (.npz): `Batch::load` reads trials, `Weights::load` weights".into());
        }
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            return Err("it is a workbook of a spreadsheet: save the sheet as \"CSV UTF-8\" there".into());
        }
        [0x1f, 0x8b, ..] => return Err("it is compressed: unpack it first".into()),
        bytes if bytes.contains(&0) => return Err(NO_TEXT.into()),
        bytes => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            std::str::from_utf8(bytes).map_err(|error| encoding(bytes, error.valid_up_to()))?.to_owned()
        }
    };
    if text.contains('\0') {
        return Err(NO_TEXT.into());
    }
    let start = text.trim_start();
    if start.starts_with("{\"") || start.starts_with("[{") {
        return Err("it is JSON, and no CSV: in pandas pd.read_json(path).to_csv(path) makes one of it".into());
    }
    if start.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) || start.starts_with("<html") {
        return Err("it is a web page, and no table: was another address meant, that of the file itself?".into());
    }
    Ok(text)
}

/// Which encoding a text probably has that is not UTF-8 from this byte on.
fn encoding(bytes: &[u8], at: usize) -> String {
    let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| at + end);
    let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    // Latin-1 is the first 256 characters of Unicode.
    let latin: String = bytes[start..end].iter().take(60).map(|&byte| char::from(byte)).collect();
    format!(
        "it is not in UTF-8 (byte {:#04x} in line {line}), but probably in Latin-1 (Windows-1252), in which that line reads `{}`: \
         save it as UTF-8, by \"CSV UTF-8\" in a spreadsheet, or by `iconv -f latin1 -t utf8`",
        bytes[at],
        latin.trim_end()
    )
}

/// One field of a line.
#[derive(Clone, Debug, Default, PartialEq)]
struct Field {
    text: String,
    quoted: bool,
}

impl Field {
    fn name(self) -> String {
        if self.quoted { self.text } else { self.text.trim().to_owned() }
    }
}

/// One line, which may go on over several lines of the file.
struct Line {
    /// The number of the line in the file where it begins.
    number: usize,
    fields: Vec<Field>,
}

/// Reads one line after the other; empty ones are none.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
    delimiter: char,
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let number = self.number;
            match self.line() {
                Err(problem) => {
                    self.rest = "";
                    return Some(Err(problem));
                }
                Ok(fields) if fields.len() == 1 && !fields[0].quoted && fields[0].text.trim().is_empty() => {}
                Ok(fields) => return Some(Ok(Line { number, fields })),
            }
        }
        None
    }
}

impl<'a> Lines<'a> {
    fn of(text: &'a str, delimiter: char) -> Self {
        Self { rest: text, number: 1, delimiter }
    }

    /// The fields up to the end of the line, of which one is read at least.
    fn line(&mut self) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        if self.delimiter == ' ' {
            self.rest = self.rest.trim_start_matches(' ');
        }
        loop {
            fields.push(self.field()?);
            if self.delimiter == ' ' {
                self.rest = self.rest.trim_start_matches(' ');
                if !self.rest.is_empty() && !self.rest.starts_with(['\r', '\n']) {
                    continue;
                }
            }
            if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
                self.rest = rest;
                continue;
            }
            // What parts lines is a line feed, a carriage return, or both.
            self.rest = self.rest.strip_prefix("\r\n").or(self.rest.strip_prefix(['\r', '\n'])).unwrap_or("");
            self.number += 1;
            return Ok(fields);
        }
    }

    fn field(&mut self) -> Result<Field, String> {
        let padding = |c: char| c == ' ' && self.delimiter != ' ';
        let ends = [self.delimiter, '\r', '\n'];
        let Some(mut inside) = self.rest.trim_start_matches(padding).strip_prefix('"') else {
            let (text, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
            self.rest = rest;
            return Ok(Field { text: text.to_owned(), quoted: false });
        };
        let mut text = String::new();
        loop {
            let Some((part, rest)) = inside.split_once('"') else {
                return Err(format!("the quotes that are opened in line {} are never closed", self.number));
            };
            text.push_str(part);
            match rest.strip_prefix('"') {
                // Two are one that belongs to the text.
                Some(rest) => {
                    text.push('"');
                    inside = rest;
                }
                None => {
                    let after = &rest[..rest.find(ends).unwrap_or(rest.len())];
                    text.push_str(after.trim_end_matches(padding));
                    self.rest = &rest[after.len()..];
                    self.number += text.replace("\r\n", "\n").matches(['\r', '\n']).count();
                    return Ok(Field { text, quoted: true });
                }
            }
        }
    }
}

/// The delimiter that a first line `sep=;` tells, and the text without it, in which that line is empty.
fn told_delimiter(text: &str) -> (Option<char>, &str) {
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let mut told = first.trim_end_matches('\r').chars();
    let is_told = "sep=".chars().all(|c| told.next().is_some_and(|found| found.eq_ignore_ascii_case(&c)));
    match (is_told, told.next(), told.next()) {
        (true, Some(delimiter), None) if delimiter != '"' => (Some(delimiter), rest),
        _ => (None, text),
    }
}

/// The text with empty lines in place of the comments with which it begins, so that lines keep their numbers. The last of them may be
/// the line of names, as NumPy writes it.
fn without_comments(text: &str, told: Option<char>) -> Cow<'_, str> {
    let mut rest = text;
    let (mut last, mut empty) = ("", String::new());
    loop {
        let (line, after) = rest.split_at(rest.find('\n').map_or(rest.len(), |end| end + 1));
        match line {
            _ if line.starts_with('#') => last = line,
            // What comes before a comment.
            _ if line.trim().is_empty() && !line.is_empty() => {}
            _ => break,
        }
        empty.push('\n');
        rest = after;
    }
    if last.is_empty() || rest.is_empty() {
        return Cow::Borrowed(text);
    }
    let delimiter = told.unwrap_or_else(|| delimiter_of(rest));
    let fields = |text: &str| Lines::of(text, delimiter).next().and_then(Result::ok).map(|line| line.fields.len());
    let names = last.strip_prefix("# ").unwrap_or(last);
    if fields(names) == fields(rest) {
        empty.pop();
        empty.push_str(names);
    }
    Cow::Owned(empty + rest)
}

/// The mark that parts all lines alike.
fn delimiter_of(text: &str) -> char {
    let outside = outside_quotes(text);
    // How well a mark parts the lines: alike, into as many numbers as possible, into as many fields as possible.
    let fit = |delimiter: char| {
        let lines = || Lines::of(if delimiter == ' ' { text } else { &outside }, delimiter).take(SAMPLE);
        let survey = Survey::of(lines()).ok()??;
        let names = survey.first.len();
        // What parts one name from nothing may as well belong to a text or a number.
        if survey.n < 2 || names == 1 && matches!(delimiter, ',' | ' ') && !survey.rows_in_quotes {
            return None;
        }
        let decimals: &[char] = if delimiter == ',' { &['.'] } else { &['.', ','] };
        let is_number = |field: &Field| decimals.iter().any(|&decimal| number(field.text.trim(), decimal).is_some());
        let (mut numbers, mut cells) = (0, 1);
        for line in lines().skip(1).flatten() {
            cells += line.fields.len();
            numbers += line.fields.iter().filter(|field| is_number(field)).count();
        }
        Some((names == survey.n, numbers as f64 / cells as f64, survey.n))
    };
    let mut best = None;
    for delimiter in DELIMITERS {
        // What comes first is the likelier, and what parts words is for want of another.
        let found = fit(delimiter).filter(|fit| best.is_none_or(|(_, best)| delimiter != ' ' && *fit > best));
        best = found.map(|fit| (delimiter, fit)).or(best);
    }
    let first = outside.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let in_first = |delimiter: &char| first.matches(*delimiter).count();
    let likeliest = || DELIMITERS[..4].iter().rev().max_by_key(|delimiter| in_first(delimiter)).copied();
    best.map(|(delimiter, _)| delimiter).or_else(likeliest).unwrap_or(',')
}

/// The text without the marks that stand in quotes.
fn outside_quotes(text: &str) -> String {
    let mut outside = String::with_capacity(text.len());
    let is_mark = |c: char| matches!(c, '\r' | '\n') || DELIMITERS[..4].contains(&c);
    let (mut characters, mut opens) = (text.chars().peekable(), true);
    while let Some(c) = characters.next() {
        outside.push(c);
        if c != '"' || !opens {
            opens = is_mark(c) || opens && c == ' ';
            continue;
        }
        while let Some(c) = characters.next() {
            if c != '"' {
                outside.push(if is_mark(c) { '_' } else { c });
            } else if characters.next_if_eq(&'"').is_some() {
                outside.push('_');
            } else {
                outside.push('"');
                break;
            }
        }
        opens = false;
    }
    outside
}

/// What is known of all lines before their values are looked at.
struct Survey {
    first: Vec<Field>,
    /// The fields of all lines after the first, which may have one less.
    n: usize,
    /// Whether the first field of all lines after the first stands in quotes.
    rows_in_quotes: bool,
    /// Whether there is nothing in the last field of all lines after the first.
    last_is_empty: bool,
    /// Whether all that there is stands in quotes.
    all_in_quotes: bool,
}

impl Survey {
    fn of(mut lines: impl Iterator<Item = Result<Line, String>>) -> Result<Option<Self>, String> {
        let in_quotes = |field: &Field| field.quoted || field.text.is_empty();
        let Some(first) = lines.next().transpose()? else { return Ok(None) };
        let mut survey = Self {
            n: first.fields.len(),
            rows_in_quotes: true,
            last_is_empty: true,
            all_in_quotes: first.fields.iter().all(in_quotes),
            first: first.fields,
        };
        for (row, line) in lines.enumerate() {
            let Line { number, fields } = line?;
            let (names, got) = (survey.first.len(), fields.len());
            if row == 0 && got == names + 1 {
                survey.n = got;
            }
            if got != survey.n {
                let than = if survey.n > names { "the lines before have" } else { "the first has" };
                let advice = if names == 1 {
                    ": is that a line of names? If something unusual parts the fields, say it by `Csv::default().delimiter(':').load(path)`"
                } else {
                    ""
                };
                return Err(format!("line {number} has {got} fields where {than} {}{advice}", survey.n));
            }
            survey.rows_in_quotes &= fields.first().is_some_and(|field| field.quoted);
            survey.last_is_empty &= fields.last().is_some_and(|field| field.text.is_empty());
            survey.all_in_quotes &= fields.iter().all(in_quotes);
        }
        Ok(Some(survey))
    }

    fn quotes(&self) -> Quotes {
        // Some names must stand in quotes; where others do, that is a habit.
        let single = self.first.len() == 1;
        let habit = self.first.iter().any(|name| name.quoted && is_plain(&name.text, single));
        if self.all_in_quotes && habit { Quotes::Nothing } else { Quotes::Text }
    }
}

/// What quotes say in a file.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    /// That it is a text.
    Text,
    /// Nothing, since all stands in quotes.
    Nothing,
}

impl Quotes {
    fn cell(self, field: Field, decimal_in_quotes: bool) -> Cell {
        let text = field.quoted && self == Self::Text && !decimal_in_quotes;
        if text { Cell::Text(field.text) } else { Cell::Open { quoted: field.quoted, text: field.text } }
    }
}

/// One value as it stands in the file.
#[derive(Clone, Debug)]
enum Cell {
    /// It says that it is a text.
    Text(String),
    /// It is what its column is.
    Open { text: String, quoted: bool },
}

/// The kinds of values in the order in which they are tried.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Whole,
    Number,
    Truth,
    Text,
}

/// The kind of a column: that of all its values that do not say themselves that they are texts.
fn kind(column: &[Cell], decimal: char) -> Kind {
    let (mut kinds, mut any) = (vec![Kind::Whole, Kind::Number, Kind::Truth, Kind::Text], false);
    for cell in column {
        let Cell::Open { text, .. } = cell else { continue };
        let text = text.trim();
        if !MISSING.contains(&text) && !MISSING_NUMBER.contains(&text) {
            any = true;
            kinds.retain(|kind| match kind {
                Kind::Whole => whole(text).is_some(),
                Kind::Number => number(text, decimal).is_some(),
                Kind::Truth => truth(text).is_some(),
                Kind::Text => true,
            });
        }
    }
    if !any && column.iter().any(|cell| matches!(cell, Cell::Text(_))) { Kind::Text } else { kinds[0] }
}

/// The values of a column.
fn values(column: Vec<Cell>, decimal: char) -> Vec<Value> {
    let kind = kind(&column, decimal);
    let value = |cell: Cell| match cell {
        // Some programs write a missing number so that put all else into quotes.
        Cell::Text(text) if kind != Kind::Text && MISSING.contains(&&*text) => Value::Missing,
        Cell::Text(text) => Value::Text(text),
        Cell::Open { text, quoted } => {
            let word = text.trim();
            let missing = MISSING.contains(&word) || kind != Kind::Text && MISSING_NUMBER.contains(&word);
            let value = match kind {
                _ if missing => Some(Value::Missing),
                Kind::Whole => whole(word).map(Value::Int),
                Kind::Number => number(word, decimal).map(Value::Float),
                Kind::Truth => truth(word).map(Value::Bool),
                Kind::Text => None,
            };
            value.unwrap_or_else(|| Value::from(if quoted { &text } else { word }))
        }
    };
    column.into_iter().map(value).collect()
}

/// The decimal mark with which columns are numbers.
fn decimal_of(columns: &[Vec<Cell>]) -> Result<char, String> {
    // A column that is numbers with this mark and not with the other, by the first value that shows it.
    let only_with = |decimal: char, other: char| {
        columns
            .iter()
            .filter(|column| kind(column, decimal) == Kind::Number && kind(column, other) == Kind::Text)
            .find_map(|column| {
                column.iter().find_map(|cell| match cell {
                    Cell::Open { text, .. } => Some(text.trim()).filter(|text| text.contains(decimal)),
                    Cell::Text(_) => None,
                })
            })
    };
    match (only_with(',', '.'), only_with('.', ',')) {
        (Some(_), None) => Ok(','),
        (None, _) => Ok('.'),
        (Some(comma), Some(point)) => Err(format!(
            "`{comma}` has a decimal comma, and `{point}` a point: say which is the decimal mark by \
             `Csv::default().decimal(',').load(path)`; numbers with the other one are then texts"
        )),
    }
}

/// Whether a first line is like the lines after it: wherever these hold numbers or truth values, it does, too.
fn seems_to_be_data(first: &[Field], quotes: Quotes, columns: &[Vec<Value>], decimal: char) -> bool {
    // The index of pandas and the names of rows of R have no name.
    if first.first().is_some_and(|name| name.text.trim().is_empty()) {
        return false;
    }
    let is_value = |name: &Field| {
        let text = name.text.trim();
        let is_text = name.quoted && quotes == Quotes::Text;
        !is_text && (number(text, decimal).is_some() || truth(text).is_some() || MISSING.contains(&text))
    };
    let is_number = |value: &Value| !matches!(value, Value::Text(_) | Value::Missing);
    let mut over_numbers =
        first.iter().zip(columns).filter(|(_, column)| column.is_empty() || column.iter().any(is_number)).peekable();
    over_numbers.peek().is_some() && over_numbers.all(|(name, _)| is_value(name))
}

/// An error if the first line is a title: it names the first of several columns only.
fn check_title(names: &[Field], columns: &[Vec<Value>]) -> Result<(), String> {
    let has_name = |name: &Field| name.quoted || !name.text.trim().is_empty();
    let has_others = columns.iter().skip(1).flatten().any(|value| !value.is_missing());
    if has_others && names.first().is_some_and(has_name) && !names.iter().skip(1).any(has_name) {
        return Err(
            "its first line names one column only: if it is a title, leave it out; if the others have no names, write \
            `Csv::default().header(true).load(path)`"
                .into(),
        );
    }
    Ok(())
}

/// An error if the second line has names, too, or units: words over columns of numbers, and no number among them.
fn check_second_line(columns: &[Vec<Cell>], decimal: char) -> Result<(), String> {
    let word = |cell: &Cell| match cell {
        Cell::Text(text) => !text.is_empty(),
        Cell::Open { text, .. } => {
            let text = text.trim();
            let missing = MISSING.contains(&text) || MISSING_NUMBER.contains(&text);
            // A number with too many digits is a text, and no word.
            !missing
                && text.replace(decimal, ".").parse::<f64>().is_err()
                && number(text, decimal).is_none()
                && truth(text).is_none()
        }
    };
    let nothing =
        |cell: &Cell| matches!(cell, Cell::Text(text) | Cell::Open { text, .. } if MISSING.contains(&text.trim()));
    let first_of_numbers = columns.iter().filter_map(|column| match column.split_first() {
        Some((first, rest)) if !rest.iter().any(word) && !rest.iter().all(nothing) && !nothing(first) => Some(first),
        _ => None,
    });
    let words: Vec<bool> = first_of_numbers.map(word).collect();
    if words.is_empty() || words.contains(&false) {
        return Ok(());
    }
    Err("its second line has words over columns of numbers: is it a second line of names, or one of units? Leave it out; in pandas \
        `df.columns = df.columns.map('_'.join)` makes one name of two; write `Csv::default().header(true).load(path)` if it is a trial"
        .into())
}

fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| !begins_with_zeros(text))
}

fn truth(text: &str) -> Option<bool> {
    match text {
        _ if TRUE.contains(&text) => Some(true),
        _ if FALSE.contains(&text) => Some(false),
        _ => None,
    }
}

/// The number that a text is, if it loses nothing by it: `007` and 20 digits do.
fn number(text: &str, decimal: char) -> Option<f64> {
    // Some spreadsheets write the mark of typography.
    let minus = text.strip_prefix('\u{2212}').map(|size| format!("-{size}"));
    let text = minus.as_deref().unwrap_or(text);
    if text.eq_ignore_ascii_case("nan") || begins_with_zeros(text) {
        return None;
    }
    let number: f64 = match decimal {
        '.' => text.parse().ok()?,
        _ if text.contains('.') => return None,
        _ => text.replacen(decimal, ".", 1).parse().ok()?,
    };
    let digits = text.trim_start_matches(['+', '-']);
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let kept = if is_whole {
        number.abs().to_string() == digits
    } else {
        number.is_finite() || !digits.contains(|c: char| c.is_ascii_digit())
    };
    kept.then_some(number)
}

fn begins_with_zeros(text: &str) -> bool {
    matches!(text.trim_start_matches(['+', '-']).as_bytes(), [b'0', next, ..] if next.is_ascii_digit())
}

/// The names with what tells equal ones apart.
fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let names: Vec<String> =
        names.enumerate().map(|(i, name)| if name.is_empty() { unnamed(i) } else { name }).collect();
    let given: HashSet<String> = names.iter().cloned().collect();
    let mut taken = HashSet::new();
    let mut free = |name: String| {
        let others = (1..).map(|i| format!("{name}_{i}")).filter(|other| !given.contains(other));
        let name = std::iter::once(name.clone()).chain(others).find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(name.clone());
        name
    };
    names.into_iter().map(&mut free).collect()
}

/// What pandas calls a column without a name.
fn unnamed(i: usize) -> String {
    format!("Unnamed: {i}")
}

/// A value as it is written.
fn written(value: &Value, single: bool) -> String {
    match value {
        Value::Text(text) if is_plain(text, single) => text.clone(),
        Value::Text(text) => in_quotes(text),
        // In a file of one column an empty line would be no line.
        Value::Missing if single => "NA".into(),
        Value::Float(number) if number.is_nan() => {
            if single {
                "NA".into()
            } else {
                String::new()
            }
        }
        // With a point even where it is whole: `1.0`.
        Value::Float(number) => format!("{number:?}"),
        value => value.to_string(),
    }
}

fn in_quotes(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Whether a text is read as this text without quotes; in a file of a single column, spaces could part others.
fn is_plain(text: &str, single: bool) -> bool {
    let is_mark = |c: char| matches!(c, '"' | '\r' | '\n' | '\u{feff}') || DELIMITERS[..4].contains(&c);
    let is_parted = text != text.trim() || text.contains(is_mark) || single && text.contains(' ');
    let is_word = MISSING.contains(&text) || MISSING_NUMBER.contains(&text) || truth(text).is_some();
    let tells = text.to_ascii_lowercase().starts_with("sep=") || text.starts_with('#');
    let tells = tells || text.starts_with("{\"") || text.starts_with("[{") || text.starts_with('<');
    !(is_parted || is_word || tells || number(text, '.').is_some())
}
