//! Which of two stimuli lasted longer?

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use crate::setters::setters;
use crate::task::{Alternatives, Duration, Epochs, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::Form;
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::check;
use crate::tasks::form::form_setters;
use crate::{Error, Result};

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "interval_comparison",
    about: "Say which of two stimuli lasted longer.",
    papers: &[Paper { citation: "Genovesio A, Tsujimoto S, Wise SP (2009)", doi: "10.1016/j.neuron.2009.06.018" }],
    tags: &["timing", "working memory", "comparison"],
    reached: Some("97.6 % of new trials correct after 128,000 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(IntervalComparison::default()),
}];

/// Which of two stimuli lasted longer?
///
/// Input 0 is the cue to fixate: 1 until the decision. Input 1 is the first stimulus and input 2 the second, 1 as long as each lasts. The
/// outputs are "fixate", "the first" and "the second".
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::{IntervalComparison, TwoIntervals};
/// let task = IntervalComparison::default();
/// let batch = task.of(&[TwoIntervals { first: 300.0, second: 480.0, longer: 0 }], Seed(1))?;
/// assert_eq!(batch.values.numbers("longer")?, [1.0]);
/// assert_eq!(batch.correct_choice(0), Some(2));
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// Defaults: both last 300, 360, …, 600 ms, never equally long; a fixation of 300 ms, a first delay of 800 to 1500 ms, a second one of 500 ms, a
/// decision of 300 ms. Epochs: `fixation`, `first`, `delay1`, `second`, `delay2`, `decision`. Values: see [`TwoIntervals`]. All else is that
/// of [`Form`].
///
/// In NeuroGym's `IntervalDiscrimination` (2.3.1), whose durations are any up to 600 ms in steps of 80 ms, a quarter of the trials are ties, which
/// count as a longer second stimulus. Here durations that are equal are refused.
///
/// Task after Genovesio A, Tsujimoto S, Wise SP (2009), doi:10.1016/j.neuron.2009.06.018.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntervalComparison {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// How long stimuli last, in milliseconds: two different ones in each trial, all pairs equally likely.
    pub durations: Vec<f32>,
    /// How long the fixation lasts.
    pub fixation: Duration,
    /// How long the delay between the stimuli lasts.
    pub delay1: Duration,
    /// How long the delay after the second stimulus lasts.
    pub delay2: Duration,
    /// How long the decision lasts.
    pub decision: Duration,
}

/// The values of a trial of [`IntervalComparison`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct TwoIntervals {
    /// How long the first stimulus lasts, in milliseconds.
    pub first: f32,
    /// How long the second lasts, in milliseconds.
    pub second: f32,
    /// Which lasts longer, 0 for the first or 1 for the second; it follows from the others.
    pub longer: usize,
}

impl Default for IntervalComparison {
    fn default() -> Self {
        Self {
            form: Form::default(),
            durations: vec![300.0, 360.0, 420.0, 480.0, 540.0, 600.0],
            fixation: Duration::Fixed(300.0),
            delay1: Duration::uniform(800.0, 1500.0),
            delay2: Duration::Fixed(500.0),
            decision: Duration::Fixed(300.0),
        }
    }
}

impl IntervalComparison {
    form_setters! {}

    setters! {
        /// How long stimuli last, in milliseconds: two different ones in each trial, all pairs equally likely.
        durations: &[f32] => durations.to_vec();
        /// How long the fixation lasts, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// How long the delay between the stimuli lasts, in milliseconds: a number or a distribution.
        delay1: impl Into<Duration> => delay1.into();
        /// How long the delay after the second stimulus lasts, in milliseconds: a number or a distribution.
        delay2: impl Into<Duration> => delay2.into();
        /// How long the decision lasts, in milliseconds: a number or a distribution.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for IntervalComparison {
    type Trial = TwoIntervals;

    fn spec(&self) -> TaskSpec {
        let stimulus = Duration::choice(&self.durations);
        let spec = self.form.spec(3, 3).epoch("fixation", self.fixation.clone()).epoch("first", stimulus.clone());
        let spec = spec.epoch("delay1", self.delay1.clone()).epoch("second", stimulus);
        spec.epoch("delay2", self.delay2.clone()).epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        check::numbers("durations", &self.durations)?;
        let mut sorted = self.durations.clone();
        sorted.sort_by(f32::total_cmp);
        if sorted.len() < 2 || sorted.windows(2).any(|pair| pair[1] - pair[0] < self.form.dt) {
            let expected = format!("at least two, no two of them closer than a time step of {} ms", self.form.dt);
            return Err(Error::argument("durations", expected, format!("{:?}", self.durations)));
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> TwoIntervals {
        let n = self.durations.len();
        let first = rng.index(n);
        let second = (first + 1 + rng.index(n - 1)) % n;
        let [first, second] = [first, second].map(|k| self.durations[k]);
        TwoIntervals { first, second, longer: usize::from(second > first) }
    }

    fn complete(&self, trial: &mut TwoIntervals) -> Result<()> {
        let apart = (trial.second - trial.first).abs();
        if apart.is_nan() || apart < self.form.dt {
            let expected = format!("longer or shorter than the first, {} ms, by a time step at least", trial.first);
            return Err(Error::argument("second", expected, format!("{} ms", trial.second)));
        }
        trial.longer = usize::from(trial.second > trial.first);
        Ok(())
    }

    fn answer(&self, trial: &TwoIntervals) -> Option<usize> {
        Some(trial.longer)
    }

    fn epochs(&self, spec: &TaskSpec, trial: &TwoIntervals, rng: &mut TrialRng) -> Epochs {
        let spec = spec.clone().lasting("first", trial.first).lasting("second", trial.second);
        spec.draw_epochs(rng)
    }

    fn step(&self, _: f32, trial: &TwoIntervals, _: &mut TrialRng, now: &mut Step<'_>) {
        self.form.ask(now, &[("decision", 1 + trial.longer)]);
        for (input, stimulus) in [(1, "first"), (2, "second")] {
            now.input[input] = f32::from(u8::from(now.is_in(stimulus)));
        }
    }
}

impl Alternatives for IntervalComparison {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> TwoIntervals {
        let TwoIntervals { first, second, longer } = self.draw(rng);
        let (first, second) = if longer == choice { (first, second) } else { (second, first) };
        TwoIntervals { first, second, longer: choice }
    }
}
