//! How trials follow one another in a session.

use serde::{Deserialize, Serialize};

use super::Duration;
use super::blocks::BlockPlan;
use super::past::History;
use crate::setters::setters;
use crate::{Error, Result};

/// The epoch of the pause before a trial.
pub(super) const ITI: &str = "iti";

/// How trials follow one another: how many make a session, what lies between them, in which blocks, and what the subject is shown of
/// what it did.
///
/// Trials `n_session` to `2 n_session - 1`, say, are the second session. A trial knows those before it in its session
/// ([`Past`](super::Past)) and none of another one. By default a session is one trial, so that no trial knows of others.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::{Senses, Sessions, Transitions};
/// let task = Transitions::repeat(0.8).of(PerceptualDiscrimination::default());
/// let task = Sessions::lasting(400).iti(500.0).senses(Senses::default().choice(true).outcome(true)).of(task);
/// let batch = task.batch(800, Seed(1))?; // two sessions
/// assert_eq!(batch.inputs.dim().2, 2 + 2 + 1); // two channels, the last choice among two, whether it was correct
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// The trials of a session.
    pub trials: usize,
    /// How long the pause before each trial is, the epoch `iti`; none by default. In it the inputs are 0 but for their baseline and
    /// noise, and errors do not count.
    pub iti: Duration,
    /// By how much the pause is longer after an error, in milliseconds; 0 by default.
    pub time_out: f32,
    /// The blocks of a session; by default there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<BlockPlan>,
    /// What the subject is shown of what it did.
    pub senses: Senses,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { trials: 1, iti: Duration::Fixed(0.0), time_out: 0.0, blocks: None, senses: Senses::default() }
    }
}

impl Sessions {
    /// Sessions of so many trials.
    #[must_use]
    pub fn lasting(trials: usize) -> Self {
        Self { trials, ..Self::default() }
    }

    setters! {
        /// How long the pause before each trial is, in milliseconds: a number or a distribution.
        iti: impl Into<Duration> => iti.into();
        /// By how much the pause is longer after an error, in milliseconds.
        time_out: f32;
        /// The blocks of a session: a number of trials is the length of each.
        blocks: impl Into<BlockPlan> => Some(blocks.into());
        /// What the subject is shown of what it did.
        senses: Senses;
    }

    /// Whether there is nothing but single trials.
    pub(super) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there may be a pause.
    pub(super) fn has_pause(&self) -> bool {
        self.iti.range().1 > 0.0 || self.time_out > 0.0
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.trials == 0 {
            return Err(Error::argument("trials of a session", "at least 1", 0));
        }
        self.iti.check(ITI)?;
        if self.iti == Duration::Rest {
            return Err(Error::argument(ITI, "a duration", "Rest"));
        }
        if !(self.time_out >= 0.0 && self.time_out.is_finite()) {
            return Err(Error::argument("time_out", "0 ms or more", self.time_out));
        }
        self.blocks.as_ref().map_or(Ok(()), BlockPlan::check)?;
        let serial = [
            ("blocks", self.blocks.is_some()),
            ("time_out", self.time_out > 0.0),
            ("senses", self.senses != Senses::default()),
        ];
        match serial.iter().find(|(_, asked)| *asked && self.trials == 1) {
            Some((name, _)) => {
                let expected = "left out where a session is one trial: say how many it has, `Sessions::lasting(400)`";
                Err(Error::argument(*name, expected, "given"))
            }
            None => Ok(()),
        }
    }
}

/// What a subject is shown of the trial before, in input channels of their own after those of the task, in this order: its choice, and
/// whether it was correct. They are there in the first epoch of a trial, which is the pause (`iti`) if there is one, and 0
/// afterwards and in the first trial of a session. Neither baseline nor noise is added to them.
///
/// Where trials are drawn without a subject, as in training, they show what the ideal one did: the correct choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Senses {
    /// The choice: a channel for each alternative, 1 for that which was chosen.
    pub choice: bool,
    /// The outcome: one channel, 1 after a correct choice, -1 after an error, 0 where there was no correct choice.
    pub outcome: bool,
}

impl Senses {
    setters! {
        /// Whether the choice is shown: a channel for each alternative, 1 for that which was chosen.
        choice: bool;
        /// Whether the outcome is shown: one channel, 1 after a correct choice and -1 after an error.
        outcome: bool;
    }

    /// How many channels they are, for so many alternatives.
    pub(super) fn channels(self, n_choices: usize) -> usize {
        if self.choice { n_choices + usize::from(self.outcome) } else { usize::from(self.outcome) }
    }

    /// What they show.
    pub(super) fn show(self, history: &History, n_choices: usize) -> Vec<f32> {
        let mut shown = Vec::new();
        if self.choice {
            shown.extend((0..n_choices).map(|choice| f32::from(u8::from(history.choice(1) == Some(choice)))));
        }
        if self.outcome {
            shown.push(history.correct(1).map_or(0.0, |correct| if correct { 1.0 } else { -1.0 }));
        }
        shown
    }
}
