//! The trainer.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Adam, Loss, MeanSquaredError, Observer, OptimizerState, Progress, Reporter, Silent, Stop, Training};
use crate::network::{Network, Trials};
use crate::random::Seed;
use crate::simulate::check_fit;
use crate::task::TrialSource;
use crate::{Error, Result, threads};

/// Trains a network on a task by gradient descent through time.
///
/// Defaults are PsychRNN's where it has them: 50,000 trials, Adam with learning rate 0.001, mean squared error, the
/// gradient of each parameter clipped to norm 1. A batch has 128 trials.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default();
/// let mut network = Rnn::new(&task, RnnConfig::default())?;
/// let training = Trainer::default().trials(20_000).learning_rate(0.003).train(&mut network, &task)?;
/// println!("{}", training.final_loss());
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    length: Length,
    batch_size: usize,
    seed: Seed,
    loss: Arc<dyn Loss>,
    optimizer: Adam,
    clip: Clip,
    threads: Option<usize>,
    silent: bool,
}

#[derive(Clone, Copy, Debug)]
enum Length {
    Trials(usize),
    Updates(usize),
}

/// How gradients are kept from being too large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Clip {
    /// They are taken as they are.
    None,
    /// The gradient of each parameter is scaled down to this norm if it is larger; PsychRNN's way, with norm 1.
    PerParameter(f64),
}

impl Default for Trainer {
    fn default() -> Self {
        Self {
            length: Length::Trials(50_000),
            batch_size: 128,
            seed: Seed(0),
            loss: Arc::new(MeanSquaredError),
            optimizer: Adam::default(),
            clip: Clip::PerParameter(1.0),
            threads: None,
            silent: false,
        }
    }
}

impl Trainer {
    /// How long to train, in trials; the last batch is a whole one.
    #[must_use]
    pub fn trials(mut self, trials: usize) -> Self {
        self.length = Length::Trials(trials);
        self
    }

    /// How long to train, in updates.
    #[must_use]
    pub fn updates(mut self, updates: usize) -> Self {
        self.length = Length::Updates(updates);
        self
    }

    /// The trials of one update.
    #[must_use]
    pub fn batch_size(mut self, trials: usize) -> Self {
        self.batch_size = trials;
        self
    }

    /// The seed of the trials and of the recurrent noise.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }

    /// What training makes small.
    #[must_use]
    pub fn loss(mut self, loss: impl Loss + 'static) -> Self {
        self.loss = Arc::new(loss);
        self
    }

    /// How gradients change the parameters.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Adam) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// The learning rate of the optimizer.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.optimizer.learning_rate = rate;
        self
    }

    /// How gradients are kept from being too large.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = clip;
        self
    }

    /// The threads to use; all cores by default. The result is the same bits for any number.
    #[must_use]
    pub fn threads(mut self, n: usize) -> Self {
        self.threads = Some(n);
        self
    }

    /// Shows no progress.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Trains the network, and shows progress: a bar in a terminal, a line a second elsewhere.
    ///
    /// # Errors
    /// If the task does not fit the network, if an argument makes no sense, if the task's code fails, or if the loss or
    /// a gradient becomes NaN or infinite; the network then keeps the weights that it had before that update.
    pub fn train(&self, network: &mut dyn Network, task: &dyn TrialSource) -> Result<Training> {
        if self.silent {
            self.train_observed(network, task, &mut Silent)
        } else {
            self.train_observed(network, task, &mut Reporter::default())
        }
    }

    /// Trains the network, watched by an observer of your own.
    ///
    /// # Errors
    /// As [`Trainer::train`].
    pub fn train_observed(
        &self,
        network: &mut dyn Network,
        task: &dyn TrialSource,
        observer: &mut dyn Observer,
    ) -> Result<Training> {
        let updates = self.check()?;
        let (spec, sizes) = (task.spec(), network.sizes());
        spec.check()?;
        check_fit(&spec, sizes.n_in, sizes.n_out, sizes.dt)?;
        let n_threads = self.threads.unwrap_or_else(threads::threads);
        let _one_thread = OneTorchThread::new();
        threads::with_threads(n_threads, || self.run(network, task, observer, updates))
    }

    /// The number of updates, if all arguments make sense.
    fn check(&self) -> Result<usize> {
        if self.batch_size == 0 {
            return Err(Error::argument("batch_size", "at least 1 trial", 0));
        }
        if self.threads == Some(0) {
            return Err(Error::argument("threads", "at least 1", 0));
        }
        self.optimizer.check()?;
        if let Clip::PerParameter(norm) = self.clip
            && !(norm > 0.0 && norm.is_finite())
        {
            return Err(Error::argument("clip", "a positive norm", norm));
        }
        match self.length {
            Length::Trials(0) => Err(Error::argument("trials", "at least 1", 0)),
            Length::Updates(0) => Err(Error::argument("updates", "at least 1", 0)),
            Length::Trials(trials) => Ok(trials.div_ceil(self.batch_size)),
            Length::Updates(updates) => Ok(updates),
        }
    }

    fn run(
        &self,
        network: &mut dyn Network,
        task: &dyn TrialSource,
        observer: &mut dyn Observer,
        updates: usize,
    ) -> Result<Training> {
        let start = Instant::now();
        let mut state = OptimizerState::default();
        // Named, so that a test batch drawn under the same seed holds other trials.
        let seed = self.seed.child("training");
        let mut training = Training {
            updates: 0,
            trials: 0,
            batch_size: self.batch_size,
            losses: Vec::with_capacity(updates),
            stop: Stop::Finished,
            seconds: 0.0,
            seconds_drawing: 0.0,
            seed: self.seed,
        };
        for update in 1..=updates {
            let drawing = Instant::now();
            let first = ((update - 1) * self.batch_size) as u64;
            let batch = task.trials(first..first + self.batch_size as u64, seed)?;
            training.seconds_drawing += drawing.elapsed().as_secs_f64();
            let loss = self.update(network, &Trials::new(&batch)?, &mut state, update)?;
            training.losses.push(loss);
            training.updates = update;
            training.trials = update * self.batch_size;
            observer.update(&Progress { update, updates, trials: training.trials, loss, elapsed: start.elapsed() });
        }
        training.seconds = start.elapsed().as_secs_f64();
        observer.end(&training);
        Ok(training)
    }

    /// One update; gives the loss before it.
    fn update(
        &self,
        network: &mut dyn Network,
        trials: &Trials,
        state: &mut OptimizerState,
        update: usize,
    ) -> Result<f64> {
        let activity = network.forward(&network.effective()?, trials)?;
        let loss = self.loss.loss(&activity, trials)?;
        let value = loss.f_double_value(&[])?;
        if !value.is_finite() {
            return Err(Error::Diverged { update, what: "the loss".into(), value });
        }
        let trained: Vec<_> = network.parameters().iter().filter(|(_, parameter)| parameter.trainable).collect();
        let values: Vec<&Tensor> = trained.iter().map(|(_, parameter)| &parameter.value).collect();
        let gradients = Tensor::f_run_backward(&[&loss], &values, false, false)?;
        let mut clipped = Vec::new();
        for ((name, _), gradient) in trained.iter().zip(gradients) {
            clipped.push(self.clipped(gradient, name, update)?);
        }
        let trained = network.parameters_mut().iter_mut().filter(|(_, parameter)| parameter.trainable);
        let steps = trained.zip(&clipped).filter_map(|((name, parameter), gradient)| {
            gradient.as_ref().map(|gradient| (name, &mut parameter.value, gradient))
        });
        self.optimizer.step(state, steps)?;
        Ok(value)
    }

    /// The gradient that the optimizer gets; none for a parameter on which the loss does not depend.
    fn clipped(&self, gradient: Tensor, name: &str, update: usize) -> Result<Option<Tensor>> {
        if !gradient.defined() {
            return Ok(None);
        }
        let norm = gradient.f_norm()?.f_double_value(&[])?;
        if !norm.is_finite() {
            return Err(Error::Diverged { update, what: format!("the gradient of {name}"), value: norm });
        }
        Ok(Some(match self.clip {
            Clip::PerParameter(limit) if norm > limit => gradient.f_mul_scalar(limit / norm)?,
            _ => gradient,
        }))
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
