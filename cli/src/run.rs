//! A run: a folder with its specification, its checkpoints, its log, and what came out.

use std::fs::{self, File};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use psychrnn::interrupt;
use psychrnn::prelude::*;
use psychrnn::train::{Check, CheckpointEvent, Observer, Progress, Reporter, Silent, Stop};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::failure::{Failure, Outcome, UNFINISHED};
use crate::filled::json;
use crate::specification::{Given, Specification, given};
use crate::{say, words};

/// The complete specification, from which a run goes on.
const SPECIFICATION: &str = "specification.json";
/// What was given when it began, by which it is known whether that was edited.
const BEGUN: &str = "begun.json";

/// A run in its folder.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) specification: Specification,
    begun: Option<Begun>,
    /// The specification and what was given are not those in the folder.
    is_changed: bool,
}

/// What was given.
#[derive(Serialize, Deserialize)]
struct Begun {
    /// The folder of the specification, in which the files lie that it names.
    folder: PathBuf,
    given: Json,
    /// How long, and to which goal, the run goes on since: keys of the trainer.
    #[serde(default)]
    longer: Map<String, Json>,
}

/// What may be said when a run goes on.
#[derive(clap::Args)]
pub(crate) struct Longer {
    /// Go on until so many trials were seen in all
    #[arg(long, conflicts_with = "updates", value_parser = words::count, allow_negative_numbers = true)]
    trials: Option<usize>,
    /// Go on until so many updates were done in all
    #[arg(long, value_parser = words::count, allow_negative_numbers = true)]
    updates: Option<usize>,
    /// Go on until the metric (accuracy) reaches this
    #[arg(long, value_parser = words::finite, allow_negative_numbers = true)]
    until: Option<f64>,
    /// Take over what was edited in as-given.toml since the run began: learning rate, clipping, goal, …
    #[arg(long)]
    edited: bool,
}

impl Longer {
    /// Keys of a trainer.
    fn keys(&self) -> Map<String, Json> {
        let keys = [
            ("trials", self.trials.map(Json::from)),
            ("updates", self.updates.map(Json::from)),
            ("until", self.until.map(Json::from)),
        ];
        keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// Puts keys into the section of the trainer, in the place of what they stand for there.
fn lengthen(given: &mut Json, longer: &Map<String, Json>) {
    let trainer = &mut given["trainer"];
    if trainer.is_null() {
        *trainer = Json::Object(Map::new());
    }
    let Some(trainer) = trainer.as_object_mut() else { return };
    if longer.contains_key("trials") || longer.contains_key("updates") {
        ["length", "trials", "updates"].iter().for_each(|key| drop(trainer.remove(*key)));
    }
    trainer.extend(longer.clone());
}

impl Run {
    /// A new run; its folder must not hold another one.
    pub(crate) fn begin(path: &Path, folder: Option<PathBuf>) -> Outcome<Self> {
        let Given { text, is_json, value: given } = given(path)?;
        let beside = path.parent().unwrap_or(Path::new(""));
        let specification = Specification::of(given.clone(), beside)?;
        let folder = match (folder, path.extension()) {
            (Some(folder), _) => folder,
            (None, _) if !path.is_file() => {
                let problem = "it is no file after which a run could be called: name a folder with --run";
                return Err(Failure::key(path.display().to_string(), problem));
            }
            (None, Some(_)) => path.with_extension(""),
            // It has the name of the specification already.
            (None, None) => path.with_extension("run"),
        };
        if folder.join(SPECIFICATION).exists() {
            let problem = format!(
                "there is a run in it: go on with `psychrnn resume {}`, or name another folder with --run",
                folder.display()
            );
            return Err(Failure::key(folder.display().to_string(), problem));
        }
        specification.notes.iter().for_each(say::beside);
        fs::create_dir_all(&folder).map_err(|source| Failure::io("create", &folder, source))?;
        // As it was written, for people; the complete one, which comes last, for `resume`.
        let copy = folder.join(if is_json { "as-given.json" } else { "as-given.toml" });
        fs::write(&copy, text).map_err(|source| Failure::io("write", &copy, source))?;
        let beside = std::path::absolute(beside).unwrap_or_else(|_| beside.to_owned());
        let begun = Some(Begun { folder: beside, given, longer: Map::new() });
        let mut this = Self { folder, specification, begun, is_changed: true };
        this.write_specification()?;
        Ok(this)
    }

    /// The run in a folder.
    pub(crate) fn open(folder: &Path) -> Outcome<Self> {
        let path = folder.join(SPECIFICATION);
        if !path.exists() {
            let problem = "there is no run in it: begin one with `psychrnn train SPECIFICATION`";
            return Err(Failure::key(folder.display().to_string(), problem));
        }
        let begun = fs::read_to_string(folder.join(BEGUN)).ok().and_then(|text| serde_json::from_str(&text).ok());
        let specification = Specification::read(&path)?;
        Ok(Self { folder: folder.to_owned(), specification, begun, is_changed: false })
    }

    /// The run in a folder, to go on in this way. What was edited since it began is told.
    pub(crate) fn reopen(folder: &Path, longer: &Longer) -> Outcome<Self> {
        let mut this = Self::open(folder)?;
        let now =
            ["as-given.toml", "as-given.json"].map(|name| folder.join(name)).into_iter().find(|path| path.exists());
        let keys = longer.keys();
        let mut given = this.specification.complete.clone();
        let mut beside = folder.to_owned();
        match (&mut this.begun, now) {
            (Some(begun), Some(path)) if longer.edited => {
                let now = self::given(&path)?.value;
                if differences(&begun.given, &now).is_empty() {
                    return Err(Failure::key("--edited", format!("nothing was edited in {}", path.display())));
                }
                begun.given = now.clone();
                (given, beside) = (now, begun.folder.clone());
                lengthen(&mut given, &begun.longer);
            }
            _ if longer.edited => {
                let problem = format!("there is no specification as it was given in {}", folder.display());
                return Err(Failure::key("--edited", problem));
            }
            (Some(begun), Some(path)) => {
                let file = path.display();
                let edited = match self::given(&path) {
                    Ok(now) => differences(&begun.given, &now.value),
                    Err(failure) => vec![format!("it cannot be read any more: {failure}")],
                };
                if !edited.is_empty() {
                    say::beside(format_args!("{file} was edited: {}", edited.join("; ")));
                    say::beside("the run goes on with what it began with; `--edited` takes this over");
                }
            }
            _ => {}
        }
        if longer.edited || !keys.is_empty() {
            lengthen(&mut given, &keys);
            this.specification = Specification::of(given, &beside)?;
            this.is_changed = true;
            if let Some(begun) = &mut this.begun {
                if keys.contains_key("trials") || keys.contains_key("updates") {
                    ["trials", "updates"].iter().for_each(|key| drop(begun.longer.remove(*key)));
                }
                begun.longer.extend(keys);
            }
        }
        Ok(this)
    }

    /// Writes down what the run is to be, if that is not in the folder.
    fn write_specification(&mut self) -> Outcome<()> {
        if !self.is_changed {
            return Ok(());
        }
        let write = |name: &str, what: &Json| -> Outcome<()> {
            let (aside, path) = (self.folder.join("specification.new"), self.folder.join(name));
            let write = || -> std::io::Result<()> {
                let mut file = File::create(&aside)?;
                writeln!(file, "{what:#}")?;
                file.sync_all()?;
                fs::rename(&aside, &path)
            };
            write().map_err(|source| Failure::io("write", &path, source))
        };
        if let Some(begun) = &self.begun {
            write(BEGUN, &json(begun))?;
        }
        write(SPECIFICATION, &self.specification.complete)?;
        self.is_changed = false;
        Ok(())
    }

    /// Trains from the newest checkpoint on, or from the start, and writes down what came out.
    pub(crate) fn train(&mut self, threads: Option<usize>) -> Outcome<()> {
        let work = interrupt::watch();
        let mut network = self.specification.network()?;
        let mut trainer = self.saving(self.specification.trainer()?).resume();
        if let Some(threads) = threads {
            trainer = trainer.threads(threads);
        }
        let (task, curriculum) = (self.specification.task.clone(), self.specification.curriculum.clone());
        let folder = self.folder.clone();
        let mut log = Log::open(self)?;
        let trained = match &curriculum {
            None => trainer.train_observed(network.as_mut(), &task, &mut log),
            Some(curriculum) => trainer.train_curriculum_observed(network.as_mut(), curriculum, &mut log),
        };
        if let Err(error) = &trained {
            log.line(&format!("failed: {error}"));
        }
        if let Some(failure) = log.failed.take() {
            return Err(failure);
        }
        // Up to an error, too.
        let report = Training::of(network.as_ref());
        let saved = report.as_ref().map_or(Ok(()), |training| training.save(folder.join("training.json")));
        let training = match trained {
            Ok(training) => training,
            Err(Error::Diverged { update, what, value, .. }) => return Err(self.diverged(update, &what, value)),
            Err(error) => return Err(error.into()),
        };
        saved?;
        network.weights()?.save(folder.join("weights.npz"))?;
        if training.best.is_some() {
            network.use_best()?;
            network.weights()?.save(folder.join("best.npz"))?;
        }
        let said = say::out(&training);
        let code = match training.stop {
            stop if stop.is_end() => return said,
            Stop::Interrupted | Stop::Terminated => work.signal().map_or(UNFINISHED, |signal| 128 + signal as u8),
            _ => UNFINISHED,
        };
        Err(Failure::Unfinished { code, what: self.not_finished(&training)? })
    }

    /// What is said of an explosion.
    fn diverged(&self, update: usize, what: &str, value: f64) -> Failure {
        let folder = self.folder.display();
        let last = self.restore(true).map_or(0, |(training, _)| training.updates);
        Failure::Diverged(format!(
            "training diverged at update {update}: {what} is {value}. The losses are in training.json, and the newest checkpoint, from \
             before the explosion, has {last} updates. To go on from there, edit as-given.toml in {folder} (a smaller learning_rate, or \
             clip = {{ global = 1.0 }}) and call `psychrnn resume {folder} --edited`; or begin another run with a smaller \
             spectral_radius"
        ))
    }

    /// That a run is not finished, and how it goes on.
    pub(crate) fn not_finished(&self, training: &Training) -> Outcome<String> {
        let (folder, all) = (self.folder.display(), self.specification.trainer()?.check()?);
        let why = match training.stop {
            Stop::Interrupted => "interrupted",
            Stop::Terminated => "told to end",
            Stop::TimeUp => "its time limit is over",
            _ => "not finished",
        };
        Ok(format!("{why}: update {} of {all}; `psychrnn resume {folder}` goes on", training.updates))
    }

    /// What training did up to its newest checkpoint, and the network: with its best weights, if there were checks and the last
    /// ones are not asked for.
    pub(crate) fn restore(&self, last: bool) -> Outcome<(Training, Box<dyn Network>)> {
        let mut network = self.specification.network()?;
        let training = self.saving(self.specification.trainer()?).restore(network.as_mut())?;
        if training.best.is_some() && !last {
            network.use_best()?;
        }
        Ok((training, network))
    }

    fn saving(&self, trainer: Trainer) -> Trainer {
        trainer.checkpoint(self.folder.join("checkpoints"), self.specification.every)
    }
}

/// What differs between two values, by the path to each.
fn differences(then: &Json, now: &Json) -> Vec<String> {
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
                found.push(format!("{path} was {then}, and is {now}"));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather("", Some(then), Some(now), &mut found);
    found
}

/// Writes what happens into a file, a line each time, and shows progress.
struct Log<'a> {
    run: &'a mut Run,
    file: File,
    start: Instant,
    reporter: Box<dyn Observer>,
    /// What went wrong beside training.
    failed: Option<Failure>,
}

impl<'a> Log<'a> {
    fn open(run: &'a mut Run) -> Outcome<Self> {
        let path = run.folder.join("log");
        let file = File::options().append(true).create(true).open(&path);
        let file = file.map_err(|source| Failure::io("write", &path, source))?;
        let reporter: Box<dyn Observer> =
            if run.specification.is_silent() { Box::new(Silent) } else { Box::new(Reporter::default()) };
        Ok(Self { run, file, start: Instant::now(), reporter, failed: None })
    }

    /// A log that cannot be written is no reason to stop.
    fn line(&mut self, line: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        if writeln!(self.file, "{seconds:9.3} {line}").is_err() && std::io::stderr().is_terminal() {
            say::beside(format_args!("the log cannot be written: {line}"));
        }
    }
}

impl Observer for Log<'_> {
    fn update(&mut self, progress: &Progress) {
        self.reporter.update(progress);
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
            _ => {}
        }
        self.reporter.checkpoint(event);
    }

    fn end(&mut self, training: &Training) {
        self.line(&format!("{:?}: {training}", training.stop));
        self.reporter.end(training);
    }
}
