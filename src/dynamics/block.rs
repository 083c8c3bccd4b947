//! One block of trials through a whole sequence, forward and backward: the time loop of all equations.

use std::ops::Range;

use ndarray::{Array2, ArrayD, Axis, s};
use pulp::{Simd, WithSimd};

use super::drive::{Drive, Matrices, Packed};
use super::equation::{After, Back, Before, Equation, First, RowCounts};
use super::kernel::lanes::{BatchMajor, Block, Spare, Steps, dispatch};
use super::kernel::product::{AddOuter, Product};
use super::kernel::seen::Seen;
use super::wiring::Counts;

/// What steps leave behind for the way back.
pub(super) struct Trace {
    /// What each state shows, that at the start first.
    shown: Steps,
    /// What each state but the last sends, if that is something else.
    sent: Option<Steps>,
    /// The sums of each step, if they lie beside the state.
    sums: Option<Steps>,
    /// What else is kept of each state, if there is anything.
    kept: Option<Steps>,
}

/// The rows of one step, of what may not be there.
#[inline(always)]
fn rows<S: Simd>(steps: Option<&Steps>, t: usize, v: usize) -> &[S::f32s] {
    match steps {
        Some(steps) => steps.slab::<S>(t, v),
        None => &[],
    }
}

/// As [`rows`], to be written.
#[inline(always)]
fn rows_mut<S: Simd>(steps: Option<&mut Steps>, t: usize, v: usize) -> &mut [S::f32s] {
    match steps {
        Some(steps) => steps.slab_mut::<S>(t, v),
        None => &mut [],
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

/// What goes from step to step on the way back.
struct Adjoint {
    /// Of the sums, `[n_sums]`.
    sums: Steps,
    /// What the equation carries besides, if anything.
    carried: Option<Steps>,
}

/// What adds up over the steps of the way back.
struct Sums {
    /// `Σ (δ[t], dL/dz[t-1]) (r[t-1], 1, u[t])ᵀ`, where `δ` are the adjoints of the sums, and `r` and `u` what the weights are
    /// multiplied with: the gradients of all weights but for the factors of the sums, `[n_sums + n_out, n_rec + 1 + n_in]`.
    outer: Array2<f32>,
    /// `δ` of all steps, `[n_trials, n_steps, n_sums]`, if it is wanted.
    seen: Option<Vec<f32>>,
}

impl Sums {
    /// Adds the steps of a chunk: `delta` has them, and the step after them last; `first` is the step of the trace with which they
    /// begin.
    #[inline(always)]
    fn add<S: Simd>(
        &mut self,
        simd: S,
        chunk: Range<usize>,
        delta: &Steps,
        (trace, first): (&Trace, usize),
        drive: &Drive,
        direct: &Direct<'_>,
    ) {
        if let Some(seen) = &mut self.seen {
            for (i, t) in chunk.clone().enumerate() {
                delta.scatter(i, delta.n_rows, None, seen, drive.n_steps(), t);
            }
        }
        // Past the last step there is no δ, but there are outputs.
        let more = usize::from(chunk.end == drive.n_steps());
        let steps = chunk.start..chunk.end + more;
        let n_columns = self.outer.ncols();
        // It was made in standard layout.
        let to = self.outer.as_slice_mut().unwrap_or_default();
        let (outputs, inputs) = ((direct.outputs, steps.clone()), (&drive.inputs, steps.clone()));
        let shown = (&trace.shown, first..first + steps.len());
        match &trace.sent {
            None => {
                let a = [(delta, 0..steps.len()), outputs];
                Simd::vectorize(simd, AddOuter { a, b: [shown, inputs], to });
            }
            Some(sent) => {
                let (of_sums, of_outputs) = to.split_at_mut(delta.n_rows * n_columns);
                let b = [(sent, first..first + chunk.len()), (&drive.inputs, chunk.clone())];
                Simd::vectorize(simd, AddOuter { a: [(delta, 0..chunk.len())], b, to: of_sums });
                Simd::vectorize(simd, AddOuter { a: [outputs], b: [shown, inputs], to: of_outputs });
            }
        }
    }
}

/// Some steps forward.
pub(crate) struct Forward<'a, 'b> {
    matrices: Matrices<'a>,
    packed: &'a Packed,
    drive: &'a Drive,
    steps: Range<usize>,
    /// Before, and then after them.
    state: &'a mut Steps,
    trace: &'a mut Trace,
    seen: Option<&'a mut Seen<'b>>,
}

/// Some steps backward: from the adjoints after them to those before them, and the sums for the gradients.
pub(crate) struct Backward<'a> {
    packed: &'a Packed,
    drive: &'a Drive,
    n_rec: usize,
    steps: Range<usize>,
    trace: &'a Trace,
    direct: &'a Direct<'a>,
    adjoint: &'a mut Adjoint,
    sums: &'a mut Sums,
}

/// From the adjoints after the first step to that of the state at the start.
pub(crate) struct Start<'a> {
    packed: &'a Packed,
    drive: &'a Drive,
    counts: Counts,
    trace: &'a Trace,
    adjoint: &'a Adjoint,
    state: &'a mut Steps,
}

/// An equation, whichever it is.
pub(crate) trait Stepper: Send + Sync {
    fn rows(&self) -> RowCounts;
    fn is_onto_state(&self) -> bool;
    fn sends(&self) -> bool;
    fn forward(&self, work: Forward<'_, '_>);
    fn backward(&self, work: Backward<'_>);
    fn start(&self, work: Start<'_>);
}

impl<E: Equation> Stepper for E {
    fn rows(&self) -> RowCounts {
        Equation::rows(self)
    }

    fn is_onto_state(&self) -> bool {
        E::ONTO_STATE
    }

    fn sends(&self) -> bool {
        E::SENDS
    }

    fn forward(&self, work: Forward<'_, '_>) {
        dispatch(By(self, work));
    }

    fn backward(&self, work: Backward<'_>) {
        dispatch(By(self, work));
    }

    fn start(&self, work: Start<'_>) {
        dispatch(By(self, work));
    }
}

/// Work by an equation, in registers that are found out when the program runs.
struct By<'e, E, W>(&'e E, W);

impl<E: Equation> WithSimd for By<'_, E, Forward<'_, '_>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(equation, Forward { matrices, packed, drive, steps, state, trace, mut seen }) = self;
        let (vectors, n_rec) = (drive.block.vectors, matrices.counts.n_rec);
        let mut noise = Steps::unwritten(drive.pool(), &drive.block, 1, n_rec);
        for v in 0..vectors {
            let (state, shown) = (state.slab_mut::<S>(0, v), trace.shown.slab_mut::<S>(0, v));
            equation.begin(simd, After { state, sums: &mut [], shown, kept: rows_mut::<S>(trace.kept.as_mut(), 0, v) });
        }
        for (i, t) in steps.enumerate() {
            let noisy = drive.noise.fill(simd, &drive.block, t, &mut noise);
            for v in 0..vectors {
                let noise = if noisy { Some(noise.slab::<S>(0, v)) } else { None };
                let (sent, shown) = match &mut trace.sent {
                    Some(sent) if E::SENDS => (sent.slab_mut::<S>(i, v), trace.shown.slab::<S>(i, v)),
                    _ => (&mut [][..], &[][..]),
                };
                let sums = match &mut trace.sums {
                    Some(sums) if E::BEGINS_SUMS => sums.slab_mut::<S>(i, v),
                    _ => &mut [][..],
                };
                let state = state.slab_mut::<S>(0, v);
                equation.before(simd, Before { state, sums, noise, shown, sent });
            }
            let with_gain = drive.gain(t).map(|gain| matrices.pack_forward(Some(gain)));
            let panels = with_gain.as_ref().unwrap_or(&packed.forward);
            let x = [(trace.sent.as_ref().unwrap_or(&trace.shown), i), (&drive.inputs, t)];
            // What is written next comes into the first cache meanwhile.
            match &mut trace.sums {
                None => {
                    let (to, soon) = ((&mut *state, 0), Some((&trace.shown, i + 1)));
                    Simd::vectorize(simd, Product { panels, x, to, add: true, soon, vectors });
                }
                Some(sums) => {
                    let (to, soon) = ((sums, i), trace.kept.as_ref().map(|kept| (kept, i + 1)));
                    Simd::vectorize(simd, Product { panels, x, to, add: E::BEGINS_SUMS, soon, vectors });
                }
            }
            for v in 0..vectors {
                let sums = rows_mut::<S>(trace.sums.as_mut(), i, v);
                let (state, shown) = (state.slab_mut::<S>(0, v), trace.shown.slab_mut::<S>(i + 1, v));
                equation.after(simd, After { state, sums, shown, kept: rows_mut::<S>(trace.kept.as_mut(), i + 1, v) });
            }
            if let Some(seen) = &mut seen {
                let (x, to) = ([(&trace.shown, i + 1), (&drive.inputs, t)], seen.outputs(t));
                Simd::vectorize(simd, Product { panels: &packed.outputs, x, to, add: false, soon: None, vectors });
                seen.take(t, n_rec, (state, 0), (&trace.shown, i + 1));
            }
        }
    }
}

impl<E: Equation> WithSimd for By<'_, E, Backward<'_>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(equation, Backward { packed, drive, n_rec, steps, trace, direct, adjoint, sums }) = self;
        let (block, vectors, n_sums) = (&drive.block, drive.block.vectors, Equation::rows(equation).sums);
        let of_units = || Steps::unwritten(drive.pool(), block, 1, n_rec);
        let (mut d_shown, mut on_states) = (of_units(), of_units());
        let mut d_sent = packed.from_outputs.as_ref().map(|_| of_units());
        // δ of a chunk of steps, of the step after them last.
        let chunk = chunk_of(equation, n_rec, block);
        let mut delta = Steps::unwritten(drive.pool(), block, chunk + 1, n_sums);
        let mut end = steps.end;
        while end > steps.start {
            let first = (end - 1) / chunk * chunk;
            delta.copy(end - first, &adjoint.sums, 0);
            for t in (first..end).rev() {
                let (i, at) = (t - first, t - steps.start);
                let x = [(&delta, i + 1), (direct.outputs, t + 1)];
                let soon = Some(match (&trace.sums, &trace.kept) {
                    (Some(sums), _) => (sums, at),
                    (None, Some(kept)) => (kept, at + 1),
                    (None, None) => (&trace.shown, at + 1),
                });
                let (panels, to) = (&packed.backward, (d_sent.as_mut().unwrap_or(&mut d_shown), 0));
                Simd::vectorize(simd, Product { panels, x, to, add: false, soon, vectors });
                if let Some(panels) = &packed.from_outputs {
                    let to = (&mut d_shown, 0);
                    Simd::vectorize(simd, Product { panels, x, to, add: false, soon: None, vectors });
                }
                let has_direct = direct.states(t, block, &mut on_states);
                for v in 0..vectors {
                    let (d_sums, later) = delta.slab_pair::<S>(i, v);
                    let back = Back {
                        d_shown: d_shown.slab_mut::<S>(0, v),
                        d_sent: rows::<S>(d_sent.as_ref(), 0, v),
                        direct: if has_direct { Some(on_states.slab::<S>(0, v)) } else { None },
                        later,
                        d_sums,
                        carried: rows_mut::<S>(adjoint.carried.as_mut(), 0, v),
                        shown: trace.shown.slab::<S>(at + 1, v),
                        sums: rows::<S>(trace.sums.as_ref(), at, v),
                        kept: rows::<S>(trace.kept.as_ref(), at + 1, v),
                    };
                    equation.back(simd, back);
                }
            }
            adjoint.sums.copy(0, &delta, 0);
            sums.add(simd, first..end, &delta, (trace, first - steps.start), drive, direct);
            end = first;
        }
    }
}

impl<E: Equation> WithSimd for By<'_, E, Start<'_>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(equation, Start { packed, drive, counts, trace, adjoint, state }) = self;
        let (block, vectors) = (&drive.block, drive.block.vectors);
        let mut d_shown = Steps::zeros(drive.pool(), block, 1, counts.n_rec);
        let mut d_sent = packed.from_outputs.as_ref().map(|_| Steps::zeros(drive.pool(), block, 1, counts.n_rec));
        // No output belongs to the start.
        let nothing = Steps::zeros(drive.pool(), block, 1, counts.n_out);
        let x = [(&adjoint.sums, 0), (&nothing, 0)];
        let to = (d_sent.as_mut().unwrap_or(&mut d_shown), 0);
        Simd::vectorize(simd, Product { panels: &packed.backward, x, to, add: false, soon: None, vectors });
        for v in 0..vectors {
            let first = First {
                d_shown: d_shown.slab_mut::<S>(0, v),
                d_sent: rows::<S>(d_sent.as_ref(), 0, v),
                later: adjoint.sums.slab::<S>(0, v),
                carried: rows::<S>(adjoint.carried.as_ref(), 0, v),
                shown: trace.shown.slab::<S>(0, v),
                kept: rows::<S>(trace.kept.as_ref(), 0, v),
                d_state: state.slab_mut::<S>(0, v),
            };
            equation.first(simd, first);
        }
    }
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

/// What a forward run of one block leaves behind: the state before every so many steps and, if these are all steps, what they
/// left; otherwise the way back runs each stretch forward once more.
pub(super) struct BlockTape {
    drive: Drive,
    stretch: usize,
    states: Steps,
    trace: Option<Trace>,
}

/// A network as the loop needs it: its equation, its weights, and its initial states.
pub(super) struct Machine<'a> {
    pub(super) equation: &'a dyn Stepper,
    pub(super) matrices: Matrices<'a>,
    /// `[1, n_rec]` or `[n_batch, n_rec]`, one for each number that a unit carries from step to step.
    pub(super) initial: &'a [Array2<f32>],
    packed: Packed,
}

impl<'a> Machine<'a> {
    pub(super) fn new(equation: &'a dyn Stepper, matrices: Matrices<'a>, initial: &'a [Array2<f32>]) -> Self {
        Self { packed: matrices.pack(equation.sends()), equation, matrices, initial }
    }

    /// Room for a state.
    pub(super) fn room(&self, drive: &Drive) -> Steps {
        Steps::unwritten(drive.pool(), &drive.block, 1, self.equation.rows().state)
    }

    /// The state at the start.
    pub(super) fn start(&self, drive: &Drive) -> Steps {
        let mut state = self.room(drive);
        for (number, initial) in self.initial.iter().enumerate() {
            state.set(0, number * self.matrices.counts.n_rec, initial, &drive.block);
        }
        state
    }

    /// Room for what this number of steps leaves behind.
    pub(super) fn trace(&self, drive: &Drive, n_steps: usize) -> Trace {
        let (rows, n_rec) = (self.equation.rows(), self.matrices.counts.n_rec);
        let steps = |n_steps: usize, n_rows: usize| Steps::unwritten(drive.pool(), &drive.block, n_steps, n_rows);
        Trace {
            shown: steps(n_steps + 1, n_rec),
            sent: self.equation.sends().then(|| steps(n_steps, n_rec)),
            sums: (!self.equation.is_onto_state()).then(|| steps(n_steps, rows.sums)),
            kept: (rows.kept > 0).then(|| steps(n_steps + 1, rows.kept)),
        }
    }

    /// Carries the state through these steps.
    pub(super) fn forward(
        &self,
        drive: &Drive,
        steps: Range<usize>,
        state: &mut Steps,
        trace: &mut Trace,
        seen: Option<&mut Seen<'_>>,
    ) {
        let (matrices, packed) = (self.matrices, &self.packed);
        self.equation.forward(Forward { matrices, packed, drive, steps, state, trace, seen });
    }

    /// Runs a block forward; gives what the way back needs, and the state at the end.
    pub(super) fn run(&self, drive: Drive, keep: Keep, mut seen: Seen<'_>) -> (Option<BlockTape>, Steps) {
        let n_steps = drive.n_steps();
        let rows = self.equation.rows();
        let stretch = match keep {
            Keep::Nothing => STRETCH.min(n_steps),
            Keep::All => n_steps,
            // Whole chunks, so that sums are taken in the same order as if all were kept.
            Keep::Every(steps) => {
                let chunk = chunk_of(self.equation, self.matrices.counts.n_rec, &drive.block);
                steps.max(1).next_multiple_of(chunk).min(n_steps)
            }
        }
        .max(1);
        let n_kept = if keep == Keep::Nothing { 0 } else { n_steps.div_ceil(stretch) };
        let mut states = Steps::unwritten(drive.pool(), &drive.block, n_kept, rows.state);
        let mut state = self.start(&drive);
        let mut trace = self.trace(&drive, stretch);
        for (i, first) in (0..n_steps).step_by(stretch).enumerate() {
            if i < n_kept {
                states.copy(i, &state, 0);
            }
            let steps = first..n_steps.min(first + stretch);
            self.forward(&drive, steps, &mut state, &mut trace, Some(&mut seen));
        }
        let trace = (keep == Keep::All).then_some(trace);
        ((keep != Keep::Nothing).then_some(BlockTape { drive, stretch, states, trace }), state)
    }

    /// Runs a block backward; gives also the adjoints of its states `[n_trials, n_steps, n_rec]`, if they are wanted.
    pub(super) fn run_back(
        &self,
        tape: &BlockTape,
        d_outputs: &BatchMajor<'_>,
        d_states: Option<&BatchMajor<'_>>,
        wants_adjoints: bool,
    ) -> WayBack {
        let drive = &tape.drive;
        let (n_steps, n_out) = d_outputs.dim();
        let Counts { n_in, n_rec, n_sums, .. } = self.matrices.counts;
        let mut outputs = Steps::unwritten(drive.pool(), &drive.block, n_steps + 1, n_out);
        (0..drive.block.vectors).for_each(|v| outputs.numbers_mut(0, v).fill(0.0));
        outputs.gather_all(1, 0, d_outputs, &drive.block, Spare::Zero);
        let direct = Direct { outputs: &outputs, states: d_states };
        let rows = self.equation.rows();
        let zeros = |n_rows: usize| Steps::zeros(drive.pool(), &drive.block, 1, n_rows);
        let mut adjoint = Adjoint { sums: zeros(n_sums), carried: (rows.carried > 0).then(|| zeros(rows.carried)) };
        let seen = wants_adjoints.then(|| vec![0.0; drive.block.trials.len() * n_steps * n_sums]);
        let mut sums = Sums { outer: Array2::zeros((n_sums + n_out, n_rec + 1 + n_in)), seen };
        let mut back = |steps: Range<usize>, trace: &Trace, adjoint: &mut Adjoint| {
            let (packed, direct, sums) = (&self.packed, &direct, &mut sums);
            self.equation.backward(Backward { packed, drive, n_rec, steps, trace, direct, adjoint, sums });
        };
        let mut again = None;
        let first = match &tape.trace {
            Some(trace) => {
                back(0..n_steps, trace, &mut adjoint);
                trace
            }
            None => {
                let trace = again.insert(self.trace(drive, tape.stretch));
                let mut state = self.room(drive);
                for i in (0..tape.states.n_steps).rev() {
                    let steps = i * tape.stretch..n_steps.min((i + 1) * tape.stretch);
                    state.copy(0, &tape.states, i);
                    self.forward(drive, steps.clone(), &mut state, trace, None);
                    back(steps, trace, &mut adjoint);
                }
                trace
            }
        };
        let mut state = self.room(drive);
        let (packed, counts) = (&self.packed, self.matrices.counts);
        self.equation.start(Start { packed, drive, counts, trace: first, adjoint: &adjoint, state: &mut state });
        let start = state.by_trial(0, drive.block.trials.len());
        let of_state = |(number, initial): (usize, &Array2<f32>)| {
            let rows = start.slice(s![.., number * n_rec..(number + 1) * n_rec]).to_owned();
            initial_gradient(initial, &drive.block, rows)
        };
        let mut outer = sums.outer;
        for (mut row, &factor) in outer.outer_iter_mut().zip(self.matrices.factors) {
            row *= factor;
        }
        WayBack { sums: outer, initial: self.initial.iter().enumerate().map(of_state).collect(), adjoints: sums.seen }
    }
}

/// What the way back through a block gives.
pub(super) struct WayBack {
    /// The gradients of all weights, `[n_sums + n_out, n_rec + 1 + n_in]`.
    pub(super) sums: Array2<f32>,
    /// Those of the initial states.
    pub(super) initial: Vec<ArrayD<f32>>,
    /// The adjoints of the states, if they were wanted.
    pub(super) adjoints: Option<Vec<f32>>,
}

/// How many numbers the trace of a step has.
pub(super) fn trace_rows(equation: &dyn Stepper, n_rec: usize) -> usize {
    let rows = equation.rows();
    let sums = if equation.is_onto_state() { 0 } else { rows.sums };
    n_rec * if equation.sends() { 2 } else { 1 } + sums + rows.kept
}

/// Steps whose adjoints are gathered before they are multiplied with what drove them: few enough that they stay in the second
/// cache together with what the way back through them needs, many enough for long sums. Chunks start at multiples of this number.
fn chunk_of(equation: &dyn Stepper, n_rec: usize, block: &Block) -> usize {
    const BYTES: usize = 1 << 20;
    let n_rows = equation.rows().sums + trace_rows(equation, n_rec);
    (BYTES / (4 * block.lanes() * n_rows.max(1))).clamp(8, CHUNK)
}

/// The most steps of a chunk.
pub(super) const CHUNK: usize = 32;

/// The gradient of an initial state: summed over the trials that share it, or each trial's own row.
fn initial_gradient(states: &Array2<f32>, block: &Block, gradient: Array2<f32>) -> ArrayD<f32> {
    if states.nrows() == 1 {
        gradient.sum_axis(Axis(0)).insert_axis(Axis(0)).into_dyn()
    } else {
        let mut all = Array2::zeros(states.dim());
        all.slice_mut(s![block.trials.clone(), ..]).assign(&gradient);
        all.into_dyn()
    }
}
