//! A batch of trials.

use std::collections::HashSet;
use std::ops::Range;

use ndarray::{Array3, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::time::Clock;
use super::{Decision, Epoch, Epochs, TaskSpec};
use crate::error::all_finite;
use crate::number::decimal;
use crate::random::Seed;
use crate::table::Table;
use crate::{Error, Result};

/// A batch of trials: what the subject sees, what it should answer, and what the trials were about.
///
/// Trials may differ in length; past a trial's end inputs, targets and mask are 0, and neither losses nor accuracy
/// count those steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Batch {
    /// `[n_batch, n_steps, n_in]`
    pub inputs: Array3<f32>,
    /// `[n_batch, n_steps, n_out]`
    pub targets: Array3<f32>,
    /// `[n_batch, n_steps, n_out]`: how much each error counts.
    pub mask: Array3<f32>,
    /// The steps of each trial.
    pub lengths: Vec<usize>,
    /// The values that the task drew, one row a trial.
    pub values: Table,
    /// The epochs of each trial.
    pub epochs: Vec<Epochs>,
    /// The number of each trial under the seed; it addresses the trial's recurrent noise.
    pub numbers: Vec<u64>,
    /// The seed from which the trials were drawn.
    pub seed: Seed,
    /// The frame of the task.
    pub spec: TaskSpec,
    /// How the outputs of each trial are read as a choice, where trials of several tasks are mixed; empty if it is the same in all, as
    /// the spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

impl Batch {
    /// A batch from arrays of your own: inputs `[n_batch, n_steps, n_in]`, targets and mask
    /// `[n_batch, n_steps, n_out]`. The spec gives `dt`, `tau` and how choices are read.
    ///
    /// # Errors
    /// If the arrays do not fit each other or the spec, are empty, or hold NaN or infinities.
    pub fn from_arrays(spec: &TaskSpec, inputs: Array3<f32>, targets: Array3<f32>, mask: Array3<f32>) -> Result<Self> {
        let (n, n_steps, _) = inputs.dim();
        let spec = TaskSpec {
            epochs: Vec::new(),
            duration: Some(Clock::new(spec.dt).time(n_steps as i64) as f32),
            ..spec.clone()
        };
        let batch = Self {
            inputs: inputs.as_standard_layout().into_owned(),
            targets: targets.as_standard_layout().into_owned(),
            mask: mask.as_standard_layout().into_owned(),
            lengths: vec![n_steps; n],
            values: Table::new(),
            epochs: vec![Epochs::new(); n],
            numbers: (0..n as u64).collect(),
            seed: Seed(0),
            spec,
            decisions: Vec::new(),
        };
        batch.check()?;
        batch.spec.check()?;
        Ok(batch)
    }

    /// Whether the parts fit each other, and all numbers are finite. Whatever takes a batch asks this, since its parts
    /// can be changed.
    ///
    /// # Errors
    /// Names the part that does not fit, or that holds NaN or an infinity, and where.
    pub fn check(&self) -> Result<()> {
        let (n, n_steps, n_in) = self.inputs.dim();
        if n == 0 || n_steps == 0 || n_in != self.spec.n_in {
            let expected = format!("[n_batch, n_steps, n_in = {}], none of the first two 0", self.spec.n_in);
            return Err(Error::shape("inputs", expected, self.inputs.shape()));
        }
        for (name, array) in [("targets", &self.targets), ("mask", &self.mask)] {
            if array.dim() != (n, n_steps, self.spec.n_out) {
                let expected = format!("[n_batch = {n}, n_steps = {n_steps}, n_out = {}]", self.spec.n_out);
                return Err(Error::shape(name, expected, array.shape()));
            }
        }
        self.check_rows()?;
        if let Some(length) = self.lengths.iter().find(|&&length| length > n_steps) {
            return Err(Error::argument("lengths", format!("at most the number of steps, {n_steps}"), length));
        }
        [("inputs", &self.inputs), ("targets", &self.targets), ("mask", &self.mask)]
            .iter()
            .try_for_each(|(name, array)| finite(name, array))?;
        // An error that counts less than nothing would be looked for.
        if let Some(weight) = self.mask.iter().find(|&&weight| weight < 0.0) {
            return Err(Error::argument("mask", "0 or positive everywhere", weight));
        }
        for (trial, epochs) in self.epochs.iter().enumerate() {
            if let Some(Epoch { name, start, end }) =
                epochs.iter().find(|epoch| epoch.start.is_nan() || epoch.end.is_nan())
            {
                let got = format!("\"{name}\" from {start} to {end} ms in trial {trial}");
                return Err(Error::argument("epochs", "of times that are numbers", got));
            }
        }
        Ok(())
    }

    /// Whether each part has one row a trial.
    pub(crate) fn check_rows(&self) -> Result<()> {
        let rows = [("lengths", self.lengths.len()), ("epochs", self.epochs.len()), ("numbers", self.numbers.len())];
        let rows = rows.into_iter().map(|(name, rows)| (name.to_owned(), rows));
        let columns =
            self.values.iter().map(|(name, column)| (format!("column \"{name}\" of the values"), column.len()));
        let decisions = Some(("decisions".to_owned(), self.decisions.len())).filter(|(_, rows)| *rows > 0);
        match rows.chain(columns).chain(decisions).find(|(_, rows)| *rows != self.n_trials()) {
            Some((name, rows)) => Err(Error::shape(name, format!("[n_batch = {}]", self.n_trials()), &[rows])),
            None => Ok(()),
        }
    }

    /// Whether an error counts anywhere: the mask is not 0 everywhere.
    #[must_use]
    pub fn is_scored(&self) -> bool {
        self.mask.iter().any(|&weight| weight != 0.0)
    }

    /// The number of trials.
    #[must_use]
    pub fn n_trials(&self) -> usize {
        self.inputs.len_of(Axis(0))
    }

    /// The steps of the longest trial.
    #[must_use]
    pub fn n_steps(&self) -> usize {
        self.inputs.len_of(Axis(1))
    }

    /// The time of each step, in milliseconds.
    #[must_use]
    pub fn times(&self) -> Vec<f64> {
        (0..self.n_steps() as i64).map(|k| self.clock().time(k)).collect()
    }

    /// When an epoch starts in each trial, in milliseconds; `None` for a trial without it.
    ///
    /// # Errors
    /// If no trial has that epoch.
    pub fn starts(&self, epoch: &str) -> Result<Vec<Option<f64>>> {
        self.of_epoch(epoch, |epoch| decimal(epoch.start))
    }

    /// How long an epoch lasts in each trial, in milliseconds; `None` for a trial without it.
    ///
    /// # Errors
    /// If no trial has that epoch.
    pub fn durations(&self, epoch: &str) -> Result<Vec<Option<f64>>> {
        self.of_epoch(epoch, |epoch| decimal((decimal(epoch.end) - decimal(epoch.start)) as f32))
    }

    /// The steps of an epoch in a trial, see [`Epoch::steps`], but for those past the trial's end; `None` for a trial without it.
    #[must_use]
    pub fn steps_of(&self, trial: usize, epoch: &str) -> Option<Range<usize>> {
        let steps = self.epochs.get(trial)?.get(epoch)?.steps(self.spec.dt);
        let length = *self.lengths.get(trial)?;
        Some(steps.start.min(length)..steps.end.min(length))
    }

    /// Milliseconds to steps.
    pub(crate) fn clock(&self) -> Clock {
        Clock::new(self.spec.dt)
    }

    fn of_epoch(&self, epoch: &str, measure: impl Fn(&Epoch) -> f64) -> Result<Vec<Option<f64>>> {
        let measured: Vec<_> = self.epochs.iter().map(|epochs| epochs.get(epoch).map(&measure)).collect();
        if measured.iter().any(Option::is_some) {
            return Ok(measured);
        }
        let names = self.epoch_names();
        let expected = if names.is_empty() { "one of none".to_owned() } else { format!("one of {}", names.join(", ")) };
        Err(Error::argument("epoch", expected, format!("\"{epoch}\"")))
    }

    /// The names of all epochs, as they come up from trial to trial.
    fn epoch_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for epoch in self.epochs.iter().flat_map(Epochs::iter) {
            if !names.contains(&epoch.name.as_str()) {
                names.push(&epoch.name);
            }
        }
        names
    }

    /// The epochs of these trials, a row for each: its name, `epoch`, its `shortest` and its `longest` duration, in milliseconds, and the
    /// `share` of the trials that have it.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// let batch = PerceptualDiscrimination::default().batch(10, Seed(1))?;
    /// println!("{}", batch.timing());
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    #[must_use]
    pub fn timing(&self) -> Table {
        let names = self.epoch_names();
        let of = |name: &&str| -> Vec<f64> { self.durations(name).into_iter().flatten().flatten().collect() };
        let durations: Vec<Vec<f64>> = names.iter().map(of).collect();
        let mut table = Table::new();
        // Every column has one row an epoch, so this cannot fail.
        let _ = table.insert("epoch", names);
        let _ = table.insert("shortest", durations.iter().map(|all| all.iter().copied().fold(f64::INFINITY, f64::min)));
        let _ = table.insert("longest", durations.iter().map(|all| all.iter().copied().fold(0.0, f64::max)));
        let _ = table.insert("share", durations.iter().map(|all| all.len() as f64 / self.n_trials() as f64));
        table
    }

    /// The same batch with a column `signed_coherence` where its trials have a `coherence` and a `direction`, and with
    /// `NAME_signed_coherence` where they have `NAME_coherence` and `NAME_direction`: negative for direction 0.
    ///
    /// # Errors
    /// If one of those columns holds text.
    pub fn with_signed(mut self) -> Result<Self> {
        let names: Vec<String> = self.values.names().map(str::to_owned).collect();
        for coherence in &names {
            let Some(of) = coherence.strip_suffix("coherence") else { continue };
            let direction = format!("{of}direction");
            if names.contains(&direction) {
                let sign = |[coherence, direction]: [f64; 2]| if direction == 1.0 { coherence } else { -coherence };
                self.values = self.values.with(&format!("{of}signed_coherence"), [coherence, &direction], sign)?;
            }
        }
        Ok(self)
    }

    /// The trials with these rows, in this order; rows past the end are left out. A trial that is there again is presented
    /// again: the same inputs, but recurrent noise of its own, as `select(&[3; 100])` for the variability of trial 3. So its number
    /// is another one, larger by 2³² each time.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut selected = self.rows(rows);
        let mut taken: HashSet<u64> = selected.numbers.iter().copied().collect();
        let mut seen = vec![false; self.n_trials()];
        for (&row, number) in rows.iter().filter(|&&row| row < self.n_trials()).zip(&mut selected.numbers) {
            if std::mem::replace(&mut seen[row], true) {
                while !taken.insert(*number) {
                    *number = number.wrapping_add(1 << 32);
                }
            }
        }
        selected
    }

    /// The trials with these rows, each with its own number however often it is there.
    pub(crate) fn rows(&self, rows: &[usize]) -> Self {
        let rows: Vec<usize> = rows.iter().copied().filter(|&row| row < self.n_trials()).collect();
        Self {
            inputs: self.inputs.select(Axis(0), &rows),
            targets: self.targets.select(Axis(0), &rows),
            mask: self.mask.select(Axis(0), &rows),
            lengths: picked(&self.lengths, &rows),
            values: self.values.select(&rows),
            epochs: picked(&self.epochs, &rows),
            numbers: picked(&self.numbers, &rows),
            seed: self.seed,
            spec: self.spec.clone(),
            decisions: picked(&self.decisions, &rows),
        }
    }

    /// How the outputs of a trial are read as a choice.
    #[must_use]
    pub fn decision(&self, trial: usize) -> &Decision {
        self.decisions.get(trial).unwrap_or(&self.spec.decision)
    }

    /// The correct choice of a trial, if it has one.
    #[must_use]
    pub fn correct_choice(&self, trial: usize) -> Option<usize> {
        (trial < self.n_trials()).then(|| self.choice(trial, self.targets.index_axis(Axis(0), trial))).flatten()
    }

    /// The choice that `outputs` `[n_steps, n_out]` express in a trial, by the task's [`Decision`](super::Decision).
    #[must_use]
    pub fn choice(&self, trial: usize, outputs: ArrayView2<'_, f32>) -> Option<usize> {
        self.decision(trial).read(self, trial, outputs).choice
    }

    /// Whether `outputs` `[n_steps, n_out]` are right in a trial: the choice that the targets express, an angle near to theirs, or fixation
    /// where they fixate; of several answers all. `None` for a trial that asks for nothing.
    #[must_use]
    pub fn is_correct(&self, trial: usize, outputs: ArrayView2<'_, f32>) -> Option<bool> {
        (trial < self.n_trials()).then(|| self.decision(trial).judge(self, trial, outputs)).flatten()
    }

    /// Whether choices on these trials can be right or wrong by the task's [`Decision`](super::Decision). Training that asks for
    /// correct choices asks this before it begins, of at least a hundred trials.
    ///
    /// # Errors
    /// If no trial has a correct choice, or if the default rule cannot tell what is asked for: says what to do.
    pub fn check_choices(&self) -> Result<()> {
        self.by_decision(Decision::check_choices)
    }

    /// Whether the times, and the epochs, of the decisions can be those of these trials.
    pub(crate) fn check_times(&self) -> Result<()> {
        self.by_decision(Decision::check_times)
    }

    /// Says once that choices are not to be relied on, where the default rule cannot tell what is asked for.
    pub(crate) fn warn_of_doubt(&self) {
        let _ = self.by_decision(|decision, batch| {
            decision.warn_of_doubt(batch);
            Ok(())
        });
    }

    /// What is asked of each decision, with the trials that are read by it.
    fn by_decision(&self, ask: impl Fn(&Decision, &Self) -> Result<()>) -> Result<()> {
        let mut asked: Vec<&Decision> = Vec::new();
        for decision in &self.decisions {
            if !asked.contains(&decision) {
                asked.push(decision);
                let rows: Vec<usize> = (0..self.n_trials()).filter(|&row| self.decision(row) == decision).collect();
                ask(decision, &self.rows(&rows))?;
            }
        }
        if asked.is_empty() { ask(&self.spec.decision, self) } else { Ok(()) }
    }

    /// The choices that trials can have.
    pub(crate) fn choices(&self) -> Vec<usize> {
        let decisions =
            if self.decisions.is_empty() { std::slice::from_ref(&self.spec.decision) } else { &self.decisions };
        let mut choices: Vec<usize> = decisions.iter().flat_map(|decision| decision.choices(self.spec.n_out)).collect();
        choices.sort_unstable();
        choices.dedup();
        choices
    }

    /// An error if no trial can have this choice.
    pub(crate) fn check_choice(&self, choice: usize) -> Result<()> {
        let choices = self.choices();
        if choices.contains(&choice) {
            return Ok(());
        }
        let expected = match choices.as_slice() {
            [] => "left out: the task asks for no choice".to_owned(),
            [0, .., last] if choices.len() == last + 1 => format!("below {}, the number of choices", choices.len()),
            _ => format!("one of {choices:?}"),
        };
        Err(Error::argument("choice", expected, choice))
    }
}

/// Items at these places; what is not there is left for the check to find.
fn picked<T: Clone>(items: &[T], places: &[usize]) -> Vec<T> {
    places.iter().filter_map(|&place| items.get(place).cloned()).collect()
}

/// An error that says where, if an array holds NaN or an infinity.
fn finite(name: &str, array: &Array3<f32>) -> Result<()> {
    if array.as_slice().is_some_and(all_finite) {
        return Ok(());
    }
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((trial, step, channel), &value)) => Err(Error::NotFinite {
            name: name.to_owned(),
            value: value.into(),
            at: format!("trial {trial}, step {step}, channel {channel}"),
        }),
    }
}
