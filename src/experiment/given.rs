//! What is given: the text of a specification, and its values, in TOML or JSON.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json as object};

use super::failure::{in_file, wrong, wrong_file};
use super::words;
use crate::{Error, Result};

/// What stands in a file, or came as text.
#[derive(Clone)]
pub(super) struct Given {
    /// As it was written.
    pub(super) text: String,
    pub(super) is_json: bool,
    pub(super) value: Json,
    /// Where it stands, if that is a file.
    pub(super) file: Option<PathBuf>,
    /// The folder in which the files lie that it names.
    pub(super) folder: PathBuf,
}

impl Given {
    /// What stands in a file. It is JSON by its ending or, if that says nothing, by how it begins.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|source| Error::io("read", path, source))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| wrong_file(path, "it is no text in UTF-8; save it with this encoding"))?;
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        let is_json = match ending.as_deref() {
            Some("json") => true,
            Some("toml") => false,
            _ => begins_as_json(&text),
        };
        let value = values(&text, is_json).map_err(|error| in_file(error, Some(path)))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { text, is_json, value, file: Some(path.to_owned()), folder })
    }

    /// What a text says; the files that it names lie where the program runs.
    pub(super) fn of_text(text: &str) -> Result<Self> {
        let is_json = begins_as_json(text);
        let value = values(text, is_json)?;
        Ok(Self { text: text.to_owned(), is_json, value, file: None, folder: PathBuf::new() })
    }

    /// Values without a text of their own.
    pub(super) fn of_values(value: Json, folder: &Path) -> Self {
        Self { text: format!("{value:#}\n"), is_json: true, value, file: None, folder: folder.to_owned() }
    }

    /// The same but for the values at these keys, such as `network.noise` or `regularizers[0].l2_rates.strength`.
    pub(super) fn with<K: AsRef<str>>(&self, changes: &[(K, Json)]) -> Result<Self> {
        let mut value = self.value.clone();
        for (key, new) in changes {
            let key = key.as_ref();
            if has_nothing(new) {
                return Err(wrong(
                    key,
                    "it must be what a file can hold: a finite number, a text, true or false, a list, a table",
                ));
            }
            put(&mut value, key, whole(new.clone()))?;
        }
        Ok(Self::of_values(value, &self.folder))
    }
}

/// Whether there is nothing in it somewhere, which is what becomes of a number that is none.
fn has_nothing(value: &Json) -> bool {
    match value {
        Json::Array(list) => list.iter().any(has_nothing),
        Json::Object(fields) => fields.values().any(has_nothing),
        value => value.is_null(),
    }
}

/// Puts a value in the place of what stands at a key and of what says the same in another word.
fn put(value: &mut Json, key: &str, new: Json) -> Result<()> {
    words::others(key).iter().for_each(|other| drop(value["trainer"].as_object_mut().map(|all| all.remove(*other))));
    let mut place = value;
    for part in key.split('.') {
        let entry = part.strip_suffix(']').and_then(|part| part.split_once('['));
        let entry = entry.and_then(|(name, number)| Some((name, number.parse::<usize>().ok()?)));
        if !place.is_object() {
            *place = object!({});
        }
        place = &mut place[entry.map_or(part, |(name, _)| name)];
        if let Some((_, number)) = entry {
            place = place.get_mut(number).ok_or_else(|| wrong(key, "there is no such entry in the list"))?;
        }
    }
    *place = new;
    Ok(())
}

fn begins_as_json(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
}

/// What is given in TOML or JSON, with whole numbers as such however they are written.
pub(super) fn values(text: &str, is_json: bool) -> Result<Json> {
    let text = text.trim_start_matches('\u{feff}');
    let broken = |problem: String| wrong("", problem);
    if text.trim().is_empty() {
        return Err(broken("there is nothing in it; it needs at least a [task] with a name, or a model".into()));
    }
    match is_json {
        true => serde_json::from_str::<Unique>(text).map_err(|error| broken(error.to_string())).map(|all| whole(all.0)),
        false => {
            let table: toml::Table = toml::from_str(text).map_err(|error| {
                // The parser has other words for a number with too many digits.
                let problem = error.to_string().replace(" as i128, expected any valid TOML value", ": it is too large");
                broken(problem.replace("invalid type: integer", "the number").trim().to_owned())
            })?;
            from_toml("", toml::Value::Table(table))
        }
    }
}

/// JSON in which no key stands twice: one of both would be ignored.
struct Unique(Json);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, yes: bool) -> Result<Unique, E> {
                Ok(Unique(yes.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Unique, E> {
                Ok(Unique(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Unique, E> {
                Ok(Unique(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Unique, E> {
                Ok(Unique(number.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Unique, E> {
                Ok(Unique(text.into()))
            }

            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique(Json::Null))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Unique, A::Error> {
                let mut all = Vec::new();
                while let Some(Unique(value)) = list.next_element()? {
                    all.push(value);
                }
                Ok(Unique(Json::Array(all)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Unique, A::Error> {
                let mut all = Map::new();
                while let Some((name, Unique(value))) = fields.next_entry::<String, Unique>()? {
                    if all.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("the key {name} stands there twice")));
                    }
                }
                Ok(Unique(Json::Object(all)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn from_toml(key: &str, value: toml::Value) -> Result<Json> {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    Ok(match value {
        toml::Value::Table(table) => {
            let entry = |(name, value): (String, toml::Value)| Ok((name.clone(), from_toml(&below(&name), value)?));
            Json::Object(table.into_iter().map(entry).collect::<Result<_>>()?)
        }
        toml::Value::Array(list) => {
            let entry = |(i, value)| from_toml(&format!("{key}[{i}]"), value);
            Json::Array(list.into_iter().enumerate().map(entry).collect::<Result<_>>()?)
        }
        toml::Value::Float(number) if !number.is_finite() => {
            return Err(wrong(key, format!("it must be a finite number, but it is {number}")));
        }
        toml::Value::Datetime(date) => {
            return Err(wrong(key, format!("nothing here is a date, but it is {date}; a text stands in quotes")));
        }
        toml::Value::Float(number) => whole(number.into()),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::String(text) => text.into(),
    })
}

/// Numbers such as 5e5 as the whole ones that they are: counts are read from these only, all else from both.
fn whole(value: Json) -> Json {
    /// Up to here each whole number has a value of its own.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    match value {
        Json::Number(number) if number.is_f64() => match number.as_f64() {
            Some(exact) if exact.fract() == 0.0 && exact.abs() <= LARGEST => (exact as i64).into(),
            _ => Json::Number(number),
        },
        Json::Array(list) => Json::Array(list.into_iter().map(whole).collect()),
        Json::Object(fields) => Json::Object(fields.into_iter().map(|(name, value)| (name, whole(value))).collect()),
        other => other,
    }
}
