//! Countermanding: a movement that is to be withheld after all.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::error::positive;
use crate::setters::setters;
use crate::task::{Decision, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "stop_signal",
    about: "Go to the side that is shown, unless a stop signal comes in time.",
    papers: &[Paper { citation: "Logan GD, Cowan WB (1984)", doi: "10.1037/0033-295X.91.3.295" }],
    tags: &["inhibition", "reaction time"],
    reached: Some("88.0 % of new trials correct after 256,000 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(StopSignal::default()),
}];

/// Go to the side that is shown, unless a stop signal comes.
///
/// Input 0 is the cue to fixate: 1 until the go cue. Inputs 1 and 2 are the go cue, left or right: that of the side is 1 from the go on.
/// In some trials input 3, the stop signal, is 1 for a while from a delay after the go cue on. The outputs are "fixate", "left" and "right".
/// In a trial without a stop signal the side is asked for; in one with a stop signal "fixate", from the go cue on.
///
/// Until a stop signal comes nobody knows whether one will. What is least wrong, by the mean squared error, is to raise the output of the
/// side to the probability that none will, which is `1 - stop` at the go cue and grows with each delay that has passed. The choice is the
/// first output that newly reaches the share `threshold` of the way from `lo` to `hi` after the go cue; "fixate", 0, if none does. So the
/// subject goes when it is sure enough, and noise makes it early or late. To withhold the movement is right where there was a stop signal. [`Session::countermanding`](crate::simulate::Session::countermanding) has how often the
/// subject stopped in time, and the stop-signal reaction time.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{GoOrStop, StopSignal};
/// let batch = StopSignal::default().of(&[GoOrStop { side: 1, delay: None }, GoOrStop { side: 1, delay: Some(150.0) }], Seed(1))?;
/// assert_eq!([0, 1].map(|trial| batch.correct_choice(trial)), [Some(2), Some(0)]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: a stop signal of 100 ms in 30 % of the trials, 50, 100, …, 350 ms after the go cue; a threshold of
/// 0.85; a fixation of 500 ms, a response of 1000 ms. Epochs: `fixation`, `response`, and in trials with a stop signal `stop`,
/// within the response. Values: see [`GoOrStop`]. All else is that of [`Form`].
///
/// Task after Logan GD, Cowan WB (1984), doi:10.1037/0033-295X.91.3.295.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopSignal {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// In which share of the trials there is a stop signal.
    pub stop: f32,
    /// How long after the go cue the stop signal comes, in milliseconds, all equally likely.
    pub delays: Vec<f32>,
    /// How long the stop signal lasts, in milliseconds.
    pub pulse: f32,
    /// Which share of the way from `lo` to `hi` an output has to go for a movement to be made.
    pub threshold: f32,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the response lasts.
    pub response: Duration,
}

/// The values of a trial of [`StopSignal`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct GoOrStop {
    /// The side that is shown, 0 for left or 1 for right.
    pub side: usize,
    /// How long after the go cue the stop signal comes, in milliseconds; missing if none does.
    pub delay: Option<f32>,
}

impl Default for StopSignal {
    fn default() -> Self {
        Self {
            form: Form::default(),
            stop: 0.3,
            delays: (1_u8..=7).map(|k| 50.0 * f32::from(k)).collect(),
            pulse: 100.0,
            threshold: 0.85,
            fixation: Duration::Fixed(500.0),
            response: Duration::Fixed(1000.0),
        }
    }
}

impl StopSignal {
    form_setters! {}

    setters! {
        /// In which share of the trials there is a stop signal.
        stop: f32;
        /// How long after the go cue the stop signal comes, in milliseconds, all equally likely.
        delays: &[f32] => delays.to_vec();
        /// How long the stop signal lasts, in milliseconds.
        pulse: f32;
        /// Which share of the way from `lo` to `hi` an output has to go for a movement to be made.
        threshold: f32;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the response lasts, in milliseconds: a number or a distribution.
        response: impl Into<Duration> => response.into();
    }
}

impl Task for StopSignal {
    type Trial = GoOrStop;

    fn spec(&self) -> TaskSpec {
        let threshold = self.form.lo + (self.form.hi - self.form.lo) * self.threshold;
        let decision = Decision::first_to_reach(threshold).after("response").or_largest_at_end();
        let spec = self.form.spec(4, 3).decision(decision);
        spec.epoch("fixation", self.fixation.clone()).epoch("response", self.response.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::probability("stop", self.stop)?;
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(Error::argument("threshold", "above 0 and at most 1", self.threshold));
        }
        check::numbers("delays", &self.delays)?;
        positive("pulse", self.pulse)
    }

    fn draw(&self, rng: &mut TrialRng) -> GoOrStop {
        let side = rng.index(2);
        GoOrStop { side, delay: rng.chance(self.stop).then(|| rng.choice(&self.delays)) }
    }

    fn complete(&self, trial: &mut GoOrStop) -> Result<()> {
        if trial.side > 1 {
            return Err(Error::argument("side", "0 or 1", trial.side));
        }
        let latest = self.response.range().0 - self.pulse;
        match trial.delay.filter(|delay| !(0.0..latest).contains(delay)) {
            Some(delay) => {
                let expected =
                    format!("from 0 to below {latest} ms, so that the stop signal is over before the response is");
                Err(Error::argument("delay", expected, delay))
            }
            None => Ok(()),
        }
    }

    fn answer(&self, trial: &GoOrStop) -> Option<usize> {
        trial.delay.is_none().then_some(trial.side)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &GoOrStop, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        match (trial.delay, epochs.start("response")) {
            (Some(delay), Some(go)) => epochs.span("stop", go + delay, go + delay + self.pulse),
            _ => epochs,
        }
    }

    fn step(&self, _: f32, trial: &GoOrStop, _: &mut TrialRng, now: &mut Step<'_>) {
        let asked = if trial.delay.is_some() { 0 } else { 1 + trial.side };
        self.form.ask(now, &[("response", asked)]);
        if now.is_in("response") {
            now.input[1 + trial.side] = 1.0;
        }
        if trial.delay.is_some() {
            now.input[3] = f32::from(u8::from(now.is_in("stop")));
        }
    }
}
