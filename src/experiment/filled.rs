//! Values of a specification over the usual ones.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

use super::failure::wrong;
use super::words;
pub(super) use crate::number::json;
use crate::{Error, Result};

/// `usual` with what is `given` in its place, read as its type. `key` is where it stands in the specification.
pub(super) fn filled<T: Serialize + DeserializeOwned>(key: &str, usual: &T, given: &Json) -> Result<T> {
    filled_json(key, &json(usual), given)
}

/// As [`filled`], over usual values that are JSON already.
pub(super) fn filled_json<T: Serialize + DeserializeOwned>(key: &str, usual: &Json, given: &Json) -> Result<T> {
    filled_by(key, usual, given, |all| serde_path_to_error::deserialize(all), json)
}

/// As [`filled_json`], of what is read and written in a way of its own.
pub(super) fn filled_by<T>(
    key: &str,
    usual: &Json,
    given: &Json,
    read: impl Fn(&Json) -> std::result::Result<T, Refusal>,
    written: impl Fn(&T) -> Json,
) -> Result<T> {
    let all = over(usual, given);
    let value = read(&all).map_err(|error| refused(key, &all, &error, &|all| read(all).err()))?;
    check_known(key, given, &written(&value))?;
    Ok(value)
}

/// What a type said of values, and what it would say of others.
type Refusal = serde_path_to_error::Error<serde_json::Error>;
type Refusals<'a> = &'a dyn Fn(&Json) -> Option<Refusal>;

/// What was refused, by its key and in plain words. It is compiled once for all types.
fn refused(key: &str, all: &Json, error: &Refusal, of: Refusals<'_>) -> Error {
    let within = error.path().to_string();
    let place = match within.as_str() {
        "." => key.to_owned(),
        element if element.starts_with('[') => format!("{key}{element}"),
        field => format!("{key}.{field}"),
    };
    let last = match error.path().iter().next_back() {
        Some(Segment::Map { key } | Segment::Enum { variant: key }) => key,
        _ => "name",
    };
    wrong(place, in_words(&error.inner().to_string(), key, last, &|| names(all, error.path(), of)))
}

/// The names that may stand at a place, if it is for one of some names: those that it says when it gets none of them.
fn names(all: &Json, path: &Path, of: Refusals<'_>) -> Option<String> {
    let mut all = all.clone();
    let mut place = &mut all;
    for segment in path {
        place = match segment {
            Segment::Seq { index } => place.get_mut(index)?,
            Segment::Map { key } | Segment::Enum { variant: key } => place.get_mut(key)?,
            Segment::Unknown => return None,
        };
    }
    *place = "?".into();
    let error = of(&all)?.into_inner().to_string();
    listed(error.strip_prefix("unknown variant `?`, expected ")?)
}

/// The names in "one of `a`, `b`".
fn quoted(expected: &str) -> impl Iterator<Item = &str> {
    expected.split('`').skip(1).step_by(2)
}

/// The same as a list.
fn listed(expected: &str) -> Option<String> {
    let names: Vec<&str> = quoted(expected).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// That there is nothing of a name, what there is, and which of it may be meant.
pub(super) fn no_such(what: &str, got: &str, names: &[&str]) -> String {
    let all = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let guess = meant(got, names).map_or(String::new(), |name| format!(" (is it {name}?)"));
    format!("there is no {what}`{got}`{guess}; there are {all}")
}

/// The name that is almost this one: in other letters, misspelled, longer or shorter, or by the first letters of its words.
fn meant<'a>(got: &str, names: &[&'a str]) -> Option<&'a str> {
    /// From so many letters on a beginning tells which word it is.
    const TELLING: usize = 4;
    let plain = |text: &str| -> Vec<char> { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let got = plain(got);
    let distance = |name: &&'a str| {
        let letters = plain(name);
        let first: Vec<char> = name.split('_').filter_map(|word| word.chars().next()).collect();
        let (short, long) = if got.len() < letters.len() { (&got, &letters) } else { (&letters, &got) };
        if first.len() > 1 && first == got || short.len() >= TELLING && long.starts_with(short) {
            return Some((1, *name));
        }
        let steps = changes(&got, &letters);
        (steps <= got.len().max(letters.len()) / 3).then_some((steps, *name))
    };
    names.iter().filter_map(distance).min_by_key(|(steps, _)| *steps).map(|(_, name)| name)
}

/// How many letters are to be changed, left out, put in or swapped with the next one to make one word of another.
fn changes(from: &[char], to: &[char]) -> usize {
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = rows[i][j] + usize::from(a != b);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

/// What serde says, in the words of someone who writes a specification: of something within `key`, where the last name is `last`.
/// `names` gives those that may stand there, if it is for one of some names.
fn in_words(said: &str, key: &str, last: &str, names: &dyn Fn() -> Option<String>) -> String {
    let said = said.split(" at line ").next().unwrap_or(said);
    let unknown = |what: &str| {
        let rest = said.strip_prefix("unknown ")?.strip_prefix(what)?.trim_start();
        let (got, expected) = rest.split_once(", expected ").unwrap_or((rest, ""));
        Some((got.trim_matches('`'), expected))
    };
    if let Some((got, expected)) = unknown("variant") {
        return no_such("", got, &quoted(expected).collect::<Vec<_>>());
    }
    if let Some((got, expected)) = unknown("field") {
        return no_such("key ", got, &words::names(key, quoted(expected)));
    }
    if let Some(name) = said.strip_prefix("missing field ") {
        return format!("the key {name} is missing");
    }
    if said.starts_with("data did not match") {
        return "it is of no kind that is known here".to_owned();
    }
    let invalid = ["invalid type: ", "invalid value: ", "invalid length "];
    let Some((got, expected)) = invalid.iter().find_map(|kind| said.strip_prefix(kind)?.split_once(", expected "))
    else {
        return said.to_owned();
    };
    let got = match got {
        "map" => "a table".to_owned(),
        "sequence" => "a list".into(),
        "null" | "unit value" | "Option value" => "nothing".into(),
        "unit variant" => return format!("it needs something behind it: write {{ {last} = … }}"),
        _ if got.ends_with(" variant") => "a name with the wrong things behind it".into(),
        _ if said.starts_with("invalid length") => format!("of length {}", got.trim_end_matches(" elements")),
        _ => {
            let number = ["integer `", "floating point `", "boolean `", "character `"];
            let number = number.iter().find_map(|kind| got.strip_prefix(kind)?.strip_suffix('`'));
            number.map_or_else(|| got.replacen("string ", "the text ", 1), str::to_owned)
        }
    };
    let first = expected.split(' ').next().unwrap_or_default();
    let expected = match (expected, first) {
        ("string or map" | "map with a single key" | "a single-entry map", _) | (_, "unit" | "newtype" | "enum") => {
            let names = names().map_or("a name".to_owned(), |names| format!("one of {names}"));
            format!("{names} (as \"name\", or as {{ name = … }} if it has values)")
        }
        (_, "usize" | "u8" | "u16" | "u32" | "u64") => "a whole number of 0 or more".into(),
        (_, "isize" | "i8" | "i16" | "i32" | "i64") => "a whole number".into(),
        (_, "f32" | "f64") => "a number".into(),
        ("a boolean", _) => "true or false".into(),
        ("a string" | "a borrowed string" | "string", _) => "a text".into(),
        ("a sequence", _) if said.starts_with("invalid type: ") && !matches!(got.as_str(), "a table" | "nothing") => {
            let one = got.strip_prefix("the text ").unwrap_or(&got);
            return format!("it must be a list, but it is {got}: write [{one}]");
        }
        ("a sequence", _) => "a list".into(),
        ("a map" | "map", _) | (_, "struct") => "a table".into(),
        ("option", _) => "a value".into(),
        (_, "ndarray" | "array") => "a matrix: a list of rows, or \"file.npz:name\"".into(),
        (_, "tuple") => {
            let length: String = expected.chars().filter(char::is_ascii_digit).collect();
            if length.is_empty() { "a value".into() } else { format!("a list of {length} values") }
        }
        _ => expected.replace("a tuple of size", "a list of length").replace("an array of length", "a list of length"),
    };
    format!("it must be {expected}, but it is {got}")
}

/// What is given, and the usual for the rest. An object with one field may be one of several kinds, such as a distribution of
/// durations: another kind takes its place whole.
pub(super) fn over(usual: &Json, given: &Json) -> Json {
    match (usual, given) {
        (Json::Object(usual), Json::Object(given)) if usual.len() > 1 => {
            let mut all = usual.clone();
            for (name, value) in given {
                let value = all.get(name).map_or_else(|| value.clone(), |usual| over(usual, value));
                all.insert(name.clone(), value);
            }
            Json::Object(all)
        }
        _ => given.clone(),
    }
}

/// An error that names the first key which nothing has read.
fn check_known(key: &str, given: &Json, read: &Json) -> Result<()> {
    match (given, read) {
        (Json::Object(given), Json::Object(read)) => given.iter().try_for_each(|(name, value)| match read.get(name) {
            Some(read) => check_known(&format!("{key}.{name}"), value, read),
            None => {
                let allowed = words::names(key, read.keys().map(String::as_str));
                Err(wrong(format!("{key}.{name}"), no_such("key ", name, &allowed)))
            }
        }),
        (Json::Array(given), Json::Array(read)) => given
            .iter()
            .zip(read)
            .enumerate()
            .try_for_each(|(i, (given, read))| check_known(&format!("{key}[{i}]"), given, read)),
        _ => Ok(()),
    }
}

/// An error of the library with the key that it is about, as far as it tells.
pub(super) fn placed(key: &str, section: &Json, error: Error) -> Error {
    let name = match &error {
        Error::Argument { name, .. } | Error::Shape { name, .. } | Error::NotFinite { name, .. } => name.as_str(),
        // What has to do with files or with libtorch is not about a key.
        Error::Io { .. } | Error::File { .. } | Error::Device { .. } | Error::Torch(_) => {
            return error;
        }
        _ => "",
    };
    if let Some(stage) = name.strip_prefix("goal of stage ") {
        return wrong(format!("{key}.stages[{stage}].threshold"), error.to_string());
    }
    let name = name.strip_prefix("epoch \"").map_or(name, |epoch| epoch.trim_end_matches('"'));
    let key = find(key, section, name).unwrap_or_else(|| key.to_owned());
    wrong(key, error.to_string())
}

/// The path to the first key of that name.
fn find(key: &str, section: &Json, name: &str) -> Option<String> {
    let fields = section.as_object()?;
    if fields.contains_key(name) {
        return Some(format!("{key}.{name}"));
    }
    fields.iter().find_map(|(below, section)| find(&format!("{key}.{below}"), section, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_almost_one_is_guessed() {
        let names =
            ["learning_rate", "mean_squared_error", "units", "tau", "tanh", "coherences", "transfer", "l2_rates"];
        for (got, name) in [
            ("lr", "learning_rate"),
            ("learningRate", "learning_rate"),
            ("lerning_rate", "learning_rate"),
            ("mse", "mean_squared_error"),
            ("Units", "units"),
            ("untis", "units"),
            ("TANH", "tanh"),
            ("coherence", "coherences"),
            ("transfer_function", "transfer"),
            ("l2rate", "l2_rates"),
        ] {
            assert_eq!(meant(got, &names), Some(name), "{got}");
        }
        for got in ["", "x", "epochs", "batch", "hidden_size", "é"] {
            assert_eq!(meant(got, &names), None, "{got}");
        }
    }
}
