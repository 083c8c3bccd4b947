//! How values show themselves under a notebook cell.
//!
//! evcxr, the Rust kernel of Jupyter, shows the last expression of a cell by calling its method `evcxr_display`, and
//! takes from standard output whatever stands between a line `EVCXR_BEGIN_CONTENT <MIME type>` and a line
//! `EVCXR_END_CONTENT`. Blocks of several MIME types in one cell are alternatives of one value, of which the notebook
//! shows the richest.

use std::io::Write;

use crate::task::{Table, Value};

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

impl Table {
    /// Shows the first rows under a notebook cell; evcxr calls this for the last expression of a cell.
    pub fn evcxr_display(&self) {
        show(&[("text/html", &html(self)), ("text/plain", &self.to_string())]);
    }
}

/// The first rows of a table as HTML.
fn html(table: &Table) -> String {
    const SHOWN: usize = 20;
    let line = |tag: &str, cells: Vec<String>| -> String {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
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
    fn blocks_are_whole_lines() {
        assert_eq!(
            blocks(&[("text/plain", "a\nb"), ("image/png", "AAAA")]),
            "EVCXR_BEGIN_CONTENT text/plain\na\nb\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT image/png\nAAAA\nEVCXR_END_CONTENT\n"
        );
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
