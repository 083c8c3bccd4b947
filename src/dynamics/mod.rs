//! How a state moves one step, and how gradients move back: the equations, on plain arrays, without libtorch.
//!
//! There is one definition of each equation. The simulator and training run it here; training on libtorch's graph writes it
//! once more in tensors, and the tests hold both to each other.
//!
//! # Forward
//!
//! With `u` the inputs, `x` the states, `r = f(x)` the rates, `z` the outputs, `α = dt / τ` and `n` unit Gaussian noise, a leaky
//! network makes these steps, and begins with `x[0] = init_state`:
//!
//! ```text
//! x[t] = (1 - α) x[t-1] + α (W_rec r[t-1] + W_in u[t] + b_rec) + √(2α) σ n[t]
//! z[t] = g(W_out r[t] + b_out)
//! ```
//!
//! where `g` is the [`Readout`], by default the identity.
//!
//! # Backward
//!
//! The loss `L` depends on the outputs, and perhaps on the states. What it gives, `dL/dz[t]` and `∂L/∂x[t]`, goes back through
//! time as the adjoint `δ[t] = dL/dx[t]`, which has three sources: the loss itself, the rates, which drive the outputs and the next
//! step, and the leak:
//!
//! ```text
//! δ[t] = ∂L/∂x[t] + f'(x[t]) (W_outᵀ dL/dz[t] + W_recᵀ α δ[t+1]) + (1 - α) δ[t+1]
//! ```
//!
//! Where the readout is not linear, `dL/dz` stands for `g'ᵀ dL/dz`. Nothing comes from after the last step, and `δ[0]` is the gradient of `init_state`. Those of the weights are sums over
//! steps and trials:
//!
//! ```text
//! dL/dW_rec = Σ α δ[t] r[t-1]ᵀ    dL/dW_in = Σ α δ[t] u[t]ᵀ    dL/db_rec = Σ α δ[t]
//! dL/dW_out = Σ dL/dz[t] r[t]ᵀ    dL/db_out = Σ dL/dz[t]
//! ```
//!
//! [`LstmRnn`] has the equations of the LSTM.
//!
//! # How it is computed
//!
//! The trials of a batch are parted into blocks of two vector registers' width. A thread carries a block through all steps, so
//! that threads never wait for each other within a sequence. Within a block the trials lie side by side in the lanes of the
//! registers, unit by unit: whatever the number of units, no lane is idle, a weight is one number for all lanes, and inputs and
//! the constant 1 for the biases are further columns of one product a step. The weights are packed once an update. On the way
//! back the adjoints of a chunk of steps are gathered, and one product over all of its steps and lanes gives the sums for all
//! weights. Neither the partition nor the order of any sum depends on the number of threads.
//!
//! Which registers there are is found out when the program runs: AVX-512 or AVX2 with FMA on x86, NEON on ARM. Machines with
//! different registers may differ in last bits.

mod block;
mod lanes;
mod leaky;
mod lstm;
mod math;
pub(crate) mod noise;
mod omega;
pub(crate) mod parts;
mod product;
mod readout;
mod transfer;

pub use leaky::{Leak, LeakyRnn};
pub(crate) use lstm::GATES;
pub use lstm::{Cell, CellOutput, LstmRnn};
pub use noise::{Covariance, UnitNoise, standard_normal};
pub use omega::Vanishing;
pub use readout::Readout;
pub use transfer::{CustomTransfer, Transfer};

use std::sync::Arc;

use block::{BlockTape, CHUNK, Drive, Gradients, Kernel, STRETCH, View, add};
use lanes::{BatchMajor, Block};
use leaky::LeakyTrace;
use lstm::LstmTrace;
use ndarray::{Array3, ArrayView3};
use noise::Noise;
use serde::{Deserialize, Serialize};

pub use block::Keep;
pub(crate) use block::Rows;
pub(crate) use lanes::Pool;

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

    /// Whether they are those of a leaky network.
    #[cfg(feature = "torch")]
    pub(crate) fn is_leaky(&self) -> bool {
        matches!(self, Self::Leaky(_))
    }

    /// The output function.
    #[must_use]
    pub fn readout(&self) -> Readout {
        match self {
            Self::Leaky(leak) => leak.readout,
            Self::Lstm(cell) => cell.readout,
        }
    }

    /// The standard deviation `σ` of the recurrent noise, of the noisiest unit if they differ.
    #[must_use]
    pub fn noise(&self) -> f32 {
        match self {
            Self::Leaky(leak) => leak.largest_noise(),
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

    /// The same network in steps of `dt`, in milliseconds.
    pub(crate) fn in_steps_of(self, dt: f32) -> Result<Self> {
        match self {
            Self::Leaky(network) => network.in_steps_of(dt).map(Self::Leaky),
            Self::Lstm(network) => {
                let expected =
                    format!("{} ms: an LSTM has no time constant, so its steps have one size", network.cell.dt);
                Err(Error::argument("dt", expected, dt))
            }
        }
    }

    /// The initial states `[1, n_rec]`, or `[n_batch, n_rec]` for those of each trial; of an LSTM `init_hidden`.
    pub(crate) fn initial(&self) -> &ndarray::Array2<f32> {
        match self {
            Self::Leaky(network) => &network.init_state,
            Self::Lstm(network) => &network.init_hidden,
        }
    }

    /// As [`Dynamics::initial`], to be changed.
    pub(crate) fn initial_mut(&mut self) -> &mut ndarray::Array2<f32> {
        match self {
            Self::Leaky(network) => &mut network.init_state,
            Self::Lstm(network) => &mut network.init_hidden,
        }
    }

    /// The numbers of input channels, of units and of output channels.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        match self {
            Self::Leaky(network) => Kernel::sizes(network),
            Self::Lstm(network) => Kernel::sizes(network),
        }
    }

    /// Runs the network on inputs `[n_batch, n_steps, n_in]`. `noise` is unit Gaussian noise `[n_batch, n_steps, n_rec]`
    /// if the network is to be noisy; `gain` `[n_steps, n_rec, n_rec]` (`[.., post, pre]`) multiplies the recurrent weights
    /// at each step. Gives states `[n_batch, n_steps, n_rec]`, the initial one left out, and outputs
    /// `[n_batch, n_steps, n_out]`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(
        &self,
        inputs: ArrayView3<'_, f32>,
        noise: Option<ArrayView3<'_, f32>>,
        gain: Option<ArrayView3<'_, f32>>,
    ) -> Result<(Array3<f32>, Array3<f32>)> {
        let noise = noise.map_or(Noise::Off, |noise| Noise::Given(noise.to_owned()));
        let run = self.run_with(&Pool::default(), inputs, noise, gain, Want::states(Keep::Nothing))?;
        Ok((run.states, run.outputs))
    }

    /// As [`Dynamics::forward`] without a gain, with what [`Dynamics::backward`] needs.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn run(&self, inputs: ArrayView3<'_, f32>, noise: Option<ArrayView3<'_, f32>>, keep: Keep) -> Result<Run> {
        let noise = noise.map_or(Noise::Off, |noise| Noise::Given(noise.to_owned()));
        self.run_with(&Pool::default(), inputs, noise, None, Want::states(keep))
    }

    /// A run with memory of earlier ones.
    pub(crate) fn run_with(
        &self,
        pool: &Pool,
        inputs: ArrayView3<'_, f32>,
        noise: Noise,
        gain: Option<ArrayView3<'_, f32>>,
        want: Want,
    ) -> Result<Run> {
        let (n_in, n_rec, _) = self.sizes();
        let (n_batch, n_steps, _) = inputs.dim();
        let check = |name: &str, array: Option<&[usize]>, meaning: &str, shape: [usize; 3]| match array
            .filter(|array| *array != shape)
        {
            Some(array) => Err(Error::shape(name, format!("{meaning} = {shape:?}"), array)),
            None => Ok(()),
        };
        check("inputs", Some(inputs.shape()), "[n_batch, n_steps, n_in]", [n_batch, n_steps, n_in])?;
        check("noise", noise.shape(), "[n_batch, n_steps, n_rec]", [n_batch, n_steps, n_rec])?;
        check(
            "connectivity",
            gain.as_ref().map(|gain| gain.shape()),
            "[n_steps, n_rec, n_rec]",
            [n_steps, n_rec, n_rec],
        )?;
        self.check_initial(n_batch)?;
        let gain = gain.map(|gain| Arc::new(gain.to_owned()));
        let inputs = BatchMajor::new(&inputs);
        let noise = Arc::new(self.mixed(noise, n_steps));
        let work = Work { pool, inputs, n_batch, noise, gain, want };
        let mut run = match self {
            Self::Leaky(network) => work.forward(network, Tapes::Leaky),
            Self::Lstm(network) => work.forward(network, Tapes::Lstm),
        }?;
        self.readout().apply(&mut run.outputs);
        Ok(run)
    }

    /// The noise as the kernel adds it to the units.
    fn mixed(&self, noise: Noise, n_steps: usize) -> Noise {
        match self {
            Self::Leaky(network) => match &network.leak.unit_noise {
                Some(UnitNoise::Covariance(covariance)) => noise.mixed(covariance, n_steps),
                _ => noise,
            },
            Self::Lstm(_) => noise,
        }
    }

    /// The output function.
    pub(crate) fn readout(&self) -> Readout {
        match self {
            Self::Leaky(network) => network.leak.readout,
            Self::Lstm(network) => network.cell.readout,
        }
    }

    /// An error if there are initial states for another number of trials.
    fn check_initial(&self, n_batch: usize) -> Result<()> {
        let initial = self.initial();
        if initial.nrows() == 1 || initial.nrows() == n_batch {
            return Ok(());
        }
        let expected = format!("[1, n_rec] or [n_batch = {n_batch}, n_rec]");
        Err(Error::shape("initial state", expected, initial.shape()))
    }

    /// What a run may keep for the way back so that this takes no more than a number of bytes, if that can be.
    #[must_use]
    pub fn keep_within(&self, bytes: usize, n_batch: usize, n_steps: usize) -> Keep {
        // Where not everything fits, as many states are kept as a stretch between two of them has steps.
        let every = Keep::Every(n_steps.isqrt().max(1));
        if self.bytes_kept(Keep::All, n_batch, n_steps) <= bytes as u64 { Keep::All } else { every }
    }

    /// The bytes that a run takes for the way back.
    pub(crate) fn bytes_kept(&self, keep: Keep, n_batch: usize, n_steps: usize) -> u64 {
        self.bytes_of_blocks(n_batch, |block| match keep {
            Keep::Nothing => 0,
            Keep::All => self.trace_numbers(block, n_steps).saturating_add(self.input_numbers(block, n_steps)),
            Keep::Every(steps) => {
                let rows = match self {
                    Self::Leaky(network) => network.state_rows(),
                    Self::Lstm(network) => network.state_rows(),
                };
                let states = block.numbers(n_steps.div_ceil(steps.max(1)), rows) as u64;
                states.saturating_add(self.input_numbers(block, n_steps))
            }
        })
    }

    /// The bytes that each thread takes besides, while it works on a block.
    pub(crate) fn bytes_at_work(&self, keep: Keep, n_batch: usize, n_steps: usize) -> u64 {
        let stretch = match keep {
            Keep::Nothing => STRETCH,
            Keep::All => 0,
            Keep::Every(steps) => steps.saturating_add(CHUNK).min(n_steps),
        };
        let (_, _, n_out) = self.sizes();
        let of_block = |block: &Block| {
            let back = block.numbers(n_steps.saturating_add(1), n_out) as u64;
            let numbers = [self.trace_numbers(block, stretch), self.input_numbers(block, n_steps), back];
            numbers.into_iter().fold(0, u64::saturating_add)
        };
        let n_threads = threads::threads().min(n_batch.div_ceil(Block::most_trials())) as u64;
        self.bytes_of_blocks(n_batch.min(Block::most_trials()), of_block).saturating_mul(n_threads)
    }

    /// The sum of numbers over the blocks of a batch, in bytes. All blocks are alike but the last, which may have fewer vectors.
    fn bytes_of_blocks(&self, n_batch: usize, of_block: impl Fn(&Block) -> u64) -> u64 {
        let (whole, last) = Block::whole_and_last(n_batch);
        let numbers = whole.map_or(0, |(block, count)| of_block(&block).saturating_mul(count as u64));
        numbers.saturating_add(last.map_or(0, |block| of_block(&block))).saturating_mul(4)
    }

    fn input_numbers(&self, block: &Block, n_steps: usize) -> u64 {
        block.numbers(n_steps.saturating_add(1), 1 + self.sizes().0) as u64
    }

    fn trace_numbers(&self, block: &Block, n_steps: usize) -> u64 {
        let (_, n_rec, _) = self.sizes();
        let rows = match self {
            Self::Leaky(network) => network.trace_rows(),
            Self::Lstm(network) => network.trace_rows(),
        };
        let of_unit = block.numbers(n_steps.saturating_add(1), n_rec) as u64;
        of_unit.saturating_mul((rows / n_rec.max(1)) as u64)
    }

    /// The gradients of a loss with respect to the effective weights, by their names, from those with respect to the outputs
    /// `[n_batch, n_steps, n_out]` and, where the loss depends on them by itself, to the states `[n_batch, n_steps, n_rec]`.
    ///
    /// # Errors
    /// If the shapes do not fit the run, or if it kept nothing.
    pub fn backward(
        &self,
        run: &Run,
        d_outputs: ArrayView3<'_, f32>,
        d_states: Option<ArrayView3<'_, f32>>,
    ) -> Result<Weights> {
        self.backward_through(run, d_outputs, d_states, false).map(|(gradients, _)| gradients)
    }

    /// As [`Dynamics::backward`], with the adjoints `δ[t] = dL/dx[t]` of the states, `[n_batch, n_steps, n_rec]`.
    ///
    /// # Errors
    /// As [`Dynamics::backward`]; also for an LSTM, whose adjoints are those of its gates.
    pub fn backward_with_adjoints(
        &self,
        run: &Run,
        d_outputs: ArrayView3<'_, f32>,
        d_states: Option<ArrayView3<'_, f32>>,
    ) -> Result<(Weights, Array3<f32>)> {
        if matches!(self, Self::Lstm(_)) {
            return Err(Error::argument("network", "a leaky one", "an LSTM, which has gates in place of one state"));
        }
        let (gradients, adjoints) = self.backward_through(run, d_outputs, d_states, true)?;
        let (n_batch, n_steps, _) = run.outputs.dim();
        let shape = (n_batch, n_steps, self.sizes().1);
        let adjoints = Array3::from_shape_vec(shape, adjoints)
            .map_err(|error| Error::argument("run", "one of this network", error))?;
        Ok((gradients, adjoints))
    }

    fn backward_through(
        &self,
        run: &Run,
        d_outputs: ArrayView3<'_, f32>,
        d_states: Option<ArrayView3<'_, f32>>,
        wants_adjoints: bool,
    ) -> Result<(Weights, Vec<f32>)> {
        let (n_batch, n_steps, n_out) = run.outputs.dim();
        let (_, n_rec, _) = self.sizes();
        let check = |name: &str, shape: &[usize], n: usize| {
            let expected = [n_batch, n_steps, n];
            if shape == expected { Ok(()) } else { Err(Error::shape(name, format!("{expected:?}"), shape)) }
        };
        check("d_outputs", d_outputs.shape(), n_out)?;
        d_states.as_ref().map_or(Ok(()), |d_states| check("d_states", d_states.shape(), n_rec))?;
        if run.tapes.is_empty() && n_batch > 0 {
            return Err(Error::argument("run", "one that kept what the way back needs", "Keep::Nothing"));
        }
        let through_readout = match self.readout() {
            Readout::Linear => None,
            readout => Some(readout.backward(&run.outputs, d_outputs)),
        };
        let d_outputs = match &through_readout {
            None => d_outputs.view(),
            Some(through) => through.view(),
        };
        let blocks = match (self, &run.tapes) {
            (Self::Leaky(network), Tapes::Leaky(tapes)) => {
                backward(network, tapes, d_outputs, d_states, wants_adjoints)
            }
            (Self::Lstm(network), Tapes::Lstm(tapes)) => backward(network, tapes, d_outputs, d_states, wants_adjoints),
            _ => Err(Error::argument("run", "one of this network", "that of another kind of network")),
        }?;
        let (mut total, mut adjoints) = (Gradients::new(), Vec::new());
        for (gradients, of_block) in blocks {
            add(&mut total, gradients);
            adjoints.extend(of_block.into_iter().flatten());
        }
        let mut gradients = Weights::new();
        total.into_iter().for_each(|(name, gradient)| gradients.insert(&name, gradient));
        Ok((gradients, adjoints))
    }
}

/// What is wanted of a run, beside its outputs.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    /// Whose states are.
    pub(crate) states: Rows,
    /// Whose rates are.
    pub(crate) rates: Rows,
    /// What is kept for the way back.
    pub(crate) keep: Keep,
}

impl Want {
    /// The states of all units.
    pub(crate) fn states(keep: Keep) -> Self {
        Self { states: Rows::All, rates: Rows::None, keep }
    }

    /// Nothing but outputs.
    #[cfg(any(test, feature = "torch"))]
    pub(crate) fn outputs(keep: Keep) -> Self {
        Self { states: Rows::None, rates: Rows::None, keep }
    }
}

/// A forward run.
///
/// For the way back [`Keep::All`] takes `4 n_batch n_steps` bytes for each of `n_rec + n_in + 1` numbers of a leaky network, and of
/// `7 n_rec + n_in + 1` of an LSTM; the slopes of a softplus or of a function of one's own are `n_rec` more.
#[derive(Debug)]
pub struct Run {
    /// The states `[n_batch, n_steps, n_rec]`, the initial one left out.
    pub states: Array3<f32>,
    /// The rates of the units of which they were wanted.
    pub(crate) rates: Array3<f32>,
    /// The outputs `[n_batch, n_steps, n_out]`.
    pub outputs: Array3<f32>,
    tapes: Tapes,
}

enum Tapes {
    Leaky(Vec<BlockTape<LeakyTrace>>),
    Lstm(Vec<BlockTape<LstmTrace>>),
}

impl Tapes {
    fn is_empty(&self) -> bool {
        match self {
            Self::Leaky(tapes) => tapes.is_empty(),
            Self::Lstm(tapes) => tapes.is_empty(),
        }
    }
}

impl std::fmt::Debug for Tapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leaky(tapes) => write!(f, "{} blocks of a leaky network", tapes.len()),
            Self::Lstm(tapes) => write!(f, "{} blocks of an LSTM", tapes.len()),
        }
    }
}

/// What goes into a run.
struct Work<'a> {
    pool: &'a Pool,
    inputs: BatchMajor<'a>,
    n_batch: usize,
    noise: Arc<Noise>,
    gain: Option<Arc<Array3<f32>>>,
    want: Want,
}

impl Work<'_> {
    fn forward<K: Kernel>(self, kernel: &K, tapes: fn(Vec<BlockTape<K::Trace>>) -> Tapes) -> Result<Run> {
        let (_, n_rec, n_out) = kernel.sizes();
        let (n_steps, _) = self.inputs.dim();
        let mut view = View::new((self.n_batch, n_steps), (n_rec, n_out), &self.want.states, &self.want.rates);
        let panels = kernel.pack();
        let made = threads::map(view.blocks(self.pool), |(block, seen)| {
            let drive = Drive::new(self.pool, block, &self.inputs, self.noise.clone(), self.gain.clone());
            Ok(block::forward(kernel, &panels, drive, self.want.keep, seen))
        })?;
        let tapes = tapes(made.into_iter().flatten().collect());
        Ok(Run { states: view.seen_states, rates: view.seen_rates, outputs: view.outputs, tapes })
    }
}

fn backward<K: Kernel>(
    kernel: &K,
    tapes: &[BlockTape<K::Trace>],
    d_outputs: ArrayView3<'_, f32>,
    d_states: Option<ArrayView3<'_, f32>>,
    wants_adjoints: bool,
) -> Result<Vec<(Gradients, Option<Vec<f32>>)>> {
    let panels = kernel.pack();
    let d_outputs = BatchMajor::new(&d_outputs);
    let d_states = d_states.as_ref().map(BatchMajor::new);
    threads::map_from_last(tapes.iter().collect(), |tape| {
        Ok(block::backward(kernel, &panels, tape, &d_outputs, d_states.as_ref(), wants_adjoints))
    })
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
    let initial = ["init_state", "init_hidden", "init_cell"];
    weights.check_finite(shapes.iter().map(|(name, ..)| *name).chain(initial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use ndarray::{Array, Dimension, ShapeBuilder, s};

    fn random<D: Dimension>(shape: impl ShapeBuilder<Dim = D>, scale: f32, seed: u64) -> Array<f32, D> {
        let mut rng = Seed(seed).stream(0);
        Array::from_shape_simple_fn(shape, || rng.normal(0.0, scale))
    }

    /// A leaky network and an LSTM of 7 units, with 2 inputs and 3 outputs.
    fn networks() -> [Dynamics; 3] {
        let mut leaky = Weights::new();
        let mut lstm = Weights::new();
        for (i, (name, shape)) in [("W_in", (7, 2)), ("W_rec", (7, 7)), ("init_state", (1, 7))].into_iter().enumerate()
        {
            leaky.insert(name, random(shape, 0.5, i as u64));
        }
        leaky.insert("b_rec", random(7, 0.5, 3));
        for (i, gate) in lstm::GATES.iter().enumerate() {
            lstm.insert(&format!("W_{gate}"), random((9, 7), 0.5, 10 + i as u64));
            lstm.insert(&format!("b_{gate}"), random(7, 0.5, 20 + i as u64));
        }
        for (i, name) in ["init_hidden", "init_cell"].into_iter().enumerate() {
            lstm.insert(name, random((1, 7), 0.5, 30 + i as u64));
        }
        for weights in [&mut leaky, &mut lstm] {
            weights.insert("W_out", random((3, 7), 0.5, 40));
            weights.insert("b_out", random(3, 0.5, 41));
        }
        let leak = |transfer| Leak::new(10.0, 40.0).noise(0.2).transfer(transfer);
        [
            Dynamics::new(&leaky, leak(Transfer::Relu)).unwrap(),
            Dynamics::new(&leaky, leak(Transfer::Softplus)).unwrap(),
            Dynamics::new(&lstm, Cell::new(10.0)).unwrap(),
        ]
    }

    fn drawn(network: &Dynamics, numbers: std::ops::Range<u64>) -> Noise {
        match network.constants().noise() > 0.0 {
            true => Noise::Drawn { seed: Seed(3), numbers: numbers.collect() },
            false => Noise::Off,
        }
    }

    #[test]
    fn what_is_run_again_is_the_same_bits() {
        for network in networks() {
            // More steps than a chunk of the way back has, and more trials than a block.
            let (n_batch, n_steps) = (37, 150);
            let inputs = random((n_batch, n_steps, 2), 1.0, 1);
            let (d_outputs, d_states) = (random((n_batch, n_steps, 3), 1.0, 2), random((n_batch, n_steps, 7), 1.0, 4));
            let gradients = |keep| {
                let want = Want::states(keep);
                let noise = drawn(&network, 0..n_batch as u64);
                let run = network.run_with(&Pool::default(), inputs.view(), noise, None, want).unwrap();
                let gradients = network.backward(&run, d_outputs.view(), Some(d_states.view())).unwrap();
                (run.states, run.outputs, gradients)
            };
            let (states, outputs, all) = gradients(Keep::All);
            for keep in [Keep::Every(1), Keep::Every(65), Keep::Every(149), Keep::Every(1000)] {
                assert_eq!(gradients(keep), (states.clone(), outputs.clone(), all.clone()), "{keep:?}");
            }
            let want = Want::outputs(Keep::Nothing);
            let run = network.run_with(&Pool::default(), inputs.view(), drawn(&network, 0..37), None, want);
            let run = run.unwrap();
            assert_eq!((run.outputs, run.states.len()), (outputs, 0));
        }
    }

    #[test]
    fn a_trial_does_not_depend_on_the_batch_that_it_is_in() {
        for network in networks() {
            let inputs = random((41, 30, 2), 1.0, 1);
            let run = |trials: std::ops::Range<usize>| {
                let noise = drawn(&network, trials.start as u64..trials.end as u64);
                let want = Want::states(Keep::Nothing);
                network.run_with(&Pool::default(), inputs.slice(s![trials, .., ..]), noise, None, want).unwrap()
            };
            let all = run(0..41);
            for trials in [0..1, 5..6, 3..20, 8..41] {
                let part = run(trials.clone());
                assert_eq!(part.states, all.states.slice(s![trials.clone(), .., ..]));
                assert_eq!(part.outputs, all.outputs.slice(s![trials, .., ..]));
            }
        }
    }

    #[test]
    fn activity_is_kept_whole_while_it_fits() {
        for network in networks() {
            let bytes = |keep| network.bytes_kept(keep, 6, 100) as usize;
            let whole = bytes(Keep::All);
            assert!(whole > bytes(Keep::Every(10)) && bytes(Keep::Every(10)) > bytes(Keep::Nothing));
            // The numbers of seven units, with whatever lies between them.
            assert!(whole >= 4 * 7 * 600, "{whole}");
            assert_eq!(network.keep_within(whole, 6, 100), Keep::All);
            assert_eq!(network.keep_within(whole - 1, 6, 100), Keep::Every(10));
            assert_eq!(network.bytes_kept(Keep::All, usize::MAX, usize::MAX), u64::MAX);
            assert!(network.bytes_at_work(Keep::All, usize::MAX, usize::MAX) > 1 << 60);
        }
    }

    #[test]
    fn runs_of_ever_other_lengths_do_not_pile_up_memory() {
        for network in networks() {
            let run = |pool: &Pool, n_steps: usize| {
                let inputs = Array3::ones((20, n_steps, 2));
                let run = network.run_with(pool, inputs.view(), Noise::Off, None, Want::outputs(Keep::All)).unwrap();
                drop(network.backward(&run, run.outputs.view(), None).unwrap());
            };
            threads::with_threads(1, || {
                let (longest, pool) = (Pool::default(), Pool::default());
                run(&longest, 60);
                let mut rng = Seed(5).stream(0);
                for _ in 0..30 {
                    run(&pool, 20 + rng.index(41));
                    assert!(pool.bytes() <= longest.most_bytes(), "{} {}", pool.bytes(), longest.most_bytes());
                }
            });
        }
    }

    #[test]
    fn memory_of_earlier_runs_is_used_again() {
        let [leaky, ..] = networks();
        let pool = Pool::default();
        let inputs = random((40, 50, 2), 1.0, 1);
        let run = || {
            let run = leaky.run_with(&pool, inputs.view(), Noise::Off, None, Want::states(Keep::Nothing)).unwrap();
            (run.states, run.outputs)
        };
        threads::with_threads(1, || {
            let (first, again, bytes) = (run(), run(), pool.bytes());
            assert!(first == again && bytes > 0);
            for _ in 0..3 {
                assert_eq!((run(), pool.bytes()), (first.clone(), bytes));
            }
        });
    }

    #[test]
    fn chosen_rows_are_those_of_all() {
        let these = Rows::These(Arc::from([1, 4, 6]));
        for network in networks() {
            let inputs = random((37, 30, 2), 1.0, 1);
            let run = |states: Rows, rates: Rows| {
                let want = Want { states, rates, keep: Keep::Nothing };
                network.run_with(&Pool::default(), inputs.view(), drawn(&network, 0..37), None, want).unwrap()
            };
            let all = run(Rows::All, Rows::All);
            if let Dynamics::Leaky(leaky) = &network {
                let mut rates = Array3::zeros(all.states.dim());
                leaky.leak.transfer.rates_into(all.states.as_slice().unwrap(), rates.as_slice_mut().unwrap());
                assert_eq!(all.rates, rates);
            } else {
                assert_eq!(all.rates, all.states);
            }
            let some = run(these.clone(), Rows::None);
            assert_eq!(some.states, all.states.select(ndarray::Axis(2), &[1, 4, 6]));
            assert_eq!((some.outputs, some.rates.dim()), (all.outputs, (37, 30, 0)));
            assert_eq!(run(Rows::None, these.clone()).rates, all.rates.select(ndarray::Axis(2), &[1, 4, 6]));
        }
    }
}
