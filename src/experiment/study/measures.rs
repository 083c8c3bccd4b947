//! What is measured of a run that has ended. A new measure is a line of the list.

use std::cell::OnceCell;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as object};

use crate::analysis::{FixedPoints, Psychometric, PsychometricFit};
use crate::experiment::failure::wrong;
use crate::experiment::filled::no_such;
use crate::experiment::{Run, Specification};
use crate::simulate::Session;
use crate::table::Value;
use crate::task::IdealObserver;
use crate::train::{Stop, Training};
use crate::{Error, Result};

use Kind::{By, One};

/// The name of each measure in a study file, and how it is measured; `keys.txt` says what it is.
const ALL: &[(&str, Kind)] = &[
    ("accuracy", One(|run| Ok(run.session()?.accuracy().into()))),
    ("accuracy_by", By(accuracy_by)),
    ("ideal", One(ideal)),
    ("error", One(|run| Ok(run.session()?.rms_error().into()))),
    ("threshold", By(|run, by| one(run.fit(by)?.threshold.value))),
    ("width", By(|run, by| one(run.fit(by)?.width.value))),
    ("trials", One(|run| Ok(run.training.trials.into()))),
    ("trials_to_criterion", One(|run| Ok(run.to_criterion().into()))),
    ("updates", One(|run| Ok(run.training.updates.into()))),
    ("loss", One(|run| Ok(run.training.final_loss().into()))),
    ("fixed_points", One(fixed_points)),
];
/// What is measured if a study file does not say it.
const USUAL: [&str; 3] = ["accuracy", "error", "trials"];

/// Values, each with what is behind the name of the measure, or with that of its column.
type Values = Vec<(String, Value)>;

#[derive(Clone, Copy)]
enum Kind {
    /// One value.
    One(fn(&Ended<'_>) -> Result<Value>),
    /// Values over a column of the test's trials: what is behind the name of each, and the value.
    By(fn(&Ended<'_>, &str) -> Result<Values>),
}

fn one(value: f64) -> Result<Values> {
    Ok(vec![(String::new(), value.into())])
}

fn accuracy_by(run: &Ended<'_>, column: &str) -> Result<Values> {
    let session = run.session()?;
    let share = |rows: &[usize]| {
        let known: Vec<bool> = rows.iter().filter_map(|&row| session.correct[row]).collect();
        known.iter().filter(|&&correct| correct).count() as f64 / known.len() as f64
    };
    let levels = session.trials().groups(column)?;
    Ok(levels.iter().map(|(level, rows)| (format!("={level}"), share(rows).into())).collect())
}

/// The share that anybody could get right of as many trials of the test's task: others than the test's, which are drawn under a seed of their own.
fn ideal(run: &Ended<'_>) -> Result<Value> {
    let test = run.run.specification().test();
    Ok(test.task().ideal(&IdealObserver::default().trials(test.trials).seed(test.seed))?.accuracy.into())
}

/// How many states there are that stand still without input and noise, as far as they were found.
fn fixed_points(run: &Ended<'_>) -> Result<Value> {
    let simulator = run.run.network()?.simulator()?;
    Ok(FixedPoints::default().of(&simulator, run.session()?)?.points.len().into())
}

/// A run that has ended.
pub(super) struct Ended<'a> {
    run: &'a Run,
    training: &'a Training,
    session: OnceCell<Session>,
}

impl<'a> Ended<'a> {
    pub(super) fn new(run: &'a Run, training: &'a Training) -> Self {
        Self { run, training, session: OnceCell::new() }
    }

    /// The test, run once, and only for what needs it.
    fn session(&self) -> Result<&Session> {
        if self.session.get().is_none() {
            let mut session = self.run.test()?;
            session.batch = session.batch.with_signed()?;
            drop(self.session.set(session));
        }
        self.session.get().ok_or_else(|| Error::argument("test", "one that was run", "none"))
    }

    fn fit(&self, column: &str) -> Result<PsychometricFit> {
        Psychometric::default().fit(&self.session()?.choices_by(column, 1)?)
    }

    fn to_criterion(&self) -> Option<usize> {
        (self.training.stop == Stop::Reached).then_some(self.training.trials)
    }
}

/// A measure of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Json", try_from = "Json")]
pub(super) struct Measure {
    name: String,
    column: Option<String>,
}

impl From<Measure> for Json {
    fn from(measure: Measure) -> Self {
        match measure.column {
            None => measure.name.into(),
            Some(column) => object!({ measure.name: column }),
        }
    }
}

impl TryFrom<Json> for Measure {
    type Error = Error;

    fn try_from(given: Json) -> Result<Self> {
        Self::of("measures", &given)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, column } = self;
        f.write_str(name)?;
        column.iter().try_for_each(|column| write!(f, " {column}"))
    }
}

impl Measure {
    /// Those of a study file, or the usual ones.
    pub(super) fn all_of(given: Option<&Json>) -> Result<Vec<Self>> {
        let usual = object!(USUAL);
        let Some(list) = given.unwrap_or(&usual).as_array() else {
            return Err(wrong("measures", format!("it must be a list of {}", list())));
        };
        let measures: Vec<Self> =
            list.iter().enumerate().map(|(i, one)| Self::of(&format!("measures[{i}]"), one)).collect::<Result<_>>()?;
        match measures.iter().enumerate().find(|(i, measure)| measures[..*i].contains(measure)) {
            Some((i, _)) => Err(wrong(format!("measures[{i}]"), "it is there twice")),
            None => Ok(measures),
        }
    }

    fn of(key: &str, given: &Json) -> Result<Self> {
        let entry = given.as_object().filter(|entry| entry.len() == 1).and_then(|entry| entry.iter().next());
        let (name, column) = match (given.as_str(), entry) {
            (Some(name), _) => (name, None),
            (_, Some((name, Json::String(column)))) => (name.as_str(), Some(column.clone())),
            _ => return Err(wrong(key, format!("it must be one of {}, but it is {given}", list()))),
        };
        let Some((_, kind)) = ALL.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
            return Err(wrong(key, no_such("measure ", name, &names)));
        };
        match (kind, &column) {
            (By(_), None) => {
                Err(wrong(key, format!("it needs the name of a column: write {{ {name} = \"coherence\" }}")))
            }
            (One(_), Some(_)) => Err(wrong(key, format!("it is of no column: write \"{name}\""))),
            _ => Ok(Self { name: name.to_owned(), column }),
        }
    }

    /// Whether a column of the study's table may be called so by this measure.
    pub(super) fn takes(&self, name: &str) -> bool {
        name.strip_prefix(self.name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    /// Whether it gives a column of this name.
    pub(super) fn gives(&self, name: &str) -> bool {
        name.strip_prefix(self.to_string().as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    }

    /// An error if a specification's test has no such column.
    pub(super) fn check(&self, specification: &Specification) -> Result<()> {
        let Some(column) = &self.column else { return Ok(()) };
        let test = specification.test();
        let batch = test.task().batch(1, test.seed)?.with_signed()?;
        let names: Vec<&str> = batch.values.names().collect();
        match names.contains(&column.as_str()) {
            true => Ok(()),
            false => Err(wrong(format!("measures: {}", self.name), no_such("column ", column, &names))),
        }
    }

    /// The values, each with the name of its column.
    pub(super) fn measure(&self, run: &Ended<'_>) -> Result<Values> {
        let kind = ALL.iter().find(|(name, _)| *name == self.name).map(|(_, kind)| *kind);
        match (kind, &self.column) {
            (Some(By(measure)), Some(column)) => {
                let named = |(rest, value)| (format!("{self}{rest}"), value);
                Ok(measure(run, column)?.into_iter().map(named).collect())
            }
            (Some(One(measure)), None) => Ok(vec![(self.name.clone(), measure(run)?)]),
            _ => Ok(Vec::new()),
        }
    }
}

/// The measures as a study file names them.
fn list() -> String {
    let spelled = |(name, kind): &(&str, Kind)| match kind {
        One(_) => format!("\"{name}\""),
        By(_) => format!("{{ {name} = \"a column\" }}"),
    };
    ALL.iter().map(spelled).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_name_every_measure() {
        let words: Vec<&str> = include_str!("keys.txt").split(|c: char| c != '_' && !c.is_alphanumeric()).collect();
        assert!(ALL.iter().all(|(name, _)| words.contains(name)));
        assert!(USUAL.iter().all(|name| Measure::of("", &object!(name)).is_ok()));
    }
}
