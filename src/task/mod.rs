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
//! PsychRNN's three tasks are here; those of PyCog's examples are in [`models`].
//!
//! | to have | write |
//! | --- | --- |
//! | epochs of random duration, trials of different length | [`TaskSpec::epoch`] with a [`Duration`] |
//! | epochs that depend on the trial or overlap, catch trials | [`Task::epochs`], [`Epochs::span`] |
//! | a baseline, noise and rectification of all inputs | [`TaskSpec::sensory`] |
//! | targets of a choice, a mask by epochs | [`Step::favor`], [`Step::score_only`] |
//! | another rule of choice | [`TaskSpec::decision`] |
//! | conditions in turn, or in blocks | [`TrialRng::number`] |
//! | no task at all | [`Rest`] |

mod batch;
mod decision;
mod delayed_discrimination;
mod duration;
mod epochs;
#[cfg(feature = "polars")]
mod frame;
mod match_to_category;
pub mod models;
mod perceptual_discrimination;
mod rest;
mod sensory;
mod source;
mod spec;
mod value;

pub use batch::Batch;
pub use decision::Decision;
pub use delayed_discrimination::{DelayedDiscrimination, Frequencies};
pub use duration::Duration;
pub use epochs::{Epoch, Epochs};
pub use match_to_category::{Direction, MatchToCategory};
pub use perceptual_discrimination::{Motion, PerceptualDiscrimination};
pub use psychrnn_derive::Trial;
pub use rest::Rest;
pub use sensory::{InputNoise, Sensory};
pub use source::TrialSource;
#[cfg(feature = "torch")]
pub(crate) use source::usual_steps;
pub use spec::TaskSpec;
pub use value::{Table, Trial, Value};

pub use crate::random::TrialRng;
use crate::{Error, Result};

/// A task: what is drawn for a trial, and what happens at each of its time steps.
///
/// Implement it for a struct of your own; see the [module's](self) example.
pub trait Task: Send + Sync {
    /// The values of a trial.
    type Trial: Trial;

    /// Channels, time step, time constant, duration, epochs.
    fn spec(&self) -> TaskSpec;

    /// Draws the values of a trial.
    fn draw(&self, rng: &mut TrialRng) -> Self::Trial;

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
    t: f32,
    epochs: &'a Epochs,
}

impl Step<'_> {
    /// Whether this step lies in the epoch of that name.
    #[must_use]
    pub fn is_in(&self, epoch: &str) -> bool {
        self.epochs.get(epoch).is_some_and(|epoch| epoch.start <= self.t && self.t < epoch.end)
    }

    /// The name of the epoch in which this step lies.
    #[must_use]
    pub fn epoch(&self) -> Option<&str> {
        self.epochs.at(self.t)
    }

    /// The epochs of this trial, with their starts and ends.
    #[must_use]
    pub fn epochs(&self) -> &Epochs {
        self.epochs
    }

    /// Errors count in these epochs only: the mask is 1 in them and 0 elsewhere.
    pub fn score_only(&mut self, epochs: &[&str]) {
        let scored = epochs.iter().any(|epoch| self.is_in(epoch));
        self.mask.fill(f32::from(u8::from(scored)));
    }

    /// The target is `hi` for the correct channel and `lo` for the others; without a correct channel, `lo` for all.
    pub fn favor(&mut self, correct: impl Into<Option<usize>>, hi: f32, lo: f32) {
        self.target.fill(lo);
        if let Some(correct) = correct.into() {
            self.target[correct] = hi;
        }
    }
}

/// PsychRNN's standard deviation, a step, of the noise on evidence: `sqrt(2 · 0.01 · sqrt(10) · sqrt(dt)) · noise`.
fn evidence_noise_sd(noise: f32, dt: f32) -> f32 {
    (2.0 * 0.01 * 10_f32.sqrt() * dt.sqrt()).sqrt() * noise
}

fn check_noise(noise: f32) -> Result<()> {
    if noise >= 0.0 && noise.is_finite() {
        Ok(())
    } else {
        Err(Error::argument("noise", "0 or a positive number", noise))
    }
}
