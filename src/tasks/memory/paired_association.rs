//! Stimuli that belong together.

use psychrnn_derive::Trial;
use serde::{Deserialize, Serialize};

use super::ZHANG;
use crate::setters::setters;
use crate::task::{Alternatives, Duration, Sensory, Step, Task, TaskSpec, TrialRng};
use crate::tasks::catalog::{Entry, Paper, usual};
use crate::tasks::form::{Form, form_setters};
use crate::{Error, Result};

const RAINER: Paper =
    Paper { citation: "Rainer G, Rao SC, Miller EK (1999)", doi: "10.1523/JNEUROSCI.19-13-05493.1999" };

pub(super) const ENTRIES: &[Entry] = &[Entry {
    name: "paired_association",
    about: "Respond if two stimuli, one after the other, are a pair.",
    papers: &[ZHANG, RAINER],
    tags: &["working memory", "association", "go or no go"],
    reached: Some("100.0 % of new trials correct after 6,400 (100 units); an ideal observer has 100.0 %."),
    usual: usual!(PairedAssociation::default()),
}];

/// Are two stimuli, one after the other, a pair?
///
/// There are `n_pairs` (2) stimuli that come first, and as many that come second; the first of the one belongs to the first of
/// the other, and so on, which the subject has to learn.
///
/// | | |
/// | --- | --- |
/// | inputs | 0 the cue to fixate, 1 until the decision; 1 to `n_pairs` the stimuli that come first, then those that come second: 1 while it is shown |
/// | outputs | 0 fixate, 1 go |
/// | epochs | `fixation` (0 ms), `first` (1000 ms), `delay1` (1000 ms), `second` (1000 ms), `delay2` (1000 ms), `decision` (500 ms) |
///
/// After a pair the answer is go, otherwise to fixate to the end. Half of the trials are of pairs; otherwise each second stimulus
/// that does not belong to the first is equally likely. All else is that of [`Form`]. Values: see [`StimulusPair`].
///
/// The times are those of NeuroGym, where stimuli are numbered from 1 to 4 and the answer is go if their difference is even, which
/// makes the same pairs. It pays nothing for keeping still where that is right; here it is an answer as any other.
///
/// Zhang X et al. (2019), doi:10.7554/eLife.43191; Rainer G, Rao SC, Miller EK (1999), doi:10.1523/JNEUROSCI.19-13-05493.1999.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::PairedAssociation;
/// let task = PairedAssociation::default();
/// let grid = task.grid().over([0, 1], |pair, first| pair.first = first).over([0, 1], |pair, second| pair.second = second);
/// assert_eq!(grid.batch(Seed(1))?.values.numbers("paired")?, [1.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedAssociation {
    /// What it has in common with the other tasks.
    pub form: Form,
    /// The number of pairs.
    pub n_pairs: usize,
    /// The fixation before the first stimulus.
    pub fixation: Duration,
    /// The first stimulus.
    pub first: Duration,
    /// The delay after it.
    pub delay1: Duration,
    /// The second stimulus.
    pub second: Duration,
    /// The delay after that.
    pub delay2: Duration,
    /// The decision period.
    pub decision: Duration,
}

/// The values of a trial of [`PairedAssociation`].
#[derive(Clone, Debug, PartialEq, Trial)]
pub struct StimulusPair {
    /// Which of those that come first is shown, counted from 0.
    pub first: usize,
    /// Which of those that come second is shown, counted from 0.
    pub second: usize,
    /// Whether they are a pair, which follows from the two: they have the same number.
    pub paired: bool,
}

impl Default for PairedAssociation {
    fn default() -> Self {
        Self {
            form: Form::default(),
            n_pairs: 2,
            fixation: 0.into(),
            first: 1000.into(),
            delay1: 1000.into(),
            second: 1000.into(),
            delay2: 1000.into(),
            decision: 500.into(),
        }
    }
}

impl PairedAssociation {
    form_setters! {}

    setters! {
        /// The number of pairs.
        n_pairs: usize;
        /// The fixation before the first stimulus, in milliseconds: a number or a distribution.
        fixation: impl Into<Duration> => fixation.into();
        /// The first stimulus, in milliseconds.
        first: impl Into<Duration> => first.into();
        /// The delay after it, in milliseconds.
        delay1: impl Into<Duration> => delay1.into();
        /// The second stimulus, in milliseconds.
        second: impl Into<Duration> => second.into();
        /// The delay after that, in milliseconds.
        delay2: impl Into<Duration> => delay2.into();
        /// The decision period, in milliseconds.
        decision: impl Into<Duration> => decision.into();
    }
}

impl Task for PairedAssociation {
    type Trial = StimulusPair;

    fn spec(&self) -> TaskSpec {
        self.form
            .spec(1 + 2 * self.n_pairs, 2)
            .epoch("fixation", self.fixation.clone())
            .epoch("first", self.first.clone())
            .epoch("delay1", self.delay1.clone())
            .epoch("second", self.second.clone())
            .epoch("delay2", self.delay2.clone())
            .epoch("decision", self.decision.clone())
    }

    fn check(&self) -> Result<()> {
        self.form.check()?;
        match self.n_pairs {
            0 | 1 => Err(Error::argument("n_pairs", "at least 2, or every two stimuli are a pair", self.n_pairs)),
            _ => Ok(()),
        }
    }

    fn draw(&self, rng: &mut TrialRng) -> StimulusPair {
        let choice = rng.index(2);
        self.draw_for(choice, rng)
    }

    fn complete(&self, trial: &mut StimulusPair) -> Result<()> {
        for (name, number) in [("first", trial.first), ("second", trial.second)] {
            if number >= self.n_pairs {
                return Err(Error::argument(name, format!("below {}, the number of pairs", self.n_pairs), number));
            }
        }
        trial.paired = trial.first == trial.second;
        Ok(())
    }

    fn step(&self, _: f32, trial: &StimulusPair, _: &mut TrialRng, now: &mut Step<'_>) {
        for (epoch, channel) in [("first", 1 + trial.first), ("second", 1 + self.n_pairs + trial.second)] {
            if now.is_in(epoch) {
                now.input[channel] = 1.0;
            }
        }
        self.form.ask(now, &[("decision", usize::from(trial.paired))]);
    }

    fn answer(&self, trial: &StimulusPair) -> Option<usize> {
        Some(usize::from(trial.paired))
    }
}

impl Alternatives for PairedAssociation {
    fn n_choices(&self) -> usize {
        2
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> StimulusPair {
        let first = rng.index(self.n_pairs);
        let paired = choice == 1;
        let turn = if paired { 0 } else { 1 + rng.index(self.n_pairs - 1) };
        StimulusPair { first, second: (first + turn) % self.n_pairs, paired }
    }
}
