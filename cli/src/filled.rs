//! Values of a specification over the usual ones.

use psychrnn::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

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
    let value: T = serde_path_to_error::deserialize(over(usual, given)).map_err(|error| {
        let within = error.path().to_string();
        let place = match within.as_str() {
            "." => key.to_owned(),
            element if element.starts_with('[') => format!("{key}{element}"),
            field => format!("{key}.{field}"),
        };
        Failure::key(place, error.into_inner().to_string())
    })?;
    check_known(key, given, &json(&value))?;
    Ok(value)
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
