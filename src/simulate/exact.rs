//! The equation of a network in `f64`, with the perturbations that last all the time.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, s};

use super::perturb::apply;
use super::{Effect, Simulator, Window};
use crate::caught::caught_in;
use crate::dynamics::exact::{Arrays, Exact};
use crate::dynamics::linearize::checked;
use crate::dynamics::{Dynamics, Linearization};
use crate::{Error, Result};

impl Simulator {
    /// The linear dynamics about a state `[n_state]` (`x` of a leaky network, `r` in the rate form, `h` and after it `c` of an LSTM), at an input `[n_in]` that does
    /// not change, without noise. Perturbations are honored if they last the whole trial, `..`: synapses are scaled, currents flow, and
    /// units that are held send the same whatever their state.
    ///
    /// # Errors
    /// If the state or the input has another length or is not finite, if a perturbation has a window, if [`Simulator::recurrent_gain`] is
    /// set, or if a step from there is not finite.
    pub fn linearize<'a, 'b>(
        &self,
        state: impl Into<ArrayView1<'a, f64>>,
        input: impl Into<ArrayView1<'b, f64>>,
    ) -> Result<Linearization> {
        let (exact, state, input) = (self.exact()?, state.into(), input.into());
        checked("state", "n_state", state, exact.n_state())?;
        checked("input", "n_in", input, exact.counts().n_in)?;
        caught_in("the transfer function", || Linearization::of(exact.as_ref(), state, input))
    }

    /// The equation in `f64`, without noise, with its perturbations.
    ///
    /// # Errors
    /// If one of them does not last the whole trial.
    pub(crate) fn exact(&self) -> Result<Arc<dyn Exact>> {
        self.constants().units().exact(self.exact_arrays()?)
    }

    /// Its weights.
    pub(crate) fn exact_arrays(&self) -> Result<Arrays> {
        if self.recurrent_gain.is_some() {
            let expected = "left out where the dynamics are those of one network: it makes another one in each step";
            return Err(Error::argument("recurrent_gain", expected, "given"));
        }
        if let Some(windowed) = self.perturbations.iter().find(|one| one.window != Window::from(..)) {
            let expected = "over the whole time, `..`, where the dynamics are those of one network";
            return Err(Error::argument("window", expected, &windowed.window));
        }
        if self.perturbations.is_empty() {
            return Ok(self.network.arrays());
        }
        let weights = apply::lasting(&self.perturbations, &self.weights, &self.network)?;
        let constants = self.constants();
        let mut arrays = Dynamics::new(&weights, constants.clone())?.arrays();
        for perturbation in &self.perturbations {
            if let Effect::Stimulate { units, current } = &perturbation.effect {
                let n_rec = arrays.counts.n_rec;
                let mut biases = arrays.step.slice_mut(s![constants.units().driven() * n_rec.., n_rec]);
                units.among(n_rec, "units")?.into_iter().for_each(|unit| biases[unit] += f64::from(*current));
            }
        }
        Ok(arrays)
    }

    /// The states in which trials begin, `[n_state]` each: one, or that of each trial.
    pub(crate) fn initial_states(&self) -> Vec<Array1<f64>> {
        let rows = self.network.initial().iter().map(Array2::nrows).max().unwrap_or(0);
        let row = |of: &Array2<f32>, trial: usize| of.row(trial.min(of.nrows() - 1)).mapv(f64::from).to_vec();
        (0..rows).map(|trial| self.network.initial().iter().flat_map(|of| row(of, trial)).collect()).collect()
    }
}
