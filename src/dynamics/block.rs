//! One block of trials through a whole sequence, forward and backward, whatever the equation.

use std::ops::Range;
use std::sync::Arc;

use indexmap::IndexMap;
use ndarray::{Array2, Array3, ArrayD, ArrayView2, Axis, s};

use pulp::Simd;

use super::lanes::{BatchMajor, Block, Pool, Spare, Steps};
use super::noise::Noise;
use super::product::AddOuter;

/// Gradients by the name of the weights.
pub(super) type Gradients = IndexMap<String, ArrayD<f32>>;

/// What drives a block of trials.
pub(super) struct Drive {
    pub(super) block: Block,
    /// The constant 1, then the input channels.
    pub(super) inputs: Steps,
    pub(super) noise: Arc<Noise>,
    /// Factors on the recurrent weights, `[n_steps, n_rec, n_rec]`.
    gain: Option<Arc<Array3<f32>>>,
    pool: Pool,
}

impl Drive {
    pub(super) fn new(
        pool: &Pool,
        block: Block,
        inputs: &BatchMajor<'_>,
        noise: Arc<Noise>,
        gain: Option<Arc<Array3<f32>>>,
    ) -> Self {
        let (n_steps, n_in) = inputs.dim();
        // One more than there are, for what is added up past the last step.
        let mut steps = Steps::unwritten(pool, &block, n_steps + 1, 1 + n_in);
        for t in 0..n_steps + 1 {
            for v in 0..block.vectors {
                steps.numbers_mut(t, v)[..block.width].fill(1.0);
            }
        }
        (0..block.vectors).for_each(|v| steps.numbers_mut(n_steps, v)[block.width..].fill(0.0));
        steps.gather_all(0, 1, inputs, &block, Spare::Last);
        Self { block, inputs: steps, noise, gain, pool: pool.clone() }
    }

    pub(super) fn n_steps(&self) -> usize {
        self.inputs.n_steps - 1
    }

    /// Where memory comes from.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn gain(&self, t: usize) -> Option<ArrayView2<'_, f32>> {
        self.gain.as_ref().map(|gain| gain.index_axis(Axis(0), t))
    }
}

/// Of which units something is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rows {
    /// Of none.
    None,
    /// Of all.
    All,
    /// Of these.
    These(Arc<[usize]>),
}

impl Rows {
    /// How many of `n` units they are.
    pub(crate) fn count(&self, n: usize) -> usize {
        match self {
            Self::None => 0,
            Self::All => n,
            Self::These(rows) => rows.len(),
        }
    }
}

/// What is seen of a forward run, for all trials.
pub(super) struct View<'a> {
    states: &'a Rows,
    rates: &'a Rows,
    n_steps: usize,
    n_out: usize,
    /// `[n_batch, n_steps, n_out]`
    pub(super) outputs: Array3<f32>,
    /// `[n_batch, n_steps, n]`
    pub(super) seen_states: Array3<f32>,
    /// `[n_batch, n_steps, n]`
    pub(super) seen_rates: Array3<f32>,
}

impl<'a> View<'a> {
    /// Room for it.
    pub(super) fn new(
        (n_batch, n_steps): (usize, usize),
        (n_rec, n_out): (usize, usize),
        states: &'a Rows,
        rates: &'a Rows,
    ) -> Self {
        let room = |n: usize| Array3::zeros((n_batch, n_steps, n));
        let (seen_states, seen_rates) = (room(states.count(n_rec)), room(rates.count(n_rec)));
        Self { states, rates, n_steps, n_out, outputs: room(n_out), seen_states, seen_rates }
    }

    /// The blocks of the batch, each with what is to be seen of it.
    pub(super) fn blocks(&mut self, pool: &Pool) -> Vec<(Block, Seen<'_>)> {
        let (n_batch, n_steps, n_out) = (self.outputs.len_of(Axis(0)), self.n_steps, self.n_out);
        let blocks = Block::partition(n_batch);
        let lanes = blocks.first().map_or(1, Block::lanes);
        fn parts(array: &mut Array3<f32>, lanes: usize) -> std::slice::ChunksMut<'_, f32> {
            let size = lanes * array.len_of(Axis(1)) * array.len_of(Axis(2));
            array.as_slice_mut().unwrap_or_default().chunks_mut(size.max(1))
        }
        let mut outputs = parts(&mut self.outputs, lanes);
        let mut states = parts(&mut self.seen_states, lanes);
        let mut rates = parts(&mut self.seen_rates, lanes);
        let seen = |block: Block| {
            let seen = Seen {
                recent: Steps::unwritten(pool, &block, Seen::RECENT, n_out),
                some: None,
                n_steps,
                outputs: outputs.next().unwrap_or_default(),
                states: (self.states, states.next().unwrap_or_default()),
                rates: (self.rates, rates.next().unwrap_or_default()),
            };
            (block, seen)
        };
        blocks.into_iter().map(seen).collect()
    }
}

/// What is to be seen of a block's forward run, batch-major for its trials alone.
pub(super) struct Seen<'a> {
    /// The outputs of the last steps, before they are given away together.
    recent: Steps,
    /// The lanes of which something is seen, if these are only some, and room for the outputs of all.
    some: Option<(Vec<bool>, Steps)>,
    n_steps: usize,
    /// `[n_trials, n_steps, n_out]`
    outputs: &'a mut [f32],
    /// `[n_trials, n_steps, n]`
    states: (&'a Rows, &'a mut [f32]),
    /// `[n_trials, n_steps, n]`
    rates: (&'a Rows, &'a mut [f32]),
}

impl Seen<'_> {
    pub(super) const RECENT: usize = 16;

    /// From now on these lanes only are seen, or all again. Between two multiples of [`Seen::RECENT`] steps may come once for each of
    /// several sets of lanes.
    pub(super) fn only(&mut self, lanes: Option<Vec<bool>>, drive: &Drive) {
        let n_out = self.recent.n_rows;
        self.some = lanes.map(|lanes| (lanes, Steps::unwritten(drive.pool(), &drive.block, 1, n_out)));
    }

    /// The place for the outputs of step `t`.
    pub(super) fn outputs(&mut self, t: usize) -> (&mut Steps, usize) {
        match &mut self.some {
            None => (&mut self.recent, t % Self::RECENT),
            Some((_, aside)) => (aside, 0),
        }
    }

    /// Gives away the outputs of step `t`, which are in their place, and states and rates, which lie in those steps of theirs. Steps
    /// come in their order.
    pub(super) fn take(&mut self, t: usize, states: (&Steps, usize), rates: (&Steps, usize)) {
        let count = t % Self::RECENT + 1;
        let lanes = self.some.as_ref().map(|(lanes, aside)| {
            self.recent.copy_lanes(count - 1, aside, 0, lanes);
            lanes.as_slice()
        });
        if count == Self::RECENT || t + 1 == self.n_steps {
            self.recent.scatter_all(count, self.outputs, self.n_steps, t + 1 - count);
        }
        for ((steps, from), (rows, to)) in [(states, &mut self.states), (rates, &mut self.rates)] {
            match rows {
                Rows::None => {}
                Rows::All => steps.scatter(from, lanes, to, self.n_steps, t),
                Rows::These(rows) => steps.scatter_rows(from, lanes, rows, to, self.n_steps, t),
            }
        }
    }
}

/// The gradients of the loss with respect to what was seen.
pub(super) struct Direct<'a> {
    /// Those with respect to the outputs before each step, and to the last: step `t + 1` has those of the outputs of step `t`.
    pub(super) outputs: &'a Steps,
    pub(super) states: Option<&'a BatchMajor<'a>>,
}

impl Direct<'_> {
    /// Takes those with respect to the states of step `t`; false if there are none.
    pub(super) fn states(&self, t: usize, block: &Block, to: &mut Steps) -> bool {
        match self.states {
            Some(states) => {
                to.gather(0, 0, states, t, block, Spare::Zero);
                true
            }
            None => false,
        }
    }
}

/// What adds up over the steps of the way back.
pub(super) struct Sums {
    /// `Σ (δ[t], dL/dz[t-1]) (r[t-1], 1, u[t])ᵀ`, where `δ` are the adjoints of what the weights give, and `r` and `u` what
    /// they are multiplied with: the gradients of all weights, `[n_adjoints + n_out, n_rec + 1 + n_in]`.
    outer: Array2<f32>,
    /// `δ` of all steps, `[n_trials, n_steps, n_rec]`, if it is wanted.
    seen: Option<Vec<f32>>,
}

impl Sums {
    fn new(kernel: &impl Kernel) -> Self {
        let (n_in, n_rec, n_out) = kernel.sizes();
        Self { outer: Array2::zeros((kernel.driven_rows() + n_out, n_rec + 1 + n_in)), seen: None }
    }

    /// Adds the steps of a chunk: `delta` has them, and the step after them last; `rates` are `r` from step `first` of the trace on.
    #[inline(always)]
    pub(super) fn add<S: Simd>(
        &mut self,
        simd: S,
        chunk: Range<usize>,
        delta: &Steps,
        (rates, first): (&Steps, usize),
        drive: &Drive,
        direct: &Direct<'_>,
    ) {
        if let Some(seen) = &mut self.seen {
            for (i, t) in chunk.clone().enumerate() {
                delta.scatter(i, None, seen, drive.n_steps(), t);
            }
        }
        // Past the last step there is no δ, but there are outputs.
        let more = usize::from(chunk.end == drive.n_steps());
        let steps = chunk.start..chunk.end + more;
        let a = [(delta, 0..steps.len()), (direct.outputs, steps.clone())];
        let b = [(rates, first..first + steps.len()), (&drive.inputs, steps)];
        // It was made in standard layout.
        let to = self.outer.as_slice_mut().unwrap_or_default();
        Simd::vectorize(simd, AddOuter { a, b, to });
    }
}

/// A network's equation, for one block of trials and some of their steps at a time.
pub(super) trait Kernel: Sync {
    /// The weights, packed.
    type Panels: Sync;
    /// What steps leave behind for the way back.
    type Trace: Send + Sync;

    /// Input channels, units, output channels.
    fn sizes(&self) -> (usize, usize, usize);

    fn pack(&self) -> Self::Panels;

    /// Rows of the state, which goes from step to step.
    fn state_rows(&self) -> usize;

    /// Rows of what a step leaves behind.
    fn trace_rows(&self) -> usize;

    /// Rows of what the weights give in a step.
    fn driven_rows(&self) -> usize;

    /// Rows of what goes from step to step on the way back.
    fn adjoint_rows(&self) -> usize;

    /// Sets the state at the start.
    fn start(&self, drive: &Drive, state: &mut Steps);

    /// Room for what this number of steps leaves behind.
    fn trace(&self, pool: &Pool, drive: &Drive, n_steps: usize) -> Self::Trace;

    /// Carries the state through these steps.
    fn forward(
        &self,
        panels: &Self::Panels,
        drive: &Drive,
        steps: Range<usize>,
        state: &mut Steps,
        trace: &mut Self::Trace,
        seen: Option<&mut Seen<'_>>,
    );

    /// Carries the adjoint back through these steps, of which `trace` is there, and adds to the sums for the gradients.
    #[allow(clippy::too_many_arguments, reason = "all of them are what a step back depends on")]
    fn backward(
        &self,
        panels: &Self::Panels,
        drive: &Drive,
        steps: Range<usize>,
        trace: &Self::Trace,
        direct: &Direct<'_>,
        adjoint: &mut Steps,
        sums: &mut Sums,
    );

    /// The gradients, from the adjoint of the state after the start and the sums. `trace` is that of the first steps.
    fn gradients(
        &self,
        panels: &Self::Panels,
        drive: &Drive,
        trace: &Self::Trace,
        adjoint: Steps,
        sums: Array2<f32>,
    ) -> Gradients;
}

/// What a forward run of one block leaves behind: the state before every so many steps and, if these are all steps, what they
/// left; otherwise the way back runs each stretch forward once more.
pub(super) struct BlockTape<T> {
    drive: Drive,
    stretch: usize,
    states: Steps,
    trace: Option<T>,
}

/// What is kept of a run for the way back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// Nothing: there will be no way back.
    Nothing,
    /// Everything that it needs.
    All,
    /// The states at the start of every so many steps, or of somewhat more; the way back runs the steps between once more. The
    /// gradients are the same bits.
    Every(usize),
}

/// Steps of a stretch if nothing is kept: few, so that what they leave behind stays in the cache.
pub(super) const STRETCH: usize = 16;

/// Runs a block forward.
pub(super) fn forward<K: Kernel>(
    kernel: &K,
    panels: &K::Panels,
    drive: Drive,
    keep: Keep,
    mut seen: Seen<'_>,
) -> Option<BlockTape<K::Trace>> {
    let n_steps = drive.n_steps();
    let stretch = match keep {
        Keep::Nothing => STRETCH.min(n_steps),
        Keep::All => n_steps,
        // Whole chunks, so that sums are taken in the same order as if all were kept.
        Keep::Every(steps) => steps.max(1).next_multiple_of(chunk_of(kernel, &drive.block)).min(n_steps),
    }
    .max(1);
    let n_kept = if keep == Keep::Nothing { 0 } else { n_steps.div_ceil(stretch) };
    let mut states = Steps::unwritten(drive.pool(), &drive.block, n_kept, kernel.state_rows());
    let mut state = Steps::unwritten(drive.pool(), &drive.block, 1, kernel.state_rows());
    kernel.start(&drive, &mut state);
    let mut trace = kernel.trace(drive.pool(), &drive, stretch);
    for (i, first) in (0..n_steps).step_by(stretch).enumerate() {
        if i < n_kept {
            states.copy(i, &state, 0);
        }
        let steps = first..n_steps.min(first + stretch);
        kernel.forward(panels, &drive, steps, &mut state, &mut trace, Some(&mut seen));
    }
    let trace = (keep == Keep::All).then_some(trace);
    (keep != Keep::Nothing).then_some(BlockTape { drive, stretch, states, trace })
}

/// Runs a block backward; gives also the adjoints of its states `[n_trials, n_steps, n_rec]`, if they are wanted.
pub(super) fn backward<K: Kernel>(
    kernel: &K,
    panels: &K::Panels,
    tape: &BlockTape<K::Trace>,
    d_outputs: &BatchMajor<'_>,
    d_states: Option<&BatchMajor<'_>>,
    wants_adjoints: bool,
) -> (Gradients, Option<Vec<f32>>) {
    let drive = &tape.drive;
    let (n_steps, n_out) = d_outputs.dim();
    let mut outputs = Steps::unwritten(drive.pool(), &drive.block, n_steps + 1, n_out);
    (0..drive.block.vectors).for_each(|v| outputs.numbers_mut(0, v).fill(0.0));
    outputs.gather_all(1, 0, d_outputs, &drive.block, Spare::Zero);
    let direct = Direct { outputs: &outputs, states: d_states };
    let mut adjoint = Steps::zeros(drive.pool(), &drive.block, 1, kernel.adjoint_rows());
    let mut sums = Sums::new(kernel);
    sums.seen = wants_adjoints.then(|| vec![0.0; drive.block.trials.len() * n_steps * kernel.driven_rows()]);
    if let Some(trace) = &tape.trace {
        kernel.backward(panels, drive, 0..n_steps, trace, &direct, &mut adjoint, &mut sums);
        return (kernel.gradients(panels, drive, trace, adjoint, sums.outer), sums.seen);
    }
    let mut trace = kernel.trace(drive.pool(), drive, tape.stretch);
    let mut state = Steps::unwritten(drive.pool(), &drive.block, 1, kernel.state_rows());
    for i in (0..tape.states.n_steps).rev() {
        let steps = i * tape.stretch..n_steps.min((i + 1) * tape.stretch);
        state.copy(0, &tape.states, i);
        kernel.forward(panels, drive, steps.clone(), &mut state, &mut trace, None);
        kernel.backward(panels, drive, steps, &trace, &direct, &mut adjoint, &mut sums);
    }
    (kernel.gradients(panels, drive, &trace, adjoint, sums.outer), sums.seen)
}

/// Steps whose adjoints are gathered before they are multiplied with what drove them: few enough that they stay in the second
/// cache together with what the way back through them needs, many enough for long sums. Chunks start at multiples of this number.
pub(super) fn chunk_of(kernel: &impl Kernel, block: &Block) -> usize {
    const BYTES: usize = 1 << 20;
    (BYTES / (4 * block.lanes() * (kernel.driven_rows() + kernel.trace_rows()).max(1))).clamp(8, CHUNK)
}

/// The most steps of a chunk.
pub(super) const CHUNK: usize = 32;

/// Adds gradients to those of other blocks.
pub(super) fn add(total: &mut Gradients, gradients: Gradients) {
    for (name, gradient) in gradients {
        match total.entry(name) {
            indexmap::map::Entry::Occupied(mut sum) => *sum.get_mut() += &gradient,
            indexmap::map::Entry::Vacant(entry) => {
                entry.insert(gradient);
            }
        }
    }
}

/// The gradient of an initial state: summed over the trials that share it, or each trial's own row.
pub(super) fn initial_gradient(states: &Array2<f32>, block: &Block, gradient: Array2<f32>) -> ArrayD<f32> {
    if states.nrows() == 1 {
        gradient.sum_axis(Axis(0)).insert_axis(Axis(0)).into_dyn()
    } else {
        let mut all = Array2::zeros(states.dim());
        all.slice_mut(s![block.trials.clone(), ..]).assign(&gradient);
        all.into_dyn()
    }
}
