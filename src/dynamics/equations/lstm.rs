//! Long short-term memory.

use std::sync::Arc;

use ndarray::Array1;
use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::{Constants, Units};
use crate::dynamics::Readout;
use crate::dynamics::block::Stepper;
use crate::dynamics::equation::{After, Back, Before, Equation, First, RowCounts};
use crate::dynamics::kernel::math;
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
            *d_o = simd.mul_f32s(simd.mul_f32s(*d_h, given), logistic(simd, *o));
            *d_f = simd.mul_f32s(simd.mul_f32s(d_cell, c_before), logistic(simd, *f));
            *d_i = simd.mul_f32s(simd.mul_f32s(d_cell, *g), logistic(simd, *i));
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
fn logistic<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    simd.negate_mul_add_e_f32s(x, x, x)
}
