//! Trials of several tasks.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ndarray::{Array3, ArrayView1, Axis, s};

use super::{Batch, Sensory, Sessions, TaskSpec, TrialSource};
use crate::number::decimal;
use crate::random::{Seed, check_weights};
use crate::setters::setters;
use crate::table::{Table, Value};
use crate::{Error, Result, threads};

/// Trials of several tasks, each drawn by its weight, with an input for each task that says which one it is.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Mixture;
/// use psychrnn::tasks::{DelayedDiscrimination, PerceptualDiscrimination};
/// let mixture = Mixture::new()
///     .task("now", PerceptualDiscrimination::default(), 1.0)
///     .task("later", DelayedDiscrimination::default(), 2.0)
///     .shared_by(64);
/// let batch = mixture.batch(128, Seed(1))?;
/// assert_eq!(batch.spec.n_in, 2 + 2);
/// assert!(batch.values.column("rule")?.iter().all(|rule| rule.is("now") || rule.is("later")));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Trial `i` is trial `i` of one of the tasks under the same seed. Inputs and outputs of a number are the same in all tasks, unless they are
/// [`apart`](Mixture::apart); those that a task does not have are 0, and do not count. The rule inputs come after them, in the order of the tasks. The values of
/// all tasks become columns, missing in trials of others, after the column `rule`, the name of the task. Choices are read by the task of the trial
/// ([`Batch::decisions`]).
///
/// By default each trial is drawn for itself, and the rule input is 1 to the end, without noise.
#[derive(Clone)]
pub struct Mixture {
    parts: Vec<Part>,
    shared_by: u64,
    apart: bool,
    strength: f32,
    sensory: Sensory,
    shown: Option<(f32, f32)>,
    /// The names of the values of all tasks, once they are known.
    columns: OnceLock<Vec<String>>,
}

/// One of the tasks.
#[derive(Clone)]
struct Part {
    name: String,
    task: Arc<dyn TrialSource>,
    weight: f32,
}

/// Where the channels of a task lie.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    input: usize,
    output: usize,
}

impl fmt::Debug for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.parts.iter().map(|part| (&part.name, part.weight))).finish()
    }
}

impl Default for Mixture {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            shared_by: 1,
            apart: false,
            strength: 1.0,
            sensory: Sensory::default(),
            shown: None,
            columns: OnceLock::new(),
        }
    }
}

impl Mixture {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a task under a name; of two tasks one with a weight twice as large comes twice as often.
    #[must_use]
    pub fn task(mut self, name: &str, task: impl TrialSource + 'static, weight: f32) -> Self {
        self.parts.push(Part { name: name.to_owned(), task: Arc::new(task), weight });
        self.columns = OnceLock::new();
        self
    }

    setters! {
        /// How many trials in a row, counted from trial 0, are of the same task: with the size of a batch, a batch has one task.
        shared_by: u64;
        /// Whether each task has inputs and outputs of its own, one task after the other.
        apart: bool;
        /// What the rule input of the task is while it is shown; 0 for none.
        strength: f32;
        /// What happens to the rule inputs before the network sees them: baseline, noise, rectification.
        sensory: Sensory;
    }

    /// The rule input is shown between these times only, in milliseconds from the start of the trial.
    #[must_use]
    pub fn shown_between(mut self, from: f32, to: f32) -> Self {
        self.shown = Some((from, to));
        self
    }

    /// The frames of the tasks.
    fn specs(&self) -> Result<Vec<TaskSpec>> {
        if self.parts.is_empty() {
            return Err(Error::argument("tasks of the mixture", "at least one", "none"));
        }
        for (i, Part { name, .. }) in self.parts.iter().enumerate() {
            if self.parts[..i].iter().any(|other| other.name == *name) {
                return Err(Error::argument("tasks of the mixture", "named differently", format!("\"{name}\" twice")));
            }
        }
        check_weights("weights of the mixture", &self.parts.iter().map(|part| part.weight).collect::<Vec<_>>())?;
        if self.shared_by == 0 {
            return Err(Error::argument("shared_by", "at least 1: a trial is shared by itself", 0));
        }
        if !self.strength.is_finite() {
            return Err(Error::argument("strength", "finite", self.strength));
        }
        if let Some((from, to)) = self.shown.filter(|(from, to)| !(*from >= 0.0 && from < to)) {
            let expected = "between a time and a later one, in milliseconds from the start of the trial";
            return Err(Error::argument("shown_between", expected, format!("{from} and {to}")));
        }
        let specs: Vec<TaskSpec> = self.parts.iter().map(|part| part.task.spec()).collect::<Result<_>>()?;
        if let Some((part, _)) = self.parts.iter().zip(&specs).find(|(_, spec)| spec.sessions != Sessions::default()) {
            let expected = "of trials that do not know those before them";
            return Err(Error::argument("tasks of the mixture", expected, format!("sessions of \"{}\"", part.name)));
        }
        for (name, of) in [("dt", (|spec| spec.dt) as fn(&TaskSpec) -> f32), ("tau", |spec| spec.tau)] {
            if let Some(other) = specs.iter().find(|spec| of(spec) != of(&specs[0])) {
                let expected = format!("the same in all tasks of a mixture, {} ms", of(&specs[0]));
                return Err(Error::argument(name, expected, of(other)));
            }
        }
        Ok(specs)
    }

    /// Where the channels of each task lie, and how many there are of both kinds, rule inputs aside.
    fn places(&self, specs: &[TaskSpec]) -> (Vec<Place>, Place) {
        let (mut places, mut all) = (Vec::new(), Place::default());
        for spec in specs {
            let start = if self.apart { all } else { Place::default() };
            places.push(start);
            all.input = all.input.max(start.input.saturating_add(spec.n_in));
            all.output = all.output.max(start.output.saturating_add(spec.n_out));
        }
        (places, all)
    }

    /// Which task a trial is of.
    fn pick(&self, number: u64, seed: Seed) -> usize {
        let weights: Vec<f32> = self.parts.iter().map(|part| part.weight).collect();
        seed.child("task of the mixture").stream(number / self.shared_by).weighted(&weights)
    }

    /// The frame: that of the first task, with the channels of all, and the epochs of the longest.
    fn frame(&self, specs: &[TaskSpec]) -> Result<TaskSpec> {
        let (places, all) = self.places(specs);
        let steps = specs.iter().map(super::source::usual_steps);
        let longest = steps.zip(specs).max_by_key(|(steps, _)| *steps).map_or(&specs[0], |(_, spec)| spec);
        let spec = TaskSpec {
            n_in: all.input.saturating_add(self.parts.len()),
            n_out: all.output,
            decision: specs[0].decision.within(places[0].output, specs[0].n_out, all.output),
            sensory: Sensory::default(),
            shared_by: self.shared_by,
            ..longest.clone()
        };
        spec.check().map(|()| spec)
    }
}

impl TrialSource for Mixture {
    fn spec(&self) -> Result<TaskSpec> {
        self.frame(&self.specs()?)
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        let specs = self.specs()?;
        let (spec, (places, all)) = (self.frame(&specs)?, self.places(&specs));
        let mut runs: Vec<(usize, Range<u64>)> = Vec::new();
        for number in numbers.clone() {
            let part = self.pick(number, seed);
            match runs.last_mut() {
                Some((last, numbers)) if *last == part => numbers.end = number + 1,
                _ => runs.push((part, number..number + 1)),
            }
        }
        if runs.is_empty() {
            return Err(Error::argument("n", "at least 1 trial", 0));
        }
        let drawn = threads::map(runs, |(part, numbers)| Ok((part, self.parts[part].task.trials(numbers, seed)?)))?;
        let n = drawn.iter().map(|(_, batch)| batch.n_trials()).sum();
        let n_steps = drawn.iter().map(|(_, batch)| batch.n_steps()).max().unwrap_or(0);
        let mut mixed = Batch {
            inputs: Array3::zeros((n, n_steps, spec.n_in)),
            targets: Array3::zeros((n, n_steps, spec.n_out)),
            mask: Array3::zeros((n, n_steps, spec.n_out)),
            lengths: Vec::new(),
            values: Table::new(),
            epochs: Vec::new(),
            numbers: numbers.collect(),
            seed,
            spec,
            decisions: Vec::new(),
        };
        for (part, batch) in &drawn {
            let (place, first, spec) = (places[*part], mixed.lengths.len(), &specs[*part]);
            let rows = first..first + batch.n_trials();
            let steps = ..batch.n_steps();
            let outputs = place.output..place.output + spec.n_out;
            let inputs = place.input..place.input + spec.n_in;
            mixed.inputs.slice_mut(s![rows.clone(), steps, inputs]).assign(&batch.inputs);
            mixed.targets.slice_mut(s![rows.clone(), steps, outputs.clone()]).assign(&batch.targets);
            mixed.mask.slice_mut(s![rows, steps, outputs]).assign(&batch.mask);
            mixed.lengths.extend(&batch.lengths);
            mixed.epochs.extend(batch.epochs.iter().cloned());
            let decision = |trial| batch.decision(trial).within(place.output, spec.n_out, all.output);
            mixed.decisions.extend((0..batch.n_trials()).map(decision));
        }
        self.instruct(&mut mixed, &drawn, all.input)?;
        mixed.values = self.values(&drawn, seed)?;
        Ok(mixed)
    }
}

impl Mixture {
    /// Writes the rule inputs, which begin after `from` others.
    fn instruct(&self, mixed: &mut Batch, drawn: &[(usize, Batch)], from: usize) -> Result<()> {
        let afferents = self.sensory.prepare(mixed.spec.dt, self.parts.len())?;
        let shown = self.shown.map(|(from, to)| mixed.clock().steps(decimal(from), decimal(to)));
        let noise = mixed.seed.child("noise of the rule");
        let parts = drawn.iter().flat_map(|(part, batch)| std::iter::repeat_n(*part, batch.n_trials()));
        for (trial, (part, mut inputs)) in parts.zip(mixed.inputs.axis_iter_mut(Axis(0))).enumerate() {
            let mut rng = noise.stream(mixed.numbers[trial]);
            for step in 0..mixed.lengths[trial] {
                let mut rules = vec![0.0; self.parts.len()];
                if shown.as_ref().is_none_or(|shown| shown.contains(&(step as i64))) {
                    rules[part] = self.strength;
                }
                afferents.transmit(&mut rules, &mut rng);
                inputs.slice_mut(s![step, from..]).assign(&ArrayView1::from(&rules));
            }
        }
        Ok(())
    }

    /// The name of each trial's task, and the values of all tasks.
    fn values(&self, drawn: &[(usize, Batch)], seed: Seed) -> Result<Table> {
        let mut values = Table::new();
        let rule =
            |(part, batch): &(usize, Batch)| std::iter::repeat_n(self.parts[*part].name.clone(), batch.n_trials());
        values.insert("rule", drawn.iter().flat_map(rule))?;
        for name in self.columns(seed)? {
            let column = drawn.iter().flat_map(|(_, batch)| match batch.values.column(name) {
                Ok(column) => column.to_vec(),
                Err(_) => vec![Value::Missing; batch.n_trials()],
            });
            values.insert(name, column)?;
        }
        Ok(values)
    }

    /// The names of the values of all tasks, also of those without a trial in a batch: as a trial of each has them.
    fn columns(&self, seed: Seed) -> Result<&[String]> {
        if let Some(columns) = self.columns.get() {
            return Ok(columns);
        }
        let mut columns: Vec<String> = Vec::new();
        for part in &self.parts {
            for name in part.task.trials(0..1, seed)?.values.names() {
                if name == "rule" {
                    let expected = "without a value \"rule\", the name of the task in a mixture";
                    return Err(Error::argument(
                        "tasks of the mixture",
                        expected,
                        format!("\"{}\" with it", part.name),
                    ));
                }
                if !columns.iter().any(|other| other == name) {
                    columns.push(name.to_owned());
                }
            }
        }
        Ok(self.columns.get_or_init(|| columns))
    }
}
