//! The leaky recurrent network, trainable.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::constraints::Masks;
use super::initialize::{Form, GaussianSpectralRadius, Initializer};
use super::{Activity, Constraints, Network, Parameters, Sizes, Tensors, Trials};
use crate::dynamics::{Leak, LeakyRnn, Transfer};
use crate::random::Seed;
use crate::simulate::{Session, Simulator, check_fit};
use crate::task::{Batch, TrialSource};
use crate::weights::Weights;
use crate::{Error, Result};

/// The parameters of an [`Rnn`], in the order in which they are saved.
const PARAMETERS: [&str; 6] = ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"];

/// How an [`Rnn`] is built. Defaults: 50 units, ReLU, no noise, no constraints, everything trainable, seed 0.
///
/// ```
/// use psychrnn::prelude::*;
/// let config = RnnConfig::default().units(100).noise(0.1).dale_ratio(0.8).autapses(false).seed(1);
/// assert_eq!(config.units, 100);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RnnConfig {
    /// The number of units.
    pub units: usize,
    /// The transfer function.
    pub transfer: Transfer,
    /// The standard deviation `σ` of the recurrent noise, see [`LeakyRnn`].
    pub noise: f32,
    /// The time constant of each unit, in milliseconds; by default the task's `tau` for all.
    pub tau: Option<Vec<f32>>,
    /// The biological constraints.
    pub constraints: Constraints,
    /// The spectral radius at which `W_rec` starts, see [`GaussianSpectralRadius`].
    pub spectral_radius: f32,
    /// The parameters that training leaves as they are.
    pub frozen: BTreeSet<String>,
    /// The seed of the initial weights.
    pub seed: Seed,
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self {
            units: 50,
            transfer: Transfer::Relu,
            noise: 0.0,
            tau: None,
            constraints: Constraints::default(),
            spectral_radius: GaussianSpectralRadius::default().radius,
            frozen: BTreeSet::new(),
            seed: Seed(0),
        }
    }
}

impl RnnConfig {
    /// The number of units.
    #[must_use]
    pub fn units(mut self, n: usize) -> Self {
        self.units = n;
        self
    }

    /// The transfer function.
    #[must_use]
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self
    }

    /// The standard deviation of the recurrent noise.
    #[must_use]
    pub fn noise(mut self, sd: f32) -> Self {
        self.noise = sd;
        self
    }

    /// The time constant of each unit, in milliseconds.
    #[must_use]
    pub fn tau(mut self, milliseconds: &[f32]) -> Self {
        self.tau = Some(milliseconds.to_vec());
        self
    }

    /// Dale's principle, with this share of excitatory units.
    #[must_use]
    pub fn dale_ratio(mut self, ratio: f64) -> Self {
        self.constraints.dale_ratio = Some(ratio);
        self
    }

    /// Whether a unit may connect to itself.
    #[must_use]
    pub fn autapses(mut self, allowed: bool) -> Self {
        self.constraints.no_autapses = !allowed;
        self
    }

    /// Which input weights exist: `[n_rec, n_in]`, 1 or 0.
    #[must_use]
    pub fn input_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.input = Some(mask);
        self
    }

    /// Which recurrent weights exist: `[n_rec, n_rec]`, `[post, pre]`, 1 or 0.
    #[must_use]
    pub fn recurrent_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.recurrent = Some(mask);
        self
    }

    /// Which output weights exist: `[n_out, n_rec]`, 1 or 0.
    #[must_use]
    pub fn output_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.output = Some(mask);
        self
    }

    /// The spectral radius at which the raw `W_rec` starts.
    #[must_use]
    pub fn spectral_radius(mut self, radius: f32) -> Self {
        self.spectral_radius = radius;
        self
    }

    /// Leaves a parameter as it is in training: `W_in`, `W_rec`, `W_out`, `b_rec`, `b_out` or `init_state`.
    #[must_use]
    pub fn freeze(mut self, parameter: &str) -> Self {
        self.frozen.insert(parameter.to_owned());
        self
    }

    /// The seed of the initial weights.
    #[must_use]
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.seed = seed.into();
        self
    }
}

/// The leaky recurrent network, with the equations of [`LeakyRnn`].
///
/// ```no_run
/// use psychrnn::prelude::*;
/// let task = PerceptualDiscrimination::default();
/// let mut network = Rnn::new(&task, RnnConfig::default().units(50).seed(1))?;
/// Trainer::default().trials(50_000).train(&mut network, &task)?;
/// network.save("weights.npz")?;
/// # Ok::<(), psychrnn::Error>(())
/// ```
#[derive(Debug)]
pub struct Rnn {
    config: RnnConfig,
    leak: Leak,
    n_in: usize,
    n_out: usize,
    masks: Masks,
    factors: Tensors,
    alpha: Tensor,
    noise_sd: Tensor,
    parameters: Parameters,
}

/// What travels with the weights of an [`Rnn`].
#[derive(Serialize, Deserialize)]
struct Saved {
    dynamics: Leak,
    rnn: RnnConfig,
}

impl Rnn {
    /// A network for a task, with fresh weights. The task gives channels, `dt` and `tau`.
    ///
    /// # Errors
    /// If the task or the configuration makes no sense, or if one contradicts the other.
    pub fn new(task: &dyn TrialSource, config: RnnConfig) -> Result<Self> {
        let spec = task.spec();
        spec.check()?;
        let leak = Leak {
            dt: spec.dt,
            tau: config.tau.clone().unwrap_or(vec![spec.tau]),
            transfer: config.transfer,
            noise: config.noise,
        };
        let masks = Self::check(&config, spec.n_in, spec.n_out)?;
        let initializer = GaussianSpectralRadius { radius: config.spectral_radius };
        let raw = initializer.initialize(&Form::from(&masks), config.seed.child("initial weights"))?;
        Self::assemble(config, leak, masks, spec.n_in, spec.n_out, &raw)
    }

    /// A network for a task, with these effective weights, for instance from [`Weights::load`].
    ///
    /// # Errors
    /// If the weights do not fit the task, or if the constraints of the configuration forbid them.
    pub fn with_weights(task: &dyn TrialSource, config: RnnConfig, weights: &Weights) -> Result<Self> {
        let spec = task.spec();
        let leak = Leak {
            dt: spec.dt,
            tau: config.tau.clone().unwrap_or(vec![spec.tau]),
            transfer: config.transfer,
            noise: config.noise,
        };
        let network = Self::from_effective(config, leak, weights)?;
        check_fit(&spec, network.n_in, network.n_out, network.leak.dt)?;
        Ok(network)
    }

    /// The network in a file that [`Rnn::save`] wrote: weights, constraints, time constants.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by [`Rnn::save`]: then load it with [`Weights::load`] and name
    /// the rest in [`Rnn::with_weights`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        match weights.config::<Saved>()? {
            Some(saved) => Self::from_effective(saved.rnn, saved.dynamics, &weights),
            None => Err(Error::file(
                path.as_ref(),
                "it holds weights but not how the network was built: use Rnn::with_weights(&task, config, &Weights::load(path)?)",
            )),
        }
    }

    /// Saves the effective weights, with all that [`Rnn::load`] needs. The file opens in NumPy.
    ///
    /// # Errors
    /// If the file cannot be written; an older file of that name then stays whole.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.weights()?.save(path)
    }

    /// The same network in plain arrays, to be run and perturbed.
    ///
    /// # Errors
    /// What libtorch refuses.
    pub fn simulator(&self) -> Result<Simulator> {
        Simulator::new(&self.weights()?, self.leak.clone())
    }

    /// How the network was built.
    #[must_use]
    pub fn config(&self) -> &RnnConfig {
        &self.config
    }

    fn from_effective(config: RnnConfig, leak: Leak, weights: &Weights) -> Result<Self> {
        // The plain network checks the arrays against each other.
        let (n_in, n_rec, n_out) = LeakyRnn::new(weights, leak.clone())?.sizes();
        if n_rec != config.units {
            return Err(Error::argument("units", format!("{n_rec}, as in the weights"), config.units));
        }
        let masks = Self::check(&config, n_in, n_out)?;
        let raw = masks.invert(weights)?;
        Self::assemble(config, leak, masks, n_in, n_out, &raw)
    }

    fn check(config: &RnnConfig, n_in: usize, n_out: usize) -> Result<Masks> {
        if config.units == 0 {
            return Err(Error::argument("units", "at least 1", 0));
        }
        if let Some(name) = config.frozen.iter().find(|name| !PARAMETERS.contains(&name.as_str())) {
            return Err(Error::argument("freeze", format!("one of {}", PARAMETERS.join(", ")), format!("\"{name}\"")));
        }
        config.constraints.masks(n_in, config.units, n_out)
    }

    fn assemble(config: RnnConfig, leak: Leak, masks: Masks, n_in: usize, n_out: usize, raw: &Weights) -> Result<Self> {
        let n_rec = config.units;
        let alpha = leak.alpha(n_rec)?;
        let mut parameters = Parameters::new();
        for name in PARAMETERS {
            let trainable = !config.frozen.contains(name);
            match name {
                "b_rec" | "b_out" => parameters.insert(name, &raw.vector(name)?, trainable)?,
                "init_state" => {
                    let state = raw.vector(name)?.insert_axis(ndarray::Axis(0));
                    parameters.insert(name, &state, trainable)?;
                }
                _ => parameters.insert(name, &raw.matrix(name)?, trainable)?,
            }
        }
        Ok(Self {
            noise_sd: Tensor::try_from(leak.noise_sd(&alpha))?,
            alpha: Tensor::try_from(alpha)?,
            factors: masks.tensors()?,
            config,
            leak,
            n_in,
            n_out,
            masks,
            parameters,
        })
    }

    fn rate(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match self.leak.transfer {
            Transfer::Relu => x.f_relu()?,
            Transfer::Tanh => x.f_tanh()?,
            Transfer::Sigmoid => x.f_sigmoid()?,
            Transfer::Softplus => x.f_softplus()?,
            Transfer::Linear => x.shallow_clone(),
        })
    }
}

impl Network for Rnn {
    fn sizes(&self) -> Sizes {
        Sizes { n_in: self.n_in, n_rec: self.config.units, n_out: self.n_out, dt: self.leak.dt }
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn effective(&self) -> Result<Tensors> {
        self.masks.effective(&self.parameters.tensors()?, &self.factors)
    }

    fn weights(&self) -> Result<Weights> {
        let mut weights = Weights::new();
        for (name, tensor) in tch::no_grad(|| self.effective())?.iter() {
            weights.insert(name, super::to_array(tensor)?);
        }
        weights.set_config(&Saved { dynamics: self.leak.clone(), rnn: self.config.clone() })?;
        Ok(weights)
    }

    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let (n_batch, _) = trials.dim();
        let n_rec = self.config.units as i64;
        // α (W_in u + b_rec) + √(2α) σ n for all steps at once; only the recurrent product must wait for its turn.
        let mut drive = trials.inputs.f_matmul(&weights.get("W_in")?.f_tr()?)?.f_add(weights.get("b_rec")?)?;
        drive = drive.f_mul(&self.alpha)?;
        if self.leak.noise > 0.0 {
            drive = drive.f_add(&trials.noise(self.config.units)?.f_mul(&self.noise_sd)?)?;
        }
        let keep = self.alpha.f_neg()?.f_add_scalar(1.0)?;
        let w_rec = weights.get("W_rec")?.f_mul(&self.alpha.f_unsqueeze(1)?)?.f_tr()?;
        let mut x = weights.get("init_state")?.f_expand([n_batch as i64, n_rec], false)?;
        let mut rate = self.rate(&x)?;
        let (mut states, mut rates) = (Vec::new(), Vec::new());
        for drive in drive.f_unbind(1)? {
            x = x.f_mul(&keep)?.f_add(&drive)?.f_addmm(&rate, &w_rec)?;
            rate = self.rate(&x)?;
            states.push(x.shallow_clone());
            rates.push(rate.shallow_clone());
        }
        let states = Tensor::f_stack(&states, 1)?;
        let rates = Tensor::f_stack(&rates, 1)?;
        let outputs = rates.f_matmul(&weights.get("W_out")?.f_tr()?)?.f_add(weights.get("b_out")?)?;
        Ok(Activity { states, rates, outputs })
    }

    fn run(&self, batch: &Batch) -> Result<Session> {
        self.simulator()?.run(batch)
    }
}
