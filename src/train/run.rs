//! A run of training: update after update, checks and checkpoints between them, until it ends.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

use ndarray::{ArrayD, Axis};

use super::checkpoint::{Checkpoints, Position};
use super::trainer::Updated;
use super::validation::Plan;
use super::{Observer, Path, Progress, Stop, Trainer, Training};
use crate::dynamics::Pool;
use crate::network::{Memory, Network};
use crate::simulate::check_fit;
use crate::task::Batch;
use crate::{Error, Result, interrupt, threads};

impl Trainer {
    /// Trains on all stages of a plan, if all arguments make sense.
    pub(super) fn run(
        &self,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        let updates = self.check()?;
        let sizes = network.sizes();
        for (source, _) in &plan.stages {
            let spec = source.spec();
            spec.check()?;
            check_fit(&spec, sizes.n_in, sizes.n_out, sizes.dt)?;
        }
        if let Some(constants) = network.constants() {
            self.loss.check(constants.readout())?;
        }
        if let Some(validation) = plan.validation {
            validation.check()?;
            check_fit(&validation.spec, sizes.n_in, sizes.n_out, sizes.dt)?;
        }
        if network.parameters().iter().all(|(_, parameter)| !parameter.trainable) {
            return Err(Error::argument("freeze", "for some parameters only: nothing is left to train", "all of them"));
        }
        let n_threads = self.threads.unwrap_or_else(threads::threads);
        let _one_thread = OneTorchThread::new();
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

    /// Readies what the network remembers of earlier training: another optimizer starts afresh, what was best then was so by other
    /// checks, and states are carried over where they still belong to a row.
    fn prepare(&self, memory: &mut Memory) {
        memory.best.clear();
        memory.carried.retain(|_, states| self.carry_state && states.len_of(Axis(0)) == self.batch_size);
        if memory.optimizer != self.optimizer.name() {
            *memory =
                Memory { optimizer: self.optimizer.name().to_owned(), trials: memory.trials, ..Memory::default() };
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
        let (trainer, plan, updates) = (self.trainer, self.plan, self.updates);
        let work = interrupt::watch();
        // Before the checkpoint that replaces what is remembered.
        trainer.prepare(&mut network.parameters_mut().memory);
        let mut at = Position { training: self.report(), stage: 0 };
        let mut checkpoints = Checkpoints::open(trainer, network, plan, &mut at, observer)?;
        if at.training.updates > 0
            && let Some(stop) = self.ended(&at, false)
        {
            at.training.stop = stop;
            observer.end(&at.training);
            return Ok(at.training);
        }
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
                let updated = trainer.update(network, &batch, (self.path, self.device), &pool, update, &mut good);
                let drawn = drawing.map(|drawing| drawing.join().unwrap_or_else(|panic| resume_unwind(panic)));
                ahead = drawn.map(|batch| (stage, batch));
                updated
            });
            let Updated { loss, omega } = updated.map_err(|error| retreat(error, network, &good, &at.training))?;
            network.parameters_mut().memory.trials = first + trainer.batch_size as u64;
            at.training.updates = update;
            at.training.trials = update * trainer.batch_size;
            if update % trainer.record_every == 0 {
                at.training.losses.push(loss);
                at.training.recorded.push(update);
                at.training.omegas.extend(omega);
            }
            if let Some((every, folder)) = &trainer.save_every
                && update % every == 0
            {
                let update = network.parameters().memory.updates;
                network.weights()?.save(folder.join(format!("weights-{update:06}.npz")))?;
            }
            let passed = plan.checks(trainer) && update % plan.every == 0 && self.check(network, &mut at, observer)?;
            let elapsed = self.start.elapsed();
            at.training.seconds = seconds_before + elapsed.as_secs_f64();
            observer.update(&Progress {
                update,
                updates,
                trials: at.training.trials,
                loss,
                omega,
                stage: at.stage,
                metric: at.training.checks.last().map(|check| check.value),
                elapsed: elapsed + Duration::from_secs_f64(seconds_before),
            });
            at.stage += usize::from(passed);
            let stop = self.ended(&at, work.is_interrupted());
            at.training.stop = stop.unwrap_or(Stop::Finished);
            if let Some(checkpoints) = &mut checkpoints
                && (stop.is_some() || checkpoints.is_due(update))
            {
                checkpoints.write(network, &at, observer);
            }
            if stop.is_some() {
                break;
            }
        }
        observer.end(&at.training);
        checkpoints.map_or(Ok(()), |checkpoints| checkpoints.close())?;
        Ok(at.training)
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
            stop: Stop::Finished,
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
        let batch = self.plan.stages[stage].0.trials(numbers, self.trainer.seed.child("training"))?;
        batch.check().map(|()| batch)
    }

    /// Checks the network after an update; gives whether the goal of the stage is reached.
    fn check(&self, network: &mut dyn Network, at: &mut Position, observer: &mut dyn Observer) -> Result<bool> {
        let fresh;
        let batch = match self.plan.validation {
            Some(batch) => batch,
            None => {
                // Under a seed of their own, so that no trial is one that was trained on.
                let seed = self.trainer.seed.child("checks");
                let first = network.parameters().memory.trials - self.trainer.batch_size as u64;
                fresh = self.plan.stages[at.stage].0.trials(first..first + self.plan.trials as u64, seed)?;
                &fresh
            }
        };
        let check = self.plan.check(self.trainer, network, batch, at)?;
        if self.plan.is_better(self.trainer.best_by, &check, at.training.best.as_ref()) {
            at.training.best = Some(check);
            let values = network.parameters().values()?;
            network.parameters_mut().memory.best = values;
        }
        at.training.checks.push(check);
        observer.check(&check);
        Ok(check.passed)
    }

    /// Why training ends now, if it does.
    fn ended(&self, at: &Position, interrupted: bool) -> Option<Stop> {
        let (trainer, training) = (self.trainer, &at.training);
        let ends = [
            (at.stage == self.plan.stages.len(), Stop::Reached),
            (training.updates >= self.updates, Stop::Finished),
            (interrupted, Stop::Interrupted),
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
        Ok(()) => Error::Diverged { update, what, value, best: training.best.map(|best| best.update) },
        Err(error) => error,
    }
}

/// libtorch held to one thread: the order of its own sums depends on the number of threads.
struct OneTorchThread(i32);

impl OneTorchThread {
    fn new() -> Self {
        let before = tch::get_num_threads();
        tch::set_num_threads(1);
        Self(before)
    }
}

impl Drop for OneTorchThread {
    fn drop(&mut self) {
        tch::set_num_threads(self.0);
    }
}
