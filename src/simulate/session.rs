//! What a network did on a batch of trials.

use ndarray::{Array3, Axis};

use crate::task::{Batch, Table, Value};
use crate::{Error, Result};

/// What a network did on a batch of trials: its states, outputs and choices, beside the trials themselves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The trials.
    pub batch: Batch,
    /// The states `x` `[n_batch, n_steps, n_rec]`, before the transfer function; the first is the one after the first
    /// step.
    pub states: Array3<f32>,
    /// The outputs `z` `[n_batch, n_steps, n_out]`.
    pub outputs: Array3<f32>,
    /// The choice of each trial, by the task's [`Decision`](crate::task::Decision).
    pub choices: Vec<Option<usize>>,
    /// Whether the choice was correct; `None` for a trial that has no correct choice.
    pub correct: Vec<Option<bool>>,
}

impl Session {
    /// The session that these states and outputs make.
    ///
    /// # Errors
    /// If their shapes do not fit the batch.
    pub fn new(batch: Batch, states: Array3<f32>, outputs: Array3<f32>) -> Result<Self> {
        batch.check()?;
        let expected = (batch.n_trials(), batch.n_steps(), batch.spec.n_out);
        if outputs.dim() != expected {
            return Err(Error::shape("outputs", format!("[n_batch, n_steps, n_out] = {expected:?}"), outputs.shape()));
        }
        if (states.len_of(Axis(0)), states.len_of(Axis(1))) != (expected.0, expected.1) {
            let expected = format!("[n_batch = {}, n_steps = {}, n_rec]", expected.0, expected.1);
            return Err(Error::shape("states", expected, states.shape()));
        }
        let choices: Vec<_> =
            outputs.axis_iter(Axis(0)).enumerate().map(|(trial, outputs)| batch.choice(trial, outputs)).collect();
        let correct = choices
            .iter()
            .enumerate()
            .map(|(trial, choice)| batch.correct_choice(trial).map(|correct| *choice == Some(correct)))
            .collect();
        Ok(Self { batch, states, outputs, choices, correct })
    }

    /// The share of correct choices among the trials that have a correct choice; NaN if none has.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let scored = self.correct.iter().flatten().count();
        let correct = self.correct.iter().flatten().filter(|&&correct| correct).count();
        correct as f64 / scored as f64
    }

    /// One row a trial: its number, the values that the task drew, `choice`, `correct`, the start of each epoch
    /// (`stimulus_start`, …) and `duration`, in milliseconds. Where the task has a value of such a name, ours is called
    /// `session_choice` and so on.
    #[must_use]
    pub fn trials(&self) -> Table {
        let mut table = self.batch.values.clone();
        let mut add = |name: &str, column: Vec<Value>| {
            let taken = table.column(name).is_ok();
            let name = if taken { format!("session_{name}") } else { name.to_owned() };
            // All columns have one row a trial, so no insertion can fail.
            drop(table.insert(&name, column));
        };
        add("trial", self.batch.numbers.iter().map(|&number| number.into()).collect());
        add("choice", self.choices.iter().map(|&choice| choice.into()).collect());
        add("correct", self.correct.iter().map(|&correct| correct.into()).collect());
        let mut epochs: Vec<&str> = Vec::new();
        for epoch in self.batch.epochs.iter().flat_map(|epochs| epochs.iter()) {
            if !epochs.contains(&epoch.name.as_str()) {
                epochs.push(&epoch.name);
            }
        }
        for name in epochs {
            add(&format!("{name}_start"), self.batch.epochs.iter().map(|epochs| epochs.start(name).into()).collect());
        }
        let durations = self.batch.lengths.iter().map(|&steps| (steps as f32 * self.batch.spec.dt).into());
        add("duration", durations.collect());
        table
    }
}
