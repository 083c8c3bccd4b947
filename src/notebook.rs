//! How values show themselves under a notebook cell.
//!
//! evcxr, the Rust kernel of Jupyter, shows the last expression of a cell by calling its method `evcxr_display`, and
//! takes from standard output whatever stands between a line `EVCXR_BEGIN_CONTENT <MIME type>` and a line
//! `EVCXR_END_CONTENT`. Blocks of several MIME types in one cell are alternatives of one value, of which the notebook
//! shows the richest.
//!
//! ```
//! use psychrnn::notebook::show;
//! struct Rate(f64);
//! impl Rate {
//!     pub fn evcxr_display(&self) { // a cell may now end in a `Rate`
//!         show(&[("text/html", &format!("<b>{} Hz</b>", self.0)), ("text/plain", &format!("{} Hz", self.0))]);
//!     }
//! }
//! Rate(12.5).evcxr_display();
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
#[cfg(feature = "torch")]
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether this code runs in a cell of a notebook.
///
/// Progress is then reported as whole lines, since the kernel passes on nothing less.
pub fn is_notebook() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// Whether the kernel can put a value in the place of one that it showed before, as that of this project does.
#[cfg(feature = "torch")]
pub(crate) fn replaces() -> bool {
    std::env::var_os("PSYCHRNN_KERNEL").is_some()
}

/// Shows one value under the cell, given as its alternatives: a MIME type and the content, binary content in base64.
///
/// On the kernel of this project it appears at once, and a cell may show several. On a stock kernel a cell shows one value,
/// when it has ended: a later block of the same MIME type replaces the earlier.
///
/// ```
/// psychrnn::notebook::show(&[("text/html", "<b>0.98</b>"), ("text/plain", "0.98")]);
/// ```
pub fn show(alternatives: &[(&str, &str)]) {
    write(&blocks(alternatives, None));
}

/// As [`show`], in the place of what the cell showed under this name before, if the kernel [`replaces`] values.
#[cfg(feature = "torch")]
pub(crate) fn replace(name: &str, alternatives: &[(&str, &str)]) {
    write(&blocks(alternatives, Some(name)));
}

/// A name for [`replace`] that no other value of the cell has.
#[cfg(feature = "torch")]
pub(crate) fn name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("value-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn write(blocks: &str) {
    // All in one write under the lock, so that no other thread's line falls into a block. There is no one to tell if
    // standard output is closed.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(blocks.as_bytes()).and_then(|()| out.flush());
}

/// Behind the MIME type stands what our kernel reads and evcxr's own does not: how many blocks are one value, and its name.
fn blocks(alternatives: &[(&str, &str)], name: Option<&str>) -> String {
    let name = name.map(|name| format!(" display={name}")).unwrap_or_default();
    let n = alternatives.len();
    let block = |(mime, content): &(&str, &str)| {
        format!("EVCXR_BEGIN_CONTENT {mime} alternatives={n}{name}\n{content}\nEVCXR_END_CONTENT\n")
    };
    alternatives.iter().map(block).collect()
}

/// Writes a whole line: under the cell of a notebook, and elsewhere where it does not mix with what a program puts out. That nobody
/// reads it is no reason to stop, where `println!` would panic.
#[cfg(feature = "torch")]
pub(crate) fn say(line: &str) {
    let _ = match is_notebook() {
        true => writeln!(std::io::stdout().lock(), "{line}"),
        false => writeln!(std::io::stderr().lock(), "{line}"),
    };
}

/// Says on standard error what is not wrong by itself but rarely meant, each sentence once.
pub(crate) fn warn(sentence: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(sentence.to_owned()) {
        // There is no one to tell if standard error is closed.
        let _ = writeln!(std::io::stderr(), "warning: {sentence}");
    }
}

/// A value in a few lines: a title, and what it has under which name.
#[derive(Debug)]
pub(crate) struct Card {
    title: String,
    lines: Vec<(String, String)>,
}

impl Card {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lines: Vec::new() }
    }

    pub(crate) fn line(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.lines.push((name.to_owned(), value.to_string()));
        self
    }

    /// Shows it under the cell.
    pub(crate) fn show(&self) {
        show(&[("text/html", &self.html()), ("text/plain", &self.to_string())]);
    }

    fn html(&self) -> String {
        let line = |(name, value): &(String, String)| {
            let (name, value) = (escape(name), escape(value));
            format!("<tr><th style=\"text-align:left\">{name}</th><td style=\"text-align:left\">{value}</td></tr>")
        };
        let lines: String = self.lines.iter().map(line).collect();
        let title = escape(&self.title);
        format!("<table><caption style=\"text-align:left\"><b>{title}</b></caption><tbody>{lines}</tbody></table>")
    }
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        let width = self.lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        self.lines.iter().try_for_each(|(name, value)| write!(f, "\n  {name:width$}  {value}"))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_lines() {
        assert_eq!(
            blocks(&[("text/plain", "a\nb"), ("image/png", "AAAA")], None),
            "EVCXR_BEGIN_CONTENT text/plain alternatives=2\na\nb\nEVCXR_END_CONTENT\n\
             EVCXR_BEGIN_CONTENT image/png alternatives=2\nAAAA\nEVCXR_END_CONTENT\n"
        );
        let named = blocks(&[("text/plain", "50 %")], Some("value-1"));
        assert!(named.starts_with("EVCXR_BEGIN_CONTENT text/plain alternatives=1 display=value-1\n"));
    }

    #[test]
    fn cards_are_text_and_html() {
        let card = Card::new("Network").line("units", 50).line("noise <sd>", 0.1);
        assert_eq!(card.to_string(), "Network\n  units       50\n  noise <sd>  0.1");
        assert!(card.html().contains("noise &lt;sd&gt;</th>"));
    }
}
