//! What the tasks of the library have in common that are of nobody's version.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::code;
use crate::task::{Decision, Sensory, Step, TaskSpec};
use crate::{Error, Result};

/// What the library's own tasks have in common: time, noise, a cue to fixate, and what is asked for.
///
/// Input 0 is the cue to fixate: 1 until the subject is to answer, 0 from then on. Output 0 is "fixate", the outputs after it are
/// the answers. The target of the output that is asked for is `hi`, that of the others `lo`: of "fixate" until the answer, of the
/// right answer in it; where it is right not to answer, of "fixate" to the end. The mask is 1, `emphasis` in the answer, and 0 in the first
/// `settle` ms of the trial and in the first `grace` ms of the answer. The choice is the largest output at the end
/// ([`Decision::largest_at_end`]), "fixate" among them: who does not break fixation has not answered.
///
/// Where answers are directions, output `1 + k` of `n` stands for `2π k / n`, and its target in the answer is `lo + 0.8 (hi - lo) exp(-d² / 2)`, with `d` its
/// distance from the right direction in units of π/8; the angle is read by [`Decision::ring`].
///
/// Each epoch lasts whole time steps: its duration is cut to these. Defaults: `dt` 20 ms, `tau` 100 ms, noise of 0.1 in each input (see
/// [`Sensory`]: 0.32 a step), `hi` 1, `lo` 0, `settle` 100 ms, `grace` 100 ms, `emphasis` 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// The time step, in milliseconds.
    pub dt: f32,
    /// The time constant of the units, in milliseconds.
    pub tau: f32,
    /// The baseline and the noise of the inputs.
    pub sensory: Sensory,
    /// The target of the output that is asked for.
    pub hi: f32,
    /// The target of the other outputs.
    pub lo: f32,
    /// How long errors do not count at the start of a trial, in milliseconds.
    pub settle: f32,
    /// How long errors do not count at the start of an answer, in milliseconds.
    pub grace: f32,
    /// How much errors count in the answer.
    pub emphasis: f32,
}

/// Setters of what is in the form of a task.
macro_rules! form_setters {
    () => { $crate::tasks::form::form_setters! {
        /// The time step, in milliseconds.
        dt: f32;
        /// The time constant of the units, in milliseconds.
        tau: f32;
        /// The baseline and the noise of the inputs.
        sensory: Sensory;
        /// The target of the output that is asked for.
        hi: f32;
        /// The target of the other outputs.
        lo: f32;
        /// How long errors do not count at the start of a trial, in milliseconds.
        settle: f32;
        /// How long errors do not count at the start of an answer, in milliseconds.
        grace: f32;
        /// How much errors count in the answer.
        emphasis: f32;
    } };
    ($($(#[$doc:meta])* $field:ident: $type:ty;)+) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.form.$field = $field;
            self
        }
    )+};
}
pub(super) use form_setters;

impl Default for Form {
    fn default() -> Self {
        Self {
            dt: 20.0,
            tau: 100.0,
            sensory: Sensory::default().noise(0.1),
            hi: 1.0,
            lo: 0.0,
            settle: 100.0,
            grace: 100.0,
            emphasis: 1.0,
        }
    }
}

impl Form {
    /// The frame of a task with these channels, the cue to fixate and "fixate" among them, without epochs.
    pub(super) fn spec(&self, n_in: usize, n_out: usize) -> TaskSpec {
        TaskSpec::new(n_in, n_out)
            .dt(self.dt)
            .tau(self.tau)
            .sensory(self.sensory.clone())
            .whole_steps(true)
            .decision(Decision::largest_at_end())
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(self.hi.is_finite() && self.lo.is_finite() && self.lo < self.hi) {
            return Err(Error::argument("hi", format!("larger than `lo` = {}", self.lo), self.hi));
        }
        for (name, number) in [("settle", self.settle), ("grace", self.grace), ("emphasis", self.emphasis)] {
            if !(number >= 0.0 && number.is_finite()) {
                return Err(Error::argument(name, "0 or a positive number", number));
            }
        }
        Ok(())
    }

    /// Asks for an answer in each of these epochs, and for fixation elsewhere: that output, counted with "fixate", or 0 for none. The cue to
    /// fixate is shown outside of them.
    pub(super) fn ask(&self, now: &mut Step<'_>, answers: &[(&str, usize)]) {
        let asked = answers.iter().find(|(epoch, _)| now.is_in(epoch)).copied();
        now.input[0] = f32::from(u8::from(asked.is_none()));
        now.favor(asked.map_or(0, |(_, output)| output), self.hi, self.lo);
        self.weigh(now, asked.map(|(epoch, _)| epoch));
    }

    /// Asks for a direction in this epoch, of these outputs, and for fixation elsewhere; without a direction for fixation to the end.
    pub(super) fn point(&self, now: &mut Step<'_>, epoch: &str, angle: Option<f32>, outputs: Range<usize>) {
        let answer = now.is_in(epoch);
        now.input[0] = f32::from(u8::from(!answer));
        now.target.fill(self.lo);
        match angle.filter(|_| answer) {
            Some(angle) => code::add_bump(&mut now.target[outputs], angle, self.hi - self.lo),
            None => now.target[0] = self.hi,
        }
        self.weigh(now, Some(epoch).filter(|_| answer));
    }

    /// The mask, in an answer if there is one.
    fn weigh(&self, now: &mut Step<'_>, answer: Option<&str>) {
        let since = |start: Option<f32>| start.unwrap_or(0.0);
        let weight = match answer {
            _ if now.is_before(self.settle) => 0.0,
            Some(epoch) if now.is_before(since(now.epochs().start(epoch)) + self.grace) => 0.0,
            Some(_) => self.emphasis,
            None => 1.0,
        };
        now.mask.fill(weight);
    }
}
