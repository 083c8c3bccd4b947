//! How values show themselves under a notebook cell.
//!
//! evcxr, the Rust kernel of Jupyter, shows the last expression of a cell by calling its method `evcxr_display`, and
//! takes from standard output whatever stands between a line `EVCXR_BEGIN_CONTENT <MIME type>` and a line
//! `EVCXR_END_CONTENT`. Blocks of several MIME types in one cell are alternatives of one value, of which the notebook
//! shows the richest.

use std::io::Write;

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
}
