//! One run of a study, from where it is to its measures.

use super::design::Planned;
use super::folder::{Outcome, Study};
use super::measures::Ended;
use crate::caught::caught_in;
use crate::experiment::Run;
use crate::train::Observer;
use crate::{Error, Result, interrupt};

/// What became of a run.
pub(super) enum Worked {
    /// It has ended, well or not.
    Ended(Outcome),
    /// It was stopped on the way.
    Stopped,
    /// Another process writes its checkpoints, and does it.
    Elsewhere,
}

impl Study {
    /// Trains a run from where it is to its end, and measures it.
    pub(super) fn work(&self, planned: &Planned, observer: &mut dyn Observer) -> Worked {
        match caught_in("the run", || self.train_and_measure(planned, observer)) {
            Ok(Some(outcome)) => Worked::Ended(outcome),
            Ok(None) => Worked::Stopped,
            Err(Error::InUse { .. }) => Worked::Elsewhere,
            Err(error) => {
                let training = self.run(&planned.name).and_then(|run| run.training());
                let seconds = training.map_or(0.0, |training| training.seconds);
                let error = Some(said(&error));
                Worked::Ended(Outcome { error, seconds, measures: Vec::new(), missing: Vec::new() })
            }
        }
    }

    /// None if it was stopped on the way.
    fn train_and_measure(&self, planned: &Planned, observer: &mut dyn Observer) -> Result<Option<Outcome>> {
        let work = interrupt::watch();
        let place = self.place(planned);
        let run = match Run::is_in(&place) {
            true => Run::open(&place)?,
            false => Run::begin(&self.plan.specification(planned)?, &place)?,
        };
        // As many runs as cores are done side by side.
        let mut run = run.threads(1);
        let training = run.train_observed(observer)?;
        if !training.stop.is_end() {
            return Ok(None);
        }
        let ended = Ended::new(&run, &training);
        let (mut measures, mut missing) = (Vec::new(), Vec::new());
        for measure in &self.plan.measures {
            match measure.measure(&ended) {
                Ok(values) if values.is_empty() => missing.push(format!("no {measure}: no trial has such a value")),
                Ok(values) => measures.extend(values),
                Err(error) => missing.push(format!("no {measure}: {error}")),
            }
        }
        // What an interrupt has cut short is not what would have been measured.
        let whole = !work.is_interrupted();
        Ok(whole.then_some(Outcome { error: None, seconds: training.seconds, measures, missing }))
    }
}

/// What is said of a run that failed. Of one that exploded nobody has the network at hand.
fn said(error: &Error) -> String {
    match error {
        Error::Diverged { update, what, value, .. } => {
            format!("training diverged at update {update}: {what} is {value}")
        }
        error => error.to_string(),
    }
}
