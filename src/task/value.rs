//! The values of a trial, and the table that many trials make.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::time::decimal;
use crate::{Error, Result, file, notebook};

/// What one trial was about: coherence, direction, whatever the task draws. Its values become the columns of the table
/// of trials.
///
/// Write `#[derive(Clone, Trial)]` on a struct with named fields.
///
/// ```
/// use psychrnn::prelude::*;
/// #[derive(Clone, Trial)]
/// struct Motion { coherence: f32, direction: usize }
/// assert_eq!(Motion::columns(), ["coherence", "direction"]);
/// assert_eq!(Motion { coherence: 0.1, direction: 1 }.values(), [Value::Float(0.1), Value::Int(1)]);
/// ```
pub trait Trial: Clone + Send + Sync + 'static {
    /// The names of the columns.
    fn columns() -> Vec<&'static str>;
    /// The values, in the order of the columns.
    fn values(&self) -> Vec<Value>;
}

/// A trial without values of its own.
impl Trial for () {
    fn columns() -> Vec<&'static str> {
        Vec::new()
    }
    fn values(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// Nothing.
    Missing,
}

impl Value {
    /// The value as a number: truth values as 0 and 1, nothing as NaN; `None` for a text.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(_) => None,
            Self::Missing => Some(f64::NAN),
        }
    }

    /// Whether the two are the same thing: equal numbers, be they whole or not, equal texts, equal truth values, or
    /// both nothing.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(_) | Self::Float(_), Self::Int(_) | Self::Float(_)) => self.number() == other.number(),
            _ => self == other,
        }
    }

    /// Truth values, then numbers, then texts, then nothing, each ascending.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let kind = |value: &Self| match value {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Float(_) => 1,
            Self::Text(_) => 2,
            Self::Missing => 3,
        };
        match (self, other) {
            (Self::Text(text), Self::Text(other)) => text.cmp(other),
            // Zero with a sign is zero.
            _ if kind(self) == kind(other) => {
                let number = |value: &Self| value.number().unwrap_or(f64::NAN) + 0.0;
                number(self).total_cmp(&number(other))
            }
            _ => kind(self).cmp(&kind(other)),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::Missing => Ok(()),
        }
    }
}

impl From<f32> for Value {
    /// By way of the shortest decimal, so that 0.1 in a task is 0.1 in the table.
    fn from(value: f32) -> Self {
        Self::Float(decimal(value))
    }
}

macro_rules! values {
    ($($kind:ident($as:ty): $($from:ty),+;)+) => {$($(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$kind(value as $as)
            }
        }
    )+)+};
}
values! {
    Float(f64): f64;
    Int(i64): i8, i16, i32, i64, isize, u8, u16, u32, u64, usize;
    Bool(bool): bool;
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// Named columns of equal length, one row a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    columns: IndexMap<String, Vec<Value>>,
}

impl Table {
    /// A table without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column, or replaces the one of that name.
    ///
    /// # Errors
    /// If its length is not that of the columns already there.
    pub fn insert<T: Into<Value>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) -> Result<()> {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if !self.columns.is_empty() && values.len() != self.n_rows() {
            return Err(Error::shape(name, format!("[{}] (the rows of the table)", self.n_rows()), &[values.len()]));
        }
        self.columns.insert(name.to_owned(), values);
        Ok(())
    }

    /// The number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, column)| column.len())
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// The values of a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn column(&self, name: &str) -> Result<&[Value]> {
        self.columns.get(name).map(Vec::as_slice).ok_or_else(|| {
            let names = self.names().collect::<Vec<_>>().join(", ");
            Error::argument("column", format!("one of {names}"), format!("\"{name}\""))
        })
    }

    /// The values of a column as numbers; a missing value is NaN.
    ///
    /// # Errors
    /// If there is no such column, or if it holds text.
    pub fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        self.column(name)?
            .iter()
            .map(|value| {
                value.number().ok_or_else(|| {
                    Error::argument("column", "a column of numbers", format!("\"{name}\", which holds \"{value}\""))
                })
            })
            .collect()
    }

    /// The names and the values of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Value])> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column.as_slice()))
    }

    /// The same table with a column made of others, row by row.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let mut table = Table::new();
    /// table.insert("coherence", [0.1, 0.3])?;
    /// table.insert("direction", [0, 1])?;
    /// let table = table.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })?;
    /// assert_eq!(table.numbers("signed")?, [-0.1, 0.3]);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If one of the columns is not there or holds text.
    pub fn with<const N: usize, T: Into<Value>>(
        mut self,
        name: &str,
        columns: [&str; N],
        f: impl Fn([f64; N]) -> T,
    ) -> Result<Self> {
        let values = self.computed(columns, f)?;
        self.insert(name, values)?;
        Ok(self)
    }

    /// What `f` makes of the numbers of some columns, row by row.
    pub(crate) fn computed<const N: usize, T: Into<Value>>(
        &self,
        columns: [&str; N],
        f: impl Fn([f64; N]) -> T,
    ) -> Result<Vec<Value>> {
        let columns = columns.iter().map(|name| self.numbers(name)).collect::<Result<Vec<_>>>()?;
        Ok((0..self.n_rows()).map(|row| f(std::array::from_fn(|i| columns[i][row])).into()).collect())
    }

    /// The numbers of the rows in which `keep` holds for a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn rows_where(&self, column: &str, keep: impl Fn(&Value) -> bool) -> Result<Vec<usize>> {
        Ok(self.column(column)?.iter().enumerate().filter(|(_, value)| keep(value)).map(|(row, _)| row).collect())
    }

    /// The rows in which `keep` holds for a column.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn filter(&self, column: &str, keep: impl Fn(&Value) -> bool) -> Result<Self> {
        Ok(self.select(&self.rows_where(column, keep)?))
    }

    /// The rows with this value in a column: `table.only("correct", true)?`.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn only(&self, column: &str, value: impl Into<Value>) -> Result<Self> {
        let value = value.into();
        self.filter(column, |found| found.is(&value))
    }

    /// The values of a column, each once and ascending, with the numbers of its rows. Rows without a value are left
    /// out.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn groups(&self, column: &str) -> Result<Vec<(Value, Vec<usize>)>> {
        let column = self.column(column)?;
        let missing = |row: &usize| column[*row].number().is_some_and(f64::is_nan);
        let mut rows: Vec<usize> = (0..column.len()).filter(|row| !missing(row)).collect();
        rows.sort_by(|&a, &b| column[a].order(&column[b]));
        Ok(rows
            .chunk_by(|&a, &b| column[a].is(&column[b]))
            .map(|rows| (column[rows[0]].clone(), rows.to_vec()))
            .collect())
    }

    /// For each value of `by`: how many rows have it (`n`) and their mean of `column`. Rows without a number there are
    /// left out.
    ///
    /// # Errors
    /// If there is no such column, or if `column` holds text.
    pub fn mean_by(&self, column: &str, by: &str) -> Result<Self> {
        let numbers = self.numbers(column)?;
        let (mut values, mut n, mut means) = (Vec::new(), Vec::new(), Vec::new());
        for (value, rows) in self.groups(by)? {
            let there: Vec<f64> = rows.iter().map(|&row| numbers[row]).filter(|number| !number.is_nan()).collect();
            values.push(value);
            n.push(there.len());
            means.push(Some(there.iter().sum::<f64>() / there.len() as f64).filter(|_| !there.is_empty()));
        }
        let mut table = Self::new();
        table.insert(by, values)?;
        table.insert("n", n)?;
        table.insert(&format!("mean {column}"), means)?;
        Ok(table)
    }

    /// The rows with these numbers, in this order; numbers past the end are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |column: &Vec<Value>| rows.iter().filter_map(|&row| column.get(row).cloned()).collect();
        Self { columns: self.columns.iter().map(|(name, column)| (name.clone(), pick(column))).collect() }
    }
}

/// Files.
impl Table {
    /// Writes a CSV file: a line with the names of the columns, a line for each row, nothing where a value is missing.
    /// An older file of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let failed = |error: csv::Error| Error::io("write", path, error.into());
        file::write_whole(path, |writer| {
            let mut csv = csv::Writer::from_writer(writer);
            csv.write_record(self.names()).map_err(failed)?;
            for row in 0..self.n_rows() {
                csv.write_record(self.columns.values().map(|column| column[row].to_string())).map_err(failed)?;
            }
            csv.flush().map_err(|error| Error::io("write", path, error))
        })
    }

    /// Reads a CSV file whose first line names the columns, for instance the behavior of an animal. A column holds
    /// whole numbers, numbers, truth values (`true`, `false`) or texts, the first of these that fits all its values;
    /// nothing is a missing value.
    ///
    /// # Errors
    /// If the file cannot be read, or if its lines differ in length.
    pub fn load_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unusable = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(source) => Error::io("read", path, source),
            kind => Error::file(path, format!("it does not read as CSV with a line of names ({kind:?})")),
        };
        let mut csv = csv::Reader::from_path(path).map_err(unusable)?;
        let names = csv.headers().map_err(unusable)?.clone();
        let rows = csv.records().collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let mut table = Self::new();
        for (i, name) in names.iter().enumerate() {
            table.insert(name, parsed(&rows.iter().map(|row| row.get(i).unwrap_or_default()).collect::<Vec<_>>()))?;
        }
        Ok(table)
    }
}

/// The values that all these texts are, where nothing is a missing value.
fn parsed(texts: &[&str]) -> Vec<Value> {
    fn all<T: std::str::FromStr + Into<Value>>(texts: &[&str]) -> Option<Vec<Value>> {
        let value = |text: &&str| match text.trim() {
            "" => Some(Value::Missing),
            text => text.parse::<T>().ok().map(Into::into),
        };
        texts.iter().map(value).collect()
    }
    let text = || texts.iter().map(|&text| if text.is_empty() { Value::Missing } else { text.into() }).collect();
    all::<i64>(texts).or_else(|| all::<f64>(texts)).or_else(|| all::<bool>(texts)).unwrap_or_else(text)
}

/// The first rows as aligned text.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        let columns: Vec<Vec<String>> = self
            .columns
            .iter()
            .map(|(name, column)| {
                std::iter::once(name.clone()).chain(column.iter().take(SHOWN).map(Value::to_string)).collect()
            })
            .collect();
        let width = |column: &[String]| column.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        for row in 0..=self.n_rows().min(SHOWN) {
            let cells: Vec<String> =
                columns.iter().map(|column| format!("{:>1$}", column[row], width(column))).collect();
            writeln!(f, "{}", cells.join("  "))?;
        }
        write!(f, "({} rows)", self.n_rows())
    }
}

impl Table {
    /// Shows the first rows under a notebook cell; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        notebook::show(&[("text/html", &html(self)), ("text/plain", &self.to_string())]);
    }
}

/// The first rows of a table as HTML.
fn html(table: &Table) -> String {
    const SHOWN: usize = 20;
    let line = |tag: &str, cells: Vec<String>| -> String {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", notebook::escape(cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    let columns: Vec<&[Value]> = table.names().filter_map(|name| table.column(name).ok()).collect();
    let head = line("th", table.names().map(str::to_owned).collect());
    let rows: String = (0..table.n_rows().min(SHOWN))
        .map(|row| line("td", columns.iter().map(|column| column[row].to_string()).collect()))
        .collect();
    let n = table.n_rows();
    format!("<table><caption>{n} rows</caption><thead>{head}</thead><tbody>{rows}</tbody></table>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_columns_of_one_length() {
        let mut table = Table::new();
        table.insert("coherence", [0.1_f32, 0.3]).unwrap();
        table.insert("side", ["left", "right"]).unwrap();
        table.insert("time", [Some(1.5), None]).unwrap();
        assert!(table.insert("short", [1]).unwrap_err().to_string().contains("`short`"));
        assert_eq!(table.numbers("coherence").unwrap(), [0.1, 0.3]);
        assert!(table.numbers("time").unwrap()[1].is_nan());
        assert!(table.numbers("side").unwrap_err().to_string().contains("left"));
        assert!(table.column("chioce").unwrap_err().to_string().contains("coherence, side, time"));
        assert_eq!(table.select(&[1, 1, 7]).column("side").unwrap(), [Value::from("right"), "right".into()]);
        assert!(table.to_string().contains("left"));
    }

    #[test]
    fn html_is_escaped_and_long_tables_are_cut() {
        let mut table = Table::new();
        table.insert("a<b", (0..30).map(|row| format!("\"{row}\""))).unwrap();
        let html = html(&table);
        assert!(html.contains("<th>a&lt;b</th>") && html.contains("<td>&quot;19&quot;</td>"));
        assert!(!html.contains("&quot;20&quot;") && html.contains("30 rows"));
    }
}
