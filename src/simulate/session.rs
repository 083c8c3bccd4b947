//! What a network did on a batch of trials.

use std::path::Path;

use indexmap::IndexMap;
use ndarray::{Array3, ArrayD, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::npz::Npz;
use crate::number::decimal;
use crate::table::{Table, Value};
use crate::task::{Batch, Criterion, Decision};
use crate::{Error, Result, file};

/// What a network did on a batch of trials: its states, rates, outputs and choices, beside the trials themselves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Session {
    /// The trials.
    pub batch: Batch,
    /// The states `[n_batch, n_steps, n]` of the recorded units, `x` before the transfer function, or `r` in the rate form; the first is the
    /// one after the first step. By default all units are recorded, see [`Simulator::record`](super::Simulator::record); what is not is
    /// `[n_batch, n_steps, 0]`.
    pub states: Array3<f32>,
    /// The rates `[n_batch, n_steps, n]` of the recorded units, `f(x)`; those of the rate form and of an LSTM are its states.
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

/// What of a session is looked at: the states, unless another is asked for, in every analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// The states: `x` before the transfer function, or `r` in the rate form.
    #[default]
    States,
    /// The rates.
    Rates,
    /// The outputs `z`.
    Outputs,
}

impl Signal {
    /// Its name, as it stands in sentences.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::States => "states",
            Self::Rates => "rates",
            Self::Outputs => "outputs",
        }
    }
}

impl Session {
    /// The session that these states, rates and outputs make.
    ///
    /// # Errors
    /// If their shapes do not fit the batch, or if the task's decision is read by an epoch and the trials have no epochs.
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
        batch.check_times()?;
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
        let correct =
            outputs.axis_iter(Axis(0)).enumerate().map(|(trial, outputs)| batch.is_correct(trial, outputs)).collect();
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

    /// The share of correct choices among the trials that have a correct choice; NaN if none has. Where the task does not say how
    /// outputs are read as a choice and the default cannot tell, a warning says what to do.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.batch.warn_of_doubt();
        self.share_correct()
    }

    /// The accuracy, where it is measured whether or not anybody asked for it.
    pub(crate) fn share_correct(&self) -> f64 {
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
        self.batch.warn_of_doubt();
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
    /// If the rule makes no sense for these outputs, or if no trial has the epoch by which it reads, or the values that it compares with.
    pub fn decided_by(mut self, decision: Decision) -> Result<Self> {
        decision.check(self.batch.spec.n_out)?;
        decision.check_there(&self.batch)?;
        self.batch.spec.decision = decision;
        self.batch.decisions.clear();
        Self::recorded(self.batch, self.states, self.rates, self.outputs, self.units)
    }

    /// When each choice was made by the task's decision: the time from the start of the epoch by which it is read (of the trial, if
    /// it names none) to the end of the step in which the output that is the choice reached the threshold, in milliseconds. `None`
    /// where none did.
    ///
    /// # Errors
    /// If the decision has no threshold to reach, or if no trial has its epoch.
    pub fn decision_times(&self) -> Result<Vec<Option<f64>>> {
        let timeless = |trial: &usize| !self.batch.decision(*trial).has_times();
        if let Some(trial) = (0..self.n_trials()).find(timeless) {
            let expected = "one with a threshold to reach, such as `Decision::first_to_reach(0.7).after(\"stimulus\")`";
            return Err(Error::argument("decision of the task", expected, self.batch.decision(trial)));
        }
        self.times_of(|trial| self.batch.decision(trial).clone())
    }

    /// The time from the start of the epoch `event` until an output first reaches `threshold`, in milliseconds, for each trial: the
    /// [`decision_times`](Self::decision_times) of `Decision::first_to_reach(threshold).after(event)`, among the alternatives of the
    /// task. `None` if none does before the trial ends, and for a trial without that epoch. The output of a step is there when the
    /// step is over: one that reaches the threshold in the step in which the epoch starts gives `dt`, as in PyCog. One that was
    /// there before has not reacted to the event.
    ///
    /// # Errors
    /// If no trial has that epoch, or if `threshold` is NaN.
    pub fn reaction_times(&self, threshold: f32, event: &str) -> Result<Vec<Option<f64>>> {
        if threshold.is_nan() {
            return Err(Error::argument("threshold", "a number", threshold));
        }
        self.batch.starts(event)?;
        self.times_of(|trial| self.batch.decision(trial).first_after(threshold, event))
    }

    /// The angle of each response in radians, from 0 to 2π, where the task's decision is a ring of outputs ([`Decision::ring`]); `None` for
    /// a trial without a response.
    #[must_use]
    pub fn responses(&self) -> Vec<Option<f64>> {
        let outputs = self.outputs.outer_iter().enumerate();
        outputs.map(|(trial, outputs)| self.batch.decision(trial).read(&self.batch, trial, outputs).angle).collect()
    }

    fn times_of(&self, decision: impl Fn(usize) -> Decision) -> Result<Vec<Option<f64>>> {
        if self.batch.decisions.is_empty() {
            self.batch.spec.decision.check_there(&self.batch)?;
        }
        let clock = self.batch.clock();
        let time = |(trial, outputs): (usize, ArrayView2<'_, f32>)| {
            let decision = decision(trial);
            let reached = decision.read(&self.batch, trial, outputs).reached?;
            let start = decision.start(&self.batch, trial)?;
            Some(decimal((clock.time(reached as i64 + 1) - start) as f32))
        };
        Ok(self.outputs.outer_iter().enumerate().map(time).collect())
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
    /// If one of the columns is not there or holds text; [`Session::with_values`] takes that, too.
    pub fn with<const N: usize, T: Into<Value>>(
        self,
        name: &str,
        columns: [&str; N],
        f: impl Fn([f64; N]) -> T,
    ) -> Result<Self> {
        let values = self.trials().computed(columns, f)?;
        self.with_column(name, values)
    }

    /// The same session with a column made of others of any kind, texts among them, as by [`Table::with_values`].
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// # fn attended(session: Session) -> psychrnn::Result<Session> {
    /// session.with_values("attended", ["context", "motion", "color"], |[context, motion, color]| {
    ///     if context.is("motion") { motion.clone() } else { color.clone() }
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// If one of the columns is not there.
    pub fn with_values<const N: usize, T: Into<Value>>(
        self,
        name: &str,
        columns: [&str; N],
        f: impl Fn([&Value; N]) -> T,
    ) -> Result<Self> {
        let values = self.trials().computed_of_values(columns, f)?;
        self.with_column(name, values)
    }

    /// The trials with these rows, in this order; rows past the end are left out. Nothing is run again: a trial that is there
    /// several times is the same each time, its number included.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<usize> = rows.iter().copied().filter(|&row| row < self.n_trials()).collect();
        Self {
            batch: self.batch.rows(&rows),
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
    /// If there is no such column, or no such trial: lists the values that there are.
    pub fn filter(&self, column: &str, keep: impl Fn(&Value) -> bool) -> Result<Self> {
        let trials = self.trials();
        match trials.rows_where(column, keep)? {
            rows if rows.is_empty() => Err(trials.met_by_none(column, "a condition that none of them meets")),
            rows => Ok(self.select(&rows)),
        }
    }

    /// The trials with this value in a column of [`Session::trials`]: `session.only("correct", true)?`.
    ///
    /// # Errors
    /// As [`Session::filter`].
    pub fn only(&self, column: &str, value: impl Into<Value>) -> Result<Self> {
        Ok(self.select(&self.trials().rows_with(column, value.into())?))
    }

    /// One row a trial: its number, the values that the task drew, `choice`, `correct`, the angle of the `response` where it is one
    /// ([`Session::responses`]), each of several answers (`choice_test1`, `correct_test1`, …; [`Decision::in_each`]), the start of each
    /// epoch (`stimulus_start`, …) and `duration`, in milliseconds. Where the task has a value of such a name, ours is called
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
        if (0..self.n_trials()).any(|trial| self.batch.decision(trial).is_ring()) {
            add("response", self.responses().into_iter().map(Into::into).collect());
        }
        for (epoch, [choices, correct]) in self.answers() {
            add(&format!("choice_{epoch}"), choices);
            add(&format!("correct_{epoch}"), correct);
        }
        let mut epochs: Vec<&str> = Vec::new();
        for epoch in self.batch.epochs.iter().flat_map(|epochs| epochs.iter()) {
            if !epochs.contains(&epoch.name.as_str()) {
                epochs.push(&epoch.name);
            }
        }
        for name in epochs {
            add(&format!("{name}_start"), self.batch.epochs.iter().map(|epochs| epochs.start(name).into()).collect());
        }
        let durations = self.batch.lengths.iter().map(|&steps| self.batch.clock().time(steps as i64).into());
        add("duration", durations.collect());
        table
    }

    /// The choices in each of several answers, and whether they are correct.
    fn answers(&self) -> IndexMap<String, [Vec<Value>; 2]> {
        let mut answers = IndexMap::new();
        for (trial, outputs) in self.outputs.outer_iter().enumerate() {
            for (epoch, decision) in self.batch.decision(trial).answers() {
                let missing = || [(); 2].map(|()| vec![Value::Missing; self.n_trials()]);
                let [choices, correct] = answers.entry(epoch.to_owned()).or_insert_with(missing);
                choices[trial] = decision.read(&self.batch, trial, outputs).choice.into();
                correct[trial] = decision.judge(&self.batch, trial, outputs).into();
            }
        }
        answers
    }

    /// Writes a compressed `.npz` file that opens with `numpy.load`: `inputs`, `targets`, `mask`, `states`, `rates`,
    /// `outputs` `[n_batch, n_steps, n]`, `units` (the numbers of the recorded units; states or rates that were not recorded are
    /// left out), `lengths` (in steps), `dt` (in milliseconds), and each column of
    /// [`Session::trials`] as `trials/choice` and so on, numbers with NaN where one is missing; and what [`Session::load`] needs
    /// besides, as JSON. An older file of that name stays whole if this fails.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let (trials, about) = (self.trials(), self.batch.about()?);
        file::write_npz(path.as_ref(), |npz| {
            self.batch.write(npz, &trials, about)?;
            npz.list("units", self.units.iter().map(|&unit| unit as u64))?;
            [("states", &self.states), ("rates", &self.rates), ("outputs", &self.outputs)]
                .iter()
                .filter(|(_, array)| array.len_of(Axis(2)) > 0)
                .try_for_each(|(name, array)| npz.array(name, array.view()))
        })
    }

    /// Reads the session that [`Session::save`] wrote: the same trials, states, rates, outputs and choices.
    ///
    /// # Errors
    /// If the file cannot be read, or is no session.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut npz = Npz::open(path)?;
        let no_session =
            |problem: String| Error::file(path, format!("it is no session as `Session::save` writes it: {problem}"));
        let batch = Batch::read(&mut npz, path)?
            .ok_or_else(|| no_session("it does not say what the trials were about".into()))?;
        let mut array = |name: &str| -> Result<Option<Array3<f32>>> {
            let numbers = npz.has_numbers(name).then(|| npz.numbers(name)).transpose()?;
            let cube = |numbers: ArrayD<f32>| {
                numbers.into_dimensionality().map_err(|_| no_session(format!("`{name}` has not three axes")))
            };
            numbers.map(cube).transpose()
        };
        let outputs = array("outputs")?.ok_or_else(|| no_session("there is no `outputs`".into()))?;
        // What was not recorded is not there.
        let (states, rates) = (array("states")?, array("rates")?);
        let n = [&states, &rates].iter().find_map(|array| Some(array.as_ref()?.len_of(Axis(2)))).unwrap_or(0);
        let units = match npz.has_numbers("units") {
            true => npz.numbers::<f64>("units")?.iter().map(|&unit| unit as usize).collect(),
            false => (0..n).collect(),
        };
        let missing = || Array3::zeros((batch.n_trials(), batch.n_steps(), 0));
        let [states, rates] = [states, rates].map(|array| array.unwrap_or_else(missing));
        Self::recorded(batch, states, rates, outputs, units)
    }
}
