//! The rows of a batch: trials that a subject does one after another, where these belong together.

use std::iter::once;
use std::ops::Range;

use super::Trainer;
use crate::random::Seed;
use crate::task::{Batch, TaskSpec, TrialSource};
use crate::{Error, Result};

/// The trials of a batch, row by row, and whether each row begins with the first trial of a session.
pub(super) struct Rows {
    numbers: Vec<Range<u64>>,
    pub(super) begin: bool,
}

impl Rows {
    /// The trials.
    pub(super) fn draw(&self, source: &dyn TrialSource, seed: Seed) -> Result<Batch> {
        let parts = self.numbers.iter().map(|numbers| source.trials(numbers.clone(), seed)).collect::<Result<_>>()?;
        Batch::together(parts).ok_or_else(|| Error::argument("batch_size", "at least 1", 0))
    }
}

impl Trainer {
    /// How many rows a batch has.
    pub(super) fn n_rows(&self) -> usize {
        self.batch_size / self.consecutive
    }

    /// The batch that begins with this trial, of trials that follow one another in as many rows. Rows that are shorter than a session go
    /// on where they were in the batch before.
    pub(super) fn rows(&self, spec: &TaskSpec, first: u64) -> Rows {
        let [session, row, rows, batch] =
            [spec.sessions.trials, self.consecutive, self.n_rows(), self.batch_size].map(|n| n as u64);
        if session <= row || (row == 1 && !self.carry_state) {
            return Rows { numbers: once(first..first + batch).collect(), begin: session > 1 };
        }
        let (batches, parts) = (first / batch, session / row);
        let (group, part) = (batches / parts, batches % parts);
        let start = |subject: u64| (group * rows + subject) * session + part * row;
        let numbers = (0..rows).map(|subject| start(subject)..start(subject) + row).collect();
        Rows { numbers, begin: part == 0 }
    }

    /// At least `trials` trials for a check after so many trials of training, none of which another check had: from the beginning of
    /// sessions on.
    pub(super) fn rows_of_check(&self, spec: &TaskSpec, after: u64, trials: usize) -> Result<Rows> {
        let [session, row] = [spec.sessions.trials, self.consecutive].map(|n| n as u64);
        let too_many = || Error::argument("check_trials", "fewer", trials);
        if session <= row || row == 1 {
            let first = after.checked_mul(trials as u64).ok_or_else(too_many)?;
            let end = first.checked_add(trials as u64).ok_or_else(too_many)?;
            return Ok(Rows { numbers: once(first..end).collect(), begin: session > 1 });
        }
        let rows = (trials as u64).div_ceil(row);
        let first = after.checked_mul(rows).and_then(|first| first.checked_mul(session)).ok_or_else(too_many)?;
        let numbers = (0..rows).map(|subject| first + subject * session..first + subject * session + row).collect();
        Ok(Rows { numbers, begin: true })
    }

    /// An error if the rows of a batch do not fit into sessions.
    pub(super) fn check_rows(&self, spec: &TaskSpec) -> Result<()> {
        let (session, row) = (spec.sessions.trials, self.consecutive);
        if session.is_multiple_of(row) || row.is_multiple_of(session) {
            return Ok(());
        }
        let expected = format!("a number of trials into which the sessions of {session} trials can be parted");
        Err(Error::argument("consecutive", expected, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_on_with_their_sessions() {
        let spec = |session| TaskSpec::new(1, 1).session(session);
        let numbers = |trainer: &Trainer, session, first| {
            let rows = trainer.rows(&spec(session), first);
            (rows.numbers.into_iter().map(|numbers| numbers.start).collect::<Vec<_>>(), rows.begin)
        };
        let trainer = Trainer::default().batch_size(6).consecutive(2);
        // Three subjects with sessions of four trials, two of which are in a row.
        assert_eq!(numbers(&trainer, 4, 0), (vec![0, 4, 8], true));
        assert_eq!(numbers(&trainer, 4, 6), (vec![2, 6, 10], false));
        assert_eq!(numbers(&trainer, 4, 12), (vec![12, 16, 20], true));
        // Whole sessions in a row, and trials that know of no others.
        assert_eq!(numbers(&trainer, 2, 6), (vec![6], true));
        assert_eq!(numbers(&trainer, 1, 6), (vec![6], false));
        assert_eq!(numbers(&trainer.clone().consecutive(1), 4, 6), (vec![6], true));
        assert_eq!(
            numbers(&trainer.clone().consecutive(1).carry_state(true), 4, 6),
            (vec![1, 5, 9, 13, 17, 21], false)
        );
        assert!(trainer.check_rows(&spec(3)).is_err() && trainer.check_rows(&spec(4)).is_ok());
        // No trial is in two checks.
        let check = |after| trainer.rows_of_check(&spec(4), after, 5).unwrap().numbers;
        assert_eq!(check(6), [72..74, 76..78, 80..82]);
        assert_eq!(check(12)[0], 144..146);
        assert!(trainer.rows_of_check(&spec(4), u64::MAX, 5).is_err());
    }
}
