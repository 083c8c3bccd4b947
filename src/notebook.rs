//! How values show themselves under a notebook cell.
//!
//! evcxr, the Rust kernel of Jupyter, shows the last expression of a cell by calling its method `evcxr_display`, and
//! takes from standard output whatever stands between a line `EVCXR_BEGIN_CONTENT <MIME type>` and a line
//! `EVCXR_END_CONTENT`. Blocks of several MIME types in one cell are alternatives of one value, of which the notebook
//! shows the richest.

use std::fmt;
use std::io::Write;

use serde::{Deserialize, Serialize};

/// Whether this code runs in a cell of a notebook.
///
/// Progress is then reported as whole lines, since the kernel passes on nothing less.
pub fn is_notebook() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// Shows one value under the cell, given as its alternatives: a MIME type and the content, binary content in base64.
///
/// A cell shows one value: a later block of the same MIME type replaces the earlier one.
///
/// ```
/// psychrnn::notebook::show(&[("text/html", "<b>0.98</b>"), ("text/plain", "0.98")]);
/// ```
pub fn show(alternatives: &[(&str, &str)]) {
    // All in one write under the lock, so that no other thread's line falls into a block. There is no one to tell if
    // standard output is closed.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(blocks(alternatives).as_bytes()).and_then(|()| out.flush());
}

fn blocks(alternatives: &[(&str, &str)]) -> String {
    alternatives
        .iter()
        .map(|(mime, content)| format!("EVCXR_BEGIN_CONTENT {mime}\n{content}\nEVCXR_END_CONTENT\n"))
        .collect()
}

/// Text as it must stand in HTML, SVG and their attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write the other control characters.
            '\n' | '\t' => escaped.push(character),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A small table of text that shows itself as HTML under a cell and as aligned columns when printed.
///
/// ```
/// use psychrnn::notebook::Table;
/// let table = Table::new(["coherence", "accuracy"]).row(["0.1", "0.83"]).row(["0.3", "0.99"]);
/// assert_eq!(table.to_string(), "coherence  accuracy\n      0.1      0.83\n      0.3      0.99\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads and no rows.
    pub fn new<H: Into<String>>(header: impl IntoIterator<Item = H>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row. Cells that it lacks are empty, and those beyond the last column head are dropped.
    pub fn row<C: Into<String>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
        self
    }

    /// The table as HTML.
    pub fn html(&self) -> String {
        let line = |tag: &str, cells: &[String]| -> String {
            let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
            format!("<tr>{cells}</tr>")
        };
        let rows: String = self.rows.iter().map(|row| line("td", row)).collect();
        format!("<table><thead>{}</thead><tbody>{rows}</tbody></table>", line("th", &self.header))
    }

    /// Shows the table under a notebook cell; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&[("text/html", &self.html()), ("text/plain", &self.to_string())]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| lines().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        for line in lines() {
            let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
            writeln!(f, "{}", cells.join("  "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_lines() {
        assert_eq!(
            blocks(&[("text/plain", "a\nb"), ("image/png", "AAAA")]),
            "EVCXR_BEGIN_CONTENT text/plain\na\nb\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT image/png\nAAAA\nEVCXR_END_CONTENT\n"
        );
    }

    #[test]
    fn html_is_escaped_and_rows_fit_the_header() {
        let table = Table::new(["a<b"]).row(["x & \"y\"", "too much"]).row(Vec::<String>::new());
        assert_eq!(
            table.html(),
            "<table><thead><tr><th>a&lt;b</th></tr></thead>\
             <tbody><tr><td>x &amp; &quot;y&quot;</td></tr><tr><td></td></tr></tbody></table>"
        );
    }
}
