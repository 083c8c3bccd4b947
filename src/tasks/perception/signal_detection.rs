//! Detection of a short signal at any time.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::NEUROGYM;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Alternatives, Decision, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::form::form_setters;
use crate::tasks::{Form, check};
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "signal_detection",
    about: "Go as soon as a short signal comes, which may be at any time or never.",
    papers: &[NEUROGYM],
    tags: &["detection", "reaction time"],
    reached: Some("96.0 % of new trials correct after 25,600 (100 units)."),
    usual: usual!(SignalDetection::default()),
}];

/// Go as soon as a signal comes; it may come at any time, and in some trials it does not come.
///
/// Input 0, the cue to fixate, is 1 all along: nothing tells when to answer but the signal. Input 1 is `strength` during the signal and
/// 0 elsewhere; the signal lies anywhere in the epoch `stimulus`. Output 0 is "fixate", output 1 "go": "fixate" is asked for until the
/// signal begins and "go" from then on, without a signal "fixate" to the end. The grace begins with the signal. All else is that of
/// [`Form`].
///
/// The choice is 1 if "go" reaches 0.5 at any step that counts, so that who goes before the signal, or without one, has given a false alarm
/// ([`Session::detection`](crate::simulate::Session::detection)); in a trial with a signal it counts as a hit.
///
/// Epochs: `fixation` (500 ms), `stimulus` (exponential of mean 1000 ms, from 500 to 1500 ms), `response` (500 ms), and where there is
/// a signal `signal`, within the stimulus, and `go`, from its start to the end. Values: see [`SignalOnset`]. Other defaults: a signal
/// in half of the trials, of strength 1 and 100 ms.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::SignalDetection;
/// let batch = SignalDetection::default().probability(0.7).batch(10, Seed(1))?;
/// assert_eq!(batch.inputs.len_of(ndarray::Axis(2)), 2);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Task after NeuroGym's Detection, Molano-Mazón M et al. (2022), doi:10.31234/osf.io/aqc9n.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignalDetection {
    /// What it has in common with the library's other tasks.
    pub form: Form,
    /// The probability of a signal.
    pub probability: f32,
    /// How strong the signal is.
    pub strength: f32,
    /// How long the signal lasts, in milliseconds.
    pub pulse: f32,
    /// The time before a signal may come.
    pub fixation: Duration,
    /// The time in which a signal may come.
    pub stimulus: Duration,
    /// The time after that.
    pub response: Duration,
}

/// The values of a trial of [`SignalDetection`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct SignalOnset {
    /// How long the stimulus lasts, in milliseconds.
    pub stimulus: f32,
    /// When in the stimulus the signal begins, in milliseconds; missing if there is none.
    pub onset: Option<f32>,
}

impl Default for SignalDetection {
    fn default() -> Self {
        Self {
            form: Form::default(),
            probability: 0.5,
            strength: 1.0,
            pulse: 100.0,
            fixation: Duration::Fixed(500.0),
            stimulus: Duration::truncated_exponential(1000.0, 500.0, 1500.0),
            response: Duration::Fixed(500.0),
        }
    }
}

impl SignalDetection {
    form_setters! {}

    setters! {
        /// The probability of a signal.
        probability: f32;
        /// How strong the signal is.
        strength: f32;
        /// How long the signal lasts, in milliseconds.
        pulse: f32;
        /// The time before a signal may come, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The time in which a signal may come, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The time after that, in milliseconds.
        response: impl Into<Duration> => response.into();
    }

    fn draw_with(&self, signal: bool, rng: &mut TrialRng) -> SignalOnset {
        let stimulus = self.spec().cut(self.stimulus.draw(rng.shared()));
        SignalOnset { stimulus, onset: signal.then(|| rng.uniform(0.0, stimulus - self.pulse)) }
    }
}

impl Task for SignalDetection {
    type Trial = SignalOnset;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(2, 2)
            .decision(Decision::go(0.5).among([1]))
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("response", self.response.clone())
            // Those of trials with a signal, which overlap with the others.
            .epoch("signal", 0.0)
            .epoch("go", 0.0)
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::probability("probability", self.probability)?;
        check::finite("strength", self.strength)?;
        positive("pulse", self.pulse)?;
        let shortest = self.stimulus.range().0;
        match self.pulse < shortest {
            true => Ok(()),
            false => Err(Error::argument("pulse", format!("shorter than the stimulus, {shortest} ms"), self.pulse)),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> SignalOnset {
        let signal = rng.chance(self.probability);
        self.draw_with(signal, rng)
    }

    fn complete(&self, trial: &mut SignalOnset) -> Result<()> {
        check::time("stimulus", trial.stimulus)?;
        match trial.onset {
            Some(onset) if !(onset >= 0.0 && onset <= trial.stimulus) => Err(Error::argument(
                "onset",
                format!("from 0 to {} ms, the end of the stimulus", trial.stimulus),
                onset,
            )),
            _ => Ok(()),
        }
    }

    fn epochs(&self, spec: &TaskSpec, trial: &SignalOnset, rng: &mut TrialRng) -> Epochs {
        let drawn = |duration: &Duration, rng: &mut TrialRng| spec.cut(duration.draw(rng.shared()));
        let epochs = Epochs::new().then("fixation", drawn(&self.fixation, rng)).then("stimulus", trial.stimulus);
        let start = epochs.start("stimulus").unwrap_or_default();
        let epochs = epochs.then("response", drawn(&self.response, rng));
        match trial.onset {
            Some(onset) => {
                let (onset, end) = (start + onset, epochs.end_of_last());
                epochs.span("signal", onset, onset + self.pulse).span("go", onset, end)
            }
            None => epochs,
        }
    }

    fn answer(&self, trial: &SignalOnset) -> Option<usize> {
        Some(usize::from(trial.onset.is_some()))
    }

    fn step(&self, _: f32, _: &SignalOnset, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("go", 1)]);
        // Nothing tells but the signal.
        now.input[0] = 1.0;
        if now.is_in("signal") {
            now.input[1] = self.strength;
        }
    }
}

impl Alternatives for SignalDetection {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> SignalOnset {
        self.draw_with(choice == 1, rng)
    }
}
