//! Integration of a path in a box.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{CUEVA, for_each_step, wandering};
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Decision, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "path_integration",
    about: "Keep track of where one is in a box, from the speed and the direction of one's walk.",
    papers: &[CUEVA],
    tags: &["integration", "navigation"],
    reached: Some("An error of 0.048 in new trials after 19,200 (100 units)."),
    usual: usual!(PathIntegration::default()),
}];

/// Walls stand at this distance from the center, on each axis.
const WALL: f32 = 1.0;
/// The direction turns by `turn` in so many milliseconds.
const PER: f32 = 100.0;

/// Keep track of where one is, `(x, y)`, from the speed `v` and the direction `φ` of a walk in the box `[-1, 1]²`, which begins in its
/// center:
///
/// ```text
/// x' = v cos φ,   y' = v sin φ,   v = |w|,   dw = -w dt / τ_v + σ √(2 dt / τ_v) ξ,   dφ = turn √(dt / 100 ms) ξ'
/// ```
///
/// A step that would lead through a wall is reflected: `φ` becomes `π - φ`, or `-φ`. Inputs 0, 1 and 2 are `v` (in half sides of the box a
/// second), `cos φ` and `sin φ`. Outputs 0 and 1 are `x` and `y`: what the steps before add up to. The mask is 1 throughout; there is no
/// choice to be scored.
///
/// Epochs: `walk`. Values: see [`Walk`].
///
/// Defaults: 3000 ms, `σ` (`speed`) 0.5 a second, `τ_v` (`persistence`) 500 ms, `turn` 0.5 rad, `dt` 20 ms, `tau` 100 ms, noise of the
/// inputs 0.01.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::PathIntegration;
/// let batch = PathIntegration::default().batch(10, Seed(1))?;
/// assert!(batch.targets.iter().all(|place| place.abs() <= 1.0));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Cueva CJ, Wei X-X (2018), doi:10.48550/arXiv.1803.07770. The numbers of the walk are ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathIntegration {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The standard deviation of the velocity whose size is the speed, in half sides of the box a second.
    pub speed: f32,
    /// The time over which the speed changes, in milliseconds.
    pub persistence: f32,
    /// By how much the direction turns in 100 ms: a standard deviation, in radians.
    pub turn: f32,
    /// How long a trial lasts, in milliseconds.
    pub duration: f32,
}

/// The values of a trial of [`PathIntegration`].
#[derive(Clone, Debug, Default, PartialEq, Trial)]
pub struct Walk {
    /// The length of the way to the last step, in half sides of the box. Follows from the others.
    pub length: f32,
    /// Where the walk is at the last step, from the left to the right. Follows from the others.
    pub end_x: f32,
    /// Where the walk is at the last step, from the bottom to the top. Follows from the others.
    pub end_y: f32,
    /// The speed at each step, in half sides of the box a second.
    #[trial(skip)]
    pub speeds: Vec<f32>,
    /// The direction at each step, in radians.
    #[trial(skip)]
    pub directions: Vec<f32>,
    /// The place `(x, y)` at each step. Follows from the others.
    #[trial(skip)]
    pub path: Vec<[f32; 2]>,
}

impl Default for PathIntegration {
    fn default() -> Self {
        let sensory = Sensory::default().noise(0.01);
        Self { dt: 20.0, tau: 100.0, sensory, speed: 0.5, persistence: 500.0, turn: 0.5, duration: 3000.0 }
    }
}

impl PathIntegration {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The standard deviation of the velocity whose size is the speed, in half sides of the box a second.
        speed: f32;
        /// The time over which the speed changes, in milliseconds.
        persistence: f32;
        /// By how much the direction turns in 100 ms: a standard deviation, in radians.
        turn: f32;
        /// How long a trial lasts, in milliseconds.
        duration: f32;
    }

    /// Where a step leads.
    fn moved(&self, [x, y]: [f32; 2], speed: f32, direction: f32) -> [f32; 2] {
        let far = speed * self.dt / 1000.0;
        [x + far * direction.cos(), y + far * direction.sin()]
    }
}

impl Task for PathIntegration {
    type Trial = Walk;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(3, 2).dt(self.dt).tau(self.tau).sensory(self.sensory.clone());
        spec.decision(Decision::none()).duration(self.duration).epoch("walk", self.duration)
    }

    fn check(&self) -> Result<()> {
        check::time("turn", self.turn)?;
        positive("persistence", self.persistence)?;
        // Six standard deviations are not drawn: so no step is longer than from the center to a wall.
        let fastest = WALL / 6.0 * 1000.0 / self.dt;
        match (0.0..=fastest).contains(&self.speed) {
            true => Ok(()),
            false => {
                Err(Error::argument("speed", format!("from 0 to {fastest} with steps of {} ms", self.dt), self.speed))
            }
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Walk {
        let spec = self.spec();
        let speeds = wandering(&spec, self.speed, self.persistence, rng);
        let speeds: Vec<f32> = speeds.into_iter().map(f32::abs).collect();
        let (mut place, mut direction) = ([0.0; 2], rng.uniform(0.0, TAU));
        let directions = speeds.iter().map(|&speed| {
            direction += rng.normal(0.0, self.turn * (self.dt / PER).sqrt());
            let [x, y] = self.moved(place, speed, direction).map(|along| along.abs() > WALL);
            if x {
                direction = TAU / 2.0 - direction;
            }
            if y {
                direction = -direction;
            }
            place = self.moved(place, speed, direction);
            direction
        });
        let directions = directions.collect();
        Walk { speeds, directions, ..Walk::default() }
    }

    fn complete(&self, trial: &mut Walk) -> Result<()> {
        let spec = self.spec();
        for_each_step("speeds", &trial.speeds, &spec)?;
        for_each_step("directions", &trial.directions, &spec)?;
        let mut place = [0.0; 2];
        let from_here = |(&speed, &direction): (&f32, &f32)| {
            let before = place;
            place = self.moved(place, speed, direction);
            before
        };
        trial.path = trial.speeds.iter().zip(&trial.directions).map(from_here).collect();
        // A wall is reached by rounding.
        if let Some(step) = trial.path.iter().position(|place| place.iter().any(|along| along.abs() > WALL + 1e-4)) {
            let [x, y] = trial.path[step];
            return Err(Error::argument("path", "within the box [-1, 1]²", format!("({x}, {y}) at step {step}")));
        }
        let before_last = trial.speeds.split_last().map_or(&[][..], |(_, before)| before);
        trial.length = before_last.iter().sum::<f32>() * self.dt / 1000.0;
        [trial.end_x, trial.end_y] = trial.path.last().copied().unwrap_or_default();
        Ok(())
    }

    fn step(&self, t: f32, trial: &Walk, _: &mut TrialRng, now: &mut Step<'_>) {
        let number = (t / self.dt).round() as usize;
        let direction = trial.directions[number];
        now.input.copy_from_slice(&[trial.speeds[number], direction.cos(), direction.sin()]);
        now.target.copy_from_slice(&trial.path[number]);
    }
}
