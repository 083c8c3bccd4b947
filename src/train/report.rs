//! What training did.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::network::{Device, Network};
use crate::random::Seed;
use crate::table::{Table, Value};
use crate::{Error, Result, file};

/// What training did: its losses, what was measured on the way, and its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Training {
    /// The updates done.
    pub updates: usize,
    /// The trials seen.
    pub trials: usize,
    /// The trials of one update.
    pub batch_size: usize,
    /// The recorded losses, penalties included: each that of an update's batch before the update.
    #[serde(with = "crate::number")]
    pub losses: Vec<f64>,
    /// The update of each recorded loss, counted from 1.
    pub recorded: Vec<usize>,
    /// `Ω` of each recorded update, of which the loss knows nothing; none without
    /// [`Trainer::vanishing_gradient`](super::Trainer::vanishing_gradient).
    #[serde(default, with = "crate::number")]
    pub omegas: Vec<f64>,
    /// What was measured on the way.
    pub checks: Vec<Check>,
    /// The best of the checks, in a curriculum of those in its last stage; the network keeps the weights that it then had, and
    /// [`Network::use_best`](crate::network::Network::use_best) puts them into it.
    pub best: Option<Check>,
    /// What was not the same all along: settings that were changed when the run went on from a checkpoint.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// Why training ended.
    pub stop: Stop,
    /// What computed the gradients.
    pub path: Path,
    /// Where.
    #[serde(default)]
    pub device: Device,
    /// The seconds that it took.
    #[serde(with = "crate::number")]
    pub seconds: f64,
    /// The seconds of these in which updates waited for their trials.
    #[serde(with = "crate::number")]
    pub seconds_drawing: f64,
    /// The seed of the trials.
    pub seed: Seed,
}

/// What was measured between two updates, on trials that are not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The updates done before it.
    pub update: usize,
    /// The stage of the curriculum, counted from 0.
    pub stage: usize,
    /// The metric, accuracy if no other was asked for. NaN if the trials ask for no choice.
    #[serde(with = "crate::number")]
    pub value: f64,
    /// The loss, without penalties.
    #[serde(with = "crate::number")]
    pub loss: f64,
    /// The root of the mean squared error of the outputs where the mask counts it, [`Session::rms_error`].
    ///
    /// [`Session::rms_error`]: crate::simulate::Session::rms_error
    #[serde(with = "crate::number")]
    pub error: f64,
    /// Whether the goal was reached with it, in a curriculum that of the stage.
    pub passed: bool,
}

/// What was measured, in words: the metric, or the error where there are no choices that could be correct.
pub(crate) fn measured(metric: f64, error: f64) -> String {
    if metric.is_nan() { format!("error {error:.3}") } else { format!("metric {metric:.3}") }
}

/// A setting that was another one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The updates done before it.
    pub update: usize,
    /// The setting, `trainer.learning_rate`.
    pub setting: String,
    /// What it was.
    pub from: String,
    /// What it became.
    pub to: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { update, setting, from, to } = self;
        write!(f, "{setting} was {from}, and is {to} after update {update}")
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// All updates were done.
    Finished,
    /// The goal was reached, in the last stage if there were several.
    Reached,
    /// There was nothing better for as many checks as [`Trainer::patience`](super::Trainer::patience) allows.
    Patience,
    /// The [time limit](super::Trainer::time_limit) was over. Training that is called again goes on.
    TimeUp,
    /// It was interrupted, by Ctrl-C or a notebook's stop button. Training that is called again goes on.
    Interrupted,
    /// It was told to end, by a cluster's scheduler or `kill` (SIGTERM), or since its terminal was closed (SIGHUP). Training that is
    /// called again goes on.
    Terminated,
    /// It exploded; the last update is missing. See [`Error::Diverged`].
    Diverged,
    /// There was an error, in code of your own for instance; the update in which it came is missing.
    Failed,
    /// It goes on: the report of a checkpoint on the way, which is what a run leaves that was killed.
    Unfinished,
}

/// What computes the gradients through time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// The kernels of [`dynamics`](crate::dynamics).
    Kernel,
    /// libtorch's automatic differentiation.
    Libtorch,
}

impl Stop {
    /// Whether there is nothing left to do: all updates were done, the goal was reached, or patience was over.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Finished | Self::Reached | Self::Patience)
    }
}

/// The reason in words.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "all updates were done",
            Self::Reached => "the goal was reached",
            Self::Patience => "there was nothing better for long",
            Self::TimeUp => "its time was up; train again to go on",
            Self::Interrupted => "it was interrupted; train again to go on",
            Self::Terminated => "it was told to end; train again to go on",
            Self::Diverged => "it exploded",
            Self::Failed => "there was an error",
            Self::Unfinished => "it was stopped on the way",
        })
    }
}

impl Training {
    /// What the last training of this network did, also if it ended with an error: its losses and checks up to there.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// let task = PerceptualDiscrimination::default();
    /// let mut network = Rnn::new(&task, RnnConfig::default())?;
    /// if let Err(error) = Trainer::default().learning_rate(1e3).train(&mut network, &task) {
    ///     println!("{error}: {:?}", Training::of(&network)?.losses);
    /// }
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If it was not trained since it was made or loaded.
    pub fn of(network: &dyn Network) -> Result<Self> {
        let last = network.parameters().memory.report.as_ref().and_then(|report| report.downcast_ref::<Self>());
        last.cloned().ok_or_else(|| Error::argument("network", "one that was trained here", "untrained"))
    }

    /// The mean of the last ten recorded losses; NaN if there is none.
    #[must_use]
    pub fn final_loss(&self) -> f64 {
        let last = &self.losses[self.losses.len().saturating_sub(10)..];
        last.iter().sum::<f64>() / last.len() as f64
    }

    /// The checks of a stage.
    pub(super) fn checks_of(&self, stage: usize) -> &[Check] {
        let first = self.checks.iter().position(|check| check.stage == stage).unwrap_or(self.checks.len());
        &self.checks[first..]
    }

    /// How many checks of the present stage came after the best one. A stage that has just begun has none.
    pub(super) fn checks_since_best(&self) -> usize {
        let Some(stage) = self.checks.last().filter(|check| !check.passed).map(|check| check.stage) else { return 0 };
        let best = self.best.filter(|best| best.stage == stage).map_or(0, |best| best.update);
        self.checks_of(stage).iter().filter(|check| check.update > best).count()
    }

    /// One row a check: `update`, `trials` seen before it, `stage`, `loss`, `error`, `metric`, `passed`.
    #[must_use]
    pub fn checks_table(&self) -> Table {
        let mut table = Table::new();
        let column = |value: &dyn Fn(&Check) -> Value| -> Vec<Value> { self.checks.iter().map(value).collect() };
        for (name, column) in [
            ("update", column(&|check| check.update.into())),
            ("trials", column(&|check| (check.update * self.batch_size).into())),
            ("stage", column(&|check| check.stage.into())),
            ("loss", column(&|check| check.loss.into())),
            ("error", column(&|check| check.error.into())),
            ("metric", column(&|check| check.value.into())),
            ("passed", column(&|check| check.passed.into())),
        ] {
            // All columns have one row a check, so no insertion can fail.
            drop(table.insert(name, column));
        }
        table
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// If the file cannot be written; an older file of that name then stays whole.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        file::write_json(path.as_ref(), self)
    }

    /// Reads what [`Training::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, or is no such report.
    pub fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        file::read_json(path.as_ref(), "report of training")
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { updates, trials, seconds, .. } = self;
        let stop = match self.stop {
            Stop::Interrupted => "interrupted; ",
            Stop::Terminated => "told to end; ",
            Stop::TimeUp => "its time is up; ",
            Stop::Diverged => "exploded; ",
            Stop::Failed => "failed; ",
            Stop::Unfinished => "not finished; ",
            _ => "",
        };
        write!(
            f,
            "{stop}trained {updates} updates, {trials} trials, in {seconds:.1} s: loss {:.5}",
            self.final_loss()
        )?;
        if let Some(check) = self.checks.last() {
            write!(f, ", {}", measured(check.value, check.error))?;
        }
        Ok(())
    }
}
