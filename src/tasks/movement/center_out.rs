//! Reaches from a center to targets around it.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::GEORGOPOULOS;
use crate::Result;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "center_out",
    about: "Reach from the center to one of eight targets around it when a cue says go, the target being remembered.",
    papers: &[GEORGOPOULOS, Paper { citation: "Flash T, Hogan N (1985)", doi: "10.1523/JNEUROSCI.05-07-01688.1985" }],
    tags: &["movement", "delay"],
    reached: Some("An error of 0.043 in new trials after 6,400 (100 units)."),
    usual: usual!(CenterOut::default()),
}];

/// Reach from the center to a target at the angle `a` on a circle of radius 1, when a cue says go. The hand follows the trajectory of
/// least jerk, in the time `T` of the epoch `movement`:
///
/// ```text
/// (x, y) = r (cos a, sin a),   r = 10 s³ - 15 s⁴ + 6 s⁵,   s = (t - go) / T;   0 before the go, 1 in `hold`
/// ```
///
/// Input 0 is 1 until the go and 0 from there on. Inputs 1 and 2 are `cos a` and `sin a` in the epoch `cue`, and until the end of the
/// trial if the target `stays`. Outputs 0 and 1 are `x` and `y`. With `velocity` outputs 2 and 3 are `T dx/dt` and `T dy/dt`, which
/// reach 1.875 in the middle of the movement. The mask is 0 in the first `settle` milliseconds and 1 from there on; there is no choice
/// to be scored.
///
/// Epochs: `fixation` (300 ms), `cue` (300 ms), `delay` (uniform from 0 to 1000 ms), `movement` (600 ms), `hold` (200 ms). Values: see
/// [`ReachTarget`].
///
/// Other defaults: 8 targets, which do not stay, no velocity, `dt` 20 ms, `tau` 100 ms, `settle` 100 ms, noise of the inputs 0.01.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::CenterOut;
/// let batch = CenterOut::default().delay(500.0).velocity(true).batch(10, Seed(1))?;
/// assert_eq!(batch.targets.dim(), (10, 95, 4));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Georgopoulos AP, Schwartz AB, Kettner RE (1986), doi:10.1126/science.3749885, where targets lie in space and not on a
/// circle; the trajectory is that of Flash T, Hogan N (1985), doi:10.1523/JNEUROSCI.05-07-01688.1985.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CenterOut {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// How many targets there are, evenly spaced from angle 0 on; 0 for any angle.
    pub targets: usize,
    /// Whether the target is shown until the end of the trial.
    pub stays: bool,
    /// Whether there are outputs for the velocity.
    pub velocity: bool,
    /// The time before the target comes.
    pub fixation: Duration,
    /// How long the target is shown before the delay.
    pub cue: Duration,
    /// The delay from the cue's end to the go.
    pub delay: Duration,
    /// How long the movement takes.
    pub movement: Duration,
    /// How long the hand rests on the target.
    pub hold: Duration,
    /// How long at the start of a trial errors do not count, in milliseconds.
    pub settle: f32,
}

/// The values of a trial of [`CenterOut`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ReachTarget {
    /// The direction of the target, in radians.
    pub angle: f32,
}

impl Default for CenterOut {
    fn default() -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::default().noise(0.01),
            targets: 8,
            stays: false,
            velocity: false,
            fixation: Duration::Fixed(300.0),
            cue: Duration::Fixed(300.0),
            delay: Duration::uniform(0.0, 1000.0),
            movement: Duration::Fixed(600.0),
            hold: Duration::Fixed(200.0),
            settle: 100.0,
        }
    }
}

impl CenterOut {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// How many targets there are, evenly spaced from angle 0 on; 0 for any angle.
        targets: usize;
        /// Whether the target is shown until the end of the trial.
        stays: bool;
        /// Whether there are outputs for the velocity.
        velocity: bool;
        /// The time before the target comes, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the target is shown before the delay, in milliseconds.
        cue: impl Into<Duration> => cue.into();
        /// The delay from the cue's end to the go, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// How long the movement takes, in milliseconds.
        movement: impl Into<Duration> => movement.into();
        /// How long the hand rests on the target, in milliseconds.
        hold: impl Into<Duration> => hold.into();
        /// How long at the start of a trial errors do not count, in milliseconds.
        settle: f32;
    }
}

impl Task for CenterOut {
    type Trial = ReachTarget;

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(3, if self.velocity { 4 } else { 2 })
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .decision(Decision::none())
            .whole_steps(true)
            .epoch("fixation", self.fixation.clone())
            .epoch("cue", self.cue.clone())
            .epoch("delay", self.delay.clone())
            .epoch("movement", self.movement.clone())
            .epoch("hold", self.hold.clone())
    }

    fn check(&self) -> Result<()> {
        positive("movement", self.movement.range().0)?;
        check::time("settle", self.settle)
    }

    fn draw(&self, rng: &mut TrialRng) -> ReachTarget {
        let angle = match self.targets {
            0 => rng.uniform(0.0, TAU),
            n => TAU * rng.index(n) as f32 / n as f32,
        };
        ReachTarget { angle }
    }

    fn complete(&self, trial: &mut ReachTarget) -> Result<()> {
        check::finite("angle", trial.angle)
    }

    fn step(&self, t: f32, trial: &ReachTarget, _: &mut TrialRng, now: &mut Step<'_>) {
        let direction = [trial.angle.cos(), trial.angle.sin()];
        let movement = now.epochs().get("movement").map(|epoch| (epoch.start, epoch.end - epoch.start));
        let (go, lasts) = movement.unwrap_or_default();
        let is_shown = now.is_in("cue") || self.stays && !now.is_in("fixation");
        if now.is_before(go) {
            now.input[0] = 1.0;
        }
        if is_shown {
            now.input[1..].copy_from_slice(&direction);
        }
        let s = ((t - go) / lasts).clamp(0.0, 1.0);
        let (place, speed) = (s.powi(3) * (10.0 - 15.0 * s + 6.0 * s * s), 30.0 * (s * (1.0 - s)).powi(2));
        for (axis, along) in direction.into_iter().enumerate() {
            now.target[axis] = place * along;
            if self.velocity {
                now.target[2 + axis] = speed * along;
            }
        }
        if now.is_before(self.settle) {
            now.mask.fill(0.0);
        }
    }
}
