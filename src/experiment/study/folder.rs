//! The folder of a study.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::claim::Claims;
use super::design::{Design, Plan, Planned};
use super::measures::Measure;
use crate::experiment::failure::{in_file, wrong_file};
use crate::experiment::filled::json;
use crate::experiment::{Run, Specification};
use crate::table::Value;
use crate::{Error, Result, file};

/// The design with all its runs; a folder with this file is a study. With what came in later it is `study.2.json` and so on: a file
/// that is there is left as it is.
const PLAN: &str = "study.json";
/// The design as it was written.
const AS_GIVEN: [&str; 2] = ["as-given.toml", "as-given.json"];

/// A study in its folder: the runs of a [`Design`], of which some may be done, and others are being done at this moment by other
/// processes.
///
/// The folder holds the design as given and complete (`study.json`), a [`Run`] for each of its runs in `runs/`, what was measured of
/// those that have ended in `results/`, and in `claims/` who does which. Given a design with more runs, see [`Study::begin`], it grows.
#[derive(Clone)]
pub struct Study {
    pub(super) folder: PathBuf,
    pub(super) plan: Plan,
    /// The number of its plan.
    newest: usize,
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

impl Outcome {
    /// Whether there is nothing left to do: the run did not fail, and of these measures each was taken or could not be.
    pub(super) fn is_whole(&self, measures: &[Measure]) -> bool {
        let is_there = |measure: &Measure| {
            let could_not = format!("no {measure}: ");
            let is_missing = || self.missing.iter().any(|why| why.starts_with(&could_not));
            self.measures.iter().any(|(name, _)| measure.gives(name)) || is_missing()
        };
        self.error.is_none() && measures.iter().all(is_there)
    }
}

impl Study {
    /// The study of a design in a folder: a new one if there is none.
    ///
    /// A study that is there grows if the design has all of its runs, and others: more values, more seeds, one more key. Those that it
    /// has keep their names, their networks and what was measured. A run is the same if its specification is. If the design has all of
    /// its measures, and others, runs that have ended are measured again by the next [`Study::train`], and not trained again.
    ///
    /// # Errors
    /// If there is a study in the folder that has other runs, or measures that the design lacks: says what differs. If there is something else in it, or
    /// if it cannot be written.
    pub fn begin(design: &Design, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !Self::is_in(folder) {
            if folder.exists() && !is_begun_or_empty(folder)? {
                let problem = "there are files in it that are of no study: name another folder";
                return Err(wrong_file(folder, problem));
            }
            for part in ["runs", "results", "claims"] {
                let part = folder.join(part);
                fs::create_dir_all(&part).map_err(|source| Error::io("create", part, source))?;
            }
            write(folder, 1, &design.plan, design)?;
        }
        Self::open(folder)?.grown_to(design)
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
        let path = |number: usize| folder.join(numbered(PLAN, number));
        let newest = (2..).take_while(|&number| path(number).exists()).last().unwrap_or(1);
        Ok(Self { folder: folder.to_owned(), plan: file::read_json(&path(newest), "study")?, newest })
    }

    /// Whether there is a study in a folder.
    #[must_use]
    pub fn is_in(folder: impl AsRef<Path>) -> bool {
        folder.as_ref().join(PLAN).exists()
    }

    /// The study of a file in a folder: that in the folder, which grows if the file has more runs, and otherwise a new one.
    ///
    /// # Errors
    /// As [`Design::read`] and [`Study::begin`].
    pub fn of(file: impl AsRef<Path>, folder: impl AsRef<Path>) -> Result<Self> {
        if Self::is_in(&folder) {
            let this = Self::open(&folder)?;
            // Its runs were checked when they came in, which takes longer than all else where there are many.
            if this.plan.is(&Design::unchecked(file.as_ref())?) {
                return Ok(this);
            }
        }
        Self::begin(&Design::read(file)?, folder)
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

    /// This study with all runs of a design that has those of this one.
    fn grown_to(self, design: &Design) -> Result<Self> {
        if self.plan.is(&design.plan) {
            return Ok(self);
        }
        let plan = design.plan.clone().with_those_of(&self.plan).map_err(|error| in_file(error, Some(&self.folder)))?;
        let size = |plan: &Plan| (plan.runs.len(), plan.measures.len());
        if size(&plan) == size(&self.plan) {
            return Ok(self);
        }
        // Somebody else may have made it grow at this moment.
        write(&self.folder, self.newest + 1, &plan, design)?;
        Self::open(&self.folder)?.grown_to(design)
    }
}

/// The name of a file of which there are several.
fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.').filter(|_| number > 1) {
        Some((name, ending)) => format!("{name}.{number}.{ending}"),
        None => name.to_owned(),
    }
}

/// Writes a plan, if nobody has written one of this number, and as it was given, for people.
fn write(folder: &Path, number: usize, plan: &Plan, design: &Design) -> Result<()> {
    let text = format!("{:#}\n", json(plan));
    if file::create_whole(&folder.join(numbered(PLAN, number)), text.as_bytes())?.is_some() {
        let copy = folder.join(numbered(AS_GIVEN[usize::from(design.given.is_json)], number));
        fs::write(&copy, &design.given.text).map_err(|source| Error::io("write", copy, source))?;
    }
    Ok(())
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
