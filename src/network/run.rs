//! Running a network wherever it runs.

use ndarray::Array2;

use super::{Network, run_on_libtorch};
use crate::Result;
use crate::simulate::{Recording, Session, Simulator};
use crate::task::Batch;

/// Runs a network as [`Network::run`] does, but from these states `[n_batch, n_rec]` in place of the initial state of that name, if
/// some are given, and, where the simulator runs it, with this recording.
pub(crate) fn run_from(
    network: &dyn Network,
    batch: &Batch,
    start: Option<(&str, &Array2<f32>)>,
    recording: Recording,
) -> Result<Session> {
    match (network.constants(), start) {
        (Some(_), None) => network.simulator()?.record(recording).run(batch),
        (Some(constants), Some((name, states))) => {
            let mut weights = network.weights()?;
            weights.insert(name, states.clone());
            Simulator::new(&weights, constants)?.record(recording).run(batch)
        }
        (None, None) => network.run(batch),
        (None, Some(_)) => run_on_libtorch(network, batch, start),
    }
}
