//! The text of a file, and its lines of fields.

use std::borrow::Cow;

use super::cells::{DELIMITERS, Field, Quotes, is_plain, number};

/// The lines from which the delimiter is told.
const SAMPLE: usize = 200;

/// What is no text.
const NO_TEXT: &str = "it is no text, or in UTF-16 without saying so: save it as \"CSV UTF-8\"";

/// The text in the bytes of a file, or what else they are.
pub(super) fn decoded(bytes: &[u8]) -> Result<String, String> {
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

/// One line, which may go on over several lines of the file.
pub(super) struct Line {
    /// The number of the line in the file where it begins.
    number: usize,
    pub(super) fields: Vec<Field>,
}

/// Reads one line after the other; empty ones are none.
pub(super) struct Lines<'a> {
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
    pub(super) fn of(text: &'a str, delimiter: char) -> Self {
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
pub(super) fn told_delimiter(text: &str) -> (Option<char>, &str) {
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
pub(super) fn without_comments(text: &str, told: Option<char>) -> Cow<'_, str> {
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
pub(super) fn delimiter_of(text: &str) -> char {
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
pub(super) struct Survey {
    pub(super) first: Vec<Field>,
    /// The fields of all lines after the first, which may have one less.
    pub(super) n: usize,
    /// Whether the first field of all lines after the first stands in quotes.
    pub(super) rows_in_quotes: bool,
    /// Whether there is nothing in the last field of all lines after the first.
    pub(super) last_is_empty: bool,
    /// Whether all that there is stands in quotes.
    all_in_quotes: bool,
}

impl Survey {
    pub(super) fn of(mut lines: impl Iterator<Item = Result<Line, String>>) -> Result<Option<Self>, String> {
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

    pub(super) fn quotes(&self) -> Quotes {
        // Some names must stand in quotes; where others do, that is a habit.
        let single = self.first.len() == 1;
        let habit = self.first.iter().any(|name| name.quoted && is_plain(&name.text, single));
        if self.all_in_quotes && habit { Quotes::Nothing } else { Quotes::Text }
    }
}
