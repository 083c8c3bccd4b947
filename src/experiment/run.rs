//! A run: a folder with its specification, its checkpoints, its log, and what came out.

use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Specification;
use super::failure::{wrong, wrong_file};
use super::filled::json;
use super::given::Given;
use super::words;
use crate::network::Network;
use crate::random::Seed;
use crate::simulate::Session;
use crate::train::{Check, CheckpointEvent, Observer, Progress, Reporter, Silent, Trainer, Training};
use crate::{Error, Result, file, notebook};

/// The complete specification, from which a run goes on.
const SPECIFICATION: &str = "specification.json";
/// What was given when it began, by which it is known whether that was edited.
const BEGUN: &str = "begun.json";
/// The specification as it was written.
const AS_GIVEN: [&str; 2] = ["as-given.toml", "as-given.json"];

/// A run in its folder: what [`Specification::train`] or `psychrnn train` did there, or does at this moment.
///
/// The folder holds the specification as given and complete (`specification.json`), `checkpoints/`, a log, and in the end `weights.npz`
/// (the last ones), `best.npz` (the best ones in validation) and `training.json`.
#[derive(Clone)]
pub struct Run {
    folder: PathBuf,
    specification: Specification,
    /// What was given, where it is to be written into the folder or may be.
    begun: Option<Begun>,
    /// The specification and what was given are not those in the folder.
    is_changed: bool,
    threads: Option<usize>,
}

/// What was given.
#[derive(Clone, Serialize, Deserialize)]
struct Begun {
    /// The folder of the specification, in which the files lie that it names.
    folder: PathBuf,
    given: Json,
    /// How long, and to which goal, the run goes on since: keys of the trainer.
    #[serde(default)]
    longer: Map<String, Json>,
}

impl Begun {
    /// The specification with what was changed since.
    fn lengthen(&self, specification: Specification) -> Result<Specification> {
        if self.longer.is_empty() {
            return Ok(specification);
        }
        let changes = self.longer.iter().map(|(key, value)| (format!("trainer.{key}"), value.clone()));
        specification.with_all(&changes.collect::<Vec<_>>())
    }
}

impl Run {
    /// A new run, to be trained.
    ///
    /// # Errors
    /// If there is a run in the folder, or if it cannot be written.
    pub fn begin(specification: &Specification, folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if Self::is_in(folder) {
            return Err(wrong_file(folder, "there is a run in it: open that one, or name another folder"));
        }
        fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        // As it was written, for people; the complete one, which comes last, for `open`.
        let Given { text, is_json, value, folder: beside, .. } = &specification.given;
        let copy = folder.join(AS_GIVEN[usize::from(*is_json)]);
        fs::write(&copy, text).map_err(|source| Error::io("write", &copy, source))?;
        let beside = std::path::absolute(beside.join(".")).unwrap_or_else(|_| beside.clone());
        let begun = Begun { folder: beside, given: value.clone(), longer: Map::new() };
        let mut this = Self {
            folder: folder.to_owned(),
            specification: specification.clone(),
            begun: Some(begun),
            is_changed: true,
            threads: None,
        };
        this.write_specification()?;
        Ok(this)
    }

    /// The run in a folder.
    ///
    /// # Errors
    /// If there is none, or if its specification is damaged.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        if !Self::is_in(folder) {
            return Err(wrong_file(folder, format!("there is no run in it: a run has a file {SPECIFICATION}")));
        }
        let specification = Specification::read(folder.join(SPECIFICATION))?;
        Ok(Self { folder: folder.to_owned(), specification, begun: None, is_changed: false, threads: None })
    }

    /// Whether there is a run in a folder.
    #[must_use]
    pub fn is_in(folder: impl AsRef<Path>) -> bool {
        folder.as_ref().join(SPECIFICATION).exists()
    }

    /// The run of a specification in a folder: a new one if there is none.
    pub(super) fn of(specification: &Specification, folder: &Path) -> Result<Self> {
        if !Self::is_in(folder) {
            specification.notes().iter().for_each(|note| notebook::warn(note));
            return Self::begin(specification, folder);
        }
        let this = Self::open(folder)?;
        let wanted = match this.begun()? {
            Some(begun) => begun.lengthen(specification.clone())?,
            None => specification.clone(),
        };
        match differences(&this.specification.complete, &wanted.complete) {
            others if others.is_empty() => Ok(this),
            others => Err(wrong_file(
                folder,
                format!(
                    "there is a run of another specification in it: {}. Name another folder; or open the run, and change its trainer \
                     by `set`",
                    others.join("; ")
                ),
            )),
        }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is trained on what: its task, its trainer, its trials of validation and of tests.
    #[must_use]
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// How many cores [`Run::train`] uses; by default what the specification says, or all. The result is the same for any number.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Another value at a key of the trainer, for what is still to be trained: `run.set("trainer.updates", 8000)?` lets a run that has
    /// ended go on. It is written down when training begins, and stays.
    ///
    /// # Errors
    /// If the key is not one of the trainer, or as [`Specification::with`]. That the run cannot go on with it is an error of
    /// [`Run::train`].
    pub fn set(&mut self, key: &str, value: impl Serialize) -> Result<()> {
        let Some(word) = key.strip_prefix("trainer.") else {
            return Err(wrong(
                key,
                "of a run only keys of the trainer can be set; what else it is about stays as it began",
            ));
        };
        let value = json(&value);
        let specification = self.specification.with_all(&[(key, value.clone())])?;
        let mut begun = self.known()?;
        if let Some(begun) = &mut begun {
            let others = words::others(key);
            begun.longer.retain(|old, _| others.is_empty() || words::others(&format!("trainer.{old}")).is_empty());
            begun.longer.insert(word.to_owned(), value);
        }
        (self.specification, self.begun, self.is_changed) = (specification, begun, true);
        Ok(())
    }

    /// What was edited in the specification as given, a file in the folder, since the run began. It goes on with what it began with,
    /// unless these are taken over, see [`Run::take_edits`].
    ///
    /// # Errors
    /// If what the run wrote down when it began is damaged.
    pub fn edits(&self) -> Result<Vec<String>> {
        let (Some(begun), Some(path)) = (self.known()?, self.as_given()) else { return Ok(Vec::new()) };
        Ok(match Given::read(&path) {
            Ok(now) => differences(&begun.given, &now.value),
            Err(error) => vec![format!("it cannot be read any more: {error}")],
        })
    }

    /// Takes over what was edited in the specification as given since the run began: learning rate, clipping, goal, …
    ///
    /// # Errors
    /// If nothing was edited, or as [`Specification::read`]. That the run cannot go on with it is an error of [`Run::train`].
    pub fn take_edits(&mut self) -> Result<()> {
        let (Some(mut begun), Some(path)) = (self.known()?, self.as_given()) else {
            return Err(wrong_file(&self.folder, "there is no specification as it was given in it"));
        };
        let given = Given::read(&path)?;
        if given.value == begun.given {
            return Err(wrong_file(&path, "nothing was edited in it since the run began"));
        }
        begun.given = given.value.clone();
        let specification = Specification::of(Given { folder: begun.folder.clone(), ..given })?;
        (self.specification, self.is_changed) = (begun.lengthen(specification)?, true);
        self.begun = Some(begun);
        Ok(())
    }

    /// Trains from the newest checkpoint on, or from the start, and writes down what came out. It may be killed at any time: called
    /// again, it ends with the same weights, bit for bit. Progress is shown as by [`Trainer::train`].
    ///
    /// # Errors
    /// As [`Trainer::train`]; also if the folder cannot be written, or if the checkpoints in it are of another specification. After an
    /// explosion the run goes on from a checkpoint before it, with what is then [`set`](Run::set) otherwise: a smaller
    /// `trainer.learning_rate`, or `trainer.clip`.
    pub fn train(&mut self) -> Result<Training> {
        match self.specification.is_silent() {
            true => self.train_observed(&mut Silent),
            false => self.train_observed(&mut Reporter::default()),
        }
    }

    /// As [`Run::train`], watched by an observer of your own in place of the progress that is shown.
    ///
    /// # Errors
    /// As [`Run::train`].
    pub fn train_observed(&mut self, observer: &mut dyn Observer) -> Result<Training> {
        let mut network = self.specification.network()?;
        let mut trainer = self.saving(self.specification.trainer()?).resume();
        if let Some(threads) = self.threads {
            trainer = trainer.threads(threads);
        }
        let specification = self.specification.clone();
        let folder = self.folder.clone();
        let mut log = Log::open(self, observer)?;
        let trained = match specification.curriculum() {
            None => trainer.train_observed(network.as_mut(), specification.task(), &mut log),
            Some(curriculum) => trainer.train_curriculum_observed(network.as_mut(), curriculum, &mut log),
        };
        if let Err(error) = &trained {
            log.line(&format!("failed: {error}"));
        }
        if let Some(error) = log.failed.take() {
            return Err(error);
        }
        // Up to an error, too.
        let report = Training::of(network.as_ref());
        let saved = report.as_ref().map_or(Ok(()), |training| training.save(folder.join("training.json")));
        let training = trained?;
        saved?;
        network.weights()?.save(folder.join("weights.npz"))?;
        if training.best.is_some() {
            network.use_best()?;
            network.weights()?.save(folder.join("best.npz"))?;
        }
        Ok(training)
    }

    /// What training did up to the newest checkpoint, also while it goes on.
    ///
    /// # Errors
    /// If there is no whole checkpoint.
    pub fn training(&self) -> Result<Training> {
        Training::of(self.last_network()?.as_ref())
    }

    /// The network of the newest checkpoint with its best weights, those of the best check; without checks with its last ones.
    ///
    /// # Errors
    /// As [`Run::training`].
    pub fn network(&self) -> Result<Box<dyn Network>> {
        let mut network = self.last_network()?;
        if Training::of(network.as_ref())?.best.is_some() {
            network.use_best()?;
        }
        Ok(network)
    }

    /// The network of the newest checkpoint with its last weights.
    ///
    /// # Errors
    /// As [`Run::training`].
    pub fn last_network(&self) -> Result<Box<dyn Network>> {
        let mut network = self.specification.network()?;
        self.saving(self.specification.trainer.clone()).restore(network.as_mut())?;
        Ok(network)
    }

    /// What the network, with its best weights, does on the trials that the specification's `[test]` says: 1000, of seed 0, if that says
    /// nothing. They are done as in training, see [`Specification::session`].
    ///
    /// # Errors
    /// As [`Run::training`], or if there is not enough memory.
    pub fn test(&self) -> Result<Session> {
        self.specification.session(self.network()?.as_ref(), &self.specification.test().draw()?)
    }

    /// As [`Run::test`], on another number of trials, under another seed.
    ///
    /// # Errors
    /// As [`Run::test`].
    pub fn test_with(&self, trials: usize, seed: impl Into<Seed>) -> Result<Session> {
        let mut held_out = self.specification.test().clone();
        (held_out.trials, held_out.seed) = (trials, seed.into());
        self.specification.session(self.network()?.as_ref(), &held_out.draw()?)
    }

    fn saving(&self, trainer: Trainer) -> Trainer {
        trainer.checkpoint(self.folder.join("checkpoints"), self.specification.every)
    }

    /// The specification as it was written.
    fn as_given(&self) -> Option<PathBuf> {
        AS_GIVEN.iter().map(|name| self.folder.join(name)).find(|path| path.exists())
    }

    /// What was given, as it is to be written or as it stands in the folder, if it does.
    fn known(&self) -> Result<Option<Begun>> {
        self.begun.clone().map_or_else(|| self.begun(), |begun| Ok(Some(begun)))
    }

    /// What was given, as it stands in the folder, if it does.
    fn begun(&self) -> Result<Option<Begun>> {
        let path = self.folder.join(BEGUN);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| wrong_file(&path, format!("it is not what a run writes there ({error})"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path, error)),
        }
    }

    /// Writes down what the run is to be, if that is not in the folder.
    fn write_specification(&mut self) -> Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let write = |name: &str, what: &Json| -> Result<()> {
            let path = self.folder.join(name);
            file::write_whole(&path, |to| writeln!(to, "{what:#}").map_err(|source| Error::io("write", &path, source)))
        };
        if let Some(begun) = &self.begun {
            write(BEGUN, &json(begun))?;
        }
        write(SPECIFICATION, &self.specification.complete)?;
        self.is_changed = false;
        Ok(())
    }
}

impl Specification {
    /// Trains in a folder. If a run of this specification is in it already, it goes on where it was, or has its network at once if it has
    /// ended: a cell may be run again.
    ///
    /// # Errors
    /// As [`Run::train`]; also if there is a run of another specification in the folder.
    pub fn train(&self, folder: impl AsRef<Path>) -> Result<Run> {
        let mut run = Run::of(self, folder.as_ref())?;
        run.train()?;
        Ok(run)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What differs between two values, by the path to each.
pub(super) fn differences(then: &Json, now: &Json) -> Vec<String> {
    const LONGEST: usize = 200;
    fn gather(path: &str, then: Option<&Json>, now: Option<&Json>, found: &mut Vec<String>) {
        match (then, now) {
            (Some(Json::Object(before)), Some(Json::Object(after))) => {
                let new = after.keys().filter(|key| !before.contains_key(*key));
                for key in before.keys().chain(new) {
                    let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    gather(&below, before.get(key), after.get(key), found);
                }
            }
            _ if then != now => {
                let [then, now] = [then, now].map(|value| value.map_or("left out".to_owned(), Json::to_string));
                found.push(match then.len().max(now.len()) {
                    0..LONGEST => format!("{path} was {then}, and is {now}"),
                    // Such as a matrix.
                    _ => format!("{path} was another one"),
                });
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather("", Some(then), Some(now), &mut found);
    found
}

/// Writes what happens into a file, a line each time, and hands it on.
struct Log<'a> {
    run: &'a mut Run,
    file: File,
    start: Instant,
    observer: &'a mut dyn Observer,
    /// What went wrong beside training.
    failed: Option<Error>,
}

impl<'a> Log<'a> {
    fn open(run: &'a mut Run, observer: &'a mut dyn Observer) -> Result<Self> {
        let path = run.folder.join("log");
        let file = File::options().append(true).create(true).open(&path);
        let file = file.map_err(|source| Error::io("write", &path, source))?;
        Ok(Self { run, file, start: Instant::now(), observer, failed: None })
    }

    /// A log that cannot be written is no reason to stop.
    fn line(&mut self, line: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        if let Err(error) = writeln!(self.file, "{seconds:9.3} {line}") {
            notebook::warn(&format!("the log of {} cannot be written: {error}", self.run.folder.display()));
        }
    }
}

impl Observer for Log<'_> {
    fn update(&mut self, progress: &Progress) {
        self.observer.update(progress);
    }

    fn check(&mut self, check: &Check) {
        let Check { update, stage, value, loss, error, passed, .. } = check;
        let passed = if *passed { ", passed" } else { "" };
        self.line(&format!(
            "check {update}: stage {stage}, loss {loss:.6}, error {error:.6}, metric {value:.4}{passed}"
        ));
    }

    fn checkpoint(&mut self, event: &CheckpointEvent) {
        // Here a changed specification is found to be one with which the run can go on, and no checkpoint is one of it yet.
        if matches!(event, CheckpointEvent::Resumed { .. } | CheckpointEvent::Begun { .. }) {
            self.failed = self.run.write_specification().err().or(self.failed.take());
        }
        match event {
            CheckpointEvent::Resumed { update, path, changes } => {
                self.line(&format!("resumed {update} from {}", path.display()));
                changes.iter().for_each(|change| self.line(&format!("changed: {change}")));
            }
            CheckpointEvent::Begun { update } => self.line(&format!("checkpoint begun {update}")),
            CheckpointEvent::Written { update, .. } => self.line(&format!("checkpoint written {update}")),
            CheckpointEvent::Failed { problem } => self.line(&format!("checkpoint failed: {problem}")),
            CheckpointEvent::NotSaved { problem } => self.line(&format!("weights not saved: {problem}")),
        }
        self.observer.checkpoint(event);
    }

    fn end(&mut self, training: &Training) {
        self.line(&format!("{:?}: {training}", training.stop));
        self.observer.end(training);
    }
}
