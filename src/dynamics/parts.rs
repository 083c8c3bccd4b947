//! A forward run through a network that changes on the way.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, ArrayView3};

use super::block::{Drive, Kernel, Seen};
use super::lanes::{BatchMajor, Block, Pool, Steps};
use super::noise::Noise;
use super::{Dynamics, LeakyRnn, LstmRnn};
use crate::{Error, Result, threads};

/// Steps of a part that run at once, so that what they leave behind stays in the cache.
const STRETCH: usize = 16;

/// Some steps, and the network that makes them.
pub(crate) struct Part {
    pub(crate) steps: Range<usize>,
    pub(crate) network: Dynamics,
}

/// Runs networks of the same kind and sizes one after the other on inputs `[n_batch, n_steps, n_in]`: each goes on from the
/// state in which the one before it ended, the first starts from its own. Noise is addressed by the step of the trial, and
/// `gain` is as in [`Dynamics::forward`]. One network in several parts gives the same bits as in one.
///
/// Gives states `[n_batch, n_steps, n_rec]`, empty if they are not wanted, and outputs `[n_batch, n_steps, n_out]`.
pub(crate) fn run(
    parts: &[Part],
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    states: bool,
) -> Result<(Array3<f32>, Array3<f32>)> {
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
    let (states, mut outputs) = if lstm.is_empty() {
        run_kernels(leaky, inputs, noise, gain, states)
    } else {
        run_kernels(lstm, inputs, noise, gain, states)
    }?;
    if let Some(part) = parts.first() {
        part.network.readout().apply(&mut outputs);
    }
    Ok((states, outputs))
}

fn run_kernels<K: Kernel>(
    parts: Vec<(Range<usize>, &K)>,
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    want_states: bool,
) -> Result<(Array3<f32>, Array3<f32>)> {
    let (n_batch, n_steps, _) = inputs.dim();
    let (_, n_rec, n_out) = parts.first().map_or((0, 0, 0), |(_, kernel)| kernel.sizes());
    let mut outputs = Array3::zeros((n_batch, n_steps, n_out));
    let mut states = Array3::zeros(if want_states { (n_batch, n_steps, n_rec) } else { (0, 0, 0) });
    let parts: Vec<_> = parts.into_iter().map(|(steps, kernel)| (steps, kernel, kernel.pack())).collect();
    let (pool, inputs, noise) = (Pool::default(), BatchMajor::new(&inputs), Arc::new(noise));
    let gain = gain.map(|gain| Arc::new(gain.clone()));
    let blocks = Block::partition(n_batch);
    let lanes = blocks.first().map_or(1, Block::lanes);
    let mut of_outputs = outputs.as_slice_mut().unwrap_or_default().chunks_mut((lanes * n_steps * n_out).max(1));
    let mut of_states = states.as_slice_mut().unwrap_or_default().chunks_mut((lanes * n_steps * n_rec).max(1));
    let blocks: Vec<_> =
        blocks.into_iter().map(|block| (block, of_outputs.next().unwrap_or_default(), of_states.next())).collect();
    threads::map(blocks, |(block, outputs, states)| {
        let seen = Seen::new(&pool, &block, (n_steps, n_out), outputs, states);
        let drive = Drive::new(&pool, block, &inputs, noise.clone(), gain.clone());
        run_block(&parts, &drive, seen);
        Ok(())
    })?;
    Ok((states, outputs))
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
