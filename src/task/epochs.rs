//! The epochs of one trial.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::time::{Clock, SHORTEST};
use crate::number::decimal;

/// The epochs of one trial: names, starts and ends in milliseconds. They mostly follow each other; with [`Epochs::span`] they
/// may overlap, as the stimulus and the decision of a reaction-time task do.
///
/// ```
/// use psychrnn::task::Epochs;
/// let epochs = Epochs::new().then("fixation", 200.0).then("stimulus", 500.0).until("decision", 1000.0);
/// assert_eq!(epochs.start("stimulus"), Some(200.0));
/// assert_eq!(epochs.at(700.0), Some("decision"));
/// assert_eq!(epochs.end_of_last(), 1000.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Epochs(Vec<Epoch>);

/// One epoch of one trial. It holds the times from `start` (included) to `end` (excluded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The name.
    pub name: String,
    /// When it starts, in milliseconds.
    pub start: f32,
    /// When it ends, in milliseconds.
    pub end: f32,
}

impl Epoch {
    /// The steps of this epoch in steps of `dt` milliseconds: step `k`, at the time `k dt`, is one of them if it is not before
    /// `start` and before `end`. Times that are whole multiples of `dt` up to their rounding count as whole, so that an epoch
    /// that lasts a whole number of steps has as many, wherever it starts.
    ///
    /// ```
    /// use psychrnn::task::Epochs;
    /// let epochs = Epochs::new().then("fixation", 33.3).then("stimulus", 765.9).then("decision", 33.3);
    /// let steps: Vec<_> = epochs.iter().map(|epoch| epoch.steps(33.3)).collect();
    /// assert_eq!(steps, [0..1, 1..24, 24..25]);
    /// ```
    #[must_use]
    pub fn steps(&self, dt: f32) -> Range<usize> {
        let steps = Clock::new(dt).steps(decimal(self.start), decimal(self.end));
        steps.start.max(0) as usize..steps.end.max(0) as usize
    }
}

impl Epochs {
    /// No epochs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an epoch of this duration, in milliseconds.
    #[must_use]
    pub fn then(self, name: &str, duration: f32) -> Self {
        // In decimals, so that the rounding of one sum is not in the next.
        let end = decimal(self.end_of_last()) + decimal(duration);
        self.until(name, end as f32)
    }

    /// Adds an epoch that lasts until `end`, in milliseconds.
    #[must_use]
    pub fn until(self, name: &str, end: f32) -> Self {
        let start = self.end_of_last();
        self.span(name, start, end)
    }

    /// Adds an epoch from `start` to `end`, in milliseconds, which may lie within or across others.
    #[must_use]
    pub fn span(mut self, name: &str, start: f32, end: f32) -> Self {
        self.0.push(Epoch { name: name.to_owned(), start, end });
        self
    }

    /// After an epoch of this duration, in milliseconds.
    pub(super) fn preceded_by(&self, name: &str, duration: f32) -> Self {
        let later = |time: f32| (decimal(time) + decimal(duration)) as f32;
        let moved = self.iter().map(|Epoch { name, start, end }| (name, later(*start), later(*end)));
        moved.fold(Self::new().then(name, duration), |epochs, (name, start, end)| epochs.span(name, start, end))
    }

    /// The epoch with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Epoch> {
        self.0.iter().find(|epoch| epoch.name == name)
    }

    /// When an epoch starts, in milliseconds.
    #[must_use]
    pub fn start(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.start)
    }

    /// When an epoch ends, in milliseconds.
    #[must_use]
    pub fn end(&self, name: &str) -> Option<f32> {
        self.get(name).map(|epoch| epoch.end)
    }

    /// The name of the epoch at time `t`, in milliseconds; of several the first. A time that is the start or the end of an epoch up
    /// to rounding is at it.
    #[must_use]
    pub fn at(&self, t: f32) -> Option<&str> {
        // Nobody says how long a step is.
        self.at_by(Clock::new(SHORTEST), t)
    }

    pub(super) fn at_by(&self, clock: Clock, t: f32) -> Option<&str> {
        let is_in = |epoch: &&Epoch| clock.is_reached(t, epoch.start) && !clock.is_reached(t, epoch.end);
        self.0.iter().find(is_in).map(|epoch| epoch.name.as_str())
    }

    /// When the last epoch ends, in milliseconds; 0 without epochs.
    #[must_use]
    pub fn end_of_last(&self) -> f32 {
        self.0.iter().fold(0.0, |end, epoch| epoch.end.max(end))
    }

    /// The epochs in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Epoch> {
        self.0.iter()
    }
}
