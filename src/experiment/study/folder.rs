//! The folder of a study.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json as object;

use super::claim::Claims;
use super::design::{Design, Plan, Planned};
use crate::experiment::failure::wrong_file;
use crate::experiment::filled::json;
use crate::experiment::run::differences;
use crate::experiment::{Run, Specification};
use crate::table::Value;
use crate::{Error, Result, file};

/// The design with all its runs; a folder with this file is a study.
const PLAN: &str = "study.json";
/// The design as it was written.
const AS_GIVEN: [&str; 2] = ["as-given.toml", "as-given.json"];
/// How many of the differences of two studies are told.
const TOLD: usize = 4;

/// A study in its folder: the runs of a [`Design`], of which some may be done, and others are being done at this moment by other
/// processes.
///
/// The folder holds the design as given and complete (`study.json`), a [`Run`] for each of its runs in `runs/`, what was measured of
/// those that have ended in `results/`, and in `claims/` who does which.
#[derive(Clone)]
pub struct Study {
    pub(super) folder: PathBuf,
    pub(super) plan: Plan,
}

/// What came out of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Why it failed, if it did.
    pub(super) error: Option<String>,
    /// The seconds that training took.
    #[serde(with = "crate::number")]
    pub(super) seconds: f64,
    /// What was measured, by the names of columns.
    pub(super) measures: Vec<(String, Value)>,
    /// What could not be measured, and why.
    pub(super) missing: Vec<String>,
}

impl Study {
    /// The study of a design in a folder: a new one if there is none.
    ///
    /// # Errors
    /// If there is another study in the folder: says what differs. If there is something else in it, or if it cannot be written.
    pub fn begin(design: &Design, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if Self::is_in(folder) {
            return Self::open(folder)?.same_as(&design.plan);
        }
        if folder.exists() && !is_begun_or_empty(folder)? {
            let problem = "there are files in it that are of no study: name another folder";
            return Err(wrong_file(folder, problem));
        }
        for part in ["runs", "results", "claims"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|source| Error::io("create", part, source))?;
        }
        let plan = format!("{:#}\n", json(&design.plan));
        // As it was written, for people; of others who begin a study here at the same moment one is first.
        if file::create_whole(&folder.join(PLAN), plan.as_bytes())?.is_some() {
            let copy = folder.join(AS_GIVEN[usize::from(design.given.is_json)]);
            fs::write(&copy, &design.given.text).map_err(|source| Error::io("write", copy, source))?;
        }
        Self::open(folder)?.same_as(&design.plan)
    }

    /// The study in a folder.
    ///
    /// # Errors
    /// If there is none, or if what it wrote down is damaged.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !Self::is_in(folder) {
            return Err(wrong_file(folder, format!("there is no study in it: a study has a file {PLAN}")));
        }
        Ok(Self { folder: folder.to_owned(), plan: file::read_json(&folder.join(PLAN), "study")? })
    }

    /// Whether there is a study in a folder.
    #[must_use]
    pub fn is_in(folder: impl AsRef<Path>) -> bool {
        folder.as_ref().join(PLAN).exists()
    }

    /// The study of a file in a folder: that in the folder, if it is of the design in the file, and otherwise a new one.
    ///
    /// # Errors
    /// As [`Design::read`] and [`Study::begin`].
    pub fn of(file: impl AsRef<Path>, folder: impl AsRef<Path>) -> Result<Self> {
        match Self::is_in(&folder) {
            // Its runs were checked when it began, which takes longer than all else where there are many.
            true => Self::open(folder)?.same_as(&Design::unchecked(file.as_ref())?),
            false => Self::begin(&Design::read(file)?, folder),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of its runs, in order.
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

    /// A run that has begun: its network, its training, its test.
    ///
    /// ```no_run
    /// use psychrnn::experiment::Study;
    /// let study = Study::open("noise")?;
    /// let network = study.run("noise=0.05 seed=3")?.network()?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is no run of that name, or if it has not begun.
    pub fn run(&self, name: &str) -> Result<Run> {
        Run::open(self.place(self.plan.run(name)?))
    }

    /// The folder of a run.
    pub(super) fn place(&self, run: &Planned) -> PathBuf {
        self.folder.join("runs").join(&run.name)
    }

    pub(super) fn claims(&self) -> Claims {
        Claims::of(&self.folder)
    }

    /// What came out of a run, if it has ended.
    pub(super) fn outcome(&self, run: &Planned) -> Result<Option<Outcome>> {
        let path = self.result(run);
        match file::read_json(&path, "result of a run") {
            Ok(outcome) => Ok(Some(outcome)),
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write_outcome(&self, run: &Planned, outcome: &Outcome) -> Result<()> {
        file::write_json(&self.result(run), outcome)
    }

    fn result(&self, run: &Planned) -> PathBuf {
        self.folder.join("results").join(format!("{}.json", run.name))
    }

    /// This study, if it is of that plan.
    fn same_as(self, wanted: &Plan) -> Result<Self> {
        let mut found = differences(&self.plan.common(), &wanted.common());
        let names = |plan: &Plan| -> Vec<String> { plan.runs.iter().map(|run| run.name.clone()).collect() };
        let (here, there) = (names(&self.plan), names(wanted));
        let beyond = |these: &[String], others: &[String], what: &str| {
            let others: std::collections::HashSet<&String> = others.iter().collect();
            let only: Vec<&str> = these.iter().filter(|name| !others.contains(name)).map(String::as_str).collect();
            (!only.is_empty()).then(|| format!("{} {what}, {} the first", only.len(), only[0]))
        };
        found.extend(beyond(&here, &there, "of its runs are not wanted"));
        found.extend(beyond(&there, &here, "of the wanted runs are not in it"));
        if found.is_empty() && self.plan.runs != wanted.runs {
            let other = self.plan.runs.iter().zip(&wanted.runs).find(|(run, wanted)| run != wanted);
            found.extend(other.map(|(run, _)| format!("the run {} is another one", run.name)));
        }
        if found.is_empty() {
            return Ok(self);
        }
        let more = if found.len() > TOLD { format!("; and {} more", found.len() - TOLD) } else { String::new() };
        found.truncate(TOLD);
        let problem = format!("there is another study in it: {}{more}. Name another folder", found.join("; "));
        Err(wrong_file(&self.folder, problem))
    }
}

impl Plan {
    /// What all runs have in common, to be compared.
    fn common(&self) -> serde_json::Value {
        object!({ "base": self.base, "measures": json(&self.measures) })
    }
}

/// Whether a folder has nothing in it, or only what a study that was killed as it began has left.
fn is_begun_or_empty(folder: &Path) -> Result<bool> {
    let failed = |source| Error::io("read", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with('.') || AS_GIVEN.contains(&&*name) || ["runs", "results", "claims"].contains(&&*name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl fmt::Debug for Study {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Study").field("folder", &self.folder).field("runs", &self.plan.runs.len()).finish()
    }
}
