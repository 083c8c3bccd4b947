//! One, two, three, go: going on with a rhythm.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::production::{Production, check_interval, check_patience};
use crate::Result;
use crate::error::positive;
use crate::setters::setters;
use crate::task::{Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;

const RAMP: Entry = Entry {
    name: "synchronization",
    about: "Go on with the rhythm of three pulses: go when the fourth would come.",
    papers: &[Paper {
        citation: "Egger SW, Remington ED, Chang CJ, Jazayeri M (2019)",
        doi: "10.1038/s41593-019-0500-6",
    }],
    tags: &["timing"],
    reached: Some("An error of 0.053 in new trials after 128,000 (100 units)."),
    usual: usual!(Synchronization::default()),
};

pub(super) const ENTRIES: &[Entry] = &[
    RAMP,
    Entry {
        name: "synchronization_step",
        reached: Some("An error of 0.111 in new trials after 128,000 (100 units)."),
        usual: usual!(Synchronization::step()),
        ..RAMP
    },
];

/// One, two, three, go: go on with the rhythm of three pulses, and go when the fourth would come.
///
/// Input 0 is the cue to fixate: 1 until the third pulse is over. Input 1 are the pulses, 1 as long as each lasts; from the start of one to
/// that of the next an interval passes. Input 2 is the target of the movement, 1 from the end of the fixation on. The subject is to go when
/// the same interval after the start of the third pulse is over, as [`Production`] says: by a ramp, the default, or by a step
/// ([`Synchronization::step`]). [`Session::times_when`](crate::simulate::Session::times_when) reads when it does, and
/// [`Timing`](crate::analysis::Timing) says how well.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{Rhythm, Synchronization};
/// let batch = Synchronization::default().of(&[Rhythm { interval: 700.0 }], Seed(1))?;
/// let start = |pulse| batch.epochs[0].start(pulse);
/// assert_eq!(start("third"), start("first").map(|first| first + 1400.0));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: intervals of 600, 700, 800, 900, 1000 ms; a fixation of 400 ms on average (exponential, cut to 100 and 800 ms); a target for 1000
/// ms on average (500 to 1500 ms) before the first pulse; pulses of 100 ms; the trial lasts 1.5 times the interval after the start of the
/// third. Epochs: `fixation`, `target`, `first`, `gap1`, `second`, `gap2`, `third`, `production` (from the end of the third pulse). Values: see
/// [`Rhythm`]. No choice is scored. All else is that of [`Form`].
///
/// In NeuroGym's `OneTwoThreeGo` (2.3.1) the cue to fixate stays on while the subject is to go, and its interval is that from the end of a
/// pulse to the start of the next.
///
/// Task after Egger SW, Remington ED, Chang CJ, Jazayeri M (2019), doi:10.1038/s41593-019-0500-6.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Synchronization {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The intervals from the start of a pulse to that of the next, in milliseconds, all equally likely.
    pub intervals: Vec<f32>,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the target is there before the first pulse.
    pub target: Duration,
    /// How long a pulse lasts, in milliseconds.
    pub pulse: f32,
    /// How the interval is produced.
    pub production: Production,
    /// How long a trial lasts after the start of the third pulse, in intervals.
    pub patience: f32,
}

/// The values of a trial of [`Synchronization`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct Rhythm {
    /// The interval from the start of a pulse to that of the next, and to the go, in milliseconds.
    pub interval: f32,
}

impl Default for Synchronization {
    fn default() -> Self {
        Self {
            form: Form::default(),
            intervals: vec![600.0, 700.0, 800.0, 900.0, 1000.0],
            fixation: Duration::truncated_exponential(400.0, 100.0, 800.0),
            target: Duration::truncated_exponential(1000.0, 500.0, 1500.0),
            pulse: 100.0,
            production: Production::Ramp,
            patience: 1.5,
        }
    }
}

impl Synchronization {
    /// The version in which the interval ends with a step, from "fixate" to "go".
    #[must_use]
    pub fn step() -> Self {
        Self::default().production(Production::Step)
    }

    form_setters! {}

    setters! {
        /// The intervals from the start of a pulse to that of the next, in milliseconds, all equally likely.
        intervals: &[f32] => intervals.to_vec();
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the target is there before the first pulse, in milliseconds: a number or a distribution.
        target: impl Into<Duration> => target.into();
        /// How long a pulse lasts, in milliseconds.
        pulse: f32;
        /// How the interval is produced.
        production: Production;
        /// How long a trial lasts after the start of the third pulse, in intervals.
        patience: f32;
    }
}

impl Task for Synchronization {
    type Trial = Rhythm;

    fn spec(&self) -> TaskSpec {
        // Those after the target are of the trial.
        let spec = self.production.spec(&self.form, 3).epoch("fixation", self.fixation.clone());
        spec.epoch("target", self.target.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("intervals", &self.intervals)?;
        positive("pulse", self.pulse)?;
        check_patience(self.patience)
    }

    fn draw(&self, rng: &mut TrialRng) -> Rhythm {
        Rhythm { interval: rng.choice(&self.intervals) }
    }

    fn complete(&self, trial: &mut Rhythm) -> Result<()> {
        check_interval("interval", trial.interval, self.pulse)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &Rhythm, rng: &mut TrialRng) -> Epochs {
        let epochs = spec.draw_epochs(rng);
        let first = epochs.end_of_last();
        let [second, third] = [1.0, 2.0].map(|intervals| first + intervals * trial.interval);
        let epochs = epochs.then("first", self.pulse).until("gap1", second).then("second", self.pulse);
        let epochs = epochs.until("gap2", third).then("third", self.pulse);
        epochs.until("production", third + self.patience * trial.interval)
    }

    fn step(&self, t: f32, trial: &Rhythm, _: &mut TrialRng, now: &mut Step<'_>) {
        self.production.ask(&self.form, t, now, "third", trial.interval);
        let is_pulse = ["first", "second", "third"].iter().any(|pulse| now.is_in(pulse));
        now.input[1] = f32::from(u8::from(is_pulse));
        now.input[2] = f32::from(u8::from(!now.is_in("fixation")));
    }
}
