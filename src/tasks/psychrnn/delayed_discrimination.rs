//! Delayed discrimination of two frequencies.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{EHRLICH, evidence_noise_sd};
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "delayed_discrimination",
    about: "Say whether the first or the second of two stimuli, separated by a delay, had the higher frequency.",
    papers: &[Paper { citation: "Romo R, Brody CD, Hernández A, Lemus L (1999)", doi: "10.1038/20939" }, EHRLICH],
    tags: &["working memory", "comparison"],
    reached: Some(
        "Above 90 % of 500 new trials correct after 25,600 (40 leaky units, or 30 of an LSTM; trials of 1 s, delays of 100 to 300 ms).",
    ),
    usual: usual!(DelayedDiscrimination::default()),
}];

/// Was the first of two stimuli, separated by a delay, the one with the higher frequency?
///
/// Two channels code the frequency `f` in opposite ways, `0.4 + 0.8 (f - 10) / 24` and `0.4 + 0.8 (34 - f) / 24`, plus noise
/// as in [`PerceptualDiscrimination`](crate::tasks::PerceptualDiscrimination). In the decision period the mask is 1 and the target is
/// 1 for the correct channel (0: the first was higher; 1: the second) and 0.2 for the other; elsewhere the mask is 0.
///
/// Epochs: `fixation`, `first`, `delay`, `second`, `decision`. By default their durations are uniform up to `T` / 8, `T` / 4,
/// `T` / 4, `T` / 4 and `T` / 8. Stimuli and decision last at least one time step: in PsychRNN, whose durations start at 0,
/// 2% of the trials have an empty decision period and are scored as correct; [`DelayedDiscrimination::psychrnn`] has them.
///
/// Task after Romo R, Brody CD, Hernández A, Lemus L (1999), doi:10.1038/20939; this version is that of PsychRNN, Ehrlich DB
/// et al. (2021), doi:10.1523/ENEURO.0427-20.2020.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayedDiscrimination {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The duration `T` of a trial, in milliseconds.
    pub duration: f32,
    /// The fixation before the first stimulus.
    pub fixation: Option<Duration>,
    /// The first stimulus.
    pub first: Option<Duration>,
    /// The delay between the stimuli.
    pub delay: Option<Duration>,
    /// The second stimulus.
    pub second: Option<Duration>,
    /// The decision period.
    pub decision: Option<Duration>,
    /// Pairs of a lower and a higher frequency, all equally likely.
    pub pairs: Vec<(f32, f32)>,
    /// The correct choice, 0 or 1; by default either with equal probability.
    pub answer: Option<usize>,
    /// How noisy the inputs are.
    pub noise: f32,
    /// Whether stimuli and decision may be shorter than a time step.
    pub may_be_empty: bool,
}

/// The values of a trial of [`DelayedDiscrimination`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Frequencies {
    /// The frequency of the first stimulus.
    pub f1: f32,
    /// The frequency of the second stimulus.
    pub f2: f32,
}

impl Default for DelayedDiscrimination {
    fn default() -> Self {
        Self {
            dt: 10.0,
            tau: 100.0,
            duration: 2000.0,
            fixation: None,
            first: None,
            delay: None,
            second: None,
            decision: None,
            pairs: vec![(10.0, 18.0), (14.0, 22.0), (18.0, 26.0), (22.0, 30.0), (26.0, 34.0)],
            answer: None,
            noise: 0.1,
            may_be_empty: false,
        }
    }
}

impl DelayedDiscrimination {
    /// PsychRNN's version, in which stimuli and the decision period may be empty.
    #[must_use]
    pub fn psychrnn() -> Self {
        Self { may_be_empty: true, ..Self::default() }
    }

    setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The duration of a trial, in milliseconds.
        duration: f32;
        /// The fixation before the first stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => Some(fixation.into());
        /// The first stimulus, in milliseconds.
        first: impl Into<Duration> => Some(first.into());
        /// The delay between the stimuli, in milliseconds.
        delay: impl Into<Duration> => Some(delay.into());
        /// The second stimulus, in milliseconds.
        second: impl Into<Duration> => Some(second.into());
        /// The decision period, in milliseconds.
        decision: impl Into<Duration> => Some(decision.into());
        /// Pairs of a lower and a higher frequency, all equally likely.
        pairs: &[(f32, f32)] => pairs.to_vec();
        /// The correct choice of every trial: 0 if the first stimulus is the higher one, 1 if the second is.
        answer: usize => Some(answer);
        /// How noisy the inputs are; 0 for not at all.
        noise: f32;
    }

    /// The epochs that must not be empty, with their durations.
    fn needed(&self) -> [(&'static str, Duration); 3] {
        let shortest = if self.may_be_empty { 0.0 } else { self.dt };
        let up_to = |given: &Option<Duration>, share: f32| {
            given.clone().unwrap_or(Duration::uniform(shortest, self.duration * share))
        };
        [
            ("first", up_to(&self.first, 0.25)),
            ("second", up_to(&self.second, 0.25)),
            ("decision", up_to(&self.decision, 0.125)),
        ]
    }
}

impl Task for DelayedDiscrimination {
    type Trial = Frequencies;

    fn spec(&self) -> TaskSpec {
        let up_to = |given: &Option<Duration>, share: f32| {
            given.clone().unwrap_or(Duration::uniform(0.0, self.duration * share))
        };
        let [(_, first), (_, second), (_, decision)] = self.needed();
        TaskSpec::new(2, 2)
            .dt(self.dt)
            .tau(self.tau)
            .duration(self.duration)
            .epoch("fixation", up_to(&self.fixation, 0.125))
            .epoch("first", first)
            .epoch("delay", up_to(&self.delay, 0.25))
            .epoch("second", second)
            .epoch("decision", decision)
            .decision(Decision::largest_mean())
    }

    fn check(&self) -> Result<()> {
        check::noise(self.noise)?;
        check::pairs(&self.pairs)?;
        if let Some(answer @ 2..) = self.answer {
            return Err(Error::argument("answer", "0 or 1", answer));
        }
        for (name, duration) in self.needed() {
            if !self.may_be_empty && duration.range().0 < self.dt {
                let expected = format!("at least `dt` = {} ms, or some trials show or ask nothing", self.dt);
                return Err(Error::argument(name, expected, duration));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> Frequencies {
        let (low, high) = rng.choice(&self.pairs);
        match self.answer.unwrap_or_else(|| rng.index(2)) {
            0 => Frequencies { f1: high, f2: low },
            _ => Frequencies { f1: low, f2: high },
        }
    }

    fn answer(&self, trial: &Frequencies) -> Option<usize> {
        Some(usize::from(trial.f1 <= trial.f2))
    }

    fn step(&self, _: f32, trial: &Frequencies, rng: &mut TrialRng, now: &mut Step<'_>) {
        let sd = evidence_noise_sd(self.noise, self.dt);
        let shown = match now.epoch() {
            Some("first") => Some(trial.f1),
            Some("second") => Some(trial.f2),
            _ => None,
        };
        for input in now.input.iter_mut() {
            *input = rng.normal(0.0, sd);
        }
        if let Some(f) = shown {
            now.input[0] += 0.4 + 0.8 * (f - 10.0) / 24.0;
            now.input[1] += 0.4 + 0.8 * (34.0 - f) / 24.0;
        }
        if now.is_in("decision") {
            now.favor(Task::answer(self, trial), 1.0, 0.2);
        } else {
            now.mask.fill(0.0);
        }
    }
}

impl Alternatives for DelayedDiscrimination {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Frequencies {
        Self { answer: Some(choice), ..self.clone() }.draw(rng)
    }
}
