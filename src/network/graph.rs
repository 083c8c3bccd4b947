//! Running a network on libtorch's graph, or wherever else it runs.

use ndarray::{Array2, Array3};
use tch::Tensor;

use super::{Network, Trials, to_array, to_tensor};
use crate::Result;
use crate::caught::caught_in;
use crate::simulate::{Recording, Session, Simulator, check_fit};
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

/// What a network or a loss computes while libtorch keeps no graph. libtorch's own `no_grad` keeps none ever after where there is a
/// panic in it.
pub(crate) fn without_gradients<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _guard = tch::no_grad_guard();
    caught_in("the network or the loss", work)
}

/// Runs a network on its libtorch graph, from these states if there are some.
pub(super) fn run_on_libtorch<N: Network + ?Sized>(
    network: &N,
    batch: &Batch,
    start: Option<(&str, &Array2<f32>)>,
) -> Result<Session> {
    let sizes = network.sizes();
    check_fit(&batch.spec, sizes.n_in, sizes.n_out, sizes.dt, network.constants().as_ref())?;
    let activity = without_gradients(|| {
        let mut weights = network.effective()?;
        let device = weights.iter().next().map_or(tch::Device::Cpu, |(_, weights)| weights.device());
        if let Some((name, states)) = start {
            weights.insert(name, to_tensor(states)?.f_to_device(device)?);
        }
        network.forward(&weights, &Trials::new(batch)?.on(device)?)
    })?;
    let array = |tensor: &Tensor, name| -> Result<Array3<f32>> {
        let array = to_array(tensor)?;
        let shape = array.shape().to_vec();
        array.into_dimensionality().map_err(|_| crate::Error::shape(name, "[n_batch, n_steps, n]", &shape))
    };
    let [states, rates, outputs] =
        [(&activity.states, "states"), (&activity.rates, "rates"), (&activity.outputs, "outputs")]
            .map(|(tensor, name)| array(tensor, name));
    Session::new(batch.clone(), states?, rates?, outputs?)
}
