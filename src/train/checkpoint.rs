//! Checkpoints: all that a run needs to go on, written whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::report::Position;
use super::trainer::check_sum;
use super::validation::Plan;
use super::{Change, CheckpointEvent, Every, Observer, Trainer, Training};
use crate::network::{Memory, Network};
use crate::npz::Npz;
use crate::{Error, Result, file};

/// The version of what is in a checkpoint.
const FORMAT: u32 = 1;
/// How many checkpoints are kept.
const GENERATIONS: usize = 2;
/// Of the trainer, what may change from one part of a run to the next, since the weights do not depend on it. Its goal is told by
/// stage.
const FREE: &[&str] = &["length", "patience", "time_limit", "threads", "memory", "silent", "until"];
/// What may be changed on the way, and is told: how the minimum is looked for, not which.
const CHANGEABLE: &[&str] = &[
    "optimizer",
    "learning_rate",
    "schedule",
    "clip",
    "vanishing_gradient",
    "record_every",
    "check_every",
    "check_trials",
    "backend",
    "device",
];
/// A loss that is so many times the usual one is that of an explosion.
const EXPLODING: f64 = 10.0;
/// How many recorded losses tell which is the usual one.
const USUAL: usize = 100;
/// How many trials show whether a task is the one of the checkpoint.
const PROBES: u64 = 4;

/// The goal, among what a run is about.
const GOAL: &str = "until";

/// The settings that may be changed on the way, as the section and the key of each.
fn changeable(sections: Vec<String>) -> impl Iterator<Item = (String, &'static str)> {
    let goals = sections.into_iter().filter(|section| section == "task" || section.starts_with("stage "));
    CHANGEABLE.iter().map(|key| ("trainer".to_owned(), *key)).chain(goals.map(|section| (section, GOAL)))
}

impl Trainer {
    /// Puts the newest checkpoint in the folder of [`Trainer::checkpoint`] into the network, and gives the report up to it, without
    /// training: to look at a run that still goes on, or was killed. Only that the parameters fit is asked for.
    ///
    /// # Errors
    /// If there is no folder or no whole checkpoint in it, or if the network has other parameters.
    pub fn restore(&self, network: &mut dyn Network) -> Result<Training> {
        let Some((folder, _)) = &self.checkpoint else {
            return Err(Error::argument("restore", "with the folder of `checkpoint`", "without"));
        };
        match newest(folder, |_| {})? {
            Some((state, arrays, _)) => {
                put(network, &state, arrays)?;
                network.parameters_mut().memory.report = Some(Box::new(state.training.clone()));
                Ok(state.training)
            }
            None => Err(Error::file(folder, "it is a folder without checkpoints")),
        }
    }
}

/// What a checkpoint holds besides arrays.
#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    /// What the run was about.
    about: Value,
    stage: usize,
    training: Training,
    optimizer: String,
    updates: u64,
    #[serde(default)]
    total: u64,
    trials: u64,
    /// The names of the arrays, which in the file have no check sum.
    arrays: Vec<String>,
}

/// Writes the checkpoints of a run.
pub(super) struct Checkpoints {
    folder: PathBuf,
    every: Every,
    about: Value,
    last: Instant,
    /// Why the last one could not be written.
    failed: Option<Error>,
    /// Whether the run goes on as it was, so that what came after the checkpoint comes again.
    pub(super) again: bool,
    /// The newest one that is whole, by its updates.
    newest: Option<usize>,
    /// The newest of which it is known that the loss of its weights was a usual one.
    good: Option<usize>,
    /// Held as long as the run lasts, so that no other one writes here.
    _lock: File,
}

impl Checkpoints {
    /// Opens the folder, if there is to be one. If the run in it is to go on, the network and `at` are then as they were there;
    /// otherwise the first checkpoint is written.
    pub(super) fn open(
        trainer: &Trainer,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        at: &mut Position,
        observer: &mut dyn Observer,
    ) -> Result<Option<Self>> {
        let Some((folder, every)) = &trainer.checkpoint else { return Ok(None) };
        fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        let lock = lock(folder)?;
        let about = about(trainer, network, plan)?;
        let mut this = Self {
            folder: folder.clone(),
            every: *every,
            about,
            last: Instant::now(),
            failed: None,
            again: false,
            newest: None,
            good: None,
            _lock: lock,
        };
        // What was killed while it wrote left these behind.
        for path in files(folder, is_aside)?.into_values() {
            drop(fs::remove_file(path));
        }
        let present = files(folder, number)?;
        if !trainer.resume && !present.is_empty() {
            let expected = "a folder without checkpoints, or go on from those with `resume()`";
            return Err(Error::argument("checkpoint", expected, folder.display()));
        }
        match this.resume(network, plan, observer)? {
            Some(position) => {
                this.newest = Some(position.training.updates);
                // The oldest was kept since those after it may be of an explosion.
                this.good = present.into_keys().next();
                *at = position;
            }
            None => {
                this.write(network, at, observer);
                // Where this one cannot be written, none can.
                if let Some(error) = this.failed.take() {
                    return Err(error);
                }
            }
        }
        Ok(Some(this))
    }

    /// Puts the newest whole checkpoint into the network.
    fn resume(
        &mut self,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Option<Position>> {
        let failed = |error: &Error| {
            observer.checkpoint(&CheckpointEvent::Failed { problem: error.to_string() });
        };
        let Some((state, arrays, path)) = newest(&self.folder, failed)? else { return Ok(None) };
        let changes = self.changes(&state, &path)?;
        put(network, &state, arrays)?;
        self.again = changes.is_empty();
        let State { stage, mut training, .. } = state;
        training.changes.extend(changes.iter().cloned());
        let mut at = Position { training, stage };
        if changes.iter().any(|change| change.setting.ends_with(GOAL)) {
            plan.judge_again(&mut at);
        }
        observer.checkpoint(&CheckpointEvent::Resumed { update: at.training.updates, path, changes });
        Ok(Some(at))
    }

    /// What is not as it was then. An error names the first thing that must be.
    fn changes(&self, then: &State, path: &Path) -> Result<Vec<Change>> {
        let (mut before, mut now) = (then.about.clone(), self.about.clone());
        let mut changes = Vec::new();
        let sections = now.as_object().map(|sections| sections.keys().cloned().collect()).unwrap_or_default();
        for (section, key) in changeable(sections) {
            let [from, to] = [&mut before, &mut now].map(|about| {
                let section = about.get_mut(&section).and_then(Value::as_object_mut);
                section.and_then(|section| section.remove(key)).unwrap_or_default()
            });
            if from != to {
                let setting = format!("{section}.{key}");
                changes.push(Change { update: then.training.updates, setting, from: short(&from), to: short(&to) });
            }
        }
        let (before, now) = (leaves(&before), leaves(&now));
        let missing = Value::Null;
        for key in before.keys().chain(now.keys()) {
            let [before, now] = [&before, &now].map(|leaves| leaves.get(key).unwrap_or(&missing));
            if before != now {
                let expected = format!("{}, as in the checkpoint {}", short(before), path.display());
                return Err(Error::argument(key, expected, short(now)));
            }
        }
        Ok(changes)
    }

    /// Whether it is time for the next one.
    pub(super) fn is_due(&self, update: usize) -> bool {
        match self.every {
            Every::Updates(every) => update.is_multiple_of(every),
            Every::Seconds(seconds) => self.last.elapsed().as_secs_f64() >= seconds,
        }
    }

    /// Writes one. Where that fails the older ones stay; the observer is told, and the next time it is tried again.
    pub(super) fn write(&mut self, network: &dyn Network, at: &Position, observer: &mut dyn Observer) {
        let update = at.training.updates;
        observer.checkpoint(&CheckpointEvent::Begun { update });
        let path = self.folder.join(name(update));
        self.failed = self.try_to_write(&path, network, at).err();
        if self.failed.is_none() {
            self.newest = Some(update);
        }
        observer.checkpoint(&match &self.failed {
            None => CheckpointEvent::Written { update, path },
            Some(error) => CheckpointEvent::Failed { problem: error.to_string() },
        });
        self.last = Instant::now();
    }

    /// Whether the newest one is of this update.
    pub(super) fn has(&self, update: usize) -> bool {
        self.newest == Some(update)
    }

    /// Takes note of a loss: it is about the weights after the update before.
    pub(super) fn judge(&mut self, loss: f64, training: &Training) {
        if self.newest == Some(training.updates) && self.good != self.newest {
            let recorded = &training.losses[training.losses.len().saturating_sub(USUAL)..];
            let mut sizes: Vec<f64> = recorded.iter().map(|loss| loss.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            if sizes.get(sizes.len() / 2).is_none_or(|usual| loss.abs() <= EXPLODING * usual) {
                self.good = self.newest;
            }
        }
    }

    /// After an explosion: takes away what was written since it began, and leaves its losses. Gives the newest that is left.
    pub(super) fn retreat(&self, training: &Training) -> Option<PathBuf> {
        let mut present = files(&self.folder, number).ok()?;
        if let Some(good) = self.good.filter(|good| present.contains_key(good)) {
            for exploding in present.split_off(&(good + 1)).into_values() {
                // It is only worse than others.
                drop(fs::remove_file(exploding));
            }
        }
        drop(training.save(self.folder.join(format!("diverged-{:08}.json", training.updates + 1))));
        present.pop_last().map(|(_, path)| path)
    }

    /// An error if the last one could not be written.
    pub(super) fn close(self) -> Result<()> {
        match self.failed {
            None => Ok(()),
            Some(error) => Err(Error::Checkpoint {
                problem: error.to_string(),
                kept: files(&self.folder, number).ok().and_then(|mut present| Some(present.pop_last()?.1)),
            }),
        }
    }

    fn try_to_write(&self, path: &Path, network: &dyn Network, at: &Position) -> Result<()> {
        // All of the memory: a checkpoint without a part of it would not compile.
        let Memory { optimizer, updates, total, trials, moments, best, carried, report: _ } =
            &network.parameters().memory;
        let parameters = network.parameters().values()?;
        let kinds = [("parameters", &parameters), ("moments", moments), ("best", best), ("carried", carried)];
        let arrays: Vec<(String, &ArrayD<f32>)> = kinds
            .iter()
            .flat_map(|(kind, arrays)| arrays.iter().map(move |(name, array)| (format!("{kind}/{name}"), array)))
            .collect();
        let state = State {
            format: FORMAT,
            about: self.about.clone(),
            stage: at.stage,
            training: at.training.clone(),
            optimizer: optimizer.clone(),
            updates: *updates,
            total: *total,
            trials: *trials,
            arrays: arrays.iter().map(|(name, _)| name.clone()).collect(),
        };
        let state = serde_json::to_vec(&state).map_err(|error| Error::io("write", path, error.into()))?;
        file::write_npz(path, |npz| {
            npz.list("state", state)?;
            arrays.iter().try_for_each(|(name, array)| npz.array(name, array.view()))
        })?;
        let present = files(&self.folder, number)?;
        let old = present.len().saturating_sub(GENERATIONS);
        for (_, path) in present.into_iter().take(old).filter(|(update, _)| Some(*update) != self.good) {
            // One too many does no harm.
            drop(fs::remove_file(path));
        }
        Ok(())
    }
}

/// Keeps a folder for this run.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| Error::io("write", &path, source))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
        // A file system without locks is no reason not to train.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
    }
}

/// The files of a folder by what their names say; those whose names say nothing are left out.
fn files<K: Ord>(folder: &Path, says: fn(&str) -> Option<K>) -> Result<BTreeMap<K, PathBuf>> {
    let read = |source| Error::io("read", folder, source);
    let mut paths = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        if let Some(key) = entry.file_name().to_str().and_then(says) {
            paths.insert(key, entry.path());
        }
    }
    Ok(paths)
}

/// The updates before a checkpoint of this name. What is not exactly such a name is somebody else's.
fn number(name: &str) -> Option<usize> {
    let number: usize = name.strip_prefix("checkpoint-")?.strip_suffix(".npz")?.parse().ok()?;
    (name == self::name(number)).then_some(number)
}

fn name(update: usize) -> String {
    format!("checkpoint-{update:08}.npz")
}

/// Whether a file is one that was to become a whole one.
fn is_aside(name: &str) -> Option<String> {
    let random = name.strip_prefix(".psychrnn-")?;
    (random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| name.to_owned())
}

type Arrays = BTreeMap<String, ArrayD<f32>>;

/// The newest checkpoint of a folder that is whole. `failed` is told of those that are not; if none is, that is an error.
fn newest(folder: &Path, mut failed: impl FnMut(&Error)) -> Result<Option<(State, Arrays, PathBuf)>> {
    let mut broken = None;
    for path in files(folder, number)?.into_values().rev() {
        match read(&path) {
            Ok((state, arrays)) => return Ok(Some((state, arrays, path))),
            Err(error) => {
                failed(&error);
                broken = broken.or(Some(error));
            }
        }
    }
    broken.map_or(Ok(None), Err)
}

/// A checkpoint, if it is whole: each part of the file has a check sum.
fn read(path: &Path) -> Result<(State, Arrays)> {
    let broken = |error: &dyn std::fmt::Display| Error::file(path, format!("it is not a whole checkpoint ({error})"));
    let mut npz = Npz::open(path)?;
    let state: Vec<u8> = npz.numbers("state")?.into_iter().collect();
    let mut state: Value = serde_json::from_slice(&state).map_err(|error| broken(&error))?;
    if state["format"] != FORMAT {
        let problem =
            format!("this version reads checkpoints of format {FORMAT}, and this one has format {}", state["format"]);
        return Err(Error::file(path, problem));
    }
    // A setting that had another name.
    if let Some(settings) = state.pointer_mut("/about/trainer").and_then(Value::as_object_mut)
        && let Some(backend) = settings.remove("path")
    {
        settings.insert("backend".to_owned(), backend);
    }
    add_later(&mut state["about"]);
    let state: State = serde_json::from_value(state).map_err(|error| broken(&error))?;
    let mut arrays = Arrays::new();
    for name in &state.arrays {
        arrays.insert(name.clone(), npz.numbers(name)?);
    }
    Ok((state, arrays))
}

/// Adds the settings that there were not yet when an older version wrote a checkpoint, as they then were: each to what is known by other
/// settings, a leaky network and its constants, initial weights, the senses of a task, a trainer.
fn add_later(value: &mut Value) {
    let Some(settings) = value.as_object_mut() else { return };
    for (known, later, was) in [
        (["transfer", "noise"], "form", json!("current")),
        (["recurrent", "inhibitory"], "state", json!([0.1, 0.01])),
        (["baseline", "rectify"], "while_on", json!(false)),
        (["vanishing_gradient", "carry_state"], "consecutive", json!(1)),
    ] {
        if known.iter().all(|known| settings.contains_key(*known)) {
            settings.entry(later).or_insert(was);
        }
    }
    settings.values_mut().for_each(add_later);
}

fn put(network: &mut dyn Network, state: &State, arrays: Arrays) -> Result<()> {
    let of = |kind: &str| -> Arrays {
        let named = |(name, array): (&String, &ArrayD<f32>)| {
            name.strip_prefix(kind).and_then(|name| name.strip_prefix('/')).map(|name| (name.to_owned(), array.clone()))
        };
        arrays.iter().filter_map(named).collect()
    };
    network.parameters_mut().set_values(&of("parameters"))?;
    network.parameters_mut().memory = Memory {
        optimizer: state.optimizer.clone(),
        updates: state.updates,
        total: state.total,
        trials: state.trials,
        moments: of("moments"),
        best: of("best"),
        carried: of("carried"),
        report: None,
    };
    Ok(())
}

/// What a run is about: all that the weights depend on, as far as it can be told.
fn about(trainer: &Trainer, network: &dyn Network, plan: &Plan<'_>) -> Result<Value> {
    let unwritable = |error: serde_json::Error| Error::argument("trainer", "writable as JSON", error);
    let mut settings = serde_json::to_value(trainer).map_err(unwritable)?;
    FREE.iter().for_each(|key| drop(settings.as_object_mut().and_then(|settings| settings.remove(*key))));
    // A curriculum has its own.
    settings["metric"] = plan.metric.describe().into();
    settings["check_every"] = plan.every.into();
    settings["check_trials"] = plan.trials.into();
    let sizes = network.sizes();
    let parameters: Map<String, Value> = network
        .parameters()
        .iter()
        .map(|(name, parameter)| (name.to_owned(), json!([parameter.value.size(), parameter.trainable])))
        .collect();
    let mut about = json!({
        "trainer": settings,
        "network": {
            "n_in": sizes.n_in, "n_rec": sizes.n_rec, "n_out": sizes.n_out, "dt": sizes.dt,
            "parameters": parameters,
            "config": network.weights()?.config::<Value>()?,
        },
    });
    for (i, (source, goal)) in plan.stages.iter().enumerate() {
        let name = if plan.stages.len() == 1 { "task".to_owned() } else { format!("stage {i}") };
        let trials = check_sum(&source.trials(0..PROBES, trainer.seed.child("training"))?);
        about[name] = json!({ "spec": source.spec()?, "trials": trials, GOAL: goal });
    }
    Ok(about)
}

/// A JSON value as it stands in a sentence: a matrix would be all of it.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = if value.is_null() { "none".to_owned() } else { value.to_string() };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The single values within a JSON value, by the path to each.
fn leaves(value: &Value) -> BTreeMap<String, Value> {
    fn gather(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                fields.iter().for_each(|(name, value)| gather(&below(name), value, found));
            }
            // The arrays of numbers that are here belong together.
            _ => drop(found.insert(path.to_owned(), value.clone())),
        }
    }
    let mut found = BTreeMap::new();
    gather("", value, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Rnn, RnnConfig};
    use crate::tasks::PerceptualDiscrimination;

    /// Takes settings of these names away, and says how many there were.
    fn without(value: &mut Value, names: &[&str]) -> usize {
        let Some(settings) = value.as_object_mut() else { return 0 };
        let gone = names.iter().filter(|name| settings.remove(**name).is_some()).count();
        gone + settings.values_mut().map(|value| without(value, names)).sum::<usize>()
    }

    #[test]
    fn a_run_goes_on_from_a_checkpoint_of_an_older_version() {
        let task = PerceptualDiscrimination::default().dt(20.0).duration(200.0);
        let network = || Rnn::new(&task, RnnConfig::default().units(4).seed(1)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let trainer = Trainer::default().batch_size(4).silent().checkpoint(folder.path(), Every::Updates(9)).resume();
        let mut first = network();
        trainer.clone().updates(2).train(&mut first, &task).unwrap();

        let path = folder.path().join(name(2));
        let (_, arrays) = read(&path).unwrap();
        let state = Npz::open(&path).unwrap().numbers("state").unwrap().into_iter().collect();
        let state = String::from_utf8(state).unwrap().replace("\"backend\":", "\"path\":");
        assert_eq!(state.matches("\"path\":").count(), 2);
        let mut state: Value = serde_json::from_str(&state).unwrap();
        assert_eq!(without(&mut state["about"], &["form", "state", "while_on", "consecutive"]), 5);
        let state = state.to_string();
        file::write_npz(&path, |npz| {
            npz.list("state", state.into_bytes())?;
            arrays.iter().try_for_each(|(name, array)| npz.array(name, array.view()))
        })
        .unwrap();
        let training = trainer.updates(3).train(&mut network(), &task).unwrap();
        assert_eq!((training.losses.len(), training.changes), (3, Vec::new()));
    }
}
