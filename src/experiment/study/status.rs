//! How a study stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::claim::Last;
use super::design::Planned;
use super::folder::{Outcome, Study};
use crate::Result;
use crate::experiment::Run;

/// How a run of a study stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// It has not begun.
    Waiting,
    /// A process does it at this moment.
    Going,
    /// It was stopped on the way, and goes on where it was; or more is to be measured than was when it ended.
    Unfinished,
    /// It has ended, and was measured.
    Done,
    /// It ended with an error.
    Failed,
}

/// How many runs of a study stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Those that have not begun.
    pub waiting: usize,
    /// Those that some process does at this moment.
    pub going: usize,
    /// Those that were stopped on the way, and go on where they were.
    pub unfinished: usize,
    /// Those that have ended, and were measured.
    pub done: usize,
    /// Those that ended with an error.
    pub failed: usize,
}

impl Study {
    /// How many runs are done, going, waiting.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn status(&self) -> Result<Status> {
        let mut status = Status::default();
        for (state, _) in self.states()? {
            *match state {
                State::Waiting => &mut status.waiting,
                State::Going => &mut status.going,
                State::Unfinished => &mut status.unfinished,
                State::Done => &mut status.done,
                State::Failed => &mut status.failed,
            } += 1;
        }
        Ok(status)
    }

    /// How each run stands, and what came out.
    pub(super) fn states(&self) -> Result<Vec<(State, Option<Outcome>)>> {
        let claims = self.claims();
        let claimed = claims.all()?;
        let state = |planned: &Planned| -> Result<(State, Option<Outcome>)> {
            let last = claimed.get(&planned.name);
            // What failed may be being tried again.
            let held = || last.is_some_and(|last| claims.is_held(last));
            let outcome = self.outcome(planned)?;
            let state = match &outcome {
                Some(outcome) if outcome.is_whole(&self.plan.measures) => State::Done,
                // More is to be measured than when it ended.
                Some(Outcome { error: None, .. }) if last.is_none_or(Last::is_done) => State::Unfinished,
                _ if held() => State::Going,
                Some(Outcome { error: Some(_), .. }) => State::Failed,
                Some(_) => State::Unfinished,
                None if last.is_some() && Run::is_in(self.place(planned)) => State::Unfinished,
                None => State::Waiting,
            };
            Ok((state, outcome))
        };
        self.plan.runs.iter().map(state).collect()
    }
}

impl Status {
    /// How many runs there are.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.waiting + self.going + self.unfinished + self.done + self.failed
    }

    /// Whether each run has ended, well or not.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.done + self.failed == self.runs()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} runs done", self.done, self.runs())?;
        let others = [
            (self.failed, "failed"),
            (self.going, "going"),
            (self.unfinished, "stopped on the way"),
            (self.waiting, "waiting"),
        ];
        others.iter().filter(|(n, _)| *n > 0).try_for_each(|(n, what)| write!(f, ", {n} {what}"))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Going => "going",
            Self::Unfinished => "unfinished",
            Self::Done => "done",
            Self::Failed => "failed",
        })
    }
}
