//! What is trained: parameters, the constraints on them, and the networks that they make. Needs libtorch.
//!
//! ```no_run
//! use psychrnn::prelude::*;
//! let task = PerceptualDiscrimination::default();
//! let config = RnnConfig::default().units(100).dale_ratio(0.8).autapses(false).noise(0.05).seed(1);
//! let mut network = Rnn::new(&task, config)?;
//! Trainer::default().train(&mut network, &task)?;
//! let session = network.run(&task.batch(500, Seed(2))?)?;
//! println!("{} correct, {:?} recurrent weights", session.accuracy(), network.weights()?.matrix("W_rec")?.dim());
//! network.save("weights.npz")?;
//! # Ok::<(), psychrnn::Error>(())
//! ```
//!
//! | to have | write |
//! | --- | --- |
//! | a leaky recurrent network, an LSTM | [`Rnn`] with an [`RnnConfig`], [`Lstm`] with an [`LstmConfig`] |
//! | Dale's principle, no autapses, masks, areas, weights held at values | the setters of [`RnnConfig`], in which they are [`Constraints`] |
//! | parameters, or entries of them, that training leaves as they are | [`RnnConfig::freeze`], [`RnnConfig::freeze_entries`] |
//! | other initial weights | [`InitialWeights`], or an [`Initializer`] of your own |
//! | to run it, to save it, its weights, others in their place | [`Network::run`], [`Network::save`], [`Network::weights`], [`Network::set_weights`] |
//! | the same without libtorch, to be perturbed | [`Network::simulator`] |
//! | a network of your own | [`Network`], in tensors |

mod constraints;
mod device;
mod initialize;
pub(crate) mod kinds;
mod recurrent;
mod run;
mod tensors;
mod trials;

pub use constraints::{Connections, Constraints, Dale, Given, Signs};
pub use device::Device;
pub use initialize::{Balance, Draw, InitialWeights, Initializer, RadiusOf};
pub use kinds::*;
pub(crate) use recurrent::Config;
pub use recurrent::Recurrent;
pub(crate) use run::run_from;
pub use tensors::{Memory, Parameter, Parameters, Tensors};
pub(crate) use tensors::{to_array, to_tensor};
pub use trials::{Activity, Sizes, Trials};

use std::path::Path;

use ndarray::{Array2, Array3};
use tch::Tensor;

use crate::Result;
use crate::caught::caught_in;
use crate::dynamics::Constants;
use crate::simulate::{Session, Simulator, check_fit};
use crate::task::Batch;
use crate::weights::Weights;

/// A network that can be trained. [`Rnn`] is one; write your own with `tch`, by three methods and the parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no network",
    note = "if it is a `Result`, put `?` behind the call that gave it: `Rnn::new(&task, config)?`; a network of your own implements `Network`"
)]
pub trait Network: Send {
    /// The numbers of input channels, units and output channels, and the time step.
    fn sizes(&self) -> Sizes;

    /// The parameters, by name.
    fn parameters(&self) -> &Parameters;

    /// The parameters, to be changed by the optimizer.
    fn parameters_mut(&mut self) -> &mut Parameters;

    /// Runs the network on a batch with these effective weights.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity>;

    /// The effective weights, by name: the parameters after all constraints, differentiable. By default the parameters
    /// themselves.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn effective(&self) -> Result<Tensors> {
        Ok(self.parameters().tensors())
    }

    /// Moves everything that it computes with to a device; training on a card does so, and moves it back at the end. By default
    /// these are the parameters: a network with tensors of its own moves them, too.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn move_to(&mut self, device: tch::Device) -> Result<()> {
        self.parameters_mut().move_to(device)
    }

    /// The constants of its equation, if that is one of [`dynamics`](crate::dynamics) on the effective weights: training then
    /// runs it there, many times as fast as libtorch can. By default there is none.
    fn constants(&self) -> Option<Constants> {
        None
    }

    /// The name of the effective weight with which the states of a trial begin, if `forward` also takes it as `[n_batch, n_rec]`, a
    /// state of its own for each trial: [`Trainer::carry_state`](crate::train::Trainer::carry_state) needs that. By default none.
    fn initial_state(&self) -> Option<&'static str> {
        None
    }

    /// The rates of states `[n_batch, n_steps, n_rec]`. By default the states themselves.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn rates(&self, states: &Tensor) -> Result<Tensor> {
        Ok(states.shallow_clone())
    }

    /// Adds to the weights what is needed to build the network from them again. By default nothing.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    fn annotate(&self, weights: &mut Weights) -> Result<()> {
        let _ = weights;
        Ok(())
    }

    /// The effective weights as arrays.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn weights(&self) -> Result<Weights> {
        let mut weights = Weights::new();
        for (name, tensor) in without_gradients(|| self.effective())?.iter() {
            weights.insert(name, to_array(tensor)?);
        }
        self.annotate(&mut weights)?;
        Ok(weights)
    }

    /// Puts these effective weights in the place of those that the network has: from [`Weights::load`], or from another network's
    /// [`Network::weights`]. What training remembers of the old ones is forgotten.
    ///
    /// By default the parameters get the arrays of their names. A network whose [`Network::effective`] makes other weights of them
    /// writes its own.
    ///
    /// # Errors
    /// If an array is missing or has another shape, or if the network makes other weights of them; then nothing is changed.
    fn set_weights(&mut self, weights: &Weights) -> Result<()> {
        let before = self.parameters().values()?;
        self.parameters_mut().replace(weights)?;
        let after = self.weights()?;
        for name in before.keys() {
            if let (Ok(ours), Ok(theirs)) = (after.array(name), weights.array(name))
                && !(ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0)))
            {
                self.parameters_mut().set_values(&before)?;
                let expected =
                    "one that the network's `effective` leaves as it is, or set by a `set_weights` of your own";
                return Err(crate::Error::argument(name, expected, "another one then"));
            }
        }
        Ok(())
    }

    /// The same network in plain arrays, to be run and perturbed.
    ///
    /// # Errors
    /// If it has no [`Network::constants`]: a network of your own in `tch` runs by its own `forward` alone, in training, validation and
    /// [`Network::run`]. Its units and synapses cannot be perturbed from outside.
    fn simulator(&self) -> Result<Simulator> {
        match self.constants() {
            Some(constants) => Simulator::new(&self.weights()?, constants),
            None => {
                let expected = "one whose equation is one of `psychrnn::dynamics` (Network::constants): a network of your own runs by its \
                     `forward`, with `run`; what perturbs it, a lesion for instance, has to be written there";
                Err(crate::Error::argument("network", expected, "another one"))
            }
        }
    }

    /// Puts the weights that were best in the checks of the last training into the network, in place of the last ones; see
    /// [`Trainer::best_by`](crate::train::Trainer::best_by). Training that is called again goes on from these, and the optimizer starts
    /// afresh: what it remembers is about the last ones.
    ///
    /// # Errors
    /// If nothing was checked.
    fn use_best(&mut self) -> Result<()> {
        let best = self.parameters().memory.best.clone();
        if best.is_empty() {
            let expected = "trained with checks: give the trainer validation trials, a goal or patience";
            return Err(crate::Error::argument("network", expected, "without best weights"));
        }
        let parameters = self.parameters_mut();
        parameters.set_values(&best)?;
        parameters.memory.optimizer.clear();
        Ok(())
    }

    /// Runs the network on a batch of trials, recurrent noise included.
    ///
    /// # Errors
    /// If the batch does not fit the network.
    fn run(&self, batch: &Batch) -> Result<Session> {
        run_on_libtorch(self, batch, None)
    }

    /// Saves the effective weights, with all that is needed to load the network again. The file opens in NumPy.
    ///
    /// # Errors
    /// If the file cannot be written; an older file of that name then stays whole.
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        self.weights()?.save(path)
    }
}

/// What a network or a loss computes while libtorch keeps no graph. libtorch's own `no_grad` keeps none ever after where there is a
/// panic in it.
pub(crate) fn without_gradients<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _guard = tch::no_grad_guard();
    caught_in("the network or the loss", work)
}

/// Runs a network on its libtorch graph, from these states if there are some.
fn run_on_libtorch<N: Network + ?Sized>(
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
