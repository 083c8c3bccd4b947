//! The leaky recurrent network, trainable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayD, Dimension};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::constraints::ConstraintMap;
use super::initialize::{InitialWeights, Initializer};
use super::tensors::{read_out, to_array, to_tensor};
use super::{Activity, Constraints, Dale, Network, Parameters, RadiusOf, Sizes, Tensors, Trials, check_memory};
use crate::connectivity::Areas;
use crate::dynamics::{Constants, Covariance, Dynamics, Leak, Pool, Readout, Transfer, UnitNoise};
use crate::random::Seed;
use crate::setters::setters;
use crate::simulate::{Session, Simulator, check_fit};
use crate::task::{Batch, TaskSpec, TrialSource};
use crate::weights::Weights;
use crate::{Error, Result};

/// The parameters of an [`Rnn`], in the order in which they are saved.
const PARAMETERS: [&str; 6] = ["W_in", "W_rec", "W_out", "b_rec", "b_out", "init_state"];

/// How an [`Rnn`] is built. Defaults: 50 units, ReLU, no noise, a linear readout, no constraints, everything trainable, seed 0.
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
    /// The standard deviation `σ` of the recurrent noise, see [`LeakyRnn`](crate::dynamics::LeakyRnn).
    pub noise: f32,
    /// The noise of each unit, or noise that they share, where not all have the same; `noise` is 0 then.
    pub unit_noise: Option<UnitNoise>,
    /// The output function.
    pub readout: Readout,
    /// The time constant of each unit, in milliseconds; by default the task's `tau` for all.
    pub tau: Option<Vec<f32>>,
    /// The biological constraints.
    pub constraints: Constraints,
    /// How the initial weights are drawn.
    pub initial: InitialWeights,
    /// The parameters that training leaves as they are.
    pub frozen: BTreeSet<String>,
    /// Entries of parameters that training leaves as they are: 1 for these, 0 for the others.
    pub fixed: BTreeMap<String, ArrayD<f32>>,
    /// The seed of the initial weights.
    pub seed: Seed,
    #[serde(skip)]
    tensor_transfer: Option<TensorTransfer>,
}

/// A transfer function as a closure on tensors.
#[derive(Clone)]
struct TensorTransfer(Arc<TensorFunction>);

type TensorFunction = dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync;

impl fmt::Debug for TensorTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closure")
    }
}

/// Closures cannot be compared; the name in `RnnConfig::transfer` tells them apart.
impl PartialEq for TensorTransfer {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Default for RnnConfig {
    fn default() -> Self {
        Self {
            units: 50,
            transfer: Transfer::Relu,
            noise: 0.0,
            unit_noise: None,
            readout: Readout::Linear,
            tau: None,
            constraints: Constraints::default(),
            initial: InitialWeights::default(),
            frozen: BTreeSet::new(),
            fixed: BTreeMap::new(),
            seed: Seed(0),
            tensor_transfer: None,
        }
    }
}

impl RnnConfig {
    setters! {
        /// The number of units.
        units: usize;
    }

    /// The transfer function.
    #[must_use]
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self.tensor_transfer = None;
        self
    }

    /// A transfer function of your own as a closure on tensors, with its name. Such a network runs on libtorch alone:
    /// [`Rnn::simulator`] says that it cannot. [`Transfer::custom`] runs everywhere.
    #[must_use]
    pub fn tensor_transfer(
        mut self,
        name: &str,
        transfer: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        self.transfer = Transfer::named(name);
        self.tensor_transfer = Some(TensorTransfer(Arc::new(transfer)));
        self
    }

    setters! {
        /// The standard deviation of the recurrent noise.
        noise: f32;
        /// The output function `g` in `z = g(W_out r + b_out)`; by default linear.
        readout: Readout;
        /// The time constant of each unit, in milliseconds.
        tau: &[f32] => Some(tau.to_vec());
    }

    /// The standard deviation of the recurrent noise of each unit, in place of one for all.
    #[must_use]
    pub fn noise_per_unit(mut self, sds: &[f32]) -> Self {
        self.unit_noise = Some(UnitNoise::PerUnit(sds.to_vec()));
        self
    }

    /// The covariance `[n_rec, n_rec]` of recurrent noise that units share, in place of `σ²` for each.
    #[must_use]
    pub fn noise_covariance(mut self, covariance: Covariance) -> Self {
        self.unit_noise = Some(UnitNoise::Covariance(covariance));
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

    /// Areas with connections within and between them; the network gets as many units as they have.
    #[must_use]
    pub fn areas(mut self, areas: Areas) -> Self {
        self.units = areas.n_units();
        self.constraints.areas = Some(areas);
        self
    }

    /// How weights are kept from changing their sign under Dale's principle: by their absolute value, as in PsychRNN and by default,
    /// or by rectification, as in PyCog.
    #[must_use]
    pub fn dale(mut self, dale: Dale) -> Self {
        self.constraints.dale = dale;
        self
    }

    /// Whether inhibitory units project out under Dale's principle, with negative weights; by default they do not.
    #[must_use]
    pub fn inhibitory_outputs(mut self, allowed: bool) -> Self {
        self.constraints.inhibitory_outputs = allowed;
        self
    }

    /// Fixes effective weights of `W_in`, `W_rec` or `W_out`: each entry that is not 0. They exist whatever the masks say, and
    /// training leaves them. To leave weights at the values that are drawn, use [`RnnConfig::fix`].
    #[must_use]
    pub fn fixed_weights(mut self, name: &str, values: Array2<f32>) -> Self {
        self.constraints.fixed.insert(name.to_owned(), values);
        self
    }

    /// The spectral radius at which `W_rec` starts: of the raw or of the effective matrix, see [`RadiusOf`]. It is part of
    /// [`RnnConfig::initial`], so name it after that.
    #[must_use]
    pub fn spectral_radius(mut self, radius: f32, of: RadiusOf) -> Self {
        self.initial.radius = Some((radius, of));
        self
    }

    setters! {
        /// How the initial weights are drawn.
        initial: InitialWeights;
    }

    /// Leaves a parameter as it is in training: `W_in`, `W_rec`, `W_out`, `b_rec`, `b_out` or `init_state`.
    #[must_use]
    pub fn freeze(mut self, parameter: &str) -> Self {
        self.frozen.insert(parameter.to_owned());
        self
    }

    /// Leaves those entries of a parameter as they are in training where `entries` is 1; elsewhere it is 0.
    #[must_use]
    pub fn fix<D: Dimension>(mut self, parameter: &str, entries: ndarray::Array<f32, D>) -> Self {
        self.fixed.insert(parameter.to_owned(), entries.into_dyn());
        self
    }

    setters! {
        /// The seed of the initial weights.
        seed: impl Into<Seed> => seed.into();
    }

    /// The entries that training leaves: those of [`RnnConfig::fix`], and the fixed weights of matrices that are not frozen whole.
    fn held(&self) -> BTreeMap<String, ArrayD<f32>> {
        let mut held = self.fixed.clone();
        for (name, values) in self.constraints.fixed.iter().filter(|(name, _)| !self.frozen.contains(*name)) {
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
}

/// The leaky recurrent network, with the equations of [`LeakyRnn`](crate::dynamics::LeakyRnn).
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
    sizes: Sizes,
    constraints: ConstraintMap,
    alpha: Tensor,
    noise_sd: Tensor,
    /// What mixes noise that units share, `Rᵀ`.
    noise_root: Option<Tensor>,
    parameters: Parameters,
    /// Memory of its runs.
    pool: Pool,
}

/// What travels with the weights of an [`Rnn`].
#[derive(Serialize, Deserialize)]
struct Saved {
    dynamics: Constants,
    rnn: RnnConfig,
}

impl Rnn {
    /// A network for a task, with fresh weights. The task gives channels, `dt` and `tau`.
    ///
    /// # Errors
    /// If the task or the configuration makes no sense, if one contradicts the other, or if there is not enough memory for so many
    /// units.
    pub fn new(task: &dyn TrialSource, config: RnnConfig) -> Result<Self> {
        Self::from_spec(&task.spec(), config)
    }

    /// A network with the channels, `dt` and `tau` of this frame, for instance as a part of a network of your own.
    ///
    /// # Errors
    /// As [`Rnn::new`].
    pub fn from_spec(spec: &TaskSpec, config: RnnConfig) -> Result<Self> {
        let initial = config.initial;
        Self::initialized(spec, config, &initial)
    }

    /// A network for a task, with fresh weights from an initializer of your own.
    ///
    /// # Errors
    /// As [`Rnn::new`]; also if the initializer gives arrays of wrong shape.
    pub fn with_initializer(task: &dyn TrialSource, config: RnnConfig, initializer: &dyn Initializer) -> Result<Self> {
        Self::initialized(&task.spec(), config, initializer)
    }

    fn initialized(spec: &TaskSpec, config: RnnConfig, initializer: &dyn Initializer) -> Result<Self> {
        spec.check()?;
        if config.units == 0 {
            return Err(Error::argument("units", "at least 1", 0));
        }
        check_memory(1, spec.n_in, config.units, spec.n_out)?;
        let connections = config.constraints.connections(spec.n_in, config.units, spec.n_out)?;
        let raw = initializer.initialize(&connections, config.seed.child("initial weights"))?;
        let leak = leak(spec, &config);
        let constraints = ConstraintMap::rnn(&connections)?;
        let raw = constraints.start(raw)?;
        Self::assemble(config, leak, constraints, &raw)
    }

    /// A network for a task, with these effective weights: from [`Weights::load`], or from another network's
    /// [`Network::weights`], changed as you like. The constraints are inverted.
    ///
    /// # Errors
    /// If the weights do not fit the task, or if the constraints of the configuration forbid them.
    pub fn with_weights(task: &dyn TrialSource, config: RnnConfig, weights: &Weights) -> Result<Self> {
        let spec = task.spec();
        let leak = leak(&spec, &config);
        let network = Self::from_effective(config, leak, weights)?;
        check_fit(&spec, network.sizes.n_in, network.sizes.n_out, network.leak.dt)?;
        Ok(network)
    }

    /// The network in a file that [`Network::save`] wrote: weights, constraints, time constants.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by [`Network::save`]: then load it with [`Weights::load`] and name
    /// the rest in [`Rnn::with_weights`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        match weights.config::<Saved>().ok().flatten() {
            Some(Saved { dynamics: Constants::Leaky(leak), rnn }) => Self::from_effective(rnn, leak, &weights),
            _ => Err(Error::file(
                path.as_ref(),
                "it does not hold an Rnn of this library: use Rnn::with_weights(&task, config, &Weights::load(path)?)",
            )),
        }
    }

    /// The same network in plain arrays, to be run and perturbed.
    ///
    /// # Errors
    /// If its transfer function is a tensor closure.
    pub fn simulator(&self) -> Result<Simulator> {
        Ok(Simulator::new(&self.weights()?, self.leak.clone())?.with_pool(&self.pool))
    }

    /// How the network was built.
    #[must_use]
    pub fn config(&self) -> &RnnConfig {
        &self.config
    }

    fn from_effective(config: RnnConfig, leak: Leak, weights: &Weights) -> Result<Self> {
        // The plain network checks the arrays against each other; which transfer function it has does not matter.
        let plain = Leak { transfer: Transfer::Linear, ..leak.clone() };
        let (n_in, n_rec, n_out) = Dynamics::new(weights, plain)?.sizes();
        if n_rec != config.units {
            return Err(Error::argument("units", format!("{n_rec}, as in the weights"), config.units));
        }
        check_memory(1, n_in, n_rec, n_out)?;
        let constraints = ConstraintMap::rnn(&config.constraints.connections(n_in, n_rec, n_out)?)?;
        let raw = constraints.invert(weights)?;
        Self::assemble(config, leak, constraints, &raw)
    }

    fn assemble(config: RnnConfig, leak: Leak, constraints: ConstraintMap, raw: &Weights) -> Result<Self> {
        if config.tensor_transfer.is_none() {
            // The plain network checks shapes and numbers, and that the transfer function is there.
            Dynamics::new(raw, leak.clone())?;
        }
        let alpha = leak.alpha(config.units)?;
        let mut parameters = Parameters::new();
        for name in PARAMETERS {
            match name {
                "b_rec" | "b_out" => parameters.insert(name, &raw.vector(name)?)?,
                "init_state" => parameters.insert(name, &raw.rows(name, config.units)?)?,
                _ => parameters.insert(name, &raw.matrix(name)?)?,
            }
        }
        hold(&mut parameters, &config.frozen, &config.held())?;
        let (n_in, n_out) = (raw.matrix("W_in")?.ncols(), raw.matrix("W_out")?.nrows());
        Ok(Self {
            noise_sd: to_tensor(&leak.noise_sd(&alpha))?,
            noise_root: match &leak.unit_noise {
                Some(UnitNoise::Covariance(covariance)) => Some(to_tensor(&covariance.root().t())?),
                _ => None,
            },
            alpha: to_tensor(&alpha)?,
            sizes: Sizes { n_in, n_rec: config.units, n_out, dt: leak.dt },
            config,
            leak,
            constraints,
            parameters,
            pool: Pool::default(),
        })
    }

    fn rate(&self, x: &Tensor) -> Result<Tensor> {
        if let Some(TensorTransfer(transfer)) = &self.config.tensor_transfer {
            return transfer(x);
        }
        Ok(match &self.leak.transfer {
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

fn leak(spec: &TaskSpec, config: &RnnConfig) -> Leak {
    let tau = config.tau.clone().unwrap_or(vec![spec.tau]);
    let (transfer, unit_noise) = (config.transfer.clone(), config.unit_noise.clone());
    Leak { dt: spec.dt, tau, transfer, noise: config.noise, unit_noise, readout: config.readout }
}

/// Marks what training leaves as it is.
pub(super) fn hold(
    parameters: &mut Parameters,
    frozen: &BTreeSet<String>,
    fixed: &BTreeMap<String, ArrayD<f32>>,
) -> Result<()> {
    let names: Vec<String> = parameters.iter().map(|(name, _)| name.to_owned()).collect();
    let known = |what: &str, name: &String| {
        if names.contains(name) {
            return Ok(());
        }
        Err(Error::argument(what, format!("one of {}", names.join(", ")), format!("\"{name}\"")))
    };
    for name in frozen {
        known("freeze", name)?;
        parameters.freeze(name)?;
    }
    for (name, entries) in fixed {
        known("fix", name)?;
        if frozen.contains(name) {
            let got = format!("both for \"{name}\"");
            return Err(Error::argument("fix", "for other parameters than `freeze`, which fixes them whole", got));
        }
        parameters.fix(name, entries)?;
    }
    Ok(())
}

impl Network for Rnn {
    fn sizes(&self) -> Sizes {
        self.sizes
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    fn effective(&self) -> Result<Tensors> {
        self.constraints.effective(&self.parameters.tensors())
    }

    fn move_to(&mut self, device: tch::Device) -> Result<()> {
        for tensor in [&mut self.alpha, &mut self.noise_sd].into_iter().chain(&mut self.noise_root) {
            *tensor = tensor.f_to_device(device)?;
        }
        self.constraints.move_to(device)?;
        self.parameters.move_to(device)
    }

    fn constants(&self) -> Option<Constants> {
        self.config.tensor_transfer.is_none().then(|| self.leak.clone().into())
    }

    fn initial_state(&self) -> Option<&'static str> {
        Some("init_state")
    }

    fn rates(&self, states: &Tensor) -> Result<Tensor> {
        self.rate(states)
    }

    fn annotate(&self, weights: &mut Weights) -> Result<()> {
        // What PsychRNN reads besides.
        let connections = self.config.constraints.connections(self.sizes.n_in, self.sizes.n_rec, self.sizes.n_out)?;
        let n_excitatory = connections.excitatory.map_or(self.sizes.n_rec, |(_, n)| n);
        let dale = |inhibitory: f32| {
            let sign = |unit| if unit < n_excitatory { 1.0 } else { inhibitory };
            Array2::from_diag(&(0..self.sizes.n_rec).map(sign).collect::<ndarray::Array1<f32>>())
        };
        weights.insert("Dale_rec", dale(-1.0));
        weights.insert("Dale_out", dale(connections.sign_of_inhibitory_outputs()));
        weights.insert("input_connectivity", connections.input);
        weights.insert("rec_connectivity", connections.recurrent);
        weights.insert("output_connectivity", connections.output);
        weights.set_dale_ratio(connections.excitatory.map(|(ratio, _)| ratio));
        weights.set_config(&Saved { dynamics: self.leak.clone().into(), rnn: self.config.clone() })
    }

    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let (n_batch, _) = trials.dim();
        let n_rec = self.config.units as i64;
        // α (W_in u + b_rec) + √(2α) σ n for all steps at once; only the recurrent product must wait for its turn.
        let mut drive = trials.inputs.f_matmul(&weights.get("W_in")?.f_tr()?)?.f_add(weights.get("b_rec")?)?;
        drive = drive.f_mul(&self.alpha)?;
        if self.leak.largest_noise() > 0.0 {
            let mut noise = trials.noise(self.config.units)?;
            if let Some(root) = &self.noise_root {
                noise = noise.f_matmul(root)?;
            }
            drive = drive.f_add(&noise.f_mul(&self.noise_sd)?)?;
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
        let sums = rates.f_matmul(&weights.get("W_out")?.f_tr()?)?.f_add(weights.get("b_out")?)?;
        Ok(Activity { states, rates, outputs: read_out(self.leak.readout, &sums)? })
    }

    fn run(&self, batch: &Batch) -> Result<Session> {
        match &self.config.tensor_transfer {
            None => self.simulator()?.run(batch),
            Some(_) => super::run_on_libtorch(self, batch, None),
        }
    }
}
