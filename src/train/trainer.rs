//! The trainer: its settings, and whether they make sense.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::metric::MeasureOf;
use super::{Accuracy, AdamW, Backend, Clip, Goal, Loss, MeanSquaredError, Metric, Optimizer, Regularizer, Schedule};
use crate::network::Device;
use crate::random::Seed;
use crate::setters::setters;
use crate::task::Batch;
use crate::{Error, Result};

/// After how many updates a network is checked unless something else is said.
pub(super) const CHECK_EVERY: usize = 10;
/// On how many fresh trials.
pub(super) const CHECK_TRIALS: usize = 128;
/// How many mebibytes the kernel keeps at most.
const MEMORY: usize = 1024;

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
    pub(super) regularizers: Vec<Arc<dyn Regularizer>>,
    pub(super) vanishing_gradient: f64,
    pub(super) carry_state: bool,
    pub(super) consecutive: usize,
    pub(super) optimizer: Optimizer,
    pub(super) learning_rate: f64,
    pub(super) schedule: Schedule,
    pub(super) clip: Clip,
    pub(super) record_every: usize,
    #[serde(skip)]
    pub(super) save_every: Option<(usize, PathBuf)>,
    #[serde(skip)]
    pub(super) checkpoint: Option<(PathBuf, Every)>,
    #[serde(skip)]
    pub(super) resume: bool,
    #[serde(rename = "until")]
    pub(super) goal: Option<Goal>,
    // What is measured in the end is in the plan.
    #[serde(skip)]
    pub(super) metric: Option<Arc<dyn Metric>>,
    #[serde(serialize_with = "or_usual::<CHECK_EVERY, _>", deserialize_with = "unless_usual::<CHECK_EVERY, _>")]
    pub(super) check_every: Option<usize>,
    #[serde(serialize_with = "or_usual::<CHECK_TRIALS, _>", deserialize_with = "unless_usual::<CHECK_TRIALS, _>")]
    pub(super) check_trials: Option<usize>,
    #[serde(skip_deserializing, serialize_with = "described_batch")]
    pub(super) validation: Option<Arc<Batch>>,
    pub(super) best_by: BestBy,
    pub(super) patience: Option<usize>,
    pub(super) time_limit: Option<f64>,
    pub(super) threads: Option<usize>,
    pub(super) backend: Option<Backend>,
    pub(super) device: Device,
    #[serde(serialize_with = "or_usual::<MEMORY, _>", deserialize_with = "unless_usual::<MEMORY, _>")]
    pub(super) memory: Option<usize>,
    pub(super) silent: bool,
}

/// How long training is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Length {
    Trials(usize),
    Updates(usize),
}

/// How often something is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// After so many updates.
    Updates(usize),
    /// After the first update that ends so many seconds after the last time.
    Seconds(f64),
}

impl Every {
    /// Whether the number makes sense.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(self) -> Result<()> {
        match self {
            Self::Updates(0) => Err(Error::argument("checkpoint", "after at least 1 update", 0)),
            Self::Seconds(seconds) if !(seconds >= 0.0 && seconds.is_finite()) => {
                Err(Error::argument("checkpoint", "after 0 or a positive number of seconds", seconds))
            }
            _ => Ok(()),
        }
    }
}

/// By what the best weights are chosen among those that were checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestBy {
    /// The smallest loss.
    #[default]
    Loss,
    /// The best metric.
    Metric,
}

fn described_loss<S: Serializer>(loss: &Arc<dyn Loss>, serializer: S) -> Result<S::Ok, S::Error> {
    loss.describe().serialize(serializer)
}

fn described_regularizers<S: Serializer>(all: &[Arc<dyn Regularizer>], serializer: S) -> Result<S::Ok, S::Error> {
    all.iter().map(|regularizer| regularizer.describe()).collect::<Vec<_>>().serialize(serializer)
}

fn or_usual<const USUAL: usize, S: Serializer>(given: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    given.unwrap_or(USUAL).serialize(serializer)
}

/// What is usual need not have been asked for: it stands in each file that has all settings.
fn unless_usual<'de, const USUAL: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|given| *given != USUAL))
}

fn described_batch<S: Serializer>(batch: &Option<Arc<Batch>>, serializer: S) -> Result<S::Ok, S::Error> {
    batch.as_deref().map(check_sum).serialize(serializer)
}

/// A check sum over the trials of a batch.
pub(super) fn check_sum(batch: &Batch) -> String {
    let mut sum = crc32fast::Hasher::new();
    for number in batch.inputs.iter().chain(&batch.targets).chain(&batch.mask) {
        sum.update(&number.to_le_bytes());
    }
    let Seed(seed) = batch.seed;
    sum.update(&seed.to_le_bytes());
    format!("{:08x}", sum.finalize())
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
            consecutive: 1,
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
            backend: None,
            device: Device::Cpu,
            memory: None,
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
    /// [`Dynamics::vanishing`](crate::dynamics::Dynamics::vanishing) for `Ω`, with a `bound` of 1e-20; PyCog's `strength` is 2.
    ///
    /// `Ω` is no part of the loss: what is added is not its whole gradient, which would lead through time. The adjoints in it are
    /// those of the loss with all penalties. They are the kernel's, so that a network which it does not know, an LSTM, or training
    /// on libtorch is refused.
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
        /// Training that is called again goes on with these states if it has as many rows and the same optimizer. Checks begin
        /// with them, too: trial `i` with that of row `i` modulo `batch_size`. [`Network::run`](crate::network::Network::run)
        /// begins each trial with `init_state` all the same;
        /// [`Simulator::run_consecutively`](crate::simulate::Simulator::run_consecutively) carries states over. An LSTM, whose
        /// state is more than that of its units, is refused.
        ///
        /// Where the task's trials know those before them in a session ([`Task::next`](crate::task::Task::next)), a row goes on with its
        /// session from batch to batch, and a session begins with `init_state`.
        carry_state: bool;
        /// How many trials are done one after another in a row of a batch, which then has `batch_size / consecutive` rows; 1 by default. Each
        /// trial begins with the state in which the one before it in its row ended, and gradients go back through all of a row, so that a
        /// network can learn what one trial tells about the next. They do not go back beyond the row: with [`Trainer::carry_state`] its
        /// first trial begins with the state in which the row ended in the batch before, and otherwise with `init_state`.
        ///
        /// A row has trials of one session, or whole sessions, see [`Sessions`](crate::task::Sessions). What was before in a session is
        /// drawn again from its seed for each batch, the ideal subject standing in for the network, so that a run that is resumed goes on
        /// with it. In checks the rows are those of validation trials in order, so many in each, or are fresh ones from the beginning of
        /// sessions on; metrics are about single trials all the same.
        consecutive: usize;
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
    /// optimizer, learning rate, schedule, clipping, [`Trainer::vanishing_gradient`], how often there are checks and losses, backend and
    /// device: a line says what was changed, and [`Training::changes`](super::Training::changes) tells it. Another kind of optimizer
    /// starts its moments afresh. A run that has ended goes on if it is to be longer, or to reach another goal.
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
        /// goal or patience, or if anything is asked of them: what they measure, how often, or on how many trials.
        check_every: usize => Some(check_every);
        /// On how many fresh trials it is checked where there are no validation trials; 128 by default.
        check_trials: usize => Some(check_trials);
        /// By what the best weights are chosen among those that were checked; by the loss by default. They are kept beside the
        /// last ones: [`Network::use_best`](crate::network::Network::use_best) puts them into the network,
        /// [`Training::best`](super::Training::best) says when they were there.
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
        backend: Backend => Some(backend);
        /// Where updates are computed; on the processor by default. On a card it is libtorch that computes.
        device: Device;
        /// How many mebibytes the kernel keeps of an update's activity at most; 1024 by default. It keeps about 4 bytes for each trial,
        /// step and unit (4 more where the slope of the transfer function does not follow from its value, 4 more in the rate form, 28 in
        /// an LSTM), inputs and outputs. Batches of other lengths use the same memory. Beyond this limit it keeps the states at every `√n_steps` steps and runs the steps between once more on the way back: a third more
        /// arithmetic, the same bits. On libtorch, whose graph keeps all that an update needs, it is refused.
        memory: usize => Some(memory);
    }

    /// Shows no progress.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// What is measured in a check.
    pub(super) fn measured(&self) -> Result<Arc<dyn Metric>> {
        match (&self.goal, &self.metric) {
            (Some(Goal::Criterion(_)), Some(_)) => {
                Err(Error::argument("metric", "left out with a criterion, which says itself what is measured", "given"))
            }
            (Some(Goal::Criterion(criterion)), None) => Ok(Arc::new(MeasureOf(criterion.clone()))),
            (_, Some(metric)) => Ok(metric.clone()),
            (_, None) => Ok(Arc::new(Accuracy)),
        }
    }

    /// The number of updates, if all arguments make sense; training asks this before it begins.
    ///
    /// # Errors
    /// Names the first argument that does not, or the folder of [`Trainer::save_every`] if it cannot be made.
    pub fn check(&self) -> Result<usize> {
        let counts = [
            ("batch_size", self.batch_size),
            ("consecutive", self.consecutive),
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
        if !self.batch_size.is_multiple_of(self.consecutive) {
            let expected = format!("a number of trials that parts the {} of a batch into rows", self.batch_size);
            return Err(Error::argument("consecutive", expected, self.consecutive));
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
        self.clip.check()?;
        let metric = self.measured()?;
        self.goal.as_ref().map_or(Ok(()), |goal| goal.check("until", metric.as_ref()))?;
        if self.validation.is_some() {
            self.check_beside_validation()?;
        }
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

    /// An error if something is asked for that makes no sense with validation trials.
    pub(crate) fn check_beside_validation(&self) -> Result<()> {
        self.check_trials.map_or(Ok(()), |trials| {
            let expected = "left out with validation trials, which are all looked at in each check";
            Err(Error::argument("check_trials", expected, trials))
        })
    }

    /// The limit on what the kernel keeps, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.memory.unwrap_or(MEMORY).saturating_mul(1 << 20)
    }

    /// Whether an update looks at states, and not only at outputs.
    pub(super) fn uses_states(&self) -> bool {
        self.vanishing_gradient > 0.0
            || self.carry_state
            || self.loss.uses_states()
            || self.regularizers.iter().any(|penalty| penalty.uses_states())
    }
}
