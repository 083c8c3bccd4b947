//! Where trials come from.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, Array3, Axis, s};

use super::course::{Course, Due, caught, completed, stream_of};
use super::past::{Outcome, Place};
use super::sensory::Afferents;
use super::sessions::ITI;
use super::time::Clock;
use super::{Batch, Epochs, Step, Task, TaskSpec, Trial};
use crate::number::decimal;
use crate::random::{Seed, TrialRng};
use crate::table::{Table, Value};
use crate::{Error, Result, memory, threads};

/// Anything that gives trials: every [`Task`], and a [`Batch`] that gives its own trials again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` gives no trials",
    note = "if it is a `Result`, put `?` behind the call that gave it: `task.batch(100, Seed(1))?`; a task of your own implements `Task`, and then gives trials"
)]
pub trait TrialSource: Send + Sync {
    /// Channels, time step, time constant, duration, epochs.
    ///
    /// # Errors
    /// If these or the task's arguments make no sense, or if the task's code panics.
    fn spec(&self) -> Result<TaskSpec>;

    /// The trials with these numbers under this seed. A trial depends on nothing else: not on the range in which it is
    /// asked for, not on the number of threads.
    ///
    /// # Errors
    /// If the task is set up wrongly, if its code panics, if a number that it gives is not finite, or if there is not enough memory
    /// for so many trials.
    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch>;

    /// The first `n` trials under this seed.
    ///
    /// # Errors
    /// As [`TrialSource::trials`]; also if `n` is 0.
    fn batch(&self, n: usize, seed: Seed) -> Result<Batch> {
        self.trials(0..n as u64, seed)
    }
}

/// The steps of a trial of each of these, or about so many where they are drawn: of the longest.
#[cfg(feature = "torch")]
pub(crate) fn longest<'a>(sources: impl IntoIterator<Item = &'a dyn TrialSource>) -> Result<usize> {
    sources.into_iter().try_fold(0, |longest, source| Ok(usual_steps(&source.spec()?).max(longest)))
}

/// The steps of a trial, or about so many where they are drawn.
pub(super) fn usual_steps(spec: &TaskSpec) -> usize {
    let middle = |(low, high): (f32, f32)| decimal(low) / 2.0 + decimal(high) / 2.0;
    let of_epochs = || spec.epochs.iter().map(|(_, duration)| middle(duration.range())).sum();
    let pause = middle(spec.sessions.iti.range());
    Clock::new(spec.dt).step(spec.duration.map_or_else(of_epochs, decimal) + pause).max(0) as usize
}

/// An error if there is no trial among these, or not enough memory for them.
fn check_numbers(spec: &TaskSpec, n_steps: usize, numbers: &Range<u64>) -> Result<()> {
    let n_trials = numbers.end.saturating_sub(numbers.start);
    if n_trials == 0 {
        return Err(Error::argument("n", "at least 1 trial", 0));
    }
    // What stands beside the arrays of a trial: its epochs and values.
    const BESIDE: u64 = 256;
    let n_channels = spec.n_in.saturating_add(spec.n_out.saturating_mul(2));
    // Trials are drawn one by one, and then put together.
    let of_one = memory::floats(&[2, n_steps, n_channels]).saturating_add(BESIDE);
    let what = format!("a batch of {n_trials} trials of {n_steps} steps");
    memory::check(what, of_one.saturating_mul(n_trials), "draw fewer trials at a time, or take a longer `dt`")
}

/// One trial as the task made it.
pub(super) struct Drawn {
    number: u64,
    values: Vec<Value>,
    /// The number of its session, and where in its blocks it lies.
    session: u64,
    place: Place,
    epochs: Epochs,
    inputs: Array2<f32>,
    targets: Array2<f32>,
    mask: Array2<f32>,
    /// Names of epochs that the task asked for and that the trial does not have.
    unknown: Vec<String>,
}

impl<T: Task> TrialSource for T {
    fn spec(&self) -> Result<TaskSpec> {
        // Whoever asks a task for its frame comes by here.
        let spec = caught("spec", || Task::spec(self))?;
        spec.check()?;
        caught("check", || self.check())??;
        Ok(spec)
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        if caught("closed_loop", || self.closed_loop())? {
            let expected = "one whose trials can be drawn beforehand: what comes next in this one depends on what the subject does, so \
                            that a network has to do it, `Simulator::run_session`";
            return Err(Error::argument("task", expected, "a closed loop"));
        }
        Made::new(self, seed)?.drawn(numbers)
    }
}

/// Trials of a task, with values that are drawn or given.
pub(crate) struct Made<'a, T> {
    task: &'a T,
    spec: TaskSpec,
    seed: Seed,
    afferents: Afferents,
}

impl<'a, T: Task> Made<'a, T> {
    pub(crate) fn new(task: &'a T, seed: Seed) -> Result<Self> {
        let spec = TrialSource::spec(task)?;
        let afferents = spec.sensory.prepare(spec.dt, spec.n_shown())?;
        Ok(Self { task, spec, seed, afferents })
    }

    /// The session with this number.
    pub(super) fn course(&self, session: u64) -> Course<'_, T> {
        Course::new(self.task, &self.spec, self.seed, session)
    }

    /// The trials with these numbers, each drawn by what was before it in its session.
    fn drawn(&self, numbers: Range<u64>) -> Result<Batch> {
        check_numbers(&self.spec, usual_steps(&self.spec), &numbers)?;
        let n = self.spec.sessions.trials as u64;
        let of_session = |session: u64| {
            let mut course = self.course(session);
            let mut due = Vec::new();
            // All before them, too, which takes little time: only which trials these are is worked out.
            for number in session * n..numbers.end.min((session + 1).saturating_mul(n)) {
                let next = course.next()?;
                let answer = course.answer(&next.trial)?;
                if numbers.contains(&number) {
                    course.done(next.trial.clone(), Outcome::ideal(answer));
                    due.push(next);
                } else {
                    course.done(next.trial, Outcome::ideal(answer));
                }
            }
            Ok(due)
        };
        let sessions = numbers.start / n..=(numbers.end - 1) / n;
        let due = threads::map(sessions.collect(), of_session)?;
        self.together(&threads::map(due.into_iter().flatten().collect(), |due| self.played(due))?)
    }

    /// So many trials whose values `values` gives, each the first of a session.
    pub(super) fn given(
        &self,
        n: u64,
        values: impl Fn(u64, &mut TrialRng) -> Result<T::Trial> + Sync,
    ) -> Result<Batch> {
        check_numbers(&self.spec, usual_steps(&self.spec), &(0..n))?;
        let one = |number: u64| {
            let mut rng = stream_of(&self.spec, self.seed.child("trials"), number);
            let trial = completed(self.task, values(number, &mut rng)?, number)?;
            let sensed = vec![0.0; self.spec.n_sensed()];
            let (session, place, after_error) = (number, Place::default(), false);
            self.played(Due { number, trial, rng, session, place, sensed, after_error })
        };
        self.together(&threads::map((0..n).collect(), one)?)
    }

    /// A trial, with the pause before it and what the subject is shown of the one before.
    pub(super) fn played(&self, due: Due<T::Trial>) -> Result<Drawn> {
        let Due { number, trial, mut rng, session, place, sensed, after_error } = due;
        let (task, spec) = (self.task, &self.spec);
        let epochs = caught(&format!("epochs of trial {number}"), || task.epochs(spec, &trial, &mut rng))?;
        let mut drawn = play(task, spec, &trial, epochs, &mut rng, number)?;
        (drawn.session, drawn.place) = (session, place);
        let sessions = &spec.sessions;
        if sessions.has_pause() {
            let iti = sessions.iti.draw(&mut self.seed.child(ITI).stream(number));
            drawn.wait(spec, iti + if after_error { sessions.time_out } else { 0.0 });
        }
        transmit(&self.afferents, &mut drawn, &mut self.seed.child("input noise").stream(number));
        drawn.sense(spec, &sensed);
        Ok(drawn)
    }

    /// These trials as a batch.
    pub(super) fn together(&self, drawn: &[Drawn]) -> Result<Batch> {
        check_names(self.task, &self.spec, drawn, self.seed.child("trials"))?;
        Ok(assemble::<T>(self.spec.clone(), drawn, self.seed))
    }
}

impl Drawn {
    /// Puts a pause before the trial, of at most so many milliseconds in whole steps.
    fn wait(&mut self, spec: &TaskSpec, pause: f32) {
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
    fn sense(&mut self, spec: &TaskSpec, sensed: &[f32]) {
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
fn play<T: Task>(
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
fn check_names<T: Task>(task: &T, spec: &TaskSpec, drawn: &[Drawn], stream: Seed) -> Result<()> {
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
fn transmit(afferents: &Afferents, drawn: &mut Drawn, rng: &mut TrialRng) {
    for mut input in drawn.inputs.rows_mut() {
        if let Some(input) = input.as_slice_mut() {
            afferents.transmit(input, rng);
        }
    }
}

/// Puts trials, which may differ in length, into one batch; what is past a trial's end is zero.
fn assemble<T: Task>(spec: TaskSpec, drawn: &[Drawn], seed: Seed) -> Batch {
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

/// A task that several share.
impl TrialSource for Arc<dyn TrialSource> {
    fn spec(&self) -> Result<TaskSpec> {
        self.as_ref().spec()
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        self.as_ref().trials(numbers, seed)
    }
}

/// A recorded batch gives its own trials, over and over.
impl TrialSource for Batch {
    fn spec(&self) -> Result<TaskSpec> {
        Ok(self.spec.clone())
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        self.check_rows()?;
        let n = self.n_trials() as u64;
        if n == 0 {
            return Err(Error::argument("inputs", "those of at least one trial", "empty"));
        }
        check_numbers(&self.spec, self.n_steps(), &numbers)?;
        let rows: Vec<usize> = numbers.clone().map(|number| (number % n) as usize).collect();
        let mut batch = self.rows(&rows);
        // The inputs are the recorded ones, but each presentation has recurrent noise of its own.
        batch.numbers = numbers.collect();
        batch.seed = seed;
        Ok(batch)
    }
}
