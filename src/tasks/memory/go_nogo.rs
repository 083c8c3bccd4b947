//! Go or no go, by a cue that is remembered.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::ZHANG;
use crate::Result;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, usual};
use crate::tasks::check;
use crate::tasks::form::{Form, form_setters};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "go_nogo",
    about: "Respond, after a delay, to one of two cues and not to the other.",
    papers: &[ZHANG],
    tags: &["working memory", "go or no go"],
    reached: Some("100.0 % of new trials correct after 3,200 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(GoNogo::default()),
}];

/// Was the cue that for go, so that a response is due after the delay?
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the decision; 1 no go, 2 go: the one of the trial is 1 in the stimulus |
/// | outputs | 0 fixate, 1 go |
/// | epochs | `fixation` (300 ms), `stimulus` (500 ms), `delay` (500 ms), `decision` (500 ms) |
///
/// In the decision the target is 1 for go after the cue for it; after the other it stays with fixate to the end. All else is that
/// of [`Form`]. Half of the trials are go trials. Values: see [`GoCue`].
///
/// NeuroGym has no fixation before the cue, and pays for go where it is right and nothing for no go where that is: with its
/// rewards, a subject that goes always earns half of what can be earned. Here both are answers that are right or wrong.
///
/// Zhang X et al. (2019), doi:10.7554/eLife.43191.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{GoCue, GoNogo};
/// let batch = GoNogo::default().of(&[GoCue { go: false }, GoCue { go: true }], Seed(1))?;
/// assert_eq!(batch.inputs.dim(), (2, 90, 3));
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoNogo {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The probability of a go trial.
    pub go: f32,
    /// The fixation before the cue.
    pub fixation: Duration,
    /// The cue.
    pub stimulus: Duration,
    /// The delay after it.
    pub delay: Duration,
    /// The decision period.
    pub decision: Duration,
}

/// The value of a trial of [`GoNogo`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct GoCue {
    /// Whether the cue is that for go.
    pub go: bool,
}

impl Default for GoNogo {
    fn default() -> Self {
        Self {
            form: Form::default(),
            go: 0.5,
            fixation: 300.into(),
            stimulus: 500.into(),
            delay: 500.into(),
            decision: 500.into(),
        }
    }
}

impl GoNogo {
    form_setters! {}

    setters! {
        /// The probability of a go trial.
        go: f32;
        /// The fixation before the cue, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The cue, in milliseconds.
        stimulus: impl Into<Duration> => stimulus.into();
        /// The delay after it, in milliseconds.
        delay: impl Into<Duration> => delay.into();
        /// The decision period, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for GoNogo {
    type Trial = GoCue;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(3, 2)
            .epoch("fixation", self.fixation.clone())
            .epoch("stimulus", self.stimulus.clone())
            .epoch("delay", self.delay.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::probability("go", self.go)
    }

    fn draw(&self, rng: &mut TrialRng) -> GoCue {
        GoCue { go: rng.chance(self.go) }
    }

    fn step(&self, _: f32, trial: &GoCue, _: &mut TrialRng, now: &mut Step<'_>) {
        if now.is_in("stimulus") {
            now.input[1 + usize::from(trial.go)] = 1.0;
        }
        self.form.ask(now, &[("decision", usize::from(trial.go))]);
    }

    fn answer(&self, trial: &GoCue) -> Option<usize> {
        Some(usize::from(trial.go))
    }
}

impl Alternatives for GoNogo {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, _: &mut TrialRng) -> GoCue {
        GoCue { go: choice == 1 }
    }
}
