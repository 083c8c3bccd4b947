//! Comparison of two vibrations over a long delay.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::protocol::protocol_setters;
use super::{Protocol, SONG, opposite_codes, range};
use crate::Result;
use crate::setters::setters;
use crate::task::{Alternatives, Criterion, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "parametric_working_memory",
    about: "Say which of two vibrations, some seconds apart, had the higher frequency.",
    papers: &[Paper { citation: "Barak O, Tsodyks M, Romo R (2010)", doi: "10.1523/JNEUROSCI.1875-10.2010" }, SONG],
    tags: &["working memory", "comparison", "catch trials"],
    reached: Some(
        "85.6 % of new trials correct in the worst condition after 19,200, of which 16,000 with shorter delays (500 units, Dale's principle).",
    ),
    usual: usual!(ParametricWorkingMemory::default(), ParametricWorkingMemory::criterion),
}];

/// Which of two vibrations, some seconds apart, had the higher frequency?
///
/// A frequency `f` is shown as `0.4 + 0.8 (f - f_min) / (f_max - f_min)` in input 0 and
/// `0.4 + 0.8 (f_max - f) / (f_max - f_min)` in input 1. The correct choice is 0 if the first was higher and 1 if the second
/// was. All else, catch trials (1 / 11, 2500 ms) included, is that of [`Protocol`].
///
/// Both vibrations last 500 ms, the delay between them 2500 to 3500 ms, all equally likely; the pairs are 10 and 18, 14 and 22,
/// 18 and 26, 22 and 30, 26 and 34 Hz, in either order. When tested, the fixation lasts 500 ms and the delay 3000 ms. Epochs:
/// `fixation`, `f1`, `delay`, `f2`, `decision`, or `catch`. Values: see [`Vibrations`].
///
/// [`DelayedDiscrimination`](crate::tasks::DelayedDiscrimination) is PsychRNN's version: shorter, with other noise, and without
/// fixation targets and catch trials.
///
/// Task after Barak O, Tsodyks M, Romo R (2010), doi:10.1523/JNEUROSCI.1875-10.2010.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParametricWorkingMemory {
    /// What it has in common with the other tasks.
    pub protocol: Protocol,
    /// Pairs of a lower and a higher frequency, in Hz, all equally likely.
    pub pairs: Vec<(f32, f32)>,
    /// The first vibration.
    pub first: Duration,
    /// The delay between the vibrations.
    pub delay: Duration,
    /// The second vibration.
    pub second: Duration,
}

/// The values of a trial of [`ParametricWorkingMemory`]; all but `catch` are missing in a catch trial.
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Vibrations {
    /// The frequency of the first vibration, in Hz.
    pub f1: Option<f32>,
    /// The frequency of the second vibration, in Hz.
    pub f2: Option<f32>,
    /// Whether this is a catch trial.
    pub catch: bool,
}

impl Vibrations {
    /// The correct choice.
    #[must_use]
    pub fn correct(&self) -> Option<usize> {
        Some(usize::from(self.f1? < self.f2?))
    }
}

impl Default for ParametricWorkingMemory {
    fn default() -> Self {
        Self {
            protocol: Protocol::new(1.0 / 11.0, 2500.0),
            pairs: vec![(10.0, 18.0), (14.0, 22.0), (18.0, 26.0), (22.0, 30.0), (26.0, 34.0)],
            first: Duration::Fixed(500.0),
            delay: Duration::uniform(2500.0, 3500.0),
            second: Duration::Fixed(500.0),
        }
    }
}

impl ParametricWorkingMemory {
    protocol_setters! {}

    setters! {
        /// Pairs of a lower and a higher frequency, in Hz, all equally likely.
        pairs: &[(f32, f32)] => pairs.to_vec();
        /// The first vibration, in milliseconds: a number or a distribution.
        first: impl Into<Duration> => first.into();
        /// The delay between the vibrations, in milliseconds: a number or a distribution.
        delay: impl Into<Duration> => delay.into();
        /// The second vibration, in milliseconds: a number or a distribution.
        second: impl Into<Duration> => second.into();
    }

    /// As PyCog tests networks: 500 ms of fixation, a delay of 3000 ms, no catch trials.
    #[must_use]
    pub fn testing(mut self) -> Self {
        self.protocol = self.protocol.testing(500.0);
        self.delay(3000.0)
    }

    /// The number of conditions: pairs in each order.
    #[must_use]
    pub fn n_conditions(&self) -> usize {
        2 * self.pairs.len()
    }

    /// PyCog's: 85 % correct in the worst condition of one validation of 1100 trials.
    #[must_use]
    pub fn criterion(&self) -> Criterion {
        Criterion::WorstCondition { columns: vec!["f1".into(), "f2".into()], at_least: 0.85 }
    }

    fn frequencies(&self) -> impl Iterator<Item = f32> {
        self.pairs.iter().flat_map(|&(low, high)| [low, high])
    }
}

impl Task for ParametricWorkingMemory {
    type Trial = Vibrations;

    fn spec(&self) -> TaskSpec {
        self.protocol
            .spec(2)
            .epoch("f1", self.first.clone())
            .epoch("delay", self.delay.clone())
            .epoch("f2", self.second.clone())
            .epoch("decision", self.protocol.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.protocol.check()?;
        check::pairs(&self.pairs)
    }

    fn draw(&self, rng: &mut TrialRng) -> Vibrations {
        let Some(condition) = self.protocol.pick(self.n_conditions(), rng) else {
            return Vibrations { f1: None, f2: None, catch: true };
        };
        let (low, high) = self.pairs[condition % self.pairs.len()];
        let (f1, f2) = if condition < self.pairs.len() { (high, low) } else { (low, high) };
        Vibrations { f1: Some(f1), f2: Some(f2), catch: false }
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Vibrations, rng: &mut TrialRng) -> Epochs {
        self.protocol.epochs(spec, trial.catch, rng)
    }

    fn answer(&self, trial: &Vibrations) -> Option<usize> {
        trial.correct()
    }

    fn step(&self, _: f32, trial: &Vibrations, _: &mut TrialRng, now: &mut Step<'_>) {
        let shown = match now.epoch() {
            Some("f1") => trial.f1,
            Some("f2") => trial.f2,
            _ => None,
        };
        if let Some(f) = shown {
            (now.input[0], now.input[1]) = opposite_codes(f, range(self.frequencies()));
        }
        self.protocol.ask(trial.correct(), now);
    }
}

impl Alternatives for ParametricWorkingMemory {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Vibrations {
        let drawn = self.clone().catch(0.0).draw(rng);
        if drawn.correct() == Some(choice) { drawn } else { Vibrations { f1: drawn.f2, f2: drawn.f1, ..drawn } }
    }
}
