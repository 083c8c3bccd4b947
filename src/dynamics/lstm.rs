//! Long short-term memory.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::block::{Direct, Drive, Gradients, Kernel, Seen, Sums, chunk_of, initial_gradient};
use super::lanes::{Pool, Steps, dispatch};
use super::product::{Panels, Product};
use super::{Readout, check_shapes, math};
use crate::Result;
use crate::setters::setters;
use crate::weights::Weights;

/// The gates, in the order in which their weights are stacked: forget, input, candidate, output.
pub(crate) const GATES: [&str; 4] = ["f", "i", "c", "o"];

/// What an LSTM's cell gives to its output gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellOutput {
    /// `h = o · tanh(c)`, the standard LSTM.
    #[default]
    Tanh,
    /// `h = o · sigmoid(c)`, PsychRNN's.
    Sigmoid,
}

/// The constants of an LSTM, which weights alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The time step, in milliseconds. The equations do not use it; it must be that of the trials.
    pub dt: f32,
    /// What the cell gives to its output gate.
    pub output: CellOutput,
    /// The output function.
    #[serde(default)]
    pub readout: Readout,
}

impl Cell {
    /// Steps of `dt` milliseconds, the standard cell, a linear readout.
    #[must_use]
    pub fn new(dt: f32) -> Self {
        Self { dt, output: CellOutput::Tanh, readout: Readout::Linear }
    }

    setters! {
        /// What the cell gives to its output gate.
        output: CellOutput;
        /// The output function.
        readout: Readout;
    }
}

/// The LSTM network, with `v[t] = (h[t-1], u[t])`:
///
/// ```text
/// f, i, o = sigmoid(v W_f + b_f), sigmoid(v W_i + b_i), sigmoid(v W_o + b_o)
/// c[t] = f · c[t-1] + i · tanh(v W_c + b_c)
/// h[t] = o · tanh(c[t])          (or o · sigmoid(c[t]), see CellOutput)
/// z[t] = g(W_out h[t] + b_out)
/// ```
///
/// `h[0]` is `init_hidden`, `c[0]` is `init_cell`; the recorded states are `h[1]`, `h[2]`, …. Hochreiter S, Schmidhuber J
/// (1997), doi:10.1162/neco.1997.9.8.1735.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmRnn {
    pub(super) cell: Cell,
    /// The rows of all gates that act on the hidden state, `[n_rec, 4 n_rec]`.
    w_hidden: Array2<f32>,
    /// The rows that act on the input, `[n_in, 4 n_rec]`.
    pub(super) w_input: Array2<f32>,
    bias: Array1<f32>,
    pub(super) w_out: Array2<f32>,
    b_out: Array1<f32>,
    pub(super) init_hidden: Array2<f32>,
    init_cell: Array2<f32>,
}

impl LstmRnn {
    /// The network with these weights: `W_f`, `W_i`, `W_c`, `W_o` `[n_rec + n_in, n_rec]`, whose first `n_rec` rows act
    /// on the hidden state; `b_f`, `b_i`, `b_c`, `b_o` `[n_rec]`; `W_out` `[n_out, n_rec]`, `b_out` `[n_out]`;
    /// `init_hidden`, `init_cell` `[1, n_rec]`, or `[n_batch, n_rec]` for a state of its own for each trial.
    ///
    /// # Errors
    /// If an array is missing, has the wrong shape or holds NaN, or if `dt` makes no sense.
    pub fn new(weights: &Weights, cell: Cell) -> Result<Self> {
        crate::error::positive("dt", cell.dt)?;
        cell.readout.check()?;
        let weights = &*weights.unsqueezed();
        let w_out = weights.matrix("W_out")?;
        let (n_out, n_rec) = w_out.dim();
        let n_rows = weights.matrix("W_f")?.nrows().max(n_rec);
        let mut shapes = vec![("W_out", "[n_out, n_rec]", vec![n_out, n_rec]), ("b_out", "[n_out]", vec![n_out])];
        for name in ["W_f", "W_i", "W_c", "W_o"] {
            shapes.push((name, "[n_rec + n_in, n_rec]", vec![n_rows, n_rec]));
        }
        for name in ["b_f", "b_i", "b_c", "b_o"] {
            shapes.push((name, "[n_rec]", vec![n_rec]));
        }
        let shapes: Vec<_> = shapes.iter().map(|(name, meaning, shape)| (*name, *meaning, shape.as_slice())).collect();
        check_shapes(weights, &shapes)?;
        let mut gates = Array2::zeros((n_rows, 0));
        let mut bias = Array1::zeros(0);
        for gate in GATES {
            gates = concatenate![Axis(1), gates, weights.matrix(&format!("W_{gate}"))?];
            bias = concatenate![Axis(0), bias, weights.vector(&format!("b_{gate}"))?];
        }
        Ok(Self {
            cell,
            w_hidden: gates.slice(s![..n_rec, ..]).to_owned(),
            w_input: gates.slice(s![n_rec.., ..]).to_owned(),
            bias,
            w_out,
            b_out: weights.vector("b_out")?,
            init_hidden: weights.rows("init_hidden", n_rec)?,
            init_cell: weights.rows("init_cell", n_rec)?,
        })
    }

    /// The transposed `W` of all gates, one below the other: for the hidden state, and for the constant 1 and the inputs.
    fn pack_forward(&self, gain: Option<ArrayView2<'_, f32>>) -> Panels {
        let (n_in, n_gates) = self.w_input.dim();
        let n_rec = n_gates / 4;
        Panels::pack(n_gates, [n_rec, 1 + n_in], |gate, from| match from.checked_sub(n_rec) {
            None => self.w_hidden[[from, gate]] * gain.map_or(1.0, |gain| gain[[gate % n_rec, from]]),
            Some(0) => self.bias[gate],
            Some(channel) => self.w_input[[channel - 1, gate]],
        })
    }
}

/// The weights of an LSTM, packed once for all blocks and steps.
pub(super) struct LstmPanels {
    forward: Panels,
    /// `W_out` for the hidden state, `b_out` for the constant 1.
    outputs: Panels,
    /// `W_hidden` for the adjoints of the next step's gates, `W_outᵀ` for those of the outputs.
    backward: Panels,
}

/// What a forward run of some steps leaves for the way back.
pub(super) struct LstmTrace {
    /// The gates after their sigmoids and tanh: forget, input, candidate, output.
    gates: Steps,
    /// The hidden state, the start first.
    h: Steps,
    /// The cell, the start first.
    c: Steps,
    /// What the cell gives to its output gate.
    shown: Steps,
}

impl Kernel for LstmRnn {
    type Panels = LstmPanels;
    type Trace = LstmTrace;

    fn sizes(&self) -> (usize, usize, usize) {
        (self.w_input.nrows(), self.w_out.ncols(), self.w_out.nrows())
    }

    fn pack(&self) -> LstmPanels {
        let (n_out, n_rec) = self.w_out.dim();
        LstmPanels {
            forward: self.pack_forward(None),
            outputs: Panels::pack(n_out, [n_rec, 1], |output, unit| match unit < n_rec {
                true => self.w_out[[output, unit]],
                false => self.b_out[output],
            }),
            backward: Panels::pack(n_rec, [4 * n_rec, n_out], |unit, from| match from.checked_sub(4 * n_rec) {
                None => self.w_hidden[[unit, from]],
                Some(output) => self.w_out[[output, unit]],
            }),
        }
    }

    /// The hidden state and the cell.
    fn state_rows(&self) -> usize {
        2 * self.w_out.ncols()
    }

    /// The four gates, the hidden state, the cell, and what it shows.
    fn trace_rows(&self) -> usize {
        7 * self.w_out.ncols()
    }

    /// The four gates.
    fn driven_rows(&self) -> usize {
        4 * self.w_out.ncols()
    }

    /// The adjoints of the four gates of the next step, and of the cell.
    fn adjoint_rows(&self) -> usize {
        5 * self.w_out.ncols()
    }

    fn start(&self, drive: &Drive, state: &mut Steps) {
        state.set(0, 0, &self.init_hidden, &drive.block);
        state.set(0, self.w_out.ncols(), &self.init_cell, &drive.block);
    }

    fn trace(&self, pool: &Pool, drive: &Drive, n_steps: usize) -> LstmTrace {
        let n_rec = self.w_out.ncols();
        let steps = |n_steps, n_rows| Steps::unwritten(pool, &drive.block, n_steps, n_rows);
        LstmTrace {
            gates: steps(n_steps, 4 * n_rec),
            h: steps(n_steps + 1, n_rec),
            c: steps(n_steps + 1, n_rec),
            shown: steps(n_steps, n_rec),
        }
    }

    fn forward(
        &self,
        panels: &LstmPanels,
        drive: &Drive,
        steps: Range<usize>,
        state: &mut Steps,
        trace: &mut LstmTrace,
        seen: Option<&mut Seen<'_>>,
    ) {
        dispatch(Forward { network: self, panels, drive, steps, state, trace, seen });
    }

    fn backward(
        &self,
        panels: &LstmPanels,
        drive: &Drive,
        steps: Range<usize>,
        trace: &LstmTrace,
        direct: &Direct<'_>,
        adjoint: &mut Steps,
        sums: &mut Sums,
    ) {
        dispatch(Backward { network: self, panels, drive, steps, trace, direct, adjoint, sums });
    }

    fn gradients(
        &self,
        panels: &LstmPanels,
        drive: &Drive,
        _: &LstmTrace,
        adjoint: Steps,
        sums: Array2<f32>,
    ) -> Gradients {
        let (n_out, n_rec) = self.w_out.dim();
        let mut hidden = Steps::unwritten(drive.pool(), &drive.block, 1, n_rec);
        // No output belongs to the start.
        let nothing = Steps::zeros(drive.pool(), &drive.block, 1, n_out);
        let x = [(&adjoint, 0), (&nothing, 0)];
        let vectors = drive.block.vectors;
        dispatch(Product { panels: &panels.backward, x, to: (&mut hidden, 0), add: false, soon: None, vectors });
        let n_trials = drive.block.trials.len();
        let cell = adjoint.by_trial(0, n_trials).slice(s![.., 4 * n_rec..]).to_owned();
        let hidden = hidden.by_trial(0, n_trials);

        let mut gradients = Gradients::new();
        for (i, gate) in GATES.iter().enumerate() {
            let gate_sums = sums.slice(s![i * n_rec..(i + 1) * n_rec, ..]);
            let weights =
                concatenate![Axis(0), gate_sums.slice(s![.., ..n_rec]).t(), gate_sums.slice(s![.., n_rec + 1..]).t()];
            gradients.insert(format!("W_{gate}"), weights.into_dyn());
            gradients.insert(format!("b_{gate}"), gate_sums.column(n_rec).to_owned().into_dyn());
        }
        let outputs = sums.slice(s![4 * n_rec.., ..]);
        gradients.insert("W_out".to_owned(), outputs.slice(s![.., ..n_rec]).to_owned().into_dyn());
        gradients.insert("b_out".to_owned(), outputs.column(n_rec).to_owned().into_dyn());
        for (name, start, rows) in [("init_hidden", &self.init_hidden, hidden), ("init_cell", &self.init_cell, cell)] {
            gradients.insert(name.to_owned(), initial_gradient(start, &drive.block, rows));
        }
        gradients
    }
}

/// Some steps forward. `state` is the hidden state and the cell before, and then after them.
struct Forward<'a, 'b> {
    network: &'a LstmRnn,
    panels: &'a LstmPanels,
    drive: &'a Drive,
    steps: Range<usize>,
    state: &'a mut Steps,
    trace: &'a mut LstmTrace,
    seen: Option<&'a mut Seen<'b>>,
}

impl WithSimd for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { network, panels, drive, steps, state, trace, mut seen } = self;
        let (vectors, n_rec) = (drive.block.vectors, network.w_out.ncols());
        for v in 0..vectors {
            let (h, c) = state.slab::<S>(0, v).split_at(n_rec);
            trace.h.slab_mut::<S>(0, v).copy_from_slice(h);
            trace.c.slab_mut::<S>(0, v).copy_from_slice(c);
        }
        let n_steps = steps.len();
        for (i, t) in steps.enumerate() {
            let packed = drive.gain(t).map(|gain| network.pack_forward(Some(gain)));
            let x = [(&trace.h, i), (&drive.inputs, t)];
            let (forward, to) = (packed.as_ref().unwrap_or(&panels.forward), (&mut trace.gates, i));
            let soon = Some((&trace.shown, i));
            Simd::vectorize(simd, Product { panels: forward, x, to, add: false, soon, vectors });
            for v in 0..vectors {
                let (c, c_before) = trace.c.slab_pair_after::<S>(i, v);
                let h = trace.h.slab_mut::<S>(i + 1, v);
                let [forget, input, candidate, output] = quarters(trace.gates.slab_mut::<S>(i, v));
                let gates = forget.iter_mut().zip(input).zip(candidate).zip(output);
                let cells = c.iter_mut().zip(c_before).zip(h).zip(trace.shown.slab_mut::<S>(i, v));
                for ((((f, i), g), o), (((c, &c_before), h), shown)) in gates.zip(cells) {
                    *f = math::sigmoid(simd, *f);
                    *i = math::sigmoid(simd, *i);
                    *g = math::tanh(simd, *g);
                    *o = math::sigmoid(simd, *o);
                    *c = simd.mul_add_e_f32s(*f, c_before, simd.mul_f32s(*i, *g));
                    *shown = match network.cell.output {
                        CellOutput::Tanh => math::tanh(simd, *c),
                        CellOutput::Sigmoid => math::sigmoid(simd, *c),
                    };
                    *h = simd.mul_f32s(*o, *shown);
                }
            }
            if let Some(seen) = &mut seen {
                let (x, to) = ([(&trace.h, i + 1), (&drive.inputs, t)], seen.outputs(t));
                Simd::vectorize(simd, Product { panels: &panels.outputs, x, to, add: false, soon: None, vectors });
                seen.take(t, (&trace.h, i + 1), (&trace.h, i + 1));
            }
        }
        for v in 0..vectors {
            let (h, c) = state.slab_mut::<S>(0, v).split_at_mut(n_rec);
            h.copy_from_slice(trace.h.slab::<S>(n_steps, v));
            c.copy_from_slice(trace.c.slab::<S>(n_steps, v));
        }
    }
}

/// The rows of the four gates.
#[inline(always)]
fn quarters<T>(rows: &mut [T]) -> [&mut [T]; 4] {
    let (first, second) = rows.split_at_mut(rows.len() / 2);
    let ((a, b), (c, d)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    [a, b, c, d]
}

/// Some steps backward: from the adjoints after them to those before them, and the sums for the gradients.
///
/// With `δh`, `δc` the adjoints of the hidden state and the cell, `s` what the cell shows and `g` the candidate:
///
/// ```text
/// δh[t] = W_outᵀ dL/dz[t] + W_hidden δ(gates)[t+1] + ∂L/∂h[t]
/// δc[t] = δh[t] o s' + f[t+1] δc[t+1]
/// δo = δh s o (1 - o),  δf = δc c[t-1] f (1 - f),  δi = δc g i (1 - i),  δg = δc i (1 - g²)
/// ```
struct Backward<'a> {
    network: &'a LstmRnn,
    panels: &'a LstmPanels,
    drive: &'a Drive,
    steps: Range<usize>,
    trace: &'a LstmTrace,
    direct: &'a Direct<'a>,
    adjoint: &'a mut Steps,
    sums: &'a mut Sums,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { network, panels, drive, steps, trace, direct, adjoint, sums } = self;
        let (block, n_rec) = (&drive.block, network.w_out.ncols());
        let mut d_h = Steps::unwritten(drive.pool(), block, 1, n_rec);
        let mut on_states = Steps::unwritten(drive.pool(), block, 1, n_rec);
        // The adjoints of the gates for a chunk of steps, of the step after them last.
        let chunk = chunk_of(network, block);
        let mut delta = Steps::unwritten(drive.pool(), block, chunk + 1, 4 * n_rec);
        let one = simd.splat_f32s(1.0);
        let mut end = steps.end;
        while end > steps.start {
            let first = (end - 1) / chunk * chunk;
            for v in 0..block.vectors {
                delta.slab_mut::<S>(end - first, v).copy_from_slice(&adjoint.slab::<S>(0, v)[..4 * n_rec]);
            }
            for t in (first..end).rev() {
                let i = t - first;
                let x = [(&delta, i + 1), (direct.outputs, t + 1)];
                let (at, vectors) = (t - steps.start, block.vectors);
                let (to, soon) = ((&mut d_h, 0), Some((&trace.gates, at)));
                Simd::vectorize(simd, Product { panels: &panels.backward, x, to, add: false, soon, vectors });
                let has_direct = direct.states(t, block, &mut on_states);
                for v in 0..block.vectors {
                    let d_h = d_h.slab_mut::<S>(0, v);
                    if has_direct {
                        for (d_h, &direct) in d_h.iter_mut().zip(on_states.slab::<S>(0, v)) {
                            *d_h = simd.add_f32s(*d_h, direct);
                        }
                    }
                    let gates = trace.gates.slab::<S>(at, v).chunks_exact(n_rec);
                    let [forget, input, candidate, output] = four(gates);
                    let [d_forget, d_input, d_candidate, d_output] = quarters(delta.slab_mut::<S>(i, v));
                    let d_c = &mut adjoint.slab_mut::<S>(0, v)[4 * n_rec..];
                    let gates = forget.iter().zip(input).zip(candidate).zip(output);
                    let d_gates = d_forget.iter_mut().zip(d_input).zip(d_candidate).zip(d_output);
                    let cells = d_c.iter_mut().zip(d_h).zip(trace.shown.slab::<S>(at, v)).zip(trace.c.slab::<S>(at, v));
                    for (((((f, i), g), o), (((d_f, d_i), d_g), d_o)), (((d_c, d_h), &shown), &c_before)) in
                        gates.zip(d_gates).zip(cells)
                    {
                        let slope = match network.cell.output {
                            CellOutput::Tanh => simd.negate_mul_add_e_f32s(shown, shown, one),
                            CellOutput::Sigmoid => simd.negate_mul_add_e_f32s(shown, shown, shown),
                        };
                        let d_cell = simd.mul_add_e_f32s(simd.mul_f32s(*d_h, *o), slope, *d_c);
                        *d_o = simd.mul_f32s(simd.mul_f32s(*d_h, shown), logistic(simd, *o));
                        *d_f = simd.mul_f32s(simd.mul_f32s(d_cell, c_before), logistic(simd, *f));
                        *d_i = simd.mul_f32s(simd.mul_f32s(d_cell, *g), logistic(simd, *i));
                        *d_g = simd.mul_f32s(simd.mul_f32s(d_cell, *i), simd.negate_mul_add_e_f32s(*g, *g, one));
                        *d_c = simd.mul_f32s(d_cell, *f);
                    }
                }
            }
            for v in 0..block.vectors {
                adjoint.slab_mut::<S>(0, v)[..4 * n_rec].copy_from_slice(delta.slab::<S>(0, v));
            }
            sums.add(simd, first..end, &delta, (&trace.h, first - steps.start), drive, direct);
            end = first;
        }
    }
}

/// `x (1 - x)`: the slope of a sigmoid whose value is `x`.
#[inline(always)]
fn logistic<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(x, x, x)
}

/// The rows of the four gates, to read.
#[inline(always)]
fn four<'a, T>(mut rows: std::slice::ChunksExact<'a, T>) -> [&'a [T]; 4] {
    std::array::from_fn(|_| rows.next().unwrap_or_default())
}
