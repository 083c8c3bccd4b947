//! Tables of keys: what stands in a section of a specification, of what kind it is, its usual value, and what it means.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use syn::Type;

use crate::sources::{Field, Name, Shape, Sources, ident, parted, within};

/// Types that are not written as their fields say.
const OWN: [(&str, &str); 3] = [
    ("Areas", "[areas](rust:areas/struct.Areas.html)"),
    ("Covariance", "matrix"),
    // What differs in a section from the task that is trained on.
    ("Json", "arguments of the task"),
];

/// A row of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) key: String,
    /// A word of the library's setters that may stand in its place.
    pub(crate) word: Option<String>,
    of: String,
    usual: String,
    about: String,
}

/// What is written about keys, and the types of values that are to be told beside them.
pub(crate) struct Keys<'a> {
    sources: &'a Sources,
    met: BTreeSet<String>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self { sources, met: BTreeSet::new() }
    }

    /// The keys of a section that is read as this type, with their usual values. `words` are those that may stand there, and the
    /// keys in whose place they do.
    pub(crate) fn section(&mut self, of: &str, usual: &Json, words: &[(String, String)]) -> Result<Vec<Key>> {
        let mut keys = self.fields("", of, usual)?;
        let mut words_first = 0;
        for (word, field) in words {
            if let Some(key) = keys.iter_mut().find(|key| key.key == *field) {
                key.word = Some(word.clone());
            } else if let Some(place) = self.place(of, field)? {
                let Some(about) = self.sources.method(of, word) else { bail!("{of} has no setter `{word}`") };
                let about = crate::sources::first_paragraph(about);
                let usual = usual.get(word).map_or_else(none, toml);
                let key = Key { key: word.clone(), word: None, of: self.kind(&place)?, usual, about };
                // Behind the key that says the same, or before all.
                let whole = field.split('.').next();
                let after =
                    keys.iter().position(|key| Some(key.key.as_str()) == whole).map_or(words_first, |at| at + 1);
                words_first += usize::from(after == words_first);
                keys.insert(after, key);
            }
        }
        let told = |name: &String| {
            keys.iter().any(|key| {
                key.key == *name || key.key.split('.').next() == Some(name) || key.word.as_ref() == Some(name)
            })
        };
        match usual.as_object().and_then(|usual| usual.keys().find(|name| !told(name))) {
            Some(name) => bail!("nothing says what the key {name} of {of} is"),
            None => Ok(keys),
        }
    }

    fn fields(&mut self, within: &str, of: &str, usual: &Json) -> Result<Vec<Key>> {
        let Shape::Fields(fields) = &self.sources.of(of)?.shape else { bail!("{of} has no fields") };
        let mut keys = Vec::new();
        for field in fields {
            // What is no key here stands in a section of its own.
            let Some(usual) = usual.get(&field.name) else { continue };
            let key = format!("{within}{}", field.name);
            match self.table_of(field) {
                Some(of) if usual.is_object() => keys.extend(self.fields(&format!("{key}."), &of, usual)?),
                _ => {
                    let about = self.sources.about(of, field)?;
                    keys.push(Key {
                        key,
                        word: None,
                        of: self.kind(&field.of)?,
                        usual: toml(short(&field.of, usual)),
                        about,
                    });
                }
            }
        }
        Ok(keys)
    }

    /// The type of a field that is a table of keys itself.
    fn table_of(&self, field: &Field) -> Option<String> {
        let name = ident(&field.of).filter(|name| OWN.iter().all(|(own, _)| own != name))?;
        matches!(self.sources.of(&name).ok()?.shape, Shape::Fields(_)).then_some(name)
    }

    /// The type of what stands at a key, if the section can have it.
    fn place(&self, of: &str, key: &str) -> Result<Option<Type>> {
        let mut of = of.to_owned();
        let mut place = None;
        for name in key.split('.') {
            let found = match &self.sources.of(&of)?.shape {
                Shape::Fields(fields) => fields.iter().find(|field| field.name == name).map(|field| &field.of),
                Shape::Names(names) => {
                    names.iter().find(|known| known.name == name).and_then(|known| match &known.behind {
                        Shape::Values(values) => values.first(),
                        _ => None,
                    })
                }
                Shape::Values(_) => None,
            };
            let Some(found) = found else { return Ok(None) };
            let inner = if ident(found).as_deref() == Some("Option") { within(found)[0] } else { found };
            of = ident(inner).unwrap_or_default();
            place = Some(inner.clone());
        }
        Ok(place)
    }

    /// In words, what is written at a key of this type.
    fn kind(&mut self, of: &Type) -> Result<String> {
        if let Type::Tuple(values) = of {
            let values: Vec<String> = values.elems.iter().map(|of| self.kind(of)).collect::<Result<_>>()?;
            return Ok(format!("list of {}", values.join(" and ")));
        }
        let name = ident(of).context("a type without a name")?;
        if let Some((_, own)) = OWN.iter().find(|(own, _)| *own == name) {
            return Ok((*own).to_owned());
        }
        let inner = within(of);
        Ok(match (name.as_str(), inner.as_slice()) {
            ("usize" | "u32" | "u64", _) => "whole number".into(),
            ("f32" | "f64", _) => "number".into(),
            ("bool", _) => "`true` or `false`".into(),
            ("String", _) => "text".into(),
            ("Array2", _) => "matrix".into(),
            ("ArrayD", _) => "matrix or list".into(),
            ("Option", [of]) => self.kind(of)?,
            ("Vec" | "BTreeSet", [of]) => format!("list of {}", several(&self.kind(of)?)),
            ("BTreeMap", [_, of]) => format!("table of names, each with a {}", self.kind(of)?),
            _ => match &self.sources.of(&name)?.shape {
                // A seed is its number.
                Shape::Values(values) if values.len() == 1 => self.kind(&values[0])?,
                _ => {
                    let shown = format!("[{}](#value-{})", spaced(&name), name.to_lowercase());
                    self.met.insert(name);
                    shown
                }
            },
        })
    }

    /// What the values are that the tables up to now, and these sections, have links to.
    pub(crate) fn values(&mut self) -> Result<String> {
        let mut written = BTreeSet::new();
        let mut all = Vec::new();
        while let Some(name) = self.met.difference(&written).next().cloned() {
            let about = crate::sources::first_paragraph(&self.sources.of(&name)?.about);
            let table = self.value(&name)?;
            all.push((
                spaced(&name),
                format!("(value-{})=\n### {}\n\n{about}\n\n{table}\n", name.to_lowercase(), title(&name)),
            ));
            written.insert(name);
        }
        all.sort();
        Ok(all.into_iter().map(|(_, text)| text).collect())
    }

    /// The names that may stand for a value, with what is behind them, as a table.
    pub(crate) fn value(&mut self, of: &str) -> Result<String> {
        let sources = self.sources;
        match &sources.of(of)?.shape {
            Shape::Names(names) => {
                let mut table = "| name | meaning | with |\n| --- | --- | --- |\n".to_owned();
                for name in names {
                    let behind = self.behind(name)?;
                    let about = sources.about_name(of, name)?;
                    table += &format!("| `{}` | {} | {} |\n", name.name, cell(&about), cell(&behind));
                }
                Ok(table)
            }
            Shape::Fields(fields) => {
                let mut table = "| key | meaning | kind |\n| --- | --- | --- |\n".to_owned();
                for field in fields {
                    let (kind, about) = (self.kind(&field.of)?, sources.about(of, field)?);
                    table += &format!("| `{}` | {} | {} |\n", field.name, cell(&about), cell(&kind));
                }
                Ok(table)
            }
            Shape::Values(_) => bail!("{of} has no names"),
        }
    }

    /// What stands behind a name.
    fn behind(&mut self, name: &Name) -> Result<String> {
        let parts: Vec<String> = match &name.behind {
            Shape::Values(values) => values.iter().map(|of| self.kind(of)).collect::<Result<_>>()?,
            Shape::Fields(fields) => {
                let part = |field: &Field| {
                    let about = crate::sources::first_paragraph(&field.about);
                    if about.is_empty() {
                        bail!("nothing says what `{}` of `{}` is", field.name, name.name);
                    }
                    Ok(format!("`{}`, {}: {about}", field.name, self.kind(&field.of)?))
                };
                fields.iter().map(part).collect::<Result<_>>()?
            }
            Shape::Names(_) => Vec::new(),
        };
        Ok(parts.join(" "))
    }
}

/// A table of keys.
pub(crate) fn table(keys: &[Key]) -> String {
    let mut table = "| key | meaning | kind | usual |\n| --- | --- | --- | --- |\n".to_owned();
    for Key { key, word, of, usual, about } in keys {
        let word = word.as_ref().map_or(String::new(), |word| format!(", or `{word}`"));
        table += &format!("| `{key}`{word} | {} | {} | {} |\n", cell(about), cell(of), cell(usual));
    }
    table
}

/// A text within a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn none() -> String {
    "–".to_owned()
}

/// A duration that is always the same is written as a number.
fn short<'a>(of: &Type, usual: &'a Json) -> &'a Json {
    let is_duration = [Some(of), within(of).first().copied()]
        .into_iter()
        .flatten()
        .any(|of| ident(of).as_deref() == Some("Duration"));
    usual.get("fixed").filter(|_| is_duration).unwrap_or(usual)
}

/// A value as a specification in TOML has it.
pub(crate) fn toml(value: &Json) -> String {
    match written(value) {
        text if text.is_empty() => none(),
        text => format!("`{text}`"),
    }
}

fn written(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::Array(list) => format!("[{}]", list.iter().map(written).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) if fields.is_empty() => "{}".into(),
        Json::Object(fields) => {
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            let fields: Vec<String> = there.map(|(name, value)| format!("{name} = {}", written(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        value => value.to_string(),
    }
}

/// The words of a type's name: `UnitNoise` is a unit noise, `StageSection` a stage.
fn spaced(name: &str) -> String {
    parted(name.strip_suffix("Section").unwrap_or(name), ' ')
}

fn title(name: &str) -> String {
    let words = spaced(name);
    words.chars().take(1).flat_map(char::to_uppercase).chain(words.chars().skip(1)).collect()
}

/// Several of a kind.
fn several(kind: &str) -> String {
    match kind {
        "number" | "whole number" | "text" => format!("{kind}s"),
        "matrix" => "matrices".into(),
        kind => kind.to_owned(),
    }
}
