//! Tables as CSV files: as this library writes them, and as pandas, R, MATLAB and spreadsheets do.
//!
//! The reader is our own, since what a column holds depends on which of its values stand in quotes.

mod cells;
mod lines;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use cells::{Cell, Field, MISSING, MISSING_NUMBER, Quotes, decimal_of, is_plain, number, truth, values};
use lines::{Lines, Survey, decoded, delimiter_of, told_delimiter, without_comments};

use super::{Table, Value};
use crate::{Error, Result, file};

/// More columns are a mistake.
const MOST_COLUMNS: usize = 100_000;
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
    // What makes its column one of texts.
    let is_text = |cell: &Cell| match cell {
        Cell::Text(text) => !text.is_empty(),
        Cell::Open { text, .. } => {
            let text = text.trim();
            let missing = MISSING.contains(&text) || MISSING_NUMBER.contains(&text);
            !missing && number(text, decimal).is_none() && truth(text).is_none()
        }
    };
    // A number with too many digits is a text, and no word.
    let is_long = |text: &str| text.trim().replace(decimal, ".").parse::<f64>().is_ok();
    let is_word = |cell: &Cell| is_text(cell) && !matches!(cell, Cell::Open { text, .. } if is_long(text));
    let nothing =
        |cell: &Cell| matches!(cell, Cell::Text(text) | Cell::Open { text, .. } if MISSING.contains(&text.trim()));
    let first_of_numbers = columns.iter().filter_map(|column| match column.split_first() {
        Some((first, rest)) if !rest.iter().any(is_text) && !rest.iter().all(nothing) && !nothing(first) => Some(first),
        _ => None,
    });
    let words: Vec<bool> = first_of_numbers.map(is_word).collect();
    if words.is_empty() || words.contains(&false) {
        return Ok(());
    }
    Err("its second line has words over columns of numbers: is it a second line of names, or one of units? Leave it out; in pandas \
        `df.columns = df.columns.map('_'.join)` makes one name of two; write `Csv::default().header(true).load(path)` if it is a trial"
        .into())
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
