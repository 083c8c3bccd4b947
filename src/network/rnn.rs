//! The leaky recurrent network, trainable.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, ArrayD, Dimension};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::constraints::{ConstraintMap, Given};
use super::initialize::{InitialWeights, Initializer};
use super::tensors::{read_out, to_array, to_tensor};
use super::{Activity, Constraints, Dale, Network, Parameters, RadiusOf, Sizes, Tensors, Trials, check_memory};
use crate::caught::caught_in;
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
    /// What was set, also to its default: the rest is left open where weights are loaded.
    #[serde(skip)]
    given: Given,
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
            given: Given::default(),
        }
    }
}

impl RnnConfig {
    /// The number of units.
    #[must_use]
    pub fn units(mut self, units: usize) -> Self {
        self.units = units;
        self.given.add("units");
        self
    }

    /// The transfer function.
    #[must_use]
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = transfer;
        self.tensor_transfer = None;
        self.given.add("transfer");
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
        self.given.add("transfer");
        self
    }

    /// The standard deviation of the recurrent noise.
    #[must_use]
    pub fn noise(mut self, sd: f32) -> Self {
        self.noise = sd;
        self.given.add("noise");
        self
    }

    /// The output function `g` in `z = g(W_out r + b_out)`; by default linear.
    #[must_use]
    pub fn readout(mut self, readout: Readout) -> Self {
        self.readout = readout;
        self.given.add("readout");
        self
    }

    setters! {
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

    /// Dale's principle with the sign of each unit, 1 for an excitatory and -1 for an inhibitory one, where not the first ones are to be
    /// excitatory.
    #[must_use]
    pub fn signs(mut self, signs: &[f32]) -> Self {
        self.constraints.signs = Some(signs.to_vec());
        self
    }

    /// Whether a unit may connect to itself.
    #[must_use]
    pub fn autapses(mut self, allowed: bool) -> Self {
        self.constraints.no_autapses = !allowed;
        self.given.add("autapses");
        self
    }

    /// Which input weights exist: `[n_rec, n_in]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn input_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.input = Some(mask);
        self
    }

    /// Which recurrent weights exist: `[n_rec, n_rec]`, `[post, pre]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn recurrent_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.recurrent = Some(mask);
        self
    }

    /// Which output weights exist: `[n_out, n_rec]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn output_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.output = Some(mask);
        self
    }

    /// Areas with connections within and between them; the network gets as many units as they have.
    #[must_use]
    pub fn areas(mut self, areas: Areas) -> Self {
        self.units = areas.n_units();
        self.given.add("units");
        self.constraints.areas = Some(areas);
        self
    }

    /// How weights are kept from changing their sign under Dale's principle: by their absolute value, as in PsychRNN and by default,
    /// or by rectification, as in PyCog.
    #[must_use]
    pub fn dale(mut self, dale: Dale) -> Self {
        self.constraints.dale = dale;
        self.given.add("dale");
        self
    }

    /// Whether inhibitory units project out under Dale's principle, with negative weights; by default they do not.
    #[must_use]
    pub fn inhibitory_outputs(mut self, allowed: bool) -> Self {
        self.constraints.inhibitory_outputs = allowed;
        self.given.add("inhibitory_outputs");
        self
    }

    /// Holds effective weights of `W_in`, `W_rec` or `W_out` at these values: each entry that is not 0. They exist whatever the masks
    /// say, and training leaves them. To leave weights at the values that are drawn, as PsychRNN's `fixed_weights` does, use
    /// [`RnnConfig::fix`].
    #[must_use]
    pub fn hold_at(mut self, name: &str, values: Array2<f32>) -> Self {
        self.constraints.held.insert(name.to_owned(), values);
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

    /// Leaves those entries of a parameter as they are in training where `entries` is 1; elsewhere it is 0. It is what PsychRNN calls
    /// `fixed_weights`.
    #[doc(alias = "fixed_weights")]
    #[must_use]
    pub fn fix<D: Dimension>(mut self, parameter: &str, entries: ndarray::Array<f32, D>) -> Self {
        self.fixed.insert(parameter.to_owned(), entries.into_dyn());
        self
    }

    setters! {
        /// The seed of the initial weights.
        seed: impl Into<Seed> => seed.into();
    }

    /// Takes what is left open from weights that were loaded, and what this library saved with them.
    fn filled(mut self, spec: &TaskSpec, weights: &Weights, saved: Option<(Leak, Self)>) -> Result<Self> {
        let (default, given) = (Self::default(), self.given.clone());
        // How many units there are the weights tell.
        let n_rec = weights.array("W_rec")?.shape().first().copied().unwrap_or(1);
        given.fill_default("units", &mut self.units, default.units, n_rec);
        let constraints = match saved {
            None => {
                let named = weights.known_transfer();
                given.fill("transfer", &mut self.transfer, named.unwrap_or_default());
                None
            }
            Some((leak, saved)) => {
                given.fill("transfer", &mut self.transfer, leak.transfer);
                given.fill("readout", &mut self.readout, leak.readout);
                if self.noise == default.noise && self.unit_noise.is_none() && !given.has("noise") {
                    (self.noise, self.unit_noise) = (leak.noise, leak.unit_noise);
                }
                // One that is the task's is not the network's own.
                let own = saved.tau.is_some() || leak.tau != [spec.tau];
                self.tau = self.tau.or(own.then_some(leak.tau));
                if self.frozen.is_empty() && self.fixed.is_empty() {
                    (self.frozen, self.fixed) = (saved.frozen, saved.fixed);
                }
                given.fill("initial", &mut self.initial, saved.initial);
                given.fill_default("seed", &mut self.seed, default.seed, saved.seed);
                Some(saved.constraints)
            }
        };
        self.constraints.fill(&given, weights, constraints)?;
        Ok(self)
    }

    /// The entries that training leaves: those of [`RnnConfig::fix`], and the held weights of matrices that are not frozen whole.
    fn held(&self) -> BTreeMap<String, ArrayD<f32>> {
        let mut held = self.fixed.clone();
        for (name, values) in self.constraints.held.iter().filter(|(name, _)| !self.frozen.contains(*name)) {
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
        Self::from_spec(&task.spec()?, config)
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
        Self::initialized(&task.spec()?, config, initializer)
    }

    fn initialized(spec: &TaskSpec, mut config: RnnConfig, initializer: &dyn Initializer) -> Result<Self> {
        spec.check()?;
        config.constraints.follow(config.seed);
        if config.units == 0 {
            return Err(Error::argument("units", "at least 1", 0));
        }
        check_memory(1, spec.n_in, config.units, spec.n_out)?;
        let connections = config.constraints.connections(spec.n_in, config.units, spec.n_out)?;
        let draw = || initializer.initialize(&connections, config.seed.child("initial weights"));
        let raw = caught_in("the initializer", draw)?;
        let leak = leak(spec, &config);
        let constraints = ConstraintMap::rnn(&connections)?;
        let raw = constraints.start(raw)?;
        Self::assemble(config, leak, constraints, &raw)
    }

    /// A network for a task, with these effective weights: from [`Weights::load`], or from another network's
    /// [`Network::weights`], changed as you like. The constraints are inverted.
    ///
    /// What the configuration leaves open is as it was when the weights were saved: constraints, time constants, transfer function,
    /// noise, readout, and which weights training leaves; of a file of PsychRNN the masks, Dale's principle and the transfer function.
    /// [`Weights::unconstrained`] takes constraints away.
    ///
    /// # Errors
    /// If the weights do not fit the task, or if the constraints forbid them.
    pub fn with_weights(task: &dyn TrialSource, config: RnnConfig, weights: &Weights) -> Result<Self> {
        let spec = task.spec()?;
        let mut weights = weights.unsqueezed().into_owned();
        let mut config = config.filled(&spec, &weights, saved(&weights)?)?;
        config.constraints.follow(config.seed);
        if config.given.has("transfer") && weights.known_transfer().is_none() {
            // What could not be read was said.
            weights.set_transfer(&config.transfer);
        }
        let leak = leak(&spec, &config);
        let network = Self::from_effective(config, leak, &weights)?;
        check_fit(&spec, network.sizes.n_in, network.sizes.n_out, network.leak.dt, Some(&network.leak.clone().into()))?;
        Ok(network)
    }

    /// The network in a file that [`Network::save`] wrote: weights, constraints, time constants.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by [`Network::save`]: then load it with [`Weights::load`] and name
    /// the rest in [`Rnn::with_weights`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        match saved(&weights)? {
            Some((leak, rnn)) => {
                rnn.constraints.check_same(&weights)?;
                Self::from_effective(rnn, leak, &weights.unsqueezed())
            }
            None => Err(Error::file(
                path.as_ref(),
                "it does not hold an Rnn of this library: use Rnn::with_weights(&task, config, &Weights::load(path)?)",
            )),
        }
    }

    /// How the network was built.
    #[must_use]
    pub fn config(&self) -> &RnnConfig {
        &self.config
    }

    fn from_effective(config: RnnConfig, leak: Leak, weights: &Weights) -> Result<Self> {
        // The plain network checks the arrays against each other. It has no form of a tensor closure.
        let plain = if config.tensor_transfer.is_some() {
            weights.check_transfer(&leak.transfer)?;
            let mut linear = weights.clone();
            linear.set_transfer(&Transfer::Linear);
            Dynamics::new(&linear, Leak { transfer: Transfer::Linear, ..leak.clone() })?
        } else {
            Dynamics::new(weights, leak.clone())?
        };
        let (n_in, n_rec, n_out) = plain.sizes();
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

/// What an [`Rnn`] left with its weights, if they are those of one.
fn saved(weights: &Weights) -> Result<Option<(Leak, RnnConfig)>> {
    #[derive(Deserialize)]
    struct OfRnn {
        #[serde(rename = "rnn")]
        _rnn: serde::de::IgnoredAny,
    }
    match weights.config::<Saved>() {
        Ok(Some(Saved { dynamics: Constants::Leaky(leak), rnn })) => Ok(Some((leak, rnn))),
        // Constraints that cannot be read are not dropped; what is no configuration of an Rnn is somebody else's.
        Err(error) if weights.config::<OfRnn>().is_ok() => Err(error),
        _ => Ok(None),
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
        let inhibits = |unit| connections.signs.as_ref().is_some_and(|signs| signs.inhibits(unit));
        let dale = |inhibitory: f32| {
            let sign = |unit| if inhibits(unit) { inhibitory } else { 1.0 };
            Array2::from_diag(&(0..self.sizes.n_rec).map(sign).collect::<ndarray::Array1<f32>>())
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
        weights.set_transfer(&self.leak.transfer);
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

    fn simulator(&self) -> Result<Simulator> {
        Ok(Simulator::new(&self.weights()?, self.leak.clone())?.with_pool(&self.pool))
    }

    fn set_weights(&mut self, weights: &Weights) -> Result<()> {
        let weights = weights.unsqueezed();
        weights.check_transfer(&self.leak.transfer)?;
        let raw = self.constraints.invert(&weights)?;
        self.parameters.replace(&raw)
    }

    fn run(&self, batch: &Batch) -> Result<Session> {
        match &self.config.tensor_transfer {
            None => self.simulator()?.run(batch),
            Some(_) => super::run_on_libtorch(self, batch, None),
        }
    }
}
