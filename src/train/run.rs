//! A run of training: update after update, checks and checkpoints between them, until it ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ndarray::{ArrayD, Axis};

use super::checkpoint::{Checkpoints, Position};
use super::trainer::Updated;
use super::validation::Plan;
use super::{CheckpointEvent, Observer, Path, Progress, Stop, Trainer, Training};
use crate::caught::caught_in;
use crate::dynamics::Pool;
use crate::network::{Memory, Network};
use crate::simulate::check_fit;
use crate::task::{Batch, TrialSource};
use crate::weights::Weights;
use crate::{Error, Result, interrupt, threads};

impl Trainer {
    /// Trains on all stages of a plan, if all arguments make sense.
    pub(super) fn run(
        &self,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        let _one_thread = OneTorchThread::new();
        let whose = "the task, the loss, a penalty, the metric, the schedule or the network";
        let (updates, path) = caught_in(whose, || self.ready(network, plan))?;
        let n_threads = self.threads.unwrap_or_else(threads::threads);
        let device = self.device.ready()?;
        let mut train = |network: &mut dyn Network| {
            let run = Run { trainer: self, plan, updates, path, device, start: Instant::now() };
            threads::with_threads(n_threads, || run.train(network, observer))
        };
        if device == tch::Device::Cpu {
            return train(network);
        }
        let result = network.move_to(device).and_then(|()| train(network));
        // Whatever happened: everything else expects it there.
        network.move_to(tch::Device::Cpu)?;
        result
    }

    /// How many updates there are to be, and by which path, if all arguments make sense.
    fn ready(&self, network: &dyn Network, plan: &Plan<'_>) -> Result<(usize, Path)> {
        let updates = self.check()?;
        let sizes = network.sizes();
        for (source, _) in &plan.stages {
            let spec = source.spec()?;
            spec.check()?;
            check_fit(&spec, sizes.n_in, sizes.n_out, sizes.dt, network.constants().as_ref())?;
        }
        if let Some(constants) = network.constants() {
            self.loss.check(constants.readout())?;
        }
        if let Some(validation) = plan.validation {
            validation.check()?;
            if !validation.is_scored() {
                let expected = "other than 0 somewhere: no error counts, so that nothing could be judged";
                return Err(Error::argument("mask of the validation", expected, "0 everywhere"));
            }
            check_fit(&validation.spec, sizes.n_in, sizes.n_out, sizes.dt, network.constants().as_ref())?;
        }
        if network.parameters().iter().all(|(_, parameter)| !parameter.trainable) {
            return Err(Error::argument("freeze", "for some parameters only: nothing is left to train", "all of them"));
        }
        let done = network.parameters().memory.total;
        self.schedule.check(done..done.saturating_add(updates as u64))?;
        let path = self.chosen_path(network)?;
        if self.vanishing_gradient > 0.0
            && (path, network.constants().is_some_and(|one| one.is_leaky())) != (Path::Kernel, true)
        {
            let expected =
                "0, unless the kernel trains a leaky network: only there the adjoints of the states are known";
            return Err(Error::argument("vanishing_gradient", expected, self.vanishing_gradient));
        }
        if self.carry_state && network.initial_state().is_none() {
            let expected =
                "false for this network, which has no one state to begin a trial with (Network::initial_state)";
            return Err(Error::argument("carry_state", expected, true));
        }
        self.check_memory(network, plan, path)?;
        plan.check_measurable(self, network)?;
        Ok((updates, path))
    }

    /// An error if nothing counts in the trials that a source gives: then nothing would be learned, at a loss of 0.
    fn check_scored(&self, source: &dyn TrialSource) -> Result<()> {
        const LOOKED_AT: u64 = 1000;
        // Where few trials count, a small batch may be without.
        for first in (0..LOOKED_AT).step_by(self.batch_size) {
            if source.trials(first..first + self.batch_size as u64, self.seed.child("training"))?.is_scored() {
                return Ok(());
            }
        }
        let expected = "other than 0 somewhere: no error counts, so that nothing would be learned";
        Err(Error::argument("mask", expected, format!("0 in all of the first {LOOKED_AT} trials")))
    }

    /// Readies what the network remembers of earlier training: what was best then was so by other checks, and states are carried over
    /// where they still belong to a row.
    fn prepare(&self, memory: &mut Memory) {
        memory.best.clear();
        memory.carried.retain(|_, states| self.carry_state && states.len_of(Axis(0)) == self.batch_size);
        self.renew(memory);
    }

    /// Another optimizer than the one that left its moments starts afresh.
    fn renew(&self, memory: &mut Memory) {
        if memory.optimizer != self.optimizer.name() {
            *memory = Memory {
                optimizer: self.optimizer.name().to_owned(),
                total: memory.total,
                trials: memory.trials,
                best: std::mem::take(&mut memory.best),
                ..Memory::default()
            };
        }
    }
}

/// One run.
struct Run<'a> {
    trainer: &'a Trainer,
    plan: &'a Plan<'a>,
    /// How many there are to be.
    updates: usize,
    path: Path,
    device: tch::Device,
    start: Instant,
}

impl Run<'_> {
    fn train(&self, network: &mut dyn Network, observer: &mut dyn Observer) -> Result<Training> {
        let (trainer, work) = (self.trainer, interrupt::watch());
        // Before the checkpoint that replaces what is remembered.
        trainer.prepare(&mut network.parameters_mut().memory);
        let mut at = Position { training: self.report(), stage: 0 };
        let mut checkpoints = caught_in("the task, the network or the observer", || {
            Checkpoints::open(trainer, network, self.plan, &mut at, observer)
        })?;
        trainer.renew(&mut network.parameters_mut().memory);
        let again = checkpoints.as_ref().is_some_and(|checkpoints| checkpoints.again);
        if !again {
            trainer.check_unsaved(network.parameters().memory.total, self.updates)?;
        }

        let ended = self.updates(network, &mut at, (&mut checkpoints, again), observer, &work);
        at.training.stop = match &ended {
            Ok(stop) => *stop,
            Err(Error::Diverged { .. }) => Stop::Diverged,
            Err(_) => Stop::Failed,
        };
        // Whatever the end is: what there is stays.
        network.parameters_mut().memory.report = Some(Box::new(at.training.clone()));
        let ended = match ended {
            Ok(_) => checkpoints.map_or(Ok(()), Checkpoints::close),
            Err(Error::Diverged { update, what, value, best, .. }) => {
                let checkpoint = checkpoints.and_then(|checkpoints| checkpoints.retreat(&at.training));
                Err(Error::Diverged { update, what, value, best, checkpoint })
            }
            Err(error) => {
                if let Some(mut checkpoints) = checkpoints.filter(|checkpoints| !checkpoints.has(at.training.updates)) {
                    // Of the two errors the first is the one to be told.
                    drop(told(|| checkpoints.write(network, &at, observer)));
                }
                Err(error)
            }
        };
        let heard = told(|| observer.end(&at.training));
        ended.and(heard).map(|()| at.training)
    }

    /// Update after update, until the end; why it is one.
    fn updates(
        &self,
        network: &mut dyn Network,
        at: &mut Position,
        (checkpoints, again): (&mut Option<Checkpoints>, bool),
        observer: &mut dyn Observer,
        work: &interrupt::Work,
    ) -> Result<Stop> {
        let (trainer, plan, updates) = (self.trainer, self.plan, self.updates);
        let checks_at = |update: usize| plan.checks(trainer) && update.is_multiple_of(plan.every);
        // A check that failed is made up for.
        if at.training.updates > 0
            && at.stage < plan.stages.len()
            && checks_at(at.training.updates)
            && at.training.checks.last().is_none_or(|check| check.update < at.training.updates)
        {
            self.check(network, at, observer)?;
        }
        if at.training.updates > 0
            && let Some(stop) = self.ended(at, None)
        {
            return Ok(stop);
        }
        at.training.stop = Stop::Unfinished;
        let seconds_before = at.training.seconds;
        let pool = Pool::default();
        let (mut ahead, mut good) = (None, BTreeMap::new());
        for update in at.training.updates + 1..=updates {
            let waiting = Instant::now();
            let first = network.parameters().memory.trials;
            let batch = match ahead.take() {
                Some((of, batch)) if of == at.stage => batch,
                _ => self.draw(at.stage, first),
            }?;
            at.training.seconds_drawing += waiting.elapsed().as_secs_f64();
            // The next batch is drawn while this update computes. An error in it counts only if it is needed.
            let n_threads = threads::threads();
            let updated = thread::scope(|scope| {
                let (stage, next) = (at.stage, first + trainer.batch_size as u64);
                let drawing = (update < updates && n_threads > 1)
                    .then(|| scope.spawn(move || threads::with_threads(n_threads, || self.draw(stage, next))));
                let updated = caught_in("the loss, a penalty, the schedule or the network", || {
                    trainer.update(network, &batch, (self.path, self.device), &pool, update, &mut good)
                });
                ahead = drawing.and_then(|drawing| drawing.join().ok()).map(|batch| (stage, batch));
                updated
            });
            let Updated { loss, omega } = updated.map_err(|error| retreat(error, network, &good, &at.training))?;
            if let Some(checkpoints) = checkpoints {
                checkpoints.judge(loss, &at.training);
            }
            let memory = &mut network.parameters_mut().memory;
            memory.total += 1;
            memory.trials = first + trainer.batch_size as u64;
            at.training.updates = update;
            at.training.trials = update * trainer.batch_size;
            if update % trainer.record_every == 0 {
                at.training.losses.push(loss);
                at.training.recorded.push(update);
                at.training.omegas.extend(omega);
            }
            if let Some(path) = trainer.saved_as(network, update) {
                trainer.check_same(network, &path, again)?;
                if let Err(error) =
                    caught_in("the network", || network.weights()).and_then(|weights| weights.save(path))
                {
                    let event = CheckpointEvent::NotSaved { problem: error.to_string() };
                    told(|| observer.checkpoint(&event))?;
                }
            }
            let stage = at.stage;
            if checks_at(update) {
                self.check(network, at, observer)?;
            }
            let elapsed = self.start.elapsed();
            at.training.seconds = seconds_before + elapsed.as_secs_f64();
            let progress = Progress {
                update,
                updates,
                trials: at.training.trials,
                loss,
                omega,
                stage,
                metric: at.training.checks.last().map(|check| check.value),
                error: at.training.checks.last().map(|check| check.error),
                elapsed: elapsed + Duration::from_secs_f64(seconds_before),
            };
            told(|| observer.update(&progress))?;
            let stop = self.ended(at, Some(work));
            at.training.stop = stop.unwrap_or(Stop::Unfinished);
            if let Some(checkpoints) = checkpoints
                && (stop.is_some() || checkpoints.is_due(update))
            {
                told(|| checkpoints.write(network, at, observer))?;
            }
            if let Some(stop) = stop {
                return Ok(stop);
            }
        }
        Ok(Stop::Finished)
    }

    /// The report of a run that has not begun.
    fn report(&self) -> Training {
        Training {
            updates: 0,
            trials: 0,
            batch_size: self.trainer.batch_size,
            losses: Vec::new(),
            recorded: Vec::new(),
            omegas: Vec::new(),
            checks: Vec::new(),
            best: None,
            changes: Vec::new(),
            stop: Stop::Unfinished,
            path: self.path,
            device: self.trainer.device,
            seconds: 0.0,
            seconds_drawing: 0.0,
            seed: self.trainer.seed,
        }
    }

    /// The batch of a stage that begins with this trial. Its seed is named, so that a test batch drawn under the trainer's seed
    /// holds other trials.
    fn draw(&self, stage: usize, first: u64) -> Result<Batch> {
        let numbers = first..first + self.trainer.batch_size as u64;
        let source = self.plan.stages[stage].0;
        let batch = caught_in("the task", || source.trials(numbers, self.trainer.seed.child("training")))?;
        batch.check()?;
        if !batch.is_scored() {
            self.trainer.check_scored(source)?;
        }
        Ok(batch)
    }

    /// Checks the network after an update, and goes on to the next stage if the goal of this one is reached.
    fn check(&self, network: &mut dyn Network, at: &mut Position, observer: &mut dyn Observer) -> Result<()> {
        let fresh;
        let batch = match self.plan.validation {
            Some(batch) => batch,
            None => {
                // Under a seed of their own, so that no trial is one that was trained on, and none that another check had: as many
                // numbers belong to each trial of training.
                let (seed, n) = (self.trainer.seed.child("checks"), self.plan.trials as u64);
                let numbers = network
                    .parameters()
                    .memory
                    .trials
                    .checked_mul(n)
                    .and_then(|first| Some(first..first.checked_add(n)?));
                let numbers = numbers.ok_or_else(|| Error::argument("check_trials", "fewer", n))?;
                fresh = caught_in("the task", || self.plan.stages[at.stage].0.trials(numbers, seed))?;
                &fresh
            }
        };
        let check = caught_in("a check (the metric, the goal, the loss or the network)", || {
            self.plan.check(self.trainer, network, batch, at)
        })?;
        if self.plan.is_better(self.trainer.best_by, &check, at.training.best.as_ref()) {
            at.training.best = Some(check);
            let values = network.parameters().values()?;
            network.parameters_mut().memory.best = values;
        }
        at.training.checks.push(check);
        // Before the observer is told, which may panic: the next stage is reached all the same.
        at.stage += usize::from(check.passed);
        told(|| observer.check(&check))
    }

    /// Why training ends now, if it does.
    fn ended(&self, at: &Position, work: Option<&interrupt::Work>) -> Option<Stop> {
        let (trainer, training) = (self.trainer, &at.training);
        let ends = [
            (at.stage == self.plan.stages.len(), Stop::Reached),
            (training.updates >= self.updates, Stop::Finished),
            (work.is_some_and(|work| work.is_terminated()), Stop::Terminated),
            (work.is_some_and(|work| work.is_interrupted()), Stop::Interrupted),
            (trainer.patience.is_some_and(|checks| training.checks_since_best() >= checks), Stop::Patience),
            (trainer.time_limit.is_some_and(|limit| self.start.elapsed().as_secs_f64() >= limit), Stop::TimeUp),
        ];
        ends.into_iter().find_map(|(ended, stop)| ended.then_some(stop))
    }
}

/// After an explosion: back to the weights from before the last step, which is what exploded. The optimizer remembers that step,
/// so it is to start afresh.
fn retreat(
    error: Error,
    network: &mut dyn Network,
    good: &BTreeMap<String, ArrayD<f32>>,
    training: &Training,
) -> Error {
    let Error::Diverged { update, what, value, .. } = error else { return error };
    let parameters = network.parameters_mut();
    parameters.memory.optimizer.clear();
    match parameters.set_values(good) {
        Ok(()) => {
            Error::Diverged { update, what, value, best: training.best.map(|best| best.update), checkpoint: None }
        }
        Err(error) => error,
    }
}

impl Trainer {
    /// Where the weights are saved after this update, if they are.
    fn saved_as(&self, network: &dyn Network, update: usize) -> Option<PathBuf> {
        let (every, folder) = self.save_every.as_ref()?;
        let number = network.parameters().memory.total;
        update.is_multiple_of(*every).then(|| folder.join(format!("weights-{number:06}.npz")))
    }

    /// An error if there are other weights than the network's in the place for them, which would be lost. A run that is done again
    /// has the same; `again` tells that it goes on from a checkpoint and may have saved them before.
    fn check_same(&self, network: &dyn Network, path: &std::path::Path, again: bool) -> Result<()> {
        if again || !path.exists() {
            return Ok(());
        }
        let weights = caught_in("the network", || network.weights())?;
        match Weights::load(path) {
            Ok(there) if there.has_arrays_of(&weights) => Ok(()),
            _ => Err(Error::argument("save_every", FREE_FOLDER, format!("one with {}", path.display()))),
        }
    }

    /// An error if there are weights in the folder for them which are later than those after so many updates, and which so many more
    /// updates will not come upon.
    fn check_unsaved(&self, done: u64, updates: usize) -> Result<()> {
        let Some((every, folder)) = &self.save_every else { return Ok(()) };
        let number = |name: &str| name.strip_prefix("weights-")?.strip_suffix(".npz")?.parse::<u64>().ok();
        let present = std::fs::read_dir(folder).map_err(|source| Error::io("read", folder, source))?;
        let foreign = |path: &PathBuf| {
            let number = path.file_name().and_then(|name| number(name.to_str()?)).unwrap_or(0);
            let ours = number <= done + updates as u64 && number.saturating_sub(done).is_multiple_of(*every as u64);
            number > done && !ours
        };
        match present.filter_map(|entry| Some(entry.ok()?.path())).find(foreign) {
            None => Ok(()),
            Some(path) => Err(Error::argument("save_every", FREE_FOLDER, format!("one with {}", path.display()))),
        }
    }
}

/// What [`Trainer::save_every`] asks for.
const FREE_FOLDER: &str =
    "a folder without weights of later updates from another run: name another one, or remove these";

/// What an observer is told; it may panic, too.
fn told(tell: impl FnOnce()) -> Result<()> {
    caught_in("the observer", || {
        tell();
        Ok(())
    })
}

/// libtorch held to one thread as long as anybody trains: the order of its own sums depends on the number of threads, which is one
/// for the whole program.
pub(super) struct OneTorchThread(());

/// How many trainings hold it, and how many threads there were before the first.
static HELD: Mutex<(usize, i32)> = Mutex::new((0, 0));

impl OneTorchThread {
    pub(super) fn new() -> Self {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0 == 0 {
            held.1 = tch::get_num_threads();
        }
        held.0 += 1;
        // By each of them: libtorch remembers the number for each thread that asked for one before.
        tch::set_num_threads(1);
        Self(())
    }
}

impl Drop for OneTorchThread {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 -= 1;
        if held.0 == 0 {
            tch::set_num_threads(held.1);
        }
    }
}
