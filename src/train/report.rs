//! What training did.

use std::fmt;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::network::Device;
use crate::random::Seed;
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
    pub losses: Vec<f64>,
    /// The update of each recorded loss, counted from 1.
    pub recorded: Vec<usize>,
    /// What was measured on the way.
    pub checks: Vec<Check>,
    /// Why training ended.
    pub stop: Stop,
    /// What computed the gradients.
    pub path: Path,
    /// Where.
    #[serde(default)]
    pub device: Device,
    /// The seconds that it took.
    pub seconds: f64,
    /// The seconds of these in which updates waited for their trials.
    pub seconds_drawing: f64,
    /// The seed of the trials.
    pub seed: Seed,
}

/// One measurement of the metric during training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The updates done before it.
    pub update: usize,
    /// The stage of the curriculum, counted from 0.
    pub stage: usize,
    /// What was measured.
    pub value: f64,
    /// Whether the stage ended with it.
    pub passed: bool,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// All updates were done.
    Finished,
    /// The metric reached its threshold, in the last stage if there were several.
    Reached,
    /// It was interrupted, by Ctrl-C or a notebook's stop button. Training that is called again goes on.
    Interrupted,
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

impl Training {
    /// The mean of the last ten recorded losses; NaN if there is none.
    #[must_use]
    pub fn final_loss(&self) -> f64 {
        let last = &self.losses[self.losses.len().saturating_sub(10)..];
        last.iter().sum::<f64>() / last.len() as f64
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// If the file cannot be written; an older file of that name then stays whole.
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        let path = path.as_ref();
        file::write_whole(path, |writer| {
            serde_json::to_writer_pretty(&mut *writer, self).map_err(|error| Error::io("write", path, error.into()))?;
            writer.write_all(b"\n").map_err(|error| Error::io("write", path, error))
        })
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { updates, trials, seconds, .. } = self;
        let stop = if self.stop == Stop::Interrupted { "interrupted; " } else { "" };
        write!(
            f,
            "{stop}trained {updates} updates, {trials} trials, in {seconds:.1} s: loss {:.5}",
            self.final_loss()
        )?;
        if let Some(check) = self.checks.last() {
            write!(f, ", metric {:.3}", check.value)?;
        }
        Ok(())
    }
}
