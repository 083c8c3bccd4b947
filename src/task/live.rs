//! A session with a subject, whose trials are made as it goes on.

use super::course::Course;
use super::drawn::Drawn;
use super::past::Outcome;
use super::source::Made;
use super::{Batch, Task};
use crate::Result;

/// A session that a subject does trial by trial: the first one of its seed, as long as it goes on.
pub(crate) struct Live<'a, T: Task> {
    made: &'a Made<'a, T>,
    course: Course<'a, T>,
    drawn: Vec<Drawn>,
    /// The values of the trial that the subject does.
    now: Option<T::Trial>,
}

impl<'a, T: Task> Live<'a, T> {
    pub(crate) fn new(made: &'a Made<'a, T>) -> Self {
        Self { made, course: made.course(0), drawn: Vec::new(), now: None }
    }

    /// The trial that comes next, as a batch of it alone.
    pub(crate) fn next(&mut self) -> Result<Batch> {
        let due = self.course.next()?;
        self.now = Some(due.trial.clone());
        let drawn = self.made.played(due)?;
        let batch = self.made.together(std::slice::from_ref(&drawn))?;
        self.drawn.push(drawn);
        Ok(batch)
    }

    /// What the subject did in it: its choice, and which one was correct, by their places among the choices that there are, and whether
    /// it was correct.
    ///
    /// A choice before the first alternative, to fixate, is none: the place of the correct one tells where the alternatives begin.
    pub(crate) fn done(&mut self, choice: Option<usize>, asked: Option<usize>, correct: Option<bool>) -> Result<()> {
        if let Some(trial) = self.now.take() {
            let answer = self.course.answer(&trial)?;
            let before = asked.zip(answer).map_or(0, |(asked, answer)| asked.saturating_sub(answer));
            let choice = choice.and_then(|choice| choice.checked_sub(before));
            self.course.done(trial, Outcome { answer, choice, correct });
        }
        Ok(())
    }

    /// All trials so far.
    pub(crate) fn batch(&self) -> Result<Batch> {
        self.made.together(&self.drawn)
    }
}
