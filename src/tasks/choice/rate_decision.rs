//! High or low rates, by eye and ear.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::{SONG_PYRL, pyrl};
use crate::setters::setters;
use crate::table::Value;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "rate_decision_pyrl",
    about: "Say whether flashes, clicks, or both together come at a high rate or at a low one, in the version of pyrl.",
    papers: &[Paper { citation: "Raposo D, Kaufman MT, Churchland AK (2014)", doi: "10.1038/nn.3865" }, SONG_PYRL],
    tags: &["perceptual decision", "several senses"],
    reached: Some("81.6 % of new trials correct after 256,000 (100 units); an ideal observer has 82.0 %."),
    usual: usual!(RateDecision::pyrl()),
}];

/// Do flashes, clicks, or both together come at a high rate or at a low one?
///
/// Input 0 is the cue to fixate: 1 until the decision. While the stimulus lasts a rate `f` that is seen is shown in inputs 1 and 2 as `(1 + s) / 2` and
/// `(1 - s) / 2` with `s = (f - low) / (high - low)`, and one that is heard in the same way in inputs 3 and 4. The outputs are "fixate", "low" and
/// "high": high is a rate above the boundary.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{Modality, RateDecision, Rates};
/// let batch = RateDecision::pyrl().of(&[Rates { modality: Modality::Visual, rate: 9.0, high: true }], Seed(1))?;
/// assert_eq!(batch.correct_choice(0), Some(1));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults ([`RateDecision::pyrl`]): rates of 9, 10, …, 16 events a second, a boundary of 12.5, `low` 2 and `high` 23; a fixation of 750 ms, a
/// stimulus of 1000 ms, a decision of 500 ms; a `dt` of 10 ms and a noise of 0.145. Epochs: `fixation`, `stimulus`, `decision`. Values: see [`Rates`].
/// All else is that of [`Form`]. Which units receive which input is a matter of the network: in pyrl a third of them sees, and another third
/// hears. PyCog's version, with catch trials, is [`MultisensoryIntegration`](crate::tasks::MultisensoryIntegration).
///
/// Task after Raposo D, Kaufman MT, Churchland AK (2014), doi:10.1038/nn.3865; this version is that of Song HF, Yang GR, Wang X-J (2017),
/// doi:10.7554/eLife.21492.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateDecision {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The rates, in events a second, all equally likely.
    pub rates: Vec<f32>,
    /// Above what a rate is high.
    pub boundary: f32,
    /// The rates that are shown as 0.5, and as 1 and 0.
    pub span: (f32, f32),
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the stimulus lasts.
    pub stimulus: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// How a rate comes to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// By flashes.
    Visual,
    /// By clicks.
    Auditory,
    /// By both.
    Multisensory,
}

/// `visual`, `auditory` or `multisensory`, as in [`MultisensoryIntegration`](crate::tasks::MultisensoryIntegration).
impl From<Modality> for Value {
    fn from(modality: Modality) -> Self {
        match modality {
            Modality::Visual => "visual",
            Modality::Auditory => "auditory",
            Modality::Multisensory => "multisensory",
        }
        .into()
    }
}

/// The values of a trial of [`RateDecision`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Rates {
    /// Whether it is seen, heard, or both.
    pub modality: Modality,
    /// The rate, in events a second.
    pub rate: f32,
    /// Whether that is high; it follows from the rate.
    pub high: bool,
}

impl Default for RateDecision {
    fn default() -> Self {
        Self::pyrl()
    }
}

impl RateDecision {
    /// The times, the time step and the noise that pyrl has.
    #[must_use]
    pub fn pyrl() -> Self {
        Self {
            form: pyrl(0.021),
            rates: (9_u8..=16).map(f32::from).collect(),
            boundary: 12.5,
            span: (2.0, 23.0),
            fixation: Duration::Fixed(750.0),
            stimulus: Duration::Fixed(1000.0),
            decision: Duration::Fixed(500.0),
        }
    }

    form_setters! {}

    setters! {
        /// The rates, in events a second, all equally likely.
        rates: &[f32] => rates.to_vec();
        /// Above what a rate is high.
        boundary: f32;
        /// The rates that are shown as 0.5, and as 1 and 0.
        span: (f32, f32);
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the stimulus lasts, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }

    /// One of these rates, in any modality.
    fn draw_of(&self, rates: &[f32], rng: &mut TrialRng) -> Rates {
        let modality = rng.choice(&[Modality::Visual, Modality::Auditory, Modality::Multisensory]);
        let rate = rng.choice(rates);
        Rates { modality, rate, high: rate > self.boundary }
    }
}

impl Task for RateDecision {
    type Trial = Rates;

    fn spec(&self) -> TaskSpec {
        let spec = self.form.spec(5, 3).epoch("fixation", self.fixation.clone());
        spec.epoch("stimulus", self.stimulus.clone()).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("rates", &self.rates)?;
        let is_high = |rate: &f32| *rate > self.boundary;
        if !self.rates.iter().any(is_high) || self.rates.iter().all(is_high) {
            let expected = "one that parts the rates, so that some are above it and some are not";
            return Err(Error::argument("boundary", expected, self.boundary));
        }
        let (low, high) = self.span;
        match (high - low).is_finite() && low < high {
            true => Ok(()),
            false => Err(Error::argument("span", "from a lower to a higher rate", format!("{low} to {high}"))),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> Rates {
        self.draw_of(&self.rates, rng)
    }

    fn complete(&self, trial: &mut Rates) -> Result<()> {
        if !trial.rate.is_finite() {
            return Err(Error::argument("rate", "finite", trial.rate));
        }
        trial.high = trial.rate > self.boundary;
        Ok(())
    }

    fn answer(&self, trial: &Rates) -> Option<usize> {
        Some(usize::from(trial.high))
    }

    fn step(&self, _: f32, trial: &Rates, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + usize::from(trial.high))]);
        if now.is_in("stimulus") {
            let (low, high) = self.span;
            let s = (trial.rate - low) / (high - low);
            let shown = [(1.0 + s) / 2.0, (1.0 - s) / 2.0];
            for (from, other) in [(1, Modality::Auditory), (3, Modality::Visual)] {
                if trial.modality != other {
                    now.input[from..from + 2].copy_from_slice(&shown);
                }
            }
        }
    }
}

impl Alternatives for RateDecision {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Rates {
        let of_it = |rate: &f32| usize::from(*rate > self.boundary) == choice;
        let rates: Vec<f32> = self.rates.iter().copied().filter(of_it).collect();
        self.draw_of(&rates, rng)
    }
}
