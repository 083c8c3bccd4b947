//! What the subject sees and what it must do.
//!
//! A task is a struct and three small methods of [`Task`]: its frame ([`Task::spec`]), what is drawn once a trial
//! ([`Task::draw`]) and what happens at each time step ([`Task::step`]). Everything that consumes trials takes a
//! [`TrialSource`], which every task is.
//!
//! ```
//! use psychrnn::prelude::*;
//!
//! #[derive(Clone, Trial)]
//! struct Flash { channel: usize }
//!
//! struct Detection;
//! impl Task for Detection {
//!     type Trial = Flash;
//!     fn spec(&self) -> TaskSpec {
//!         TaskSpec::new(2, 2).epoch("fixation", 100.0).epoch("flash", 200.0).epoch("decision", 200.0)
//!     }
//!     fn draw(&self, rng: &mut TrialRng) -> Flash {
//!         Flash { channel: rng.index(2) }
//!     }
//!     fn step(&self, _t: f32, trial: &Flash, rng: &mut TrialRng, now: &mut Step) {
//!         now.mask.fill(0.0);
//!         if now.is_in("flash") {
//!             now.input[trial.channel] = 1.0 + rng.normal(0.0, 0.1);
//!         }
//!         if now.is_in("decision") {
//!             now.target[trial.channel] = 1.0;
//!             now.mask.fill(1.0);
//!         }
//!     }
//! }
//!
//! let batch = Detection.batch(10, Seed(1))?;
//! assert_eq!(batch.inputs.dim(), (10, 50, 2));
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! Tasks that are ready to use are in [`tasks`](crate::tasks).
//!
//! | to have | write |
//! | --- | --- |
//! | epochs of random duration, trials of different length | [`TaskSpec::epoch`] with a [`Duration`] |
//! | epochs that depend on the trial or overlap, catch trials | [`Task::epochs`], [`Epochs::span`] |
//! | a baseline, noise and rectification of all inputs | [`TaskSpec::sensory`] |
//! | targets of a choice, a mask by epochs | [`Step::favor`], [`Step::score_only`] |
//! | which outputs are alternatives, and when they count; go or no go; an angle; several answers | [`TaskSpec::decision`], [`Decision`] |
//! | trials of given values, or all combinations of some | [`Task::of`], [`Task::grid`], [`Task::complete`] |
//! | one timing, or one rule, for all trials of a batch | [`TaskSpec::shared_by`], [`TrialRng::shared`] |
//! | conditions in turn | [`TrialRng::number`] |
//! | trials that know those before them in a session | [`Task::next`] with the [`Past`], [`TaskSpec::session`] |
//! | repetitions, alternations, sides that are not equally likely | [`Transitions`], [`SideBias`], or an [`AnswerRule`] of your own, of a task with [`Alternatives`] |
//! | blocks in which a task has other arguments | [`Blocks`] of tasks, or [`TaskSpec::blocks`] |
//! | a pause between trials, a time-out after errors, the last choice and outcome as inputs | [`Sessions`] |
//! | trials that depend on what the subject does | [`Staircase`], [`BiasCorrection`], [`MatchingPennies`], or [`Past`]; [`Simulator::run_session`](crate::simulate::Simulator::run_session) |
//! | trials of several tasks, with an input for each | [`Mixture`] |
//! | how many trials anybody could get right | [`TrialSource::ideal`], the [`IdealObserver`] |
//! | no task at all | [`Rest`](crate::tasks::Rest) |

mod alternatives;
mod batch;
mod blocks;
mod course;
mod criterion;
mod decision;
mod drawn;
mod duration;
mod epochs;
mod grid;
mod ideal;
mod joined;
mod live;
mod mixture;
mod past;
mod recorded;
mod sensory;
mod serial;
mod sessions;
mod source;
mod spec;
pub(crate) mod time;
mod trial;

pub use alternatives::Alternatives;
pub use batch::Batch;
pub use blocks::{BlockPlan, Lasting};
pub use criterion::Criterion;
pub(crate) use decision::distance;
pub use decision::{Decision, Ring};
pub use duration::Duration;
pub use epochs::{Epoch, Epochs};
pub use grid::Grid;
pub use ideal::{IdealAccuracy, IdealObserver};
pub(crate) use live::Live;
pub use mixture::Mixture;
pub use past::{History, Past};
pub use psychrnn_derive::Trial;
pub use sensory::{InputNoise, Sensory};
pub use serial::*;
pub use sessions::{Senses, Sessions};
pub(crate) use source::Made;
pub use source::TrialSource;
#[cfg(feature = "torch")]
pub(crate) use source::longest;
pub use spec::TaskSpec;
pub(crate) use spec::in_milliseconds;
pub use trial::{Trial, TrialValue};

use std::cell::RefCell;
use std::ops::{Deref, Range};

use crate::Result;
use crate::random::Seed;
pub use crate::random::TrialRng;
use time::Clock;

/// A task: what is drawn for a trial, and what happens at each of its time steps.
///
/// Implement it for a struct of your own; see the [module's](self) example.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no task",
    note = "if it is a `Result`, put `?` behind the call that gave it: `…?`; a task of your own implements `Task` by `spec`, `draw` and `step`"
)]
pub trait Task: Send + Sync {
    /// The values of a trial.
    type Trial: Trial;

    /// Channels, time step, time constant, duration, epochs.
    fn spec(&self) -> TaskSpec;

    /// Draws the values of a trial.
    fn draw(&self, rng: &mut TrialRng) -> Self::Trial;

    /// Draws the values of the trial that comes next in a session, by what was before: the values of earlier trials, what was correct
    /// and what the subject did in them, and the block. A session has as many trials as [`TaskSpec::session`] says; where that is one
    /// there is no past. By default no trial depends on others: [`Task::draw`].
    fn next(&self, past: &Past<Self::Trial>, rng: &mut TrialRng) -> Self::Trial {
        let _ = past;
        self.draw(rng)
    }

    /// Whether [`Task::next`] depends on what the subject does, as a staircase does. Trials then cannot be drawn beforehand, but by
    /// [`Simulator::run_session`](crate::simulate::Simulator::run_session). By default it does not: where no subject does the trials,
    /// the ideal one stands in ([`Task::answer`]).
    fn closed_loop(&self) -> bool {
        false
    }

    /// Computes those values of a trial that follow from the others, such as the answer from two strengths, so that they also fit where
    /// values are given ([`Task::of`], [`Task::grid`]) and not drawn. Called once for each trial, before [`Task::epochs`]. By default
    /// nothing follows.
    ///
    /// # Errors
    /// If there is no trial with these values.
    fn complete(&self, trial: &mut Self::Trial) -> Result<()> {
        let _ = trial;
        Ok(())
    }

    /// Fills in one time step at `t` milliseconds (0, `dt`, 2 `dt`, …). `now` comes with inputs and targets 0 and mask
    /// 1. The baseline and the noise of the inputs, if the spec has them ([`TaskSpec::sensory`]), are added afterwards.
    fn step(&self, t: f32, trial: &Self::Trial, rng: &mut TrialRng, now: &mut Step<'_>);

    /// The epochs of a trial. By default they are drawn from the durations in the spec; define it where they depend on
    /// the trial's values.
    fn epochs(&self, spec: &TaskSpec, trial: &Self::Trial, rng: &mut TrialRng) -> Epochs {
        let _ = trial;
        spec.draw_epochs(rng)
    }

    /// Whether the task's own arguments make sense; called before trials are drawn.
    ///
    /// # Errors
    /// Whatever the task finds wrong.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The number of the alternative that is correct in a trial, counted from 0, where the task is a choice among some: what an ideal
    /// subject does. By default it is not known.
    fn answer(&self, trial: &Self::Trial) -> Option<usize> {
        let _ = trial;
        None
    }

    /// The trials with these values. What a trial has beside its values, its noise and the epochs that are drawn, comes from the seed.
    ///
    /// ```
    /// use psychrnn::prelude::*;
    /// use psychrnn::tasks::{RandomDots, Dots};
    /// let trials = [0.0, 0.128].map(|coherence| Dots { coherence: Some(coherence), direction: Some(1), catch: false });
    /// assert_eq!(RandomDots::fixed_duration().of(&trials, Seed(1))?.n_trials(), 2);
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`TrialSource::trials`]; also if there is no trial with such values, or if none are given.
    fn of(&self, trials: &[Self::Trial], seed: impl Into<Seed>) -> Result<Batch>
    where
        Self: Sized,
    {
        let made = Made::new(self, seed.into())?;
        made.given(trials.len() as u64, |number, _| Ok(trials[number as usize].clone()))
    }

    /// Trials with all combinations of some of their values, see [`Grid`].
    fn grid(&self) -> Grid<'_, Self>
    where
        Self: Sized,
    {
        Grid::new(self)
    }
}

/// One time step of a trial, to be filled in by [`Task::step`].
#[derive(Debug)]
pub struct Step<'a> {
    /// What the subject sees, one number an input channel; 0 at first.
    pub input: &'a mut [f32],
    /// What the outputs should be, one number an output channel; 0 at first.
    pub target: &'a mut [f32],
    /// How much each output's error counts; 1 at first, 0 for not at all.
    pub mask: &'a mut [f32],
    number: usize,
    epochs: &'a Epochs,
    /// The steps of each epoch.
    steps: &'a [Range<usize>],
    clock: Clock,
    /// The names that were asked for and that are not there.
    unknown: &'a RefCell<Vec<String>>,
}

impl Step<'_> {
    /// Whether this step lies in the epoch of that name.
    #[must_use]
    pub fn is_in(&self, epoch: &str) -> bool {
        self.epochs().place(epoch).is_some_and(|place| self.steps[place].contains(&self.number))
    }

    /// The name of the epoch in which this step lies; of several the first.
    #[must_use]
    pub fn epoch(&self) -> Option<&str> {
        let place = self.steps.iter().position(|steps| steps.contains(&self.number))?;
        self.epochs.iter().nth(place).map(|epoch| epoch.name.as_str())
    }

    /// Whether this step is before a time in milliseconds.
    pub(crate) fn is_before(&self, time: f32) -> bool {
        self.clock.is_before(self.number, time)
    }

    /// Whether this step is after a time in milliseconds.
    pub(crate) fn is_after(&self, time: f32) -> bool {
        self.clock.is_after(self.number, time)
    }

    /// The epochs of this trial, with their starts and ends.
    #[must_use]
    pub fn epochs(&self) -> StepEpochs<'_> {
        StepEpochs { epochs: self.epochs, clock: self.clock, unknown: self.unknown }
    }

    /// Errors count in these epochs only: the mask is 1 in them and 0 elsewhere.
    pub fn score_only(&mut self, epochs: &[&str]) {
        let scored = epochs.iter().any(|epoch| self.is_in(epoch));
        self.mask.fill(f32::from(u8::from(scored)));
    }

    /// The target is `hi` for the correct channel and `lo` for the others; without a correct channel, `lo` for all.
    #[track_caller]
    pub fn favor(&mut self, correct: impl Into<Option<usize>>, hi: f32, lo: f32) {
        self.target.fill(lo);
        if let Some(correct) = correct.into() {
            let n = self.target.len();
            let target = self.target.get_mut(correct);
            assert!(target.is_some(), "there is no output {correct} to favor: there are {n}, counted from 0");
            target.into_iter().for_each(|target| *target = hi);
        }
    }
}

/// The epochs of a trial as [`Task::step`] sees them, by [`Step::epochs`]: all that [`Epochs`] has. A name that no trial has is an
/// error of the task.
///
/// ```
/// use psychrnn::task::StepEpochs;
/// fn since_go(t: f32, epochs: StepEpochs<'_>) -> Option<f32> {
///     epochs.start("go").map(|start| t - start)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StepEpochs<'a> {
    epochs: &'a Epochs,
    clock: Clock,
    unknown: &'a RefCell<Vec<String>>,
}

impl Deref for StepEpochs<'_> {
    type Target = Epochs;
    fn deref(&self) -> &Epochs {
        self.epochs
    }
}

impl<'a> StepEpochs<'a> {
    /// The epoch with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a Epoch> {
        self.epochs.iter().nth(self.place(name)?)
    }

    /// When an epoch starts, in milliseconds.
    #[must_use]
    pub fn start(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.start)
    }

    /// When an epoch ends, in milliseconds.
    #[must_use]
    pub fn end(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.end)
    }

    /// The name of the epoch at time `t`, in milliseconds; of several the first. At the time of a step it is that of
    /// [`Step::epoch`].
    #[must_use]
    pub fn at(&self, t: f32) -> Option<&'a str> {
        self.epochs.at_by(self.clock, t)
    }

    fn place(&self, name: &str) -> Option<usize> {
        let place = self.epochs.iter().position(|epoch| epoch.name == name);
        if place.is_none() {
            let mut unknown = self.unknown.borrow_mut();
            if !unknown.iter().any(|known| known == name) {
                unknown.push(name.to_owned());
            }
        }
        place
    }
}
