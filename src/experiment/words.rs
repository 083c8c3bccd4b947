//! The words of a specification: those of the library's setters, wherever the fields that they set may stand.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json as object};

use super::failure::wrong;
use crate::{Error, Result};

/// The words of a network's setters, and the fields.
const NETWORK: &[(&[&str], &[&str])] = &[
    (&["dale_ratio"], &["constraints", "dale_ratio"]),
    (&["dale"], &["constraints", "dale"]),
    (&["inhibitory_outputs"], &["constraints", "inhibitory_outputs"]),
    (&["areas"], &["constraints", "areas"]),
    (&["input_connectivity"], &["constraints", "input_connectivity"]),
    (&["recurrent_connectivity"], &["constraints", "recurrent_connectivity"]),
    (&["output_connectivity"], &["constraints", "output_connectivity"]),
    (&["hold_at"], &["constraints", "hold_at"]),
    (&["autapses"], &["constraints", "autapses"]),
    (&["spectral_radius"], &["initial", "radius"]),
    (&["noise_per_unit"], &["unit_noise", "per_unit"]),
    (&["noise_covariance"], &["unit_noise", "covariance"]),
];
/// Former names of fields, which older files have.
const FORMER: &[(&[&str], &[&str])] = &[
    (&["constraints", "input"], &["constraints", "input_connectivity"]),
    (&["constraints", "recurrent"], &["constraints", "recurrent_connectivity"]),
    (&["constraints", "output"], &["constraints", "output_connectivity"]),
    (&["constraints", "held"], &["constraints", "hold_at"]),
    (&["constraints", "fixed"], &["constraints", "hold_at"]),
    (&["constraints", "no_autapses"], &["constraints", "autapses"]),
    (&["frozen"], &["freeze"]),
    (&["fixed"], &["freeze_entries"]),
    (&["fix"], &["freeze_entries"]),
];
/// Those of a trainer.
const TRAINER: &[(&[&str], &[&str])] = &[(&["trials"], &["length", "trials"]), (&["updates"], &["length", "updates"])];
/// How long it trains, of which one is given.
const LENGTH: [&str; 3] = ["length", "trials", "updates"];
/// Which of two words a complete specification has: the setter's, where the other is another word.
const SPOKEN: &[(&str, &[&str], &[&str])] =
    &[("trainer", &["trials"], &["length", "trials"]), ("trainer", &["updates"], &["length", "updates"])];

/// What tasks have in common with others: PyCog's protocol, the form of the library's own.
const COMMON: [&str; 2] = ["protocol", "form"];

/// How what is given was spelled, and what is to be told of it.
#[derive(Default)]
pub(super) struct Words {
    /// The keys of fields, and those that stood in their place.
    spelled: Vec<(String, String)>,
    /// What was taken for what.
    pub(super) notes: Vec<String>,
}

impl Words {
    /// The section of a network with fields in the place of words.
    pub(super) fn network(&mut self, section: &mut Json) -> Result<()> {
        if let Some(tau) = section.get_mut("tau").filter(|tau| tau.is_number()) {
            *tau = object!([tau]);
        }
        FORMER.iter().chain(NETWORK).try_for_each(|(word, field)| self.put("network", section, word, field))?;
        // TOML has no word for nothing.
        if let Some(radius) = section.pointer_mut("/initial/radius").filter(|radius| *radius == "none") {
            *radius = Json::Null;
        }
        Ok(())
    }

    /// Tells of parameters that a model freezes and that are trained here, since a list takes the place of the model's.
    pub(super) fn tell_thawed(&mut self, section: &Json, of_model: Option<&BTreeSet<String>>) {
        let Some(given) = section["freeze"].as_array() else { return };
        let is_given = |name: &&String| given.iter().any(|given| given == name.as_str());
        let thawed: Vec<_> = of_model.into_iter().flatten().filter(|name| !is_given(name)).cloned().collect();
        if !thawed.is_empty() {
            let names = thawed.join(", ");
            self.notes
                .push(format!("network.freeze: it takes the place of the model's, and leaves {names} to be trained"));
        }
    }

    /// That of a trainer.
    pub(super) fn trainer(&mut self, section: &mut Json) -> Result<()> {
        let words = LENGTH.into_iter().filter(|word| section.get(word).is_some());
        if let [one, other, ..] = words.collect::<Vec<_>>()[..] {
            return Err(wrong(format!("trainer.{other}"), format!("`{one}` is given too: give one of them")));
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

    /// That of a task: what it has in common with others need not stand in a table of that name.
    pub(super) fn task(&mut self, key: &str, section: &mut Json, usual: &Json) -> Result<()> {
        for part in COMMON {
            let names = usual[part].as_object().into_iter().flat_map(|part| part.keys());
            let mut alone = names.filter(|name| usual.get(name).is_none());
            alone.try_for_each(|name| self.put(key, section, &[name], &[part, name]))?;
        }
        Ok(())
    }

    /// Puts a value in its place, if it is given.
    fn put(&mut self, key: &str, section: &mut Json, word: &[&str], field: &[&str]) -> Result<()> {
        let Some(mut value) = take(section, word) else { return Ok(()) };
        let key = |path: &[&str]| format!("{key}.{}", path.join("."));
        if word.ends_with(&["no_autapses"])
            && let Some(allowed) = value.as_bool()
        {
            value = (!allowed).into();
        }
        let clash = || wrong(key(word), format!("`{}` is given too: give one of them", key(field)));
        place(section, field, value).ok_or_else(clash)?;
        self.spelled.push((key(field), key(word)));
        Ok(())
    }

    /// What is wrong, by the key as it was spelled.
    pub(super) fn spelled(&self, error: Error) -> Error {
        let Error::Specification { file, key, problem } = error else { return error };
        let spelled = self.spelled.iter().find_map(|(field, word)| {
            let rest = key.strip_prefix(field.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then(|| format!("{word}{rest}"))
        });
        Error::Specification { file, key: spelled.unwrap_or(key), problem }
    }
}

/// The words and the keys in whose place they may stand, from the top: `network.dale_ratio` and `network.constraints.dale_ratio`.
pub(super) fn all() -> impl Iterator<Item = (String, String)> {
    let sections = [("network", NETWORK), ("trainer", TRAINER)];
    let key = |section: &str, path: &[&str]| format!("{section}.{}", path.join("."));
    sections.into_iter().flat_map(move |(section, words)| {
        words.iter().map(move |(word, field)| (key(section, word), key(section, field)))
    })
}

/// The names that may stand in a section: its fields, with the words in their place.
pub(super) fn names<'a>(section: &str, fields: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
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

/// The keys of a trainer that say otherwise what this one says: where it is set, they are not given.
pub(super) fn others(key: &str) -> &'static [&'static str] {
    let word = key.strip_prefix("trainer.").and_then(|rest| rest.split('.').next()).unwrap_or_default();
    if LENGTH.contains(&word) { &LENGTH } else { &[] }
}

/// A complete specification in one word for each thing.
pub(super) fn speak(complete: &mut Json) {
    for (section, word, field) in SPOKEN {
        let section = &mut complete[*section];
        if let Some(value) = take(section, field) {
            let value = if word.ends_with(&["no_autapses"]) { (value != true).into() } else { value };
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
