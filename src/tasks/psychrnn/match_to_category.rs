//! Categorization of a direction.

use std::f32::consts::TAU;
use std::f64::consts;

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::EHRLICH;
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "match_to_category",
    about: "Say to which sector of the circle a direction belongs.",
    papers: &[Paper { citation: "Freedman DJ, Assad JA (2006)", doi: "10.1038/nature05078" }, EHRLICH],
    tags: &["categorization"],
    reached: Some(
        "Above 90 % of 500 new trials correct after 9,600 (40 leaky units, or 30 of an LSTM; trials of 600 ms).",
    ),
    usual: usual!(MatchToCategory::default()),
}];

/// To which sector of the circle does a direction belong?
///
/// Input channel `i` has a preferred direction and shows the Gaussian density (standard deviation 1 rad) of its distance from
/// the stimulus' `angle`, plus noise of standard deviation `noise / (2 dt)`, PsychRNN's. The circle is cut in `categories`
/// equal sectors; after the stimulus the mask is 1 and the target is 1 for the stimulus' sector and 0 for the others. There is
/// one stimulus in a trial, no sample to be matched: the name is PsychRNN's.
///
/// The preferred directions are evenly spaced, `2π i / n_in`. In PsychRNN they run from 0 to 2π with both ends included, so
/// that the first and the last channel are the same; [`MatchToCategory::psychrnn`] has that.
///
/// Epochs: `fixation` (200 ms), `stimulus` (1000 ms), `decision` (800 ms).
///
/// Task after Freedman DJ, Assad JA (2006), doi:10.1038/nature05078; this version is that of PsychRNN, Ehrlich DB et al.
/// (2021), doi:10.1523/ENEURO.0427-20.2020.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MatchToCategory {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// Input channels; 16 by default.
    pub channels: usize,
    /// Sectors of the circle; 2 by default.
    pub categories: usize,
    /// The fixation before the stimulus.
    pub fixation: Duration,
    /// The stimulus.
    pub stimulus: Duration,
    /// The decision period.
    pub decision: Duration,
    /// The angle of every trial, in radians from 0 to 2π; by default all are equally likely.
    pub angle: Option<f32>,
    /// How noisy the inputs are.
    pub noise: f32,
    /// Whether the preferred directions include both 0 and 2π.
    pub both_ends: bool,
}

/// The values of a trial of [`MatchToCategory`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Direction {
    /// The direction of the stimulus, in radians.
    pub angle: f32,
    /// The sector to which it belongs.
    pub category: usize,
}

impl Default for MatchToCategory {
    fn default() -> Self {
        Self {
            dt: 10.0,
            tau: 100.0,
            channels: 16,
            categories: 2,
            fixation: Duration::Fixed(200.0),
            stimulus: Duration::Fixed(1000.0),
            decision: Duration::Fixed(800.0),
            angle: None,
            noise: 0.1,
            both_ends: false,
        }
    }
}

impl MatchToCategory {
    /// PsychRNN's version, in which the first and the last input channel are the same.
    #[must_use]
    pub fn psychrnn() -> Self {
        Self { both_ends: true, ..Self::default() }
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// Input channels.
        channels: usize;
        /// Sectors of the circle.
        categories: usize;
        /// The fixation before the stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The stimulus, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The decision period, in milliseconds.
        decision: impl Into<Duration> => decision.into();
        /// The angle of every trial, in radians from 0 to 2π.
        angle: f32 => Some(angle);
        /// How noisy the inputs are; 0 for not at all.
        noise: f32;
    }

    /// The preferred direction of an input channel.
    fn preferred(&self, channel: usize) -> f64 {
        let spaces = if self.both_ends { self.channels - 1 } else { self.channels };
        consts::TAU * channel as f64 / spaces.max(1) as f64
    }
}

impl Task for MatchToCategory {
    type Trial = Direction;

    fn spec(&self) -> TaskSpec {
        TaskSpec::new(self.channels, self.categories)
            .dt(self.dt)
            .tau(self.tau)
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("decision", self.decision.clone())
            .decision(Decision::largest_mean())
    }

    fn check(&self) -> Result<()> {
        check::noise(self.noise)?;
        if self.channels == 0 {
            return Err(Error::argument("channels", "at least 1", 0));
        }
        if self.categories < 2 {
            return Err(Error::argument(
                "categories",
                "at least 2, or there is nothing to tell apart",
                self.categories,
            ));
        }
        match self.angle {
            Some(angle) if !(0.0..=TAU).contains(&angle) => Err(Error::argument("angle", "from 0 to 2π", angle)),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Direction {
        let angle = self.angle.unwrap_or_else(|| rng.uniform(0.0, TAU));
        let category = (angle / (TAU / self.categories as f32)) as usize;
        Direction { angle, category: category.min(self.categories - 1) }
    }

    fn answer(&self, trial: &Direction) -> Option<usize> {
        Some(trial.category)
    }

    fn step(&self, _: f32, trial: &Direction, rng: &mut TrialRng, now: &mut Step<'_>) {
        let sd = self.noise / (2.0 * self.dt);
        for input in now.input.iter_mut() {
            *input = rng.normal(0.0, sd);
        }
        if now.is_in("stimulus") {
            for (channel, input) in now.input.iter_mut().enumerate() {
                // In double precision, since far from the stimulus the density changes fast.
                let mut distance = self.preferred(channel) - f64::from(trial.angle);
                if distance > consts::PI {
                    distance -= consts::TAU;
                } else if distance < -consts::PI {
                    distance += consts::TAU;
                }
                *input += ((-distance * distance / 2.0).exp() / consts::TAU.sqrt()) as f32;
            }
        }
        if now.is_in("decision") {
            now.target[trial.category] = 1.0;
        } else {
            now.mask.fill(0.0);
        }
    }
}

impl Alternatives for MatchToCategory {
    fn n_choices(&self) -> usize {
        self.categories
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Direction {
        let width = TAU / self.categories as f32;
        let start = choice as f32 * width;
        Direction { angle: rng.uniform(start, start + width), category: choice }
    }
}
