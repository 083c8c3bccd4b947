//! Ready, set, go: the reproduction of an interval.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::production::{Production, check_interval, check_patience};
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

const RAMP: Entry = Entry {
    name: "interval_reproduction",
    about: "Let as much time pass after the second of two pulses as passed between them.",
    papers: &[
        Paper { citation: "Jazayeri M, Shadlen MN (2010)", doi: "10.1038/nn.2590" },
        Paper { citation: "Sohn H, Narain D, Meirhaeghe N, Jazayeri M (2019)", doi: "10.1016/j.neuron.2019.06.012" },
        Paper {
            citation: "Remington ED, Narain D, Hosseini EA, Jazayeri M (2018)",
            doi: "10.1016/j.neuron.2018.05.020",
        },
    ],
    tags: &["timing", "context"],
    reached: Some("An error of 0.052 in new trials after 128,000 (100 units)."),
    usual: usual!(IntervalReproduction::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    RAMP,
    Entry {
        name: "interval_reproduction_step",
        reached: Some("An error of 0.122 in new trials after 128,000 (100 units)."),
        usual: usual!(IntervalReproduction::step()),
        ..RAMP
    },
];

/// Ready, set, go: let as much time pass after the second of two pulses as passed between them, or that time multiplied by a gain.
///
/// Input 0 is the cue to fixate: 1 until the second pulse is over. Inputs 1 and 2 are the pulses, ready and set, 1 as long as they last.
/// The sample interval `t_s` is the time from the start of ready to that of set; it is drawn from one of several priors. The subject
/// is to go when the interval `g t_s` after the start of set is over, as [`Production`] says: by a ramp, the default, or by a step
/// ([`IntervalReproduction::step`]). Inputs from 3 on show the context throughout, see [`ContextCode`]: the prior if there are
/// several, then the gain `g` if there are several.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{IntervalReproduction, SampleInterval};
/// let task = IntervalReproduction::default().gains(&[1.0, 1.5]);
/// let trial = SampleInterval { prior: 0, sample: 640.0, gain: 1.5, interval: 0.0 };
/// let batch = task.of(&[trial], Seed(1))?;
/// assert_eq!(batch.values.numbers("interval")?, [960.0]);
/// assert_eq!(batch.inputs.dim().2, 3 + 2 + 2);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// The produced interval `t_p` is the time from the start of set to the step in which the ramp reaches `hi`, or "go" is above "fixate".
/// Since what is measured is uncertain, the best subject, and a network that was trained with noise, draws it towards the mean of the
/// prior: [`Timing`](crate::analysis::Timing) has its bias and variance by `t_s`, and [`BayesianTiming`](crate::analysis::BayesianTiming) what
/// the best subject would do.
///
/// Defaults: priors of 480, 560, 640, 720, 800 ms and of 800, 900, 1000, 1100, 1200 ms; a gain of 1; a fixation of 500 to 1000 ms; pulses of
/// 100 ms; the trial lasts 1.5 times the interval after the start of set, so that a subject may be late. Epochs: `fixation`, `ready`,
/// `measure` (from the end of ready), `set`, `production` (from the end of set). Values: see [`SampleInterval`]. No choice is scored. All else
/// is that of [`Form`].
///
/// In NeuroGym's `ReadySetGo` (2.3.1) the sample begins at the end of the fixation, a given sample changes what is recorded and not the
/// trial, and what is produced is measured from the end of one epoch and asked for from that of another, so that who is right is not
/// rewarded fully. Here all intervals go from the start of a pulse to the start of the next event.
///
/// Tasks after Jazayeri M, Shadlen MN (2010), doi:10.1038/nn.2590; Sohn H, Narain D, Meirhaeghe N, Jazayeri M (2019),
/// doi:10.1016/j.neuron.2019.06.012, whose networks the ramp and the context by levels are after; and, with gains, Remington ED, Narain D,
/// Hosseini EA, Jazayeri M (2018), doi:10.1016/j.neuron.2018.05.020.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalReproduction {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The sample intervals of each prior, in milliseconds, all equally likely.
    pub priors: Vec<Vec<f32>>,
    /// The gains, all equally likely.
    pub gains: Vec<f32>,
    /// How prior and gain are shown.
    pub context: ContextCode,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long a pulse lasts, in milliseconds.
    pub pulse: f32,
    /// How the interval is produced.
    pub production: Production,
    /// How long a trial lasts after the start of set, in intervals that are to be produced.
    pub patience: f32,
}

/// How a context is shown, where there are several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContextCode {
    /// An input for each, which is 1 in it and 0 in others.
    #[default]
    OneHot,
    /// One input, which is `0.3 + 0.1 k` in context `k`.
    Level,
}

impl ContextCode {
    /// The inputs that show which of `n` it is.
    fn channels(self, n: usize) -> usize {
        match self {
            _ if n < 2 => 0,
            Self::OneHot => n,
            Self::Level => 1,
        }
    }

    /// Shows context `k` in these inputs.
    fn show(self, channels: &mut [f32], k: usize) {
        match self {
            Self::OneHot => channels.iter_mut().enumerate().for_each(|(i, input)| *input = f32::from(u8::from(i == k))),
            Self::Level => channels.fill(0.3 + 0.1 * k as f32),
        }
    }
}

/// The values of a trial of [`IntervalReproduction`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct SampleInterval {
    /// The number of the prior, from 0.
    pub prior: usize,
    /// The sample interval `t_s`, in milliseconds.
    pub sample: f32,
    /// The gain `g`.
    pub gain: f32,
    /// The interval that is to be produced, `g t_s`, in milliseconds; it follows from the others.
    pub interval: f32,
}

impl Default for IntervalReproduction {
    fn default() -> Self {
        Self {
            form: Form::default(),
            priors: vec![vec![480.0, 560.0, 640.0, 720.0, 800.0], vec![800.0, 900.0, 1000.0, 1100.0, 1200.0]],
            gains: vec![1.0],
            context: ContextCode::OneHot,
            fixation: Duration::uniform(500.0, 1000.0),
            pulse: 100.0,
            production: Production::Ramp,
            patience: 1.5,
        }
    }
}

impl IntervalReproduction {
    /// The version in which the interval ends with a step, from "fixate" to "go".
    #[must_use]
    pub fn step() -> Self {
        Self::default().production(Production::Step)
    }

    form_setters! {}

    setters! {
        /// The sample intervals of each prior, in milliseconds, all equally likely.
        priors: &[&[f32]] => priors.iter().map(|samples| samples.to_vec()).collect();
        /// The gains, all equally likely.
        gains: &[f32] => gains.to_vec();
        /// How prior and gain are shown.
        context: ContextCode;
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long a pulse lasts, in milliseconds.
        pulse: f32;
        /// How the interval is produced.
        production: Production;
        /// How long a trial lasts after the start of set, in intervals that are to be produced.
        patience: f32;
    }
}

impl Task for IntervalReproduction {
    type Trial = SampleInterval;

    fn spec(&self) -> TaskSpec {
        let n_context = self.context.channels(self.priors.len()) + self.context.channels(self.gains.len());
        // Those after the fixation are of the trial.
        self.production.spec(&self.form, 3 + n_context).epoch("fixation", self.fixation.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        if self.priors.is_empty() {
            return Err(Error::argument("priors", "at least one", "none"));
        }
        self.priors.iter().try_for_each(|samples| check::numbers("priors", samples))?;
        check::numbers("gains", &self.gains)?;
        positive("pulse", self.pulse)?;
        check_patience(self.patience)
    }

    fn draw(&self, rng: &mut TrialRng) -> SampleInterval {
        let prior = rng.index(self.priors.len());
        let (sample, gain) = (rng.choice(&self.priors[prior]), rng.choice(&self.gains));
        SampleInterval { prior, sample, gain, interval: sample * gain }
    }

    fn complete(&self, trial: &mut SampleInterval) -> Result<()> {
        if trial.prior >= self.priors.len() {
            let expected = format!("one of the {} that there are, counted from 0", self.priors.len());
            return Err(Error::argument("prior", expected, trial.prior));
        }
        if !self.gains.contains(&trial.gain) {
            return Err(Error::argument("gain", format!("one of {:?}", self.gains), trial.gain));
        }
        trial.interval = trial.sample * trial.gain;
        check_interval("sample", trial.sample, self.pulse)?;
        check_interval("interval", trial.interval, self.pulse)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &SampleInterval, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        let ready = epochs.end_of_last();
        let set = ready + trial.sample;
        let epochs = epochs.then("ready", self.pulse).until("measure", set).then("set", self.pulse);
        epochs.until("production", set + self.patience * trial.interval)
    }

    fn step(&self, t: f32, trial: &SampleInterval, _: &mut TrialRng, now: &mut Step<'_>) {
        self.production.ask(&self.form, t, now, "set", trial.interval);
        for (input, pulse) in [(1, "ready"), (2, "set")] {
            now.input[input] = f32::from(u8::from(now.is_in(pulse)));
        }
        let (priors, gains) = now.input[3..].split_at_mut(self.context.channels(self.priors.len()));
        self.context.show(priors, trial.prior);
        self.context.show(gains, self.gains.iter().position(|&gain| gain == trial.gain).unwrap_or(0));
    }
}
