//! How an [`Rnn`](super::Rnn) is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use ndarray::{Array2, ArrayD};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::Result;
use crate::areas::Areas;
use crate::dynamics::{Covariance, LeakyForm, Readout, Transfer, UnitNoise};
use crate::network::constraints::Given;
use crate::network::recurrent::shared;
use crate::network::{Constraints, Dale, InitialWeights, RadiusOf};
use crate::random::Seed;
use crate::setters::setters;

/// How an [`Rnn`](super::Rnn) is built. Defaults: 50 units, the current form, ReLU, no noise, a linear readout, no constraints, everything trainable, seed 0.
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
    /// Whether the state of a unit is its current or its rate, see [`LeakyUnits`](crate::dynamics::LeakyUnits).
    pub form: LeakyForm,
    /// The transfer function.
    pub transfer: Transfer,
    /// The standard deviation `σ` of the recurrent noise, see [`LeakyUnits`](crate::dynamics::LeakyUnits).
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
    #[serde(alias = "frozen")]
    pub freeze: BTreeSet<String>,
    /// Entries of parameters that training leaves as they are: 1 for these, 0 for the others.
    #[serde(alias = "fixed")]
    pub freeze_entries: BTreeMap<String, ArrayD<f32>>,
    /// The seed of the initial weights.
    pub seed: Seed,
    #[serde(skip)]
    pub(super) tensor_transfer: Option<TensorTransfer>,
    /// What was set, also to its default: the rest is left open where weights are loaded.
    #[serde(skip)]
    pub(super) given: Given,
}

/// A transfer function as a closure on tensors.
#[derive(Clone)]
pub(super) struct TensorTransfer(pub(super) Arc<TensorFunction>);

pub(super) type TensorFunction = dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync;

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
            form: LeakyForm::Current,
            transfer: Transfer::Relu,
            noise: 0.0,
            unit_noise: None,
            readout: Readout::Linear,
            tau: None,
            constraints: Constraints::default(),
            initial: InitialWeights::default(),
            freeze: BTreeSet::new(),
            freeze_entries: BTreeMap::new(),
            seed: Seed(0),
            tensor_transfer: None,
            given: Given::default(),
        }
    }
}

impl RnnConfig {
    /// The networks of Yang GR et al. (2019), doi:10.1038/s41593-018-0310-2: 256 units in the rate form, a softplus, noise of 0.05, a sigmoid
    /// readout, [`InitialWeights::yang`], and an initial state that stays 0. Their tasks have steps of 20 ms and a `tau` of 100 ms; they were
    /// trained by Adam in TensorFlow's placement at a learning rate of 0.001, with [`Clip::Value(1.0)`](crate::train::Clip::Value), on the
    /// mean squared error in batches of 64.
    #[must_use]
    pub fn yang() -> Self {
        Self::default()
            .units(256)
            .form(LeakyForm::Rate)
            .transfer(Transfer::Softplus)
            .noise(0.05)
            .readout(Readout::Sigmoid)
            .initial(InitialWeights::yang())
            .freeze("init_state")
    }

    /// Whether the state of a unit is its current, by default, or its rate, as in Yang GR et al. (2019).
    #[must_use]
    pub fn form(mut self, form: LeakyForm) -> Self {
        self.form = form;
        self.given.add("form");
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
    /// [`Network::simulator`](crate::network::Network::simulator) says that it cannot. [`Transfer::custom`] runs everywhere.
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
        self.constraints.autapses = allowed;
        self.given.add("autapses");
        self
    }

    /// Which input weights exist: `[n_rec, n_in]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn input_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.input_connectivity = Some(mask);
        self
    }

    /// Which recurrent weights exist: `[n_rec, n_rec]`, `[post, pre]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn recurrent_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.recurrent_connectivity = Some(mask);
        self
    }

    /// Which output weights exist: `[n_out, n_rec]`, 1 or 0, or a factor between for each.
    #[must_use]
    pub fn output_connectivity(mut self, mask: Array2<f32>) -> Self {
        self.constraints.output_connectivity = Some(mask);
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
    /// [`RnnConfig::freeze_entries`].
    #[must_use]
    pub fn hold_at(mut self, name: &str, values: Array2<f32>) -> Self {
        self.constraints.hold_at.insert(name.to_owned(), values);
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
}

shared!(RnnConfig, "r");
