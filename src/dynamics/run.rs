//! Runs of a network, forward and backward.

use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayD, ArrayView3, Axis, Dimension, concatenate};

use super::block::{BlockTape, CHUNK, Keep, STRETCH, trace_rows};
use super::drive::Drive;
use super::kernel::lanes::{BatchMajor, Block, Pool, Steps};
use super::kernel::noise::Noise;
use super::kernel::seen::{Rows, Seen, View};
use super::{Dynamics, Readout};
use crate::weights::Weights;
use crate::{Error, Result, threads};

impl Dynamics {
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
        let run = self.run_with(&Pool::default(), inputs, noise, gain, &Want::states(Keep::Nothing))?;
        Ok((run.states, run.outputs))
    }

    /// As [`Dynamics::forward`] without a gain, with what [`Dynamics::backward`] needs.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn run(&self, inputs: ArrayView3<'_, f32>, noise: Option<ArrayView3<'_, f32>>, keep: Keep) -> Result<Run> {
        let noise = noise.map_or(Noise::Off, |noise| Noise::Given(noise.to_owned()));
        self.run_with(&Pool::default(), inputs, noise, None, &Want::states(keep))
    }

    /// A run with memory of earlier ones.
    pub(crate) fn run_with(
        &self,
        pool: &Pool,
        inputs: ArrayView3<'_, f32>,
        noise: Noise,
        gain: Option<ArrayView3<'_, f32>>,
        want: &Want,
    ) -> Result<Run> {
        let machine = self.machine();
        self.in_blocks(pool, inputs, noise, gain, want, |drive, seen| machine.run(drive, want.keep, seen))
    }

    /// Parts a batch into blocks, has each run forward, and puts together what is seen of them.
    pub(super) fn in_blocks(
        &self,
        pool: &Pool,
        inputs: ArrayView3<'_, f32>,
        noise: Noise,
        gain: Option<ArrayView3<'_, f32>>,
        want: &Want,
        run: impl Fn(Drive, Seen<'_>) -> (Option<BlockTape>, Steps) + Sync,
    ) -> Result<Run> {
        let (n_in, n_rec, n_out) = self.sizes();
        let (n_batch, n_steps, _) = inputs.dim();
        let check = |name: &str, array: Option<&[usize]>, meaning: &str, shape: [usize; 3]| match array
            .filter(|array| *array != shape)
        {
            Some(array) => Err(Error::shape(name, format!("{meaning} = {shape:?}"), array)),
            None => Ok(()),
        };
        let gain_shape = gain.as_ref().map(|gain| gain.shape());
        check("inputs", Some(inputs.shape()), "[n_batch, n_steps, n_in]", [n_batch, n_steps, n_in])?;
        check("noise", noise.shape(), "[n_batch, n_steps, n_rec]", [n_batch, n_steps, n_rec])?;
        check("recurrent_gain", gain_shape, "[n_steps, n_rec, n_rec]", [n_steps, n_rec, n_rec])?;
        self.check_initial(n_batch)?;
        let units = self.constants_ref().units();
        if units.noise().is_none() && !matches!(noise, Noise::Off) {
            return Err(Error::argument("noise", format!("left out: {} has none", units.name()), "given"));
        }
        let noise = match units.covariance() {
            Some(covariance) => noise.mixed(covariance, n_steps),
            None => noise,
        };
        let (inputs, noise) = (BatchMajor::new(&inputs), Arc::new(noise));
        let gain = gain.map(|gain| Arc::new(gain.to_owned()));
        let mut view = View::new((n_batch, n_steps), (n_rec, n_out), &want.states, &want.rates);
        let made = threads::map(view.blocks(pool), |(block, seen)| {
            let n_trials = block.trials.len();
            let drive = Drive::new(pool, block, &inputs, noise.clone(), gain.clone());
            let (tape, end) = run(drive, seen);
            Ok((tape, want.ends.then(|| end.by_trial(0, n_trials))))
        })?;
        let (tapes, ends): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let ends: Vec<Array2<f32>> = ends.into_iter().flatten().collect();
        let ends = ends.iter().map(|ends| ends.view()).collect::<Vec<_>>();
        let mut run = Run {
            states: view.seen_states,
            rates: view.seen_rates,
            outputs: view.outputs,
            // All have the columns of a state.
            ends: concatenate(Axis(0), &ends).unwrap_or_default(),
            tapes: tapes.into_iter().flatten().collect(),
        };
        self.output_function().apply(&mut run.outputs);
        Ok(run)
    }
}

/// How much memory a run takes.
impl Dynamics {
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
                let rows = self.equation().rows();
                let states = block.numbers(n_steps.div_ceil(steps.max(1)), rows.state) as u64;
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
        let n_rec = self.counts().n_rec;
        let rows = trace_rows(self.equation(), n_rec);
        let of_unit = block.numbers(n_steps.saturating_add(1), n_rec) as u64;
        of_unit.saturating_mul((rows / n_rec.max(1)) as u64)
    }
}

/// The way back.
impl Dynamics {
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
    /// As [`Dynamics::backward`]; also for a network whose adjoints are not those of states, as an LSTM, where they are those of gates.
    pub fn backward_with_adjoints(
        &self,
        run: &Run,
        d_outputs: ArrayView3<'_, f32>,
        d_states: Option<ArrayView3<'_, f32>>,
    ) -> Result<(Weights, Array3<f32>)> {
        if !self.equation().is_onto_state() {
            return Err(Error::argument("network", "one whose sums drive its states, as a leaky one", self.kind()));
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
        let counts = self.counts();
        let check = |name: &str, shape: &[usize], n: usize| {
            let expected = [n_batch, n_steps, n];
            if shape == expected { Ok(()) } else { Err(Error::shape(name, format!("{expected:?}"), shape)) }
        };
        check("d_outputs", d_outputs.shape(), n_out)?;
        d_states.as_ref().map_or(Ok(()), |d_states| check("d_states", d_states.shape(), counts.n_rec))?;
        if run.tapes.is_empty() && n_batch > 0 {
            return Err(Error::argument("run", "one that kept what the way back needs", "Keep::Nothing"));
        }
        let through_readout = match self.output_function() {
            Readout::Linear => None,
            readout => Some(readout.backward(&run.outputs, d_outputs)),
        };
        let d_outputs = match &through_readout {
            None => d_outputs.view(),
            Some(through) => through.view(),
        };
        let machine = self.machine();
        let d_outputs = BatchMajor::new(&d_outputs);
        let d_states = d_states.as_ref().map(BatchMajor::new);
        let blocks = threads::map_from_last(run.tapes.iter().collect(), |tape: &BlockTape| {
            Ok(machine.run_back(tape, &d_outputs, d_states.as_ref(), wants_adjoints))
        })?;
        let n_columns = counts.n_rec + 1 + counts.n_in;
        let mut sums = Array2::zeros((counts.n_sums + counts.n_out, n_columns));
        let mut initial: Vec<_> =
            self.initial().iter().map(|initial| ArrayD::zeros(initial.raw_dim().into_dyn())).collect();
        let mut adjoints = Vec::new();
        for block in blocks {
            sums += &block.sums;
            initial.iter_mut().zip(&block.initial).for_each(|(sum, of_block)| *sum += of_block);
            adjoints.extend(block.adjoints.into_iter().flatten());
        }
        let (step, readout) = sums.view().split_at(Axis(0), counts.n_sums);
        let mut gradients = Weights::new();
        let arrays = self.wiring().arrays([step, readout], &counts);
        for (name, gradient) in arrays.into_iter().chain(self.wiring().initial().iter().copied().zip(initial)) {
            gradients.insert(name, gradient);
        }
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
    /// Whether the state at the end is.
    pub(crate) ends: bool,
}

impl Want {
    /// The states of all units.
    pub(crate) fn states(keep: Keep) -> Self {
        Self { states: Rows::All, rates: Rows::None, keep, ends: false }
    }

    /// Nothing but outputs.
    #[cfg(any(test, feature = "torch"))]
    pub(crate) fn outputs(keep: Keep) -> Self {
        Self { states: Rows::None, rates: Rows::None, keep, ends: false }
    }
}

/// A forward run.
///
/// For the way back [`Keep::All`] takes `4 n_batch n_steps` bytes for each of `n_rec + n_in + 1` numbers of a leaky network, and of
/// `7 n_rec + n_in + 1` of an LSTM; the rate form has `n_rec` more, and so have the slopes of a softplus or of a function of one's own.
pub struct Run {
    /// The states `[n_batch, n_steps, n_rec]`, the initial one left out.
    pub states: Array3<f32>,
    /// The rates of the units of which they were wanted.
    pub(crate) rates: Array3<f32>,
    /// All that goes from step to step as it is at the end, `[n_batch, n_state]`, if it was wanted.
    pub(crate) ends: Array2<f32>,
    /// The outputs `[n_batch, n_steps, n_out]`.
    pub outputs: Array3<f32>,
    tapes: Vec<BlockTape>,
}

impl Run {
    /// Of these trials only, without what the way back needs.
    pub(crate) fn selected(self, trials: &[usize]) -> Self {
        let of = |array: Array3<f32>| array.select(Axis(0), trials);
        let ends = if self.ends.is_empty() { self.ends } else { self.ends.select(Axis(0), trials) };
        Self { states: of(self.states), rates: of(self.rates), outputs: of(self.outputs), ends, tapes: Vec::new() }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a run with states {:?} and outputs {:?}", self.states.dim(), self.outputs.dim())
    }
}
