//! A forward run through networks that change on the way.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayView3, Axis};

use super::block::{Drive, Kernel, Seen, View};
use super::lanes::{BatchMajor, Pool, Steps};
use super::noise::Noise;
use super::{Dynamics, LeakyRnn, LstmRnn, Want};
use crate::{Error, Result, threads};

/// Networks of the same kind and sizes, and which of them makes each step of each trial.
pub(crate) struct Parts {
    /// The first has the initial states of all trials.
    pub(crate) networks: Vec<Dynamics>,
    /// `[n_batch, n_steps]`
    pub(crate) makes: Array2<u32>,
}

/// What was wanted of a run: states and rates `[n_batch, n_steps, n]`, and outputs `[n_batch, n_steps, n_out]`.
pub(crate) struct Ran {
    pub(crate) states: Array3<f32>,
    pub(crate) rates: Array3<f32>,
    pub(crate) outputs: Array3<f32>,
}

/// Runs networks on inputs `[n_batch, n_steps, n_in]`: in each trial each goes on from the state in which the one before it ended.
/// Noise is addressed by the step of the trial, and `gain` is as in [`Dynamics::forward`]. Whichever trials run together, and in
/// however many parts one network runs, the bits are the same; trials that are made by the same networks at the same time are
/// best neighbors.
///
/// What is kept for a way back does not matter: there is none.
pub(crate) fn run(
    pool: &Pool,
    parts: &Parts,
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    want: &Want,
) -> Result<Ran> {
    let (mut leaky, mut lstm): (Vec<&LeakyRnn>, Vec<&LstmRnn>) = (Vec::new(), Vec::new());
    for network in &parts.networks {
        network.check_initial(inputs.dim().0)?;
        match network {
            Dynamics::Leaky(network) => leaky.push(network),
            Dynamics::Lstm(network) => lstm.push(network),
        }
    }
    let first = parts.networks.first();
    if let (Some(gain), Some(first)) = (gain, first) {
        let expected = (inputs.dim().1, first.sizes().1, first.sizes().1);
        if gain.dim() != expected {
            return Err(Error::shape("connectivity", format!("[n_steps, n_rec, n_rec] = {expected:?}"), gain.shape()));
        }
    }
    let noise = match first {
        Some(first) => first.mixed(noise, inputs.dim().1),
        None => noise,
    };
    let mut ran = if lstm.is_empty() {
        run_kernels(pool, leaky, &parts.makes, inputs, noise, gain, want)
    } else {
        run_kernels(pool, lstm, &parts.makes, inputs, noise, gain, want)
    }?;
    if let Some(first) = first {
        first.readout().apply(&mut ran.outputs);
    }
    Ok(ran)
}

fn run_kernels<K: Kernel>(
    pool: &Pool,
    kernels: Vec<&K>,
    makes: &Array2<u32>,
    inputs: ArrayView3<'_, f32>,
    noise: Noise,
    gain: Option<&Array3<f32>>,
    want: &Want,
) -> Result<Ran> {
    let (n_batch, n_steps, _) = inputs.dim();
    let (_, n_rec, n_out) = kernels.first().map_or((0, 0, 0), |kernel| kernel.sizes());
    let mut view = View::new((n_batch, n_steps), (n_rec, n_out), &want.states, &want.rates);
    let kernels: Vec<_> = kernels.into_iter().map(|kernel| (kernel, kernel.pack())).collect();
    let (inputs, noise) = (BatchMajor::new(&inputs), Arc::new(noise));
    let gain = gain.map(|gain| Arc::new(gain.clone()));
    threads::map(view.blocks(pool), |(block, seen)| {
        let drive = Drive::new(pool, block, &inputs, noise.clone(), gain.clone());
        run_block(&kernels, makes, &drive, seen);
        Ok(())
    })?;
    Ok(Ran { states: view.seen_states, rates: view.seen_rates, outputs: view.outputs })
}

fn run_block<K: Kernel>(kernels: &[(&K, K::Panels)], makes: &Array2<u32>, drive: &Drive, mut seen: Seen<'_>) {
    let Some((first, _)) = kernels.first() else { return };
    let (block, pool, n_steps) = (&drive.block, drive.pool(), drive.n_steps());
    let steps_of = |n: usize| Steps::unwritten(pool, block, n, first.state_rows());
    let mut state = steps_of(1);
    first.start(drive, &mut state);
    let mut trace = first.trace(pool, drive, Seen::RECENT);
    let mut forward = |network: u32, steps: Range<usize>, state: &mut Steps, seen: &mut Seen<'_>| {
        let (kernel, panels) = &kernels[network as usize];
        kernel.forward(panels, drive, steps, state, &mut trace, Some(seen));
    };
    let makes = makes.slice_axis(Axis(0), block.trials.clone().into());
    let mut step = 0;
    while step < n_steps {
        let now = makes.column(step);
        let most = n_steps.min((step / Seen::RECENT + 1) * Seen::RECENT);
        let end = (step + 1..most).find(|&next| makes.column(next) != now).unwrap_or(most);
        let mut networks = now.to_vec();
        networks.sort_unstable();
        networks.dedup();
        match networks.as_slice() {
            [one] => forward(*one, step..end, &mut state, &mut seen),
            several => {
                // Each carries all lanes, of which those of its own trials count.
                let (mut before, mut after) = (steps_of(1), steps_of(1));
                before.copy(0, &state, 0);
                for &network in several {
                    let lane = |lane: usize| now[lane.min(now.len() - 1)] == network;
                    let lanes: Vec<bool> = (0..block.lanes()).map(lane).collect();
                    after.copy(0, &before, 0);
                    seen.only(Some(lanes.clone()), drive);
                    forward(network, step..end, &mut after, &mut seen);
                    state.copy_lanes(0, &after, 0, &lanes);
                }
                seen.only(None, drive);
            }
        }
        step = end;
    }
}
