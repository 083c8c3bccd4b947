//! An oscillation whose frequency an input sets.

use std::f32::consts::TAU;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Decision, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "oscillation",
    about: "Produce a sine wave of the frequency that an input sets.",
    papers: &[Paper { citation: "Sussillo D, Barak O (2013)", doi: "10.1162/NECO_a_00409" }],
    tags: &["pattern generation", "fixed points"],
    reached: Some("An error of 0.096 in new trials after 640,000 (100 units)."),
    usual: usual!(Oscillation::default()),
}];

/// Produce a sine wave, `target(t) = sin(2π f t)`, of the frequency `f` that a constant input sets:
///
/// ```text
/// input = 0.25 + (f - lowest) / (highest - lowest)
/// ```
///
/// There are `levels` frequencies from `lowest` to `highest`, evenly spaced and equally likely; times are in seconds in the equation.
/// The mask is 1 throughout, and there is no choice to be scored. One input, one output. Epochs: `wave`. Values: see [`Frequency`].
///
/// A network that has learned it has, for each input, an unstable fixed point inside a cycle, whose frequency is that of the fixed
/// point's oscillating mode.
///
/// Defaults: 51 levels from 1 to 5 Hz, 2000 ms, `dt` 20 ms, `tau` 100 ms, noise of the input 0.01.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::Oscillation;
/// let task = Oscillation::default();
/// let batch = task.grid().over([1.0, 2.0, 5.0], |trial, f| trial.frequency = f).batch(Seed(1))?;
/// assert_eq!(batch.targets.dim(), (3, 100, 1));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Sussillo D, Barak O (2013), doi:10.1162/NECO_a_00409, who have as many levels; their frequencies are in other units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Oscillation {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the input.
    pub sensory: Sensory,
    /// The lowest frequency, in Hz.
    pub lowest: f32,
    /// The highest frequency, in Hz.
    pub highest: f32,
    /// How many frequencies there are.
    pub levels: usize,
    /// How long a trial lasts, in milliseconds.
    pub duration: f32,
}

/// The values of a trial of [`Oscillation`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Frequency {
    /// The frequency, in Hz.
    pub frequency: f32,
}

impl Default for Oscillation {
    fn default() -> Self {
        let sensory = Sensory::default().noise(0.01);
        Self { dt: 20.0, tau: 100.0, sensory, lowest: 1.0, highest: 5.0, levels: 51, duration: 2000.0 }
    }
}

impl Oscillation {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the input.
        sensory: Sensory;
        /// The lowest frequency, in Hz.
        lowest: f32;
        /// The highest frequency, in Hz.
        highest: f32;
        /// How many frequencies there are.
        levels: usize;
        /// How long a trial lasts, in milliseconds.
        duration: f32;
    }
}

impl Task for Oscillation {
    type Trial = Frequency;

    fn spec(&self) -> TaskSpec {
        let spec = TaskSpec::new(1, 1).dt(self.dt).tau(self.tau).sensory(self.sensory.clone());
        spec.decision(Decision::none()).epoch("wave", self.duration)
    }

    fn check(&self) -> Result<()> {
        if self.levels < 2 {
            return Err(Error::argument("levels", "at least 2 frequencies", self.levels));
        }
        if !(self.lowest > 0.0 && self.lowest < self.highest) {
            let got = format!("{} to {} Hz", self.lowest, self.highest);
            return Err(Error::argument("lowest", "above 0 and below `highest`, in Hz", got));
        }
        // A wave that is sampled less often than twice a period is another one.
        let limit = 500.0 / self.dt;
        match self.highest <= limit {
            true => Ok(()),
            false => Err(Error::argument("highest", format!("at most {limit} Hz, half a sample a step"), self.highest)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Frequency {
        let share = rng.index(self.levels) as f32 / (self.levels - 1) as f32;
        Frequency { frequency: self.lowest + share * (self.highest - self.lowest) }
    }

    fn complete(&self, trial: &mut Frequency) -> Result<()> {
        check::finite("frequency", trial.frequency)
    }

    fn step(&self, t: f32, trial: &Frequency, _: &mut TrialRng, now: &mut Step<'_>) {
        now.input[0] = 0.25 + (trial.frequency - self.lowest) / (self.highest - self.lowest);
        now.target[0] = (TAU * trial.frequency * t / 1000.0).sin();
    }
}
