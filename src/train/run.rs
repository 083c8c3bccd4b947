//! A run of training: update after update, checks and checkpoints between them, until it ends.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ndarray::Axis;

use super::checkpoint::Checkpoints;
use super::progress::told;
use super::report::Position;
use super::rows::Rows;
use super::saves::Saves;
use super::update::{Updated, Updater};
use super::validation::Plan;
use super::{Backend, Curriculum, Observer, Progress, Reporter, Silent, Stop, Trainer, Training};
use crate::caught::caught_in;
use crate::network::{Memory, Network};
use crate::task::{Batch, TrialSource};
use crate::{Error, Result, interrupt, threads};

impl Trainer {
    /// Trains the network, and shows progress: a bar in a terminal, a line a second elsewhere.
    ///
    /// Ctrl-C or Jupyter's stop button ends it after the current update; the report then says
    /// [`Stop::Interrupted`]. So does a signal to end, [`Stop::Terminated`]. Train
    /// again to go on. The report of training that ended with an error is in [`Training::of`].
    ///
    /// # Errors
    /// If the task does not fit the network, if an argument makes no sense, if there is not enough memory for the batches and the
    /// activity that is kept of them, if code of yours fails or panics (the task, the loss, a metric; the network is then as after
    /// the update before), or if training diverges:
    /// the loss or a weight becomes NaN or infinite, or the norm of a gradient exceeds 1e10, which is PyCog's bound. The network
    /// then has the last weights whose loss was a number, and the optimizer starts afresh when training is called again.
    pub fn train(&self, network: &mut dyn Network, task: &dyn TrialSource) -> Result<Training> {
        self.with_reporter(|observer| self.train_observed(network, task, observer))
    }

    /// Trains the network, watched by an observer of your own, which is told everything also where the trainer is
    /// [`silent`](Trainer::silent).
    ///
    /// # Errors
    /// As [`Trainer::train`].
    pub fn train_observed(
        &self,
        network: &mut dyn Network,
        task: &dyn TrialSource,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        self.run(network, &Plan::of_task(self, task)?, observer)
    }

    /// Trains the network on the stages of a curriculum, until the last is passed or all updates are done.
    ///
    /// # Errors
    /// As [`Trainer::train`], and as [`Curriculum::check`].
    pub fn train_curriculum(&self, network: &mut dyn Network, curriculum: &Curriculum) -> Result<Training> {
        self.with_reporter(|observer| self.train_curriculum_observed(network, curriculum, observer))
    }

    /// Trains the network on a curriculum, watched by an observer of your own.
    ///
    /// # Errors
    /// As [`Trainer::train_curriculum`].
    pub fn train_curriculum_observed(
        &self,
        network: &mut dyn Network,
        curriculum: &Curriculum,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        self.run(network, &Plan::of_curriculum(self, curriculum)?, observer)
    }

    fn with_reporter<T>(&self, train: impl FnOnce(&mut dyn Observer) -> T) -> T {
        if self.silent { train(&mut Silent) } else { train(&mut Reporter::default()) }
    }

    /// Trains on all stages of a plan, if all arguments make sense.
    pub(super) fn run(
        &self,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        let _one_thread = OneTorchThread::new();
        let whose = "the task, the loss, a penalty, the metric, the schedule or the network";
        let (updates, backend) = caught_in(whose, || self.ready(network, plan))?;
        let n_threads = self.threads.unwrap_or_else(threads::threads);
        let device = self.device.ready()?;
        let mut train = |network: &mut dyn Network| {
            let run = Run { trainer: self, plan, updates, backend, device, start: Instant::now() };
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
        memory.carried.retain(|_, states| self.carry_state && states.len_of(Axis(0)) == self.n_rows());
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
    backend: Backend,
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
        let saves = Saves::open(trainer, network.parameters().memory.total, self.updates, again)?;

        let ended = self.updates(network, &mut at, (&mut checkpoints, &saves), observer, &work);
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
        (checkpoints, saves): (&mut Option<Checkpoints>, &Option<Saves<'_>>),
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
        let mut updater = Updater::new(trainer, self.backend, self.device);
        let mut ahead = None;
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
            if self.rows(at.stage, first)?.begin {
                network.parameters_mut().memory.carried.clear();
            }
            let updated = thread::scope(|scope| {
                let (stage, next) = (at.stage, first + trainer.batch_size as u64);
                let drawing = (update < updates && n_threads > 1)
                    .then(|| scope.spawn(move || threads::with_threads(n_threads, || self.draw(stage, next))));
                let updated = caught_in("the loss, a penalty, the schedule or the network", || {
                    updater.update(network, &batch, update)
                });
                ahead = drawing.and_then(|drawing| drawing.join().ok()).map(|batch| (stage, batch));
                updated
            });
            let Updated { loss, omega } = updated.map_err(|error| updater.retreat(error, network, &at.training))?;
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
            if let Some(saves) = saves {
                saves.write(network, update, observer)?;
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
            backend: self.backend,
            device: self.trainer.device,
            seconds: 0.0,
            seconds_drawing: 0.0,
            seed: self.trainer.seed,
        }
    }

    /// The batch of a stage that begins with this trial. Its seed is named, so that a test batch drawn under the trainer's seed
    /// holds other trials.
    fn draw(&self, stage: usize, first: u64) -> Result<Batch> {
        let source = self.plan.stages[stage].0;
        let rows = self.rows(stage, first)?;
        let batch = caught_in("the task", || rows.draw(source, self.trainer.seed.child("training")))?;
        batch.check()?;
        if !batch.is_scored() {
            self.trainer.check_scored(source)?;
        }
        Ok(batch)
    }

    /// The rows of the batch of a stage that begins with this trial.
    fn rows(&self, stage: usize, first: u64) -> Result<Rows> {
        let spec = caught_in("the task", || self.plan.stages[stage].0.spec())?;
        Ok(self.trainer.rows(&spec, first))
    }

    /// Checks the network after an update, and goes on to the next stage if the goal of this one is reached.
    fn check(&self, network: &mut dyn Network, at: &mut Position, observer: &mut dyn Observer) -> Result<()> {
        let fresh;
        let batch = match self.plan.validation {
            Some(batch) => batch,
            None => {
                // Under a seed of their own, so that no trial is one that was trained on, and none that another check had: as many
                // numbers belong to each trial of training.
                let (source, after) = (self.plan.stages[at.stage].0, network.parameters().memory.trials);
                fresh = caught_in("the task", || {
                    let rows = self.trainer.rows_of_check(&source.spec()?, after, self.plan.trials)?;
                    rows.draw(source, self.trainer.seed.child("checks"))
                })?;
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
