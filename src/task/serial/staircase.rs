//! How hard a task is, by what the subject did.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::{in_sessions, of_task_within};
use crate::random::TrialRng;
use crate::task::{Past, Task, TaskSpec};
use crate::{Error, Result};

/// A staircase: after some correct choices in a row the next trial is harder, after each error easier, so that the level stays about where
/// a certain share of choices is correct. That share is `0.5^(1/n)` for `n` correct choices in a row, 0.707 for two (Levitt H (1971),
/// Transformed up-down methods in psychoacoustics, J Acoust Soc Am 49:467-477).
///
/// The level is one of the values of a trial, of which larger ones are easier; a step is a factor. Defaults: two correct choices, steps
/// of 1.25, from the upper end of the range on.
///
/// What comes next depends on what the subject does, so that trials cannot be drawn beforehand:
///
/// ```no_run
/// use psychrnn::prelude::*;
/// use psychrnn::task::Staircase;
/// use psychrnn::tasks::Motion;
/// let stairs = Staircase::new(0.01..=0.7, |motion: &Motion| motion.coherence, |motion, level| motion.coherence = level);
/// let task = stairs.correct_in_a_row(3).of(PerceptualDiscrimination::default());
/// let session = Simulator::load("weights.npz")?.run_session(&task, 500, Seed(1))?;
/// println!("{}", session.trials().mean_by("coherence", "correct")?);
/// # Ok::<(), psychrnn::Error>(())
/// ```
pub struct Staircase<Trial, T = ()> {
    range: (f32, f32),
    start: f32,
    factor: f32,
    in_a_row: usize,
    get: Arc<Get<Trial>>,
    set: Arc<Set<Trial>>,
    task: T,
}

/// Reads the level of a trial.
type Get<Trial> = dyn Fn(&Trial) -> f32 + Send + Sync;
/// Sets it.
type Set<Trial> = dyn Fn(&mut Trial, f32) + Send + Sync;

impl<Trial, T: Clone> Clone for Staircase<Trial, T> {
    fn clone(&self) -> Self {
        let (get, set, task) = (self.get.clone(), self.set.clone(), self.task.clone());
        Self { range: self.range, start: self.start, factor: self.factor, in_a_row: self.in_a_row, get, set, task }
    }
}

impl<Trial, T: fmt::Debug> fmt::Debug for Staircase<Trial, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staircase")
            .field("range", &self.range)
            .field("start", &self.start)
            .field("factor", &self.factor)
            .field("in_a_row", &self.in_a_row)
            .field("task", &self.task)
            .finish_non_exhaustive()
    }
}

impl<Trial> Staircase<Trial> {
    /// Levels within a range of positive numbers, the value of a trial that `get` reads and `set` sets.
    pub fn new(
        range: RangeInclusive<f32>,
        get: impl Fn(&Trial) -> f32 + Send + Sync + 'static,
        set: impl Fn(&mut Trial, f32) + Send + Sync + 'static,
    ) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let (get, set) = (Arc::new(get), Arc::new(set));
        Self { range: (low, high), start: high, factor: 1.25, in_a_row: 2, get, set, task: () }
    }

    /// The level of the first trial; the easiest by default.
    #[must_use]
    pub fn start(mut self, level: f32) -> Self {
        self.start = level;
        self
    }

    /// By what factor the level changes.
    #[must_use]
    pub fn factor(mut self, factor: f32) -> Self {
        self.factor = factor;
        self
    }

    /// After how many correct choices in a row at a level the next trial is harder.
    #[must_use]
    pub fn correct_in_a_row(mut self, n: usize) -> Self {
        self.in_a_row = n;
        self
    }

    /// The task at these levels.
    pub fn of<T: Task<Trial = Trial>>(self, task: T) -> Staircase<Trial, T> {
        let Self { range, start, factor, in_a_row, get, set, task: () } = self;
        Staircase { range, start, factor, in_a_row, get, set, task }
    }
}

impl<T: Task> Staircase<T::Trial, T> {
    fn level(&self, past: &Past<T::Trial>) -> f32 {
        let (low, high) = self.range;
        let Some(last) = past.trial(1).map(|trial| (self.get)(trial)) else { return self.start };
        let was_right =
            |k: usize| past.correct(k) == Some(true) && past.trial(k).is_some_and(|trial| (self.get)(trial) == last);
        let next = match past.correct(1) {
            Some(false) => last * self.factor,
            Some(true) if (1..=self.in_a_row).all(was_right) => last / self.factor,
            _ => last,
        };
        next.clamp(low, high)
    }
}

impl<T: Task> Task for Staircase<T::Trial, T> {
    type Trial = T::Trial;

    fn spec(&self) -> TaskSpec {
        in_sessions(self.task.spec())
    }

    fn check(&self) -> Result<()> {
        self.task.check()?;
        let (low, high) = self.range;
        if !(low > 0.0 && low <= high && high.is_finite()) {
            let got = format!("{low} to {high}");
            return Err(Error::argument("levels of the staircase", "a range of positive numbers", got));
        }
        if !(low..=high).contains(&self.start) {
            return Err(Error::argument("start of the staircase", format!("from {low} to {high}"), self.start));
        }
        if !(self.factor > 1.0 && self.factor.is_finite()) {
            return Err(Error::argument("factor of the staircase", "above 1", self.factor));
        }
        if self.in_a_row == 0 {
            return Err(Error::argument("correct_in_a_row", "at least 1", 0));
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> T::Trial {
        self.next(&Past::default(), rng)
    }

    fn next(&self, past: &Past<T::Trial>, rng: &mut TrialRng) -> T::Trial {
        let mut trial = self.task.next(past, rng);
        (self.set)(&mut trial, self.level(past));
        trial
    }

    fn closed_loop(&self) -> bool {
        true
    }

    of_task_within! {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::task::past::Outcome;
    use crate::tasks::{Motion, PerceptualDiscrimination};

    #[test]
    fn the_level_ends_where_the_share_of_correct_choices_is_that_of_the_rule() {
        for (n, share) in [(1, 0.5_f64), (2, 0.707), (3, 0.794)] {
            let stairs = Staircase::new(
                0.001..=1.0,
                |motion: &Motion| motion.coherence,
                |motion, level| motion.coherence = level,
            );
            let task = stairs.factor(1.05).correct_in_a_row(n).of(PerceptualDiscrimination::default());
            let mut past = Past::default();
            let (mut levels, mut rng) = (Vec::new(), Seed(1).stream(0));
            for trial in 0..6000 {
                let motion = task.next(&past, &mut rng);
                // A subject whose share of correct choices is its level.
                let correct = rng.chance(motion.coherence);
                if trial >= 500 {
                    levels.push(f64::from(motion.coherence).ln());
                }
                past.push(
                    motion,
                    Outcome { answer: Some(0), choice: Some(usize::from(!correct)), correct: Some(correct) },
                );
            }
            let level = (levels.iter().sum::<f64>() / levels.len() as f64).exp();
            assert!((level - share).abs() < 0.03, "{n}: {level}");
        }
    }
}
