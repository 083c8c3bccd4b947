//! The trainable networks of our equations: what they have in common, whichever the equation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use ndarray::ArrayD;
use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::constraints::{Connections, ConstraintMap, Given};
use super::{Activity, Constraints, Network, Parameters, Sizes, Tensors, Trials, run_on_libtorch};
use crate::dynamics::{Constants, Dynamics, Pool, Readout};
use crate::random::Seed;
use crate::simulate::{Session, Simulator, check_fit};
use crate::task::{Batch, TaskSpec, TrialSource};
use crate::weights::Weights;
use crate::{Error, Result, memory};

/// How a network of one of our equations is built: what all kinds have, and what differs between them.
pub trait Config: Clone + fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + 'static {
    /// What the network is called in Rust.
    const NAME: &'static str;
    /// Under which name the configuration is saved.
    const KEY: &'static str;

    /// What all configurations have.
    fn shared(&self) -> Shared<'_>;

    /// As [`Config::shared`], to be changed.
    fn shared_mut(&mut self) -> SharedMut<'_>;

    /// The constants that it has for a task.
    fn constants(&self, spec: &TaskSpec) -> Constants;

    /// Whether these are constants of this kind of network.
    fn is_of(constants: &Constants) -> bool;

    /// Draws raw parameters.
    ///
    /// # Errors
    /// If it says nothing that makes sense.
    fn draw(&self, connections: &Connections) -> Result<Weights>;

    /// Takes what is left open, and is not shared by all kinds, from weights that were loaded, and what this library saved with them.
    ///
    /// # Errors
    /// If it contradicts what was saved.
    fn fill(&mut self, spec: &TaskSpec, weights: &mut Weights, saved: Option<(&Constants, &Self)>) -> Result<()>;

    /// Tensors that [`Config::forward`] needs beside the weights.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn constant_tensors(&self, constants: &Constants) -> Result<Tensors> {
        let _ = constants;
        Ok(Tensors::new())
    }

    /// The equation on libtorch's graph. New equations run on the kernel only.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn forward(network: &Recurrent<Self>, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        let _ = (weights, trials);
        let expected = format!("the kernel, on the processor: {} has no form on libtorch's graph", Self::NAME);
        Err(Error::argument("backend", expected, format!("libtorch for {:?}", network.sizes)))
    }

    /// The rates of states on libtorch's graph.
    ///
    /// # Errors
    /// What libtorch refuses.
    fn rates(network: &Recurrent<Self>, states: &tch::Tensor) -> Result<tch::Tensor> {
        let _ = network;
        Ok(states.shallow_clone())
    }

    /// Whether it has a form without libtorch.
    fn has_plain_form(&self) -> bool {
        true
    }

    /// Entries that training leaves as they are beside those of `freeze_entries`.
    fn held(&self) -> BTreeMap<String, ArrayD<f32>> {
        self.shared().freeze_entries.clone()
    }

    /// What another program reads from the weights.
    ///
    /// # Errors
    /// If the constraints make no sense.
    fn annotate(&self, constants: &Constants, connections: Connections, weights: &mut Weights) -> Result<()> {
        let _ = (constants, connections, weights);
        Ok(())
    }
}

/// What the configurations of all kinds have.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The number of units.
    pub units: usize,
    /// The constraints.
    pub constraints: &'a Constraints,
    /// The parameters that training leaves as they are.
    pub freeze: &'a BTreeSet<String>,
    /// Entries of parameters that training leaves as they are.
    pub freeze_entries: &'a BTreeMap<String, ArrayD<f32>>,
    /// The seed of the initial weights.
    pub seed: Seed,
    /// What was set.
    pub given: &'a Given,
}

/// As [`Shared`], to be changed.
#[derive(Debug)]
pub struct SharedMut<'a> {
    /// The number of units.
    pub units: &'a mut usize,
    /// The output function.
    pub readout: &'a mut Readout,
    /// The constraints.
    pub constraints: &'a mut Constraints,
    /// The parameters that training leaves as they are.
    pub freeze: &'a mut BTreeSet<String>,
    /// Entries of parameters that training leaves as they are.
    pub freeze_entries: &'a mut BTreeMap<String, ArrayD<f32>>,
    /// The seed of the initial weights.
    pub seed: &'a mut Seed,
}

/// Writes what a configuration has in common with all others: its setters, and its part of [`Config`].
macro_rules! shared {
    ($config:ident, $rates:literal) => {
        impl $config {
            /// The number of units.
            #[must_use]
            pub fn units(mut self, units: usize) -> Self {
                self.units = units;
                self.given.add("units");
                self
            }

            #[doc = concat!("The output function `g` in `z = g(W_out ", $rates, " + b_out)`; by default linear.")]
            #[must_use]
            pub fn readout(mut self, readout: Readout) -> Self {
                self.readout = readout;
                self.given.add("readout");
                self
            }

            /// Leaves a parameter as it is in training, by the name of its array.
            #[must_use]
            pub fn freeze(mut self, parameter: &str) -> Self {
                self.freeze.insert(parameter.to_owned());
                self
            }

            /// Leaves those entries of a parameter as they are in training where `entries` is 1; elsewhere it is 0. It is what PsychRNN
            /// calls `fixed_weights`.
            #[doc(alias = "fixed_weights")]
            #[must_use]
            pub fn freeze_entries<D: ndarray::Dimension>(
                mut self,
                parameter: &str,
                entries: ndarray::Array<f32, D>,
            ) -> Self {
                self.freeze_entries.insert(parameter.to_owned(), entries.into_dyn());
                self
            }

            $crate::setters::setters! {
                /// The constraints: which connections exist, and what else holds for them.
                constraints: Constraints;
                /// The seed of the initial weights.
                seed: impl Into<Seed> => seed.into();
            }
        }
    };
    (of $config:ident) => {
        fn shared(&self) -> $crate::network::recurrent::Shared<'_> {
            let Self { units, constraints, freeze, freeze_entries, seed, given, .. } = self;
            $crate::network::recurrent::Shared {
                units: *units,
                constraints,
                freeze,
                freeze_entries,
                seed: *seed,
                given,
            }
        }

        fn shared_mut(&mut self) -> $crate::network::recurrent::SharedMut<'_> {
            let Self { units, readout, constraints, freeze, freeze_entries, seed, .. } = self;
            $crate::network::recurrent::SharedMut { units, readout, constraints, freeze, freeze_entries, seed }
        }
    };
}
pub(super) use shared;

/// A trainable network of one of our equations, by the configuration `C`: [`Rnn`](super::Rnn) is that of an
/// [`RnnConfig`](super::RnnConfig), [`Lstm`](super::Lstm) that of an [`LstmConfig`](super::LstmConfig).
///
/// Its parameters are raw ones, what the optimizer changes; its constraints make effective weights of them, with which it runs and which it
/// saves. It runs and trains by [`Dynamics`] in plain arrays, forwards and backwards through time, and on libtorch's graph if that is
/// asked for ([`Trainer::backend`](crate::train::Trainer::backend)). A network that is not of this kind implements [`Network`].
#[derive(Debug)]
pub struct Recurrent<C> {
    pub(super) config: C,
    pub(super) constants: Constants,
    pub(super) sizes: Sizes,
    constraints: ConstraintMap,
    /// What its form on libtorch's graph needs besides.
    pub(super) tensors: Tensors,
    parameters: Parameters,
    /// Memory of its runs.
    pool: Pool,
}

impl<C: Config> Recurrent<C> {
    /// A network for a task, with fresh weights. The task gives channels, `dt` and `tau`.
    ///
    /// # Errors
    /// If the task or the configuration makes no sense, if one contradicts the other, or if there is not enough memory for so many
    /// units.
    pub fn new(task: &dyn TrialSource, config: C) -> Result<Self> {
        Self::from_spec(&task.spec()?, config)
    }

    /// A network with the channels, `dt` and `tau` of this frame, for instance as a part of a network of your own.
    ///
    /// # Errors
    /// As [`Recurrent::new`].
    pub fn from_spec(spec: &TaskSpec, config: C) -> Result<Self> {
        Self::drawn(spec, config, C::draw)
    }

    /// A network whose raw parameters are drawn in this way.
    pub(super) fn drawn(
        spec: &TaskSpec,
        mut config: C,
        draw: impl FnOnce(&C, &Connections) -> Result<Weights>,
    ) -> Result<Self> {
        spec.check()?;
        let units = config.shared().units;
        if units == 0 {
            return Err(Error::argument("units", "at least 1", 0));
        }
        let constants = config.constants(spec);
        check_memory(&constants, spec.n_in, units, spec.n_out)?;
        let connections = follow(&mut config).connections(spec.n_in, units, spec.n_out)?;
        let constraints = ConstraintMap::new(&constants, &connections)?;
        let raw = constraints.start(draw(&config, &connections)?)?;
        Self::assemble(config, constants, constraints, &raw)
    }

    /// A network for a task, with these effective weights: from [`Weights::load`], or from another network's
    /// [`Network::weights`], changed as you like. The constraints are inverted.
    ///
    /// What the configuration leaves open is as it was when the weights were saved: constraints, time constants, transfer function,
    /// noise, readout, and of each parameter what training leaves (`freeze_entries` with zeros lets it go); of a file of PsychRNN the
    /// masks, Dale's principle and the transfer function.
    /// [`Weights::unconstrained`] takes constraints away.
    ///
    /// # Errors
    /// If the weights do not fit the task, or if the constraints forbid them.
    pub fn with_weights(task: &dyn TrialSource, mut config: C, weights: &Weights) -> Result<Self> {
        let spec = task.spec()?;
        let mut weights = config.constants(&spec).unsqueezed(weights).into_owned();
        let saved = saved::<C>(&weights)?;
        config.fill(&spec, &mut weights, saved.as_ref().map(|(constants, config)| (constants, config)))?;
        fill(&mut config, &spec, &weights, saved)?;
        follow(&mut config);
        let constants = config.constants(&spec);
        let network = Self::from_effective(config, constants, &weights)?;
        let Sizes { n_in, n_out, dt, .. } = network.sizes;
        check_fit(&spec, n_in, n_out, dt, Some(&network.constants))?;
        Ok(network)
    }

    /// The network in a file that [`Network::save`] wrote: weights, constraints, constants.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by [`Network::save`]: then load it with [`Weights::load`] and name
    /// the rest in [`Recurrent::with_weights`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let weights = Weights::load(&path)?;
        let Some((constants, config)) = saved::<C>(&weights)? else {
            let name = C::NAME;
            let what = format!(
                "no `{name}` of this library is in it: use {name}::with_weights(&task, config, &Weights::load(path)?)"
            );
            return Err(Error::file(path.as_ref(), what));
        };
        config.shared().constraints.check_same(&weights)?;
        let weights = constants.unsqueezed(&weights).into_owned();
        Self::from_effective(config, constants, &weights)
    }

    /// How the network was built.
    #[must_use]
    pub fn config(&self) -> &C {
        &self.config
    }

    fn from_effective(config: C, constants: Constants, weights: &Weights) -> Result<Self> {
        // The plain network checks the arrays against each other.
        let (n_in, n_rec, n_out) = match config.has_plain_form() {
            true => Dynamics::new(weights, constants.clone())?.sizes(),
            false => {
                constants.check_trained(weights)?;
                constants.sizes(weights)?
            }
        };
        let shared = config.shared();
        if n_rec != shared.units {
            return Err(Error::argument("units", format!("{n_rec}, as in the weights"), shared.units));
        }
        check_memory(&constants, n_in, n_rec, n_out)?;
        let constraints = ConstraintMap::new(&constants, &shared.constraints.connections(n_in, n_rec, n_out)?)?;
        let raw = constraints.invert(weights)?;
        Self::assemble(config, constants, constraints, &raw)
    }

    fn assemble(config: C, constants: Constants, constraints: ConstraintMap, raw: &Weights) -> Result<Self> {
        if config.has_plain_form() {
            // The plain network checks shapes and numbers, and that nothing is missing that it needs.
            Dynamics::new(raw, constants.clone())?;
        }
        let (n_in, n_rec, n_out) = constants.sizes(raw)?;
        let wiring = constants.units().wiring(n_rec);
        let mut parameters = Parameters::new();
        for name in wiring.names() {
            if wiring.initial().contains(&name) {
                parameters.insert(name, &raw.rows(name, n_rec)?)?;
            } else if wiring.is_bias(name) {
                parameters.insert(name, &raw.vector(name)?)?;
            } else {
                parameters.insert(name, &raw.matrix(name)?)?;
            }
        }
        hold(&mut parameters, config.shared().freeze, &config.held())?;
        let tensors = config.constant_tensors(&constants)?;
        let sizes = Sizes { n_in, n_rec, n_out, dt: constants.dt() };
        Ok(Self { config, constants, sizes, constraints, tensors, parameters, pool: Pool::default() })
    }
}

/// Areas whose seed is not set take that of their network.
fn follow<C: Config>(config: &mut C) -> &Constraints {
    let SharedMut { constraints, seed, .. } = config.shared_mut();
    constraints.follow(*seed);
    constraints
}

/// Takes what is left open, and what all kinds have, from weights that were loaded, and what this library saved with them.
fn fill<C: Config>(config: &mut C, spec: &TaskSpec, weights: &Weights, saved: Option<(Constants, C)>) -> Result<()> {
    let (default, given) = (C::default(), config.shared().given.clone());
    // How many units there are the weights tell.
    let n_rec = config.constants(spec).n_rec(weights)?;
    let open = config.shared_mut();
    given.fill_default("units", open.units, default.shared().units, n_rec);
    let constraints = saved.map(|(constants, mut saved)| {
        let saved = saved.shared_mut();
        given.fill("readout", open.readout, constants.readout());
        leave((open.freeze, open.freeze_entries), std::mem::take(saved.freeze), std::mem::take(saved.freeze_entries));
        given.fill_default("seed", open.seed, default.shared().seed, *saved.seed);
        std::mem::take(saved.constraints)
    });
    open.constraints.fill(&given, weights, constraints)
}

/// Adds what training left of weights that were loaded to what it is to leave. What is said of a parameter now stands.
fn leave(
    (frozen, fixed): (&mut BTreeSet<String>, &mut BTreeMap<String, ArrayD<f32>>),
    saved_frozen: BTreeSet<String>,
    saved_fixed: BTreeMap<String, ArrayD<f32>>,
) {
    let said: BTreeSet<String> = frozen.iter().chain(fixed.keys()).cloned().collect();
    frozen.extend(saved_frozen.into_iter().filter(|name| !said.contains(name)));
    fixed.extend(saved_fixed.into_iter().filter(|(name, _)| !said.contains(name)));
}

/// What travels with the weights: the constants, and the configuration under its name.
struct Saved<'a, C>(&'a Constants, &'a C);

impl<C: Config> Serialize for Saved<'_, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("dynamics", self.0)?;
        map.serialize_entry(C::KEY, self.1)?;
        map.end()
    }
}

/// What a network left with its weights, if they are those of one of this kind.
fn saved<C: Config>(weights: &Weights) -> Result<Option<(Constants, C)>> {
    let Some(serde_json::Value::Object(mut parts)) = weights.config()? else { return Ok(None) };
    let Some(constants) = parts.remove("dynamics") else { return Ok(None) };
    // Constraints that cannot be read are not dropped.
    let wrong = |error| Error::argument("config of the weights", "a configuration of this version", error);
    let constants: Constants = serde_json::from_value(constants).map_err(wrong)?;
    if !C::is_of(&constants) {
        // Their arrays may have the same names.
        let expected = format!("of the kind `{}`", C::NAME);
        return Err(Error::argument("network of the weights", expected, constants.units().name()));
    }
    let Some(config) = parts.remove(C::KEY) else { return Ok(None) };
    Ok(Some((constants, serde_json::from_value(renamed(config)).map_err(wrong)?)))
}

/// A configuration as it is now written: what is allowed was once told by what is not.
fn renamed(mut config: serde_json::Value) -> serde_json::Value {
    if let Some(constraints) = config.get_mut("constraints").and_then(serde_json::Value::as_object_mut)
        && let Some(serde_json::Value::Bool(without)) = constraints.remove("no_autapses")
    {
        constraints.insert("autapses".to_owned(), (!without).into());
    }
    config
}

/// An error if there is not enough memory to build a network of so many units.
fn check_memory(constants: &Constants, n_in: usize, n_rec: usize, n_out: usize) -> Result<()> {
    // While it is built there are: what is drawn, the masks, the constraints, the tensors, and copies of them where they are checked.
    const COPIES: usize = 8;
    let n_matrices = constants.units().wiring(n_rec).iter().filter(|wire| wire.is_recurrent()).count();
    let columns = n_rec.saturating_add(n_in).saturating_add(n_out);
    let needed = memory::floats(&[COPIES, n_matrices, n_rec, columns]);
    memory::check(format!("a network of {n_rec} units"), needed, "take fewer units")
}

/// Marks what training leaves as it is.
fn hold(parameters: &mut Parameters, frozen: &BTreeSet<String>, fixed: &BTreeMap<String, ArrayD<f32>>) -> Result<()> {
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
        known("freeze_entries", name)?;
        if frozen.contains(name) {
            let got = format!("both for \"{name}\"");
            return Err(Error::argument(
                "freeze_entries",
                "for other parameters than `freeze`, which freezes them whole",
                got,
            ));
        }
        parameters.freeze_entries(name, entries)?;
    }
    Ok(())
}

impl<C: Config> Network for Recurrent<C> {
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
        self.tensors.move_to(device)?;
        self.constraints.move_to(device)?;
        self.parameters.move_to(device)
    }

    fn constants(&self) -> Option<Constants> {
        self.config.has_plain_form().then(|| self.constants.clone())
    }

    fn initial_state(&self) -> Option<&'static str> {
        // Only what is the whole of a network's state can be carried over by itself.
        match self.constants.units().wiring(self.sizes.n_rec).initial() {
            [name] => Some(name),
            _ => None,
        }
    }

    fn rates(&self, states: &tch::Tensor) -> Result<tch::Tensor> {
        C::rates(self, states)
    }

    fn annotate(&self, weights: &mut Weights) -> Result<()> {
        let Sizes { n_in, n_rec, n_out, .. } = self.sizes;
        let connections = self.config.shared().constraints.connections(n_in, n_rec, n_out)?;
        self.config.annotate(&self.constants, connections, weights)?;
        weights.set_config(&Saved(&self.constants, &self.config))
    }

    fn forward(&self, weights: &Tensors, trials: &Trials) -> Result<Activity> {
        C::forward(self, weights, trials)
    }

    fn simulator(&self) -> Result<Simulator> {
        Ok(Simulator::new(&self.weights()?, self.constants.clone())?.with_pool(&self.pool))
    }

    fn set_weights(&mut self, weights: &Weights) -> Result<()> {
        let weights = self.constants.unsqueezed(weights);
        self.constants.check_trained(&weights)?;
        let raw = self.constraints.invert(&weights)?;
        self.parameters.replace(&raw)
    }

    fn run(&self, batch: &Batch) -> Result<Session> {
        match self.config.has_plain_form() {
            true => self.simulator()?.run(batch),
            false => run_on_libtorch(self, batch, None),
        }
    }
}
