//! Trials one after another, as an animal does them.

use ndarray::{Array3, Axis, concatenate, s};

use super::{Session, Simulator, Window};
use crate::task::{Batch, Decision, TaskSpec};
use crate::{Error, Result};

impl Simulator {
    /// Runs the trials one after another: each begins with the state in which the one before it ended, and only the first with
    /// the initial state of the network, as in one long recording. [`Simulator::run`] begins each trial anew.
    ///
    /// The recurrent noise is that of one trial that lasts as long as all of them, with the number of the first. Past a
    /// trial's end states, rates and outputs are 0.
    ///
    /// # Errors
    /// As [`Simulator::run`]; also if [`Simulator::recurrent_gain`] is set or a perturbation has a window, whose steps are those of
    /// one trial.
    pub fn run_consecutively(&self, batch: &Batch) -> Result<Session> {
        batch.check()?;
        if self.recurrent_gain.is_some() {
            let expected = "left out: its steps are those of one trial, and here all trials are one run";
            return Err(Error::argument("recurrent_gain", expected, "given"));
        }
        if let Some(windowed) = self.perturbations.iter().find(|perturbation| perturbation.window != Window::from(..)) {
            let expected =
                "over the whole trial, `..`: its times are those of one trial, and here all trials are one run";
            return Err(Error::argument("window", expected, &windowed.window));
        }
        let lengths = &batch.lengths;
        let trials = batch.inputs.outer_iter().zip(lengths);
        let parts: Vec<_> = trials.map(|(inputs, &length)| inputs.slice_move(s![..length, ..])).collect();
        let inputs = concatenate(Axis(0), &parts)
            .map_err(|error| Error::argument("inputs", "of one number of channels", error))?
            .insert_axis(Axis(0));
        let nothing = Array3::zeros((1, inputs.len_of(Axis(1)), batch.spec.n_out));
        let spec = TaskSpec { decision: Decision::none(), ..batch.spec.clone() };
        let mut joined = Batch::from_arrays(&spec, inputs, nothing.clone(), nothing)?;
        joined.seed = batch.seed;
        joined.numbers.clone_from_slice(&batch.numbers[..1]);
        let run = self.run(&joined)?;
        let parted = |joined: &Array3<f32>| {
            let mut parts = Array3::zeros((batch.n_trials(), batch.n_steps(), joined.len_of(Axis(2))));
            let mut from = 0;
            for (mut part, &length) in parts.outer_iter_mut().zip(lengths) {
                part.slice_mut(s![..length, ..]).assign(&joined.slice(s![0, from..from + length, ..]));
                from += length;
            }
            parts
        };
        let (states, rates, outputs) = (parted(&run.states), parted(&run.rates), parted(&run.outputs));
        Session::recorded(batch.clone(), states, rates, outputs, run.units)
    }
}
