//! Whether choices on some trials can be right or wrong by a decision.

use ndarray::Axis;

use super::reading::Favored;
use super::{Decision, OF_ONE, Span, Way};
use crate::number::decimal;
use crate::task::Batch;
use crate::task::time::check_window;
use crate::{Error, Result, notebook};

/// What to say of several outputs.
const OF_SEVERAL: &str = "one that names the alternatives and when they count, \
    `Decision::largest_mean().among([1, 2]).during(\"decision\")` with the task's own outputs and epoch";

impl Decision {
    /// An error if it is read by an epoch, and these trials have none at all, as recorded ones; or by times that no trial has.
    pub(crate) fn check_times(&self, batch: &Batch) -> Result<()> {
        if let Span::Between(from, to) = self.span {
            check_window("times of the decision", decimal(from.max(0.0)), decimal(to), batch.spec.dt)?;
            if (0..batch.n_trials()).all(|trial| self.steps(batch, trial).is_none_or(|steps| steps.is_empty())) {
                let longest = batch.clock().time(batch.lengths.iter().copied().max().unwrap_or(0) as i64);
                let expected = format!("read at times that trials have: they last up to {longest} ms");
                return Err(Error::argument("decision of the task", expected, self));
            }
        }
        if !self.epochs().is_empty() && batch.epochs.iter().all(|epochs| epochs.iter().next().is_none()) {
            let expected = "read by times where trials have no epochs, `.between(1500.0, 2000.0)`";
            return Err(Error::argument("decision of the task", expected, self));
        }
        Ok(())
    }

    /// An error if no trial has an epoch by which it is read, or if trials have no such value as a response may be near to.
    pub(crate) fn check_there(&self, batch: &Batch) -> Result<()> {
        if let Way::Ring(ring) = &self.rule {
            ring.check_columns(batch)?;
        }
        self.epochs().iter().try_for_each(|epoch| batch.starts(epoch).map(drop))
    }

    /// An error if choices cannot be right or wrong on these trials, with what to do instead.
    pub(crate) fn check_choices(&self, batch: &Batch) -> Result<()> {
        let refused = |expected: &str, why: &str| {
            let expected = format!("{expected} (`TaskSpec::decision`), since correct choices are asked for");
            Err(Error::argument("decision of the task", expected, format!("{self}: {why}")))
        };
        self.check(batch.spec.n_out)?;
        if self.rule == Way::None {
            return refused("a rule of choice", "the task asks for no choice");
        }
        self.check_there(batch)?;
        self.check_times(batch)?;
        if let Some((expected, why)) = self.doubt(batch) {
            return refused(&expected, &why);
        }
        // What the user said himself is taken at his word, but for what can hardly be meant.
        let guessed = self.is_guess();
        let correct: Vec<Option<usize>> = (0..batch.n_trials()).map(|trial| batch.correct_choice(trial)).collect();
        let targets = |trial| batch.targets.index_axis(Axis(0), trial);
        if self.is_ring() && (0..batch.n_trials()).any(|trial| self.judge(batch, trial, targets(trial)).is_some()) {
            return Ok(());
        }
        let Some(first) = correct.iter().flatten().next() else {
            let why = format!("in none of {} trials do the targets give a correct choice by it", correct.len());
            return refused("one that the targets answer where the mask counts them", &why);
        };
        let vague = guessed || matches!(self.rule, Way::Threshold { .. }) && self.span.is_trial();
        if vague && correct.len() > 1 && correct.iter().flatten().all(|choice| choice == first) {
            let why = format!("by it choice {first} is correct in all of {} trials", correct.len());
            return refused(
                if guessed { OF_SEVERAL } else { "read when it is asked for, `.during(\"decision\")`" },
                &why,
            );
        }
        Ok(())
    }

    /// Whether the task says nothing about its alternatives.
    fn is_guess(&self) -> bool {
        self.rule == Way::LargestInAnswer && self.among.is_none()
    }

    /// Where the default cannot tell what is asked for: what to say instead, and why.
    fn doubt(&self, batch: &Batch) -> Option<(String, String)> {
        if !self.is_guess() {
            return None;
        }
        if batch.spec.n_out < 2 {
            return Some((format!("one for one output: {OF_ONE}"), "there is one output".to_owned()));
        }
        let favored: Vec<Favored> = (0..batch.n_trials()).filter_map(|trial| self.favored_in(batch, trial)).collect();
        Some((OF_SEVERAL.to_owned(), unclear(&favored)?))
    }

    /// Says once that choices on these trials are not to be relied on, if the default cannot tell what is asked for.
    pub(crate) fn warn_of_doubt(&self, batch: &Batch) {
        if let Some((instead, why)) = self.doubt(batch) {
            notebook::warn(&format!(
                "choices are read by {self}, which cannot be right on these trials: {why}. The decision of the task must be {instead} \
                 (`TaskSpec::decision`), or that of the session (`Session::decided_by`)"
            ));
        }
    }
}

/// Why the default does not tell what is asked for in trials with these favored outputs.
fn unclear(favored: &[Favored]) -> Option<String> {
    let changing = favored.iter().filter(|favored| !favored.others().is_empty());
    let mut fixation = None;
    for trial in changing {
        let first = trial.0.first().map(|(_, output)| *output);
        if trial.others().len() > 1 || fixation.is_some_and(|known| known != first) {
            return Some("the targets favor several outputs in turn".to_owned());
        }
        fixation = Some(first);
    }
    let fixation = fixation.flatten()?;
    let always =
        favored.iter().any(|trial| !trial.0.is_empty() && trial.0.iter().all(|(_, output)| *output == fixation));
    always.then(|| {
        format!("the targets favor output {fixation} first and then another in some trials, and output {fixation} throughout in others")
    })
}
