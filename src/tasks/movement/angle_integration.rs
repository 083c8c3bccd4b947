//! Integration of an angular velocity.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{CUEVA, for_each_step, wandering};
use crate::Result;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Decision, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::check;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "angle_integration",
    about: "Keep track of the direction in which the head points, from how fast it turns.",
    papers: &[CUEVA],
    tags: &["integration", "navigation"],
    reached: Some("An error of 0.048 in new trials after 57,600 (100 units)."),
    usual: usual!(AngleIntegration::default()),
}];

/// Keep track of an angle from its velocity `v`, as a head does of its direction:
///
/// ```text
/// dv = -v dt / τ_v + σ √(2 dt / τ_v) ξ,   a' = v,   target = (cos a, sin a)
/// ```
///
/// Input 0 is `v` in radians a second. Inputs 1 and 2 are `cos` and `sin` of the angle at the start, in the epoch `cue`, and 0 afterwards.
/// The angle of a step is what the velocities of the steps before add up to. The mask is 1 throughout; there is no choice to be scored.
/// `v` has the standard deviation `σ` from the start and for any `dt`.
///
/// Epochs: `cue` (200 ms), `turning`, the rest of the trial. Values: see [`Turning`].
///
/// Defaults: 2000 ms, `σ` (`speed`) 2 rad/s, `τ_v` (`persistence`) 500 ms, `dt` 20 ms, `tau` 100 ms, noise of the inputs 0.01.
///
/// A network that has learned it has a ring of fixed points where nothing turns.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{AngleIntegration, Turning};
/// // A turn of 1 rad/s from angle 0.
/// let task = AngleIntegration::default().sensory(Sensory::default());
/// let turn = Turning { start: 0.0, velocities: vec![1.0; 100], ..Turning::default() };
/// let batch = task.of(&[turn], Seed(1))?;
/// assert!((batch.targets[[0, 50, 1]] - 1.0_f32.sin()).abs() < 1e-5); // after a second
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Cueva CJ, Wei X-X (2018), doi:10.48550/arXiv.1803.07770, whose animal moves in a plane: see
/// [`PathIntegration`](super::PathIntegration).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AngleIntegration {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The standard deviation of the angular velocity, in radians a second.
    pub speed: f32,
    /// The time over which the angular velocity changes, in milliseconds.
    pub persistence: f32,
    /// How long the angle at the start is shown, in milliseconds.
    pub cue: f32,
    /// How long a trial lasts, in milliseconds.
    pub duration: f32,
}

/// The values of a trial of [`AngleIntegration`].
#[derive(Clone, Debug, Default, PartialEq, Trial)]
pub struct Turning {
    /// The angle at the start, in radians from 0 to 2π.
    pub start: f32,
    /// The angle at the last step, in radians; it counts whole turns. Follows from the others.
    pub end: f32,
    /// The angular velocity at each step, in radians a second.
    #[trial(skip)]
    pub velocities: Vec<f32>,
    /// The angle at each step, in radians. Follows from the others.
    #[trial(skip)]
    pub angles: Vec<f32>,
}

impl Default for AngleIntegration {
    fn default() -> Self {
        let sensory = Sensory::default().noise(0.01);
        Self { dt: 20.0, tau: 100.0, sensory, speed: 2.0, persistence: 500.0, cue: 200.0, duration: 2000.0 }
    }
}

impl AngleIntegration {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The standard deviation of the angular velocity, in radians a second.
        speed: f32;
        /// The time over which the angular velocity changes, in milliseconds.
        persistence: f32;
        /// How long the angle at the start is shown, in milliseconds.
        cue: f32;
        /// How long a trial lasts, in milliseconds.
        duration: f32;
    }
}

impl Task for AngleIntegration {
    type Trial = Turning;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(3, 2).dt(self.dt).tau(self.tau).sensory(self.sensory.clone());
        let spec = spec.decision(Decision::none()).duration(self.duration);
        spec.epoch("cue", self.cue).epoch("turning", Duration::Rest)
    }

    fn check(&self) -> Result<()> {
        check::time("speed", self.speed)?;
        positive("persistence", self.persistence)
    }

    fn draw(&self, rng: &mut TrialRng) -> Turning {
        let start = rng.uniform(0.0, TAU);
        let velocities = wandering(&self.spec(), self.speed, self.persistence, rng);
        Turning { start, velocities, ..Turning::default() }
    }

    fn complete(&self, trial: &mut Turning) -> Result<()> {
        check::finite("start", trial.start)?;
        for_each_step("velocities", &trial.velocities, &self.spec())?;
        let mut angle = trial.start;
        let from_here = |v: &f32| {
            let before = angle;
            angle += v * self.dt / 1000.0;
            before
        };
        trial.angles = trial.velocities.iter().map(from_here).collect();
        trial.end = trial.angles.last().copied().unwrap_or(trial.start);
        Ok(())
    }

    fn step(&self, t: f32, trial: &Turning, _: &mut TrialRng, now: &mut Step<'_>) {
        let number = (t / self.dt).round() as usize;
        let on_circle = |angle: f32| [angle.cos(), angle.sin()];
        now.input[0] = trial.velocities[number];
        if now.is_in("cue") {
            now.input[1..].copy_from_slice(&on_circle(trial.start));
        }
        now.target.copy_from_slice(&on_circle(trial.angles[number]));
    }
}
