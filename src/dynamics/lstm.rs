//! Long short-term memory.

use ndarray::{Array1, Array2, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use super::check_shapes;
use super::tape::{Block, Gradients, Matrix, Steps, initial_gradient, multiply};
use super::transfer::sigmoid;
use crate::Result;
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
}

/// The LSTM network, with `v[t] = (h[t-1], u[t])`:
///
/// ```text
/// f, i, o = sigmoid(v W_f + b_f), sigmoid(v W_i + b_i), sigmoid(v W_o + b_o)
/// c[t] = f · c[t-1] + i · tanh(v W_c + b_c)
/// h[t] = o · tanh(c[t])          (or o · sigmoid(c[t]), see CellOutput)
/// z[t] = W_out h[t] + b_out
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
        crate::task::positive("dt", cell.dt)?;
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

    /// One block of trials forward through the whole sequence.
    pub(super) fn forward_block(&self, block: Block<'_>) -> LstmTape {
        let (n_steps, n_trials) = block.dim();
        let (n_out, n_rec) = self.w_out.dim();
        let mut h = Steps::unwritten(block.pool(), n_steps + 1, n_trials, n_rec);
        let mut c = Steps::unwritten(block.pool(), n_steps + 1, n_trials, n_rec);
        let mut shown = Steps::unwritten(block.pool(), n_steps, n_trials, n_rec);
        for (steps, initial) in [(&mut h, &self.init_hidden), (&mut c, &self.init_cell)] {
            let initial = block.initial(initial);
            steps.step_mut(0).iter_mut().zip(&initial).for_each(|(x, &start)| *x = start);
        }
        let mut gates = Steps::unwritten(block.pool(), n_steps, n_trials, 4 * n_rec);
        gates
            .data
            .chunks_exact_mut(4 * n_rec)
            .for_each(|row| row.iter_mut().zip(&self.bias).for_each(|(g, b)| *g = *b));
        multiply(block.inputs.all(), self.w_input.view(), 1.0, &mut gates.data);
        for t in 0..n_steps {
            let now = Matrix::new(n_trials, n_rec, h.step(t));
            match block.gain(t) {
                None => multiply(now, self.w_hidden.view(), 1.0, gates.step_mut(t)),
                Some(gain) => {
                    // The gain is [post, pre]; each gate's weights are [pre, post].
                    let gain = gain.t();
                    let gains = concatenate![Axis(1), gain, gain, gain, gain];
                    multiply(now, (&self.w_hidden * &gains).view(), 1.0, gates.step_mut(t));
                }
            }
            let ((c_before, c), h) = (c.step_pair(t), h.step_pair(t).1);
            let cells = c.iter_mut().zip(c_before).zip(h).zip(shown.step_mut(t));
            for (i, (((c, c_before), h), shown)) in cells.enumerate() {
                let start = (i / n_rec) * 4 * n_rec + i % n_rec;
                let gates = gates.step_mut(t);
                let [forget, input, candidate, output] = [0, 1, 2, 3].map(|gate| start + gate * n_rec);
                gates[forget] = sigmoid(gates[forget]);
                gates[input] = sigmoid(gates[input]);
                gates[candidate] = gates[candidate].tanh();
                gates[output] = sigmoid(gates[output]);
                *c = gates[forget] * c_before + gates[input] * gates[candidate];
                *shown = match self.cell.output {
                    CellOutput::Tanh => c.tanh(),
                    CellOutput::Sigmoid => sigmoid(*c),
                };
                *h = gates[output] * *shown;
            }
        }
        let mut outputs = Steps::unwritten(block.pool(), n_steps, n_trials, n_out);
        outputs.data.chunks_exact_mut(n_out).for_each(|z| z.iter_mut().zip(&self.b_out).for_each(|(z, b)| *z = *b));
        multiply(h.rows(1, n_steps + 1), self.w_out.t(), 1.0, &mut outputs.data);
        LstmTape { first: block.first, inputs: block.inputs, gates, h, c, shown, outputs }
    }

    /// One block of trials backward through time: from the gradients with respect to outputs, and to hidden states if the
    /// loss depends on them by itself, to those with respect to the effective weights.
    pub(super) fn backward_block(&self, tape: &LstmTape, d_outputs: &Steps, d_states: Option<&Steps>) -> Gradients {
        let (n_steps, n_trials, n_rec) = (tape.outputs.n_steps, tape.outputs.n_trials, self.w_out.ncols());
        // d_h starts as what comes from the outputs of all steps.
        let mut d_h = Steps::unwritten(d_outputs.pool(), n_steps, n_trials, n_rec);
        multiply(d_outputs.all(), self.w_out.view(), 0.0, &mut d_h.data);
        let mut d_gates = Steps::unwritten(d_outputs.pool(), n_steps, n_trials, 4 * n_rec);
        let mut d_c = vec![0.0_f32; n_trials * n_rec];
        for t in (0..n_steps).rev() {
            if t + 1 < n_steps {
                let after = Matrix::new(n_trials, 4 * n_rec, d_gates.step(t + 1));
                multiply(after, self.w_hidden.t(), 1.0, d_h.step_mut(t));
            }
            if let Some(direct) = d_states {
                d_h.step_mut(t).iter_mut().zip(direct.step(t)).for_each(|(d_h, direct)| *d_h += direct);
            }
            let (gates, d_gates) = (tape.gates.step(t), d_gates.step_mut(t));
            let cells = d_c.iter_mut().zip(d_h.step(t)).zip(tape.shown.step(t)).zip(tape.c.step(t));
            for (i, (((d_c, d_h), shown), c_before)) in cells.enumerate() {
                let start = (i / n_rec) * 4 * n_rec + i % n_rec;
                let [forget, input, candidate, output] = [0, 1, 2, 3].map(|gate| start + gate * n_rec);
                let slope = match self.cell.output {
                    CellOutput::Tanh => 1.0 - shown * shown,
                    CellOutput::Sigmoid => shown * (1.0 - shown),
                };
                *d_c += d_h * gates[output] * slope;
                let logistic = |gate: usize| gates[gate] * (1.0 - gates[gate]);
                d_gates[output] = d_h * shown * logistic(output);
                d_gates[forget] = *d_c * c_before * logistic(forget);
                d_gates[input] = *d_c * gates[candidate] * logistic(input);
                d_gates[candidate] = *d_c * gates[input] * (1.0 - gates[candidate] * gates[candidate]);
                *d_c *= gates[forget];
            }
        }
        let mut d_first = vec![0.0; n_trials * n_rec];
        multiply(Matrix::new(n_trials, 4 * n_rec, d_gates.step(0)), self.w_hidden.t(), 0.0, &mut d_first);
        let (g, z) = (d_gates.all(), d_outputs.all());
        let w_hidden = tape.h.rows(0, n_steps).transposed_times(g);
        let w_input = tape.inputs.all().transposed_times(g);
        let bias = Array1::from(g.column_sums());
        let mut gradients = Gradients::new();
        for (i, gate) in GATES.iter().enumerate() {
            let columns = s![.., i * n_rec..(i + 1) * n_rec];
            let weights = concatenate![Axis(0), w_hidden.slice(columns), w_input.slice(columns)];
            gradients.insert(format!("W_{gate}"), weights.into_dyn());
            gradients.insert(format!("b_{gate}"), bias.slice(s![i * n_rec..(i + 1) * n_rec]).to_owned().into_dyn());
        }
        gradients.insert("W_out".to_owned(), z.transposed_times(tape.h.rows(1, n_steps + 1)).into_dyn());
        gradients.insert("b_out".to_owned(), Array1::from(z.column_sums()).into_dyn());
        for (name, start, gradient) in
            [("init_hidden", &self.init_hidden, d_first), ("init_cell", &self.init_cell, d_c)]
        {
            let rows = Array2::from_shape_fn((n_trials, n_rec), |(trial, unit)| gradient[trial * n_rec + unit]);
            gradients.insert(name.to_owned(), initial_gradient(start, tape.first, rows));
        }
        gradients
    }
}

/// What a forward run of one block leaves behind.
#[derive(Debug)]
pub(super) struct LstmTape {
    pub(super) first: usize,
    inputs: Steps,
    /// The gates after their sigmoids and tanh, `[.., 4 n_rec]`.
    gates: Steps,
    /// `h[0]` to `h[n_steps]`.
    pub(super) h: Steps,
    /// `c[0]` to `c[n_steps]`.
    c: Steps,
    /// What the cell gives to its output gate.
    shown: Steps,
    pub(super) outputs: Steps,
}
