//! How a state moves one step: the equations, on plain arrays, without libtorch.
//!
//! There is one definition of each equation. The simulator runs it here; training differentiates the same equation in
//! libtorch, and the tests hold both to each other.

mod leaky;
mod lstm;
pub(crate) mod noise;
mod tape;
mod transfer;

pub use leaky::{Leak, LeakyRnn};
#[cfg(feature = "torch")]
pub(crate) use lstm::GATES;
pub use lstm::{Cell, CellOutput, LstmRnn};
pub use transfer::{CustomTransfer, Transfer};

use leaky::LeakyTape;
use lstm::LstmTape;
use ndarray::{Array3, ArrayView3, s};
use serde::{Deserialize, Serialize};

pub(crate) use tape::Pool;
use tape::{Block, Gradients, Steps, add, block_of, partition};

use crate::weights::Weights;
use crate::{Error, Result, threads};

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
        let tape = self.run(inputs, noise, gain)?;
        Ok((tape.states(), tape.outputs()))
    }

    /// As [`Dynamics::forward`], with all that [`Dynamics::backward`] needs.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn run(
        &self,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
        gain: Option<ArrayView3<'_, f32>>,
    ) -> Result<Tape> {
        self.run_with(&Pool::default(), inputs, noise, gain)
    }

    /// As [`Dynamics::run`], with memory of earlier runs.
    pub(crate) fn run_with(
        &self,
        pool: &Pool,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
        gain: Option<ArrayView3<'_, f32>>,
    ) -> Result<Tape> {
        let (n_in, n_rec, _) = self.sizes();
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
        let blocks = threads::map(partition(n_batch).collect(), |(first, n_trials)| {
            let block = Block {
                first,
                inputs: block_of(pool, inputs, first, n_trials),
                noise: noise.as_ref().map(|noise| noise.slice(s![first..first + n_trials, .., ..])),
                gain: gain.as_ref().map(|gain| gain.view()),
            };
            Ok(match self {
                Self::Leaky(network) => BlockTape::Leaky(network.forward_block(block)),
                Self::Lstm(network) => BlockTape::Lstm(network.forward_block(block)),
            })
        })?;
        Ok(Tape { n_batch, n_steps, blocks })
    }

    /// The gradients of a loss with respect to the effective weights, by their names, from those with respect to the outputs
    /// `[n_batch, n_steps, n_out]` and, where the loss depends on them by itself, to the states `[n_batch, n_steps, n_rec]`.
    ///
    /// # Errors
    /// If the shapes do not fit the tape.
    pub fn backward(
        &self,
        tape: &Tape,
        d_outputs: ArrayView3<'_, f32>,
        d_states: Option<ArrayView3<'_, f32>>,
    ) -> Result<Weights> {
        let check = |name: &str, shape: &[usize], n: usize| {
            let expected = [tape.n_batch, tape.n_steps, n];
            if shape == expected { Ok(()) } else { Err(Error::shape(name, format!("{expected:?}"), shape)) }
        };
        let (_, n_rec, n_out) = self.sizes();
        check("d_outputs", d_outputs.shape(), n_out)?;
        d_states.map_or(Ok(()), |d_states| check("d_states", d_states.shape(), n_rec))?;
        let blocks = threads::map(tape.blocks.iter().collect(), |block: &BlockTape| {
            let (first, n_trials) = (block.first(), block.outputs().n_trials);
            let pool = block.outputs().pool();
            let d_outputs = block_of(pool, d_outputs, first, n_trials);
            let d_states = d_states.map(|d_states| block_of(pool, d_states, first, n_trials));
            Ok(match (self, block) {
                (Self::Leaky(network), BlockTape::Leaky(tape)) => {
                    network.backward_block(tape, &d_outputs, d_states.as_ref())
                }
                (Self::Lstm(network), BlockTape::Lstm(tape)) => {
                    network.backward_block(tape, &d_outputs, d_states.as_ref())
                }
                // A tape is only ever given back to the network that made it.
                _ => Gradients::new(),
            })
        })?;
        let mut total = Gradients::new();
        blocks.into_iter().for_each(|gradients| add(&mut total, gradients));
        let mut gradients = Weights::new();
        total.into_iter().for_each(|(name, gradient)| gradients.insert(&name, gradient));
        Ok(gradients)
    }
}

/// What a forward run leaves behind for the way back: `4 n_batch n_steps` bytes for each of `2 n_rec + n_in + n_out` numbers
/// of a leaky network, and of `7 n_rec + n_in + n_out` of an LSTM.
#[derive(Debug)]
pub struct Tape {
    n_batch: usize,
    n_steps: usize,
    blocks: Vec<BlockTape>,
}

#[derive(Debug)]
enum BlockTape {
    Leaky(LeakyTape),
    Lstm(LstmTape),
}

impl BlockTape {
    fn first(&self) -> usize {
        match self {
            Self::Leaky(tape) => tape.first,
            Self::Lstm(tape) => tape.first,
        }
    }

    fn outputs(&self) -> &Steps {
        match self {
            Self::Leaky(tape) => &tape.outputs,
            Self::Lstm(tape) => &tape.outputs,
        }
    }

    /// The states, the initial one first.
    fn states(&self) -> &Steps {
        match self {
            Self::Leaky(tape) => &tape.states,
            Self::Lstm(tape) => &tape.h,
        }
    }
}

impl Tape {
    /// The states `[n_batch, n_steps, n_rec]`, the initial one left out.
    #[must_use]
    pub fn states(&self) -> Array3<f32> {
        self.batch(BlockTape::states, 1)
    }

    /// The outputs `[n_batch, n_steps, n_out]`.
    #[must_use]
    pub fn outputs(&self) -> Array3<f32> {
        self.batch(BlockTape::outputs, 0)
    }

    fn batch(&self, part: fn(&BlockTape) -> &Steps, from: usize) -> Array3<f32> {
        let n = self.blocks.first().map_or(0, |block| part(block).n);
        let mut all = Array3::zeros((self.n_batch, self.n_steps, n));
        for block in &self.blocks {
            let (first, steps) = (block.first(), part(block));
            steps.to_batch(from, all.slice_mut(s![first..first + steps.n_trials, .., ..]));
        }
        all
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
