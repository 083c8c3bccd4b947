//! A forward run through networks that change on the way.

use std::ops::Range;

use ndarray::{Array2, ArrayView3, Axis};

use super::block::Machine;
use super::drive::Drive;
use super::kernel::lanes::{Pool, Steps};
use super::kernel::noise::Noise;
use super::kernel::seen::Seen;
use super::{Dynamics, Run, Want};
use crate::{Error, Result};

/// Networks of the same kind and sizes, and which of them makes each step of each trial.
pub(crate) struct Parts {
    /// The first has the initial states of all trials.
    pub(crate) networks: Vec<Dynamics>,
    /// `[n_batch, n_steps]`
    pub(crate) makes: Array2<u32>,
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
    gain: Option<ArrayView3<'_, f32>>,
    want: &Want,
) -> Result<Run> {
    let Some(first) = parts.networks.first() else {
        return Err(Error::argument("networks", "at least one", "none"));
    };
    let machines: Vec<_> = parts.networks.iter().map(Dynamics::machine).collect();
    first.in_blocks(pool, inputs, noise, gain, want, |drive, seen| {
        (None, run_block(&machines, &parts.makes, &drive, seen))
    })
}

/// Gives the state at the end.
fn run_block(machines: &[Machine<'_>], makes: &Array2<u32>, drive: &Drive, mut seen: Seen<'_>) -> Steps {
    let first = &machines[0];
    let (block, n_steps) = (&drive.block, drive.n_steps());
    let mut state = first.start(drive);
    let mut trace = first.trace(drive, Seen::RECENT);
    let mut forward = |network: u32, steps: Range<usize>, state: &mut Steps, seen: &mut Seen<'_>| {
        machines[network as usize].forward(drive, steps, state, &mut trace, Some(seen));
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
                let (mut before, mut after) = (first.room(drive), first.room(drive));
                before.copy(0, &state, 0);
                for &network in several {
                    let lane = |lane: usize| now[lane.min(now.len() - 1)] == network;
                    let lanes: Vec<bool> = (0..block.lanes()).map(lane).collect();
                    after.copy(0, &before, 0);
                    seen.only(Some(lanes.clone()), drive.pool(), block);
                    forward(network, step..end, &mut after, &mut seen);
                    state.copy_lanes(0, &after, 0, &lanes);
                }
                seen.only(None, drive.pool(), block);
            }
        }
        step = end;
    }
    state
}
