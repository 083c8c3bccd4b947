//! Two-alternative perceptual discrimination.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{EHRLICH, evidence_noise_sd};
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Epochs, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "perceptual_discrimination",
    about: "Say which of two noisy inputs is the stronger one.",
    papers: &[Paper { citation: "Roitman JD, Shadlen MN (2002)", doi: "10.1523/JNEUROSCI.22-21-09475.2002" }, EHRLICH],
    tags: &["perceptual decision"],
    reached: Some(
        "Above 90 % of 500 new trials correct after 9,600 (40 leaky units, or 30 of an LSTM; trials of 1 s, coherences 0.3 and 0.5).",
    ),
    usual: usual!(PerceptualDiscrimination::default()),
}];

/// Which of two noisy inputs is the stronger one?
///
/// The two channels stand for the evidence for two directions of motion. The subject must report the direction after
/// the stimulus. For the chosen `direction` the input is `1 + coherence + noise`, for the other `1 + noise`, while
/// `onset < t < onset + stimulus`; `noise` is there at all times. The standard deviation per step is that of PsychRNN,
/// `sqrt(2 · 0.01 · sqrt(10) · sqrt(dt)) · noise`, about 0.0447 at the default `noise` 0.1 and `dt` 10 ms. After the
/// stimulus the mask is 1, and from 20 ms after it the target is 1 for the direction and 0.2 for the other channel.
///
/// Epochs: `fixation`, `stimulus`, `decision`. Values: see [`Motion`].
///
/// Task after Roitman JD, Shadlen MN (2002), doi:10.1523/JNEUROSCI.22-21-09475.2002; this version is that of PsychRNN,
/// Ehrlich DB et al. (2021), doi:10.1523/ENEURO.0427-20.2020. Unlike there, `direction` is honored.
///
/// ```
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default().coherences(&[0.0, 0.1]).onset(500.0).stimulus(1000.0);
/// let batch = task.batch(128, Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (128, 200, 2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerceptualDiscrimination {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The duration `T` of a trial, in milliseconds.
    pub duration: f32,
    /// When the stimulus starts; by default uniform from 0 to `T` / 2.
    pub onset: Option<Duration>,
    /// How long the stimulus lasts; by default uniform from `T` / 8 to 3 `T` / 8.
    pub stimulus: Option<Duration>,
    /// The coherences that are drawn, from 0 to 1, all equally likely.
    pub coherences: Vec<f32>,
    /// The direction, 0 or 1; by default either with equal probability.
    pub direction: Option<usize>,
    /// How noisy the inputs are.
    pub noise: f32,
}

/// The values of a trial of [`PerceptualDiscrimination`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Motion {
    /// By how much the input of the chosen channel exceeds that of the other.
    pub coherence: f32,
    /// The channel with the stronger input, 0 or 1.
    pub direction: usize,
}

impl Default for PerceptualDiscrimination {
    fn default() -> Self {
        Self {
            dt: 10.0,
            tau: 100.0,
            duration: 2000.0,
            onset: None,
            stimulus: None,
            coherences: vec![0.1, 0.3, 0.5, 0.7],
            direction: None,
            noise: 0.1,
        }
    }
}

impl PerceptualDiscrimination {
    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The duration of a trial, in milliseconds.
        duration: f32;
        /// When the stimulus starts, in milliseconds: a number or a distribution.
        onset: impl Into<Duration> => Some(onset.into());
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => Some(stimulus.into());
        /// The coherences that are drawn, from 0 to 1, all equally likely.
        coherences: &[f32] => coherences.to_vec();
        /// The direction of every trial, 0 or 1.
        direction: usize => Some(direction);
        /// How noisy the inputs are; 0 for not at all.
        noise: f32;
    }
}

impl Task for PerceptualDiscrimination {
    type Trial = Motion;

    fn spec(&self) -> TaskSpec {
        let onset = self.onset.clone().unwrap_or(Duration::uniform(0.0, self.duration / 2.0));
        let stimulus =
            self.stimulus.clone().unwrap_or(Duration::uniform(self.duration / 8.0, self.duration * 3.0 / 8.0));
        TaskSpec::new(2, 2)
            .dt(self.dt)
            .tau(self.tau)
            .duration(self.duration)
            .epoch("fixation", onset)
            .epoch("stimulus", stimulus)
            .epoch("decision", Duration::Rest)
            .decision(Decision::largest_mean())
    }

    fn check(&self) -> Result<()> {
        check::coherences(&self.coherences)?;
        if let Some(direction @ 2..) = self.direction {
            return Err(Error::argument("direction", "0 or 1", direction));
        }
        check::noise(self.noise)
    }

    fn draw(&self, rng: &mut TrialRng) -> Motion {
        Motion { coherence: rng.choice(&self.coherences), direction: self.direction.unwrap_or_else(|| rng.index(2)) }
    }

    fn answer(&self, trial: &Motion) -> Option<usize> {
        Some(trial.direction)
    }

    fn step(&self, _: f32, trial: &Motion, rng: &mut TrialRng, now: &mut Step<'_>) {
        let (onset, offset) = stimulus_window(&now.epochs());
        let sd = evidence_noise_sd(self.noise, self.dt);
        for input in now.input.iter_mut() {
            *input = rng.normal(0.0, sd);
        }
        if now.is_after(onset) && now.is_before(offset) {
            for (channel, input) in now.input.iter_mut().enumerate() {
                *input += 1.0 + if channel == trial.direction { trial.coherence } else { 0.0 };
            }
        }
        if now.is_after(offset + 20.0) {
            now.favor(trial.direction, 1.0, 0.2);
        }
        if now.is_before(offset) {
            now.mask.fill(0.0);
        }
    }
}

impl Alternatives for PerceptualDiscrimination {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Motion {
        Motion { direction: choice, ..self.draw(rng) }
    }
}

fn stimulus_window(epochs: &Epochs) -> (f32, f32) {
    epochs.get("stimulus").map_or((f32::INFINITY, f32::INFINITY), |stimulus| (stimulus.start, stimulus.end))
}
