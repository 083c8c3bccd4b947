//! Cue, set, go: the production of an interval that is known.

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
    name: "interval_production",
    about: "Let that time pass after a pulse for which a cue stands.",
    papers: &[Paper { citation: "Wang J, Narain D, Hosseini EA, Jazayeri M (2018)", doi: "10.1038/s41593-017-0028-6" }],
    tags: &["timing", "context"],
    reached: Some("An error of 0.047 in new trials after 25,600 (100 units)."),
    usual: usual!(IntervalProduction::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    RAMP,
    Entry {
        name: "interval_production_step",
        reached: Some("An error of 0.065 in new trials after 128,000 (100 units)."),
        usual: usual!(IntervalProduction::step()),
        ..RAMP
    },
];

/// Cue, set, go: let that time pass after a pulse for which a cue stands.
///
/// Input 0 is the cue to fixate: 1 until the pulse is over. Inputs 1 to `n` are cues, one for each of `n` intervals: 1 from the end of the
/// fixation to the pulse. Input `n + 1` is the pulse, set, 1 as long as it lasts. The subject is to go when the interval after the start of the
/// pulse is over, as [`Production`] says: by a ramp, the default, or by a step ([`IntervalProduction::step`]).
/// [`Session::times_when`](crate::simulate::Session::times_when) reads when it does, and [`Timing`](crate::analysis::Timing) says how
/// well.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{CuedInterval, IntervalProduction};
/// let task = IntervalProduction::step().intervals(&[600.0, 900.0, 1200.0]);
/// assert_eq!(task.of(&[CuedInterval { interval: 900.0 }], Seed(1))?.inputs.dim().2, 1 + 3 + 1);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: intervals of 800 and 1500 ms; a fixation of 500 ms; a cue of 1000 to 3000 ms; a pulse of 100 ms; the trial lasts 1.5
/// times the interval after the start of the pulse. Epochs: `fixation`, `cue`, `set`, `production` (from the end of set). Values: see
/// [`CuedInterval`]. No choice is scored. All else is that of [`Form`].
///
/// In NeuroGym's `MotorTiming` (2.3.1) the pulse is shorter than a time step and so never shown: nothing says when the interval begins but
/// the end of the cue.
///
/// Task after Wang J, Narain D, Hosseini EA, Jazayeri M (2018), doi:10.1038/s41593-017-0028-6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalProduction {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The intervals, in milliseconds, all equally likely.
    pub intervals: Vec<f32>,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the cue lasts.
    pub cue: Duration,
    /// How long the pulse lasts, in milliseconds.
    pub pulse: f32,
    /// How the interval is produced.
    pub production: Production,
    /// How long a trial lasts after the start of the pulse, in intervals.
    pub patience: f32,
}

/// The values of a trial of [`IntervalProduction`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct CuedInterval {
    /// The interval that is to be produced, in milliseconds: one of the task's.
    pub interval: f32,
}

impl Default for IntervalProduction {
    fn default() -> Self {
        Self {
            form: Form::default(),
            intervals: vec![800.0, 1500.0],
            fixation: Duration::Fixed(500.0),
            cue: Duration::uniform(1000.0, 3000.0),
            pulse: 100.0,
            production: Production::Ramp,
            patience: 1.5,
        }
    }
}

impl IntervalProduction {
    /// The version in which the interval ends with a step, from "fixate" to "go".
    #[must_use]
    pub fn step() -> Self {
        Self::default().production(Production::Step)
    }

    form_setters! {}

    setters! {
        /// The intervals, in milliseconds, all equally likely.
        intervals: &[f32] => intervals.to_vec();
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the cue lasts, in milliseconds: a number or a distribution.
        cue: impl Into<Duration> => cue.into();
        /// How long the pulse lasts, in milliseconds.
        pulse: f32;
        /// How the interval is produced.
        production: Production;
        /// How long a trial lasts after the start of the pulse, in intervals.
        patience: f32;
    }
}

impl Task for IntervalProduction {
    type Trial = CuedInterval;

    fn spec(&self) -> TaskSpec {
        let spec = self.production.spec(&self.form, 2 + self.intervals.len());
        // Those after the cue are of the trial.
        spec.epoch("fixation", self.fixation.clone()).epoch("cue", self.cue.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("intervals", &self.intervals)?;
        positive("pulse", self.pulse)?;
        check_patience(self.patience)
    }

    fn draw(&self, rng: &mut TrialRng) -> CuedInterval {
        CuedInterval { interval: rng.choice(&self.intervals) }
    }

    fn complete(&self, trial: &mut CuedInterval) -> Result<()> {
        if !self.intervals.contains(&trial.interval) {
            return Err(Error::argument("interval", format!("one of {:?}", self.intervals), trial.interval));
        }
        check_interval("interval", trial.interval, self.pulse)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &CuedInterval, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        let end = epochs.end_of_last() + self.patience * trial.interval;
        epochs.then("set", self.pulse).until("production", end)
    }

    fn step(&self, t: f32, trial: &CuedInterval, _: &mut TrialRng, now: &mut Step<'_>) {
        self.production.ask(&self.form, t, now, "set", trial.interval);
        if now.is_in("cue") {
            self.intervals.iter().zip(&mut now.input[1..]).for_each(|(&interval, input)| {
                *input = f32::from(u8::from(interval == trial.interval));
            });
        }
        if now.is_in("set") {
            now.input[1 + self.intervals.len()] = 1.0;
        }
    }
}
