//! A forward run through a network that changes on the way.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, ArrayView3};

use super::block::{Drive, Kernel, STRETCH, Seen, View};
use super::lanes::{BatchMajor, Pool, Steps};
use super::noise::Noise;
use super::{Dynamics, LeakyRnn, LstmRnn, Want};
use crate::{Error, Result, threads};

/// Some steps, and the network that makes them.
pub(crate) struct Part {
    pub(crate) steps: Range<usize>,
    pub(crate) network: Dynamics,
}

/// What was wanted of a run: states and rates `[n_batch, n_steps, n]`, and outputs `[n_batch, n_steps, n_out]`.
pub(crate) struct Ran {
    pub(crate) states: Array3<f32>,
    pub(crate) rates: Array3<f32>,
    pub(crate) outputs: Array3<f32>,
}

/// Runs networks of the same kind and sizes one after the other on inputs `[n_batch, n_steps, n_in]`: each goes on from the
/// state in which the one before it ended, the first starts from its own. Noise is addressed by the step of the trial, and
/// `gain` is as in [`Dynamics::forward`]. One network in several parts gives the same bits as in one.
///
/// What is kept for a way back does not matter: there is none.
pub(crate) fn run(
    pool: &Pool,
    parts: &[Part],
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    want: &Want,
) -> Result<Ran> {
    let (mut leaky, mut lstm): (Vec<(_, &LeakyRnn)>, Vec<(_, &LstmRnn)>) = (Vec::new(), Vec::new());
    for part in parts {
        part.network.check_initial(inputs.dim().0)?;
        match &part.network {
            Dynamics::Leaky(network) => leaky.push((part.steps.clone(), network)),
            Dynamics::Lstm(network) => lstm.push((part.steps.clone(), network)),
        }
    }
    if let (Some(gain), Some(part)) = (gain, parts.first()) {
        let expected = (inputs.dim().1, part.network.sizes().1, part.network.sizes().1);
        if gain.dim() != expected {
            return Err(Error::shape("connectivity", format!("[n_steps, n_rec, n_rec] = {expected:?}"), gain.shape()));
        }
    }
    let noise = match parts.first() {
        Some(part) => part.network.mixed(noise, inputs.dim().1),
        None => noise,
    };
    let mut ran = if lstm.is_empty() {
        run_kernels(pool, leaky, inputs, noise, gain, want)
    } else {
        run_kernels(pool, lstm, inputs, noise, gain, want)
    }?;
    if let Some(part) = parts.first() {
        part.network.readout().apply(&mut ran.outputs);
    }
    Ok(ran)
}

fn run_kernels<K: Kernel>(
    pool: &Pool,
    parts: Vec<(Range<usize>, &K)>,
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    want: &Want,
) -> Result<Ran> {
    let (n_batch, n_steps, _) = inputs.dim();
    let (_, n_rec, n_out) = parts.first().map_or((0, 0, 0), |(_, kernel)| kernel.sizes());
    let mut view = View::new((n_batch, n_steps), (n_rec, n_out), &want.states, &want.rates);
    let parts: Vec<_> = parts.into_iter().map(|(steps, kernel)| (steps, kernel, kernel.pack())).collect();
    let (inputs, noise) = (BatchMajor::new(&inputs), Arc::new(noise));
    let gain = gain.map(|gain| Arc::new(gain.clone()));
    threads::map(view.blocks(pool), |(block, seen)| {
        let drive = Drive::new(pool, block, &inputs, noise.clone(), gain.clone());
        run_block(&parts, &drive, seen);
        Ok(())
    })?;
    Ok(Ran { states: view.seen_states, rates: view.seen_rates, outputs: view.outputs })
}

fn run_block<K: Kernel>(parts: &[(Range<usize>, &K, K::Panels)], drive: &Drive, mut seen: Seen<'_>) {
    let Some((_, first, _)) = parts.first() else { return };
    let mut state = Steps::unwritten(drive.pool(), &drive.block, 1, first.state_rows());
    first.start(drive, &mut state);
    let mut trace = first.trace(drive.pool(), drive, STRETCH);
    for (steps, kernel, panels) in parts {
        for from in steps.clone().step_by(STRETCH) {
            let stretch = from..steps.end.min(from + STRETCH);
            kernel.forward(panels, drive, stretch, &mut state, &mut trace, Some(&mut seen));
        }
    }
}
