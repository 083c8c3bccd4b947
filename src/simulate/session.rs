//! What a network did on a batch of trials.

use std::path::Path;

use indexmap::IndexMap;
use ndarray::{Array3, Axis};
use serde::{Deserialize, Serialize};

use crate::task::models::Criterion;
use crate::task::{Batch, Decision, Table, Value};
use crate::{Error, Result, file};

/// What a network did on a batch of trials: its states, rates, outputs and choices, beside the trials themselves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The trials.
    pub batch: Batch,
    /// The states `x` `[n_batch, n_steps, n]` of the recorded units, before the transfer function; the first is the one after the
    /// first step. By default all units are recorded, see [`Simulator::record`](super::Simulator::record); what is not is
    /// `[n_batch, n_steps, 0]`.
    pub states: Array3<f32>,
    /// The rates `f(x)` `[n_batch, n_steps, n]` of the recorded units; those of an LSTM are its states.
    pub rates: Array3<f32>,
    /// The numbers of the recorded units in the network, ascending: that of each column of states and rates `[n]`.
    pub units: Vec<usize>,
    /// The outputs `z` `[n_batch, n_steps, n_out]`.
    pub outputs: Array3<f32>,
    /// The choice of each trial, by the task's [`Decision`](crate::task::Decision).
    pub choices: Vec<Option<usize>>,
    /// Whether the choice was correct; `None` for a trial that has no correct choice.
    pub correct: Vec<Option<bool>>,
}

/// What of a session is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The states `x`, before the transfer function.
    #[default]
    States,
    /// The rates `f(x)`.
    Rates,
    /// The outputs `z`.
    Outputs,
}

impl Session {
    /// The session that these states, rates and outputs make.
    ///
    /// # Errors
    /// If their shapes do not fit the batch.
    pub fn new(batch: Batch, states: Array3<f32>, rates: Array3<f32>, outputs: Array3<f32>) -> Result<Self> {
        if rates.dim() != states.dim() {
            return Err(Error::shape("rates", format!("{:?}, as the states", states.dim()), rates.shape()));
        }
        let units = (0..states.len_of(Axis(2))).collect();
        Self::recorded(batch, states, rates, outputs, units)
    }

    /// The session of which these units were recorded: states, rates or both.
    pub(crate) fn recorded(
        batch: Batch,
        states: Array3<f32>,
        rates: Array3<f32>,
        outputs: Array3<f32>,
        units: Vec<usize>,
    ) -> Result<Self> {
        batch.check()?;
        let expected = (batch.n_trials(), batch.n_steps(), batch.spec.n_out);
        if outputs.dim() != expected {
            return Err(Error::shape("outputs", format!("[n_batch, n_steps, n_out] = {expected:?}"), outputs.shape()));
        }
        for (name, array) in [("states", &states), ("rates", &rates)] {
            let (n_batch, n_steps, n) = array.dim();
            if (n_batch, n_steps) != (expected.0, expected.1) || (n != units.len() && n != 0) {
                let expected = format!("[n_batch = {}, n_steps = {}, n_rec]", expected.0, expected.1);
                return Err(Error::shape(name, expected, array.shape()));
            }
        }
        let choices: Vec<_> =
            outputs.axis_iter(Axis(0)).enumerate().map(|(trial, outputs)| batch.choice(trial, outputs)).collect();
        let correct = choices
            .iter()
            .enumerate()
            .map(|(trial, choice)| batch.correct_choice(trial).map(|correct| *choice == Some(correct)))
            .collect();
        Ok(Self { batch, states, rates, units, outputs, choices, correct })
    }

    /// The number of trials.
    #[must_use]
    pub fn n_trials(&self) -> usize {
        self.batch.n_trials()
    }

    /// The states, the rates or the outputs, `[n_batch, n_steps, n]`.
    ///
    /// # Errors
    /// If they were not recorded.
    pub fn signal(&self, signal: Signal) -> Result<&Array3<f32>> {
        let (array, name) = match signal {
            Signal::States => (&self.states, "states"),
            Signal::Rates => (&self.rates, "rates"),
            Signal::Outputs => return Ok(&self.outputs),
        };
        if array.len_of(Axis(2)) > 0 {
            return Ok(array);
        }
        let expected = format!("recorded in the run, as by `record(Recording::{name}(..))`");
        Err(Error::argument(name, expected, "not: the session keeps other things only"))
    }

    /// The numbers that the columns of [`Session::signal`] have: those of units in the network, or of output channels.
    #[must_use]
    pub fn numbers_of(&self, signal: Signal) -> Vec<usize> {
        match signal {
            Signal::States | Signal::Rates => self.units.clone(),
            Signal::Outputs => (0..self.outputs.len_of(Axis(2))).collect(),
        }
    }

    /// The share of correct choices among the trials that have a correct choice; NaN if none has.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let scored = self.correct.iter().flatten().count();
        let correct = self.correct.iter().flatten().filter(|&&correct| correct).count();
        correct as f64 / scored as f64
    }

    /// The share of correct choices in the condition where it is lowest: among the trials with the same values in these columns
    /// of [`Session::trials`], as `["f1", "f2"]`. Trials without a correct choice are left out; NaN if there are no others.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn worst_accuracy<'a>(&self, columns: impl IntoIterator<Item = &'a str>) -> Result<f64> {
        let table = self.trials();
        let columns = columns.into_iter().map(|name| table.column(name)).collect::<Result<Vec<_>>>()?;
        let mut conditions: IndexMap<Vec<String>, (usize, usize)> = IndexMap::new();
        for (trial, correct) in self.correct.iter().enumerate() {
            let Some(correct) = correct else { continue };
            let condition = columns.iter().map(|column| column[trial].to_string()).collect();
            let (scored, right) = conditions.entry(condition).or_default();
            *scored += 1;
            *right += usize::from(*correct);
        }
        Ok(conditions.values().map(|&(scored, right)| right as f64 / scored as f64).fold(f64::NAN, f64::min))
    }

    /// The root of the mean squared error of the outputs where the mask is not 0, weighted by it:
    /// `sqrt(Σ mask (z - target)² / Σ mask)`; NaN if the mask is 0 everywhere. PyCog's error.
    #[must_use]
    pub fn rms_error(&self) -> f64 {
        let (mut sum, mut weight) = (0.0, 0.0);
        for ((&z, &target), &mask) in self.outputs.iter().zip(&self.batch.targets).zip(&self.batch.mask) {
            sum += f64::from(mask) * (f64::from(z) - f64::from(target)).powi(2);
            weight += f64::from(mask);
        }
        (sum / weight).sqrt()
    }

    /// What a stopping criterion of PyCog's looks at: the accuracy, that of the worst condition, or the error.
    ///
    /// # Errors
    /// If there is no such column as the criterion names.
    pub fn measured_by(&self, criterion: &Criterion) -> Result<f64> {
        match criterion {
            Criterion::Accuracy { .. } => Ok(self.accuracy()),
            Criterion::WorstCondition { columns, .. } => self.worst_accuracy(columns.iter().map(String::as_str)),
            Criterion::Error { .. } => Ok(self.rms_error()),
        }
    }

    /// The same session with its choices, and what is correct, read by another rule than the task's: those of a
    /// reaction-time task by a threshold, for instance.
    ///
    /// # Errors
    /// If the rule makes no sense.
    pub fn decided_by(mut self, decision: Decision) -> Result<Self> {
        decision.check()?;
        self.batch.spec.decision = decision;
        Self::recorded(self.batch, self.states, self.rates, self.outputs, self.units)
    }

    /// The time from the start of the epoch `event` until an output first reaches `threshold`, in milliseconds, for
    /// each trial. `None` if none does before the trial ends, and for a trial without that epoch. An output that is
    /// there already gives 0.
    ///
    /// # Errors
    /// If no trial has that epoch, or if `threshold` is NaN.
    pub fn reaction_times(&self, threshold: f32, event: &str) -> Result<Vec<Option<f64>>> {
        if threshold.is_nan() {
            return Err(Error::argument("threshold", "a number", threshold));
        }
        let starts = self.batch.starts(event)?;
        let dt = f64::from(self.batch.spec.dt);
        let reaction = |(trial, start): (usize, Option<f64>)| {
            let start = start?;
            let outputs = self.outputs.index_axis(Axis(0), trial);
            let reached = |k: &usize| outputs.row(*k).iter().any(|&output| output >= threshold);
            // A hair is left for times that are not exact in binary.
            let first = (start / dt - 1e-4).ceil().max(0.0) as usize;
            (first..self.batch.lengths[trial]).find(reached).map(|k| k as f64 * dt - start)
        };
        Ok(starts.into_iter().enumerate().map(reaction).collect())
    }

    /// The same session with a column more in [`Session::trials`], or another one of that name: a value for each trial.
    ///
    /// # Errors
    /// If there is not one value a trial.
    pub fn with_column<T: Into<Value>>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Result<Self> {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if values.len() != self.n_trials() {
            return Err(Error::shape(name, format!("[n_trials = {}]", self.n_trials()), &[values.len()]));
        }
        self.batch.values.insert(name, values)?;
        Ok(self)
    }

    /// The same session with a column made of others, as by [`Table::with`].
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// # fn signed(session: Session) -> psychrnn::Result<Session> {
    /// session.with("signed", ["coherence", "direction"], |[c, d]| if d == 1.0 { c } else { -c })
    /// # }
    /// ```
    ///
    /// # Errors
    /// If one of the columns is not there or holds text.
    pub fn with<const N: usize, T: Into<Value>>(
        self,
        name: &str,
        columns: [&str; N],
        f: impl Fn([f64; N]) -> T,
    ) -> Result<Self> {
        let values = self.trials().computed(columns, f)?;
        self.with_column(name, values)
    }

    /// The trials with these rows, in this order; rows past the end are left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<usize> = rows.iter().copied().filter(|&row| row < self.n_trials()).collect();
        Self {
            batch: self.batch.select(&rows),
            states: self.states.select(Axis(0), &rows),
            rates: self.rates.select(Axis(0), &rows),
            units: self.units.clone(),
            outputs: self.outputs.select(Axis(0), &rows),
            choices: rows.iter().map(|&row| self.choices[row]).collect(),
            correct: rows.iter().map(|&row| self.correct[row]).collect(),
        }
    }

    /// The trials in which `keep` holds for a column of [`Session::trials`].
    ///
    /// # Errors
    /// If there is no such column, or no such trial.
    pub fn filter(&self, column: &str, keep: impl Fn(&Value) -> bool) -> Result<Self> {
        let rows = self.trials().rows_where(column, keep)?;
        if rows.is_empty() {
            return Err(Error::argument(format!("condition on {column}"), "met by a trial", "met by none"));
        }
        Ok(self.select(&rows))
    }

    /// The trials with this value in a column of [`Session::trials`]: `session.only("correct", true)?`.
    ///
    /// # Errors
    /// As [`Session::filter`].
    pub fn only(&self, column: &str, value: impl Into<Value>) -> Result<Self> {
        let value = value.into();
        self.filter(column, |found| found.is(&value))
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

    /// Writes a compressed `.npz` file that opens with `numpy.load`: `inputs`, `targets`, `mask`, `states`, `rates`,
    /// `outputs` `[n_batch, n_steps, n]`, `units` (the numbers of the recorded units; states or rates that were not recorded are left
    /// out), `lengths` (in steps), `dt` (in milliseconds), and each column of
    /// [`Session::trials`] as `trials/choice` and so on, numbers with NaN where one is missing. An older file of that
    /// name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let table = self.trials();
        file::write_npz(path.as_ref(), |npz| {
            let batch = &self.batch;
            for (name, array) in [
                ("inputs", &batch.inputs),
                ("targets", &batch.targets),
                ("mask", &batch.mask),
                ("states", &self.states),
                ("rates", &self.rates),
                ("outputs", &self.outputs),
            ] {
                if array.len_of(Axis(2)) > 0 {
                    npz.array(name, array.view())?;
                }
            }
            npz.list("units", self.units.iter().map(|&unit| unit as u64))?;
            npz.list("lengths", batch.lengths.iter().map(|&length| length as u64))?;
            npz.array("dt", ndarray::arr0(batch.spec.dt).view())?;
            for (name, column) in table.iter() {
                let name = format!("trials/{name}");
                match column.iter().map(Value::number).collect::<Option<Vec<f64>>>() {
                    Some(numbers) => npz.list(&name, numbers)?,
                    None => npz.texts(&name, &column.iter().map(Value::to_string).collect::<Vec<_>>())?,
                }
            }
            Ok(())
        })
    }
}
