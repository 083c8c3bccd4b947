//! What the fields of a column say.

use crate::table::Value;

/// What may part the fields of a line, the likelier first; a space only where nothing else can.
pub(super) const DELIMITERS: [char; 5] = [',', ';', '\t', '|', ' '];
/// What stands for a missing value in a column of any kind.
pub(super) const MISSING: [&str; 9] = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN"];
/// What does so among numbers and truth values, but elsewhere is a word: a condition may be called `None`.
pub(super) const MISSING_NUMBER: [&str; 11] =
    ["null", "NULL", "None", "none", "-", ".", "-nan", "-NaN", "NaT", "#NV", "#N/D"];
/// Truth values: of Python, R and others, and of spreadsheets in German, French, Spanish, Italian and Dutch.
const TRUE: [&str; 8] = ["true", "True", "TRUE", "WAHR", "VRAI", "VERDADERO", "VERO", "WAAR"];
const FALSE: [&str; 7] = ["false", "False", "FALSE", "FALSCH", "FAUX", "FALSO", "ONWAAR"];

/// One field of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) quoted: bool,
}

impl Field {
    pub(super) fn name(self) -> String {
        if self.quoted { self.text } else { self.text.trim().to_owned() }
    }
}

/// What quotes say in a file.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Quotes {
    /// That it is a text.
    Text,
    /// Nothing, since all stands in quotes.
    Nothing,
}

impl Quotes {
    pub(super) fn cell(self, field: Field, decimal_in_quotes: bool) -> Cell {
        let text = field.quoted && self == Self::Text && !decimal_in_quotes;
        if text { Cell::Text(field.text) } else { Cell::Open { quoted: field.quoted, text: field.text } }
    }
}

/// One value as it stands in the file.
#[derive(Clone, Debug)]
pub(super) enum Cell {
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
pub(super) fn values(column: Vec<Cell>, decimal: char) -> Vec<Value> {
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
pub(super) fn decimal_of(columns: &[Vec<Cell>]) -> Result<char, String> {
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

fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| !begins_with_zeros(text))
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        _ if TRUE.contains(&text) => Some(true),
        _ if FALSE.contains(&text) => Some(false),
        _ => None,
    }
}

/// The number that a text is, if it loses nothing by it: `007` and 20 digits do.
pub(super) fn number(text: &str, decimal: char) -> Option<f64> {
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

/// Whether a text is read as this text without quotes; in a file of a single column, spaces could part others.
pub(super) fn is_plain(text: &str, single: bool) -> bool {
    let is_mark = |c: char| matches!(c, '"' | '\r' | '\n' | '\u{feff}') || DELIMITERS[..4].contains(&c);
    let is_parted = text != text.trim() || text.contains(is_mark) || single && text.contains(' ');
    let is_word = MISSING.contains(&text) || MISSING_NUMBER.contains(&text) || truth(text).is_some();
    let tells = text.to_ascii_lowercase().starts_with("sep=") || text.starts_with('#');
    let tells = tells || text.starts_with("{\"") || text.starts_with("[{") || text.starts_with('<');
    !(is_parted || is_word || tells || number(text, '.').is_some())
}
