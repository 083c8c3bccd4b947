//! What training did.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::random::Seed;

/// What training did: its losses and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Training {
    /// The updates done.
    pub updates: usize,
    /// The trials seen.
    pub trials: usize,
    /// The trials of one update.
    pub batch_size: usize,
    /// The loss of each update's batch, before the update.
    pub losses: Vec<f64>,
    /// Why training ended.
    pub stop: Stop,
    /// The seconds that it took.
    pub seconds: f64,
    /// The seconds of these in which trials were drawn.
    pub seconds_drawing: f64,
    /// The seed of the trials.
    pub seed: Seed,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// All updates were done.
    Finished,
}

impl Training {
    /// The mean loss of the last ten updates; NaN if there was none.
    #[must_use]
    pub fn final_loss(&self) -> f64 {
        let last = &self.losses[self.losses.len().saturating_sub(10)..];
        last.iter().sum::<f64>() / last.len() as f64
    }
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { updates, trials, seconds, .. } = self;
        write!(f, "trained {updates} updates, {trials} trials, in {seconds:.1} s: loss {:.5}", self.final_loss())
    }
}
