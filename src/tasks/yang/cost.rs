//! What is asked of the outputs, and how much errors count.

use serde::{Deserialize, Serialize};

use crate::number::decimal;
use crate::task::Step;
use crate::task::time::Clock;
use crate::{Error, Result};

/// How much errors count in [`Yang`](super::Yang): the mask. Before it is squared in a squared error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Until the response; 1 by default.
    pub before: f32,
    /// In the response; 5 by default.
    pub after: f32,
    /// For how long they do not count at the start of a trial, in milliseconds; 100 by default.
    pub settle: f32,
    /// For how long they do not count at the start of the response, in milliseconds; 100 by default.
    pub grace: f32,
    /// How many times as much those of the output for fixation count; 2 by default. It makes no difference with [`Targets::OneHot`].
    pub fixation: f32,
}

impl Default for Cost {
    fn default() -> Self {
        Self { before: 1.0, after: 5.0, settle: 100.0, grace: 100.0, fixation: 2.0 }
    }
}

impl Cost {
    pub(super) fn check(self) -> Result<()> {
        let Self { before, after, settle, grace, fixation } = self;
        let numbers =
            [("before", before), ("after", after), ("settle", settle), ("grace", grace), ("fixation", fixation)];
        match numbers.into_iter().find(|(_, number)| !(*number >= 0.0 && number.is_finite())) {
            Some((name, number)) => Err(Error::argument(name, "0 or a positive number", number)),
            None => Ok(()),
        }
    }

    /// How much errors of the ring count in a step of `dt` milliseconds.
    pub(super) fn of(self, now: &Step<'_>, dt: f32) -> f32 {
        let whole = |time: f32| Clock::new(dt).whole(decimal(time));
        let response = now.epochs().start("response").filter(|_| now.is_in("response"));
        let (free, weight) = match response {
            Some(start) => (start + whole(self.grace), self.after),
            None => (whole(self.settle), self.before),
        };
        if now.is_before(free) { 0.0 } else { weight }
    }

    /// The mean of that over the trial.
    pub(super) fn mean(self, now: &Step<'_>, dt: f32) -> f32 {
        let (clock, epochs) = (Clock::new(dt), now.epochs());
        let steps = |time: f32| clock.exact(decimal(time));
        let whole = |time: f32| steps(clock.whole(decimal(time)));
        let (go, end) = (steps(epochs.start("response").unwrap_or(0.0)), steps(epochs.end_of_last()));
        let before = (go - whole(self.settle)).max(0.0);
        let after = (end - go - whole(self.grace)).max(0.0);
        ((before * f64::from(self.before) + after * f64::from(self.after)) / end) as f32
    }
}

/// What the outputs of [`Yang`](super::Yang) should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// A bump in the ring, and 0.8 for fixation, on 0.05: for a squared error.
    #[default]
    Bumps,
    /// One output is 1, that for fixation or the one of the ring that is nearest to the response, and the others 0: for a cross-entropy. The mask of all
    /// outputs is that of the ring, over its mean in the trial.
    OneHot,
}
