//! The equations once more, in double precision and nothing else: one number after the other.

use indexmap::IndexMap;
use ndarray::{ArrayD, ArrayView1, Axis};
use psychrnn::dynamics::{CellOutput, Constants, LeakyForm, LeakyUnits, LstmUnits, Readout, Transfer};
use psychrnn::prelude::*;

/// The weights by their names.
pub(crate) type Arrays = IndexMap<String, ArrayD<f64>>;

pub(crate) fn in_double(weights: &Weights) -> Arrays {
    weights.names().map(|name| (name.to_owned(), weights.array(name).unwrap().mapv(f64::from))).collect()
}

/// What drives the units in a step.
pub(crate) struct Drive<'a> {
    /// What units send, which showed the step before.
    pub(crate) sent: &'a [f64],
    pub(crate) inputs: ArrayView1<'a, f64>,
    /// Put into each unit.
    pub(crate) current: &'a [f64],
    /// Unit Gaussian noise.
    pub(crate) noise: ArrayView1<'a, f64>,
}

/// What units carry from step to step, as a trial begins: an initial state for each number, that of the states first.
pub(crate) fn start(weights: &Arrays, trial: usize) -> Vec<Vec<f64>> {
    let initial = weights.iter().filter(|(name, _)| name.starts_with("init_")).map(|(_, rows)| rows);
    initial.map(|rows| rows.index_axis(Axis(0), trial.min(rows.shape()[0] - 1)).iter().copied().collect()).collect()
}

/// What states show.
pub(crate) fn shown(constants: &Constants, states: &[f64]) -> Vec<f64> {
    match constants {
        Constants::Leaky(leak) if leak.form == LeakyForm::Current => {
            states.iter().map(|&x| rate(&leak.transfer, x)).collect()
        }
        _ => states.to_vec(),
    }
}

/// A step of what units carry.
pub(crate) fn step(weights: &Arrays, constants: &Constants, carried: &mut [Vec<f64>], drive: &Drive<'_>) {
    match (constants, carried) {
        (Constants::Leaky(leak), [x]) => leaky(weights, leak, x, drive),
        (Constants::Lstm(cell), [h, c]) => lstm(weights, cell, h, c, drive),
        (other, carried) => unreachable!("{other:?} with {} initial states", carried.len()),
    }
}

fn leaky(weights: &Arrays, leak: &LeakyUnits, x: &mut [f64], drive: &Drive<'_>) {
    for (unit, x) in x.iter_mut().enumerate() {
        let alpha = f64::from(leak.dt) / f64::from(leak.tau[unit % leak.tau.len()]);
        let (sd, current) = (f64::from(leak.noise) * drive.noise[unit], driven(weights, unit, drive));
        *x = (1.0 - alpha) * *x
            + match leak.form {
                LeakyForm::Current => alpha * current + (2.0 * alpha).sqrt() * sd,
                LeakyForm::Rate => alpha * rate(&leak.transfer, current + (2.0 / alpha).sqrt() * sd),
            };
    }
}

/// `W_rec r + W_in u + b_rec` and the current, of one unit.
fn driven(weights: &Arrays, unit: usize, drive: &Drive<'_>) -> f64 {
    let (w_rec, w_in) = (&weights["W_rec"], &weights["W_in"]);
    let from_units = drive.sent.iter().enumerate().map(|(from, r)| w_rec[[unit, from]] * r);
    let from_inputs = drive.inputs.iter().enumerate().map(|(channel, u)| w_in[[unit, channel]] * u);
    from_units.chain(from_inputs).sum::<f64>() + weights["b_rec"][[unit]] + drive.current[unit]
}

fn lstm(weights: &Arrays, cell: &LstmUnits, h: &mut [f64], c: &mut [f64], drive: &Drive<'_>) {
    for unit in 0..h.len() {
        let gate = |gate: &str| {
            let (w, b) = (&weights[&format!("W_{gate}")], &weights[&format!("b_{gate}")]);
            let all = drive.sent.iter().chain(&drive.inputs).enumerate();
            all.map(|(row, from)| from * w[[row, unit]]).sum::<f64>() + b[[unit]]
        };
        let candidate = (gate("c") + drive.current[unit]).tanh();
        c[unit] = sigmoid(gate("f")) * c[unit] + sigmoid(gate("i")) * candidate;
        let inside = if cell.output == CellOutput::Tanh { c[unit].tanh() } else { sigmoid(c[unit]) };
        h[unit] = sigmoid(gate("o")) * inside;
    }
}

/// The outputs, from what units show.
pub(crate) fn outputs(weights: &Arrays, readout: Readout, shown: &[f64]) -> Vec<f64> {
    let (w_out, b_out) = (&weights["W_out"], &weights["b_out"]);
    let sum =
        |output| shown.iter().enumerate().map(|(unit, r)| w_out[[output, unit]] * r).sum::<f64>() + b_out[[output]];
    let sums: Vec<f64> = (0..b_out.len()).map(sum).collect();
    let all: f64 = sums.iter().map(|sum| sum.exp()).sum();
    let output = |sum: f64| match readout {
        Readout::Sigmoid => sigmoid(sum),
        Readout::Softmax => sum.exp() / all,
        Readout::RectifiedPower { power } => sum.max(0.0).powf(power.into()),
        _ => sum,
    };
    sums.into_iter().map(output).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A transfer function; one of the user's own is a smooth ramp.
fn rate(transfer: &Transfer, x: f64) -> f64 {
    match transfer {
        Transfer::Relu => x.max(0.0),
        Transfer::Tanh => x.tanh(),
        Transfer::Sigmoid => sigmoid(x),
        Transfer::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Transfer::Linear => x,
        Transfer::RectifiedPower { power } => x.max(0.0).powf((*power).into()),
        _ => (x * x + 1.0).sqrt() + x,
    }
}
