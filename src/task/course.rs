//! The course of a session: which trial comes next, by what was before.

use super::blocks::Walk;
use super::past::{Outcome, Place};
use super::{Past, Task, TaskSpec};
use crate::random::{Seed, TrialRng};
use crate::{Error, Result};

/// A session of a task, trial by trial.
pub(super) struct Course<'a, T: Task> {
    task: &'a T,
    spec: &'a TaskSpec,
    stream: Seed,
    /// The number of the session, and that of its next trial.
    session: u64,
    number: u64,
    blocks: Walk<'a>,
    past: Past<T::Trial>,
}

/// A trial that is due.
#[derive(Clone)]
pub(super) struct Due<Trial> {
    pub(super) number: u64,
    pub(super) trial: Trial,
    pub(super) rng: TrialRng,
    /// The number of its session.
    pub(super) session: u64,
    pub(super) place: Place,
    /// What the subject is shown of the trial before.
    pub(super) sensed: Vec<f32>,
    /// Whether the trial before ended in an error.
    pub(super) after_error: bool,
}

impl<'a, T: Task> Course<'a, T> {
    /// The session with this number.
    pub(super) fn new(task: &'a T, spec: &'a TaskSpec, seed: Seed, session: u64) -> Self {
        let blocks = Walk::new(spec.sessions.blocks.as_ref(), seed.child("blocks").stream(session));
        let number = session.saturating_mul(spec.sessions.trials as u64);
        Self { task, spec, stream: seed.child("trials"), session, number, blocks, past: Past::default() }
    }

    /// The trial that comes next.
    pub(super) fn next(&mut self) -> Result<Due<T::Trial>> {
        let number = self.number;
        self.number += 1;
        let place = self.blocks.step();
        self.past.at(place);
        let mut rng = stream_of(self.spec, self.stream, number).in_block(place.kind);
        let trial = caught(&format!("draw of trial {number}"), || self.task.next(&self.past, &mut rng))?;
        let trial = completed(self.task, trial, number)?;
        let senses = self.spec.sessions.senses;
        let sensed = senses.show(&self.past, self.spec.decision.choices(self.spec.n_out).len());
        let after_error = self.past.correct(1) == Some(false);
        Ok(Due { number, trial, rng, session: self.session, place, sensed, after_error })
    }

    /// What came of it.
    pub(super) fn done(&mut self, trial: T::Trial, outcome: Outcome) {
        self.past.push(trial, outcome);
    }

    /// The answer to a trial.
    pub(super) fn answer(&self, trial: &T::Trial) -> Result<Option<usize>> {
        caught("answer", || self.task.answer(trial))
    }
}

/// The trial with the values that follow from the others.
pub(super) fn completed<T: Task>(task: &T, mut trial: T::Trial, number: u64) -> Result<T::Trial> {
    caught(&format!("values of trial {number}"), || task.complete(&mut trial))??;
    Ok(trial)
}

/// The stream of a trial, with that of the block of trials to which it belongs.
pub(super) fn stream_of(spec: &TaskSpec, stream: Seed, number: u64) -> TrialRng {
    let own = stream.stream(number);
    match spec.shared_by {
        0 | 1 => own,
        n => own.of_block(stream.child("shared").stream(number / n)),
    }
}

/// Runs a task's own code; a panic in it becomes an error.
pub(super) fn caught<R>(at: &str, work: impl FnOnce() -> R) -> Result<R> {
    crate::caught::caught(work).map_err(|message| Error::Task { at: at.to_owned(), message })
}
