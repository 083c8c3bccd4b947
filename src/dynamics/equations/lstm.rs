//! Long short-term memory.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::{Constants, Units};
use crate::dynamics::Readout;
use crate::dynamics::block::Stepper;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::exact::{Arrays, Exact};
use crate::dynamics::kernel::math;
use crate::dynamics::transfer::logistic;
use crate::dynamics::wiring::{B_OUT, Source, Target, W_OUT, Wire, Wiring};
use crate::setters::setters;
use crate::{Error, Result};

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
///
/// These are its constants, which the weights alone do not tell. The weights are `W_f`, `W_i`, `W_c`, `W_o` `[n_rec + n_in, n_rec]`,
/// whose first `n_rec` rows act on the hidden state; `b_f`, `b_i`, `b_c`, `b_o` `[n_rec]`; `W_out` `[n_out, n_rec]`, `b_out` `[n_out]`;
/// `init_hidden`, `init_cell` `[1, n_rec]`, or `[n_batch, n_rec]` for a state of its own for each trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LstmUnits {
    /// The time step, in milliseconds. The equations do not use it; it must be that of the trials.
    pub dt: f32,
    /// What the cell gives to its output gate.
    pub output: CellOutput,
    /// The output function.
    #[serde(default)]
    pub readout: Readout,
}

impl LstmUnits {
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

impl Units for LstmUnits {
    fn name(&self) -> &'static str {
        "an LSTM"
    }

    fn dt(&self) -> f32 {
        self.dt
    }

    fn in_steps_of(&self, dt: f32) -> Result<Constants> {
        let expected = format!("{} ms: an LSTM has no time constant, so its steps have one size", self.dt);
        Err(Error::argument("dt", expected, dt))
    }

    fn readout(&self) -> Readout {
        self.readout
    }

    fn wiring(&self, n_rec: usize) -> Wiring {
        let mut wires = Vec::new();
        for (number, name) in ["W_f", "W_i", "W_c", "W_o"].into_iter().enumerate() {
            let sums = Target::Sums(number);
            wires.push(Wire::transposed(name, Source::Units, sums, 0));
            wires.push(Wire::transposed(name, Source::Inputs, sums, n_rec));
        }
        for (number, name) in ["b_f", "b_i", "b_c", "b_o"].into_iter().enumerate() {
            wires.push(Wire::new(name, Source::Bias, Target::Sums(number)));
        }
        wires.extend([W_OUT, B_OUT]);
        Wiring::new(wires, &["init_hidden", "init_cell"])
    }

    /// The candidate.
    fn driven(&self) -> usize {
        2
    }

    #[cfg(feature = "torch")]
    fn unsigned(&self) -> Option<&'static str> {
        Some("its gates multiply what they get")
    }

    fn equation(&self, n_rec: usize) -> Result<(Arc<dyn Stepper>, Array1<f32>)> {
        crate::error::positive("dt", self.dt)?;
        self.readout.check()?;
        Ok((Arc::new(Lstm { n_rec, output: self.output }), Array1::ones(4 * n_rec)))
    }

    fn exact(&self, arrays: Arrays) -> Result<Arc<dyn Exact>> {
        crate::error::positive("dt", self.dt)?;
        self.readout.check()?;
        Ok(Arc::new(ExactLstm { dt: f64::from(self.dt), output: self.output, readout: self.readout, arrays }))
    }
}

/// The equation. Its state are `h` and `c`, its sums the gates (forget, input, candidate, output), which stay as they are after their
/// sigmoids and tanh; what it keeps are the `c` of the step before and what the cell gives to its output gate.
///
/// On the way back, with `δh`, `δc` the adjoints of the hidden state and the cell, `s` what the cell gives and `g` the candidate:
///
/// ```text
/// δh[t] = W_outᵀ dL/dz[t] + W_hidden δ(gates)[t+1] + ∂L/∂h[t]
/// δc[t] = δh[t] o s' + f[t+1] δc[t+1]
/// δo = δh s o (1 - o),  δf = δc c[t-1] f (1 - f),  δi = δc g i (1 - i),  δg = δc i (1 - g²)
/// ```
///
/// What is carried is `f[t+1] δc[t+1]`.
struct Lstm {
    n_rec: usize,
    output: CellOutput,
}

impl Equation for Lstm {
    const ONTO_STATE: bool = false;

    fn rows(&self) -> RowCounts {
        RowCounts { state: 2 * self.n_rec, sums: 4 * self.n_rec, kept: 2 * self.n_rec, carried: self.n_rec }
    }

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, at: After<'_, S::f32s>) {
        at.shown.copy_from_slice(&at.state[..self.n_rec]);
    }

    #[inline(always)]
    fn before<S: Simd>(&self, _: S, _: Before<'_, S::f32s>) {}

    #[inline(always)]
    fn after<S: Simd>(&self, simd: S, at: After<'_, S::f32s>) {
        let [forget, input, candidate, output] = quarters(at.sums);
        let (h, c) = at.state.split_at_mut(self.n_rec);
        let (c_before, given) = at.kept.split_at_mut(self.n_rec);
        let gates = forget.iter_mut().zip(input).zip(candidate).zip(output);
        let cells = h.iter_mut().zip(c).zip(c_before).zip(given).zip(at.shown);
        for ((((f, i), g), o), ((((h, c), c_before), given), shown)) in gates.zip(cells) {
            *f = math::sigmoid(simd, *f);
            *i = math::sigmoid(simd, *i);
            *g = math::tanh(simd, *g);
            *o = math::sigmoid(simd, *o);
            *c_before = *c;
            *c = simd.mul_add_e_f32s(*f, *c, simd.mul_f32s(*i, *g));
            *given = match self.output {
                CellOutput::Tanh => math::tanh(simd, *c),
                CellOutput::Sigmoid => math::sigmoid(simd, *c),
            };
            *h = simd.mul_f32s(*o, *given);
            *shown = *h;
        }
    }

    #[inline(always)]
    fn back<S: Simd>(&self, simd: S, at: Back<'_, S::f32s>) {
        let one = simd.splat_f32s(1.0);
        if let Some(direct) = at.direct {
            for (d_h, &direct) in at.d_shown.iter_mut().zip(direct) {
                *d_h = simd.add_f32s(*d_h, direct);
            }
        }
        let [forget, input, candidate, output] = four(at.sums, self.n_rec);
        let [d_forget, d_input, d_candidate, d_output] = quarters(at.d_sums);
        let (c_before, given) = at.kept.split_at(self.n_rec);
        let gates = forget.iter().zip(input).zip(candidate).zip(output);
        let d_gates = d_forget.iter_mut().zip(d_input).zip(d_candidate).zip(d_output);
        let cells = at.carried.iter_mut().zip(at.d_shown).zip(given).zip(c_before);
        for (((((f, i), g), o), (((d_f, d_i), d_g), d_o)), (((d_c, d_h), &given), &c_before)) in
            gates.zip(d_gates).zip(cells)
        {
            let slope = match self.output {
                CellOutput::Tanh => simd.negate_mul_add_e_f32s(given, given, one),
                CellOutput::Sigmoid => simd.negate_mul_add_e_f32s(given, given, given),
            };
            let d_cell = simd.mul_add_e_f32s(simd.mul_f32s(*d_h, *o), slope, *d_c);
            *d_o = simd.mul_f32s(simd.mul_f32s(*d_h, given), logistic_slope(simd, *o));
            *d_f = simd.mul_f32s(simd.mul_f32s(d_cell, c_before), logistic_slope(simd, *f));
            *d_i = simd.mul_f32s(simd.mul_f32s(d_cell, *g), logistic_slope(simd, *i));
            *d_g = simd.mul_f32s(simd.mul_f32s(d_cell, *i), simd.negate_mul_add_e_f32s(*g, *g, one));
            *d_c = simd.mul_f32s(d_cell, *f);
        }
    }

    #[inline(always)]
    fn first<S: Simd>(&self, _: S, at: First<'_, S::f32s>) {
        let (d_h, d_c) = at.d_state.split_at_mut(self.n_rec);
        d_h.copy_from_slice(at.d_shown);
        d_c.copy_from_slice(at.carried);
    }
}

/// The rows of the four gates.
#[inline(always)]
fn quarters<T>(rows: &mut [T]) -> [&mut [T]; 4] {
    let (first, second) = rows.split_at_mut(rows.len() / 2);
    let ((a, b), (c, d)) = (first.split_at_mut(first.len() / 2), second.split_at_mut(second.len() / 2));
    [a, b, c, d]
}

/// The rows of the four gates, to read.
#[inline(always)]
fn four<T>(rows: &[T], n_rec: usize) -> [&[T]; 4] {
    let (first, second) = rows.split_at(2 * n_rec);
    let ((a, b), (c, d)) = (first.split_at(n_rec), second.split_at(n_rec));
    [a, b, c, d]
}

/// `x (1 - x)`: the slope of a sigmoid whose value is `x`.
#[inline(always)]
fn logistic_slope<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(x, x, x)
}

/// The equation in `f64`. Its state is `h` and then `c`. Where it stands still `c = i c̃ / (1 - f)`, so that its residual is
/// `G(h) = o φ(i c̃ / (1 - f)) - h`, with `φ` the tanh or sigmoid of the cell.
struct ExactLstm {
    dt: f64,
    output: CellOutput,
    readout: Readout,
    arrays: Arrays,
}

/// Gates with their slopes, each `[n_rec]`.
struct Gates {
    forget: Array1<f64>,
    input: Array1<f64>,
    candidate: Array1<f64>,
    output: Array1<f64>,
}

impl ExactLstm {
    fn gates(&self, h: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Gates {
        let sums = |number: usize| self.arrays.recurrent(number).dot(&h) + self.arrays.drive(number, input);
        Gates {
            forget: sums(0).mapv(logistic),
            input: sums(1).mapv(logistic),
            candidate: sums(2).mapv(f64::tanh),
            output: sums(3).mapv(logistic),
        }
    }

    /// What the cell gives, `φ(c)`, and its slope.
    fn given(&self, c: &Array1<f64>) -> (Array1<f64>, Array1<f64>) {
        match self.output {
            CellOutput::Tanh => (c.mapv(f64::tanh), c.mapv(|c| 1.0 - c.tanh() * c.tanh())),
            CellOutput::Sigmoid => (c.mapv(logistic), c.mapv(|c| logistic(c) * logistic(-c))),
        }
    }

    /// How `c` a step later and the output gate depend on what drives the gates, by the weights that `of` picks: `[n_rec, n]` each.
    fn through<'a>(
        &'a self,
        gates: &Gates,
        c: &Array1<f64>,
        of: impl Fn(usize) -> ArrayView2<'a, f64>,
    ) -> [Array2<f64>; 2] {
        let Gates { forget, input, candidate, output } = gates;
        let column = |numbers: Array1<f64>| numbers.insert_axis(Axis(1));
        let sigmoid = |gate: &Array1<f64>| gate * &(1.0 - gate);
        let cell = column(c * &sigmoid(forget)) * of(0)
            + column(candidate * &sigmoid(input)) * of(1)
            + column(input * &(1.0 - candidate * candidate)) * of(2);
        [cell, column(sigmoid(output)) * of(3)]
    }

    /// How `h` and `c` a step later depend on what drives the gates.
    fn driven<'a>(
        &'a self,
        state: ArrayView1<'_, f64>,
        input: ArrayView1<'_, f64>,
        of: impl Fn(usize) -> ArrayView2<'a, f64>,
    ) -> [Array2<f64>; 2] {
        let (h, c) = state.split_at(Axis(0), self.arrays.counts.n_rec);
        let gates = self.gates(h, input);
        let [cell, output] = self.through(&gates, &c.to_owned(), of);
        let (given, slope) = self.given(&(&gates.forget * &c + &gates.input * &gates.candidate));
        let hidden = output * given.insert_axis(Axis(1)) + &cell * &(gates.output * slope).insert_axis(Axis(1));
        [hidden, cell]
    }

    /// The cell where the state stands still, and how it depends on what drives the gates is as a step's over `1 - f`.
    fn cell_at_rest(gates: &Gates) -> Array1<f64> {
        &gates.input * &gates.candidate / (1.0 - &gates.forget)
    }

    fn residual_through<'a>(
        &'a self,
        x: ArrayView1<'_, f64>,
        input: ArrayView1<'_, f64>,
        of: impl Fn(usize) -> ArrayView2<'a, f64>,
    ) -> Array2<f64> {
        let gates = self.gates(x, input);
        let c = Self::cell_at_rest(&gates);
        let [cell, output] = self.through(&gates, &c, of);
        let (given, slope) = self.given(&c);
        let by_cell = gates.output * slope / (1.0 - gates.forget);
        output * given.insert_axis(Axis(1)) + cell * by_cell.insert_axis(Axis(1))
    }
}

impl Exact for ExactLstm {
    fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    fn with(&self, arrays: Arrays) -> Arc<dyn Exact> {
        Arc::new(Self { arrays, ..*self })
    }

    fn n_state(&self) -> usize {
        2 * self.arrays.counts.n_rec
    }

    fn dt(&self) -> f64 {
        self.dt
    }

    fn taus(&self) -> Option<&Array1<f64>> {
        None
    }

    fn step(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        let (h, c) = state.split_at(Axis(0), self.arrays.counts.n_rec);
        let gates = self.gates(h, input);
        let c = &gates.forget * &c + &gates.input * &gates.candidate;
        let mut next = (gates.output * self.given(&c).0).to_vec();
        next.extend(c);
        next.into()
    }

    fn jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        let n_rec = self.arrays.counts.n_rec;
        let (h, c) = state.split_at(Axis(0), n_rec);
        let [hidden, cell] = self.driven(state, input, |number| self.arrays.recurrent(number));
        let gates = self.gates(h, input);
        let (_, slope) = self.given(&(&gates.forget * &c + &gates.input * &gates.candidate));
        let mut jacobian = Array2::zeros((2 * n_rec, 2 * n_rec));
        jacobian.slice_mut(s![..n_rec, ..n_rec]).assign(&hidden);
        jacobian.slice_mut(s![n_rec.., ..n_rec]).assign(&cell);
        jacobian.slice_mut(s![..n_rec, n_rec..]).diag_mut().assign(&(gates.output * slope * &gates.forget));
        jacobian.slice_mut(s![n_rec.., n_rec..]).diag_mut().assign(&gates.forget);
        jacobian
    }

    fn input_jacobian(&self, state: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        let [hidden, cell] = self.driven(state, input, |number| self.arrays.inputs(number));
        let (n_rec, n_in) = hidden.dim();
        let mut jacobian = Array2::zeros((2 * n_rec, n_in));
        jacobian.slice_mut(s![..n_rec, ..]).assign(&hidden);
        jacobian.slice_mut(s![n_rec.., ..]).assign(&cell);
        jacobian
    }

    fn outputs(&self, state: ArrayView1<'_, f64>) -> Array1<f64> {
        let h = state.slice_move(s![..self.arrays.counts.n_rec]);
        self.readout.exact(&self.arrays.to_outputs(h)).0
    }

    fn output_jacobian(&self, state: ArrayView1<'_, f64>) -> Array2<f64> {
        let n_rec = self.arrays.counts.n_rec;
        let (_, slopes) = self.readout.exact(&self.arrays.to_outputs(state.slice(s![..n_rec])));
        let mut jacobian = Array2::zeros((self.arrays.counts.n_out, 2 * n_rec));
        jacobian.slice_mut(s![.., ..n_rec]).assign(&slopes.dot(&self.arrays.readout.slice(s![.., ..n_rec])));
        jacobian
    }

    fn residual(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        let gates = self.gates(x, input);
        self.given(&Self::cell_at_rest(&gates)).0 * gates.output - x
    }

    fn residual_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.residual_through(x, input, |number| self.arrays.recurrent(number)) - Array2::<f64>::eye(x.len())
    }

    fn residual_input_jacobian(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array2<f64> {
        self.residual_through(x, input, |number| self.arrays.inputs(number))
    }

    /// By differences of the gradient of the sum.
    fn residual_hessian(
        &self,
        x: ArrayView1<'_, f64>,
        input: ArrayView1<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Array2<f64> {
        const STEP: f64 = 1e-5;
        let gradient = |unit: usize, by: f64| {
            let mut x = x.to_owned();
            x[unit] += by;
            self.residual_jacobian(x.view(), input).t().dot(&weights)
        };
        let mut hessian = Array2::zeros((x.len(), x.len()));
        for (unit, mut row) in hessian.outer_iter_mut().enumerate() {
            row.assign(&((gradient(unit, STEP) - gradient(unit, -STEP)) / (2.0 * STEP)));
        }
        (&hessian + &hessian.t()) / 2.0
    }

    fn state_at_rest(&self, x: ArrayView1<'_, f64>, input: ArrayView1<'_, f64>) -> Array1<f64> {
        let mut state = x.to_vec();
        state.extend(Self::cell_at_rest(&self.gates(x, input)));
        state.into()
    }

    fn is_bounded(&self) -> bool {
        true
    }
}
