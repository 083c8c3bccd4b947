//! One step of a network by itself: for closed loops, in which inputs depend on what the network did.

use indexmap::IndexMap;
use ndarray::{Array2, Array3, Axis, s};

use super::Simulator;
use crate::caught::caught_in;
use crate::dynamics::{Keep, Rows, Run, Want};
use crate::random::Seed;
use crate::task::{Batch, Decision, TaskSpec};
use crate::{Error, Result};

/// What a network carries from one step to the next, for several trials at once.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The states `[n_trials, n_rec]`, by the names of the initial states in whose place they are: `init_state` of a leaky network,
    /// `init_hidden` and `init_cell` of an LSTM. They may be changed between steps.
    pub values: IndexMap<String, Array2<f32>>,
    /// The steps that were made.
    pub steps: usize,
    seed: Seed,
    numbers: Vec<u64>,
}

/// What a network did in a step. Its states are in [`State::values`].
#[derive(Clone, Debug, PartialEq)]
pub struct Stepped {
    /// The rates `[n_trials, n_rec]` after it.
    pub rates: Array2<f32>,
    /// The outputs `[n_trials, n_out]`.
    pub outputs: Array2<f32>,
}

/// One step at a time.
impl Simulator {
    /// The state in which so many trials begin.
    ///
    /// # Errors
    /// If a setting makes no sense, or if the network has initial states for another number of trials.
    pub fn start(&self, n_trials: usize, seed: impl Into<Seed>) -> Result<State> {
        let (seed, numbers) = (seed.into(), (0..n_trials as u64).collect::<Vec<_>>());
        let network = self.started(seed, &numbers)?;
        let of_trials = |(name, initial): (&&str, &Array2<f32>)| {
            let all = initial.broadcast((n_trials, initial.ncols())).map(|all| all.to_owned());
            let one_each = || Some(initial.clone()).filter(|initial| initial.nrows() == n_trials);
            let expected = format!("[1, n_rec] or [n_trials = {n_trials}, n_rec]");
            let all = all.or_else(one_each).ok_or_else(|| Error::shape(*name, expected, initial.shape()))?;
            Ok(((*name).to_owned(), all))
        };
        let values = self.names().iter().zip(network.initial()).map(of_trials).collect::<Result<_>>()?;
        Ok(State { values, steps: 0, seed, numbers })
    }

    /// Makes one step of all trials on inputs `[n_trials, n_in]`, and moves the state on. Step by step from [`Simulator::start`] it gives
    /// the same bits as [`Simulator::run`] on a batch with the same seed, noise and perturbations included.
    ///
    /// ```no_run
    /// use psychrnn::prelude::*;
    /// use ndarray::Array2;
    /// let simulator = Simulator::load("weights.npz")?;
    /// let mut state = simulator.start(10, 1)?;
    /// let mut inputs = Array2::zeros((10, 2));
    /// for _ in 0..200 {
    ///     let now = simulator.step(&mut state, &inputs)?;
    ///     inputs.column_mut(0).assign(&now.outputs.column(0)); // what comes next depends on what the network did
    /// }
    /// # Ok::<(), psychrnn::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the inputs or the state have another shape than the network or hold NaN, if [`Simulator::recurrent_gain`] is set, or if a
    /// perturbation has a window: there is no trial whose times these could be.
    pub fn step(&self, state: &mut State, inputs: &Array2<f32>) -> Result<Stepped> {
        self.check_without_times()?;
        let (n_in, n_rec, n_out) = self.network.sizes();
        let n_trials = state.numbers.len();
        if inputs.dim() != (n_trials, n_in) {
            let expected = format!("[n_trials = {n_trials}, n_in = {n_in}]");
            return Err(Error::shape("inputs", expected, inputs.shape()));
        }
        let nothing = Array3::zeros((n_trials, 1, n_out));
        let spec = TaskSpec { dt: self.constants().dt(), decision: Decision::none(), ..TaskSpec::new(n_in, n_out) };
        let batch = Batch::from_arrays(&spec, inputs.clone().insert_axis(Axis(1)), nothing.clone(), nothing)?;
        let want = Want { states: Rows::None, rates: Rows::All, keep: Keep::Nothing, ends: true };
        let units: Vec<usize> = (0..n_rec).collect();
        let run = self.moved(state, &batch, &want, &units)?;
        Ok(Stepped { rates: run.rates.index_axis_move(Axis(1), 0), outputs: run.outputs.index_axis_move(Axis(1), 0) })
    }

    /// What the network does on the steps of a batch from a state on, which is moved to their end; all of its trials are as long.
    pub(super) fn moved(&self, state: &mut State, batch: &Batch, want: &Want, units: &[usize]) -> Result<Run> {
        let (n_trials, n_rec) = (state.numbers.len(), self.network.sizes().1);
        let mut network = self.network.clone();
        for (name, initial) in self.names().iter().zip(network.initial_mut()) {
            let values = state.values.get(*name).filter(|values| values.dim() == (n_trials, n_rec));
            let expected = || format!("[n_trials = {n_trials}, n_rec = {n_rec}]");
            let values = values.ok_or_else(|| Error::argument(*name, expected(), "another shape, or left out"))?;
            if let Some((at, &value)) = values.indexed_iter().find(|(_, value)| !value.is_finite()) {
                return Err(Error::NotFinite { name: (*name).to_owned(), value: value.into(), at: format!("{at:?}") });
            }
            initial.clone_from(values);
        }
        // Noise goes on with the state, whatever the trials are called.
        let batch = Batch { seed: state.seed, numbers: state.numbers.clone(), ..batch.clone() };
        batch.check()?;
        let run = caught_in("the transfer function", || self.ran(&network, &batch, state.steps, want, units))?;
        for (number, name) in self.names().iter().enumerate() {
            let end = run.ends.slice(s![.., number * n_rec..(number + 1) * n_rec]);
            state.values.insert((*name).to_owned(), end.to_owned());
        }
        state.steps += batch.n_steps();
        Ok(run)
    }

    /// The names of the initial states.
    fn names(&self) -> &'static [&'static str] {
        self.network.initial_names()
    }
}
