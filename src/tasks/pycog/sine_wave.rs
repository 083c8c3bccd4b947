//! A sine wave out of nothing.

use std::f32::consts::TAU;

use serde::{Deserialize, Serialize};

use super::SONG;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Criterion, Decision, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "sine_wave",
    about: "Produce a sine wave without any input.",
    papers: &[SONG],
    tags: &["pattern generation"],
    reached: Some("An error of 0.049 in new trials after 64,000 (100 units, Dale's principle)."),
    usual: usual!(SineWave::default(), SineWave::criterion),
}];

/// Produce a sine wave, without any input: `target(t) = amplitude · sin(2π (t + dt) / period)`.
///
/// The first step asks for the value one step after the start, as in PyCog, since the state before it is the initial one. The
/// mask is 1 throughout, and there is no choice to be scored. There are no input channels, no epochs but `wave`, and no values.
///
/// Defaults: amplitude 0.9, period 800 ms, two periods; `tau` 100 ms, `dt` 20 ms, which PyCog recommends to be shorter if
/// the exact amplitude matters. PyCog carries the state over from trial to trial
/// ([`run_consecutively`](crate::simulate::Simulator::run_consecutively)), trains the biases, and has recurrent noise 0.05. It
/// names no paper for this task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SineWave {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The largest value of the target.
    pub amplitude: f32,
    /// The period of the wave, in milliseconds.
    pub period: f32,
    /// How many periods a trial lasts.
    pub n_periods: f32,
}

impl Default for SineWave {
    fn default() -> Self {
        Self { dt: 20.0, tau: 100.0, amplitude: 0.9, period: 800.0, n_periods: 2.0 }
    }
}

impl SineWave {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The largest value of the target.
        amplitude: f32;
        /// The period of the wave, in milliseconds.
        period: f32;
        /// How many periods a trial lasts.
        n_periods: f32;
    }

    /// PyCog's: an error of 0.05 on 50 validation trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::Error { at_most: 0.05 }
    }
}

impl Task for SineWave {
    type Trial = ();

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(0, 1)
            .dt(self.dt)
            .tau(self.tau)
            .decision(Decision::none())
            .epoch("wave", self.n_periods * self.period)
    }

    fn check(&self) -> Result<()> {
        positive("period", self.period)?;
        match self.amplitude.is_finite() {
            true => Ok(()),
            false => Err(Error::argument("amplitude", "finite", self.amplitude)),
        }
    }

    fn draw(&self, _: &mut TrialRng) {}

    fn step(&self, t: f32, (): &(), _: &mut TrialRng, now: &mut Step<'_>) {
        now.target[0] = self.amplitude * (TAU * (t + self.dt) / self.period).sin();
    }
}
