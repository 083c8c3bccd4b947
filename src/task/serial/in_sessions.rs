//! A task in sessions of another kind.

use super::of_task_within;
use crate::Result;
use crate::random::TrialRng;
use crate::task::{Alternatives, Past, Sessions, Task, TaskSpec};

/// A task whose trials follow one another as [`Sessions`] say: made by [`Sessions::of`].
#[derive(Clone, Debug, PartialEq)]
pub struct InSessions<T> {
    /// How they follow one another.
    pub sessions: Sessions,
    /// The task.
    pub task: T,
}

impl Sessions {
    /// The task in these sessions. Its blocks, if it has some and none are said here, stay.
    pub fn of<T>(self, task: T) -> InSessions<T> {
        InSessions { sessions: self, task }
    }
}

impl<T: Task> Task for InSessions<T> {
    type Trial = T::Trial;

    fn spec(&self) -> TaskSpec {
        let mut spec = self.task.spec();
        let within = spec.sessions.blocks.take();
        spec.n_in -= spec.n_sensed();
        spec.sessions = self.sessions.clone();
        spec.sessions.blocks = spec.sessions.blocks.or(within);
        spec.n_in += spec.n_sensed();
        spec
    }

    fn check(&self) -> Result<()> {
        self.task.check()
    }

    fn draw(&self, rng: &mut TrialRng) -> T::Trial {
        self.task.draw(rng)
    }

    fn next(&self, past: &Past<T::Trial>, rng: &mut TrialRng) -> T::Trial {
        self.task.next(past, rng)
    }

    fn closed_loop(&self) -> bool {
        self.task.closed_loop()
    }

    of_task_within! {}
}

impl<T: Alternatives> Alternatives for InSessions<T> {
    fn n_choices(&self) -> usize {
        self.task.n_choices()
    }

    fn draw_for(&self, choice: usize, rng: &mut TrialRng) -> T::Trial {
        self.task.draw_for(choice, rng)
    }
}
