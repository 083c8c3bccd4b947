//! A place to be reached after a delay.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::Result;
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::check;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "delayed_reach",
    about: "Remember a place on a line, and reach for it when a cue says go.",
    papers: &[NEUROGYM],
    tags: &["movement", "working memory", "delay"],
    reached: Some("An error of 0.038 in new trials after 19,200 (100 units)."),
    usual: usual!(DelayedReach::default()),
}];

/// What the channels of the place show when there is none.
const NOWHERE: f32 = -0.5;

/// Remember a place between 0 and 1, and reach for it when a cue says go.
///
/// Input 0, the cue, is 0 and in the epoch `decision` 1. Input 1 is the place in the epoch `stimulus` and -0.5 elsewhere. Output 0
/// should be -1, which is to wait, and in `decision` 1, which is to go; output 1 should be -0.5, and in `decision` the place. The mask
/// is 0 for `grace` milliseconds after the cue and 1 elsewhere; there is no choice to be scored.
///
/// Epochs: `stimulus` (500 ms), `delay` (0, 1000 or 2000 ms), `decision` (500 ms). Values: see [`DelayedPlace`]. Other defaults: `dt`
/// 20 ms, `tau` 100 ms, `grace` 100 ms, noise of the inputs 0.01.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::DelayedReach;
/// let batch = DelayedReach::default().delay(1000.0).batch(10, Seed(1))?;
/// assert_eq!(batch.targets.dim(), (10, 100, 2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// This is NeuroGym's ReachingDelayResponse, Molano-Mazón M et al. (2022), doi:10.31234/osf.io/aqc9n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayedReach {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// How long the place is shown.
    pub stimulus: Duration,
    /// The delay from there to the cue.
    pub delay: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
    /// How long after the cue errors do not count, in milliseconds.
    pub grace: f32,
}

/// The values of a trial of [`DelayedReach`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct DelayedPlace {
    /// The place, from 0 to 1.
    pub place: f32,
}

impl Default for DelayedReach {
    fn default() -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::default().noise(0.01),
            stimulus: Duration::Fixed(500.0),
            delay: Duration::choice(&[0.0, 1000.0, 2000.0]),
            decision: Duration::Fixed(500.0),
            grace: 100.0,
        }
    }
}

impl DelayedReach {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// How long the place is shown, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The delay from there to the cue, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
        /// How long after the cue errors do not count, in milliseconds.
        grace: f32;
    }
}

impl Task for DelayedReach {
    type Trial = DelayedPlace;

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(2, 2)
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .decision(Decision::none())
            .whole_steps(true)
            .epoch("stimulus", self.stimulus.clone())
            .epoch("delay", self.delay.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        check::time("grace", self.grace)
    }

    fn draw(&self, rng: &mut TrialRng) -> DelayedPlace {
        DelayedPlace { place: rng.uniform(0.0, 1.0) }
    }

    fn complete(&self, trial: &mut DelayedPlace) -> Result<()> {
        check::finite("place", trial.place)
    }

    fn step(&self, _: f32, trial: &DelayedPlace, _: &mut TrialRng, now: &mut Step<'_>) {
        let seen = if now.is_in("stimulus") { trial.place } else { NOWHERE };
        let goes = now.is_in("decision");
        now.input.copy_from_slice(&[f32::from(u8::from(goes)), seen]);
        now.target.copy_from_slice(&if goes { [1.0, trial.place] } else { [-1.0, NOWHERE] });
        let cue = now.epochs().start("decision").unwrap_or_default();
        if goes && now.is_before(cue + self.grace) {
            now.mask.fill(0.0);
        }
    }
}
