//! What varies: the values of each key, one of each to a run.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Result;
use crate::experiment::failure::wrong;
use crate::experiment::filled::filled;
use crate::experiment::specification::TABLES;
use crate::random::Seed;

/// What goes together: in each row one value for each column.
pub(super) struct Axis {
    /// Keys of a specification, or the names of conditions.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// One row: the value of each column, and what is set by it.
#[derive(Clone, Default)]
pub(super) struct Row {
    pub(super) values: Vec<Json>,
    pub(super) changes: Vec<(String, Json)>,
}

/// How the values of a key are given, if not as a list.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct VaryRule {
    from: Option<f64>,
    to: Option<f64>,
    step: Option<f64>,
    draw: Option<Sampling>,
    of: Option<Vec<Json>>,
    n: Option<usize>,
    conditions: Option<Map<String, Json>>,
}

/// The words by which a table is a rule, and not a section of a specification.
const WORDS: [&str; 7] = ["from", "to", "step", "draw", "of", "n", "conditions"];
/// The key of lists that go together.
const ZIP: &str = "zip";
/// So many values are more than anybody means.
const MOST: usize = 100_000;

/// From what values are drawn.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sampling {
    /// All numbers between two are equally likely.
    Uniform,
    /// Their logarithms are.
    LogUniform,
    /// All whole numbers from one to another are.
    Whole,
    /// All values of a list are.
    Choice,
}

/// All that varies, in the order of the keys, and then what goes together.
pub(super) fn axes(vary: &Json, seed: Seed) -> Result<Vec<Axis>> {
    let Some(given) = vary.as_object() else {
        return Err(wrong("vary", format!("it must be a table of keys with lists, but it is {vary}")));
    };
    let (mut alone, mut together) = (given.clone(), Vec::new());
    match alone.remove(ZIP) {
        Some(Json::Array(groups)) => together = groups,
        Some(group) => together.push(group),
        None => {}
    }
    let mut axes = Vec::new();
    gather("", &Json::Object(alone), seed, &mut axes)?;
    for (i, group) in together.iter().enumerate() {
        let key = if together.len() > 1 { format!("vary.{ZIP}[{i}]") } else { format!("vary.{ZIP}") };
        if !group.is_object() {
            return Err(wrong(key, format!("it must be a table of keys with lists, but it is {group}")));
        }
        let mut members = Vec::new();
        gather("", group, seed, &mut members)?;
        axes.push(zipped(&key, members)?);
    }
    if axes.is_empty() {
        return Err(wrong("vary", "it must have at least one key with a list: \"network.noise\" = [0.0, 0.1]"));
    }
    check_apart(&axes)?;
    Ok(axes)
}

/// An axis for each list below a key.
fn gather(key: &str, value: &Json, seed: Seed, axes: &mut Vec<Axis>) -> Result<()> {
    let place = || format!("vary.{key}");
    match value {
        Json::Object(fields) if key.is_empty() || !fields.keys().any(|name| WORDS.contains(&name.as_str())) => {
            if fields.is_empty() && !key.is_empty() {
                return Err(wrong(place(), "there is nothing in it"));
            }
            let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
            fields.iter().try_for_each(|(name, value)| gather(&below(name), value, seed, axes))
        }
        Json::Object(_) => {
            let rule: VaryRule = filled(&place(), &VaryRule::default(), value)?;
            axes.push(match rule.conditions {
                Some(_) if value.as_object().is_some_and(|rule| rule.len() > 1) => {
                    return Err(wrong(place(), "conditions stand alone: leave the other words out"));
                }
                Some(conditions) => of_conditions(key, &conditions)?,
                None => of_values(key, rule.values(&place(), seed.child(key))?),
            });
            Ok(())
        }
        Json::Array(values) if values.is_empty() => Err(wrong(place(), "the list is empty")),
        Json::Array(values) => {
            axes.push(of_values(key, values.clone()));
            Ok(())
        }
        one => Err(wrong(place(), format!("it must be a list, but it is {one}: write [{one}]"))),
    }
}

fn of_values(key: &str, values: Vec<Json>) -> Axis {
    let row = |value: Json| Row { values: vec![value.clone()], changes: vec![(key.to_owned(), value)] };
    Axis { columns: vec![key.to_owned()], rows: values.into_iter().map(row).collect() }
}

/// Conditions with names: each a part of a specification, which takes the place of what stands there.
fn of_conditions(key: &str, conditions: &Map<String, Json>) -> Result<Axis> {
    let place = format!("vary.{key}.conditions");
    if conditions.is_empty() {
        return Err(wrong(place, "there is none"));
    }
    let mut rows = Vec::new();
    for (name, given) in conditions {
        let Json::Object(sections) = given else {
            return Err(wrong(format!("{place}.{name}"), format!("it must be a table, but it is {given}")));
        };
        let mut changes = Vec::new();
        for (section, value) in sections {
            match value.as_object().filter(|_| TABLES.contains(&section.as_str())) {
                Some(keys) => {
                    changes.extend(keys.iter().map(|(key, value)| (format!("{section}.{key}"), value.clone())));
                }
                None => changes.push((section.clone(), value.clone())),
            }
        }
        rows.push(Row { values: vec![name.as_str().into()], changes });
    }
    Ok(Axis { columns: vec![key.to_owned()], rows })
}

/// Axes of the same length as one.
fn zipped(key: &str, members: Vec<Axis>) -> Result<Axis> {
    let Some(first) = members.first() else {
        return Err(wrong(key, "it must have keys with lists, but there is none"));
    };
    let (n, columns) = (first.rows.len(), members.iter().flat_map(|member| member.columns.clone()).collect());
    if let Some(other) = members.iter().find(|member| member.rows.len() != n) {
        let (one, two, of) = (first.columns.join(", "), other.columns.join(", "), other.rows.len());
        return Err(wrong(
            key,
            format!("lists that go together must be of the same length, but {one} has {n} and {two} {of}"),
        ));
    }
    let mut rows = vec![Row::default(); n];
    for member in members {
        for (row, more) in rows.iter_mut().zip(member.rows) {
            row.values.extend(more.values);
            row.changes.extend(more.changes);
        }
    }
    Ok(Axis { columns, rows })
}

/// An error if a key is set twice, or within another one.
fn check_apart(axes: &[Axis]) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for axis in axes {
        // What is set together stands in one row; conditions are not set together.
        if let Some((key, other)) = axis.rows.iter().find_map(|row| {
            let keys: Vec<&String> = row.changes.iter().map(|(key, _)| key).collect();
            overlap(&keys, &keys, true)
        }) {
            return Err(wrong(format!("vary.{key}"), format!("{other} is given too, which is set by it or sets it")));
        }
        let own: BTreeSet<&String> = axis.rows.iter().flat_map(|row| &row.changes).map(|(key, _)| key).collect();
        let own: Vec<&String> = own.into_iter().collect();
        if let Some((key, other)) = overlap(&own, &seen.iter().collect::<Vec<_>>(), false) {
            return Err(wrong(format!("vary.{key}"), format!("{other} varies too, which is set by it or sets it")));
        }
        seen.extend(own.into_iter().cloned());
    }
    let mut names = BTreeSet::new();
    match axes.iter().flat_map(|axis| &axis.columns).find(|name| !names.insert(name.as_str())) {
        Some(twice) => Err(wrong(format!("vary.{twice}"), "it varies twice")),
        None => Ok(()),
    }
}

/// Two keys of which one is the other or stands in it; of one list, if it is the same list, at different places.
fn overlap(keys: &[&String], others: &[&String], same: bool) -> Option<(String, String)> {
    let within = |key: &str, other: &str| {
        key.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    keys.iter().enumerate().find_map(|(i, key)| {
        let met = others
            .iter()
            .enumerate()
            .find(|(j, other)| !(same && i == *j) && (within(key, other) || within(other, key)));
        met.map(|(_, other)| ((*key).clone(), (*other).clone()))
    })
}

impl VaryRule {
    /// The values that it stands for.
    fn values(&self, key: &str, seed: Seed) -> Result<Vec<Json>> {
        match self.draw {
            Some(draw) => self.drawn(key, draw, seed),
            None => self.in_steps(key),
        }
    }

    /// `from`, `from + step`, … up to `to`, which is among them if it is met.
    fn in_steps(&self, key: &str) -> Result<Vec<Json>> {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return Err(wrong(key, "it must have both `from` and `to`"));
        };
        self.check_without(key, "of", self.of.is_some())?;
        let step = match (self.step, self.n) {
            (Some(_), Some(_)) => return Err(wrong(key, "give `step` or `n`, not both")),
            (Some(step), None) => step,
            (None, Some(n)) if n > 1 => (to - from) / (n - 1) as f64,
            (None, Some(_)) => return Err(wrong(format!("{key}.n"), "it must be at least 2")),
            (None, None) => 1.0,
        };
        let steps = (to - from) / step;
        // What is a whole number of steps but for rounding ends with `to`.
        let n = (steps + 1e-9).floor();
        if !(step.is_finite() && n.is_finite() && n >= 0.0) {
            return Err(wrong(key, format!("there is no value from {from} to {to} in steps of {step}")));
        }
        if n >= MOST as f64 {
            return Err(wrong(key, format!("these are {} values; {MOST} are the most", n + 1.0)));
        }
        Ok((0..=n as usize).map(|i| number(from + i as f64 * step, 12)).collect())
    }

    fn drawn(&self, key: &str, draw: Sampling, seed: Seed) -> Result<Vec<Json>> {
        let n = self.n.filter(|n| (1..=MOST).contains(n));
        let n = n.ok_or_else(|| wrong(format!("{key}.n"), format!("it must say how many are drawn, 1 to {MOST}")))?;
        self.check_without(key, "step", self.step.is_some())?;
        let mut rng = seed.stream(0);
        if let Sampling::Choice = draw {
            let of = self.of.as_ref().filter(|of| !of.is_empty());
            let of = of.ok_or_else(|| wrong(format!("{key}.of"), "it must be the list from which is drawn"))?;
            self.check_without(key, "from", self.from.is_some() || self.to.is_some())?;
            return Ok((0..n).map(|_| of[rng.index(of.len())].clone()).collect());
        }
        self.check_without(key, "of", self.of.is_some())?;
        let bounds = self.from.zip(self.to).filter(|(from, to)| from < to);
        let (from, to) = bounds.ok_or_else(|| wrong(key, "it must have `from` and a larger `to`"))?;
        let mut share = || f64::from(rng.uniform(0.0, 1.0));
        Ok(match draw {
            Sampling::LogUniform if from <= 0.0 => {
                return Err(wrong(format!("{key}.from"), "it must be above 0, since logarithms are drawn"));
            }
            Sampling::LogUniform => (0..n).map(|_| number((from.ln() + share() * (to / from).ln()).exp(), 6)).collect(),
            Sampling::Whole => {
                let values = (to.floor() - from.ceil() + 1.0).clamp(0.0, f64::from(u32::MAX)) as usize;
                if values == 0 {
                    return Err(wrong(key, format!("there is no whole number from {from} to {to}")));
                }
                (0..n).map(|_| number(from.ceil() + rng.index(values) as f64, 17)).collect()
            }
            Sampling::Uniform | Sampling::Choice => (0..n).map(|_| number(from + share() * (to - from), 6)).collect(),
        })
    }

    fn check_without(&self, key: &str, word: &str, given: bool) -> Result<()> {
        if given { Err(wrong(format!("{key}.{word}"), "it has no use here; leave it out")) } else { Ok(()) }
    }
}

/// A number with so many digits, which is what a run's name says of it; whole ones as such.
fn number(value: f64, digits: usize) -> Json {
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    match rounded.fract() == 0.0 && rounded.abs() < 9e15 {
        true => (rounded as i64).into(),
        false => rounded.into(),
    }
}
