//! What a study is to be: read from a file, with every run checked before anything starts.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json as object};

use super::measures::Measure;
use super::names::names;
use super::vary::{Axis, axes};
use crate::experiment::Specification;
use crate::experiment::failure::{in_file, wrong};
use crate::experiment::filled::{filled, no_such};
use crate::experiment::given::Given;
use crate::random::Seed;
use crate::{Error, Result, threads};

/// The keys of a study file.
const KEYS: &[&str] = &["base", "vary", "measures", "seed"];
/// The columns that the table of every study has.
pub(super) const COLUMNS: [&str; 4] = ["run", "state", "seconds", "failure"];
/// More runs than anybody waits for.
const MOST: usize = 100_000;

/// What is trained in a study: a specification, what varies, and what is measured. It makes sense: each of its runs was made a
/// [`Specification`] when it was read.
#[derive(Clone)]
pub struct Design {
    /// As it was written.
    pub(super) given: Given,
    pub(super) plan: Plan,
    notes: Vec<String>,
}

/// A design with all its runs, as a study keeps it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What all runs have in common.
    pub(super) base: Json,
    /// The folder in which the files lie that the base names.
    pub(super) folder: std::path::PathBuf,
    pub(super) measures: Vec<Measure>,
    pub(super) runs: Vec<Planned>,
}

/// A run of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) name: String,
    /// The value of each column: of a key that varies, or the name of a condition.
    pub(super) settings: Map<String, Json>,
    /// What is set in the base.
    changes: Map<String, Json>,
}

impl Design {
    /// Reads a file in TOML or JSON. Files that it names lie beside it.
    ///
    /// # Errors
    /// If it cannot be read, at the first key that is unknown or has a value that makes no sense, and at the first run whose
    /// specification makes none: the error names the key and the run.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::of(Given::read(path.as_ref())?)
    }

    /// What a text in TOML or JSON says. Files that it names lie in the folder in which the program runs.
    ///
    /// ```
    /// # use psychrnn::experiment::Design;
    /// let design = Design::from_text(r#"
    ///     base.task.name = "random_dots"
    ///     base.trainer.updates = 1000
    ///     [vary]
    ///     network.noise = [0.0, 0.1]
    ///     network.seed = { from = 1, to = 3 }
    /// "#)?;
    /// let names: Vec<&str> = design.names().collect();
    /// assert_eq!(names.len(), 6);
    /// assert_eq!(names[1], "noise=0 seed=2");
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Design::read`].
    pub fn from_text(text: &str) -> Result<Self> {
        Self::of(Given::of_text(text)?)
    }

    /// The names of all runs, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plan.runs.iter().map(|run| run.name.as_str())
    }

    /// The specification of a run.
    ///
    /// # Errors
    /// If there is no run of that name.
    pub fn specification(&self, name: &str) -> Result<Specification> {
        self.plan.specification(self.plan.run(name)?)
    }

    /// What was taken for what in the specifications, a sentence each; see [`Specification::notes`].
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn of(given: Given) -> Result<Self> {
        let file = given.file.clone();
        let plan = Plan::of(&given).map_err(|error| in_file(error, file.as_deref()))?;
        let notes = plan.check().map_err(|error| in_file(error, file.as_deref()))?;
        Ok(Self { given, plan, notes })
    }

    /// As [`Design::read`], without the specifications of its runs: of what a study has already, which were made when it began.
    pub(super) fn unchecked(path: &Path) -> Result<Plan> {
        let given = Given::read(path)?;
        Plan::of(&given).map_err(|error| in_file(error, Some(path)))
    }
}

impl fmt::Debug for Design {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Design of {} runs", self.plan.runs.len())
    }
}

impl Plan {
    fn of(given: &Given) -> Result<Self> {
        let Some(all) = given.value.as_object() else {
            return Err(wrong("all of it", "it must be a table with the keys `base` and `vary`"));
        };
        if let Some(unknown) = all.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let part = "; keys of a specification stand in [base]";
            return Err(wrong(unknown, format!("{}{part}", no_such("key ", unknown, KEYS))));
        }
        let base = match all.get("base") {
            Some(Json::Object(base)) => Given::of_values(Json::Object(base.clone()), &given.folder),
            Some(Json::String(path)) => Given::read(&given.folder.join(path))?,
            Some(other) => {
                let problem =
                    format!("it must be a table that is a specification, or the path of one, but it is {other}");
                return Err(wrong("base", problem));
            }
            None => return Err(wrong("base", "it must be there: a table that is a specification, or the path of one")),
        };
        let seed: Seed = match all.get("seed") {
            Some(seed) => filled("seed", &Seed(0), seed)?,
            None => Seed(0),
        };
        let axes = axes(all.get("vary").unwrap_or(&object!({})), seed)?;
        let measures = Measure::all_of(all.get("measures"))?;
        let taken =
            |name: &String| COLUMNS.contains(&name.as_str()) || measures.iter().any(|measure| measure.takes(name));
        if let Some(name) = axes.iter().flat_map(|axis| &axis.columns).find(|name| taken(name)) {
            return Err(wrong(
                format!("vary.{name}"),
                "a column of the study's table has this name: name it otherwise",
            ));
        }
        let folder = std::path::absolute(base.folder.join(".")).unwrap_or(base.folder);
        Ok(Self { runs: runs(&axes)?, base: base.value, folder, measures })
    }

    /// Makes the specification of each run, and gives what was taken for what.
    fn check(&self) -> Result<Vec<String>> {
        let check = |run: &Planned| -> Result<Vec<String>> {
            let specification = self.specification(run)?;
            let in_run = |error| named(error, &run.name);
            self.measures.iter().try_for_each(|measure| measure.check(&specification)).map_err(in_run)?;
            Ok(specification.notes().to_vec())
        };
        let notes = threads::map(self.runs.iter().collect(), check)?;
        Ok(notes.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect())
    }

    pub(super) fn specification(&self, run: &Planned) -> Result<Specification> {
        let changes: Vec<_> = run.changes.iter().map(|(key, value)| (key, value.clone())).collect();
        let base = Given::of_values(self.base.clone(), &self.folder);
        let made = base.with(&changes).and_then(Specification::of);
        made.map_err(|error| named(error, &run.name))
    }

    pub(super) fn run(&self, name: &str) -> Result<&Planned> {
        self.runs.iter().find(|run| run.name == name).ok_or_else(|| {
            let runs = self.runs.iter().map(|run| run.name.as_str());
            Error::argument("run", "the name of one of the study's", no_such("run ", name, &runs.collect::<Vec<_>>()))
        })
    }
}

/// What is wrong, in which run.
fn named(error: Error, run: &str) -> Error {
    match error {
        Error::Specification { file, key, problem } => {
            Error::Specification { file, key, problem: format!("{problem} (in the run {run})") }
        }
        error => error,
    }
}

/// Each combination of rows, the last axis fastest.
fn runs(axes: &[Axis]) -> Result<Vec<Planned>> {
    let n = axes.iter().fold(1_usize, |n, axis| n.saturating_mul(axis.rows.len()));
    if n > MOST {
        return Err(wrong("vary", format!("these are {n} runs; {MOST} are the most")));
    }
    let mut combinations = vec![Vec::new()];
    for axis in axes {
        let longer = |old: Vec<usize>| (0..axis.rows.len()).map(move |row| [&old[..], &[row]].concat());
        combinations = combinations.into_iter().flat_map(longer).collect();
    }
    let names = names(axes, &combinations);
    let runs: Vec<Planned> =
        combinations.iter().zip(names).map(|(combination, name)| planned(axes, combination, name)).collect();
    let mut seen = BTreeSet::new();
    match runs.iter().find(|run| !seen.insert(run.name.to_lowercase())) {
        Some(twice) => Err(wrong("vary", format!("two runs are the same: {}", twice.name))),
        None => Ok(runs),
    }
}

fn planned(axes: &[Axis], combination: &[usize], name: String) -> Planned {
    let (mut settings, mut changes) = (Map::new(), Map::new());
    for (axis, &row) in axes.iter().zip(combination) {
        settings.extend(axis.columns.iter().cloned().zip(axis.rows[row].values.iter().cloned()));
        changes.extend(axis.rows[row].changes.iter().cloned());
    }
    Planned { name, settings, changes }
}
