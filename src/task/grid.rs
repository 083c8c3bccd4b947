//! Trials with all combinations of some values.

use std::fmt;

use super::course::caught;
use super::{Batch, Task, TrialRng};
use crate::random::Seed;
use crate::{Error, Result};

/// Trials of a task with all combinations of some of their values; what is not among these is drawn. Made by [`Task::grid`].
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::tasks::RandomDots;
/// let task = RandomDots::fixed_duration();
/// let grid = task.grid().over([0.0, 0.064, 0.256], |dots, c| dots.coherence = Some(c)).over([0, 1], |dots, d| dots.direction = Some(d));
/// let batch = grid.repeats(10).batch(Seed(1))?;
/// assert_eq!(batch.n_trials(), 3 * 2 * 10);
/// # Ok::<(), psychrnn::Error>(())
/// ```
///
/// The values that were given last change fastest, and repeats fastest of all. Those that follow from others are computed anew
/// ([`Task::complete`]).
pub struct Grid<'a, T: Task> {
    task: &'a T,
    axes: Vec<Axis<'a, T::Trial>>,
    repeats: usize,
}

/// How many values there are, and what sets the one of a number.
type Axis<'a, Trial> = (usize, Box<dyn Fn(&mut Trial, usize) + Send + Sync + 'a>);

impl<T: Task> fmt::Debug for Grid<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<usize> = self.axes.iter().map(|(length, _)| *length).collect();
        f.debug_struct("Grid").field("values", &lengths).field("repeats", &self.repeats).finish_non_exhaustive()
    }
}

impl<'a, T: Task> Grid<'a, T> {
    pub(super) fn new(task: &'a T) -> Self {
        Self { task, axes: Vec::new(), repeats: 1 }
    }

    /// With each of these, set by `set`.
    #[must_use]
    pub fn over<V: Clone + Send + Sync + 'a>(
        mut self,
        values: impl IntoIterator<Item = V>,
        set: impl Fn(&mut T::Trial, V) + Send + Sync + 'a,
    ) -> Self {
        let values: Vec<V> = values.into_iter().collect();
        self.axes.push((values.len(), Box::new(move |trial, number| set(trial, values[number].clone()))));
        self
    }

    /// How many trials there are of each combination. Default: 1.
    #[must_use]
    pub fn repeats(mut self, repeats: usize) -> Self {
        self.repeats = repeats;
        self
    }

    /// The trials.
    ///
    /// # Errors
    /// As [`TrialSource::trials`](super::TrialSource::trials); also if there is no trial with some combination of the values, or if a list of values is empty.
    pub fn batch(&self, seed: impl Into<Seed>) -> Result<Batch> {
        if self.axes.iter().any(|(length, _)| *length == 0) || self.repeats == 0 {
            return Err(Error::argument("grid", "over lists that hold something, repeated at least once", "empty"));
        }
        let lengths = self.axes.iter().map(|(length, _)| *length).chain([self.repeats]);
        let n = lengths.fold(1_u64, |n, length| n.saturating_mul(length as u64));
        super::source::Made::new(self.task, seed.into())?.given(n, |number, rng| self.values(number, rng))
    }

    fn values(&self, number: u64, rng: &mut TrialRng) -> Result<T::Trial> {
        caught(&format!("values of trial {number}"), || {
            let mut trial = self.task.draw(rng);
            let mut rest = number as usize / self.repeats;
            for (length, set) in self.axes.iter().rev() {
                set(&mut trial, rest % length);
                rest /= length;
            }
            trial
        })
    }
}
