//! When a tone came.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "tone_detection",
    about: "Say at which of three times a short tone came, or that none came.",
    papers: &[Paper { citation: "Costalupes JA (1985)", doi: "10.1523/JNEUROSCI.05-12-03261.1985" }, NEUROGYM],
    tags: &["detection", "working memory"],
    reached: Some("97.2 % of new trials correct after 150,400 (100 units); an ideal observer has 99.6 %."),
    usual: usual!(ToneDetection::default()),
}];

/// At which of some times did a short tone come, or did none come? All answers are equally likely.
///
/// Input 0 is the cue to fixate. Input 1 is `strength` while the tone lasts, which begins at one of `onsets` in the epoch `stimulus`,
/// and 0 elsewhere. Output 0 is "fixate", output 1 "none", output `1 + k` the `k`-th of the times, counted from 1. All else is that of
/// [`Form`].
///
/// Epochs: `stimulus` (2000 ms), `decision` (400 ms). Values: see [`ToneTime`]. Other defaults: onsets 500, 1000 and 1500 ms, a tone of
/// strength 1 and 50 ms.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::ToneDetection;
/// let task = ToneDetection::default().onsets(&[400.0, 1200.0]);
/// assert_eq!(task.batch(10, Seed(1))?.targets.dim(), (10, 120, 4));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after Costalupes JA (1985), doi:10.1523/JNEUROSCI.05-12-03261.1985; this version is that of NeuroGym, Molano-Mazón M et al. (2022),
/// doi:10.31234/osf.io/aqc9n, but that it asks for the answer after the tone, and not all along, before it too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToneDetection {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// When in the stimulus the tone may begin, in milliseconds.
    pub onsets: Vec<f32>,
    /// How long the tone lasts, in milliseconds.
    pub tone: f32,
    /// How strong the tone is.
    pub strength: f32,
    /// The time in which there may be a tone.
    pub stimulus: Duration,
    /// How long the answer lasts.
    pub decision: Duration,
}

/// The values of a trial of [`ToneDetection`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct ToneTime {
    /// When in the stimulus the tone begins, in milliseconds; missing if there is none. Follows from the other value.
    pub onset: Option<f32>,
    /// 0 if there is no tone, and else its number among the times, counted from 1.
    pub number: usize,
}

impl Default for ToneDetection {
    fn default() -> Self {
        Self {
            form: Form::default(),
            onsets: vec![500.0, 1000.0, 1500.0],
            tone: 50.0,
            strength: 1.0,
            stimulus: Duration::Fixed(2000.0),
            decision: Duration::Fixed(400.0),
        }
    }
}

impl ToneDetection {
    form_setters! {}

    setters! {
        /// When in the stimulus the tone may begin, in milliseconds.
        onsets: &[f32] => onsets.to_vec();
        /// How long the tone lasts, in milliseconds.
        tone: f32;
        /// How strong the tone is.
        strength: f32;
        /// The time in which there may be a tone, in milliseconds: a number or a distribution.
        stimulus: impl Into<Duration> => stimulus.into();
        /// How long the answer lasts, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for ToneDetection {
    type Trial = ToneTime;

    fn spec(&self) -> TaskSpec {
        let spec = self.form.spec(2, 2 + self.onsets.len());
        spec.epoch("stimulus", self.stimulus.clone()).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("onsets", &self.onsets)?;
        check::finite("strength", self.strength)?;
        positive("tone", self.tone)?;
        let latest = self.stimulus.range().0 - self.tone;
        match self.onsets.iter().find(|&&onset| !(0.0..=latest).contains(&onset)) {
            Some(onset) => Err(Error::argument(
                "onsets",
                format!("from 0 to {latest} ms, when a tone still ends in the stimulus"),
                onset,
            )),
            None => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> ToneTime {
        let number = rng.index(self.n_choices());
        self.draw_for(number, rng)
    }

    fn complete(&self, trial: &mut ToneTime) -> Result<()> {
        if trial.number >= self.n_choices() {
            let expected = format!("below {}: that of a time, or 0", self.n_choices());
            return Err(Error::argument("number", expected, trial.number));
        }
        trial.onset = trial.number.checked_sub(1).map(|time| self.onsets[time]);
        Ok(())
    }

    fn answer(&self, trial: &ToneTime) -> Option<usize> {
        Some(trial.number)
    }

    fn step(&self, _: f32, trial: &ToneTime, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.number)]);
        let begins = now.epochs().start("stimulus").unwrap_or_default();
        let is_heard = |onset: f32| !now.is_before(begins + onset) && now.is_before(begins + onset + self.tone);
        if trial.onset.is_some_and(is_heard) {
            now.input[1] = self.strength;
        }
    }
}

/// None, and each of the times.
impl Alternatives for ToneDetection {
    fn n_choices(&self) -> usize {
        1 + self.onsets.len()
    }

    fn draw_for(&self, choice: usize, _: &mut TrialRng) -> ToneTime {
        ToneTime { onset: None, number: choice }
    }
}
