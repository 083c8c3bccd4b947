//! The leaky recurrent network, trainable.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, ArrayD};
use tch::Tensor;

pub use super::rnn_config::RnnConfig;
use super::rnn_config::TensorTransfer;
use crate::Result;
use crate::caught::caught_in;
use crate::dynamics::{Constants, LeakyForm, LeakyUnits, Transfer, UnitNoise};
use crate::network::constraints::Connections;
use crate::network::recurrent::{Config, shared};
use crate::network::tensors::read_out;
use crate::network::{Activity, Initializer, Recurrent, Tensors, Trials, to_array, to_tensor};
use crate::task::{TaskSpec, TrialSource};
use crate::weights::Weights;

/// The leaky recurrent network, with the equations of [`LeakyUnits`](crate::dynamics::LeakyUnits).
///
/// It is made by [`new`](Recurrent::new), [`from_spec`](Recurrent::from_spec) and `with_initializer` with fresh weights, by
/// [`with_weights`](Recurrent::with_weights) and [`load`](Recurrent::load) with those that there are; what can be done with it are the
/// methods of [`Network`](crate::network::Network).
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default();
/// let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(1))?;
/// Trainer::default().trials(50_000).train(&mut network, &task)?;
/// network.save("weights.npz")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
pub type Rnn = Recurrent<RnnConfig>;

impl Rnn {
    /// A network for a task, with fresh weights from an initializer of your own.
    ///
    /// # Errors
    /// As [`Rnn::new`]; also if the initializer gives arrays of wrong shape.
    pub fn with_initializer(task: &dyn TrialSource, config: RnnConfig, initializer: &dyn Initializer) -> Result<Self> {
        Self::drawn(&task.spec()?, config, |config, connections| drawn(config, connections, initializer))
    }

    /// The constants of a leaky network.
    fn leaky(&self) -> Result<&LeakyUnits> {
        leaky(&self.constants)
    }

    fn rate(&self, x: &Tensor) -> Result<Tensor> {
        if let Some(TensorTransfer(transfer)) = &self.config.tensor_transfer {
            return transfer(x);
        }
        Ok(match &self.leaky()?.transfer {
            Transfer::Relu => x.f_relu()?,
            Transfer::Tanh => x.f_tanh()?,
            Transfer::Sigmoid => x.f_sigmoid()?,
            Transfer::Softplus => x.f_softplus()?,
            Transfer::Linear => x.shallow_clone(),
            Transfer::RectifiedPower { power } => x.f_relu()?.f_pow_tensor_scalar(f64::from(*power))?,
            Transfer::RectifiedTanh => x.f_relu()?.f_tanh()?,
            custom @ Transfer::Custom(_) => {
                // libtorch cannot differentiate a function of ours; this has its value and its derivative at x.
                let states = to_array(x)?;
                let (rate, slope) = (states.mapv(|x| custom.rate(x)), states.mapv(|x| custom.slope(x)));
                let beside = |array| -> Result<Tensor> { Ok(to_tensor(array)?.f_to_device(x.device())?) };
                x.f_sub(&x.f_detach()?)?.f_mul(&beside(&slope)?)?.f_add(&beside(&rate)?)?
            }
        })
    }
}

fn drawn(config: &RnnConfig, connections: &Connections, initializer: &dyn Initializer) -> Result<Weights> {
    let seed = config.seed.child("initial weights");
    caught_in("the initializer", || initializer.initialize(connections, seed))
}

/// An [`Rnn`] has no other constants.
fn leaky(constants: &Constants) -> Result<&LeakyUnits> {
    match constants {
        Constants::Leaky(units) => Ok(units),
        other => Err(crate::Error::argument("constants", "those of a leaky network", format!("{other:?}"))),
    }
}

impl Config for RnnConfig {
    const NAME: &'static str = "Rnn";
    const KEY: &'static str = "rnn";
    shared!(of RnnConfig);

    fn constants(&self, spec: &TaskSpec) -> Constants {
        let tau = self.tau.clone().unwrap_or(vec![spec.tau]);
        let (transfer, unit_noise) = (self.transfer.clone(), self.unit_noise.clone());
        let (form, noise, readout) = (self.form, self.noise, self.readout);
        LeakyUnits { dt: spec.dt, tau, form, transfer, noise, unit_noise, readout }.into()
    }

    fn is_of(constants: &Constants) -> bool {
        leaky(constants).is_ok()
    }

    fn draw(&self, connections: &Connections) -> Result<Weights> {
        drawn(self, connections, &self.initial)
    }

    fn fill(&mut self, spec: &TaskSpec, weights: &mut Weights, saved: Option<(&Constants, &Self)>) -> Result<()> {
        let (default, given) = (Self::default(), self.given.clone());
        let named = weights.known_transfer();
        match saved {
            None => given.fill("transfer", &mut self.transfer, named.clone().unwrap_or_default()),
            Some((constants, saved)) => {
                let units = leaky(constants)?.clone();
                given.fill("form", &mut self.form, units.form);
                given.fill("transfer", &mut self.transfer, units.transfer);
                if self.noise == default.noise && self.unit_noise.is_none() && !given.has("noise") {
                    (self.noise, self.unit_noise) = (units.noise, units.unit_noise);
                }
                // One that is the task's is not the network's own.
                let own = saved.tau.is_some() || units.tau != [spec.tau];
                self.tau = self.tau.take().or(own.then_some(units.tau));
                given.fill("initial", &mut self.initial, saved.initial);
            }
        }
        if given.has("transfer") && named.is_none() {
            // What could not be read was said.
            weights.set_transfer(&self.transfer);
        }
        Ok(())
    }

    fn constant_tensors(&self, constants: &Constants) -> Result<Tensors> {
        let units = leaky(constants)?;
        let alpha = units.alpha(self.units)?;
        let mut tensors = Tensors::new();
        tensors.insert("alpha", to_tensor(&alpha)?);
        tensors.insert("noise_sd", to_tensor(&units.noise_sd(&alpha))?);
        if let Some(UnitNoise::Covariance(covariance)) = &units.unit_noise {
            // What mixes noise that units share, `Rᵀ`.
            tensors.insert("noise_root", to_tensor(&covariance.root().t())?);
        }
        Ok(tensors)
    }

    fn forward(network: &Rnn, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let (n_batch, _) = trials.dim();
        let n_rec = network.config.units as i64;
        let (units, alpha) = (network.leaky()?, network.tensors.get("alpha")?);
        // What the inputs, the biases and the noise give for all steps at once; only the recurrent product must wait for its turn. To the
        // current goes α (W_in u + b_rec) + √(2α) σ n, into f W_in u + b_rec + √(2/α) σ n.
        let mut drive = trials.inputs.f_matmul(&weights.get("W_in")?.f_tr()?)?.f_add(weights.get("b_rec")?)?;
        let is_current = units.form == LeakyForm::Current;
        if is_current {
            drive = drive.f_mul(alpha)?;
        }
        if units.largest_noise() > 0.0 {
            let mut noise = trials.noise(network.config.units)?;
            if let Ok(root) = network.tensors.get("noise_root") {
                noise = noise.f_matmul(root)?;
            }
            drive = drive.f_add(&noise.f_mul(network.tensors.get("noise_sd")?)?)?;
        }
        let keep = alpha.f_neg()?.f_add_scalar(1.0)?;
        let w_rec = weights.get("W_rec")?;
        let w_rec = if is_current { w_rec.f_mul(&alpha.f_unsqueeze(1)?)? } else { w_rec.shallow_clone() }.f_tr()?;
        let mut x = weights.get("init_state")?.f_expand([n_batch as i64, n_rec], false)?;
        let mut rate = Self::rates(network, &x)?;
        let (mut states, mut rates) = (Vec::new(), Vec::new());
        for drive in drive.f_unbind(1)? {
            x = match units.form {
                LeakyForm::Current => x.f_mul(&keep)?.f_add(&drive)?.f_addmm(&rate, &w_rec)?,
                LeakyForm::Rate => {
                    x.f_mul(&keep)?.f_add(&network.rate(&drive.f_addmm(&rate, &w_rec)?)?.f_mul(alpha)?)?
                }
            };
            rate = Self::rates(network, &x)?;
            states.push(x.shallow_clone());
            rates.push(rate.shallow_clone());
        }
        let states = Tensor::f_stack(&states, 1)?;
        let rates = Tensor::f_stack(&rates, 1)?;
        let sums = rates.f_matmul(&weights.get("W_out")?.f_tr()?)?.f_add(weights.get("b_out")?)?;
        Ok(Activity { states, rates, outputs: read_out(units.readout, &sums)? })
    }

    fn rates(network: &Rnn, states: &Tensor) -> Result<Tensor> {
        match network.leaky()?.form {
            LeakyForm::Current => network.rate(states),
            LeakyForm::Rate => Ok(states.shallow_clone()),
        }
    }

    fn has_plain_form(&self) -> bool {
        self.tensor_transfer.is_none()
    }

    /// Those of [`RnnConfig::freeze_entries`], and the held weights of matrices that are not frozen whole.
    fn held(&self) -> BTreeMap<String, ArrayD<f32>> {
        let mut held = self.freeze_entries.clone();
        for (name, values) in self.constraints.hold_at.iter().filter(|(name, _)| !self.freeze.contains(*name)) {
            let entries = values.mapv(|value| f32::from(u8::from(value != 0.0))).into_dyn();
            match held.get_mut(name) {
                Some(more) if more.shape() == entries.shape() => more.zip_mut_with(&entries, |a, &b| *a = a.max(b)),
                // Another shape is refused where it is used.
                Some(_) => {}
                None => drop(held.insert(name.clone(), entries)),
            }
        }
        held
    }

    fn annotate(&self, constants: &Constants, connections: Connections, weights: &mut Weights) -> Result<()> {
        let n_rec = self.units;
        let inhibits = |unit| connections.signs.as_ref().is_some_and(|signs| signs.inhibits(unit));
        let dale = |inhibitory: f32| {
            let sign = |unit| if inhibits(unit) { inhibitory } else { 1.0 };
            Array2::from_diag(&(0..n_rec).map(sign).collect::<Array1<f32>>())
        };
        weights.insert("Dale_rec", dale(-1.0));
        weights.insert("Dale_out", dale(connections.sign_of_inhibitory_outputs()));
        // PsychRNN makes signs of the share: without it, it refuses the file rather than to have others.
        match &connections.signs {
            Some(signs) if !signs.by_ratio => {}
            signs => weights.set_dale_ratio(signs.as_ref().map(|signs| signs.ratio)),
        }
        weights.insert("input_connectivity", connections.input);
        weights.insert("rec_connectivity", connections.recurrent);
        weights.insert("output_connectivity", connections.output);
        let units = leaky(constants)?;
        weights.set_transfer(&units.transfer);
        weights.set_form(units.form);
        Ok(())
    }
}
