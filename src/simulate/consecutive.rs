//! Trials one after another, as an animal does them.

use super::{Session, Simulator, Window};
use crate::task::Batch;
use crate::{Error, Result};

impl Simulator {
    /// Runs the trials one after another: each begins with the state in which the one before it ended, and only the first with
    /// the initial state of the network, as in one long recording. [`Simulator::run`] begins each trial anew;
    /// [`Simulator::run_session`] draws each trial when the one before is done.
    ///
    /// The recurrent noise is that of one trial that lasts as long as all of them, with the number of the first. Past a
    /// trial's end states, rates and outputs are 0.
    ///
    /// # Errors
    /// As [`Simulator::run`]; also if [`Simulator::recurrent_gain`] is set or a perturbation has a window, whose steps are those of
    /// one trial.
    pub fn run_consecutively(&self, batch: &Batch) -> Result<Session> {
        batch.check()?;
        self.check_without_times()?;
        let n = batch.n_trials();
        let run = self.run(&batch.joined(n)?)?;
        let [states, rates, outputs] = [&run.states, &run.rates, &run.outputs].map(|joined| batch.parted(n, joined));
        Session::recorded(batch.clone(), states, rates, outputs, run.units)
    }

    /// An error if something has times within one trial, where there are several trials in a run, or none.
    pub(super) fn check_without_times(&self) -> Result<()> {
        if self.recurrent_gain.is_some() {
            let expected = "left out: its steps are those of one trial, and here is no single one";
            return Err(Error::argument("recurrent_gain", expected, "given"));
        }
        match self.perturbations.iter().find(|one| one.window != Window::from(..)) {
            Some(windowed) => {
                let expected = "over the whole time, `..`: its times are those of one trial, and here is no single one";
                Err(Error::argument("window", expected, &windowed.window))
            }
            None => Ok(()),
        }
    }
}
