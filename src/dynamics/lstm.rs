//! Long short-term memory.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, Axis, concatenate, s};
use serde::{Deserialize, Serialize};

use super::transfer::sigmoid;
use super::{Block, check_shapes};
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

    /// One block of trials through the whole sequence.
    pub(super) fn forward_block(&self, block: &mut Block<'_>) {
        let (n_batch, n_steps) = block.dim();
        let (n_out, n_rec) = self.w_out.dim();
        let (mut h, mut c) = (block.initial(&self.init_hidden), block.initial(&self.init_cell));
        let mut gates = Array2::zeros((n_batch, 4 * n_rec));
        let mut z = Array2::zeros((n_batch, n_out));
        for t in 0..n_steps {
            gates.assign(&self.bias);
            general_mat_mul(1.0, &block.input(t), &self.w_input, 1.0, &mut gates);
            match block.gain(t) {
                None => general_mat_mul(1.0, &h, &self.w_hidden, 1.0, &mut gates),
                Some(gain) => {
                    // The gain is [post, pre]; each gate's weights are [pre, post].
                    let gain = gain.t();
                    let gains = concatenate![Axis(1), gain, gain, gain, gain];
                    general_mat_mul(1.0, &h, &(&self.w_hidden * &gains), 1.0, &mut gates);
                }
            }
            for ((gates, mut h), mut c) in gates.rows().into_iter().zip(h.rows_mut()).zip(c.rows_mut()) {
                for unit in 0..n_rec {
                    let [forget, input, candidate, output] = [0, 1, 2, 3].map(|gate| gates[gate * n_rec + unit]);
                    c[unit] = sigmoid(forget) * c[unit] + sigmoid(input) * candidate.tanh();
                    h[unit] = sigmoid(output)
                        * match self.cell.output {
                            CellOutput::Tanh => c[unit].tanh(),
                            CellOutput::Sigmoid => sigmoid(c[unit]),
                        };
                }
            }
            z.assign(&self.b_out);
            general_mat_mul(1.0, &h, &self.w_out.t(), 1.0, &mut z);
            block.record(t, &h, &z);
        }
    }
}
