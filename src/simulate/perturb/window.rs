//! When.

use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};

use serde::{Deserialize, Serialize};

use crate::number::decimal;
use crate::task::time::check_window;
use crate::task::{Batch, Epochs};
use crate::{Error, Result};

/// A stretch of time in each trial, in milliseconds from its start, the end excluded: `500.0..800.0`, `500.0..`, or `..` for
/// the whole trial. [`Window::during`] and [`Window::after`] make one that goes by an epoch of each trial.
///
/// ```
/// use psychrnn::simulate::Window;
/// let windows = [Window::during("stimulus"), Window::after("stimulus", 0.0..200.0), Window::after("go", -100.0..)];
/// assert_eq!(windows[1].to_string(), "0..200 ms after the start of \"stimulus\"");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Where it starts; `None` for the start of the trial.
    pub start: Option<f64>,
    /// Where it ends; `None` for the end of the trial.
    pub end: Option<f64>,
    /// From when its times are counted.
    #[serde(default, skip_serializing_if = "Reference::is_trial")]
    pub reference: Reference,
}

/// From when the times of a [`Window`] are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// From the start of the trial.
    #[default]
    Trial,
    /// From the start of an epoch of each trial. In trials without it the window is empty.
    After(String),
    /// Likewise, and the window is only as long as the epoch.
    During(String),
}

impl Reference {
    fn is_trial(&self) -> bool {
        *self == Self::Trial
    }
}

impl From<(Option<f64>, Option<f64>)> for Window {
    fn from((start, end): (Option<f64>, Option<f64>)) -> Self {
        Self { start, end, reference: Reference::Trial }
    }
}

impl From<RangeFull> for Window {
    fn from(_: RangeFull) -> Self {
        (None, None).into()
    }
}

impl From<Range<f64>> for Window {
    fn from(window: Range<f64>) -> Self {
        (Some(window.start), Some(window.end)).into()
    }
}

impl From<RangeFrom<f64>> for Window {
    fn from(window: RangeFrom<f64>) -> Self {
        (Some(window.start), None).into()
    }
}

impl From<RangeTo<f64>> for Window {
    fn from(window: RangeTo<f64>) -> Self {
        (None, Some(window.end)).into()
    }
}

/// As it is written.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<f64>| time.map_or(String::new(), |time| time.to_string());
        let times = format!("{}..{}", time(self.start), time(self.end));
        match &self.reference {
            Reference::Trial => write!(f, "{times} ms"),
            Reference::After(epoch) => write!(f, "{times} ms after the start of \"{epoch}\""),
            Reference::During(epoch) if times == ".." => write!(f, "during \"{epoch}\""),
            Reference::During(epoch) => write!(f, "during \"{epoch}\", {times} ms after its start"),
        }
    }
}

impl From<Range<i32>> for Window {
    fn from(window: Range<i32>) -> Self {
        Self::from(f64::from(window.start)..f64::from(window.end))
    }
}

impl From<RangeFrom<i32>> for Window {
    fn from(window: RangeFrom<i32>) -> Self {
        Self::from(f64::from(window.start)..)
    }
}

impl From<RangeTo<i32>> for Window {
    fn from(window: RangeTo<i32>) -> Self {
        Self::from(..f64::from(window.end))
    }
}

impl Window {
    /// As long as an epoch lasts, in each trial that has it: `silence(0..10, Window::during("stimulus"))`.
    #[must_use]
    pub fn during(epoch: &str) -> Self {
        Self { reference: Reference::During(epoch.to_owned()), ..(..).into() }
    }

    /// Times in milliseconds from the start of an epoch of each trial that has it, negative ones before it: `after("stimulus",
    /// 0.0..200.0)`, or `after("stimulus", 100.0..)` until the trial ends.
    #[must_use]
    pub fn after(epoch: &str, times: impl Into<Self>) -> Self {
        let times = times.into();
        // Times that go by an epoch themselves are no times after this one.
        let start = if times.reference.is_trial() { times.start } else { Some(f64::NAN) };
        Self { start, end: times.end, reference: Reference::After(epoch.to_owned()) }
    }

    /// Whether it goes by an epoch, which may start at another time in each trial.
    pub(in crate::simulate) fn is_relative(&self) -> bool {
        !self.reference.is_trial()
    }

    /// The steps of each trial whose times lie within, where step -1 is the state before the first; of none in a trial without the
    /// epoch.
    ///
    /// # Errors
    /// If no trial has the epoch, or a step within.
    pub(super) fn steps(&self, batch: &Batch) -> Result<Vec<Range<i64>>> {
        let (clock, n_steps) = (batch.clock(), batch.n_steps() as i64);
        let from = if matches!(self.reference, Reference::After(_)) { self.start } else { self.start.or(Some(0.0)) };
        if let (Some(start), Some(end)) = (from, self.end) {
            check_window("window", start, end, batch.spec.dt)?;
        }
        // From when times are counted, and when the window ends at the latest.
        let trials: Vec<Option<(f64, Option<f64>)>> = match &self.reference {
            Reference::Trial => vec![Some((0.0, None)); batch.n_trials()],
            Reference::After(epoch) => batch.starts(epoch)?.into_iter().map(|start| Some((start?, None))).collect(),
            Reference::During(epoch) => {
                batch.starts(epoch)?;
                let times = |epochs: &Epochs| {
                    let epoch = epochs.get(epoch)?;
                    Some((decimal(epoch.start), Some(decimal(epoch.end))))
                };
                batch.epochs.iter().map(times).collect()
            }
        };
        let of_trial = |from: Option<(f64, Option<f64>)>| {
            let Some((zero, latest)) = from else { return 0..0 };
            let (start, end) = (self.start.map(|start| zero + start), self.end.map(|end| zero + end));
            let start = match latest {
                Some(_) => Some(start.map_or(zero, |start| start.max(zero))),
                None => start,
            };
            let end = end.into_iter().chain(latest).reduce(f64::min);
            let first = start.map_or(-1, |start| if start <= 0.0 { -1 } else { clock.step(start) });
            let end = end.map_or(n_steps, |end| clock.step(end)).min(n_steps);
            // What is there before the first step only is not there at all.
            if first.max(0) < end { first..end } else { 0..0 }
        };
        let nan = [self.start, self.end].iter().flatten().any(|time| time.is_nan());
        let steps: Vec<Range<i64>> = trials.into_iter().map(of_trial).collect();
        if nan || steps.iter().all(|steps| steps.is_empty()) {
            let (dt, longest) = (batch.spec.dt, clock.time(n_steps));
            let expected = format!("a stretch with a step of {dt} ms, within the {longest} ms of the longest trial");
            return Err(Error::argument("window", expected, self));
        }
        Ok(steps)
    }
}
