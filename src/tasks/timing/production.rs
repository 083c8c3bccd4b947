//! What is asked of a subject that produces an interval.

use serde::{Deserialize, Serialize};

use crate::task::{Decision, Step, TaskSpec};
use crate::tasks::Form;
use crate::{Error, Result};

/// How a subject shows that an interval `T` is over, which begins with the last pulse. Either way it is the subject that says when;
/// nothing marks the end of the interval. [`Session::times_when`](crate::simulate::Session::times_when) reads when it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Production {
    /// One output that rises, faster and faster, from `lo` to `hi` at the end of the interval: the target at the time `t` after the start of
    /// the pulse is `lo + (hi - lo) z(t)` with `z(t) = 3 ((4/3)^(t / T) - 1)`, at most `hi`. The mask is `emphasis` from the pulse to the first
    /// step that is not before the end of the interval, and 0 before and after. So late errors are those of long intervals alone: a network that
    /// is unsure of the interval learns to rise as for the longest that it may be, and goes late.
    #[default]
    Ramp,
    /// Two outputs, "fixate" and "go": the target is "fixate" until the interval is over and "go" from then on. The mask is 0 in the first
    /// `settle` ms of the trial, `emphasis` from the go on, and 1 elsewhere; there is no grace.
    Step,
}

impl Production {
    /// The frame of a task with these inputs, the cue to fixate among them, without epochs.
    pub(super) fn spec(self, form: &Form, n_in: usize) -> TaskSpec {
        let n_out = match self {
            Self::Ramp => 1,
            Self::Step => 2,
        };
        form.spec(n_in, n_out).decision(Decision::none())
    }

    /// The cue to fixate, until the epoch `production`, and what is asked for: an interval that begins with the epoch `pulse`, in milliseconds.
    pub(super) fn ask(self, form: &Form, t: f32, now: &mut Step<'_>, pulse: &str, interval: f32) {
        now.input[0] = f32::from(u8::from(!now.is_in("production")));
        let start = now.epochs().start(pulse).unwrap_or(f32::INFINITY);
        let (begun, over) = (!now.is_before(start), !now.is_before(start + interval));
        match self {
            Self::Ramp => {
                let z = if over { 1.0 } else { ramp((t - start) / interval) };
                let asked = begun && now.is_before(start + interval + form.dt);
                now.target[0] = if asked { form.lo + (form.hi - form.lo) * z } else { 0.0 };
                now.mask[0] = if asked { form.emphasis } else { 0.0 };
            }
            Self::Step => {
                now.favor(usize::from(over), form.hi, form.lo);
                let settled = !now.is_before(form.settle);
                now.mask.fill(if over { form.emphasis } else { f32::from(u8::from(settled)) });
            }
        }
    }
}

/// From 0 at the start of an interval to 1 at its end.
fn ramp(share: f32) -> f32 {
    (3.0 * ((4.0_f64 / 3.0).powf(f64::from(share)) - 1.0)) as f32
}

/// An error if there would be no time to produce an interval in.
pub(super) fn check_patience(patience: f32) -> Result<()> {
    match patience >= 1.0 && patience.is_finite() {
        true => Ok(()),
        false => {
            Err(Error::argument("patience", "1 or larger: a trial lasts as long as its interval at least", patience))
        }
    }
}

/// An error if an interval is not longer than the pulses that mark it.
pub(super) fn check_interval(name: &str, interval: f32, pulse: f32) -> Result<()> {
    match interval > pulse && interval.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(name, format!("longer than a pulse, {pulse} ms"), format!("{interval} ms"))),
    }
}
