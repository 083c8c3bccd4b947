//! The words of a specification: those of the library's setters, wherever the fields that they set may stand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json as object};

use crate::failure::{Failure, Outcome};

/// The words of a network's setters, and the fields.
const NETWORK: &[(&[&str], &[&str])] = &[
    (&["dale_ratio"], &["constraints", "dale_ratio"]),
    (&["dale"], &["constraints", "dale"]),
    (&["inhibitory_outputs"], &["constraints", "inhibitory_outputs"]),
    (&["areas"], &["constraints", "areas"]),
    (&["input_connectivity"], &["constraints", "input"]),
    (&["recurrent_connectivity"], &["constraints", "recurrent"]),
    (&["output_connectivity"], &["constraints", "output"]),
    (&["autapses"], &["constraints", "no_autapses"]),
    (&["constraints", "autapses"], &["constraints", "no_autapses"]),
    (&["freeze"], &["frozen"]),
    (&["fix"], &["fixed"]),
    (&["spectral_radius"], &["initial", "radius"]),
    (&["noise_per_unit"], &["unit_noise", "per_unit"]),
    (&["noise_covariance"], &["unit_noise", "covariance"]),
];
/// Those of a trainer.
const TRAINER: &[(&[&str], &[&str])] = &[(&["trials"], &["length", "trials"]), (&["updates"], &["length", "updates"])];
/// Which of two words a complete specification has: the setter's, where the other is another word.
const SPOKEN: &[(&str, &[&str], &[&str])] = &[
    ("network", &["freeze"], &["frozen"]),
    ("network", &["fix"], &["fixed"]),
    ("network", &["constraints", "autapses"], &["constraints", "no_autapses"]),
    ("trainer", &["trials"], &["length", "trials"]),
    ("trainer", &["updates"], &["length", "updates"]),
];

/// How what is given was spelled, and what is to be told of it.
#[derive(Default)]
pub(crate) struct Words {
    /// The keys of fields, and those that stood in their place.
    spelled: Vec<(String, String)>,
    /// What was taken for what.
    pub(crate) notes: Vec<String>,
}

impl Words {
    /// The section of a network with fields in the place of words.
    pub(crate) fn network(&mut self, section: &mut Json) -> Outcome<()> {
        if let Some(tau) = section.get_mut("tau").filter(|tau| tau.is_number()) {
            *tau = object!([tau]);
        }
        NETWORK.iter().try_for_each(|(word, field)| self.put("network", section, word, field))
    }

    /// That of a trainer.
    pub(crate) fn trainer(&mut self, section: &mut Json) -> Outcome<()> {
        let words = ["length", "trials", "updates"].into_iter().filter(|word| section.get(word).is_some());
        if let [one, other, ..] = words.collect::<Vec<_>>()[..] {
            return Err(Failure::key(format!("trainer.{other}"), format!("`{one}` is given too: give one of them")));
        }
        if let Some(length) = section.get_mut("length").filter(|length| length.is_number()) {
            self.notes.push(format!("trainer.length: {length} are taken to be trials; write trials or updates"));
            *length = object!({ "trials": length });
        }
        if let Some(until) = section.get_mut("until").filter(|until| until.is_number()) {
            *until = object!({ "metric": until });
        }
        if let Some(optimizer) = section.get_mut("optimizer")
            && let Some(kind) = optimizer.as_str().map(str::to_owned)
        {
            *optimizer = object!({ kind: {} });
        }
        if section.get("path").is_some_and(|backend| !backend.is_null()) {
            self.notes.push("trainer.path: its name is now backend; write that".into());
        }
        self.put("trainer", section, &["path"], &["backend"])?;
        TRAINER.iter().try_for_each(|(word, field)| self.put("trainer", section, word, field))
    }

    /// That of a task: what it has in its protocol need not stand in a table of that name.
    pub(crate) fn task(&mut self, key: &str, section: &mut Json, usual: &Json) -> Outcome<()> {
        let Some(protocol) = usual["protocol"].as_object() else { return Ok(()) };
        let within = protocol.keys().filter(|name| usual.get(name).is_none());
        within.into_iter().try_for_each(|name| self.put(key, section, &[name], &["protocol", name]))
    }

    /// Puts a value in its place, if it is given.
    fn put(&mut self, key: &str, section: &mut Json, word: &[&str], field: &[&str]) -> Outcome<()> {
        let Some(mut value) = take(section, word) else { return Ok(()) };
        let key = |path: &[&str]| format!("{key}.{}", path.join("."));
        if field.ends_with(&["no_autapses"])
            && let Some(allowed) = value.as_bool()
        {
            value = (!allowed).into();
        }
        let clash = || Failure::key(key(word), format!("`{}` is given too: give one of them", key(field)));
        place(section, field, value).ok_or_else(clash)?;
        self.spelled.push((key(field), key(word)));
        Ok(())
    }

    /// What is wrong, by the key as it was spelled.
    pub(crate) fn spelled(&self, failure: Failure) -> Failure {
        let Failure::Specification { key, problem } = failure else { return failure };
        let spelled = self.spelled.iter().find_map(|(field, word)| {
            let rest = key.strip_prefix(field.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| format!("{word}{rest}"))
        });
        Failure::Specification { key: spelled.unwrap_or(key), problem }
    }
}

/// The names that may stand in a section: its fields, with the words in their place.
pub(crate) fn names<'a>(section: &str, fields: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let single = |path: &&'static [&'static str]| if let [name] = **path { Some(name) } else { None };
    let unspoken = |field: &&str| {
        !SPOKEN.iter().any(|(of, word, path)| *of == section && word.len() == 1 && path.first() == Some(field))
    };
    let words = match section {
        "network" => NETWORK,
        "trainer" => TRAINER,
        _ => &[],
    };
    fields.filter(unspoken).chain(words.iter().filter_map(|(word, _)| single(word))).collect()
}

/// A complete specification in one word for each thing.
pub(crate) fn speak(complete: &mut Json) {
    for (section, word, field) in SPOKEN {
        let section = &mut complete[*section];
        if let Some(value) = take(section, field) {
            let value = if field.ends_with(&["no_autapses"]) { (value != true).into() } else { value };
            let _ = place(section, word, value);
            if section["length"] == object!({})
                && let Some(section) = section.as_object_mut()
            {
                section.remove("length");
            }
        }
    }
}

/// Takes what stands there.
fn take(section: &mut Json, path: &[&str]) -> Option<Json> {
    let (last, tables) = path.split_last()?;
    let table = tables.iter().try_fold(section, |section, name| section.get_mut(name))?;
    table.as_object_mut()?.remove(*last)
}

/// Puts a value there; none if something is there already.
fn place(section: &mut Json, path: &[&str], value: Json) -> Option<()> {
    let (last, tables) = path.split_last()?;
    let table = tables.iter().try_fold(section, |section, name| {
        let entry = section.as_object_mut()?.entry(*name).or_insert_with(|| Json::Object(Map::new()));
        Some(entry)
    })?;
    let Some(table) = table.as_object_mut() else {
        // What is no table is told of when it is read.
        return Some(());
    };
    table.insert((*last).to_owned(), value).is_none().then_some(())
}

/// What is given in TOML or JSON, with whole numbers as such however they are written.
pub(crate) fn read(text: &str, is_json: bool) -> Result<Json, Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let broken = |problem: String| Failure::key("", problem);
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

/// A whole number on the command line, written as in a specification.
pub(crate) fn whole_number(text: &str) -> Result<u64, String> {
    let number = || whole(text.parse::<f64>().ok()?.into()).as_u64();
    text.parse().ok().or_else(number).ok_or_else(|| "it must be a whole number of 0 or more".to_owned())
}

/// A number of things of which there must be one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let count = whole_number(text).ok().and_then(|count| usize::try_from(count).ok());
    count.filter(|&count| count > 0).ok_or_else(|| "it must be a whole number of at least 1".to_owned())
}

/// A number that is one.
pub(crate) fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "it must be a finite number".to_owned())
}

fn from_toml(key: &str, value: toml::Value) -> Outcome<Json> {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    Ok(match value {
        toml::Value::Table(table) => {
            let entry = |(name, value): (String, toml::Value)| Ok((name.clone(), from_toml(&below(&name), value)?));
            Json::Object(table.into_iter().map(entry).collect::<Outcome<_>>()?)
        }
        toml::Value::Array(list) => {
            let entry = |(i, value)| from_toml(&format!("{key}[{i}]"), value);
            Json::Array(list.into_iter().enumerate().map(entry).collect::<Outcome<_>>()?)
        }
        toml::Value::Float(number) if !number.is_finite() => {
            return Err(Failure::key(key, format!("it must be a finite number, but it is {number}")));
        }
        toml::Value::Datetime(date) => {
            return Err(Failure::key(
                key,
                format!("nothing here is a date, but it is {date}; a text stands in quotes"),
            ));
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
