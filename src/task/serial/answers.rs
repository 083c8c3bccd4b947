//! Tasks whose correct alternative a rule draws.

use super::{in_sessions, of_task_within};
use crate::random::{Seed, TrialRng, check_weights};
use crate::task::{Alternatives, History, Past, Task, TaskSpec};
use crate::{Error, Result};

/// A rule by which the next correct alternative is drawn from what was before, such as [`Transitions`](super::Transitions) and
/// [`SideBias`](super::SideBias); [`Answers`] applies it to a task.
pub trait AnswerRule: Send + Sync {
    /// How likely each of so many alternatives is to be the next correct one, up to a common factor `[n_choices]`.
    fn weights(&self, history: &History, n_choices: usize) -> Vec<f32>;

    /// Whether it makes sense for so many alternatives.
    ///
    /// # Errors
    /// If it does not.
    fn check(&self, n_choices: usize) -> Result<()> {
        let _ = n_choices;
        Ok(())
    }

    /// Whether it depends on what the subject does, see [`Task::closed_loop`]. By default it does not.
    fn closed_loop(&self) -> bool {
        false
    }
}

/// A task with [`Alternatives`] of which a rule draws the next correct one; all else is as in the task. What the task itself makes of the
/// past, and trials without an answer, there are none of.
///
/// Sessions have 1000 trials unless the task or [`Sessions`](crate::task::Sessions) around this says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers<R, T> {
    /// What draws the next correct alternative.
    pub rule: R,
    /// The task.
    pub task: T,
}

impl<R: AnswerRule, T: Alternatives> Task for Answers<R, T> {
    type Trial = T::Trial;

    fn spec(&self) -> TaskSpec {
        in_sessions(self.task.spec())
    }

    fn check(&self) -> Result<()> {
        self.task.check()?;
        let n = self.task.n_choices();
        if n < 2 {
            return Err(Error::argument("task", "one with two alternatives or more", format!("one with {n}")));
        }
        self.rule.check(n)?;
        // Without its answer no trial would know what was correct in the one before.
        for choice in 0..n {
            let mut trial = self.task.draw_for(choice, &mut Seed(0).stream(choice as u64));
            self.task.complete(&mut trial)?;
            let answer = self.task.answer(&trial);
            if answer != Some(choice) {
                let got = answer.map_or_else(|| "none".to_owned(), |answer| format!("{answer}"));
                let expected = format!("{choice} for a trial that `draw_for({choice}, …)` gave");
                return Err(Error::argument("answer of the task", expected, got));
            }
        }
        Ok(())
    }

    fn draw(&self, rng: &mut TrialRng) -> T::Trial {
        self.next(&Past::default(), rng)
    }

    fn next(&self, past: &Past<T::Trial>, rng: &mut TrialRng) -> T::Trial {
        let n = self.task.n_choices();
        let weights = self.rule.weights(past, n);
        let fine = check_shares("weights", &weights, n).is_ok();
        assert!(fine, "a rule must give {n} weights, 0 or positive and one above 0, and not {weights:?}");
        let choice = rng.weighted(&weights);
        self.task.draw_for(choice, rng)
    }

    fn closed_loop(&self) -> bool {
        self.rule.closed_loop() || self.task.closed_loop()
    }

    of_task_within! {}
}

/// An error if these are no probabilities, up to a common factor, of so many alternatives.
pub(super) fn check_shares(name: &str, weights: &[f32], n_choices: usize) -> Result<()> {
    if weights.len() != n_choices {
        return Err(Error::shape(name, format!("[n_choices = {n_choices}]"), &[weights.len()]));
    }
    check_weights(name, weights)
}
