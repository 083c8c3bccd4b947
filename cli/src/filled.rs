//! Values of a specification over the usual ones.

use psychrnn::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

use crate::failure::{Failure, Outcome};

/// A value as JSON. The types here have names for keys, so nothing fails.
pub(crate) fn json<T: Serialize>(value: &T) -> Json {
    // By way of a text, so that 0.2 in single precision stays 0.2.
    let text = serde_json::to_string(value).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// `usual` with what is `given` in its place, read as its type. `key` is where it stands in the specification.
pub(crate) fn filled<T: Serialize + DeserializeOwned>(key: &str, usual: &T, given: &Json) -> Outcome<T> {
    filled_json(key, &json(usual), given)
}

/// As [`filled`], over usual values that are JSON already.
pub(crate) fn filled_json<T: Serialize + DeserializeOwned>(key: &str, usual: &Json, given: &Json) -> Outcome<T> {
    let all = over(usual, given);
    let value: T = serde_path_to_error::deserialize(&all).map_err(|error| {
        let within = error.path().to_string();
        let place = match within.as_str() {
            "." => key.to_owned(),
            element if element.starts_with('[') => format!("{key}{element}"),
            field => format!("{key}.{field}"),
        };
        Failure::key(place, in_words(&error.inner().to_string(), || names::<T>(&all, error.path())))
    })?;
    check_known(key, given, &json(&value))?;
    Ok(value)
}

/// The names that may stand at a place, if it is for one of some names: those that it says when it gets none of them.
fn names<T: DeserializeOwned>(all: &Json, path: &Path) -> Option<String> {
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
    let error = serde_path_to_error::deserialize::<_, T>(&all).err()?.into_inner().to_string();
    listed(error.strip_prefix("unknown variant `?`, expected ")?)
}

/// The names in "one of `a`, `b`", as a list.
fn listed(expected: &str) -> Option<String> {
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What serde says, in the words of someone who writes a specification. `names` gives those that may stand there, if it is for one of
/// some names.
fn in_words(said: &str, names: impl Fn() -> Option<String>) -> String {
    let said = said.split(" at line ").next().unwrap_or(said);
    if let Some(rest) = said.strip_prefix("unknown variant ") {
        let (got, expected) = rest.split_once(", expected ").unwrap_or((rest, ""));
        return format!("there is no {got}; there are {}", listed(expected).unwrap_or_else(|| "none".into()));
    }
    if let Some(rest) = said.strip_prefix("unknown field ") {
        let (got, expected) = rest.split_once(", expected ").unwrap_or((rest, ""));
        return format!("there is no key {got}; there are {}", listed(expected).unwrap_or_else(|| "none".into()));
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
        _ if got.ends_with(" variant") => "a name with the wrong things, or none, behind it".into(),
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
pub(crate) fn over(usual: &Json, given: &Json) -> Json {
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
fn check_known(key: &str, given: &Json, read: &Json) -> Outcome<()> {
    match (given, read) {
        (Json::Object(given), Json::Object(read)) => given.iter().try_for_each(|(name, value)| match read.get(name) {
            Some(read) => check_known(&format!("{key}.{name}"), value, read),
            None => {
                let allowed: Vec<&str> = read.keys().map(String::as_str).collect();
                Err(Failure::key(
                    format!("{key}.{name}"),
                    format!("there is no such key; there are {}", allowed.join(", ")),
                ))
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
pub(crate) fn placed(key: &str, section: &Json, error: Error) -> Failure {
    let name = match &error {
        Error::Argument { name, .. } | Error::Shape { name, .. } | Error::NotFinite { name, .. } => name.as_str(),
        // What has to do with files or with libtorch is not about a key.
        Error::Io { .. } | Error::File { .. } | Error::Device { .. } | Error::Torch(_) => {
            return Failure::Library(error);
        }
        _ => "",
    };
    if let Some(stage) = name.strip_prefix("goal of stage ") {
        return Failure::key(format!("{key}.stages[{stage}].threshold"), error.to_string());
    }
    let name = match name {
        "input connectivity" => "input",
        "recurrent connectivity" => "recurrent",
        "output connectivity" => "output",
        "freeze" => "frozen",
        "fix" => "fixed",
        name => name.strip_prefix("epoch \"").map_or(name, |epoch| epoch.trim_end_matches('"')),
    };
    let key = find(key, section, name).unwrap_or_else(|| key.to_owned());
    Failure::key(key, error.to_string())
}

/// The path to the first key of that name.
fn find(key: &str, section: &Json, name: &str) -> Option<String> {
    let fields = section.as_object()?;
    if fields.contains_key(name) {
        return Some(format!("{key}.{name}"));
    }
    fields.iter().find_map(|(below, section)| find(&format!("{key}.{below}"), section, name))
}
