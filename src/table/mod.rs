//! Tables: what trials were about and what was measured in them, a row for each.
//!
//! [`Batch::values`](crate::task::Batch::values) is one, [`Session::trials`](crate::simulate::Session::trials) another;
//! [`Table::load_csv`] reads those of an experiment.
//!
//! ```
//! use psychrnn::prelude::*;
//! let mut trials = PerceptualDiscrimination::default().batch(20, Seed(1))?.values;
//! trials.insert("rating", (0..20).map(|trial| trial % 5))?;
//! let strong = trials.filter("coherence", |coherence| coherence.number() > Some(0.2))?;
//! println!("{} of {} trials", strong.n_rows(), trials.n_rows());
//! println!("{}", trials.mean_by("rating", "coherence")?);
//! # Ok::<(), psychrnn::Error>(())
//! ```

mod csv;
#[cfg(feature = "polars")]
mod frame;
mod value;

pub use csv::Csv;
pub use value::Value;

use std::fmt;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, notebook};

/// Named columns of equal length, one row a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Columns")]
pub struct Table {
    columns: IndexMap<String, Vec<Value>>,
}

/// A table as it stands in a file, where columns may differ in length.
#[derive(Deserialize)]
struct Columns {
    columns: IndexMap<String, Vec<Value>>,
}

impl TryFrom<Columns> for Table {
    type Error = Error;

    fn try_from(Columns { columns }: Columns) -> Result<Self> {
        let mut table = Self::new();
        columns.into_iter().try_for_each(|(name, column)| table.insert(&name, column))?;
        Ok(table)
    }
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
                    let got = format!("\"{name}\", which holds the text \"{value}\"");
                    Error::argument("column", "a column of numbers", got)
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
    /// If one of the columns is not there or holds text; [`Table::with_values`] takes that, too.
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

    /// The same table with a column made of others of any kind, texts among them, row by row.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let mut table = Table::new();
    /// table.insert("coherence", [0.1, 0.3])?;
    /// table.insert("side", ["left", "right"])?;
    /// let table = table.with_values("signed", ["coherence", "side"], |[coherence, side]| {
    ///     let coherence = coherence.number()?;
    ///     Some(if side.is("left") { -coherence } else { coherence })
    /// })?;
    /// assert_eq!(table.numbers("signed")?, [-0.1, 0.3]);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If one of the columns is not there.
    pub fn with_values<const N: usize, T: Into<Value>>(
        mut self,
        name: &str,
        columns: [&str; N],
        f: impl Fn([&Value; N]) -> T,
    ) -> Result<Self> {
        let values = self.computed_of_values(columns, f)?;
        self.insert(name, values)?;
        Ok(self)
    }

    /// What `f` makes of the numbers of some columns, row by row.
    pub(crate) fn computed<const N: usize, T: Into<Value>>(
        &self,
        columns: [&str; N],
        f: impl Fn([f64; N]) -> T,
    ) -> Result<Vec<Value>> {
        for name in columns {
            if let Some(text) = self.column(name)?.iter().find(|value| value.number().is_none()) {
                let expected =
                    "columns of numbers; `with_values` takes texts, too: `|[x]| if x.is(\"left\") { -1 } else { 1 }`";
                return Err(Error::argument(
                    "columns",
                    expected,
                    format!("\"{name}\", which holds the text \"{text}\""),
                ));
            }
        }
        self.computed_of_values(columns, |row| f(row.map(|value| value.number().unwrap_or(f64::NAN))))
    }

    /// What `f` makes of the values of some columns, row by row.
    pub(crate) fn computed_of_values<const N: usize, T: Into<Value>>(
        &self,
        columns: [&str; N],
        f: impl Fn([&Value; N]) -> T,
    ) -> Result<Vec<Value>> {
        let columns = columns.iter().map(|name| self.column(name)).collect::<Result<Vec<_>>>()?;
        Ok((0..self.n_rows()).map(|row| f(std::array::from_fn(|i| &columns[i][row])).into()).collect())
    }

    /// The same table with a column that has the value of another one `k` trials before, rows being trials in order: `choice_1` is that
    /// of the trial before. It is missing in the first `k` trials, of each session where there is a column `session`.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let mut table = Table::new();
    /// table.insert("session", [0, 0, 0, 1, 1])?;
    /// table.insert("choice", [1, 0, 1, 1, 0])?;
    /// let table = table.lagged("choice", 1)?;
    /// assert_eq!(table.column("choice_1")?, [Value::Missing, 1.into(), 0.into(), Value::Missing, 1.into()]);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such column.
    pub fn lagged(mut self, column: &str, k: usize) -> Result<Self> {
        let (values, session) = (self.column(column)?, self.column("session").ok());
        let before = |row: usize| {
            let before = row.checked_sub(k)?;
            let same = session.is_none_or(|session| session[before].order(&session[row]).is_eq());
            same.then(|| values[before].clone())
        };
        let lagged: Vec<Value> = (0..values.len()).map(|row| before(row).unwrap_or(Value::Missing)).collect();
        self.insert(&format!("{column}_{k}"), lagged)?;
        Ok(self)
    }

    /// The rows of these columns after those that there are; what one of both lacks is missing.
    #[cfg(feature = "torch")]
    pub(crate) fn followed_by(mut self, columns: Vec<(String, Vec<Value>)>) -> Self {
        let before = self.n_rows();
        let after = columns.first().map_or(0, |(_, values)| values.len());
        for (name, values) in columns {
            self.columns.entry(name).or_insert_with(|| vec![Value::Missing; before]).extend(values);
        }
        self.columns.values_mut().for_each(|values| values.resize(before + after, Value::Missing));
        self
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

    /// The rows with this value in a column: `table.only("correct", true)?`. Values are compared as by [`Value::is`].
    ///
    /// # Errors
    /// If there is no such column, or no such row: lists the values that there are.
    pub fn only(&self, column: &str, value: impl Into<Value>) -> Result<Self> {
        Ok(self.select(&self.rows_with(column, value.into())?))
    }

    /// The numbers of the rows with this value in a column, at least one.
    pub(crate) fn rows_with(&self, column: &str, value: Value) -> Result<Vec<usize>> {
        let rows = self.rows_where(column, |found| found.order(&value).is_eq())?;
        if rows.is_empty() { Err(self.met_by_none(column, quoted(&value))) } else { Ok(rows) }
    }

    /// No row has what was asked of a column: an error that lists what there is.
    pub(crate) fn met_by_none(&self, column: &str, got: impl fmt::Display) -> Error {
        const LISTED: usize = 12;
        let groups = self.groups(column).unwrap_or_default();
        let mut there: Vec<String> = groups.iter().take(LISTED).map(|(value, _)| quoted(value)).collect();
        if groups.len() > LISTED {
            there.push(format!("… ({} values in all)", groups.len()));
        }
        if there.is_empty() {
            there.push("none: all are missing".to_owned());
        }
        Error::argument(format!("value of {column}"), format!("one of those that there are: {}", there.join(", ")), got)
    }

    /// The values of a column, each once and ascending, with the numbers of its rows. Rows without a value are left
    /// out.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn groups(&self, column: &str) -> Result<Vec<(Value, Vec<usize>)>> {
        let column = self.column(column)?;
        let mut rows: Vec<usize> = (0..column.len()).filter(|&row| !column[row].is_missing()).collect();
        rows.sort_by(|&a, &b| column[a].order(&column[b]));
        Ok(rows
            .chunk_by(|&a, &b| column[a].order(&column[b]).is_eq())
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

    /// The numbers of a column in the rows with two values of `key`, paired by another column: the accuracy of networks with a
    /// curriculum and without, in the order of their seeds. For [`paired_t`](crate::analysis::paired_t),
    /// [`wilcoxon_signed_rank`](crate::analysis::wilcoxon_signed_rank) and [`pairs`](crate::plot::pairs). Pairs of which a number is
    /// missing are left out.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let mut table = Table::new();
    /// table.insert("lessons", ["curriculum", "fixed", "fixed", "curriculum"])?;
    /// table.insert("seed", [1, 2, 1, 2])?;
    /// table.insert("trials", [1400, 2100, 2900, 1200])?;
    /// let [with, without] = table.pairs("trials", "lessons", ["curriculum", "fixed"], "seed")?;
    /// assert_eq!((with, without), (vec![1400.0, 1200.0], vec![2900.0, 2100.0]));
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no such column or value, if `column` holds text, or if a value of `by` is there twice with one of `key`.
    pub fn pairs<V: Into<Value>>(&self, column: &str, key: &str, values: [V; 2], by: &str) -> Result<[Vec<f64>; 2]> {
        let numbers = self.numbers(column)?;
        let [first, second] = values.map(|value| self.rows_with(key, value.into()));
        let (first, second) = (first?, second?);
        let mut pairs = [Vec::new(), Vec::new()];
        for (value, rows) in self.groups(by)? {
            let of = |group: &[usize]| rows.iter().copied().filter(|row| group.contains(row)).collect::<Vec<_>>();
            match (&of(&first)[..], &of(&second)[..]) {
                (&[one], &[other]) if !(numbers[one].is_nan() || numbers[other].is_nan()) => {
                    pairs[0].push(numbers[one]);
                    pairs[1].push(numbers[other]);
                }
                ([_, _, ..], _) | (_, [_, _, ..]) => {
                    let expected = format!("a column with each value once for each of {key}");
                    return Err(Error::argument("by", expected, format!("\"{by}\", which has {value} twice")));
                }
                _ => {}
            }
        }
        Ok(pairs)
    }

    /// The rows with these numbers, in this order; numbers past the end are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick = |column: &Vec<Value>| rows.iter().filter_map(|&row| column.get(row).cloned()).collect();
        Self { columns: self.columns.iter().map(|(name, column)| (name.clone(), pick(column))).collect() }
    }
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
        write!(f, "({})", self.caption())
    }
}

impl Table {
    /// How many rows there are, and in how many of them which column has no value.
    fn caption(&self) -> String {
        let missing = |(name, column): (&str, &[Value])| match column.iter().filter(|value| value.is_missing()).count()
        {
            0 => None,
            n => Some(format!("{n} of {name}")),
        };
        let missing: Vec<String> = self.iter().filter_map(missing).collect();
        let missing = if missing.is_empty() { String::new() } else { format!("; missing: {}", missing.join(", ")) };
        format!("{} rows{missing}", self.n_rows())
    }

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
    let caption = notebook::escape(&table.caption());
    format!("<table><caption>{caption}</caption><thead>{head}</thead><tbody>{rows}</tbody></table>")
}

/// A value in a sentence: texts in quotes.
fn quoted(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        value => value.to_string(),
    }
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
