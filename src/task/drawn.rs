//! One trial as a task makes it, and many as a batch.

use std::cell::RefCell;

use ndarray::{Array2, Array3, Axis, s};

use super::course::{caught, stream_of};
use super::past::Place;
use super::sensory::Afferents;
use super::sessions::ITI;
use super::time::Clock;
use super::{Batch, Epochs, Step, Task, TaskSpec, Trial};
use crate::number::decimal;
use crate::random::{Seed, TrialRng};
use crate::table::{Table, Value};
use crate::{Error, Result};

/// One trial as the task made it.
pub(super) struct Drawn {
    number: u64,
    values: Vec<Value>,
    /// The number of its session, and where in its blocks it lies.
    pub(super) session: u64,
    pub(super) place: Place,
    epochs: Epochs,
    pub(super) inputs: Array2<f32>,
    targets: Array2<f32>,
    mask: Array2<f32>,
    /// Names of epochs that the task asked for and that the trial does not have.
    unknown: Vec<String>,
}

impl Drawn {
    /// Puts a pause before the trial, of at most so many milliseconds in whole steps.
    pub(super) fn wait(&mut self, spec: &TaskSpec, pause: f32) {
        let clock = Clock::new(spec.dt);
        let steps = clock.last_step(decimal(pause)).max(0);
        self.epochs = self.epochs.preceded_by(ITI, clock.time(steps) as f32);
        for array in [&mut self.inputs, &mut self.targets, &mut self.mask] {
            let mut later = Array2::zeros((steps as usize + array.nrows(), array.ncols()));
            later.slice_mut(s![steps as usize.., ..]).assign(array);
            *array = later;
        }
    }

    /// Adds channels with what the subject is shown of the trial before, in the first epoch of this one.
    pub(super) fn sense(&mut self, spec: &TaskSpec, sensed: &[f32]) {
        if sensed.is_empty() {
            return;
        }
        let (n_steps, n_shown) = self.inputs.dim();
        let mut inputs = Array2::zeros((n_steps, n_shown + sensed.len()));
        inputs.slice_mut(s![.., ..n_shown]).assign(&self.inputs);
        let first = self.epochs.iter().map(|epoch| epoch.steps(spec.dt)).find(|steps| !steps.is_empty());
        for mut row in inputs.slice_mut(s![first.unwrap_or(0..n_steps), n_shown..]).rows_mut() {
            row.iter_mut().zip(sensed).for_each(|(input, &sensed)| *input = sensed);
        }
        self.inputs = inputs;
    }
}

/// Runs the task through the steps of one trial.
pub(super) fn play<T: Task>(
    task: &T,
    spec: &TaskSpec,
    trial: &T::Trial,
    epochs: Epochs,
    rng: &mut TrialRng,
    number: u64,
) -> Result<Drawn> {
    let n_steps = spec.steps_of_trial(&epochs, number)?;
    let clock = Clock::new(spec.dt);
    let steps: Vec<_> = epochs.iter().map(|epoch| epoch.steps(spec.dt)).collect();
    let mut inputs = Array2::zeros((n_steps, spec.n_shown()));
    let mut targets = Array2::zeros((n_steps, spec.n_out));
    let mut mask = Array2::ones((n_steps, spec.n_out));
    let (mut reached, unknown) = (0, RefCell::default());
    let played = caught("step", || {
        let rows = inputs.rows_mut().into_iter().zip(targets.rows_mut()).zip(mask.rows_mut());
        for (number, ((mut input, mut target), mut mask)) in rows.enumerate() {
            reached = number;
            let t = clock.time(number as i64) as f32;
            if let (Some(input), Some(target), Some(mask)) =
                (input.as_slice_mut(), target.as_slice_mut(), mask.as_slice_mut())
            {
                let (epochs, steps, unknown) = (&epochs, steps.as_slice(), &unknown);
                let mut now = Step { input, target, mask, number, epochs, steps, clock, unknown };
                task.step(t, trial, rng, &mut now);
            }
        }
    });
    let at = |k: usize| format!("step {k} (t = {} ms) of trial {number}", clock.time(k as i64));
    if let Err(Error::Task { message, .. }) = played {
        return Err(Error::Task { at: at(reached), message });
    }
    for (name, array) in [("input", &inputs), ("target", &targets), ("mask", &mask)] {
        if let Some(((k, channel), &value)) = array.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let at = format!("channel {channel}, {}", at(k));
            return Err(Error::NotFinite { name: name.into(), value: value.into(), at });
        }
    }
    let values = caught(&format!("values of trial {number}"), || trial.values())?;
    let (session, place, unknown) = (number, Place::default(), unknown.into_inner());
    Ok(Drawn { number, values, session, place, epochs, inputs, targets, mask, unknown })
}

/// How many trials are looked at for an epoch that none of a batch has.
const LOOKED_AT: u64 = 10_000;

/// An error if the task, or its decision, asked for an epoch that no trial has, which never is true: a slip of the pen. Epochs that
/// only some trials have may be missing in all of a small batch, so that then others are looked at.
pub(super) fn check_names<T: Task>(task: &T, spec: &TaskSpec, drawn: &[Drawn], stream: Seed) -> Result<()> {
    let lacks = |name: &&str| drawn.iter().any(|trial| trial.epochs.get(name).is_none());
    let decision: Vec<&str> = spec.decision.epochs().iter().map(String::as_str).filter(lacks).collect();
    let in_steps = drawn.iter().flat_map(|trial| &trial.unknown).map(String::as_str);
    let mut asked: Vec<&str> = in_steps.chain(decision.iter().copied()).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let mut known: Vec<String> = spec.epochs.iter().map(|(name, _)| name.clone()).collect();
    let mut more = |asked: &mut Vec<&str>, epochs: &Epochs| {
        for epoch in epochs.iter() {
            if !known.contains(&epoch.name) {
                known.push(epoch.name.clone());
            }
        }
        asked.retain(|name| !known.iter().any(|known| known == name));
    };
    drawn.iter().for_each(|trial| more(&mut asked, &trial.epochs));
    for number in 0..LOOKED_AT {
        if asked.is_empty() {
            return Ok(());
        }
        let mut rng = stream_of(spec, stream, number);
        let epochs = caught("epochs", || {
            let mut trial = task.draw(&mut rng);
            // One that is refused has the epochs of what was drawn.
            let _ = task.complete(&mut trial);
            task.epochs(spec, &trial, &mut rng)
        });
        // A task may have no more trials than were asked for.
        let Ok(epochs) = epochs else { break };
        more(&mut asked, &epochs);
    }
    let there = if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
    let name = asked.first().copied().unwrap_or_default();
    let message = format!(
        "it asks for the epoch \"{name}\", which no trial has; {there}. One that trials need not have can be named in the spec, \
         with a duration of 0"
    );
    let at = if decision.contains(&name) { "its decision" } else { "step" };
    Err(Error::Task { at: at.to_owned(), message })
}

/// Adds what the senses do to the inputs of a trial.
pub(super) fn transmit(afferents: &Afferents, drawn: &mut Drawn, rng: &mut TrialRng) {
    for mut input in drawn.inputs.rows_mut() {
        if let Some(input) = input.as_slice_mut() {
            afferents.transmit(input, rng);
        }
    }
}

/// Puts trials, which may differ in length, into one batch; what is past a trial's end is zero.
pub(super) fn assemble<T: Task>(spec: TaskSpec, drawn: &[Drawn], seed: Seed) -> Batch {
    let lengths: Vec<usize> = drawn.iter().map(|trial| trial.inputs.nrows()).collect();
    let n_steps = lengths.iter().copied().max().unwrap_or(0);
    let padded = |part: fn(&Drawn) -> &Array2<f32>, channels| {
        let mut all = Array3::zeros((drawn.len(), n_steps, channels));
        for (mut place, trial) in all.axis_iter_mut(Axis(0)).zip(drawn) {
            place.slice_mut(s![..part(trial).nrows(), ..]).assign(part(trial));
        }
        all
    };
    let mut table = Table::new();
    for (i, name) in T::Trial::columns().into_iter().enumerate() {
        let column = drawn.iter().map(|trial| trial.values.get(i).cloned().unwrap_or(Value::Missing));
        // Every column has one row a trial, so this cannot fail.
        let _ = table.insert(name, column);
    }
    add_place(&mut table, &spec, drawn);
    Batch {
        inputs: padded(|trial| &trial.inputs, spec.n_in),
        targets: padded(|trial| &trial.targets, spec.n_out),
        mask: padded(|trial| &trial.mask, spec.n_out),
        lengths,
        values: table,
        epochs: drawn.iter().map(|trial| trial.epochs.clone()).collect(),
        numbers: drawn.iter().map(|trial| trial.number).collect(),
        seed,
        spec,
        decisions: Vec::new(),
    }
}

/// Columns that say where in sessions and blocks trials lie, where there are such and the task has no columns of these names.
fn add_place(table: &mut Table, spec: &TaskSpec, drawn: &[Drawn]) {
    type Of = fn(&Drawn) -> Value;
    let session: (&str, Of) = ("session", |trial| trial.session.into());
    let of_blocks: [(&str, Of); 3] = [
        ("block", |trial| trial.place.block.into()),
        ("block_kind", |trial| trial.place.kind.into()),
        ("trial_in_block", |trial| trial.place.trial.into()),
    ];
    let columns = std::iter::once(session).filter(|_| spec.sessions.trials > 1);
    for (name, of) in columns.chain(of_blocks.into_iter().filter(|_| spec.sessions.blocks.is_some())) {
        if table.column(name).is_err() {
            let _ = table.insert(name, drawn.iter().map(of));
        }
    }
}
