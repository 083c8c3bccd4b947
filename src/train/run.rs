//! A run of training: update after update, checks between them, until it ends.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use super::validation::Plan;
use super::{Observer, Path, Progress, Stop, Trainer, Training};
use crate::dynamics::Pool;
use crate::network::{Device, Memory, Network};
use crate::simulate::check_fit;
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
        let device = self.device.ready()?;
        let mut train = |network: &mut dyn Network| {
            threads::with_threads(n_threads, || self.run_updates(network, plan, observer, (updates, path, device)))
        };
        if self.device == Device::Cpu {
            return train(network);
        }
        let result = network.move_to(device).and_then(|()| train(network));
        // Whatever happened: everything else expects it there.
        network.move_to(tch::Device::Cpu)?;
        result
    }

    fn run_updates(
        &self,
        network: &mut dyn Network,
        plan: &Plan<'_>,
        observer: &mut dyn Observer,
        (updates, path, device): (usize, Path, tch::Device),
    ) -> Result<Training> {
        let (start, work) = (Instant::now(), interrupt::watch());
        // Named, so that a test batch drawn under the same seed holds other trials.
        let (training_seed, check_seed) = (self.seed.child("training"), self.seed.child("checks"));
        let mut training = Training {
            updates: 0,
            trials: 0,
            batch_size: self.batch_size,
            losses: Vec::new(),
            recorded: Vec::new(),
            checks: Vec::new(),
            best: None,
            stop: Stop::Finished,
            path,
            device: self.device,
            seconds: 0.0,
            seconds_drawing: 0.0,
            seed: self.seed,
        };
        self.prepare(&mut network.parameters_mut().memory);
        let checks = plan.validation.is_some() || self.patience.is_some() || plan.stages.iter().any(|s| s.1.is_some());
        let pool = Pool::default();
        let mut stage = 0;
        let draw = |stage: usize, first: u64| {
            let batch = plan.stages[stage].0.trials(first..first + self.batch_size as u64, training_seed)?;
            batch.check().map(|()| batch)
        };
        let (mut ahead, mut good) = (None, BTreeMap::new());
        for update in 1..=updates {
            let waiting = Instant::now();
            let first = network.parameters().memory.trials;
            let batch = match ahead.take() {
                Some((of, batch)) if of == stage => batch,
                _ => draw(stage, first),
            }?;
            training.seconds_drawing += waiting.elapsed().as_secs_f64();
            // The next batch is drawn while this update computes. An error in it counts only if it is needed.
            let n_threads = threads::threads();
            let loss = thread::scope(|scope| {
                let drawing = (update < updates && n_threads > 1).then(|| {
                    scope.spawn(|| threads::with_threads(n_threads, || draw(stage, first + self.batch_size as u64)))
                });
                let loss = self.update(network, &batch, (path, device), &pool, update, &mut good);
                let drawn = drawing.map(|drawing| drawing.join().unwrap_or_else(|panic| resume_unwind(panic)));
                ahead = drawn.map(|batch| (stage, batch));
                loss
            });
            let loss = match loss {
                Err(Error::Diverged { update, what, value, .. }) => {
                    // What came out of the last step is what exploded.
                    network.parameters_mut().set_values(&good)?;
                    network.parameters_mut().memory.optimizer.clear();
                    return Err(Error::Diverged { update, what, value, best: training.best.map(|best| best.update) });
                }
                loss => loss?,
            };
            network.parameters_mut().memory.trials = first + self.batch_size as u64;
            training.updates = update;
            training.trials = update * self.batch_size;
            if update % self.record_every == 0 {
                training.losses.push(loss);
                training.recorded.push(update);
            }
            if let Some((every, folder)) = &self.save_every
                && update % every == 0
            {
                let update = network.parameters().memory.updates;
                network.weights()?.save(folder.join(format!("weights-{update:06}.npz")))?;
            }
            let mut passed = false;
            if checks && update % plan.every == 0 {
                let check = match plan.validation {
                    Some(batch) => plan.check(self, network, batch, &training, stage)?,
                    None => {
                        // Under a seed of their own, so that no trial is one that was trained on.
                        let numbers = first..first + plan.trials as u64;
                        let batch = plan.stages[stage].0.trials(numbers, check_seed)?;
                        plan.check(self, network, &batch, &training, stage)?
                    }
                };
                if plan.is_better(self.best_by, &check, training.best.as_ref()) {
                    training.best = Some(check);
                    let values = network.parameters().values()?;
                    network.parameters_mut().memory.best = values;
                }
                passed = check.passed;
                training.checks.push(check);
                observer.check(&check);
            }
            observer.update(&Progress {
                update,
                updates,
                trials: training.trials,
                loss,
                stage,
                metric: training.checks.last().map(|check| check.value),
                elapsed: start.elapsed(),
            });
            stage += usize::from(passed);
            if let Some(stop) = self.ended(&training, stage == plan.stages.len(), start, work.is_interrupted(), updates)
            {
                training.stop = stop;
                break;
            }
        }
        training.seconds = start.elapsed().as_secs_f64();
        observer.end(&training);
        Ok(training)
    }

    /// Readies what the network remembers of earlier training: another optimizer starts afresh, and what was best then was so
    /// by other checks.
    fn prepare(&self, memory: &mut Memory) {
        memory.best.clear();
        if memory.optimizer != self.optimizer.name() {
            *memory =
                Memory { optimizer: self.optimizer.name().to_owned(), trials: memory.trials, ..Memory::default() };
        }
    }

    /// Why training ends now, if it does before all updates are done.
    fn ended(
        &self,
        training: &Training,
        reached: bool,
        start: Instant,
        interrupted: bool,
        updates: usize,
    ) -> Option<Stop> {
        if reached {
            return Some(Stop::Reached);
        }
        if training.updates >= updates {
            return None;
        }
        let out_of_patience = self.patience.is_some_and(|patience| training.checks_since_best() >= patience);
        let time_up = self.time_limit.is_some_and(|seconds| start.elapsed().as_secs_f64() >= seconds);
        match (interrupted, out_of_patience, time_up) {
            (true, ..) => Some(Stop::Interrupted),
            (_, true, _) => Some(Stop::Patience),
            (.., true) => Some(Stop::TimeUp),
            _ => None,
        }
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
