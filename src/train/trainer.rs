//! The trainer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array3, ArrayD, ArrayViewD, Axis, IxDyn, Zip};
use serde::{Deserialize, Serialize, Serializer};
use tch::{Kind, Tensor};

use super::checkpoint::check_sum;
use super::curriculum::Stage;
use super::validation::Plan;
use super::{
    Accuracy, AdamW, BestBy, Curriculum, Every, Goal, Loss, MeanSquaredError, Metric, Observer, Optimizer, Path,
    Regularizer, Reporter, Schedule, Silent, Training,
};
use crate::caught::caught_in;
use crate::dynamics::noise::Noise;
use crate::dynamics::{Constants, Dynamics, Pool, Run, Want};
use crate::network::{Activity, Device, Network, Tensors, Trials, to_array, to_tensor};
use crate::random::Seed;
use crate::setters::setters;
use crate::task::{Batch, TrialSource, longest};
use crate::weights::Weights;
use crate::{Error, Result, memory};

/// The norm of a gradient from which on it points nowhere: training has exploded. PyCog's bound.
const EXPLODED: f64 = 1e10;
/// After how many updates a network is checked unless something else is said.
pub(super) const CHECK_EVERY: usize = 10;
/// On how many fresh trials.
pub(super) const CHECK_TRIALS: usize = 128;

/// Trains a network on a task by gradient descent through time.
///
/// Defaults are PsychRNN's where it has them: 50,000 trials, Adam with learning rate 0.001, mean squared error, the
/// gradient of each parameter clipped to norm 1. A batch has 128 trials.
///
/// Training that is called again goes on where it was: weights, moments of the optimizer, and the number of the next trial
/// live with the network's parameters. Ten updates and then ten more are the same bits as twenty.
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default();
/// let mut network = Rnn::new(&task, RnnConfig::default())?;
/// let training = Trainer::default().trials(20_000).learning_rate(0.003).train(&mut network, &task)?;
/// println!("{}", training.final_loss());
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trainer {
    pub(super) length: Length,
    pub(super) batch_size: usize,
    pub(super) seed: Seed,
    #[serde(skip_deserializing, serialize_with = "described_loss")]
    pub(super) loss: Arc<dyn Loss>,
    #[serde(skip_deserializing, serialize_with = "described_regularizers")]
    regularizers: Vec<Arc<dyn Regularizer>>,
    pub(super) vanishing_gradient: f64,
    pub(super) carry_state: bool,
    pub(super) optimizer: Optimizer,
    learning_rate: f64,
    pub(super) schedule: Schedule,
    clip: Clip,
    pub(super) record_every: usize,
    #[serde(skip)]
    pub(super) save_every: Option<(usize, PathBuf)>,
    #[serde(skip)]
    pub(super) checkpoint: Option<(PathBuf, Every)>,
    #[serde(skip)]
    pub(super) resume: bool,
    #[serde(rename = "until")]
    goal: Option<Goal>,
    // What is measured in the end is in the plan.
    #[serde(skip)]
    metric: Option<Arc<dyn Metric>>,
    #[serde(serialize_with = "every_or_usual")]
    check_every: Option<usize>,
    #[serde(serialize_with = "trials_or_usual")]
    check_trials: Option<usize>,
    #[serde(skip_deserializing, serialize_with = "described_batch")]
    validation: Option<Arc<Batch>>,
    pub(super) best_by: BestBy,
    pub(super) patience: Option<usize>,
    pub(super) time_limit: Option<f64>,
    pub(super) threads: Option<usize>,
    path: Option<Path>,
    pub(super) device: Device,
    memory: usize,
    pub(super) silent: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Length {
    Trials(usize),
    Updates(usize),
}

fn described_loss<S: Serializer>(loss: &Arc<dyn Loss>, serializer: S) -> Result<S::Ok, S::Error> {
    loss.describe().serialize(serializer)
}

fn described_regularizers<S: Serializer>(all: &[Arc<dyn Regularizer>], serializer: S) -> Result<S::Ok, S::Error> {
    all.iter().map(|regularizer| regularizer.describe()).collect::<Vec<_>>().serialize(serializer)
}

fn every_or_usual<S: Serializer>(every: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    every.unwrap_or(CHECK_EVERY).serialize(serializer)
}

fn trials_or_usual<S: Serializer>(trials: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    trials.unwrap_or(CHECK_TRIALS).serialize(serializer)
}

fn described_batch<S: Serializer>(batch: &Option<Arc<Batch>>, serializer: S) -> Result<S::Ok, S::Error> {
    batch.as_deref().map(check_sum).serialize(serializer)
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
    /// All gradients together are scaled down to this norm if it is larger. Pascanu R, Mikolov T, Bengio Y (2013),
    /// arXiv:1211.5063.
    Global(f64),
}

impl Default for Trainer {
    fn default() -> Self {
        Self {
            length: Length::Trials(50_000),
            batch_size: 128,
            seed: Seed(0),
            loss: Arc::new(MeanSquaredError::default()),
            regularizers: Vec::new(),
            vanishing_gradient: 0.0,
            carry_state: false,
            optimizer: Optimizer::default(),
            learning_rate: 1e-3,
            schedule: Schedule::Constant,
            clip: Clip::PerParameter(1.0),
            record_every: 1,
            save_every: None,
            checkpoint: None,
            resume: false,
            goal: None,
            metric: None,
            check_every: None,
            check_trials: None,
            validation: None,
            best_by: BestBy::Loss,
            patience: None,
            time_limit: None,
            threads: None,
            path: None,
            device: Device::Cpu,
            memory: 1024,
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

    setters! {
        /// The trials of one update.
        batch_size: usize;
        /// The seed of the trials and of the recurrent noise.
        seed: impl Into<Seed> => seed.into();
        /// What training makes small.
        loss: impl Loss + 'static => Arc::new(loss);
    }

    /// Adds a penalty to the loss.
    #[must_use]
    pub fn regularizer(mut self, regularizer: impl Regularizer + 'static) -> Self {
        self.regularizers.push(Arc::new(regularizer));
        self
    }

    /// Keeps gradients from vanishing on their way back through time: adds `strength` times the immediate derivative of PyCog's `Ω`
    /// with respect to the effective `W_rec` to its gradient, before that goes back through the constraints and is clipped. See
    /// [`LeakyRnn::vanishing`](crate::dynamics::LeakyRnn::vanishing) for `Ω`, with a `bound` of 1e-20; PyCog's `strength` is 2.
    ///
    /// `Ω` is no part of the loss: what is added is not its whole gradient, which would lead through time. The adjoints in it are
    /// those of the loss with all penalties. They are the kernel's, so that a network which it does not know, an LSTM, or training
    /// on libtorch's path is refused.
    ///
    /// Whether it helps is a matter of the task. To keep one of two cues for about a second (`examples/vanishing_gradient.rs`: PyCog's
    /// network of 50 units with a spectral radius of 1.2, Adam, at most 3000 updates) was learned from 5 of 5 seeds with strength 2,
    /// after 250 to 1100 updates, and from 1 of 5 without, after 2400; for about 0.4 s after 100 to 150 updates with it and 250 to 400
    /// without. For two seconds it was no sure help: of two seeds one was learned sooner with it and one only without.
    #[must_use]
    pub fn vanishing_gradient(mut self, strength: f64) -> Self {
        self.vanishing_gradient = strength;
        self
    }

    setters! {
        /// Whether a trial begins with the state in which the trial before it ended, as in one long recording, instead of the initial
        /// state; by default it does not. The trial before is that in the same row of the batch before; only the first batch begins with
        /// `init_state`, and alone trains it, since gradients do not go back beyond a trial's beginning. It is PyCog's mode
        /// `continuous`, which has batches of one trial.
        ///
        /// Training that is called again goes on with these states if it has as many rows and the same optimizer. Checks begin with
        /// them, too: trial `i` with that of row `i` modulo `batch_size`. [`Network::run`] begins each trial with `init_state` all the
        /// same; [`Simulator::run_consecutively`](crate::simulate::Simulator::run_consecutively) carries states over. An LSTM, whose
        /// state is more than that of its units, is refused.
        carry_state: bool;
        /// How gradients change the parameters.
        optimizer: impl Into<Optimizer> => optimizer.into();
        /// The learning rate; 0.001 by default.
        learning_rate: f64;
        /// How the learning rate changes.
        schedule: Schedule;
        /// Records the loss every so many updates; each by default.
        record_every: usize;
    }

    /// Saves the weights every so many updates, in a folder, as `weights-000100.npz` and so on, by the number of all updates of the
    /// network. Where that fails, because the disk is full for instance, a line says so at once, and training goes on.
    ///
    /// No file is overwritten: a folder with weights of later updates from another run is refused, at the first of them that would
    /// be. The same run may be done again, and saves the same ones.
    #[must_use]
    pub fn save_every(mut self, updates: usize, folder: impl Into<PathBuf>) -> Self {
        self.save_every = Some((updates, folder.into()));
        self
    }

    /// Writes checkpoints into a folder of their own, so that a run which was killed can go on: weights, the best ones, what the
    /// optimizer remembers, losses and checks, the stage of a curriculum, the number of the next trial. The first is written
    /// before the first update, so that a folder which cannot be written to is refused at once; then they come so often; the last
    /// one comes when training ends, for whatever reason. The two newest are kept, as `checkpoint-00000500.npz` and so on.
    ///
    /// A checkpoint appears under its name when all of it is on the disk, and its parts have check sums: none is ever half read.
    /// Where one cannot be written, because the disk is full for instance, a line says so at once, training goes on, and it is
    /// tried again the next time. If the last one of all cannot be written, training ends with an error.
    ///
    /// Where training ends with an error, the folder holds a checkpoint of the last update that was done. After an explosion it is one
    /// from before it: with weights whose loss was a number, and not ten times the usual one. Those after it are removed, and the
    /// report with all losses lies beside it, as `diverged-00000812.json`.
    ///
    /// Only files of exactly such names are read and removed: `checkpoint-00000500-good.npz` is yours.
    ///
    /// A folder that holds checkpoints already is refused: see [`Trainer::resume`]. So is one in which another run writes.
    #[must_use]
    pub fn checkpoint(mut self, folder: impl Into<PathBuf>, every: Every) -> Self {
        self.checkpoint = Some((folder.into(), every));
        self
    }

    /// Goes on from the newest checkpoint in the folder of [`Trainer::checkpoint`], and begins if there is none. The network, the
    /// task and the trainer are built as they were; where one is not, the error names what differs. The run ends with the same
    /// bits as one that was never disturbed, and its report is that of the whole.
    ///
    /// How long to train, patience, the time limit, the number of threads and the memory may differ. So may the goal, the
    /// optimizer, learning rate, schedule, clipping, [`Trainer::vanishing_gradient`], how often there are checks and losses, path and
    /// device: a line says what was changed, and [`Training::changes`] tells it. Another kind of optimizer starts its moments afresh.
    /// A run that has ended goes on if it is to be longer, or to reach another goal.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// let task = PerceptualDiscrimination::default();
    /// let mut network = Rnn::new(&task, RnnConfig::default().seed(1))?;
    /// // Killed and called again, as often as may be.
    /// Trainer::default().checkpoint("run-1", Every::Seconds(60.0)).resume().train(&mut network, &task)?;
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    #[must_use]
    pub fn resume(mut self) -> Self {
        self.resume = true;
        self
    }

    /// Checks the network on these trials instead of fresh ones: always the same, so that the checks can be compared. Draw them
    /// under a seed of their own, and as many as the checks need to be exact: `task.batch(1000, Seed(2))?`. PyCog's validation
    /// sets show all conditions in turn, `task.clone().in_turn(true)`.
    #[must_use]
    pub fn validation(mut self, trials: Batch) -> Self {
        self.validation = Some(Arc::new(trials));
        self
    }

    /// Ends training when this goal is reached in a check: a number for the metric (accuracy by default) to reach, one of
    /// PyCog's criteria (`task.criterion()`), or a function of all checks; see [`Goal`]. One that cannot be measured on the task is
    /// refused before the first update.
    #[must_use]
    pub fn until(mut self, goal: impl Into<Goal>) -> Self {
        self.goal = Some(goal.into());
        self
    }

    setters! {
        /// What is measured in a check; accuracy by default. A closure of your own does not say which of its numbers are better: the
        /// goal then does, [`Goal::at_least`] or [`Goal::at_most`], or [`larger_is_better`](super::larger_is_better) and
        /// [`smaller_is_better`](super::smaller_is_better) around the closure.
        metric: impl Metric + 'static => Some(Arc::new(metric));
        /// After how many updates the network is checked; 10 by default. There are checks if there are validation trials, a
        /// goal, or patience.
        check_every: usize => Some(check_every);
        /// On how many fresh trials it is checked where there are no validation trials; 128 by default.
        check_trials: usize => Some(check_trials);
        /// By what the best weights are chosen among those that were checked; by the loss by default. They are kept beside the
        /// last ones: [`Network::use_best`] puts them into the network, [`Training::best`] says when they were there.
        best_by: BestBy;
        /// Ends training when so many checks in a row gave nothing better than the best one before.
        patience: usize => Some(patience);
        /// Ends training after so many seconds.
        time_limit: f64 => Some(time_limit);
        /// How gradients are kept from being too large.
        clip: Clip;
        /// The threads to use; all cores by default. The result is the same bits for any number.
        threads: usize => Some(threads);
        /// What computes the gradients: by default the kernel where the network has one, otherwise libtorch.
        path: Path => Some(path);
        /// Where updates are computed; on the processor by default. On a card it is libtorch that computes.
        device: Device;
        /// How many mebibytes the kernel keeps of an update's activity at most; 1024 by default. It keeps about 4 bytes for each trial,
        /// step and unit (8 where the slope of the transfer function does not follow from its value, 28 in an LSTM), inputs and
        /// outputs. Batches of other lengths use the same memory. Beyond this limit it keeps the states at every `√n_steps` steps and runs the steps between once more on the way back: a third more
        /// arithmetic, the same bits.
        memory: usize;
    }

    /// Shows no progress.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Trains the network, and shows progress: a bar in a terminal, a line a second elsewhere.
    ///
    /// Ctrl-C or Jupyter's stop button ends it after the current update; the report then says
    /// [`Stop::Interrupted`](super::Stop::Interrupted). So does a signal to end, [`Stop::Terminated`](super::Stop::Terminated). Train
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
        let metric = self.measured()?;
        let plan = Plan {
            stages: vec![(task, self.goal.clone())],
            metric,
            every: self.check_every.unwrap_or(CHECK_EVERY),
            trials: self.check_trials.unwrap_or(CHECK_TRIALS),
            validation: self.validation.as_deref(),
        };
        self.run(network, &plan, observer)
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
        caught_in("the metric", || curriculum.check())?;
        for (name, given, instead) in [
            ("until", self.goal.is_some(), "stages have goals of their own"),
            ("validation", self.validation.is_some(), "stages have trials of their own"),
            ("metric", self.metric.is_some(), "own `metric` is measured"),
            ("check_every", self.check_every.is_some(), "own `every` counts"),
            ("check_trials", self.check_trials.is_some(), "own `trials` count"),
        ] {
            if given {
                return Err(Error::argument(name, format!("left out with a curriculum, whose {instead}"), "given"));
            }
        }
        let stage = |stage: &'_ Stage| (stage.source.clone(), stage.goal.clone());
        let stages: Vec<_> = curriculum.stages.iter().map(stage).collect();
        let plan = Plan {
            stages: stages.iter().map(|(source, goal)| (source.as_ref(), Some(goal.clone()))).collect(),
            metric: curriculum.metric.as_ref(),
            every: curriculum.every,
            trials: curriculum.trials,
            validation: None,
        };
        self.run(network, &plan, observer)
    }

    /// What is measured in a check.
    fn measured(&self) -> Result<&dyn Metric> {
        match (&self.goal, &self.metric) {
            (Some(Goal::Criterion(_)), Some(_)) => {
                Err(Error::argument("metric", "left out with a criterion, which is one", "given"))
            }
            (Some(Goal::Criterion(criterion)), None) => Ok(criterion),
            (_, metric) => Ok(metric.as_deref().unwrap_or(&Accuracy)),
        }
    }

    fn with_reporter<T>(&self, train: impl FnOnce(&mut dyn Observer) -> T) -> T {
        if self.silent { train(&mut Silent) } else { train(&mut Reporter::default()) }
    }

    /// The number of updates, if all arguments make sense; training asks this before it begins.
    ///
    /// # Errors
    /// Names the first argument that does not, or the folder of [`Trainer::save_every`] if it cannot be made.
    pub fn check(&self) -> Result<usize> {
        let counts = [
            ("batch_size", self.batch_size),
            ("threads", self.threads.unwrap_or(1)),
            ("record_every", self.record_every),
            ("save_every", self.save_every.as_ref().map_or(1, |(updates, _)| *updates)),
            ("check_every", self.check_every.unwrap_or(CHECK_EVERY)),
            ("check_trials", self.check_trials.unwrap_or(CHECK_TRIALS)),
            ("patience", self.patience.unwrap_or(1)),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(Error::argument(*name, "at least 1", 0));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::argument("learning_rate", "a positive number", self.learning_rate));
        }
        if !(self.vanishing_gradient >= 0.0 && self.vanishing_gradient.is_finite()) {
            return Err(Error::argument("vanishing_gradient", "0 or a positive number", self.vanishing_gradient));
        }
        self.optimizer.check()?;
        if let Optimizer::AdamW(AdamW { decay, .. }) = &self.optimizer
            && self.learning_rate * decay > 1.0
        {
            let expected =
                format!("at most 1 / learning_rate = {}: more turns weights about", 1.0 / self.learning_rate);
            return Err(Error::argument("decay", expected, decay));
        }
        self.regularizers.iter().try_for_each(|regularizer| regularizer.check())?;
        match self.clip {
            Clip::PerParameter(norm) | Clip::Global(norm) if !(norm > 0.0 && norm.is_finite()) => {
                return Err(Error::argument("clip", "a positive norm", norm));
            }
            _ => {}
        }
        let metric = self.measured()?;
        self.goal.as_ref().map_or(Ok(()), |goal| goal.check("until", metric))?;
        if let Some(seconds) = self.time_limit.filter(|seconds| seconds.is_nan() || *seconds <= 0.0) {
            return Err(Error::argument("time_limit", "a positive number of seconds", seconds));
        }
        if let Some((_, every)) = &self.checkpoint {
            every.check()?;
        } else if self.resume {
            return Err(Error::argument("resume", "with the folder of `checkpoint`", "without"));
        }
        if let Some((_, folder)) = &self.save_every {
            std::fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
        }
        let updates = match self.length {
            Length::Trials(0) => return Err(Error::argument("trials", "at least 1", 0)),
            Length::Updates(0) => return Err(Error::argument("updates", "at least 1", 0)),
            Length::Trials(trials) => trials.div_ceil(self.batch_size),
            Length::Updates(updates) => updates,
        };
        self.schedule.check(0..updates as u64)?;
        Ok(updates)
    }

    pub(super) fn chosen_path(&self, network: &dyn Network) -> Result<Path> {
        match (self.path, network.constants()) {
            (Some(Path::Kernel), _) if self.device != Device::Cpu => {
                Err(Error::argument("path", format!("libtorch on {}", self.device), "the kernel"))
            }
            (None, _) if self.device != Device::Cpu => Ok(Path::Libtorch),
            (Some(Path::Kernel), None) => {
                let expected = "libtorch for this network, whose equation the kernel does not know";
                Err(Error::argument("path", expected, "the kernel"))
            }
            (Some(path), _) => Ok(path),
            (None, Some(_)) => Ok(Path::Kernel),
            (None, None) => Ok(Path::Libtorch),
        }
    }

    /// The limit on what the kernel keeps, in bytes.
    fn bytes(&self) -> usize {
        self.memory.saturating_mul(1 << 20)
    }

    /// Whether an update looks at states, and not only at outputs.
    fn uses_states(&self) -> bool {
        self.vanishing_gradient > 0.0
            || self.carry_state
            || self.loss.uses_states()
            || self.regularizers.iter().any(|penalty| penalty.uses_states())
    }

    /// The bytes that updates of a network take on trials of so many steps, as far as they can be told before they begin.
    pub(super) fn bytes_needed(&self, network: &dyn Network, n_steps: usize, path: Path) -> Result<u64> {
        let sizes = network.sizes();
        let trials = |n: usize| memory::floats(&[self.batch_size, n_steps, n]);
        let activity = match (path, network.constants()) {
            (Path::Kernel, Some(constants)) => {
                let dynamics = Dynamics::new(&network.weights()?, constants)?;
                let keep = dynamics.keep_within(self.bytes(), self.batch_size, n_steps);
                // States, what the loss makes of them on libtorch's graph, and their gradients.
                let states = if self.uses_states() { trials(5 * sizes.n_rec) } else { 0 };
                let kept = dynamics.bytes_kept(keep, self.batch_size, n_steps);
                let at_work = dynamics.bytes_at_work(keep, self.batch_size, n_steps);
                [states, trials(3 * sizes.n_out), kept, at_work].into_iter().fold(0, u64::saturating_add)
            }
            // A step of the graph keeps what goes into each of its operations.
            _ if self.device == Device::Cpu => trials(6 * sizes.n_rec + 3 * sizes.n_out),
            _ => 0,
        };
        // The batch, and the next one, which is drawn meanwhile and put together from its trials.
        let batches = trials(3 * (sizes.n_in + 2 * sizes.n_out));
        // Weights, gradients, two moments, and copies of them on the way through an update.
        let numbers: usize = network.parameters().iter().map(|(_, parameter)| parameter.value.numel()).sum();
        Ok([activity, batches, memory::floats(&[9, numbers])].into_iter().fold(0, u64::saturating_add))
    }

    /// An error if there is not enough memory for training.
    pub(super) fn check_memory(&self, network: &dyn Network, plan: &Plan<'_>, path: Path) -> Result<()> {
        let sizes = network.sizes();
        let n_steps = longest(plan.stages.iter().map(|(source, _)| *source))?;
        let (n_checked, longest) = match plan.validation {
            Some(batch) => (batch.n_trials(), batch.n_steps()),
            None => (if plan.checks(self) { plan.trials } else { 0 }, n_steps),
        };
        let kept = if plan.keeps_activity(self) { 2 * sizes.n_rec } else { 0 };
        let checks = memory::floats(&[n_checked, longest, 2 * (sizes.n_in + 2 * sizes.n_out) + sizes.n_out + kept]);
        let needed = self.bytes_needed(network, n_steps, path)?.saturating_add(checks);
        let what = format!(
            "training {} units on batches of {} trials of {n_steps} steps, with checks on {n_checked} trials,",
            sizes.n_rec, self.batch_size
        );
        memory::check(
            what,
            needed,
            "take smaller batches (`batch_size`) or fewer trials in checks, a longer `dt` or fewer units",
        )
    }

    /// One update; gives the loss before it and its `Ω`. `good` becomes the weights that had this loss.
    pub(super) fn update(
        &self,
        network: &mut dyn Network,
        batch: &Batch,
        (path, device): (Path, tch::Device),
        pool: &Pool,
        update: usize,
        good: &mut BTreeMap<String, ArrayD<f32>>,
    ) -> Result<Updated> {
        let mut objective = match (path, network.constants()) {
            (Path::Kernel, Some(constants)) => self.kernel_objective(network, constants, batch, pool)?,
            _ => self.libtorch_objective(network, batch, device)?,
        };
        let (value, omega, ends) = (objective.value, objective.omega, objective.ends.take());
        if !value.is_finite() {
            return Err(Error::Diverged { update, what: "the loss".into(), value, best: None, checkpoint: None });
        }
        if let Some(&value) = ends.iter().flatten().find(|value| !value.is_finite()) {
            return Err(Error::Diverged {
                update,
                what: "a state".into(),
                value: value.into(),
                best: None,
                checkpoint: None,
            });
        }
        let gradients = self.gradients(network, objective, update)?;
        let rate = self.learning_rate * self.schedule.factor(network.parameters().memory.total)?;
        let initial_state = network.initial_state();
        let (parameters, memory) = network.parameters_mut().split_mut();
        memory.updates += 1;
        if let (Some(name), Some(ends)) = (initial_state, ends) {
            memory.carried.insert(name.to_owned(), ends);
        }
        good.clear();
        for ((name, parameter), gradient) in parameters.filter(|(_, parameter)| parameter.trainable).zip(&gradients) {
            let Some(gradient) = gradient else { continue };
            let before = to_array(&parameter.value)?;
            let mut after = before.clone();
            self.optimizer.step(memory, name, &mut after, gradient, rate);
            if let Some(fixed) = &parameter.fixed {
                // Weight decay moves entries without a gradient, too.
                Zip::from(&mut after).and(fixed).and(&before).for_each(|after, &fixed, &before| {
                    if fixed {
                        *after = before;
                    }
                });
            }
            good.insert(name.to_owned(), before);
            if let Some(&value) = after.iter().find(|value| !value.is_finite()) {
                return Err(Error::Diverged {
                    update,
                    what: format!("a weight of {name}"),
                    value: value.into(),
                    best: None,
                    checkpoint: None,
                });
            }
            let after = to_tensor(&after)?;
            tch::no_grad(|| parameter.value.f_copy_(&after))?;
        }
        Ok(Updated { loss: value, omega })
    }

    /// The loss on libtorch's graph.
    fn libtorch_objective(&self, network: &dyn Network, batch: &Batch, device: tch::Device) -> Result<Objective> {
        let trials = Trials::new(batch)?.on(device)?;
        let effective = network.effective()?;
        let mut started = Tensors::new();
        effective.iter().for_each(|(name, weights)| started.insert(name, weights.shallow_clone()));
        for (name, states) in &network.parameters().memory.carried {
            started.insert(name, to_tensor(states)?.f_to_device(device)?);
        }
        let activity = network.forward(&started, &trials)?;
        let loss = self.total_loss(&effective, &activity, &trials)?;
        let ends = match self.carry_state {
            true => Some(ends(&to_array(&activity.states)?.view(), &batch.lengths)),
            false => None,
        };
        Ok(Objective { value: loss.f_double_value(&[])?, omega: None, ends, graph: Some(loss), direct: Weights::new() })
    }

    fn total_loss(&self, weights: &Tensors, activity: &Activity, trials: &Trials) -> Result<Tensor> {
        let mut loss = self.loss.loss(activity, trials)?;
        for regularizer in &self.regularizers {
            loss = loss.f_add(&regularizer.penalty(weights, activity, trials)?)?;
        }
        Ok(loss)
    }

    /// The loss by the kernel.
    ///
    /// The kernel runs forward on the effective weights, and carries the gradients of outputs and states back through time.
    /// `Σ W_eff · dL/dW_eff` carries those of the weights back through the constraints.
    fn kernel_objective(
        &self,
        network: &dyn Network,
        constants: Constants,
        batch: &Batch,
        pool: &Pool,
    ) -> Result<Objective> {
        let effective = network.effective()?;
        let mut arrays = Weights::new();
        for (name, weights) in effective.iter() {
            arrays.insert(name, to_array(weights)?);
        }
        let carried = &network.parameters().memory.carried;
        carried.iter().for_each(|(name, states)| arrays.insert(name, states.clone()));
        let noise = match constants.noise() > 0.0 {
            true => Noise::Drawn { seed: batch.seed, numbers: batch.numbers.clone() },
            false => Noise::Off,
        };
        let dynamics = Dynamics::new(&arrays, constants)?;
        let keeps_from_vanishing = self.vanishing_gradient > 0.0;
        let keep = dynamics.keep_within(self.bytes(), batch.n_trials(), batch.n_steps());
        let want = if self.uses_states() { Want::states(keep) } else { Want::outputs(keep) };
        let mut run = dynamics.run_with(pool, batch.inputs.view(), noise, None, want)?;
        let states = keeps_from_vanishing.then(|| run.states.clone());
        let ends = self.carry_state.then(|| ends(&run.states.view().into_dyn(), &batch.lengths));
        let of_loss = self.loss_gradients(network, &effective, batch, &mut run)?;
        let d_states = of_loss.states.as_ref().map(|d_states| d_states.view());
        let (through_time, omega) = match states {
            None => (dynamics.backward(&run, of_loss.outputs.view(), d_states)?, None),
            Some(states) => {
                let back = dynamics.backward_with_adjoints(&run, of_loss.outputs.view(), d_states)?;
                self.kept_from_vanishing(&dynamics, &states, back)?
            }
        };

        let mut objective = Objective { value: of_loss.value, omega, ends, graph: None, direct: Weights::new() };
        for (name, weights) in effective.iter() {
            if !weights.requires_grad() {
                continue;
            }
            let shape: Vec<usize> = weights.size().iter().map(|&length| length as usize).collect();
            let mut gradient = match through_time.array(name) {
                // A vector may be a row or a column in the network.
                Ok(gradient) if !carried.contains_key(name) => gradient
                    .to_shape(shape)
                    .map_err(|_| Error::shape(name, "that of its gradient", gradient.shape()))?
                    .into_owned(),
                // Neither the run nor the loss itself depends on it.
                _ if of_loss.weights.array(name).is_err() => continue,
                _ => ArrayD::zeros(shape),
            };
            if let Ok(direct) = of_loss.weights.array(name) {
                gradient += direct;
            }
            // A parameter without a constraint is its own effective weight.
            if network.parameters().get(name).is_ok_and(|parameter| parameter.data_ptr() == weights.data_ptr()) {
                objective.direct.insert(name, gradient);
            } else {
                let term = weights.f_mul(&to_tensor(&gradient)?)?.f_sum(Kind::Float)?;
                objective.graph = Some(match objective.graph {
                    Some(graph) => graph.f_add(&term)?,
                    None => term,
                });
            }
        }
        Ok(objective)
    }

    /// The gradients of the weights, with what keeps them from vanishing, and `Ω`.
    fn kept_from_vanishing(
        &self,
        dynamics: &Dynamics,
        states: &Array3<f32>,
        (mut gradients, adjoints): (Weights, Array3<f32>),
    ) -> Result<(Weights, Option<f64>)> {
        // PyCog's: below it a gradient counts as gone.
        const BOUND: f64 = 1e-20;
        let Dynamics::Leaky(network) = dynamics else { return Ok((gradients, None)) };
        let vanishing = network.vanishing(states, &adjoints, BOUND)?;
        let mut d_w_rec = gradients.matrix("W_rec")?;
        d_w_rec.scaled_add(self.vanishing_gradient as f32, &vanishing.d_w_rec);
        gradients.insert("W_rec", d_w_rec);
        Ok((gradients, Some(vanishing.omega)))
    }

    /// The loss of a run, and its gradients with respect to what the kernel gave: by the loss itself if it knows them, otherwise
    /// outputs, states and effective weights are leaves from which libtorch differentiates, whatever the user wrote. The states
    /// are taken from the run.
    fn loss_gradients(
        &self,
        network: &dyn Network,
        effective: &Tensors,
        batch: &Batch,
        run: &mut Run,
    ) -> Result<LossGradients> {
        if self.regularizers.is_empty()
            && let Some((value, outputs)) = self.loss.with_gradient(run.outputs.view(), batch)
        {
            return Ok(LossGradients { value, outputs, states: None, weights: Weights::new() });
        }
        let mut leaves = Tensors::new();
        for (name, weights) in effective.iter() {
            leaves.insert(name, weights.f_detach()?.f_set_requires_grad(true)?);
        }
        let leaf = |array: &Array3<f32>| -> Result<Tensor> { Ok(to_tensor(array)?.f_set_requires_grad(true)?) };
        let states = leaf(&std::mem::take(&mut run.states))?;
        let outputs = leaf(&run.outputs)?;
        let activity = Activity { rates: network.rates(&states)?, states, outputs };
        let loss = self.total_loss(&leaves, &activity, &Trials::new(batch)?)?;

        let mut inputs = vec![&activity.outputs, &activity.states];
        inputs.extend(leaves.iter().map(|(_, leaf)| leaf));
        let mut gradients = Tensor::f_run_backward(&[&loss], &inputs, false, false)?.into_iter().map(|gradient| {
            match gradient.defined() && gradient.numel() > 0 {
                true => to_array(&gradient).map(Some),
                false => Ok(None),
            }
        });
        let mut cube = || -> Result<Option<Array3<f32>>> {
            Ok(gradients.next().transpose()?.flatten().and_then(|array| array.into_dimensionality().ok()))
        };
        let d_outputs = cube()?.unwrap_or_else(|| Array3::zeros(run.outputs.dim()));
        let states = cube()?;
        let mut weights = Weights::new();
        for ((name, _), gradient) in effective.iter().zip(gradients) {
            if let Some(gradient) = gradient? {
                weights.insert(name, gradient);
            }
        }
        Ok(LossGradients { value: loss.f_double_value(&[])?, outputs: d_outputs, states, weights })
    }

    /// The gradients that the optimizer gets, for the trainable parameters in order; none for a parameter on which the loss
    /// does not depend. Fixed entries are left out before clipping, as in PsychRNN.
    fn gradients(
        &self,
        network: &dyn Network,
        objective: Objective,
        update: usize,
    ) -> Result<Vec<Option<ArrayD<f32>>>> {
        let trained: Vec<_> = network.parameters().iter().filter(|(_, parameter)| parameter.trainable).collect();
        let values: Vec<&Tensor> = trained.iter().map(|(_, parameter)| &parameter.value).collect();
        let mut through_constraints = match &objective.graph {
            Some(graph) => Tensor::f_run_backward(&[graph], &values, false, false)?,
            None => Vec::new(),
        }
        .into_iter();
        let mut gradients = Vec::new();
        let mut norms = Vec::new();
        for (name, parameter) in &trained {
            let pulled = through_constraints.next().filter(|gradient| gradient.defined());
            let direct = objective.direct.array(name).ok().cloned();
            let mut gradient = match (direct, pulled.map(|pulled| to_array(&pulled)).transpose()?) {
                (Some(direct), Some(pulled)) => direct + pulled,
                (Some(gradient), None) | (None, Some(gradient)) => gradient,
                (None, None) => {
                    gradients.push(None);
                    norms.push(0.0);
                    continue;
                }
            };
            if let Some(fixed) = &parameter.fixed {
                Zip::from(&mut gradient).and(fixed).for_each(|gradient, &fixed| {
                    if fixed {
                        *gradient = 0.0;
                    }
                });
            }
            let norm = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
            if norm.is_nan() || norm > EXPLODED {
                let what = format!("the norm of the gradient of {name}");
                return Err(Error::Diverged { update, what, value: norm, best: None, checkpoint: None });
            }
            gradients.push(Some(gradient));
            norms.push(norm);
        }
        let global = norms.iter().map(|norm| norm * norm).sum::<f64>().sqrt();
        for (gradient, norm) in gradients.iter_mut().zip(norms) {
            let factor = match self.clip {
                Clip::PerParameter(limit) if norm > limit => limit / norm,
                Clip::Global(limit) if global > limit => limit / global,
                _ => continue,
            };
            if let Some(gradient) = gradient {
                *gradient *= factor as f32;
            }
        }
        Ok(gradients)
    }
}

/// What is told of an update.
pub(super) struct Updated {
    /// The loss before it, penalties included.
    pub(super) loss: f64,
    /// `Ω`, where it keeps gradients from vanishing.
    pub(super) omega: Option<f64>,
}

/// The states `[n_batch, n_rec]` at the last step of each trial, from those of all steps `[n_batch, n_steps, n_rec]`.
fn ends(states: &ArrayViewD<'_, f32>, lengths: &[usize]) -> ArrayD<f32> {
    let mut ends = ArrayD::zeros(IxDyn(&[states.len_of(Axis(0)), states.len_of(Axis(2))]));
    for ((mut end, states), &length) in ends.outer_iter_mut().zip(states.outer_iter()).zip(lengths) {
        if let Some(last) = states.outer_iter().take(length).last() {
            end.assign(&last);
        }
    }
    ends
}

/// The loss of a batch, and what its gradients with respect to the parameters come from.
struct Objective {
    value: f64,
    /// `Ω`, where it keeps gradients from vanishing.
    omega: Option<f64>,
    /// The states in which the trials ended, `[n_batch, n_rec]`, where they are carried over.
    ends: Option<ArrayD<f32>>,
    /// A number whose gradients they are.
    graph: Option<Tensor>,
    /// Gradients that are known, to be added to those.
    direct: Weights,
}

/// The loss of a batch, penalties included, and its gradients with respect to what the kernel gave and was given.
struct LossGradients {
    value: f64,
    outputs: Array3<f32>,
    states: Option<Array3<f32>>,
    weights: Weights,
}
