//! Tasks that ask for one of several alternatives.

use super::Task;
use crate::random::TrialRng;

/// A task with alternatives, of which a trial can be drawn for each: for that which is correct to be said beforehand, as by
/// [`Transitions`](super::Transitions) or [`SideBias`](super::SideBias).
///
/// Alternatives are counted from 0, as by [`Task::answer`], which says of each trial that is drawn for an alternative that this is
/// the correct one.
///
/// ```
/// use psychrnn::prelude::*;
/// use psychrnn::task::Alternatives;
/// let task = PerceptualDiscrimination::default();
/// let trial = task.draw_for(1, &mut Seed(1).stream(0));
/// assert_eq!(task.answer(&trial), Some(1));
/// ```
pub trait Alternatives: Task {
    /// How many alternatives there are.
    fn n_choices(&self) -> usize;

    /// Draws a trial in which `choice`, counted from 0, is correct. It is below [`Alternatives::n_choices`].
    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> Self::Trial;
}
