//! How a state moves one step: the equations, on plain arrays, without libtorch.
//!
//! There is one definition of each equation. The simulator runs it here; training differentiates the same equation in
//! libtorch, and the tests hold both to each other.

mod leaky;
mod lstm;
pub(crate) mod noise;
mod transfer;

pub use leaky::{Leak, LeakyRnn};
#[cfg(feature = "torch")]
pub(crate) use lstm::GATES;
pub use lstm::{Cell, CellOutput, LstmRnn};
pub use transfer::{CustomTransfer, Transfer};

use ndarray::{Array2, Array3, ArrayView2, ArrayView3, ArrayViewMut3, Axis, s};
use serde::{Deserialize, Serialize};

use crate::weights::Weights;
use crate::{Error, Result, threads};

/// Trials that one thread carries through a whole sequence. The partition is the same for any number of threads.
const BLOCK: usize = 32;

/// The constants of a network, which its weights alone do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constants {
    /// A leaky recurrent network.
    Leaky(Leak),
    /// An LSTM.
    Lstm(Cell),
}

impl From<Leak> for Constants {
    fn from(leak: Leak) -> Self {
        Self::Leaky(leak)
    }
}

impl From<Cell> for Constants {
    fn from(cell: Cell) -> Self {
        Self::Lstm(cell)
    }
}

impl Constants {
    /// The time step, in milliseconds.
    #[must_use]
    pub fn dt(&self) -> f32 {
        match self {
            Self::Leaky(leak) => leak.dt,
            Self::Lstm(cell) => cell.dt,
        }
    }

    /// The standard deviation `σ` of the recurrent noise.
    #[must_use]
    pub fn noise(&self) -> f32 {
        match self {
            Self::Leaky(leak) => leak.noise,
            Self::Lstm(_) => 0.0,
        }
    }
}

/// A network in plain arrays.
#[derive(Clone, Debug, PartialEq)]
pub enum Dynamics {
    /// A leaky recurrent network.
    Leaky(LeakyRnn),
    /// An LSTM.
    Lstm(LstmRnn),
}

impl Dynamics {
    /// The network with these effective weights and constants.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, or if the constants make no sense.
    pub fn new(weights: &Weights, constants: impl Into<Constants>) -> Result<Self> {
        Ok(match constants.into() {
            Constants::Leaky(leak) => Self::Leaky(LeakyRnn::new(weights, leak)?),
            Constants::Lstm(cell) => Self::Lstm(LstmRnn::new(weights, cell)?),
        })
    }

    /// The constants.
    #[must_use]
    pub fn constants(&self) -> Constants {
        match self {
            Self::Leaky(network) => network.leak.clone().into(),
            Self::Lstm(network) => network.cell.into(),
        }
    }

    /// The numbers of input channels, of units and of output channels.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        match self {
            Self::Leaky(network) => (network.w_in.ncols(), network.w_in.nrows(), network.w_out.nrows()),
            Self::Lstm(network) => (network.w_input.nrows(), network.w_out.ncols(), network.w_out.nrows()),
        }
    }

    /// Runs the network on inputs `[n_batch, n_steps, n_in]`. `noise` is unit Gaussian noise `[n_batch, n_steps, n_rec]`
    /// if the network is to be noisy; `gain` `[n_steps, n_rec, n_rec]` (`[.., post, pre]`) multiplies the recurrent weights
    /// at each step. Gives states `[n_batch, n_steps, n_rec]` and outputs `[n_batch, n_steps, n_out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
        gain: Option<ArrayView3<'_, f32>>,
    ) -> Result<(Array3<f32>, Array3<f32>)> {
        let (n_in, n_rec, n_out) = self.sizes();
        let (n_batch, n_steps, _) = inputs.dim();
        let check =
            |name: &str, array: Option<ArrayView3<'_, f32>>, meaning: &str, shape: (usize, usize, usize)| match array
                .filter(|array| array.dim() != shape)
            {
                Some(array) => Err(Error::shape(name, format!("{meaning} = {shape:?}"), array.shape())),
                None => Ok(()),
            };
        check("inputs", Some(inputs), "[n_batch, n_steps, n_in]", (n_batch, n_steps, n_in))?;
        check("noise", noise, "[n_batch, n_steps, n_rec]", (n_batch, n_steps, n_rec))?;
        check("connectivity", gain, "[n_steps, n_rec, n_rec]", (n_steps, n_rec, n_rec))?;
        let initial = match self {
            Self::Leaky(network) => &network.init_state,
            Self::Lstm(network) => &network.init_hidden,
        };
        if initial.nrows() != 1 && initial.nrows() != n_batch {
            let expected = format!("[1, n_rec] or [n_batch = {n_batch}, n_rec]");
            return Err(Error::shape("initial state", expected, initial.shape()));
        }
        let mut states = Array3::zeros((n_batch, n_steps, n_rec));
        let mut outputs = Array3::zeros((n_batch, n_steps, n_out));
        let blocks: Vec<_> = inputs
            .axis_chunks_iter(Axis(0), BLOCK)
            .zip(states.axis_chunks_iter_mut(Axis(0), BLOCK))
            .zip(outputs.axis_chunks_iter_mut(Axis(0), BLOCK))
            .enumerate()
            .map(|(i, ((inputs, states), outputs))| {
                let first = i * BLOCK;
                let trials = first..first + inputs.len_of(Axis(0));
                let noise = noise.as_ref().map(|noise| noise.slice(s![trials, .., ..]));
                Block { first, inputs, noise, gain: gain.as_ref().map(|gain| gain.view()), states, outputs }
            })
            .collect();
        threads::map(blocks, |mut block| {
            match self {
                Self::Leaky(network) => network.forward_block(&mut block),
                Self::Lstm(network) => network.forward_block(&mut block),
            }
            Ok(())
        })?;
        Ok((states, outputs))
    }
}

/// Some trials of a batch: what goes in, and where what comes out is put.
struct Block<'a> {
    /// The number of the first trial in the batch.
    first: usize,
    inputs: ArrayView3<'a, f32>,
    noise: Option<ArrayView3<'a, f32>>,
    gain: Option<ArrayView3<'a, f32>>,
    states: ArrayViewMut3<'a, f32>,
    outputs: ArrayViewMut3<'a, f32>,
}

impl Block<'_> {
    fn dim(&self) -> (usize, usize) {
        (self.inputs.len_of(Axis(0)), self.inputs.len_of(Axis(1)))
    }

    fn input(&self, t: usize) -> ArrayView2<'_, f32> {
        self.inputs.index_axis(Axis(1), t)
    }

    fn gain(&self, t: usize) -> Option<ArrayView2<'_, f32>> {
        self.gain.as_ref().map(|gain| gain.index_axis(Axis(0), t))
    }

    /// The state at the start: one for all trials, or the rows of these trials.
    fn initial(&self, states: &Array2<f32>) -> Array2<f32> {
        let n_batch = self.dim().0;
        if states.nrows() == 1 {
            Array2::from_shape_fn((n_batch, states.ncols()), |(_, unit)| states[[0, unit]])
        } else {
            states.slice(s![self.first..self.first + n_batch, ..]).to_owned()
        }
    }

    fn record(&mut self, t: usize, state: &Array2<f32>, output: &Array2<f32>) {
        self.states.index_axis_mut(Axis(1), t).assign(state);
        self.outputs.index_axis_mut(Axis(1), t).assign(output);
    }
}

/// An error that names the first array which is missing, has another shape, or holds NaN.
fn check_shapes(weights: &Weights, shapes: &[(&str, &str, &[usize])]) -> Result<()> {
    for (name, meaning, expected) in shapes {
        let array = weights.array(name)?;
        let shape: Vec<usize> = match expected.len() {
            // A vector may come as a row or a column.
            1 => array.shape().iter().copied().filter(|&length| length != 1).collect(),
            _ => array.shape().to_vec(),
        };
        let is_one = *expected == [1] && shape.is_empty();
        if (shape != *expected && !is_one)
            || expected[0] == 0
            || (expected.len() == 2 && *name == "W_out" && expected[1] == 0)
        {
            return Err(Error::shape(*name, format!("{meaning} = {expected:?}, none of them 0"), array.shape()));
        }
    }
    weights.check_finite()
}
