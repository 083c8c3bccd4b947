//! What the two-alternative tasks of PyCog have in common.

use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::task::{Decision, Duration, Epochs, Sensory, Step, TaskSpec, TrialRng, in_milliseconds};
use crate::{Error, Result};

/// What PyCog's tasks with two alternatives have in common: the steps, the inputs' noise, the epochs about the stimulus, what is
/// asked for, and how conditions are drawn. Song HF, Yang GR, Wang X-J (2016), doi:10.1371/journal.pcbi.1004792.
///
/// In `fixation` both targets are `lo`; in `decision` the target of the correct output is `hi` and that of the other `lo`; the
/// mask is 1 in these two epochs and 0 elsewhere. A catch trial shows nothing, and its target is `lo` all along: the network
/// must not decide without a stimulus. Its one epoch is `catch`, and its values are missing. The choice is the output that is
/// larger at the last step ([`Decision::largest_at_end`]); a catch trial is not scored.
///
/// The steps are PyCog's, which counts them from `dt` on; durations that are drawn are cut to whole steps, as there. Sets for training,
/// validation and tests as PyCog has them:
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::RandomDots;
/// let task = RandomDots::reaction_time();
/// let training = task.batch(20, Seed(1))?;
/// let validation = task.clone().in_turn(true).batch(100 * (task.n_conditions() + 1), Seed(2))?;
/// let test = task.clone().testing().in_turn(true).batch(50 * task.n_conditions(), Seed(3))?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: `dt` 20 ms, `tau` 100 ms, [`Sensory::pycog`], fixation 100 ms, decision 300 ms, `hi` 1, `lo` 0.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The fixation before the stimulus.
    pub fixation: Duration,
    /// The decision period.
    pub decision: Duration,
    /// The target of the correct output.
    pub hi: f32,
    /// The target of the other output, and of both before the decision.
    pub lo: f32,
    /// The probability of a catch trial.
    pub catch: f32,
    /// How long a catch trial lasts, in milliseconds.
    pub catch_duration: f32,
    /// Whether the conditions come in turn, by the number of the trial, instead of at random.
    pub in_turn: bool,
}

/// Setters of what is in the protocol of a task.
macro_rules! protocol_setters {
    () => { $crate::tasks::pycog::protocol::protocol_setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The fixation before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The decision period, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
        /// The target of the correct output.
        hi: f32;
        /// The target of the other output, and of both before the decision.
        lo: f32;
        /// The probability of a catch trial; 0 for none.
        catch: f32;
        /// How long a catch trial lasts, in milliseconds.
        catch_duration: f32;
        /// Whether the conditions come in turn, by the number of the trial, as in PyCog's validation sets, instead of at
        /// random. With catch trials, each round begins with one.
        in_turn: bool;
    } };
    ($($(#[$doc:meta])* $field:ident: $type:ty $(=> $value:expr)?;)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.protocol.$field = $crate::setters::setters!(@ $field $(=> $value)?);
            self
        }
    )+};
}
pub(super) use protocol_setters;

impl Protocol {
    /// PyCog's defaults, with catch trials of this probability and duration.
    pub(super) fn new(catch: f32, catch_duration: f32) -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::pycog(),
            fixation: Duration::Fixed(100.0),
            decision: Duration::Fixed(300.0),
            hi: 1.0,
            lo: 0.2,
            catch,
            catch_duration,
            in_turn: false,
        }
    }

    /// As PyCog tests networks: a longer fixation, no catch trials.
    pub(super) fn testing(self, fixation: f32) -> Self {
        Self { fixation: fixation.into(), catch: 0.0, ..self }
    }

    /// The frame of a task with the fixation as its only epoch yet.
    pub(super) fn spec(&self, n_in: usize) -> TaskSpec {
        TaskSpec::new(n_in, 2)
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .decision(Decision::largest_at_end())
            .whole_steps(true)
            .epoch("fixation", self.fixation.clone())
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.catch) {
            return Err(Error::argument("catch", "a probability", self.catch));
        }
        if !(self.hi.is_finite() && self.lo.is_finite() && self.lo < self.hi) {
            return Err(Error::argument("hi", format!("larger than `lo` = {}", self.lo), self.hi));
        }
        positive("catch_duration", self.catch_duration)?;
        in_milliseconds("catch_duration", self.catch_duration, self.dt)
    }

    /// The number of the condition of a trial, or none for a catch trial.
    pub(super) fn pick(&self, n_conditions: usize, rng: &mut TrialRng) -> Option<usize> {
        if self.in_turn {
            let catch = u64::from(self.catch > 0.0);
            let place = rng.number() % (n_conditions as u64 + catch).max(1);
            return place.checked_sub(catch).map(|condition| condition as usize);
        }
        (!rng.chance(self.catch)).then(|| rng.index(n_conditions))
    }

    /// The epochs of a trial.
    pub(super) fn epochs(&self, spec: &TaskSpec, catch: bool, rng: &mut TrialRng) -> Epochs {
        if catch {
            return Epochs::new().then("catch", self.catch_duration);
        }
        spec.draw_epochs(rng)
    }

    /// Fills in the targets and the mask; without a correct output those of a catch trial.
    pub(super) fn ask(&self, correct: Option<usize>, now: &mut Step<'_>) {
        if correct.is_none() {
            return now.favor(None, self.hi, self.lo);
        }
        now.score_only(&["fixation", "decision"]);
        if now.is_in("decision") {
            now.favor(correct, self.hi, self.lo);
        } else if now.is_in("fixation") {
            now.favor(None, self.hi, self.lo);
        }
    }
}
