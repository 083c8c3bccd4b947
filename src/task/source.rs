//! Where trials come from.

use std::ops::Range;
use std::sync::Arc;

use super::course::{Course, Due, caught, completed, stream_of};
use super::drawn::{Drawn, assemble, check_names, play, transmit};
use super::ideal::{IdealAccuracy, IdealObserver};
use super::past::{Outcome, Place};
use super::sensory::Afferents;
use super::sessions::ITI;
use super::time::Clock;
use super::{Batch, Epochs, Task, TaskSpec};
use crate::number::decimal;
use crate::random::{Seed, TrialRng};
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

    /// How many trials anybody could get right who knows the task: that of the [`IdealObserver`].
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// use psychrnn::task::IdealObserver;
    /// use psychrnn::tasks::MultiChoice;
    /// let ideal = MultiChoice::default().ideal(&IdealObserver::default().trials(200))?;
    /// println!("{:.3} ± {:.3}", ideal.accuracy, ideal.standard_error);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there is none, which is what all that is no [`Task`] says, such as a [`Batch`] or a [`Mixture`](super::Mixture), whose tasks can be
    /// asked one by one; for a task see [`IdealObserver`].
    fn ideal(&self, observer: &IdealObserver) -> Result<IdealAccuracy> {
        let _ = observer;
        let expected =
            "a task: to be ideal is to know what else a trial could have been, which trials alone do not tell";
        Err(Error::argument("task", expected, "another source of trials, such as a batch or a mixture"))
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

impl<T: Task> TrialSource for T {
    fn spec(&self) -> Result<TaskSpec> {
        // Whoever asks a task for its frame comes by here.
        let spec = caught("spec", || Task::spec(self))?;
        spec.check()?;
        caught("check", || self.check())??;
        Ok(spec)
    }

    fn trials(&self, numbers: Range<u64>, seed: Seed) -> Result<Batch> {
        Made::open_loop(self, seed)?.drawn(numbers)
    }

    fn ideal(&self, observer: &IdealObserver) -> Result<IdealAccuracy> {
        Made::open_loop(self, observer.seed)?.ideal(observer)
    }
}

/// Trials of a task, with values that are drawn or given.
pub(crate) struct Made<'a, T> {
    pub(super) task: &'a T,
    pub(super) spec: TaskSpec,
    pub(super) seed: Seed,
    pub(super) afferents: Afferents,
}

impl<'a, T: Task> Made<'a, T> {
    pub(crate) fn new(task: &'a T, seed: Seed) -> Result<Self> {
        let spec = TrialSource::spec(task)?;
        let afferents = spec.sensory.prepare(spec.dt, spec.n_shown())?;
        Ok(Self { task, spec, seed, afferents })
    }

    /// Those of a task whose trials can be drawn beforehand.
    pub(super) fn open_loop(task: &'a T, seed: Seed) -> Result<Self> {
        if caught("closed_loop", || task.closed_loop())? {
            let expected = "one whose trials can be drawn beforehand: what comes next in this one depends on what the subject does, so \
                            that a network has to do it, `Simulator::run_session`";
            return Err(Error::argument("task", expected, "a closed loop"));
        }
        Self::new(task, seed)
    }

    /// The session with this number.
    pub(super) fn course(&self, session: u64) -> Course<'_, T> {
        Course::new(self.task, &self.spec, self.seed, session)
    }

    /// The trials with these numbers.
    fn drawn(&self, numbers: Range<u64>) -> Result<Batch> {
        check_numbers(&self.spec, usual_steps(&self.spec), &numbers)?;
        self.together(&threads::map(self.due(numbers)?, |due| self.played(due))?)
    }

    /// What the trials with these numbers are to be, of which there is one at least, each by what was before it in its session.
    pub(super) fn due(&self, numbers: Range<u64>) -> Result<Vec<Due<T::Trial>>> {
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
        Ok(threads::map(sessions.collect(), of_session)?.into_iter().flatten().collect())
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
        let spec = &self.spec;
        let epochs = self.epochs(&trial, &mut rng, number)?;
        let mut drawn = play(self.task, spec, &trial, epochs, &mut rng, number)?;
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

    /// The epochs of a trial with these values.
    pub(super) fn epochs(&self, trial: &T::Trial, rng: &mut TrialRng, number: u64) -> Result<Epochs> {
        caught(&format!("epochs of trial {number}"), || self.task.epochs(&self.spec, trial, rng))
    }

    /// These trials as a batch.
    pub(super) fn together(&self, drawn: &[Drawn]) -> Result<Batch> {
        check_names(self.task, &self.spec, drawn, self.seed.child("trials"))?;
        Ok(assemble::<T>(self.spec.clone(), drawn, self.seed))
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

    fn ideal(&self, observer: &IdealObserver) -> Result<IdealAccuracy> {
        self.as_ref().ideal(observer)
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
